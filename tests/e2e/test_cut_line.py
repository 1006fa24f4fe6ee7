"""The line to another depot is cut: our own server decides, and says of what it cannot."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.operating.replicate import trust_keys
from railtrace.simulation.departures import ROWS
from tests.operating.served import Server, railtrace, serving
from tests.replication.railway import config_of, key_of
from tests.replication.weak_line import Manners, weak_line
from tests.web.trains.yard import departure, send, written

BORNE_S = 5
HOURS = f"""
[[release_gates]]
key = "data_elsewhere"
ru = "Данные в другом депо"
en = "Data at another depot"
tg = "Маълумот дар депои дигар"
source = "Order of this test railway"
jurisdiction = "TJ"
valid_from = 2020-01-01
confirmed = true
check = "data_elsewhere"
weight = "mandatory"
order = 3
max_age_h = {BORNE_S / 3600}
"""
TRAIN, COACH, OTHER = "C-801", "C-801-v-2", "C-801-v-3"
PASSWORD = "an officer by night"
UNHEARD = re.compile(r"No decision: khujand \(north\) had it and was last heard of on")
FINDS = {"RAILTRACE_NAME": "north", "RAILTRACE_DEFAULT_LOG": "khujand"}


@dataclass
class Depots:
    """Our server, the other depot's folder, and the line between them."""

    here: Server
    north: Path
    token: str

    def write(self, kind: str, **fields: Any) -> None:
        """Let the other depot write an entry, the line up or down."""
        one = {"kind": kind, "units": [COACH], "happened_at": datetime.now(UTC).isoformat()}
        done = railtrace(self.north, "record", "-", input=json.dumps(one | fields) + "\n", **FINDS)
        assert done.returncode == 0, done.stderr

    def call(self, port: int, waits_s: int = 60) -> "subprocess.CompletedProcess[str]":
        """Let the other depot carry its log over."""
        return railtrace(
            self.north, "replicate", f"http://127.0.0.1:{port}", "--timeout", str(waits_s),
            "--tries", "1", RAILTRACE_REPLICATE_TOKEN=self.token, **FINDS,
        )  # fmt: skip

    def call_until(self, port: int, page: Page, address: str, wanted: str) -> None:
        """Open a page until the views have what came, while what was heard is still fresh."""
        for _ in range(8):
            done = self.call(port)
            assert done.returncode == 0, done.stderr
            page.goto(address)
            said = page.locator("main").inner_text()
            if wanted in said and not UNHEARD.search(said):
                return


@pytest.fixture
def depots(tmp_path: Path) -> Iterator[Depots]:
    """Return two installations, each with a log of its own; ours is served."""
    ours, theirs = tmp_path / "here", tmp_path / "north"
    (ours / "data" / "catalogue").mkdir(parents=True)
    theirs.mkdir()
    shutil.copy(ROWS, ours / "data" / "catalogue" / "rows.toml")
    (ours / "data" / "catalogue" / "hours.toml").write_text(HOURS, "utf-8")
    site = '[sites.depot]\nru = "Душанбе"\nen = "Dushanbe"\n'
    (ours / "railtrace.toml").write_text(site, "utf-8")
    north = App(config_of(tmp_path, "north", "khujand"))
    north.prepare()
    here = App(Config(name="tests", data=str(ours / "data"), keys=str(ours / "keys"),
                      sites={"depot": Site(ru="Душанбе", en="Dushanbe")}))  # fmt: skip
    here.prepare()
    here.start()
    send(here, written(departure(21, 3), TRAIN, 21))
    trust_keys(here, [key_of(north)], [])
    ours_too = [str(here.signer.named(head.origin).verifier) for head in here.trace.heads()]
    trust_keys(north, ours_too, [])
    north.stop()
    here.stop()
    made = railtrace(ours, "user", "create", "officer", "--role", "release_officer",
                     RAILTRACE_PASSWORD=PASSWORD)  # fmt: skip
    assert made.returncode == 0, made.stderr
    token = railtrace(ours, "token", "create", "north", "--scope", "replicate", "--scope", "record",
                      "--json")  # fmt: skip
    with serving(ours) as server:
        yield Depots(server, theirs, json.loads(token.stdout)["token"])


@pytest.fixture
def officer(depots: Depots, browser: Browser) -> Iterator[Page]:
    """Return the page of our release officer."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{depots.here.port}")
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": "language", "value": "en", "domain": "127.0.0.1", "path": "/"}])
    page = context.new_page()
    page.goto("/")
    page.fill("[name=username]", "officer")
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn-primary")
    expect(page.locator(".rail")).to_be_visible()
    yield page
    context.close()


def _release(page: Page, unit: str) -> None:
    page.goto(f"/trains/unit/{unit}/release")
    page.fill("[name=paper]", "Д-7")
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator(".alert")).to_contain_text("Released; what it stands on is kept.")


def test_our_server_decides_alone_and_only_the_other_depots_unit_gets_no_decision(
    depots: Depots, officer: Page
) -> None:
    with weak_line(depots.here.port, Manners(latency_s=0, cut_every_s=1e9)) as port:
        depots.write("Inspected", id="north-1", scope="ТО-1")
        assert (done := depots.call(port)).returncode == 0, done.stderr
    cut_at = datetime.now(UTC)

    # The line is down: what the other depot finds now does not come.
    depots.write("DefectFound", id="north-2", code="102", safety=True)
    assert depots.call(port, waits_s=5).returncode != 0
    sleep(max(0, BORNE_S - (datetime.now(UTC) - cut_at).total_seconds()))
    officer.goto(f"/trains/{TRAIN}?act=ready")
    gate = officer.locator("main", has_text=UNHEARD)
    expect(gate).to_be_visible()
    expect(officer.get_by_text("it can only be refused").first).to_be_visible()
    expect(officer.get_by_role("button", name="Release", exact=True)).to_have_count(0)
    officer.goto(f"/trains/unit/{COACH}/release")
    expect(officer.locator("main")).to_contain_text(UNHEARD)
    expect(officer.get_by_role("button", name="Release", exact=True)).to_have_count(0)
    _release(officer, OTHER)
    then = datetime.now(UTC)

    # The coach comes home and is looked at; the line is up again and the log with it.
    home = [{"kind": "Inspected", "id": "here-1", "units": [COACH], "scope": "ТО-1",
             "site": "depot", "happened_at": datetime.now(UTC).isoformat()}]  # fmt: skip
    depots.here.send(home, depots.token)
    with weak_line(depots.here.port, Manners(latency_s=0, cut_every_s=1e9)) as port:
        depots.call_until(port, officer, f"/trains/{TRAIN}?act=ready", "Open safety defect")
    expect(officer.locator("main")).to_contain_text("Open safety defect")
    expect(officer.locator("main")).not_to_contain_text(UNHEARD)

    # Two clocks: as known then, the other depot had not been heard of.
    officer.goto(f"/trains/{TRAIN}?act=ready&known={then.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    expect(officer.locator("main")).to_contain_text(UNHEARD)
