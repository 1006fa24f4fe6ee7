"""Scans of wheel profiles measured again from their points, beside what the gauge told.

Our own readings are written down with the diagnosis. They are held against the limits, and the
gauge's readings of the same wheel against them: a gauge that says more than its scan shows is
contradicted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from railtrace.analysis.reasons import Reason, because
from railtrace.analysis.wheel_profile import (
    Conventions,
    Profile,
    WheelParameters,
    parameters,
    profile,
)
from railtrace.app import App
from railtrace.catalogue.in_force import limit_for, wheel_profile_for
from railtrace.catalogue.rows import Catalogue, Moment, WheelProfile
from railtrace.errors import BadEvidence
from railtrace.interchange.evidence_files import scan
from railtrace.operating.outcomes import Outcome, refused
from railtrace.projections.condition import judge
from railtrace.projections.equipment import wheel_scan
from railtrace.trace.operation import Evidence, Operation, Reading, Reprofiled

METHOD = "wheel_profile"
QUANTITIES = ("flange_thickness", "flange_height", "flange_gradient", "tread_wear")
UNCERTAINTY_MM = Decimal("0.05")
"""Expanded, of a parameter read off a scan with 0.1 mm of noise: 0.02 mm was the worst of analytic
profiles (tests/analysis/test_wheel_profile.py); the scanner's own error is not known."""


@dataclass(frozen=True)
class ScanFile:
    """One scan among the files of an operation."""

    side: str
    as_left: bool
    file: Evidence

    @property
    def moment(self) -> str:
        """The moment of its readings as the trace writes it."""
        return "as_left" if self.as_left else ""


def scans_in(operation: Operation) -> Iterator[ScanFile]:
    """Yield the scans among the files of an operation, known by their names."""
    for file in operation.evidence:
        if (found := wheel_scan(file.name)) is not None:
            yield ScanFile(*found, file)


def conventions_of(row: WheelProfile) -> Conventions:
    """Return where a row of the catalogue measures."""
    return Conventions(
        row.below_tip_mm, row.datum_mm, row.above_datum_mm, row.flange_height_mm,
        row.thickness_below_tip_mm,
    )  # fmt: skip


def profile_row(catalogue: Catalogue, unit_type: str, at: date) -> WheelProfile:
    """Return how wheels of a type are measured. Raises BadEvidence where no row says it."""
    row = wheel_profile_for(catalogue, unit_type, at)
    if row is None:
        raise BadEvidence(
            "The catalogue does not say how wheels of {type} are measured: add a row of "
            "wheel_profiles", reason="no_profile_row", type=unit_type or "(no type)",
        )  # fmt: skip
    return row


def read_scan(app: App, file: Evidence) -> Profile:
    """Return a scan that can be measured. Raises BadEvidence."""
    if (state := app.evidence.state(file.sha256)) != "kept":
        raise BadEvidence("the file {file} is not here: {state}", reason="unreadable",
                          file=file.name, state=state)  # fmt: skip
    return profile(*scan(app.evidence.path(file.sha256)))


def judged_scans(app: App, operation: Operation) -> tuple[str, Outcome] | None:
    """Return what the scans of an operation say; None while one of them has not come."""
    scans = list(scans_in(operation))
    if not scans or any(app.evidence.state(one.file.sha256) != "kept" for one in scans):
        return None
    type_ = app.knowledge().passport(operation.units[0]).type
    day = operation.happened_at.date()
    declared = ""
    try:
        row = profile_row(app.catalogue(), type_, day)
        declared = row.key
        ours = [r for one in scans for r in _measured(app, one, row)]
    except BadEvidence as refusal:
        return METHOD, refused(refusal, declared)
    # A turned wheel goes on as it was left; how it came is what it was turned for.
    left = [r for r in ours if r.moment == "as_left"] or ours
    when: Moment = "after_repair" if isinstance(operation, Reprofiled) else "in_service"
    words, beyond = _against_limits(app.catalogue(), left, type_, when, day)
    told = tuple(_against_told(ours, operation.readings))
    outcome = "contradicts" if told else _outcome(words)
    reasons = (*told, *beyond) or (because("within_limits", "{n} limits hold", n=len(words)),)
    if not told and not words:
        reasons = (because("no_limit", "the catalogue has no limit for what was measured"),)
    file = scans[0].file.sha256 if len(scans) == 1 else None
    return METHOD, Outcome(outcome, _finding(left), declared, reasons, file=file,
                           readings=tuple(ours))  # fmt: skip


def _outcome(words: Iterable[str]) -> str:
    found = set(words)
    if not found:
        return "refused"
    return "unfit" if "unfit" in found else "watch" if "doubtful" in found else "fit"


def _measured(app: App, one: ScanFile, row: WheelProfile) -> Iterator[Reading]:
    found: WheelParameters = parameters(read_scan(app, one.file), conventions_of(row))
    for quantity in QUANTITIES:
        yield Reading(
            quantity=quantity, value=f"{getattr(found, f'{quantity}_mm'):.2f}", unit="mm",
            place=one.side, uncertainty=str(UNCERTAINTY_MM), moment=one.moment,  # type: ignore[arg-type]
        )  # fmt: skip


def _against_limits(
    catalogue: Catalogue, ours: Iterable[Reading], type_: str, when: Moment, day: date
) -> tuple[list[str], list[Reason]]:
    words, reasons = [], []
    for reading in ours:
        limit = limit_for(catalogue, reading.quantity, type_, when, day, place=reading.place)
        if limit is None or limit.unit != reading.unit:
            continue
        low, high = (None if b is None else Decimal(b) for b in (limit.min, limit.max))
        words.append(judge(Decimal(reading.value), UNCERTAINTY_MM, low, high))
        if words[-1] != "fit":
            reasons.append(because(
                f"scan_{words[-1]}",
                "{quantity}, {place}: {value} mm by the scan, {low}…{high} mm allowed ({limit})",
                quantity=reading.quantity, place=reading.place, value=reading.value,
                low=limit.min or "", high=limit.max or "", limit=limit.key,
            ))  # fmt: skip
    return words, reasons


def _against_told(ours: Iterable[Reading], told: Iterable[Reading]) -> Iterator[Reason]:
    """Yield where the gauge's own reading lies outside the doubt of both."""
    said = {(r.quantity, r.place, r.moment.replace("as_found", "")): r for r in told}
    for mine in ours:
        theirs = said.get((mine.quantity, mine.place, mine.moment))
        if theirs is None or theirs.unit != mine.unit or theirs.uncertainty is None:
            continue
        apart = abs(Decimal(theirs.value) - Decimal(mine.value))
        if apart > Decimal(theirs.uncertainty) + UNCERTAINTY_MM:
            yield because(
                "told_differs", "{quantity}, {place}: the gauge told {told} mm, its scan shows "
                "{value} mm", quantity=mine.quantity, place=mine.place, told=theirs.value,
                value=mine.value,
            )  # fmt: skip


def _finding(ours: Iterable[Reading]) -> str:
    return " / ".join(r.value for r in ours if r.quantity == "flange_thickness") + " mm"
