"""What the store tells of coming dues on the known-truth railway, held against what then came.

A simulated railway is recorded up to a day, as its clerks entered it by then: late entries and
kilometres not yet reported are missing, as they are on any day. The store tells when each
interval will be used up and when each wheel will cross its limit. Then the rest of the years is
recorded, and the days are looked up: of an interval in the counters, of a wheel in the truth.

Only what is told to be over before the years end is scored: that is chosen by the forecast, so
it does not favour what came early. A due whose calendar ends before its 95 % day is left out:
the calendar, not the run, says its last day. A vehicle that came in for the same or a greater
repair before its interval was used up (the clerks knew what the trace did not) is looked up as if
it had run on at its own pace: what was told is when it is due, not when it came.

`python -m railtrace.operating.due_coverage 20 0.1 101` takes twenty railways of a tenth, the first
by seed 101, and prints the shares inside 90 % intervals with the 95 % interval of their mean.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import inf, sqrt
from pathlib import Path
from statistics import stdev
from tempfile import TemporaryDirectory

import numpy as np
from msgspec.structs import replace

from railtrace.app import App
from railtrace.catalogue.load import load as load_catalogue
from railtrace.config import load as load_config
from railtrace.operating.demo import demo_config
from railtrace.projections.maintenance import Maintenance
from railtrace.simulation.clerks import Sent
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.truth import Truth
from railtrace.store.dues import FleetDues, Forecast
from railtrace.store.part_dues import METERS, Meter
from railtrace.store.wear import WearDue, WearDues
from railtrace.trace.leaf import microseconds

END = datetime(2026, 11, 1, tzinfo=UTC)
_BATCH = 2000
_LEVELS = {"flange_thickness": "flange", "tread_wear": "tread"}
Interval = tuple[float, float, float]
"""First, true and last day [µs]; infinite where it is later than is known."""


@dataclass(frozen=True)
class Asked:
    """One kind of due on one railway: how many were scored, how many days lay inside, and where."""

    what: str
    scored: int
    inside: int
    before: int

    @property
    def share(self) -> float:
        """The share inside."""
        return self.inside / self.scored if self.scored else float("nan")


def study(seed: int, scale: float = 0.1, seen: int = 104, ahead: int = 104) -> list[Asked]:
    """Return the scores of one railway: told after `seen` weeks, held against `ahead` more."""
    cut = END - timedelta(weeks=ahead)
    truth = Truth(look_at=cut.isoformat())
    laws = replace(load_laws(), weeks=seen + ahead)
    sent = list(generate(laws, load_catalogue(), seed=seed, end=END, scale=scale, truth=truth))
    with TemporaryDirectory() as folder:
        config = demo_config(load_config(Path("none.toml"), {}), Path(folder) / "railway")
        app = App(config, lambda: END)
        try:
            return _asked(app, sent, cut, truth)
        finally:
            app.stop()


def _asked(app: App, sent: Sequence[Sent], cut: datetime, truth: Truth) -> list[Asked]:
    app.prepare()
    _record(app, (one for one in sent if one.recorded_at <= cut))
    intervals, wheels = _told(app, microseconds(cut))
    _record(app, (one for one in sent if one.recorded_at > cut))
    ways = _Ways(app, truth)
    by_meter = [(f.meter, _of_interval(f, ends, ways)) for f, ends in intervals
                if f.due.unit not in ways.gone]  # fmt: skip
    of_wear = [found for due in wheels if due.vehicle not in ways.gone
               and (found := _of_wheel(due, ways)) is not None]  # fmt: skip
    return [
        *(_scored(meter, [days for m, days in by_meter if m == meter]) for meter in METERS),
        _scored("wear", of_wear),
    ]


def _record(app: App, sent: Iterable[Sent]) -> None:
    for log, some in groupby(sorted(sent, key=lambda one: one.log), key=lambda one: one.log):
        operations = [one.operation for one in some]
        for first in range(0, len(operations), _BATCH):
            app.record(operations[first : first + _BATCH], "study", "simulation", log)
    app.views.rebuild()


def _told(
    app: App, cut_us: int
) -> tuple[list[tuple[Forecast, frozenset[str]]], list[WearDue]]:
    """Return what may be scored: intervals that the run alone ends, before the end of the years.

    With each the repairs that end it.
    """
    catalogue, end_us = app.catalogue(), microseconds(END)
    fleet = FleetDues(app.views, app.lookup, catalogue, cut_us)
    intervals = [
        (f, _ends(app, fleet, f)) for f in fleet.of()
        if f.meter and f.due.state == "ok" and f.late_us is not None
        and f.late_us < min(end_us, f.due.calendar_us or end_us)
    ]  # fmt: skip
    reader = WearDues(app.lookup, catalogue, cut_us)
    types = sorted({v.type for v in app.lookup.maintained()})
    wheels = [
        due for type_ in types for due in reader.of(type_)
        if due.days_us[2] is not None and cut_us < due.days_us[2] < end_us
    ]  # fmt: skip
    return intervals, wheels


def _ends(app: App, fleet: FleetDues, told: Forecast) -> frozenset[str]:
    state = app.views.states_of("maintenance", [told.due.unit])[told.due.unit]
    assert isinstance(state, Maintenance)
    return fleet.ends(state).get(told.due.kind, frozenset())


class _Ways:
    """What vehicles ran in truth, straight between the ends of their runs."""

    def __init__(self, app: App, truth: Truth) -> None:
        types = sorted({v.type for v in app.lookup.maintained()})
        self._repairs: dict[str, list[tuple[str, int, int | None]]] = {}
        for unit, kind, from_us, to_us in app.lookup.repairs_of(types, 0):
            self._repairs.setdefault(unit, []).append((kind, from_us, to_us))
        self._rows = {meter: _rows(app, meter) for meter in METERS}
        self._factor = {one.unit: one.wear_factor for one in truth.vehicles}
        self._rates = {one.unit: one for one in truth.wheels}
        self._worn = {one.unit: one for one in truth.worn}
        self.gone = set(truth.written_off)
        self.cut_us = microseconds(datetime.fromisoformat(truth.look_at))

    def ran(self, unit: str, meter: Meter, at_us: float) -> float:
        """Return what was run by a moment [km or h]."""
        times, sums = self._rows[meter].get(unit, _NOWHERE)
        return float(np.interp(at_us, times, sums))

    def ended_by(self, unit: str, meter: Meter, at_us: float) -> float:
        """Return the runs that had ended by a moment: what follows a service came after it."""
        times, sums = self._rows[meter].get(unit, _NOWHERE)
        at = int(np.searchsorted(times, at_us, side="right"))
        return float(sums[at - 1]) if at else 0.0

    def day(self, unit: str, meter: Meter, goal: float) -> float:
        """Return the moment by which so much was run; infinite when it was not [µs]."""
        times, sums = self._rows[meter].get(unit, _NOWHERE)
        at = int(np.searchsorted(sums, goal))
        return inf if at == len(sums) else float(np.interp(goal, sums, times))

    def in_use(
        self, unit: str, meter: Meter, day_us: float, ends: frozenset[str]
    ) -> float:
        """Return a day as if the vehicle had run on where it came in for some repairs [µs].

        What it ran from the end of a run before such a stay to the end of the first run after it
        takes as long as it takes at the pace of the rest of the way.
        """
        times, sums = self._rows[meter].get(unit, _NOWHERE)
        gaps = {at for kind, from_us, to_us in self._repairs.get(unit, ()) if kind in ends
                for at in _gaps(times, from_us, to_us)
                if self.cut_us < times[at] <= day_us}  # fmt: skip
        if not gaps or day_us == inf:
            return day_us
        begun = {at: max(float(times[at - 1]), self.cut_us) for at in gaps}
        lost = sum(float(times[at]) - begun[at] for at in gaps)
        ran = sum(float(sums[at]) - self.ran(unit, meter, begun[at]) for at in gaps)
        whole = self.ran(unit, meter, day_us) - self.ran(unit, meter, self.cut_us)
        pace = (whole - ran) / max(day_us - self.cut_us - lost, 1.0)
        return day_us - lost + ran / pace if pace > 0 else day_us

    def wheel(self, due: WearDue) -> tuple[float, float] | None:
        """Return a wheel's true level at the cut and its true wear per kilometre, falling < 0."""
        worn, rates = self._worn.get(due.part), self._rates.get(due.part)
        name = _LEVELS.get(due.quantity)
        if name is None or worn is None or rates is None or worn.vehicle != due.vehicle:
            return None
        side = 0 if due.place == "left" else 1
        rate = float(getattr(rates, name)[side]) * self._factor[due.vehicle]
        return float(getattr(worn, name)[side]), rate if due.rising else -rate


