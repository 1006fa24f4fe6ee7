"""The tab Documents of a unit, and every form of it as PDF."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language

from railtrace.errors import NotFound
from railtrace.store.knowledge import Knowledge, Node
from railtrace.trace.leaf import Entry
from railtrace.web.fleet import the_names
from railtrace.web.forms.pdf import printed
from railtrace.web.forms.values import Source, filled, fits, form_of
from railtrace.web.names import Names
from railtrace.web.running import the_app

_MOST = 5


def unit_forms(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return each form of the unit with the last entries it can be printed from."""
    vehicle_class = names.vehicle_class(tree.passport.type)
    rows = []
    for key, form in sorted(names.catalogue.forms.items(), key=lambda item: item[1].number):
        if not fits(form, vehicle_class):
            continue
        entries = the_app().lookup.timeline(
            [tree.unit], form.kinds, None, knowledge.state_us, knowledge.known_us, _MOST
        ) if form.kinds else []  # fmt: skip
        rows.append({
            "form": form, "name": form.name(names.language),
            "href": "" if form.kinds else reverse("form-of-unit", args=[key, tree.unit]),
            "entries": [(row[1], reverse("form-of-entry", args=[key, row[6]]), row[5])
                        for row in entries],
        })  # fmt: skip
    return {"forms": rows}


def of_entry(request: HttpRequest, form: str, id_: str) -> HttpResponse:
    """Print a form from an operation; its code opens the operation and its proof."""
    entry = the_app().entry(id_)
    if not entry.units:
        raise NotFound("operation {id} names no unit", id=id_)
    address = request.build_absolute_uri(reverse("operation", args=[id_]))
    return _pdf(form, entry.units[0], entry, address)


def of_unit(request: HttpRequest, form: str, unit: str) -> HttpResponse:
    """Print a form of a unit; its code opens the unit's page."""
    the_app().about(unit)
    return _pdf(form, unit, None, request.build_absolute_uri(reverse("unit", args=[unit])))


def _pdf(key: str, unit: str, entry: Entry | None, address: str) -> HttpResponse:
    app, names = the_app(), the_names()
    form = form_of(names.catalogue, key)
    if entry is not None and form.kinds and entry.kind not in form.kinds:
        raise NotFound(
            "form {form} is not printed from an entry of the kind {kind}", form=form.number,
            kind=entry.kind,
        )  # fmt: skip
    vehicle_class = names.vehicle_class(app.knowledge().passport(unit).type)
    if vehicle_class and not fits(form, vehicle_class):
        raise NotFound(
            "form {form} is not of units of the class {vehicle_class}", form=form.number,
            vehicle_class=vehicle_class,
        )  # fmt: skip
    railway = app.config.name
    content = printed(filled(form, Source(app.knowledge(), names, unit, entry), railway), address)
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{key}.pdf"'
    response.headers["Content-Language"] = get_language() or "ru"
    return response
