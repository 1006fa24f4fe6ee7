"""Condition: the last reading of every quantity and place, its trend and its verdict.

A verdict compares a limit with a reading *and its uncertainty*, by the catalogue row valid when
the reading was taken, and names that row.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import Struct

from railtrace.catalogue.in_force import limits_for
from railtrace.catalogue.rows import Catalogue, Limit, Moment
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.metrology import certificate_ended
from railtrace.trace.leaf import Entry, moment
from railtrace.trace.operation import (
    DefectClosed,
    DefectFound,
    Failed,
    MachineResult,
    Manufactured,
    Operation,
    Reading,
    Registered,
    Reprofiled,
    Retyred,
)

KEPT_READINGS = 12
"""Readings kept per quantity and place for the trend; older ones stay in the history table."""

ONLY_WEARS = frozenset({"rim_thickness", "tyre_thickness", "wheel_diameter"})
"""What of a wheel grows only with another tyre or another wheel."""
UNSTATED_MM = 0.5
"""A gauge that does not state its error is taken to be this far wrong [mm, k = 2]."""
SURE = 2.5
"""Growth over this many joint expanded uncertainties is no error of gauges: five deviations, by
chance once in three million pairs."""

_DAY_US = 86_400_000_000


class Taken(Struct):
    """One reading as taken."""

    at_us: int
    value: str
    unit: str
    uncertainty: str | None
    device: str
    operation: str
    log: str
    position: int
    simulated: bool = False
    expired_by: str = ""
    """The machine's result whose gateway held an ended certificate of the instrument."""


class Series(Struct):
    """The last readings of one quantity at one place since it was last restored."""

    quantity: str
    place: str
    readings: list[Taken] = []


class Defect(Struct):
    """An open defect."""

    id: str
    code: str
    place: str
    safety: bool
    from_us: int


class Condition(State):
    """What has been measured and found on one unit."""

    type: str = ""
    series: dict[str, Series] = {}
    defects: list[Defect] = []
    failures: int = 0
    last_failure_us: int | None = None
    last_failure: str = ""


def judge(
    value: Decimal, uncertainty: Decimal, lowest: Decimal | None, highest: Decimal | None
) -> str:
    """Return fit, doubtful or unfit: the whole interval value ± uncertainty against the limits.

    Fit: the interval lies inside the limits. Unfit: it lies outside. Doubtful: a limit is in it.
    Source: the decision rule with guard bands of JCGM 106:2012, 8.3.
    """
    low, high = value - uncertainty, value + uncertainty
    if (lowest is not None and high < lowest) or (highest is not None and low > highest):
        return "unfit"
    if (lowest is not None and low < lowest) or (highest is not None and high > highest):
        return "doubtful"
    return "fit"


def _take(state: Condition, entry: Entry, reading: Reading) -> tuple[str, tuple[Any, ...]]:
    operation = entry.operation
    taken = Taken(
        entry.happened_us, reading.value, reading.unit, reading.uncertainty,
        getattr(operation, "device", None) or "", operation.id, entry.log, entry.position,
    )  # fmt: skip
    key = f"{reading.quantity}|{reading.place}"
    series = state.series.get(key)
    if series is None:
        series = state.series[key] = Series(reading.quantity, reading.place)
    real = (taken for taken in reversed(series.readings) if not taken.simulated)
    if reading.quantity in ONLY_WEARS and (before := next(real, None)) is not None:
        _question_growth(state, entry, before, reading)
    if reading.moment == "as_left":
        series.readings.clear()
    series.readings.append(taken)
    del series.readings[:-KEPT_READINGS]
    return "readings", (
        state.unit, reading.quantity, reading.place, reading.moment, entry.happened_us,
        reading.value, reading.unit, reading.uncertainty, taken.device, entry.log, entry.position,
        operation.id,
    )  # fmt: skip


def _question_growth(state: Condition, entry: Entry, before: Taken, now: Reading) -> None:
    """Question a wheel that is larger than before, when nothing put another one there."""
    growth = float(now.value) - float(before.value)
    errors = [float(r.uncertainty or UNSTATED_MM) for r in (before, now)]
    if before.unit == now.unit and growth > SURE * (errors[0] ** 2 + errors[1] ** 2) ** 0.5:
        state.contradict(entry, "larger_than_before", quantity=now.quantity, place=now.place,
                         before=before.value, now=now.value, unit=now.unit,
                         operation=before.operation)  # fmt: skip


def _simulated(state: Condition, facts: tuple[str, ...]) -> None:
    """What a simulated machine read is compared with nothing: it wears by no law."""
    for series in state.series.values():
        for taken in series.readings:
            taken.simulated = taken.simulated or taken.operation in facts
    for fact in facts:
        state.contradictions.pop(f"larger_than_before:{fact}", None)


def _expired(state: Condition, result: MachineResult) -> None:
    """What was read after the certificate that a gateway holds had ended, is marked so."""
    for series in state.series.values():
        for taken in series.readings:
            if taken.operation in result.facts:
                taken.expired_by = result.id


def _renew(state: Condition, places: tuple[str, ...]) -> None:
    """Another tyre or wheel begins its own readings."""
    for series in state.series.values():
        if not places or series.place in places:
            series.readings.clear()
    state.series = {key: series for key, series in state.series.items() if series.readings}


def _close(state: Condition, entry: Entry, operation: DefectClosed) -> None:
    rest = [defect for defect in state.defects if defect.id != operation.defect]
    if len(rest) == len(state.defects):
        state.contradict(entry, "defect_not_open", defect=operation.defect)
    state.defects = rest


