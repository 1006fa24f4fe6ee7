"""The positions of a vehicle type, and how each is drawn.

A path names a place on the vehicle, from the outside in: `bogie.1/wheelset.2/axle_box.left`.
Bogies, wheelsets and what goes with a wheelset are numbered along the vehicle from its A end.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from railtrace.catalogue.rows import Box, Catalogue, Part, VehicleType
from railtrace.errors import NotFound

SIDE_HEIGHT_M = 5.3
PLAN_WIDTH_M = 3.4

View = Literal["side", "plan"]
_Point = tuple[float, float, float]  # along the vehicle, above the rail, left of the centre line
_NOWHERE = (0.0, 0.0, 0.0, 0.0)


class Shape(Struct, frozen=True):
    """A rectangle [m] from the top left corner of its view; a circle where fully rounded."""

    view: View
    x: float
    y: float
    width: float
    height: float
    rounding: float = 0.0


class Position(Struct, frozen=True):
    """A place for a part on a vehicle; `carrier` is the path it belongs to, "" the vehicle."""

    path: str
    carrier: str
    part_type: str
    shapes: tuple[Shape, ...] = ()


class Drawing(Struct, frozen=True):
    """A vehicle type drawn: the left side with the A end to the left, and the plan below it.

    The outline is SVG path data; scale it by a hundredth of length and of side height.
    """

    length_m: float
    side_height_m: float
    plan_width_m: float
    outline: str
    dimensions_confirmed: bool
    positions: tuple[Position, ...]


def drawing(catalogue: Catalogue, vehicle_type: str) -> Drawing:
    """Return everything a page needs to draw a vehicle type."""
    vehicle = _vehicle_type(catalogue, vehicle_type)
    return Drawing(
        length_m=vehicle.length_m,
        side_height_m=SIDE_HEIGHT_M,
        plan_width_m=PLAN_WIDTH_M,
        outline=catalogue.bodies[vehicle.body].outline,
        dimensions_confirmed=vehicle.dimensions_confirmed,
        positions=positions(catalogue, vehicle_type),
    )


def positions(catalogue: Catalogue, vehicle_type: str) -> tuple[Position, ...]:
    """Return the positions of a vehicle type, carriers before what they carry."""
    vehicle = _vehicle_type(catalogue, vehicle_type)
    layout = catalogue.layouts[vehicle.layout]
    on_vehicle = (_in_metres(part, vehicle) for part in (*layout.on_vehicle, *vehicle.also))
    return (
        *_running_gear(catalogue, vehicle),
        *(found for part in on_vehicle for found in _grow(catalogue, "", part, (0, 0, 0))),
    )


def position_name(catalogue: Catalogue, path: str, language: str) -> str:
    """Return the name of a path's last step; a step the catalogue does not know is shown raw."""
    step = path.rpartition("/")[2]
    word, _, index = step.partition(".")
    row, place = catalogue.position_names.get(word), catalogue.places.get(index)
    if row is None:
        return step
    number = place.name(language) if place else index
    return row.name(language).replace("{n}", number).strip(" ,")


def _vehicle_type(catalogue: Catalogue, key: str) -> VehicleType:
    if key not in catalogue.vehicle_types:
        raise NotFound("vehicle type {key} is not in the catalogue", key=key)
    return catalogue.vehicle_types[key]


def _running_gear(catalogue: Catalogue, vehicle: VehicleType) -> Iterator[Position]:
    layout = catalogue.layouts[vehicle.layout]
    for bogie, centre_m in enumerate(_bogie_centres_m(vehicle), 1):
        # What leans towards the middle of the vehicle does so on both bogies.
        ahead = 1 if centre_m <= vehicle.length_m / 2 else -1
        at, carrier = (centre_m, 0.0, 0.0), ""
        if layout.bogie and vehicle.bogies:
            carrier = f"{layout.bogie.position}.{bogie}"
            yield from _grow(catalogue, "", replace(layout.bogie, position=carrier), at, ahead)
            for part in layout.in_bogie:
                yield from _grow(catalogue, carrier, part, at, ahead)
        first_axle = (bogie - 1) * vehicle.axles_per_bogie + 1
        for axle, axle_m in enumerate(_axles_m(vehicle, centre_m), first_axle):
            for part in (_wheelset(layout.wheelset, vehicle), *layout.per_wheelset):
                numbered = replace(part, position=f"{part.position}.{axle}")
                yield from _grow(catalogue, carrier, numbered, (axle_m, 0.0, 0.0), ahead)


def _bogie_centres_m(vehicle: VehicleType) -> list[float]:
    return _spread(vehicle.length_m / 2, vehicle.pivot_distance_m, max(vehicle.bogies, 1))


def _axles_m(vehicle: VehicleType, centre_m: float) -> list[float]:
    return _spread(centre_m, vehicle.bogie_wheelbase_m, vehicle.axles_per_bogie)


def _spread(centre: float, distance: float, count: int) -> list[float]:
    """Return `count` points, the outermost `distance` apart."""
    step = distance / max(count - 1, 1)
    return [centre + step * (i - (count - 1) / 2) for i in range(count)]


def _wheelset(part: Part, vehicle: VehicleType) -> Part:
    diameter_m = vehicle.wheel_diameter_m
    return replace(part, side=(0.0, diameter_m / 2, diameter_m, diameter_m), round=True)


def _in_metres(part: Part, vehicle: VehicleType) -> Part:
    def metres(box: Box | None) -> Box | None:
        return box and (box[0] * vehicle.length_m, box[1], box[2] * vehicle.length_m, box[3])

    return replace(part, side=metres(part.side), plan=metres(part.plan))


def _grow(
    catalogue: Catalogue, carrier: str, part: Part, at: _Point, ahead: int = 1
) -> Iterator[Position]:
    """Yield a part's positions and, within each, those of its own parts."""
    side, plan = part.side or _NOWHERE, part.plan or _NOWHERE
    x, _, width, _ = part.side or plan
    for number, offset_m in enumerate(_spread(0, width * (1 - 1 / part.count), part.count), 1):
        step = part.position if part.count == 1 else f"{part.position}.{number}"
        path = f"{carrier}/{step}" if carrier else step
        here = (at[0] + offset_m, at[1], at[2])
        yield Position(path, carrier, part.part_type, _shapes(part, here, ahead))
        inside = (here[0] + ahead * x, at[1] + side[1], at[2] + plan[1])
        for inner in catalogue.part_types[part.part_type].parts:
            yield from _grow(catalogue, path, inner, inside, ahead)


def _shapes(part: Part, at: _Point, ahead: int) -> tuple[Shape, ...]:
    x, side_y, plan_y = at
    shapes = []
    if part.side:
        y = SIDE_HEIGHT_M - side_y - part.side[1]
        shapes.append(_shape("side", part, part.side, x + ahead * part.side[0], y))
    if part.plan:
        y = PLAN_WIDTH_M / 2 + plan_y + part.plan[1]
        shapes.append(_shape("plan", part, part.plan, x + ahead * part.plan[0], y))
    return tuple(shapes)


def _shape(view: View, part: Part, box: Box, x: float, y: float) -> Shape:
    width, height = box[2] / part.count, box[3]
    return Shape(
        view,
        x=round(x - width / 2, 3),
        y=round(y - height / 2, 3),
        width=round(width, 3),
        height=height,
        rounding=round(min(width, height) / 2, 3) if part.round else 0.0,
    )
