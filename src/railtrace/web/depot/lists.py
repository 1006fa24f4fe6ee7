"""Sending lists: what left for a wheel shop or contractor, what came for it, the balance."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation, NotFound
from railtrace.projections.lists import Line, SendingList
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    Condemned,
    Number,
    PartExchanged,
    PartReturned,
    PartSent,
    Registered,
    SendingListClosed,
    SendingListOpened,
)
from railtrace.web.clocks import from_us
from railtrace.web.depot.finding import find_parts, not_known, numbers_of, when
from railtrace.web.depot.stock import csv_line, workbook
from railtrace.web.depot.stock_forms import (
    date_field,
    day_of,
    new_unit,
    parts_field,
    store_field,
)
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.people.where import not_said
from railtrace.web.record import record_one
from railtrace.web.roles import may
from railtrace.web.running import the_app

_SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,79}\Z"
STATES = {"": _("all"), "open": _("open"), "missing": _("something is missing"),
          "closed": _("closed")}  # fmt: skip
COLUMNS = (
    gettext_noop("No."), gettext_noop("Type"), gettext_noop("Number"), gettext_noop("Maker"),
    gettext_noop("Made"), gettext_noop("Taken from"), gettext_noop("Reason"),
    gettext_noop("Own mileage [km]"), gettext_noop("Sent"), gettext_noop("Came back"),
    gettext_noop("Return list"), gettext_noop("Outcome"),
)  # fmt: skip


class NewList(forms.Form):
    """A list to be begun."""

    name = forms.RegexField(
        _NAME, label=_("Number of the list"), max_length=80,
        error_messages={"invalid": _("Latin letters, digits and . _ : @ / - only")},
    )  # fmt: skip
    to = forms.CharField(label=_("To whom"), max_length=200,
                         widget=forms.TextInput(attrs={"list": "contractors"}))  # fmt: skip
    due = date_field(_("Expected back"))

    def clean_name(self) -> str:
        """A number is given once."""
        name = str(self.cleaned_data["name"])
        if the_app().knowledge().sending_list(name).name:
            raise forms.ValidationError(
                gettext("There is a list {list} already.").format(list=name)
            )
        return name


class Send(forms.Form):
    """Parts that leave."""

    parts = parts_field()
    repair = forms.BooleanField(label=_("for repair"), required=False, initial=True)
    day = date_field(_("On which day"), _("empty: today"))

    def clean_parts(self) -> tuple[str, ...]:
        """A part is on one list at a time, and not under a vehicle."""
        units, unknown, complaints = find_parts(self.cleaned_data["parts"])
        wrong = [*complaints, *map(not_known, unknown)]
        knowledge, names = the_app().knowledge(), the_names()
        knowledge.load(units)
        wrong += [said for unit in units for said in _against_sending(unit, knowledge, names)]
        if wrong:
            raise forms.ValidationError(wrong)
        return tuple(units)


def _against_sending(unit: str, knowledge: Knowledge, names: Names) -> list[str]:
    stock, stay = knowledge.stock(unit), knowledge.genealogy(unit).carrier()
    number, found = names.number(knowledge.passport(unit)), []
    if stock.away is not None:
        found.append(
            gettext("{number}: it is on list {list}, sent {day} to {to}").format(
                number=number, list=stock.away.list, day=day_of(stock.away.from_us),
                to=stock.away.to,
            )
        )  # fmt: skip
    if stay is not None:
        carrier = names.unit(knowledge.passport(stay.carrier))
        found.append(
            gettext("{number}: it is on {carrier}: take it off first").format(
                number=number, carrier=carrier
            )
        )
    if knowledge.passport(unit).scrapped:
        found.append(gettext("{number}: it is taken out of use for ever").format(number=number))
    return found


class Return(forms.Form):
    """Parts that come in against a list."""

    parts = parts_field()
    paper = forms.CharField(label=_("Number of the return list"), max_length=80)
    store = store_field(required=False)
    day = date_field(_("On which day"), _("empty: today"))
    new = forms.BooleanField(
        label=_("a number nobody knows is a part new to us"), required=False,
        help_text=_("it is entered with the type of the parts sent; its history is its own"),
    )  # fmt: skip

    def __init__(self, state: SendingList, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state

    def clean(self) -> dict[str, Any]:
        """Find the parts; a number nobody knows is entered only when that is said."""
        data = super().clean() or {}
        if "parts" not in data:
            return data
        units, unknown, complaints = find_parts(data["parts"])
        for said in complaints:
            self.add_error("parts", said)
        data["units"], data["strangers"] = tuple(units), []
        for number in unknown:
            self._stranger(number, data)
        self._not_twice(units)
        return data

    def _stranger(self, number: str, data: dict[str, Any]) -> None:
        if not data.get("new"):
            self.add_error("parts", not_known(number))
            return
        try:
            data["strangers"].append(check_number("serial", number))
        except BadOperation as error:
            self.add_error("parts", in_words(error))

    def _not_twice(self, units: list[str]) -> None:
        names, knowledge = the_names(), the_app().knowledge()
        for unit in units:
            line = self.state.line(unit)
            if line is not None and line.back_us is not None:
                self.add_error("parts", gettext("{number} came back on {day} already").format(
                    number=names.number(knowledge.passport(unit)), day=day_of(line.back_us),
                ))  # fmt: skip


class Exchange(forms.Form):
    """Which part came in whose place: a person says so, nothing else does."""

    came = forms.ChoiceField(label=_("Came in"))
    instead_of = forms.ChoiceField(label=_("In the place of"))

    def __init__(self, state: SendingList, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        strange = [ln.part for ln in state.lines if ln.sent_us is None and not ln.instead_of]
        missing = _missing(state)
        self.fields["came"].choices = _choices(strange, names)  # type: ignore[attr-defined]
        self.fields["instead_of"].choices = _choices(missing, names)  # type: ignore[attr-defined]


class Paper(forms.Form):
    """The shop's paper that condemns a part."""

    part = forms.ChoiceField(label=_("Part"))
    paper = forms.CharField(label=_("Number of the shop's paper"), max_length=120)
    day = date_field(_("Day of the paper"))

    def __init__(self, state: SendingList, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["part"].choices = _choices(_not_back(state), names)  # type: ignore[attr-defined]


class Close(forms.Form):
    """What is settled when a list is closed."""

    given_up = forms.MultipleChoiceField(
        label=_("These will not come back"), required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(label=_("Remark"), max_length=200, required=False)

    def __init__(self, state: SendingList, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state
        self.fields["given_up"].choices = _choices(_missing(state), names)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A list is closed when it balances."""
        data = super().clean() or {}
        balance = self.state.balance
        missing = balance.missing - len(data.get("given_up", ()))
        if missing or balance.strange:
            raise forms.ValidationError(
                gettext(
                    "The balance does not close: {sent} sent, {returned} returned, {missing} "
                    "missing, {strange} came that were never sent. Say in whose place they came, "
                    "or tick what will not come back."
                ).format(sent=balance.sent, returned=balance.returned, missing=missing,
                         strange=balance.strange)
            )  # fmt: skip
        return data


def _choices(units: list[str], names: Names) -> list[tuple[str, str]]:
    return list(zip(units, numbers_of(units, names), strict=True))


def _missing(state: SendingList) -> list[str]:
    """Parts for which nothing came."""
    replaced = state.replaced_by
    return [part for part in _not_back(state) if part not in replaced]


def _not_back(state: SendingList) -> list[str]:
    """Parts that did not come back themselves, whatever came in their place."""
    return [ln.part for ln in state.lines if ln.sent_us is not None and ln.back_us is None]


# --- pages ------------------------------------------------------------------------------------


def lists(request: HttpRequest) -> HttpResponse:
    """Show the sending lists; begin a new one."""
    app = the_app()
    may_record = may(request.user, "record")
    form = NewList(request.POST or None, initial={"name": _next_name()})
    missing = not_said(request) if request.method == "POST" else ""
    if request.method == "POST" and may_record and form.is_valid() and not missing:
        data = form.cleaned_data
        due = data["due"].isoformat() if data["due"] else None
        record_one(request, SendingListOpened, list=data["name"], to=data["to"], due=due)
        return redirect("sending-list", data["name"])
    state, text = request.GET.get("state", ""), request.GET.get("text", "").strip()
    today = app.clock().date().isoformat()
    context = {
        "section": "depot", "tab": "lists", "form": form, "state": state, "text": text,
        "states": STATES, "contractors": app.stockroom.contractors(), "today": today,
        "lists": app.stockroom.lists(state, text), "now": app.clock(),
        "site_missing": missing,
    }  # fmt: skip
    return render(request, "depot/lists.html", context)


def _next_name() -> str:
    return f"{the_app().clock():%Y-%m-%d}-{get_random_string(3, _SAYABLE)}"


def _found(name: str) -> SendingList:
    state = the_app().knowledge().sending_list(name)
    if not state.name:
        raise NotFound("there is no sending list {list}", list=name)
    return state


def sending_list(request: HttpRequest, name: str) -> HttpResponse:
    """Show one list: its lines, its balance, and what can be done with it now."""
    state, names = _found(name), the_names()
    form_name = request.POST.get("form", "")
    forms_ = _forms(state, names, form_name, request)
    site_missing = not_said(request) if request.method == "POST" else ""
    if request.method == "POST" and may(request.user, "record"):
        form = forms_.get(form_name)
        if form is not None and form.is_valid() and not site_missing:
            _DO[form_name](request, state, form.cleaned_data)
            return redirect("sending-list", name)
    lines = _lines(state, names)
    balance = state.balance
    context = {
        "section": "depot", "tab": "lists", "list": state, "balance": balance, "lines": lines,
        "forms": forms_, "names": names, "papers": _papers(state), "now": the_app().clock(),
        "stores": the_app().stockroom.stores(),
        "not_back": _not_back(state), "missing": _missing(state),
        "open_form": form_name, "site_missing": site_missing,
        "contradictions": [
            names.contradiction(c.name, _named(c.values, names))
            for c in state.contradictions.values() if not c.resolution
        ],
    }  # fmt: skip
    return render(request, "depot/list.html", context)


def _named(values: dict[str, str], names: Names) -> dict[str, str]:
    knowledge = the_app().knowledge()
    units = {"part", "other"}
    return {
        k: names.unit(knowledge.passport(v)) if k in units else v for k, v in values.items()
    }


def _forms(
    state: SendingList, names: Names, posted: str, request: HttpRequest
) -> dict[str, forms.Form]:
    def given(name: str) -> Any:
        return request.POST if posted == name else None

    found: dict[str, forms.Form] = {}
    if state.closed_us is None:
        found = {"send": Send(given("send")), "return": Return(state, given("return"))}
        if state.balance.strange and _missing(state):
            found["exchange"] = Exchange(state, names, given("exchange"))
        if state.lines:
            found["close"] = Close(state, names, given("close"))
    if _not_condemned(state):
        found["paper"] = Paper(state, names, given("paper"))
    return found


def _not_condemned(state: SendingList) -> bool:
    knowledge = the_app().knowledge()
    return any(not knowledge.passport(part).scrapped for part in _not_back(state))


def _papers(state: SendingList) -> list[str]:
    return list(dict.fromkeys(line.paper for line in state.lines if line.back_us is not None))


def _lines(state: SendingList, names: Names) -> list[dict[str, Any]]:
    knowledge = the_app().knowledge()
    knowledge.load([line.part for line in state.lines])
    return [_line(n, line, state, knowledge, names) for n, line in enumerate(state.lines, 1)]


def _line(
    number: int, line: Line, state: SendingList, knowledge: Knowledge, names: Names
) -> dict[str, Any]:
    passport, stays = knowledge.passport(line.part), knowledge.genealogy(line.part).stays
    start_us = line.sent_us or line.back_us or 0
    km = knowledge.mileage().at(line.part, start_us or microseconds(the_app().clock()))
    last = next((s for s in reversed(stays) if s.to_us is not None and s.to_us <= start_us), None)
    return {
        "n": number, "line": line, "part": line.part, "type": names.type(passport.type),
        "number": names.number(passport), "maker": passport.maker, "made": passport.made,
        "from": names.unit(knowledge.passport(last.carrier)) if last else "",
        "reason": last.reason if last else "",
        # Nothing told is not nothing run.
        "km_milli": km or None,
        "outcome": _outcome(line, state, knowledge, names),
    }  # fmt: skip


def _outcome(line: Line, state: SendingList, knowledge: Knowledge, names: Names) -> str:
    """Say in words what became of a line."""
    if line.instead_of:
        other = names.number(knowledge.passport(line.instead_of))
        return gettext("came in the place of {number}").format(number=other)
    if line.sent_us is None:
        return gettext("was never sent on this list")
    if line.back_us is not None:
        return gettext("came back")
    if knowledge.passport(line.part).scrapped:
        return gettext("condemned by the shop's paper")
    if line.part in state.given_up:
        return gettext("will not come back")
    if instead := state.replaced_by.get(line.part):
        other = names.number(knowledge.passport(instead))
        return gettext("not returned; {number} came in its place").format(number=other)
    return gettext("at the contractor") if line.back_us is None and not state.closed_us else (
        gettext("not returned")
    )


# --- what is done -----------------------------------------------------------------------------


def _send(request: HttpRequest, state: SendingList, data: dict[str, Any]) -> None:
    purpose = "repair" if data["repair"] else "other"
    record_one(request, PartSent, units=data["parts"], list=state.name, to=state.to,
               purpose=purpose, **when(data["day"]))  # fmt: skip
    messages.success(request, gettext("Sent: {count}.").format(count=len(data["parts"])))


def _return(request: HttpRequest, state: SendingList, data: dict[str, Any]) -> None:
    moment = when(data["day"])
    units = [*data["units"], *(_enter(request, state, n, moment) for n in data["strangers"])]
    strange = [unit for unit in units if state.line(unit) is None]
    record_one(request, PartReturned, units=tuple(units), list=state.name, paper=data["paper"],
               store=data["store"], **moment)  # fmt: skip
    messages.success(request, gettext("Came in: {count}.").format(count=len(units)))
    for number in numbers_of(strange, the_names()):
        messages.warning(request, gettext(
            "{number} was never sent on this list: say in whose place it came."
        ).format(number=number))  # fmt: skip


def _enter(
    request: HttpRequest, state: SendingList, number: str, moment: dict[str, object]
) -> str:
    """Enter a part that came with the contractor's paper and that nobody here knows."""
    unit, knowledge = new_unit(), the_app().knowledge()
    types = [knowledge.passport(line.part).type for line in state.lines if line.sent_us]
    record_one(request, Registered, units=(unit,), type=max(types, key=types.count),
               numbers=(Number(scheme="serial", value=number),), basis="document",
               **moment)  # fmt: skip
    return unit


def _exchange(request: HttpRequest, state: SendingList, data: dict[str, Any]) -> None:
    record_one(request, PartExchanged, units=(data["came"],), list=state.name,
               instead_of=data["instead_of"])  # fmt: skip
    messages.success(request, gettext(
        "The exchange is noted: each of the two keeps a history of its own."
    ))  # fmt: skip


def _condemn(request: HttpRequest, state: SendingList, data: dict[str, Any]) -> None:
    reason = f"{data['paper']}, {state.to}"[:200]
    record_one(request, Condemned, units=(data["part"],), reason=reason, basis="document",
               **when(data["day"]))  # fmt: skip
    messages.success(request, gettext("Condemned by the shop's paper {paper}.").format(
        paper=data["paper"]
    ))  # fmt: skip


def _close(request: HttpRequest, state: SendingList, data: dict[str, Any]) -> None:
    record_one(request, SendingListClosed, list=state.name, reason=data["reason"],
               not_returned=tuple(data["given_up"]))  # fmt: skip
    messages.success(request, gettext("The list is closed."))


_DO = {
    "send": _send, "return": _return, "exchange": _exchange, "paper": _condemn, "close": _close,
}  # fmt: skip


# --- paper ------------------------------------------------------------------------------------


def printed(request: HttpRequest, name: str) -> HttpResponse:
    """Show a list as a form to be printed and signed: the sending side or one return."""
    state, names = _found(name), the_names()
    paper = request.GET.get("paper")
    lines = _lines(state, names)
    if paper is None:
        lines = [line for line in lines if line["line"].sent_us is not None]
    else:
        lines = [line for line in lines if line["line"].paper == paper and line["line"].back_us]
    for n, line in enumerate(lines, 1):
        line["n"] = n
    address = request.build_absolute_uri(reverse("sending-list", args=[name]))
    context = {
        "section": "depot", "list": state, "lines": lines, "paper": paper, "names": names,
        "sending": paper is None, "balance": state.balance,
        "qr": mark_safe(segno.make(address, error="m").svg_inline(scale=3, border=2)),
    }  # fmt: skip
    return render(request, "depot/list_print.html", context)


def _rows(name: str) -> list[list[Any]]:
    state, names = _found(name), the_names()
    return [
        [item["n"], item["type"], item["number"].replace("\u2011", "-"), item["maker"],
         item["made"], item["from"], item["reason"],
         "" if item["km_milli"] is None else item["km_milli"] // 1000,
         _iso(item["line"].sent_us), _iso(item["line"].back_us), item["line"].paper,
         item["outcome"]]
        for item in _lines(state, names)
    ]  # fmt: skip


def _iso(us: int | None) -> str:
    return from_us(us).date().isoformat() if us else ""


def export_csv(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """Send a list as CSV."""
    rows = [[gettext(column) for column in COLUMNS], *_rows(name)]
    response = StreamingHttpResponse(
        ("\ufeff", *map(csv_line, rows)), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="list.csv"'
    return response


def export_xlsx(request: HttpRequest, name: str) -> HttpResponse:
    """Send a list as a workbook."""
    return workbook("list", [gettext(column) for column in COLUMNS], iter(_rows(name)))


