"""Units in repair by a contractor or abroad: sent, how far, taken over on return."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.outside import Away
from railtrace.projections.passport import Passport
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import (
    AcceptedFromRepair,
    EnteredRepair,
    LeftRepair,
    LocationReported,
    Operation,
    RepairProgressed,
    SentForRepair,
    WarrantyGiven,
    WarrantyUntilWork,
)
from railtrace.web import words
from railtrace.web.depot.stock_forms import date_field
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import made, record_all, record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.templatetags.signs import partial_day
from railtrace.web.upkeep.claims import next_kinds, term_until
from railtrace.web.upkeep.sheets import find_any, iso, saved, the_upkeep, written

_BACK_DAYS = 365
_SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"


class Send(forms.Form):
    """A unit leaves for a repair elsewhere."""

    number = forms.CharField(label=_("Number of the unit"), max_length=80)
    to = forms.CharField(label=_("To whom"), max_length=200,
                         widget=forms.TextInput(attrs={"list": "contractors"}))  # fmt: skip
    where = forms.ChoiceField(label=_("Where"))
    repair_kind = forms.CharField(label=_("Repair kind"), max_length=200)
    contract = forms.CharField(label=_("Contract"), max_length=200, required=False)
    expected = date_field(_("Expected back"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["where"].choices = [  # type: ignore[attr-defined]
            (key, gettext(words.WHEREABOUTS[key])) for key in ("contractor", "abroad")
        ]

    def clean_number(self) -> str:
        """Find the unit; one that is away already is not sent again."""
        try:
            unit = find_any(self.cleaned_data["number"].strip())
        except BadOperation as error:
            raise forms.ValidationError(in_words(error)) from error
        there = next((one for one in the_app().knowledge().outside(unit).stays
                      if one.back_us is None), None)  # fmt: skip
        if there is not None:
            raise forms.ValidationError(
                gettext("It is away for {kind} at {to} since {day}: take it over first.").format(
                    kind=there.repair_kind or "—", to=there.to, day=written(there.sent_us)
                )
            )
        return unit


def away(request: HttpRequest) -> HttpResponseBase:
    """List what is away, the longest first; send another unit."""
    names, clock = the_names(), the_app().clock()
    form = Send(request.POST or None, initial={"number": request.GET.get("number", "")})
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        _sent(request, form.cleaned_data)
        messages.success(request, gettext("Recorded."))
        return redirect("away")
    shown = "back" if request.GET.get("shown") == "back" else "away"
    text = request.GET.get("text", "").strip().lower()
    rows = _rows(names, microseconds(clock))
    found = [
        row for row in rows
        if (row["away"].back_us is not None) == (shown == "back")
        and (not text or text in f"{row['number']} {row['away'].to}".lower())
    ]  # fmt: skip
    if "as" in request.GET:
        return saved(request, "away", _HEAD, _cells(found))
    context = {
        "section": "depot", "tab": "away", "rows": found, "shown": shown, "text": text,
        "counts": {"away": sum(r["away"].back_us is None for r in rows),
                   "back": sum(r["away"].back_us is not None for r in rows)},
        "form": form, "may_record": may(request.user, "record"), "now": clock,
        "contractors": the_app().stockroom.contractors(), "today": clock.date().isoformat(),
        "open_form": bool(request.GET.get("number")) or form.is_bound,
    }  # fmt: skip
    return render(request, "upkeep/away.html", context)


def _sent(request: HttpRequest, data: dict[str, Any]) -> None:
    """The unit enters repair, is at the contractor's, and the stay begins."""
    stay = f"{the_app().clock():%Y-%m-%d}-{get_random_string(4, _SAYABLE)}"
    units = (data["number"],)
    operations: list[Operation] = [
        made(request, SentForRepair, units=units, stay=stay, to=data["to"], where=data["where"],
             repair_kind=data["repair_kind"], contract=data["contract"],
             expected=iso(data["expected"])),
        made(request, LocationReported, units=units, place=data["to"],
             whereabouts=data["where"]),
    ]  # fmt: skip
    if the_app().knowledge().passport(units[0]).repair_us is None:
        operations.append(made(request, EnteredRepair, units=units,
                               repair_kind=data["repair_kind"], reason=data["to"]))  # fmt: skip
    record_all(request, operations)


def _rows(names: Names, now_us: int) -> list[dict[str, Any]]:
    listed = the_upkeep().away(now_us - _BACK_DAYS * DAY_US)
    knowledge = the_app().knowledge()
    knowledge.load([row["unit"] for row in listed])
    found = []
    for row in listed:
        one = knowledge.outside(row["unit"]).find(row["stay"])
        if one is not None:
            found.append(said_of(one, knowledge.passport(row["unit"]), names, now_us))
    return found


