"""Locomotives of sections: which are coupled now, which were, and coupling them by hand or scan."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, Refused
from railtrace.projections.genealogy import Stay
from railtrace.projections.remaining import covers
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import Number, Registered, SectionsCoupled, SectionsUncoupled
from railtrace.web.fleet import site_name, spellings, the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.holdings.change import LOCAL, moment_field, moment_of
from railtrace.web.holdings.lists import the_holdings
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app


class NewLocomotive(forms.Form):
    """A locomotive of sections with a number of its own."""

    number = forms.CharField(
        label=_("Series and number"), max_length=64,
        help_text=_("like 2ТЭ10М-2345, without the letter of a section"),
    )  # fmt: skip
    type = forms.ChoiceField(label=_("Type"))
    home_site = forms.ChoiceField(label=_("Home depot"), required=False)

    def __init__(self, names: Names, *args: Any) -> None:
        super().__init__(*args)
        types = sorted((row.name(names.language), key)
                       for key, row in names.catalogue.locomotive_types.items())  # fmt: skip
        self.fields["type"].choices = [(key, name) for name, key in types]  # type: ignore[attr-defined]
        self.fields["home_site"].choices = [("", "—"), *(  # type: ignore[attr-defined]
            (key, site_name(key)) for key in the_app().config.depots
        )]  # fmt: skip

    def clean_number(self) -> str:
        """Return the number in its normal form; one that is borne already is a slip."""
        try:
            number = check_number("series", self.cleaned_data["number"])
        except BadOperation as error:
            raise forms.ValidationError(in_words(error)) from error
        if the_app().lookup.bearers(number):
            raise forms.ValidationError(gettext("The number is borne already."))
        return number


class Couple(forms.Form):
    """Which section comes into a locomotive, in which place, from when on."""

    section = forms.CharField(label=_("Section: number or code"), max_length=200)
    place = forms.ChoiceField(label=_("Place"), required=False)
    at = moment_field(_("Coupled"))

    def __init__(self, knowledge: Knowledge, names: Names, locomotive: str, *args: Any) -> None:
        super().__init__(*args)
        self.knowledge, self.names, self.locomotive = knowledge, names, locomotive
        row = names.catalogue.locomotive_types.get(knowledge.passport(locomotive).type)
        places = row.places if row else ()
        self.fields["place"].choices = [("", "—"), *((p, p) for p in places)]  # type: ignore[attr-defined]
        self.fields["at"].initial = the_app().clock().astimezone(home_zone()).strftime(LOCAL)

    def clean_section(self) -> str:
        """Return the one unit that bears the number. A section in another locomotive is refused."""
        text = self.cleaned_data["section"].strip()
        found = {unit for form in spellings(text) for unit in the_app().lookup.bearers(form)}
        found |= {text} if self.knowledge.known(text) else set()
        if len(found) != 1:
            none = gettext("No section bears the number {number}.")
            many = gettext("Several units bear the number {number}: settle which is which.")
            raise forms.ValidationError((many if found else none).format(number=text))
        return self._free(found.pop())

    def _free(self, section: str) -> str:
        passport = self.knowledge.passport(section)
        if self.names.vehicle_class(passport.type) != "locomotive":
            raise forms.ValidationError(
                gettext("{unit} is no section of a locomotive.").format(
                    unit=self.names.unit(passport))
            )  # fmt: skip
        if now := self.knowledge.coupling(section).locomotive():
            said = gettext("{section} is in {locomotive}: uncouple it there first.")
            raise forms.ValidationError(said.format(
                section=self.names.number(passport),
                locomotive=self.names.unit(self.knowledge.passport(now.carrier)),
            ))  # fmt: skip
        return section


def locomotives(request: HttpRequest) -> HttpResponse:
    """List the locomotives with their sections; enter a new one."""
    app, names = the_app(), the_names()
    form = NewLocomotive(names, request.POST or None)
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        return _entered(request, form)
    found = app.views.database.query(
        "SELECT unit FROM units WHERE vehicle_class = 'coupling' ORDER BY number, unit"
    )
    units = [unit for (unit,) in found]
    coupled = the_holdings().sections()
    knowledge = app.knowledge()
    knowledge.load([*units, *(s.section for s in coupled)])
    context = {
        "section": "fleet", "tab": "locomotives", "form": form, "names": names,
        "rows": [
            {"unit": unit, "passport": knowledge.passport(unit),
             "site": site_name(knowledge.site_of(unit)),
             "sections": [(s, knowledge.passport(s.section)) for s in coupled
                          if s.locomotive == unit]}
            for unit in units
        ],
    }  # fmt: skip
    return render(request, "holdings/locomotives.html", context)


def _entered(request: HttpRequest, form: NewLocomotive) -> HttpResponse:
    said, unit = form.cleaned_data, f"u-{get_random_string(12, 'abcdefghjkmnpqrstvwxyz23456789')}"
    record_one(
        request, Registered, units=(unit,), type=said["type"], home_site=said["home_site"],
        site=said["home_site"], numbers=(Number(scheme="series", value=said["number"]),),
    )  # fmt: skip
    return redirect(f"{reverse('unit', args=[unit])}?tab=holding")


@allowed("record")
def couple(request: HttpRequest, unit: str) -> HttpResponse:
    """Couple a section to a locomotive."""
    knowledge, names = the_app().knowledge(), the_names()
    form = Couple(knowledge, names, unit, request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        places = (said["place"],) if said["place"] else ()
        try:
            record_one(request, SectionsCoupled, happened_at=moment_of(said["at"]),
                       units=(said["section"],), locomotive=unit, places=places)  # fmt: skip
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            messages.success(request, gettext("Recorded."))
            return redirect(f"{reverse('unit', args=[unit])}?tab=holding")
    passport = knowledge.passport(unit)
    context = {
        "section": "fleet", "form": form, "title": _("Couple a section"), "unit": unit,
        "passport": passport, "names": names, "what": "couple",
    }  # fmt: skip
    return render(request, "holdings/change.html", context)


@require_POST
@allowed("record")
def uncouple(request: HttpRequest, unit: str) -> HttpResponse:
    """Take a section out of a locomotive, with a reason."""
    section, reason = request.POST.get("section", ""), request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, gettext("Say why it is uncoupled: it is kept for ever."))
    else:
        record_one(request, SectionsUncoupled, units=(section,), locomotive=unit,
                   reason=reason[:200])  # fmt: skip
        messages.success(request, gettext("Recorded."))
    return redirect(f"{reverse('unit', args=[unit])}?tab=holding")


# --- on the page of a unit ----------------------------------------------------------------------


def coupled_said(knowledge: Knowledge, names: Names, unit: str, at_us: int) -> dict[str, Any]:
    """Return the couplings of a section or of a locomotive for its page."""
    state = knowledge.coupling(unit)
    knowledge.load([s.part for s in state.sections] + [s.carrier for s in state.stays])
    mileage, unit_class = knowledge.mileage(), names.vehicle_class(knowledge.passport(unit).type)

    def said(stay: Stay, other: str) -> dict[str, Any]:
        ends = stay.to_us or at_us
        km = mileage.at(stay.part, ends) - mileage.at(stay.part, stay.from_us or ends)
        return {
            "stay": stay, "unit": other, "km_milli": km,
            "name": names.unit(knowledge.passport(other)),
            "number": names.number(knowledge.passport(other)),
            "total_milli": mileage.at(stay.part, at_us),
        }  # fmt: skip

    return {
        "sections_now": [said(s, s.part) for s in state.coupled()],
        "sections_before": [said(s, s.part) for s in reversed(state.sections) if s.to_us],
        "locomotives": [said(s, s.carrier) for s in reversed(state.stays)],
        "is_locomotive": unit_class == "coupling", "is_equipment": unit_class == "equipment",
    }


class RunCheck(forms.Form):
    """Whether a run fits into what is left to a repair of every section.

    Without a kind and an interval every kind of the section's own programme is asked.
    """

    run_km = forms.IntegerField(label=_("Run, there and back [km]"), min_value=1)
    repair_kind = forms.CharField(label=_("Repair kind"), max_length=50, required=False)
    interval_km = forms.IntegerField(label=_("Interval [km]"), min_value=1, required=False)


def run_checked(knowledge: Knowledge, names: Names, unit: str, form: RunCheck) -> dict[str, Any]:
    """Return per section what is left, and which sections refuse the run."""
    if not form.is_bound or not form.is_valid():
        return {"run_form": form}
    said = form.cleaned_data
    if not said["repair_kind"] or not said["interval_km"]:
        return _by_programme(knowledge, names, unit, form)
    at_us = knowledge.state_us or microseconds(the_app().clock())
    left = knowledge.remaining(unit, said["repair_kind"].strip(), said["interval_km"], at_us)
    rows = [
        {"unit": section, "number": names.number(knowledge.passport(section)), "left": r,
         "covers": covers(r, said["run_km"] * 1000)}
        for section, r in left
    ]  # fmt: skip
    return {
        "run_form": form, "run_rows": rows, "run_km": said["run_km"],
        "run_refused": [row["number"] for row in rows if row["covers"] is False],
        "run_unknown": [row["number"] for row in rows if row["covers"] is None],
    }  # fmt: skip


def _by_programme(
    knowledge: Knowledge, names: Names, unit: str, form: RunCheck
) -> dict[str, Any]:
    """Ask the kilometres left to every kind of maintenance of the sections' own programmes."""
    run_km = form.cleaned_data["run_km"]
    sections = [stay.part for stay in knowledge.coupling(unit).coupled()] or [unit]
    rows = [row for section in sections for row in _dues_left(knowledge, names, section, run_km)]
    return {
        "run_form": form, "run_km": run_km, "run_by_programme": True,
        "run_rows": [row for row in rows if row["left_milli"] is not None],
        "run_refused": _numbers(rows, False), "run_unknown": _numbers(rows, None),
    }  # fmt: skip


