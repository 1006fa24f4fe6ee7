"""Operations: past facts about units, a closed, typed and versioned set.

docs/trace-format.md is the specification of these shapes. A recorded operation is never
reshaped: a changed kind gets a higher `shape`, and its older shapes are read as before.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

_END = r"(?![\s\S])"


def _form(name: str, pattern: str) -> Meta:
    """A form of text: published in the schema, held at the door by `trace/checks.py`.

    Reading what is recorded skips it: there it only costs time.
    """
    return Meta(description=name, extra_json_schema={"pattern": f"^{pattern}{_END}"})


Id = Annotated[str, _form("1-96 of A-Z a-z 0-9 . _ : @ / -", "[A-Za-z0-9][A-Za-z0-9._:@/-]{0,95}")]
Sha256 = Annotated[str, _form("64 hexadecimal digits in small letters", "[0-9a-f]{64}")]
Decimal = Annotated[
    str,
    _form("a decimal number as text, such as 30.10", r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?"),
]
PartialDate = Annotated[
    str,
    _form(
        "YYYY, YYYY-MM or YYYY-MM-DD",
        "[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?",
    ),
]
Line = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=4000)]
Aware = Annotated[datetime, Meta(tz=True)]
Units = Annotated[tuple[Id, ...], Meta(max_length=500)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

Outcome = Literal["passed", "failed", "aborted"]
UnitOfMeasure = Literal[
    "mm", "µm", "m", "km", "mm/s", "m/s2", "km/h", "s", "min", "h", "d", "N", "kN", "kN/100mm",
    "Pa", "kPa", "MPa", "°C", "K", "V", "kV", "A", "Ω", "kΩ", "MΩ", "kW", "kWh", "Hz", "rpm",
    "g", "kg", "t", "l", "g/l", "mg/kg", "t·km", "%", "dB", "1",
]  # fmt: skip


class _Part(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """The manners of everything inside an operation.

    `gc=False`: frozen texts hold no circle, and a batch makes thousands of these.
    """


class Reading(_Part, frozen=True):
    """One measured value; `uncertainty` is expanded (coverage factor 2), in the same unit."""

    quantity: Id
    value: Decimal
    unit: UnitOfMeasure
    place: Line = ""
    uncertainty: Decimal | None = None
    moment: Literal["", "as_found", "as_left"] = ""


class Number(_Part, frozen=True):
    """A number as it stands on the unit; `?` stands for a digit nobody can read."""

    scheme: Literal["network8", "series", "evn", "serial", "other"]
    value: Annotated[str, Meta(min_length=1, max_length=64)]
    mark: Literal["clear", "unreadable", "duplicate", "restamped"] = "clear"


class Evidence(_Part, frozen=True):
    """A file kept by its SHA-256 outside the trace."""

    sha256: Sha256
    name: Line = ""
    media_type: Line = ""
    size: Count = 0
    evidence_class: Literal["document", "photo", "curve", "dataset", "catalogue"] = "document"


class Counter(_Part, frozen=True):
    """A life-long counter as known at one moment."""

    meter: Literal["km", "engine_hours"]
    value: Decimal


class Operation(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    gc=False,
):
    """The envelope every kind shares: who, when, where, which units, with what, on what proof."""

    id: Id
    happened_at: Aware
    time_precision: Literal["year", "month", "day", "minute", "second"] = "second"
    zone_source: Literal["stated", "site", "assumed"] = "stated"
    units: Units = ()
    marks: Annotated[tuple[Line, ...], Meta(max_length=500)] = ()
    site: Line = ""
    workplace: Line = ""
    performed_by: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()
    device: Id | None = None
    work_order: Line = ""
    step: Line = ""
    readings: Annotated[tuple[Reading, ...], Meta(max_length=2000)] = ()
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=100)] = ()
    basis: Literal["observed", "document", "assumed"] = "observed"
    note: Text = ""
    shape: Annotated[int, Meta(ge=1, le=1)] = 1


# --- the log itself -----------------------------------------------------------------------


class LogOpened(Operation, frozen=True, tag="LogOpened"):
    """A log begins, or begins a new epoch after a restore that lost records."""

    origin: Line
    epoch: Count = 1
    previous_checkpoint: Text = ""
    lost_from: Count | None = None
    lost_to: Count | None = None


class KeySignature(_Part, frozen=True):
    """An Ed25519 signature, base64, over the key statement of docs/trace-format.md."""

    verifier_key: Line
    signature: Line


class KeyReplaced(Operation, frozen=True, tag="KeyReplaced"):
    """From this position on, checkpoints of `origin` are signed by the new key."""

    origin: Line
    old_key: Line
    new_key: Line
    signatures: Annotated[tuple[KeySignature, ...], Meta(min_length=1, max_length=4)]


class KeyCompromised(Operation, frozen=True, tag="KeyCompromised"):
    """Signatures of the key made in the window prove nothing by themselves."""

    verifier_key: Line
    window_from: Aware
    window_to: Aware | None = None
    reason: Text = ""


class CatalogueAdopted(Operation, frozen=True, tag="CatalogueAdopted"):
    """A site takes a catalogue into use; its bytes are evidence."""

    catalogue: Sha256
    valid_from: Aware


class Corrected(Operation, frozen=True, tag="Corrected"):
    """An earlier entry, in any log, is void or replaced; both stay in the trace."""

    target: Id
    action: Literal["void", "replace"]
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
    replacement: "AnyOperation | None" = None
    confirmed_by: Id | None = None


class ContradictionResolved(Operation, frozen=True, tag="ContradictionResolved"):
    """A person has looked at a contradiction and closes it."""

    contradiction: Line
    resolution: Annotated[str, Meta(min_length=1, max_length=4000)]


# --- identity and place -------------------------------------------------------------------


class _Described(Operation, frozen=True):
    type: Id
    numbers: Annotated[tuple[Number, ...], Meta(max_length=20)] = ()
    maker: Line = ""
    heat: Line = ""
    batch: Line = ""


class Manufactured(_Described, frozen=True, tag="Manufactured"):
    """A unit is made."""


class Registered(_Described, frozen=True, tag="Registered"):
    """A unit in mid-life is entered with what is known of it; the rest stays unknown."""

    made: PartialDate | None = None
    owner: Line = ""
    home_site: Line = ""
    counters: Annotated[tuple[Counter, ...], Meta(max_length=4)] = ()


class Commissioned(Operation, frozen=True, tag="Commissioned"):
    """A unit goes into service."""

    owner: Line = ""
    home_site: Line = ""


class MarkingChanged(Operation, frozen=True, tag="MarkingChanged"):
    """Numbers are given, re-stamped, found unreadable or taken off."""

    given: Annotated[tuple[Number, ...], Meta(max_length=20)] = ()
    withdrawn: Annotated[tuple[Number, ...], Meta(max_length=20)] = ()


class Installed(Operation, frozen=True, tag="Installed"):
    """Parts go onto a carrier at a position."""

    carrier: Id
    position: Line = ""


class Removed(Operation, frozen=True, tag="Removed"):
    """Parts come off a carrier."""

    carrier: Id
    position: Line = ""
    reason: Line = ""


class LocationReported(Operation, frozen=True, tag="LocationReported"):
    """Somebody saw, or a railway reported, where a unit is."""

    place: Line
    whereabouts: Literal["home", "line", "stock", "contractor", "abroad"] = "line"


# --- use ----------------------------------------------------------------------------------


class Ran(Operation, frozen=True, tag="Ran"):
    """A run that ended at `happened_at`."""

    started_at: Aware | None = None
    distance_km: Decimal = "0"
    engine_hours: Decimal = "0"
    train: Line = ""
    route: Line = ""
    gross_tonne_km: Decimal | None = None
    fuel_kg: Decimal | None = None


class MeterRead(Operation, frozen=True, tag="MeterRead"):
    """A meter shows a value."""

    meter: Literal["km", "engine_hours"]
    value: Decimal


class MeterReplaced(Operation, frozen=True, tag="MeterReplaced"):
    """A meter is changed: what the old one showed last, what the new one shows first."""

    meter: Literal["km", "engine_hours"]
    removed_value: Decimal
    fitted_value: Decimal = "0"


class ModeViolated(Operation, frozen=True, tag="ModeViolated"):
    """A unit was run outside a rule of use."""

    rule: Id
    duration_s: Decimal | None = None


# --- work ---------------------------------------------------------------------------------


class Washed(Operation, frozen=True, tag="Washed"):
    """A washing cycle."""

    programme: Line = ""
    outcome: Outcome = "passed"


class Inspected(Operation, frozen=True, tag="Inspected"):
    """A person looked."""

    scope: Line = ""
    outcome: Outcome = "passed"
    findings: Text = ""


class Measured(Operation, frozen=True, tag="Measured"):
    """Readings were taken of one unit."""


class Tested(Operation, frozen=True, tag="Tested"):
    """A test was run to its end or not."""

    test: Line
    outcome: Outcome = "passed"


class Diagnosed(Operation, frozen=True, tag="Diagnosed"):
    """A method gave a finding."""

    method: Line
    finding: Line = ""
    outcome: Literal["sound", "watch", "alarm", "contradicts"] = "sound"


class Reprofiled(Operation, frozen=True, tag="Reprofiled"):
    """A wheelset was turned; readings as found and as left."""


class EnteredRepair(Operation, frozen=True, tag="EnteredRepair"):
    """A unit goes into repair of a kind (ТР-1, ДР, КР ...)."""

    repair_kind: Line
    reason: Line = ""


class LeftRepair(Operation, frozen=True, tag="LeftRepair"):
    """A unit comes out of repair."""

    repair_kind: Line
    outcome: Outcome = "passed"


class Repaired(Operation, frozen=True, tag="Repaired"):
    """Work was done on a unit outside a planned repair or as a part of it."""

    work: Line
    restored: Literal["unknown", "minimal", "partial", "as_new"] = "unknown"


class DefectFound(Operation, frozen=True, tag="DefectFound"):
    """A defect: the unit does not meet a requirement."""

    code: Line
    place: Line = ""
    safety: bool = False


class DefectClosed(Operation, frozen=True, tag="DefectClosed"):
    """An earlier `DefectFound` is closed by what was done."""

    defect: Id
    work: Line = ""


class Failed(Operation, frozen=True, tag="Failed"):
    """A failure: the unit stopped being able to perform as required."""

    mode: Line
    failure_class: Annotated[int, Meta(ge=1, le=3)] | None = None
    place: Line = ""
    delay_min: Decimal | None = None


class Held(Operation, frozen=True, tag="Held"):
    """Units may not be used until the hold is lifted."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    recall: Line = ""


