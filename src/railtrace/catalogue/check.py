"""What rows must satisfy together: the first that does not is named by file, row and field."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches

from railtrace.catalogue.layout import positions
from railtrace.catalogue.rows import (
    KINDS,
    BearingType,
    CalendarStop,
    Catalogue,
    CheckRule,
    EquipmentType,
    Form,
    Layout,
    Limit,
    LocomotiveType,
    Measured,
    MinimumStock,
    ModeRule,
    Part,
    PartType,
    Process,
    Programme,
    Quantity,
    ReleaseGate,
    Route,
    Row,
    Service,
    ServiceLife,
    Supply,
    TrainKind,
    VehicleClass,
    VehicleType,
    VibrationZones,
    WarrantyTerm,
    WheelProfile,
)
from railtrace.errors import CatalogueError

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")

_Problems = Iterator[tuple[str, str]]
_References = Iterator[tuple[str, str, str]]


def check(catalogue: Catalogue, file_of: Mapping[tuple[str, str], str]) -> None:
    """Raise CatalogueError for the first row that is wrong."""
    # In this order: what comes later follows references that must be sound.
    for problems_of in (_alone, _dangling, _nested, _doubled):
        for kind in KINDS:
            for row in getattr(catalogue, kind).values():
                for field, problem in problems_of(catalogue, row):
                    raise CatalogueError(
                        "{file}: {kind} {key}: {field}: {problem}",
                        file=file_of[kind, row.key],
                        kind=kind,
                        key=row.key,
                        field=field,
                        problem=problem,
                    )


def _alone(catalogue: Catalogue, row: Row) -> _Problems:
    if row.valid_to and row.valid_to < row.valid_from:
        yield "valid_to", f"{row.valid_to} is before valid_from {row.valid_from}"
    match row:
        case Limit():
            yield from _bounds(row)
        case BearingType() if row.element_diameter_mm >= row.pitch_diameter_mm:
            yield "element_diameter_mm", "is not under the pitch diameter"
        case Process():
            yield from _order_of_steps(row)
        case CheckRule():
            yield from _one_judgement(row)
        case WheelProfile() if row.thickness_below_tip_mm and not (
            row.below_tip_mm < row.thickness_below_tip_mm < row.flange_height_mm
        ):
            yield "thickness_below_tip_mm", "does not lie on the flank of the flange"
        case WheelProfile() if row.contour:
            xs = [x for x, _ in row.contour]
            if len(xs) < 10 or xs != sorted(set(xs)) or xs[-1] - xs[0] < 80:
                yield "contour", "ten points or more from the back face on, over 80 mm, x rising"
        case VibrationZones() if not row.a_to < row.b_to < row.c_to:
            yield "b_to", "zones do not rise"
        case LocomotiveType() if len(row.places) != row.sections:
            yield "places", f"{len(row.places)} places for {row.sections} sections"
        case Service():
            yield from _service(row)
        case ModeRule():
            yield from _mode_rule(row)
        case Form():
            yield from (("tick_when", f"{word!r} is no box of the form")
                        for word in row.tick_when if word not in row.ticks)  # fmt: skip
        case ServiceLife() if row.overrun == "stop" and not (row.confirmed and row.years):
            yield "overrun", "an unconfirmed service life cannot stop a unit, only warn"
        case ReleaseGate():
            yield from _gate(row)
        case Route() if list(row.stops) != sorted(row.stops, key=lambda s: s.km):
            yield "stops", "do not stand in the order of their kilometres"


_NEEDS = {
    "no_go": "codes", "balance": "codes", "reading": "quantity", "reading_missing": "quantity",
    "supply": "supply", "paper": "service", "brake_force": "min", "data_elsewhere": "max_age_h",
}  # fmt: skip


def _gate(gate: ReleaseGate) -> _Problems:
    needed = _NEEDS.get(gate.check, "")
    if needed and not getattr(gate, needed):
        yield needed, f"a gate that looks at {gate.check} needs it"
    for field in ("min", "max"):
        text = getattr(gate, field)
        if text is not None and not _DECIMAL.fullmatch(text):
            yield field, f"{text!r} is not a decimal number; write it like 25.5"
        if text is not None and gate.weight == "mandatory" and not gate.confirmed:
            yield "weight", "an unconfirmed limit cannot be mandatory, only a warning"


def _mode_rule(rule: ModeRule) -> _Problems:
    for condition in rule.conditions:
        if bool(condition.channel) == bool(condition.spread_of):
            yield "conditions", "a condition names a channel, or the channels of a spread"
        if len(condition.spread_of) == 1:
            yield "conditions", "a spread is of two channels at least"


def _service(service: Service) -> _Problems:
    if service.overrun == "stop" and not service.confirmed:
        yield "overrun", "an unconfirmed interval cannot stop a unit, only warn"
    if service.overrun == "stop" and not service.has_interval:
        yield "overrun", "stops a unit, but there is no interval: give km, months, days or hours"
    if service.when != "interval" and service.has_interval:
        yield "when", f"{service.when} says it is not due by itself, but an interval is given"
    if service.months and service.days:
        yield "days", "an interval is in months or in days, not in both"


def _one_judgement(rule: CheckRule) -> _Problems:
    told = (rule.wash, rule.ndt, rule.brake, rule.insulation, rule.notches, rule.press)
    if sum(bool(one) for one in told) != 1:
        yield "check", "one of wash, ndt, brake, insulation, notches, press says what is judged"


def _order_of_steps(process: Process) -> _Problems:
    before: list[str] = []
    for step in process.steps:
        if step.key in before:
            yield "steps", f"{step.key} is there twice"
        for needed in step.after:
            if needed not in before:
                yield "steps", f"{step.key} comes after {needed}, which is no step before it"
        before.append(step.key)


def _bounds(limit: Limit) -> _Problems:
    bounds = {"min": limit.min, "max": limit.max}
    given = {field: text for field, text in bounds.items() if text is not None}
    for field, text in given.items():
        if not _DECIMAL.fullmatch(text):
            yield field, f"{text!r} is not a decimal number; write it like 25.5"
    if not given:
        yield "min", "a limit has min, max or both"
    if len(given) == 2 and Decimal(given["min"]) > Decimal(given["max"]):
        yield "min", f"{limit.min} is over max {limit.max}"
    if limit.max_speed_kmh_to is not None and limit.max_speed_kmh_to <= limit.max_speed_kmh_from:
        yield "max_speed_kmh_to", "is not over max_speed_kmh_from"
    if limit.guard == "mandatory" and not limit.confirmed:
        yield "guard", "an unconfirmed limit cannot be mandatory, only a warning"


def _dangling(catalogue: Catalogue, row: Row) -> _Problems:
    for field, kind, key in _references(row):
        known = getattr(catalogue, kind)
        if key not in known:
            near = "".join(f"; {match} is" for match in get_close_matches(key, known, n=1))
            yield field, f"{key!r} is not among the {kind}{near}"
    if (
        isinstance(row, Limit | VibrationZones)
        and row.unit != catalogue.quantities[row.quantity].unit
    ):
        unit = catalogue.quantities[row.quantity].unit
        yield "unit", f"{row.unit} is not {unit}, the unit of {row.quantity}"


def _references(row: Row) -> _References:
    yield "jurisdiction", "jurisdictions", row.jurisdiction
    match row:
        case Quantity():
            yield "unit", "units_of_measure", row.unit
        case VehicleClass():
            yield from (("number_schemes", "number_schemes", key) for key in row.number_schemes)
            yield from _measured(row.measured)
        case PartType():
            yield "numbered_by", "number_schemes", row.numbered_by
            yield from _measured(row.measured)
            yield from _parts("parts", *row.parts)
        case Layout():
            yield from _parts("bogie", *filter(None, [row.bogie]))
            yield from _parts("wheelset", row.wheelset)
            yield from _parts("in_bogie", *row.in_bogie)
            yield from _parts("per_wheelset", *row.per_wheelset)
            yield from _parts("on_vehicle", *row.on_vehicle)
        case VehicleType():
            yield "vehicle_class", "vehicle_classes", row.vehicle_class
            yield "layout", "layouts", row.layout
            yield "body", "bodies", row.body
            yield from _parts("also", *row.also)
        case Limit():
            yield "quantity", "quantities", row.quantity
            yield "unit", "units_of_measure", row.unit
            yield from (("part_types", "part_types", key) for key in row.part_types)
            yield from (("place", "places", key) for key in [row.place] if key)
        case Process():
            yield from _of_steps(row)
        case CheckRule():
            yield from (("equipment", "equipment_types", key) for key in row.equipment)
        case EquipmentType():
            yield from (("measures", "quantities", key) for key in row.measures)
        case MinimumStock():
            yield "part_type", "part_types", row.part_type
        case WheelProfile():
            yield from (("part_types", "part_types", key) for key in row.part_types)
        case VibrationZones():
            yield "quantity", "quantities", row.quantity
            yield "unit", "units_of_measure", row.unit
        case LocomotiveType():
            yield from (("section_types", "vehicle_types", key) for key in row.section_types)
        case ModeRule():
            yield "shown", "quantities", row.shown.quantity
            yield "shown", "units_of_measure", row.shown.unit
            yield from (("vehicle_types", "vehicle_types", key) for key in row.vehicle_types)
        case Programme():
            yield from (("vehicle_types", "vehicle_types", key) for key in row.vehicle_types)
            yield from (("part_types", "part_types", key) for key in row.part_types)
        case Service():
            yield "programme", "programmes", row.programme
        case CalendarStop():
            yield from (("programmes", "programmes", key) for key in row.programmes)
            yield from (("states", "unit_states", key) for key in row.states)
        case WarrantyTerm() | ServiceLife():
            yield from (("vehicle_types", "vehicle_types", key) for key in row.vehicle_types)
            yield from (("part_types", "part_types", key) for key in row.part_types)
        case Supply():
            yield "unit", "units_of_measure", row.unit
        case TrainKind():
            yield from (("joints", "joint_items", key) for key in row.joints)
            acts = [act.qualification for act in row.acts if act.qualification]
            yield from (("acts", "qualifications", key) for key in acts)
        case Route():
            yield from (("stops", "supplies", key) for stop in row.stops for key in stop.supplies)
        case ReleaseGate():
            yield from _of_gate(row)


def _of_gate(gate: ReleaseGate) -> _References:
    for field, kind in (("quantity", "quantities"), ("supply", "supplies"),
                        ("unit", "units_of_measure")):  # fmt: skip
        yield from ((field, kind, key) for key in [getattr(gate, field)] if key)
    yield from (("train_kinds", "train_kinds", key) for key in gate.train_kinds)
    yield from (("vehicle_types", "vehicle_types", key) for key in gate.vehicle_types)


def _of_steps(process: Process) -> _References:
    for step in process.steps:
        field = f"steps.{step.key}"
        yield from ((field, "equipment_types", key) for key in step.equipment)
        yield from ((field, "qualifications", key) for key in [step.qualification] if key)
        yield from ((field, "permit_kinds", key) for key in [step.permit] if key)
        yield from ((field, "quantities", key) for key in [step.press] if key)
        for reading in step.readings:
            yield field, "quantities", reading.quantity
            yield field, "units_of_measure", reading.unit
            yield from ((field, "places", place) for place in reading.places)


def _measured(measured: tuple[Measured, ...]) -> _References:
    for one in measured:
        yield "measured", "quantities", one.quantity
        yield from (("measured", "places", place) for place in one.places)


def _parts(field: str, *parts: Part) -> _References:
    for part in parts:
        word, _, index = part.position.partition(".")
        yield field, "position_names", word
        yield field, "part_types", part.part_type
        if index and not index.isdigit():
            yield field, "places", index


def _nested(catalogue: Catalogue, row: Row) -> _Problems:
    if not isinstance(row, PartType):
        return
    inside = {part.part_type for part in row.parts}
    while row.key not in inside:
        deeper = {p.part_type for key in inside for p in catalogue.part_types[key].parts}
        if deeper <= inside:
            return
        inside |= deeper
    yield "parts", "a part cannot hold parts of its own type"


def _doubled(catalogue: Catalogue, row: Row) -> _Problems:
    if isinstance(row, Service):
        yield from _ranked_twice(catalogue, row)
    if isinstance(row, VehicleType):
        paths = Counter(position.path for position in positions(catalogue, row.key))
        for path, count in paths.items():
            if count > 1:
                yield "layout", f"position {path} is there {count} times"


def _ranked_twice(catalogue: Catalogue, service: Service) -> _Problems:
    """One kind of a programme has one rank, and one row for each kind it is counted after."""
    for other in catalogue.services_of[service.programme]:
        if other.kind != service.kind or other.key >= service.key:
            continue
        if other.rank != service.rank:
            yield "rank", f"{service.rank} is not {other.rank}, the rank of {other.key}"
        overlap = other.valid_from <= (service.valid_to or service.valid_from.max) and (
            service.valid_from <= (other.valid_to or other.valid_from.max)
        )
        if overlap and (set(other.after) & set(service.after) or other.after == service.after):
            yield "after", f"the same last service is counted by {other.key} too"
