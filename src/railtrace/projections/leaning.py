"""What leaned on what: whether a version an entry stood on still holds, and what stands on it.

An entry leans on the operations it names (`trace/operation.py`, `named_operations`). What it knew
of them is exact where it carries a position vector, and else what was recorded before it.
"""

from collections.abc import Callable, Mapping, Sequence

from railtrace.projections.fold import decision
from railtrace.trace.leaf import Entry, Unreadable
from railtrace.trace.operation import Released, ReleaseRefused, named_operations

Corrections = Mapping[str, list[Entry]]
"""Every correction of entries, and of those corrections, by what it names."""


def knew(entry: Entry, correction: Entry) -> bool:
    """Tell whether an entry was made knowing a correction."""
    operation = entry.operation
    if isinstance(operation, Released | ReleaseRefused) and operation.positions:
        taken = {one.log: one.size for one in operation.positions}
        return correction.position < taken.get(correction.log, 0)
    return (correction.recorded_us, correction.log, correction.position) < (
        entry.recorded_us, entry.log, entry.position,
    )  # fmt: skip


def changed_under(entry: Entry, target: str, corrections: Corrections) -> Entry | None:
    """Return the correction that took away what an entry leaned on, if one did.

    A correction that was itself made void again took nothing away; its voiding is returned when
    the entry had leaned on the corrected version.
    """
    known = {id_: [c for c in some if knew(entry, c)] for id_, some in corrections.items()}
    then, now = decision(target, known), decision(target, dict(corrections))
    if _place(then) == _place(now):
        return None
    return now[0] if now else _last(corrections, target)


def _place(decided: tuple[Entry, object] | None) -> tuple[str, int] | None:
    return None if decided is None else (decided[0].log, decided[0].position)


def _last(corrections: Corrections, target: str) -> Entry:
    chain, waiting = [], [target]
    while waiting:
        for correction in corrections.get(waiting.pop(), ()):
            chain.append(correction)
            waiting.append(correction.operation.id)
    return max(chain, key=lambda c: (c.recorded_us, c.log, c.position))


def leaned_on(entry: Entry) -> tuple[str, ...]:
    """Return the operations an entry leans on."""
    operation = entry.operation
    return () if isinstance(operation, Unreadable) else named_operations(operation)


def gone(entry: Entry, corrections: Corrections) -> list[tuple[str, Entry]]:
    """Return each operation an entry leaned on that holds no more, with the correction."""
    found = ((target, changed_under(entry, target, corrections)) for target in leaned_on(entry))
    return [(target, correction) for target, correction in found if correction is not None]


def standing_on(
    start: str, direct: Callable[[Sequence[str]], Sequence[tuple[str, Entry]]], deepest: int = 6
) -> list[tuple[Entry, str]]:
    """Return every entry that leans on an operation, near ones first, and what it leans on by.

    `direct` gives (operation leaned on, entry) of some operations; what leans on those that lean
    follows, up to a depth nobody has needed.
    """
    found: dict[tuple[str, int], tuple[Entry, str]] = {}
    frontier = [start]
    for _ in range(deepest):
        near = [(t, e) for t, e in direct(frontier) if (e.log, e.position) not in found]
        found |= {(entry.log, entry.position): (entry, target) for target, entry in near}
        frontier = [entry.operation.id for _, entry in near]
        if not frontier:
            break
    return list(found.values())
