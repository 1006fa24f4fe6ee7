"""A terminal in the shop: badge and PIN, one session a person and shift, five tries."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from railtrace.app import App
from railtrace.errors import Refused
from railtrace.trace.operation import Held, Measured, Reading
from railtrace.web.models import Badge, ShiftSession, Terminal
from railtrace.web.people.badges import set_badge
from railtrace.web.roles import give
from tests.web.conftest import COACH, T0, WHEELSET

BADGE, PIN = "0012345678", "4711"


@pytest.fixture
def ann(db: None) -> User:
    user = User.objects.create_user("ann", password="ann")
    give(user, "technologist")
    set_badge(user, BADGE, PIN)
    return user


@pytest.fixture
def terminal(railway: App, reader_as: Callable[..., Client]) -> Callable[..., Client]:
    """Return a way to make a browser a registered terminal."""
    administrator = reader_as("administrator")

    def made(key: str) -> Client:
        fields = {"key": key, "name": f"Terminal {key}", "site": "", "workplace": f"bench {key}"}
        shown = administrator.post("/administration/terminals", fields).text
        code = re.search(r'class="secret">(\d{4} \d{4})<', shown)
        assert code
        browser = Client()
        browser.cookies["language"] = "en"
        browser.post("/terminal/register", {"code": code[1]})
        return browser

    return made


def _log_in(browser: Client, badge: str = BADGE, pin: str = PIN, **more: str) -> str:
    return browser.post("/terminal/login", {"badge": badge, "pin": pin} | more, follow=True).text


def test_a_person_logs_in_by_badge_and_pin_until_the_shift_ends(
    ann: User, terminal: Callable[..., Client]
) -> None:
    browser = terminal("press-1")
    assert "Terminal press-1" in browser.get("/terminal/").text
    _log_in(browser)
    assert browser.get("/fleet/").status_code == 200
    session = ShiftSession.objects.get(user=ann)
    now = datetime.now(UTC)
    assert now < session.ends_at <= now + timedelta(hours=12)
    browser.post("/terminal/leave")
    assert browser.get("/fleet/").status_code == 302
    assert ShiftSession.objects.get(user=ann).ended_why == "logged_out"


def test_a_session_ends_with_the_shift(ann: User, terminal: Callable[..., Client]) -> None:
    browser = terminal("press-1")
    _log_in(browser)
    ShiftSession.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert browser.get("/fleet/")["Location"] == "/terminal/"
    assert ShiftSession.objects.get(user=ann).ended_why == "shift"
    assert browser.get("/fleet/")["Location"].startswith("/account/login")


def test_a_badge_at_two_terminals_is_refused_and_ends_there_by_choice(
    ann: User, terminal: Callable[..., Client]
) -> None:
    first, second = terminal("one"), terminal("two")
    _log_in(first)
    refused = second.post("/terminal/login", {"badge": BADGE, "pin": PIN})
    assert refused.status_code == 409
    assert "This badge is in use at Terminal one since" in refused.text
    assert second.get("/fleet/").status_code == 302
    assert first.get("/fleet/").status_code == 200
    _log_in(second, end_other="1")
    assert second.get("/fleet/").status_code == 200
    assert first.get("/fleet/").status_code == 302
    assert [s.ended_why for s in ShiftSession.objects.filter(ended_at__isnull=False)] == ["moved"]


def test_the_database_holds_one_open_session_a_person(
    ann: User, terminal: Callable[..., Client]
) -> None:
    from django.db import IntegrityError, transaction

    _log_in(terminal("one"))
    other = Terminal.objects.create(key="two", name="two")
    now = datetime.now(UTC)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShiftSession.objects.create(user=ann, terminal=other, began_at=now, ends_at=now)


def test_after_five_wrong_pins_one_waits_at_any_terminal(
    ann: User, terminal: Callable[..., Client]
) -> None:
    first, second = terminal("one"), terminal("two")
    for _ in range(5):
        assert "The badge or the PIN is wrong" in _log_in(first, pin="9999")
    for browser in (first, second):
        waiting = browser.post("/terminal/login", {"badge": BADGE, "pin": PIN})
        assert waiting.status_code == 429
        assert "too many wrong PINs: try again in 0 min" in waiting.text


def test_a_badge_alone_is_asked_for_the_pin(ann: User, terminal: Callable[..., Client]) -> None:
    asked = terminal("one").post("/terminal/login", {"badge": BADGE, "pin": ""})
    assert asked.context["at_pin"]
    assert f'value="{BADGE}"' in asked.text


def test_a_badge_of_one_who_is_locked_out_opens_nothing(
    ann: User, terminal: Callable[..., Client]
) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert "The badge or the PIN is wrong" in _log_in(terminal("one"))


def test_a_browser_that_is_no_terminal_takes_no_badge(ann: User, railway: App) -> None:
    browser = Client()
    browser.cookies["language"] = "en"
    assert "This device is not a terminal yet" in _log_in(browser)
    wrong = browser.post("/terminal/register", {"code": "0000 0000"})
    assert "This code opens no terminal" in wrong.text


def test_a_code_opens_one_browser(terminal: Callable[..., Client]) -> None:
    terminal("one")
    assert Terminal.objects.get().code == ""


def test_a_closed_terminal_takes_nobody_and_ends_who_is_there(
    ann: User, terminal: Callable[..., Client], reader_as: Callable[..., Client]
) -> None:
    browser = terminal("one")
    _log_in(browser)
    pk = Terminal.objects.get().pk
    reader_as("administrator").post(f"/administration/terminals/{pk}", {"revoke": "1"})
    assert browser.get("/fleet/").status_code == 302
    assert "This device is not a terminal yet" in browser.get("/terminal/").text


def test_what_is_done_at_a_terminal_carries_terminal_and_person(
    ann: User, terminal: Callable[..., Client], railway: App
) -> None:
    from railtrace.web.accounts import person_of

    hold = Held(id=f"term-{ann.pk}", happened_at=T0 + timedelta(days=70), units=(COACH,),
                reason="look")  # fmt: skip
    railway.record([hold], "p-1", "test")
    assert railway.wait_caught_up(10)
    browser = terminal("press-1")
    _log_in(browser)
    browser.post("/release/hold", {"unit": COACH, "operation": hold.id, "reason": "looked"})
    rows = railway.lookup.timeline([COACH], ["HoldLifted"])
    entry = railway.entry(rows[0][6])
    assert entry.channel == "terminal:press-1"
    assert entry.operation.workplace == "bench press-1"
    assert entry.operation.performed_by == (person_of(ann).person_id,)


@pytest.mark.parametrize(
    ("badge", "pin", "said"),
    [
        ("77", "123", "a PIN has 4 to 8 digits"),
        ("77", "12a4", "a PIN has 4 to 8 digits"),
        ("77", "1234", "the first that anybody would try"),
        ("77", "0000", "the first that anybody would try"),
        (" ", "4711", "hold the badge against the reader"),
        (BADGE, "4711", "belongs to ann already"),
    ],
)
def test_a_weak_pin_and_another_s_badge_are_refused(
    ann: User, badge: str, pin: str, said: str
) -> None:
    bob = User.objects.create_user("bob")
    with pytest.raises(Refused, match=said):
        set_badge(bob, badge, pin)


def test_neither_badge_nor_pin_is_kept(ann: User) -> None:
    kept = Badge.objects.get(user=ann)
    assert BADGE not in kept.mark
    assert PIN not in kept.pin


def test_an_administrator_gives_a_badge(reader_as: Callable[..., Client], db: None) -> None:
    administrator, bob = reader_as("administrator"), User.objects.create_user("bob")
    address = f"/administration/users/{bob.pk}/badge"
    fields = {"badge": "88", "pin": "4711", "pin_again": "4712"}
    assert "the two PINs differ" in administrator.post(address, fields, follow=True).text
    shown = administrator.post(address, fields | {"pin_again": "4711"}, follow=True).text
    assert "bob can use the terminals" in shown


# --- the second signature -----------------------------------------------------------------------


@pytest.fixture
def own_entry(ann: User, railway: App) -> str:
    from railtrace.web.accounts import person_of

    me = person_of(ann).person_id
    reading = Reading(quantity="flange_thickness", place="left", value="30.4", unit="mm")
    own = Measured(id=f"own-{me}", happened_at=T0 + timedelta(days=71), units=(WHEELSET,),
                   site="depot", readings=(reading,), performed_by=(me,))  # fmt: skip
    railway.record([own], me, "test")
    assert railway.wait_caught_up(10)
    return own.id


def _second(ann: User, id_: str, **second: str) -> str:
    browser = Client()
    browser.cookies["language"] = "en"
    browser.force_login(ann)
    fields = {"action": "void", "reason": "slip", "unit": WHEELSET, "reading-0": "30.4",
              "happened_at": "2026-03-22T11:00"}  # fmt: skip
    return browser.post(f"/correct/{id_}", fields | second, follow=True).text


def test_a_second_person_signs_by_badge_and_pin(ann: User, own_entry: str, railway: App) -> None:
    from railtrace.web.accounts import person_of

    bob = User.objects.create_user("bob")
    give(bob, "foreman")
    set_badge(bob, "88", "5822")
    assert "corrected" in _second(ann, own_entry, second="88", second_password="5822")
    assert railway.corrections_of(own_entry)[0].operation.confirmed_by == person_of(bob).person_id


def test_one_s_own_badge_is_no_second_signature(ann: User, own_entry: str, railway: App) -> None:
    said = _second(ann, own_entry, second=BADGE, second_password=PIN)
    assert "the second person is to be somebody else" in said
    assert railway.corrections_of(own_entry) == []


def test_a_second_person_of_another_site_is_refused(
    ann: User, own_entry: str, railway: App
) -> None:
    bob = User.objects.create_user("bob")
    give(bob, "foreman", "elsewhere")
    give(bob, "viewer")
    set_badge(bob, "88", "5822")
    said = _second(ann, own_entry, second="88", second_password="5822")
    assert "the second person is to be somebody else" in said


def test_a_second_person_waits_after_five_wrong_pins(ann: User, own_entry: str) -> None:
    bob = User.objects.create_user("bob")
    give(bob, "foreman")
    set_badge(bob, "88", "5822")
    for _ in range(5):
        _second(ann, own_entry, second="88", second_password="0001")
    assert "too many wrong" in _second(ann, own_entry, second="88", second_password="5822")
