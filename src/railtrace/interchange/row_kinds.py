"""What a row becomes, by what the sheet is loaded for."""

import re
from collections import Counter as Tally
from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from railtrace.catalogue.layout import position_name, positions
from railtrace.catalogue.rows import Catalogue
from railtrace.errors import BadOperation
from railtrace.interchange.cells import (
    ReadMoment,
    Words,
    read_moment,
    read_partial_date,
    text_of,
)
from railtrace.interchange.columns import LANGUAGES, Column, plain
from railtrace.interchange.row import RowReader, type_of
from railtrace.interchange.stock_rows import counted, listed, stored
from railtrace.interchange.workbook import Cell
from railtrace.trace.operation import (
    Counter,
    HolderChanged,
    Installed,
    LastRepairStated,
    LeftRepair,
    LocationReported,
    Measured,
    MeterRead,
    Operation,
    Ran,
    Reading,
    Registered,
    Removed,
    RunRecorded,
    StateChanged,
)


def _inventory(reader: RowReader) -> list[Operation]:
    """A unit in mid-life: what is known of it, its last repairs; nothing is invented.

    An empty cell in a column of last repairs says that the repair is unknown, and is written so.
    """
    job, site = reader.job, reader.where("home_site")
    type_key = reader.read("type", lambda cell: type_of(job, reader.words, cell))
    number = reader.own_number(type_key)
    as_of = read_moment(job.options.as_of, reader.found.known.zone_of(site))
    repairs = _last_repairs(reader, site, as_of, type_key)
    described, unit = _described(reader), job.source.unit_of(reader.row.number)
    stands = _stands(reader, site, as_of, unit, reader.words.catalogue.class_of(type_key or ""))
    if type_key is None or number is None:
        return []
    registered = Registered(
        **reader.envelope(as_of, site), units=(unit,), type=type_key, numbers=(number,),
        **described,
    )  # fmt: skip
    return [*repairs, registered, *stands]


def _described(reader: RowReader) -> dict[str, Any]:
    columns = {column.key for column in reader.job.purpose.columns}
    texts = {"maker", "heat", "batch", "owner", "note"} & columns
    counters = [
        Counter(meter=meter, value=value)
        for meter in _METERS
        if meter in columns and (value := reader.decimal(meter)) is not None
    ]
    return {
        **{key: reader.text(key) for key in sorted(texts)},
        "made": reader.read("made", read_partial_date),
        "home_site": reader.site("home_site"),
        "counters": tuple(counters),
    }


_METERS: tuple[Literal["km", "engine_hours"], ...] = ("km", "engine_hours")


def _last_repairs(
    reader: RowReader, site: str, as_of: ReadMoment, type_key: str | None
) -> list[Operation]:
    unit_class = reader.words.catalogue.class_of(type_key or "")
    columns = [
        column
        for column in reader.job.purpose.columns
        if column.kind == "repair" and {column.key, _km_key(reader, column)} & {*reader.job.mapping}
    ]
    found = [_repair(reader, column, site, as_of, unit_class) for column in columns]
    return [repair for repair in found if repair is not None]


def _repair(
    reader: RowReader, column: Column, site: str, as_of: ReadMoment, unit_class: str
) -> Operation | None:
    left, km = reader.moment(column.key, site), _km_then(reader, column)
    if left is not None and left.at > as_of.at:
        typed, day = text_of(reader.cell(column.key)), as_of.at.strftime("%d.%m.%Y")
        reader.fault(column.key, BadOperation(
            "{value} is after the day of the inventory, {day}", value=typed, day=day
        ))  # fmt: skip
        return None
    if left is None and km is None and not reader.may_be_unknown(column, unit_class):
        return None
    unit, kind = (reader.job.source.unit_of(reader.row.number),), column.repair_kind
    grade = _grade(reader)
    if left is not None and km is None and grade == "document":
        return LeftRepair(
            **reader.envelope(left, site, column.key), units=unit, repair_kind=kind
        )
    known = left is not None or km is not None
    return LastRepairStated(
        **reader.envelope(as_of, site, column.key), units=unit, repair_kind=kind,
        grade=grade if known else "unknown", done=left.at.date().isoformat() if left else None,
        km=km,
    )  # fmt: skip


