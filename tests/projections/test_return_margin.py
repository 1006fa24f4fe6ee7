"""Return margin: where on the trip something runs out, and who could serve it before."""

from datetime import UTC, datetime

import pytest

from railtrace.catalogue.load import load
from railtrace.projections.maintenance import Criterion, Due
from railtrace.projections.return_margin import shortages, spot_at_km, spot_at_time
from railtrace.trace.leaf import microseconds

DEPARTS_US = microseconds(datetime(2026, 12, 12, 6, tzinfo=UTC))
MOSCOW = load().routes["dushanbe-moscow"]
HOUR_US = 3_600_000_000


def due(left_km: float = 9_000, kind: str = "КР-1", calendar_us: int | None = None) -> Due:
    criterion = Criterion("km", 600_000 - left_km, 600_000, "km")
    return Due("v", kind, "s", "ok", criteria=(criterion,), calendar_us=calendar_us)


@pytest.mark.parametrize(("km", "after", "back"), [
    (0, 0, False), (700, 1, False), (4200, 6, False), (4300, 6, True), (7900, 1, True),
])  # fmt: skip
def test_a_kilometre_of_the_trip_lies_between_two_stops(km, after, back) -> None:
    spot = spot_at_km(MOSCOW, DEPARTS_US, km)
    assert (spot.after, spot.back) == (after, back)


def test_the_way_back_takes_as_long_as_the_way_there_after_the_turnaround() -> None:
    home = spot_at_km(MOSCOW, DEPARTS_US, 8400)
    assert (home.at_us - DEPARTS_US) / HOUR_US == pytest.approx(94 + 26 + 94)


def test_what_lasts_to_the_end_is_no_shortage() -> None:
    assert shortages(MOSCOW, DEPARTS_US, [due(8400)]) == []
    assert shortages(MOSCOW, DEPARTS_US, [due(8399)]) != []


def test_a_coach_with_7900_km_left_is_500_km_short_on_the_way_back() -> None:
    short = shortages(MOSCOW, DEPARTS_US, [due(7_900)])[0]
    assert (short.short, short.left, short.unit) == (500, 7_900, "km")
    assert short.spot.back


def test_a_stop_that_does_the_kind_before_it_runs_out_is_named() -> None:
    short = shortages(MOSCOW, DEPARTS_US, [due(5_000, "ТО-3")])[0]
    assert [MOSCOW.stops[n].en for n in short.served_at] == ["Moscow"]
    assert shortages(MOSCOW, DEPARTS_US, [due(3_000, "ТО-3")])[0].served_at == ()


def test_a_date_within_the_trip_is_a_shortage_in_days() -> None:
    at_us = DEPARTS_US + 50 * HOUR_US
    short = shortages(MOSCOW, DEPARTS_US, [due(calendar_us=at_us)])[0]
    assert (short.unit, short.spot.back) == ("d", False)
    assert spot_at_time(MOSCOW, DEPARTS_US, at_us).after == 3


def test_what_is_overdue_already_is_not_told_twice() -> None:
    late = Due("v", "КР-1", "s", "overdue", criteria=(Criterion("km", 7, 6, "km"),))
    assert shortages(MOSCOW, DEPARTS_US, [late]) == []
