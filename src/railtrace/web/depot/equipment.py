"""Equipment: what each machine does now, how well it is used, what it found, what is covered."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.analysis.oee import Cycle, Oee, oee
from railtrace.devices.manifest import manifest_of
from railtrace.errors import BadOperation, NotFound
from railtrace.projections.metrology import Instrument, standing
from railtrace.projections.work import StepState
from railtrace.store.knowledge import Knowledge
from railtrace.store.whereabouts import whereabouts
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    DefectFound,
    FindingTriaged,
    MachineResult,
    Operation,
    OrderOpened,
)
from railtrace.web import words
from railtrace.web.api.machines import IDLE, live_machines
from railtrace.web.clocks import from_us
from railtrace.web.depot.live import fresh
from railtrace.web.depot.orders import SAYABLE
from railtrace.web.facts import reading_text
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.shifts import planned_spans, report_day, report_span
from railtrace.web.record import made, record_all, record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.stood import elsewhere

OEE_DAYS = 7
COVERAGE_DAYS = 90
FINDING_DAYS = 30
_NOTED = 100
"""So many of the last results are held against where their units stood."""
_DAY_US = 86_400_000_000
_LIVE_US = 3_600_000_000
_FINDINGS = ("alarm", "watch", "contradicts", "failed")


# --- one machine ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """What a machine's page tells of its running."""

    last_us: int | None
    live: bool
    result: MachineResult | None
    phases: list[dict[str, Any]]
    used: Oee
    errors: list[tuple[Entry, tuple[str, ...]]]
    by_day: list[tuple[str, int, int]]


def life_of(knowledge: Knowledge, names: Names, unit: str, type_: str) -> Life:
    """Return how a machine ran over the last days, its last cycle beside its recipe."""
    app = the_app()
    now_us = knowledge.state_us or microseconds(app.clock())
    days = _report_days(knowledge.passport(unit).home_site, now_us)
    first_us = days[0][1]
    made = app.lookup.made_at(unit, first_us, now_us)
    rows = app.lookup.cycles(unit, first_us, now_us)
    last = next(iter(_entries(rows[:1])), None)
    result = last.operation if last and isinstance(last.operation, MachineResult) else None
    last_us = max([*made[:1], *(row["at_us"] for row in rows[:1])], default=None)
    last_us = last_us or app.lookup.last_made([unit]).get(unit)
    ideal = _typical(type_)
    instrument = knowledge.instrument(unit)
    cycles = [_cycle(row, instrument) for row in reversed(rows)]
    planned = planned_time(knowledge.passport(unit).home_site, first_us, now_us)
    used = oee([c for c in cycles if c], planned, sum(ideal.values()) or None)
    return Life(
        last_us, last_us is not None and now_us - last_us < _LIVE_US, result,
        _phases(result, ideal, type_, names), used,
        _noted(knowledge, unit, rows), _by_day(made, days),
    )  # fmt: skip


def _noted(
    knowledge: Knowledge, machine: str, rows: list[dict[str, Any]]
) -> list[tuple[Entry, tuple[str, ...]]]:
    """Return the last results with something to say of them: by the gateway, or by the trace."""
    home, last = knowledge.passport(machine).home_site, rows[:_NOTED]
    knowledge.load([row["unit"] for row in last])
    away: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in last:
        stood = whereabouts(knowledge, row["unit"], row["at_us"])
        if row["unit"] != machine and stood is not None and stood.where != home:
            away.setdefault((row["log"], row["position"]), []).append(row)
    shown = [row for row in rows if row["wrong"] or (row["log"], row["position"]) in away][:20]
    return [
        (entry, remarks) for entry in _entries(shown)
        if (remarks := _remarks(knowledge, away.get((entry.log, entry.position), []), entry, home))
        or getattr(entry.operation, "state", "") != "completed"
    ]  # fmt: skip


def _remarks(
    knowledge: Knowledge, away: list[dict[str, Any]], entry: Entry, home: str
) -> tuple[str, ...]:
    """Return what a gateway noted of a result, and where its units stood if not there."""
    site = getattr(entry.operation, "site", "") or home
    told = [one for row in away for one in elsewhere(knowledge, row["unit"], site, row["at_us"])]
    return (*getattr(entry.operation, "remarks", ()), *dict.fromkeys(told))


