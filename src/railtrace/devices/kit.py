"""The conformance kit: what a driver must hold against samples, changed frames and hostile input.

Every check changes one thing in a sample and looks at what changes in the result, so that a
driver is caught even where its author's own samples agree with it.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.devices import drivers, samples
from railtrace.devices.drivers import Driver
from railtrace.devices.emulate import time_raw
from railtrace.devices.frames import exact, put, records
from railtrace.devices.manifest import Field, Place, lineage
from railtrace.devices.message import Message, Raw, Result
from railtrace.devices.operations import fingerprint, operations_of, out_of_range
from railtrace.errors import BadFrame, ConfigError

_CUTS, _FLIPS = 64, 150
_WHOLE = ("u16", "i16", "u32", "i32")
_LIMITS = {"u16": (0, 2**16 - 1), "i16": (-(2**15), 2**15 - 1), "u32": (0, 2**32 - 1),
           "i32": (-(2**31), 2**31 - 1)}  # fmt: skip
_SIDES = {"left": "right", "right": "left"}


class Fault(NamedTuple):
    """One thing a driver does wrong: the check, the field or sample, and what happened."""

    check: str
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.what}: {self.text}"


@dataclass
class Certificate:
    """What was examined of which driver, and what was found."""

    kind: str
    mark: str
    at: datetime
    passed: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the driver may be used."""
        return not self.faults

    def __str__(self) -> str:
        verdict = f"DOES NOT CONFORM: {len(self.faults)} faults"
        if self.holds:
            verdict = "CONFORMS, AS FAR AS IT WAS TRIED" if self.untried else "CONFORMS"
        lines = [f"Driver {self.kind}, sha256 {self.mark}"]
        lines += [f"examined {self.at:%Y-%m-%d %H:%M} UTC"]
        lines += [f"  ok        {name}" for name in self.passed]
        lines += [f"  not tried {name}" for name in self.untried]
        lines += [f"  FAULT     {fault}" for fault in self.faults]
        return "\n".join([*lines, verdict])


def examine(folder: Path, now: datetime | None = None) -> Certificate:
    """Run every check that needs no line. Raises ConfigError when there is no manifest to read."""
    driver = drivers.read(folder)
    certificate = Certificate(driver.manifest.kind, mark_of(folder), now or datetime.now(UTC))
    try:
        told = samples.expected(folder)
        messages = list(samples.messages(driver, told))
        if not messages:
            raise ConfigError("{file} names no sample", file=folder / "samples/expected.json")
    except ConfigError as error:
        certificate.faults.append(Fault("samples", "expected.json", str(error)))
        return certificate
    bench = _Bench(driver, told, messages)
    for name, check in CHECKS.items():
        found = list(check(bench))
        certificate.faults += [Fault(name, what, text) for what, text in found]
        certificate.passed += [] if found else [name]
    return certificate


def mark_of(folder: Path) -> str:
    """Return the hash of a driver's files: what exactly was examined.

    What it takes from the kind it is like is a part of it: manifest and code, not the samples.
    """
    own, *others = lineage(folder)
    files = sorted(p for p in own.rglob("*") if p.is_file() and p.suffix != ".pyc")
    files += [p for one in others for p in sorted(one.glob("*")) if p.suffix in (".toml", ".py")]
    digest = sha256()
    for path in files:
        name = path.relative_to(own) if path.is_relative_to(own) else path.name
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


Found = Iterator[tuple[str, str]]


@dataclass
class _Bench:
    """A driver with its samples, the first of which is changed over and over."""

    driver: Driver
    told: samples.Expected
    messages: Sequence[tuple[str, Message]]

    @property
    def first(self) -> Message:
        return self.messages[0][1]

    def changed(self, place: Place, raw: Raw, message: Message | None = None) -> Message:
        message = message or self.first
        content = put(self.driver.manifest.frame, message.content, place, raw)
        return replace(message, content=content)

    def one(self, message: Message | None = None) -> Result | str:
        """Decode; return the first result, or why there is none."""
        try:
            results = self.driver.decode(message or self.first)
        except BadFrame as error:
            return str(error)
        return results[0] if results else "no result"

    def raw(self, place: Place, message: Message | None = None) -> Raw | None:
        record = records(self.driver.manifest.frame, (message or self.first).content)[0]
        return record.get(place)


