"""Half a year of a depot's diagnostics with known truth: a stand, a press, an oil laboratory.

Bearings have damage or none, and their recordings sound like it; the stand judges by level alone
and errs as such stands do; some bearings are opened later. Everything is invented and marked so.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from railtrace.analysis.bearings import Bearing, Damage
from railtrace.simulation.bearings import as_wav, vibration
from railtrace.trace.operation import KINDS, Number, Operation, Reading

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TYPE = Bearing("6205-2RS", 9, 7.94004, 39.0398)
"""A bearing whose geometry is in the catalogue: that of an electric motor, no axle box's."""
TRUTHS: tuple[Damage | None, ...] = (
    None, "outer", None, None, "inner", None, None, "outer", None, "ball", None, None,
)  # fmt: skip
SECONDS, RPM = 4.0, 1790.0
_CLASSES = {"outer": "fatigue.surface", "inner": "fatigue.subsurface", "ball": "wear.abrasive"}
_SEAT_MM = 185


@dataclass(frozen=True)
class File:
    """A file that an operation brings; the store gives it its hash."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Made:
    """An operation and its file."""

    operation: Operation
    file: File | None = None


def stand_months(
    site: str, stand: str, press: str, wheelsets: Sequence[str], diesels: Sequence[str],
    now: datetime, seed: int = 1,
) -> Iterator[Made]:  # fmt: skip
    """Yield half a year of diagnostics of a depot, ending now."""
    yield from _bearings(site, stand, now, random.Random(seed), seed)
    yield from _pressings(site, press, wheelsets, now)
    for index, engine in enumerate(diesels):
        yield from _oil(site, engine, index, now, random.Random(seed + index))


def _op(kind: str, id_: str, at: datetime, site: str, **fields: Any) -> Operation:
    return KINDS[kind](id=id_, happened_at=at.replace(microsecond=0), site=site, **fields)


# --- the stand ------------------------------------------------------------------------------------


def _bearings(
    site: str, stand: str, now: datetime, chance: random.Random, seed: int
) -> Iterator[Made]:
    for index, damage in enumerate(TRUTHS):
        unit, number = f"u-{site}-bearing-{index + 1}", f"{2600 + index}-{118840 + 7 * index}"
        yield Made(_op("Registered", f"demo-stand:{site}:{index}", now - 300 * DAY, site,
                       units=(unit,), type="bearing", home_site=site,
                       numbers=(Number(scheme="serial", value=number),)))  # fmt: skip
        for visit, days in enumerate((150, 60, 46) if damage else (150, 60)):
            at = now - (days - 3 * index) * DAY - index * HOUR
            grown = damage if visit or damage == "outer" else None
            yield from _visit(site, stand, unit, at, grown, 0.35 + 0.2 * visit, chance,
                              f"{seed}{index:02}{visit}")  # fmt: skip
        if damage and index != 4:
            yield Made(_op("TornDown", f"demo-stand:{site}:{index}:t", now - (5 + index / 4) * DAY,
                           site, units=(unit,), found="damage", damage_class=_CLASSES[damage],
                           element=damage, performed_by=("p-demo-fitter",)))  # fmt: skip
        elif damage is None and index in (0, 5):
            yield Made(_op("TornDown", f"demo-stand:{site}:{index}:t", now - (15 + index / 4) * DAY,
                           site, units=(unit,), found="no_damage",
                           performed_by=("p-demo-fitter",)))  # fmt: skip


def _visit(
    site: str, stand: str, unit: str, at: datetime, damage: Damage | None, strength: float,
    chance: random.Random, key: str,
) -> Iterator[Made]:  # fmt: skip
    id_ = f"m:{stand}:demo-{key}"
    rpm = RPM + chance.uniform(-8, 8)
    signal = vibration(TYPE, damage, rpm, SECONDS, int(key), strength)
    level = float(abs(signal).mean())
    said = "alarm" if level > 0.17 else "watch" if level > 0.165 else "sound"
    if chance.random() < 0.08:
        said = "alarm" if said == "sound" else "sound"
    readings = (
        Reading(quantity="shaft_speed", value=f"{rpm:.1f}", unit="rpm", uncertainty="1"),
        Reading(quantity="vibration_velocity", value=f"{level * 6:.2f}", unit="mm/s",
                uncertainty="0.1"),
    )  # fmt: skip
    person = ("p-demo-ndt",) if int(key) % 3 else ("p-demo-stand",)
    at_stand = {"units": (unit,), "device": stand, "performed_by": person}
    yield Made(
        _op("Diagnosed", id_, at, site, method="vibration", outcome=said, readings=readings,
            **at_stand),
        File(f"{key}.wav", "audio/wav", as_wav(signal)),
    )  # fmt: skip
    yield Made(_op("MachineResult", f"{id_}:r", at, site, result_id=key, machine="bearing_stand",
                   recipe=TYPE.key, simulated=True, facts=(id_,),
                   evaluation={"sound": "ok", "alarm": "not_ok"}.get(said, "undecided"),
                   **at_stand))  # fmt: skip


# --- the press ------------------------------------------------------------------------------------


def _pressings(
    site: str, press: str, wheelsets: Sequence[str], now: datetime
) -> Iterator[Made]:
    """One good joint, one below its band that the press calls good, one that ripples."""
    cases = ((964.0, 0.0), (612.0, 0.0), (905.0, 60.0))
    for index, (unit, (force, ripple)) in enumerate(zip(wheelsets, cases, strict=False)):
        id_, at = f"m:{press}:demo-{index + 1}", now - (9 - 2 * index) * DAY
        at_press = {"units": (unit,), "device": press, "performed_by": ("p-demo-press",)}
        readings = (
            Reading(quantity="press_final_force", place="left", value=f"{force:.1f}", unit="kN",
                    uncertainty="10"),
            Reading(quantity="press_seat_length", place="left", value=str(_SEAT_MM), unit="mm",
                    uncertainty="1"),
            Reading(quantity="press_force_wheel_centre", place="left", unit="kN/100mm",
                    value=f"{force * 100 / _SEAT_MM:.1f}"),
            Reading(quantity="press_ram_speed", value="2.4", unit="mm/s"),
        )  # fmt: skip
        yield Made(
            _op("Measured", id_, at, site, readings=readings, **at_press),
            File(f"{4410 + index}.kriv", "text/csv", press_file(force, ripple)),
        )
        yield Made(_op("MachineResult", f"{id_}:r", at, site, result_id=f"{4410 + index}",
                       machine="wheel_press", evaluation="ok", simulated=True, facts=(id_,),
                       **at_press))  # fmt: skip


def press_file(force_kn: float, ripple_kn: float = 0.0, seat_mm: int = _SEAT_MM) -> bytes:
    """Return a press's curve as its own file: way and force, decimal commas."""
    lines = []
    for way in range(seat_mm + 1):
        force = force_kn * (way / seat_mm) ** 0.8
        if ripple_kn and 90 <= way <= 130:
            force -= ripple_kn * (1 - abs(way - 110) / 20)
        lines.append(f"{way};{force:.1f}\r\n".replace(".", ","))
    return "".join(lines).encode("cp1251")


