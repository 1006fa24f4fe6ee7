"""A paper act of another depot: entered from its photograph, with the moment the paper gives.

What the act says becomes several operations of grade `document` that share the photograph: where
the vehicle was uncoupled, what was found, which part stayed there, which part of another's came
in its place. What was decided before the act arrived is not touched.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation, Refused
from railtrace.store.evidence import EvidenceClass
from railtrace.store.knowledge import Node
from railtrace.trace.leaf import Entry, microseconds, moment
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    DefectFound,
    Evidence,
    Installed,
    LocationReported,
    Measured,
    Number,
    Operation,
    PartBorrowed,
    Reading,
    Registered,
    Removed,
)
from railtrace.web import words
from railtrace.web.clocks import clock
from railtrace.web.depot.finding import find_unit
from railtrace.web.depot.stock_forms import date_field, new_unit
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.holdings.change import act_with, moment_field, moment_of
from railtrace.web.names import Names
from railtrace.web.record import made, record_all
from railtrace.web.running import the_app

_SIDES = ("", "left", "right")
_THERE = ("abroad", "line", "contractor")


class PaperAct(forms.Form):
    """What an act says, in the order acts say it."""

    paper = forms.FileField(label=_("Photograph or scan of the act"), required=False)
    kept = forms.CharField(required=False, widget=forms.HiddenInput())
    number = forms.CharField(label=_("Number of the act"), max_length=80)
    issuer = forms.CharField(label=_("Who drew it up"), max_length=120)
    at = moment_field(_("When it happened, by the act"))
    place = forms.CharField(label=_("Place"), max_length=200)
    whereabouts = forms.ChoiceField(label=_("Whereabouts"))
    uncoupled = forms.BooleanField(label=_("the vehicle stayed there"), required=False,
                                   initial=True)  # fmt: skip
    found = forms.CharField(label=_("Defect"), max_length=200, required=False)
    part = forms.ChoiceField(
        label=_("Part"), required=False, help_text=_("empty: it is about the vehicle itself")
    )
    quantity = forms.ChoiceField(label=_("Measured quantity"), required=False)
    value = forms.DecimalField(label=_("Value"), required=False, localize=True, max_digits=12)
    side = forms.ChoiceField(label=_("Side"), required=False)
    off = forms.BooleanField(label=_("the part was taken off and stayed there"), required=False)
    on = forms.CharField(label=_("Number of the part put on instead"), max_length=64,
                         required=False)  # fmt: skip
    of = forms.CharField(label=_("Of whom it is borrowed"), max_length=200, required=False)
    owner_state = forms.ChoiceField(label=_("Owner state"), required=False)
    until = date_field(_("To be returned until"))

    THE_PAPER = ("paper", "number", "issuer", "at", "place", "whereabouts", "uncoupled")
    WHAT_WAS_FOUND = ("part", "found", "quantity", "value", "side")
    PARTS_CHANGED = ("off", "on", "of", "owner_state", "until")

    def __init__(self, tree: Node, names: Names, *args: Any) -> None:
        super().__init__(*args)
        self.vehicle = tree.unit
        self.names, self.nodes = names, {node.unit: node for node in tree.walk()[1:] if node.stay}
        self._offer("whereabouts", [(k, gettext(words.WHEREABOUTS[k])) for k in _THERE])
        self._offer("part", _parts(tree, names))
        self._offer("quantity", [("", "—"), *_quantities(names)])
        self._offer("side", [(side, names.place(side) or "—") for side in _SIDES])
        states = sorted(names.catalogue.owner_states.items())
        self._offer("owner_state", [
            ("", "—"), *((key, f"{key} · {row.name(names.language)}") for key, row in states)
        ])  # fmt: skip

    def _offer(self, field: str, choices: list[Any]) -> None:
        self.fields[field].choices = choices  # type: ignore[attr-defined]

    @property
    def groups(self) -> list[tuple[Any, list[Any]]]:
        """The fields under the headings of the page."""
        headed = (
            (_("The paper"), self.THE_PAPER), (_("What was found"), self.WHAT_WAS_FOUND),
            (_("Parts changed"), self.PARTS_CHANGED),
        )  # fmt: skip
        return [(word, [self[name] for name in fields]) for word, fields in headed]

    def clean_at(self) -> datetime:
        """An act tells of what has happened."""
        at = moment_of(self.cleaned_data["at"])
        if at > the_app().clock():
            raise forms.ValidationError(gettext("The act cannot tell of what is still to come."))
        return at

    def clean(self) -> dict[str, Any]:
        """What belongs together is given together; a part put on takes another's place."""
        data = super().clean() or {}
        self._clean_paper(data)
        if (data.get("value") is None) != (not data.get("quantity")):
            self.add_error("value", gettext("Give the measured quantity and its value together."))
        if (data.get("off") or data.get("on")) and not data.get("part"):
            self.add_error("part", gettext("Choose which part the act speaks of."))
        if data.get("on"):
            self._clean_part_on(data)
        if not self.errors:
            self._refuse_again(data)
        told = ("uncoupled", "found", "quantity", "off")
        if not self.errors and not any(data.get(name) for name in told):
            raise forms.ValidationError(gettext("The act says nothing yet: enter what was done."))
        return data

    def _refuse_again(self, data: dict[str, Any]) -> None:
        """The same sheet comes by two people, with the coach and by post."""
        app, evidence = the_app(), self.evidence
        entries = app.entries_of(f"{act_of(self.vehicle, data['number'], data['issuer'])}:0")
        entered = entries[0] if entries else next(
            filter(partial(_is_sheet, evidence, data), self._acts(data["at"])), None
        )  # fmt: skip
        if entered is not None:
            on = clock(moment(entered.recorded_us), self.names.language, home_zone())
            self.add_error("number", gettext(
                "This act was entered on {on}: see what it says in the trace of the unit, and "
                "correct an entry there if it was read wrongly"
            ).format(on=on))  # fmt: skip

    def _acts(self, at: datetime) -> list[Entry]:
        """Return what acts say of the vehicle and its parts at a moment."""
        app, at_us = the_app(), microseconds(at)
        before = (at_us + 1, 0, "", 0)
        rows = app.lookup.timeline([self.vehicle, *self.nodes], before=before, limit=200)
        rows = [row for row in rows if row[1] == at_us and row[6].startswith("act:")]
        return app.entries_at([(row[3], row[4]) for row in rows])

    def _clean_paper(self, data: dict[str, Any]) -> None:
        """Keep the paper at once: whoever mends a field does not photograph again."""
        if file := data.get("paper"):
            self.evidence: Evidence | None = _kept(file)
        else:
            self.evidence = _signed(data.get("kept", ""))
        if self.evidence is None:
            self.add_error("paper", gettext("An act is entered from its photograph or scan."))
        else:
            kept = signing.dumps(msgspec.to_builtins(self.evidence))
            self.data = {**self.data, "kept": kept}

    def _clean_part_on(self, data: dict[str, Any]) -> None:
        if not data.get("off"):
            self.add_error("off", gettext("A part is put on when the one there is taken off."))
        if not data.get("of"):
            self.add_error("of", gettext("Say whose part it is: it is to be returned."))
        try:
            data["known"] = find_unit(data["on"], part=True)
        except BadOperation as error:
            if "count" in error.values:
                self.add_error("on", in_words(error))
            data["known"] = ""
        knowledge = the_app().knowledge()
        if data["known"] and (stay := knowledge.genealogy(data["known"]).carrier()):
            carrier = self.names.unit(knowledge.passport(stay.carrier))
            self.add_error("on", gettext("it is on {carrier}: take it off first").format(
                carrier=carrier))  # fmt: skip


