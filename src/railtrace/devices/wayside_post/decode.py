"""A post's message: what is told of every axle, at the places of the vehicle's layout."""

from msgspec.structs import replace

from railtrace.devices.decode import result_of, value_of
from railtrace.devices.frames import records
from railtrace.devices.manifest import Field, Manifest
from railtrace.devices.message import Message, Result, Value

FIRST, MOST_AXLES = "axles[0]", 64


def decode(manifest: Manifest, message: Message) -> tuple[Result, ...]:
    """Return one result a vehicle, its readings for as many axles as the message has."""
    (record,) = records(manifest.frame, message.content)
    result = result_of(manifest, record, message)
    by_axle = [field for field in manifest.fields if str(field.at).startswith(FIRST)]
    more: list[Value] = []
    for axle in range(1, MOST_AXLES):
        found = [value_of(manifest, record, _of_axle(field, axle)) for field in by_axle]
        if not any(found):
            break
        more += [value for value in found if value]
    return (replace(result, values=(*result.values, *more)),)


def _of_axle(field: Field, axle: int) -> Field:
    return replace(
        field, at=str(field.at).replace(FIRST, f"axles[{axle}]"), optional=True,
        place=field.place.replace("wheelset.1", f"wheelset.{axle + 1}"),
    )  # fmt: skip
