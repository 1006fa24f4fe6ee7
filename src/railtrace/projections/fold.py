"""The fold every view shares: corrections first, then life order, one unit at a time.

A view is a `View` value: which kinds it handles, an empty state, `apply` and `rows`. Nothing in
a fold looks at another unit or another view; what joins them is resolved when read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.trace.leaf import Entry, Unreadable, microseconds
from railtrace.trace.operation import (
    CampaignClosed,
    CampaignDone,
    CampaignJoined,
    CampaignLeft,
    CampaignOpened,
    CatalogueAdopted,
    ContradictionResolved,
    Corrected,
    GateIntroduced,
    KeyCompromised,
    KeyReplaced,
    LogOpened,
    LotCounted,
    LotIssued,
    LotReceived,
    Operation,
    PartExchanged,
    PartReturned,
    PartSent,
    QualificationGranted,
    QualificationWithdrawn,
    RecallClosed,
    RecallOpened,
    ResultSealed,
    SendingListClosed,
    SendingListOpened,
    ShiftHandedOver,
    kind_of,
    named_units,
)

OF_AN_ORDER = frozenset({
    "OrderOpened", "OrderClosed", "OrderBlocked", "OrderUnblocked", "StepDone", "StepAccepted",
    "StepReturned",
})  # fmt: skip
"""Kinds that belong to a work order's own story, beside that of the unit."""

LifeKey = tuple[int, int, str, int]
Rows = dict[str, list[tuple[Any, ...]]]
NEVER: LifeKey = (-(2**62), 0, "", -1)


class Contradiction(Struct):
    """What one unit's operations say against each other; a person closes it."""

    key: str
    name: str
    at_us: int
    values: dict[str, str]
    resolution: str = ""


class State(Struct):
    """What every view's state holds beside its own: how far it came, what is contradicted."""

    unit: str
    last: LifeKey = NEVER
    contradictions: dict[str, Contradiction] = {}
    resolutions: dict[str, str] = {}
    sees_all: bool = False
    unreadable: tuple[str, int] | None = None

    def contradict(self, entry: Entry, name: str, **values: str) -> None:
        """Raise a named contradiction, known by its name and the operation that shows it."""
        key = f"{name}:{entry.operation.id}"
        resolution = self.resolutions.get(key, "")
        self.contradictions[key] = Contradiction(key, name, entry.happened_us, values, resolution)


@dataclass(frozen=True)
class View:
    """One projection: three small functions and the shapes they fill.

    `apply` changes the state it is given and may return rows of history tables; `rows` gives
    the summary rows of the state as it is now, judged by the catalogue in force. A unit with an
    operation of a kind in `sees_all_with` has all its operations applied, of whatever kind.
    """

    name: str
    version: int
    state: type[State]
    kinds: frozenset[str]
    tables: dict[str, tuple[str, ...]]
    history: dict[str, tuple[str, ...]]
    apply: Callable[[Any, Entry, Operation], Iterable[tuple[str, tuple[Any, ...]]] | None]
    rows: Callable[[Any, Catalogue], Rows]
    sees_all_with: frozenset[str] = frozenset()

    def handles(self, kind: str) -> bool:
        """Tell whether this view's states can change by an operation of the kind."""
        return kind in self.kinds or kind in {"Corrected", "ContradictionResolved"}


def units_of(operation: Operation | Unreadable) -> tuple[str, ...]:
    """Return the units whose states an operation touches, ledger-level facts by a pseudo-unit."""
    match operation:
        case Unreadable():
            return operation.units
        case RecallOpened() | RecallClosed():
            return (f"recall:{operation.recall}",)
        case (
            SendingListOpened() | PartSent() | PartReturned() | PartExchanged()
            | SendingListClosed()
        ):  # fmt: skip
            return (f"list:{operation.list}", *named_units(operation))
        case LotReceived() | LotIssued() | LotCounted():
            return (lot_unit(operation), *named_units(operation))
        case (
            CampaignOpened() | CampaignJoined() | CampaignDone() | CampaignLeft()
            | CampaignClosed()
        ):  # fmt: skip
            return (f"campaign:{operation.campaign}", *named_units(operation))
        case CatalogueAdopted():
            return ("catalogue",)
        case GateIntroduced():
            return (f"gates:{operation.site}",)
        case ResultSealed():
            return (f"results:{operation.job}",)
        case LogOpened() | KeyReplaced():
            return (f"log:{operation.origin}",)
        case KeyCompromised():
            return ("keys",)
        case QualificationGranted() | QualificationWithdrawn():
            return (f"person:{operation.person}",)
        case ShiftHandedOver():
            return (f"shifts:{operation.site}",)
        case _ if (consist := getattr(operation, "consist", None)) is not None:
            return (*named_units(operation), f"consist:{consist}")
        case _ if kind_of(operation) in OF_AN_ORDER:
            return (*named_units(operation), f"order:{operation.work_order}")
        case _:
            return named_units(operation)


