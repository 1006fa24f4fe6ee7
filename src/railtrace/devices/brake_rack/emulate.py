"""A rack's pressures: charged, reduced by the step that was set, held, and released."""

import random

from railtrace.devices.frames import put, put_series
from railtrace.devices.manifest import Manifest
from railtrace.devices.message import File

POINTS, STEP_S = 60, 3
APPLIED_S, RELEASED_S = 30, 120
REDUCTION_KPA, LEAK_KPA_PER_MIN = 50.0, 2.0


def finish(
    manifest: Manifest, content: bytes, truth: dict[str, str], number: int, chance: random.Random
) -> tuple[bytes, tuple[File, ...]]:
    """Return the result with its traces, as fast to apply and to release as it tells."""
    charged = float(truth["brake_pipe_pressure"])
    rise, fall = float(truth["brake_apply_time"]), float(truth["brake_release_time"])
    series = traces(charged, rise, fall, LEAK_KPA_PER_MIN)
    trace = manifest.traces[0]
    assert trace.points is not None
    content = put(manifest.frame, content, trace.points, POINTS)
    for column, values in zip(trace.columns, series, strict=True):
        content = put_series(manifest.frame, content, column, values)
    return content, ()


def traces(
    charged_kpa: float, apply_s: float, release_s: float, leak_kpa_per_min: float
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return time [0.1 s], pipe and cylinder pressure [0.1 kPa] and the handle."""
    times = [STEP_S * n for n in range(POINTS)]
    pipe, cylinder, handle = [], [], []
    for at in times:
        applied = APPLIED_S <= at < RELEASED_S
        # The pipe follows the handle, it does not lead it.
        pipe.append(charged_kpa - (REDUCTION_KPA if APPLIED_S < at <= RELEASED_S else 0.0))
        cylinder.append(_cylinder(at, apply_s, release_s, leak_kpa_per_min))
        handle.append(int(applied))
    return [10 * at for at in times], _tenths(pipe), _tenths(cylinder), handle


def _tenths(kpa: list[float]) -> list[int]:
    return [round(10 * one) for one in kpa]


def _cylinder(at: float, apply_s: float, release_s: float, leak: float) -> float:
    full = 150.0
    if at < APPLIED_S:
        return 0.0
    if at < RELEASED_S:
        held = max(0.0, at - APPLIED_S - apply_s)
        return min(full, full * (at - APPLIED_S) / apply_s) - leak * held / 60
    return max(0.0, full * (1 - (at - RELEASED_S) / release_s))
