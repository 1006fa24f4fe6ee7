"""A small railway, one user per role, and pages in every language."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.config import Config
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    DefectFound,
    EnteredRepair,
    Failed,
    Installed,
    LocationReported,
    Measured,
    Number,
    Operation,
    Ran,
    Reading,
    Registered,
    Removed,
)
from tests.web.import_sheets import running_app

# Django is set up after this file is read: what belongs to it is imported where it is used.

T0 = datetime(2026, 1, 10, 6, tzinfo=UTC)
WHEELSET = "u-wheelset-1"
COACH = "u-coach-1"


def _life(app: App) -> list[Operation]:
    day = timedelta(days=1)
    network = Number(scheme="network8", value="07312317")
    serial = Number(scheme="serial", value="5-88121-09")
    coach_type, wheelset_type = _types(app)
    readings = [
        Measured(
            id=f"m-{i}", happened_at=T0 + (10 + 30 * i) * day, units=(WHEELSET,), site="depot",
            readings=tuple(
                Reading(quantity="flange_thickness", place=place, unit="mm",
                        value=f"{30 - 4 * i}.5", uncertainty="0.4")
                for place in ("left", "right")
            ),
        )
        for i in range(4)
    ]  # fmt: skip
    return [
        Registered(id="r-1", happened_at=T0, units=(COACH,), type=coach_type,
                   numbers=(network,), made="1998", home_site="depot"),
        Registered(id="r-2", happened_at=T0, units=(WHEELSET,), type=wheelset_type,
                   numbers=(serial,), maker="5", heat="8812", made="2009-05"),
        Installed(id="i-1", happened_at=T0 + day, units=(WHEELSET,), carrier=COACH,
                  position="bogie.1/wheelset.1"),
        Ran(id="run-1", happened_at=T0 + 5 * day, units=(COACH,), distance_km="1250.5"),
        LocationReported(id="l-1", happened_at=T0 + 6 * day, units=(COACH,), place="Душанбе"),
        *readings,
        Failed(id="f-1", happened_at=T0 + 50 * day, units=(COACH,), mode="<b>heated</b> box"),
        DefectFound(id="d-1", happened_at=T0 + 51 * day, units=(COACH,), code="102", safety=True),
        EnteredRepair(id="e-1", happened_at=T0 + 52 * day, units=(COACH,), repair_kind="ДР"),
        Removed(id="x-1", happened_at=T0 + 53 * day, units=(WHEELSET,), carrier="u-coach-2"),
        *(
            Registered(id=f"w-{i}", happened_at=T0 + i * day, units=(f"u-wagon-{i}",),
                       type=wheelset_type, numbers=(Number(scheme="other", value=f"W {i:03}"),))
            for i in range(120)
        ),
    ]  # fmt: skip


def _types(app: App) -> tuple[str, str]:
    catalogue = app.catalogue()
    coach = next(k for k, v in catalogue.vehicle_types.items() if v.vehicle_class == "coach")
    layout = catalogue.layouts[catalogue.vehicle_types[coach].layout]
    return coach, layout.wheelset.part_type


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return the App of this module with one coach, its wheelset, and 120 spare parts."""
    from railtrace.web import texts

    texts.compile_all()
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("railway")
        with running_app(Config(data=str(folder)), patch) as app:
            results = app.record(_life(app), "p-test", "test")
            assert all(isinstance(result, Receipt) for result in results), results
            assert app.wait_caught_up(10)
            yield app


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords in no time: their slowness is Django's, not ours to test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def reader_as(db: None, railway: App) -> Callable[..., Client]:
    """Return a browser of somebody with a role, in a language."""
    from railtrace.web.accounts import demo_users

    logins = {login.role: login for login in demo_users()}

    def client(role: str, language: str = "en") -> Client:
        browser = Client()
        browser.cookies["language"] = language
        browser.login(username=logins[role].username, password=logins[role].password)
        return browser

    return client


@pytest.fixture
def viewer(reader_as: Callable[..., Client]) -> Client:
    """Return a viewer's browser."""
    return reader_as("viewer")


@pytest.fixture
def manager(reader_as: Callable[..., Client]) -> Client:
    """Return a fleet manager's browser."""
    return reader_as("fleet_manager")
