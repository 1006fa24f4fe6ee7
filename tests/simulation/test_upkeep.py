"""What crews and contractors say in the demo is refused nowhere and contradicts nothing."""

from datetime import UTC, datetime

from railtrace.projections.all import VIEWS
from railtrace.projections.fold import fold, units_of
from railtrace.simulation.depots import Yard
from railtrace.simulation.upkeep import upkeep
from railtrace.trace.checks import check
from tests.projections.railway import entries

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
YARDS = (
    Yard("north", {"locomotive": ("l-1", "l-2", "l-3")}), Yard("south", {"coach": ("c-1",)}),
)  # fmt: skip


def test_every_operation_is_sound_and_no_view_finds_a_contradiction() -> None:
    inspected, freight = [f"i-{n}" for n in range(20)], ["f-1", "f-2"]
    operations = list(upkeep(YARDS, inspected, freight, ["w-1", "w-2", "w-3"], NOW))
    for operation in operations:
        check(operation, NOW)
    kinds = {type(operation).__name__ for operation in operations}
    assert {"CampaignDone", "RemarkCarriedOver", "ClaimAnswered", "RepairProgressed",
            "PaperIssued"} <= kinds
    told = entries(sorted(operations, key=lambda o: o.happened_at))
    for unit in {unit for operation in operations for unit in units_of(operation)}:
        mine = [entry for entry in told if unit in units_of(entry.operation)]
        for view in VIEWS:
            assert fold(view, unit, mine)[0].contradictions == {}, (unit, view.name)
