"""The kinds of catalogue rows: facts with their sources.

A key is never reused for another meaning, because recorded operations name it. A new edition of
a norm is a new row; the old one gets `valid_to`, the last day on which it holds.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

VehicleClassKey = Literal["locomotive", "freight_wagon", "coach", "special"]
UnitClassKey = Literal["locomotive", "freight_wagon", "coach", "special", "coupling", "part"]
Moment = Literal["in_service", "at_departure", "after_repair", "en_route"]

Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\Z")]
Sign = Annotated[str, Meta(pattern=r"^\S+\Z")]
Words = Annotated[str, Meta(pattern=r"\S")]
PositionKey = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9]+)?\Z")]
Box = tuple[float, float, float, float]


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every row says of itself; `confirmed` is claimed, never assumed."""

    key: Key
    ru: Words
    en: Words
    tg: str = ""
    tg_reviewed: bool = False
    source: Words
    jurisdiction: Sign
    valid_from: date
    valid_to: date | None = None
    confirmed: bool = False

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class Jurisdiction(Row, frozen=True, kw_only=True):
    """Whose norm it is; 1 is heard first, rows of precedence 0 are shown and not applied."""

    key: Sign
    precedence: Annotated[int, Meta(ge=0)]


class UnitOfMeasure(Row, frozen=True, kw_only=True):
    """A unit as the trace writes it; the names are its printed signs."""

    key: Sign


class Quantity(Row, frozen=True, kw_only=True):
    """Something that can be read off a unit; `symbol` and `term` are those of the standards."""

    unit: Sign
    kind_of_number: Literal["decimal", "integer"] = "decimal"
    symbol: str = ""
    term: str = ""
    wears: bool = False
    """Whether it moves towards its limit with the kilometres run."""


class Place(Row, frozen=True):
    """Where on a unit: the last word of positions and the place of readings."""


class PositionName(Row, frozen=True):
    """The first word of a position; `{n}` in a name stands for its number or place."""


class NumberScheme(Row, frozen=True, kw_only=True):
    """A way of numbering; its rules are in railtrace.trace.numbers."""

    example: Words


class NumberSeries(Row, frozen=True, kw_only=True):
    """What the first digit of an eight-digit number says."""

    vehicle_classes: Annotated[tuple[VehicleClassKey, ...], Meta(min_length=1)]


class OwnerState(Row, frozen=True, kw_only=True):
    """The two digits of a railway's state, painted in EVN and stamped on parts."""

    letters: Words


