"""Ghosts and twins: records that may be one thing, and one record that may be two things.

Pure functions over what the views know. Nothing is merged or parted here: a finding is a pair
with the evidence for and against, for a person to judge.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from railtrace.errors import BadOperation
from railtrace.projections.usage import MILLI
from railtrace.trace.numbers import check_number

KINDS = ("same_number", "two_places", "too_far", "look_alike")
ENOUGH = 3
"""Weight of evidence from which two look-alike numbers are shown as a pair."""

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_CHECKED = frozenset({"network8", "evn"})


class Evidence(Struct, frozen=True):
    """One thing that speaks for one and the same (weight over 0) or for two."""

    name: str
    weight: int
    values: dict[str, str] = {}


class Finding(Struct, frozen=True):
    """A pair, or one unit that may be two, with what speaks for and against."""

    key: str
    kind: str
    units: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    at_us: int | None = None
    contradiction: str = ""

    @property
    def weight(self) -> int:
        """The evidence for one and the same less the evidence against it."""
        return sum(one.weight for one in self.evidence)


class Run(Struct, frozen=True):
    """A run of a vehicle; without a start only its end is known."""

    end_us: int
    km_milli: int
    start_us: int | None = None


class Place(Struct, frozen=True):
    """A stay on a carrier, as far as it is known."""

    carrier: str
    position: str
    from_us: int | None
    to_us: int | None

    def held(self, us: int) -> bool:
        """Tell whether the part was there at a moment."""
        return self.from_us is not None and self.from_us <= us <= (self.to_us or 2**62)


@dataclass(frozen=True)
class Life:
    """What is compared of a unit."""

    unit: str
    type: str = ""
    vehicle_class: str = ""
    maker: str = ""
    heat: str = ""
    made: str = ""
    home_site: str = ""
    first_us: int = 0
    last_us: int = 0
    entries: int = 0
    runs: tuple[Run, ...] = ()
    places: tuple[Place, ...] = ()


def key_of(kind: str, *names: str) -> str:
    """Return what a finding is known by: its kind and a digest of what it is about."""
    return f"{kind}:{hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:24]}"


# --- look-alike numbers -----------------------------------------------------------------------


def look_alikes(numbers: Iterable[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """Return pairs of units of one type whose numbers a slip turns into each other.

    `numbers` are (unit, type, scheme, value). A slip is one wrong character or two neighbours
    swapped; where a check digit guards the number, only a swap that passes it (09 and 90).
    """
    by_kind: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for unit, type_, scheme, value in numbers:
        by_kind[type_, scheme][value] = unit
    pairs = {
        (min(a, b), max(a, b))
        for (_type, scheme), units in by_kind.items()
        for a, b in _near(units, scheme)
        if a != b
    }
    return sorted(pairs)


def _near(units: Mapping[str, str], scheme: str) -> Iterator[tuple[str, str]]:
    for value, unit in units.items():
        for swapped in swaps(value):
            if swapped in units and _stands(scheme, swapped):
                yield unit, units[swapped]
    if scheme in _CHECKED:
        return
    masked: dict[str, list[str]] = defaultdict(list)
    for value in units:
        for at in range(len(value)):
            masked[f"{value[:at]}\0{value[at + 1 :]}"].append(value)
    for alike in masked.values():
        for index, value in enumerate(alike):
            yield from ((units[value], units[other]) for other in alike[index + 1 :])


def swaps(value: str) -> Iterator[str]:
    """Yield a number with two neighbours swapped, at every place where that changes it."""
    for at in range(len(value) - 1):
        if value[at] != value[at + 1]:
            yield f"{value[:at]}{value[at + 1]}{value[at]}{value[at + 2 :]}"


def _stands(scheme: str, value: str) -> bool:
    try:
        return check_number(scheme, value) == value
    except BadOperation:
        return False


def act_alike(one: Life, other: Life) -> tuple[Evidence, ...]:
    """Return what speaks for and against two look-alike numbers being one unit."""
    ghost, real = sorted((one, other), key=lambda life: (life.entries, life.unit))
    found = [*_described(ghost, real), *_at_work(ghost, real), *_on_carriers(ghost, real)]
    return tuple(sorted(found, key=lambda e: (-e.weight, e.name)))


def _described(ghost: Life, real: Life) -> Iterator[Evidence]:
    for field, weight in (("made", -3), ("maker", -2), ("heat", -2)):
        a, b = getattr(ghost, field), getattr(real, field)
        if a and b and not (a.startswith(b) or b.startswith(a)):
            yield Evidence(f"{field}_differs", weight, {"one": a, "other": b})
    if not (ghost.made or ghost.maker or ghost.heat) and ghost.entries * 3 < real.entries:
        yield Evidence("hardly_described", 1, {"entries": str(ghost.entries)})


def _at_work(ghost: Life, real: Life) -> Iterator[Evidence]:
    """Two that ran at one time are two; one that ran only while the other stood may be it."""
    if not ghost.runs or not real.runs:
        return
    busy = [(_start(real.runs, n), run.end_us) for n, run in enumerate(real.runs)]
    first, last = _start(ghost.runs, 0), ghost.runs[-1].end_us
    overlapping = sum(
        any(start < run.end_us and _start(ghost.runs, n) < end for start, end in busy)
        for n, run in enumerate(ghost.runs)
    )
    if overlapping:
        yield Evidence("both_ran", -3, {"runs": str(overlapping)})
    elif real.runs[0].end_us <= first and real.first_us < first:
        yield Evidence("ran_while_silent", 2, {"days": str(max((last - first) // _DAY_US, 1))})


def _start(runs: Sequence[Run], index: int) -> int:
    """Return when a run began: as stated, else after the run before, at most a week before."""
    run = runs[index]
    if run.start_us is not None:
        return run.start_us
    before = runs[index - 1].end_us if index else 0
    return max(before, run.end_us - 7 * _DAY_US)


def _on_carriers(ghost: Life, real: Life) -> Iterator[Evidence]:
    for place in ghost.places:
        at = place.from_us if place.from_us is not None else place.to_us
        there = [other for other in real.places if at is not None and other.held(at)]
        for other in there:
            if other.carrier == place.carrier and other.position == place.position:
                yield Evidence("at_its_place", 3, {"carrier": place.carrier,
                                                   "position": place.position})  # fmt: skip
                return
            if other.carrier != place.carrier and place.from_us is not None:
                yield Evidence("both_on_carriers", -3, {"carrier": place.carrier,
                                                        "other": other.carrier})  # fmt: skip
                return


def look_alike(one: Life, other: Life) -> Finding | None:
    """Return the finding of two look-alike numbers that act alike, if they do."""
    evidence = act_alike(one, other)
    units = tuple(sorted((one.unit, other.unit)))
    found = Finding(key_of("look_alike", *units), "look_alike", units, evidence,
                    max(one.last_us, other.last_us))  # fmt: skip
    return found if found.weight >= ENOUGH else None


# --- one number on several units --------------------------------------------------------------


def same_number(number: str, lives: Sequence[Life]) -> list[Finding]:
    """Return a finding for each pair of units that bear one number now."""
    return [
        Finding(
            key_of("same_number", number, one.unit, other.unit),
            "same_number",
            (one.unit, other.unit),
            (Evidence("same_number", 3, {"number": number}), *act_alike(one, other)),
            max(one.last_us, other.last_us),
        )
        for index, one in enumerate(lives)
        for other in lives[index + 1 :]
        if one.vehicle_class != "part" or one.type == other.type
    ]


# --- one record in two places -----------------------------------------------------------------


def too_far(
    unit: str, runs: Sequence[Run], km_per_day: float | None, tolerance_us: int = _HOUR_US
) -> Finding | None:
    """Return that a unit ran in two places at once, or further in a day than anything can.

    `runs` are by their ends. Runs with a stated beginning must not overlap by more than the
    tolerance; of the others at least a day, or the time since the run before, is taken.
    """
    evidence: list[Evidence] = []
    at_us = None
    for before, run in zip([None, *runs], runs, strict=False):
        found = _against(before, run, km_per_day, tolerance_us)
        if found is not None:
            evidence.append(found)
            at_us = run.end_us
    if not evidence:
        return None
    return Finding(key_of("too_far", unit), "too_far", (unit,), tuple(evidence[-6:]), at_us)


def _against(
    before: Run | None, run: Run, km_per_day: float | None, tolerance_us: int
) -> Evidence | None:
    if before is not None and run.start_us is not None and run.km_milli and before.km_milli:
        overlap = before.end_us - run.start_us
        if overlap > tolerance_us and before.start_us is not None:
            return Evidence("ran_at_once", -3, {"hours": str(overlap // _HOUR_US),
                                                "at_us": str(run.end_us)})  # fmt: skip
    if km_per_day is None:
        return None
    since = run.start_us if run.start_us is not None else before.end_us if before else None
    if since is None:
        return None
    least_us = _HOUR_US if run.start_us is not None else _DAY_US
    days = max(run.end_us - since, least_us) / _DAY_US
    per_day = run.km_milli / MILLI / days
    if per_day <= km_per_day:
        return None
    return Evidence("further_than_possible", -3, {
        "km_per_day": f"{per_day:.0f}", "limit": f"{km_per_day:g}", "at_us": str(run.end_us),
    })  # fmt: skip


def two_places(unit: str, contradiction: str, at_us: int, places: Sequence[Place]) -> Finding:
    """Return one serial on two carriers: what was recorded of both stays."""
    there = [place for place in places if place.held(at_us)]
    evidence = [Evidence("on_carrier", 0, {"carrier": p.carrier, "position": p.position})
                for p in there]  # fmt: skip
    if there and all(place.to_us is not None for place in there) and len(there) > 1:
        evidence.append(Evidence("taken_off_both", -3))
    elif len(there) > 1:
        evidence.append(Evidence("never_taken_off", 1))
    return Finding(key_of("two_places", contradiction), "two_places", (unit,), tuple(evidence),
                   at_us, contradiction)  # fmt: skip
