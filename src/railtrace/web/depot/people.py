"""Rights to work, permits, and the handing over of a shift."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    PermitClosed,
    PermitIssued,
    QualificationGranted,
    QualificationWithdrawn,
    ShiftHandedOver,
)
from railtrace.web.clocks import clock
from railtrace.web.depot.orders import permits_of, told_orders
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.operations import card, load_named
from railtrace.web.people.shifts import (
    Shift,
    report_day,
    report_span,
    shift_at,
    shifts_in,
)
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

_PERSON = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,88}$"
_CARDS = 200
_WORK = (
    "StepDone", "StepAccepted", "StepReturned", "OrderOpened", "OrderClosed", "OrderBlocked",
    "OrderUnblocked", "Washed", "Measured", "Tested", "Diagnosed", "Reprofiled", "Repaired",
    "Placed", "TrackLeft", "DefectFound", "DefectClosed", "InstrumentWithdrawn",
)  # fmt: skip


# --- rights to work -------------------------------------------------------------------------------


class Grant(forms.Form):
    """A right to work is given to a person, by pseudonym."""

    person = forms.RegexField(_PERSON, label=_("Person (pseudonym)"))
    qualification = forms.ChoiceField(label=_("Qualification"))
    valid_from = forms.DateField(
        label=_("Valid from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    valid_to = forms.DateField(
        label=_("Valid to"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    stamp = forms.CharField(label=_("Certificate, stamp"), max_length=200, required=False)

    def __init__(self, names: Names, *args: Any) -> None:
        super().__init__(*args)
        rows = names.catalogue.qualifications.values()
        self.fields["qualification"].choices = [  # type: ignore[attr-defined]
            (row.key, row.name(names.language)) for row in rows
        ]

    def clean(self) -> dict[str, Any]:
        """A right ends after it begins."""
        data = super().clean() or {}
        first, last = data.get("valid_from"), data.get("valid_to")
        if first and last and last <= first:
            self.add_error("valid_to", gettext("This is not after the day it begins."))
        return data


@allowed("persons")
def rights(request: HttpRequest) -> HttpResponse:
    """Show who may do what until when; give and withdraw rights."""
    app, names = the_app(), the_names()
    form = Grant(names, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _grant(request, form.cleaned_data)
    now_us = microseconds(app.clock())
    rows = [_right(row, names, now_us) for row in app.lookup.qualifications()]
    context = {"section": "depot", "tab": "rights", "rows": rows, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "depot/rights.html", context, status=status)


def _right(row: dict[str, Any], names: Names, now_us: int) -> dict[str, Any]:
    known = names.catalogue.qualifications.get(row["qualification"])
    over = row["to_us"] is not None and row["to_us"] < now_us
    word = "withdrawn" if row["withdrawn_us"] else "expired" if over else "valid"
    return row | {
        "person": row["unit"].removeprefix("person:"), "word": word,
        "name": known.name(names.language) if known else row["qualification"],
    }  # fmt: skip


def _grant(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    last = data["valid_to"]
    record_one(
        request, QualificationGranted, person=data["person"], qualification=data["qualification"],
        valid_from=_begin(data["valid_from"]), valid_to=None if last is None else _end(last),
        stamp=data["stamp"],
    )  # fmt: skip
    messages.success(request, gettext("The right is recorded."))
    return redirect("rights")


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=home_zone())


def _end(day: date) -> datetime:
    return datetime.combine(day, time.max.replace(microsecond=0), tzinfo=home_zone())


@require_POST
@allowed("persons")
def withdraw_right(request: HttpRequest) -> HttpResponse:
    """Withdraw a right; work done before keeps it."""
    person, right = request.POST.get("person", ""), request.POST.get("qualification", "")
    held = the_app().knowledge().rights(person).grants
    if all(g.qualification != right or g.withdrawn_us is not None for g in held):
        raise NotFound("{person} has no right {right}", person=person, right=right)
    record_one(
        request, QualificationWithdrawn, person=person, qualification=right,
        reason=request.POST.get("reason", "").strip()[:200],
    )  # fmt: skip
    return redirect("rights")


# --- permits --------------------------------------------------------------------------------------


@require_POST
@allowed("inspect")
def permit(request: HttpRequest, order: str) -> HttpResponse:
    """Issue a permit to dangerous work for an order's unit, for some hours."""
    app = the_app()
    found = app.knowledge().order(f"order:{order}")
    kind, hours = request.POST.get("permit_kind", ""), request.POST.get("hours", "8")
    if found.opened_us is None or kind not in app.catalogue().permit_kinds:
        raise NotFound("there is no permit {kind} for order {order}", kind=kind, order=order)
    lasts = min(max(int(hours), 1), 24) if hours.isascii() and hours.isdigit() else 8
    now = app.clock()
    record_one(
        request, PermitIssued, units=(found.subject,), work_order=order, site=found.site,
        permit=f"{order}:{kind}:{microseconds(now)}"[:90], permit_kind=kind, valid_from=now,
        valid_to=now + timedelta(hours=lasts), note=request.POST.get("note", "").strip()[:400],
    )  # fmt: skip
    messages.success(request, gettext("The permit is issued."))
    return redirect("order", order)


