"""Campaigns: what units must be inspected or have something replaced by when; how far it is."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound
from railtrace.projections.campaigns import Campaign, Standing
from railtrace.store.dues import GONE
from railtrace.store.knowledge import Knowledge
from railtrace.trace.operation import (
    CampaignClosed,
    CampaignDone,
    CampaignJoined,
    CampaignLeft,
    CampaignOpened,
    Operation,
)
from railtrace.web import words
from railtrace.web.depot.stock_forms import date_field
from railtrace.web.fleet import site_name, the_names
from railtrace.web.names import Names
from railtrace.web.record import made, record_all
from railtrace.web.roles import allowed, may, require
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import find_vehicles, iso, saved, the_upkeep, written

_AT_ONCE = 500
_SAYABLE = "abcdefghjkmnpqrstvwxyz23456789"
_CLASSES = ("locomotive", "coach", "freight_wagon", "special")


class Selection(forms.Form):
    """Which vehicles: all of a class, type and depot, or those whose numbers are typed."""

    vehicle_class = forms.ChoiceField(label=_("Class"), required=False)
    type = forms.ChoiceField(label=_("Type"), required=False)
    home_site = forms.ChoiceField(label=_("Depot"), required=False)
    numbers = forms.CharField(
        label=_("Numbers of the vehicles"), required=False, max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("one a line; empty: all of the class, type and depot chosen"),
    )  # fmt: skip

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = sorted((row.name(names.language), key)
                       for key, row in names.catalogue.vehicle_types.items())  # fmt: skip
        every = ("", gettext("all"))
        self.fields["vehicle_class"].choices = [  # type: ignore[attr-defined]
            every,
            *((key, gettext(words.CLASSES[key])) for key in _CLASSES),
        ]
        self.fields["type"].choices = [every, *((k, n) for n, k in types)]  # type: ignore[attr-defined]
        sites = [(key, site_name(key)) for key in the_app().config.depots]
        self.fields["home_site"].choices = [every, *sites]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Find the units; nothing chosen at all is a slip."""
        data = super().clean() or {}
        if data.get("numbers"):
            data["units"], complaints = find_vehicles(data["numbers"])
            for said in complaints:
                self.add_error("numbers", said)
        elif any(data.get(key) for key in ("vehicle_class", "type", "home_site")):
            data["units"] = _chosen(data)
        else:
            data["units"] = []
        if not data["units"] and not self.errors:
            raise forms.ValidationError(
                gettext("No vehicle is chosen: choose a class, type or depot, or type numbers.")
            )
        return data


def _chosen(data: dict[str, Any]) -> list[str]:
    wanted = {key: data[key] for key in ("vehicle_class", "type", "home_site") if data.get(key)}
    return [
        row.unit for row in the_app().lookup.maintained()
        if row.status not in GONE and all(getattr(row, k) == v for k, v in wanted.items())
    ]  # fmt: skip


class NewCampaign(Selection):
    """A campaign to be opened over some vehicles."""

    title = forms.CharField(label=_("What is to be done"), max_length=200)
    action = forms.ChoiceField(label=_("Inspect or replace"))
    until = date_field(_("Last day"))
    effect = forms.ChoiceField(label=_("What a unit that is not done then gets"))
    service = forms.CharField(
        label=_("Kind of service that does it"), max_length=200, required=False,
        help_text=_("like ТО-2 or весенний комиссионный осмотр: an entry of this kind closes it"),
    )  # fmt: skip
    order = forms.CharField(label=_("By which order"), max_length=200, required=False)
    field_order = ("title", "action", "until", "effect", "service", "order", "vehicle_class",
                   "type", "home_site", "numbers")  # fmt: skip

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(names, *args, **kwargs)
        self.fields["until"].required = True
        for field, table in (
            ("action", words.CAMPAIGN_ACTIONS),
            ("effect", words.CAMPAIGN_EFFECTS),
        ):
            self.fields[field].choices = [  # type: ignore[attr-defined]
                (key, gettext(word)) for key, word in table.items()
            ]


def campaigns(request: HttpRequest) -> HttpResponse:
    """List the campaigns with their progress; open a new one."""
    names = the_names()
    may_open = may(request.user, "hold")
    form = NewCampaign(names, request.POST or None, initial={"effect": "limits"})
    if request.method == "POST" and may_open and form.is_valid():
        return redirect("campaign", _opened(request, form.cleaned_data))
    knowledge = the_app().knowledge()
    context = {
        "section": "fleet", "tab": "campaigns", "names": names, "form": form,
        "may_open": may_open,
        "campaigns": [_listed(row, knowledge) for row in the_upkeep().campaigns()],
    }  # fmt: skip
    return render(request, "upkeep/campaigns.html", context)


def _opened(request: HttpRequest, data: dict[str, Any]) -> str:
    """Record the campaign and its units, five hundred an entry."""
    vars(request)["permission"] = "hold"
    name = f"{the_app().clock():%Y-%m-%d}-{get_random_string(4, _SAYABLE)}"
    said = {key: data[key] for key in ("title", "action", "effect", "service", "order")}
    opened = made(request, CampaignOpened, campaign=name, until=iso(data["until"]), **said)
    record_all(request, [opened, *_parted(request, CampaignJoined, data["units"], campaign=name)])
    return name


def _parted(
    request: HttpRequest, kind: type[Operation], units: list[str], **fields: Any
) -> Iterator[Operation]:
    for start in range(0, len(units), _AT_ONCE):
        yield made(request, kind, units=tuple(units[start : start + _AT_ONCE]), **fields)


