"""A stand's waveform: noise of a sound bearing, drawn anew for each result."""

import io
import random
import struct
import wave

from railtrace.devices.frames import put
from railtrace.devices.manifest import Manifest, Place
from railtrace.devices.message import File

RATE_HZ, SECONDS = 12_000, 1


def finish(
    manifest: Manifest, content: bytes, truth: dict[str, str], number: int, chance: random.Random
) -> tuple[bytes, tuple[File, ...]]:
    """Return the result naming its waveform, and the waveform."""
    level = 800 * float(truth["vibration_acceleration"])
    points = (int(max(-32767, min(32767, chance.gauss(0, level)))) for _ in range(
        RATE_HZ * SECONDS))  # fmt: skip
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        sound.writeframes(b"".join(struct.pack("<h", point) for point in points))
    name = f"{number:06}.wav"
    content = put(manifest.frame, content, Place(at="waveform"), name)
    return content, (File(name, held.getvalue()),)
