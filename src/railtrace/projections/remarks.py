"""Remarks of crews: made, taken over, done, or carried over by whom, why and until when."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue, RemarkTopic
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.maintenance import DAY_US, last_moment, offset_of
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    Operation,
    RemarkAccepted,
    RemarkCarriedOver,
    RemarkDone,
    RemarkMade,
)

_CLOSED_KEPT = 60
"""Remarks that are done are kept up to so many a unit; older ones stay in the trace."""


class CarriedOver(Struct):
    """One carrying over: by whom, why, until when."""

    by: list[str]
    reason: str
    until: str
    at_us: int
    operation: str
    offset_s: int = 0
    """How far the clocks of who carried it over are ahead of UTC [s]: the day ends by them."""


class Remark(Struct):
    """One remark and what became of it."""

    id: str
    text: str
    topic: str
    place: str
    train: str
    site: str
    at_us: int
    by: list[str]
    accepted_us: int | None = None
    accepted_by: str = ""
    done_us: int | None = None
    done_by: str = ""
    work: str = ""
    finding: str = ""
    carried: list[CarriedOver] = []

    @property
    def state(self) -> str:
        """Made, accepted, carried or done; taken over again after it was carried is accepted."""
        if self.done_us is not None:
            return "done"
        if self.carried and (self.accepted_us or 0) <= self.carried[-1].at_us:
            return "carried"
        return "made" if self.accepted_us is None else "accepted"

    @property
    def until_us(self) -> int | None:
        """The last moment up to which it is carried over [µs]."""
        if self.state != "carried":
            return None
        return last_moment(self.carried[-1].until, self.carried[-1].offset_s)

    @property
    def about(self) -> tuple[str, str]:
        """What makes two remarks the same: topic and place, without a topic the words."""
        return (self.topic or " ".join(self.text.lower().split()), self.place)


class Remarks(State):
    """The remarks on one unit, the oldest first."""

    remarks: list[Remark] = []

    def find(self, id_: str) -> Remark | None:
        """Return a remark by the operation that made it."""
        return next((remark for remark in self.remarks if remark.id == id_), None)


def _apply(state: Remarks, entry: Entry, operation: Operation) -> None:
    if isinstance(operation, RemarkMade):
        state.remarks.append(Remark(
            operation.id, operation.text, operation.topic, operation.place, operation.train,
            operation.site, entry.happened_us, list(operation.performed_by),
        ))  # fmt: skip
        return
    assert isinstance(operation, RemarkAccepted | RemarkDone | RemarkCarriedOver)
    remark = state.find(operation.remark)
    if remark is None or remark.done_us is not None:
        state.contradict(entry, "remark_not_open", remark=operation.remark)
        return
    match operation:
        case RemarkAccepted():
            remark.accepted_us, remark.accepted_by = entry.happened_us, operation.id
        case RemarkDone():
            remark.done_us, remark.done_by = entry.happened_us, operation.id
            remark.work, remark.finding = operation.work, operation.finding
            _forget_old(state)
        case RemarkCarriedOver():
            remark.carried.append(CarriedOver(
                list(operation.performed_by), operation.reason, operation.until,
                entry.happened_us, operation.id, offset_of(operation.happened_at),
            ))  # fmt: skip


def _forget_old(state: Remarks) -> None:
    closed = [remark for remark in state.remarks if remark.done_us is not None]
    for remark in closed[: max(len(closed) - _CLOSED_KEPT, 0)]:
        state.remarks.remove(remark)


def repeated(
    remarks: Iterable[Remark], topics: Mapping[str, RemarkTopic], now_us: int
) -> dict[str, list[str]]:
    """Return the remarks that repeat too often, by id: those of the same thing in the window.

    How often within how many days is said by the topic's row, for words without a topic by the
    row `other`. A remark is flagged when the window that ends with it holds so many.
    """
    groups: dict[tuple[str, str], list[Remark]] = {}
    for remark in sorted(remarks, key=lambda r: (r.at_us, r.id)):
        if remark.at_us <= now_us:
            groups.setdefault(remark.about, []).append(remark)
    found: dict[str, list[str]] = {}
    for group in groups.values():
        row = topics.get(group[0].topic) or topics.get("other")
        if row is None:
            continue
        for index, last in enumerate(group):
            window_us = row.within_days * DAY_US
            same = [r.id for r in group[: index + 1] if last.at_us - r.at_us <= window_us]
            if len(same) >= row.repeats:
                found[last.id] = same
    return found


def _rows(state: Remarks, catalogue: Catalogue) -> Rows:
    def row(remark: Remark) -> tuple[Any, ...]:
        last = remark.carried[-1] if remark.carried else None
        return (
            state.unit, remark.id, remark.at_us, remark.topic, remark.site, remark.state,
            last.until if last and remark.state == "carried" else "", remark.done_us,
        )  # fmt: skip

    return {"remarks": [row(remark) for remark in state.remarks]}


REMARKS = View(
    name="remarks",
    version=3,
    state=Remarks,
    kinds=frozenset({"RemarkMade", "RemarkAccepted", "RemarkDone", "RemarkCarriedOver"}),
    tables={
        "remarks": (
            "unit TEXT", "remark TEXT", "at_us BIGINT", "topic TEXT", "site TEXT", "state TEXT",
            "until TEXT", "done_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
