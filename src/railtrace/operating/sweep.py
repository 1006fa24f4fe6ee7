"""Deleting evidence that is not to be kept any longer."""

from railtrace.app import App
from railtrace.store.evidence import named_in
from railtrace.trace import leaf as leaves


def sweep(app: App) -> list[str]:
    """Delete files that no entry names and those past their retention; return their SHA-256.

    An entry that cannot be read stops it: what that entry names must not go as unnamed.
    """
    now = app.clock()
    named = named_in(
        leaves.read(leaf, head.log, position)
        for head in app.trace.heads()
        for position, leaf in app.trace.leaves(head.log, 0, head.size)
    )
    return app.evidence.sweep(named, now)
