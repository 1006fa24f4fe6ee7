"""Rows of a decision: what each gate looked at, with all that it takes to judge it again.

A row holds its readings, its limits and its dates, and is judged from these alone. The checker that
travels with a certificate (`railtrace/check.py`) judges the same rows by code of its own;
`tests/release_cases.py` is the one table that both are held to.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from railtrace.projections.condition import judge

Rule = Literal[
    "limit", "own_limits", "fresh", "paper", "amount", "height", "brake_force", "due", "heard"
]  # fmt: skip
Outcome = Literal["fit", "doubtful", "unfit", "missing", "old"]
REPEAT_US = 24 * 3_600_000_000
"""Two readings of one place within a day are a reading and its repeat."""
HOUR_US = 3_600_000_000


class Looked(Struct, frozen=True, omit_defaults=True):
    """A reading, an amount or a paper, and the entry that tells of it."""

    operation: str
    unit: str = ""
    what: str = ""
    """A quantity, a supply or a kind of paper."""
    place: str = ""
    value: str = ""
    uncertainty: str = ""
    unit_of_measure: str = ""
    at_us: int | None = None
    until_us: int | None = None
    log: str = ""
    position: int | None = None
    day_ends: str = ""
    """The rule by which the last day of a paper ends (`until_us`): `entry`, by the clock on the
    wall of who recorded it, which its own entry tells."""


class GateRow(Struct, frozen=True, omit_defaults=True):
    """One thing that a gate looked at, what it asked of it, and what came out."""

    gate: str
    rule: Rule
    unit: str = ""
    outcome: Outcome = "fit"
    looked: tuple[Looked, ...] = ()
    limit: str = ""
    """The row of the limits, or of the maintenance, where the limit is not the gate's own."""
    min: str | None = None
    max: str | None = None
    max_age_h: str | None = None
    required: bool = False
    departs_us: int | None = None
    """When it is to leave; of a log that is to be heard of, up to when it may have had the unit;
    of an interval, up to when it was counted."""


def judged_row(row: GateRow) -> GateRow:
    """Return a row with what comes out of it."""
    return replace(row, outcome=outcome(row))


def outcome(row: GateRow) -> Outcome:
    """Judge a row by what it holds."""
    return _RULES[row.rule](row)


def repeated(row: GateRow) -> bool:
    """Tell whether the reading repeats, within a day, one that was not clearly inside."""
    if len(row.looked) < 2:
        return False
    now, before = row.looked
    assert now.at_us is not None
    assert before.at_us is not None
    return 0 < now.at_us - before.at_us <= REPEAT_US and _judge(row, before) != "fit"


def _judge(row: GateRow, looked: Looked, bare: bool = False) -> Outcome:
    uncertainty = Decimal(0 if bare else looked.uncertainty or 0)
    verdict = judge(Decimal(looked.value), uncertainty, _decimal(row.min), _decimal(row.max))
    return "unfit" if verdict == "unfit" else "doubtful" if verdict == "doubtful" else "fit"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _by_limit(row: GateRow) -> Outcome:
    """The whole interval against the limits; a doubt that was repeated, by the value alone."""
    verdict = _judge(row, row.looked[0])
    return _judge(row, row.looked[0], True) if verdict == "doubtful" and repeated(row) else verdict


def _by_own_limits(row: GateRow) -> Outcome:
    """Only what lies outside for sure counts."""
    return "unfit" if _judge(row, row.looked[0]) == "unfit" else "fit"


def _is_old(row: GateRow) -> bool:
    at_us = row.looked[0].at_us
    assert at_us is not None
    assert row.departs_us is not None
    return row.max_age_h is not None and (
        row.departs_us - at_us > round(float(row.max_age_h) * HOUR_US)
    )


def _by_freshness(row: GateRow) -> Outcome:
    return "missing" if not row.looked else "old" if _is_old(row) else "fit"


def _by_paper(row: GateRow) -> Outcome:
    if not row.looked:
        return "missing" if row.required else "fit"
    until_us = row.looked[0].until_us
    assert row.departs_us is not None
    return "old" if until_us is not None and until_us < row.departs_us else "fit"


def _by_amount(row: GateRow) -> Outcome:
    if not row.looked or _is_old(row):
        return "missing" if row.required else "fit"
    short = row.min is not None and Decimal(row.looked[0].value) < Decimal(row.min)
    return "unfit" if short else "fit"


def _by_height(row: GateRow) -> Outcome:
    first, second = (Decimal(one.value) for one in row.looked)
    return "unfit" if row.max is not None and abs(first - second) > Decimal(row.max) else "fit"


def _by_brake_force(row: GateRow) -> Outcome:
    """Brake force per 100 t of train [tf]; looked at are force and mass."""
    force, mass = (Decimal(one.value) for one in row.looked)
    return "unfit" if row.min is not None and 100 * force / mass < Decimal(row.min) else "fit"


def _by_use(row: GateRow) -> Outcome:
    """What was run or waited since the last time, against what is allowed."""
    return "unfit" if float(row.looked[0].value) > float(row.max or 0) else "fit"


def _by_silence(row: GateRow) -> Outcome:
    """How long a log had the unit unheard; looked at is its last entry, heard until then."""
    heard_us = row.looked[0].until_us
    assert heard_us is not None
    assert row.departs_us is not None
    most_us = round(float(row.max_age_h or 0) * HOUR_US)
    return "old" if row.departs_us - heard_us > most_us else "fit"


_RULES: dict[str, Callable[[GateRow], Outcome]] = {
    "limit": _by_limit, "own_limits": _by_own_limits, "fresh": _by_freshness,
    "paper": _by_paper, "amount": _by_amount, "height": _by_height,
    "brake_force": _by_brake_force, "due": _by_use, "heard": _by_silence,
}  # fmt: skip
