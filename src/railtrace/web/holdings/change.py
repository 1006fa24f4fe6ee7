"""What a person says of one unit: its state, place, holder, restrictions, its last repair.

Each form has at most five fields; what the trace already knows is filled in.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound, Refused
from railtrace.projections.passport import Passport
from railtrace.trace.operation import (
    HolderChanged,
    LastRepairStated,
    LifeExtended,
    LocationReported,
    Operation,
    PermissionEnded,
    Permitted,
    Restricted,
    RestrictionLifted,
    StateChanged,
)
from railtrace.web import words
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import require
from railtrace.web.running import the_app

LOCAL = "%Y-%m-%dT%H:%M"


def moment_field(label: Any) -> forms.DateTimeField:
    """Return the field of a moment on the installation's clock, now unless another is typed."""
    return forms.DateTimeField(
        label=label, input_formats=[LOCAL],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )  # fmt: skip


def _day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


def moment_of(typed: datetime) -> datetime:
    """Return the moment of a clock as typed; the minute being lived through is now itself."""
    clock = the_app().clock()
    local = typed.replace(tzinfo=home_zone())
    return clock if local == clock.astimezone(home_zone()).replace(
        second=0, microsecond=0
    ) else local  # fmt: skip


class Change(forms.Form):
    """What is to be said of one unit."""

    kind: type[Operation]

    def __init__(self, passport: Passport, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.passport, self.names = passport, names
        if "at" in self.fields:
            now = the_app().clock().astimezone(home_zone())
            self.fields["at"].initial = now.strftime(LOCAL)
        self.prepare()

    def prepare(self) -> None:
        """Fill in what is known already."""

    def said(self) -> dict[str, Any]:
        """Return the fields of the operation."""
        return {key: value for key, value in self.cleaned_data.items() if value and key != "at"}

    def moment(self) -> datetime | None:
        """Return the moment, in UTC."""
        typed = self.cleaned_data.get("at")
        return None if typed is None else moment_of(typed)


class StateForm(Change):
    """Into which state a unit comes."""

    kind = StateChanged
    state = forms.ChoiceField(label=_("State"))
    at = moment_field(_("Since"))
    expected_until = _day_field(_("Expected until"))
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)

    def prepare(self) -> None:
        """Offer the states a person may say of this class; within a repair, waits and going on."""
        unit_class, passport = self.names.vehicle_class(self.passport.type), self.passport
        in_repair = passport.repair_us is not None
        self.fields["state"].choices = [  # type: ignore[attr-defined]
            (row.key, row.name(self.names.language))
            for row in self.names.catalogue.states_in_order
            if unit_class in row.unit_classes and row.key != passport.status
            and (row.waits or row.key == "in_repair" if in_repair else row.by_person)
        ]  # fmt: skip

    def said(self) -> dict[str, Any]:
        """Say also which state is left, so that two who know otherwise are found out."""
        until = self.cleaned_data["expected_until"]
        return {
            "state": self.cleaned_data["state"], "reason": self.cleaned_data["reason"],
            "from_state": self.passport.status,
            "expected_until": until.isoformat() if until else None,
        }  # fmt: skip


class PlaceForm(Change):
    """Where a unit is."""

    kind = LocationReported
    place = forms.CharField(label=_("Place"), max_length=200)
    whereabouts = forms.ChoiceField(label=_("Whereabouts"))
    at = moment_field(_("Seen"))

    def prepare(self) -> None:
        """Offer the words for whereabouts."""
        self.fields["whereabouts"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.WHEREABOUTS.items()
        ]


class HolderForm(Change):
    """Whose a unit is and who keeps it; what is left empty stays."""

    kind = HolderChanged
    keeper = forms.CharField(label=_("Keeper"), max_length=200, required=False)
    owner = forms.CharField(label=_("Owner"), max_length=200, required=False)
    home_site = forms.ChoiceField(label=_("Home depot"), required=False)
    at = moment_field(_("Since"))

    def prepare(self) -> None:
        """Offer the depots of the settings."""
        sites = [(key, site_name(key)) for key in the_app().config.depots]
        self.fields["home_site"].choices = [("", gettext("as before")), *sites]  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """Say also from whom, so that two holders at once are found out."""
        new = {key: value for key, value in super().said().items()
               if value != getattr(self.passport, key)}  # fmt: skip
        old = {f"from_{key}": held for key in new if (held := getattr(self.passport, key))}
        return new | old

    def clean(self) -> dict[str, Any]:
        """A form that changes nothing is a slip."""
        data = super().clean() or {}
        given = {key: data.get(key) for key in ("keeper", "owner", "home_site")}
        if not any(v and v != getattr(self.passport, k) for k, v in given.items()):
            raise forms.ValidationError(gettext("Name a new keeper, owner or home depot."))
        return data


class RestrictForm(Change):
    """What a unit is restricted to."""

    kind = Restricted
    restriction = forms.CharField(label=_("Restriction"), max_length=200)
    effect = forms.ChoiceField(label=_("Effect"))
    max_speed_kmh = forms.IntegerField(
        label=_("Highest speed [km/h]"), required=False, min_value=1, max_value=400
    )
    area = forms.CharField(label=_("Where it holds"), max_length=200, required=False)
    until = _day_field(_("Last day"))

    def prepare(self) -> None:
        """Offer the two effects."""
        self.fields["effect"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.EFFECTS.items()
        ]

    def said(self) -> dict[str, Any]:
        """Write the last day as operations do."""
        return _dated(super().said())


_LIFE = re.compile(r"срок\w* службы|service life|мӯҳлати хизмат|продлен", re.IGNORECASE)