def said_of(one: Away, passport: Passport, names: Names, now_us: int) -> dict[str, Any]:
    """Return a repair elsewhere as lists show it."""
    return {
        "away": one, "unit": passport.unit, "number": names.number(passport),
        "type": names.type(passport.type), "home_site": passport.home_site,
        "days": round(((one.back_us or now_us) - one.sent_us) / DAY_US),
    }  # fmt: skip


_HEAD = (
    gettext_noop("Number"), gettext_noop("Type"), gettext_noop("To whom"),
    gettext_noop("Where"), gettext_noop("Repair kind"), gettext_noop("Contract"),
    gettext_noop("Sent"), gettext_noop("Days away"), gettext_noop("How far it is"),
    gettext_noop("Expected back"), gettext_noop("Taken over"), gettext_noop("State"),
)  # fmt: skip


def _cells(rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for row in rows:
        one = row["away"]
        yield [
            row["number"], row["type"], one.to, gettext(words.WHEREABOUTS[one.where]),
            one.repair_kind, one.contract, written(one.sent_us), row["days"],
            one.heard[-1].stage if one.heard else "",
            partial_day(one.expected) if one.expected else "", written(one.back_us),
            gettext(words.AWAY_STATES[one.state]),
        ]  # fmt: skip


@require_POST
@allowed("record")
def hear(request: HttpRequest) -> HttpResponse:
    """Say how far a repair elsewhere is."""
    unit, one = _there(request)
    stage = request.POST.get("stage", "").strip()[:200]
    if not stage:
        messages.error(request, gettext("Say how far the repair is."))
    else:
        record_one(request, RepairProgressed, units=(unit,), stay=one.stay, stage=stage,
                   expected=request.POST.get("expected") or None)  # fmt: skip
        messages.success(request, gettext("Recorded."))
    return redirect("away")


@require_POST
@allowed("record")
def take_over(request: HttpRequest) -> HttpResponse:
    """Look at a unit that came back: take it over, with its warranty, or not."""
    unit, one = _there(request)
    findings = request.POST.get("findings", "").strip()[:4000]
    if request.POST.get("outcome") != "passed":
        if not findings:
            messages.error(request, gettext("Say why it is not taken over."))
            return redirect("away")
        record_one(request, AcceptedFromRepair, units=(unit,), stay=one.stay, outcome="failed",
                   findings=findings)  # fmt: skip
    else:
        record_all(request, _taken_over(request, unit, one, findings))
    messages.success(request, gettext("Recorded."))
    return redirect("away")


def _taken_over(request: HttpRequest, unit: str, one: Away, findings: str) -> list[Operation]:
    """The unit is home and out of repair; who repaired it stands for it as long as was agreed."""
    passport, units = the_app().knowledge().passport(unit), (unit,)
    operations: list[Operation] = [
        made(request, AcceptedFromRepair, units=units, stay=one.stay, findings=findings)
    ]
    if passport.repair_us is not None:
        operations.append(made(request, LeftRepair, units=units, repair_kind=passport.repair_kind))
    if passport.home_site:
        operations.append(made(request, LocationReported, units=units, place=passport.home_site,
                               whereabouts="home"))  # fmt: skip
    operations += _stood_for(request, unit, passport, one)
    return operations


def _stood_for(
    request: HttpRequest, unit: str, passport: Passport, one: Away
) -> list[Operation]:
    """Return the warranty that was agreed, or that the catalogue gives for the repair."""
    said = {"units": (unit,), "by": one.to, "after": one.repair_kind or "—",
            "document": one.contract}  # fmt: skip
    if until := request.POST.get("warranty") or _by_row(passport, one):
        return [made(request, WarrantyGiven, until=until, **said)]
    today = the_app().clock().date()
    works = next_kinds(the_names().catalogue, passport.type, one.repair_kind, today)
    return [made(request, WarrantyUntilWork, works=works, **said)] if works else []


def _by_row(passport: Passport, one: Away) -> str:
    found = term_until(the_names().catalogue, passport.type, one.repair_kind,
                       the_app().clock().date())  # fmt: skip
    return found.isoformat() if found else ""


def _there(request: HttpRequest) -> tuple[str, Away]:
    unit, stay = request.POST.get("unit", ""), request.POST.get("stay", "")
    one = the_app().knowledge().outside(unit).find(stay)
    if one is None or one.back_us is not None:
        raise NotFound("{unit} is not away for repair {stay}", unit=unit, stay=stay)
    return unit, one
