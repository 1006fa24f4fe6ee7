"""Recalls: parts of a make called back; where each of them is now, or was as known then."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.projections.recall import Recall
from railtrace.store.knowledge import Affected, Knowledge
from railtrace.trace.operation import Held, RecallClosed, RecallOpened
from railtrace.web.clocks import from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import as_known
from railtrace.web.names import Names
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import saved

GROUPS = {
    "in_service": gettext_noop("In service"),
    "abroad": gettext_noop("Abroad"),
    "stock": gettext_noop("In stock or unknown place"),
    "condemned": gettext_noop("Condemned, not counted"),
}
_HELD_AT_ONCE = 500
_SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"
"""Letters and digits that nobody mistakes for another when they are read out."""


class NewRecall(forms.Form):
    """What to call back; every field given must match."""

    title = forms.CharField(label=_("What is it about"), max_length=200)
    type = forms.ChoiceField(label=_("Part type"), required=False)
    maker = forms.CharField(label=_("Maker"), max_length=200, required=False)
    heat = forms.CharField(label=_("Heat"), max_length=200, required=False)
    batch = forms.CharField(label=_("Batch"), max_length=200, required=False)
    made = forms.RegexField(
        r"^[0-9]{4}(-[0-9]{2}){0,2}$", label=_("Made (year, month or day)"), required=False,
        help_text=_("like 2019 or 2019-05"),
    )  # fmt: skip

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = sorted((row.name(names.language), key)
                       for key, row in names.catalogue.part_types.items())  # fmt: skip
        self.fields["type"].choices = [  # type: ignore[attr-defined]
            ("", gettext("any")), *((key, name) for name, key in types)
        ]

    def clean(self) -> dict[str, Any]:
        """A recall of everything is a slip."""
        data = super().clean() or {}
        if not any(data.get(key) for key in ("maker", "heat", "batch", "made")):
            raise forms.ValidationError(gettext("Give at least one of maker, heat, batch, made."))
        return data


def recalls(request: HttpRequest) -> HttpResponse:
    """List the recalls; open a new one."""
    dates, names = as_known(request), the_names()
    knowledge = the_app().knowledge(dates.at, dates.known)
    form = NewRecall(names, request.POST or None)
    if request.method == "POST" and may(request.user, "recall") and form.is_valid():
        recall = f"{the_app().clock():%Y-%m-%d}-{get_random_string(4, _SAYABLE)}"
        given = {key: value for key, value in form.cleaned_data.items() if value}
        record_one(request, RecallOpened, recall=recall, **given)
        return redirect("recall", recall)
    context = {
        "section": "fleet", "dates": dates, "form": form, "names": names,
        "recalls": [_listed(r, knowledge.affected(r)) for r in knowledge.recalls()],
    }  # fmt: skip
    return render(request, "recalls.html", context)


def _listed(recall: Recall, affected: list[Affected]) -> tuple[Recall, dict[str, int], bool]:
    """Return a recall with its counts, and whether nothing of it is left to be done."""
    counts = _counts(affected)
    on_vehicles = counts["in_service"] + counts["abroad"]
    return recall, counts, not on_vehicles and not _to_hold(affected, recall.recall)


def _counts(affected: list[Affected]) -> dict[str, int]:
    return {where: sum(item.where == where for item in affected) for where in GROUPS}


def _found(recall: str, knowledge: Knowledge) -> Recall:
    for state in knowledge.recalls():
        if state.recall == recall:
            return state
    raise NotFound("there is no recall {recall}", recall=recall)


def recall(request: HttpRequest, recall: str) -> HttpResponse:
    """Show where the parts of a recall are."""
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    try:
        state = _found(recall, knowledge)
    except NotFound:
        _found(recall, the_app().knowledge())
        context = {"section": "fleet", "dates": dates, "recall": recall}
        return render(request, "recall_not_yet.html", context)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    affected = knowledge.affected(state)
    counts = _counts(affected)
    context = {
        "section": "fleet", "dates": dates, "recall": state, "names": names, "counts": counts,
        "groups": [
            (where, word, [_row(a, names) for a in affected if a.where == where])
            for where, word in GROUPS.items()
        ],
        "total": len(affected) - counts["condemned"], "now": the_app().clock(),
        "not_held": len(_to_hold(affected, recall)),
    }  # fmt: skip
    return render(request, "recall.html", context)


def _row(item: Affected, names: Names) -> dict[str, Any]:
    return {
        "part": item.part, "name": names.unit(item.part), "vehicle": item.vehicle,
        "vehicle_name": names.unit(item.vehicle) if item.vehicle else "",
        "position": names.position(item.stay.position) if item.stay else "",
        "since_us": item.stay.from_us if item.stay else None, "held": bool(item.part.holds),
        "installed_by": item.stay.installed_by if item.stay else "",
    }  # fmt: skip


def _to_hold(affected: list[Affected], recall: str) -> list[str]:
    return [
        item.part.unit
        for item in affected
        if item.where != "condemned" and all(h.recall != recall for h in item.part.holds)
    ]


@require_POST
@allowed("hold")
def hold(request: HttpRequest, recall: str) -> HttpResponse:
    """Put every part of a recall that is not condemned on hold."""
    knowledge = the_app().knowledge()
    state = _found(recall, knowledge)
    units = _to_hold(knowledge.affected(state), recall)
    for start in range(0, len(units), _HELD_AT_ONCE):
        some = tuple(units[start : start + _HELD_AT_ONCE])
        record_one(request, Held, units=some, reason=state.title or recall, recall=recall)
    messages.success(request, gettext("{count} parts are on hold.").format(count=len(units)))
    return redirect("recall", recall)


@require_POST
@allowed("recall")
def close(request: HttpRequest, recall: str) -> HttpResponse:
    """Close a recall."""
    _found(recall, the_app().knowledge())
    reason = request.POST.get("reason", "").strip()[:200]
    record_one(request, RecallClosed, recall=recall, reason=reason)
    messages.success(request, gettext("The recall is closed."))
    return redirect("recall", recall)


_HEADS = (
    gettext_noop("Group"), gettext_noop("Part"), gettext_noop("Number"), gettext_noop("Vehicle"),
    gettext_noop("Position"), gettext_noop("Last known place"), gettext_noop("Last known on"),
)  # fmt: skip


def export(request: HttpRequest, recall: str) -> HttpResponseBase:
    """Send the parts of a recall as CSV or as a workbook."""
    dates = as_known(request)
    knowledge = the_app().knowledge(dates.at, dates.known)
    names = Names(knowledge.catalogue, (get_language() or "ru")[:2])
    rows = [
        [
            gettext(GROUPS[item.where]), item.part.unit, names.number(item.part),
            names.unit(item.vehicle) if item.vehicle else "",
            names.position(item.stay.position) if item.stay else "",
            (item.vehicle or item.part).place,
            from_us(at_us).date().isoformat() if (at_us := (item.vehicle or item.part).place_us)
            else "",
        ]
        for item in knowledge.affected(_found(recall, knowledge))
    ]  # fmt: skip
    return saved(request, "recall", _HEADS, rows)
