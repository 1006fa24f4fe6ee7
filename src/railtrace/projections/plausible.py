"""What looks written at a desk, looked for in operations: each finding asks a person to look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from railtrace.analysis.plausibility import (
    Done,
    Presence,
    Series,
    Suspicion,
    copied,
    favourite_digits,
    grown,
    in_two_places,
    inspected_before_wash,
)
from railtrace.projections.condition import ONLY_WEARS, UNSTATED_MM
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import (
    Formed,
    Inspected,
    Measured,
    Operation,
    Reprofiled,
    Retyred,
    StepDone,
    Tested,
    Washed,
)

WHEEL = ("flange_thickness", "tread_wear", "rim_thickness", "tyre_thickness")
ANY_TRAVEL_MIN = 20.0
"""Least minutes between two depots where nobody says how far they are apart."""
KINDS = ("Measured", "Reprofiled", "Tested", "Inspected", "Washed", "StepDone", "Retyred", "Formed")
_WORK = (Measured, Reprofiled, Tested, Inspected, Washed, StepDone)


@dataclass(frozen=True)
class Looked:
    """One finding with the operations it concerns, and what is to be said of it."""

    name: str
    operations: tuple[str, ...]
    by_chance: float
    values: Mapping[str, float | str]


def looked(
    operations: Iterable[Operation], travel_min: Mapping[frozenset[str], float] | None = None
) -> list[Looked]:
    """Return everything that looks wrong among operations, whatever their order.

    Chances are per search: `by_chance` is how many such findings honest work would give.
    """
    life = sorted(operations, key=lambda o: (o.happened_at, o.id))
    return [
        *_copied(life), *_digits(life), *_grown(life), *_places(life, travel_min or {}),
        *_wash(life),
    ]  # fmt: skip


def _told(
    found: Sequence[Suspicion], rows: Sequence[Operation], most: int = 12
) -> list[Looked]:
    return [
        Looked(s.name, tuple(dict.fromkeys(rows[row].id for row in s.rows[:most])), s.by_chance,
               s.values)
        for s in found
    ]  # fmt: skip


def _tenths(value: str) -> int:
    return round(float(value) * 10)


def _copied(life: Sequence[Operation]) -> list[Looked]:
    """Series of wheel readings, in a fixed order of quantity and place."""
    taken = [o for o in life if isinstance(o, Measured) and len(o.readings) > 3]
    return _told(copied([_series(o) for o in taken]), taken)


def _series(measured: Measured) -> Series:
    wheel = sorted((r for r in measured.readings if r.quantity in WHEEL),
                   key=lambda r: (r.quantity, r.place))  # fmt: skip
    blank = " ".join(f"{r.quantity}.{r.place}" for r in wheel)
    return Series(tuple(_tenths(r.value) for r in wheel), measured.units[0], blank)


def _digits(life: Sequence[Operation]) -> list[Looked]:
    rows: list[Operation] = []
    tenths: list[int] = []
    worker: list[int] = []
    people: dict[str, int] = {}
    for o in life:
        if isinstance(o, Measured) and o.performed_by:
            who = people.setdefault(o.performed_by[0], len(people))
            for r in o.readings:
                if r.quantity in WHEEL and r.unit == "mm":
                    rows.append(o)
                    tenths.append(_tenths(r.value))
                    worker.append(who)
    names = {index: person for person, index in people.items()}
    found = favourite_digits(np.array(tenths, int), np.array(worker, int))
    return [
        Looked(s.name, tuple(dict.fromkeys(rows[row].id for row in s.rows))[:12], s.by_chance,
               {**s.values, "worker": names[int(s.values["worker"])]})
        for s in found
    ]  # fmt: skip


def _grown(life: Sequence[Operation]) -> list[Looked]:
    rows: list[Operation] = []
    value, deviation, wheel, allowed = list[float](), list[float](), list[int](), list[bool]()
    wheels: dict[tuple[str, str, str], int] = {}
    seen: dict[tuple[str, str, str], bool] = {}
    for o in life:
        if isinstance(o, (Retyred, Formed)):
            for key in seen:
                if key[0] in o.units:
                    seen[key] = True
        if not isinstance(o, (Measured, Reprofiled)):
            continue
        for r in sorted(o.readings, key=lambda r: r.moment == "as_left"):
            if r.quantity in ONLY_WEARS and r.unit == "mm":
                key = (o.units[0], r.quantity, r.place)
                rows.append(o)
                value.append(float(r.value))
                deviation.append(float(r.uncertainty or UNSTATED_MM) / 2)
                wheel.append(wheels.setdefault(key, len(wheels)))
                allowed.append(seen.get(key, False))
                seen[key] = False
    if not rows:
        return []
    order = np.arange(len(rows))
    return _told(
        grown(np.array(value), np.array(deviation), np.array(wheel), order, allowed), rows
    )


def _places(
    life: Sequence[Operation], travel_min: Mapping[frozenset[str], float]
) -> list[Looked]:
    rows: list[Operation] = []
    presences: list[Presence] = []
    for o in life:
        if isinstance(o, _WORK) and o.site and o.time_precision in ("minute", "second"):
            at_min = microseconds(o.happened_at) / 6e7
            for person in o.performed_by:
                rows.append(o)
                presences.append(Presence(person, o.site, at_min, at_min))
    sites = sorted({p.site for p in presences})
    least = {
        frozenset({a, b}): travel_min.get(frozenset({a, b}), ANY_TRAVEL_MIN)
        for i, a in enumerate(sites) for b in sites[i + 1 :]
    }  # fmt: skip
    found = in_two_places(presences, least)
    return [
        Looked(s.name, tuple(rows[row].id for row in s.rows), s.by_chance,
               {**s.values, "worker": presences[s.rows[0]].person,
                "sites": " – ".join(presences[row].site for row in s.rows)})
        for s in found
    ]  # fmt: skip


def _wash(life: Sequence[Operation]) -> list[Looked]:
    """Looking at what is not washed yet, within one work order."""
    rows = [o for o in life if o.work_order and isinstance(o, (Washed, Inspected, Tested))]
    done = [
        Done(o.units[0], o.work_order, microseconds(o.happened_at) / 6e7,
             "wash" if isinstance(o, Washed) else "look")
        for o in rows if o.units
    ]  # fmt: skip
    return _told(inspected_before_wash(done), [o for o in rows if o.units])
