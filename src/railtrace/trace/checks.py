"""What one operation shows by itself: the only reasons to refuse it.

What contradicts *other* operations is recorded and raised by the views: the missing half may
arrive tomorrow from another depot.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from railtrace.errors import BadOperation
from railtrace.trace.forms import check_forms
from railtrace.trace.leaf import encode_operation
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import (
    AccidentDeclared,
    BrakeTested,
    Calibrated,
    Cannibalised,
    ClaimClosed,
    ConsistChanged,
    ConsistClosed,
    ConsistComposed,
    ConsistSigned,
    Corrected,
    Disbanded,
    FluidChanged,
    FluidSampled,
    Formed,
    GateIntroduced,
    GateReason,
    GuestSeen,
    HolderChanged,
    Installed,
    InstrumentWithdrawn,
    JointsChecked,
    LastRepairStated,
    LotCounted,
    LotIssued,
    LotReceived,
    MachineResult,
    Manufactured,
    MarkingChanged,
    Measured,
    MeterRead,
    MeterReplaced,
    Number,
    Operation,
    OrderOpened,
    PartExchanged,
    PartReserved,
    PermitIssued,
    Permitted,
    Placed,
    PlacePlanned,
    QualificationGranted,
    Ran,
    RecallOpened,
    Registered,
    Released,
    ReleaseRefused,
    RemarkCarriedOver,
    Removed,
    Restricted,
    RunRecorded,
    SectionsCoupled,
    SectionsUncoupled,
    Serviced,
    SigningKeyNamed,
    StateChanged,
    TornDown,
    TwinsJudged,
    Verified,
    WarrantyGiven,
    kind_of,
)
from railtrace.trace.passkey import is_key

FUTURE_TOLERANCE = timedelta(minutes=5)
FIRST_YEAR = 1850
_CONTROL = re.compile(rb"\\[bfru]")

_WITHOUT_UNITS = {
    "LogOpened", "KeyReplaced", "KeyCompromised", "CatalogueAdopted", "Corrected",
    "ContradictionResolved", "RecallOpened", "RecallClosed",
    "SendingListOpened", "SendingListClosed", "LotReceived", "LotIssued", "LotCounted",
    "GateIntroduced", "ResultSealed",
    "QualificationGranted", "QualificationWithdrawn", "ShiftHandedOver",
    "SigningKeyNamed", "SigningKeyWithdrawn",
    "CampaignOpened", "CampaignClosed",
    "ConsistSigned", "JointsChecked", "BrakeTested", "ConsistDeparted", "ConsistClosed",
}  # fmt: skip
_ONE_UNIT = {
    "Manufactured", "Registered", "MarkingChanged", "Measured", "MeterRead", "MeterReplaced",
    "Reprofiled", "DefectFound", "DefectClosed", "Failed", "ModeViolated", "RecorderRead",
    "WaysideAlarmed", "AlarmChecked", "OriginDecided", "OriginDisputed",
    "PartExchanged", "Formed", "Disbanded", "Cannibalised", "DebtClosed",
    "MachineRegistered", "FluidSampled", "FluidChanged", "Retyred",
    "LastRepairStated", "GuestSeen",
    "Verified", "Calibrated", "InstrumentWithdrawn", "OrderOpened", "OrderClosed",
    "OrderBlocked", "OrderUnblocked", "StepDone", "StepAccepted", "StepReturned",
    "RemarkMade", "RemarkAccepted", "RemarkDone", "RemarkCarriedOver",
    "ClaimOpened", "ClaimAnswered", "ClaimDisputed", "ClaimClosed",
    "ProofLoaded",
    "Serviced",
}  # fmt: skip
_OF_AN_ORDER = {
    "OrderOpened", "OrderClosed", "OrderBlocked", "OrderUnblocked", "StepDone", "StepAccepted",
    "StepReturned", "ProofLoaded",
}  # fmt: skip
_OF_A_STEP = {"StepDone", "StepAccepted", "StepReturned", "ProofLoaded"}


def check(operation: Operation, now: datetime, envelope_holds: bool = False) -> bytes:
    """Return the encoding of an operation, or refuse it for what is wrong by itself.

    `envelope_holds` when `forms.envelopes_hold` was asked of its batch. Raises BadOperation.
    """
    kind = kind_of(operation)
    check_forms(operation, envelope_holds)
    _check_time(operation, now)
    _check_units(operation, kind)
    if kind in _OF_AN_ORDER:
        _check_order(operation, kind)
    if kind in _CHECKS:
        _CHECKS[kind](operation, now)
    return _checked_text(operation)


def _check_time(operation: Operation, now: datetime) -> None:
    happened_at = operation.happened_at
    if happened_at.tzinfo is not UTC:
        _check_offset(happened_at, "happened_at")
    if happened_at.year < FIRST_YEAR:
        raise BadOperation(
            "happened_at {value} is before {year}: check the date",
            field="happened_at",
            value=happened_at.isoformat(),
            year=FIRST_YEAR,
        )
    if happened_at > now and happened_at > now + FUTURE_TOLERANCE:
        raise BadOperation(
            "happened_at {value} is in the future: check the date and the clock",
            field="happened_at",
            value=happened_at.isoformat(timespec="seconds"),
        )


def _check_offset(moment: datetime, field: str) -> None:
    """A leaf writes offsets in minutes; local mean times of old zones have seconds."""
    offset = moment.utcoffset()
    if offset is None or offset.seconds % 60:
        raise BadOperation(
            "{what} {value}: the zone offset is to be in whole minutes; send UTC",
            field=field,
            what=field,
            value=moment.isoformat(),
        )


def _check_units(operation: Operation, kind: str) -> None:
    units = operation.units
    if not units and kind not in _WITHOUT_UNITS:
        raise BadOperation("{kind} names no unit", field="units", kind=kind)
    if kind in _ONE_UNIT and len(units) != 1:
        raise BadOperation(
            "{kind} is about one unit, {count} are named", field="units", kind=kind,
            count=len(units),
        )  # fmt: skip
    if len(units) > 1 and len(set(units)) != len(units):
        raise BadOperation("{kind} names a unit twice", field="units", kind=kind)
    if len(units) > 1 and operation.readings:
        raise BadOperation(
            "readings belong to one unit, {count} are named", field="readings", count=len(units)
        )
    if operation.marks and len(operation.marks) != len(units):
        raise BadOperation(
            "{marks} marks are given for {count} units", field="marks",
            marks=len(operation.marks), count=len(units),
        )  # fmt: skip


def _checked_text(operation: Operation) -> bytes:
    """Control characters other than line feed and tab have no place in a trace."""
    encoded = encode_operation(operation)
    if b"\\" in encoded and _CONTROL.search(encoded.replace(b"\\\\", b"")):
        raise BadOperation("a text holds a control character: remove it")
    if len(encoded) > 1_000_000:
        raise BadOperation("the operation is longer than 1 MB: send its data as evidence files")
    return encoded


def _check_described(operation: Manufactured | Registered, now: datetime) -> None:
    _check_numbers(operation.numbers, "numbers")


def _check_marking(operation: MarkingChanged, now: datetime) -> None:
    _check_numbers(operation.given, "given")
    if not operation.given and not operation.withdrawn:
        raise BadOperation("{kind} changes no number", field="given", kind=kind_of(operation))


def _check_carrier(operation: Installed | Removed, now: datetime) -> None:
    if operation.carrier in operation.units:
        raise BadOperation(
            "{unit} cannot be its own carrier", field="carrier", unit=operation.carrier
        )


def _check_measured(operation: Measured, now: datetime) -> None:
    if not operation.readings:
        raise BadOperation("{kind} has no reading", field="readings", kind=kind_of(operation))


def _check_recall(operation: RecallOpened, now: datetime) -> None:
    if not (operation.heat or operation.batch or operation.maker or operation.made):
        raise BadOperation(
            "a recall names at least one of maker, heat, batch, made", field="recall"
        )


# --- diagnostics --------------------------------------------------------------------------


def _check_torn_down(operation: TornDown, now: datetime) -> None:
    if operation.found == "damage" and operation.damage_class is None:
        raise BadOperation("damage is found: name its class", field="damage_class")
    if operation.found == "no_damage" and (operation.damage_class or operation.element):
        raise BadOperation(
            "no damage is found, yet a class or an element is named: leave it out, or say damage",
            field="damage_class" if operation.damage_class else "element",
        )


def _check_fluid(operation: FluidSampled | FluidChanged, now: datetime) -> None:
    _not_negative(operation.engine_hours, "engine_hours")
    if isinstance(operation, FluidChanged):
        _not_negative(operation.litres, "litres")
    elif not operation.readings:
        raise BadOperation("{kind} has no reading", field="readings", kind=kind_of(operation))


# --- stock --------------------------------------------------------------------------------


def _check_reserved(operation: PartReserved, now: datetime) -> None:
    if not operation.work_order and operation.carrier is None:
        raise BadOperation(
            "a reservation names an order or a vehicle: for what are the parts kept?",
            field="work_order",
        )


def _check_exchanged(operation: PartExchanged, now: datetime) -> None:
    if operation.instead_of in operation.units:
        raise BadOperation(
            "{unit} cannot come in the place of itself", field="instead_of",
            unit=operation.instead_of,
        )  # fmt: skip


def _check_formed(operation: Formed, now: datetime) -> None:
    units = [member.unit for member in operation.parts]
    places = [member.position for member in operation.parts if member.position]
    if operation.units[0] in units:
        raise BadOperation(
            "{unit} cannot be its own carrier", field="parts", unit=operation.units[0]
        )
    for field, named in (("unit", units), ("position", places)):
        for index, name in enumerate(named):
            if name in named[:index]:
                raise BadOperation(
                    "{name} is named twice among the parts", field=f"parts[{index}].{field}",
                    name=name,
                )  # fmt: skip


def _check_disbanded(operation: Disbanded, now: datetime) -> None:
    if operation.units[0] in operation.parts:
        raise BadOperation(
            "{unit} cannot be its own carrier", field="parts", unit=operation.units[0]
        )


def _check_cannibalised(operation: Cannibalised, now: datetime) -> None:
    if operation.donor == operation.recipient:
        raise BadOperation(
            "{unit} cannot be donor and recipient at once", field="recipient",
            unit=operation.donor,
        )  # fmt: skip
    for field in ("donor", "recipient"):
        if getattr(operation, field) in operation.units:
            raise BadOperation(
                "{unit} cannot be its own carrier", field=field, unit=operation.units[0]
            )


def _check_lot(operation: LotReceived | LotIssued | LotCounted, now: datetime) -> None:
    _not_negative(operation.quantity, "quantity")
    if float(operation.quantity) == 0 and not isinstance(operation, LotCounted):
        raise BadOperation(
            "quantity {value}: say how much of lot {lot} it was, more than zero",
            field="quantity", value=operation.quantity, lot=operation.lot,
        )  # fmt: skip


def _check_judged(operation: TwinsJudged, now: datetime) -> None:
    if operation.verdict == "same" and len(operation.units) < 2:
        raise BadOperation("only two records can be one thing: name both", field="units")


def _check_numbers(numbers: tuple[Number, ...], field: str) -> None:
    for index, number in enumerate(numbers):
        try:
            normal = check_number(number.scheme, number.value)
        except BadOperation as error:
            error.field = f"{field}[{index}].value"
            raise
        if normal != number.value:
            raise BadOperation(
                "number {value} is to be sent as {normal}", field=f"{field}[{index}].value",
                value=number.value, normal=normal,
            )  # fmt: skip


def _check_machine_result(result: MachineResult, now: datetime) -> None:
    if result.device is None:
        raise BadOperation("a machine's result names no machine", field="device")
    for field in ("started_at", "device_time"):
        if (moment := getattr(result, field)) is not None:
            _check_offset(moment, field)
    if result.started_at is not None and result.started_at > result.happened_at:
        raise BadOperation(
            "the cycle starts {start} after it ends {end}", field="started_at",
            start=result.started_at.isoformat(), end=result.happened_at.isoformat(),
        )  # fmt: skip
    for index, phase in enumerate(result.phases):
        _not_negative(phase.duration_s, f"phases[{index}].duration_s")
        if phase.started_at is not None:
            _check_offset(phase.started_at, f"phases[{index}].started_at")
    for index, limit in enumerate(result.limits):
        if limit.low is not None and limit.high is not None and (
            float(limit.low) > float(limit.high)
        ):
            raise BadOperation(
                "the lower limit {low} is above the upper limit {high}",
                field=f"limits[{index}].low", low=limit.low, high=limit.high,
            )  # fmt: skip


def _not_negative(value: str | None, field: str) -> None:
    if value is not None and value.startswith("-") and float(value) != 0:
        raise BadOperation("{what} {value} is negative", field=field, what=field, value=value)


def _check_run(run: Ran, now: datetime) -> None:
    for field in ("distance_km", "engine_hours", "gross_tonne_km", "fuel_kg"):
        _not_negative(getattr(run, field), field)
    _check_start(run)


def _check_run_record(run: RunRecorded, now: datetime) -> None:
    """Kilometres and counter are let through as written: the unit's views name what is wrong."""
    for field in ("engine_hours", "gross_tonne_km", "fuel_kg", "energy_kwh", "delay_min"):
        _not_negative(getattr(run, field), field)
    _check_start(run)


