"""A notice reaches the holders of its roles at its site, and named persons; nobody else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from railtrace.app import App
from railtrace.web.accounts import person_of
from railtrace.web.models import Notice
from railtrace.web.notices import in_words, notify, unread
from railtrace.web.roles import give
from tests.web.conftest import COACH

SAID = "{part} is below its minimum stock"


@pytest.fixture
def ann(db: None, railway: App) -> User:
    return User.objects.create_user("ann")


def _keeper(name: str, site: str, role: str = "storekeeper") -> User:
    user = User.objects.create_user(name)
    give(user, role, site)
    return user


def test_a_role_is_told_at_the_notice_s_site_only(ann: User) -> None:
    here, there = _keeper("here", "kulob"), _keeper("there", "dushanbe")
    everywhere, other = _keeper("all", ""), _keeper("other", "kulob", "foreman")
    notify(SAID, roles=("storekeeper",), site="kulob", part="30517")
    assert [unread(user) for user in (here, there, everywhere, other)] == [1, 0, 1, 0]


def test_a_notice_without_a_site_is_for_every_site(ann: User) -> None:
    here = _keeper("here", "kulob")
    notify(SAID, roles=("storekeeper",), part="30517")
    assert unread(here) == 1


def test_a_role_that_ended_is_told_no_more(ann: User) -> None:
    today = timezone.localdate()
    give(ann, "storekeeper", "", today - timedelta(days=9), today - timedelta(days=1))
    notify(SAID, roles=("storekeeper",), part="30517")
    assert unread(ann) == 0


def test_a_person_is_told_whatever_the_role(ann: User) -> None:
    notify(SAID, persons=(person_of(ann).person_id,), part="30517")
    assert unread(ann) == 1


def test_the_same_key_is_told_once(ann: User) -> None:
    for _ in range(3):
        notify(SAID, roles=("storekeeper",), key="minimum:30517", part="30517")
    assert Notice.objects.count() == 1


def test_one_who_holds_two_of_its_roles_is_told_once(ann: User) -> None:
    give(ann, "storekeeper")
    give(ann, "storekeeper", "kulob")
    give(ann, "foreman")
    notify(SAID, roles=("storekeeper", "foreman"), site="kulob", part="30517")
    assert unread(ann) == 1


def test_units_kinds_and_moments_are_put_in_words(ann: User) -> None:
    notify("{kind} {at_us}: {unit}", kind="Failed", at_us=1_767_225_600_000_000, unit=COACH)
    said = in_words(Notice.objects.get())
    assert "12317" in said
    assert "01.01.2026" in said or "1 Jan 2026" in said


def test_nobody_opens_or_reads_away_another_s_notice(
    ann: User, reader_as: Callable[..., Client]
) -> None:
    notify(SAID, persons=(person_of(ann).person_id,), href="/fleet/", part="30517")
    pk = Notice.objects.get().pk
    viewer = reader_as("viewer")
    assert viewer.get(f"/notices/{pk}").status_code == 404
    viewer.post("/notices/read", {"notice": pk})
    viewer.post("/notices/read")
    assert unread(ann) == 1


def test_the_frame_counts_what_is_unread(reader_as: Callable[..., Client]) -> None:
    keeper = reader_as("storekeeper")
    assert 'badge-count num" hidden>' in keeper.get("/fleet/").text
    notify(SAID, roles=("storekeeper",), part="30517")
    assert 'badge-count num">1<' in keeper.get("/fleet/").text
