"""What machines and people said of late, and what our own methods say of the same evidence."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.errors import NotFound
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace.leaf import microseconds
from railtrace.web import words
from railtrace.web.clocks import from_us
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.roles import allowed
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import saved

_HEADS = (_("When"), _("Part"), _("Equipment"), _("Method"), _("Machine's verdict"),
          _("Our verdict"), _("Finding"), _("Operation"))  # fmt: skip
DAYS = (7, 30, 90, 365, 3650)
SHOWN = 200
_DAY_US = 86_400_000_000
_SAID = ("sound", "watch", "alarm", "contradicts", "fit", "unfit", "refused")


def reader() -> Diagnostics:
    """Return the reader of diagnoses of the running app."""
    return Diagnostics(the_app().views.database)


def days_of(request: HttpRequest, usual: int = 90) -> int:
    """Return how many days back a page looks."""
    asked = request.GET.get("days", "")
    return int(asked) if asked.isdigit() and int(asked) in DAYS else usual


@allowed("read")
def recent(request: HttpRequest) -> HttpResponse:
    """List diagnoses, the machine's and ours side by side."""
    names, rows = the_names(), _rows(request, SHOWN)
    context = {
        "section": "depot", "tab": "diagnostics", "part": "diagnoses", "names": names,
        "rows": _dressed(rows, names), "days": days_of(request), "all_days": DAYS,
        "outcome": _outcome(request), "outcomes": [(o, words.OUTCOMES[o]) for o in _SAID],
        "now": the_app().clock(), "most": SHOWN,
    }  # fmt: skip
    return render(request, "diagnostics/recent.html", context)


def _outcome(request: HttpRequest) -> str:
    asked = request.GET.get("outcome", "")
    return asked if asked in _SAID else ""


def _rows(request: HttpRequest, limit: int) -> list[dict[str, Any]]:
    since = microseconds(the_app().clock()) - days_of(request) * _DAY_US
    return reader().recent(since, _outcome(request), limit=limit)


def _dressed(rows: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
    ours = reader().of_entries([row["operation"] for row in rows])
    knowledge = the_app().knowledge()
    knowledge.load(list(dict.fromkeys(u for r in rows for u in (r["unit"], r["device"]) if u)))
    told = []
    for row in rows:
        alone = row["made_by"] == "system"
        mine = row if alone else next(iter(ours.get(row["operation"], [])), None)
        theirs = machine_said(row["entry"]) if alone else row["outcome"]
        told.append(row | {
            "name": names.unit(knowledge.passport(row["unit"])),
            "device_name": names.unit(knowledge.passport(row["device"])) if row["device"] else "",
            "ours": mine, "machine": theirs, "alone": alone, "address": address_of(row),
            "found": _found(mine, names) if mine else "",
            "said_finding": "" if alone else row["finding"],
            "differ": bool(mine and theirs and differ(theirs, mine["outcome"])),
        })  # fmt: skip
    return told


def _found(mine: dict[str, Any], names: Names) -> str:
    """Return the finding of ours in words: a damage, a reason, or a figure with its unit."""
    finding = mine["finding"]
    if (table := words.DAMAGES if mine["outcome"] != "refused" else {}).get(finding):
        return gettext(table[finding])
    if finding in words.DIAGNOSIS_REASONS:
        return gettext(words.DIAGNOSIS_REASONS[finding])
    figure, _, unit = finding.rpartition(" ")
    decimal = figure if names.language == "en" else figure.replace(".", ",")
    return f"{decimal} {names.unit_of_measure(unit)}" if figure and unit else finding


def machine_said(entry: str) -> str:
    """Return the outcome of a machine's test, "" where it gave none."""
    try:
        operation = the_app().entry(entry).operation
    except NotFound:
        return ""
    return str(getattr(operation, "outcome", ""))


_PAGES = {"press_fit": "pressing", "vibration": "recording", "gear": "recording"}


def address_of(row: dict[str, Any]) -> str:
    """Return the page that shows the evidence of a diagnosis."""
    if row["made_by"] != "system":
        return reverse("recording", args=[row["operation"]])
    return reverse(_PAGES.get(row["method"], "judged"), args=[row["entry"]])


def differ(theirs: str, ours: str) -> bool:
    """Tell whether two outcomes call for different deeds; what cannot be judged differs too."""
    calm = {"sound", "fit", "ok", "passed", "completed"}
    return (theirs in calm) != (ours in calm)


@allowed("read")
def export(request: HttpRequest) -> HttpResponse:
    """Return the list as CSV or as a workbook."""
    rows = _dressed(_rows(request, 10_000), the_names())
    cells = (_cells(row, row["ours"] or {}) for row in rows)
    return saved(request, "diagnoses", _HEADS, cells)


def _cells(row: dict[str, Any], mine: dict[str, Any]) -> list[Any]:
    return [
        from_us(row["at_us"]).isoformat(), row["name"], row["device_name"], row["method"],
        row["machine"], mine.get("outcome", ""), mine.get("finding", ""),
        row["entry"] or row["operation"],
    ]  # fmt: skip
