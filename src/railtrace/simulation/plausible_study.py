"""Seeded fakes among honest work: how many are found, how many honest ones are called fakes.

`python -m railtrace.simulation.plausible_study 0.05 60 6` prints recall and false alarms by kind,
of seeds 1 to 6 together.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.projections.plausible import KINDS, Looked, looked
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.truth import Truth
from railtrace.trace.operation import (
    Corrected,
    Inspected,
    Measured,
    Operation,
    Washed,
    kind_of,
)

END = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("copied", "favourite_digits", "grown", "in_two_places", "inspected_before_wash")
HEAPERS, HEAPED = 3, 12


@dataclass(frozen=True)
class Recall:
    """How a kind of fake came out; `false` are findings that concern nothing planted."""

    name: str
    planted: int
    found: int
    false: int
    honest: int


def honest(scale: float, weeks: int, seed: int) -> list[Operation]:
    """Return the work of a simulated railway that the search looks through."""
    laws = replace(load_laws(), weeks=weeks)
    sent = [s.operation for s in generate(laws, load(), seed=seed, end=END, scale=scale,
                                          truth=Truth())]  # fmt: skip
    gone = {o.target for o in sent if isinstance(o, Corrected)}
    return [o for o in sent if kind_of(o) in KINDS and o.id not in gone]


def planted(
    life: Sequence[Operation], seed: int, each: int = 8
) -> tuple[list[Operation], dict[str, list[set[str]]]]:
    """Return the work with fakes in it, and by kind the operations of each fake."""
    chance = random.Random(seed)
    series = [o for o in life if isinstance(o, Measured) and len(o.readings) > 3]
    fakes: dict[str, list[set[str]]] = {name: [] for name in NAMES}
    made: dict[str, Operation] = {o.id: o for o in life}
    picked = chance.sample(series, min(len(series), 3 * each + HEAPERS * HEAPED))
    for target in picked[each : 2 * each]:
        alike = [o for o in picked[:each] if _places(o) == _places(target)]
        _copy(made, chance.choice(alike or [target]), target, chance, fakes)
    for target in picked[2 * each : 3 * each]:
        _grow(made, target, fakes)
    for n in range(HEAPERS):
        some = picked[3 * each + n * HEAPED : 3 * each + (n + 1) * HEAPED]
        _heap(made, some, f"p-heaper-{n}", fakes)
    for n in range(each):
        _be_twice(made, made[chance.choice(series).id], n, fakes)
        _look_unwashed(made, chance.choice(series), n, fakes)
    return list(made.values()), fakes


def _places(measured: Measured) -> list[tuple[str, str]]:
    return [(r.quantity, r.place) for r in measured.readings]


def _copy(
    made: dict[str, Operation], source: Measured, target: Measured, chance: random.Random,
    fakes: dict[str, list[set[str]]],
) -> None:  # fmt: skip
    """The readings of another wheelset on the same blank, one digit changed."""
    if source is target:
        return
    changed = chance.randrange(len(source.readings))
    readings = tuple(
        replace(mine, value=f"{float(theirs.value) + (0.1 if i == changed else 0):.1f}")
        for i, (mine, theirs) in enumerate(zip(target.readings, source.readings, strict=True))
    )
    made[target.id] = replace(target, readings=readings)
    fakes["copied"].append({source.id, target.id})


def _grow(
    made: dict[str, Operation], target: Measured, fakes: dict[str, list[set[str]]]
) -> None:
    """Another wheelset under the same number: ten millimetres more rim than before."""
    before = [
        o for o in made.values()
        if isinstance(o, Measured) and o.units == target.units and o.id != target.id
        and o.happened_at < target.happened_at
    ]  # fmt: skip
    if not before:
        return
    readings = tuple(
        replace(r, value=f"{float(r.value) + 10:.1f}")
        if r.quantity in ("rim_thickness", "tyre_thickness") else r
        for r in target.readings
    )  # fmt: skip
    made[target.id] = replace(target, readings=readings)
    fakes["grown"].append({target.id})


def _heap(
    made: dict[str, Operation], some: Sequence[Measured], person: str,
    fakes: dict[str, list[set[str]]],
) -> None:  # fmt: skip
    """Somebody who writes halves and wholes only."""
    for o in some:
        readings = tuple(
            replace(r, value=f"{round(float(r.value) * 2) / 2:.1f}") for r in o.readings
        )
        made[o.id] = replace(o, readings=readings, performed_by=(person,))
    fakes["favourite_digits"].append({o.id for o in some})


def _be_twice(
    made: dict[str, Operation], near: Operation, n: int, fakes: dict[str, list[set[str]]]
) -> None:
    """The same hands five minutes later at another depot."""
    sites = sorted({o.site for o in made.values() if o.site} - {near.site})
    other = Inspected(
        id=f"fake-place-{n}", happened_at=near.happened_at + timedelta(minutes=5),
        time_precision="minute", units=near.units, site=sites[n % len(sites)],
        performed_by=near.performed_by, scope="осмотр",
    )  # fmt: skip
    made[other.id] = other
    fakes["in_two_places"].append({near.id, other.id})


def _look_unwashed(
    made: dict[str, Operation], near: Measured, n: int, fakes: dict[str, list[set[str]]]
) -> None:
    order, at = f"FAKE-{n}", near.happened_at + timedelta(days=1)
    shared = {"units": near.units, "site": near.site, "work_order": order}
    look = Inspected(id=f"fake-look-{n}", happened_at=at, scope="осмотр", **shared)  # type: ignore[arg-type]
    wash = Washed(id=f"fake-wash-{n}", happened_at=at + timedelta(hours=2), **shared)  # type: ignore[arg-type]
    made[look.id], made[wash.id] = look, wash
    fakes["inspected_before_wash"].append({look.id})


def recall(scale: float, weeks: int, seed: int) -> list[Recall]:
    """Return what becomes of seeded fakes, by kind."""
    life, fakes = planted(honest(scale, weeks, seed), seed)
    found = looked(life)
    return [_scored(name, fakes, [f for f in found if f.name == name], len(life)) for name in NAMES]


def _scored(
    name: str, fakes: dict[str, list[set[str]]], found: Sequence[Looked], work: int
) -> Recall:
    mine = fakes[name]
    every = {id_ for some in fakes.values() for one in some for id_ in one}
    hit = sum(any(one & set(f.operations) for f in found) for one in mine)
    false = sum(not every & set(f.operations) for f in found)
    return Recall(name, len(mine), hit, false, work)


def together(runs: Sequence[Sequence[Recall]]) -> list[Recall]:
    """Return what became of the fakes of several railways, kind by kind."""
    return [
        Recall(some[0].name, *(sum(getattr(one, part) for one in some)
                               for part in ("planted", "found", "false", "honest")))
        for some in zip(*runs, strict=True)
    ]  # fmt: skip


def main() -> None:
    """Print recall and false alarms."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 0.15
    weeks = int(sys.argv[2]) if len(sys.argv) > 2 else 52
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for one in together([recall(scale, weeks, seed) for seed in range(1, seeds + 1)]):
        print(f"{one.name}: {one.found} of {one.planted} found; {one.false} false among"
              f" {one.honest} operations")  # fmt: skip


if __name__ == "__main__":
    main()
