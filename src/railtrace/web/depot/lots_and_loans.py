"""Lots without serials, what is owed and lent, what is not ours: the rest of the stock's pages."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation, NotFound
from railtrace.trace.operation import DebtClosed, LotCounted, LotIssued, LotReceived
from railtrace.web.depot.finding import find_unit
from railtrace.web.depot.stock import cells
from railtrace.web.depot.stock_forms import store_field
from railtrace.web.fleet import the_names
from railtrace.web.names import Names
from railtrace.web.people.where import not_said
from railtrace.web.record import record_one
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

_MEASURES = ("1", "kg", "l", "m")


def _quantity() -> forms.DecimalField:
    return forms.DecimalField(label=_("How much"), localize=True, max_digits=12, decimal_places=3)


class NewLot(forms.Form):
    """What came in of a lot."""

    item = forms.ChoiceField(label=_("Type"))
    lot = forms.CharField(label=_("Lot"), max_length=64)
    store = store_field()
    quantity = _quantity()
    measure = forms.ChoiceField(label=_("Measure"))

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = sorted((row.name(names.language), key)
                       for key, row in names.catalogue.part_types.items())  # fmt: skip
        self.fields["item"].choices = [(k, said) for said, k in types]  # type: ignore[attr-defined]
        self.fields["measure"].choices = [  # type: ignore[attr-defined]
            (m, gettext("pieces") if m == "1" else names.unit_of_measure(m)) for m in _MEASURES
        ]

    def clean_quantity(self) -> Decimal:
        """Something came in."""
        return _over_zero(self.cleaned_data["quantity"])

    def record(self, request: HttpRequest) -> None:
        """Record it."""
        data = self.cleaned_data
        record_one(request, LotReceived, item=data["item"], lot=data["lot"], store=data["store"],
                   quantity=_decimal(data["quantity"]), measure=data["measure"])  # fmt: skip


def _over_zero(quantity: Decimal) -> Decimal:
    if quantity <= 0:
        raise forms.ValidationError(
            gettext("Quantity {value}: say how much it was, more than zero.").format(value=quantity)
        )
    return quantity


def _decimal(quantity: Decimal) -> str:
    return format(quantity.normalize(), "f")


class MoveLot(forms.Form):
    """What was issued of a lot, or counted."""

    what = forms.ChoiceField(
        label=_("What is done"), choices=[("issue", _("issued")), ("count", _("counted"))]
    )
    unit = forms.ChoiceField(label=_("Lot"))
    quantity = _quantity()
    target = forms.CharField(
        label=_("For which order or vehicle"), max_length=80, required=False,
        help_text=_("when it is issued"),
    )  # fmt: skip

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = {row["unit"]: row for row in the_app().stockroom.lots()}
        self.fields["unit"].choices = [  # type: ignore[attr-defined]
            (unit, f"{names.type(row['item'])} · {row['lot']} · {row['store']}")
            for unit, row in self.rows.items()
        ]

    def clean(self) -> dict[str, Any]:
        """No more is issued than is there, as far as the trace knows."""
        data = super().clean() or {}
        if not {"what", "unit", "quantity"} <= data.keys():
            return data
        row, quantity = self.rows[data["unit"]], data["quantity"]
        if quantity < 0 or (quantity == 0 and data["what"] == "issue"):
            self.add_error("quantity", gettext(
                "Quantity {value}: say how much it was, more than zero."
            ).format(value=quantity))  # fmt: skip
        elif data["what"] == "issue" and quantity * 1000 > row["balance_milli"]:
            self.add_error("quantity", gettext(
                "Of lot {lot} there are {there} in {store}: count it, or enter what came in first."
            ).format(lot=row["lot"], there=f"{row['balance_milli'] / 1000:g}",
                     store=row["store"]))  # fmt: skip
        return data

    def record(self, request: HttpRequest) -> None:
        """Record it; a target that is a vehicle's number becomes the carrier, else an order."""
        data = self.cleaned_data
        row = self.rows[data["unit"]]
        fields = {key: row[key] for key in ("item", "lot", "store", "measure")}
        fields["quantity"] = _decimal(data["quantity"])
        if data["what"] == "count":
            record_one(request, LotCounted, **fields)
            return
        record_one(request, LotIssued, **fields, **_target(data["target"]))