@dataclass(frozen=True)
class Progress:
    """How far a campaign is."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        """How many units it concerns."""
        return sum(count for state, count in self.counts.items() if state != "out")

    @property
    def percent(self) -> int:
        """The share that is done, in per cent."""
        return round(100 * self.counts.get("done", 0) / self.total) if self.total else 0


def _progress(standings: dict[str, Standing]) -> Progress:
    return Progress(Counter(one.state for one in standings.values()))


def _listed(row: dict[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    campaign = knowledge.campaign(row["campaign"])
    return {"campaign": campaign, "progress": _progress(knowledge.members(campaign))}


def _found(name: str) -> tuple[Knowledge, Campaign]:
    knowledge = the_app().knowledge()
    campaign = knowledge.campaign(name)
    if campaign.opened_us is None and not campaign.members:
        raise NotFound("there is no campaign {campaign}", campaign=name)
    return knowledge, campaign


def campaign(request: HttpRequest, name: str) -> HttpResponseBase:
    """Show a campaign: its progress, its units, and what can be done now."""
    names = the_names()
    knowledge, found = _found(name)
    standings = knowledge.members(found)
    form = Selection(names, request.POST or None)
    if request.method == "POST" and may(request.user, "hold") and form.is_valid():
        vars(request)["permission"] = "hold"
        joined = _parted(request, CampaignJoined, form.cleaned_data["units"], campaign=name)
        record_all(request, list(joined))
        return redirect("campaign", name)
    shown, depot = request.GET.get("shown", ""), request.GET.get("home_site", "")
    rows = _rows(standings, knowledge, names)
    if "as" in request.GET:
        return saved(request, "campaign", _HEAD, _cells(_some(rows, shown, depot)))
    progress = _progress(standings)
    context = {
        "section": "fleet", "tab": "campaigns", "names": names, "campaign": found,
        "progress": progress, "shown": shown, "home_site": depot, "form": form,
        "rows": _some(rows, shown, depot), "states": words.MEMBER_STATES,
        "depots": sorted({(r["home_site"], site_name(r["home_site"])) for r in rows}),
        "may_open": may(request.user, "hold"), "may_record": may(request.user, "record"),
        "outcomes": ("passed", "failed"),
    }  # fmt: skip
    return render(request, "upkeep/campaign.html", context)


_ORDER = ("overdue", "due", "done", "out")


def _rows(
    standings: dict[str, Standing], knowledge: Knowledge, names: Names
) -> list[dict[str, Any]]:
    found = [
        {
            "unit": unit, "number": names.number(passport := knowledge.passport(unit)),
            "type": names.type(passport.type), "home_site": passport.home_site,
            "standing": one, "state": one.state,
        }
        for unit, one in standings.items()
    ]  # fmt: skip
    return sorted(found, key=lambda row: (_ORDER.index(str(row["state"])), str(row["number"])))


def _some(rows: list[dict[str, Any]], shown: str, depot: str) -> list[dict[str, Any]]:
    return [
        row for row in rows
        if (not shown or row["state"] == shown) and (not depot or row["home_site"] == depot)
    ]  # fmt: skip


_HEAD = (
    gettext_noop("Number"), gettext_noop("Type"), gettext_noop("Depot"), gettext_noop("State"),
    gettext_noop("Done"), gettext_noop("Number of the act"), gettext_noop("Findings"),
)  # fmt: skip


def _cells(rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for row in rows:
        one = row["standing"]
        yield [
            row["number"], row["type"], site_name(row["home_site"]),
            gettext(words.MEMBER_STATES[one.state]), written(one.done_us), one.member.act,
            one.member.findings or one.member.left_reason,
        ]  # fmt: skip


@require_POST
@allowed("record")
def done(request: HttpRequest, name: str) -> HttpResponse:
    """Say of the units ticked that they were looked at, or take them out."""
    _found(name)
    units = request.POST.getlist("unit")
    said = request.POST.get("said", "").strip()[:4000]
    what = request.POST.get("what", "passed")
    if not units:
        messages.error(request, gettext("Tick the units this is about."))
    elif what == "out":
        require(request.user, "hold")
        _take_out(request, name, units, said[:200])
    else:
        act = request.POST.get("act", "").strip()[:200]
        outcome = "failed" if what == "failed" else "passed"
        record_all(request, [
            made(request, CampaignDone, units=(unit,), campaign=name, outcome=outcome,
                 findings=said, act=act)
            for unit in units
        ])  # fmt: skip
        messages.success(request, gettext("Recorded."))
    return redirect("campaign", name)


def _take_out(request: HttpRequest, name: str, units: list[str], reason: str) -> None:
    if not reason:
        messages.error(request, gettext("Say why the campaign does not concern them."))
        return
    vars(request)["permission"] = "hold"
    record_all(request, list(_parted(request, CampaignLeft, units, campaign=name, reason=reason)))
    messages.success(request, gettext("Recorded."))


@require_POST
@allowed("hold")
def close(request: HttpRequest, name: str) -> HttpResponse:
    """Close a campaign."""
    _found(name)
    reason = request.POST.get("reason", "").strip()[:200]
    record_all(request, [made(request, CampaignClosed, campaign=name, reason=reason)])
    messages.success(request, gettext("The campaign is closed."))
    return redirect("campaign", name)
