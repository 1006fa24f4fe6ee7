"""The shift report: what was recorded in a shift, and the signed head that proves it later."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from django.test import Client
from PIL import Image

from railtrace.app import App
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.operation import Inspected, Ran
from railtrace.web.people.shift_report import head_for, recorded_in
from railtrace.web.people.shifts import shift_at
from tests.web.import_sheets import railway_of_its_own

ZONE = ZoneInfo("Asia/Dushanbe")
MORNING = datetime(2026, 3, 18, 8, tzinfo=ZONE)


@pytest.fixture
def depot(railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Return a railway whose clock stands where a test puts it."""
    with railway_of_its_own(tmp_path / "data", monkeypatch) as app:
        yield app


def _record(app: App, at: datetime, *operations: Any) -> None:
    from railtrace.trace.ledger import Submission, record

    record(app.trace, "main", [Submission(one, "p-ann", "web") for one in operations], at)
    app.catch_up()


def _looked(id_: str, at: datetime, by: str = "p-ann") -> Inspected:
    return Inspected(id=id_, happened_at=at, units=("u-1",), performed_by=(by,))


@pytest.fixture
def two_shifts(depot: App) -> App:
    """Record six entries: two in the day shift of tomorrow, three in its night, one after."""
    start = datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0)
    start += timedelta(days=1)
    hours = {"d-1": 1, "d-2": 11.99, "n-1": 12, "n-2": 15, "n-3": 23.9, "after": 24}
    for id_, hour in hours.items():
        at = start + timedelta(hours=hour)
        _record(depot, at, _looked(id_, at))
    return depot


def _day() -> datetime:
    return datetime.now(ZONE).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)


def test_an_entry_belongs_to_the_shift_it_was_recorded_in(two_shifts: App) -> None:
    for hour, expected in ((9, ["d-1", "d-2"]), (21, ["n-1", "n-2", "n-3"])):
        shift = shift_at(_day() + timedelta(hours=hour - 8), ("08:00", "20:00"), ZONE)
        entries, _stop = recorded_in("main", shift, "")
        assert [e.operation.id for e in entries] == expected


def test_the_head_covers_the_shift_and_a_reprint_has_the_same(two_shifts: App) -> None:
    shift = shift_at(_day() + timedelta(hours=1), ("08:00", "20:00"), ZONE)
    _entries, stop = recorded_in("main", shift, "")
    first = two_shifts.checkpoint("main")
    _record(two_shifts, _day() + timedelta(days=2), _looked("later", _day()))
    two_shifts.checkpoint("main")
    head = head_for("main", stop)
    assert head is not None
    assert head.size >= stop
    assert str(head_for("main", stop)) == str(head)
    assert head.size <= first.size


def test_the_page_counts_filters_and_shows_the_head_as_a_code(
    two_shifts: App, reader_as: Callable[..., Client]
) -> None:
    foreman = reader_as("foreman")
    day = f"{_day():%Y-%m-%d}"
    shown = foreman.get(f"/trace/shift?site=&day={day}&shift=2")
    assert shown.context["total"] == 3
    assert "Inspected · 3" in shown.text
    head = Checkpoint.parse(str(shown.context["head"]))
    assert head.origin == two_shifts.trace.head("main").origin
    assert head.size >= 6
    assert str(shown.context["head"]).splitlines()[2] in shown.text
    assert "No second holder has cosigned this head yet" in shown.text
    assert foreman.get(f"/trace/shift?site=&day={day}&shift=2&person=p-bob").context["total"] == 0
    assert foreman.get(f"/trace/shift?site=&day={day}&shift=1&kind=Inspected").context["total"] == 2
    assert "Nothing was recorded" in foreman.get("/trace/shift?site=&day=2020-01-01&shift=1").text


def test_the_code_on_paper_is_the_signed_head(two_shifts: App) -> None:
    import segno

    head = str(two_shifts.checkpoint("main"))
    file = io.BytesIO()
    segno.make(head, error="m").save(file, kind="png", scale=4)
    [code] = zxingcpp.read_barcodes(Image.open(file))
    assert Checkpoint.parse(code.text) == Checkpoint.parse(head)


def test_a_second_holder_s_cosignature_is_shown(
    two_shifts: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.people import shift_report

    at = _day()
    monkeypatch.setattr(shift_report, "cosigned_by", lambda *_: {"headquarters.example": at})
    shown = reader_as("foreman").get("/trace/shift?site=").text
    assert "Cosigned by headquarters.example" in shown


def test_a_unit_names_the_logs_it_is_merged_of(
    two_shifts: App, reader_as: Callable[..., Client]
) -> None:
    _record(two_shifts, _day() + timedelta(days=3), Ran(id="r", happened_at=_day(), units=("u-1",),
                                                        distance_km="5"))  # fmt: skip
    shown = reader_as("viewer").get("/units/u-1").text
    assert "Merged of" in shown
    assert "7 entries of this unit" in shown
    assert "written here" in shown
