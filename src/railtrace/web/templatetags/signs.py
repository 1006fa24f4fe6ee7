"""The vocabulary of signs: one way to show a verdict, a proof, a figure, a moment, a number."""

from collections.abc import Iterable
from datetime import datetime
from math import log10
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_noop, ngettext

from railtrace.web import clocks, figures, words
from railtrace.web.facts import declared_name
from railtrace.web.frame import home_zone
from railtrace.web.people.names import crew_name, person_name
from railtrace.web.roles import ROLES, site_word
from railtrace.web.running import the_app

register = template.Library()

# Drawn, not typed: fonts differ in these four characters.
SHAPES = {
    "fit": '<circle cx="6" cy="6" r="5"/>',
    "doubtful": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" '
    'stroke-width="1.5"/><path d="M6 1.5a4.5 4.5 0 0 0 0 9z"/>',
    "unfit": '<rect x="1.25" y="1.25" width="9.5" height="9.5"/>',
    "unknown": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" '
    'stroke-width="1.5"/>',
}


def language() -> str:
    """Return the reader's language."""
    return (get_language() or "ru")[:2]


@register.simple_tag
def verdict(value: str, only_sign: bool = False) -> SafeString:
    """Show a verdict by shape, word and colour at once."""
    key = value if value in SHAPES else "unknown"
    said = gettext(words.VERDICTS[key])
    return format_html(
        '<span class="verdict verdict-{}" title="{}"><svg viewBox="0 0 12 12" '
        'aria-hidden="true">{}</svg><span class="{}">{}</span></span>',
        key, said, mark_safe(SHAPES[key]), "visually-hidden" if only_sign else "verdict-word", said,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def person(context: Any, id_: str) -> str:
    """Show who it was, as far as the reader's role needs to know."""
    return person_name(context["request"], id_)


@register.simple_tag(takes_context=True)
def persons(context: Any, ids: Iterable[str]) -> str:
    """Show who they were, as far as the reader's role needs to know."""
    return ", ".join(person_name(context["request"], id_) for id_ in ids or ())


@register.simple_tag(takes_context=True)
def crew(context: Any, ids: Iterable[str]) -> str:
    """Show a crew to who needs to know it; to others only that there was one."""
    return ", ".join(dict.fromkeys(crew_name(context["request"], id_) for id_ in ids or ()))


@register.filter
def role_name(key: str) -> str:
    """Return what people call a role."""
    return ROLES[key].name if key in ROLES else key


@register.filter
def site_or_all(key: str) -> str:
    """Return what people call a site; the empty one is all of them."""
    return site_word(key)


@register.simple_tag
def due_state(sign: str, said: str) -> SafeString:
    """Show how maintenance stands: the sign of its verdict and its own words."""
    if sign not in SHAPES:
        return format_html('<span class="soft">{}</span>', said)
    return format_html(
        '<span class="verdict verdict-{}"><svg viewBox="0 0 12 12" aria-hidden="true">{}</svg>'
        "<span>{}</span></span>",
        sign, mark_safe(SHAPES[sign]), said,
    )  # fmt: skip


@register.filter
def tenth(percent: int) -> int:
    """Return a percentage in steps of five, at most a hundred: the class of a bar's width."""
    return min(percent, 100) // 5 * 5


@register.filter
def fault_words(code: str, names: Any) -> str:
    """Return the name of a fault by its code."""
    return str(names.fault(code))


@register.filter
def declared_in(key: str, names: Any) -> str:
    """Return the name of the catalogue's row that evidence was held against."""
    return declared_name(key, names)


@register.filter
def name_in(row: Any, names: Any) -> str:
    """Return the name of a catalogue row."""
    return str(row.name(names.language))


@register.simple_tag
def icon(name: str) -> SafeString:
    """Show an icon of the sprite."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("vendor/icons.svg"), name,
    )  # fmt: skip


@register.simple_tag
def explain(text: str) -> SafeString:
    """Show a question mark that explains the word before it, at a hover, a tap or by keyboard."""
    return format_html(
        '<button type="button" class="help" data-said="{}">{}<span class="visually-hidden">{}'
        "</span></button>",
        text, icon("help-circle"), gettext("What is this?"),
    )  # fmt: skip


@register.simple_tag
def no_go() -> SafeString:
    """Show the sign of a refusal: the square of what is unfit; the words stand beside it."""
    return format_html('<svg viewBox="0 0 12 12" aria-hidden="true">{}</svg>',
                       mark_safe(SHAPES["unfit"]))  # fmt: skip


_GATE_ICONS = {
    "views_behind": "clock", "no_decision": "clock",
    "data_elsewhere": "clock", "recalled": "flag", "on_hold": "lock",
    "scrapped": "circle-x", "not_described": "help-circle", "safety_defect": "alert-triangle",
    "contradiction": "git-branch", "history_unknown": "help-circle", "restricted": "gauge",
    "permission_expired": "certificate", "instrument": "ruler-measure",
    "work_open": "tool", "work_incomplete": "tool",
    "overdue": "calendar", "life_expired": "hourglass",
    "campaign_overdue": "calendar", "remark_overdue": "writing",
    "not_taken_over": "building-warehouse", "accident_hold": "lock", "not_examined": "wheel",
}  # fmt: skip


@register.filter
def get_icon(gate: str) -> str:
    """Return the icon of a reason against release."""
    return _GATE_ICONS[gate]


@register.simple_tag
def seal(operation: str, label: str = "") -> SafeString:
    """Show the seal that leads to an operation and its proof."""
    if not operation:
        return SafeString("")
    return format_html(
        '<a class="seal" href="{}" title="{}">{}{}</a>',
        reverse("operation", args=[operation]), gettext("Proof: the operation in the trace"),
        icon("rosette-discount-check"), format_html("<span>{}</span>", label) if label else "",
    )  # fmt: skip


@register.simple_tag
def moment(
    value: datetime | int | None,
    precision: str = "second",
    zone: str = "",
    recorded: datetime | int | None = None,
) -> SafeString | str:
    """Show when something happened; both clocks stand in the hover text."""
    if value is None:
        return "—"
    happened, known = _moment(value), _moment(recorded) if recorded is not None else None
    usual = home_zone()
    text = clocks.clock(happened, language(), ZoneInfo(zone) if zone else usual, precision, usual)
    hover = gettext("happened {moment} UTC").format(moment=happened.strftime("%Y-%m-%d %H:%M:%S"))
    if known is not None:
        hover += "\n" + gettext("recorded {moment} UTC").format(
            moment=known.strftime("%Y-%m-%d %H:%M:%S")
        )
    return format_html(
        '<time class="num" datetime="{}" title="{}">{}</time>', happened.isoformat(), hover, text
    )


def _moment(value: datetime | int) -> datetime:
    return clocks.from_us(value) if isinstance(value, int) else value


@register.filter
def day(value: datetime | int | None) -> str:
    """Write the day of a moment."""
    return "—" if value is None else clocks.day(_moment(value), language(), home_zone())


@register.simple_tag
def ago(value: datetime | int | None, now: datetime) -> str:
    """Write how long ago something was; stands beside the absolute moment only."""
    if value is None:
        return ""
    count, unit = clocks.age(_moment(value), now)
    said = {
        "minute": ngettext("{count} minute ago", "{count} minutes ago", count),
        "hour": ngettext("{count} hour ago", "{count} hours ago", count),
        "day": ngettext("{count} day ago", "{count} days ago", count),
    }[unit]
    return said.format(count=figures.figure(count, language()))


@register.simple_tag
def value(number: object, unit: str = "", places: int | None = None) -> SafeString:
    """Show a figure with its unit in tabular figures, never broken over lines."""
    if number is None or number == "":
        return SafeString("—")
    text = figures.with_unit(number, unit_sign(unit), language(), places)
    return format_html('<span class="num">{}</span>', text)


@register.filter
def hours(seconds: float) -> SafeString:
    """Write a length of time given in seconds as hours with one decimal."""
    return value(round(seconds / 3600, 1), "h", 1)


@register.filter
def figure(number: object) -> str:
    """Write a figure alone."""
    return "—" if number is None else figures.figure(number, language())


@register.filter
def figure_to(number: float, places: int) -> str:
    """Write a number to so many places."""
    return figures.figure(float(number), language(), int(places))


@register.filter
def chance(value: float) -> str:
    """Write a chance in per cent, finer the nearer it is to one; never rounded up to certainty."""
    places = 1 if value < 0.99 else 2 if value < 0.999 else 3
    percent = min(round(100 * value, places), 100 - 10**-places)
    return f"{figures.figure(float(percent), language(), places)}{figures.THIN}%"


@register.filter
def plain(number: float) -> str:
    """Write a number as it is typed into a field: no grouping, the reader's decimal sign."""
    text = f"{number:.10g}"
    return text if language() == "en" else text.replace(".", ",")


@register.filter
def svg(value: float) -> str:
    """Write a coordinate, whatever the language."""
    return f"{value:.2f}"


@register.filter
def milli(number: int | None) -> str:
    """Write whole thousandths as whole units."""
    return "—" if number is None else figures.figure(number // 1000, language())


@register.filter
def milli_exact(number: int | None) -> str:
    """Write whole thousandths with what is behind the point, where there is something."""
    if number is None:
        return "—"
    text = f"{number / 1000:.3f}".rstrip("0").rstrip(".")
    return figures.figure(text, language())


@register.filter
def word(key: str, table: str) -> str:
    """Translate a word of the trace by a table of `railtrace.web.words`."""
    said = words.word(getattr(words, table), str(key))
    return gettext(said) if said else ""


@register.simple_tag
def painted(scheme: str, number: str, vehicle_class: str = "") -> SafeString:
    """Show a number as it stands on the unit."""
    text = figures.number_as_painted(scheme, number, vehicle_class)
    return format_html('<span class="painted">{}</span>', text)


@register.filter
def words_of(text: str) -> list[str]:
    """Split a text at its spaces."""
    return text.split()


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Look a key up."""
    return mapping.get(key, "") if mapping else ""


@register.simple_tag(takes_context=True)
def query(context: Any, **changes: object) -> str:
    """Return this page's query string with some parameters changed; None takes one away."""
    parameters = context["request"].GET.copy()
    for key, changed in changes.items():
        if changed is None or changed == "":
            parameters.pop(key, None)
        else:
            parameters[key] = str(changed)
    encoded = parameters.urlencode()
    return f"?{encoded}" if encoded else "?"


@register.filter
def milli_with_unit(number: int | None, unit: str) -> str:
    """Write whole thousandths as whole units with the unit's sign."""
    if number is None:
        return "—"
    return figures.with_unit(number // 1000, unit_sign(unit), language())


UNIT_SIGNS = {
    "m": gettext_noop("m"), "km": gettext_noop("km"), "h": gettext_noop("h"),
    "min": gettext_noop("min"), "s": gettext_noop("s"),
    "d": gettext_noop("d"),
    "B": gettext_noop("B"), "kg": gettext_noop("kg"),
}  # fmt: skip
"""The few units that pages write without a catalogue row at hand."""


@register.filter
def machine_remark(remark: str) -> str:
    """Write what a gateway noted of a machine's result in words."""
    return words.machine_remark(remark)


@register.filter
def sign_of(unit: str, names: Any) -> str:
    """Write the printed sign of a unit of measure."""
    return str(names.unit_of_measure(unit))


def unit_sign(unit: str) -> str:
    """Translate the sign of a unit of measure."""
    return gettext(UNIT_SIGNS.get(unit, unit)) if unit else ""


@register.filter
def partial_day(text: str) -> str:
    """Write a date of an operation, of which the month or the day may be missing."""
    return text if language() == "en" else ".".join(reversed(text.split("-")))


@register.filter
def number_words(passport: Any, names: Any) -> str:
    """Return the number of a unit, as painted."""
    return str(names.number(passport))


@register.filter
def state_of_owner(key: str, names: Any) -> str:
    """Return the name of an owner state by its two digits."""
    row = names.catalogue.owner_states.get(key)
    return str(row.name(names.language)) if row else ""


@register.filter
def share(value: float | None) -> str:
    """Write a share from 0 to 1 as per cent with one place."""
    if value is None:
        return "—"
    return figures.with_unit(f"{value * 100:.1f}", "%", language())


@register.filter
def short(value: float) -> str:
    """Write a mark of an axis as short as it can be."""
    return figures.figure(f"{value:.10g}" if abs(value) < 1e6 else f"{value:.0f}", language())


@register.filter
def whole(value: float) -> str:
    """Write a number without what is behind its point; what has no end is written so."""
    if value != value or value in (float("inf"), float("-inf")):
        return "∞"
    return figures.figure(f"{value:.0f}", language())


@register.filter
def per_hundred(value: float) -> str:
    """Write a rate for a hundred."""
    if value != value or value in (float("inf"), float("-inf")):
        return "∞"
    return figures.figure(float(100 * value), language(), 2)


@register.filter
def tiny(value: float) -> str:
    """Write how many chance would give; what is next to nothing is written as a power."""
    if value >= 0.001:
        return figures.figure(float(value), language(), 3)
    return f"< 10{'⁻'}{_superscript(int(-log10(max(value, 1e-99))))}"


def _superscript(number: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number))


@register.filter
def hundred(value: float) -> str:
    """Write a share as a percentage for a style, whatever the language."""
    return f"{100 * value:.2f}"


@register.filter
def rest(value: float) -> str:
    """Write what a share leaves of a hundred, for a style."""
    return f"{100 * (1 - value):.2f}"


@register.filter
def unit_days(us: int) -> str:
    """Write a time in days with one place."""
    return figures.with_unit(f"{us / 86_400_000_000:.1f}", unit_sign("d"), language())


@register.simple_tag(takes_context=True)
def pick(context: template.Context, key: str, value: str, **changes: Any) -> str:
    """Return the query of this page with a key of the page's own choice set to a value."""
    return _changed(context, {key: value, **changes})


@register.simple_tag(takes_context=True)
def drop(context: template.Context, key: str) -> str:
    """Return the query of this page without a key."""
    return _changed(context, {key: None, "after": None})


def _changed(context: template.Context, changes: dict[str, Any]) -> str:
    parameters = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None:
            parameters.pop(key, None)
        else:
            parameters[key] = str(value)
    return f"?{parameters.urlencode()}"


@register.filter
def state_words(key: str) -> str:
    """Return the name of a state of units, by the catalogue."""
    row = the_app().catalogue().unit_states.get(key)
    return row.name(language()) if row else key


@register.simple_tag
def moment_time(us: int, precision: str, zone: str, recorded: int) -> SafeString | str:
    """Show the time of day alone, where the day stands above; a dot when it is not known."""
    if precision not in {"minute", "second"}:
        return SafeString("·")
    full = moment(us, precision, zone, recorded)
    happened = _moment(us).astimezone(ZoneInfo(zone))
    usual = _moment(us).astimezone(home_zone())
    differs = happened.utcoffset() != usual.utcoffset()
    text = happened.strftime("%H:%M") + (f" {clocks.offset(happened)}" if differs else "")
    title = full[full.index('title="') : full.index('">')]
    return format_html('<time class="num" {}">{}</time>', mark_safe(title), text)


@register.filter
def vehicles(rows: list[dict[str, Any]]) -> int:
    """Count the vehicles that the parts of a recall are on."""
    return len({row["vehicle"].unit for row in rows if row["vehicle"]})


@register.filter
def site(key: str) -> str:
    """Return the name of a site in the reader's language."""
    known = settings.CONFIG.sites.get(key)
    return known.name(language()) if known else key


@register.filter
def unit_words(passport: Any, names: Any) -> str:
    """Return type and number of a unit."""
    return str(names.unit(passport))


@register.filter
def position_words(path: str, names: Any) -> str:
    """Return the name of a position."""
    return str(names.position(path))


@register.filter
def place_words(key: str, names: Any) -> str:
    """Return the name of a place of a reading."""
    return str(names.place(key))


@register.filter
def quantity_words(key: str, names: Any) -> str:
    """Return the name of a quantity."""
    return str(names.quantity(key))


@register.filter
def type_words(key: str, names: Any) -> str:
    """Return the name of a vehicle or part type."""
    return str(names.type(key))


@register.filter
def jurisdiction_words(key: str, names: Any) -> str:
    """Return whose norm a row is."""
    return str(names.jurisdiction(key))


@register.filter
def source_words(row: Any, names: Any) -> str:
    """Return where the value of a catalogue row comes from."""
    return str(names.source(row)) if row else ""


@register.filter
def said(text: str) -> str:
    """Translate a text that the code marks for translation."""
    return gettext(text) if text else ""


@register.filter
def step_words(step: Any, names: Any) -> str:
    """Return the name of a step."""
    return str(step.name(names.language))


@register.filter
def css(number: float) -> str:
    """Write a share for a style: a point whatever the language."""
    return f"{number:g}"


@register.filter
def percent(share: float | None) -> str:
    """Write a share as percent."""
    return "—" if share is None else figures.with_unit(f"{100 * share:.1f}", "%", language())
