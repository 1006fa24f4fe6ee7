"""The laboratory: oil, coolant and fuel of engines, wear metals by hours of the oil."""

from decimal import Decimal
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.catalogue.in_force import limit_for
from railtrace.errors import BadEvidence, BadOperation, Refused
from railtrace.interchange.analyser_files import SampleRow, read_analyser
from railtrace.operating.oil import METALS, rises, series_of
from railtrace.projections.condition import judge
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import moment
from railtrace.trace.operation import FluidChanged, FluidSampled, Operation, Reading
from railtrace.web import words
from railtrace.web.accounts import person_of
from railtrace.web.depot.finding import find_unit
from railtrace.web.diagnostics.plots import scale
from railtrace.web.diagnostics.recent import reader
from railtrace.web.fleet import the_names
from railtrace.web.frame import home_zone, in_words
from railtrace.web.measurements import limit_source, limit_text
from railtrace.web.names import Names
from railtrace.web.record import record_one, site_of
from railtrace.web.roles import allowed, require
from railtrace.web.running import the_app

MOST_BYTES = 2 << 20


@allowed("read")
def laboratory(request: HttpRequest) -> HttpResponse:
    """List the engines whose fluids were sampled; take an analyser's file."""
    app, names = the_app(), the_names()
    rows = reader().sampled()
    knowledge = app.knowledge()
    knowledge.load([row["unit"] for row in rows])
    told = [
        row | {"name": names.unit(knowledge.passport(row["unit"])),
               **_standing(knowledge, names, row["unit"])}
        for row in rows
    ]  # fmt: skip
    told.sort(key=lambda row: (not row["rising"], row["verdict"] != "unfit"))
    context = {"section": "depot", "tab": "diagnostics", "part": "laboratory", "names": names,
               "rows": told, "now": app.clock()}  # fmt: skip
    return render(request, "diagnostics/laboratory.html", context)


def _standing(knowledge: Knowledge, names: Names, unit: str) -> dict[str, Any]:
    series = series_of(the_app(), knowledge, unit)
    found = {key: one for key, one in series.items() if key in METALS and one["trend"]}
    rising = [
        names.quantity(key) for key, one in found.items()
        if rises(one["trend"])
    ]  # fmt: skip
    verdicts = [_verdict(knowledge, names, unit, key, one) for key, one in series.items()]
    worst = next((v for v in ("unfit", "doubtful", "fit") if v in verdicts), "unknown")
    return {"rising": rising, "verdict": worst}


def _verdict(
    knowledge: Knowledge, names: Names, unit: str, key: str, one: dict[str, Any]
) -> str:
    type_ = knowledge.passport(unit).type
    last = one["points"][-1]
    limit = limit_for(names.catalogue, key, type_, "in_service", moment(last["at_us"]).date())
    if limit is None or limit.unit != last["uom"]:
        return "unknown"
    return judge(
        Decimal(last["value"]), Decimal(last["uncertainty"] or 0),
        None if limit.min is None else Decimal(limit.min),
        None if limit.max is None else Decimal(limit.max),
    )  # fmt: skip


@allowed("read")
def engine(request: HttpRequest, unit: str) -> HttpResponse:
    """Show an engine's fluids over its hours, each quantity with its limit and its trend."""
    app, names = the_app(), the_names()
    knowledge = app.about(unit)
    series = series_of(the_app(), knowledge, unit)
    order = {key: i for i, key in enumerate(METALS)}
    context = {
        "section": "depot", "tab": "diagnostics", "part": "laboratory", "names": names,
        "unit": unit, "name": names.unit(knowledge.passport(unit)), "now": app.clock(),
        "charts": [
            _chart(knowledge, names, unit, key, series[key])
            for key in sorted(series, key=lambda k: (order.get(k, 99), k))
        ],
        "changes": reader().fluid_changes(unit), "samples": reader().samples(unit)[::-1],
        "change_form": ChangeForm(), "sample_form": SampleForm(names=names),
    }  # fmt: skip
    return render(request, "diagnostics/engine.html", context)


