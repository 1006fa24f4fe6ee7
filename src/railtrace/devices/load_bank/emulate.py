"""A diesel on the load bank: fifteen notches, the highest gives what the result tells."""

import random

from railtrace.devices.frames import put, put_series
from railtrace.devices.manifest import Manifest
from railtrace.devices.message import File

NOTCHES = 15
IDLE_RPM = 400


def finish(
    manifest: Manifest, content: bytes, truth: dict[str, str], number: int, chance: random.Random
) -> tuple[bytes, tuple[File, ...]]:
    """Return the result with one point a notch."""
    series = points(
        float(truth["engine_speed"]), float(truth["generator_voltage"]), float(truth["power"])
    )
    trace = manifest.traces[0]
    assert trace.points is not None
    content = put(manifest.frame, content, trace.points, NOTCHES)
    for column, values in zip(trace.columns, series, strict=True):
        content = put_series(manifest.frame, content, column, values)
    return content, ()


def points(
    most_rpm: float, most_volts: float, most_kw: float
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return notch, speed [rpm], voltage [0.1 V] and current [A]."""
    notches = list(range(1, NOTCHES + 1))
    shares = [n / NOTCHES for n in notches]
    rpm = [round(IDLE_RPM + (most_rpm - IDLE_RPM) * share) for share in shares]
    volts = [most_volts * share**0.7 for share in shares]
    watts = [1000 * most_kw * share**1.5 for share in shares]
    amperes = [round(w / v) for w, v in zip(watts, volts, strict=True)]
    return notches, rpm, [round(10 * v) for v in volts], amperes
