"""What is done to parts of the stock, each a form of at most five fields.

A form refuses what the trace already contradicts, with the reason beside the field. The same
operation sent by another program is recorded, and the contradiction is raised by the views.
"""

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation
from railtrace.projections.stock import Stock
from railtrace.trace.leaf import moment
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    Cannibalised,
    Disbanded,
    Formed,
    Installed,
    LoanEnded,
    LocationReported,
    Member,
    Number,
    Operation,
    PartAccepted,
    PartBorrowed,
    PartIssued,
    PartLent,
    PartReserved,
    PartStored,
    Reading,
    Registered,
    Removed,
)
from railtrace.web.clocks import day as day_words
from railtrace.web.depot.finding import find_parts, find_position, find_unit, not_known, when
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.record import made, record_all
from railtrace.web.running import the_app

_SCAN = forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "next"})
_MANY = forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"})


def day_of(us: int) -> str:
    """Write the day of a moment of the trace."""
    return day_words(moment(us), (get_language() or "ru")[:2], home_zone())


def parts_field() -> forms.CharField:
    """Return the field that numbers are scanned into."""
    return forms.CharField(
        label=_("Numbers of the parts"), widget=_MANY, max_length=8000,
        help_text=_("scan or type, one number a line"),
    )  # fmt: skip


def part_field(label: Any = "") -> forms.CharField:
    """Return the field that one number is scanned into."""
    return forms.CharField(label=label or _("Number of the part"), widget=_SCAN, max_length=80)


def vehicle_field(label: Any = "", **options: Any) -> forms.CharField:
    """Return the field that a vehicle's number is scanned into."""
    return forms.CharField(label=label or _("Vehicle"), widget=_SCAN, max_length=80, **options)


def order_field() -> forms.CharField:
    """Return the field of a work order."""
    return forms.CharField(label=_("Work order"), max_length=80, required=False)


def new_type_field(holds: str = "") -> forms.ChoiceField:
    """Return the field of the type of parts that nobody knows yet; `holds` a position they have."""
    return forms.ChoiceField(
        label=_("Type, if it is new to us"), required=False, choices=lambda: _types(holds),
        help_text=_("a number nobody knows is entered with this type, its history its own"),
    )  # fmt: skip


def _types(holds: str) -> list[tuple[str, str]]:
    names = the_names()
    rows = names.catalogue.part_types.values()
    some = [r for r in rows if not holds or any(p.position == holds for p in r.parts)]
    return [("", "—"), *sorted(((r.key, r.name(names.language)) for r in some), key=lambda c: c[1])]


def date_field(label: Any, help_text: Any = "") -> forms.DateField:
    """Return a field for a day."""
    return forms.DateField(label=label, required=False, help_text=help_text,
                           widget=forms.DateInput(attrs={"type": "date"}))  # fmt: skip


def store_field(required: bool = True) -> forms.CharField:
    """Return the field that names a store; the stores there are stand in a list."""
    return forms.CharField(label=_("Store"), max_length=64, required=required,
                           widget=forms.TextInput(attrs={"list": "stores"}))  # fmt: skip


