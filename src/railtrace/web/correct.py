"""A person corrects an entry: void, or said rightly; with a reason, and never alone their own."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation, Refused
from railtrace.trace.leaf import Entry, moment
from railtrace.trace.operation import (
    CatalogueAdopted,
    ContradictionResolved,
    Corrected,
    KeyCompromised,
    KeyReplaced,
    LogOpened,
    Operation,
    RecallClosed,
    RecallOpened,
    decode,
)
from railtrace.web import words
from railtrace.web.accounts import person_of
from railtrace.web.attempts import too_many_attempts
from railtrace.web.corrections import standing, together
from railtrace.web.fleet import spellings, the_names
from railtrace.web.frame import in_words
from railtrace.web.leanings import tell_of_corrections
from railtrace.web.names import Names
from railtrace.web.people.badges import holder
from railtrace.web.record import made, record_all, site_of
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

_NEVER = (LogOpened, KeyReplaced, KeyCompromised, CatalogueAdopted)
_VOID_ONLY = (Corrected, ContradictionResolved, RecallOpened, RecallClosed)
_FIGURES = ("distance_km", "engine_hours", "value", "removed_value", "fitted_value", "fuel_kg")
_TEXTS = (
    "place", "position", "code", "mode", "repair_kind", "reason", "work", "route", "train",
    "finding", "findings", "maker", "heat", "batch", "made", "owner", "note",
)  # fmt: skip
_FACT = "fact-"
"""Before the entry's own fields: its reason is not the reason of the correction."""
_LOCAL = "%Y-%m-%dT%H:%M"


def correctable(operation: object) -> bool:
    """Tell whether a person may correct an entry here; keys and catalogues have their own ways."""
    return isinstance(operation, Operation) and not isinstance(operation, _NEVER)


