"""What leaned on what: a version that held then and holds no more is named."""

from railtrace.projections.leaning import gone, standing_on
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import LeanedOn, LogSize, Operation
from tests.projections.railway import entries, op

MEASURED = op("Measured", "m-1", 1, units=("u-1",))


def _released(name: str, target: str, position: int, taken: int, day: float = 2) -> Operation:
    return op(
        "Released", name, day, units=("u-1",), decision=name, scope="unit",
        leaned_on=(LeanedOn(operation=target, log="north", position=position),),
        positions=(LogSize(log="north", size=taken),),
    )  # fmt: skip


def _void(name: str, target: str, day: float = 3) -> Operation:
    return op("Corrected", name, day, target=target, action="void", reason="wrong coach")


def _by_target(*corrections: Entry) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in corrections:
        found.setdefault(entry.operation.target, []).append(entry)  # type: ignore[union-attr]
    return found


def test_a_release_before_the_correction_leaned_on_what_is_gone() -> None:
    _, released, correction = entries([MEASURED, _released("r", "m-1", 0, 1), _void("c", "m-1")])
    assert gone(released, _by_target(correction)) == [("m-1", correction)]


def test_a_release_that_knew_the_correction_leaned_on_nothing_gone() -> None:
    _, correction, released = entries([MEASURED, _void("c", "m-1"), _released("r", "m-1", 1, 2)])
    assert gone(released, _by_target(correction)) == []


def test_the_position_vector_says_what_was_known_not_the_order_of_recording() -> None:
    _, correction, released = entries([MEASURED, _void("c", "m-1"), _released("r", "m-1", 0, 1)])
    assert gone(released, _by_target(correction)) == [("m-1", correction)]


def test_a_correction_made_void_again_takes_nothing_away() -> None:
    _, released, first, second = entries(
        [MEASURED, _released("r", "m-1", 0, 1), _void("c", "m-1"), _void("c-2", "c", 4)]
    )
    assert gone(released, _by_target(first, second)) == []


def test_a_release_that_leaned_on_a_correction_since_made_void_says_so() -> None:
    _, first, released, second = entries(
        [MEASURED, _void("c", "m-1"), _released("r", "m-1", 1, 2), _void("c-2", "c", 4)]
    )
    assert gone(released, _by_target(first, second)) == [("m-1", second)]


def test_what_names_an_earlier_entry_without_a_vector_knew_what_was_recorded_before() -> None:
    found, closed, correction = entries([
        op("DefectFound", "d", 1, units=("u-1",), code="102"),
        op("DefectClosed", "k", 2, units=("u-1",), defect="d"),
        _void("c", "d"),
    ])  # fmt: skip
    assert gone(closed, _by_target(correction)) == [("d", correction)]
    assert gone(found, _by_target(correction)) == []


def test_everything_that_leans_on_an_entry_is_found_through_what_leans_on_it() -> None:
    found, closed, released, other = entries([
        op("DefectFound", "d", 1, units=("u-1",), code="102"),
        op("DefectClosed", "k", 2, units=("u-1",), defect="d"),
        _released("r", "k", 1, 2),
        _released("r-2", "elsewhere", 1, 2),
    ])  # fmt: skip
    named = {"d": [closed], "k": [released], "elsewhere": [other]}
    rest = standing_on("d", lambda ids: [(i, e) for i in ids for e in named.get(i, ())])
    assert rest == [(closed, "d"), (released, "k")]
    assert found.operation.id == "d"
