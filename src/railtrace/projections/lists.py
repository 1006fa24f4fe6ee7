"""Sending lists: what left together, what came back for it, and whether that balances.

A list is a pseudo-unit `list:<id>`. A part that came in the place of another is never taken for
it: the line of the missing one stays open until the list is closed by who knows.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    Operation,
    PartExchanged,
    PartReturned,
    PartSent,
    SendingListClosed,
    SendingListOpened,
)


class Line(Struct):
    """One part on a list: when it left, when it came, in whose place, on which return list."""

    part: str
    sent_us: int | None = None
    sent_by: str = ""
    back_us: int | None = None
    back_by: str = ""
    paper: str = ""
    instead_of: str = ""
    instead_by: str = ""


class Balance(Struct, frozen=True):
    """How many left, came back, came in exchange, came without being sent, are missing.

    `missing` are parts for which nothing has come and that nobody has given up.
    """

    sent: int
    back: int
    exchanged: int
    strange: int
    missing: int

    @property
    def returned(self) -> int:
        """How many parts came in against the list, whatever their numbers."""
        return self.back + self.exchanged + self.strange

    @property
    def closes(self) -> bool:
        """Tell whether for everything sent something came, and nothing else did."""
        return self.missing == 0 and self.strange == 0


class SendingList(State):
    """One sending list."""

    name: str = ""
    to: str = ""
    due: str = ""
    site: str = ""
    opened_us: int | None = None
    opened_by: str = ""
    closed_us: int | None = None
    closed_by: str = ""
    reason: str = ""
    lines: list[Line] = []
    given_up: list[str] = []

    @property
    def balance(self) -> Balance:
        """Count the lines."""
        sent = [line for line in self.lines if line.sent_us is not None]
        came = [line for line in self.lines if line.back_us is not None]
        exchanged = [line for line in came if line.instead_of]
        replaced = {line.instead_of for line in exchanged}
        back = [line for line in came if line.sent_us is not None]
        missing = [
            line
            for line in sent
            if line.back_us is None and line.part not in replaced | set(self.given_up)
        ]
        strange = [line for line in came if line.sent_us is None and not line.instead_of]
        return Balance(len(sent), len(back), len(exchanged), len(strange), len(missing))

    @property
    def replaced_by(self) -> dict[str, str]:
        """Which part came in the place of which."""
        return {line.instead_of: line.part for line in self.lines if line.instead_of}

    def line(self, part: str) -> Line | None:
        """Return the line of a part that has not come back; else its last one."""
        mine = [line for line in self.lines if line.part == part]
        return next((ln for ln in mine if ln.back_us is None), mine[-1] if mine else None)


def _begin(state: SendingList, entry: Entry, list_: str, to: str) -> None:
    state.name, state.to = list_, state.to or to
    state.site = state.site or getattr(entry.operation, "site", "")


def _open(state: SendingList, entry: Entry, operation: SendingListOpened) -> None:
    if state.opened_us is not None:
        state.contradict(entry, "list_opened_twice", list=operation.list)
    state.to, state.due = operation.to, operation.due or ""
    state.opened_us, state.opened_by = entry.happened_us, operation.id


def _send(state: SendingList, entry: Entry, operation: PartSent) -> None:
    _require_open(state, entry)
    for part in operation.units:
        line = state.line(part)
        if line is not None and line.sent_us is not None and line.back_us is None:
            state.contradict(entry, "twice_on_a_list", part=part, list=operation.list)
            continue
        state.lines.append(Line(part, entry.happened_us, operation.id))


def _return(state: SendingList, entry: Entry, operation: PartReturned) -> None:
    _require_open(state, entry)
    for part in operation.units:
        line = state.line(part)
        if line is None or line.back_us is not None:
            line = Line(part)
            state.lines.append(line)
        line.back_us, line.back_by, line.paper = entry.happened_us, operation.id, operation.paper


def _exchange(state: SendingList, entry: Entry, operation: PartExchanged) -> None:
    line, missed = state.line(operation.units[0]), state.line(operation.instead_of)
    if missed is None or missed.sent_us is None or missed.back_us is not None:
        state.contradict(
            entry, "exchanged_not_away", list=operation.list, other=operation.units[0]
        )
        return
    if line is None:
        line = Line(operation.units[0], back_us=entry.happened_us, back_by=operation.id)
        state.lines.append(line)
    line.instead_of, line.instead_by = operation.instead_of, operation.id


def _require_open(state: SendingList, entry: Entry) -> None:
    if state.closed_us is not None:
        state.contradict(entry, "list_is_closed", list=state.name)


def _close(state: SendingList, entry: Entry, operation: SendingListClosed) -> None:
    state.given_up = list(operation.not_returned)
    state.closed_us, state.closed_by = entry.happened_us, operation.id
    state.reason = operation.reason
    balance = state.balance
    if not balance.closes:
        state.contradict(
            entry, "list_does_not_balance", list=operation.list, sent=str(balance.sent),
            returned=str(balance.returned), missing=str(balance.missing),
        )  # fmt: skip


def _apply(state: SendingList, entry: Entry, operation: Operation) -> None:
    if not state.unit.startswith("list:"):
        return  # the parts of the list have states of their own, in the stock view
    match operation:
        case SendingListOpened():
            _begin(state, entry, operation.list, operation.to)
            _open(state, entry, operation)
        case PartSent():
            _begin(state, entry, operation.list, operation.to)
            _send(state, entry, operation)
        case PartReturned():
            _begin(state, entry, operation.list, "")
            _return(state, entry, operation)
        case PartExchanged():
            _begin(state, entry, operation.list, "")
            _exchange(state, entry, operation)
        case SendingListClosed():
            _begin(state, entry, operation.list, "")
            _close(state, entry, operation)


def _rows(state: SendingList, catalogue: Catalogue) -> Rows:
    if not state.name:
        return {"sending_lists": []}
    balance = state.balance
    sent_us = min((ln.sent_us for ln in state.lines if ln.sent_us is not None), default=None)
    return {
        "sending_lists": [
            (
                state.unit, state.name, state.to, state.due, state.site, state.opened_us,
                sent_us, state.closed_us, balance.sent, balance.returned, balance.exchanged,
                balance.missing,
            )
        ]
    }  # fmt: skip


LISTS = View(
    name="lists",
    version=1,
    state=SendingList,
    kinds=frozenset({
        "SendingListOpened", "PartSent", "PartReturned", "PartExchanged", "SendingListClosed",
    }),
    tables={
        "sending_lists": (
            "unit TEXT PRIMARY KEY", "list TEXT", "sent_to TEXT", "due TEXT", "site TEXT",
            "opened_us BIGINT", "sent_us BIGINT", "closed_us BIGINT", "sent BIGINT",
            "returned BIGINT", "exchanged BIGINT", "missing BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
