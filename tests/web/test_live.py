"""New entries are noticed; asking in vain costs an empty answer."""

import json

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import Inspected
from tests.web.conftest import T0, WHEELSET


@pytest.mark.parametrize("address", ["/pulse/", f"/pulse/{WHEELSET}"])
def test_nothing_new_is_answered_with_nothing(viewer: Client, address: str) -> None:
    first = viewer.get(address)
    again = viewer.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_hears_of_entries_since_it_was_made(viewer: Client, railway: App) -> None:
    live = viewer.get(f"/units/{WHEELSET}").context["live"]
    before = viewer.get(live)
    assert json.loads(before.content)["new"] == 0
    railway.record(
        [Inspected(id="live-1", happened_at=T0, units=(WHEELSET,))], "p-test", "test"
    )
    assert railway.wait_caught_up(10)
    after = viewer.get(live, HTTP_IF_NONE_MATCH=before["ETag"])
    assert json.loads(after.content) == {"new": 1, "said": "1 new entry"}


@pytest.mark.parametrize("seen", ["x", "-1", "9" * 40, "٣"])
def test_nonsense_is_no_failure(viewer: Client, seen: str) -> None:
    assert viewer.get("/pulse/", {"seen": seen}).status_code == 200


def test_the_past_is_not_live(viewer: Client) -> None:
    assert "data-live" not in viewer.get(f"/units/{WHEELSET}?at=2026-02-20").text