class HoldLifted(Operation, frozen=True, tag="HoldLifted"):
    """A hold ends."""

    hold: Id
    reason: Line = ""


class RecallOpened(Operation, frozen=True, tag="RecallOpened"):
    """Parts of a make are called back; every field given must match a part."""

    recall: Id
    title: Line
    type: Id | None = None
    maker: Line = ""
    heat: Line = ""
    batch: Line = ""
    made: PartialDate | None = None


class RecallClosed(Operation, frozen=True, tag="RecallClosed"):
    """A recall is finished."""

    recall: Id
    reason: Line = ""


class Condemned(Operation, frozen=True, tag="Condemned"):
    """A part is found unfit for ever."""

    reason: Line = ""


class WrittenOff(Operation, frozen=True, tag="WrittenOff"):
    """A vehicle leaves the books."""

    reason: Line = ""


# --- release ------------------------------------------------------------------------------


class LeanedOn(_Part, frozen=True):
    """An entry a decision stands on: the operation, and where the version that held then lies.

    The place is the correction's where the operation had been corrected before.
    """

    operation: Id
    log: Line
    position: Count


class LogSize(_Part, frozen=True):
    """How many entries of a log a decision had taken; together, its position vector."""

    log: Line
    size: Count


class Restriction(_Part, frozen=True):
    """What a released unit may not do, or how far; `rule` is a key of the catalogue."""

    rule: Id
    unit: Id | None = None
    value: Decimal | None = None
    unit_of_measure: UnitOfMeasure | None = None
    text: Line = ""
    until: Aware | None = None


class GateReason(_Part, frozen=True):
    """What a gate said for the record; only a warning may be overridden, and not for ever."""

    gate: Id
    weight: Literal["mandatory", "warning", "information"]
    unit: Id | None = None
    row: Line = ""
    text: Line = ""
    operations: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    overridden: bool = False
    override_reason: Line = ""
    override_until: Aware | None = None


class DecisionSignature(_Part, frozen=True):
    """A person's signature over `decision_file`; a passkey's assertion has all its parts, base64.

    `paper` is a wet signature under a printed form; `note` of the operation says where it lies.
    """

    person: Id
    role: Id
    method: Literal["passkey", "server_key", "paper"]
    signed_at: Aware
    public_key: Text = ""
    signature: Text = ""
    authenticator_data: Text = ""
    client_data: Text = ""


