"""Which logs of others had a unit unheard: by when it was last written of, shown, and heard."""

from hypothesis import given
from hypothesis import strategies as st

from railtrace.projections.elsewhere import Holding, Member, Told, holdings, is_elsewhere
from railtrace.projections.maintenance import HOUR_US

BODY = [Member("coach"), Member("wheelset", 40 * HOUR_US)]
NOW_US = 100 * HOUR_US


def told(hour: float, log: str, kind: str = "Inspected") -> Told:
    at_us = round(hour * HOUR_US)
    return Told(at_us, at_us, log, round(hour * 10), kind, f"{log}-{hour}")


def had(heard_h: float, coach: list[Told], wheelset: list[Told] | None = None) -> list[Holding]:
    entries = {"coach": coach, "wheelset": wheelset or []}
    return holdings(BODY, entries, {"north": round(heard_h * HOUR_US)})


def unheard_h(one: Holding) -> float:
    return one.unheard_us(NOW_US) / HOUR_US


def test_a_unit_that_no_other_log_speaks_of_was_in_nobody_s_hands() -> None:
    assert had(0, [told(10, "here"), told(20, "here")]) == []


def test_who_wrote_of_it_last_has_it_until_now() -> None:
    [one] = had(20, [told(5, "here"), told(10, "north")])
    assert (one.operation, one.until_us, unheard_h(one)) == ("north-10", None, 80)
    assert is_elsewhere(one, 24, NOW_US)


def test_what_was_shown_here_ends_it_and_the_gap_before_that_stays() -> None:
    [one] = had(20, [told(10, "north"), told(60, "here"), told(90, "here")])
    assert unheard_h(one) == 40
    [heard_since] = had(61, [told(10, "north"), told(60, "here")])
    assert unheard_h(heard_since) == -1
    assert not is_elsewhere(heard_since, 0.1, NOW_US)


def test_a_plan_a_paper_or_a_composition_here_shows_nobody_that_it_is_here() -> None:
    for kind in ("PlacePlanned", "ConsistComposed", "PaperIssued", "Ran", "CampaignJoined"):
        [one] = had(20, [told(10, "north"), told(60, "here", kind)])
        assert one.until_us is None


def test_a_part_is_shown_by_the_vehicle_it_is_on_and_not_by_that_of_before() -> None:
    [one] = had(5, [told(30, "here"), told(50, "here")], [told(10, "north")])
    assert (one.unit, unheard_h(one)) == ("wheelset", 45)


def test_of_a_vehicle_and_its_parts_the_longest_unheard_is_told() -> None:
    [one] = had(10, [told(9, "north"), told(20, "here")], [told(8, "north"), told(70, "here")])
    assert one.unit == "wheelset"
    [still] = had(10, [told(9, "north"), told(20, "here")], [told(39, "north", "Ran")])
    assert (still.unit, still.until_us) == ("wheelset", None)


def test_a_third_log_shows_it_as_well_as_ours() -> None:
    [one] = had(10, [told(9, "north"), told(30, "south")])
    assert unheard_h(one) == 20


entry = st.builds(
    told, st.integers(0, 99), st.sampled_from(["here", "north", "south"]),
    st.sampled_from(["Inspected", "Ran"]),
)  # fmt: skip


@given(st.lists(entry, max_size=8), st.lists(entry, max_size=8), st.randoms())
def test_the_order_of_arrival_changes_nothing(
    coach: list[Told], wheelset: list[Told], random: object
) -> None:
    first = had(30, coach, wheelset)
    random.shuffle(coach)  # type: ignore[attr-defined]
    random.shuffle(wheelset)  # type: ignore[attr-defined]
    again = had(30, coach, wheelset)
    lengths = [unheard_h(one) for one in first]
    assert [unheard_h(one) for one in again] == lengths


@given(st.lists(entry, max_size=8), st.integers(0, 99), st.integers(0, 99))
def test_hearing_later_never_makes_a_unit_stand_elsewhere(
    coach: list[Told], first: int, second: int
) -> None:
    earlier, later = (had(h, coach) for h in sorted((first, second)))
    for before, after in zip(earlier, later, strict=True):
        assert after.unheard_us(NOW_US) <= before.unheard_us(NOW_US)
