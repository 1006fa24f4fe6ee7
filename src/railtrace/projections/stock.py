"""Stock: where a part is between carriers, for whom it is kept, to whom it belongs.

Only units that some stock operation speaks of have a state; those see all their operations, so
that an installation ends a stay in the store and a condemnation ends what was hoped for.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, moment
from railtrace.trace.operation import (
    Cannibalised,
    Condemned,
    DebtClosed,
    Disbanded,
    EnteredRepair,
    Formed,
    Held,
    HoldLifted,
    Installed,
    LeftRepair,
    LoanEnded,
    LocationReported,
    Manufactured,
    Operation,
    PartAccepted,
    PartBorrowed,
    PartExchanged,
    PartIssued,
    PartLent,
    PartReserved,
    PartReturned,
    PartSent,
    PartStored,
    Registered,
    Removed,
    ReservationLifted,
    WrittenOff,
)


class Reservation(Struct):
    """For which order or carrier a part is kept, by whom, until which day."""

    id: str
    order: str
    carrier: str
    by: str
    from_us: int
    until: str = ""


class Away(Struct):
    """On which list a part left, to whom; `instead` is what came in its place."""

    list: str
    to: str
    purpose: str
    from_us: int
    instead: str = ""
    accepted: bool = False

    @property
    def bars(self) -> bool:
        """Tell whether the part may not be fitted before somebody accepts it."""
        return self.purpose == "repair" and not self.accepted


class Loan(Struct):
    """A part of ours with somebody (lent), or one of somebody's with us (borrowed)."""

    kind: str
    party: str
    owner_state: str
    until: str
    from_us: int
    operation: str


class Debt(Struct):
    """A part taken off this carrier for another: owed until something takes the position."""

    id: str
    part: str
    position: str
    recipient: str
    from_us: int
    to_us: int | None = None
    closed_by: str = ""


class Stock(State):
    """What is known of a part between carriers, and what a carrier is owed."""

    type: str = ""
    store: str = ""
    bin: str = ""
    site: str = ""
    since_us: int | None = None
    since_by: str = ""
    issued: bool = False
    carrier: str = ""
    reservation: Reservation | None = None
    awaiting_us: int | None = None
    refused_us: int | None = None
    away: Away | None = None
    repair_us: int | None = None
    loan: Loan | None = None
    holds: list[str] = []
    scrapped: str = ""
    disbanded_us: int | None = None
    debts: list[Debt] = []

    @property
    def status(self) -> str:
        """One word for where the part stands; the first that holds, in this order."""
        words = (
            (self.scrapped, self.scrapped),
            (self.disbanded_us is not None, "disbanded"),
            (self.carrier, "installed"),
            (self.away is not None and self.away.instead, "not_returned"),
            (self.away is not None, "sent"),
            (self.loan is not None and self.loan.kind == "lent", "lent"),
            (self.holds, "held"),
            (self.repair_us is not None, "repair"),
            (self.awaiting_us is not None, "awaiting"),
            (self.refused_us is not None, "refused"),
            (self.issued, "issued"),
            (self.reservation is not None, "reserved"),
            (self.store, "free"),
        )
        return next((str(word) for holds, word in words if holds), "")

    @property
    def barred_us(self) -> int | None:
        """Since when the part may not be fitted because nobody has accepted it."""
        away_us = self.away.from_us if self.away and self.away.bars else None
        since = (away_us, self.repair_us, self.awaiting_us, self.refused_us)
        return min((us for us in since if us is not None), default=None)


# --- in and out of a store --------------------------------------------------------------------


def _put(state: Stock, entry: Entry, store: str, bin_: str) -> None:
    state.store, state.bin = store or state.store, bin_
    state.site = getattr(entry.operation, "site", "")
    state.since_us, state.since_by = entry.happened_us, entry.operation.id
    state.issued, state.carrier = False, ""


def _store(state: Stock, entry: Entry, operation: PartStored) -> None:
    if state.away is not None:
        state.contradict(entry, "stored_while_sent", list=state.away.list, to=state.away.to)
    _put(state, entry, operation.store, operation.bin)
    if operation.awaits_acceptance:
        state.awaiting_us = state.awaiting_us or entry.happened_us


def _issue(state: Stock, entry: Entry, operation: PartIssued) -> None:
    if not state.store or state.issued or state.away is not None:
        state.contradict(entry, "issued_not_in_store", order=operation.work_order)
    _use(state, entry, operation.work_order, operation.carrier or "")
    state.issued, state.store, state.bin = True, "", ""
    state.since_us, state.since_by = entry.happened_us, operation.id


def _use(state: Stock, entry: Entry, order: str, carrier: str) -> None:
    """A reserved part goes where it was reserved for, or that is a contradiction."""
    kept = state.reservation
    if kept is None:
        return
    fits = (kept.order and kept.order == order) or (kept.carrier and kept.carrier == carrier)
    if not fits:
        state.contradict(
            entry, "used_though_reserved", order=kept.order, carrier=kept.carrier, to=order
        )
    state.reservation = None