class _Decided(Operation, frozen=True):
    """Units in running order, and what was decided of them by whom, knowing what."""

    decision: Id
    scope: Literal["unit", "consist"]
    act: Line = ""
    consist: Id | None = None
    train: Line = ""
    route: Line = ""
    number: Line = ""
    supersedes: Id | None = None
    reasons: Annotated[tuple[GateReason, ...], Meta(max_length=1000)] = ()
    leaned_on: Annotated[tuple[LeanedOn, ...], Meta(max_length=5000)] = ()
    positions: Annotated[tuple[LogSize, ...], Meta(max_length=500)] = ()
    catalogue: Sha256 | None = None
    decision_file: Sha256 | None = None
    signatures: Annotated[tuple[DecisionSignature, ...], Meta(max_length=20)] = ()


class Released(_Decided, frozen=True, tag="Released"):
    """A unit or a consist may go out, restricted or not, until a moment or without one."""

    restrictions: Annotated[tuple[Restriction, ...], Meta(max_length=500)] = ()
    valid_until: Aware | None = None


class ReleaseRefused(_Decided, frozen=True, tag="ReleaseRefused"):
    """A unit or a consist may not go out, for the reasons named."""
# --- stock: parts between carriers ---------------------------------------------------------


class PartStored(Operation, frozen=True, tag="PartStored"):
    """Parts are put into a store; what is not accepted yet may not be fitted."""

    store: Annotated[str, Meta(min_length=1, max_length=200)]
    bin: Line = ""
    awaits_acceptance: bool = False


class PartIssued(Operation, frozen=True, tag="PartIssued"):
    """Parts leave a store for an order or a carrier."""

    carrier: Id | None = None


class PartReserved(Operation, frozen=True, tag="PartReserved"):
    """Parts are kept for an order (`work_order`) or a carrier, up to and including a day."""

    carrier: Id | None = None
    until: PartialDate | None = None


class ReservationLifted(Operation, frozen=True, tag="ReservationLifted"):
    """A reservation ends without the part being used."""

    reservation: Id
    reason: Line = ""


class PartAccepted(Operation, frozen=True, tag="PartAccepted"):
    """Parts are accepted for use after repair or purchase, or are not."""

    outcome: Outcome = "passed"
    act: Line = ""


class SendingListOpened(Operation, frozen=True, tag="SendingListOpened"):
    """A list of parts that leave together for a wheel shop or contractor is begun."""

    list: Id
    to: Annotated[str, Meta(min_length=1, max_length=200)]
    due: PartialDate | None = None


class PartSent(Operation, frozen=True, tag="PartSent"):
    """Parts leave on a sending list."""

    list: Id
    to: Line = ""
    purpose: Literal["repair", "other"] = "repair"


class PartReturned(Operation, frozen=True, tag="PartReturned"):
    """Parts come in against a sending list, on a return list of the number `paper`."""

    list: Id
    paper: Line = ""
    store: Line = ""
    bin: Line = ""


class PartExchanged(Operation, frozen=True, tag="PartExchanged"):
    """A part came in against a list in the place of another; both keep lives of their own."""

    list: Id
    instead_of: Id


class SendingListClosed(Operation, frozen=True, tag="SendingListClosed"):
    """A list is settled; `not_returned` are the parts that will not come back."""

    list: Id
    not_returned: Units = ()
    reason: Line = ""


class PartLent(Operation, frozen=True, tag="PartLent"):
    """Parts of ours are lent."""

    to: Annotated[str, Meta(min_length=1, max_length=200)]
    until: PartialDate | None = None


class PartBorrowed(Operation, frozen=True, tag="PartBorrowed"):
    """Parts that are not ours are taken for use and are to be returned."""

    of: Annotated[str, Meta(min_length=1, max_length=200)]
    owner_state: Line = ""
    until: PartialDate | None = None


class LoanEnded(Operation, frozen=True, tag="LoanEnded"):
    """Lent or borrowed parts are back with whose they are."""

    reason: Line = ""


class Member(_Part, frozen=True):
    """A part and the position it takes."""

    unit: Id
    position: Line = ""


class Formed(Operation, frozen=True, tag="Formed"):
    """A part is made up of others: a wheelset of an axle, wheels and boxes."""

    parts: Annotated[tuple[Member, ...], Meta(min_length=1, max_length=100)]


class Disbanded(Operation, frozen=True, tag="Disbanded"):
    """What was formed is taken apart; its parts live on, it does not."""

    parts: Units = ()
    reason: Line = ""


class Cannibalised(Operation, frozen=True, tag="Cannibalised"):
    """A part taken off the donor for the recipient is owed to the donor until replaced.

    Its removal and its installation are operations of their own.
    """

    donor: Id
    position: Line = ""
    recipient: Id | None = None


class DebtClosed(Operation, frozen=True, tag="DebtClosed"):
    """What a donor was owed is not owed any more, though nothing took the position."""

    debt: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class _Lot(Operation, frozen=True):
    item: Id
    lot: Annotated[str, Meta(min_length=1, max_length=64)]
    store: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Decimal
    measure: UnitOfMeasure = "1"


class LotReceived(_Lot, frozen=True, tag="LotReceived"):
    """Parts without serials come into a store, by type, lot and quantity."""


class LotIssued(_Lot, frozen=True, tag="LotIssued"):
    """Some of a lot leave the store for an order (`work_order`) or a carrier."""

    carrier: Id | None = None


class LotCounted(_Lot, frozen=True, tag="LotCounted"):
    """Somebody counted what of a lot is in the store."""


class TwinsJudged(Operation, frozen=True, tag="TwinsJudged"):
    """A person has found out whether two records are one thing, or one record is two."""

    finding: Line
    verdict: Literal["same", "two", "wrong_number", "slip"]
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
# --- machines -----------------------------------------------------------------------------


class Phase(_Part, frozen=True):
    """A part of a machine's cycle, as the machine names it."""

    phase: Id
    started_at: Aware | None = None
    duration_s: Decimal | None = None


class MachineLimit(_Part, frozen=True):
    """What a machine held a quantity against when it evaluated; never our own limit."""

    quantity: Id
    unit: UnitOfMeasure
    place: Line = ""
    low: Decimal | None = None
    high: Decimal | None = None


class MachineRegistered(Operation, frozen=True, tag="MachineRegistered"):
    """A machine is connected to a gateway; the unit is the machine itself."""

    machine: Id
    serial: Line = ""
    maker: Line = ""
    model: Line = ""
    protocol: Line = ""
    gateway: Line = ""


