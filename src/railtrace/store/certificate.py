"""The certificate of a release: everything that `railtrace-check` needs to judge it again.

The layout is docs/trace-format.md, "Certificates".
"""

import json
from collections.abc import Callable
from typing import Any

from railtrace import check
from railtrace.errors import NotFound
from railtrace.store.evidence import EvidenceStore
from railtrace.trace import leaf as leaves
from railtrace.trace import trust as trust_file
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.ledger import TraceStore, prove
from railtrace.trace.operation import Released, ReleaseRefused
from railtrace.trace.trust import Trust


def certificate_of(
    store: TraceStore, evidence: EvidenceStore, id_: str,
    checkpoint: Callable[[str], Checkpoint], trust: Trust,
) -> bytes:  # fmt: skip
    """Return the certificate of a decision as a file; `checkpoint` signs the head of a log.

    Raises NotFound: there is no such decision, a file of it is gone, an entry has no checkpoint.
    """
    log, position, leaf = _decision(store, id_)
    decided = leaves.read(leaf, log, position).operation
    if not isinstance(decided, Released | ReleaseRefused) or not decided.decision_file:
        raise NotFound("operation {id} is no decision with a file: it has no certificate", id=id_)
    if not decided.catalogue:
        raise NotFound("decision {id} names no catalogue: it has no certificate", id=id_)
    places = {(one.log, one.position) for one in decided.leaned_on}
    notes = {name: checkpoint(name) for name in sorted({log} | {name for name, _ in places})}
    found = store.leaves_at(sorted(places))
    body = {
        "format": check.CERTIFICATE,
        "decision": _entry(store, notes, log, position, leaf),
        "decision_file": evidence.read(decided.decision_file).decode(),
        "catalogue": evidence.read(decided.catalogue).decode(),
        "entries": [_entry(store, notes, *place, found[place]) for place in sorted(found)],
        "checkpoints": {name: str(note) for name, note in notes.items()},
        "trust": json.loads(trust_file.write(trust)),
    }
    return check.canonical(body).encode()


def _decision(store: TraceStore, id_: str) -> tuple[str, int, bytes]:
    found = store.find([id_])
    if id_ not in found:
        raise NotFound("operation {id} is not in this ledger", id=id_)
    return found[id_]


def _entry(
    store: TraceStore, notes: dict[str, Checkpoint], log: str, position: int, leaf: bytes
) -> dict[str, Any]:
    size = notes[log].size
    if position >= size:
        raise NotFound(
            "no checkpoint covers {log} {position} yet: sign the head of the log",
            log=log, position=position,
        )  # fmt: skip
    path = prove(store, log, position, size)
    return {"log": log, "position": position, "leaf": leaf.decode(),
            "path": [part.hex() for part in path]}  # fmt: skip
