"""At which site a thing is done, for those who work at one, at several, and at every one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from msgspec.structs import replace

from railtrace.app import App
from railtrace.config import Site
from railtrace.trace.operation import Operation
from railtrace.web.people.where import sites_of
from railtrace.web.roles import give

PART = "u-wagon-7"
RECEIVED = {"parts": PART, "store": "S"}


@pytest.fixture
def ann(db: None, railway: App) -> User:
    return User.objects.create_user("ann-of-sites", password="x")


def _browser(user: User) -> Client:
    browser = Client(headers={"accept-language": "en"})
    browser.cookies["language"] = "en"
    browser.force_login(user)
    return browser


def _last(railway: App) -> Operation:
    """Return the last thing recorded of the part."""
    rows = railway.lookup.timeline([PART], ("PartStored",), limit=1)
    entry = railway.entry(rows[0][6])
    assert isinstance(entry.operation, Operation)
    return entry.operation


def test_who_works_at_two_sites_says_at_which(railway: App, ann: User) -> None:
    give(ann, "storekeeper", "north")
    give(ann, "storekeeper", "south")
    browser = _browser(ann)
    asked = browser.get("/depot/stock/do/receive").text
    assert "At which site" in asked
    refused = browser.post("/depot/stock/do/receive", RECEIVED).text
    assert "You work at several sites: choose at which one this is done." in refused
    browser.post("/depot/stock/do/receive", RECEIVED | {"done_at": "south"})
    assert _last(railway).site == "south"
    assert '<option value="south" selected>' in browser.get("/depot/stock/do/receive").text


def test_a_site_that_is_not_ones_own_is_no_choice(railway: App, ann: User) -> None:
    give(ann, "storekeeper", "north")
    give(ann, "storekeeper", "south")
    said = _browser(ann).post("/depot/stock/do/receive", RECEIVED | {"done_at": "west"}).text
    assert "You work at several sites" in said


def test_who_works_at_one_site_is_not_asked(railway: App, ann: User) -> None:
    give(ann, "storekeeper", "north")
    browser = _browser(ann)
    form = browser.get("/depot/stock/do/receive").text
    assert '<input type="hidden" name="done_at" value="north">' in form
    browser.post("/depot/stock/do/receive", RECEIVED | {"done_at": "north"})
    assert _last(railway).site == "north"


def test_who_works_at_every_site_may_leave_it_open(
    railway: App, reader_as: Callable[..., Client]
) -> None:
    said = reader_as("storekeeper").post("/depot/stock/do/receive", RECEIVED, follow=True).text
    assert "Put into store: 1." in said
    assert _last(railway).site == ""


def test_a_source_where_nothing_is_done_is_offered_by_no_form(
    ann: User, railway: App, settings: Any
) -> None:
    sites = {
        "north": Site(ru="Север", en="North"),
        "books": Site(ru="Книги", en="Books", log="books", works=False),
    }
    settings.CONFIG = replace(railway.config, sites=sites)
    give(ann, "storekeeper", "")
    assert sites_of(ann) == ("north",)