class MachineResult(Operation, frozen=True, tag="MachineResult"):
    """One cycle as its machine reported it, in the terms of OPC 40001-101.

    `evaluation` is the machine's own verdict; ours is a view. `facts` are the operations that
    were recorded from the result, `part` what the machine itself says it worked on.
    """

    result_id: Annotated[str, Meta(min_length=1, max_length=200)]
    machine: Id
    serial: Line = ""
    firmware: Line = ""
    gateway: Line = ""
    simulated: bool = False
    partial: bool = False
    state: Literal["completed", "aborted", "failed"] = "completed"
    part: Line = ""
    recipe: Line = ""
    recipe_revision: Line = ""
    job: Line = ""
    started_at: Aware | None = None
    device_time: Aware | None = None
    evaluation: Literal["ok", "not_ok", "undecided"] = "undecided"
    evaluation_code: Line = ""
    evaluation_details: Line = ""
    limits: Annotated[tuple[MachineLimit, ...], Meta(max_length=200)] = ()
    phases: Annotated[tuple[Phase, ...], Meta(max_length=100)] = ()
    facts: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    remarks: Annotated[tuple[Line, ...], Meta(max_length=50)] = ()
# --- diagnostics ---------------------------------------------------------------------------


class DiagnosisReason(_Part, frozen=True):
    """Why a method came out as it did: a code that never changes its meaning, and the sentence."""

    code: Id
    text: Line = ""


class EvidenceDiagnosed(Operation, frozen=True, tag="EvidenceDiagnosed"):
    """A method of ours judged the evidence of an earlier entry, beside the machine's own verdict.

    `declared` is the catalogue row it was held against, `repeats` the earlier entries whose
    evidence was heard too. `refused`: from this evidence nothing true can be said.
    """

    entry: Id
    method: Id
    version: Annotated[str, Meta(min_length=1, max_length=64)]
    outcome: Literal["sound", "watch", "alarm", "contradicts", "fit", "unfit", "refused"]
    file: Sha256 | None = None
    finding: Line = ""
    declared: Line = ""
    reasons: Annotated[tuple[DiagnosisReason, ...], Meta(max_length=50)] = ()
    repeats: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    catalogue: Sha256 | None = None


class TornDown(Operation, frozen=True, tag="TornDown"):
    """Parts were opened and looked into: what damage, by its class of ISO 15243, or none.

    It confirms or refutes `diagnoses`; without any, those of these parts since the last teardown.
    """

    found: Literal["damage", "no_damage"]
    damage_class: Id | None = None
    element: Line = ""
    diagnoses: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()


class FailureAscribed(Operation, frozen=True, tag="FailureAscribed"):
    """A failure in service came of what earlier diagnoses had looked at."""

    failure: Id
    diagnoses: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=50)]


class SuspicionAnswered(Operation, frozen=True, tag="SuspicionAnswered"):
    """A person looked at entries that seemed written at a desk, and says what they are.

    `mistaken`: wrong without intent, to be corrected. `invented`: nobody read what is written.
    """

    suspicion: Id
    entries: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=50)]
    answer: Literal["honest", "mistaken", "invented"]
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]


class FluidSampled(Operation, frozen=True, tag="FluidSampled"):
    """A fluid of an engine was sampled at `happened_at`; the readings are the laboratory's."""

    fluid: Literal["oil", "coolant", "fuel"]
    sample: Annotated[str, Meta(min_length=1, max_length=64)]
    engine_hours: Decimal | None = None
    laboratory: Line = ""


class FluidChanged(Operation, frozen=True, tag="FluidChanged"):
    """A fluid of an engine was changed, or topped up: what it had gathered is gone or thinned."""

    fluid: Literal["oil", "coolant", "fuel"]
    whole: bool = True
    engine_hours: Decimal | None = None
    litres: Decimal | None = None


class Retyred(Operation, frozen=True, tag="Retyred"):
    """A wheelset got other tyres, or other wheels, at the places named or at both."""

    fitted: Literal["tyres", "wheels"] = "tyres"
    places: Annotated[tuple[Line, ...], Meta(max_length=2)] = ()
    reason: Line = ""


# --- instruments ---------------------------------------------------------------------------


class Range(_Part, frozen=True):
    """What an instrument may measure: from, to, and how exactly (expanded uncertainty)."""

    quantity: Id
    unit: UnitOfMeasure
    low: Decimal | None = None
    high: Decimal | None = None
    uncertainty: Decimal | None = None


class _Proved(Operation, frozen=True):
    valid_from: Aware
    valid_to: Aware
    certificate: Line = ""
    ranges: Annotated[tuple[Range, ...], Meta(max_length=50)] = ()
    outcome: Outcome = "passed"


class Verified(_Proved, frozen=True, tag="Verified"):
    """An instrument was verified (поверка); the register's entry is the evidence."""

    register_entry: Line = ""


class Calibrated(_Proved, frozen=True, tag="Calibrated"):
    """An instrument was calibrated (калибровка)."""


class InstrumentWithdrawn(Operation, frozen=True, tag="InstrumentWithdrawn"):
    """An instrument is found wrong; what it read in the window is suspect, and stays."""

    window_from: Aware
    window_to: Aware
    finding: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Id | None = None
    bias: Decimal | None = None
    bias_unit: UnitOfMeasure | None = None


# --- work orders ---------------------------------------------------------------------------


class OrderOpened(Operation, frozen=True, tag="OrderOpened"):
    """A process is to be applied to a unit, under the work order of the envelope."""

    process: Id
    defect: Id | None = None
    planned_from: Aware | None = None
    planned_to: Aware | None = None
    reason: Line = ""


class OrderClosed(Operation, frozen=True, tag="OrderClosed"):
    """A work order ends."""

    result: Literal["done", "cancelled"] = "done"
    reason: Line = ""


class OrderBlocked(Operation, frozen=True, tag="OrderBlocked"):
    """Work on an order cannot go on."""

    cause: Literal["parts", "people", "equipment", "documents", "place", "other"]
    reason: Line = ""


class OrderUnblocked(Operation, frozen=True, tag="OrderUnblocked"):
    """Work on an order can go on."""


class StepDone(Operation, frozen=True, tag="StepDone"):
    """A person did a step of an order."""

    outcome: Outcome = "passed"


class StepAccepted(Operation, frozen=True, tag="StepAccepted"):
    """An inspector signs what did a step; never the one who did it."""

    entry: Id


