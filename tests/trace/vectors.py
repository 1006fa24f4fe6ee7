"""The test vectors of docs/vectors, computed by the program.

    python -m tests.trace.vectors     writes the files that are not there yet

Format v1 is frozen: a vector that is there is never written again; a changed program must fail.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from railtrace.store.keys import recovery_copy
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint, Signer, key_statement
from railtrace.trace.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from railtrace.trace.operation import KINDS, AnyOperation
from railtrace.trace.trust import sign_statement
from tests.trace.format_tables import PATTERNS

FOLDER = Path(__file__).parents[2] / "docs" / "vectors"
RECORDED_AT = datetime(2026, 11, 22, 7, 30, 0, 250_000, tzinfo=UTC)
SEED = bytes(range(32))
SIZES = [*range(21), 255, 256, 257]
PROOFS = [(0, 1), (0, 2), (1, 3), (4, 7), (7, 8), (6, 7), (0, 257), (255, 256), (256, 257)]
GROWTHS = [(1, 1), (1, 2), (3, 7), (4, 7), (6, 8), (8, 13), (255, 257), (256, 257)]
EXAMPLES = {"Id": "x-1", "Sha256": "5f" * 32, "Decimal": "31.50", "PartialDate": "1987-06"}

EDGES: list[dict[str, Any]] = [
    {"kind": "Measured", "id": "zone", "happened_at": "2026-01-01T05:00:00+05:00"},
    {"kind": "Measured", "id": "utc", "happened_at": "2026-01-01T00:00:00+00:00"},
    {"kind": "Measured", "id": "fraction", "happened_at": "2026-01-01T00:00:00.5Z"},
    {"kind": "Measured", "id": "defaults", "happened_at": "2026-01-01T00:00:00Z", "note": "",
     "units": [], "shape": 1, "device": None, "basis": "observed"},
    {"kind": "Measured", "id": "text", "happened_at": "2026-01-01T00:00:00Z",
     "note": "tab\t line\n \"quoted\" back\\slash / \u007f \u00e9 e\u0301 ҷӯғ 😀 \u2028"},
    {"kind": "Measured", "id": "year", "happened_at": "1987-01-01T00:00:00+06:00",
     "time_precision": "year", "zone_source": "assumed", "basis": "document"},
]  # fmt: skip


def example(kind: inspect.Type, default: object = None) -> Any:
    """Return one value of a type, not its default where it has another."""
    match kind:
        case inspect.Metadata(extra_json_schema={"pattern": pattern}):
            return EXAMPLES[PATTERNS[pattern]]
        case inspect.Metadata():
            return example(kind.type)
        case inspect.StrType():
            return "текст"
        case inspect.IntType():
            return min(kind.le or 7, 7)
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return "2026-11-22T12:00:00+05:00"
        case inspect.LiteralType():
            return max(value for value in kind.values if value != default)
        case inspect.VarTupleType():
            return [example(kind.item_type)]
        case inspect.StructType():
            return {f.encode_name: example(f.type, f.default) for f in kind.fields}
        case inspect.UnionType():
            some = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
            return example(some[0]) if len(some) == 1 else EDGES[0] | {"units": ["u-1"]}
    raise NotImplementedError(kind)


def _leaf(sent: dict[str, Any]) -> dict[str, Any]:
    operation = msgspec.convert(sent, AnyOperation)
    leaf = leaves.encode(operation, RECORDED_AT, "p-17", "api")
    return {"sent": sent, "leaf": leaf.decode(), "leaf_hash": leaf_hash(leaf).hex()}


def leaf_vectors() -> dict[str, Any]:
    """Return every kind with all its fields, and the edges of the encoding."""
    kinds = [{"kind": name} | example(inspect.type_info(KINDS[name])) for name in sorted(KINDS)]
    return {
        "recorded_at": "2026-11-22T07:30:00.250000Z",
        "submitter": "p-17",
        "channel": "api",
        "leaves": [_leaf(sent) for sent in [*kinds, *EDGES]],
    }


def tree_vectors() -> dict[str, Any]:
    """Return roots and proofs of the tree whose leaf i is the text `leaf i`."""
    hashes = [leaf_hash(f"leaf {i}".encode()) for i in range(max(SIZES))]

    def nodes(height: int, index: int) -> bytes:
        return root_of(hashes[index << height : (index + 1) << height])

    return {
        "leaves": "leaf i is the UTF-8 text `leaf i`, i in decimal, from 0",
        "roots": {str(size): root_of(hashes[:size]).hex() for size in SIZES},
        "inclusion": [
            {
                "position": i,
                "size": n,
                "leaf_hash": hashes[i].hex(),
                "path": [h.hex() for h in inclusion_proof(i, n, nodes)],
            }
            for i, n in PROOFS
        ],
        "consistency": [
            {"old": m, "new": n, "path": [h.hex() for h in consistency_proof(m, n, nodes)]}
            for m, n in GROWTHS
        ],
    }


def key_vectors() -> dict[str, Any]:
    """Return a signed checkpoint, a key statement and a recovery copy with a published key."""
    signer, successor = Signer("example.org/depot", SEED), Signer("example.org/depot", SEED[::-1])
    root = root_of([leaf_hash(f"leaf {i}".encode()) for i in range(257)])
    keys = str(signer.verifier), str(successor.verifier)
    return {
        "warning": "the seed is published: never use this key for anything but tests",
        "seed": SEED.hex(),
        "verifier_key": keys[0],
        "checkpoint": str(Checkpoint(signer.name, 257, root).signed(signer)),
        "key_statement": key_statement(signer.name, *keys).decode(),
        "new_key": keys[1],
        "signatures": [
            msgspec.to_builtins(mark)
            for mark in sign_statement(signer.name, *keys, [signer, successor])
        ],
        "recovery_copy": recovery_copy(signer).splitlines(),
    }


VECTORS = {"leaves": leaf_vectors, "tree": tree_vectors, "keys": key_vectors}


def main() -> None:
    """Write what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, compute in VECTORS.items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(compute(), indent=1, ensure_ascii=False) + "\n")
            print("written:", path)


if __name__ == "__main__":
    main()