class PermitForm(Change):
    """What a unit is permitted; a longer service life has a form of its own."""

    kind = Permitted
    permission = forms.CharField(label=_("Permission"), max_length=200)
    area = forms.CharField(label=_("Where it holds"), max_length=200, required=False)
    until = _day_field(_("Last day"))

    def clean_permission(self) -> str:
        """A permission does not extend a service life: who means that is shown the way."""
        text = str(self.cleaned_data["permission"])
        if _LIFE.search(text):
            raise forms.ValidationError(
                gettext("A permission extends no service life: use Extend the service life.")
            )
        return text

    def said(self) -> dict[str, Any]:
        """Write the last day as operations do."""
        return _dated(super().said())


class LifeForm(Change):
    """To which day the service life is extended, by what paper, on which conditions."""

    kind = LifeExtended
    until = _day_field(_("Last day"))
    document = forms.CharField(label=_("Document"), max_length=200)
    conditions = forms.CharField(label=_("Conditions"), max_length=4000, required=False,
                                 widget=forms.Textarea(attrs={"rows": 3}))  # fmt: skip

    def prepare(self) -> None:
        """The day is what it is about."""
        self.fields["until"].required = True

    def said(self) -> dict[str, Any]:
        """Write the last day as operations do."""
        return _dated(super().said())


class LastRepairForm(Change):
    """What was found out about a repair before the unit was entered."""

    kind = LastRepairStated
    repair_kind = forms.CharField(label=_("Repair kind"), max_length=200)
    grade = forms.ChoiceField(label=_("Evidence"))
    done = forms.RegexField(
        r"^[0-9]{4}(-[0-9]{2}){0,2}$", label=_("Done (year, month or day)"), required=False,
        help_text=_("like 2019 or 2019-05"),
    )  # fmt: skip
    km = forms.DecimalField(
        label=_("Mileage then [km]"), required=False, min_value=0, max_digits=12, decimal_places=1
    )
    repairer = forms.CharField(label=_("Repairer"), max_length=200, required=False)

    def prepare(self) -> None:
        """Offer how well a thing can be known."""
        self.fields["grade"].choices = [  # type: ignore[attr-defined]
            (key, gettext(word)) for key, word in words.GRADES.items() if key != "recorded"
        ]

    def said(self) -> dict[str, Any]:
        """Write kilometres as operations do."""
        said = super().said()
        return said | ({"km": f"{said['km']:f}"} if "km" in said else {})


def _dated(said: dict[str, Any]) -> dict[str, Any]:
    return said | ({"until": said["until"].isoformat()} if "until" in said else {})


_FORMS: dict[str, tuple[type[Change], str, Any]] = {
    "state": (StateForm, "record", _("Change the state")),
    "place": (PlaceForm, "record", _("Say where it is")),
    "holder": (HolderForm, "record", _("Change the holder")),
    "restriction": (RestrictForm, "hold", _("Restrict")),
    "permission": (PermitForm, "hold", _("Permit")),
    "life": (LifeForm, "hold", _("Extend the service life")),
    "last-repair": (LastRepairForm, "record", _("Say what is known of a repair")),
}


def act_with(request: HttpRequest, permission: str) -> None:
    """Ask for a permission here, and again where the thing that is recorded belongs."""
    require(request.user, permission)
    vars(request)["permission"] = permission


def change(request: HttpRequest, what: str, unit: str) -> HttpResponse:
    """Show the form of a change and record it."""
    if what not in _FORMS:
        raise NotFound("there is nothing to change by the name {what}", what=what)
    form_kind, permission, title = _FORMS[what]
    act_with(request, permission)
    knowledge, names = the_app().about(unit), the_names()
    passport = knowledge.passport(unit)
    initial = {key: value for key, value in request.GET.items() if key == "repair_kind"}
    form = form_kind(passport, names, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _recorded(request, form, unit):
        messages.success(request, gettext("Recorded."))
        return redirect(f"{reverse('unit', args=[unit])}?tab=holding")
    context = {
        "section": "fleet", "form": form, "title": title, "unit": unit, "passport": passport,
        "names": names, "what": what,
    }  # fmt: skip
    return render(request, "holdings/change.html", context)


def _recorded(request: HttpRequest, form: Change, unit: str) -> bool:
    """Record what a form says; what one operation shows wrong stands at its field."""
    try:
        said = form.said() | ({"happened_at": moment} if (moment := form.moment()) else {})
        record_one(request, form.kind, units=(unit,), **said)
    except Refused as refusal:
        field = str(getattr(refusal, "field", "")).partition("[")[0]
        field = {"happened_at": "at"}.get(field, field)
        form.add_error(field if field in form.fields else None, in_words(refusal))
        return False
    return True


@require_POST
def end(request: HttpRequest, what: str) -> HttpResponse:
    """Lift a restriction or end a permission, with a reason."""
    act_with(request, "hold")
    unit, operation = request.POST.get("unit", ""), request.POST.get("operation", "")
    passport = the_app().knowledge().passport(unit)
    kind, field, there = _ENDS[what]
    if all(one.id != operation for one in there(passport)):
        raise NotFound("{unit} has no restriction {operation}", unit=unit, operation=operation)
    reason = request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, gettext("Say what was done: it is kept for ever."))
    else:
        said: dict[str, Any] = {field: operation, "reason": reason}
        record_one(request, kind, units=(unit,), **said)
        messages.success(request, gettext("Recorded."))
    return redirect(f"{reverse('unit', args=[unit])}?tab=holding")


_ENDS: dict[str, tuple[type[Operation], str, Callable[[Passport], Any]]] = {
    "restriction": (RestrictionLifted, "restricted", lambda passport: passport.restrictions),
    "permission": (PermissionEnded, "permitted", lambda passport: passport.permissions),
}