def _target(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        return {"carrier": find_unit(text, part=False)}
    except BadOperation:
        return {"work_order": text}


def lots(request: HttpRequest) -> HttpResponse:
    """Show the lots; take in, issue and count."""
    names, posted = the_names(), request.POST.get("form", "")
    new = NewLot(names, request.POST if posted == "new" else None)
    move = MoveLot(names, request.POST if posted == "move" else None, initial=request.GET.dict())
    chosen: dict[str, NewLot | MoveLot] = {"new": new, "move": move}
    form = chosen.get(posted)
    missing = not_said(request) if form is not None else ""
    if form is not None and may(request.user, "record") and form.is_valid() and not missing:
        form.record(request)
        messages.success(request, gettext("It is recorded."))
        return redirect("lots")
    return render(request, "depot/lots.html", _lots_context(request, names) | {
        "new": new, "move": move, "posted": posted, "site_missing": missing,
    })  # fmt: skip


def _lots_context(request: HttpRequest, names: Names) -> dict[str, Any]:
    filters = {key: request.GET.get(key, "") for key in ("item", "store")}
    contradicted = {
        found["unit"]
        for found in the_app().lookup.contradictions(limit=1000)
        if found["unit"].startswith("lot:")
    }
    return {
        "section": "depot", "tab": "lots", "names": names, "filters": filters,
        "asked": any(filters.values()), "stores": the_app().stockroom.stores(),
        "rows": [
            row | {"name": names.type(row["item"]), "sign": _sign(row["measure"], names),
                   "contradicted": row["unit"] in contradicted}
            for row in the_app().stockroom.lots(filters)
        ],
    }  # fmt: skip


def _sign(measure: str, names: Names) -> str:
    return "" if measure == "1" else names.unit_of_measure(measure)


# --- debts and loans --------------------------------------------------------------------------


def loans(request: HttpRequest) -> HttpResponse:
    """Show what is owed after a part was taken, what is lent, borrowed, and ours abroad."""
    app, names = the_app(), the_names()
    knowledge, closed = app.knowledge(), "closed" in request.GET
    debts = app.stockroom.debts(closed)
    abroad = app.stockroom.abroad()
    loans_ = cells(app.stockroom.loans(), names)
    knowledge.load([
        *(d[key] for d in debts for key in ("unit", "part", "recipient") if d[key]),
        *(unit for unit, _place, _us in abroad), *(item["row"].unit for item in loans_),
    ])  # fmt: skip
    context = {
        "section": "depot", "tab": "loans", "names": names, "now": app.clock(), "closed": closed,
        "debts": [
            debt | {
                "donor": names.unit(knowledge.passport(debt["unit"])),
                "part_name": names.unit(knowledge.passport(debt["part"])),
                "for": names.unit(knowledge.passport(debt["recipient"])),
                "where": names.position(debt["position"]),
            }
            for debt in debts
        ],
        "loans": [item | {"loan": knowledge.stock(item["row"].unit).loan,
                          "on": _carrier(item["row"].unit, knowledge, names)}
                  for item in loans_],
        "abroad": [(unit, names.unit(knowledge.passport(unit)), place, us)
                   for unit, place, us in abroad],
    }  # fmt: skip
    return render(request, "depot/loans.html", context)


def _carrier(unit: str, knowledge: Any, names: Names) -> tuple[str, str] | None:
    stay = knowledge.genealogy(unit).carrier()
    if stay is None:
        return None
    return stay.carrier, names.unit(knowledge.passport(stay.carrier))


@require_POST
@allowed("record")
def close_debt(request: HttpRequest) -> HttpResponse:
    """Close a debt with a reason, though nothing took the position."""
    unit, id_ = request.POST.get("unit", ""), request.POST.get("debt", "")
    debts = the_app().knowledge().stock(unit).debts
    if all(debt.id != id_ or debt.to_us is not None for debt in debts):
        raise NotFound("{unit} is owed nothing by {debt}", unit=unit, debt=id_)
    if reason := request.POST.get("reason", "").strip()[:200]:
        record_one(request, DebtClosed, units=(unit,), debt=id_, reason=reason)
        messages.success(request, gettext("The debt is closed."))
    else:
        messages.error(request, gettext("Say what was done: it is kept for ever."))
    return redirect("loans")