def _chart(
    knowledge: Knowledge, names: Names, unit: str, key: str, one: dict[str, Any]
) -> dict[str, Any]:
    points = one["points"]
    type_ = knowledge.passport(unit).type
    limit = limit_for(names.catalogue, key, type_, "in_service",
                      moment(points[-1]["at_us"]).date())  # fmt: skip
    values = [float(p["value"]) for p in points]
    bounds = [float(b) for b in (limit.min, limit.max) if b is not None] if limit else []
    xs = [p["hours"] for p in points]
    near = [b for b in bounds if b < 4 * max([*values, 0.001]) or key not in METALS]
    box = scale(xs if max(xs) > min(xs) else [*xs, xs[-1] + 1], [0.0, *values, *near], height=210.0)
    pieces: list[list[dict[str, Any]]] = [[]]
    for i, p in enumerate(points):
        if i and any(points[i - 1]["hours"] <= c < p["hours"] for c in one["changes"]):
            pieces.append([])
        pieces[-1].append(p)
    return {
        "key": key, "name": names.quantity(key), "scale": box, "trend": one["trend"],
        "unit": names.unit_of_measure(points[-1]["uom"]),
        "paths": [box.path([p["hours"] for p in some], [float(p["value"]) for p in some])
                  for some in pieces],
        "dots": [(box.x(p["hours"]), box.y(float(p["value"])),
                  f"{p['sample']}: {names.measured(p['value'], p['uncertainty'], p['uom'])}",
                  p["operation"]) for p in points],
        "changes": [box.x(c) for c in one["changes"] if min(xs) <= c <= max(xs)],
        "limits": [{"y": box.y(b), "word": limit_text(limit, names),
                    "source": limit_source(limit, names),
                    "confirmed": limit.confirmed} for b in near] if limit else [],
        "verdict": _verdict(knowledge, names, unit, key, one), "limit": limit,
        "limit_word": limit_text(limit, names), "last": points[-1],
        "source": limit_source(limit, names) if limit else "",
    }  # fmt: skip


# --- recording ------------------------------------------------------------------------------------


