"""Freight trains at the inspection point (ПТО): a list pasted or in a file, all but some sound."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation, Refused
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    ConsistComposed,
    DefectClosed,
    DefectFound,
    GuestSeen,
    Inspected,
    Measured,
    Number,
    Operation,
    Reading,
    UnitDetached,
)
from railtrace.web.depot.orders import SAYABLE
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.record import made, record_all
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.trains.acts import number_of
from railtrace.web.trains.board import trains
from railtrace.web.trains.page import found
from railtrace.web.trains.train_list import numbers_in

SCOPE = "ПТО"
FREIGHT, TRANSIT = "freight", "transit"
EXCEPTIONS = 8
MOST = 100


@dataclass(frozen=True)
class Found:
    """A wagon with something wrong: what, how much of it, and what was done."""

    number: str
    fault: str
    place: str
    flange_mm: str
    uncoupled: bool


class Train(forms.Form):
    """A train as its list came, and what was found on it."""

    train = forms.CharField(label=_("Train"), max_length=40)
    numbers = forms.CharField(
        label=_("Wagons in running order, the head of the train first"), max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("Paste the train list: numbers one a line, or with spaces between them"),
    )  # fmt: skip
    site = forms.ChoiceField(label=_("Inspection point"), required=False)

    def __init__(self, names: Names, *args: Any) -> None:
        super().__init__(*args)
        sites = the_app().config.depots
        self.fields["site"].choices = [  # type: ignore[attr-defined]
            (key, site.name(names.language)) for key, site in sites.items()
        ] or [("", "—")]
        self.exceptions: list[Found] = []

    def clean_numbers(self) -> list[str]:
        """Return the numbers in their normal form; every wrong or repeated one is named."""
        numbers, wrong = list[str](), list[str]()
        for text in self.cleaned_data["numbers"].replace(",", " ").replace(";", " ").split():
            try:
                number = check_number("network8", text)
            except BadOperation as error:
                wrong.append(in_words(error))
                continue
            if number in numbers:
                wrong.append(gettext("{number} stands twice in the list").format(number=number))
            numbers.append(number)
        if len(numbers) > MOST:
            wrong.append(gettext("{n} wagons are more than a train has: {most}").format(
                n=len(numbers), most=MOST))  # fmt: skip
        if wrong:
            raise forms.ValidationError([*wrong])
        return numbers

    def clean(self) -> dict[str, Any]:
        """Read the exceptions; each must be a wagon of the list, with what is wrong."""
        data = super().clean() or {}
        for row in range(EXCEPTIONS):
            said = {f: self.data.get(f"{f}-{row}", "").strip()
                    for f in ("number", "fault", "place", "flange", "action")}  # fmt: skip
            if said["number"] or said["fault"]:
                self._except(said, data.get("numbers", []))
        return data

    def _except(self, said: dict[str, str], numbers: list[str]) -> None:
        try:
            number = check_number("network8", said["number"])
            flange = number_of(said["flange"]) if said["flange"] else ""
        except BadOperation as error:
            self.add_error(None, in_words(error))
            return
        if number not in numbers:
            self.add_error(None, gettext("{number} is not in the train").format(number=number))
        elif not said["fault"]:
            self.add_error(None, gettext("{number}: say what is wrong").format(number=number))
        else:
            self.exceptions.append(Found(
                number, said["fault"][:200], said["place"][:200], flange,
                said["action"] != "mended",
            ))  # fmt: skip


@allowed("record")
def inspect(request: HttpRequest) -> HttpResponse:
    """Take a train list in: all inspected except what is named, in one action."""
    names = the_names()
    data, why = _with_file(request)
    form = Train(names, data)
    if why:
        form.add_error("numbers", why)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("inspected-train", _inspected(request, form))
        except Refused as error:
            form.add_error(None, in_words(error))
    context = {
        "section": "trains", "tab": "inspect", "form": form, "names": names,
        "rows": [_typed(request, row) for row in range(EXCEPTIONS)],
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "trains/inspect.html", context, status=status)


def _with_file(request: HttpRequest) -> tuple[QueryDict | None, str]:
    """Return what was posted, the numbers of a list's file in the box; and what is wrong with it.

    In the box they are seen and can be put right: a browser does not send a file twice.
    """
    file = request.FILES.get("list")
    if request.method != "POST" or file is None:
        return request.POST or None, ""
    data = request.POST.copy()
    if data.get("numbers", "").strip():
        return data, gettext("Paste the list or choose its file, not both.")
    try:
        data["numbers"] = "\n".join(numbers_in(file))
    except Refused as error:
        return data, in_words(error)
    return data, ""


def _typed(request: HttpRequest, row: int) -> dict[str, Any]:
    fields = ("number", "fault", "place", "flange", "action")
    return {"n": row} | {f: request.POST.get(f"{f}-{row}", "") for f in fields}


def _inspected(request: HttpRequest, form: Train) -> str:
    """Record the train, its inspection and its exceptions together; return the consist."""
    data, app = form.cleaned_data, the_app()
    site = data["site"]
    units, guests = _units(request, data["numbers"], site)
    consist = f"P-{app.clock():%y%m%d}-{get_random_string(4, SAYABLE)}"
    order = [units[number] for number in data["numbers"]]
    composed = made(
        request, ConsistComposed, units=tuple(order), consist=consist, train=data["train"],
        train_kind=FREIGHT, route=TRANSIT, departs_at=app.clock(), site=site,
    )  # fmt: skip
    bad = {units[one.number] for one in form.exceptions}
    operations = [*guests, composed]
    if sound := tuple(unit for unit in order if unit not in bad):
        operations.append(made(request, Inspected, units=sound, scope=SCOPE, site=site))
    for one in form.exceptions:
        operations += _exception(request, one, units[one.number], consist, composed.id, site)
    record_all(request, operations)
    messages.success(request, gettext(
        "{all} wagons inspected, {guests} guests opened, {uncoupled} uncoupled, {mended} mended."
    ).format(
        all=len(order), guests=len(guests), uncoupled=sum(o.uncoupled for o in form.exceptions),
        mended=sum(not o.uncoupled for o in form.exceptions),
    ))  # fmt: skip
    return consist


def _units(
    request: HttpRequest, numbers: list[str], site: str
) -> tuple[dict[str, str], list[Operation]]:
    """Return the unit of each number, and the guests that are to be opened for the rest."""
    units, guests = dict[str, str](), list[Operation]()
    for number in numbers:
        if bearers := the_app().lookup.bearers(number):
            units[number] = bearers[0]
            continue
        units[number] = f"g-{get_random_string(12, SAYABLE)}"
        guests.append(made(
            request, GuestSeen, units=(units[number],), site=site,
            numbers=(Number(scheme="network8", value=number),),
        ))  # fmt: skip
    return units, guests


def _exception(
    request: HttpRequest, one: Found, unit: str, consist: str, composition: str, site: str
) -> list[Operation]:
    said = {"units": (unit,), "site": site}
    done: list[Operation] = [made(
        request, Inspected, scope=SCOPE, outcome="failed", findings=one.fault, **said
    )]  # fmt: skip
    if one.flange_mm:
        reading = Reading(quantity="flange_thickness", value=one.flange_mm, unit="mm",
                          place=one.place)  # fmt: skip
        done.append(made(request, Measured, readings=(reading,), **said))
    defect = made(
        request, DefectFound, code=one.fault, place=one.place, safety=one.uncoupled, **said
    )
    done.append(defect)
    if one.uncoupled:
        done.append(made(request, UnitDetached, consist=consist, composition=composition,
                         reason=one.fault, place=site, **said))  # fmt: skip
    else:
        done.append(made(request, DefectClosed, defect=defect.id,
                         work=gettext("mended without uncoupling"), **said))  # fmt: skip
    return done


def inspected(request: HttpRequest, consist: str) -> HttpResponse:
    """Show what an inspection gave: the wagons, the guests, the notices to print."""
    reader, names = trains(), the_names()
    state = found(reader, consist)
    assert state.composition is not None
    knowledge = reader.knowledge
    knowledge.load(state.composition.units)
    gone = {one.unit: one for one in state.detached}
    rows = [
        {"unit": unit, "number": names.number(knowledge.passport(unit)),
         "guest": knowledge.passport(unit).guest, "gone": gone.get(unit), "place": n,
         "notice": _notice(unit) if unit in gone else ""}
        for n, unit in enumerate(state.composition.units, 1)
    ]  # fmt: skip
    context = {
        "section": "trains", "tab": "inspect", "consist": state, "names": names, "rows": rows,
        "guests": sum(bool(row["guest"]) for row in rows), "uncoupled": len(gone),
    }  # fmt: skip
    return render(request, "trains/inspected.html", context)


def _notice(unit: str) -> str:
    """Return the address of the notice of sending a wagon to repair (ВУ-23М)."""
    rows = the_app().lookup.timeline([unit], ("DefectFound",), limit=1)
    return reverse("form-of-entry", args=["vu23m", rows[0][6]]) if rows else ""
