"""The pages of reliability, read through Django."""

import pytest

from tests.web.conftest import COACH, WHEELSET

pytestmark = pytest.mark.django_db


def text_of(client, address):
    page = client.get(address)
    assert page.status_code == 200
    return page.content.decode()


def test_a_class_that_never_failed_shows_bounds_and_what_they_stand_on(manager):
    text = text_of(manager, "/reliability/?class=coach")
    assert "Component types" in text
    assert "only a bound can be told" in text
    assert "Table, SHA-256" in text


def test_a_class_that_never_ran_says_so(manager):
    assert "no run of this class is recorded yet" in text_of(manager, "/reliability/?class=special")


def test_an_unknown_class_shows_the_first_one(manager):
    assert "Locomotives" in text_of(manager, "/reliability/?class=rocket")


def test_a_distance_that_is_none_is_the_usual_one(manager):
    for asked in ("xyz", "-5", "1e9", "nan"):
        assert 'value="500"' in text_of(manager, f"/reliability/?class=coach&km={asked}")
    assert 'value="1200"' in text_of(manager, "/reliability/?class=coach&km=1200")


def test_a_unit_without_a_fleet_that_failed_and_a_part_say_why_there_is_no_chance(manager):
    assert "only a bound can be told" in text_of(manager, f"/units/{COACH}?tab=reliability")
    assert "told for vehicles" in text_of(manager, f"/units/{WHEELSET}?tab=reliability")
    past = text_of(manager, f"/units/{COACH}?tab=reliability&at=2099-01-01")
    assert "for now only" in past


def test_component_types_leave_as_a_table(manager):
    page = manager.get("/reliability/components.csv?class=coach")
    rows = page.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Component,Failures,Kilometres")
    assert len(rows) > 5
