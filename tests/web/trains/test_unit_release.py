"""A unit goes out by itself; paper is entered later with both clocks; overrides are seen above."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace import check
from railtrace.app import App
from railtrace.trace.operation import DefectFound, Released
from tests.web.trains.yard import departure, send, written, yard

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
UNIT, UNFIT = "C-501-v-2", "C-501-v-3"


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return a train of three: one has a doubtful wheel, one an open safety defect."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        fit = departure(6, 3)
        fit.say("QualificationGranted", -900, person="p-wagons", qualification="otk",
                valid_from=fit.departs - timedelta(days=90))  # fmt: skip
        fit.measure("w-v-2-1", "flange_thickness", "26.05", -12, "left")
        send(app, written(fit, "C-501", 6))
        send(app, [DefectFound(id="d-late", happened_at=NOW - timedelta(minutes=20), safety=True,
                               units=(UNFIT,), code="102")])  # fmt: skip
        yield app


def post(browser: Client, address: str, page: str, **fields: str) -> str:
    opened = unescape(browser.get(page).content.decode())
    standing = re.search(r'name="composition" value="([^"]+)', opened)
    assert standing is not None
    said = {"decision": "release", "composition": standing.group(1), "paper": "В-31"} | fields
    answer = browser.post(address, said, follow=True)
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def alone(browser: Client, unit: str, **fields: str) -> str:
    return post(browser, f"/trains/unit/{unit}/decide", f"/trains/unit/{unit}/release", **fields)


def last(app: App, unit: str) -> Any:
    rows = app.lookup.timeline([unit], ("Released", "ReleaseRefused"), limit=1)
    return app.entry_at(rows[0][3], rows[0][4])


def test_a_unit_is_released_by_itself_with_a_certificate(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    page = browser.get(f"/trains/unit/{UNIT}/release").content.decode()
    assert "Measurement doubtful" in page or "doubtful" in page.lower()
    assert "overridden only with a reason and an end" in alone(browser, UNIT)
    until = (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    said = alone(browser, UNIT, override_reason="measured twice", override_until=until)
    assert "Released; what it stands on is kept." in said
    entry = last(railway, UNIT)
    assert (entry.operation.scope, entry.operation.act, entry.operation.consist) == (
        "unit", "", None,
    )  # fmt: skip
    answer = browser.get(f"/trains/certificate/{entry.operation.id}.json")
    certificate = check.check_certificate(answer.content.decode(), None)
    assert [str(f) for f in certificate.findings if f.is_fault] == []
    assert {row["rule"] for row in certificate.decision["rows"]} >= {"limit", "due", "paper"}
    assert "act_missing" not in certificate.decision["gates"]
    assert f"/trains/certificate/{entry.operation.id}.pdf" in said


def test_an_unfit_unit_can_only_be_refused(railway: App, reader_as: Callable[..., Client]) -> None:
    browser = reader_as("release_officer")
    assert "it can only be refused" in alone(browser, UNFIT)
    assert "the reasons are kept" in alone(browser, UNFIT, decision="refuse", paper="")
    refused = last(railway, UNFIT).operation
    assert [one.gate for one in refused.reasons] == ["safety_defect"]
    assert reader_as("viewer").post(f"/trains/unit/{UNFIT}/decide").status_code == 403


def test_overrides_are_listed_for_who_answers_for_the_fleet(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("fleet_manager")
    page = re.sub(r"\s+", " ", unescape(browser.get("/trains/overrides").content.decode()))
    assert "measured twice" in page
    assert "1 of them still holds." in page
    sheet = browser.get("/trains/overrides?as=csv").content.decode("utf-8-sig")
    assert "measured twice" in sheet
    tomorrow = (NOW + timedelta(days=1)).date().isoformat()
    empty = browser.get(f"/trains/overrides?since={tomorrow}").content.decode()
    assert "Nobody overrode a warning" in empty


def consist(browser: Client, **fields: str) -> str:
    return post(browser, "/trains/C-501/decide", "/trains/C-501?act=ready", act="ready", **fields)


def test_paper_of_before_is_entered_with_both_clocks_and_judged_by_its_moment(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    assert "it can only be refused" in consist(browser)
    signed_at = NOW - timedelta(minutes=40)
    typed = signed_at.astimezone().isoformat(timespec="minutes")
    assert "Released; what it stands on is kept." in consist(browser, paper_at=typed)
    entry = last(railway, "C-501-v-1")
    released = entry.operation
    assert isinstance(released, Released)
    assert abs((released.happened_at - signed_at).total_seconds()) < 61
    assert entry.recorded_us - entry.happened_us > 39 * 60 * 1_000_000
    assert (released.basis, released.number) == ("document", "В-31")
    # The defect was found after the paper was signed; the doubt stood, and says how it passed.
    assert {(r.gate, r.overridden) for r in released.reasons} == {("doubtful", True)}
    assert "В-31" in released.reasons[0].override_reason


@pytest.mark.parametrize(
    ("typed", "said"),
    [("yesterday", "is no moment"), ("2020-01-01T10:00", "of the last 30 days"),
     ("2999-01-01T10:00", "of the last 30 days")],
)  # fmt: skip
def test_a_paper_of_no_moment_of_long_ago_or_of_tomorrow_is_refused_by_name(
    typed: str, said: str, railway: App, reader_as: Callable[..., Client]
) -> None:
    assert said in consist(reader_as("release_officer"), paper_at=typed)
