"""A site's week: open orders and dues as jobs, its tracks, machines and people as resources.

A week is kept as it was laid down, so that it can be checked, moved about and held against what
happened; hours count from midnight of its first day on the site's clock.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext_noop as _
from msgspec import Struct
from msgspec.structs import replace

from railtrace.analysis.schedule import (
    Assigned,
    Job,
    Plan,
    Resource,
    Stay,
    Task,
    faults,
    list_schedule,
    longest_windows,
    without,
)
from railtrace.app import App
from railtrace.catalogue.rows import Process, Step
from railtrace.errors import BadData
from railtrace.projections.metrology import standing
from railtrace.store.dues import FleetDues
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.web.clocks import from_us
from railtrace.web.models import RoleAt
from railtrace.web.people.shifts import shift_at, shifts_in
from railtrace.web.planning.plan import PlannedWork, Told, time_of, told
from railtrace.web.running import the_app

WEEK_H = 168.0
HOUR_US = 3_600_000_000
MOST_DUES = 60
HANDS = "hands"
"""What a step needs that asks for no right: any of the hands of a shift."""
TRACK = "track"
NOT_PLANNED = {
    "blocked": _("the order is blocked"),
    "no_time": _("a step has neither a norm nor enough observations"),
    "no_machine": _("there is no machine for a step this week"),
    "no_person": _("nobody who may do a step works this week"),
    "no_track": _("the site has no track in the settings"),
    "too_many": _("only the first dues are planned"),
}


class Line(Struct, frozen=True):
    """What a job of the plan is: an order, or a due without one; the step of each task."""

    order: str
    unit: str
    process: str
    steps: list[str]


class Week(Struct, frozen=True, omit_defaults=True):
    """A week as it was laid down, and the plan of it."""

    site: str
    begins_us: int
    made_us: int
    hands: int = 3
    people: dict[str, list[int]] = {}
    """The shifts of a day that each person works."""
    freeze_h: float = 2.0
    dues: bool = True
    lines: dict[str, Line] = {}
    jobs: tuple[Job, ...] = ()
    resources: tuple[Resource, ...] = ()
    assigned: tuple[Assigned, ...] = ()
    left: tuple[str, ...] = ()
    stays: tuple[Stay, ...] = ()
    pins: list[tuple[str, int]] = []
    """Tasks that a person put where they are."""
    skipped: list[tuple[str, str, str]] = []
    """What is not planned: order, unit, why."""

    @property
    def plan(self) -> Plan:
        """The plan for the checker."""
        return Plan(self.assigned, self.left, self.stays)

    def hour(self, us: int) -> float:
        """Return a moment as hours of this week."""
        return (us - self.begins_us) / HOUR_US

    def us(self, hour: float) -> int:
        """Return the moment of an hour."""
        return self.begins_us + round(hour * HOUR_US)

    def frozen(self, now_us: int) -> list[Assigned]:
        """Return the tasks that stay: begun or beginning soon, and those put by hand."""
        until, pins = self.hour(now_us) + self.freeze_h, set(self.pins)
        return [each for each in self.assigned
                if each.start_h < until or (each.job, each.number) in pins]  # fmt: skip

    def with_plan(self, plan: Plan) -> "Week":
        """Return the week with another plan."""
        return replace(self, assigned=plan.assigned, left=plan.left, stays=plan.stays)


@dataclass(frozen=True)
class Wish:
    """What a person chooses for a week."""

    hands: int = 3
    people: Mapping[str, list[int]] | None = None
    freeze_h: float = 2.0
    dues: bool = True


def first_wish(site: str, knowledge: Knowledge) -> Wish:
    """Return what a site begins with: everybody of its own works the first shift."""
    return Wish(people={person: [1] for person in people_of(site)})


def people_of(site: str) -> list[str]:
    """Return who has a right to work today and is of this site, or of none."""
    app = the_app()
    now_us = microseconds(app.clock())
    elsewhere = set(RoleAt.objects.exclude(site__in=("", site)).values_list(
        "user__person__person_id", flat=True))  # fmt: skip
    here = set(RoleAt.objects.filter(site__in=("", site)).values_list(
        "user__person__person_id", flat=True))  # fmt: skip
    rows = app.lookup.qualifications()
    valid = {r["unit"].removeprefix("person:") for r in rows if has_right(r, now_us, now_us)}
    return sorted(valid - (elsewhere - here))


def has_right(row: Mapping[str, Any], from_us: int, to_us: int) -> bool:
    """Return whether a right of the list stands for all of a span."""
    withdrawn, ends = row["withdrawn_us"], row["to_us"]
    return (row["from_us"] <= from_us and (ends is None or ends >= to_us)
            and (withdrawn is None or withdrawn > to_us))  # fmt: skip


def lay_down(site: str, wish: Wish, before: Week | None = None) -> Week:
    """Lay down a week from the trace and plan it at once; what is frozen before stays.

    Raises BadData naming what cannot be planned.
    """
    app, now = the_app(), the_app().clock()
    zone = app.config.zone_of(site)
    midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    week = Week(
        site, microseconds(midnight), microseconds(now), wish.hands, dict(wish.people or {}),
        wish.freeze_h, wish.dues,
    )  # fmt: skip
    resources = tuple(_resources(app, week))
    found = _Jobs(app, week, resources, told())
    week = replace(
        week, resources=resources, lines=found.lines, jobs=tuple(found.jobs),
        skipped=found.skipped,
    )  # fmt: skip
    kept, pins = _kept(before, week) if before else ([], [])
    return _planned(week, kept, pins, before)


def _planned(
    week: Week, kept: list[Assigned], pins: list[tuple[str, int]], before: Week | None
) -> Week:
    """Plan around what is kept; where that cannot be, the jobs in question are planned anew."""
    shift_h = week.hour(before.begins_us) if before else 0.0
    stays = [Stay(s.start_h + shift_h, s.end_h + shift_h, s.job, s.place)
             for s in (before.stays if before else ())]  # fmt: skip
    for attempt in range(3):
        mine = [s for s in stays if any(e.job == s.job for e in kept)]
        plan = list_schedule(week.jobs, week.resources, kept, mine)
        bad = {fault.job for fault in faults(plan, week.jobs, week.resources)}
        if not bad:
            break
        kept = [] if attempt == 1 else [each for each in kept if each.job not in bad]
    at = {(each.job, each.number) for each in kept}
    return replace(week.with_plan(plan), pins=[pin for pin in pins if pin in at])


def _kept(before: Week, week: Week) -> tuple[list[Assigned], list[tuple[str, int]]]:
    """Return what stays of the week before: frozen tasks whose step is still to be done."""
    shift_h, now_h = week.hour(before.begins_us), week.hour(week.made_us)
    known, pins = {r.key for r in week.resources}, set(before.pins)
    kept, put = [], []
    for each in before.frozen(week.made_us):
        number = _same_task(before, week, each)
        if number is None or each.end_h + shift_h <= now_h or not known >= set(each.resources):
            continue
        task = week.jobs[[job.key for job in week.jobs].index(each.job)].tasks[number]
        start = each.start_h + shift_h
        kept.append(Assigned(start, start + task.duration_h, each.job, number, each.resources))
        if (each.job, each.number) in pins:
            put.append((each.job, number))
    return kept, put


def _same_task(before: Week, week: Week, each: Assigned) -> int | None:
    """Return the number that a task of the week before has in this one, if it is still there."""
    was, now = before.lines.get(each.job), week.lines.get(each.job)
    if was is None or now is None:
        return None
    step = was.steps[each.number]
    later = len(was.steps) - each.number
    numbers = [n for n, key in enumerate(now.steps) if key == step]
    return next((n for n in reversed(numbers) if len(now.steps) - n == later), None)


# --- resources ----------------------------------------------------------------------------------


def shift_spans(app: App, week: Week, shifts: Sequence[int] = ()) -> list[tuple[float, float]]:
    """Return the hours of the week's planned shifts, or of some of a day's shifts."""
    config, site = app.config, week.site
    zone, starts, calendar = config.zone_of(site), config.shifts_of(site), config.calendar_of(site)
    first, last = from_us(week.begins_us), from_us(week.us(WEEK_H))
    found = []
    for shift in shifts_in(first - timedelta(days=1), last, starts, zone):
        wanted = not shifts or shift.number in shifts
        if wanted and calendar.works(shift.begins.astimezone(zone).date(), shift.number):
            ends = shift.ends - timedelta(minutes=calendar.break_min)
            begin, end = max(shift.begins, first), min(ends, last)
            if begin < end:
                found.append((week.hour(microseconds(begin)), week.hour(microseconds(end))))
    return found


def next_shift(app: App, week: Week, now: datetime) -> tuple[float, float]:
    """Return the hours of the shift after the one that is under way."""
    zone, starts = app.config.zone_of(week.site), app.config.shifts_of(week.site)
    coming = shift_at(shift_at(now, starts, zone).ends, starts, zone)
    return week.hour(microseconds(coming.begins)), week.hour(microseconds(coming.ends))


def _resources(app: App, week: Week) -> Iterator[Resource]:
    every = shift_spans(app, week)
    yield from _machines(app, week, every)
    yield from _people(app, week)
    for number in range(1, week.hands + 1):
        yield Resource(f"{HANDS} {number}", (HANDS,), tuple(every))
    yield from _tracks(app, week)




def _machines(
    app: App, week: Week, spans: list[tuple[float, float]]
) -> Iterator[Resource]:
    catalogue, knowledge = app.catalogue(), app.knowledge()
    asked = {step.equipment for p in catalogue.processes.values() for step in p.steps
             if step.equipment}  # fmt: skip
    rows = [row for row in app.lookup.equipment() if row.home_site == week.site]
    knowledge.load([row.unit for row in rows])
    for row in rows:
        kinds = tuple(sorted(machine_kind(some) for some in asked if row.type in some))
        until = _trusted_until(app, knowledge, row.unit, row.type, week)
        windows = tuple(without(spans, [(until, WEEK_H + 24)]))
        if kinds and windows:
            yield Resource(row.unit, kinds, windows)


def machine_kind(equipment: Sequence[str]) -> str:
    """Return the kind of resource that any of some types of equipment is."""
    return "|".join(equipment)


def _trusted_until(
    app: App, knowledge: Knowledge, unit: str, type_: str, week: Week
) -> float:
    """Return until which hour a machine's readings may be leaned on: its calibration outage."""
    instrument = knowledge.instrument(unit)
    row = app.catalogue().equipment_types.get(type_)
    if row is None or not row.proof or standing(instrument, week.made_us).word == "unrecorded":
        return WEEK_H + 24
    proof = instrument.proof_at(week.made_us)
    return 0.0 if proof is None else week.hour(proof.valid_to_us)