def _km_key(reader: RowReader, column: Column) -> str:
    """Return the column that tells the mileage at a repair."""
    columns = reader.job.purpose.columns
    found = (c for c in columns if c.kind == "repair_km" and c.repair_kind == column.repair_kind)
    return next((c.key for c in found), "")


def _km_then(reader: RowReader, column: Column) -> str | None:
    key = _km_key(reader, column)
    return reader.decimal(key) if key in reader.job.mapping else None


def _grade(reader: RowReader) -> Literal["document", "stated"]:
    if "grade" not in reader.job.mapping:
        return "document"
    return "stated" if reader.choice("grade", "document") == "stated" else "document"


def _stands(
    reader: RowReader, site: str, when: ReadMoment, unit: str, unit_class: str
) -> list[Operation]:
    """Where a unit is, who keeps it and in which state, as far as a row says."""
    mapped = reader.job.mapping
    place = reader.site("place") if "place" in mapped else ""
    keeper = reader.site("keeper") if "keeper" in mapped else ""
    state = _state(reader, unit_class) if "state" in mapped else None
    found: list[Operation] = []
    if place:
        found.append(LocationReported(
            **reader.envelope(when, site, "place"), units=(unit,), place=place
        ))  # fmt: skip
    if keeper:
        found.append(HolderChanged(
            **reader.envelope(when, site, "keeper"), units=(unit,), keeper=keeper
        ))  # fmt: skip
    if state:
        found.append(StateChanged(
            **reader.envelope(when, site, "state"), units=(unit,), state=state
        ))  # fmt: skip
    return found


def _state(reader: RowReader, unit_class: str) -> str | None:
    words = reader.words
    state = reader.read("state", lambda cell: words.read(cell, words.unit_states))
    if state and unit_class and unit_class not in words.catalogue.unit_states[state].unit_classes:
        reader.fault("state", BadOperation(
            "{value} is no state of this kind of unit", value=text_of(reader.cell("state"))
        ))  # fmt: skip
        return None
    return state


def _holding(reader: RowReader) -> list[Operation]:
    """A row of states and holders: whose units are, where and in which state, from a day on."""
    site = reader.where("site")
    unit, when = reader.unit("unit"), reader.moment("date", site)
    if unit is None or when is None:
        return []
    unit_class = reader.words.catalogue.class_of(reader.found.types.get(unit, ""))
    said = [op for op in _stands(reader, site, when, unit, unit_class)
            if not isinstance(op, HolderChanged)]  # fmt: skip
    holders = {key: reader.site(key) for key in ("keeper", "home_site")}
    holders = {k: v for k, v in (holders | {"owner": reader.text("owner")}).items() if v}
    if holders:
        fields = reader.envelope(when, site, "holder") | holders
        said.append(HolderChanged(**fields, units=(unit,)))
    if not said and not reader.wrong:
        reader.fault("state", BadOperation("the row says neither state nor place nor holder"))
    # The row is known again by the id that bears the purpose's own name.
    return [replace(said[0], id=reader.envelope(when, site)["id"]), *said[1:]] if said else []


def _past_repair(reader: RowReader) -> list[Operation]:
    """A repair from a depot's books, before the trace: its day, its counters, how well known."""
    job, site = reader.job, reader.where("site")
    as_of = read_moment(job.options.as_of, reader.found.known.zone_of(site))
    unit, kind = reader.unit("unit"), reader.text("repair_kind")
    done, km = reader.read("done", read_partial_date), reader.decimal("km")
    hours, repairer = reader.decimal("engine_hours"), reader.text("repairer")
    if not kind:
        reader.fault("repair_kind", BadOperation("the cell is empty and is needed"))
    if unit is None or not kind:
        return []
    known = any(value is not None for value in (done, km, hours))
    grade = _grade(reader) if known else "unknown"
    return [LastRepairStated(
        **reader.envelope(as_of, site), units=(unit,), repair_kind=kind, grade=grade, done=done,
        km=km, engine_hours=hours, repairer=repairer, note=reader.text("note"),
    )]  # fmt: skip