def _numbers(rows: list[dict[str, Any]], covers: bool | None) -> list[str]:
    return list(dict.fromkeys(row["number"] for row in rows if row["covers"] is covers))


def _by_statement(knowledge: Knowledge, section: str, kind: str, km: int) -> float | None:
    """Return what is left by the counter that a paper states, its day unknown [km]."""
    at_us = knowledge.state_us or microseconds(the_app().clock())
    left = [r.left_milli for _, r in knowledge.remaining(section, kind, km, at_us)]
    return None if not left or left[0] is None else left[0] / 1000


def _dues_left(
    knowledge: Knowledge, names: Names, section: str, run_km: int
) -> list[dict[str, Any]]:
    """Return the kinds counted in kilometres: what is left, or that nobody knows."""
    number = names.number(knowledge.passport(section))
    rows = []
    for due in knowledge.dues(section):
        service = names.catalogue.services[due.service]
        left = next((c.remaining for c in due.criteria if c.meter == "km"), None)
        if service.km is None or (left is None and due.state != "unknown"):
            continue
        if left is None:
            left = _by_statement(knowledge, section, due.kind, service.km)
        rows.append({
            "unit": section, "number": number, "kind": due.kind,
            "left_milli": None if left is None else round(left * 1000),
            "covers": None if left is None else left >= run_km,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["left_milli"] is None, row["left_milli"] or 0))
