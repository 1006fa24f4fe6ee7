"""The week of a site: laid down, moved about, bettered, agreed, held against what happened."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from python_calamine import CalamineWorkbook

from railtrace.app import App
from railtrace.config import Config, Site, Track
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    OrderBlocked,
    OrderOpened,
    Placed,
    QualificationGranted,
    Registered,
    StepDone,
)
from railtrace.web.roles import give
from tests.web.import_sheets import running_app

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)  # A Monday, ten o'clock in Dushanbe.
SITE = "depot"
SET = "u-week-set"
MACHINES = ("wheelset_washer", "wheel_gauge", "wheel_lathe", "ut_set", "mt_set", "bearing_stand")
RIGHTS = (("p-ut", "ndt_ut"), ("p-mt", "ndt_mt"), ("p-fit", "fitter"))


def _opened(number: int, unit: str, process: str, days: float = 2) -> OrderOpened:
    return OrderOpened(
        id=f"wk-o{number}", happened_at=NOW - DAY, units=(unit,), work_order=f"WO-W{number}",
        process=process, site=SITE, planned_to=NOW + days * DAY,
    )  # fmt: skip


def _operations(coach: str) -> list[Any]:
    then = NOW - 100 * DAY
    operations: list[Any] = [
        Registered(id=f"wk-{kind}", happened_at=then, units=(f"d-week-{kind}",), type=kind,
                   home_site=SITE)
        for kind in MACHINES
    ]  # fmt: skip
    operations += [
        QualificationGranted(id=f"wk-q-{person}", happened_at=then, person=person,
                             qualification=right, valid_from=then, valid_to=NOW + 300 * DAY)
        for person, right in RIGHTS
    ]  # fmt: skip
    for n in range(6):
        unit = f"{SET}-{n}"
        operations += [
            Registered(id=f"wk-s{n}", happened_at=then, units=(unit,), type="wheelset_freight",
                       home_site=SITE),
            _opened(n, unit, "wheelset_ordinary", 1 + n % 3),
        ]  # fmt: skip
    operations += [
        OrderBlocked(id="wk-b", happened_at=NOW - DAY, units=(f"{SET}-5",), work_order="WO-W5",
                     cause="parts", reason="no bearings"),
        Registered(id="wk-c", happened_at=then, units=("u-week-coach",), type=coach,
                   home_site=SITE),
        Placed(id="wk-p", happened_at=NOW - DAY, units=("u-week-coach",), site=SITE, track="1",
               position="2"),
    ]  # fmt: skip
    return operations


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return a depot with machines, people and six wheelsets under orders."""
    from railtrace.web import texts

    texts.compile_all()
    tracks = {"1": Track(ru="Путь 1", en="Track 1", positions=2)}
    sites = {SITE: Site(ru="Депо", en="Depot", tracks=tracks)}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("week")
        with running_app(Config(data=str(folder), sites=sites), patch) as app:
            patch.setattr(app, "clock", lambda: NOW)
            coach = next(k for k, v in app.catalogue().vehicle_types.items()
                         if v.vehicle_class == "coach")  # fmt: skip
            results = app.record(_operations(coach), "p-test", "test")
            assert all(isinstance(result, Receipt) for result in results), results
            assert app.wait_caught_up(10)
            yield app


@pytest.fixture
def desk(railway: App, reader_as: Callable[..., Client]) -> Client:
    return reader_as("technologist")


WISH = {"site": SITE, "hands": "2", "freeze_h": "2", "dues": "on",
        **{f"shift:{person}": "1" for person, _ in RIGHTS}}  # fmt: skip


def _laid(desk: Client) -> dict[str, Any]:
    answered = desk.post("/planning/week/lay", WISH)
    assert answered.status_code == 302, answered.text
    return desk.get("/planning/week/", {"site": SITE}).context  # type: ignore[return-value]


def test_a_week_is_laid_down_from_the_orders_of_the_trace(desk: Client) -> None:
    shown = _laid(desk)
    assert shown["faults"] == []
    assert {row.order for row in shown["rows"]} == {f"WO-W{n}" for n in range(5)}
    assert ("WO-W5", "the order is blocked") in {(o, why) for o, _, why in shown["skipped"]}
    assert min(row.start_us for row in shown["rows"]) >= shown["laid"].made_us
    lathe = next(lane for lane in shown["lanes"] if lane.key == "d-week-wheel_lathe")
    assert lathe.bars
    assert 0 < lathe.load < 1


def test_a_step_is_moved_and_the_rest_is_planned_around_it(desk: Client) -> None:
    shown = _laid(desk)
    turned = next(r for r in shown["rows"] if r.order == "WO-W2" and "Turn" in r.step)
    later = turned.start_us + 3 * 3_600_000_000
    sent = {"site": SITE, "task": f"{turned.job}#{turned.number}", "at": str(later)}
    assert desk.post("/planning/week/move", sent).status_code == 302
    shown = desk.get("/planning/week/", {"site": SITE}).context
    put = next(r for r in shown["rows"] if (r.job, r.number) == (turned.job, turned.number))
    assert put.start_us == later
    assert put.pinned
    assert shown["faults"] == []
    # What is put by hand stays when the week is planned anew, until it is let go.
    assert any(row.pinned and row.start_us == later for row in _laid(desk)["rows"])
    desk.post("/planning/week/unpin", {"site": SITE})
    rows = desk.get("/planning/week/", {"site": SITE}).context["rows"]
    assert not any(row.pinned for row in rows)


