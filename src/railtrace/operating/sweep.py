"""Deleting evidence that is not to be kept any longer; what is held after an accident stays."""

from railtrace.app import App
from railtrace.store.evidence import Named, take_named
from railtrace.trace import leaf as leaves
from railtrace.trace.evidence import named_evidence


def sweep(app: App) -> list[str]:
    """Delete files that no entry names and those past their retention; return their SHA-256.

    An entry that cannot be read stops it: what that entry names must not go as unnamed.
    """
    now, frozen = app.clock(), _frozen(app)
    named: dict[str, Named] = {}
    kept: set[str] = set()
    for head in app.trace.heads():
        for position, leaf in app.trace.leaves(head.log, 0, head.size):
            entry = leaves.read(leaf, head.log, position)
            take_named(named, entry)
            if not frozen.isdisjoint(entry.units):
                kept.update(name for name, _ in named_evidence(entry))
    return app.evidence.sweep(named, now, kept)


def _frozen(app: App) -> set[str]:
    """Return the units, and what is on them, whose evidence is held after an accident."""
    knowledge = app.knowledge()
    held = [row["unit"] for row in app.lookup.accidents() if row["lifted_us"] is None]
    return {node.unit for unit in held for node in knowledge.tree(unit).walk()}
