"""Degraded mode: the line is cut; only units whose data are elsewhere get no decision."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from railtrace import check
from railtrace.app import App
from railtrace.operating.replicate import replicate, trust_keys
from railtrace.trace.operation import DefectFound, Inspected
from tests.operating.depot import Clock
from tests.replication.railway import config_of, key_of, line_to, record
from tests.web.trains.yard import departure, send, written, yard

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
CUT = NOW - timedelta(hours=71)
"""When the line went down: depot north had looked at a coach and at a wheelset an hour before."""
COACH, OTHER = "C-701-v-2", "C-701-v-3"
SILENT = ("C-701", "C-702")


@dataclass
class Railway:
    """The depot whose server decides, and depot north, another installation."""

    here: App
    north: App

    def call(self) -> None:
        """Let north's log come over."""
        assert replicate(self.north, line_to(self.here)).logs


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Railway]:
    """Return two trains: a coach of each was at depot north three days ago."""
    folder = tmp_path_factory.mktemp("elsewhere")
    north = App(config_of(folder, "north", "khujand"), Clock(CUT - timedelta(days=1)))
    north.prepare()
    (folder / "here").mkdir()
    with pytest.MonkeyPatch.context() as patch, yard(folder / "here", patch) as here:
        for seed, consist in enumerate(SILENT, 11):
            send(here, written(departure(seed, 3), consist, seed))
        north.clock = Clock(CUT)
        looked = [
            Inspected(id=f"north-{unit}", happened_at=CUT - timedelta(hours=1), units=(unit,),
                      scope="ТО-1")
            for unit in (COACH, "C-702-w-v-2-1")
        ]  # fmt: skip
        record(north, *looked)
        trust_keys(here, [key_of(north)], [])
        made = Railway(here, north)
        made.call()
        assert here.wait_caught_up(20)
        yield made
        north.stop()


def said(browser: Client, address: str) -> str:
    return re.sub(r"\s+", " ", unescape(browser.get(address).content.decode()))


def decide(browser: Client, address: str, page: str, **fields: str) -> str:
    found = re.search(r'name="composition" value="([^"]+)', said(browser, page))
    assert found is not None
    posted = {"decision": "release", "composition": found.group(1), "paper": "Д-1"} | fields
    answer = browser.post(address, posted, follow=True)
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def test_only_the_unit_whose_data_are_elsewhere_gets_no_decision(
    railway: Railway, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    page = said(browser, f"/trains/unit/{COACH}/release")
    assert "No decision: khujand (north) had it and was last heard of on" in page
    assert "carry the log of that depot over" in page
    assert CUT.astimezone(railway.here.config.zone_of("depot")).strftime("%H:%M") in page
    address = f"/trains/unit/{COACH}/decide"
    assert "it can only be refused" in decide(browser, address, f"/trains/unit/{COACH}/release")
    assert "No decision: khujand" in said(browser, f"/units/{COACH}")
    assert "No decision: khujand" not in said(browser, f"/units/{OTHER}")
    released = decide(browser, f"/trains/unit/{OTHER}/decide", f"/trains/unit/{OTHER}/release")
    assert "Released; what it stands on is kept." in released


def test_a_part_of_another_depot_holds_its_coach_and_names_itself(
    railway: Railway, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    page = said(browser, "/trains/C-702?act=ready")
    assert "No decision: khujand" in page
    assert "Data at another depot" in page
    assert "/holdings/sites" in page
    assert "the reasons are kept" in decide(
        browser, "/trains/C-702/decide", "/trains/C-702?act=ready", decision="refuse", act="ready"
    )
    rows = railway.here.lookup.timeline(["C-702-v-2"], ("ReleaseRefused",), limit=1)
    refused = railway.here.entry_at(rows[0][3], rows[0][4]).operation
    first = refused.reasons[0]  # type: ignore[union-attr]
    assert (first.gate, first.unit, first.operations) == (
        "data_elsewhere", "C-702-v-2", ("north-C-702-w-v-2-1",),
    )  # fmt: skip
    answer = browser.get(f"/trains/certificate/{refused.id}.json")
    certificate = check.check_certificate(answer.content.decode(), None)
    assert [str(f) for f in certificate.findings if f.is_fault] == []
    assert "heard" in {f.name for f in certificate.findings}
    [row] = [row for row in certificate.decision["rows"] if row["rule"] == "heard"]
    assert (row["outcome"], row["looked"][0]["what"]) == ("old", "khujand")
    assert browser.get(f"/trains/certificate/{refused.id}.pdf").content[:5] == b"%PDF-"
    # Who says that north was heard of later than it was changes what comes out, and is named.
    row["looked"][0]["until_us"] += 60 * 3_600_000_000
    body = certificate.body | {"decision_file": json.dumps(certificate.decision)}
    names = {f.name for f in check.check_certificate(check.canonical(body), None).findings}
    assert {"row-misjudged", "decision-changed"} <= names


def test_once_the_log_has_come_the_unit_is_judged_by_what_it_says(
    railway: Railway, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("release_officer")
    found = DefectFound(id="north-late", happened_at=CUT + timedelta(hours=2), safety=True,
                        units=(COACH,), code="102")  # fmt: skip
    railway.north.clock = Clock(NOW)
    record(railway.north, found)
    railway.call()
    assert railway.here.wait_caught_up(20)
    page = said(browser, f"/trains/unit/{COACH}/release")
    assert "No decision: khujand" not in page
    assert "Open safety defect" in page
    part = said(browser, "/trains/C-702?act=ready")
    assert "No decision: khujand" not in part
