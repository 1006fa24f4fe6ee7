"""The truth ledger: how far each device, method and person may be trusted, and what settles it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.analysis.diagnosis_record import DiagnosisRecord, records
from railtrace.errors import BadOperation, NotFound
from railtrace.store.diagnostics import ALONE
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import FailureAscribed, Operation, TornDown
from railtrace.web import words
from railtrace.web.diagnostics.recent import address_of, days_of, reader
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.record import record_one
from railtrace.web.roles import allowed
from railtrace.web.running import the_app

GROUPS = {"made_by": _("Who said it"), "device": _("Equipment"), "method": _("Method"),
          "operator": _("Operator")}  # fmt: skip
_DAY_US = 86_400_000_000


@allowed("read")
def ledger(request: HttpRequest) -> HttpResponse:
    """Show hits, misses and false alarms by group with their intervals, and what is still open."""
    names, app = the_names(), the_app()
    days = days_of(request, 3650)
    since = microseconds(app.clock()) - days * _DAY_US
    by = request.GET.get("by", "made_by")
    by = by if by in GROUPS else "made_by"
    rows = reader().ledger(by, since)
    said, truth, group = ([row[i] for row in rows] for i in range(3))
    found = records(said, truth, group)
    truths = reader().truths(60)
    failures = reader().failures_of_diagnosed(since)
    knowledge = app.knowledge()
    knowledge.load([r["unit"] for r in (*truths, *failures)])
    context = {
        "section": "depot", "tab": "diagnostics", "part": "ledger", "names": names, "by": by,
        "groups": GROUPS, "records": [_named(request, r, by, names) for r in found], "days": days,
        "truths": [
            t | {"name": names.unit(knowledge.passport(t["unit"])), "address": address_of(t)}
            for t in truths
        ],
        "failures": [
            f | {"name": names.unit(knowledge.passport(f["unit"])), "said": _before(f)}
            for f in failures
        ],
        "classes": names.catalogue.damage_classes,
    }  # fmt: skip
    return render(request, "diagnostics/ledger.html", context)


def _named(
    request: HttpRequest, record: DiagnosisRecord, by: str, names: Names
) -> dict[str, Any]:
    key = record.group
    name = {
        "made_by": lambda: gettext(words.word(words.MADE_BY, key)),
        "method": lambda: gettext(words.word(words.METHODS, key)),
        "device": lambda: names.unit(the_app().knowledge().passport(key)) if key else "—",
        "operator": lambda: person_name(request, key) if key else "—",
    }[by]()
    return {"record": record, "name": name}


def _before(failure: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was said of a unit before it failed and is not settled yet."""
    return reader().said(
        "unit = ? AND at_us < ? AND truth = 'unknown' AND outcome <> 'refused'"
        f" AND (made_by <> 'system' OR {ALONE})",
        [failure["unit"], failure["at_us"]], 5,
    )  # fmt: skip


class TeardownForm(forms.Form):
    """What was found when a part was opened."""

    found = forms.ChoiceField(
        label=_("What was found"),
        choices=[("damage", _("damage")), ("no_damage", _("no damage"))],
    )
    damage_class = forms.ChoiceField(label=_("Damage class, ISO 15243"), required=False)
    element = forms.ChoiceField(label=_("Where"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=400)

    def __init__(self, *args: Any, names: Names, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        classes = [
            (row.key, f"{row.clause} {row.name(names.language)}")
            for row in sorted(names.catalogue.damage_classes.values(), key=lambda r: r.clause)
        ]
        self.fields["damage_class"].choices = [("", "—"), *classes]  # type: ignore[attr-defined]
        self.fields["element"].choices = [  # type: ignore[attr-defined]
            ("", "—"), *((key, gettext(word)) for key, word in words.DAMAGES.items())
        ]  # fmt: skip
        for field in self.fields.values():
            select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if select else "form-control"


@require_POST
@allowed("record")
def teardown(request: HttpRequest, id_: str) -> HttpResponse:
    """Record what was found when the part of a diagnosis was opened; it settles the diagnosis."""
    operation = the_app().entry(id_).operation
    if not isinstance(operation, Operation) or not operation.units:
        raise NotFound("{operation} is no diagnosis of a part", operation=id_)
    form = TeardownForm(request.POST, names=the_names())
    if not form.is_valid():
        raise BadOperation("say what was found: damage or no damage", field="found")
    told = form.cleaned_data
    record_one(
        request, TornDown, units=operation.units, site=operation.site, found=told["found"],
        damage_class=told["damage_class"] or None, element=told["element"], note=told["note"],
        diagnoses=_settled(operation.units[0], id_),
    )  # fmt: skip
    messages.success(request, gettext("It is recorded, and the diagnoses are settled by it."))
    return redirect("recording", id_)


def _settled(unit: str, id_: str) -> tuple[str, ...]:
    """Return the diagnosis with all others of the part that nobody has settled."""
    open_ = reader().said("unit = ? AND truth = 'unknown' AND made_by <> 'system'", [unit], 40)
    return tuple(dict.fromkeys([id_, *(row["operation"] for row in open_)]))


@require_POST
@allowed("record")
def ascribe(request: HttpRequest) -> HttpResponse:
    """Record that a failure came of what diagnoses had looked at."""
    failure, said = request.POST.get("failure", ""), request.POST.getlist("diagnosis")
    operation = the_app().entry(failure).operation
    if not isinstance(operation, Operation) or not said:
        raise BadOperation("choose the diagnoses that the failure came of", field="diagnoses")
    record_one(
        request, FailureAscribed, units=operation.units[:1], site=operation.site, failure=failure,
        diagnoses=tuple(said),
    )
    messages.success(request, gettext("It is recorded, and the diagnoses are settled by it."))
    return redirect("truth-ledger")
