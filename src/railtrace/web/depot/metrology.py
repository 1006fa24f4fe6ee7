"""Metrology: which instruments may be believed until when, and what a withdrawn one touches."""

import uuid
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from railtrace.devices.manifest import manifest_of
from railtrace.errors import NotFound
from railtrace.projections.metrology import Instrument, standing
from railtrace.projections.passport import Passport
from railtrace.store.knowledge import Knowledge
from railtrace.store.suspects import GaugeRecall, Leaning, gauge_recall
from railtrace.trace.leaf import microseconds
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    Calibrated,
    InstrumentWithdrawn,
    Number,
    Range,
    Registered,
    Verified,
)
from railtrace.web.clocks import from_us
from railtrace.web.depot.blocks import blocks_of
from railtrace.web.depot.equipment import OEE_DAYS, life_of, running
from railtrace.web.depot.live import fresh
from railtrace.web.depot.stock import csv_line
from railtrace.web.fleet import the_names
from railtrace.web.frame import as_known, home_zone
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.operations import card, load_named
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.words import TRUST

DUE_DAYS = 30
"""An instrument due within these days is shown as soon due; a depot's habit, no norm."""
_DAY_US = 86_400_000_000
_YEAR_US = 366 * _DAY_US
_CARDS = 40

WAYS = {"verified": gettext_noop("verification"), "calibrated": gettext_noop("calibration")}


@dataclass(frozen=True)
class Due:
    """One instrument in the calendar of dues."""

    unit: str
    name: str
    type: str
    site: str
    word: str
    way: str
    register_entry: str
    to_us: int | None
    days: int | None


def the_dues(knowledge: Knowledge, names: Names) -> list[Due]:
    """Return every instrument, what is not valid first, then by the end of its validity."""
    now_us = knowledge.state_us or microseconds(the_app().clock())
    known = [row["unit"] for row in the_app().lookup.instruments()]
    equipment = [row.unit for row in the_app().lookup.equipment()]
    units = list(dict.fromkeys([*equipment, *known]))
    knowledge.load(units)
    dues = [_due(knowledge, names, unit, now_us) for unit in units if knowledge.known(unit)]
    order = list(TRUST)
    return sorted(
        (due for due in dues if due is not None),
        key=lambda due: (order.index(due.word), due.to_us or 0, due.name),
    )


def _due(knowledge: Knowledge, names: Names, unit: str, now_us: int) -> Due | None:
    state, passport = knowledge.instrument(unit), knowledge.passport(unit)
    kind = names.catalogue.equipment_types.get(passport.type)
    if kind is not None and not kind.proof and not state.proofs:
        return None
    proof = state.proof_at(now_us) or state.last_proof() or next(reversed(state.proofs), None)
    word = standing(state, now_us).word
    days = None if proof is None else (proof.valid_to_us - now_us) // _DAY_US
    if word == "valid" and days is not None and days < DUE_DAYS:
        word = "soon"
    return Due(
        unit, names.unit(passport), passport.type, passport.home_site, word,
        proof.way if proof else "", proof.register_entry if proof else "",
        proof.valid_to_us if proof else None, days,
    )  # fmt: skip


def dues(request: HttpRequest) -> HttpResponse:
    """Show the calendar of verifications and calibrations."""
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    rows, asked = the_dues(knowledge, names), request.GET.get("state", "")
    counts = {word: sum(row.word == word for row in rows) for word in TRUST}
    context = {
        "section": "depot", "tab": "metrology", "dates": dates, "names": names,
        "rows": [row for row in rows if asked in ("", row.word)], "asked": asked,
        "counts": [(w, TRUST[w], n) for w, n in counts.items() if n], "words": TRUST,
        "ways": WAYS, "months": _months(rows, knowledge), "form": NewInstrument(names),
    }  # fmt: skip
    return render(request, "depot/metrology.html", context)


