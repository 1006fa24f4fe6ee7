"""The fields of a plan's page: what they are called and may hold, what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from msgspec.structs import replace

from railtrace.analysis.depot_flow import HOURS_A_DAY
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadData
from railtrace.web.fleet import the_names
from railtrace.web.planning.answer import people_name, station_name
from railtrace.web.planning.plan import (
    MOST_SHIFTS,
    Plan,
    PlannedPeople,
    PlannedStation,
    PlannedWork,
    qualifications_of,
    stations_of,
)

_MOST_MACHINES = 60
_MOST_MONEY = 1e12


@dataclass(frozen=True)
class Field:
    """One figure of a station: its key in the form, its word, its bounds."""

    key: str
    word: str
    least: float
    most: float
    whole: bool = False


FIELDS = (
    Field("machines", _("Machines"), 1, _MOST_MACHINES, whole=True),
    Field("capacity", _("Items at once"), 1, 100, whole=True),
    Field("days_a_week", _("Days a week"), 1, 7, whole=True),
    Field("hours_a_week", _("Hours a week"), 1, 168),
    Field("mtbf_h", _("Between failures, h"), 0, 100_000),
    Field("mttr_h", _("Repair, h"), 0, 10_000),
    Field("calibration_h", _("Away for a calibration, h"), 0, 2_000),
    Field("price_low", _("Price of one, least"), 0, _MOST_MONEY),
    Field("price", _("Price of one, likely"), 0, _MOST_MONEY),
    Field("price_high", _("Price of one, greatest"), 0, _MOST_MONEY),
    Field("power_kw", _("Power, kW"), 0, 100_000),
    Field("water_m3_h", _("Water, m³/h"), 0, 10_000),
    Field("area_m2", _("Area, m²"), 0, 100_000),
    Field("staff", _("Staff a shift"), 0, 100),
)
SHIFT_H = Field("shift_h", _("Length of a shift, h"), 0.5, 24)
SHIFT_DAYS = Field("shift_days", _("Days a week"), 1, 7, whole=True)
IN_SHIFT = Field("people", _("People in a shift"), 0, 1_000, whole=True)
PERSON_PRICE = Field("people_price", _("Price of one more a shift"), 0, _MOST_MONEY)
_PER_WEEK = Field("per_week", _("Items a week"), 0, 100_000)
_BATCH = Field("batch", _("Items in a batch"), 1, 500, whole=True)
_MINUTES = Field("minutes", _("Time, min"), 0.1, 100_000)
_AGAIN = Field("again", _("Done again, %"), 0, 100)
LIMITS = (
    Field("price", _("Budget"), 0, _MOST_MONEY), Field("power_kw", _("Power, kW"), 0, 100_000),
    Field("water_m3_h", _("Water, m³/h"), 0, 10_000), Field("area_m2", _("Area, m²"), 0, 100_000),
    Field("staff", _("Staff a shift"), 0, 1_000),
)  # fmt: skip
_VALUE = Field("value_h", _("Worth of an hour of one item"), 0, _MOST_MONEY)
_TARGET = Field("target_h", _("Target, h"), 0, 100_000)
_TARGET_MET = Field("target_met", _("Chance to work the programme off, %"), 0, 98)
HOW_WORKED = 7
"""The first fields tell how a machine is worked, the rest what one costs and needs."""


def read_plan(sent: Mapping[str, str], catalogue: Catalogue) -> Plan:
    """Read a plan from a page's form. Raises BadData naming the field and what it may hold."""
    chosen = [key for key in catalogue.processes if f"on:{key}" in sent]
    if not chosen:
        raise BadData("choose at least one process: without work there is nothing to compute")
    work = {key: _work(key, sent, catalogue) for key in chosen}
    limits = {field.key: value for field in LIMITS
              if (value := number(sent, f"limit:{field.key}", field)) is not None}  # fmt: skip
    target, worth = number(sent, "target_h", _TARGET), number(sent, "value_h", _VALUE)
    met = number(sent, "target_met", _TARGET_MET)
    plan = Plan(work=work, target_h=target or 0.0, target_met=(met or 0.0) / 100, limits=limits,
                value_h=worth or 0.0)  # fmt: skip
    stations = {key: _station(key, sent) for key in stations_of(catalogue, plan)}
    people = {key: _people(key, sent) for key in qualifications_of(catalogue, plan)}
    shift_h, days = number(sent, "shift_h", SHIFT_H), number(sent, "shift_days", SHIFT_DAYS)
    return replace(plan, stations=stations, shift_h=shift_h or plan.shift_h,
                   people={key: each for key, each in people.items() if any(each.counts)},
                   shift_days=int(days or plan.shift_days))  # fmt: skip


def _people(key: str, sent: Mapping[str, str]) -> PlannedPeople:
    name = people_name(key, the_names())
    found = [number(sent, f"people:{key}:{n}", IN_SHIFT, name) for n in range(MOST_SHIFTS)]
    while found and not found[-1]:
        found.pop()
    price = number(sent, f"people_price:{key}", PERSON_PRICE, name)
    return PlannedPeople(tuple(int(n or 0) for n in found), price or 0.0)


def _work(key: str, sent: Mapping[str, str], catalogue: Catalogue) -> PlannedWork:
    process, language = catalogue.processes[key], the_names().language
    name = process.name(language)

    def by_step(prefix: str, field: Field) -> dict[str, float]:
        return {
            step.key: value
            for step in process.steps
            if (value := number(sent, f"{prefix}:{key}:{step.key}", field,
                                f"{name}, {step.name(language)}")) is not None
        }  # fmt: skip

    batch = number(sent, f"batch:{key}", _BATCH, name)
    again = {step: value / 100 for step, value in by_step("again", _AGAIN).items()}
    per_week = number(sent, f"per_week:{key}", _PER_WEEK, name)
    return PlannedWork(per_week, int(batch or 1), by_step("minutes", _MINUTES), again)


def _station(key: str, sent: Mapping[str, str]) -> PlannedStation:
    planned = msgspec.convert(dict(_figures(key, sent)), PlannedStation)
    a_day = planned.hours_a_week / planned.days_a_week
    if a_day > HOURS_A_DAY:
        raise BadData(
            "station {station}: {hours} hours a day on {days} days a week; a day has 24",
            station=station_name(key, the_names()), hours=f"{a_day:.3g}", days=planned.days_a_week,
        )  # fmt: skip
    least, likely, greatest = planned.prices
    if not least <= likely <= greatest:
        raise BadData(
            "station {station}: prices of {least}, {likely} and {greatest}: the least, the likely "
            "and the greatest are to stand in that order",
            station=station_name(key, the_names()), least=f"{least:g}", likely=f"{likely:g}",
            greatest=f"{greatest:g}",
        )  # fmt: skip
    return planned


def _figures(key: str, sent: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for field in FIELDS:
        value = number(sent, f"{field.key}:{key}", field, station_name(key, the_names()))
        if value is not None:
            yield field.key, int(value) if field.whole else value


def number(
    sent: Mapping[str, str], name: str, field: Field, of: str = ""
) -> float | None:
    """Read a figure as people type it, with a comma or a point; None where it is empty.

    Raises BadData naming the field, and what it is `of`: a station, a process, a step.
    """
    text = sent.get(name, "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not field.least <= value <= field.most or (field.whole and value != int(value)):
        raise BadData(
            "{field}: {value} is not a figure from {least} to {most}",
            field=f"{of}: {gettext(field.word)}" if of else gettext(field.word), value=sent[name],
            least=f"{field.least:g}", most=f"{field.most:g}",
        )  # fmt: skip
    return value
