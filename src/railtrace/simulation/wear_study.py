"""Wear forecasts on the known-truth railway: each wheelset's last reading, foretold by the others.

`python -m railtrace.simulation.wear_study 0.3 104` prints the share inside nominal 90 % intervals.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec.structs import replace

from railtrace.analysis.wheel_forecast import NINETY, WheelReading, forecast
from railtrace.catalogue.load import load
from railtrace.errors import BadData
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.truth import Truth
from railtrace.trace.operation import (
    Corrected,
    Installed,
    Manufactured,
    Measured,
    MeterRead,
    MeterReplaced,
    Ran,
    Registered,
    Removed,
    Reprofiled,
    SectionsCoupled,
    SectionsUncoupled,
)

QUANTITIES = ("flange_thickness", "tread_wear")
END = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Coverage:
    """How many last readings lay inside their 90 % interval."""

    quantity: str
    readings: int
    inside: int

    @property
    def share(self) -> float:
        """The share covered."""
        return self.inside / self.readings if self.readings else float("nan")


@dataclass
class _Watch:
    """Kilometres of wheelsets from the runs of their carriers, and their readings."""

    km: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    carrier: dict[str, tuple[str, float]] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    types: dict[str, str] = field(default_factory=dict)
    sections: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stretch: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    readings: dict[tuple[str, str], list[WheelReading]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def of(self, unit: str) -> float:
        """Kilometres of a wheelset now."""
        on = self.carrier.get(unit)
        return self.own[unit] + (self.km[on[0]] - on[1] if on else 0.0)

    def take(self, operation: Any) -> None:
        """Note one operation, in the order of happening."""
        match operation:
            case Registered() | Manufactured():
                self.types |= dict.fromkeys(operation.units, operation.type)
            case SectionsCoupled():
                self.sections[operation.locomotive] |= set(operation.units)
            case SectionsUncoupled():
                self.sections[operation.locomotive] -= set(operation.units)
            case Ran():
                for unit in operation.units:
                    for part in (unit, *self.sections[unit]):
                        self.km[part] += float(operation.distance_km)
            case Installed():
                for unit in operation.units:
                    self.carrier[unit] = (operation.carrier, self.km[operation.carrier])
            case Removed():
                for unit in operation.units:
                    self.own[unit] = self.of(unit)
                    self.carrier.pop(unit, None)
            case Measured() | Reprofiled():
                self._read(operation)

    def _read(self, operation: Measured | Reprofiled) -> None:
        unit = operation.units[0]
        for reading in sorted(operation.readings, key=lambda r: r.moment == "as_left"):
            if reading.moment == "as_left" and not self._turned(operation.id):
                self.stretch[unit] += 1
                self._last_turned = operation.id
            if reading.quantity in QUANTITIES:
                deviation = float(reading.uncertainty or 0.5) / 2
                self.readings[reading.quantity, self.types.get(unit, "")].append(WheelReading(
                    unit, self.carrier.get(unit, ("", 0.0))[0], reading.place, self.stretch[unit],
                    self.of(unit), float(reading.value), deviation,
                ))  # fmt: skip

    _last_turned: str = ""

    def _turned(self, id_: str) -> bool:
        return self._last_turned == id_


def watched(scale: float, weeks: int, seed: int) -> _Watch:
    """Let the railway live and note what its wheels were read at."""
    laws = replace(load_laws(), weeks=weeks)
    sent = [s.operation for s in generate(laws, load(), seed=seed, end=END, scale=scale,
                                          truth=Truth())]  # fmt: skip
    gone = {o.target for o in sent if isinstance(o, Corrected)}
    put = [o.replacement for o in sent if isinstance(o, Corrected) and o.replacement is not None]
    life = [o for o in (*sent, *put) if o.id not in gone
            and not isinstance(o, (Corrected, MeterRead, MeterReplaced))]  # fmt: skip
    found = _Watch()
    for operation in sorted(life, key=lambda o: o.happened_at):
        found.take(operation)
    return found


def coverage(scale: float, weeks: int, seed: int) -> list[Coverage]:
    """Return, by parameter, how often a wheel's last reading lay where it was foretold.

    The interval is of the reading: the wheel's own uncertainty and the gauge's together.
    """
    found = watched(scale, weeks, seed)
    told = []
    for quantity in QUANTITIES:
        by_type = [_covered(rows) for (q, _), rows in found.readings.items() if q == quantity]
        told.append(Coverage(quantity, sum(n for n, _ in by_type), sum(n for _, n in by_type)))
    return told


def _covered(readings: list[WheelReading]) -> tuple[int, int]:
    """Return (tested, inside) of the wheels of one type, which share a fleet."""
    last: dict[tuple[str, str], WheelReading] = {}
    count: dict[tuple[str, str, int], int] = defaultdict(int)
    for r in readings:
        last[r.unit, r.side] = r
        count[r.unit, r.side, r.stretch] += 1
    held = {id(r) for r in last.values() if count[r.unit, r.side, r.stretch] > 1}
    try:
        model = forecast([r for r in readings if id(r) not in held])
    except BadData:
        # No wheel of the type was read twice: there is nothing to foretell from.
        return 0, 0
    inside = 0
    tested = [r for r in readings if id(r) in held]
    for r in tested:
        state = model.at(r.unit, r.side, r.km)
        spread = float(np.sqrt(state.level_variance[0] + r.deviation**2))
        inside += abs(r.value - float(state.level[0])) <= NINETY * spread
    return len(tested), int(inside)


def main() -> None:
    """Print the coverage at a scale and over so many weeks."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 0.3
    weeks = int(sys.argv[2]) if len(sys.argv) > 2 else 104
    for one in coverage(scale, weeks, 1):
        print(f"{one.quantity}: {one.inside} of {one.readings} inside 90 % intervals,"
              f" {100 * one.share:.1f} %")  # fmt: skip


if __name__ == "__main__":
    main()
