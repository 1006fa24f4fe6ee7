"""Warranty and claims: who stands for a repair or a part, what was claimed of them, how it ended.

Whether a warranty still holds follows from its day and from what was run since: counters are
resolved when read.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.maintenance import last_moment, offset_of
from railtrace.projections.usage import milli
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    ClaimAnswered,
    ClaimClosed,
    ClaimDisputed,
    ClaimOpened,
    Operation,
    WarrantyGiven,
    WarrantyUntilWork,
)


class Warranty(Struct):
    """A promise: by whom, for what, from when, up to what; `operation` gave it."""

    operation: str
    by: str
    after: str
    from_us: int
    until: str = ""
    km_milli: int | None = None
    hours_milli: int | None = None
    document: str = ""
    works: tuple[str, ...] = ()
    offset_s: int = 0
    """How far the clocks of who gave it are ahead of UTC [s]: its days end by them."""

    @property
    def until_us(self) -> int | None:
        """The last moment of its last day [µs]."""
        return last_moment(self.until, self.offset_s) if self.until else None


class Said(Struct):
    """One thing said about a claim: an answer, a dispute, or how it ended."""

    word: str
    at_us: int
    operation: str
    reason: str = ""


class Claim(Struct):
    """A claim and what was said about it."""

    claim: str
    defect: str
    against: str
    opened_us: int
    opened_by: str
    warranty: str = ""
    demand: str = ""
    said: list[Said] = []
    closed_us: int | None = None
    result: str = ""
    cost: str = ""
    recovered: str = ""
    currency: str = ""

    @property
    def state(self) -> str:
        """Sent, asks, accepted, rejected, disputed or closed."""
        if self.closed_us is not None:
            return "closed"
        return self.said[-1].word if self.said else "sent"


class Claims(State):
    """The warranties and claims of one unit."""

    warranties: list[Warranty] = []
    claims: list[Claim] = []

    def find(self, claim: str) -> Claim | None:
        """Return a claim by its name."""
        return next((one for one in self.claims if one.claim == claim), None)


def _apply(state: Claims, entry: Entry, operation: Operation) -> None:
    match operation:
        case WarrantyGiven():
            state.warranties.append(_warranty(entry, operation))
        case WarrantyUntilWork():
            state.warranties.append(Warranty(
                operation.id, operation.by, operation.after, entry.happened_us,
                document=operation.document, works=operation.works,
            ))  # fmt: skip
        case ClaimOpened():
            if state.find(operation.claim) is not None:
                state.contradict(entry, "claim_opened_twice", claim=operation.claim)
                return
            state.claims.append(Claim(
                operation.claim, operation.defect, operation.against, entry.happened_us,
                operation.id, operation.warranty or "", operation.demand,
            ))  # fmt: skip
        case ClaimAnswered() | ClaimDisputed() | ClaimClosed():
            _say(state, entry, operation)


def _warranty(entry: Entry, given: WarrantyGiven) -> Warranty:
    return Warranty(
        given.id, given.by, given.after, entry.happened_us, given.until or "",
        None if given.km is None else milli(given.km),
        None if given.engine_hours is None else milli(given.engine_hours), given.document,
        offset_s=offset_of(given.happened_at),
    )  # fmt: skip


def _say(
    state: Claims, entry: Entry, operation: ClaimAnswered | ClaimDisputed | ClaimClosed
) -> None:
    claim = state.find(operation.claim)
    if claim is None or claim.closed_us is not None:
        state.contradict(entry, "claim_not_open", claim=operation.claim)
        return
    match operation:
        case ClaimAnswered():
            word: str = operation.answer
        case ClaimDisputed():
            word = "disputed"
        case ClaimClosed():
            word = operation.result
            claim.closed_us, claim.result = entry.happened_us, operation.result
            claim.cost, claim.recovered = operation.cost or "", operation.recovered or ""
            claim.currency = operation.currency
    claim.said.append(Said(word, entry.happened_us, operation.id, operation.reason))


RunSince = Callable[[str, int], float]
"""(meter, since µs) to what was run until the moment asked [km or h]."""


NextWork = Callable[[Warranty], int | None]
"""When work that ends a warranty was done after it was given [µs]; None while it was not."""


def _never(warranty: Warranty) -> int | None:
    return None


def holds(
    warranty: Warranty, at_us: int, run_since: RunSince, next_work: NextWork = _never
) -> bool:
    """Tell whether a warranty still holds at a moment."""
    if at_us < warranty.from_us:
        return False
    if warranty.works and (ended_us := next_work(warranty)) is not None and ended_us <= at_us:
        return False
    if warranty.until_us is not None and at_us > warranty.until_us:
        return False
    promised = (("km", warranty.km_milli), ("engine_hours", warranty.hours_milli))
    return all(
        most is None or run_since(meter, warranty.from_us) * 1000 <= most
        for meter, most in promised
    )


def covering(
    warranties: Sequence[Warranty], at_us: int, run_since: RunSince, next_work: NextWork = _never
) -> list[Warranty]:
    """Return the warranties that hold at a moment, the last given first."""
    found = [one for one in warranties if holds(one, at_us, run_since, next_work)]
    return sorted(found, key=lambda one: -one.from_us)


def _rows(state: Claims, catalogue: Catalogue) -> Rows:
    warranties = [
        (state.unit, w.operation, w.by, w.after, w.from_us, w.until) for w in state.warranties
    ]
    claims = [
        (state.unit, c.claim, c.against, c.state, c.opened_us, c.closed_us) for c in state.claims
    ]
    return {"warranties": warranties, "claims": claims}


CLAIMS = View(
    name="claims",
    version=3,
    state=Claims,
    kinds=frozenset({
        "WarrantyGiven", "WarrantyUntilWork", "ClaimOpened", "ClaimAnswered", "ClaimDisputed",
        "ClaimClosed",
    }),
    tables={
        "warranties": (
            "unit TEXT", "operation TEXT", "given_by TEXT", "given_after TEXT", "from_us BIGINT",
            "until TEXT",
        ),
        "claims": (
            "unit TEXT", "claim TEXT", "against TEXT", "state TEXT", "opened_us BIGINT",
            "closed_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