def _months(rows: list[Due], knowledge: Knowledge) -> list[tuple[str, int, int]]:
    """Return the next twelve months with how many proofs end in each, and a bar's height."""
    now = from_us(knowledge.state_us or microseconds(the_app().clock())).astimezone(home_zone())
    ends = [from_us(r.to_us).astimezone(home_zone()) for r in rows if r.to_us is not None]
    first = now.year * 12 + now.month - 1
    months = [divmod(first + i, 12) for i in range(12)]
    counts = [sum((e.year, e.month - 1) == m and e >= now for e in ends) for m in months]
    most = max([*counts, 1])
    return [
        (f"{month + 1:02}.{year}", count, round(100 * count / most))
        for (year, month), count in zip(months, counts, strict=True)
    ]


def export(request: HttpRequest) -> HttpResponse:
    """Send the calendar as CSV."""
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    heads = (
        gettext("Instrument"), gettext("Depot"), gettext("State"), gettext("Proof"),
        gettext("Entry of the register"), gettext("Valid to"), gettext("Days left"),
    )  # fmt: skip
    rows = [
        (due.name, due.site, gettext(TRUST[due.word]), gettext(WAYS.get(due.way, "")) if due.way
         else "", due.register_entry, from_us(due.to_us).date().isoformat() if due.to_us else "",
         "" if due.days is None else due.days)
        for due in the_dues(knowledge, names)
    ]  # fmt: skip
    return as_csv("instruments.csv", heads, rows)