def _apply(
    state: Condition, entry: Entry, operation: Operation
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    match operation:
        case Manufactured() | Registered():
            state.type = operation.type
        case DefectFound():
            state.defects.append(
                Defect(operation.id, operation.code, operation.place, operation.safety,
                       entry.happened_us)
            )  # fmt: skip
        case DefectClosed():
            _close(state, entry, operation)
        case Failed():
            state.failures += 1
            state.last_failure_us, state.last_failure = entry.happened_us, operation.mode
        case Retyred():
            _renew(state, operation.places)
        case MachineResult():
            if operation.simulated:
                _simulated(state, operation.facts)
            if certificate_ended(operation):
                _expired(state, operation)
            return []
    readings = operation.readings
    if isinstance(operation, Reprofiled):
        readings = tuple(sorted(readings, key=lambda r: r.moment == "as_left"))
    return [_take(state, entry, reading) for reading in readings]


def slope_per_day(readings: list[Taken]) -> float | None:
    """Return the least-squares trend of at least three readings on three days [unit/day]."""
    days = [(taken.at_us - readings[0].at_us) / _DAY_US for taken in readings]
    if len({round(day) for day in days}) < 3:
        return None
    values = [float(taken.value) for taken in readings]
    mean_day, mean_value = sum(days) / len(days), sum(values) / len(values)
    spread = sum((day - mean_day) ** 2 for day in days)
    return (
        sum(
            (day - mean_day) * (value - mean_value) for day, value in zip(days, values, strict=True)
        )
        / spread
    )


class Judged(Struct, frozen=True):
    """The last reading of a series with its verdict and the row it was judged by."""

    quantity: str
    place: str
    last: Taken
    slope_per_day: float | None
    verdict: str
    limit: Limit | None


def judged(
    state: Condition, catalogue: Catalogue, when: Moment = "in_service",
    max_speed_kmh: int | None = None,
) -> list[Judged]:  # fmt: skip
    """Judge the last reading of every series; without a limit the verdict is unknown."""
    return [
        _judged(state.type, series, catalogue, when, max_speed_kmh)
        for _, series in sorted(state.series.items())
    ]


def _judged(
    type_: str, series: Series, catalogue: Catalogue, when: Moment, max_speed_kmh: int | None
) -> Judged:
    last = series.readings[-1]
    limit = limit_for(
        catalogue, series.quantity, series.place, type_, last, when, max_speed_kmh
    )
    verdict = "unknown"
    if limit is not None and limit.unit == last.unit:
        verdict = judge(
            Decimal(last.value), Decimal(last.uncertainty or 0), _decimal(limit.min),
            _decimal(limit.max),
        )  # fmt: skip
    trend = slope_per_day(series.readings)
    return Judged(series.quantity, series.place, last, trend, verdict, limit)


def limit_for(
    catalogue: Catalogue, quantity: str, place: str, type_: str, taken: Taken,
    when: Moment = "in_service", max_speed_kmh: int | None = None,
) -> Limit | None:  # fmt: skip
    """Return the limit row of a moment in force when a reading was taken."""
    vehicle = catalogue.vehicle_types.get(type_)
    vehicle_class = vehicle.vehicle_class if vehicle else None
    day = moment(taken.at_us).date()
    fitting = limits_for(
        catalogue, quantity, type_, vehicle_class, when, day,
        place=place, max_speed_kmh=max_speed_kmh,
    )  # fmt: skip
    return fitting[0] if fitting else None


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


WORST = ("unfit", "doubtful", "fit", "unknown")


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; none at all is unknown."""
    return min(verdicts, key=WORST.index, default="unknown")


def _rows(state: Condition, catalogue: Catalogue) -> Rows:
    results = judged(state, catalogue)
    rows = [
        (
            state.unit, j.quantity, j.place, j.last.value, j.last.unit, j.last.uncertainty,
            j.last.at_us, j.verdict, j.limit.key if j.limit else "", j.slope_per_day,
        )
        for j in results
    ]  # fmt: skip
    summary = (
        state.unit, worst(j.verdict for j in results), len(state.defects),
        sum(defect.safety for defect in state.defects), state.failures, state.last_failure_us,
        max((j.last.at_us for j in results), default=None),
    )  # fmt: skip
    return {"condition": rows, "condition_summary": [summary]}


CONDITION = View(
    name="condition",
    version=5,
    state=Condition,
    kinds=frozenset({
        "Manufactured", "Registered", "Measured", "Reprofiled", "Tested", "Diagnosed",
        "Inspected", "Washed", "DefectFound", "DefectClosed", "Failed",
        "PartAccepted", "Retyred", "FluidSampled", "MachineResult",
    }),
    tables={
        "condition": (
            "unit TEXT", "quantity TEXT", "place TEXT", "value TEXT", "uom TEXT",
            "uncertainty TEXT", "at_us BIGINT", "verdict TEXT", "limit_key TEXT",
            "slope_per_day DOUBLE PRECISION",
        ),
        "condition_summary": (
            "unit TEXT PRIMARY KEY", "verdict TEXT", "defects BIGINT", "safety_defects BIGINT",
            "failures BIGINT", "last_failure_us BIGINT", "measured_us BIGINT",
        ),
    },
    history={
        "readings": (
            "unit TEXT", "quantity TEXT", "place TEXT", "moment TEXT", "at_us BIGINT",
            "value TEXT", "uom TEXT", "uncertainty TEXT", "device TEXT", "log TEXT",
            "position BIGINT", "operation TEXT",
        ),
    },
    apply=_apply,
    rows=_rows,
)  # fmt: skip
