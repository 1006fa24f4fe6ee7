"""Composing a consist: numbers in running order, by scan, paste, drag or keyboard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation, Refused
from railtrace.projections.consist import Consist
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import ConsistChanged, ConsistComposed
from railtrace.web.depot.orders import SAYABLE, unit_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.trains.board import trains
from railtrace.web.trains.page import found
from railtrace.web.trains.said import train_said

_TURNED = re.compile(r"\s+(?:B|Б|b|б)$")
_SEPARATORS = re.compile(r"[\r\n;,]+")
NEAR = timedelta(days=60)


@dataclass(frozen=True)
class Line:
    """One line of a composition as typed: the unit, and whether its end Б goes ahead."""

    text: str
    unit: str
    turned: bool


def lines_of(text: str) -> tuple[list[Line], list[str]]:
    """Read a typed composition; return its units and what is wrong, each by its line."""
    lines, wrong = list[Line](), list[str]()
    for number, typed in enumerate(filter(None, map(str.strip, _SEPARATORS.split(text))), 1):
        turned = _TURNED.search(typed) is not None
        bare = _TURNED.sub("", typed).strip()
        try:
            line = Line(bare, unit_of(bare), turned)
        except BadOperation as error:
            wrong.append(gettext("Line {n}: {why}").format(n=number, why=in_words(error)))
            continue
        first = next((n for n, other in enumerate(lines, 1) if other.unit == line.unit), None)
        if first is not None:
            wrong.append(gettext("Line {n}: {unit} is in the train already, as number {first}")
                         .format(n=number, unit=bare, first=first))  # fmt: skip
            continue
        lines.append(line)
    return lines, wrong


class Composing(forms.Form):
    """A train of a day and the units it is made up of."""

    train = forms.CharField(label=_("Train"), max_length=40)
    train_kind = forms.ChoiceField(label=_("Kind of train"))
    route = forms.ChoiceField(label=_("Route"))
    departs_at = forms.DateTimeField(
        label=_("Departs at"), input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    site = forms.ChoiceField(label=_("Depot"), required=False)
    max_speed_kmh = forms.IntegerField(
        label=_("Highest speed [km/h]"), min_value=1, max_value=400, required=False
    )
    electropneumatic = forms.BooleanField(
        label=_("declared as braked electro-pneumatically"), required=False
    )
    units = forms.CharField(
        label=_("Units in running order, the head of the train first"), max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8, "data-units": "", "spellcheck": "false"}),
        help_text=_("One a line: number or id. A line that ends in Б goes with its end Б ahead."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Why the composition changes"), max_length=200)

    def __init__(self, names: Names, state: Consist | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state, self.names = state, names
        self.lines: list[Line] = []
        language, sites = names.language, the_app().config.depots
        for field, rows in (("train_kind", names.catalogue.train_kinds),
                            ("route", names.catalogue.routes)):  # fmt: skip
            self.fields[field].choices = sorted(  # type: ignore[attr-defined]
                ((row.key, row.name(language)) for row in rows.values()), key=lambda pair: pair[1]
            )
        self.fields["site"].choices = [  # type: ignore[attr-defined]
            (key, site.name(language)) for key, site in sites.items()
        ] or [("", "—")]
        if state is None:
            del self.fields["reason"]

    def clean_departs_at(self) -> datetime:
        """Return the moment on the depot's clock; one weeks away is a slip of the date."""
        typed: datetime = self.cleaned_data["departs_at"]
        zone = the_app().config.zone_of(self.data.get("site", ""))
        moment = typed.replace(tzinfo=zone)
        if abs(moment - the_app().clock()) > NEAR:
            raise forms.ValidationError(
                gettext("{moment} is more than {days} days from now: check the date").format(
                    moment=f"{typed:%d.%m.%Y %H:%M}", days=NEAR.days
                )
            )
        return moment

    def clean_units(self) -> str:
        """Read the units; every line that is wrong is named."""
        text: str = self.cleaned_data["units"]
        self.lines, wrong = lines_of(text)
        if not self.lines and not wrong:
            wrong = [gettext("Name at least one unit")]
        if wrong:
            raise forms.ValidationError([*wrong])
        return text

    def clean(self) -> dict[str, Any]:
        """A unit that stands in another train at that time is refused by both names."""
        data = super().clean() or {}
        if self.lines and "departs_at" in data and "route" in data:
            planned = Consist(
                unit=self.state.unit if self.state else "consist:", route=data["route"],
                departs_us=microseconds(data["departs_at"]),
            )  # fmt: skip
            reader = trains()
            others = reader.other_trains(planned, [line.unit for line in self.lines])
            for line in self.lines:
                for other in others.get(line.unit, ()):
                    self.add_error("units", gettext("{unit} stands in train {train}").format(
                        unit=line.text, train=train_said(reader.knowledge, other)))  # fmt: skip
        return data