class Correction(forms.Form):
    """What is wrong with an entry, and how it is said rightly."""

    action = forms.ChoiceField(
        label=_("What is to be done"), widget=forms.RadioSelect, initial="replace",
        choices=[("replace", _("Say it rightly: the entry below stands in its place")),
                 ("void", _("Make it void: it did not happen"))],
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why"), max_length=4000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept for ever beside both entries."),
    )

    def __init__(self, entry: Entry, names: Names, alone: bool, *args: Any) -> None:
        super().__init__(*args)
        self.entry, self.names, self.alone = entry, names, alone
        assert isinstance(entry.operation, Operation)
        self.operation = entry.operation
        self.void_only = isinstance(self.operation, _VOID_ONLY)
        if self.void_only:
            self.fields["action"].initial = "void"
            self.fields["action"].choices = [("void", gettext("Make it void: it did not happen"))]  # type: ignore[attr-defined]
        else:
            self.fields.update(self._facts())
        if others := self._others():
            self.fields["with_it"] = others
        if not alone:
            self.fields.update(_second_person())

    def _others(self) -> forms.MultipleChoiceField | None:
        """Offer the entries made in one go with this one: a wrong coach is wrong for all of them.

        What goes wrong together is the unit and the time; values are each entry's own.
        """
        entries = together(self.entry)
        stands = standing([e.operation.id for e in entries])
        self.together = {
            e.operation.id: e for e in entries
            if e.operation.id not in stands and e.operation.id != self.operation.id
        }  # fmt: skip
        if not self.together:
            return None
        choices = [(id_, _in_short(e, self.names)) for id_, e in self.together.items()]
        return forms.MultipleChoiceField(
            label=_("Made in one go with it: correct unit and time of these too"),
            choices=choices, required=False, initial=list(self.together),
            widget=forms.CheckboxSelectMultiple,
        )  # fmt: skip

    @property
    def zone(self) -> ZoneInfo:
        """The clock the moment is typed on: the site's."""
        return the_app().config.zone_of(self.operation.site)

    def _facts(self) -> dict[str, forms.Field]:
        operation = self.operation
        facts: dict[str, forms.Field] = {}
        if len(operation.units) == 1:
            facts["unit"] = _text(gettext("Unit: number or id"), operation.units[0])
        local = moment(self.entry.happened_us).astimezone(self.zone)
        facts["happened_at"] = forms.DateTimeField(
            label=_("Happened"), initial=local.strftime(_LOCAL), input_formats=[_LOCAL],
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
        )
        for index, reading in enumerate(operation.readings):
            where = f" ({self.names.place(reading.place)})" if reading.place else ""
            sign = self.names.unit_of_measure(reading.unit)
            label = f"{self.names.quantity(reading.quantity)}{where}, {sign}".removesuffix(", 1")
            facts[f"reading-{index}"] = _text(label, reading.value, figure=True)
        for field in (*_FIGURES, *_TEXTS):
            value = getattr(operation, field, None)
            if value or (field in _TEXTS and field in operation.__struct_fields__):
                label = gettext(words.word(words.FIELDS, field))
                facts[f"{_FACT}{field}"] = _text(label, value or "", field in _FIGURES)
        return facts

    def facts(self) -> Iterator[Any]:
        """Yield the fields of the entry itself."""
        own = {"action", "reason", "with_it"}
        return (
            self[name] for name in self.fields
            if name not in own and not name.startswith("second")
        )  # fmt: skip

    def second(self) -> Iterator[Any]:
        """Yield the fields of the second person, when one is needed."""
        return (self[name] for name in self.fields if name.startswith("second"))

    def clean(self) -> dict[str, Any]:
        """Put the replacement together; what does not hold is said beside the form."""
        data = super().clean() or {}
        self.targets = [self.operation, *self._with_it(data)]
        self.replacements: dict[str, Operation] = {}
        if data.get("action") == "replace" and not self.errors:
            try:
                self.replacements = {self.operation.id: self._replacement(data)}
                for other in self.targets[1:]:
                    self.replacements[other.id] = self._moved(other, data)
            except (msgspec.ValidationError, BadOperation) as error:
                said = in_words(error) if isinstance(error, BadOperation) else str(error)
                raise forms.ValidationError(said) from error
        return data

    def _replacement(self, data: dict[str, Any]) -> Operation:
        """Return the entry said rightly, under its own id: what names it keeps naming it."""
        operation = self.operation
        said = msgspec.to_builtins(operation)
        for name in (name for name in data if name.startswith(_FACT)):
            field, typed = name.removeprefix(_FACT), data[name].strip()
            said[field] = _decimal(typed) if field in _FIGURES else typed
            if not said[field]:
                del said[field]
        for index, reading in enumerate(said.get("readings", ())):
            reading["value"] = _decimal(data[f"reading-{index}"])
        if self._other_unit(data):
            said["units"] = [self._unit(operation, data)]
            said.pop("marks", None)
        said["happened_at"] = self._happened_at(data).isoformat()
        replacement = decode(msgspec.json.encode(said))
        if replacement == operation:
            raise BadOperation("nothing is changed: change what is wrong, or make the entry void")
        return replacement

    def _with_it(self, data: dict[str, Any]) -> list[Operation]:
        found = (self.together[id_].operation for id_ in data.get("with_it") or ())
        return [operation for operation in found if isinstance(operation, Operation)]

    def _other_unit(self, data: dict[str, Any]) -> bool:
        typed = data.get("unit", "").strip()
        return bool(typed) and typed != self.operation.units[0]

    def _unit(self, operation: Operation, data: dict[str, Any]) -> str:
        return in_its_place(operation, _unit(data["unit"].strip()))

    def _moved(self, operation: Operation, data: dict[str, Any]) -> Operation:
        """Return another entry of the same go with the unit and the time put right."""
        said = msgspec.to_builtins(operation)
        if self._other_unit(data):
            said["units"] = [self._unit(operation, data)]
            said.pop("marks", None)
        late = self._happened_at(data) - self.operation.happened_at
        said["happened_at"] = (operation.happened_at + late).isoformat()
        moved = decode(msgspec.json.encode(said))
        if moved == operation:
            raise BadOperation(
                "only a wrong unit or time is corrected for several entries at once: take the "
                "others out"
            )
        return moved

    def _happened_at(self, data: dict[str, Any]) -> datetime:
        """The moment typed; one that was not touched keeps its seconds."""
        if "happened_at" not in self.changed_data:
            return self.operation.happened_at
        typed: datetime = data["happened_at"]
        return typed.replace(tzinfo=self.zone)


def _in_short(entry: Entry, names: Names) -> str:
    """Say which entry it is: the part, and its first readings."""
    unit = names.unit(the_app().knowledge().passport(entry.units[0]))
    readings = getattr(entry.operation, "readings", ())
    said = [
        f"{names.quantity(r.quantity)} {names.place(r.place)} {names.value(r.value, r.unit)}"
        for r in readings[:2]
    ]
    return f"{unit}: {'; '.join(said)}" if said else unit