def _gaps(times: np.ndarray, from_us: int, to_us: int | None) -> range:
    """Return the runs whose ends close a gap in which a repair lay."""
    low = int(np.searchsorted(times, from_us, side="right"))
    high = len(times) if to_us is None else int(np.searchsorted(times, to_us, side="left"))
    return range(max(low, 1), min(high, len(times) - 1) + 1)


_NOWHERE = (np.zeros(1), np.zeros(1))


def _rows(app: App, meter: Meter) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    types = sorted({v.type for v in app.lookup.maintained()})
    runs, _anchors = app.lookup.all_counter_rows(types, meter)
    found = {}
    for unit, some in groupby(runs, key=lambda row: row[0]):
        rows = list(some)
        times = np.array([float(at_us) for _, at_us, _ in rows])
        found[unit] = times, np.cumsum([length / 1000 for _, _, length in rows])
    return found


def _of_interval(told: Forecast, ends: frozenset[str], ways: _Ways) -> Interval:
    """Return the days told, and the day on which the counter in truth used the interval up."""
    due = told.due
    meter: Meter = "km" if told.meter == "km" else "engine_hours"
    assert told.early_us is not None
    assert told.late_us is not None
    count = next(c for c in due.criteria if c.meter == meter)
    assert due.last is not None
    goal = ways.ended_by(due.unit, meter, due.last.at_us) + count.allowed
    if due.last.km_milli is not None or count.at_least:
        goal = ways.ran(due.unit, meter, ways.cut_us) + count.remaining
    day_us = ways.in_use(due.unit, meter, ways.day(due.unit, meter, goal), ends)
    return told.early_us, day_us, told.late_us