class StepReturned(Operation, frozen=True, tag="StepReturned"):
    """An inspector sends a step back."""

    entry: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class FindingTriaged(Operation, frozen=True, tag="FindingTriaged"):
    """A person looked at what a machine found: false, fixed now, or an order is made."""

    entry: Id
    answer: Literal["false", "fixed", "order"]
    reason: Line = ""


class Placed(Operation, frozen=True, tag="Placed"):
    """Units stand on a track of a depot, until about a moment."""

    track: Id
    position: Line = ""
    until: Aware | None = None


class PlacePlanned(Operation, frozen=True, tag="PlacePlanned"):
    """Units are to stand on a track; the last plan of a unit holds."""

    track: Id
    planned_from: Aware
    planned_to: Aware
    position: Line = ""


class TrackLeft(Operation, frozen=True, tag="TrackLeft"):
    """Units leave the track they stood on."""

    track: Id


# --- proof of a press fit -------------------------------------------------------------------


class ProofLoad(_Part, frozen=True):
    """One axial load on a joint: how heavy [kN] and how long it was held [s]."""

    load_kn: Decimal
    seconds: Decimal


class ProofLoaded(Operation, frozen=True, tag="ProofLoaded"):
    """A joint whose force fell a little short was loaded along the axle; `entry` pressed it."""

    entry: Id
    loads: Annotated[tuple[ProofLoad, ...], Meta(min_length=1, max_length=10)]
    shifted: bool = False


# --- people and permits --------------------------------------------------------------------


class QualificationGranted(Operation, frozen=True, tag="QualificationGranted"):
    """A person, by pseudonym, may do a kind of work, and with which stamp."""

    person: Id
    qualification: Id
    valid_from: Aware
    valid_to: Aware | None = None
    certificate: Line = ""
    stamp: Line = ""


class QualificationWithdrawn(Operation, frozen=True, tag="QualificationWithdrawn"):
    """A person may not do a kind of work any more."""

    person: Id
    qualification: Id
    reason: Line = ""


class SigningKeyNamed(Operation, frozen=True, tag="SigningKeyNamed"):
    """A person, by pseudonym, signs decisions with a key from now on; they name it themselves.

    `public_key` is base64 of 32 bytes (Ed25519) or of 65 (an uncompressed point of P-256). A
    passkey is bound to a host, `relying_party`; a `synced` one may lie on more than one device.
    """

    person: Id
    method: Literal["passkey", "server_key"]
    public_key: Line
    relying_party: Line = ""
    synced: bool = False


class SigningKeyWithdrawn(Operation, frozen=True, tag="SigningKeyWithdrawn"):
    """A person signs with a key no more; what was signed with it stands."""

    person: Id
    public_key: Line
    reason: Line = ""


class PermitIssued(Operation, frozen=True, tag="PermitIssued"):
    """Dangerous work on units is allowed for a time (degassing proved, track protected)."""

    permit: Id
    permit_kind: Id
    valid_from: Aware
    valid_to: Aware


class PermitClosed(Operation, frozen=True, tag="PermitClosed"):
    """A permit ends before its time, or with the work."""

    permit: Id
    reason: Line = ""


class ShiftHandedOver(Operation, frozen=True, tag="ShiftHandedOver"):
    """A shift of a site ends and hands over; the note says what the next one must know."""

    shift: Annotated[str, Meta(min_length=1, max_length=200)]
    taken_by: Id | None = None


# --- states, holders, sections, restrictions, opening -------------------------------------


class StateChanged(Operation, frozen=True, tag="StateChanged"):
    """From this moment units are in a state of the catalogue: reserve, awaiting parts ..."""

    state: Id
    from_state: Line = ""
    reason: Line = ""
    expected_until: PartialDate | None = None


class HolderChanged(Operation, frozen=True, tag="HolderChanged"):
    """Who owns units, who keeps them or where their home is changes; what is left out stays."""

    owner: Line = ""
    keeper: Line = ""
    home_site: Line = ""
    from_owner: Line = ""
    from_keeper: Line = ""
    from_home_site: Line = ""


class SectionsCoupled(Operation, frozen=True, tag="SectionsCoupled"):
    """Sections become part of a locomotive, which is a unit with a number of its own."""

    locomotive: Id
    places: Annotated[tuple[Line, ...], Meta(max_length=8)] = ()


class SectionsUncoupled(Operation, frozen=True, tag="SectionsUncoupled"):
    """Sections leave a locomotive."""

    locomotive: Id
    reason: Line = ""


class Restricted(Operation, frozen=True, tag="Restricted"):
    """Units may be used only within a restriction, or not at all, until it is lifted."""

    restriction: Annotated[str, Meta(min_length=1, max_length=200)]
    effect: Literal["limits", "stops"] = "limits"
    max_speed_kmh: Annotated[int, Meta(ge=1, le=400)] | None = None
    area: Line = ""
    until: PartialDate | None = None


class RestrictionLifted(Operation, frozen=True, tag="RestrictionLifted"):
    """A restriction ends."""

    restricted: Id
    reason: Line = ""


class Permitted(Operation, frozen=True, tag="Permitted"):
    """Units are permitted something: the tracks of another railway, a load, a speed.

    A longer service life is `LifeExtended`: no permission extends it.
    """

    permission: Annotated[str, Meta(min_length=1, max_length=200)]
    area: Line = ""
    until: PartialDate | None = None


class PermissionEnded(Operation, frozen=True, tag="PermissionEnded"):
    """A permission ends."""

    permitted: Id
    reason: Line = ""


class LastRepairStated(Operation, frozen=True, tag="LastRepairStated"):
    """What is known of the last repair of a kind before the unit was entered, and how well."""

    repair_kind: Line
    grade: Literal["document", "stated", "unknown"]
    done: PartialDate | None = None
    km: Decimal | None = None
    engine_hours: Decimal | None = None
    repairer: Line = ""


class GateIntroduced(Operation, frozen=True, tag="GateIntroduced"):
    """At a site a gate warns instead of stopping, under a named order, up to and with a day."""

    gate: Id
    order: Annotated[str, Meta(min_length=1, max_length=200)]
    until: PartialDate


class Painted(_Part, frozen=True):
    """One thing painted on a unit, as it stands there."""

    label: Line
    value: Line


class GuestSeen(Operation, frozen=True, tag="GuestSeen"):
    """A unit of another railway in transit, with what is painted on it and nothing else."""

    numbers: Annotated[tuple[Number, ...], Meta(max_length=20)] = ()
    owner_state: Line = ""
    type: Id | None = None
    painted: Annotated[tuple[Painted, ...], Meta(max_length=40)] = ()


