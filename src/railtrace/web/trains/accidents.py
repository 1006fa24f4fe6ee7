"""Accidents: what is held until the commission lifts it, and all that is known in one place."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound, Refused
from railtrace.projections.condition import Taken, judged
from railtrace.projections.metrology import standing
from railtrace.projections.wayside import Wayside
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import AccidentDeclared, AccidentLifted, Evidence, Operation
from railtrace.web import release, words
from railtrace.web.accounts import person_of
from railtrace.web.clocks import from_us
from railtrace.web.depot.orders import SAYABLE, unit_of
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.operations import card, load_named
from railtrace.web.quality.alarms import alarm_words
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.trains.acts import number_of
from railtrace.web.trains.decide import positions
from railtrace.web.trains.way import corrected_among

_FILE_DAYS_US = 400 * 86_400_000_000
"""How far back the file of an accident reaches."""
_ALARM_DAYS_US = 30 * 86_400_000_000
_LONGEST = 400


class Declaring(forms.Form):
    """An accident: which units, what happened, where and when."""

    units = forms.CharField(
        label=_("Units, one a line"), max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )  # fmt: skip
    event = forms.ChoiceField(label=_("What happened"), choices=())
    happened_at = forms.DateTimeField(
        label=_("When"), input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    place = forms.CharField(label=_("Where"), max_length=200)
    derailed = forms.CharField(
        label=_("Axles derailed"), max_length=200, required=False,
        help_text=_("Their numbers, with commas between"),
    )  # fmt: skip
    speed_kmh = forms.CharField(label=_("Speed [km/h]"), max_length=20, required=False)
    train = forms.CharField(label=_("Train"), max_length=200, required=False)
    commission = forms.CharField(label=_("Commission"), max_length=200, required=False)
    what = forms.CharField(
        label=_("In words"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.ACCIDENT_EVENTS.items()
        ]

    def clean_units(self) -> list[str]:
        """Return the units; a number that nobody bears is named."""
        try:
            typed = filter(None, map(str.strip, self.cleaned_data["units"].splitlines()))
            return list(dict.fromkeys(unit_of(text) for text in typed))
        except BadOperation as error:
            raise forms.ValidationError(in_words(error)) from error

    def clean_speed_kmh(self) -> str | None:
        """Return the speed as the trace writes it."""
        try:
            text = self.cleaned_data["speed_kmh"].strip()
            return number_of(text) if text else None
        except BadOperation as error:
            raise forms.ValidationError(in_words(error)) from error


@allowed("read")
def accidents(request: HttpRequest) -> HttpResponse:
    """Show the accidents, the held ones first; who may hold declares a new one."""
    holds, names = may(request.user, "hold"), the_names()
    form = Declaring(request.POST or None, initial={"units": request.GET.get("unit", "")})
    if request.method == "POST" and holds and form.is_valid():
        try:
            return redirect("accident", _declared(request, form))
        except Refused as error:
            form.add_error(None, in_words(error))
    knowledge = the_app().knowledge()
    rows = the_app().lookup.accidents()
    knowledge.load([row["unit"] for row in rows])
    context = {
        "section": "trains", "tab": "accidents", "names": names, "form": form, "holds": holds,
        "rows": [row | {"number": names.unit(knowledge.passport(row["unit"]))} for row in rows],
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "trains/accidents.html", context, status=status)


def _declared(request: HttpRequest, form: Declaring) -> str:
    """Hold units for an accident; wheelsets are those under a derailed one at that moment."""
    app, data = the_app(), form.cleaned_data
    units: list[str] = data["units"]
    at: datetime = data["happened_at"]
    accident = f"A-{at:%y%m%d}-{get_random_string(4, SAYABLE)}"
    derailed = data["event"] == "derailment"
    then = app.knowledge(at)
    record_one(
        request, AccidentDeclared, units=tuple(units), happened_at=at, accident=accident,
        event=data["event"], place=data["place"].strip(), speed_kmh=data["speed_kmh"],
        derailed=tuple(t.strip() for t in data["derailed"].split(",") if t.strip()),
        wheelsets=tuple(w for u in units for w in wheelsets_of(then, u)) if derailed else (),
        train=data["train"].strip(), commission=data["commission"].strip(),
        what=data["what"].strip(), positions=positions(),
    )  # fmt: skip
    messages.success(request, gettext(
        "Held: nothing may be mended, and what is known of it is kept until the commission lifts "
        "it."))  # fmt: skip
    return accident


def wheelsets_of(knowledge: Knowledge, unit: str) -> list[str]:
    """Return the wheelsets that stand under a unit."""
    return [n.unit for n in knowledge.tree(unit).walk() if n.passport.type.startswith("wheelset")]


@allowed("read")
def accident(request: HttpRequest, accident: str) -> HttpResponse:
    """Show everything that is known of an accident: alarms, measurements, work, files."""
    app, names = the_app(), the_names()
    rows = _of(accident)
    declared = app.entry(rows[0]["declared_by"])
    assert isinstance(declared.operation, AccidentDeclared)
    knowledge = app.knowledge()
    vehicles = list(declared.operation.units)
    nodes = [n for unit in vehicles for n in knowledge.tree(unit).walk()]
    units = list(dict.fromkeys([*(n.unit for n in nodes), *declared.operation.wheelsets]))
    before = work_before(units, declared.happened_us)
    load_named(knowledge, [declared, *before])
    corrected = corrected_among(before)
    lifted = next((row for row in rows if row["lifted_us"] is not None), None)
    context = {
        "section": "trains", "tab": "accidents", "names": names, "accident": accident,
        "declared": declared, "said": declared.operation, "open": any(
            row["lifted_us"] is None for row in rows), "lifted": lifted,
        "vehicles": [(u, names.unit(knowledge.passport(u))) for u in vehicles],
        "alarms": _alarms(units, declared.happened_us, names),
        "measured": [m for n in nodes for m in _measured(n, knowledge, names)],
        "cards": [card(one, knowledge, names, "", corrected) for one in before],
        "files": _files(before), "wheelsets": _wheelsets(declared.operation, knowledge, names),
        "reasons": [(u, release.reasons(knowledge, names, u)) for u in vehicles],
        "holds": may(request.user, "hold"), "speed": names.value(
            declared.operation.speed_kmh or "", "km/h"),
        "before": f"{_a_minute_before(declared):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    return render(request, "trains/accident.html", context)


def _a_minute_before(declared: Entry) -> datetime:
    """Return the last whole minute at which nobody could know of it, on the depot's clock."""
    return (from_us(declared.happened_us) - timedelta(minutes=1)).astimezone(home_zone())


