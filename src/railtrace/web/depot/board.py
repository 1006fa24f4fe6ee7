"""The depot board: tracks and positions by hours; placing a unit on a track is an operation."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.config import Track
from railtrace.errors import BadOperation, Refused
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Placed, PlacePlanned, TrackLeft
from railtrace.web.clocks import from_us
from railtrace.web.depot.live import fresh
from railtrace.web.depot.orders import tell, unit_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

BACK, AHEAD = timedelta(hours=12), timedelta(hours=36)
_HOUR_US = 3_600_000_000
_FRESH_US = 24 * _HOUR_US


@dataclass
class Bar:
    """A unit on a track for some time: measured stays solid, plans dashed."""

    unit: str
    name: str
    from_us: int
    to_us: int
    until_us: int | None
    planned: bool
    standing: bool
    operation: str
    orders: list[Any]
    over_us: int | None = None
    conflict: bool = False
    left: float = 0.0
    width: float = 0.0
    over_left: float | None = None


@dataclass
class Line:
    """One position of one track with its bars."""

    track: str
    name: str
    position: str
    bars: list[Bar] = field(default_factory=list)


def board(request: HttpRequest) -> HttpResponse:
    """Show who stands where, by hours, with what is late and what collides."""
    app, names, renewed = the_app(), the_names(), fresh("work")
    sites = {key: site for key, site in app.config.sites.items() if site.tracks}
    site = request.GET.get("site", "") or next(iter(sites), "")
    now = app.clock()
    start = (now - BACK).replace(minute=0, second=0, microsecond=0)
    knowledge = app.knowledge()
    tracks = sites[site].tracks if site in sites else {}
    lines, elsewhere = _lines(knowledge, names, site, tracks, start, now)
    context = {
        "section": "depot", "tab": "board", "names": names, "site": site, "lines": lines,
        "elsewhere": elsewhere, "now": now, "hours": _hours(start, site),
        "sites": [(key, s.name(names.language)) for key, s in sites.items()],
        "now_left": _share(microseconds(now), start), "start_us": microseconds(start),
        "span_us": (BACK + AHEAD) // timedelta(microseconds=1),
        "conflicts": [(line, bar) for line in lines for bar in line.bars if bar.conflict],
        "late": [(line, bar) for line in lines for bar in line.bars if bar.over_us],
        "lamps": _lamps(knowledge, names, site, microseconds(now)),
        "zone": str(app.config.zone_of(site)), "fresh": renewed,
    }  # fmt: skip
    return render(request, "depot/board.html", context)


def _hours(start: datetime, site: str) -> list[tuple[float, str, bool]]:
    zone = the_app().config.zone_of(site)
    marks = []
    for hour in range(0, int((BACK + AHEAD) / timedelta(hours=1)), 3):
        local = (start + timedelta(hours=hour)).astimezone(zone)
        midnight = local.hour < 3
        text = local.strftime("%d.%m") if midnight else local.strftime("%H:%M")
        marks.append((_share(microseconds(start + timedelta(hours=hour)), start), text, midnight))
    return marks


def _share(us: int, start: datetime) -> float:
    span = (BACK + AHEAD) / timedelta(microseconds=1)
    return round(max(0.0, min(100.0, 100 * (us - microseconds(start)) / span)), 3)


def _lines(
    knowledge: Knowledge, names: Names, site: str, tracks: dict[str, Track], start: datetime,
    now: datetime,
) -> tuple[list[Line], list[Bar]]:  # fmt: skip
    lines = {
        (key, str(position)): Line(key, track.name(names.language), str(position))
        for key, track in tracks.items()
        for position in range(1, track.positions + 1)
    }
    bars = _bars(knowledge, names, site, start, now)
    elsewhere = []
    for track, position, bar in bars:
        line = lines.get((track, position or "1"))
        if line is None:
            elsewhere.append(bar)
            continue
        norm = tracks[track].norm_h
        _late(bar, norm, now)
        _lay(bar, start)
        line.bars.append(bar)
    for line in lines.values():
        _collide(line.bars)
    return list(lines.values()), elsewhere


def _bars(
    knowledge: Knowledge, names: Names, site: str, start: datetime, now: datetime
) -> list[tuple[str, str, Bar]]:
    app = the_app()
    end = start + BACK + AHEAD
    rows = app.lookup.placements(site, microseconds(start), microseconds(end))
    units = list(dict.fromkeys(row["unit"] for row in rows))
    knowledge.load(units)
    orders: dict[str, list[Any]] = {}
    for row in app.lookup.orders(units, open_only=True):
        orders.setdefault(row["subject"], []).append(tell(knowledge, names, row["unit"]))
    found = []
    for row in rows:
        standing = row["left_us"] is None and not row["planned"]
        to_us = row["left_us"] or row["until_us"] or microseconds(now)
        if standing:
            to_us = max(to_us, microseconds(now))
        bar = Bar(
            row["unit"], names.unit(knowledge.passport(row["unit"])), row["from_us"], to_us,
            row["until_us"], bool(row["planned"]), standing, row["operation"],
            orders.get(row["unit"], []) if standing else [],
        )  # fmt: skip
        found.append((row["track"], row["position"], bar))
    return found


def _late(bar: Bar, norm_h: int | None, now: datetime) -> None:
    """Note from when a stay is over its expected end, or over the track's norm."""
    if not bar.standing:
        return
    ends = [bar.until_us] if bar.until_us else []
    ends += [bar.from_us + norm_h * _HOUR_US] if norm_h else []
    if ends and min(ends) < microseconds(now):
        bar.over_us = min(ends)


