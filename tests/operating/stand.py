"""A bearing stand and a press for tests: what they record, with their files kept."""

import io
import wave
from datetime import timedelta
from pathlib import Path

import numpy as np

from railtrace.app import App
from railtrace.trace.operation import (
    Diagnosed,
    MachineResult,
    Measured,
    Number,
    Operation,
    Reading,
    Registered,
)
from tests.operating.depot import NOW, record

RECORDS = Path(__file__).parents[1] / "data" / "vibration"
PRESS_SAMPLES = Path(__file__).parents[2] / "src/railtrace/devices/wheel_press/samples"
STAND, PRESS, BEARING, WHEELSET = "d-stand", "d-press", "u-bearing", "u-wheelset"


def real_wave(name: str, end: str = "DE") -> bytes:
    """Return one channel of a real recording as a stand's wave file."""
    with np.load(RECORDS / f"{name}.npz") as file:
        counts, rate = file[end], int(file["fs"])
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(counts.astype("<i2").tobytes())
    return held.getvalue()


def depot() -> list[Operation]:
    """Register a stand, a press, a bearing and a wheelset."""
    at = NOW - timedelta(days=400)
    kinds = {STAND: "bearing_stand", PRESS: "wheel_press", BEARING: "bearing",
             WHEELSET: "wheelset_locomotive"}  # fmt: skip
    return [
        Registered(id=f"r:{unit}", happened_at=at, units=(unit,), type=type_, site="dushanbe",
                   numbers=(Number(scheme="other", value=f"N-{unit}"),))
        for unit, type_ in kinds.items()
    ]  # fmt: skip


def recorded(
    app: App, id_: str, content: bytes, days_ago: float, *, rpm: float = 1797,
    outcome: str = "sound", recipe: str = "6205-2RS", unit: str = BEARING, operator: str = "p-1",
) -> None:  # fmt: skip
    """Record what a stand sent: its diagnosis, its wave file, its own result."""
    file = app.evidence.put(content, f"{id_}.wav", "audio/wav", "curve")
    at = NOW - timedelta(days=days_ago)
    record(app, [
        Diagnosed(id=id_, happened_at=at, units=(unit,), site="dushanbe", device=STAND,
                  method="vibration", outcome=outcome, evidence=(file,), performed_by=(operator,),
                  readings=(Reading(quantity="shaft_speed", value=str(rpm), unit="rpm"),)),
        MachineResult(id=f"{id_}:r", happened_at=at, units=(unit,), site="dushanbe", device=STAND,
                      result_id=id_, machine="bearing_stand", recipe=recipe, facts=(id_,),
                      evaluation={"sound": "ok", "alarm": "not_ok"}.get(outcome, "undecided")),
    ])  # fmt: skip
    app.catch_up()


def pressed(app: App, id_: str, force: str, curve: bytes | None, *, seat: str = "185") -> None:
    """Record what a press sent, which says that everything is well."""
    files = () if curve is None else (
        app.evidence.put(curve, f"{id_}.kriv", "text/csv", "curve"),)  # fmt: skip
    at = NOW - timedelta(days=1)
    readings = (
        Reading(quantity="press_final_force", place="left", value=force, unit="kN"),
        Reading(quantity="press_seat_length", place="left", value=seat, unit="mm"),
        Reading(quantity="press_force_wheel_centre", place="left", unit="kN/100mm",
                value=f"{float(force) * 100 / float(seat):.1f}"),
    )  # fmt: skip
    record(app, [
        Measured(id=id_, happened_at=at, units=(WHEELSET,), site="dushanbe", device=PRESS,
                 readings=readings, evidence=files),
        MachineResult(id=f"{id_}:r", happened_at=at, units=(WHEELSET,), site="dushanbe",
                      device=PRESS, result_id=id_, machine="wheel_press", evaluation="ok",
                      facts=(id_,)),
    ])  # fmt: skip
    app.catch_up()
