"""Departures: the trains of some days, how far each is, and what stands against it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date

from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import Act, Facts, Finding, findings
from railtrace.store.lookup import Listed
from railtrace.store.trains import Trains
from railtrace.trace.leaf import microseconds
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app
from railtrace.web.trains.said import Said, told

MOST_JUDGED = 40
"""Trains of a day that are judged at once; a day with more shows the rest without a verdict."""


@dataclass(frozen=True)
class Departure:
    """A line of the board."""

    listed: Listed
    consist: Consist
    stage: str
    judged: bool
    refusals: int
    warnings: int
    first: Said | None
    signed: int
    acts: int
    kind: str
    route: str

    @property
    def verdict(self) -> str:
        """What stands against it, as a sign."""
        if not self.judged:
            return "unknown"
        return "unfit" if self.refusals else "doubtful" if self.warnings else "fit"


def trains() -> Trains:
    """Return the reader of trains of now."""
    return Trains(the_app().knowledge(), the_app().lookup)


def stage_of(consist: Consist) -> str:
    """Return how far a consist is."""
    if consist.closed_us is not None:
        return consist.outcome or "arrived"
    if consist.departed_us is not None:
        return "departed"
    last = [d for d in (consist.decided("depart"), consist.decided("ready")) if d is not None]
    if last and not max(last, key=lambda d: d.at_us).released:
        return "refused"
    if (go := consist.decided("depart")) is not None and go.released and consist.braked():
        return "may_depart"
    if (ready := consist.decided("ready")) is not None and ready.released:
        return "ready"
    return "signed" if consist.signed() else "composed"


def act_of(consist: Consist) -> Act:
    """Return the act that a consist waits for."""
    ready = consist.decided("ready")
    return "depart" if ready is not None and ready.released else "ready"


Waiting = tuple[int, dict[str, int] | None]
"""How many entries the views have not taken, and of which units; None: perhaps of any."""


def judged(
    reader: Trains, consist: Consist, act: Act, waiting: Waiting | None = None
) -> tuple[Facts, list[Finding]]:
    """Judge a consist for an act by what is known now; `waiting` as read for several at once.

    Views that lag judge nothing of what waits: the units it speaks of, or the whole consist.
    """
    zone = the_app().config.zone_of(consist.site)
    told = (waiting or the_app().views.waiting()) if reader.knowledge.now else (0, {})
    behind, pending = concerning(consist, told)
    facts = reader.facts(consist, act, zone, behind, pending)
    return facts, findings(facts)


def concerning(consist: Consist, waiting: Waiting) -> tuple[int, dict[str, int]]:
    """Return the entries that wait and concern a whole consist, and those of each unit."""
    lag, pending = waiting
    if pending is None:
        return lag, {}
    people = {f"person:{person}" for sign in consist.signs for person in sign.people}
    return sum(pending.get(one, 0) for one in (consist.unit, *people)), pending


def board(request: HttpRequest) -> HttpResponse:
    """Show the departures of a day and of the night after it."""
    app, names = the_app(), the_names()
    day = parse_date(request.GET.get("day", "")) or app.clock().astimezone(home_zone()).date()
    site = request.GET.get("site", "")
    reader, waiting = trains(), app.views.waiting()
    listed = reader.departures(*_span(day), site)
    reader.knowledge.load([row.unit for row in listed])
    lines = [_line(reader, row, names, waiting if n < MOST_JUDGED else None)
             for n, row in enumerate(listed)]  # fmt: skip
    context = {
        "section": "trains", "tab": "board", "lines": lines, "day_shown": day, "site": site,
        "before": day - timedelta(days=1), "after": day + timedelta(days=1), "names": names,
        "sites": [(key, s.name(names.language)) for key, s in app.config.depots.items()],
        "refused": sum(line.verdict == "unfit" for line in lines),
    }  # fmt: skip
    return render(request, "trains/board.html", context)


def _span(day: date) -> tuple[int, int]:
    first = datetime.combine(day, time(), home_zone())
    return microseconds(first), microseconds(first + timedelta(hours=30))


def _line(
    reader: Trains, listed: Listed, names: Names, waiting: Waiting | None
) -> Departure:
    """Return a line; without what waits it has no verdict."""
    consist, facts, found = reader.consist(listed.consist), None, list[Finding]()
    over = consist.departed_us is not None or consist.closed_us is not None
    if waiting is not None and not over:
        facts, found = judged(reader, consist, act_of(consist), waiting)
    kind = names.catalogue.train_kinds.get(consist.train_kind)
    route = names.catalogue.routes.get(consist.route)
    first = told(found[:1], facts, reader.knowledge, names) if facts and found else []
    return Departure(
        listed, consist, stage_of(consist), facts is not None,
        sum(f.weight == "mandatory" for f in found), sum(f.weight == "warning" for f in found),
        first[0] if first else None, len(consist.signed()), len(kind.acts) if kind else 0,
        kind.name(names.language) if kind else consist.train_kind,
        route.name(names.language) if route else consist.route,
    )  # fmt: skip