class ResultSealed(Operation, frozen=True, tag="ResultSealed"):
    """The result of a fleet job is kept as a file; the entries it stands on are counted."""

    job: Id
    result: Sha256
    rows: Count
    state_at: Aware | None = None
    known_at: Aware | None = None
    positions: Annotated[tuple[LogSize, ...], Meta(max_length=500)] = ()
# --- operation quality --------------------------------------------------------------------


class RecorderFinding(_Part, frozen=True):
    """Something wrong with a recorder's file, by name: where first, how often, how much."""

    name: Id
    at: Aware | None = None
    count: Count = 1
    text: Line = ""


class RecorderRead(Operation, frozen=True, tag="RecorderRead"):
    """A file of an on-board recorder was read by the rules named; the file is evidence."""

    recorder: Id
    first_at: Aware
    last_at: Aware
    rows: Count = 0
    distance_km: Decimal | None = None
    rules: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    findings: Annotated[tuple[RecorderFinding, ...], Meta(max_length=200)] = ()


class RunRecorded(Operation, frozen=True, tag="RunRecorded"):
    """A run that ended at `happened_at`, as its record says: crew, counter, work, fuel, delay.

    `distance_km` and the counter stand as they were written, wrong ones too: the views name them.
    `fuel_kg`, `energy_kwh` and `gross_tonne_km` are of all the units named together.
    """

    started_at: Aware | None = None
    distance_km: Decimal = "0"
    engine_hours: Decimal = "0"
    counter_from_km: Decimal | None = None
    counter_to_km: Decimal | None = None
    train: Line = ""
    route: Line = ""
    crew: Annotated[tuple[Id, ...], Meta(max_length=8)] = ()
    gross_tonne_km: Decimal | None = None
    fuel_kg: Decimal | None = None
    energy_kwh: Decimal | None = None
    delay_min: Decimal | None = None
    delay_cause: Line = ""
    remarks: Text = ""


class WaysideAlarmed(Operation, frozen=True, tag="WaysideAlarmed"):
    """A wayside device raised an alarm at a passing unit; `alarm` is a key of the catalogue."""

    alarm: Id
    post: Line = ""
    level: Line = ""
    place: Line = ""
    train: Line = ""


class AlarmChecked(Operation, frozen=True, tag="AlarmChecked"):
    """Somebody looked at what a wayside device alarmed of, and found something or nothing."""

    alarmed: Id
    result: Literal["confirmed", "not_confirmed"]
    finding: Line = ""


class AccidentDeclared(Operation, frozen=True, kw_only=True, tag="AccidentDeclared"):
    """Units were in an accident: they and their evidence are held until a commission lifts it.

    `wheelsets` are those that stood under derailed vehicles: each is to be examined in full.
    `positions` is how much of every log was there when the evidence was frozen.
    """

    accident: Id
    event: Literal["derailment", "collision", "fire", "breakage", "other"]
    place: Line = ""
    derailed: Annotated[tuple[Line, ...], Meta(max_length=100)] = ()
    wheelsets: Units = ()
    speed_kmh: Decimal | None = None
    train: Line = ""
    commission: Line = ""
    what: Annotated[str, Meta(min_length=1, max_length=1000)]
    positions: Annotated[tuple[LogSize, ...], Meta(max_length=500)] = ()


class AccidentLifted(Operation, frozen=True, kw_only=True, tag="AccidentLifted"):
    """The commission lifts the hold by its act; what has to be examined stays to be examined."""

    accident: Id
    act: Annotated[str, Meta(min_length=1, max_length=200)]
    decided_by: Annotated[str, Meta(min_length=1, max_length=200)]
    finding: Line = ""


class OriginDecided(Operation, frozen=True, tag="OriginDecided"):
    """Where a failure or defect comes from, who decided it and on what; a dispute ends with it.

    `origin` is a key of the catalogue on the axis of the unit's kind.
    """

    entry: Id
    origin: Id
    decided_by: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Line = ""


class OriginDisputed(Operation, frozen=True, tag="OriginDisputed"):
    """Somebody does not agree with where a failure or defect is said to come from."""

    entry: Id
    disputed_by: Annotated[str, Meta(min_length=1, max_length=200)]
    claims: Id | None = None
    reason: Line = ""


# --- what is due --------------------------------------------------------------------------


class ProgrammeChosen(Operation, frozen=True, tag="ProgrammeChosen"):
    """Units are put under a maintenance programme of the catalogue by its key."""

    programme: Id


class PaperIssued(Operation, frozen=True, tag="PaperIssued"):
    """A paper or check with a last day of its own: disinfection, boiler, crane, extinguisher."""

    service: Annotated[str, Meta(min_length=1, max_length=200)]
    number: Line = ""
    valid_until: PartialDate | None = None


class LifeExtended(Operation, frozen=True, tag="LifeExtended"):
    """The service life of a vehicle ends on a new day, under conditions."""

    until: PartialDate
    document: Annotated[str, Meta(min_length=1, max_length=200)]
    conditions: Text = ""


# --- campaigns ----------------------------------------------------------------------------


class CampaignOpened(Operation, frozen=True, tag="CampaignOpened"):
    """Units are to be inspected, or something on them replaced, up to and with a day.

    `service` is the kind of inspection or repair that does it, as operations write it; `effect`
    is what happens to a unit that is not done on that day.
    """

    campaign: Id
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    until: PartialDate
    action: Literal["inspect", "replace"] = "inspect"
    effect: Literal["none", "limits", "stops"] = "limits"
    service: Line = ""
    order: Line = ""


class CampaignJoined(Operation, frozen=True, tag="CampaignJoined"):
    """Units are taken into a campaign."""

    campaign: Id


class CampaignDone(Operation, frozen=True, tag="CampaignDone"):
    """Units were inspected, or the thing was replaced on them; a failed one is still to be done."""

    campaign: Id
    outcome: Outcome = "passed"
    findings: Text = ""
    act: Line = ""


class CampaignLeft(Operation, frozen=True, tag="CampaignLeft"):
    """Units are taken out of a campaign: it does not concern them."""

    campaign: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class CampaignClosed(Operation, frozen=True, tag="CampaignClosed"):
    """A campaign ends; what is not done in it keeps nobody back any more."""

    campaign: Id
    reason: Line = ""


# --- crew remarks -------------------------------------------------------------------------


