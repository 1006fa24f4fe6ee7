"""Where failures come from: who decided it, on what evidence, and what is disputed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.rows import Origin
from railtrace.store.faults import Fault, faults
from railtrace.trace.operation import DefectFound, Evidence, Failed, OriginDecided, OriginDisputed
from railtrace.web import words
from railtrace.web.clocks import clock, from_us
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.quality.asked import asked, number, offered, sent_as_csv, vehicles_of
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may, require
from railtrace.web.running import the_app

CLASSES = ("locomotive", "coach", "freight_wagon", "special")
KINDS = {"Failed": _("Failures"), "DefectFound": _("Defects")}
STATES = {"any": _("all"), "undecided": _("not decided"), "decided": _("decided"),
          "disputed": _("disputed")}  # fmt: skip
_SHOWN = 200


@dataclass(frozen=True)
class Count:
    """How many failures have an origin, read with the disputed ones and without them."""

    key: str
    name: str
    undisputed: int
    disputed: int
    off_axis: bool = False
    of_operation: bool = False

    @property
    def whole(self) -> int:
        """With the disputed ones."""
        return self.undisputed + self.disputed


@allowed("read")
def origins(request: HttpRequest) -> HttpResponse:
    """Show the origins of the failures of a class, counted and listed."""
    one, names = asked(request, CLASSES), the_names()
    vehicles, offer = vehicles_of(one)
    kind, state = request.GET.get("kind", "Failed"), request.GET.get("state", "any")
    found = [f for f in faults(the_app().lookup, vehicles, one.since_us)
             if f.row["kind"] == (kind if kind in KINDS else "Failed")]  # fmt: skip
    kept = [fault for fault in found if _is(fault, state)]
    counts = _counts(found, one.vehicle_class, names)
    context = {
        "section": "fleet", "names": names, "tab_of": "origins", **offered(names, offer),
        "classes": CLASSES, "kinds": KINDS, "kind": kind, "state": state,
        "states": [(k, word, sum(_is(f, k) for f in found)) for k, word in STATES.items()],
        "counts": counts, "rows": [_line(fault, names) for fault in kept[:_SHOWN]],
        "all_rows": len(kept), "found": len(found),
        "decided": sum(c.whole for c in counts), "undisputed": sum(c.undisputed for c in counts),
        "disputed": sum(c.disputed for c in counts),
    }  # fmt: skip
    return render(request, "quality/origins.html", context)


def _is(fault: Fault, state: str) -> bool:
    decided = bool(fault.row["origin"])
    return {"undecided": not decided, "decided": decided and not fault.disputed,
            "disputed": fault.disputed}.get(state, True)  # fmt: skip


def _counts(found: Iterable[Fault], vehicle_class: str, names: Names) -> list[Count]:
    undisputed: Counter[str] = Counter()
    disputed: Counter[str] = Counter()
    for fault in found:
        if fault.row["origin"]:
            (disputed if fault.disputed else undisputed)[fault.row["origin"]] += 1
    axis = names.catalogue.axis(vehicle_class)
    known = {row.key for row in axis}
    off = sorted({*undisputed, *disputed} - known)
    return [
        *(Count(row.key, row.name(names.language), undisputed[row.key], disputed[row.key],
                of_operation=row.of_operation) for row in axis),
        *(Count(key, origin_name(key, names), undisputed[key], disputed[key], off_axis=True)
          for key in off),
    ]  # fmt: skip


def origin_name(key: str, names: Names) -> str:
    """Return the name of an origin; one the catalogue lacks is shown as it is."""
    row = names.catalogue.origins.get(key)
    return row.name(names.language) if row else key


def _line(fault: Fault, names: Names) -> dict[str, Any]:
    row = fault.row
    return row | {
        "number": number(fault.vehicle), "vehicle": fault.vehicle.unit,
        "origin_name": origin_name(row["origin"], names) if row["origin"] else "",
        "claims_name": origin_name(row["claims"], names) if row["claims"] else "",
        "off_axis": bool(row["origin"]) and row["origin"] not in {
            one.key for one in names.catalogue.axis(fault.vehicle.vehicle_class)},
    }  # fmt: skip


# --- deciding and disputing ---------------------------------------------------------------------


@allowed("read")
def origin(request: HttpRequest, id_: str) -> HttpResponse:
    """Show one failure's origin; decide it, or say that one does not agree."""
    app, names = the_app(), the_names()
    operation = app.entry(id_).operation
    if not isinstance(operation, Failed | DefectFound):
        raise Http404
    unit = operation.units[0]
    row = next((r for r in app.lookup.origins([unit]) if r["operation"] == id_), None)
    vehicle_class = _class_of(unit)
    if request.method == "POST":
        return _say(request, id_, unit, vehicle_class)
    context = {
        "section": "fleet", "names": names, "row": row, "operation": operation, "unit": unit,
        "number": names.unit(app.knowledge().passport(unit)), "id": id_,
        "axis": names.catalogue.axis(vehicle_class), "may_decide": may(request.user, "resolve"),
        "may_dispute": may(request.user, "record"),
        "origin_name": origin_name(row["origin"], names) if row and row["origin"] else "",
        "claims_name": origin_name(row["claims"], names) if row and row["claims"] else "",
        "class_word": words.CLASSES.get(vehicle_class, ""),
    }  # fmt: skip
    return render(request, "quality/origin.html", context)


