"""The demo's trains are refused nowhere, contradict nothing, and stand in every stage."""

from datetime import UTC, datetime

from railtrace.projections.all import VIEWS
from railtrace.projections.consist import CONSIST, Consist
from railtrace.projections.fold import fold, units_of
from railtrace.simulation.trains import Fleet, staff_coaches, trains_day
from railtrace.trace.checks import check
from railtrace.trace.operation import GateReason, Operation
from tests.projections.railway import entries

NOW = datetime(2026, 11, 20, 6, 13, tzinfo=UTC)
WHY = GateReason(gate="work_open", weight="mandatory", unit="b-1", row="work_open", text="x")


def told(coaches: int, wagons: int) -> list[Operation]:
    fleet = Fleet("south", [f"c-{n}" for n in range(coaches)], {"b-1": [WHY]},
                  [f"w-{n}" for n in range(wagons)], ["l-1"])  # fmt: skip
    return [*staff_coaches("south", NOW), *trains_day(fleet, NOW)]


def test_every_operation_is_sound_and_no_view_finds_a_contradiction() -> None:
    operations = told(90, 60)
    for operation in operations:
        check(operation, NOW)
    assert len({operation.id for operation in operations}) == len(operations)
    written = entries(sorted(operations, key=lambda o: o.happened_at))
    for unit in {unit for operation in operations for unit in units_of(operation)}:
        mine = [entry for entry in written if unit in units_of(entry.operation)]
        for view in VIEWS:
            assert fold(view, unit, mine)[0].contradictions == {}, (unit, view.name)


def test_no_coach_stands_in_two_trains_that_are_not_home() -> None:
    for coaches, wagons in ((90, 60), (12, 8)):
        consists = _consists(told(coaches, wagons))
        out = [unit for one in consists.values() if one.open for unit in one.units]
        assert len(out) == len(set(out))
        assert all(len(one.units) >= 2 for one in consists.values())


def test_each_train_is_where_the_day_left_it() -> None:
    consists = _consists(told(90, 60))
    assert {name for name, one in consists.items() if one.departed_us} == {"329", "319"}
    assert [one.unit for one in consists["329"].detached] == ["c-13"]
    assert [len(consists[name].signed()) for name in ("603", "359", "601")] == [0, 2, 2]
    assert consists["601"].decided("depart").released  # type: ignore[union-attr]
    assert consists["601"].braked()
    assert not consists["335"].decided("ready").released  # type: ignore[union-attr]
    assert len(consists["2703"].units) == 56


def _consists(operations: list[Operation]) -> dict[str, Consist]:
    written = entries(sorted(operations, key=lambda o: o.happened_at))
    names = {unit for one in operations for unit in units_of(one) if unit.startswith("consist:")}
    folded = {
        name: fold(CONSIST, name, [e for e in written if name in units_of(e.operation)])[0]
        for name in names
    }  # fmt: skip
    return {state.train: state for state in folded.values() if isinstance(state, Consist)}