@pytest.mark.parametrize(("number", "hours", "resource", "said"), [
    (2, -0.5, "", "what begins before 02.03 12:00 is frozen"),
    (3, 6, "d-week-wheel_lathe", "cannot do this step"),
    (4, 2.5, "", "the step before it ends later"),
    (2, 24 * 30, "", "does not work then"),
])  # fmt: skip
def test_what_cannot_be_moved_there_is_refused_by_name(
    desk: Client, number: int, hours: float, resource: str, said: str
) -> None:
    shown = _laid(desk)
    job = max(shown["rows"], key=lambda row: row.start_us).job
    at = int(NOW.timestamp() * 1e6 + hours * 3.6e9)
    sent = {"site": SITE, "task": f"{job}#{number}", "at": str(at), "resource": resource}
    answered = desk.post("/planning/week/move", sent)
    assert answered.status_code == 422
    assert said in answered.text


@pytest.mark.parametrize(("changed", "said"), [
    ({"hands": "many"}, "Workers a shift: many is not a figure from 0 to 60"),
    ({"freeze_h": "400"}, "Frozen, h: 400 is not a figure from 0 to 48"),
])  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_by_its_field(
    desk: Client, changed: dict[str, str], said: str
) -> None:
    answered = desk.post("/planning/week/lay", WISH | changed)
    assert answered.status_code == 422
    assert said in answered.text


def test_without_people_the_orders_say_that_nobody_may_do_them(desk: Client) -> None:
    desk.post("/planning/week/lay", {"site": SITE, "hands": "1", "freeze_h": "0"})
    shown = desk.get("/planning/week/", {"site": SITE}).context
    assert shown["rows"] == []
    assert "nobody who may do a step works this week" in {why for _, _, why in shown["skipped"]}


def test_a_better_plan_is_sought_kept_and_taken(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.planning import week_search
    from railtrace.web.planning.week_pages import draft_of, week_of

    monkeypatch.setattr(week_search, "SECONDS", 2)
    _laid(desk)
    row = draft_of(SITE)
    assert row is not None
    laid = week_of(row)
    started = week_search.start(laid, laid.made_us)
    assert desk.get("/planning/week/progress", {"site": SITE}).status_code == 200
    started.result(60)
    assert desk.get("/planning/week/progress", {"site": SITE}).status_code == 205
    found = week_search.kept(laid)
    assert found is not None
    assert found.state == "done", found
    assert found.bound <= found.cost <= found.before
    shown = desk.get("/planning/week/", {"site": SITE})
    assert "from the best there can be" in shown.text
    if found.better:
        desk.post("/planning/week/search", {"site": SITE, "take": "1"})
        assert desk.get("/planning/week/", {"site": SITE}).context["faults"] == []


def test_an_agreed_week_is_sealed_and_held_against_what_happened(
    desk: Client, railway: App
) -> None:
    shown = _laid(desk)
    assert desk.post("/planning/week/agree", {"site": SITE}).status_code == 302
    shown = desk.get("/planning/week/fact", {"site": SITE}).context
    sealed = railway.entry(shown["row"].sealed).operation
    assert sealed.job == "week_plan"
    assert sealed.rows == len(shown["laid"].assigned)
    assert shown["sum"].planned == 0
    first = next(f for _, step, f, _ in shown["facts"] if "Wash" in step)
    done = StepDone(
        id="wk-done", happened_at=NOW + timedelta(hours=2), units=(f"{SET}-{first.job[-1]}",),
        work_order=first.job, step="wash", site=SITE, performed_by=("p-fit",),
    )  # fmt: skip
    railway.record([done], "p-test", "test")
    assert railway.wait_caught_up(10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(railway, "clock", lambda: NOW + timedelta(hours=3))
        shown = desk.get("/planning/week/fact", {"site": SITE}).context
        facts = {(f.job, f.step): (f, word) for _, _, f, word in shown["facts"]}
        assert facts[first.job, "wash"][0].done_by == "wk-done"
        assert facts[first.job, "wash"][1] == "late"
        assert shown["sum"].done == 1
        assert shown["sum"].planned > 1
    sheet = desk.get("/planning/week/week.xlsx", {"site": SITE, "plan": str(shown["row"].pk)})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content)).get_sheet_by_index(0)
    assert len(rows.to_python()) == 1 + len(shown["laid"].assigned)


def test_a_viewer_sees_the_week_and_changes_nothing(
    desk: Client, reader_as: Callable[..., Client]
) -> None:
    _laid(desk)
    viewer = reader_as("viewer")
    assert viewer.get("/planning/week/", {"site": SITE}).context["rows"]
    for address in ("lay", "move", "unpin", "search", "agree"):
        assert viewer.post(f"/planning/week/{address}", WISH).status_code == 403


def test_who_works_at_another_site_does_not_move_this_one_s_week(desk: Client, db: None) -> None:
    _laid(desk)
    stranger = User.objects.create_user("of-another-depot", password="x")
    give(stranger, "technologist", "elsewhere")
    browser = Client()
    browser.force_login(stranger)
    for address in ("lay", "move", "unpin", "search", "agree"):
        assert browser.post(f"/planning/week/{address}", WISH).status_code == 403, address