class RemarkMade(Operation, frozen=True, tag="RemarkMade"):
    """A crew wrote a remark on a unit in its journal; `topic` is a row of the catalogue."""

    text: Annotated[str, Meta(min_length=1, max_length=1000)]
    topic: Line = ""
    place: Line = ""
    train: Line = ""


class RemarkAccepted(Operation, frozen=True, tag="RemarkAccepted"):
    """Somebody took a remark over."""

    remark: Id


class RemarkDone(Operation, frozen=True, tag="RemarkDone"):
    """What a remark was about is mended, or was found in order."""

    remark: Id
    work: Annotated[str, Meta(min_length=1, max_length=1000)]
    finding: Literal["mended", "in_order"] = "mended"


class RemarkCarriedOver(Operation, frozen=True, tag="RemarkCarriedOver"):
    """A remark is carried over by a person, for a reason, up to and with a day."""

    remark: Id
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    until: PartialDate


# --- warranty and claims ------------------------------------------------------------------


class WarrantyGiven(Operation, frozen=True, tag="WarrantyGiven"):
    """Somebody stands for a repair or a part up to a day, a run or a number of hours from now."""

    by: Annotated[str, Meta(min_length=1, max_length=200)]
    after: Annotated[str, Meta(min_length=1, max_length=200)]
    until: PartialDate | None = None
    km: Decimal | None = None
    engine_hours: Decimal | None = None
    document: Line = ""


class WarrantyUntilWork(Operation, frozen=True, tag="WarrantyUntilWork"):
    """Somebody stands for a repair or a part until work of one of these kinds is next done."""

    by: Annotated[str, Meta(min_length=1, max_length=200)]
    after: Annotated[str, Meta(min_length=1, max_length=200)]
    works: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(min_length=1, max_length=16),
    ]
    document: Line = ""


class ClaimOpened(Operation, frozen=True, tag="ClaimOpened"):
    """A defect or failure within warranty is claimed of who stands for it (act ВУ-41М)."""

    claim: Id
    defect: Id
    against: Annotated[str, Meta(min_length=1, max_length=200)]
    warranty: Id | None = None
    demand: Text = ""


class ClaimAnswered(Operation, frozen=True, tag="ClaimAnswered"):
    """Who stands for it answers a claim."""

    claim: Id
    answer: Literal["accepted", "rejected", "asks"]
    reason: Text = ""


class ClaimDisputed(Operation, frozen=True, tag="ClaimDisputed"):
    """The answer to a claim is disputed."""

    claim: Id
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]


class ClaimClosed(Operation, frozen=True, tag="ClaimClosed"):
    """How a claim ended, and what it cost or brought, in the money of `currency`."""

    claim: Id
    result: Literal["repaired", "replaced", "paid", "rejected", "withdrawn"]
    cost: Decimal | None = None
    recovered: Decimal | None = None
    currency: Line = ""
    reason: Text = ""


# --- repair by others ---------------------------------------------------------------------


class SentForRepair(Operation, frozen=True, tag="SentForRepair"):
    """Units leave for a repair by a contractor or abroad."""

    stay: Id
    to: Annotated[str, Meta(min_length=1, max_length=200)]
    where: Literal["contractor", "abroad"] = "contractor"
    repair_kind: Line = ""
    contract: Line = ""
    expected: PartialDate | None = None


class RepairProgressed(Operation, frozen=True, tag="RepairProgressed"):
    """What is heard of units in repair elsewhere."""

    stay: Id
    stage: Annotated[str, Meta(min_length=1, max_length=200)]
    expected: PartialDate | None = None


class AcceptedFromRepair(Operation, frozen=True, tag="AcceptedFromRepair"):
    """Units came back from a repair elsewhere and were looked at: taken over, or not."""

    stay: Id
    outcome: Outcome = "passed"
    findings: Text = ""
# --- trains --------------------------------------------------------------------------------


class _Composition(Operation, frozen=True, kw_only=True):
    """Units in running order, the head of the train first; `turned` have their end Б ahead."""

    consist: Id
    train: Annotated[str, Meta(min_length=1, max_length=200)]
    train_kind: Id
    route: Id
    departs_at: Aware
    turned: Units = ()
    max_speed_kmh: Annotated[int, Meta(ge=1, le=400)] | None = None
    electropneumatic: bool = False


class ConsistComposed(_Composition, frozen=True, tag="ConsistComposed"):
    """A consist is made up for a train of a day."""


class ConsistChanged(_Composition, frozen=True, kw_only=True, tag="ConsistChanged"):
    """The whole composition anew; what was signed for the one it replaces is void."""

    replaces: Id
    left: Units = ()
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class _OfComposition(Operation, frozen=True, kw_only=True):
    """About a consist in one composition, named by the entry that made it."""

    consist: Id
    composition: Id


class ConsistSigned(_OfComposition, frozen=True, kw_only=True, tag="ConsistSigned"):
    """A person of the depot signs their part of a consist's readiness, or sends it back."""

    act: Id
    answer: Literal["signed", "returned"] = "signed"
    reason: Line = ""


class JointFault(_Part, frozen=True):
    """What is wrong between two neighbours."""

    ahead: Id
    behind: Id
    item: Id
    text: Line = ""


class JointsChecked(_OfComposition, frozen=True, kw_only=True, tag="JointsChecked"):
    """Every joint of a consist was looked at; those not named among the faults are sound."""

    items: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=20)]
    faults: Annotated[tuple[JointFault, ...], Meta(max_length=200)] = ()


class BrakeTested(_OfComposition, frozen=True, kw_only=True, tag="BrakeTested"):
    """A brake test with the locomotive on, and the certificate (ВУ-45) that tells of it."""

    test: Literal["full", "short"]
    number: Line = ""
    locomotive: Id | None = None
    mass_t: Decimal
    brake_force_t: Decimal
    outcome: Outcome = "passed"


class ConsistDeparted(_OfComposition, frozen=True, kw_only=True, tag="ConsistDeparted"):
    """The train has left."""


class UnitDetached(_OfComposition, frozen=True, kw_only=True, tag="UnitDetached"):
    """Units are uncoupled from a train."""

    place: Line = ""
    cause: Literal["fault", "traffic", "other"] = "fault"
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class ConsistClosed(_OfComposition, frozen=True, kw_only=True, tag="ConsistClosed"):
    """The trip is over, or the consist does not go; delays are those at the end of the trip."""

    outcome: Literal["arrived", "cancelled"] = "arrived"
    delay_min: Decimal | None = None
    stock_delay_min: Decimal | None = None
    rescued: bool = False
    reason: Line = ""