def _initial(state: Consist | None, request: HttpRequest) -> dict[str, Any]:
    if state is None:
        # Half past ten of tomorrow says: this is only a proposal.
        proposed = the_app().clock() + timedelta(days=1)
        return {"departs_at": proposed.replace(hour=10, minute=30, tzinfo=None),
                "units": request.GET.get("units", "")}  # fmt: skip
    knowledge, names = the_app().knowledge(), the_names()
    zone = the_app().config.zone_of(state.site)
    from railtrace.web.clocks import from_us

    turned = set(state.composition.turned) if state.composition else set()
    knowledge.load(state.units)
    return {
        "train": state.train, "train_kind": state.train_kind, "route": state.route,
        "site": state.site, "max_speed_kmh": state.max_speed_kmh,
        "electropneumatic": state.electropneumatic,
        "departs_at": from_us(state.departs_us or 0).astimezone(zone).replace(tzinfo=None),
        "units": request.GET.get("units")
        or "\n".join(_typed(unit, unit in turned, names, knowledge) for unit in state.units),
        "reason": request.GET.get("reason", ""),
    }  # fmt: skip


def _typed(unit: str, turned: bool, names: Names, knowledge: Any) -> str:
    number = names.number(knowledge.passport(unit))
    return f"{number} Б" if turned else number


@allowed("record")
def compose(request: HttpRequest, consist: str = "") -> HttpResponse:
    """Compose a new consist, or compose one anew; what was signed for the old one is void."""
    names, reader = the_names(), trains()
    state = found(reader, consist) if consist else None
    form = Composing(names, state, request.POST or None, initial=_initial(state, request))
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("consist", _composed(request, form, state))
        except Refused as error:
            form.add_error(None, in_words(error))
    context = {
        "section": "trains", "tab": "compose", "form": form, "names": names, "consist": state,
        "voids": bool(state and (state.signed() or state.braked() or state.decisions)),
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "trains/compose.html", context, status=status)


def _composed(request: HttpRequest, form: Composing, state: Consist | None) -> str:
    data, units = form.cleaned_data, tuple(line.unit for line in form.lines)
    said: dict[str, Any] = {
        "units": units, "turned": tuple(line.unit for line in form.lines if line.turned),
        "train": data["train"].strip(), "train_kind": data["train_kind"],
        "route": data["route"], "departs_at": data["departs_at"], "site": data["site"],
        "max_speed_kmh": data["max_speed_kmh"], "electropneumatic": data["electropneumatic"],
    }  # fmt: skip
    if state is None or state.composition is None:
        name = f"C-{data['departs_at']:%y%m%d}-{get_random_string(4, SAYABLE)}"
        record_one(request, ConsistComposed, consist=name, **said)
        messages.success(request, gettext("The consist is composed."))
        return name
    record_one(
        request, ConsistChanged, consist=state.consist, replaces=state.composition.id,
        left=tuple(unit for unit in state.units if unit not in units), reason=data["reason"],
        **said,
    )  # fmt: skip
    messages.success(request, gettext("The composition is changed; what was signed for the old "
                                      "one does not count any more."))  # fmt: skip
    return state.consist


def unit_said(request: HttpRequest) -> JsonResponse:
    """Tell what a typed or scanned number is, for the strip that is being made up."""
    names, app = the_names(), the_app()
    if not may(request.user, "read"):
        return JsonResponse({"wrong": gettext("Log in again.")}, status=403)
    text = request.GET.get("q", "").strip()
    try:
        unit = unit_of(text)
    except BadOperation as error:
        return JsonResponse({"wrong": in_words(error)})
    passport = app.knowledge().passport(unit)
    return JsonResponse({
        "unit": unit, "number": names.number(passport), "type": names.type(passport.type),
        "state": names.state(passport.status), "verdict": app.lookup.verdicts([unit]).get(unit),
    })  # fmt: skip


def numbers_of(units: Sequence[str]) -> list[str]:
    """Return the numbers of some units as painted."""
    knowledge, names = the_app().knowledge(), the_names()
    knowledge.load(list(units))
    return [names.number(knowledge.passport(unit)) for unit in units]
