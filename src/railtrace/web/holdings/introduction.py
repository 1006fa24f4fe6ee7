"""Gates in introduction: at a site, under a named order, until a day, a gate only warns."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from railtrace.trace.operation import GateIntroduced
from railtrace.web.fleet import site_name
from railtrace.web.frame import home_zone
from railtrace.web.holdings.change import act_with
from railtrace.web.holdings.lists import the_holdings
from railtrace.web.record import record_one
from railtrace.web.release import GATE_WORDS
from railtrace.web.running import the_app


class Introduce(forms.Form):
    """Which gate, where, under which order, until when."""

    gate = forms.ChoiceField(label=_("Gate"))
    site = forms.ChoiceField(label=_("Depot"))
    order = forms.CharField(label=_("Order: number and date"), max_length=200)
    until = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fields["gate"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in GATE_WORDS.items()
        ]
        self.fields["site"].choices = [  # type: ignore[attr-defined]
            (key, site_name(key)) for key in the_app().config.depots
        ]


def introduction(request: HttpRequest) -> HttpResponse:
    """Show the orders in force and past; a technologist adds one."""
    form = Introduce(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act_with(request, "hold")
        said = form.cleaned_data
        record_one(request, GateIntroduced, gate=said["gate"], site=said["site"],
                   order=said["order"], until=said["until"].isoformat())  # fmt: skip
        messages.success(request, gettext("Recorded."))
        return redirect("introduction")
    today = the_app().clock().astimezone(home_zone()).date().isoformat()
    held = the_holdings()
    context = {
        "section": "fleet", "tab": "introduction", "form": form, "gate_words": GATE_WORDS,
        "orders": [(row, row["until"] >= today) for row in held.introductions()],
        "unknown": held.unknown_repairs(),
    }  # fmt: skip
    return render(request, "holdings/introduction.html", context)