def _class_of(unit: str) -> str:
    """Return the class on whose axis a unit stands: a part stands on its vehicle's."""
    knowledge = the_app().knowledge()
    root, _stays = knowledge.root(unit)
    return the_names().vehicle_class(knowledge.passport(root).type)


def _say(request: HttpRequest, id_: str, unit: str, vehicle_class: str) -> HttpResponse:
    who = request.POST.get("who", "").strip()[:200]
    chosen, reason = request.POST.get("origin", ""), request.POST.get("reason", "").strip()[:200]
    axis: Sequence[Origin] = the_names().catalogue.axis(vehicle_class)
    disputes = request.POST.get("act") == "dispute"
    if not who or (not disputes and chosen not in {row.key for row in axis}):
        messages.error(request, gettext("Name who decided, and choose where it comes from."))
        return redirect("origin", id_)
    if disputes:
        require(request.user, "record")
        vars(request)["permission"] = "record"
        record_one(request, OriginDisputed, units=(unit,), entry=id_, disputed_by=who,
                   claims=chosen or None, reason=reason)  # fmt: skip
        messages.success(request, gettext("The dispute is recorded."))
    else:
        require(request.user, "resolve")
        vars(request)["permission"] = "resolve"
        record_one(request, OriginDecided, units=(unit,), entry=id_, origin=chosen,
                   decided_by=who, reason=reason, evidence=_evidence(request))  # fmt: skip
        messages.success(request, gettext("The origin is recorded."))
    return redirect("origin", id_)


def _evidence(request: HttpRequest) -> tuple[Evidence, ...]:
    return tuple(
        the_app().evidence.put(
            BytesIO(file.read()), (file.name or "")[:200], (file.content_type or "")[:200],
            "document",
        )
        for file in request.FILES.getlist("paper")[:5]
    )


_HEADINGS = (_("Number"), _("When"), _("Kind"), _("What"), _("Where it comes from"),
             _("Decided by"), _("Evidence"), _("Disputed by"), _("Claimed origin"),
             _("Operation"))  # fmt: skip


@allowed("read")
def export_csv(request: HttpRequest) -> HttpResponse:
    """Send failures and defects with their origins as CSV."""
    one, names = asked(request, CLASSES), the_names()
    vehicles, _offer = vehicles_of(one)
    found = faults(the_app().lookup, vehicles, one.since_us)
    return sent_as_csv("origins", _cells(found, names))


def _cells(found: Iterable[Fault], names: Names) -> Iterable[Sequence[object]]:
    yield [gettext(word) for word in _HEADINGS]
    for fault in found:
        line = _line(fault, names)
        yield [line["number"], clock(from_us(fault.at_us), names.language, home_zone()),
               gettext(words.word(words.KINDS, line["kind"])), line["what"],
               line["origin_name"], line["decided_by"], line["evidence"], line["disputed_by"],
               line["claims_name"], line["operation"]]  # fmt: skip