def _people(app: App, week: Week) -> Iterator[Resource]:
    """A right that ends within the week is not counted on."""
    end_us = week.us(WEEK_H)
    rights: dict[str, set[str]] = {}
    for row in app.lookup.qualifications():
        if has_right(row, week.made_us, end_us):
            rights.setdefault(row["unit"].removeprefix("person:"), set()).add(row["qualification"])
    for person, shifts in sorted(week.people.items()):
        windows = tuple(shift_spans(app, week, shifts)) if shifts else ()
        if person in rights and windows:
            yield Resource(person, tuple(sorted({*rights[person], HANDS})), windows)


def _tracks(app: App, week: Week) -> Iterator[Resource]:
    site = app.config.sites.get(week.site)
    taken: dict[str, list[tuple[float, float]]] = {}
    mine = {row["subject"] for row in _orders(app, week.site)}
    for row in app.lookup.placements(week.site, week.begins_us, week.us(WEEK_H)):
        if row["left_us"] is not None or row["unit"] in mine:
            continue
        until = week.hour(row["until_us"]) if row["until_us"] else WEEK_H
        key = f"{row['track']}/{row['position'] or '1'}"
        taken.setdefault(key, []).append((week.hour(row["from_us"]), until))
    for track, spec in (site.tracks if site else {}).items():
        for position in range(1, spec.positions + 1):
            key = f"{track}/{position}"
            windows = tuple(without([(0.0, WEEK_H)], taken.get(key, ())))
            if windows:
                yield Resource(key, (TRACK,), windows, place=True)