def _entries(rows: list[dict[str, Any]]) -> list[Entry]:
    """Return the entries of rows, in the rows' order, read at one stroke."""
    return the_app().entries_at((row["log"], row["position"]) for row in rows)


def _report_days(site: str, now_us: int) -> list[tuple[date, int]]:
    """Return the last days of reports of a site, the running one last, with their beginning."""
    config = the_app().config
    zone, begins = config.zone_of(site), config.accounting_day
    today = report_day(from_us(now_us), begins, zone)
    days = [today - timedelta(days=back) for back in reversed(range(OEE_DAYS))]
    return [(day, microseconds(report_span(day, begins, zone)[0])) for day in days]


def planned_time(site: str, first_us: int, last_us: int) -> list[tuple[float, float]]:
    """Return when a site's equipment was to work [s]."""
    config = the_app().config
    spans = planned_spans(
        config.calendar_of(site), config.shifts_of(site), config.zone_of(site),
        from_us(first_us), from_us(last_us),
    )  # fmt: skip
    return [(begin.timestamp(), end.timestamp()) for begin, end in spans]


def _cycle(row: dict[str, Any], instrument: Instrument | None) -> Cycle | None:
    if row["started_us"] is None:
        return None
    proved = not standing(instrument, row["at_us"]).stops
    return Cycle(row["started_us"] / 1e6, row["at_us"] / 1e6, bool(row["valid"]), proved)


def _typical(type_: str) -> dict[str, float]:
    known = manifest_of(type_)
    return {phase.key: phase.typical_s for phase in known.phases} if known else {}


def _spoken(type_: str, names: Names) -> dict[str, str]:
    """Return the names of a machine's phases."""
    known = manifest_of(type_)
    return {p.key: getattr(p, names.language) for p in known.phases} if known else {}


def running(unit: str, type_: str, names: Names) -> dict[str, Any] | None:
    """Return what a machine does at this moment beside its recipe, None when nothing was told."""
    state = live_machines.of(unit)
    if state is None:
        return None
    known, spoken = manifest_of(state.machine or type_), _spoken(state.machine or type_, names)
    working = state.connected and state.phase not in IDLE
    usual = {tag.key: tag.typical for tag in known.tags} if known else {}
    return {
        "connected": state.connected, "part": state.part, "recipe": state.recipe,
        "phase": spoken.get(state.phase, state.phase),
        "phases": _under_way(unit, state.phase, state.machine or type_, spoken) if working else [],
        "tags": [
            {"name": names.quantity(key), "value": names.value(tag.value, tag.unit),
             "usual": "–".join(usual[key]) if key in usual else ""}
            for key, tag in state.tags.items()
        ],
    }  # fmt: skip


def _under_way(unit: str, now: str, kind: str, spoken: dict[str, str]) -> list[dict[str, Any]]:
    """Return every phase of the recipe with how long it took so far."""
    so_far, ideal = live_machines.cycle_of(unit), _typical(kind)
    most = max([*so_far.values(), *ideal.values(), 1.0])
    return [
        {
            "name": spoken.get(key, key), "seconds": so_far.get(key), "now": key == now,
            "typical": ideal.get(key), "width": round(100 * so_far.get(key, 0.0) / most, 1),
            "mark": 100 * ideal[key] / most if key in ideal else None,
        }
        for key in dict.fromkeys([*ideal, *so_far])
    ]  # fmt: skip


def _phases(
    result: MachineResult | None, ideal: dict[str, float], type_: str, names: Names
) -> list[dict[str, Any]]:
    if result is None:
        return []
    spoken = _spoken(type_, names)
    most = max([*(float(p.duration_s or 0) for p in result.phases), *ideal.values(), 1.0])
    return [
        {
            "name": spoken.get(phase.phase, phase.phase), "seconds": phase.duration_s or "",
            "typical": ideal.get(phase.phase),
            "width": 100 * float(phase.duration_s or 0) / most,
            "mark": 100 * ideal[phase.phase] / most if phase.phase in ideal else None,
        }
        for phase in result.phases
    ]  # fmt: skip