def _of_wheel(told: WearDue, ways: _Ways) -> Interval | None:
    """Return the days told, and the day on which the true wheel, left to run on, is at its limit.

    None for a wheel that is not on that vehicle in truth: the trace was told wrongly.
    """
    true = ways.wheel(told)
    early_us, _middle, late_us = told.days_us
    if true is None or early_us is None or late_us is None:
        return None
    level, rate = true
    needed = (float(told.bound) - level) / rate
    if needed <= 0:
        return early_us, ways.cut_us, late_us
    goal = ways.ran(told.vehicle, "km", ways.cut_us) + needed
    return early_us, ways.day(told.vehicle, "km", goal), late_us


def _scored(what: str, days: Sequence[Interval]) -> Asked:
    inside = sum(early <= true <= late for early, true, late in days)
    return Asked(what, len(days), inside, sum(true < early for early, true, _ in days))


# --- many railways ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """The share inside over many railways, with the 95 % interval of their mean."""

    what: str
    railways: int
    scored: int
    share: float
    half: float
    before: float
    """Of all, the share that came before its first day."""


def over(scores: Sequence[Sequence[Asked]]) -> list[Told]:
    """Put railways together: each counts by its dues, the interval is of their differences."""
    found = []
    for same in zip(*scores, strict=True):
        some = [one for one in same if one.scored]
        total = sum(one.scored for one in some)
        if not total:
            continue
        share = sum(one.inside for one in some) / total
        off = [one.scored * (one.share - share) / (total / len(some)) for one in some]
        half = 1.96 * stdev(off) / sqrt(len(some)) if len(some) > 1 else float("nan")
        before = sum(one.before for one in some) / total
        found.append(Told(some[0].what, len(some), total, share, half, before))
    return found


def main() -> None:
    """Print the coverage over so many railways of such a scale, from a first seed on."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    scale = float(sys.argv[2]) if len(sys.argv) > 2 else 0.1
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    scores = []
    for seed in range(first, first + count):
        scores.append(study(seed, scale))
        print(f"{seed}: " + ", ".join(f"{a.what} {a.inside}/{a.scored} (before {a.before})"
                                      for a in scores[-1]), flush=True)  # fmt: skip
    for told in over(scores):
        print(f"{told.what}: {100 * told.share:.1f} ± {100 * told.half:.1f} % of {told.scored}"
              f" inside, {100 * told.before:.1f} % before")  # fmt: skip


if __name__ == "__main__":
    main()
