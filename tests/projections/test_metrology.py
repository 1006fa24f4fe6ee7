"""An instrument is believed by the moment of its reading; a withdrawal makes a window suspect."""

from datetime import timedelta

import pytest

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import fold, resolve
from railtrace.projections.metrology import METROLOGY, Standing, standing
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Range
from tests.projections.railway import START, entries, op

DAY = timedelta(days=1)


def at(day: float) -> int:
    return microseconds(START + day * DAY)


def instrument(*operations):
    return fold(METROLOGY, "g-1", entries(operations))[0]


def verified(id_, day, first, last, **more):
    return op("Verified", id_, day, units=("g-1",), valid_from=START + first * DAY,
              valid_to=START + last * DAY, register_entry="А/1-2026/123", **more)  # fmt: skip


def withdrawn(day, first, last):
    return op("InstrumentWithdrawn", "w", day, units=("g-1",), window_from=START + first * DAY,
              window_to=START + last * DAY, finding="reads 0.6 mm too thick")  # fmt: skip


def test_a_unit_of_which_nothing_is_proved_is_no_instrument() -> None:
    gone = op("Corrected", "c", 2, units=("g-1",), target="v", action="void", reason="of another")
    kept = instrument(verified("v", 0, 0, 365))
    assert METROLOGY.rows(kept, Catalogue())["instruments"]
    alone = fold(METROLOGY, "g-1", resolve(entries([verified("v", 0, 0, 365), gone]), "g-1"))[0]
    assert METROLOGY.rows(alone, Catalogue()) == {}


@pytest.mark.parametrize(
    ("day", "word"), [(-1, "not_yet"), (0, "valid"), (364, "valid"), (366, "expired")]
)
def test_validity_is_judged_at_the_moment_of_the_reading(day, word) -> None:
    assert standing(instrument(verified("v", 0, 0, 365)), at(day)).word == word


def test_a_certificate_entered_late_holds_for_the_days_it_names() -> None:
    late = instrument(verified("v", 200, 0, 365))
    assert standing(late, at(100)).word == "valid"


def test_an_instrument_nobody_recorded_does_not_stop_but_is_not_valid_either() -> None:
    assert standing(None, at(1)).word == "unrecorded"
    assert not standing(None, at(1)).stops


def test_a_certificate_that_a_gateway_says_has_ended_stops_only_what_the_trace_cannot_prove():
    assert standing(None, at(1), expired_by="m:r") == Standing("expired", "m:r")
    assert standing(instrument(verified("v", 0, 0, 365)), at(1), expired_by="m:r").word == "valid"


def test_a_withdrawal_makes_its_window_suspect_and_the_rest_invalid_until_the_next_proof() -> None:
    gauge = instrument(verified("v", 0, 0, 365), withdrawn(50, 35, 50), verified("v2", 60, 60, 400))
    words = [standing(gauge, at(day)).word for day in (34, 35, 49, 50, 55, 61)]
    assert words == ["valid", "suspect", "suspect", "suspect", "withdrawn", "valid"]


def test_a_failed_check_ends_what_was_valid() -> None:
    gauge = instrument(verified("v", 0, 0, 365), verified("f", 90, 90, 91, outcome="failed"))
    assert [standing(gauge, at(day)).word for day in (89, 95)] == ["valid", "failed"]


def test_a_reading_outside_the_range_is_not_leaned_on() -> None:
    span = Range(quantity="flange_thickness", unit="mm", low="20", high="40", uncertainty="0.1")
    gauge = instrument(verified("v", 0, 0, 365, ranges=(span,)))
    said = [standing(gauge, at(1), "flange_thickness", v).word for v in ("19.9", "20", "41")]
    assert said == ["out_of_range", "valid", "out_of_range"]
    assert standing(gauge, at(1), "tread_wear", "99").word == "valid"
