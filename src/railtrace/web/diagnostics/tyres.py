"""Other tyres or wheels on a wheelset, recorded on its page."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.store.wheel_lives import SIDES
from railtrace.trace.operation import Retyred
from railtrace.web import words
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app


class RetyringForm(forms.Form):
    """What was fitted, on which wheel, when; a wheelset may be measured larger from then on."""

    fitted = forms.ChoiceField(label=_("What was fitted"))
    places = forms.ChoiceField(
        label=_("On which wheel"),
        choices=[("", _("both")), ("left", _("left wheel")), ("right", _("right wheel"))],
        required=False,
    )
    at = forms.DateTimeField(
        label=_("When"), input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fitted"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.FITTED.items()
        ]
        for field in self.fields.values():
            select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if select else "form-control"


@require_POST
@allowed("record")
def retyre(request: HttpRequest, unit: str) -> HttpResponse:
    """Record a re-tyring; the question why the wheelset is larger goes with it."""
    knowledge = the_app().knowledge()
    if not knowledge.known(unit):
        raise NotFound("{unit} is not known here", unit=unit)
    form = RetyringForm(request.POST)
    if not form.is_valid():
        raise BadOperation("{field}: check what was typed", field=next(iter(form.errors)))
    told, site = form.cleaned_data, knowledge.passport(unit).home_site
    at = told["at"].replace(tzinfo=the_app().config.zone_of(site))
    if at > the_app().clock():
        raise BadOperation("it cannot be fitted in the future: check the day and the hour",
                           field="at")  # fmt: skip
    record_one(
        request, Retyred, units=(unit,), happened_at=at, time_precision="minute",
        fitted=told["fitted"], places=(told["places"],) if told["places"] in SIDES else (),
        reason=told["reason"],
    )  # fmt: skip
    messages.success(request, gettext("It is recorded; growth up to then is explained."))
    return redirect("wheelset", unit)
