"""Ghosts and twins: pairs with the evidence for and against, judged by a person."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.projections.twins import KINDS, Evidence, Finding
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds, moment
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    ContradictionResolved,
    MarkingChanged,
    Number,
    TwinsJudged,
)
from railtrace.web import words
from railtrace.web.clocks import day
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

PAGE = 40
KIND_WORDS = {
    "same_number": gettext_noop("One number on several"),
    "two_places": gettext_noop("One serial on two vehicles"),
    "too_far": gettext_noop("Impossible mileage"),
    "look_alike": gettext_noop("Look-alike numbers"),
}
EVIDENCE = {
    "same_number": gettext_noop("both bear the number {number}"),
    "made_differs": gettext_noop("made {one} and {other}"),
    "maker_differs": gettext_noop("makers {one} and {other}"),
    "heat_differs": gettext_noop("heats {one} and {other}"),
    "hardly_described": gettext_noop(
        "one is hardly described: {entries} entries, no maker or year"
    ),
    "both_ran": gettext_noop("both ran at the same time, {runs} times"),
    "ran_while_silent": gettext_noop(
        "one ran for {days} days only while nothing was heard of the other"
    ),
    "at_its_place": gettext_noop(
        "one was entered at the very place of the other: {carrier}, {position}"
    ),
    "both_on_carriers": gettext_noop("both were on vehicles at once: {carrier} and {other}"),
    "ran_at_once": gettext_noop("two runs overlap by {hours} h, up to {at}"),
    "further_than_possible": gettext_noop(
        "{km_per_day} km a day up to {at}, more than the {limit} that are possible"
    ),
    "on_carrier": gettext_noop("entered on {carrier}, {position}"),
    "taken_off_both": gettext_noop("taken off both: two parts were really there"),
    "never_taken_off": gettext_noop("never taken off the first: its removal may be missing"),
}


class Judge(forms.Form):
    """What a person has found out."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=120)
    verdict = forms.ChoiceField(label=_("What was found out"))
    wrong = forms.ChoiceField(label=_("Whose number is wrong"), required=False)
    right = forms.CharField(label=_("Its right number"), max_length=64, required=False)
    reason = forms.CharField(label=_("How it was found out"), max_length=1000)

    def __init__(self, finding: Finding, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.finding, knowledge = finding, the_app().knowledge()
        offered = [v for v in words.TWIN_VERDICTS if v != "same" or len(finding.units) > 1]
        self.fields["verdict"].choices = [  # type: ignore[attr-defined]
            (v, gettext(words.TWIN_VERDICTS[v])) for v in offered
        ]
        self.fields["wrong"].choices = [("", "—"), *(  # type: ignore[attr-defined]
            (unit, f"{names.unit(knowledge.passport(unit))} · {unit}") for unit in finding.units
        )]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A wrong number is put right in the same breath."""
        data = super().clean() or {}
        if data.get("verdict") != "wrong_number":
            return data
        passport = the_app().knowledge().passport(data.get("wrong", ""))
        number = passport.primary()
        if not data.get("wrong") or number is None or not data.get("right"):
            raise forms.ValidationError(gettext("Say whose number is wrong, and the right one."))
        try:
            value = check_number(number.scheme, data["right"])
        except BadOperation as error:
            self.add_error("right", in_words(error))
            return data
        data["old"] = Number(scheme=number.scheme, value=number.value)  # type: ignore[arg-type]
        data["new"] = Number(scheme=number.scheme, value=value)  # type: ignore[arg-type]
        return data


def twins(request: HttpRequest) -> HttpResponse:
    """List what was found last; of one unit, look at it now."""
    app, names = the_app(), the_names()
    unit, kind = request.GET.get("unit", ""), request.GET.get("kind", "")
    with_judged = "judged" in request.GET
    everything = _findings(unit)
    judged = app.twins.judged()
    open_ = [f for f in everything if f.key not in judged]
    listed = everything if with_judged else open_
    shown = [f for f in listed if not kind or f.kind == kind]
    knowledge = app.knowledge()
    knowledge.load([unit for finding in shown[:PAGE] for unit in finding.units])
    look = app.twins.last_look()
    context = {
        "section": "trace", "tab": "twins", "unit": unit, "kind": kind, "judged": with_judged,
        "counts": [(k, KIND_WORDS[k], sum(f.kind == k for f in listed)) for k in KINDS],
        "rows": [_row(f, judged.get(f.key), knowledge, names) for f in shown[:PAGE]],
        "more": max(len(shown) - PAGE, 0), "look": look, "now": app.clock(),
        "looked_at": moment(look[0]) if look else None,
    }  # fmt: skip
    return render(request, "twins.html", context)


def _findings(unit: str) -> list[Finding]:
    app = the_app()
    if not unit:
        return app.twins.kept()
    return app.twins.look_at(unit, app.catalogue(), microseconds(app.clock()))


def _row(
    finding: Finding, judged: dict[str, Any] | None, knowledge: Knowledge, names: Names
) -> dict[str, Any]:
    said = [(one, _said(one, knowledge, names)) for one in finding.evidence]
    return {
        "finding": finding, "word": KIND_WORDS[finding.kind], "judged": judged,
        "units": [_unit(unit, knowledge, names) for unit in finding.units],
        "for": [text for one, text in said if one.weight > 0],
        "against": [text for one, text in said if one.weight < 0],
        "neither": [text for one, text in said if one.weight == 0],
        "form": Judge(finding, names, initial={"key": finding.key}, auto_id=f"{finding.key}-%s"),
    }  # fmt: skip


def _unit(unit: str, knowledge: Knowledge, names: Names) -> dict[str, Any]:
    passport = knowledge.passport(unit)
    usage, stay = knowledge.usage(unit), knowledge.genealogy(unit).carrier()
    return {
        "unit": unit, "name": names.unit(passport), "passport": passport,
        "entries": the_app().lookup.operations_of(unit), "km_milli": usage.km.total,
        "last_run_us": usage.last_run_us,
        "on": names.unit(knowledge.passport(stay.carrier)) if stay else "",
    }  # fmt: skip


def _said(one: Evidence, knowledge: Knowledge, names: Names) -> str:
    values = dict(one.values)
    for key in ("carrier", "other"):
        if one.name in {"at_its_place", "both_on_carriers", "on_carrier"} and values.get(key):
            values[key] = names.unit(knowledge.passport(values[key]))
    if values.get("position"):
        values["position"] = names.position(values["position"])
    if at_us := values.get("at_us"):
        values["at"] = day(moment(int(at_us)), names.language, home_zone())
    return gettext(EVIDENCE[one.name]).format(**values)


@require_POST
@allowed("resolve")
def look(request: HttpRequest) -> HttpResponse:
    """Look through everything anew."""
    found = the_app().look_for_twins()
    messages.success(request, gettext("Looked through everything: {count} found.").format(
        count=len(found)
    ))  # fmt: skip
    return redirect("twins")


@require_POST
@allowed("resolve")
def judge(request: HttpRequest) -> HttpResponse:
    """Record what a person has found out; a wrong number is put right with it."""
    key, unit = request.POST.get("key", ""), request.POST.get("unit", "")
    finding = next((f for f in _findings(unit) if f.key == key), None)
    if finding is None:
        raise NotFound("there is no finding {key}: look again", key=key)
    form = Judge(finding, the_names(), request.POST)
    back = f"{reverse('twins')}?{urlencode({'unit': unit})}" if unit else reverse("twins")
    if not form.is_valid():
        for errors in form.errors.values():
            for said in errors:
                messages.error(request, str(said))
        return redirect(back)
    _record(request, finding, form.cleaned_data)
    messages.success(request, gettext("It is recorded; both records stay as they are."))
    return redirect(back)


def _record(request: HttpRequest, finding: Finding, data: dict[str, Any]) -> None:
    record_one(request, TwinsJudged, units=finding.units, finding=finding.key,
               verdict=data["verdict"], reason=data["reason"])  # fmt: skip
    if data["verdict"] == "wrong_number":
        record_one(request, MarkingChanged, units=(data["wrong"],), withdrawn=(data["old"],),
                   given=(data["new"],), note=data["reason"])  # fmt: skip
    if finding.contradiction:
        record_one(request, ContradictionResolved, units=finding.units,
                   contradiction=finding.contradiction, resolution=data["reason"])  # fmt: skip
