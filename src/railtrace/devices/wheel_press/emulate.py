"""A press's curve: force over the way, rising smoothly to the final force."""

import random
from decimal import Decimal

from railtrace.devices.frames import put
from railtrace.devices.manifest import Manifest, Place
from railtrace.devices.message import File


def finish(
    manifest: Manifest, content: bytes, truth: dict[str, str], number: int, chance: random.Random
) -> tuple[bytes, tuple[File, ...]]:
    """Return the line naming its curve, and the curve."""
    seat = int(Decimal(truth["press_seat_length.left"]))
    force = float(truth["press_final_force.left"])
    points = ((way, force * (way / seat) ** 0.8) for way in range(seat + 1))
    lines = (f"{way};{kn:.1f}\r\n".replace(".", ",") for way, kn in points)
    name = f"{number}.kriv"
    for column, text in (("Файл кривой", name), ("Сторона", "Л")):
        content = put(manifest.frame, content, Place(at=column), text)
    return content, (File(name, "".join(lines).encode(manifest.frame.encoding)),)
