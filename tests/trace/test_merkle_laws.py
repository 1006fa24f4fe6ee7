"""Laws of the tree, checked against the definitions of RFC 9162 written the slow way."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.errors import ProofFailed
from railtrace.trace.merkle import (
    Frontier,
    Nodes,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    root_of,
)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [f"leaf {position}".encode() for position in range(size)]


def nodes_over(hashes: list[bytes]) -> Nodes:
    return lambda height, index: root_of(hashes[index << height : (index + 1) << height])


@given(st.lists(st.binary(max_size=8), max_size=70), st.lists(st.integers(0, 30), max_size=10))
def test_any_split_into_batches_gives_the_defined_root(
    leaves: list[bytes], cuts: list[int]
) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    tree, kept, start = Frontier(), {}, 0
    for stop in [*sorted(min(cut, len(leaves)) for cut in cuts), len(leaves)]:
        tree, more = tree.append(hashes[start:stop])
        kept |= more
        start = stop
    assert tree.root() == defined_root(leaves)
    assert (tree, kept) == Frontier().append(hashes)
    assert Frontier.from_bytes(tree.size, tree.to_bytes()) == tree


@settings(max_examples=15)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_kept_subtrees_are_the_complete_ones_whatever_the_batches(batches: list[int]) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves_of(sum(batches))]
    tree, kept, start = Frontier(), {}, 0
    for batch in batches:
        tree, more = tree.append(hashes[start : start + batch])
        kept |= more
        start += batch
    complete = len(hashes) >> 8
    assert sorted(kept) == [(8, index) for index in range(complete)]
    assert all(kept[8, i] == root_of(hashes[i << 8 : (i + 1) << 8]) for i in range(complete))


def test_larger_subtrees_are_kept_too() -> None:
    hashes = [number.to_bytes(32, "big") for number in range(3 << 16)]
    tree, kept, start = Frontier(), {}, 0
    for stop in [*range(5000, 3 << 16, 5000), 3 << 16]:
        tree, more = tree.append(hashes[start:stop])
        kept |= more
        start = stop
    assert sorted(kept) == [(8, i) for i in range(768)] + [(16, i) for i in range(3)]
    assert all(kept[16, i] == root_of(hashes[i << 16 : (i + 1) << 16]) for i in range(3))


@given(st.data(), st.integers(1, 300))
def test_every_entry_is_proven_and_nothing_else(data: st.DataObject, size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves_of(size)]
    index = data.draw(st.integers(0, size - 1))
    root = root_of(hashes)
    path = inclusion_proof(index, size, nodes_over(hashes))
    check_inclusion(hashes[index], index, size, path, root)
    wrong = [
        (leaf_hash(b"other"), index, size, path, root),
        (hashes[index], index, size, path, sha256(root).digest()),
        (hashes[index], index, size, [*path, root], root),
        (hashes[index], size, size, path, root),
    ]
    if size > 1:
        wrong.append((hashes[index], (index + 1) % size, size, path, root))
        wrong.append((hashes[index], index, size, path[:-1], root))
        place = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = bytearray(path[place])
        flipped[bit // 8] ^= 1 << bit % 8
        changed = [*path[:place], bytes(flipped), *path[place + 1 :]]
        wrong.append((hashes[index], index, size, changed, root))
    for arguments in wrong:
        with pytest.raises(ProofFailed):
            check_inclusion(*arguments)


@given(st.binary(min_size=1, max_size=40), st.data(), st.integers(1, 64))
def test_any_changed_byte_breaks_the_proof(leaf: bytes, data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = [leaf_hash(other) for other in leaves_of(size)]
    hashes[index] = leaf_hash(leaf)
    path = inclusion_proof(index, size, nodes_over(hashes))
    changed = bytearray(leaf)
    changed[data.draw(st.integers(0, len(leaf) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProofFailed):
        check_inclusion(leaf_hash(bytes(changed)), index, size, path, root_of(hashes))


@given(st.data(), st.integers(1, 300))
def test_any_two_sizes_of_one_log_are_consistent(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    hashes = [leaf_hash(leaf) for leaf in leaves_of(new)]
    roots = root_of(hashes[:old]), root_of(hashes)
    path = consistency_proof(old, new, nodes_over(hashes))
    check_consistency(old, new, *roots, path)
    assert root_at(old, nodes_over(hashes)) == roots[0]
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*hashes[:changed], leaf_hash(b"rewritten"), *hashes[changed + 1 :]]
    other = consistency_proof(old, new, nodes_over(rewritten))
    for new_root, proof in ((root_of(rewritten), other), (root_of(rewritten), path)):
        with pytest.raises(ProofFailed):
            check_consistency(old, new, roots[0], new_root, proof)


def test_no_proof_is_given_or_taken_beyond_the_tree() -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves_of(5)]
    for old, new in ((0, 5), (6, 5), (-1, 5)):
        with pytest.raises(ProofFailed):
            consistency_proof(old, new, nodes_over(hashes))
        with pytest.raises(ProofFailed):
            check_consistency(old, new, root_of(hashes), root_of(hashes), [hashes[0]])
    with pytest.raises(ProofFailed):
        inclusion_proof(5, 5, nodes_over(hashes))


def test_a_proof_in_a_smaller_tree_is_none_in_a_larger() -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves_of(2)]
    check_inclusion(hashes[0], 0, 2, [hashes[1]], root_of(hashes))
    for size in (3, 4, 5):
        with pytest.raises(ProofFailed):
            check_inclusion(hashes[0], 0, size, [hashes[1]], root_of(hashes))


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ProofFailed):
        Frontier.from_bytes(3, bytes(32)).root()
    with pytest.raises(ProofFailed):
        Frontier.from_bytes(3, bytes(32)).append([bytes(32)])
