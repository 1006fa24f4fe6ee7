"""What was done to entries by corrections, as known then."""

from collections.abc import Iterable, Mapping, Sequence

from railtrace.projections.fold import decision
from railtrace.store.database import chunks
from railtrace.trace.leaf import Entry, moment, read
from railtrace.trace.operation import Corrected, Operation
from railtrace.web.running import the_app

_DEEPEST = 5
"""Corrections of corrections of corrections: nobody has needed more."""
TOGETHER_US = 15 * 60 * 1_000_000
"""Entries of one person on one vehicle this close to each other were made in one go."""


def corrections_of(targets: Iterable[str], known_us: int | None) -> dict[str, list[Entry]]:
    """Return the corrections of entries, and of those corrections, by what they name."""
    app = the_app()
    found: dict[str, list[Entry]] = {}
    frontier = list(targets)
    for _ in range(_DEEPEST):
        places = app.lookup.corrections(frontier)
        leaves = app.trace.leaves_at([(log, position) for _, log, position in places])
        frontier = []
        for target, log, position in places:
            entry = read(leaves[log, position], log, position)
            if known_us is None or entry.recorded_us <= known_us:
                found.setdefault(target, []).append(entry)
                frontier.append(entry.operation.id)
        if not frontier:
            break
    return found


def standing(targets: Sequence[str], known_us: int | None = None) -> Mapping[str, Entry]:
    """Return the correction that stands for each entry that was corrected, as known then."""
    corrections = corrections_of(targets, known_us)
    decided = {target: decision(target, corrections) for target in targets}
    return {target: found[0] for target, found in decided.items() if found is not None}


def actions(targets: Sequence[str], known_us: int | None = None) -> dict[str, str]:
    """Return what was done to entries by corrections known then: target → void or replace."""
    return {
        target: entry.operation.action
        for target, entry in standing(targets, known_us).items()
        if isinstance(entry.operation, Corrected)
    }


def corrected_places(targets: Iterable[str]) -> set[tuple[str, int]]:
    """Return the places of the corrections of entries: what is read there was corrected."""
    return {(log, position) for _, log, position in the_app().lookup.corrections(list(targets))}


def put_by(id_: str) -> str | None:
    """Return the correction whose replacement bears an id of its own, if there is one."""
    app = the_app()
    for places in chunks(app.lookup.all_corrections(), 1000):
        for (log, position), leaf in app.trace.leaves_at(places).items():
            operation = read(leaf, log, position).operation
            if getattr(getattr(operation, "replacement", None), "id", None) == id_:
                return operation.id
    return None


def together(entry: Entry) -> list[Entry]:
    """Return an entry with those of its kind that the same person made then on the same vehicle."""
    if not isinstance(entry.operation, Operation) or not entry.units:
        return [entry]
    app = the_app()
    knowledge = app.knowledge(moment(entry.happened_us))
    root = knowledge.root(entry.units[0])[0]
    units = [node.unit for node in knowledge.tree(root).walk()]
    rows = app.lookup.timeline(
        units[:500], [entry.kind], until_us=entry.happened_us + TOGETHER_US, limit=300
    )
    places = [(r[3], r[4]) for r in rows if r[1] >= entry.happened_us - TOGETHER_US]
    found = [read(leaf, *place) for place, leaf in app.trace.leaves_at(places).items()]
    with_it = [e for e in found if _same_hand(e, entry) and not set(units).isdisjoint(e.units)]
    known = {(e.log, e.position) for e in with_it}
    if (entry.log, entry.position) not in known:
        with_it.append(entry)
    return sorted(with_it, key=lambda e: e.life_key)


def _same_hand(one: Entry, other: Entry) -> bool:
    by = [getattr(e.operation, "performed_by", ()) for e in (one, other)]
    return one.submitter == other.submitter and by[0] == by[1]
