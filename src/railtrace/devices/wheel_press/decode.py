"""A press's line: the side stands in a column, the force per 100 mm of seat is computed."""

from decimal import Decimal

from msgspec.structs import replace

from railtrace.devices.decode import attached, decimal_text, result_of
from railtrace.devices.frames import Record, records
from railtrace.devices.manifest import Manifest, Place
from railtrace.devices.message import Message, Result, Value
from railtrace.errors import BadFrame

SIDE = Place(at="Сторона")
CURVE = Place(at="Файл кривой")
_SIDES = {"Л": "left", "П": "right"}
_FORCE = "press_force_solid_wheel"


def decode(manifest: Manifest, message: Message) -> tuple[Result, ...]:
    """Return one result a line, its curve with it."""
    return tuple(
        _joint(manifest, record, message) for record in records(manifest.frame, message.content)
    )


def _joint(manifest: Manifest, record: Record, message: Message) -> Result:
    side = str(record.get(SIDE))
    if side not in _SIDES:
        raise BadFrame("the side is {side!r}, Л or П wanted", side=side)
    place = _SIDES[side]
    result = result_of(manifest, record, message)
    values = tuple(replace(v, place=place if v.place else "") for v in result.values)
    limits = tuple(replace(limit, place=place) for limit in result.limits)
    curve = replace(attached(message, str(record.get(CURVE))), media_type="text/csv")
    return replace(
        result, values=(*values, _per_100mm(values, place)), limits=limits, files=(curve,)
    )


def _per_100mm(values: tuple[Value, ...], place: str) -> Value:
    told = {value.quantity: Decimal(value.value) for value in values}
    seat = told["press_seat_length"]
    if seat <= 0:
        raise BadFrame("the seat is {seat} mm long", seat=seat)
    force = decimal_text(told["press_final_force"] * 100 / seat, 1, _FORCE)
    return Value(quantity=_FORCE, value=force, unit="kN/100mm", place=place)