def _kept(file: Any) -> Evidence:
    kind = file.content_type or "application/octet-stream"
    sort: EvidenceClass = "photo" if kind.startswith("image/") else "document"
    return the_app().evidence.put(file.file, (file.name or "act")[:200], kind[:200], sort)


def _signed(text: str) -> Evidence | None:
    """Return the file that this form kept before, by our own signature."""
    try:
        return msgspec.convert(signing.loads(text), Evidence)
    except (signing.BadSignature, msgspec.ValidationError):
        return None


def _parts(tree: Node, names: Names) -> list[Any]:
    """Offer the parts on a vehicle, grouped by type, in the order of their places."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for node in tree.walk()[1:]:
        where = names.position(node.stay.position) if node.stay else ""
        said = f"{names.number(node.passport)} · {where}" if where else names.number(node.passport)
        groups.setdefault(names.type(node.passport.type), []).append((node.unit, said))
    return [("", "—"), *sorted(groups.items())]


def _quantities(names: Names) -> list[tuple[str, str]]:
    rows = names.catalogue.quantities.values()
    return sorted(
        ((r.key, f"{r.name(names.language)}, {names.unit_of_measure(r.unit)}") for r in rows),
        key=lambda choice: choice[1],
    )


# --- what is recorded --------------------------------------------------------------------------


def operations_of(request: HttpRequest, vehicle: str, form: PaperAct) -> list[Operation]:
    """Return what an act says as operations, in the order it happened."""
    data = form.cleaned_data
    shared = {
        "happened_at": data["at"], "time_precision": "minute", "basis": "document",
        "evidence": (form.evidence,), "note": f"№ {data['number']}, {data['issuer']}",
        # Whoever enters a paper was not there and has not done what it tells of.
        "performed_by": (), "site": "", "workplace": "",
    }  # fmt: skip
    told = (*_found(vehicle, data, form.names), *_moved(vehicle, data, form.nodes))
    act = act_of(vehicle, data["number"], data["issuer"])
    return [
        made(request, kind, **(shared | said | {"id": f"{act}:{n}"}))
        for n, (kind, said) in enumerate(told)
    ]


def act_of(vehicle: str, number: str, issuer: str) -> str:
    """Return the id that an act about a vehicle begins its operations with, whoever enters it."""
    said = "\n".join(" ".join(text.casefold().split()) for text in (vehicle, number, issuer))
    return f"act:{sha256(said.encode()).hexdigest()[:24]}"


def _is_sheet(evidence: Evidence | None, data: dict[str, Any], entry: Entry) -> bool:
    """Tell the same sheet by its file or number: who drew it up is written as people like."""
    operation = entry.operation
    if not isinstance(operation, Operation) or evidence is None:
        return False
    same_number = _bare(operation.note.partition(",")[0]) == _bare(data["number"])
    return same_number or evidence.sha256 in {file.sha256 for file in operation.evidence}


def _bare(number: str) -> str:
    """Return the letters and digits of an act's number."""
    return "".join(sign for sign in number.casefold() if sign.isalnum()).removeprefix("no")