def in_its_place(operation: Operation, unit: str) -> str:
    """Return the part that was on another vehicle where the operation's part was on its own.

    A person who took the wrong coach names the right coach, not its eight wheels. A unit that is
    itself what is meant is returned as it is. Raises BadOperation when nothing was there.
    """
    knowledge = the_app().knowledge(operation.happened_at)
    classes = the_app().catalogue().vehicle_types
    was, meant = knowledge.passport(operation.units[0]), knowledge.passport(unit)
    _root, chain = knowledge.root(operation.units[0])
    if was.type in classes or meant.type not in classes or not chain:
        return unit
    for stay in reversed(chain):
        there = [s for s in knowledge.genealogy(unit).carried() if s.position == stay.position]
        if not there:
            raise BadOperation(
                "{unit} had nothing at {position} then: name the part by its own number",
                field="units", unit=the_names().unit(knowledge.passport(unit)),
                position=the_names().position(stay.position),
            )  # fmt: skip
        unit = there[0].part
    return unit


def _text(label: str, initial: str, figure: bool = False) -> forms.CharField:
    attributes = {"inputmode": "decimal"} if figure else {}
    return forms.CharField(
        label=label, initial=initial, required=figure, max_length=4000,
        widget=forms.TextInput(attrs={"autocomplete": "off", **attributes}),
    )  # fmt: skip


def _second_person() -> dict[str, forms.Field]:
    return {
        "second": forms.CharField(
            label=_("User name or badge"), max_length=150,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        ),
        "second_password": forms.CharField(
            label=_("Password or PIN"), widget=forms.PasswordInput(attrs={"autocomplete": "off"})
        ),
    }


def _decimal(text: str) -> str:
    return text.strip().replace("\u202f", "").replace(" ", "").replace(",", ".")


def _unit(text: str) -> str:
    """Return the unit of an id or of a number it bears now."""
    app = the_app()
    if app.knowledge().known(text):
        return text
    for number in spellings(text):
        if app.lookup.bearers(number):
            return app.bearer(number)
    raise BadOperation("no unit bears the number {number}", field="units", number=text)


@allowed("correct")
def correct(request: HttpRequest, id_: str) -> HttpResponse:
    """Show the form of a correction; record it."""
    entry = the_app().entry(id_)
    if not correctable(entry.operation):
        raise Refused("entries of this kind are not corrected by hand")
    me = person_of(request.user).person_id
    alone = me not in {entry.submitter, *getattr(entry.operation, "performed_by", ())}
    form = Correction(entry, the_names(), alone, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            confirmed_by = None if alone else _confirmed_by(request, form)
            return _record(request, form, confirmed_by)
        except Refused as error:
            form.add_error(None, in_words(error))
    context = {"section": "trace", "form": form, "entry": entry, "id": id_}
    status = 422 if request.method == "POST" else 200
    return render(request, "correct.html", context, status=status)


def _confirmed_by(request: HttpRequest, form: Correction) -> str:
    """Return the pseudonym of the second person. Raises Refused when it is nobody who may."""
    data = form.cleaned_data
    user: Any = holder(request, data["second"], data["second_password"])
    if user is None:
        with too_many_attempts(request, data["second"]) as attempt:
            user = authenticate(request, username=data["second"], password=data["second_password"])
            attempt.failed = user is None
    site = site_of(the_app().knowledge(), form.operation)
    if user is None or user == request.user or not may(user, "correct", site):
        raise Refused(
            "the second person is to be somebody else who may correct, with their own password"
        )
    return person_of(user).person_id


def _record(request: HttpRequest, form: Correction, confirmed_by: str | None) -> HttpResponse:
    data = form.cleaned_data
    corrections = [
        made(
            request, Corrected, units=target.units, site=target.site, target=target.id,
            action=data["action"], reason=data["reason"], confirmed_by=confirmed_by,
            replacement=form.replacements.get(target.id),
        )
        for target in form.targets
    ]  # fmt: skip
    record_all(request, corrections)
    tell_of_corrections()
    count = len(corrections)
    messages.success(
        request,
        ngettext(
            "The entry is corrected; both stay in the trace.",
            "{count} entries are corrected; all stay in the trace.", count,
        ).format(count=count),
    )  # fmt: skip
    return redirect("operation", form.operation.id)
