"""A unit in an accident is held until the commission lifts it; its wheelsets are examined."""

from railtrace.catalogue.load import load
from railtrace.projections.accident import ACCIDENT, Accidents
from railtrace.projections.all import VIEWS
from railtrace.projections.fold import State, fold, resolve, units_of
from railtrace.projections.release import accident_gates
from railtrace.trace.operation import Operation
from tests.projections.railway import entries, op

WAGON, ONE, TWO, NEW = "v-1", "w-1", "w-2", "w-3"


def declared(day: int = 10, **fields: object) -> Operation:
    said = {"units": (WAGON,), "accident": "a", "event": "derailment", "what": "two axles",
            "wheelsets": (ONE,)} | fields  # fmt: skip
    return op("AccidentDeclared", "dec", day, **said)


def lifted(day: int = 20, *units: str) -> Operation:
    return op("AccidentLifted", "lift", day, units=units or (WAGON, ONE), accident="a", act="17",
              decided_by="chairman")  # fmt: skip


def set_of(unit: str, on_day: int) -> list[Operation]:
    return [
        op("Registered", f"r-{unit}", on_day, units=(unit,), type="wheelset_freight"),
        op("Installed", f"i-{unit}", on_day, units=(unit,), carrier=WAGON,
           position=f"bogie.1/{unit}"),
    ]  # fmt: skip


def examined(unit: str, day: int) -> Operation:
    return op("LeftRepair", f"x-{unit}", day, units=(unit,),
              repair_kind="полное освидетельствование")  # fmt: skip


BEFORE = [op("Registered", "r", 1, units=(WAGON,), type="gondola"), *set_of(ONE, 2),
          *set_of(TWO, 2)]  # fmt: skip


def gates(operations: list[Operation], *units: str) -> list[tuple[str, str]]:
    told = entries(sorted(operations, key=lambda o: o.happened_at))
    states: list[tuple[str, dict[str, State]]] = []
    for unit in units or (WAGON, ONE, TWO):
        mine = [e for e in told if unit in units_of(e.operation)]
        states.append((unit, {v.name: fold(v, unit, resolve(mine, unit))[0] for v in VIEWS}))
    return [(gate.name, gate.unit) for gate in accident_gates(states)]


def test_everything_is_held_and_every_wheelset_that_was_there_is_to_be_examined() -> None:
    assert gates([*BEFORE, declared()]) == [
        ("accident_hold", WAGON), ("accident_hold", ONE), ("not_examined", ONE),
        ("not_examined", TWO),
    ]  # fmt: skip


def test_the_commission_lifts_the_hold_and_the_examination_stays_to_be_done() -> None:
    after = [*BEFORE, declared(), lifted()]
    assert gates(after) == [("not_examined", ONE), ("not_examined", TWO)]
    assert gates([*after, examined(ONE, 22), examined(TWO, 23)]) == []
    assert ("not_examined", ONE) in gates([*after, examined(ONE, 9)]), "of before the accident"


def test_a_wheelset_of_the_accident_is_to_be_examined_wherever_it_is_and_a_new_one_is_not() -> None:
    moved = [*BEFORE, declared(), lifted(), *set_of(NEW, 25),
             op("Removed", "off", 24, units=(ONE,), carrier=WAGON)]  # fmt: skip
    assert gates(moved, WAGON, TWO, NEW) == [("not_examined", TWO)]
    assert gates(moved, ONE) == [("not_examined", ONE)]


def test_a_fire_holds_and_asks_for_no_examination() -> None:
    assert gates([*BEFORE, declared(event="fire", wheelsets=())]) == [("accident_hold", WAGON)]


def test_work_while_held_is_recorded_and_contradicts() -> None:
    work = [op("OrderOpened", "o", day, units=(WAGON,), work_order="1", process="p")
            for day in (9, 15, 21)]  # fmt: skip
    for n, one in enumerate(work):
        state, _ = fold(ACCIDENT, WAGON, entries(
            sorted([declared(), lifted(), one], key=lambda o: o.happened_at)))  # fmt: skip
        names = [c.name for c in state.contradictions.values()]
        assert names == (["work_under_accident_hold"] if n == 1 else [])


def test_what_is_lifted_without_being_held_or_declared_twice_is_named() -> None:
    state, _ = fold(ACCIDENT, WAGON, entries([lifted()]))
    assert [c.name for c in state.contradictions.values()] == ["accident_not_held"]
    again = op("AccidentDeclared", "again", 11, units=(WAGON,), accident="a", event="fire",
               what="x")  # fmt: skip
    state, _ = fold(ACCIDENT, WAGON, entries([declared(), again]))
    assert isinstance(state, Accidents)
    assert [c.name for c in state.contradictions.values()] == ["accident_declared_twice"]
    assert state.accidents["a"].event == "derailment"


def test_the_catalogue_names_the_examination() -> None:
    from railtrace.projections.accident import FULL_EXAMINATION

    assert FULL_EXAMINATION in {row.kind for row in load().services.values()}
