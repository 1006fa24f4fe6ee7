"""Warranty and claims: the act from a defect, the contractor's answer, dispute, outcome, cost."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.catalogue.rows import Catalogue, WarrantyTerm
from railtrace.errors import NotFound, Refused
from railtrace.projections.claims import Claim, Warranty, covering, holds
from railtrace.projections.maintenance import DAY_US
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import (
    ClaimAnswered,
    ClaimClosed,
    ClaimDisputed,
    ClaimOpened,
    DefectFound,
    Failed,
    WarrantyGiven,
    WarrantyUntilWork,
)
from railtrace.web import words
from railtrace.web.depot.stock_forms import date_field
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import iso, saved, the_upkeep, written

_SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"


# --- terms ---------------------------------------------------------------------------------------


def terms_of(catalogue: Catalogue, type_: str, after: str, day: date) -> WarrantyTerm | None:
    """Return the row of the warranty of a repair of a type, the one that names it best."""
    fitting = [
        row for row in catalogue.warranty_terms.values()
        if after in row.after and row.valid_from <= day <= (row.valid_to or date.max)
        and (type_ in row.vehicle_types or type_ in row.part_types
             or (not row.vehicle_types and catalogue.class_of(type_) in row.vehicle_classes))
    ]  # fmt: skip
    return min(
        fitting,
        key=lambda row: (catalogue.jurisdictions[row.jurisdiction].precedence,
                         not (row.vehicle_types or row.part_types), row.key),
        default=None,
    )  # fmt: skip


def term_until(catalogue: Catalogue, type_: str, after: str, day: date) -> date | None:
    """Return the last day of the warranty a row gives, if it gives months."""
    row = terms_of(catalogue, type_, after, day)
    if row is None or row.months is None:
        return None
    months = day.month - 1 + row.months
    year, month = day.year + months // 12, months % 12 + 1
    for length in (day.day, 30, 29, 28):
        try:
            return date(year, month, length)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def next_kinds(catalogue: Catalogue, type_: str, after: str, day: date) -> tuple[str, ...]:
    """Return the kinds of work whose next doing ends the warranty of a repair, by its row."""
    row = terms_of(catalogue, type_, after, day)
    return row.until_next if row else ()


def _next_work(knowledge: Knowledge, unit: str, one: Warranty) -> int | None:
    """Return when work that ends a warranty was last done after it was given."""
    done = knowledge.maintenance(unit).done
    moments = [done[kind].at_us for kind in one.works if kind in done]
    return min((at_us for at_us in moments if at_us > one.from_us), default=None)


# --- from a defect -------------------------------------------------------------------------------


def standing_for(knowledge: Knowledge, unit: str, at_us: int) -> list[Warranty]:
    """Return the warranties of a unit, and of what carries it, that held at a moment."""
    chain = [unit, *(stay.carrier for stay in knowledge.root(unit)[1])]
    found: list[Warranty] = []
    for one in chain:
        run = partial(_ran_between, knowledge, one, at_us)
        ended = partial(_next_work, knowledge, one)
        found += covering(knowledge.claims(one).warranties, at_us, run, ended)
    return found


def _ran_between(
    knowledge: Knowledge, unit: str, until_us: int, meter: str, since_us: int
) -> float:
    mileage = knowledge.mileage(meter)
    return (mileage.at(unit, until_us) - mileage.at(unit, since_us)) / 1000


@require_POST
@allowed("record")
def claim_from_defect(request: HttpRequest) -> HttpResponse:
    """Send a claim of a defect to who stands for it; the act ВУ-41М is printed from it."""
    entry = the_app().entry(request.POST.get("defect", ""))
    if not isinstance(entry.operation, DefectFound | Failed):
        raise NotFound("{id} is no defect or failure", id=entry.operation.id)
    unit, knowledge = entry.operation.units[0], the_app().knowledge()
    held = standing_for(knowledge, unit, entry.happened_us)
    against = request.POST.get("against", "").strip()[:200] or (held[0].by if held else "")
    if not against:
        messages.error(request, gettext("No warranty held then: say against whom the claim is."))
        return redirect(f"{reverse('unit', args=[unit])}?tab=upkeep")
    name = f"{the_app().clock():%Y-%m-%d}-{get_random_string(4, _SAYABLE)}"
    warranty = next((w.operation for w in held if w.by == against), None)
    record_one(request, ClaimOpened, units=(unit,), claim=name, defect=entry.operation.id,
               against=against, warranty=warranty)  # fmt: skip
    return redirect("claim", unit, name)


# --- lists ---------------------------------------------------------------------------------------


def claims(request: HttpRequest) -> HttpResponseBase:
    """List the claims with their age and outcome; beside them the warranties that hold."""
    names, now_us = the_names(), microseconds(the_app().clock())
    shown, text = request.GET.get("shown", ""), request.GET.get("text", "").strip().lower()
    if shown == "warranties":
        return _warranties(request, names, now_us, text)
    rows = _rows(names, now_us)
    found = [
        row for row in rows
        if ((not shown and row["claim"].state != "closed") or row["claim"].state == shown)
        and (not text or text in f"{row['number']} {row['claim'].against}".lower())
    ]  # fmt: skip
    if "as" in request.GET:
        return saved(request, "claims", _HEAD, _cells(found))
    context = {
        "section": "depot", "tab": "claims", "rows": found, "shown": shown, "text": text,
        "counts": Counter(row["claim"].state for row in rows), "states": words.CLAIM_STATES,
        "open_count": sum(row["claim"].state != "closed" for row in rows),
    }  # fmt: skip
    return render(request, "upkeep/claims.html", context)


def _rows(names: Names, now_us: int) -> list[dict[str, Any]]:
    listed, knowledge = the_upkeep().claims(), the_app().knowledge()
    knowledge.load([row["unit"] for row in listed])
    found = []
    for row in listed:
        claim = knowledge.claims(row["unit"]).find(row["claim"])
        if claim is not None:
            found.append(said_of(claim, row["unit"], knowledge, names, now_us))
    return found


def said_of(
    claim: Claim, unit: str, knowledge: Knowledge, names: Names, now_us: int
) -> dict[str, Any]:
    """Return a claim as lists show it."""
    passport = knowledge.passport(unit)
    return {
        "claim": claim, "unit": unit, "number": names.number(passport),
        "type": names.type(passport.type),
        "days": round(((claim.closed_us or now_us) - claim.opened_us) / DAY_US),
    }  # fmt: skip


_HEAD = (
    gettext_noop("Claim"), gettext_noop("Number"), gettext_noop("Type"),
    gettext_noop("Against whom"), gettext_noop("Sent"), gettext_noop("Days"),
    gettext_noop("State"), gettext_noop("Outcome"), gettext_noop("Cost"),
    gettext_noop("Recovered"), gettext_noop("Currency"),
)  # fmt: skip


def _cells(rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for row in rows:
        claim = row["claim"]
        yield [
            claim.claim, row["number"], row["type"], claim.against, written(claim.opened_us),
            row["days"], gettext(words.CLAIM_STATES[claim.state]),
            gettext(words.CLAIM_RESULTS[claim.result]) if claim.result else "", claim.cost,
            claim.recovered, claim.currency,
        ]  # fmt: skip


_WARRANTY_HEAD = (
    gettext_noop("Number"), gettext_noop("Type"), gettext_noop("By whom"),
    gettext_noop("After which work"), gettext_noop("From"), gettext_noop("Until"),
    gettext_noop("Holds"),
)  # fmt: skip


def _warranties(request: HttpRequest, names: Names, now_us: int, text: str) -> HttpResponseBase:
    listed, knowledge = the_upkeep().warranties(), the_app().knowledge()
    units = list(dict.fromkeys(row["unit"] for row in listed))[:2000]
    knowledge.load(units)
    rows = [
        row for unit in units for one in knowledge.claims(unit).warranties
        if (row := warranty_said(one, unit, knowledge, names, now_us))
        and (not text or text in f"{row['number']} {one.by}".lower())
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row["holds"], -row["warranty"].from_us))
    if "as" in request.GET:
        cells = ([
            row["number"], row["type"], row["warranty"].by, row["warranty"].after,
            written(row["warranty"].from_us), row["warranty"].until,
            gettext("yes") if row["holds"] else gettext("no"),
        ] for row in rows)  # fmt: skip
        return saved(request, "warranties", _WARRANTY_HEAD, cells)
    every_term = sorted(names.catalogue.warranty_terms.values(), key=lambda row: row.key)
    context = {
        "section": "depot", "tab": "claims", "rows": rows[:500], "shown": "warranties",
        "text": text, "names": names, "now_us": now_us,
        "terms": [(row, ", ".join(gettext("making") if kind == "build" else kind
                                  for kind in row.after)) for row in every_term],
        "blank": any(not (row.months or row.km or row.engine_hours or row.until_next)
                     for row in every_term),
        "counts": Counter(row["state"] for row in the_upkeep().claims()),
        "states": words.CLAIM_STATES,
        "open_count": sum(row["state"] != "closed" for row in the_upkeep().claims()),
    }  # fmt: skip
    return render(request, "upkeep/warranties.html", context)


def warranty_said(
    one: Warranty, unit: str, knowledge: Knowledge, names: Names, now_us: int
) -> dict[str, Any]:
    """Return a warranty as lists show it."""
    passport = knowledge.passport(unit)
    run = partial(_ran_between, knowledge, unit, now_us)
    return {
        "warranty": one, "unit": unit, "number": names.number(passport),
        "type": names.type(passport.type),
        "holds": holds(one, now_us, run, partial(_next_work, knowledge, unit)),
        "ran_milli": round(1000 * run("km", one.from_us)) if one.km_milli is not None else None,
    }  # fmt: skip


# --- one claim -----------------------------------------------------------------------------------


class Close(forms.Form):
    """How a claim ended."""

    result = forms.ChoiceField(label=_("Outcome"))
    cost = forms.DecimalField(label=_("What it cost"), required=False, min_value=0, max_digits=14,
                              decimal_places=2)  # fmt: skip
    recovered = forms.DecimalField(label=_("What came back"), required=False, min_value=0,
                                   max_digits=14, decimal_places=2)  # fmt: skip
    currency = forms.CharField(label=_("Currency"), max_length=8, required=False, initial="TJS")
    reason = forms.CharField(label=_("Remark"), max_length=4000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["result"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.CLAIM_RESULTS.items()
        ]


def claim(request: HttpRequest, unit: str, name: str) -> HttpResponse:
    """Show a claim: the defect, who stands for it, what was said, what can be done now."""
    knowledge, names = the_app().about(unit), the_names()
    found = knowledge.claims(unit).find(name)
    if found is None:
        raise NotFound("{unit} has no claim {claim}", unit=unit, claim=name)
    passport = knowledge.passport(unit)
    context = {
        "section": "depot", "tab": "claims", "claim": found, "unit": unit, "names": names,
        "passport": passport, "number": names.unit(passport),
        "defect": the_app().entry(found.defect), "answers": words.CLAIM_ANSWERS,
        "warranty": next((w for w in _every(knowledge, unit) if w.operation == found.warranty),
                         None),
        "close_form": Close(), "may_record": may(request.user, "record"),
        "now": the_app().clock(),
    }  # fmt: skip
    return render(request, "upkeep/claim.html", context)


def _every(knowledge: Knowledge, unit: str) -> list[Warranty]:
    chain = [unit, *(stay.carrier for stay in knowledge.root(unit)[1])]
    return [w for one in chain for w in knowledge.claims(one).warranties]


@require_POST
@allowed("record")
def say(request: HttpRequest, unit: str, name: str) -> HttpResponse:
    """Record an answer, a dispute, or the end of a claim."""
    found = the_app().knowledge().claims(unit).find(name)
    if found is None or found.closed_us is not None:
        raise NotFound("{unit} has no open claim {claim}", unit=unit, claim=name)
    what, reason = request.POST.get("what", ""), request.POST.get("reason", "").strip()[:4000]
    try:
        if _said(request, unit, name, what, reason):
            messages.success(request, gettext("Recorded."))
    except Refused as refusal:
        messages.error(request, in_words(refusal))
    return redirect("claim", unit, name)


def _said(request: HttpRequest, unit: str, name: str, what: str, reason: str) -> bool:
    units = (unit,)
    if what in words.CLAIM_ANSWERS:
        record_one(request, ClaimAnswered, units=units, claim=name, answer=what, reason=reason)
        return True
    if what == "dispute":
        if not reason:
            messages.error(request, gettext("Say why the answer is disputed."))
            return False
        record_one(request, ClaimDisputed, units=units, claim=name, reason=reason)
        return True
    form = Close(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(e) for some in form.errors.values() for e in some))
        return False
    data = form.cleaned_data
    sums = {key: f"{data[key]:f}" for key in ("cost", "recovered") if data[key] is not None}
    record_one(request, ClaimClosed, units=units, claim=name, result=data["result"],
               currency=data["currency"] if sums else "", reason=reason, **sums)  # fmt: skip
    return True


# --- a warranty by hand --------------------------------------------------------------------------


class GiveWarranty(forms.Form):
    """Who stands for a repair or a part of a unit, and how long."""

    by = forms.CharField(label=_("By whom"), max_length=200)
    after = forms.CharField(label=_("After which work"), max_length=200)
    until = date_field(_("Last day"))
    km = forms.DecimalField(label=_("Or kilometres from now"), required=False, min_value=1,
                            max_digits=10, decimal_places=0)  # fmt: skip
    document = forms.CharField(label=_("Document"), max_length=200, required=False)

    def __init__(self, type_: str, *args: Any) -> None:
        super().__init__(*args)
        self.type = type_

    def clean(self) -> dict[str, Any]:
        """A promise has an end: stated, or by the catalogue's term of this work."""
        data = super().clean() or {}
        if data.get("until") or data.get("km"):
            return data
        asked = the_app().catalogue(), self.type, data.get("after", ""), the_app().clock().date()
        data["until"], data["works"] = term_until(*asked), next_kinds(*asked)
        if data["until"] is None and not data["works"]:
            raise forms.ValidationError(gettext(
                "Say the last day or the kilometres: the catalogue knows no term after this work."
            ))
        return data


def give_warranty(request: HttpRequest, unit: str) -> HttpResponse:
    """Record who stands for a repair or a part."""
    vars(request)["permission"] = "record"
    knowledge, names = the_app().about(unit), the_names()
    form = GiveWarranty(knowledge.passport(unit).type, request.POST or None)
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        data = form.cleaned_data
        km = None if data["km"] is None else f"{data['km']:f}"
        said = {"units": (unit,), "by": data["by"], "after": data["after"],
                "document": data["document"]}  # fmt: skip
        if data.get("works") and not data["until"]:
            record_one(request, WarrantyUntilWork, works=data["works"], **said)
        else:
            record_one(request, WarrantyGiven, until=iso(data["until"]), km=km, **said)
        messages.success(request, gettext("Recorded."))
        return redirect(f"{reverse('unit', args=[unit])}?tab=upkeep")
    context = {
        "section": "fleet", "form": form, "title": gettext("Warranty"), "unit": unit,
        "passport": knowledge.passport(unit), "names": names, "what": "warranty",
    }  # fmt: skip
    return render(request, "holdings/change.html", context)
