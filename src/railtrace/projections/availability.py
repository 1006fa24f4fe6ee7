"""Availability from the hours of states: how long a unit or a fleet was in each, and the shares.

Which hours count as available, planned or unplanned unavailable is the catalogue's; hours that
are not counted (reserve in preservation, after writing off) are in no denominator.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from railtrace.catalogue.rows import Catalogue

HOUR_US = 3_600_000_000


class Hours(NamedTuple):
    """Time a unit of a class was in a state; `detail` is the kind of repair."""

    unit_class: str
    state: str
    detail: str
    us: int


@dataclass(frozen=True)
class Availability:
    """Hours by how they count, and the shares that GOST and depots name.

    `waiting_us` is the part of the unplanned time in which nobody worked on the unit.
    """

    available_us: int = 0
    planned_us: int = 0
    unplanned_us: int = 0
    not_counted_us: int = 0
    waiting_us: int = 0

    @property
    def counted_us(self) -> int:
        """Time that counts at all."""
        return self.available_us + self.planned_us + self.unplanned_us

    @property
    def operational(self) -> float | None:
        """Operational availability: available over everything counted; None without hours."""
        return self.available_us / self.counted_us if self.counted_us else None

    @property
    def technical(self) -> float | None:
        """Technical availability: waiting left out; None without hours."""
        among = self.counted_us - self.waiting_us
        return self.available_us / among if among else None

    @property
    def inherent(self) -> float | None:
        """Inherent availability: planned stops and waiting left out; None without hours."""
        among = self.available_us + self.unplanned_us - self.waiting_us
        return self.available_us / among if among else None


def counts_as(catalogue: Catalogue, hours: Hours) -> str:
    """Return how hours count; a state the catalogue lacks is not counted."""
    row = catalogue.unit_states.get(hours.state)
    if row is None:
        return "not_counted"
    unplanned = row.unplanned_repairs.get(hours.unit_class, ())  # type: ignore[call-overload]
    return "unplanned_unavailable" if hours.detail in unplanned else row.counts_as


def kind_of_hours(catalogue: Catalogue, hours: Hours) -> str:
    """Return available, planned, active, waiting or not_counted.

    Of unplanned unavailability only the time in repair is active: the rest is waiting, for a
    place, parts, a contractor or a decision.
    """
    how = counts_as(catalogue, hours)
    if how == "unplanned_unavailable":
        return "active" if hours.state == "in_repair" else "waiting"
    return {"planned_unavailable": "planned"}.get(how, how)


def availability(catalogue: Catalogue, hours: Iterable[Hours]) -> Availability:
    """Add up hours of states by how they count."""
    sums: dict[str, int] = {}
    for some in hours:
        key = kind_of_hours(catalogue, some)
        sums[key] = sums.get(key, 0) + some.us
    waiting = sums.get("waiting", 0)
    return Availability(
        sums.get("available", 0), sums.get("planned", 0), sums.get("active", 0) + waiting,
        sums.get("not_counted", 0), waiting,
    )  # fmt: skip


def clipped(
    unit_class: str, spans: Iterable[Mapping[str, object]], from_us: int, to_us: int
) -> list[Hours]:
    """Return the part of each span (state, detail, at_us, to_us) that lies in a window."""
    found = []
    for span in spans:
        begins, ends = int(str(span["at_us"])), span["to_us"]
        last = to_us if ends is None else min(int(str(ends)), to_us)
        if last > max(begins, from_us):
            us = last - max(begins, from_us)
            found.append(Hours(unit_class, str(span["state"]), str(span["detail"]), us))
    return found