class Act(forms.Form):
    """Something done to parts; `why_not` says what the trace has against it, part by part."""

    kind: ClassVar[type[Operation]]
    word: ClassVar[Any] = ""
    done: ClassVar[Any] = ""

    def clean(self) -> dict[str, Any]:
        """Find the parts, the vehicle, and everything that speaks against it."""
        data = super().clean() or {}
        if "parts" in data:
            self._find_parts(data)
        if "vehicle" in self.fields:
            data["carrier"] = self._found("vehicle", data.get("vehicle", ""), part=False)
        if not self.errors:
            self.examine(data)
        return data

    def _find_parts(self, data: dict[str, Any]) -> None:
        units, unknown, complaints = find_parts(data["parts"])
        new = unknown if data.get("new_type") else []
        strange = () if new else unknown
        for said in (*complaints, *map(self._not_known, strange)):
            self.add_error("parts", said)
        data["units"], data["new"] = tuple(units), [self._number(number) for number in new]

    def _not_known(self, number: str) -> str:
        """Say that nobody knows a number, and what to do in this form."""
        if "new_type" not in self.fields:
            return not_known(number)
        return gettext(
            "no part bears the number {number}: check it, or choose its type if it is new to us"
        ).format(number=number)

    def _number(self, text: str) -> Number:
        """Return a number nobody bears yet, as it will be entered."""
        try:
            return Number(scheme="serial", value=check_number("serial", text))
        except BadOperation as error:
            self.refuse("parts", error.template, **error.values)
            return Number(scheme="other", value=text)

    def _found(self, field: str, text: str, *, part: bool) -> str | None:
        if not text:
            return None
        try:
            return find_unit(text, part=part)
        except BadOperation as error:
            self.refuse(field, error.template, **error.values)
            return None

    def refuse(self, field: str, template: str, **values: object) -> None:
        """Put a complaint beside a field."""
        self.add_error(field, gettext(template).format(**values))

    def examine(self, data: dict[str, Any]) -> None:
        """Say what speaks against each part."""
        names, knowledge = the_names(), the_app().knowledge()
        knowledge.load(data.get("units", ()))
        for unit in data.get("units", ()):
            number = names.number(knowledge.passport(unit))
            for template, values in self.why_not(unit, knowledge, data):
                self.refuse("parts", "{number}: " + gettext(template), number=number, **values)

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the reasons against one part."""
        yield from ()

    def said(self) -> dict[str, Any]:
        """Return the fields of the operation beside its parts and its day."""
        return {}

    def last_day(self) -> str | None:
        """Return the last day as operations write it."""
        until: date | None = self.cleaned_data["until"]
        return until.isoformat() if until else None

    def record(self, request: HttpRequest) -> None:
        """Record what was done."""
        data, at = self.cleaned_data, when(self.cleaned_data.get("day"))
        entered = [
            made(request, Registered, units=(new_unit(),), type=data["new_type"],
                 numbers=(number,), **at)
            for number in data["new"]
        ]  # fmt: skip
        data["units"] += tuple(unit for one in entered for unit in one.units)
        fact = made(request, self.kind, units=data["units"], **at, **self.said())
        record_all(request, [*entered, fact])


def _scrapped(knowledge: Any, unit: str) -> Iterator[tuple[str, dict[str, object]]]:
    if knowledge.passport(unit).scrapped:
        yield gettext_noop("it is taken out of use for ever"), {}


def _on_a_carrier(knowledge: Any, unit: str) -> Iterator[tuple[str, dict[str, object]]]:
    stay = knowledge.genealogy(unit).carrier()
    if stay is not None:
        carrier = the_names().unit(knowledge.passport(stay.carrier))
        yield gettext_noop("it is on {carrier}: take it off first"), {"carrier": carrier}


def _away(stock: Stock) -> Iterator[tuple[str, dict[str, object]]]:
    if stock.away is not None:
        away = stock.away
        yield gettext_noop("it is on list {list}, sent {day} to {to}"), {
            "list": away.list, "day": day_of(away.from_us), "to": away.to,
        }  # fmt: skip


def _not_accepted(knowledge: Any, unit: str) -> Iterator[tuple[str, dict[str, object]]]:
    since = knowledge.stock(unit).barred_us or knowledge.passport(unit).repair_us
    if since is not None:
        yield gettext_noop("in repair since {day}, not accepted"), {"day": day_of(since)}


def _reserved(
    stock: Stock, order: str, carrier: str | None
) -> Iterator[tuple[str, dict[str, object]]]:
    kept = stock.reservation
    if kept is None or (order and kept.order == order) or (carrier and kept.carrier == carrier):
        return
    target = kept.order
    if kept.carrier:
        target = the_names().unit(the_app().knowledge().passport(kept.carrier))
    yield gettext_noop("it is reserved for {order}: lift the reservation first"), {"order": target}


# --- store ------------------------------------------------------------------------------------


class Receive(Act):
    """Put parts into a store."""

    kind = PartStored
    word, done = _("Put into store"), _("Put into store: {count}.")
    parts = parts_field()
    new_type = new_type_field()
    store = store_field()
    bin = forms.CharField(label=_("Place in the store"), max_length=80, required=False)
    awaits = forms.BooleanField(label=_("is not accepted yet"), required=False)

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """A part that is on a vehicle or at a contractor's is not put into a store."""
        yield from _scrapped(knowledge, unit)
        yield from _on_a_carrier(knowledge, unit)
        yield from _away(knowledge.stock(unit))

    def said(self) -> dict[str, Any]:
        """Say where it is put."""
        data = self.cleaned_data
        return {"store": data["store"], "bin": data["bin"], "awaits_acceptance": data["awaits"]}


