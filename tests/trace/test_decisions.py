"""Releases and refusals: what one decision shows wrong by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from railtrace.errors import BadOperation
from railtrace.trace.checks import check
from railtrace.trace.operation import (
    ContradictionResolved,
    Corrected,
    DecisionSignature,
    DefectClosed,
    GateReason,
    LeanedOn,
    LogSize,
    Measured,
    Released,
    ReleaseRefused,
    Restriction,
    named_operations,
)

NOW = datetime(2026, 3, 18, 6, 30, tzinfo=UTC)
LEANED = LeanedOn(operation="m-1", log="depot", position=7)
TAKEN = (LogSize(log="depot", size=8),)
NO_COAL = GateReason(gate="coal", weight="warning", text="0,4 of 0,6 t")


def released(**fields: Any) -> Released:
    said = {"units": ("u-1",), "scope": "unit", "leaned_on": (LEANED,), "positions": TAKEN}
    return Released(id="rel-1", happened_at=NOW, decision="d-1", **(said | fields))


def overridden(**fields: Any) -> GateReason:
    said = {"gate": "coal", "weight": "warning", "override_reason": "coal at the next stop",
            "override_until": NOW + timedelta(days=1)}  # fmt: skip
    return GateReason(overridden=True, **(said | fields))


def test_a_whole_decision_is_taken() -> None:
    signature = DecisionSignature(
        person="p-1", role="release_officer", method="paper", signed_at=NOW
    )
    check(
        released(
            reasons=(NO_COAL, overridden()), valid_until=NOW + timedelta(days=2),
            restrictions=(Restriction(rule="speed", value="80", unit_of_measure="km/h"),),
            signatures=(signature,),
        ),
        NOW,
    )  # fmt: skip


def test_a_consist_names_its_units_in_running_order() -> None:
    check(released(scope="consist", consist="c-61", units=("u-2", "u-1", "u-3")), NOW)


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        (released(units=("u-1", "u-2")), "names one unit"),
        (released(consist="c-61"), "names one unit and no consist"),
        (released(positions=TAKEN * 2), "twice in the position vector"),
        (released(positions=(LogSize(log="depot", size=7),)), "leans on entry 7 of depot, of "
                                                             "which it had taken 7"),
        (released(positions=()), "of which it had taken 0"),
        (released(valid_until=NOW), "not after it begins"),
        (released(reasons=(GateReason(gate="overdue", weight="mandatory"),)),
         "mandatory gate overdue"),
        (released(reasons=(overridden(weight="information"),)), "only a warning is overridden"),
        (released(reasons=(overridden(override_reason=""),)), "with a reason and an end"),
        (released(reasons=(overridden(override_until=None),)), "with a reason and an end"),
        (ReleaseRefused(id="r", happened_at=NOW, units=("u-1",), decision="d", scope="unit"),
         "at least one reason"),
    ],
)  # fmt: skip
def test_a_decision_that_is_wrong_by_itself_is_refused(decided: Any, said: str) -> None:
    with pytest.raises(BadOperation, match=said):
        check(decided, NOW)


def test_a_refusal_holds_mandatory_reasons() -> None:
    reason = GateReason(gate="overdue", weight="mandatory", operations=("o-1",))
    refused = ReleaseRefused(
        id="r", happened_at=NOW, units=("u-1",), decision="d", scope="unit", reasons=(reason,)
    )
    check(refused, NOW)
    assert named_operations(refused) == ("o-1",)


def test_an_operation_names_what_it_leans_on() -> None:
    closed = DefectClosed(id="c", happened_at=NOW, units=("u-1",), defect="d-7")
    resolved = ContradictionResolved(
        id="k", happened_at=NOW, units=("u-1",), contradiction="installed_twice:i-3",
        resolution="looked",
    )  # fmt: skip
    reason = GateReason(gate="coal", weight="warning", operations=("s-4", "m-1"))
    replaced = Corrected(
        id="x", happened_at=NOW, target="c", action="replace", reason="other", replacement=closed
    )
    assert named_operations(closed) == named_operations(replaced) == ("d-7",)
    assert named_operations(resolved) == ("i-3",)
    assert named_operations(released(reasons=(reason,))) == ("m-1", "s-4")
    assert named_operations(Measured(id="m", happened_at=NOW, units=("u-1",))) == ()