def _check_start(run: Ran | RunRecorded) -> None:
    if run.started_at is not None:
        _check_offset(run.started_at, "started_at")
    if run.started_at is not None and run.started_at > run.happened_at:
        raise BadOperation(
            "the run starts {start} after it ends {end}", field="started_at",
            start=run.started_at.isoformat(), end=run.happened_at.isoformat(),
        )  # fmt: skip


def _check_meter(operation: MeterRead | MeterReplaced, now: datetime) -> None:
    fields = ("value",) if isinstance(operation, MeterRead) else ("removed_value", "fitted_value")
    for field in fields:
        _not_negative(getattr(operation, field), field)


def _check_correction(operation: Corrected, now: datetime) -> None:
    if operation.target == operation.id:
        raise BadOperation("a correction cannot name itself", field="target")
    replacement = operation.replacement
    if (operation.action == "replace") != (replacement is not None):
        raise BadOperation(
            "a correction that replaces has a replacement, one that voids has none",
            field="replacement",
        )
    if replacement is None:
        return
    if kind_of(replacement) in {"Corrected", "LogOpened", "KeyReplaced", "KeyCompromised"}:
        raise BadOperation(
            "{kind} cannot be a replacement", field="replacement", kind=kind_of(replacement)
        )
    check(replacement, now)