def _of(accident: str) -> list[dict[str, Any]]:
    rows = [row for row in the_app().lookup.accidents() if row["accident"] == accident]
    if not rows:
        raise NotFound("there is no accident {accident} in the trace", accident=accident)
    return rows


def work_before(units: list[str], at_us: int) -> list[Entry]:
    """Return the entries about some units before a moment, the newest first."""
    rows = the_app().lookup.timeline(units, (), None, at_us, None, _LONGEST)
    near = [row for row in rows if at_us - row[1] <= _FILE_DAYS_US]
    return the_app().entries_at((row[3], row[4]) for row in near)


def _alarms(units: list[str], at_us: int, names: Names) -> list[dict[str, Any]]:
    """Return the alarms of the last weeks with who answered them and on what."""
    knowledge = the_app().knowledge()
    found = []
    for unit in units:
        state = knowledge.states(unit).get("wayside")
        for id_, one in (state.alarms.items() if isinstance(state, Wayside) else ()):
            if 0 <= at_us - one.at_us <= _ALARM_DAYS_US:
                answer = the_app().entry(one.checked_by).operation if one.checked_by else None
                found.append(alarm_words({
                    "id": id_, "at_us": one.at_us, "alarm": one.alarm, "post": one.post,
                    "place": one.place, "value": one.value, "uom": one.uom, "result": one.result,
                    "finding": one.finding, "checked_us": one.checked_us,
                    "checked_by": one.checked_by,
                    "people": tuple(getattr(answer, "performed_by", ())),
                    "files": len(getattr(answer, "evidence", ())),
                }, names))  # fmt: skip
    return sorted(found, key=lambda row: row["at_us"], reverse=True)


@dataclass(frozen=True)
class Measured:
    """The last reading of a quantity at a place, with the instrument and whether it may be
    leaned on.
    """

    unit: str
    name: str
    said: str
    verdict: str
    last: Taken
    device: str
    trust: str


def _measured(node: Node, knowledge: Knowledge, names: Names) -> list[Measured]:
    found = []
    for result in judged(node.condition, names.catalogue):
        last = result.last
        instrument = knowledge.instrument(last.device) if last.device else None
        word = standing(instrument, last.at_us, expired_by=last.expired_by).word
        where = f" ({names.place(result.place)})" if result.place else ""
        value = names.measured(last.value, last.uncertainty, last.unit)
        found.append(Measured(
            node.unit, names.unit(node.passport), f"{names.quantity(result.quantity)}{where}: "
            f"{value}", result.verdict, last,
            names.unit(knowledge.passport(last.device)) if last.device else "",
            word if last.device and word != "valid" else "",
        ))  # fmt: skip
    return found


def _files(entries: list[Any]) -> list[tuple[Any, Evidence]]:
    return [(e, file) for e in entries if isinstance(e.operation, Operation)
            for file in e.operation.evidence]  # fmt: skip


def _wheelsets(said: AccidentDeclared, knowledge: Knowledge, names: Names) -> list[Any]:
    """Return the wheelsets to be examined, and whether it was done."""
    rows = []
    for unit in said.wheelsets:
        gates = knowledge.gates(unit)
        left = next((g for g in gates if g.name == "not_examined"), None)
        rows.append((unit, names.unit(knowledge.passport(unit)), left is None))
    return rows


@require_POST
@allowed("hold")
def lift(request: HttpRequest, accident: str) -> HttpResponse:
    """Lift the hold by the commission's act; never by the person who declared it."""
    rows, posted = _of(accident), request.POST
    act, who = posted.get("act", "").strip()[:200], posted.get("decided_by", "").strip()[:200]
    declared = the_app().entry(rows[0]["declared_by"]).operation
    if not act or not who:
        messages.error(request, gettext("Give the number of the commission's act and who signed."))
    elif person_of(request.user).person_id in getattr(declared, "performed_by", ()):
        messages.error(request, gettext("You declared it: somebody else enters the act."))
    else:
        units = tuple(row["unit"] for row in rows if row["lifted_us"] is None)
        record_one(request, AccidentLifted, units=units, accident=accident, act=act,
                   decided_by=who, finding=posted.get("finding", "").strip()[:200])  # fmt: skip
        messages.success(request, gettext("The hold is lifted."))
    return redirect("accident", accident)
