"""What a method of ours says of one entry, before it is written down."""

from dataclasses import dataclass

from railtrace.analysis.reasons import Reason
from railtrace.errors import BadEvidence
from railtrace.trace.operation import Operation, Reading


@dataclass(frozen=True)
class Outcome:
    """The outcome with what it leans on; `readings` are what we measured ourselves."""

    outcome: str
    finding: str
    declared: str
    reasons: tuple[Reason, ...]
    repeats: tuple[str, ...] = ()
    file: str | None = None
    readings: tuple[Reading, ...] = ()


def refused(refusal: BadEvidence, declared: str) -> Outcome:
    """Return what is said of evidence from which nothing true can be said."""
    why = Reason(refusal.reason, "{text}", (("text", str(refusal)),))
    return Outcome("refused", refusal.reason, declared, (why,))


def reading_of(operation: Operation, quantity: str) -> Reading | None:
    """Return the first reading of a quantity."""
    return next((r for r in operation.readings if r.quantity == quantity), None)