def _by_day(made: list[int], days: list[tuple[date, int]]) -> list[tuple[str, int, int]]:
    """Return (day of reports, operations, bar height) over the days counted."""
    begins = [begin for _, begin in days]
    counts = Counter(bisect_right(begins, at_us) - 1 for at_us in made)
    most = max([*counts.values(), 1])
    return [(f"{day:%d.%m}", counts[index], round(100 * counts[index] / most))
            for index, (day, _) in enumerate(days)]  # fmt: skip


def _doing(unit: str, names: Names) -> str:
    """Say what a machine does at this moment, as its gateway told; empty when it told nothing."""
    state = live_machines.of(unit)
    if state is None or not state.connected or state.phase in IDLE:
        return ""
    spoken = _spoken(state.machine, names)
    shown = ", ".join(names.value(tag.value, tag.unit) for tag in state.tags.values())
    said = (spoken.get(state.phase, state.phase), state.part, shown)
    return " · ".join(filter(None, said))


def equipment(request: HttpRequest) -> HttpResponse:
    """List the depot's equipment with the age of the last operation and the proof."""
    app, names, renewed = the_app(), the_names(), fresh("machines")
    knowledge = app.knowledge()
    site = request.GET.get("site", "")
    rows = [row for row in app.lookup.equipment() if not site or row.home_site == site]
    knowledge.load([row.unit for row in rows])
    last = app.lookup.last_made([row.unit for row in rows])
    now_us = microseconds(app.clock())
    context = {
        "section": "depot", "tab": "equipment", "names": names, "site": site, "now": app.clock(),
        "fresh": renewed,
        "sites": [(key, s.name(names.language)) for key, s in app.config.depots.items()],
        "rows": [
            {"unit": row.unit, "name": names.unit(knowledge.passport(row.unit)),
             "site": row.home_site, "last_us": last.get(row.unit),
             "live": row.unit in last and now_us - last[row.unit] < _LIVE_US,
             "doing": _doing(row.unit, names),
             "trust": standing(knowledge.instrument(row.unit), now_us).word}
            for row in rows
        ],
    }  # fmt: skip
    return render(request, "depot/equipment.html", context)


# --- what is recorded by itself -------------------------------------------------------------------


def coverage(request: HttpRequest) -> HttpResponse:
    """Show which share of each process's steps machines record, hands record, nobody records."""
    app, names = the_app(), the_names()
    knowledge = app.knowledge()
    since = microseconds(app.clock() - timedelta(days=COVERAGE_DAYS))
    rows = app.lookup.orders(since_us=since)
    knowledge.load([unit for row in rows for unit in (row["unit"], row["subject"])])
    by_process: dict[str, list[list[StepState]]] = {}
    for row in rows:
        states = knowledge.steps(knowledge.order(row["unit"]))
        by_process.setdefault(row["process"], []).append(states)
    context = {
        "section": "depot", "tab": "coverage", "names": names, "days": COVERAGE_DAYS,
        "processes": [
            _covered(key, orders, names) for key, orders in sorted(by_process.items())
            if key in names.catalogue.processes
        ],
    }  # fmt: skip
    return render(request, "depot/coverage.html", context)


def _covered(key: str, orders: list[list[StepState]], names: Names) -> dict[str, Any]:
    process = names.catalogue.processes[key]
    return {
        "name": process.name(names.language), "orders": len(orders),
        "steps": [
            _step_row([states[index] for states in orders], names)
            | {"minutes": _minutes(orders, index)}
            for index in range(len(process.steps))
        ],
    }  # fmt: skip


def _step_row(states: list[StepState], names: Names) -> dict[str, Any]:
    """Of the steps whose turn had come: by machine, by hand, not at all; and how well."""
    reached = [s for s in states if s.attempts or s.status == "ready"]
    by = Counter(s.last.by if s.last else "none" for s in reached if not _left_out(s))
    whole = sum(by.values())
    done = [s for s in states if s.status == "done"]
    first = sum(s.first_pass for s in done)
    return {
        "name": states[0].step.name(names.language) if states else "", "whole": whole,
        "machine": by["machine"], "hand": by["hand"], "none": by["none"],
        **{f"{k}_share": 100 * by[k] / whole if whole else 0 for k in ("machine", "hand", "none")},
        "done": len(done), "first_pass": round(100 * first / len(done)) if done else None,
        "rework": sum(len(s.attempts) - 1 for s in states if len(s.attempts) > 1),
        "norm": states[0].step.norm_min if states else None,
    }  # fmt: skip


