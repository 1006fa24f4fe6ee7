"""The small demo and a few operations of our own, served by a real process to a real browser."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from railtrace.app import App
from railtrace.config import load
from railtrace.operating import demo
from railtrace.operating.demo_check import free_port
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Installed,
    Measured,
    Number,
    Operation,
    Ran,
    Reading,
    Registered,
    Removed,
)

COACH, WHEELSET, ELSEWHERE = "u-e2e-coach", "u-e2e-wheelset", "u-e2e-elsewhere"
NUMBER, SERIAL, SPARE = "07312317", "5-88121-09", "5-88121-10"
SLOW_MACHINE_MS = 20_000
_START_LIMIT_S = 180


@dataclass(frozen=True)
class Depot:
    """Where the demo is served and where its data lie."""

    url: str
    folder: Path


def _life(now: datetime) -> list[Operation]:
    """A coach and its wheelset, and a removal from where the wheelset is not."""
    then = now - timedelta(days=20)
    reading = Reading(quantity="flange_thickness", place="left", value="24.1", unit="mm",
                      uncertainty="0.2")  # fmt: skip
    site = "dushanbe-coach"
    return [
        Registered(id="e2e-1", happened_at=then, units=(COACH,), site=site, home_site=site,
                   type="coach_compartment", numbers=(Number(scheme="network8", value=NUMBER),)),
        Registered(id="e2e-2", happened_at=then, units=(WHEELSET,), site=site,
                   type="wheelset_passenger", numbers=(Number(scheme="serial", value=SERIAL),)),
        # What is measured live is of no coach: the coach keeps what stands against it.
        Registered(id="e2e-9", happened_at=then, units=("u-e2e-spare",), site=site,
                   type="wheelset_passenger", numbers=(Number(scheme="serial", value=SPARE),)),
        Installed(id="e2e-3", happened_at=then, units=(WHEELSET,), site=site, carrier=COACH,
                  position="bogie.1/wheelset.1"),
        Ran(id="e2e-4", happened_at=then + timedelta(days=2), units=(COACH,), site=site,
            distance_km="1250.5"),
        Measured(id="e2e-5", happened_at=then + timedelta(days=3), units=(WHEELSET,), site=site,
                 readings=(reading,)),
        Removed(id="e2e-6", happened_at=then + timedelta(days=4), units=(WHEELSET,), site=site,
                carrier=ELSEWHERE),
        Registered(id="e2e-7", happened_at=then, units=(ELSEWHERE,), site=site,
                   type="coach_compartment"),
        Ran(id="e2e-8", happened_at=then + timedelta(days=2), units=(ELSEWHERE,), site=site,
            distance_km="1250.5"),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    """Serve the small demo with our own operations in it."""
    folder = tmp_path_factory.mktemp("e2e") / "demo"
    port = free_port()
    none = {"PORT": str(port)}
    config = demo.demo_config(load(Path("none.toml"), none), folder)
    demo.load(config, True, lambda said, count: None)
    app = App(load(folder / "railtrace.toml", {}))
    results = app.record(_life(datetime.now(UTC)), "p-e2e", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    app.catch_up()
    app.stop()
    with _served(folder, port) as url:
        yield Depot(url, folder)


class _served:  # noqa: N801 - reads as a word where it is used
    """A `railtrace demo` of its own process, ended as Ctrl+C ends it."""

    def __init__(self, folder: Path, port: int) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAILTRACE", "DJANGO"))}
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder.parent / "served.txt"
        self.environment = kept | {"RAILTRACE_DATA": str(folder), "PORT": str(port)}

    def __enter__(self) -> str:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "railtrace.cli", "demo", "--small"],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        end = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
                return self.url
            time.sleep(0.2)
        # A fixture that fails to begin is never ended by pytest: nothing is left running.
        self.__exit__()
        raise AssertionError(self.log.read_text())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def at_work(depot: Depot, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a way to log in as a role; no page opened by it may complain."""
    complaints: list[str] = []
    contexts = []

    def log_in(role: str, language: str = "en") -> Page:
        context = browser.new_context(
            base_url=depot.url, viewport={"width": 1280, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        context.add_cookies([{"name": "language", "value": language, "url": depot.url}])
        context.set_default_timeout(SLOW_MACHINE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # A network that the test itself cut is no complaint of the page.
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error"
                and "ERR_INTERNET_DISCONNECTED" not in m.text else None)  # fmt: skip
        page.goto("/")
        page.fill("[name=username]", role)
        page.fill("[name=password]", f"{role.replace('_', '-')}-demo")
        page.click("button.btn-primary")
        expect(page.locator(".rail")).to_be_visible()
        return page

    yield log_in
    for context in contexts:
        context.close()
    assert complaints == []
