"""The Merkle tree of a million leaves beside a bare loop of the same SHA-256 calls."""

from hashlib import sha256

from bench.table import Row, at_most, in_turn
from railtrace.trace.merkle import Frontier, leaf_hash

LEAVES, BATCH, LEAF_BYTES = 1_000_000, 500, 400


def rows() -> list[Row]:
    """Measure hashing and appending, in the batches recording uses and in one piece."""
    leaves = [b"%0*d" % (LEAF_BYTES, number) for number in range(LEAVES)]
    return [_row(leaves, BATCH), _row(leaves, 4096)]


def _row(leaves: list[bytes], batch: int) -> Row:
    ours, floor, ratio = in_turn(lambda: _tree(leaves, batch), lambda: _bare(leaves), runs=3)
    name = f"Merkle tree, {len(leaves):,} leaves of {LEAF_BYTES} B in batches of {batch}"
    return at_most(name, f"{ours:.2f} s", f"{floor:.2f} s, bare SHA-256", ratio, 1.6)


def _tree(leaves: list[bytes], batch: int) -> bytes:
    tree = Frontier()
    for start in range(0, len(leaves), batch):
        tree, _ = tree.append([leaf_hash(leaf) for leaf in leaves[start : start + batch]])
    return tree.root()


def _bare(leaves: list[bytes]) -> None:
    """The same number of calls over as many bytes: one a leaf, one a node."""
    for leaf in leaves:
        sha256(b"\x00" + leaf).digest()
    left = right = bytes(32)
    for _ in range(len(leaves) - 1):
        sha256(b"\x01" + left + right).digest()