def _lay(bar: Bar, start: datetime) -> None:
    bar.left = _share(bar.from_us, start)
    bar.width = max(round(_share(bar.to_us, start) - bar.left, 3), 0.5)
    if bar.over_us is not None:
        whole = max(bar.to_us - max(bar.from_us, microseconds(start)), 1)
        over = max(bar.over_us - max(bar.from_us, microseconds(start)), 0)
        bar.over_left = round(100 * over / whole, 2)


def _collide(bars: list[Bar]) -> None:
    """Two units cannot stand on one position at a time; what is over warns nobody."""
    ahead = sorted((b for b in bars if b.standing or b.planned), key=lambda bar: bar.from_us)
    for index, bar in enumerate(ahead):
        for other in ahead[index + 1 :]:
            if other.from_us < bar.to_us and other.unit != bar.unit:
                bar.conflict = other.conflict = True


def _lamps(knowledge: Knowledge, names: Names, site: str, now_us: int) -> list[dict[str, Any]]:
    """Return the site's equipment with the age of its last operation."""
    rows = [row for row in the_app().lookup.equipment() if row.home_site == site]
    last = the_app().lookup.last_made([row.unit for row in rows])
    return [
        {
            "unit": row.unit, "name": names.unit(knowledge.passport(row.unit)),
            "last_us": last.get(row.unit),
            "fresh": row.unit in last and now_us - last[row.unit] < _FRESH_US,
        }
        for row in rows
    ]  # fmt: skip


@require_POST
@allowed("record")
def place(request: HttpRequest) -> HttpResponse:
    """Place a unit on a track now, plan it there, or let it leave."""
    site = request.POST.get("site", "")
    try:
        _place(request, site)
    except Refused as error:
        messages.error(request, in_words(error))
    return redirect(f"{reverse('depot')}?site={site}")


def _place(request: HttpRequest, site: str) -> None:
    unit = unit_of(request.POST.get("number", "").strip())
    tracks = the_app().config.sites[site].tracks if site in the_app().config.sites else {}
    track, position = request.POST.get("track", ""), request.POST.get("position", "1")
    if request.POST.get("act") == "leave":
        standing = the_app().knowledge().placement(unit).now()
        if standing is not None:
            record_one(request, TrackLeft, units=(unit,), site=site, track=standing.track)
            messages.success(request, gettext("The track is free."))
        return
    if track not in tracks or not _is_position(position, tracks[track]):
        raise BadOperation(
            "{site} has no track {track} with position {position}: it is set in railtrace.toml",
            field="track", site=site, track=track, position=position,
        )  # fmt: skip
    shared: dict[str, Any] = {"units": (unit,), "site": site, "track": track,
                              "position": position}  # fmt: skip
    first, last = (_typed(request, name, site) for name in ("from", "to"))
    if first is not None and first > the_app().clock() + timedelta(minutes=5):
        if last is None:
            last = first + timedelta(hours=tracks[track].norm_h or 12)
        record_one(request, PlacePlanned, planned_from=first, planned_to=last, **shared)
        messages.success(request, gettext("The place is planned."))
        return
    late_end = last is None or last > the_app().clock()
    record_one(request, Placed, until=last if late_end else None, **shared)
    messages.success(request, gettext("The unit is placed."))


def _is_position(position: str, track: Track) -> bool:
    return position.isascii() and position.isdigit() and 1 <= int(position) <= track.positions


def _typed(request: HttpRequest, name: str, site: str) -> datetime | None:
    """A moment from the form: typed on the site's clock, or microseconds from a dragged bar."""
    text = request.POST.get(name, "")
    if text.isascii() and text.isdigit() and len(text) < 18:
        return from_us(int(text))
    try:
        moment = parse_datetime(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=the_app().config.zone_of(site))
