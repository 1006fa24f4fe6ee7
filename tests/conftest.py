"""The services that tests need: real ones, and a missing one is an error, never a skip."""

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import django
import pytest
from hypothesis import settings

from boot import DEBIAN_PACKAGES, find_chromium
from tests.postgres import running_postgres

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVICE_MARKS = {"postgres_dsn": "postgres", "browser": "browser"}

# Shared machines stall: a deadline would test them, not us.
settings.register_profile("railtrace", deadline=None)
settings.load_profile("railtrace")

_data = tempfile.TemporaryDirectory(prefix="railtrace-tests-")


def pytest_configure() -> None:
    """Give the web app an empty data folder of this process's own."""
    os.environ["RAILTRACE_DATA"] = _data.name
    os.environ["DJANGO_SETTINGS_MODULE"] = "railtrace.web.settings"
    # Playwright keeps an event loop in the thread of the test, where Django would refuse to work.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the services it asks for, so that `-m "not postgres"` works."""
    for item in items:
        for fixture in SERVICE_MARKS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(SERVICE_MARKS[fixture])


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """Return the address of a PostgreSQL server that only this process uses."""
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the system's Chromium: nothing is downloaded."""
    chromium = find_chromium()
    if chromium is None:
        package = DEBIAN_PACKAGES["Chromium"]
        pytest.fail(f"Chromium is missing: run `sudo apt-get install {package}`", pytrace=False)
    return {**browser_type_launch_args, "executable_path": str(chromium), "args": CHROMIUM_FLAGS}