def lot_unit(operation: LotReceived | LotIssued | LotCounted) -> str:
    """Return the pseudo-unit of a lot in a store."""
    return f"lot:{operation.store}:{operation.item}:{operation.lot}"


def resolve(entries: Iterable[Entry], unit: str) -> list[Entry]:
    """Return one unit's effective entries in life order, every correction carried out.

    The last recorded correction of an entry that is not itself corrected away decides. A
    correction that replaces another correction puts its replacement in the first entry's place.
    An operation that was sent to two installations stands in two logs and counts once.
    """
    plain: list[Entry] = []
    corrections: dict[str, list[Entry]] = {}
    for entry in entries:
        operation = entry.operation
        if isinstance(operation, Corrected):
            corrections.setdefault(operation.target, []).append(entry)
        else:
            plain.append(entry)
    if corrections:
        plain = [e for entry in plain if (e := _effective(entry, corrections, unit)) is not None]
    return _once(sorted(plain, key=lambda entry: entry.life_key))


def _once(entries: list[Entry]) -> list[Entry]:
    """Keep what was recorded first of the same operation; the same id on another one stays."""
    if len({entry.operation.id for entry in entries}) == len(entries):
        return entries
    kept: dict[str, list[Entry]] = {}
    for entry in entries:
        same_id = kept.setdefault(entry.operation.id, [])
        if all(entry.operation != other.operation for other in same_id):
            same_id.append(entry)
    return sorted((e for some in kept.values() for e in some), key=lambda entry: entry.life_key)


def _effective(entry: Entry, corrections: dict[str, list[Entry]], unit: str) -> Entry | None:
    operation = entry.operation
    decided = decision(operation.id, corrections) if operation.id in corrections else None
    if decided is None:
        return entry if unit in operation.units or unit in units_of(operation) else None
    correction, replacement = decided
    if replacement is None or unit not in units_of(replacement):
        return None
    return replace(
        entry,
        log=correction.log,
        position=correction.position,
        happened_us=microseconds(replacement.happened_at),
        recorded_us=correction.recorded_us,
        submitter=correction.submitter,
        channel=correction.channel,
        operation=replacement,
    )


def decision(
    target: str, corrections: dict[str, list[Entry]]
) -> tuple[Entry, Operation | None] | None:
    """Return the correction that stands for a target and what it puts there, if any stands."""
    for entry in sorted(
        corrections.get(target, ()),
        key=lambda e: (e.recorded_us, e.log, e.position),
        reverse=True,
    ):
        correction = entry.operation
        assert isinstance(correction, Corrected)
        again = decision(correction.id, corrections)
        if again is None:
            return entry, correction.replacement
        if again[1] is not None:
            return again
    return None


def fold(view: View, unit: str, entries: Sequence[Entry]) -> tuple[State, Rows]:
    """Fold effective entries in life order into a fresh state and its history rows."""
    state = view.state(unit=unit)
    if view.sees_all_with:
        state.sees_all = any(entry.read_as in view.sees_all_with for entry in entries)
    return state, advance(view, state, entries)


def advance(view: View, state: State, entries: Iterable[Entry]) -> Rows:
    """Apply entries later than the state's last; return the history rows they give."""
    history: Rows = {}
    for entry in entries:
        operation = entry.operation
        if isinstance(operation, Unreadable):
            state.unreadable = (entry.log, entry.position)
        elif isinstance(operation, ContradictionResolved):
            _resolve_contradiction(state, operation)
        elif state.sees_all or kind_of(operation) in view.kinds:
            for table, row in view.apply(state, entry, operation) or ():
                history.setdefault(table, []).append(row)
        else:
            continue
        state.last = entry.life_key
    return history


def _resolve_contradiction(state: State, operation: ContradictionResolved) -> None:
    key = operation.contradiction
    state.resolutions[key] = operation.resolution
    if key in state.contradictions:
        state.contradictions[key].resolution = operation.resolution


def contradiction_rows(view: View, state: State) -> list[tuple[Any, ...]]:
    """Return the state's contradictions as rows of the table they share."""
    return [
        (c.key, state.unit, view.name, c.name, c.at_us, msgspec.json.encode(
            c.values, order="sorted").decode(), c.resolution)
        for _, c in sorted(state.contradictions.items())
    ]  # fmt: skip


_packer = msgspec.msgpack.Encoder(order="sorted")


def pack(state: State) -> bytes:
    """Write a state; the same operations give the same bytes whatever their order of arrival."""
    return _packer.encode(state)


def unpack(view: View, packed: bytes) -> State:
    """Read a state back."""
    return msgspec.msgpack.decode(packed, type=view.state)