@require_POST
@allowed("inspect")
def close_permit(request: HttpRequest, order: str) -> HttpResponse:
    """End a permit before its time: the work is over, or it is no longer safe."""
    found = the_app().knowledge().order(f"order:{order}")
    permit = request.POST.get("permit", "")
    if permit not in {one.permit for one in permits_of(found.subject).values()}:
        raise NotFound("no permit {permit} is in force for order {order}", permit=permit,
                       order=order)  # fmt: skip
    record_one(
        request, PermitClosed, units=(found.subject,), work_order=order, site=found.site,
        permit=permit, reason=request.POST.get("reason", "").strip()[:200],
    )  # fmt: skip
    messages.success(request, gettext("The permit has ended."))
    return redirect("order", order)


# --- the shift ------------------------------------------------------------------------------------


def shift(request: HttpRequest) -> HttpResponse:
    """Show what a shift did and what it leaves; hand it over. A night shift runs over midnight."""
    app, names = the_app(), the_names()
    site = request.GET.get("site", "")
    config, zone = app.config, app.config.zone_of(site)
    now = _asked_shift(request, site)
    day = report_day(now.begins, config.accounting_day, zone)
    span = report_span(day, config.accounting_day, zone)
    knowledge = app.knowledge()
    entries = _entries(now.begins, now.ends, site)
    load_named(knowledge, entries)
    told = told_orders(knowledge, names, site)
    context = {
        "section": "depot", "tab": "shift", "names": names, "site": site,
        "sites": [(key, s.name(names.language)) for key, s in config.depots.items()],
        "counts": _counts(entries), "day": day, "day_before": day - timedelta(days=1),
        "day_after": day + timedelta(days=1), "number": now.number,
        "shifts": [(one.number, _title(one, zone))
                   for one in shifts_in(*span, config.shifts_of(site), zone)],
        "day_counts": _counts(_entries(*span, site)), "day_span": _title(Shift(*span, 0), zone),
         "blocked": [one for one in told if one.blocked],
        "open": [one for one in told if one.order.open],
        "cards": [card(e, knowledge, names, "", {}) for e in entries[:60]],
        "handed": _handed(site), "title": _title(now, zone), "now": app.clock(),
        "accounting": config.accounting_day,
    }  # fmt: skip
    return render(request, "depot/shift.html", context)


def _title(now: Shift, zone: Any) -> str:
    language = (get_language() or "ru")[:2]
    first, last = (clock(m, language, zone) for m in (now.begins, now.ends))
    return f"{first} – {last}"


def _asked_shift(request: HttpRequest, site: str) -> Shift:
    """Return the shift asked for: of a day of reports the one numbered, or its last; else now's."""
    config, now = the_app().config, the_app().clock()
    starts, zone = config.shifts_of(site), config.zone_of(site)
    try:
        asked = parse_date(request.GET.get("day", ""))
    except ValueError:
        asked = None
    if asked is None:
        return shift_at(now, starts, zone)
    of_day = shifts_in(*report_span(asked, config.accounting_day, zone), starts, zone)
    number = request.GET.get("shift", "")
    return next((one for one in of_day if str(one.number) == number), of_day[-1])


def _entries(begins: datetime, ends: datetime, site: str) -> list[Entry]:
    app = the_app()
    rows = app.lookup.happened(microseconds(begins), microseconds(ends), _WORK, _CARDS * 4)
    entries = app.entries_at((row["log"], row["position"]) for row in rows)
    mine = [e for e in entries if not site or getattr(e.operation, "site", "") == site]
    return sorted(mine, key=lambda e: e.life_key, reverse=True)[:_CARDS]


def _counts(entries: list[Entry]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
    return sorted(counts.items(), key=lambda pair: -pair[1])


def _handed(site: str) -> list[Entry]:
    app = the_app()
    rows = app.lookup.timeline([f"shifts:{site}"], ("ShiftHandedOver",), limit=10)
    return [app.entry(row[6]) for row in rows]


@require_POST
@allowed("record")
def hand_over(request: HttpRequest) -> HttpResponse:
    """Record that the shift at the page is handed over with what the next one must know."""
    site, shift_name = request.POST.get("site", ""), request.POST.get("shift", "").strip()[:200]
    if not shift_name:
        raise NotFound("the shift has no name: open the page again")
    record_one(
        request, ShiftHandedOver, site=site, shift=shift_name,
        note=request.POST.get("note", "").strip()[:4000],
    )  # fmt: skip
    messages.success(request, gettext("The shift is handed over."))
    return redirect(f"{reverse('shift')}?site={site}")
