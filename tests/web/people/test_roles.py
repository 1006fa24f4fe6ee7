"""What one may do depends on the role, its site and its dates, and on whose the thing is."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from railtrace.app import App
from railtrace.errors import ConfigError
from railtrace.trace.operation import Held
from railtrace.web.models import RoleAt
from railtrace.web.roles import PERMISSIONS, ROLES, SHIPPED, give, load_roles, may
from tests.web.conftest import COACH, T0

DAY = timedelta(days=1)


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password="ann")


def _browser(user: User) -> Client:
    client = Client()
    client.cookies["language"] = "en"
    client.force_login(user)
    return client


@pytest.fixture(scope="module")
def held(railway: App) -> str:
    """Return a hold of the coach, whose home is the site `depot`."""
    railway.record(
        [Held(id="role-h", happened_at=T0 + 60 * DAY, units=(COACH,), reason="look")], "p-1", "test"
    )
    assert railway.wait_caught_up(10)
    return "role-h"


def _lift(user: User, hold: str) -> str:
    fields = {"unit": COACH, "operation": hold, "reason": "looked"}
    return _browser(user).post("/release/hold", fields, follow=True).text


def test_every_shipped_role_is_named_in_three_languages_and_may_read() -> None:
    for role in load_roles(SHIPPED).values():
        assert role.ru
        assert role.en
        assert role.tg
        assert "read" in role.may


def test_only_two_roles_see_who_looked_and_few_see_names() -> None:
    assert [k for k, r in ROLES.items() if "audit" in r.may] == ["safety_auditor", "administrator"]
    assert "persons" not in {w for k in ("viewer", "worker", "contractor", "foreign_guest")
                             for w in ROLES[k].may}  # fmt: skip
    assert [k for k, r in ROLES.items() if "release" in r.may] == ["release_officer"]


def test_a_site_s_own_file_overrides_a_role_by_key_and_adds_one(tmp_path: Path) -> None:
    own = tmp_path / "roles.toml"
    own.write_text('[worker]\nru = "Слесарь"\nmay = ["read"]\n[cook]\nru = "Повар"\nmay = []\n')
    roles = load_roles(SHIPPED, own)
    assert (roles["worker"].ru, roles["worker"].may) == ("Слесарь", ("read",))
    assert (roles["cook"].name, len(roles)) == ("Повар", len(ROLES) + 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[worker]\nru = "x"\nmay = ["fly"]\n', "role worker: there is no permission fly"),
        ('[worker]\nmay = ["read"]\n', "missing required field `ru`"),
        ("[worker", "roles.toml"),
    ],
)
def test_a_wrong_file_of_roles_is_named(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "roles.toml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_roles(SHIPPED, own)


def test_a_role_holds_at_its_site_and_between_its_days(ann: User) -> None:
    today = timezone.localdate()
    give(ann, "worker", "depot", today - DAY, today)
    give(ann, "technologist", "other", today + DAY)
    assert may(ann, "record")
    assert may(ann, "record", "depot")
    assert not may(ann, "record", "other")
    assert not may(ann, "correct")


def test_a_role_of_every_site_holds_at_each(ann: User) -> None:
    give(ann, "worker")
    assert may(ann, "record", "anywhere")


def test_the_site_of_the_thing_decides_and_the_refusal_names_both(ann: User, held: str) -> None:
    give(ann, "foreman", "other-depot")
    assert "This belongs to depot; your role Foreman holds at other-depot" in _lift(ann, held)


def test_a_role_that_ended_says_when(ann: User, held: str) -> None:
    ended = timezone.localdate() - DAY
    give(ann, "foreman", "depot", ended - DAY, ended)
    give(ann, "viewer")
    assert f"Your role Foreman ended on {ended:%d.%m.%Y}" in _lift(ann, held)


def test_a_role_of_the_right_site_opens_the_door(ann: User, held: str, railway: App) -> None:
    give(ann, "foreman", "depot")
    assert "The hold is lifted" in _lift(ann, held)


def test_one_who_never_had_the_role_is_told_so(ann: User, held: str) -> None:
    give(ann, "viewer")
    assert "Your role does not allow this" in _lift(ann, held)


def test_an_administrator_gives_and_ends_a_role_with_dates(
    reader_as: Callable[..., Client], ann: User
) -> None:
    administrator = reader_as("administrator")
    today = timezone.localdate()
    fields = {"role": "foreman", "site": "", "from_day": str(today - DAY), "to_day": str(today)}
    shown = administrator.post(f"/administration/users/{ann.pk}", fields, follow=True).text
    assert "ann is Foreman at every site now" in shown
    given = RoleAt.objects.get(user=ann)
    administrator.post(f"/administration/users/{ann.pk}/change", {"end": given.pk})
    assert RoleAt.objects.get(user=ann).to_day == today - DAY
    assert not may(User.objects.get(pk=ann.pk), "hold")


def test_a_role_cannot_end_before_it_begins(
    reader_as: Callable[..., Client], ann: User
) -> None:
    fields = {"role": "foreman", "from_day": "2026-03-02", "to_day": "2026-03-01"}
    shown = reader_as("administrator").post(f"/administration/users/{ann.pk}", fields).text
    assert "would end before it begins" in shown
    assert not RoleAt.objects.filter(user=ann).exists()


def test_nobody_changes_their_own_role(reader_as: Callable[..., Client]) -> None:
    administrator = reader_as("administrator")
    me = User.objects.get(username="administrator").pk
    fields = {"role": "viewer", "site": ""}
    assert "your own role" in administrator.post(f"/administration/users/{me}", fields).text
    administrator.post(f"/administration/users/{me}/change", {"active": "0"})
    assert User.objects.get(pk=me).is_active


def test_people_are_found_by_name_role_and_site(
    reader_as: Callable[..., Client], ann: User
) -> None:
    give(ann, "ndt", "depot")
    administrator = reader_as("administrator")
    for query in ("q=AN", f"q={ann.username}&role=ndt", "role=ndt&site=depot"):
        assert ">ann<" in administrator.get(f"/administration/users?{query}").text
    for query in ("q=bob", "role=ndt&site=elsewhere", "q=ann&role=viewer"):
        assert ">ann<" not in administrator.get(f"/administration/users?{query}").text


def test_a_name_is_erased_and_the_pseudonym_stays(
    reader_as: Callable[..., Client], ann: User
) -> None:
    from railtrace.web.accounts import person_of

    pseudonym, administrator = person_of(ann).person_id, reader_as("administrator")
    ann.last_name = "Annova"
    ann.save()
    administrator.post(f"/administration/users/{ann.pk}/change", {"erase": "bob"})
    assert User.objects.get(pk=ann.pk).last_name == "Annova"
    administrator.post(f"/administration/users/{ann.pk}/change", {"erase": "ann"})
    gone = User.objects.get(pk=ann.pk)
    assert (gone.username, gone.last_name, gone.is_active) == (f"erased-{ann.pk}", "", False)
    assert person_of(gone).person_id == pseudonym


def test_one_who_is_locked_out_is_out_at_once(
    reader_as: Callable[..., Client], ann: User
) -> None:
    give(ann, "viewer")
    browser = _browser(ann)
    assert browser.get("/fleet/").status_code == 200
    reader_as("administrator").post(f"/administration/users/{ann.pk}/change", {"active": "0"})
    assert browser.get("/fleet/").status_code == 302


def test_the_matrix_says_what_a_role_may_and_who_may(
    reader_as: Callable[..., Client], ann: User
) -> None:
    give(ann, "release_officer", "depot")
    administrator = reader_as("administrator")
    shown = administrator.get("/administration/matrix?may=release").text
    assert all(word.capitalize() or word in shown for word in PERMISSIONS.values())
    assert f'/administration/users/{ann.pk}">ann</a>' in shown
    elsewhere = administrator.get("/administration/matrix?may=release&site=elsewhere").text
    assert ">ann</a>" not in elsewhere