class Issue(Act):
    """Take parts out of a store for an order or a vehicle."""

    kind = PartIssued
    word, done = _("Issue"), _("Issued: {count}.")
    parts = parts_field()
    order = order_field()
    vehicle = vehicle_field(required=False)

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is not in the store, not accepted, on hold or reserved is not issued."""
        stock = knowledge.stock(unit)
        yield from _scrapped(knowledge, unit)
        yield from _away(stock)
        yield from _not_accepted(knowledge, unit)
        yield from _reserved(stock, data.get("order", ""), data.get("carrier"))
        if stock.holds:
            yield gettext_noop("it is on hold"), {}
        if not stock.store:
            yield gettext_noop("it is in no store: put it into one first"), {}

    def said(self) -> dict[str, Any]:
        """Say for what it is issued."""
        data = self.cleaned_data
        return {"work_order": data["order"], "carrier": data["carrier"]}


class Reserve(Act):
    """Keep parts for an order or a vehicle."""

    kind = PartReserved
    word, done = _("Reserve"), _("Reserved: {count}.")
    parts = parts_field()
    order = order_field()
    vehicle = vehicle_field(required=False)
    until = date_field(_("Until"))

    def clean(self) -> dict[str, Any]:
        """A reservation is for something."""
        data = super().clean()
        if not data.get("order") and not data.get("vehicle"):
            self.add_error("order", gettext("Say for which order or vehicle the parts are kept."))
        return data

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is reserved already is not reserved again."""
        stock = knowledge.stock(unit)
        yield from _scrapped(knowledge, unit)
        yield from _on_a_carrier(knowledge, unit)
        yield from _reserved(stock, "", None)

    def said(self) -> dict[str, Any]:
        """Say for what it is kept, and until when."""
        data = self.cleaned_data
        return {"work_order": data["order"], "carrier": data["carrier"], "until": self.last_day()}


