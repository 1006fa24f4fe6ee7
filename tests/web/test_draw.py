from xml.etree import ElementTree

import pytest

from railtrace.catalogue import load
from railtrace.catalogue.layout import drawing
from railtrace.web.draw import Sign, side_view

CATALOGUE = load.load()
SVG = "{http://www.w3.org/2000/svg}"


def _parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))


@pytest.mark.parametrize("vehicle_type", sorted(CATALOGUE.vehicle_types))
def test_every_vehicle_type_is_drawn_with_all_its_places(vehicle_type: str) -> None:
    plan = drawing(CATALOGUE, vehicle_type)
    picture = _parsed(side_view(plan, {}, "x"))
    drawn = [node for node in picture if node.get("class", "").startswith("part")]
    assert len(drawn) == sum(bool(position.shapes) for position in plan.positions)
    assert {node.get("class") for node in drawn} == {"part is-empty"}


def test_a_part_is_a_link_that_says_what_it_is_in_words() -> None:
    plan = drawing(CATALOGUE, next(iter(CATALOGUE.vehicle_types)))
    path = next(position.path for position in plan.positions if position.shapes)
    picture = _parsed(side_view(plan, {path: Sign("a <b> & c", "/units/u-1", "unfit")}, "x"))
    link = picture.find(f"{SVG}a")
    assert link is not None
    assert link.get("href") == "/units/u-1"
    assert link.get("class") == "part is-unfit"
    assert link.findtext(f"{SVG}title") == "a <b> & c"


@pytest.mark.parametrize(
    ("verdict", "marked"), [("fit", False), ("doubtful", True), ("unfit", True)]
)
def test_what_is_not_fit_carries_a_mark_beside_its_colour(verdict: str, marked: bool) -> None:
    plan = drawing(CATALOGUE, next(iter(CATALOGUE.vehicle_types)))
    path = next(position.path for position in plan.positions if position.shapes)
    text = side_view(plan, {path: Sign("t", "", verdict)}, "x")
    assert ('class="mark"' in text) is marked


def test_everything_is_drawn_inside_the_picture() -> None:
    for vehicle_type in CATALOGUE.vehicle_types:
        plan = drawing(CATALOGUE, vehicle_type)
        picture = _parsed(side_view(plan, {}, "x"))
        left, top, width, height = map(float, picture.get("viewBox", "").split())
        for shape in picture.iter(f"{SVG}rect"):
            x, y = float(shape.get("x", 0)), float(shape.get("y", 0))
            assert left <= x <= left + width - float(shape.get("width", 0)) + 1e-6
            assert top <= y <= top + height - float(shape.get("height", 0)) + 1e-6
