"""The demo's working day: every operation is one that the front door takes, and tells a story."""

from datetime import UTC, datetime, timedelta

from railtrace.catalogue.load import load
from railtrace.projections.fold import resolve
from railtrace.projections.metrology import METROLOGY, standing
from railtrace.simulation.depots import Yard, depot_day
from railtrace.trace.checks import check
from railtrace.trace.leaf import microseconds
from tests.projections.railway import entries

GAUGE = "d-gauge-0417"
NOW = datetime(2026, 11, 26, 5, tzinfo=UTC)
YARD = Yard("north", {
    "wheelset_passenger": ["w-1", "w-2", "w-3", "w-4"], "wheelset_locomotive": ["w-5"],
    "coach": ["c-1", "c-2"], "locomotive": ["l-1"],
})  # fmt: skip


def day():
    return list(depot_day([YARD, Yard("south", {})], ["d-gauge-0417"], "d-lathe-0101", NOW, 156))


def test_every_operation_of_the_day_is_taken_and_none_has_two_ids() -> None:
    operations = day()
    for operation in operations:
        check(operation, NOW)
    assert len({o.id for o in operations}) == len(operations)


def test_the_gauges_of_the_laws_are_proved_at_every_moment_they_measured() -> None:
    mine = resolve(entries([o for o in day() if GAUGE in o.units]), GAUGE)
    state = METROLOGY.state(unit=GAUGE)
    for entry in mine:
        METROLOGY.apply(state, entry, entry.operation)
    for weeks in range(156):
        at = microseconds(NOW - timedelta(weeks=weeks))
        assert standing(state, at, "flange_thickness", "30").word == "valid"


def test_every_process_and_device_named_is_in_the_catalogue() -> None:
    catalogue = load()
    operations = day()
    processes = {o.process for o in operations if hasattr(o, "process")}
    assert processes <= set(catalogue.processes)
    types = {o.type for o in operations if hasattr(o, "type")}
    assert types <= set(catalogue.equipment_types)