class Serviced(Operation, frozen=True, tag="Serviced"):
    """A unit was supplied or serviced; `amount` is what is on board afterwards."""

    supply: Id
    amount: Decimal
    unit_of_measure: UnitOfMeasure
    capacity: Decimal | None = None


AnyOperation = (
    LogOpened | KeyReplaced | KeyCompromised | CatalogueAdopted | Corrected
    | ContradictionResolved | Manufactured | Registered | Commissioned | MarkingChanged
    | Installed | Removed | LocationReported | Ran | MeterRead | MeterReplaced | ModeViolated
    | Washed | Inspected | Measured | Tested | Diagnosed | Reprofiled | EnteredRepair | LeftRepair
    | Repaired | DefectFound | DefectClosed | Failed | Held | HoldLifted | RecallOpened
    | RecallClosed | Condemned | WrittenOff
    | EvidenceDiagnosed | TornDown | FailureAscribed | FluidSampled | FluidChanged | Retyred
    | SuspicionAnswered
    | Released | ReleaseRefused
    | PartStored | PartIssued | PartReserved | ReservationLifted | PartAccepted
    | SendingListOpened | PartSent | PartReturned | PartExchanged | SendingListClosed
    | PartLent | PartBorrowed | LoanEnded | Formed | Disbanded | Cannibalised | DebtClosed
    | LotReceived | LotIssued | LotCounted | TwinsJudged
    | MachineRegistered | MachineResult
    | StateChanged | HolderChanged | SectionsCoupled | SectionsUncoupled | Restricted
    | RestrictionLifted | Permitted | PermissionEnded | LastRepairStated | GateIntroduced
    | GuestSeen | ResultSealed
    | Verified | Calibrated | InstrumentWithdrawn
    | OrderOpened | OrderClosed | OrderBlocked | OrderUnblocked | StepDone | StepAccepted
    | StepReturned | FindingTriaged | Placed | PlacePlanned | TrackLeft
    | QualificationGranted | QualificationWithdrawn | PermitIssued | PermitClosed
    | SigningKeyNamed | SigningKeyWithdrawn
    | ShiftHandedOver
    | ProofLoaded
    | ProgrammeChosen | PaperIssued | LifeExtended | RecorderRead
    | CampaignOpened | CampaignJoined | CampaignDone | CampaignLeft | CampaignClosed
    | RemarkMade | RemarkAccepted | RemarkDone | RemarkCarriedOver
    | WarrantyGiven | WarrantyUntilWork | ClaimOpened | ClaimAnswered | ClaimDisputed | ClaimClosed
    | SentForRepair | RepairProgressed | AcceptedFromRepair
    | ConsistComposed | ConsistChanged | ConsistSigned | JointsChecked | BrakeTested
    | ConsistDeparted | UnitDetached | ConsistClosed | Serviced
    | RunRecorded | WaysideAlarmed | AlarmChecked | OriginDecided | OriginDisputed
    | AccidentDeclared | AccidentLifted
)  # fmt: skip

KINDS: dict[str, type[Operation]] = {
    kind.__struct_config__.tag: kind for kind in AnyOperation.__args__
}

_decoder = msgspec.json.Decoder(AnyOperation)


def decode(text: bytes | str) -> Operation:
    """Read one operation from JSON. Raises msgspec.ValidationError or DecodeError."""
    operation: Operation = _decoder.decode(text)
    return operation


def kind_of(operation: Operation) -> str:
    """Return the tag of an operation's kind, which is the name of its class."""
    return type(operation).__name__


def named_units(operation: Operation) -> tuple[str, ...]:
    """Return every unit an operation speaks of, its subjects first, each once."""
    units = operation.units
    match operation:
        case Installed() | Removed():
            units = (*units, operation.carrier)
        case MachineResult() if operation.device is not None:
            units = (*units, operation.device)
        case SectionsCoupled() | SectionsUncoupled():
            units = (*units, operation.locomotive)
        case Corrected() if operation.replacement is not None:
            units = (*units, *named_units(operation.replacement))
        case PartIssued() | PartReserved() | LotIssued() if operation.carrier is not None:
            units = (*units, operation.carrier)
        case PartExchanged():
            units = (*units, operation.instead_of)
        case SendingListClosed():
            units = (*units, *operation.not_returned)
        case Formed():
            units = (*units, *(member.unit for member in operation.parts))
        case Disbanded():
            units = (*units, *operation.parts)
        case ConsistChanged():
            units = (*units, *operation.left)
        case BrakeTested() if operation.locomotive is not None:
            units = (*units, operation.locomotive)
        case AccidentDeclared():
            units = (*units, *operation.wheelsets)
        case Cannibalised():
            units = (*units, operation.donor, *filter(None, [operation.recipient]))
    return tuple(dict.fromkeys(units))


def named_operations(operation: Operation) -> tuple[str, ...]:
    """Return the earlier operations that an operation leans on, each once.

    A correction does not lean on its target: it takes it away.
    """
    match operation:
        case HoldLifted():
            named: tuple[str, ...] = (operation.hold,)
        case DefectClosed():
            named = (operation.defect,)
        case EvidenceDiagnosed():
            named = (operation.entry, *operation.repeats)
        case TornDown():
            named = operation.diagnoses
        case FailureAscribed():
            named = (operation.failure, *operation.diagnoses)
        case SuspicionAnswered():
            named = operation.entries
        case ReservationLifted():
            named = (operation.reservation,)
        case DebtClosed():
            named = (operation.debt,)
        case ProofLoaded():
            named = (operation.entry,)
        case RestrictionLifted():
            named = (operation.restricted,)
        case PermissionEnded():
            named = (operation.permitted,)
        case RemarkAccepted() | RemarkDone() | RemarkCarriedOver():
            named = (operation.remark,)
        case ClaimOpened():
            named = (operation.defect, operation.warranty or "")
        case AlarmChecked():
            named = (operation.alarmed,)
        case OriginDecided() | OriginDisputed():
            named = (operation.entry,)
        case ContradictionResolved():
            named = (operation.contradiction.partition(":")[2],)
        case ConsistChanged():
            named = (operation.replaces,)
        case _OfComposition():
            named = (operation.composition,)
        case Released() | ReleaseRefused():
            behind = (id_ for reason in operation.reasons for id_ in reason.operations)
            named = (*(one.operation for one in operation.leaned_on), *behind)
        case Corrected() if operation.replacement is not None:
            named = named_operations(operation.replacement)
        case _:
            return ()
    return tuple(dict.fromkeys(id_ for id_ in named if id_))