def _left_out(state: StepState) -> bool:
    return state.step.optional and not state.attempts


def _minutes(orders: list[list[StepState]], index: int) -> int | None:
    """Return the median time from the end of what a step waits for to its own end [min]."""
    spans = []
    for states in orders:
        state = states[index]
        ends = [s.done_us for s in states if s.step.key in state.step.after and s.done_us]
        if state.done_us is not None and ends:
            spans.append((state.done_us - max(ends)) / 6e7)
    return round(median(spans)) if spans else None


# --- triage ---------------------------------------------------------------------------------------


def findings(request: HttpRequest) -> HttpResponse:
    """Show what machines found and nobody has answered yet; three buttons each."""
    app, names, renewed = the_app(), the_names(), fresh("work")
    knowledge = app.knowledge()
    now_us = microseconds(app.clock())
    rows = app.lookup.findings(now_us - FINDING_DAYS * _DAY_US, _FINDINGS)
    knowledge.load(list(dict.fromkeys(u for r in rows for u in (r["unit"], r["device"]))))
    context = {
        "section": "depot", "tab": "findings", "names": names, "now": app.clock(),
        "items": [_finding(row, knowledge, names) for row in rows[:60]], "total": len(rows),
        "days": FINDING_DAYS, "fresh": renewed,
    }  # fmt: skip
    return render(request, "depot/findings.html", context)


def _finding(row: dict[str, Any], knowledge: Knowledge, names: Names) -> dict[str, Any]:
    operation: Any = the_app().entry(row["operation"]).operation
    passport = knowledge.passport(row["unit"])
    return {
        **row, "name": names.unit(passport),
        "device_name": names.unit(knowledge.passport(row["device"])),
        "word": words.OUTCOMES[row["outcome"]],
        "remarks": elsewhere(
            knowledge, row["unit"],
            operation.site or knowledge.passport(row["device"]).home_site, row["at_us"],
        ),
        "finding": getattr(operation, "finding", "")
        or gettext(words.word(words.TESTS, getattr(operation, "test", ""))),
        "readings": [reading_text(r, names) for r in operation.readings][:6],
        "processes": [
            (p.key, p.name(names.language)) for p in names.catalogue.processes.values()
            if passport.type in p.applies_to
        ],
    }  # fmt: skip


@require_POST
@allowed("record")
def triage(request: HttpRequest) -> HttpResponse:
    """Record a person's answer to a machine's finding; an order takes its defect along."""
    entry, answer = request.POST.get("entry", ""), request.POST.get("answer", "")
    operation = the_app().entry(entry).operation
    if not isinstance(operation, Operation) or not operation.units:
        raise NotFound("{entry} is no finding of a machine", entry=entry)
    reason = request.POST.get("reason", "").strip()[:200]
    shared: dict[str, Any] = {"units": operation.units[:1], "site": operation.site}
    if answer == "order":
        return redirect("order", _order_for(request, operation, reason, shared))
    if answer not in ("false", "fixed"):
        raise BadOperation("answer false, fixed or order, not {answer}", answer=answer)
    record_one(request, FindingTriaged, entry=entry, answer=answer, reason=reason, **shared)
    messages.success(request, gettext("The answer is recorded."))
    return redirect("findings")


def _order_for(
    request: HttpRequest, operation: Operation, reason: str, shared: dict[str, Any]
) -> str:
    catalogue = the_app().catalogue()
    process = catalogue.processes.get(request.POST.get("process", ""))
    type_ = the_app().knowledge().passport(shared["units"][0]).type
    if process is None or type_ not in process.applies_to:
        raise BadOperation("choose a process of this unit's kind to make an order of")
    order = f"WO-{the_app().clock():%y%m%d}-{get_random_string(4, SAYABLE)}"
    said = getattr(operation, "finding", "") or getattr(operation, "test", "") or "finding"
    defect = made(request, DefectFound, code=str(said)[:200], note=f"{operation.id}", **shared)
    record_all(request, [
        defect,
        made(request, FindingTriaged, entry=operation.id, answer="order", reason=reason,
             work_order=order, **shared),
        made(request, OrderOpened, process=process.key, defect=defect.id, work_order=order,
             reason=reason, **shared),
    ])  # fmt: skip
    messages.success(request, gettext("The order is opened."))
    return order