def _reserve(state: Stock, entry: Entry, operation: PartReserved) -> None:
    kept = state.reservation
    if kept is not None:
        state.contradict(entry, "reserved_twice", order=kept.order, carrier=kept.carrier)
    by = operation.performed_by[0] if operation.performed_by else entry.submitter
    state.reservation = Reservation(
        operation.id, operation.work_order, operation.carrier or "", by, entry.happened_us,
        operation.until or "",
    )  # fmt: skip


def _free(state: Stock, entry: Entry, operation: ReservationLifted) -> None:
    if state.reservation is None or state.reservation.id != operation.reservation:
        state.contradict(entry, "reservation_not_set", reservation=operation.reservation)
        return
    state.reservation = None


def _accept(state: Stock, entry: Entry, operation: PartAccepted) -> None:
    if operation.outcome != "passed":
        state.refused_us = entry.happened_us
        return
    if state.away is not None:
        # Our acceptance officer may accept it at the contractor's.
        state.away.accepted = True
    state.awaiting_us = state.refused_us = state.repair_us = None


# --- on and off carriers ----------------------------------------------------------------------


def _install(state: Stock, entry: Entry, carrier: str, order: str) -> None:
    if state.barred_us is not None:
        since = moment(state.barred_us).date().isoformat()
        to = state.away.to if state.away else ""
        state.contradict(entry, "installed_not_accepted", since=since, to=to, carrier=carrier)
    if state.disbanded_us is not None:
        state.contradict(entry, "used_after_disbanding", carrier=carrier)
    if state.loan is not None and state.loan.kind == "lent":
        state.contradict(entry, "installed_while_lent", to=state.loan.party, carrier=carrier)
    _use(state, entry, order, carrier)
    state.carrier, state.store, state.bin, state.issued = carrier, "", "", False
    state.since_us, state.since_by = entry.happened_us, entry.operation.id


def _fill(state: Stock, entry: Entry, operation: Installed) -> None:
    """What takes the position of a part that was taken away closes the debt."""
    for debt in state.debts:
        if debt.to_us is None and operation.position in {debt.position, ""}:
            debt.to_us, debt.closed_by = entry.happened_us, operation.id
            return


def _come_off(state: Stock, entry: Entry) -> None:
    state.carrier, state.store, state.bin = "", "", ""
    state.since_us, state.since_by = entry.happened_us, entry.operation.id


# --- away and back ----------------------------------------------------------------------------


def _send(state: Stock, entry: Entry, operation: PartSent) -> None:
    if state.away is not None:
        state.contradict(entry, "sent_twice", first=state.away.list, list=operation.list)
    if state.carrier:
        state.contradict(entry, "sent_while_installed", carrier=state.carrier, list=operation.list)
    _use(state, entry, operation.work_order, "")
    state.away = Away(operation.list, operation.to, operation.purpose, entry.happened_us)
    state.store, state.bin, state.issued, state.carrier = "", "", False, ""
    state.since_us, state.since_by = entry.happened_us, operation.id


def _return(state: Stock, entry: Entry, operation: PartReturned) -> None:
    away = state.away
    if away is None or away.list != operation.list:
        state.contradict(entry, "returned_not_sent", list=operation.list)
    if away is None or away.bars:
        state.awaiting_us = state.awaiting_us or entry.happened_us
    state.away = None
    _put(state, entry, operation.store, operation.bin)


def _exchange(state: Stock, entry: Entry, operation: PartExchanged) -> None:
    if state.unit == operation.instead_of:
        if state.away is None or state.away.list != operation.list:
            state.contradict(
                entry, "exchanged_not_away", list=operation.list, other=operation.units[0]
            )
        else:
            state.away.instead = operation.units[0]
        return
    # What came in exchange was never sent: the statement of the exchange explains its return.
    for key, found in list(state.contradictions.items()):
        if found.name == "returned_not_sent" and found.values.get("list") == operation.list:
            del state.contradictions[key]


# --- whose it is ------------------------------------------------------------------------------


def _lend(state: Stock, entry: Entry, operation: PartLent | PartBorrowed) -> None:
    if state.loan is not None:
        state.contradict(entry, "lent_twice", to=state.loan.party)
    if isinstance(operation, PartLent):
        kind, party, owner_state = "lent", operation.to, ""
    else:
        kind, party, owner_state = "borrowed", operation.of, operation.owner_state
    state.loan = Loan(
        kind, party, owner_state, operation.until or "", entry.happened_us, operation.id
    )


def _end_loan(state: Stock, entry: Entry) -> None:
    if state.loan is None:
        state.contradict(entry, "loan_not_open")
        return
    if state.loan.kind == "borrowed":
        if state.carrier:
            state.contradict(entry, "given_back_while_installed", carrier=state.carrier)
        state.store = state.bin = ""
    state.loan = None


# --- debts ------------------------------------------------------------------------------------