def _check_decision(decided: Released | ReleaseRefused, now: datetime) -> None:
    _check_scope(decided)
    _check_leaned_on(decided)
    for index, reason in enumerate(decided.reasons):
        _check_reason(reason, f"reasons[{index}]", decided)
    for index, signature in enumerate(decided.signatures):
        _check_offset(signature.signed_at, f"signatures[{index}].signed_at")
    if isinstance(decided, Released):
        _check_term(decided)
    elif not decided.reasons:
        raise BadOperation("a refused release names at least one reason", field="reasons")


def _check_scope(decided: Released | ReleaseRefused) -> None:
    if decided.scope == "unit" and (len(decided.units) != 1 or decided.consist is not None):
        raise BadOperation(
            "a decision on a unit names one unit and no consist, {count} units are named",
            field="units", count=len(decided.units),
        )  # fmt: skip


def _check_leaned_on(decided: Released | ReleaseRefused) -> None:
    taken = {one.log: one.size for one in decided.positions}
    if len(taken) != len(decided.positions):
        raise BadOperation("a log stands twice in the position vector", field="positions")
    for index, one in enumerate(decided.leaned_on):
        if one.position >= taken.get(one.log, 0):
            raise BadOperation(
                "the decision leans on entry {position} of {log}, of which it had taken {size}",
                field=f"leaned_on[{index}].position", position=one.position, log=one.log,
                size=taken.get(one.log, 0),
            )  # fmt: skip