Key = tuple[str, str, str, str]


def _values(bench: _Bench, result: Result) -> dict[Key, Decimal]:
    """Return what a result tells, by quantity, place, moment and side of a limit.

    A quantity that the manifest has at one place only may be told at another (the side stands in
    the frame): its place does not count.
    """
    many = _at_many_places(bench)
    found: dict[Key, Decimal] = {}
    for value in result.values:
        place = value.place if value.quantity in many else ""
        found[value.quantity, place, value.moment, ""] = Decimal(value.value)
    for limit in result.limits:
        place = limit.place if limit.quantity in many else ""
        for side in ("low", "high"):
            if (text := getattr(limit, side)) is not None:
                found[limit.quantity, place, "", side] = Decimal(text)
    return found


def _at_many_places(bench: _Bench) -> set[str]:
    places: dict[str, set[str]] = {}
    for one in bench.driver.manifest.fields:
        places.setdefault(one.quantity, set()).add(one.place)
    return {quantity for quantity, some in places.items() if len(some) > 1}


def _key(bench: _Bench, one: Field) -> Key:
    place = one.place if one.quantity in _at_many_places(bench) else ""
    return one.quantity, place, one.moment, one.limit


# --- samples ----------------------------------------------------------------------------------


def _samples_agree(bench: _Bench) -> Found:
    for name, message in bench.messages:
        try:
            given = samples.given(bench.driver, message)
        except BadFrame as error:
            yield name, str(error)
            continue
        if given != bench.told.samples[name]:
            yield name, difference(bench.told.samples[name], given)


def difference(expected: Any, given: Any, path: str = "") -> str:
    """Return the first thing in which two documents differ, and what kind of mistake it looks."""
    if isinstance(expected, dict) and isinstance(given, dict):
        for name in sorted({*expected, *given}):
            if expected.get(name) != given.get(name):
                return difference(expected.get(name), given.get(name), f"{path}.{name}".strip("."))
    if isinstance(expected, list) and isinstance(given, list):
        if swapped := _swapped(expected, given):
            return f"{path}: {swapped}"
        for index, (one, other) in enumerate(zip(expected, given, strict=False)):
            if one != other:
                return difference(one, other, f"{path}[{index}]")
        return f"{path}: {len(expected)} expected, {len(given)} given"
    return f"{path}: {expected!r} expected, {given!r} given{_scale(expected, given)}"


def _swapped(expected: list[Any], given: list[Any]) -> str:
    def by_place(rows: list[Any]) -> dict[tuple[str, str], str]:
        return {
            (row["quantity"], row.get("place", "")): row["value"]
            for row in rows if isinstance(row, dict) and {"quantity", "value"} <= set(row)
        }  # fmt: skip

    want, have = by_place(expected), by_place(given)
    for (quantity, place), value in want.items():
        other = quantity, _SIDES.get(place, "")
        if other in want and want[other] != value and (
            have.get((quantity, place)), have.get(other)
        ) == (want[other], value):  # fmt: skip
            return f"{quantity}: left and right are swapped"
    return ""


def _scale(expected: Any, given: Any) -> str:
    try:
        ratio = Decimal(given) / Decimal(expected)
    except (ArithmeticError, TypeError, ValueError):
        return ""
    powers = [Decimal(10) ** n for n in range(-6, 7) if n]
    return f" (wrong scale: {ratio.normalize():f} times)" if ratio in powers else ""


def _samples_tell_apart(bench: _Bench) -> Found:
    """Samples that would look the same with a mistake in the driver prove nothing."""
    manifest = bench.driver.manifest
    if len(bench.messages) < 2:
        yield "samples", "one sample only: record at least two"
    results = [r for _, message in bench.messages if isinstance(r := bench.one(message), Result)]
    told = [_values(bench, result) for result in results]
    for one, other in combinations((f for f in manifest.fields if not f.limit), 2):
        pair = _key(bench, one), _key(bench, other)
        if one.quantity == other.quantity and all(
            values.get(pair[0]) == values.get(pair[1]) for values in told
        ):  # fmt: skip
            yield one.name, f"no sample has a value that differs from that of {other.name}"
    if manifest.envelope.evaluation and not any(r.evaluation == "not_ok" for r in results):
        yield "evaluation", "no sample that the machine itself rejects"