class _Dressed(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for found in self.fields.values():
            select = isinstance(found.widget, forms.Select)
            found.widget.attrs["class"] = "form-select" if select else "form-control"


class ChangeForm(_Dressed):
    """A fluid is changed or topped up."""

    fluid = forms.ChoiceField(label=_("Fluid"))
    whole = forms.ChoiceField(
        label=_("What was done"), choices=[("yes", _("changed as a whole")), ("no", _("topped up"))]
    )
    engine_hours = forms.DecimalField(label=_("Engine-hours"), required=False, min_value=0)
    litres = forms.DecimalField(label=_("Litres"), required=False, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fluid"].choices = _fluids()  # type: ignore[attr-defined]


class SampleForm(_Dressed):
    """A sample with one reading; an analyser's file brings many."""

    sample = forms.CharField(label=_("Sample number"), max_length=64)
    fluid = forms.ChoiceField(label=_("Fluid"))
    engine_hours = forms.DecimalField(label=_("Engine-hours"), required=False, min_value=0)
    quantity = forms.ChoiceField(label=_("Quantity"))
    value = forms.DecimalField(label=_("Value"), min_value=0)

    def __init__(self, *args: Any, names: Names, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fluid"].choices = _fluids()  # type: ignore[attr-defined]
        self.fields["quantity"].choices = [  # type: ignore[attr-defined]
            (row.key, f"{row.name(names.language)}, {names.unit_of_measure(row.unit)}")
            for row in names.catalogue.quantities.values()
            if row.key.startswith(("oil_", "coolant_", "fuel_water", "fuel_sulphur"))
        ]


def _fluids() -> list[tuple[str, str]]:
    return [(key, gettext(word)) for key, word in words.FLUIDS.items()]


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:f}"


@require_POST
@allowed("record")
def change(request: HttpRequest, unit: str) -> HttpResponse:
    """Record that a fluid was changed: its metals begin anew."""
    form = ChangeForm(request.POST)
    if not form.is_valid():
        raise BadOperation("{field}: check what was typed", field=next(iter(form.errors)))
    told = form.cleaned_data
    record_one(
        request, FluidChanged, units=(unit,), fluid=told["fluid"], whole=told["whole"] == "yes",
        engine_hours=_text(told["engine_hours"]), litres=_text(told["litres"]),
    )  # fmt: skip
    messages.success(request, gettext("The change is recorded."))
    return redirect("engine", unit)


@require_POST
@allowed("record")
def sample(request: HttpRequest, unit: str) -> HttpResponse:
    """Record a sample typed by hand."""
    names = the_names()
    form = SampleForm(request.POST, names=names)
    if not form.is_valid():
        raise BadOperation("{field}: check what was typed", field=next(iter(form.errors)))
    told = form.cleaned_data
    row = names.catalogue.quantities[told["quantity"]]
    reading = Reading(quantity=row.key, value=f"{told['value']:f}", unit=row.unit)  # type: ignore[arg-type]
    record_one(
        request, FluidSampled, units=(unit,), fluid=told["fluid"], sample=told["sample"],
        engine_hours=_text(told["engine_hours"]), readings=(reading,),
    )
    messages.success(request, gettext("The sample is recorded."))
    return redirect("engine", unit)


_WHAT = {
    "sample": gettext_noop("the sample has no number"),
    "engine": gettext_noop("the engine has no number"),
    "no value": gettext_noop("no value is given"),
}


@require_POST
@allowed("import")
def take_file(request: HttpRequest) -> HttpResponse:
    """Take an analyser's file: every good row is recorded, the others are refused by row."""
    file = request.FILES.get("file")
    if file is None or file.size is None or file.size > MOST_BYTES:
        raise BadOperation("choose the analyser's file, at most 2 MB", field="file")
    content = file.read()
    try:
        found = read_analyser(content, the_names().catalogue, home_zone())
    except BadEvidence as problem:
        messages.error(request, in_words(problem))
        return redirect("laboratory")
    kept = the_app().evidence.put(content, (file.name or "")[:200], "text/csv", "dataset")
    refused = [(line, gettext(_WHAT.get(why, why))) for line, why in found.refused]
    recorded = 0
    for row in found.samples:
        try:
            recorded += _record_row(request, row, kept)
        except Refused as problem:
            refused.append((row.line, in_words(problem)))
    the_app().wait_caught_up()
    if recorded:
        messages.success(request, gettext("{n} samples are recorded.").format(n=recorded))
    for line, why in sorted(refused)[:20]:
        messages.error(request, gettext("Row {line} is refused: {why}").format(line=line, why=why))
    if found.unknown:
        messages.warning(request, gettext("Columns nobody knows were left out: {names}").format(
            names=", ".join(found.unknown)))  # fmt: skip
    return redirect("laboratory")


def _record_row(request: HttpRequest, row: SampleRow, kept: Any) -> bool:
    """Record one row; the same row of the same file is one operation however often it comes."""
    catalogue = the_names().catalogue
    unit = find_unit(row.engine, part=True)
    readings = tuple(
        Reading(quantity=key, value=value, unit=catalogue.quantities[key].unit)  # type: ignore[arg-type]
        for key, value in row.values.items()
    )
    said = f"{row.sample}|{unit}|{row.at.isoformat()}|{sorted(row.values.items())}"
    operation: Operation = FluidSampled(
        id=f"lab:{sha256(said.encode()).hexdigest()[:32]}", happened_at=row.at, units=(unit,),
        fluid=row.fluid, sample=row.sample[:64],  # type: ignore[arg-type]
        engine_hours=row.hours, readings=readings, evidence=(kept,),
        performed_by=(person_of(request.user).person_id,),
    )  # fmt: skip
    require(request.user, "import", site_of(the_app().knowledge(), operation))
    before = the_app().trace.find([operation.id])
    if before:
        return False
    (result,) = the_app().record([operation], person_of(request.user).person_id, "file")
    if isinstance(result, Refused):
        raise result
    return True
