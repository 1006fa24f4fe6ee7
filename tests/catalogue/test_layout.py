import pytest

from railtrace.catalogue.layout import (
    PLAN_WIDTH_M,
    SIDE_HEIGHT_M,
    Position,
    drawing,
    position_name,
    positions,
)
from railtrace.catalogue.load import load
from railtrace.errors import NotFound

SHIPPED = load()
NOT_DRAWN = {"bearing"}


def by_path(vehicle_type: str) -> dict[str, Position]:
    return {position.path: position for position in positions(SHIPPED, vehicle_type)}


def test_the_parts_of_a_gondola_are_numbered_along_the_wagon() -> None:
    paths = by_path("gondola")
    assert paths["bogie.2/wheelset.3"].part_type == "wheelset_freight"
    assert paths["bogie.2/wheelset.3/axle_box.left"].carrier == "bogie.2/wheelset.3"
    assert paths["bogie.1/side_frame.right"].part_type == "side_frame"
    assert "bogie.2/wheelset.2" not in paths
    assert {"coupler.a", "coupler.b", "distributor", "reservoir"} <= paths.keys()


@pytest.mark.parametrize("key", [k for k, v in SHIPPED.vehicle_types.items()
                                 if v.vehicle_class == "locomotive"])  # fmt: skip
def test_a_locomotive_section_has_six_motors_each_beside_its_wheelset(key: str) -> None:
    paths = by_path(key)
    for number in range(1, 7):
        carrier = f"bogie.{(number + 2) // 3}"
        assert paths[f"{carrier}/traction_motor.{number}"].carrier == carrier
        assert f"{carrier}/wheelset.{number}" in paths
    assert "diesel/turbocharger" in paths


def test_a_railcar_without_bogies_carries_its_wheelsets_itself() -> None:
    paths = by_path("railcar_as1a")
    assert paths["wheelset.2"].carrier == ""
    assert not any(path.startswith("bogie") for path in paths)


@pytest.mark.parametrize("key", SHIPPED.vehicle_types)
def test_every_part_is_drawn_inside_the_drawing(key: str) -> None:
    drawn = drawing(SHIPPED, key)
    heights = {"side": SIDE_HEIGHT_M, "plan": PLAN_WIDTH_M}
    for position in drawn.positions:
        assert position.shapes or position.part_type in NOT_DRAWN, position.path
        for shape in position.shapes:
            assert -1e-9 <= shape.x <= drawn.length_m - shape.width + 0.002, position.path
            assert 0 <= shape.y <= heights[shape.view] - shape.height + 0.002, position.path


@pytest.mark.parametrize("key", SHIPPED.vehicle_types)
def test_carriers_come_before_what_they_carry(key: str) -> None:
    seen = {""}
    for position in positions(SHIPPED, key):
        assert position.carrier in seen
        seen.add(position.path)


def test_wheels_stand_on_the_rail_at_their_wheelbase() -> None:
    wheelsets = [by_path("gondola")[f"bogie.{(n + 1) // 2}/wheelset.{n}"] for n in range(1, 5)]
    circles = [shape for w in wheelsets for shape in w.shapes if shape.view == "side"]
    assert [c.x + c.width / 2 for c in circles] == pytest.approx(
        [1.71, 3.56, 10.36, 12.21], abs=0.002
    )
    assert {round(c.y + c.height, 3) for c in circles} == {SIDE_HEIGHT_M}
    assert all(c.rounding == pytest.approx(c.width / 2, abs=0.001) for c in circles)


def test_the_left_wheel_is_below_the_right_one_in_the_plan() -> None:
    left, right = (by_path("gondola")[f"bogie.1/wheelset.1/wheel.{side}"].shapes[0]
                   for side in ("left", "right"))  # fmt: skip
    assert (left.view, left.y > right.y, left.x) == ("plan", True, right.x)


def test_a_position_is_named_in_each_language() -> None:
    names = [position_name(SHIPPED, "bogie.1/wheelset.2/wheel.left", x) for x in ("ru", "en", "tg")]
    assert names == ["Колесо, слева", "Wheel, left", "Чарх, чап"]
    assert position_name(SHIPPED, "coupler.b", "ru") == "Автосцепка Б"
    assert position_name(SHIPPED, "bogie.2/wheelset.3", "en") == "Wheelset 3"
    assert position_name(SHIPPED, "generator", "ru") == "Генератор"
    assert position_name(SHIPPED, "wheel", "en") == "Wheel"
    assert position_name(SHIPPED, "gyroscope.7", "ru") == "gyroscope.7"


def test_an_unknown_vehicle_type_is_not_found() -> None:
    with pytest.raises(NotFound, match="vehicle type zeppelin is not in the catalogue"):
        drawing(SHIPPED, "zeppelin")