Told = tuple[type[Operation], dict[str, Any]]


def _found(vehicle: str, data: dict[str, Any], names: Names) -> Iterator[Told]:
    unit = data["part"] or vehicle
    if data["quantity"]:
        row = names.catalogue.quantities[data["quantity"]]
        reading = Reading(quantity=row.key, value=_decimal(data["value"]), unit=row.unit,  # type: ignore[arg-type]
                          place=data["side"])  # fmt: skip
        yield Measured, {"units": (unit,), "readings": (reading,)}
    if data["found"]:
        yield DefectFound, {"units": (unit,), "code": data["found"], "place": data["side"]}


def _moved(vehicle: str, data: dict[str, Any], nodes: dict[str, Node]) -> Iterator[Told]:
    there = {"place": data["place"], "whereabouts": data["whereabouts"]}
    if data["uncoupled"]:
        yield LocationReported, {"units": (vehicle,)} | there
    if not data["off"]:
        return
    node = nodes[data["part"]]
    assert node.stay is not None
    at = {"carrier": node.stay.carrier, "position": node.stay.position}
    yield Removed, {"units": (node.unit,), "reason": data["found"]} | at
    yield LocationReported, {"units": (node.unit,)} | there
    if data["on"]:
        yield from _borrowed(data, node.passport.type, at)


def _borrowed(data: dict[str, Any], type_: str, at: dict[str, Any]) -> Iterator[Told]:
    unit = data["known"] or new_unit()
    if not data["known"]:
        yield Registered, {"units": (unit,), "type": type_, "numbers": (_number(data["on"]),)}
    until = data["until"].isoformat() if data["until"] else None
    yield PartBorrowed, {
        "units": (unit,), "of": data["of"], "owner_state": data["owner_state"], "until": until,
    }  # fmt: skip
    yield Installed, {"units": (unit,)} | at


def _number(text: str) -> Number:
    try:
        return Number(scheme="serial", value=check_number("serial", text))
    except BadOperation:
        return Number(scheme="other", value=text.strip())


def _decimal(value: Decimal) -> str:
    return format(value.normalize(), "f")


def paper_act(request: HttpRequest, unit: str) -> HttpResponse:
    """Show the form of an act about a vehicle, and record what the act says."""
    act_with(request, "record")
    knowledge, names = the_app().about(unit), the_names()
    form = PaperAct(knowledge.tree(unit), names, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (count := _recorded(request, unit, form)):
        messages.success(request, ngettext(
            "The act is recorded: {count} entry by the moment of the paper.",
            "The act is recorded: {count} entries by the moment of the paper.", count,
        ).format(count=count))  # fmt: skip
        return redirect("unit", unit)
    context = {
        "section": "fleet", "form": form, "unit": unit, "names": names,
        "passport": knowledge.passport(unit),
    }  # fmt: skip
    return render(request, "holdings/paper_act.html", context)


def _recorded(request: HttpRequest, unit: str, form: PaperAct) -> int:
    """Record what the act says; what one operation shows wrong stands above the form."""
    try:
        return len(record_all(request, operations_of(request, unit, form), unit))
    except Refused as refusal:
        form.add_error(None, in_words(refusal))
        return 0