def as_csv(name: str, heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> HttpResponse:
    """Return a table as a file that spreadsheets read."""
    text = "\ufeff" + "".join(csv_line(list(row)) for row in (heads, *rows))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- one instrument ---------------------------------------------------------------------------


class NewInstrument(forms.Form):
    """An instrument is entered."""

    type = forms.ChoiceField(label=_("Kind of equipment"))
    number = forms.CharField(label=_("Number on it"), max_length=64)
    site = forms.ChoiceField(label=_("Depot"), required=False)

    def __init__(self, names: Names, *args: Any) -> None:
        super().__init__(*args)
        kinds = names.catalogue.equipment_types.values()
        self.fields["type"].choices = sorted(  # type: ignore[attr-defined]
            ((row.key, row.name(names.language)) for row in kinds), key=lambda pair: pair[1]
        )
        self.fields["site"].choices = [("", "—"), *(  # type: ignore[attr-defined]
            (key, site.name(names.language)) for key, site in the_app().config.depots.items()
        )]  # fmt: skip


@allowed("record")
def new(request: HttpRequest) -> HttpResponse:
    """Enter an instrument; its own page asks for its proof. The form stands on the calendar."""
    if request.method != "POST":
        return redirect(f"{reverse('metrology')}?new=1#new-instrument")
    form = NewInstrument(the_names(), request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Give the kind and the number that stands on it."))
        return redirect("metrology")
    data, unit = form.cleaned_data, f"d-{uuid.uuid4()}"
    number = check_number("serial", data["number"].strip())
    record_one(
        request, Registered, units=(unit,), type=data["type"], home_site=data["site"],
        site=data["site"], numbers=(Number(scheme="serial", value=number),),
    )  # fmt: skip
    return redirect("instrument", unit)


def _date(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


class Proof(forms.Form):
    """A verification or calibration, in five fields and a file."""

    way = forms.ChoiceField(
        label=_("What"), choices=[("verified", _("verification")), ("calibrated", _("calibration"))]
    )
    entry = forms.CharField(label=_("Entry of the register, or certificate"), max_length=200)
    valid_from = _date(_("Valid from"))
    valid_to = _date(_("Valid to"))
    uncertainty = forms.DecimalField(
        label=_("Uncertainty (k = 2) in the instrument's unit"), required=False,
        min_value=Decimal(0), localize=True,
    )  # fmt: skip
    passed = forms.ChoiceField(
        label=_("Outcome"), choices=[("passed", _("fit for use")), ("failed", _("not fit"))]
    )
    file = forms.FileField(label=_("Certificate as a file"), required=False)

    def clean(self) -> dict[str, Any]:
        """A proof ends after it begins."""
        data = super().clean() or {}
        first, last = data.get("valid_from"), data.get("valid_to")
        if first and last and last <= first:
            self.add_error("valid_to", gettext("This is not after the day it begins."))
        return data


class Withdrawal(forms.Form):
    """An instrument is found wrong."""

    window_from = _date(_("Last known to be good on"))
    finding = forms.CharField(label=_("What is wrong"), max_length=200)
    quantity = forms.ChoiceField(label=_("Which reading is wrong"), required=False)
    bias = forms.DecimalField(
        label=_("By how much it reads too much (− too little)"), required=False, localize=True
    )

    def __init__(self, names: Names, passport: Passport, *args: Any) -> None:
        super().__init__(*args)
        kind = names.catalogue.equipment_types.get(passport.type)
        self.fields["quantity"].choices = [("", gettext("all of them")), *(  # type: ignore[attr-defined]
            (key, names.quantity(key)) for key in (kind.measures if kind else ())
        )]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A bias belongs to one quantity."""
        data = super().clean() or {}
        if data.get("bias") is not None and not data.get("quantity"):
            self.add_error("quantity", gettext("Name the quantity that the bias is of."))
        return data


def instrument(request: HttpRequest, unit: str) -> HttpResponse:
    """Show one instrument: its proofs, its withdrawals, what it made."""
    return shown(request, unit, None, None)


def shown(
    request: HttpRequest, unit: str, proof: Proof | None, withdrawal: Withdrawal | None
) -> HttpResponse:
    """Show the page of an instrument, with a form that has been sent when there is one."""
    dates, app = as_known(request), the_app()
    renewed = None if dates.past or request.method == "POST" else fresh("machine", unit)
    knowledge = app.about(unit, dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    passport, state = knowledge.passport(unit), knowledge.instrument(unit)
    now_us = knowledge.state_us or microseconds(app.clock())
    made = [
        row for row in app.lookup.made_with(unit, now_us - _YEAR_US, now_us, 2 * _CARDS)
        if row["kind"] != "MachineResult"
    ][:_CARDS]  # fmt: skip
    entries = [app.entry(row["operation"]) for row in made]
    load_named(knowledge, entries)
    context = {
        "section": "depot", "tab": "metrology", "dates": dates, "names": names, "unit": unit,
        "passport": passport, "state": state, "now_us": now_us, "words": TRUST, "ways": WAYS,
        "standing": standing(state, now_us), "due": _due(knowledge, names, unit, now_us),
        "bar": _bar(state, now_us), "kind": names.catalogue.equipment_types.get(passport.type),
        "cards": [card(entry, knowledge, names, "", {}) for entry in entries],
        "proof_form": proof or Proof(),
        "withdrawal_form": withdrawal or Withdrawal(names, passport),
        "now": app.clock(), "life": life_of(knowledge, names, unit, passport.type),
        "oee_days": OEE_DAYS, "fresh": renewed,
        "running": running(unit, passport.type, names),
        "kind_speaks": manifest_of(passport.type) is not None,
        "namesakes": _namesakes(knowledge, names, unit),
        **blocks_of(knowledge, names, unit, passport.type, now_us),
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "depot/instrument.html", context, status=status)


def _namesakes(knowledge: Knowledge, names: Names, unit: str) -> list[dict[str, str]]:
    """Return other equipment of the kind that bears the same serial number."""
    mine = knowledge.passport(unit)
    serials = [held.value for held in mine.numbers if held.to_us is None]
    others = {u for value in serials for u in the_app().lookup.bearers(value)} - {unit}
    knowledge.load(list(others))
    return [
        {"unit": u, "name": names.unit(knowledge.passport(u)),
         "site": knowledge.passport(u).home_site}
        for u in sorted(others) if knowledge.passport(u).type == mine.type
    ]  # fmt: skip


def _bar(state: Instrument, now_us: int) -> list[dict[str, Any]]:
    """Return the spans of the calibration bar over a year back and a year ahead, in percent."""
    start, whole = now_us - _YEAR_US, 2 * _YEAR_US

    def span(first: int, last: int, kind: str) -> dict[str, Any]:
        left = max(0.0, min(100.0, 100 * (first - start) / whole))
        right = max(0.0, min(100.0, 100 * (last - start) / whole))
        return {"x": round(left, 2), "width": round(max(right - left, 0.4), 2), "kind": kind,
                "from_us": first, "to_us": last}  # fmt: skip

    proofs = [span(p.valid_from_us, p.valid_to_us, "proof") for p in state.proofs if p.passed]
    suspect = [span(w.window_from_us, w.window_to_us, "suspect") for w in state.withdrawals]
    return [*proofs, *suspect]


def _midnight(day: Any, zone: ZoneInfo, end: bool = False) -> datetime:
    return datetime.combine(day, time.max.replace(microsecond=0) if end else time.min, tzinfo=zone)


@allowed("record")
def record_proof(request: HttpRequest, unit: str) -> HttpResponse:
    """Record a verification or calibration with its certificate."""
    form = Proof(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return redirect("instrument", unit)
    if not form.is_valid():
        return shown(request, unit, form, None)
    data, names = form.cleaned_data, the_names()
    passport = the_app().knowledge().passport(unit)
    zone = the_app().config.zone_of(passport.home_site)
    told: dict[str, Any] = {"register_entry" if data["way"] == "verified" else "certificate":
                            data["entry"]}  # fmt: skip
    record_one(
        request, Verified if data["way"] == "verified" else Calibrated, units=(unit,),
        site=passport.home_site, valid_from=_midnight(data["valid_from"], zone),
        valid_to=_midnight(data["valid_to"], zone, end=True), outcome=data["passed"],
        ranges=_ranges(names, passport, data["uncertainty"]), evidence=_kept(data["file"]), **told,
    )  # fmt: skip
    messages.success(request, gettext("The proof is recorded."))
    return redirect("instrument", unit)


def _ranges(names: Names, passport: Passport, uncertainty: Decimal | None) -> tuple[Range, ...]:
    kind = names.catalogue.equipment_types.get(passport.type)
    if uncertainty is None or kind is None:
        return ()
    units = [(key, names.catalogue.quantities[key].unit) for key in kind.measures]
    return tuple(
        Range(quantity=key, unit=unit, uncertainty=f"{uncertainty.normalize():f}")  # type: ignore[arg-type]
        for key, unit in units
    )


def _kept(file: Any) -> tuple[Any, ...]:
    if file is None:
        return ()
    media_type = file.content_type or "application/octet-stream"
    return (the_app().evidence.put(file.file, file.name[:200], media_type[:200], "document"),)


@allowed("hold")
def withdraw(request: HttpRequest, unit: str) -> HttpResponse:
    """Withdraw an instrument; lead to everything that leans on it."""
    if request.method != "POST":
        return redirect("instrument", unit)
    names, passport = the_names(), the_app().knowledge().passport(unit)
    form = Withdrawal(names, passport, request.POST)
    if not form.is_valid():
        return shown(request, unit, None, form)
    data, zone = form.cleaned_data, the_app().config.zone_of(passport.home_site)
    told: dict[str, Any] = {}
    if data["bias"] is not None:
        told = {"quantity": data["quantity"], "bias": f"{data['bias'].normalize():f}",
                "bias_unit": names.catalogue.quantities[data["quantity"]].unit}  # fmt: skip
    receipt = record_one(
        request, InstrumentWithdrawn, units=(unit,), site=passport.home_site,
        window_from=_midnight(data["window_from"], zone), window_to=the_app().clock(),
        finding=data["finding"], **told,
    )  # fmt: skip
    messages.success(request, gettext("The instrument is withdrawn; nothing it read is changed."))
    return redirect("suspects", receipt.id)


# --- the gauge recall ---------------------------------------------------------------------------


def _recall(request: HttpRequest, id_: str) -> tuple[GaugeRecall, Any, str, Knowledge, Names]:
    entry = the_app().entry(id_)
    if not isinstance(entry.operation, InstrumentWithdrawn):
        raise NotFound("{id} withdraws no instrument", id=id_)
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    unit = entry.operation.units[0]
    found = (w for w in knowledge.instrument(unit).withdrawals if w.operation == id_)
    if (withdrawal := next(found, None)) is None:
        raise NotFound("the withdrawal {id} does not hold at these dates", id=id_)
    recall = gauge_recall(knowledge, the_app().lookup, unit, withdrawal)
    return recall, withdrawal, unit, knowledge, Names(
        knowledge.catalogue, (get_language() or "ru")[:2]
    )  # fmt: skip


def suspects(request: HttpRequest, id_: str) -> HttpResponse:
    """Show what a withdrawal makes suspect, and the vehicles on the line that lean on it."""
    recall, withdrawal, unit, knowledge, names = _recall(request, id_)
    knowledge.load([leaning.unit for s in recall.vehicles for leaning in s.readings])
    context = {
        "section": "depot", "tab": "metrology", "dates": as_known(request), "names": names,
        "recall": recall, "withdrawal": withdrawal, "unit": unit,
        "name": names.unit(knowledge.passport(unit)),
        "groups": [
            ("on_line", gettext("On the line now"), _told(recall.on_line, knowledge, names)),
            ("elsewhere", gettext("In repair, in stock, out of use"),
             _told(recall.elsewhere, knowledge, names)),
        ],
        "may_hold": may(request.user, "hold"),
    }  # fmt: skip
    return render(request, "depot/suspects.html", context)


def _told(group: Any, knowledge: Knowledge, names: Names) -> list[dict[str, Any]]:
    return [
        {
            "unit": suspect.unit, "name": names.unit(suspect.passport),
            "place": suspect.passport.place, "more": len(suspect.readings) - 1,
            **_reading_told(suspect.worst, knowledge, names),
        }
        for suspect in group
    ]  # fmt: skip


def _reading_told(leaning: Leaning, knowledge: Knowledge, names: Names) -> dict[str, Any]:
    last, series = leaning.last, leaning.series
    where = f" ({names.place(series.place)})" if series.place else ""
    corrected, margin = leaning.corrected, leaning.margin
    ratio = leaning.over_uncertainty
    return {
        "part": leaning.unit, "part_name": names.unit(knowledge.passport(leaning.unit)),
        "what": f"{names.quantity(series.quantity)}{where}",
        "value": names.measured(last.value, last.uncertainty, last.unit),
        "corrected": "" if corrected is None else names.value(f"{corrected:f}", last.unit),
        "limit": limit_text(names.catalogue.limits.get(leaning.limit), names),
        "margin": "" if margin is None else names.value(f"{margin:f}", last.unit),
        "ratio": None if ratio is None else f"{round(ratio, 2):f}",
        "outside": margin is not None and margin < 0, "at_us": last.at_us,
        "operation": last.operation,
    }  # fmt: skip


def suspects_csv(request: HttpRequest, id_: str) -> HttpResponse:
    """Send the vehicles and parts that lean on a withdrawn instrument as CSV."""
    recall, _withdrawal, _unit, knowledge, names = _recall(request, id_)
    heads = (
        gettext("Vehicle"), gettext("On the line now"), gettext("Part"), gettext("Quantity"),
        gettext("Value"), gettext("Really about"), gettext("Limit"), gettext("Margin"),
        gettext("Margin / uncertainty"),
    )  # fmt: skip
    rows = []
    for suspect in recall.vehicles:
        said = _reading_told(suspect.worst, knowledge, names)
        rows.append((
            names.unit(suspect.passport), gettext("yes") if suspect.on_line else gettext("no"),
            said["part_name"], said["what"], said["value"], said["corrected"], said["limit"],
            said["margin"], "" if said["ratio"] is None else said["ratio"],
        ))  # fmt: skip
    return as_csv("suspects.csv", heads, rows)