def _installation(reader: RowReader) -> list[Operation]:
    site = reader.where("site")
    action = reader.choice("action", "installed")
    part, carrier = reader.unit("part"), reader.unit("carrier")
    when = reader.moment("date", site)
    position = _position(reader, carrier) if carrier else ""
    if part is None or carrier is None or when is None or action is None:
        return []
    _warn_of_place(reader, part, carrier, action)
    fields = reader.envelope(when, site) | {
        "units": (part,), "carrier": carrier, "position": position,
        "work_order": reader.text("work_order"), "note": reader.text("note"),
    }  # fmt: skip
    if action == "installed":
        return [Installed(**fields)]
    return [Removed(**fields, reason=reader.text("reason"))]


def _position(reader: RowReader, carrier: str) -> str:
    """Return the catalogue's path of a position named in any language; else what was written."""
    text = reader.text("position")
    known = _position_names(reader.words.catalogue, reader.found.types.get(carrier, ""))
    if not text or text in known.values():
        return text
    if found := known.get(plain(text)):
        return found
    if known:
        reader.fault("position", BadOperation(
            "the catalogue knows no position {value} there: it is kept as written", value=text
        ), grave=False)  # fmt: skip
    return text


def _position_names(catalogue: Catalogue, type_key: str) -> dict[str, str]:
    if type_key in catalogue.vehicle_types:
        paths = [position.path for position in positions(catalogue, type_key)]
    elif type_key in catalogue.part_types:
        paths = [part.position for part in catalogue.part_types[type_key].parts]
    else:
        return {}
    names = Tally(name for path in paths for name in _names_of(catalogue, path))
    return {
        name: path for path in paths for name in _names_of(catalogue, path) if names[name] == 1
    }


def _names_of(catalogue: Catalogue, path: str) -> set[str]:
    steps = path.split("/")
    above = ["/".join(steps[: n + 1]) for n in range(len(steps))]
    full = {
        plain(", ".join(position_name(catalogue, step, lang) for step in above))
        for lang in LANGUAGES
    }
    last = {plain(position_name(catalogue, path, lang)) for lang in LANGUAGES}
    return full | last | {plain(path)}


def _warn_of_place(reader: RowReader, part: str, carrier: str, action: str) -> None:
    """Say what will contradict the trace, as a form does; it is recorded nevertheless."""
    moved = reader.found.moved
    now_on = moved[part] if part in moved else reader.found.carriers.get(part)
    if action == "installed" and now_on is not None:
        reader.fault("part", BadOperation(
            "{number} is installed already, on {carrier}: recorded, this is a contradiction until "
            "its removal is entered", number=text_of(reader.cell("part")), carrier=now_on,
        ), grave=False)  # fmt: skip
    if action == "removed" and now_on != carrier:
        reader.fault("part", BadOperation(
            "{number} is not there as far as the trace knows: recorded, this is a contradiction "
            "until its installation is entered", number=text_of(reader.cell("part")),
        ), grave=False)  # fmt: skip
    moved[part] = carrier if action == "installed" else None


def _measurement(reader: RowReader) -> list[Operation]:
    site = reader.where("site")
    unit, when = reader.unit("unit"), reader.moment("date", site)
    quantity = reader.read("quantity", lambda c: reader.words.read(c, reader.words.quantities))
    value, uncertainty = reader.decimal("value"), reader.decimal("uncertainty")
    measure = _measure(reader, quantity)
    if unit is None or when is None or quantity is None or value is None or measure is None:
        return []
    place = reader.text("place")
    place = reader.words.places.get(plain(place), place)
    fields: dict[str, Any] = {"unit": measure, "place": place}
    reading = Reading(quantity=quantity, value=value, uncertainty=uncertainty, **fields)
    return [Measured(
        **reader.envelope(when, site), units=(unit,), readings=(reading,),
        device=reader.text("device") or None, note=reader.text("note"),
    )]  # fmt: skip


