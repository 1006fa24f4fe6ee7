from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from railtrace.catalogue.in_force import limit_for, limits_for
from railtrace.catalogue.load import load
from railtrace.catalogue.rows import Catalogue, Limit, Moment

SHIPPED = load()
DAY = date(2026, 3, 1)


def applying(quantity: str, unit_type: str, moment: Moment = "in_service", **how: object) -> str:
    limit = limit_for(SHIPPED, quantity, unit_type, moment, DAY, **how)  # type: ignore[arg-type]
    return limit.key if limit else ""


def with_limits(*limits: Limit) -> Catalogue:
    return replace(SHIPPED, limits={limit.key: limit for limit in limits})


def flange(key: str, **changes: object) -> Limit:
    return replace(SHIPPED.limits["flange.pte"], key=key, max_speed_kmh_to=None, **changes)


@pytest.mark.parametrize(
    ("quantity", "unit_type", "key"),
    [
        ("flange_thickness", "wheelset_freight", "flange.freight.cis"),
        ("flange_thickness", "wheelset_locomotive", "flange.pte"),
        ("rim_thickness", "wheelset_freight", "rim.freight.pte"),
        ("rim_thickness", "wheelset_passenger", "rim.passenger.pte"),
        ("rim_thickness", "wheelset_locomotive", ""),
        ("tread_wear", "wheelset_locomotive", "tread_wear.passenger.pte"),
        ("back_to_back", "wheelset_passenger", "back_to_back.pte"),
        ("coupler_height", "2te10m", "coupler_height.occupied"),
        ("coupler_height", "gondola", "coupler_height.freight"),
        ("coupler_height", "track_machine", "coupler_height"),
        ("insulation_resistance", "locomotive_control", "insulation.locomotive_control"),
        ("insulation_resistance", "traction_motor", ""),
        ("brake_wiring_insulation", "coach_open", "insulation.coach_brake_wiring"),
        ("no_such_quantity", "gondola", ""),
    ],
)
def test_the_shipped_limit_in_service(quantity: str, unit_type: str, key: str) -> None:
    assert applying(quantity, unit_type) == key


def test_the_speed_band_is_over_from_and_up_to() -> None:
    bands = {v: applying("flange_thickness", "wheelset_passenger", max_speed_kmh=v)
             for v in (120, 121, 140, 141)}  # fmt: skip
    assert bands == {120: "flange.pte", 121: "flange.pte.fast", 140: "flange.pte.fast", 141: ""}


def test_a_flat_found_en_route_is_judged_by_the_speed_still_allowed() -> None:
    speeds = {v: applying("flat_depth", "wheelset_passenger", "en_route", max_speed_kmh=v)[-2:]
              for v in (10, 15, 100, 140)}  # fmt: skip
    assert speeds == {10: "10", 15: "15", 100: "00", 140: "40"}
    assert applying("flat_depth", "wheelset_passenger") == ""


def test_the_row_that_names_a_place_wins_there_only() -> None:
    joint = "coupler_height_difference"
    assert applying(joint, "gondola", place="behind_locomotive") == f"{joint}.freight.locomotive"
    assert applying(joint, "gondola") == f"{joint}.freight"


def test_a_norm_of_another_country_is_shown_but_does_not_apply() -> None:
    assert SHIPPED.limits["rim.freight.ua"].min == "24"
    assert applying("rim_thickness", "wheelset_freight", "at_departure") == "rim.freight.pte"


def test_what_holds_in_service_holds_after_repair_until_a_row_says_more() -> None:
    general, stricter = flange("general"), flange("stricter", moment="after_repair", min="30")
    assert applying("flange_thickness", "wheelset_locomotive", "after_repair") == "flange.pte"
    found = limits_for(with_limits(general, stricter), "flange_thickness", None, None,
                       "after_repair", DAY)  # fmt: skip
    assert [limit.key for limit in found] == ["stricter", "general"]


def test_the_railways_own_norm_comes_before_a_more_particular_one_of_another() -> None:
    own = flange("own", jurisdiction="TJ")
    cis = SHIPPED.limits["flange.freight.cis"]
    found = limit_for(with_limits(own, cis), "flange_thickness", "wheelset_freight",
                      "in_service", DAY)  # fmt: skip
    assert found == own


def test_a_row_holds_from_its_first_to_its_last_day() -> None:
    old = flange("old", valid_from=date(2020, 1, 1), valid_to=date(2026, 2, 28))
    new = flange("new", valid_from=date(2026, 3, 1))
    both = with_limits(old, new)

    def on(day: date) -> str | None:
        limit = limit_for(both, "flange_thickness", "wheelset_freight", "in_service", day)
        return limit.key if limit else None

    assert on(date(2019, 12, 31)) is None
    assert on(date(2026, 2, 28)) == "old"
    assert on(datetime(2026, 3, 1, 6, tzinfo=UTC)) == "new"


@given(st.permutations(list(SHIPPED.limits.values())), st.sampled_from([None, 15, 100, 130, 160]))
def test_the_choice_does_not_depend_on_the_order_of_rows(
    limits: list[Limit], max_speed_kmh: int | None
) -> None:
    def found(catalogue: Catalogue, quantity: str, unit_type: str) -> tuple[Limit, ...]:
        return limits_for(catalogue, quantity, unit_type, "coach", "at_departure", DAY,
                          max_speed_kmh=max_speed_kmh)  # fmt: skip

    shuffled = with_limits(*limits)
    for quantity in ("flange_thickness", "tread_wear", "flat_depth", "coupler_height_difference"):
        for key in ("wheelset_freight", "wheelset_passenger", "coach_open"):
            assert found(shuffled, quantity, key) == found(SHIPPED, quantity, key)