class Accept(Act):
    """Accept parts for use after repair or purchase, or say that they are not accepted."""

    kind = PartAccepted
    word, done = _("Accept"), _("The acceptance is recorded: {count}.")
    parts = parts_field()
    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=[("passed", _("accepted")), ("failed", _("not accepted"))]
    )
    act = forms.CharField(label=_("Act or test report"), max_length=80, required=False)
    insulation = forms.DecimalField(
        label=_("Insulation resistance [MΩ]"), required=False, min_value=0, localize=True,
        help_text=_("of an electrical machine"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A reading belongs to one part."""
        data = super().clean()
        if data.get("insulation") is not None and len(data.get("units", ())) > 1:
            self.add_error("insulation", gettext("A reading belongs to one part: accept it alone."))
        return data

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is scrapped is not accepted; an electrical machine is measured first."""
        yield from _scrapped(knowledge, unit)
        row = the_app().catalogue().part_types.get(knowledge.passport(unit).type)
        measured = row is not None and any(
            m.quantity == "insulation_resistance" for m in row.measured
        )
        if measured and data.get("outcome") == "passed" and data.get("insulation") is None:
            yield gettext_noop("measure its insulation and enter the value"), {}

    def said(self) -> dict[str, Any]:
        """Say the outcome with the reading it rests on."""
        data = self.cleaned_data
        readings: tuple[Reading, ...] = ()
        if data["insulation"] is not None:
            value = format(data["insulation"].normalize(), "f")
            readings = (Reading(quantity="insulation_resistance", value=value, unit="MΩ"),)
        return {"outcome": data["outcome"], "act": data["act"], "readings": readings}


# --- vehicles ---------------------------------------------------------------------------------


class Fit(Act):
    """Put a part onto a vehicle."""

    kind = Installed
    word, done = _("Fit to a vehicle"), _("The part is fitted.")
    parts = part_field()
    vehicle = vehicle_field()
    position = forms.CharField(label=_("Position"), max_length=120,
                               help_text=_("its number or its name, like 2"))  # fmt: skip
    order = order_field()

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is not accepted, reserved for another, on hold or elsewhere is not fitted."""
        stock = knowledge.stock(unit)
        yield from _scrapped(knowledge, unit)
        yield from _not_accepted(knowledge, unit)
        yield from _on_a_carrier(knowledge, unit)
        yield from _reserved(stock, data["order"], data["carrier"])
        if knowledge.passport(unit).holds:
            yield gettext_noop("it is on hold"), {}
        if stock.disbanded_us is not None:
            yield gettext_noop("it was disbanded on {day}"), {"day": day_of(stock.disbanded_us)}
        self._examine_position(unit, knowledge, data)

    def _examine_position(self, unit: str, knowledge: Any, data: dict[str, Any]) -> None:
        names, carrier = the_names(), data["carrier"]
        try:
            data["path"] = find_position(
                names, knowledge.passport(carrier).type, knowledge.passport(unit).type,
                data["position"],
            )  # fmt: skip
        except BadOperation as error:
            self.refuse("position", error.template, **error.values)
            return
        for stay in knowledge.genealogy(carrier).carried():
            if stay.position == data["path"]:
                other = names.unit(knowledge.passport(stay.part))
                said = gettext_noop("{part} is there: take it off first")
                self.refuse("position", said, part=other)

    def said(self) -> dict[str, Any]:
        """Say where it is fitted."""
        data = self.cleaned_data
        return {
            "carrier": data["carrier"], "position": data["path"], "work_order": data["order"],
        }  # fmt: skip


class TakeOff(Act):
    """Take a part off the vehicle it is on; if it is taken for another one, note the debt."""

    kind = Removed
    word, done = _("Take off a vehicle"), _("The part is taken off.")
    parts = part_field()
    reason = forms.CharField(label=_("Reason"), max_length=200)
    vehicle = vehicle_field(
        _("Taken for another vehicle"), required=False,
        help_text=_("leave empty unless it is to be owed to the vehicle it comes from"),
    )  # fmt: skip
    store = store_field(required=False)

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is on nothing cannot be taken off."""
        stay = knowledge.genealogy(unit).carrier()
        if stay is None:
            yield gettext_noop("it is on no vehicle as far as the trace knows"), {}
            return
        data["stay"] = stay
        if data["carrier"] == stay.carrier:
            self.refuse("vehicle", gettext_noop("it is taken from this very vehicle"))

    def record(self, request: HttpRequest) -> None:
        """Record the removal, the debt it makes, and where the part is put, together."""
        data = self.cleaned_data
        units, stay = data["units"], data["stay"]
        done = [made(request, Removed, units=units, carrier=stay.carrier, position=stay.position,
                     reason=data["reason"])]  # fmt: skip
        if data["carrier"]:
            done.append(made(request, Cannibalised, units=units, donor=stay.carrier,
                             position=stay.position, recipient=data["carrier"]))  # fmt: skip
        if data["store"]:
            done.append(made(request, PartStored, units=units, store=data["store"]))
        record_all(request, done)


# --- whose it is ------------------------------------------------------------------------------


class Lend(Act):
    """Lend parts of ours."""

    kind = PartLent
    word, done = _("Lend"), _("Lent: {count}.")
    parts = parts_field()
    to = forms.CharField(label=_("To whom"), max_length=200)
    until = date_field(_("Until"))

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is lent or borrowed already is not lent."""
        yield from _scrapped(knowledge, unit)
        yield from _on_a_carrier(knowledge, unit)
        yield from _loan_of(knowledge.stock(unit))

    def said(self) -> dict[str, Any]:
        """Say to whom, and until when."""
        return {"to": self.cleaned_data["to"], "until": self.last_day()}


def _loan_of(stock: Stock) -> Iterator[tuple[str, dict[str, object]]]:
    if stock.loan is not None:
        yield gettext_noop("a loan with {party} is open since {day}"), {
            "party": stock.loan.party, "day": day_of(stock.loan.from_us),
        }  # fmt: skip


class Borrow(Act):
    """Take parts that are not ours for use."""

    kind = PartBorrowed
    word, done = _("Borrow"), _("Borrowed: {count}.")
    parts = parts_field()
    new_type = new_type_field()
    of = forms.CharField(label=_("Of whom"), max_length=200)
    owner_state = forms.ChoiceField(label=_("Owner state"), required=False)
    until = date_field(_("Until"))
    day = date_field(_("On which day"), _("empty: today"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = the_names()
        rows = sorted(names.catalogue.owner_states.items())
        self.fields["owner_state"].choices = [  # type: ignore[attr-defined]
            ("", "—"), *((key, f"{key} · {row.name(names.language)}") for key, row in rows)
        ]

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is lent or borrowed already is not borrowed."""
        yield from _loan_of(knowledge.stock(unit))

    def said(self) -> dict[str, Any]:
        """Say whose it is, and until when."""
        data = self.cleaned_data
        return {"of": data["of"], "owner_state": data["owner_state"], "until": self.last_day()}


class GiveBack(Act):
    """End a loan: the parts are back with whose they are."""

    kind = LoanEnded
    word, done = _("End a loan"), _("The loan is ended: {count}.")
    parts = parts_field()
    reason = forms.CharField(label=_("Paper or remark"), max_length=200, required=False)
    day = date_field(_("On which day"), _("empty: today"))

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """A borrowed part that is still on a vehicle cannot be given back."""
        loan = knowledge.stock(unit).loan
        if loan is None:
            yield gettext_noop("no loan of it is open"), {}
        elif loan.kind == "borrowed":
            yield from _on_a_carrier(knowledge, unit)

    def said(self) -> dict[str, Any]:
        """Say by which paper."""
        return {"reason": self.cleaned_data["reason"]}


class Abroad(Act):
    """A part of ours stayed abroad."""

    kind = LocationReported
    word, done = _("Ours stayed abroad"), _("Noted as abroad: {count}.")
    parts = parts_field()
    place = forms.CharField(label=_("Place"), max_length=200)
    day = date_field(_("On which day"), _("empty: today"))

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is on a vehicle is where the vehicle is."""
        yield from _on_a_carrier(knowledge, unit)

    def said(self) -> dict[str, Any]:
        """Say where it stayed: somebody's paper says so."""
        place = self.cleaned_data["place"]
        return {"place": place, "whereabouts": "abroad", "basis": "document"}


def _not_to_be_used(knowledge: Any, unit: str) -> Iterator[tuple[str, dict[str, object]]]:
    yield from _scrapped(knowledge, unit)
    yield from _on_a_carrier(knowledge, unit)
    yield from _away(knowledge.stock(unit))
    yield from _not_accepted(knowledge, unit)
    if knowledge.passport(unit).holds:
        yield gettext_noop("it is on hold"), {}


def _side(position: str) -> str:
    """Return which field of the form a position belongs to."""
    side = position.rpartition(".")[2]
    return side if side in ("left", "right") else "axle"


# --- forming ----------------------------------------------------------------------------------


class FormWheelset(Act):
    """Form a wheelset of an axle, wheels or tyres, and boxes."""

    kind = Formed
    word, done = _("Form a wheelset"), _("The wheelset is formed.")
    parts = part_field(_("Number of the wheelset"))
    new_type = new_type_field("axle")
    axle = part_field(_("Axle"))
    left = forms.CharField(
        label=_("Left side: wheel, tyre, box"), widget=_MANY, max_length=400,
        help_text=_("scan or type, one number a line"),
    )  # fmt: skip
    right = forms.CharField(
        label=_("Right side: wheel, tyre, box"), widget=_MANY, max_length=400,
        help_text=_("scan or type, one number a line"),
    )  # fmt: skip

    def examine(self, data: dict[str, Any]) -> None:
        """A new wheelset has nothing against it; its parts may have."""
        super().examine(data)
        if not data["units"] and not data["new"]:
            return
        knowledge, rows = the_app().knowledge(), the_app().catalogue().part_types
        type_ = knowledge.passport(data["units"][0]).type if data["units"] else data["new_type"]
        places = {p.position: p.part_type for p in rows[type_].parts} if type_ in rows else {}
        members: dict[str, str] = {}
        for field in ("axle", "left", "right"):
            self._place(field, places, members, knowledge)
        self._missing(type_, places, members)
        data["members"] = tuple(Member(unit=u, position=at) for at, u in members.items())

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is formed already, or away, is not formed."""
        yield from _scrapped(knowledge, unit)
        yield from _on_a_carrier(knowledge, unit)
        yield from _away(knowledge.stock(unit))
        if knowledge.genealogy(unit).carried():
            yield gettext_noop("it is formed already: disband it first"), {}

    def _place(
        self, field: str, places: dict[str, str], members: dict[str, str], knowledge: Any
    ) -> None:
        """Give each part of a side the place of its type, once."""
        names = the_names()
        units, unknown, complaints = find_parts(self.cleaned_data[field])
        for said in (*complaints, *map(not_known, unknown)):
            self.add_error(field, said)
        for unit in units:
            passport = knowledge.passport(unit)
            for template, values in _not_to_be_used(knowledge, unit):
                self.refuse(field, "{number}: " + gettext(template),
                            number=names.number(passport), **values)  # fmt: skip
            fitting = [at for at, t in places.items() if t == passport.type and _side(at) == field]
            free = [at for at in fitting if at not in members and unit not in members.values()]
            if not fitting:
                said = gettext_noop("{part} has no place here on this wheelset")
                self.refuse(field, said, part=names.unit(passport))
            elif not free:
                said = gettext_noop("{part}: its place here is taken by another part of this form")
                self.refuse(field, said, part=names.unit(passport))
            else:
                members[free[0]] = unit

    def _missing(self, type_: str, places: dict[str, str], members: dict[str, str]) -> None:
        """A wheelset has at least its axle and both wheels."""
        for at in places:
            field = _side(at)
            if at.split(".")[0] in ("axle", "wheel") and at not in members and not self.errors:
                said = gettext_noop("{position} is missing: a wheelset has an axle and two wheels")
                self.refuse(field, said, position=the_names().position(at))

    def said(self) -> dict[str, Any]:
        """Say what it is formed of."""
        return {"parts": self.cleaned_data["members"]}


class Disband(Act):
    """Take apart what was formed."""

    kind = Disbanded
    word, done = _("Disband a wheelset"), _("The wheelset is disbanded; its parts live on.")
    parts = part_field(_("Number of the wheelset"))
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def why_not(
        self, unit: str, knowledge: Any, data: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, object]]]:
        """What is under a vehicle is taken off first."""
        yield from _on_a_carrier(knowledge, unit)
        data["carried"] = tuple(stay.part for stay in knowledge.genealogy(unit).carried())
        if not data["carried"]:
            yield gettext_noop("the trace knows of no part on it"), {}

    def said(self) -> dict[str, Any]:
        """Say which parts come apart, and why."""
        data = self.cleaned_data
        return {"parts": data["carried"], "reason": data["reason"]}


ACTS: dict[str, type[Act]] = {
    "receive": Receive, "issue": Issue, "reserve": Reserve, "accept": Accept, "fit": Fit,
    "take-off": TakeOff, "lend": Lend, "borrow": Borrow, "give-back": GiveBack, "abroad": Abroad,
    "form": FormWheelset, "disband": Disband,
}  # fmt: skip

def new_unit() -> str:
    """Return the id of a part entered by hand."""
    return f"u-{uuid.uuid4()}"
