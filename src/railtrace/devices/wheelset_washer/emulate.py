"""A washer's bath over its cycle: the temperature falls a little while it washes, then rests."""

import random

from railtrace.devices.frames import exact, put_series, records
from railtrace.devices.manifest import Manifest
from railtrace.devices.message import File

POINTS = 60


def finish(
    manifest: Manifest, content: bytes, truth: dict[str, str], number: int, chance: random.Random
) -> tuple[bytes, tuple[File, ...]]:
    """Return the result with the trace of its bath; its least temperature is the one told."""
    record = records(manifest.frame, content)[0]
    lasted = [exact(record.get(p.duration) or 0) for p in manifest.phases if p.duration]
    whole, least = float(sum(lasted)), float(truth["wash_temperature"])
    bar = float(truth["wash_pressure"]) / 100
    times = [round(whole * n / (POINTS - 1), 1) for n in range(POINTS)]
    washing = [at <= float(lasted[0]) for at in times]
    degrees = [round(least + 4 * chance.random() * (n > 0), 1) for n in range(POINTS)]
    bars = [round(bar if on else 0.0, 2) for on in washing]
    for column, values in zip(manifest.traces[0].columns, (times, degrees, bars), strict=True):
        content = put_series(manifest.frame, content, column, values)
    return content, ()
