"""Guests: units of other railways in transit, known by what is painted on them and no more."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from railtrace.errors import BadOperation
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import GuestSeen, LocationReported, Number
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.holdings.lists import held_said, the_holdings
from railtrace.web.record import record_one
from railtrace.web.roles import may
from railtrace.web.running import the_app

_MOST = 200


class Pasted(forms.Form):
    """A list of wagon numbers as it came."""

    numbers = forms.CharField(
        label=_("Numbers"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One a line, or with spaces or commas between them"),
    )  # fmt: skip
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    owner_state = forms.ChoiceField(label=_("Owner state"), required=False)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        names = the_names()
        states = names.catalogue.owner_states.values()
        self.fields["owner_state"].choices = [("", gettext("not said")), *(  # type: ignore[attr-defined]
            (row.key, f"{row.key} {row.name(names.language)}") for row in states
        )]  # fmt: skip

    def clean_numbers(self) -> list[str]:
        """Return the numbers in their normal form; every wrong one is named."""
        found, wrong = list[str](), list[str]()
        for text in self.cleaned_data["numbers"].replace(",", " ").replace(";", " ").split():
            try:
                found.append(check_number("network8", text))
            except BadOperation as error:
                wrong.append(in_words(error))
        if wrong:
            raise forms.ValidationError([*wrong])
        return list(dict.fromkeys(found))


def guests(request: HttpRequest) -> HttpResponse:
    """List the guests; open those of a pasted list that the trace does not know."""
    form = Pasted(request.POST or None)
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        opened, known = _opened(request, **form.cleaned_data)
        messages.success(
            request,
            gettext("{opened} guests opened, {known} units were known already.").format(
                opened=opened, known=known
            ),
        )
        return redirect("guests")
    names = the_names()
    found = the_holdings().units({"scope": "guests"}, limit=_MOST)
    knowledge = the_app().knowledge()
    knowledge.load([unit.unit for unit in found])
    rows = [
        held_said(unit, names) | {"passport": knowledge.passport(unit.unit)} for unit in found
    ]
    context = {
        "section": "fleet", "tab": "guests", "form": form, "rows": rows, "names": names,
        "states": names.catalogue.owner_states,
    }  # fmt: skip
    return render(request, "holdings/guests.html", context)


def _opened(
    request: HttpRequest, numbers: list[str], place: str, owner_state: str
) -> tuple[int, int]:
    """Open a guest for every number that no unit bears; say where all of them are."""
    units, opened = list[str](), 0
    for number in numbers:
        bearers = the_app().lookup.bearers(number)
        if bearers:
            units += bearers[:1]
            continue
        unit = f"g-{get_random_string(12, 'abcdefghjkmnpqrstvwxyz23456789')}"
        record_one(
            request, GuestSeen, units=(unit,), owner_state=owner_state,
            numbers=(Number(scheme="network8", value=number),),
        )  # fmt: skip
        units, opened = [*units, unit], opened + 1
    if place and units:
        for first in range(0, len(units), 500):
            record_one(request, LocationReported, units=tuple(units[first : first + 500]),
                       place=place)  # fmt: skip
    return opened, len(numbers) - opened