def _check_reason(reason: GateReason, field: str, decided: Released | ReleaseRefused) -> None:
    if reason.weight == "mandatory" and isinstance(decided, Released):
        raise BadOperation(
            "the mandatory gate {gate} stands against a release: refuse it", field=field,
            gate=reason.gate,
        )  # fmt: skip
    if not reason.overridden:
        return
    if reason.weight != "warning" or not reason.override_reason or not reason.override_until:
        raise BadOperation(
            "gate {gate}: only a warning is overridden, with a reason and an end", field=field,
            gate=reason.gate,
        )  # fmt: skip
    _check_offset(reason.override_until, f"{field}.override_until")


def _check_term(released: Released) -> None:
    for index, restriction in enumerate(released.restrictions):
        if restriction.until is not None:
            _check_offset(restriction.until, f"restrictions[{index}].until")
    until = released.valid_until
    if until is None:
        return
    _check_offset(until, "valid_until")
    if until <= released.happened_at:
        raise BadOperation(
            "the release ends {end}, not after it begins {start}", field="valid_until",
            end=until.isoformat(), start=released.happened_at.isoformat(),
        )  # fmt: skip
def _check_order(operation: Operation, kind: str) -> None:
    """What an order's own entries must name; the order is a unit of its story: an Id."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,80}", operation.work_order):
        raise BadOperation(
            "{kind} names no work order: work_order is 1-81 of A-Z a-z 0-9 . _ : @ / -, "
            "not {value}",
            field="work_order", kind=kind, value=operation.work_order,
        )  # fmt: skip
    if kind in _OF_A_STEP and not operation.step:
        raise BadOperation("{kind} names no step of the order", field="step", kind=kind)
    if kind in _OF_A_STEP and not operation.performed_by:
        raise BadOperation("{kind} names nobody who did it", field="performed_by", kind=kind)


def _in_order(first: datetime | None, last: datetime | None, fields: tuple[str, str]) -> None:
    """Two moments of which the first comes before the last."""
    for moment, field in zip((first, last), fields, strict=True):
        if moment is not None:
            _check_offset(moment, field)
    if first is not None and last is not None and last <= first:
        raise BadOperation(
            "{what} {last} is not after {other} {first}: check both",
            field=fields[1], what=fields[1], last=last.isoformat(), other=fields[0],
            first=first.isoformat(),
        )  # fmt: skip


def _check_proved(operation: Verified | Calibrated, now: datetime) -> None:
    _in_order(operation.valid_from, operation.valid_to, ("valid_from", "valid_to"))
    for index, range_ in enumerate(operation.ranges):
        if range_.low and range_.high and float(range_.low) > float(range_.high):
            raise BadOperation(
                "range of {quantity}: {low} is over {high}", field=f"ranges[{index}].low",
                quantity=range_.quantity, low=range_.low, high=range_.high,
            )  # fmt: skip
        _not_negative(range_.uncertainty, f"ranges[{index}].uncertainty")


def _check_withdrawn(operation: InstrumentWithdrawn, now: datetime) -> None:
    _in_order(operation.window_from, operation.window_to, ("window_from", "window_to"))
    given = [operation.quantity, operation.bias, operation.bias_unit]
    if any(given) and not all(given):
        raise BadOperation(
            "a bias is told with its quantity and its unit, or not at all", field="bias"
        )


def _check_opened(operation: OrderOpened, now: datetime) -> None:
    _in_order(operation.planned_from, operation.planned_to, ("planned_from", "planned_to"))


def _check_placed(operation: Placed, now: datetime) -> None:
    _in_order(operation.happened_at, operation.until, ("happened_at", "until"))


def _check_planned(operation: PlacePlanned, now: datetime) -> None:
    _in_order(operation.planned_from, operation.planned_to, ("planned_from", "planned_to"))


def _check_valid(operation: QualificationGranted | PermitIssued, now: datetime) -> None:
    _in_order(operation.valid_from, operation.valid_to, ("valid_from", "valid_to"))


def _check_signing_key(operation: SigningKeyNamed, now: datetime) -> None:
    if not is_key(operation.public_key):
        raise BadOperation("{key} is no key of Ed25519 or P-256", field="public_key",
                           key=operation.public_key)  # fmt: skip
    if operation.person not in operation.performed_by:
        raise BadOperation("a signing key is named by whose it is: {person}", field="person",
                           person=operation.person)  # fmt: skip
    if (operation.method == "passkey") != bool(operation.relying_party):
        raise BadOperation("a passkey names the host it is bound to, another key names none",
                           field="relying_party")  # fmt: skip


def _check_state(operation: StateChanged, now: datetime) -> None:
    if operation.from_state == operation.state:
        raise BadOperation(
            "the state is {state} before and after", field="from_state", state=operation.state
        )


def _check_holder(operation: HolderChanged, now: datetime) -> None:
    if not (operation.owner or operation.keeper or operation.home_site):
        raise BadOperation("{kind} names no new owner, keeper or home depot", field="keeper",
                           kind=kind_of(operation))  # fmt: skip
    for name in ("owner", "keeper", "home_site"):
        new, old = getattr(operation, name), getattr(operation, f"from_{name}")
        if old and new in ("", old):
            raise BadOperation(
                "{what} is taken from {old} and given to nobody else", field=name, what=name,
                old=old,
            )  # fmt: skip


def _check_coupling(operation: SectionsCoupled | SectionsUncoupled, now: datetime) -> None:
    if operation.locomotive in operation.units:
        raise BadOperation(
            "{unit} cannot be a section of itself", field="locomotive", unit=operation.locomotive
        )
    places = operation.places if isinstance(operation, SectionsCoupled) else ()
    if places and len(places) != len(operation.units):
        raise BadOperation(
            "{places} places are given for {count} sections", field="places", places=len(places),
            count=len(operation.units),
        )  # fmt: skip
    if len(set(places)) != len(places):
        raise BadOperation("two sections are given one place", field="places")


def _check_until(operation: Restricted | Permitted, now: datetime) -> None:
    began = operation.happened_at.date().isoformat()
    if operation.until is not None and operation.until < began[: len(operation.until)]:
        raise BadOperation(
            "it ends {until}, before it begins {begins}", field="until", until=operation.until,
            begins=began,
        )  # fmt: skip


def _check_last_repair(operation: LastRepairStated, now: datetime) -> None:
    for field in ("km", "engine_hours"):
        _not_negative(getattr(operation, field), field)
    said = [operation.done, operation.km, operation.engine_hours]
    if operation.grade == "unknown" and any(value is not None for value in said):
        raise BadOperation(
            "the last {repair} is called unknown, yet something is known of it: send it as "
            "stated or document", field="grade", repair=operation.repair_kind,
        )  # fmt: skip
    if operation.grade != "unknown" and all(value is None for value in said):
        raise BadOperation(
            "nothing is said of the last {repair}: send its date, kilometres or hours, or call "
            "it unknown", field="done", repair=operation.repair_kind,
        )  # fmt: skip
    stated = operation.happened_at.date().isoformat()
    if operation.done is not None and operation.done > stated:
        raise BadOperation(
            "the repair of {done} is after the day it is stated, {stated}", field="done",
            done=operation.done, stated=stated,
        )  # fmt: skip


def _check_introduction(operation: GateIntroduced, now: datetime) -> None:
    if not operation.site:
        raise BadOperation("a gate is introduced at a site: name it", field="site")
    if len(operation.until) != len("YYYY-MM-DD"):
        raise BadOperation("the last day is to be a whole date: {until} is not", field="until",
                           until=operation.until)  # fmt: skip


def _check_accident(operation: AccidentDeclared, now: datetime) -> None:
    _not_negative(operation.speed_kmh, "speed_kmh")
    if operation.event != "derailment" and (operation.derailed or operation.wheelsets):
        raise BadOperation(
            "{event} is no derailment: leave out what derailed, or say that it is one",
            field="event", event=operation.event,
        )  # fmt: skip


def _check_guest(operation: GuestSeen, now: datetime) -> None:
    _check_numbers(operation.numbers, "numbers")
    if not operation.numbers and not operation.painted:
        raise BadOperation("nothing is said to be painted on the guest", field="numbers")


def _check_warranty(operation: WarrantyGiven, now: datetime) -> None:
    for field in ("km", "engine_hours"):
        _not_negative(getattr(operation, field), field)
    if operation.until is None and operation.km is None and operation.engine_hours is None:
        raise BadOperation(
            "a warranty of {by} without an end: send its last day, kilometres or hours",
            field="until", by=operation.by,
        )  # fmt: skip


def _check_claim_closed(operation: ClaimClosed, now: datetime) -> None:
    for field in ("cost", "recovered"):
        _not_negative(getattr(operation, field), field)
    if (operation.cost or operation.recovered) and not operation.currency:
        raise BadOperation(
            "the cost of claim {claim} has no currency: name it, such as TJS", field="currency",
            claim=operation.claim,
        )  # fmt: skip


def _check_carried_over(operation: RemarkCarriedOver, now: datetime) -> None:
    if operation.until < operation.happened_at.date().isoformat()[: len(operation.until)]:
        raise BadOperation(
            "the last day {until} is before the day the remark is carried over", field="until",
            until=operation.until,
        )  # fmt: skip
    if not operation.performed_by:
        raise BadOperation(
            "a remark is carried over by somebody: name the person", field="performed_by"
        )
# --- trains -------------------------------------------------------------------------------


def _check_composition(operation: ConsistComposed | ConsistChanged, now: datetime) -> None:
    _check_offset(operation.departs_at, "departs_at")
    for index, unit in enumerate(operation.turned):
        if unit not in operation.units:
            raise BadOperation(
                "{unit} is said to be turned but is not in the consist", field=f"turned[{index}]",
                unit=unit,
            )  # fmt: skip
    for index, unit in enumerate(getattr(operation, "left", ())):
        if unit in operation.units:
            raise BadOperation(
                "{unit} is said to have left but is in the consist", field=f"left[{index}]",
                unit=unit,
            )  # fmt: skip


def _check_signed(operation: ConsistSigned, now: datetime) -> None:
    if not operation.performed_by:
        raise BadOperation("{kind} names nobody who did it", field="performed_by",
                           kind=kind_of(operation))  # fmt: skip
    if operation.answer == "returned" and not operation.reason:
        raise BadOperation("say why the consist is sent back", field="reason")


def _check_joints(operation: JointsChecked, now: datetime) -> None:
    for index, fault in enumerate(operation.faults):
        if fault.ahead == fault.behind:
            raise BadOperation(
                "a joint is between two units, {unit} is named twice",
                field=f"faults[{index}].behind", unit=fault.ahead,
            )  # fmt: skip
        if fault.item not in operation.items:
            raise BadOperation(
                "{item} is faulty but is not among what was looked at",
                field=f"faults[{index}].item", item=fault.item,
            )  # fmt: skip


def _check_brakes(operation: BrakeTested, now: datetime) -> None:
    for field in ("mass_t", "brake_force_t"):
        _not_negative(getattr(operation, field), field)
    if float(operation.mass_t) == 0:
        raise BadOperation("mass_t {value}: say what the train weighs, more than zero",
                           field="mass_t", value=operation.mass_t)  # fmt: skip


def _check_closed(operation: ConsistClosed, now: datetime) -> None:
    for field in ("delay_min", "stock_delay_min"):
        _not_negative(getattr(operation, field), field)
    delay, own = operation.delay_min, operation.stock_delay_min
    if own is not None and float(own) > float(delay or 0):
        raise BadOperation(
            "the delay caused by rolling stock, {own} min, is over the whole delay, {delay} min",
            field="stock_delay_min", own=own, delay=delay or "0",
        )  # fmt: skip


def _check_serviced(operation: Serviced, now: datetime) -> None:
    for field in ("amount", "capacity"):
        _not_negative(getattr(operation, field), field)
    if operation.capacity is not None and float(operation.amount) > float(operation.capacity):
        raise BadOperation(
            "{amount} is more than the {capacity} it holds", field="amount",
            amount=operation.amount, capacity=operation.capacity,
        )  # fmt: skip


_CHECKS: dict[str, Callable[[Any, datetime], None]] = {
    "Manufactured": _check_described, "Registered": _check_described,
    "MarkingChanged": _check_marking, "Installed": _check_carrier, "Removed": _check_carrier,
    "RunRecorded": _check_run_record,
    "Measured": _check_measured, "Ran": _check_run, "MeterRead": _check_meter,
    "MeterReplaced": _check_meter, "Corrected": _check_correction, "RecallOpened": _check_recall,
    "Released": _check_decision, "ReleaseRefused": _check_decision,
    "PartReserved": _check_reserved, "PartExchanged": _check_exchanged, "Formed": _check_formed,
    "Disbanded": _check_disbanded, "Cannibalised": _check_cannibalised, "LotReceived": _check_lot,
    "LotIssued": _check_lot, "LotCounted": _check_lot, "TwinsJudged": _check_judged,
    "MachineResult": _check_machine_result,
    "TornDown": _check_torn_down, "FluidSampled": _check_fluid, "FluidChanged": _check_fluid,
    "StateChanged": _check_state, "HolderChanged": _check_holder,
    "SectionsCoupled": _check_coupling, "SectionsUncoupled": _check_coupling,
    "Restricted": _check_until, "Permitted": _check_until,
    "LastRepairStated": _check_last_repair, "GateIntroduced": _check_introduction,
    "AccidentDeclared": _check_accident,
    "GuestSeen": _check_guest,
    "Verified": _check_proved, "Calibrated": _check_proved,
    "InstrumentWithdrawn": _check_withdrawn, "OrderOpened": _check_opened,
    "Placed": _check_placed, "PlacePlanned": _check_planned,
    "QualificationGranted": _check_valid, "PermitIssued": _check_valid,
    "SigningKeyNamed": _check_signing_key,
    "WarrantyGiven": _check_warranty, "ClaimClosed": _check_claim_closed,
    "RemarkCarriedOver": _check_carried_over,
    "ConsistComposed": _check_composition, "ConsistChanged": _check_composition,
    "ConsistSigned": _check_signed, "JointsChecked": _check_joints, "BrakeTested": _check_brakes,
    "ConsistClosed": _check_closed, "Serviced": _check_serviced,
}  # fmt: skip