class Measured(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A quantity that a unit has, once or at each place."""

    quantity: Key
    places: tuple[Key, ...] = ()


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A position offered to parts of a type, and the boxes it is drawn as.

    A box is x, y of its centre, width, height [m]: x along the vehicle, y above the rail in the
    side view and to the left in the plan, all from the centre of the carrier's box. On the
    vehicle itself x and width are shares of its length, and in a layout y is from the rail.
    """

    position: PositionKey
    part_type: Key
    count: Annotated[int, Meta(ge=1, le=99)] = 1
    round: bool = False
    side: Box | None = None
    plan: Box | None = None


class VehicleClass(Row, frozen=True, kw_only=True):
    """One of the four classes a vehicle can have."""

    number_schemes: Annotated[tuple[Key, ...], Meta(min_length=1)]
    measured: tuple[Measured, ...] = ()


class PartType(Row, frozen=True, kw_only=True):
    """A kind of part: its number, what is measured on it, the positions in it."""

    numbered_by: Key = "serial"
    rotable: bool = False
    measured: tuple[Measured, ...] = ()
    parts: tuple[Part, ...] = ()


class Layout(Row, frozen=True, kw_only=True):
    """The positions vehicles have in common; bogies and wheelsets are multiplied by the type."""

    bogie: Part | None = None
    wheelset: Part
    in_bogie: tuple[Part, ...] = ()
    per_wheelset: tuple[Part, ...] = ()
    on_vehicle: tuple[Part, ...] = ()


class Body(Row, frozen=True, kw_only=True):
    """A side outline: SVG path data in hundredths of length and of drawing height."""

    outline: Annotated[str, Meta(pattern=r"^[MLHVCSQTZ0-9 .,-]+\Z")]


class VehicleType(Row, frozen=True, kw_only=True):
    """A type or series of vehicles; a locomotive type is one section."""

    vehicle_class: VehicleClassKey
    layout: Key
    body: Key
    series: str = ""
    sections: Annotated[int, Meta(ge=1, le=4)] = 1
    axle_formula: str = ""
    bogies: Annotated[int, Meta(ge=0, le=4)] = 2
    axles_per_bogie: Annotated[int, Meta(ge=1, le=4)] = 2
    length_m: Annotated[float, Meta(gt=0, le=60)]
    pivot_distance_m: Annotated[float, Meta(ge=0, le=60)] = 0
    bogie_wheelbase_m: Annotated[float, Meta(ge=0, le=60)]
    wheel_diameter_m: Annotated[float, Meta(gt=0, le=2)]
    dimensions_confirmed: bool = False
    also: tuple[Part, ...] = ()


class Limit(Row, frozen=True, kw_only=True):
    """The least and the greatest value allowed; empty conditions hold for everything.

    The speed band is that of the highest speed allowed: over `from`, up to and including `to`.
    """

    quantity: Key
    part_types: tuple[Key, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    place: str = ""
    moment: Moment | None = None
    max_speed_kmh_from: Annotated[int, Meta(ge=0)] = 0
    max_speed_kmh_to: int | None = None
    min: str | None = None
    max: str | None = None
    unit: Sign
    guard: Literal["mandatory", "warning"] = "warning"


class BearingType(Row, frozen=True, kw_only=True):
    """The geometry of a rolling bearing, from which its fault frequencies follow."""

    rolling_elements: Annotated[int, Meta(ge=3, le=100)]
    element_diameter_mm: Annotated[float, Meta(gt=0)]
    pitch_diameter_mm: Annotated[float, Meta(gt=0)]
    contact_angle_deg: Annotated[float, Meta(ge=0, lt=90)] = 0


class GearType(Row, frozen=True, kw_only=True):
    """One gear wheel: its teeth, and from which level of sidebands against the mesh it is watched.

    The level is in dB; half the mesh's amplitude by default, a rule of thumb.
    """

    teeth: Annotated[int, Meta(ge=5, le=500)]
    sidebands_db: float = -6.0


class WheelProfile(Row, frozen=True, kw_only=True):
    """Where wheels of some types are measured, and what a new one has [mm].

    `datum_mm` is L2, from the back face; `below_tip_mm` L1 and `above_datum_mm` L3 are the heights
    between which the flange gradient lies. Flange thickness is taken `thickness_below_tip_mm`
    under the tip, or L3 above the datum where that is not given. `contour` is the profile a turning
    is to leave, where the row knows it: points (x from the back face, y up), x ascending.
    """

    part_types: tuple[Key, ...] = ()
    below_tip_mm: Annotated[float, Meta(gt=0)]
    datum_mm: Annotated[float, Meta(gt=0)]
    above_datum_mm: Annotated[float, Meta(gt=0)]
    thickness_below_tip_mm: Annotated[float, Meta(gt=0)] | None = None
    flange_height_mm: Annotated[float, Meta(gt=0)]
    flange_thickness_mm: Annotated[float, Meta(gt=0)] | None = None
    contour: tuple[tuple[float, float], ...] = ()


class VibrationZones(Row, frozen=True, kw_only=True):
    """Screening bands of a machine's casing: up to a new machine's, acceptable, tolerable."""

    quantity: Key
    unit: Sign
    a_to: Annotated[float, Meta(gt=0)]
    b_to: Annotated[float, Meta(gt=0)]
    c_to: Annotated[float, Meta(gt=0)]


class DamageClass(Row, frozen=True, kw_only=True):
    """A class of damage to rolling bearings, as a teardown names it; `clause` is the standard's."""

    clause: Words


class UnitState(Row, frozen=True, kw_only=True):
    """A state that units of some classes can be in, and how its hours count in availability."""

    unit_classes: Annotated[tuple[UnitClassKey, ...], Meta(min_length=1)]
    counts_as: Literal["available", "planned_unavailable", "unplanned_unavailable", "not_counted"]
    order: Annotated[int, Meta(ge=1)] = 99
    """Where it stands in lists and in tables' columns."""
    by_person: bool = True
    """Whether a person may say it by itself; others follow from repairs, holds and places."""
    waits: bool = False
    unplanned_repairs: Mapping[UnitClassKey, tuple[str, ...]] = {}
    """By class, kinds of repair, as operations write them, whose hours count as unplanned."""


class FailureClass(Row, frozen=True, kw_only=True):
    """A class of failures by what they did to traffic; a failure of no class is put by its delay.

    `counted`: whether the failure intensity counts it unless a reader asks otherwise.
    """

    number: Annotated[int, Meta(ge=1, le=3)]
    from_delay_min: Annotated[float, Meta(ge=0)] | None = None
    counted: bool = True


class LocomotiveType(Row, frozen=True, kw_only=True):
    """A locomotive of several sections, which carry the identity; it has a number of its own."""

    series: str = ""
    section_types: Annotated[tuple[Key, ...], Meta(min_length=1)]
    sections: Annotated[int, Meta(ge=2, le=4)]
    places: Annotated[tuple[str, ...], Meta(min_length=2)]
class RecorderColumn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One channel of a recorder's file: value = number in the column × factor + offset."""

    channel: Key
    column: Words
    factor: float = 1.0
    offset: float = 0.0


class RecorderType(Row, frozen=True, kw_only=True):
    """How the files of one type of on-board recorder are read.

    `zone_h`: hours that its clock is ahead of UTC, for times written without an offset.
    """

    time_column: Words
    time_is: Literal["iso", "epoch_s"]
    zone_h: Annotated[float, Meta(ge=-14, le=14)] = 0.0
    gap_s: Annotated[float, Meta(gt=0)] = 5.0
    columns: Annotated[tuple[RecorderColumn, ...], Meta(min_length=1)]


class ModeCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One comparison; railtrace.analysis.recorder_rules.Condition says what each field means."""

    channel: str
    sign: Literal["over", "under", "at_least", "at_most", "is", "falls_below", "rises_above"]
    value: float
    other: str = ""
    rise_s: Annotated[int, Meta(ge=0)] = 0
    absolute: bool = False
    spread_of: tuple[Key, ...] = ()


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    """As what the worst value of a violation is written."""

    quantity: Key
    unit: Literal["km/h", "°C", "kPa", "MPa", "A", "V", "kW", "rpm", "m/s2", "s", "km", "1"]


class ModeRule(Row, frozen=True, kw_only=True):
    """A rule of use: when it is violated, and how much a violation weighs in the quality index."""

    conditions: Annotated[tuple[ModeCondition, ...], Meta(min_length=1)]
    least_s: Annotated[float, Meta(ge=0)] = 1.0
    join_s: Annotated[float, Meta(ge=0)] = 0.0
    vehicle_types: tuple[Key, ...] = ()
    weight: Annotated[float, Meta(ge=0)] = 1.0
    weight_source: str = ""
    shown: Shown


class FuelNorm(Row, frozen=True, kw_only=True):
    """What a unit may burn: of some types, on a route, in some months, at a mass of train.

    `per` says for what: 10⁴ gross tonne-kilometres, or an hour of work. Empty conditions hold for
    everything; the mass is the mean gross mass of the run, over `from`, up to and including `to`.
    """

    vehicle_types: tuple[Key, ...] = ()
    route: str = ""
    months: tuple[Annotated[int, Meta(ge=1, le=12)], ...] = ()
    mass_t_from: Annotated[float, Meta(ge=0)] = 0.0
    mass_t_to: float | None = None
    kg: Annotated[float, Meta(gt=0)]
    per: Literal["10000_tkm", "hour"]


class AlarmKind(Row, frozen=True, kw_only=True):
    """What a wayside device raises an alarm of; `shown` is how its reading is written."""

    shown_quantity: str = ""


class Origin(Row, frozen=True, kw_only=True):
    """Where failures and defects of some kinds of units come from: one word of their axis.

    `of_operation`: whoever runs the unit answers for it.
    """

    unit_classes: Annotated[tuple[UnitClassKey, ...], Meta(min_length=1)]
    order: Annotated[int, Meta(ge=1)] = 99
    of_operation: bool = False


class ComfortFault(Row, frozen=True, kw_only=True):
    """A fault that passengers feel, and what codes and modes it is written by; never safety."""

    codes: Annotated[tuple[Words, ...], Meta(min_length=1)]
    vehicle_classes: tuple[VehicleClassKey, ...] = ("coach",)
    order: Annotated[int, Meta(ge=1)] = 99


FormValue = Annotated[
    str,
    Meta(
        pattern=r"^(blank|unit\.(number|type|owner|owner_state|made|home_site|km)|last\.(repair|km_since)"
        r"|operation\.[a-z_]+)\Z"
    ),
]


class FormField(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of a form: its words, and the value that fills it; `blank` is filled by hand."""

    ru: Words
    en: Words
    value: FormValue
    tg: str = ""


class FormWord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box or a signature of a form, which the catalogue names in Russian, in other languages."""

    en: Words
    tg: Words


class Form(Row, frozen=True, kw_only=True):
    """A form that a unit passes, printed from an operation of one of `kinds`, or of the unit."""

    number: Words
    kinds: tuple[Words, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    repair_only: bool = False
    fields: Annotated[tuple[FormField, ...], Meta(min_length=1)]
    tables: tuple[Literal["components", "readings", "defects", "repairs"], ...] = ()
    ticks: tuple[Words, ...] = ()
    tick_when: Mapping[str, str] = {}
    """By the words of a box, what of the entry would tick it: `outcome=passed`."""
    signed_by: tuple[Words, ...] = ()
    words: Mapping[str, FormWord] = {}
    """What the boxes and the signatures are called in other languages."""

    def called(self, word: str, language: str) -> str:
        """Return a box or a signature in a language; as the catalogue names it where unknown."""
        other = self.words.get(word)
        return getattr(other, language, word) if other else word


class Programme(Row, frozen=True, kw_only=True):
    """A maintenance programme: whose, in which nomenclature; its kinds are `services`.

    A unit is under the best fitting row that is not `chosen` (one a unit is put under by an
    operation), and under every fitting row of `papers`, which add to it.
    """

    vehicle_types: tuple[Key, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    part_types: tuple[Key, ...] = ()
    nomenclature: str = ""
    chosen: bool = False
    papers: bool = False


class Service(Row, frozen=True, kw_only=True):
    """One kind of maintenance of a programme and what makes it due, whichever comes first.

    Counted from the last service of the same or a greater `rank`; a row with `after` holds only
    when that last one is of these kinds (`build` is the making). A row without a value says
    that the kind exists and no interval was found. `when` tells what is not due by itself.
    """

    programme: Key
    kind: Words
    also: tuple[Words, ...] = ()
    rank: Annotated[int, Meta(ge=0, le=99)] = 0
    after: tuple[Words, ...] = ()
    km: Annotated[int, Meta(gt=0)] | None = None
    engine_hours: Annotated[int, Meta(gt=0)] | None = None
    months: Annotated[int, Meta(gt=0)] | None = None
    days: Annotated[int, Meta(gt=0)] | None = None
    hours: Annotated[int, Meta(gt=0)] | None = None
    tolerance_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    overrun: Literal["stop", "warn"] = "warn"
    when: Literal["interval", "need", "trip", "crew", "campaign"] = "interval"
    stands_in: tuple[Words, ...] = ()
    downtime_h: float | None = None
    labour_h: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether any value makes it due."""
        return any((self.km, self.engine_hours, self.months, self.days, self.hours))


class CalendarStop(Row, frozen=True, kw_only=True):
    """States of units in which the calendar of some maintenance does not run on.

    An unconfirmed row is shown and not applied: it would let a unit stand longer than is known
    to be allowed.
    """

    programmes: tuple[Key, ...] = ()
    """Empty: every programme."""
    kinds: tuple[Words, ...] = ()
    """Empty: every kind."""
    states: Annotated[tuple[Key, ...], Meta(min_length=1)]

    def covers(self, service: "Service") -> bool:
        """Whether the row holds for a kind of maintenance."""
        return (not self.programmes or service.programme in self.programmes) and (
            not self.kinds or service.kind in self.kinds
        )


class ServiceLife(Row, frozen=True, kw_only=True):
    """How long a type may serve from its making; without years the term was not found."""

    vehicle_types: tuple[Key, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    part_types: tuple[Key, ...] = ()
    years: Annotated[int, Meta(gt=0, le=100)] | None = None
    overrun: Literal["stop", "warn"] = "warn"


class RemarkTopic(Row, frozen=True, kw_only=True):
    """What crews' remarks are about, and how often within how many days is too often.

    `other` judges remarks without a topic, by their words.
    """

    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    repeats: Annotated[int, Meta(ge=2, le=99)] = 3
    within_days: Annotated[int, Meta(ge=1, le=366)] = 10


class WarrantyTerm(Row, frozen=True, kw_only=True):
    """For how long a repair or the making of a unit is stood for, whichever ends first.

    `after` names kinds of repair as operations write them; `build` is the making. `until_next`
    names the kinds whose next doing ends it, where no day and no run does.
    """

    vehicle_types: tuple[Key, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    part_types: tuple[Key, ...] = ()
    after: Annotated[tuple[Words, ...], Meta(min_length=1)]
    months: Annotated[int, Meta(gt=0)] | None = None
    km: Annotated[int, Meta(gt=0)] | None = None
    engine_hours: Annotated[int, Meta(gt=0)] | None = None
    until_next: tuple[Words, ...] = ()


class EquipmentType(Row, frozen=True, kw_only=True):
    """A kind of depot equipment: how its readings are proved, how often, what it measures.

    `set_up` are the phases of its cycle, as it names them, that are no work on the piece yet.
    """

    proof: Literal["", "verification", "calibration"] = ""
    interval_months: Annotated[int, Meta(ge=1, le=240)] | None = None
    measures: tuple[Key, ...] = ()
    set_up: tuple[Key, ...] = ()


class MinimumStock(Row, frozen=True, kw_only=True):
    """How many free parts of a type a store is to have; an empty store is all of them together."""

    part_type: Key
    store: str = ""
    minimum: Annotated[int, Meta(ge=1)]


class StepReading(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A quantity that a step must read, and within what it must lie."""

    quantity: Key
    unit: Sign
    places: tuple[Key, ...] = ()
    min: str | None = None
    max: str | None = None
    moment: Literal["", "as_found", "as_left"] = ""


class Step(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One step of a process: which operation does it, and what that operation must show.

    `kinds` are the kinds of operation that do it when they come from a machine or the API; `only`
    is what their own field (test, method, scope, programme, work) must say. `by_hand`: `yes`, or
    `inspected` when a hand's work counts only once an inspector signed it, or `no`. A hold-point
    is signed by an inspector whoever did it.
    """

    key: Key
    ru: Words
    en: Words
    tg: str = ""
    kinds: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    by_hand: Literal["yes", "inspected", "no"] = "yes"
    equipment: tuple[Key, ...] = ()
    qualification: str = ""
    permit: str = ""
    readings: tuple[StepReading, ...] = ()
    press: str = ""
    """The quantity whose limit row is the band of force per 100 mm of seat."""
    after: tuple[Key, ...] = ()
    hold_point: bool = False
    optional: bool = False
    norm_min: Annotated[int, Meta(ge=1)] | None = None

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class Process(Row, frozen=True, kw_only=True):
    """A route card: the steps applied to units of some types, in their order.

    `services` are the kinds of maintenance that it is: what falls due comes for it.
    """

    services: tuple[str, ...] = ()
    applies_to: Annotated[tuple[Key, ...], Meta(min_length=1)]
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=60)]

    def step(self, key: str) -> Step | None:
        """Return a step by its key."""
        return next((step for step in self.steps if step.key == key), None)


class WashStage(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One stage of a wash: the machine's word for it, how long [s] and within which limits."""

    key: Key
    seconds: Annotated[int, Meta(ge=0)] = 0
    least_temperature_c: float | None = None
    most_temperature_c: float | None = None
    least_pressure_kpa: float | None = None
    least_share: Annotated[float, Meta(gt=0, le=1)] = 0.95


class NdtLimits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an inspection's set-up must show; an echo of 0 is not asked for.

    `block`: it must have been set up on a reference block whose papers were in force.
    """

    block: bool = False
    least_echo: Annotated[float, Meta(ge=0, le=2)] = 0.0
    most_drift_db: float = 2.0
    least_coverage: Annotated[float, Meta(ge=0, le=1)] = 1.0


class BrakeLimits(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What a brake's traces must show: pressures in kPa, times in s."""

    least_reduction_kpa: float
    most_reduction_kpa: float
    most_leak_kpa_per_min: float
    most_apply_s: float
    most_release_s: float
    least_cylinder_kpa: float


class InsulationLimits(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """At which voltage insulation is tested; the least resistance is the step's own."""

    voltage_v: float
    least_ratio: float | None = None


class NotchLimits(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What one notch must give on the load bank."""

    notch: Annotated[int, Meta(ge=0, le=30)]
    rpm: float
    rpm_within: float
    least_kw: float
    most_kw: float


class PressShape(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What a press curve must look like, and which proof loads may stand in for a little force."""

    ripple_share: float = 0.03
    ripple_length_share: float = 0.10
    start_jump_kn: float = 49.0
    ram_speed_mm_s: float = 3.0
    force_within_share: float = 0.03
    proof_shortfall_share: float = 0.10
    proof_factor_low: float = 1.2
    proof_factor_high: float | None = None
    proof_times: int = 3
    proof_seconds: float = 5.0


class CheckRule(Row, frozen=True, kw_only=True):
    """By which rule we judge the tests of a kind of machine again, whatever it says itself.

    Exactly one of the last six says what is judged. The row that names the unit's type is taken
    before one for all types.
    """

    equipment: Annotated[tuple[Key, ...], Meta(min_length=1)]
    applies_to: tuple[Key, ...] = ()
    wash: tuple[WashStage, ...] = ()
    ndt: NdtLimits | None = None
    brake: BrakeLimits | None = None
    insulation: InsulationLimits | None = None
    notches: tuple[NotchLimits, ...] = ()
    press: PressShape | None = None


class Qualification(Row, frozen=True, kw_only=True):
    """A right to do a kind of work."""


class PermitKind(Row, frozen=True, kw_only=True):
    """A permit to dangerous work."""


class JointItem(Row, frozen=True):
    """What is looked at where two units of a train meet."""


class Supply(Row, frozen=True, kw_only=True):
    """Something a unit has on board for the trip."""

    unit: Sign


class ReadinessAct(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One signature under the readiness of a consist; `accepts` the work of the others."""

    key: Key
    ru: Words
    en: Words
    tg: str = ""
    qualification: str = ""
    accepts: bool = False

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class TrainKind(Row, frozen=True, kw_only=True):
    """A kind of train: what it is made up of, who signs it ready, in which order."""

    vehicle_classes: Annotated[tuple[VehicleClassKey, ...], Meta(min_length=1)]
    acts: tuple[ReadinessAct, ...] = ()
    joints: tuple[Key, ...] = ()


class NamedFault(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fault that a crew chooses by its name; `code` is what the trace writes for it."""

    code: Words
    ru: Words
    en: Words
    tg: str = ""
    safety: bool = False

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class CoachSystem(Row, frozen=True, kw_only=True):
    """A system of a coach as a train chief looks for it, and the faults it can have on the way."""

    faults: Annotated[tuple[NamedFault, ...], Meta(min_length=1)]
    order: Annotated[int, Meta(ge=1)] = 99


class RouteStop(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place on a route: kilometres and hours from its beginning, whose railway, what it gives.

    `services` are kinds of maintenance done there, `supplies` what can be taken on board.
    """

    ru: Words
    en: Words
    km: Annotated[float, Meta(ge=0)]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
    tg: str = ""
    hours: Annotated[float, Meta(ge=0)] = 0
    services: tuple[Words, ...] = ()
    supplies: tuple[Key, ...] = ()

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class Route(Row, frozen=True, kw_only=True):
    """A way there and back; `turnaround_h` is how long a consist stands at its far end."""

    stops: Annotated[tuple[RouteStop, ...], Meta(min_length=2)]
    returns: bool = True
    turnaround_h: Annotated[float, Meta(ge=0)] = 0

    @property
    def km_there(self) -> float:
        """How far the last stop is [km]."""
        return self.stops[-1].km

    @property
    def km(self) -> float:
        """How far a consist runs before it is at home again [km]."""
        return self.km_there * (2 if self.returns else 1)

    @property
    def hours(self) -> float:
        """How long it is away [h]."""
        there = self.stops[-1].hours
        return 2 * there + self.turnaround_h if self.returns else there

    @property
    def countries(self) -> tuple[str, ...]:
        """Whose railways are run over."""
        return tuple(dict.fromkeys(stop.country for stop in self.stops))


GateCheck = Literal[
    "views_behind", "no_decision", "data_elsewhere", "recalled", "on_hold", "scrapped",
    "not_described", "safety_defect", "contradiction", "history_unknown", "restricted",
    "permission_expired", "work_open", "work_incomplete", "instrument", "overdue", "life_expired",
    "campaign_overdue", "remark_overdue", "not_taken_over", "accident_hold", "not_examined",
    "unfit", "doubtful", "reading", "reading_missing", "no_go", "status", "identity", "paper",
    "supply", "in_other_train", "wrong_class", "template", "train_kind_unknown", "route_unknown",
    "joint_height", "joint_missing", "joint_fault", "balance", "act_missing", "act_returned",
    "act_order", "act_own_work", "act_no_right", "consist_contradiction", "not_ready",
    "brake_missing", "brake_failed", "brake_force", "no_locomotive", "return_margin",
    "admission_age", "admission_extended",
]  # fmt: skip
"""What a gate looks at; each is a function of projections/consist_gates.py."""

MonthDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]


class ReleaseGate(Row, frozen=True, kw_only=True):
    """A gate of a release: what it looks at, how much it weighs, for what and when it holds.

    `order` says which of two reasons of one weight is named first. A season may pass the new
    year. The other fields are what the check needs: codes of defects (`heating` stands for
    `heating.boiler_pump` too), a quantity with limits, a supply, a paper, a count of units.
    """

    check: GateCheck
    weight: Literal["mandatory", "warning", "information"]
    order: Annotated[int, Meta(ge=1, le=999)] = 500
    act: Literal["", "ready", "depart"] = ""
    train_kinds: tuple[Key, ...] = ()
    vehicle_classes: tuple[VehicleClassKey, ...] = ()
    vehicle_types: tuple[Key, ...] = ()
    max_speed_kmh_from: Annotated[int, Meta(ge=0)] = 0
    max_speed_kmh_to: int | None = None
    season_from: MonthDay = "01-01"
    season_to: MonthDay = "12-31"
    only_electropneumatic: bool = False
    countries: tuple[str, ...] = ()
    codes: tuple[Words, ...] = ()
    quantity: str = ""
    supply: str = ""
    service: str = ""
    required: bool = False
    min: str | None = None
    max: str | None = None
    unit: str = ""
    max_age_h: Annotated[float, Meta(gt=0)] | None = None
    least: Annotated[int, Meta(ge=0)] = 0
    most: Annotated[int, Meta(ge=0)] | None = None
    where: Literal["", "first", "last"] = ""

    def in_season(self, day: date) -> bool:
        """Tell whether it holds on a day of the year."""
        asked = f"{day:%m-%d}"
        if self.season_from <= self.season_to:
            return self.season_from <= asked <= self.season_to
        return asked >= self.season_from or asked <= self.season_to


class Catalogue(
    Struct,
    frozen=True,
    kw_only=True,
    dict=True,
    forbid_unknown_fields=True,
    tag_field="format",
    tag="railtrace-catalogue/1",
):
    """Every row, by kind and key."""

    jurisdictions: Mapping[str, Jurisdiction] = {}
    units_of_measure: Mapping[str, UnitOfMeasure] = {}
    quantities: Mapping[str, Quantity] = {}
    places: Mapping[str, Place] = {}
    position_names: Mapping[str, PositionName] = {}
    number_schemes: Mapping[str, NumberScheme] = {}
    number_series: Mapping[str, NumberSeries] = {}
    owner_states: Mapping[str, OwnerState] = {}
    vehicle_classes: Mapping[str, VehicleClass] = {}
    part_types: Mapping[str, PartType] = {}
    layouts: Mapping[str, Layout] = {}
    bodies: Mapping[str, Body] = {}
    vehicle_types: Mapping[str, VehicleType] = {}
    limits: Mapping[str, Limit] = {}
    bearing_types: Mapping[str, BearingType] = {}
    gear_types: Mapping[str, GearType] = {}
    wheel_profiles: Mapping[str, WheelProfile] = {}
    vibration_zones: Mapping[str, VibrationZones] = {}
    damage_classes: Mapping[str, DamageClass] = {}
    unit_states: Mapping[str, UnitState] = {}
    failure_classes: Mapping[str, FailureClass] = {}
    locomotive_types: Mapping[str, LocomotiveType] = {}
    equipment_types: Mapping[str, EquipmentType] = {}
    recorder_types: Mapping[str, RecorderType] = {}
    mode_rules: Mapping[str, ModeRule] = {}
    fuel_norms: Mapping[str, FuelNorm] = {}
    alarm_kinds: Mapping[str, AlarmKind] = {}
    origins: Mapping[str, Origin] = {}
    comfort_faults: Mapping[str, ComfortFault] = {}
    forms: Mapping[str, Form] = {}
    programmes: Mapping[str, Programme] = {}
    services: Mapping[str, Service] = {}
    calendar_stops: Mapping[str, CalendarStop] = {}
    service_lives: Mapping[str, ServiceLife] = {}
    remark_topics: Mapping[str, RemarkTopic] = {}
    warranty_terms: Mapping[str, WarrantyTerm] = {}
    minimum_stock: Mapping[str, MinimumStock] = {}
    processes: Mapping[str, Process] = {}
    check_rules: Mapping[str, CheckRule] = {}
    qualifications: Mapping[str, Qualification] = {}
    permit_kinds: Mapping[str, PermitKind] = {}
    joint_items: Mapping[str, JointItem] = {}
    supplies: Mapping[str, Supply] = {}
    train_kinds: Mapping[str, TrainKind] = {}
    routes: Mapping[str, Route] = {}
    coach_systems: Mapping[str, CoachSystem] = {}
    release_gates: Mapping[str, ReleaseGate] = {}

    def canonical_bytes(self) -> bytes:
        """Return the catalogue as JSON, the same bytes for the same rows."""
        return msgspec.json.encode(self, order="sorted")

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the canonical bytes, in hex: what adopting a catalogue names."""
        return hashlib.sha256(self.canonical_bytes()).hexdigest()

    def class_of(self, type_key: str) -> str:
        """Return the class of a type: of a vehicle, `coupling`, `part`; "" for no type."""
        if vehicle := self.vehicle_types.get(type_key):
            return vehicle.vehicle_class
        if type_key in self.locomotive_types:
            return "coupling"
        if type_key in self.equipment_types:
            return "equipment"
        return "part" if type_key else ""

    def axis(self, unit_class: str) -> tuple[Origin, ...]:
        """Return the origins that failures of a class of units can have, in their order."""
        rows = [row for row in self.origins.values() if unit_class in row.unit_classes]
        return tuple(sorted(rows, key=lambda row: (row.order, row.key)))

    @cached_property
    def comfort_of(self) -> Mapping[str, ComfortFault]:
        """The comfort fault that a code or mode is written for, by its text in small letters."""
        return {code.casefold(): row for row in self.comfort_faults.values() for code in row.codes}

    @cached_property
    def fault_of(self) -> Mapping[str, NamedFault]:
        """The fault that a crew writes by a code."""
        return {one.code: one for row in self.coach_systems.values() for one in row.faults}

    @cached_property
    def states_in_order(self) -> tuple[UnitState, ...]:
        """The states of units as lists show them."""
        return tuple(sorted(self.unit_states.values(), key=lambda row: (row.order, row.key)))

    @cached_property
    def limits_by_quantity(self) -> Mapping[str, tuple[Limit, ...]]:
        """The limit rows of each quantity that has any."""
        rows: dict[str, tuple[Limit, ...]] = {}
        for limit in self.limits.values():
            rows[limit.quantity] = (*rows.get(limit.quantity, ()), limit)
        return rows

    @cached_property
    def services_of(self) -> Mapping[str, tuple[Service, ...]]:
        """The services of each programme, the smallest rank first."""
        rows: dict[str, tuple[Service, ...]] = {}
        for service in sorted(self.services.values(), key=lambda s: (s.rank, s.key)):
            rows[service.programme] = (*rows.get(service.programme, ()), service)
        return rows


KINDS: dict[str, type[Row]] = {
    kind: get_args(mapping)[1]
    for kind, mapping in get_type_hints(Catalogue).items()
    if kind in Catalogue.__struct_fields__
}
