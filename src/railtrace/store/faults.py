"""Failures and defects of vehicles and of the parts they carried, with where they come from."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from railtrace.store.lookup import Lookup, Maintained


@dataclass(frozen=True)
class Fault:
    """One failure or defect, the vehicle it counts for, and what was decided of its origin."""

    vehicle: Maintained
    row: dict[str, Any]

    @property
    def at_us(self) -> int:
        """When it happened."""
        return int(self.row["at_us"])

    @property
    def disputed(self) -> bool:
        """Whether somebody does not agree with what was decided last."""
        return bool(self.row["dispute"])


class Carriers:
    """Which vehicle carried a part at a moment."""

    def __init__(self, lookup: Lookup, units: Sequence[str]) -> None:
        self._stays: dict[str, list[tuple[int, int, str]]] = {}
        for stay in lookup.installations_on(tuple(units)):
            if stay.from_us is not None:
                end = 2**62 if stay.to_us is None else stay.to_us
                self._stays.setdefault(stay.part, []).append((stay.from_us, end, stay.carrier))
        for stays in self._stays.values():
            stays.sort()

    @property
    def parts(self) -> list[str]:
        """The parts that were ever on these vehicles."""
        return list(self._stays)

    def at(self, part: str, at_us: int) -> str:
        """Return the vehicle that carried a part, "" when none did."""
        stays = self._stays.get(part, [])
        index = bisect_right(stays, (at_us, 2**62, "")) - 1
        return stays[index][2] if index >= 0 and at_us <= stays[index][1] else ""


def faults(lookup: Lookup, vehicles: Sequence[Maintained], since_us: int) -> list[Fault]:
    """Return the failures and defects of vehicles since a moment, the newest first."""
    by_unit = {vehicle.unit: vehicle for vehicle in vehicles}
    carriers = Carriers(lookup, list(by_unit))
    found = []
    for row in lookup.origins([*by_unit, *carriers.parts], since_us):
        unit = row["unit"]
        vehicle = by_unit.get(unit) or by_unit.get(carriers.at(unit, row["at_us"]))
        if vehicle is not None:
            found.append(Fault(vehicle, row))
    return found
