"""Who looked at what: written beside every page, never changed, shown to the auditor."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import Inspected
from railtrace.web.models import AccessEntry
from railtrace.web.people import access
from tests.web.conftest import COACH, T0


def _last() -> AccessEntry:
    found = AccessEntry.objects.order_by("pk").last()
    assert found is not None
    return found


def test_a_look_a_change_an_export_and_a_refusal_are_told_apart(
    reader_as: Callable[..., Client],
) -> None:
    from railtrace.web.accounts import person_of

    viewer = reader_as("viewer")
    me = person_of(User.objects.get(username="viewer")).person_id
    for ask, action, page, thing in (
        (lambda: viewer.get(f"/units/{COACH}"), "looked", "unit", COACH),
        (lambda: viewer.get("/fleet/?text=123"), "looked", "fleet", "text=123"),
        (lambda: viewer.get("/fleet/fleet.csv"), "exported", "fleet-csv", ""),
        (lambda: viewer.get("/proof/r-1"), "exported", "proof", "r-1"),
        (lambda: viewer.post("/notices/read"), "changed", "notices-read", ""),
        (lambda: viewer.get("/administration/users"), "refused", "users", ""),
    ):
        ask()
        row = _last()
        assert (row.person, row.action, row.page, row.thing) == (me, action, page, thing)


def test_a_log_in_is_noted_and_polling_is_not(reader_as: Callable[..., Client]) -> None:
    reader_as("viewer")
    browser = Client()
    browser.post("/account/login", {"username": "viewer", "password": "viewer-demo"})
    assert _last().action == "logged_in"
    before = AccessEntry.objects.count()
    for path in ("/pulse/", "/notices/pulse", "/health", f"/pulse/{COACH}"):
        browser.get(path)
    assert AccessEntry.objects.count() == before


def test_a_machine_is_named_by_its_token(db: None, railway: App) -> None:
    from railtrace.web.tokens import make_token

    now = datetime.now(UTC)
    token, text = make_token("gauge", ["read"], now, now + timedelta(days=1))
    Client(headers={"authorization": f"Bearer {text}"}).get(f"/api/units/{COACH}")
    assert _last().person == f"token:{token.prefix}"


def test_nobody_changes_a_row(reader_as: Callable[..., Client]) -> None:
    reader_as("viewer").get("/fleet/")
    with pytest.raises(DatabaseError, match="append-only"):
        AccessEntry.objects.update(person="p-else")


def test_what_is_too_old_goes(reader_as: Callable[..., Client], monkeypatch: Any) -> None:
    old = datetime.now(UTC) - timedelta(days=1096)
    AccessEntry.objects.create(at=old, person="p-old", action="looked", page="x", status=200)
    monkeypatch.setattr(access, "_pruned", [])
    reader_as("viewer").get("/fleet/")
    assert not AccessEntry.objects.filter(person="p-old").exists()


def test_a_page_is_not_lost_for_a_note(
    reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DatabaseError("database or disk is full")

    viewer = reader_as("viewer")
    monkeypatch.setattr(access, "_write", full)
    assert viewer.get("/fleet/").status_code == 200


def test_the_auditor_filters_and_takes_it_along(reader_as: Callable[..., Client]) -> None:
    viewer, auditor = reader_as("viewer"), reader_as("safety_auditor")
    viewer.get(f"/units/{COACH}")
    auditor.get("/fleet/")
    shown = auditor.get(f"/administration/access?who=viewer&thing={COACH}&action=looked").text
    assert COACH in shown.split("<tbody>")[1]
    assert ">viewer<" in shown
    assert ">safety_auditor<" not in shown.split("<tbody>")[1]
    assert "Nobody did so then" in auditor.get("/administration/access?to=2020-01-01").text
    sheet = b"".join(auditor.get("/administration/access.csv?who=viewer").streaming_content)
    assert COACH in sheet.decode()
    assert _last().action == "exported"
    assert viewer.get("/administration/access").status_code == 403
    assert 'href="/administration/access"' in auditor.get("/fleet/").text


def test_a_list_longer_than_a_page_goes_on(reader_as: Callable[..., Client]) -> None:
    rows = [AccessEntry(at=datetime.now(UTC), person=f"p-{n}", action="looked", page="x",
                        status=200) for n in range(150)]  # fmt: skip
    AccessEntry.objects.bulk_create(rows)
    auditor = reader_as("safety_auditor")
    first = auditor.get("/administration/access?thing=&action=looked")
    assert "p-149" in first.text
    assert "p-20<" not in first.text
    after = auditor.get(f"/administration/access?action=looked&before={first.context['before']}")
    assert "p-20" in after.text


def test_names_are_shown_to_who_needs_them_only(
    reader_as: Callable[..., Client], railway: App
) -> None:
    from railtrace.web.accounts import person_of

    worker, foreman, viewer = reader_as("worker"), reader_as("foreman"), reader_as("viewer")
    user = User.objects.get(username="worker")
    me = person_of(user).person_id
    looked = Inspected(id=f"see-{user.pk}", happened_at=T0 + timedelta(days=80), units=(COACH,),
                       performed_by=(me,))  # fmt: skip
    railway.record([looked], me, "test")
    assert railway.wait_caught_up(10)
    address = f"/operations/{looked.id}"
    assert "worker</dd>" in foreman.get(address).text
    hidden = viewer.get(address).text
    assert "name not shown to your role" in hidden
    assert me not in hidden
    assert "worker</dd>" in worker.get(address).text


@pytest.mark.nightly
def test_a_note_costs_a_small_part_of_its_page(
    reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = reader_as("viewer")
    viewer.get("/fleet/")
    spent: list[float] = []
    note = access._note

    def timed(*args: Any) -> None:
        start = time.perf_counter()
        note(*args)
        spent.append(time.perf_counter() - start)

    monkeypatch.setattr(access, "_note", timed)
    began = time.perf_counter()
    for _ in range(100):
        viewer.get("/fleet/")
    page_s = (time.perf_counter() - began) / 100
    print(f"a note {statistics.median(spent) * 1e3:.2f} ms, its page {page_s * 1e3:.1f} ms")
    assert statistics.median(spent) < 0.05 * page_s