# --- one thing changed ------------------------------------------------------------------------


def _steps(bench: _Bench, one: Field) -> Decimal | None:
    """Return a value in the field's unit that differs from the sample's and lies in its range."""
    raw = bench.raw(one)
    if raw is None:
        return None
    value = exact(raw, bench.driver.manifest.frame.decimal) * Decimal(one.scale)
    high = Decimal(one.range[1])
    step = Decimal(one.scale) * (16 if one.type in _WHOLE else 2)
    return value + step if value + step <= high else value - step


def _fields_move_alone(bench: _Bench) -> Found:
    before = bench.one()
    if not isinstance(before, Result):
        yield "first sample", before
        return
    was = _values(bench, before)
    own = {_key(bench, one) for one in bench.driver.manifest.fields}
    for one in bench.driver.manifest.fields:
        wanted = _steps(bench, one)
        if wanted is None:
            if not one.optional:
                yield one.name, "is not in the first sample"
            continue
        after = bench.one(bench.changed(one, _raw(bench, one, wanted)))
        if isinstance(after, str):
            yield one.name, f"a changed value cannot be read: {after}"
            continue
        yield from _moved(bench, one, wanted, was, _values(bench, after), own)


def _raw(bench: _Bench, one: Field, value: Decimal) -> Raw:
    raw = value / Decimal(one.scale)
    if one.type in _WHOLE:
        return int(raw)
    return float(raw) if one.type == "f32" else Decimal(f"{raw:f}")


def _moved(
    bench: _Bench, one: Field, wanted: Decimal, was: dict[Key, Decimal], now: dict[Key, Decimal],
    own: set[Key],
) -> Found:  # fmt: skip
    key = _key(bench, one)
    others = [k for k in own if k != key and was.get(k) != now.get(k)]
    for other in others:
        swapped = other[1] == _SIDES.get(one.place)
        yield one.name, f"changing it changes {'.'.join(filter(None, other))}" + (
            ": left and right are swapped" if swapped else ""
        )
    if key not in now:
        yield one.name, "is not in the result"
    elif was.get(key) == now[key]:
        side = {"high": "upper limit", "low": "lower limit"}.get(one.limit, "value")
        yield one.name, f"the {side} is never read: changing it changes nothing of it"
    elif abs(now[key] - wanted) > _blur(one):
        yield one.name, f"{wanted} {one.unit} is told as {now[key]}{_scale(wanted, now[key])}"


def _blur(one: Field) -> Decimal:
    return Decimal("0.001") if one.type == "f32" else Decimal(0)


def _ranges_are_told(bench: _Bench) -> Found:
    """Beyond either end of the range a value is told as it is, and noticed."""
    for one in (f for f in bench.driver.manifest.fields if not f.limit):
        for end, beyond in zip(("low", "high"), map(Decimal, one.range), strict=True):
            step = max(abs(beyond) / 10, Decimal(one.scale) * 8, Decimal(2))
            value = _stepped(beyond + (step if end == "high" else -step), one)
            if not _fits(one, value) or bench.raw(one) is None:
                continue
            after = bench.one(bench.changed(one, _raw(bench, one, value)))
            if isinstance(after, str):
                continue
            key = _key(bench, one)
            told = _values(bench, after).get(key)
            if told is None or abs(told - value) > _blur(one):
                yield one.name, f"{value} {one.unit}, beyond the range, is told as {told}"
            elif not out_of_range(bench.driver.manifest, after):
                which = "upper" if end == "high" else "lower"
                yield one.name, f"the {which} end of the range is never tested ({value})"


def _stepped(value: Decimal, one: Field) -> Decimal:
    return (value / Decimal(one.scale)).to_integral_value() * Decimal(one.scale)