# --- the laboratory -------------------------------------------------------------------------------


def _oil(
    site: str, engine: str, index: int, now: datetime, chance: random.Random
) -> Iterator[Made]:
    """Samples every 100 hours, oil changed at 600; the second engine's bearings wear."""
    for number in range(10):
        hours = 4_000.0 + 100 * number
        at = now - (100 - 10 * number) * DAY
        oil_h = hours - (4_600 if hours > 4_600 else 4_000)
        wear = 1.0 + (2.5 * max(0, number - 7) if index == 1 else 0.0)
        metals = {
            "oil_iron": 4 + 0.045 * oil_h * wear, "oil_copper": 2 + 0.012 * oil_h * wear,
            "oil_lead": 1 + 0.008 * oil_h * wear**1.5, "oil_silicon": 3 + 0.004 * oil_h,
        }  # fmt: skip
        readings = tuple(
            Reading(quantity=metal, value=f"{max(0.1, value + chance.gauss(0, 0.8)):.1f}",
                    unit="mg/kg", uncertainty="1.6") for metal, value in metals.items()
        )  # fmt: skip
        water = Reading(quantity="oil_water", value=f"{0.03 + 0.01 * number:.2f}", unit="%")
        yield Made(_op("FluidSampled", f"demo-oil:{engine}:{number}", at, site,
                       units=(engine,), fluid="oil", sample=f"{index + 1}-{number:02}",
                       readings=(*readings, water), engine_hours=f"{hours:.0f}",
                       laboratory="химлаборатория депо"))  # fmt: skip
        if hours == 4_600:
            yield Made(_op("FluidChanged", f"demo-oil:{engine}:c", at + HOUR, site,
                           units=(engine,), fluid="oil", engine_hours=f"{hours:.0f}",
                           litres="1200"))  # fmt: skip