def _orders(app: App, site: str) -> list[dict[str, Any]]:
    return [row for row in app.lookup.orders(open_only=True) if row["site"] == site]


# --- jobs ---------------------------------------------------------------------------------------


class _Jobs:
    """What is to be done: every open order of the site, and what falls due without one."""

    def __init__(
        self, app: App, week: Week, resources: Sequence[Resource], of: Told
    ) -> None:
        self.app, self.week, self.of, self.catalogue = app, week, of, app.catalogue()
        self.longest = longest_windows(resources)
        self.now_h = week.hour(week.made_us)
        self.lines: dict[str, Line] = {}
        self.jobs: list[Job] = []
        self.skipped: list[tuple[str, str, str]] = []
        self.standing = self._standing({r.key for r in resources if r.place})
        rows = _orders(app, week.site)
        self._from_orders(rows)
        if week.dues:
            self._from_dues({row["subject"] for row in rows})

    def _standing(self, tracks: set[str]) -> dict[str, str]:
        """Return by unit on which track it stands, one unit a track."""
        found: dict[str, str] = {}
        rows = self.app.lookup.placements(self.week.site, self.week.made_us, self.week.made_us)
        for row in rows:
            key = f"{row['track']}/{row['position'] or '1'}"
            stands = not row["planned"] and row["left_us"] is None
            if stands and key in tracks and key not in found.values():
                found[row["unit"]] = key
        return found

    def _from_orders(self, rows: Sequence[Mapping[str, Any]]) -> None:
        knowledge = self.app.knowledge()
        knowledge.load([unit for row in rows for unit in (row["unit"], row["subject"])])
        for row in reversed(rows):
            process = self.catalogue.processes.get(row["process"])
            if process is None:
                continue
            if row["block"]:
                self.skipped.append((row["work_order"], row["subject"], "blocked"))
                continue
            states = knowledge.steps(knowledge.order(row["unit"]))
            begun = max((n for n, s in enumerate(states) if s.attempts), default=-1)
            steps = [s.step for n, s in enumerate(states)
                     if s.status not in ("done", "to_accept")
                     and not (s.step.optional and n < begun)]  # fmt: skip
            due = row["planned_to_us"]
            due_h = WEEK_H if due is None else self.week.hour(due)
            self._add(row["work_order"], row["work_order"], row["subject"], process, steps, due_h)

    def _from_dues(self, with_order: set[str]) -> None:
        """One job for a unit and a process whose median date is within the week."""
        units = {v.unit: v.type for v in self.app.lookup.maintained()}
        end_us, at_us = self.week.us(WEEK_H), self.week.made_us
        found: dict[tuple[str, str], int] = {}
        for f in FleetDues(self.app.views, self.app.lookup, self.catalogue, at_us).of():
            unit = f.due.unit
            if unit in with_order or f.median_us is None or f.median_us > end_us:
                continue
            for process in self.catalogue.processes.values():
                if f.due.kind in process.services and units.get(unit, "") in process.applies_to:
                    at = unit, process.key
                    found[at] = min(f.median_us, found.get(at, f.median_us))
        self._add_dues(found)

    def _add_dues(self, found: Mapping[tuple[str, str], int]) -> None:
        knowledge = self.app.knowledge()
        knowledge.load(sorted({unit for unit, _ in found}))
        here = [(due, unit, process) for (unit, process), due in found.items()
                if knowledge.passport(unit).home_site == self.week.site]  # fmt: skip
        for number, (due, unit, key) in enumerate(sorted(here)):
            if number >= MOST_DUES:
                self.skipped.append(("", unit, "too_many"))
                continue
            process = self.catalogue.processes[key]
            due_h = min(max(self.week.hour(due), 0.0), WEEK_H)
            self._add(f"due:{unit}:{key}", "", unit, process, process.steps, due_h)

    def _add(
        self, key: str, order: str, unit: str, process: Process, steps: Sequence[Step],
        due_h: float,
    ) -> None:  # fmt: skip
        if not steps:
            return
        try:
            parts = [part for step in steps for part in self._parts(process, step)]
        except BadData:
            self.skipped.append((order, unit, "no_time"))
            return
        place = TRACK if self.catalogue.vehicle_types.get(self._type(unit)) else ""
        if why := self._why_not([task for _, task in parts], place):
            self.skipped.append((order, unit, why))
            return
        self.lines[key] = Line(order, unit, process.key, [step for step, _ in parts])
        at = self.standing.get(unit, "") if place else ""
        self.jobs.append(
            Job(key, tuple(task for _, task in parts), max(self.now_h, 0.0), due_h, place, at)
        )

    def _type(self, unit: str) -> str:
        return self.app.knowledge().passport(unit).type

    def _why_not(self, tasks: Sequence[Task], place: str) -> str:
        missing = [kind for task in tasks for kind in task.needs if kind not in self.longest]
        if missing:
            rights = self.catalogue.qualifications
            return "no_person" if missing[0] in {*rights, HANDS} else "no_machine"
        return "no_track" if place and place not in self.longest else ""

    def _parts(self, process: Process, step: Step) -> list[tuple[str, Task]]:
        """Return a step as tasks; what is longer than a shift goes on in the next one."""
        needs = ([machine_kind(step.equipment)] if step.equipment else []) + [
            step.qualification or HANDS
        ]
        hours = time_of(process, step, PlannedWork(), self.of).mean_h
        longest = min((self.longest.get(kind, hours) for kind in needs), default=hours)
        count = math.ceil(hours / longest - 1e-9)
        return [(step.key, Task(tuple(needs), hours / count)) for _ in range(count)]