def _fits(one: Field, value: Decimal) -> bool:
    if one.type not in _LIMITS:
        return True
    low, high = _LIMITS[one.type]
    return low <= value / Decimal(one.scale) <= high


def _scale_is_noticed(bench: _Bench) -> Found:
    """A value a thousand times too large lies outside the range, or the range says nothing."""
    for one in (f for f in bench.driver.manifest.fields if not f.limit):
        typical = max(abs(Decimal(end)) for end in one.typical)
        if typical and typical * 1000 <= Decimal(one.range[1]):
            yield one.name, f"its range {one.range} lets a value 1000 times too large pass"


def _envelope_moves(bench: _Bench) -> Found:
    envelope = bench.driver.manifest.envelope
    before = bench.one()
    if not isinstance(before, Result):
        return
    numeric = envelope.result_id.type in _WHOLE
    changed = bench.one(bench.changed(envelope.result_id, 4242 if numeric else "KIT-4242"))
    if isinstance(changed, Result) and "4242" not in changed.result_id:
        yield "result_id", f"another number is told as {changed.result_id!r}"
    if envelope.part is None:
        yield "part", "the manifest does not say where the part's number stands"
    else:
        changed = bench.one(bench.changed(envelope.part, "KIT-77"))
        if isinstance(changed, Result) and changed.part != "KIT-77":
            yield "part", f"another part is told as {changed.part!r}"
    for name in ("evaluation", "state", "simulated"):
        yield from _words_move(bench, name)
    yield from _times_move(bench, before)


def _words_move(bench: _Bench, name: str) -> Found:
    place: Place | None = getattr(bench.driver.manifest.envelope, name)
    if place is None:
        return
    if not place.words:
        yield from _flag_moves(bench, name, place)
        return
    json_number = bench.driver.manifest.frame.layout == "json"
    for code, word in place.words.items():
        whole = code.isdigit() and (place.type in _WHOLE or json_number)
        after = bench.one(bench.changed(place, int(code) if whole else code))
        wanted: object = word == "true" if name == "simulated" else word
        if not isinstance(after, Result) or getattr(after, name) != wanted:
            told = after if isinstance(after, str) else getattr(after, name)
            yield name, f"code {code} is {word}, told as {told}"


def _flag_moves(bench: _Bench, name: str, place: Place) -> Found:
    if name != "simulated":
        return
    as_json = bench.driver.manifest.frame.layout == "json"
    for flag in (True, False):
        after = bench.one(bench.changed(place, flag if as_json else int(flag)))
        if isinstance(after, Result) and after.simulated is not flag:
            yield name, f"{flag} is told as {after.simulated}"


def _times_move(bench: _Bench, before: Result) -> Found:
    place = bench.driver.manifest.envelope.ended_at
    if place is None:
        return
    later = before.ended_at + timedelta(hours=7)
    after = bench.one(bench.changed(place, time_raw(place, later, bench.first.zone)))
    if isinstance(after, str) or abs(after.ended_at - later) > timedelta(minutes=1):
        told = after if isinstance(after, str) else after.ended_at.isoformat()
        yield "ended_at", f"{later.isoformat()} is told as {told}"
    elsewhere = bench.one(replace(bench.first, received_at=before.ended_at + timedelta(days=3)))
    if isinstance(elsewhere, Result) and elsewhere.ended_at != before.ended_at:
        yield "ended_at", "the moment of arrival is told in place of the machine's own time"


def _quantities_are_known(bench: _Bench) -> Found:
    """What no catalogue knows is recorded, and judged and named by nobody.

    A maker brings rows of his own in a folder `catalogue` beside the manifest.
    """
    own = [one / "catalogue" for one in reversed(lineage(bench.driver.folder))]
    known = load(*(folder for folder in own if folder.is_dir())).quantities
    for one in bench.driver.manifest.fields:
        if one.quantity not in known:
            alike = " or ".join(get_close_matches(one.quantity, known, 3))
            advice = f"is it {alike}?" if alike else "bring a row in catalogue/quantities.toml"
            yield one.name, f"is no quantity of the catalogue: {advice}"


# --- hostile input ----------------------------------------------------------------------------


