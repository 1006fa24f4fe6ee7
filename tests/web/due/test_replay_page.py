"""Norm replay as a page: a changed interval or file, who falls out, when, what it costs."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from railtrace.app import App
from railtrace.errors import NotFound
from railtrace.trace.operation import LeftRepair, Manufactured, Number, Ran

LOCO = "u-replay-loco"


@pytest.fixture(scope="module")
def running(railway: App) -> App:
    """Return a railway with a locomotive 7,000 km after its ТО-3."""
    then = railway.clock() - timedelta(days=200)
    railway.record([
        Manufactured(id="rp-1", happened_at=then, units=(LOCO,), type="2te10m",
                     numbers=(Number(scheme="other", value="REPLAY 1"),)),
        LeftRepair(id="rp-2", happened_at=then + timedelta(days=130), units=(LOCO,),
                   repair_kind="ТО-3"),
        *(Ran(id=f"rp-run-{n}", happened_at=then + timedelta(days=n), units=(LOCO,),
              distance_km="100") for n in range(1, 201)),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def ended(manager: Client, said: dict[str, Any]) -> tuple[str, Any]:
    answer = manager.post("/fleet/due/replay/", {"years": "1"} | said)
    assert answer.status_code == 302, answer.context["form"].errors
    for _ in range(100):
        page = manager.get(answer["Location"])
        if page.context["shown_state"] != "running":
            return str(answer["Location"]), page
        time.sleep(0.05)
    raise AssertionError("the replay did not end")


def test_a_shorter_interval_puts_the_locomotive_out(running: App, manager: Client) -> None:
    address, page = ended(manager, {"service": "te10_m62.line.to3", "km": "5000"})
    fallen = [row for row in page.context["fallen"] if row["one"].unit == LOCO]
    assert [(row["what"], row["one"].before, row["one"].after) for row in fallen] == [
        ("ТО-3", "ok", "overdue")
    ]
    assert page.context["days_more"] > 0
    assert re.search(r"10.000 km → 5.?000 km", page.text)
    assert "REPLAY\u00a01" in manager.get(f"{address}?as=csv").text
    assert manager.get(f"{address}/progress").status_code == 205


def test_a_file_of_rows_is_run_and_a_wrong_one_is_named(running: App, manager: Client) -> None:
    row = (
        '[defaults]\nsource = "ours"\njurisdiction = "TJ"\nvalid_from = 2020-01-01\n'
        '[[services]]\nkey = "te10_m62.line.to3"\nru = "ТО-3"\nen = "TO-3"\n'
        'programme = "te10_m62.line"\nkind = "ТО-3"\nrank = 2\nkm = 6_000\n'
    )
    good = SimpleUploadedFile("new.toml", row.encode())
    _address, page = ended(manager, {"rows": good})
    assert LOCO in {r["one"].unit for r in page.context["fallen"]}
    bad = SimpleUploadedFile("new.toml", row.replace("te10_m62.line", "nowhere").encode())
    told = manager.post("/fleet/due/replay/", {"years": "1", "rows": bad})
    assert "rows.toml: services nowhere.to3" in told.text


def test_nothing_changed_is_a_slip(running: App, manager: Client) -> None:
    assert "Choose an interval" in manager.post("/fleet/due/replay/", {"years": "1"}).text
    assert manager.get("/fleet/due/replay/none").status_code == 404


def test_why_a_replay_failed_is_said_in_the_language_of_the_reader(
    running: App, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.due import replay as pages

    def broken(*_args: object) -> None:
        raise NotFound("{unit} has no claim {claim}", unit="REPLAY 1", claim="2026-1")

    monkeypatch.setattr(pages, "replay", broken)
    address, page = ended(manager, {"service": "te10_m62.line.to3", "km": "5000"})
    assert page.context["shown_state"] == "failed"
    assert "REPLAY 1 has no claim 2026-1" in page.text
    manager.cookies["language"] = "ru"
    russian = manager.get(address)
    assert "REPLAY 1" in russian.text
    assert "has no claim" not in russian.text
