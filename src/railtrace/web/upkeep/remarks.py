"""Remarks of crews: what waits, what repeats, what was carried over by whom and until when."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound, Refused
from railtrace.projections.maintenance import DAY_US
from railtrace.projections.remarks import Remark, repeated
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import RemarkAccepted, RemarkCarriedOver, RemarkDone, RemarkMade
from railtrace.web import words
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import in_words
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may, require
from railtrace.web.running import the_app
from railtrace.web.templatetags.signs import partial_day
from railtrace.web.upkeep.sheets import find_any, saved, the_upkeep, written

_BACK_DAYS = 30
SHOWN = {
    "open": gettext_noop("not done"), "made": gettext_noop("not taken over"),
    "carried": gettext_noop("carried over"), "late": gettext_noop("day has passed"),
    "repeats": gettext_noop("repeat"), "done": gettext_noop("done in 30 days"),
}  # fmt: skip


class NewRemark(forms.Form):
    """What a crew wrote in the journal."""

    number = forms.CharField(
        label=_("Number of the unit"), max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "next"}),
    )  # fmt: skip
    topic = forms.ChoiceField(label=_("What it is about"), required=False)
    text = forms.CharField(
        label=_("Crew remark"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    place = forms.CharField(label=_("Where on the unit"), max_length=200, required=False)
    train = forms.CharField(label=_("Train"), max_length=40, required=False)

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = names.catalogue.remark_topics.items()
        topics = sorted((key == "other", row.name(names.language), key) for key, row in rows)
        self.fields["topic"].choices = [  # type: ignore[attr-defined]
            ("", gettext("not said")),
            *((key, name) for _other, name, key in topics),
        ]

    def clean_number(self) -> str:
        """Find the unit."""
        try:
            return find_any(self.cleaned_data["number"].strip())
        except BadOperation as error:
            raise forms.ValidationError(in_words(error)) from error


def new(request: HttpRequest) -> HttpResponse:
    """Enter a remark, from a phone or a tablet as well."""
    require(request.user, "record")
    names = the_names()
    initial = {key: request.GET[key] for key in ("number",) if key in request.GET}
    form = NewRemark(names, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        unit = data.pop("number")
        record_one(request, RemarkMade, units=(unit,), **data)
        messages.success(request, gettext("The remark is recorded."))
        again = "again" in request.POST
        return redirect(reverse("new-remark") if again else f"{reverse('unit', args=[unit])}"
                        "?tab=upkeep")  # fmt: skip
    context = {"section": "depot", "tab": "remarks", "form": form}
    return render(request, "upkeep/new_remark.html", context)


def remarks(request: HttpRequest) -> HttpResponseBase:
    """List the remarks of the fleet."""
    names, now_us = the_names(), microseconds(the_app().clock())
    rows = _all(names, now_us)
    shown = request.GET.get("shown", "open")
    shown = shown if shown in SHOWN else "open"
    site, topic = request.GET.get("site", ""), request.GET.get("topic", "")
    text = request.GET.get("text", "").strip().lower()
    found = [
        row for row in rows
        if shown in row["groups"] and site in ("", row["home_site"])
        and topic in ("", row["remark"].topic)
        and (not text or text in f"{row['number']} {row['remark'].text}".lower())
    ]  # fmt: skip
    if "as" in request.GET:
        return saved(request, "remarks", _HEAD, _cells(found, request))
    counts = Counter(group for row in rows for group in row["groups"])
    context = {
        "section": "depot", "tab": "remarks", "rows": found[:300], "all_rows": len(found),
        "groups": SHOWN, "counts": counts, "shown": shown, "site": site, "topic": topic,
        "text": text, "sites": sorted({(r["home_site"], site_name(r["home_site"])) for r in rows}),
        "topics": sorted({(r["remark"].topic, r["topic"]) for r in rows if r["remark"].topic}),
        "may_record": may(request.user, "record"), "now": the_app().clock(),
        "asked": request.GET.urlencode(),
    }  # fmt: skip
    return render(request, "upkeep/remarks.html", context)


def _all(names: Names, now_us: int) -> list[dict[str, Any]]:
    listed = the_upkeep().remarks(since_us=now_us - _BACK_DAYS * DAY_US)
    units = list(dict.fromkeys(row["unit"] for row in listed))
    wanted = {row["remark"] for row in listed}
    knowledge = the_app().knowledge()
    knowledge.load(units)
    found = []
    for unit in units:
        state = knowledge.remarks(unit)
        again = repeated(state.remarks, names.catalogue.remark_topics, now_us)
        found += [
            said_of(remark, knowledge.passport(unit), names, again, now_us)
            for remark in state.remarks if remark.id in wanted
        ]  # fmt: skip
    return sorted(found, key=lambda row: -int(row["remark"].at_us))


def said_of(
    remark: Remark, passport: Any, names: Names, again: dict[str, list[str]], now_us: int
) -> dict[str, Any]:
    """Return a remark as lists show it."""
    late = remark.until_us is not None and now_us > remark.until_us
    groups = {"done"} if remark.state == "done" else {"open", remark.state}
    groups |= {"late"} if late else set()
    groups |= {"repeats"} if remark.id in again else set()
    row = names.catalogue.remark_topics.get(remark.topic)
    return {
        "remark": remark, "unit": passport.unit, "number": names.number(passport),
        "type": names.type(passport.type), "home_site": passport.home_site,
        "topic": row.name(names.language) if row else remark.topic, "late": late,
        "place": names.position(remark.place), "times": len(again.get(remark.id, ())),
        "state": "late" if late else remark.state, "groups": groups,
    }  # fmt: skip


_HEAD = (
    gettext_noop("Number"), gettext_noop("Type"), gettext_noop("Depot"), gettext_noop("Date"),
    gettext_noop("What it is about"), gettext_noop("Crew remark"), gettext_noop("State"),
    gettext_noop("Times in the window"), gettext_noop("Carried over by"), gettext_noop("Why"),
    gettext_noop("Until"), gettext_noop("What was done"),
)  # fmt: skip


def _cells(rows: list[dict[str, Any]], request: HttpRequest) -> Iterator[list[Any]]:
    for row in rows:
        remark = row["remark"]
        last = remark.carried[-1] if remark.carried else None
        yield [
            row["number"], row["type"], site_name(row["home_site"]), written(remark.at_us),
            row["topic"], remark.text, gettext(words.REMARK_STATES[remark.state]),
            row["times"] or "",
            ", ".join(person_name(request, one) for one in last.by) if last else "",
            last.reason if last else "", partial_day(last.until) if last else "", remark.work,
        ]  # fmt: skip


@require_POST
@allowed("record")
def answer(request: HttpRequest, what: str) -> HttpResponse:
    """Take a remark over, say what was done, or carry it over."""
    unit, id_ = request.POST.get("unit", ""), request.POST.get("remark", "")
    remark = the_app().knowledge().remarks(unit).find(id_)
    if remark is None or remark.done_us is not None or what not in ("take", "done", "carry"):
        raise NotFound("{unit} has no open remark {remark}", unit=unit, remark=id_)
    said = request.POST.get("said", "").strip()[:1000]
    if what != "take" and not said:
        messages.error(request, gettext("Say what was done, or why not: it is kept for ever."))
    elif what == "carry" and not request.POST.get("until"):
        messages.error(request, gettext("Say until which day the remark is carried over."))
    else:
        _answered(request, what, unit, id_, said)
    page = request.POST.get("page", "")
    if page == "list":
        return redirect(f"{reverse('remarks')}?{request.POST.get('asked', '')}")
    return redirect(f"{reverse('unit', args=[unit])}?tab=upkeep")


def _answered(request: HttpRequest, what: str, unit: str, id_: str, said: str) -> None:
    try:
        match what:
            case "take":
                record_one(request, RemarkAccepted, units=(unit,), remark=id_)
            case "done":
                finding = "in_order" if request.POST.get("finding") == "in_order" else "mended"
                record_one(request, RemarkDone, units=(unit,), remark=id_, work=said,
                           finding=finding)  # fmt: skip
            case _:
                record_one(request, RemarkCarriedOver, units=(unit,), remark=id_, reason=said,
                           until=request.POST["until"])  # fmt: skip
    except Refused as refusal:
        messages.error(request, in_words(refusal))
    else:
        messages.success(request, gettext("Recorded."))