def _cut_frames(bench: _Bench) -> Found:
    for name, message in bench.messages:
        try:
            whole = bench.driver.decode(message)
        except BadFrame:
            continue
        size = len(message.content)
        for length in sorted({size * n // _CUTS for n in range(_CUTS)} | {size - 1}):
            cut = replace(message, content=message.content[:length])
            text = _crash(bench, cut)
            if text:
                yield name, f"cut after {length} of {size} bytes {text}"
                break
            if wrong := _other_than(bench, cut, whole):
                yield name, f"cut after {length} of {size} bytes it gives a result: {wrong}"
                break


def _other_than(bench: _Bench, message: Message, whole: tuple[Result, ...]) -> str:
    try:
        results = bench.driver.decode(message)
    except BadFrame:
        return ""
    return next((result.result_id for result in results if result not in whole), "")


def _crash(bench: _Bench, message: Message) -> str:
    """Return how a driver fails other than by saying that a frame cannot be read."""
    try:
        bench.driver.decode(message)
    except BadFrame as error:
        if error.__cause__ is not None and error.template.startswith("the driver"):
            return f"it fails with {type(error.__cause__).__name__}, not with a reason"
    return ""


def _changed_bytes(bench: _Bench) -> Found:
    chance = random.Random(4)
    for name, message in bench.messages:
        for _ in range(_FLIPS):
            content = bytearray(message.content)
            content[chance.randrange(len(content))] = chance.randrange(256)
            if text := _crash(bench, replace(message, content=bytes(content))):
                yield name, f"with a changed byte {text}"
                break


def _repeats(bench: _Bench) -> Found:
    manifest = bench.driver.manifest
    for name, message in bench.messages:
        later = replace(message, received_at=message.received_at + timedelta(minutes=5))
        first, again = bench.one(message), bench.one(later)
        if isinstance(first, Result) and isinstance(again, Result) and (
            fingerprint(manifest, first) != fingerprint(manifest, again)
        ):  # fmt: skip
            yield name, "the same frame, sent again, gives another result"


def _order(bench: _Bench) -> Found:
    forward = [bench.one(message) for _, message in bench.messages]
    backward = [bench.one(message) for _, message in reversed(bench.messages)][::-1]
    for (name, _), one, other in zip(bench.messages, forward, backward, strict=True):
        if one != other and isinstance(one, Result) and isinstance(other, Result) and (
            fingerprint(bench.driver.manifest, one) != fingerprint(bench.driver.manifest, other)
        ):  # fmt: skip
            yield name, "the result depends on what came before it"


def _clock_jumps(bench: _Bench) -> Found:
    place = bench.driver.manifest.envelope.ended_at
    if place is None:
        return
    for moment in (datetime(2037, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, tzinfo=UTC)):
        result = bench.one(bench.changed(place, time_raw(place, moment, bench.first.zone)))
        if isinstance(result, str):
            continue
        told = operations_of(bench.driver.manifest, result, samples.WHERE, bench.first.received_at)
        for one in told:
            if one.happened_at > bench.first.received_at + timedelta(minutes=5):
                yield "ended_at", f"a clock at {moment:%Y} puts the operation into the future"
        if not any("clock" in json.dumps(getattr(one, "remarks", ())) for one in told):
            yield "ended_at", f"a clock at {moment:%Y} goes unremarked: {result.ended_at}"


CHECKS: dict[str, Callable[[_Bench], Found]] = {
    "samples give the expected operations": _samples_agree,
    "samples tell mistakes apart": _samples_tell_apart,
    "each value moves alone, by its scale": _fields_move_alone,
    "quantities are those of the catalogue": _quantities_are_known,
    "values beyond the range are told and noticed": _ranges_are_told,
    "a wrong scale lies outside the range": _scale_is_noticed,
    "number, part, verdict and time are told": _envelope_moves,
    "cut frames give nothing": _cut_frames,
    "changed bytes do not break the driver": _changed_bytes,
    "a repeat is the same result": _repeats,
    "the order of arrival does not matter": _order,
    "a clock that jumps is remarked": _clock_jumps,
}
