"""The catalogue as people look at it."""

from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client
from django.utils.translation import override

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.catalogue.rows import Jurisdiction
from railtrace.web.names import Names


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
@pytest.mark.parametrize(
    "kind",
    [
        "vehicle_types", "part_types", "limits", "wheel_profiles", "rotating", "adoptions",
        "nonsense",
    ],
)  # fmt: skip
def test_every_kind_of_rows_is_shown(
    reader_as: Callable[..., Client], language: str, kind: str
) -> None:
    response = reader_as("viewer", language).get(f"/trace/catalogue?kind={kind}")
    assert response.status_code == 200
    assert response.context["rows"]


def test_wheel_profiles_are_drawn_where_they_are_measured(viewer: Client, railway: App) -> None:
    text = viewer.get("/trace/catalogue?kind=wheel_profiles").text
    rows = railway.catalogue().wheel_profiles
    assert text.count('class="drawing wheel-drawn"') == len(rows) > 0
    assert "L1 = 2" in text
    assert "L2 = 70" in text
    assert "L3 = 10" in text


def test_bearings_tell_their_orders_and_gear_wheels_their_teeth(viewer: Client) -> None:
    text = viewer.get("/trace/catalogue?kind=rotating").text
    assert "5.415" in text  # inner race of 6205-2RS
    assert "<code>traction.75</code>" in text
    assert '<span class="num">75</span>' in text


def test_every_type_has_a_page(viewer: Client, railway: App) -> None:
    catalogue = railway.catalogue()
    for key in (*catalogue.vehicle_types, *catalogue.part_types):
        page = viewer.get(f"/trace/catalogue/{key}")
        assert page.status_code == 200, key
        assert ('class="drawing"' in page.text) is (key in catalogue.vehicle_types)
    assert viewer.get("/trace/catalogue/no-such-type").status_code == 404


def test_a_limit_names_its_source_and_its_doubt(viewer: Client, railway: App) -> None:
    text = viewer.get("/trace/catalogue?kind=limits").text
    unconfirmed = [limit for limit in railway.catalogue().limits.values() if not limit.confirmed]
    assert text.count('<span class="tag">unconfirmed</span>') == len(unconfirmed) > 0


def test_before_any_was_adopted_there_is_none(viewer: Client) -> None:
    text = viewer.get("/trace/catalogue?known=2001-01-01").text
    assert "No catalogue had been adopted by then" in text


def test_route_cards_equipment_and_rules_stand_with_source_and_doubt(viewer: Client) -> None:
    for kind, said in (
        ("processes", "Wheelset: ordinary repair"), ("equipment_types", "OPC UA"),
        ("check_rules", "least_temperature_c = 60"),
    ):  # fmt: skip
        text = viewer.get("/trace/catalogue", {"kind": kind}).text
        assert said in text, kind
        assert "unconfirmed" in text


def test_a_shipped_source_is_in_the_reader_s_language_and_a_site_s_own_as_it_was_written() -> None:
    shipped = load()
    limit = next(row for row in shipped.limits.values() if row.source == "ПТЭ, from memory: 7 mm")
    own = Jurisdiction(
        key="TJ-1", ru="Д", en="D", source="Order 12", jurisdiction="-",
        valid_from=date(2026, 1, 1), precedence=1,
    )  # fmt: skip
    with override("ru"):
        said = [Names(shipped, "ru").source(row) for row in (limit, own)]
    assert said == ["ПТЭ, по памяти: 7 мм", "Order 12"]