def _measure(reader: RowReader, quantity: str | None) -> str | None:
    if not reader.text("measure"):
        return reader.words.catalogue.quantities[quantity].unit if quantity else None
    return reader.read("measure", lambda cell: _unit_of_measure(reader.words, cell))


def _unit_of_measure(words: Words, cell: Cell) -> str:
    text = text_of(cell)
    key = words.units_of_measure.get(text.replace(" ", "").casefold())
    if key is None:
        raise BadOperation("{value} is no unit of measure the catalogue knows", value=text)
    return key


def _run(reader: RowReader) -> list[Operation]:
    site = reader.where("site")
    unit, ended = reader.unit("unit"), reader.moment("date", site)
    started = reader.moment("started", site)
    km, hours = reader.decimal("distance_km"), reader.decimal("engine_hours")
    work, fuel = reader.decimal("gross_tonne_km"), reader.decimal("fuel_kg")
    if unit is None or ended is None:
        return []
    if km is None and hours is None:
        reader.fault("distance_km", BadOperation("a run has kilometres or engine hours"))
        return []
    return [Ran(
        **reader.envelope(ended, site), units=(unit,), started_at=started.at if started else None,
        distance_km=km or "0", engine_hours=hours or "0", gross_tonne_km=work, fuel_kg=fuel,
        train=reader.text("train"), route=reader.text("route"), note=reader.text("note"),
    )]  # fmt: skip


def _run_record(reader: RowReader) -> list[Operation]:
    """A run as its record says; kilometres below zero are kept and named on the unit's page."""
    site = reader.where("site")
    unit, ended = reader.unit("unit"), reader.moment("date", site)
    started = reader.moment("started", site)
    figures = {key: reader.decimal(key) for key in _RUN_FIGURES}
    crew = tuple(re.split(r"[,;\s]+", text)) if (text := reader.text("crew")) else ()
    if unit is None or ended is None:
        return []
    if figures["distance_km"] is None and figures["engine_hours"] is None:
        reader.fault("distance_km", BadOperation("a run has kilometres or engine hours"))
        return []
    if (figures["distance_km"] or "").startswith("-"):
        reader.fault("distance_km", BadOperation(
            "kilometres below zero: recorded, counted as none and named on the unit's page"
        ), grave=False)  # fmt: skip
    known: dict[str, Any] = {key: value for key, value in figures.items() if value is not None}
    written = ("train", "route", "delay_cause", "remarks", "note")
    known |= {key: reader.text(key) for key in written}
    return [RunRecorded(
        **reader.envelope(ended, site), units=(unit,), started_at=started.at if started else None,
        crew=crew, **known,
    )]  # fmt: skip


_RUN_FIGURES = (
    "distance_km", "engine_hours", "counter_from_km", "counter_to_km", "gross_tonne_km",
    "fuel_kg", "energy_kwh", "delay_min",
)  # fmt: skip


def _meter(reader: RowReader) -> list[Operation]:
    site = reader.where("site")
    unit, when = reader.unit("unit"), reader.moment("date", site)
    meter, value = reader.choice("meter"), reader.decimal("value")
    if unit is None or when is None or meter is None or value is None:
        return []
    fields = reader.envelope(when, site) | {"meter": meter, "note": reader.text("note")}
    return [MeterRead(**fields, units=(unit,), value=value)]


BUILDERS: dict[str, Callable[[RowReader], list[Operation]]] = {
    "vehicles": _inventory, "parts": _inventory, "installations": _installation,
    "measurements": _measurement, "runs": _run, "meters": _meter,
    "run_records": _run_record, "stock": stored, "lists": listed, "lots": counted,
    "holdings": _holding, "last_repairs": _past_repair,
}  # fmt: skip


