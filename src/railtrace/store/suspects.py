"""The gauge recall: what a withdrawn instrument read in its window, and who still leans on it.

Rewrites nothing. A vehicle is listed when the last reading of something on it was taken with the
instrument in the window; the smallest margin over the uncertainty first, because that verdict is
the likeliest to be wrong.
"""

from dataclasses import dataclass
from decimal import Decimal

from railtrace.projections.condition import Condition, Series, Taken, limit_for
from railtrace.projections.metrology import Withdrawal, uncertainty_of
from railtrace.projections.passport import Passport
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup


@dataclass(frozen=True)
class Leaning:
    """One last reading that leans on the instrument, with what it would be without its bias."""

    unit: str
    series: Series
    value: Decimal
    corrected: Decimal | None
    margin: Decimal | None
    """How far inside the limit it is, corrected where the bias is known; under 0 is outside."""
    over_uncertainty: Decimal | None
    limit: str

    @property
    def last(self) -> Taken:
        """The reading itself."""
        return self.series.readings[-1]

    def rank(self) -> tuple[int, Decimal]:
        """What is certain to be judged wrongly first; without a limit nothing is judged."""
        if self.margin is None:
            return 2, Decimal(0)
        if self.over_uncertainty is None:
            return (0 if self.margin < 0 else 1), self.margin
        return 1 if self.over_uncertainty >= 0 else 0, self.over_uncertainty


@dataclass(frozen=True)
class Suspect:
    """A vehicle, or a part on none, with the readings that lean on the instrument."""

    unit: str
    passport: Passport
    readings: tuple[Leaning, ...]
    on_line: bool

    @property
    def worst(self) -> Leaning:
        """The reading with the smallest margin."""
        return self.readings[0]


@dataclass(frozen=True)
class GaugeRecall:
    """What a withdrawal makes suspect, and who leans on it now."""

    readings: int
    operations: tuple[str, ...]
    units: int
    vehicles: tuple[Suspect, ...]

    @property
    def on_line(self) -> tuple[Suspect, ...]:
        """Vehicles on the line now."""
        return tuple(suspect for suspect in self.vehicles if suspect.on_line)

    @property
    def elsewhere(self) -> tuple[Suspect, ...]:
        """Parts in stock, vehicles in repair and out of use."""
        return tuple(suspect for suspect in self.vehicles if not suspect.on_line)


def gauge_recall(
    knowledge: Knowledge, lookup: Lookup, device: str, withdrawal: Withdrawal
) -> GaugeRecall:
    """Return what an instrument's withdrawal touches, as known at the dates of `knowledge`."""
    window = withdrawal.window_from_us, withdrawal.window_to_us
    made = lookup.made_with(device, *window, limit=100_000, known_us=knowledge.known_us)
    units = sorted({row["unit"] for row in made})
    knowledge.load(units)
    leaning: dict[str, list[Leaning]] = {}
    for unit in units:
        found = _leaning(knowledge, knowledge.condition(unit), device, withdrawal)
        if found:
            leaning.setdefault(knowledge.root(unit)[0], []).extend(found)
    suspects = [_suspect(knowledge, root, found) for root, found in leaning.items()]
    readings = lookup.readings_with(device, units, *window)
    return GaugeRecall(
        len(readings), tuple(dict.fromkeys(row["operation"] for row in made)), len(units),
        tuple(sorted(suspects, key=lambda s: (s.worst.rank(), s.unit))),
    )  # fmt: skip


def _suspect(knowledge: Knowledge, root: str, found: list[Leaning]) -> Suspect:
    passport = knowledge.passport(root)
    vehicle = passport.type in knowledge.catalogue.vehicle_types
    on_line = vehicle and passport.status in {"in_use", "abroad", "on_hold", "registered"}
    return Suspect(root, passport, tuple(sorted(found, key=lambda x: x.rank())), on_line)


def _leaning(
    knowledge: Knowledge, condition: Condition, device: str, withdrawal: Withdrawal
) -> list[Leaning]:
    return [
        _judge(knowledge, condition, series, withdrawal)
        for series in condition.series.values()
        if series.readings
        and series.readings[-1].device == device
        and withdrawal.window_from_us <= series.readings[-1].at_us <= withdrawal.window_to_us
    ]


def _judge(
    knowledge: Knowledge, condition: Condition, series: Series, withdrawal: Withdrawal
) -> Leaning:
    last = series.readings[-1]
    value, corrected = Decimal(last.value), None
    if withdrawal.bias and (withdrawal.quantity, withdrawal.bias_unit) == (
        series.quantity, last.unit,
    ):  # fmt: skip
        corrected = value - Decimal(withdrawal.bias)
    limit = limit_for(knowledge.catalogue, series.quantity, series.place, condition.type, last)
    margin = ratio = None
    if limit is not None and limit.unit == last.unit:
        margin = _margin(value if corrected is None else corrected, limit.min, limit.max)
        uncertainty = last.uncertainty or uncertainty_of(
            knowledge.instrument(last.device), last.at_us - 1, series.quantity
        )
        if uncertainty and Decimal(uncertainty):
            ratio = margin / Decimal(uncertainty)
    return Leaning(
        condition.unit, series, value, corrected, margin, ratio, limit.key if limit else ""
    )


def _margin(value: Decimal, low: str | None, high: str | None) -> Decimal:
    room = [value - Decimal(low)] if low is not None else []
    room += [Decimal(high) - value] if high is not None else []
    return min(room)
