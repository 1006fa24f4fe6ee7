"""The Merkle tree of a log: RFC 6962 / RFC 9162 hashes, proofs and their checks.

A tree is never held whole. Appending needs the *frontier*, the roots of the perfect subtrees
that make up the tree, largest first. Proofs ask a `Nodes` function for perfect subtrees.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from railtrace.errors import ProofFailed

Nodes = Callable[[int, int], bytes]
"""(height, index) -> root of the perfect subtree over leaves [index << height, +1 << height)."""

KEPT_EVERY = 8
"""Subtree roots at heights 8, 16, 24 ... are kept by the store, so a proof reads few rows."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def _pairs(hashes: Sequence[bytes]) -> list[bytes]:
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]


@dataclass(frozen=True)
class Frontier:
    """A tree of `size` leaves by the roots of its perfect subtrees, largest first."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the tree's root hash; the empty tree has SHA-256 of nothing.

        Raises ProofFailed when roots and size do not fit.
        """
        self.require_fit()
        if not self.roots:
            return sha256().digest()
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root

    def append(self, hashes: Sequence[bytes]) -> tuple["Frontier", dict[tuple[int, int], bytes]]:
        """Append leaf hashes; return the new frontier and the kept subtrees now complete.

        Raises ProofFailed when roots and size do not fit.
        """
        self.require_fit()
        smaller = list(self.roots)
        kept: dict[tuple[int, int], bytes] = {}
        left_over: list[bytes] = []
        fresh: Sequence[bytes] = hashes
        height = 0
        while fresh or smaller:
            index = self.size >> height
            row = fresh
            if index & 1:
                row, index = [smaller.pop(), *fresh], index - 1
            if height and height % KEPT_EVERY == 0 and fresh:
                first = index + (len(row) - len(fresh))
                kept.update({(height, first + i): root for i, root in enumerate(fresh)})
            if len(row) & 1:
                left_over.append(row[-1])
            fresh = _pairs(row)
            height += 1
        return Frontier(self.size + len(hashes), tuple(reversed(left_over))), kept

    def to_bytes(self) -> bytes:
        """Return the roots in one string, as stores keep them beside the size."""
        return b"".join(self.roots)

    @classmethod
    def from_bytes(cls, size: int, roots: bytes) -> "Frontier":
        """Read a frontier back as it is stored: a re-check tells of one that does not fit."""
        return cls(size, tuple(roots[i : i + 32] for i in range(0, len(roots), 32)))

    def require_fit(self) -> None:
        """Raise ProofFailed when no tree of this size has these roots."""
        if len(self.roots) != self.size.bit_count():
            raise ProofFailed("a tree of {size} leaves cannot have this frontier", size=self.size)


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return Frontier().append(hashes)[0].root()


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range_root(start: int, stop: int, nodes: Nodes) -> bytes:
    """Return the root over leaves [start, stop), where start is a multiple of its left subtree."""
    size = stop - start
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return nodes(height, start >> height)
    middle = start + _split(size)
    return node_hash(_range_root(start, middle, nodes), _range_root(middle, stop, nodes))


def root_at(size: int, nodes: Nodes) -> bytes:
    """Return the root of the first `size` leaves."""
    return _range_root(0, size, nodes) if size else sha256().digest()


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 9162 §2.1.3)."""
    if not 0 <= index < size:
        raise ProofFailed("position {index} is not in a tree of {size}", index=index, size=size)
    start, stop, path = 0, size, []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(_range_root(start, middle, nodes))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the first `old` leaves of `new` are unchanged (RFC 9162 §2.1.4)."""
    if not 0 < old <= new:
        raise ProofFailed("no consistency proof from {old} to {new}", old=old, new=new)
    start, stop, whole, path = 0, new, True, []
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_range_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(_range_root(start, middle, nodes))
            start, whole = middle, False
    if not whole:
        path.append(_range_root(start, stop, nodes))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf *hash* is at `index` under `root`. Raises ProofFailed."""
    if not 0 <= index < size:
        raise ProofFailed("position {index} is not in a tree of {size}", index=index, size=size)
    node, last, here = leaf, size - 1, index
    for sibling in path:
        if last == 0:
            raise ProofFailed("the inclusion proof is too long")
        if here & 1 or here == last:
            node = node_hash(sibling, node)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        here, last = here >> 1, last >> 1
    if last or node != root:
        raise ProofFailed("the entry at position {index} is not under this checkpoint", index=index)


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that tree `new` begins with tree `old`. Raises ProofFailed."""
    wrong = ProofFailed("the log of {new} does not continue the log of {old}", old=old, new=new)
    if old == new:
        if path or old_root != new_root:
            raise wrong
        return
    if not 0 < old < new or not path:
        raise wrong
    rest = list(path)
    first = old_root if old & (old - 1) == 0 else rest.pop(0)
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    small = large = first
    for sibling in rest:
        if last == 0:
            raise wrong
        if here & 1 or here == last:
            small, large = node_hash(sibling, small), node_hash(sibling, large)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            large = node_hash(large, sibling)
        here, last = here >> 1, last >> 1
    if last or small != old_root or large != new_root:
        raise wrong
