"""What fills the lines of a form: values of the unit, of the operation, of what was before it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.in_force import limit_for
from railtrace.catalogue.rows import Catalogue, Form, FormField
from railtrace.errors import NotFound
from railtrace.projections.condition import judge
from railtrace.projections.maintenance import Done, plan_of
from railtrace.store.knowledge import Knowledge
from railtrace.trace.leaf import Entry, moment
from railtrace.trace.operation import ClaimOpened, Operation, Reading
from railtrace.web import words
from railtrace.web.clocks import day
from railtrace.web.fleet import site_name
from railtrace.web.frame import home_zone
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.running import the_app

_MOST_ROWS = 60


@dataclass(frozen=True)
class Source:
    """What a form is printed from; without an entry it is a form of the unit."""

    knowledge: Knowledge
    names: Names
    unit: str
    entry: Entry | None

    @property
    def operation(self) -> Operation | None:
        """The operation, if there is one that this program can read."""
        operation = self.entry.operation if self.entry else None
        return operation if isinstance(operation, Operation) else None


def filled(form: Form, source: Source, railway: str) -> dict[str, Any]:
    """Return everything the template prints but the code."""
    language = source.names.language
    number = "" if form.number == "—" else f"{gettext('Form')} {form.number}"
    marks = [] if form.confirmed else [gettext("layout of our own, not of an order")]
    return {
        "key": form.key, "title": form.name(language), "form": number, "railway": railway,
        "language": language,
        "marks": marks, "fields": [[_label(f, language), _value(f.value, source)]
                                   for f in form.fields],
        "ticks": [form.called(word, language) for word in form.ticks],
        "signed": [form.called(word, language) for word in form.signed_by],
        "tables": [_TABLES[name](source) for name in form.tables],
        "nothing": gettext("nothing recorded"), "footer": _footer(source),
    }  # fmt: skip


def _label(field: FormField, language: str) -> str:
    return {"en": field.en, "tg": field.tg}.get(language) or field.ru


def _footer(source: Source) -> str:
    entry = source.entry
    if entry is None:
        return source.unit
    return f"{entry.operation.id} · {entry.log} · {entry.position}"


def _value(key: str, source: Source) -> str:
    group, _dot, name = key.partition(".")
    match group:
        case "unit":
            return _UNIT[name](source)
        case "last":
            return _LAST[name](source)
        case "operation" if source.operation is not None:
            special = _OPERATION.get(name)
            return special(source) if special else _plain(source.operation, name)
    return ""


def _plain(operation: Operation, name: str) -> str:
    value = getattr(operation, name, "")
    return gettext(words.OUTCOMES.get(str(value), str(value))) if value else ""


def _number(source: Source) -> str:
    return source.names.number(source.knowledge.passport(source.unit))


def _km(source: Source) -> str:
    at_us = source.knowledge.at_us
    km = source.knowledge.mileage().at(source.unit, at_us) / 1000
    return source.names.value(f"{km:.0f}", "km")


def _last_repair(source: Source) -> tuple[str, Done] | None:
    """The last planned service before the operation, or before now; of a claim what is claimed."""
    if isinstance(source.operation, ClaimOpened) and source.operation.warranty:
        return _stood_for(source, source.operation.warranty)
    before_us = source.entry.happened_us if source.entry else source.knowledge.at_us
    repairs = _planned_repairs(source)
    found = [(kind, done) for kind, done in source.knowledge.maintenance(source.unit).done.items()
             if kind in repairs and done.at_us < before_us]  # fmt: skip
    return max(found, key=lambda pair: pair[1].at_us, default=None)


def _planned_repairs(source: Source) -> set[str]:
    """Return the repairs of the unit's own programmes: another's may have the same name."""
    state = source.knowledge.maintenance(source.unit)
    today = moment(source.knowledge.at_us).date()
    plan = plan_of(source.names.catalogue, state.type, today, state.programme)
    return {service.kind for _, rows in plan for service in rows if service.rank > 0}


def _stood_for(source: Source, warranty: str) -> tuple[str, Done] | None:
    """Return the work that a warranty was given for, on the unit or on what carries it."""
    chain = [source.unit, *(stay.carrier for stay in source.knowledge.root(source.unit)[1])]
    return next(
        ((one.after, Done(one.from_us, one.operation, "document")) for unit in chain
         for one in source.knowledge.claims(unit).warranties if one.operation == warranty),
        None,
    )  # fmt: skip


def _last_said(source: Source) -> str:
    last = _last_repair(source)
    return f"{last[0]}, {_day(last[1].at_us, source)}" if last else ""


def _last_km(source: Source) -> str:
    last = _last_repair(source)
    if last is None:
        return ""
    mileage = source.knowledge.mileage()
    end_us = source.entry.happened_us if source.entry else source.knowledge.at_us
    km = (mileage.at(source.unit, end_us) - mileage.at(source.unit, last[1].at_us)) / 1000
    return source.names.value(f"{km:.0f}", "km")


def _day(us: int, source: Source) -> str:
    return day(moment(us), source.names.language, home_zone())


def _happened(source: Source) -> int:
    return source.entry.happened_us if source.entry else source.knowledge.at_us


def _clock(source: Source) -> str:
    return moment(_happened(source)).astimezone(home_zone()).strftime("%H:%M")


def _defect(source: Source) -> Operation | None:
    """What is told of: the operation, or the defect a claim names."""
    if not isinstance(source.operation, ClaimOpened):
        return source.operation
    operation = the_app().entry(source.operation.defect).operation
    return operation if isinstance(operation, Operation) else None


def _instrument(source: Source) -> str:
    """Name the instrument with the entry of its proof that was in force then."""
    device = source.operation.device if source.operation else None
    if not device:
        return ""
    name = source.names.unit(source.knowledge.passport(device))
    proof = source.knowledge.instrument(device).proof_at(_happened(source))
    paper = (proof.register_entry or proof.certificate) if proof else gettext("no proof recorded")
    until = f"{gettext('valid to')} {_day(proof.valid_to_us, source)}" if proof else ""
    return ", ".join(filter(None, (name, paper, until)))


Say = Callable[[Source], str]
_UNIT: dict[str, Say] = {
    "number": _number,
    "type": lambda s: s.names.type(s.knowledge.passport(s.unit).type),
    "owner": lambda s: s.knowledge.passport(s.unit).owner,
    "owner_state": lambda s: s.knowledge.passport(s.unit).owner_state,
    "made": lambda s: s.knowledge.passport(s.unit).made,
    "home_site": lambda s: site_name(s.knowledge.passport(s.unit).home_site),
    "km": _km,
}
_LAST: dict[str, Say] = {"repair": _last_said, "km_since": _last_km}
_OPERATION: dict[str, Say] = {
    "day": lambda s: _day(_happened(s), s),
    "time": _clock,
    "device": lambda s: _instrument(s),
    "site": lambda s: site_name(s.operation.site) if s.operation else "",
    "person": lambda s: ", ".join(s.operation.performed_by) if s.operation else "",
    "place": lambda s: s.names.position(str(getattr(_defect(s), "place", ""))),
    "code": lambda s: str(getattr(_defect(s), "code", "") or getattr(_defect(s), "mode", "")),
    "campaign_title": lambda s: s.knowledge.campaign(
        str(getattr(s.operation, "campaign", ""))
    ).title,
    "reason": lambda s: str(getattr(s.operation, "reason", "") or getattr(s.operation, "code", "")),
}


# --- tables ------------------------------------------------------------------------------------


def _table(title: str, heads: list[str], rows: list[list[str]]) -> dict[str, Any]:
    return {"title": gettext(title), "heads": [gettext(head) for head in heads],
            "rows": rows[:_MOST_ROWS]}  # fmt: skip


def _components(source: Source) -> dict[str, Any]:
    names = source.names
    rows = [
        [names.position(node.stay.position) if node.stay else "", names.type(node.passport.type),
         names.number(node.passport), node.passport.maker, node.passport.made]
        for node in source.knowledge.tree(source.unit).walk()[1:]
    ]  # fmt: skip
    heads = [_("Position"), _("Type"), _("Number"), _("Maker"), _("Made")]
    return _table(_("Components"), heads, rows)


def _readings(source: Source) -> dict[str, Any]:
    names, operation = source.names, source.operation
    rows = [
        [names.quantity(r.quantity), names.place(r.place),
         names.measured(r.value, r.uncertainty, r.unit), *_judged(source, r)]
        for r in (operation.readings if operation else ())
    ]  # fmt: skip
    heads = [_("Quantity"), _("Place"), _("Value"), _("Limit"), _("Verdict")]
    return _table(_("Readings"), heads, rows)


def _judged(source: Source, reading: Reading) -> list[str]:
    """Return the limit in service then, and how the reading stands to it."""
    day = moment(_happened(source)).date()
    type_ = source.knowledge.passport(source.unit).type
    limit = limit_for(
        source.names.catalogue, reading.quantity, type_, "in_service", day, place=reading.place
    )
    if limit is None or limit.unit != reading.unit:
        return ["", ""]
    low, high = (None if end is None else Decimal(end) for end in (limit.min, limit.max))
    word = judge(Decimal(reading.value), Decimal(reading.uncertainty or 0), low, high)
    return [limit_text(limit, source.names), gettext(words.VERDICTS[word])]


def _defects(source: Source) -> dict[str, Any]:
    names = source.names
    rows = [
        [names.unit(node.passport), defect.code, names.position(defect.place),
         _day(defect.from_us, source)]
        for node in source.knowledge.tree(source.unit).walk()
        for defect in node.condition.defects
    ]  # fmt: skip
    heads = [_("Unit"), _("Code"), _("Place"), _("Date")]
    return _table(_("Open defects"), heads, rows)


def _repairs(source: Source) -> dict[str, Any]:
    done = source.knowledge.maintenance(source.unit).done
    rows = [[kind, _day(d.at_us, source)]
            for kind, d in sorted(done.items(), key=lambda pair: -pair[1].at_us)]  # fmt: skip
    return _table(_("Last of each kind"), [_("Kind"), _("Date")], rows)


_TABLES: dict[str, Callable[[Source], dict[str, Any]]] = {
    "components": _components, "readings": _readings, "defects": _defects, "repairs": _repairs,
}  # fmt: skip


def form_of(catalogue: Catalogue, key: str) -> Form:
    """Return a form by its key. Raises NotFound."""
    if key not in catalogue.forms:
        raise NotFound("there is no form {form} in the catalogue", form=key)
    return catalogue.forms[key]


def fits(form: Form, vehicle_class: str) -> bool:
    """Tell whether a form is one of a unit's class; a form without classes is everybody's."""
    return not form.vehicle_classes or vehicle_class in form.vehicle_classes
