"""The clerks: they turn what happens into operations, and enter them when they get to it."""

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from railtrace.simulation.calendar import DAY_MIN
from railtrace.simulation.laws import Laws, Site
from railtrace.simulation.truth import Truth
from railtrace.trace.operation import Corrected, Measured, Operation, Ran

_MISTAKABLE = (Measured, Ran)


class Sent(NamedTuple):
    """An operation on its way to a log, and when it is to be recorded there."""

    log: str
    operation: Operation
    recorded_at: datetime


class Clerks:
    """Writes operations at depots; time is minutes since the railway's first midnight."""

    def __init__(self, laws: Laws, start: datetime, prefix: str, seed: int, truth: Truth) -> None:
        self.sites = {site.log: site for site in laws.sites}
        self._law = laws.recording
        self._start = start
        self._prefix = prefix
        self._random = random.Random(seed)
        self.truth = truth
        self._count = 0
        self._waiting: list[tuple[int, int, str, Operation]] = []

    def moment(self, minute: float) -> datetime:
        """Return the local time of a minute, cut to the whole minute."""
        return self._start + timedelta(minutes=int(minute))

    def write(
        self,
        kind: type[Operation],
        log: str,
        minute: float,
        *,
        recorded_min: float | None = None,
        faultless: bool = False,
        **fields: Any,
    ) -> str:
        """Have an operation entered; returns its id. `faultless` work is never mistyped."""
        site = self.sites[log]
        if "performed_by" not in fields:
            fields["performed_by"] = (f"p-{self._random.randrange(*site.people):04d}",)
        fields.setdefault("time_precision", "minute")
        fields.setdefault("site", log)
        operation = kind(id=self._next_id(), happened_at=self.moment(minute), **fields)
        if recorded_min is None:
            recorded_min = self._entered(site, minute, operation)
        if not faultless and kind in _MISTAKABLE and self._chance(self._law.corrected_share):
            self._enter_wrongly(log, recorded_min, operation)
        else:
            self._wait(recorded_min, log, operation)
        return operation.id

    def up_to(self, minute: float) -> Iterator[Sent]:
        """Yield what is recorded before a minute, in the order of recording."""
        waiting, start = self._waiting, self._start
        while waiting and waiting[0][0] < minute:
            recorded, _, log, operation = heapq.heappop(waiting)
            yield Sent(log, operation, start + timedelta(minutes=recorded))

    def rest(self, end_min: float) -> Iterator[Sent]:
        """Yield what has happened by the end, entered at the latest then; forget what has not."""
        end = self.moment(end_min)
        for sent in self.up_to(float("inf")):
            if sent.operation.happened_at <= end:
                yield sent._replace(recorded_at=min(sent.recorded_at, end))

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._prefix}-{self._count:07d}"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _wait(self, minute: float, log: str, operation: Operation) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (int(minute) + 1, self._count, log, operation))

    def _entered(self, site: Site, minute: float, operation: Operation) -> float:
        delay = site.delay_median_min * self._random.lognormvariate(0, site.delay_spread)
        if self._chance(self._law.late_share):
            delay += DAY_MIN * self._random.uniform(*self._law.late_days)
            self.truth.late.append(operation.id)
        return minute + min(delay, 14 * DAY_MIN)

    def _enter_wrongly(self, log: str, recorded_min: float, right: Operation) -> None:
        """Enter a slip of the pen, or a thing twice, and later the correction of it."""
        noticed = recorded_min + DAY_MIN * self._random.uniform(0.05, 6)
        twice = self._chance(0.3)
        wrong = replace(right, id=self._next_id()) if twice else _slip(right)
        correction = Corrected(
            id=self._next_id(),
            happened_at=self.moment(noticed),
            time_precision="minute",
            site=right.site,
            performed_by=right.performed_by,
            target=wrong.id,
            action="void" if twice else "replace",
            reason="введено дважды" if twice else "описка при вводе",
            replacement=None if twice else replace(right, id=f"{right.id}-r"),  # type: ignore[arg-type]
        )
        if twice:
            self._wait(recorded_min, log, right)
        self._wait(recorded_min + 1, log, wrong)
        self._wait(noticed + 2, log, correction)
        self.truth.corrected.append(wrong.id)


def _slip(operation: Operation) -> Operation:
    if isinstance(operation, Ran):
        return replace(operation, distance_km=_swapped(operation.distance_km))
    first, *others = operation.readings
    slipped = replace(first, value=_swapped(first.value))
    return replace(operation, readings=(slipped, *others))


def _swapped(value: str) -> str:
    """Return a decimal with its last two digits swapped around the point: 31.4 becomes 34.1."""
    if len(value) < 3 or value[-2] != ".":
        return f"{value}1"
    return f"{value[:-3] or '1'}{value[-1]}.{value[-3]}" if value[:-3] else f"1{value}"