def _owe(state: Stock, entry: Entry, operation: Cannibalised) -> None:
    if state.unit != operation.donor:
        return
    state.debts.append(
        Debt(operation.id, operation.units[0], operation.position, operation.recipient or "",
             entry.happened_us)
    )  # fmt: skip


def _forgive(state: Stock, entry: Entry, operation: DebtClosed) -> None:
    for debt in state.debts:
        if debt.id == operation.debt and debt.to_us is None:
            debt.to_us, debt.closed_by = entry.happened_us, operation.id
            return
    state.contradict(entry, "debt_not_open", debt=operation.debt)


def _apply(state: Stock, entry: Entry, operation: Operation) -> None:
    if state.unit.startswith("list:"):
        return  # a list is no part of the stock; the view of lists folds it
    mine = state.unit in operation.units
    match operation:
        case Manufactured() | Registered():
            state.type = operation.type
        case PartStored():
            _store(state, entry, operation)
        case PartIssued() if mine:
            _issue(state, entry, operation)
        case PartReserved() if mine:
            _reserve(state, entry, operation)
        case ReservationLifted():
            _free(state, entry, operation)
        case PartAccepted():
            _accept(state, entry, operation)
        case Installed() if mine:
            _install(state, entry, operation.carrier, operation.work_order)
        case Installed():
            _fill(state, entry, operation)
        case Removed() if mine:
            _come_off(state, entry)
        case PartSent():
            _send(state, entry, operation)
        case PartReturned():
            _return(state, entry, operation)
        case PartExchanged():
            _exchange(state, entry, operation)
        case PartLent() | PartBorrowed():
            _lend(state, entry, operation)
        case LoanEnded():
            _end_loan(state, entry)
        case Cannibalised():
            _owe(state, entry, operation)
        case DebtClosed() if mine:
            _forgive(state, entry, operation)
        case _:
            _note(state, entry, operation, mine)


_ELSEWHERE = frozenset({"line", "contractor", "abroad"})
"""Where a part may be seen that a store does not hold any more; nobody counts it as free."""


def _note(state: Stock, entry: Entry, operation: Operation, mine: bool) -> None:
    """What other kinds change: repair, holds, the end, forming and disbanding."""
    match operation:
        case EnteredRepair():
            state.repair_us = state.repair_us or entry.happened_us
        case LeftRepair():
            state.repair_us = None
        case Held():
            state.holds = [*state.holds, operation.id]
        case HoldLifted():
            state.holds = [hold for hold in state.holds if hold != operation.hold]
        case Condemned():
            state.scrapped, state.reservation = "condemned", None
        case WrittenOff():
            state.scrapped, state.reservation = "written_off", None
        case Formed() if mine:
            state.disbanded_us = None
        case Formed():
            _install(state, entry, operation.units[0], operation.work_order)
        case Disbanded() if mine:
            state.disbanded_us, state.store, state.reservation = entry.happened_us, "", None
        case Disbanded():
            _come_off(state, entry)
        case LocationReported() if state.store and operation.whereabouts in _ELSEWHERE:
            _come_off(state, entry)


def _rows(state: Stock, catalogue: Catalogue) -> Rows:
    kept, away, loan = state.reservation, state.away, state.loan
    stock = (
        state.unit,
        state.type,
        state.status,
        state.store,
        state.bin,
        state.since_us,
        kept.order if kept else "",
        kept.carrier if kept else "",
        kept.by if kept else "",
        kept.until if kept else "",
        state.barred_us,
        away.list if away else "",
        away.to if away else "",
        loan.kind if loan else "",
        loan.party if loan else "",
        loan.from_us if loan else None,
    )
    debts = [
        (state.unit, d.id, d.part, d.position, d.recipient, d.from_us, d.to_us, d.closed_by)
        for d in state.debts
    ]
    shown = (state.status or loan) and state.type not in catalogue.vehicle_types
    return {"stock": [stock] if shown else [], "debts": debts}


_KINDS = frozenset({
    "PartStored", "PartIssued", "PartReserved", "ReservationLifted", "PartAccepted", "PartSent",
    "PartReturned", "PartExchanged", "PartLent", "PartBorrowed", "LoanEnded", "Cannibalised",
    "DebtClosed", "Disbanded",
})  # fmt: skip

STOCK = View(
    name="stock",
    version=4,
    state=Stock,
    kinds=_KINDS,
    sees_all_with=_KINDS,
    tables={
        "stock": (
            "unit TEXT PRIMARY KEY", "type TEXT", "status TEXT", "store TEXT", "bin TEXT",
            "since_us BIGINT", "reserved_order TEXT", "reserved_carrier TEXT",
            "reserved_by TEXT", "reserved_until TEXT", "barred_us BIGINT", "list TEXT",
            "sent_to TEXT", "loan TEXT", "party TEXT", "loan_us BIGINT",
        ),
        "debts": (
            "unit TEXT", "debt TEXT", "part TEXT", "position TEXT", "recipient TEXT",
            "from_us BIGINT", "to_us BIGINT", "closed_by TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
