"""What remains to a repair of an interval, from the counter at the last repair of that kind."""

from collections.abc import Callable
from typing import NamedTuple

from railtrace.projections.last_repairs import LastRepair


class Remaining(NamedTuple):
    """Thousandths left of an interval; None where the last repair or its counter is unknown."""

    repair_kind: str
    interval_milli: int
    last_milli: int | None
    left_milli: int | None


def remaining(
    repair_kind: str,
    interval_milli: int,
    last: LastRepair | None,
    counter_at: Callable[[int], int],
    now_us: int,
) -> Remaining:
    """Return what is left of an interval at a moment [thousandths of km].

    The counter at the last repair is as stated, else what the unit's counter showed then. A
    repair stated after the counter began but without either is unknown, never zero.
    """
    at_repair = None if last is None or not last.known else last.km_milli
    if at_repair is None and last is not None and last.known and last.done_us is not None:
        at_repair = counter_at(last.done_us)
    left = None if at_repair is None else at_repair + interval_milli - counter_at(now_us)
    return Remaining(repair_kind, interval_milli, at_repair, left)


def covers(left: Remaining, run_milli: int) -> bool | None:
    """Tell whether a run fits into what is left; None when nobody knows."""
    return None if left.left_milli is None else run_milli <= left.left_milli
