"""Which key counts at which size; the exported checker must come to the same answer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from railtrace import check
from railtrace.errors import ConfigError, ProofFailed
from railtrace.trace import leaf as leaves
from railtrace.trace import trust as trusts
from railtrace.trace.checkpoint import Checkpoint, Signer, VerifierKey
from railtrace.trace.operation import KeyCompromised, KeyReplaced, Operation
from railtrace.trace.trust import Holder, Trust, TrustedKey, Window, sign_statement, trust_one

ORIGIN = "tests/a"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
K0, K1, K2, THIEF = (Signer(ORIGIN, bytes([i]) * 32) for i in range(4))
ADMIN, SECOND = Signer("admin", b"a" * 32), Signer("second", b"s" * 32)
HOLDERS = (
    Holder(role="administrator", verifier_key=str(ADMIN.verifier)),
    Holder(role="second_holder", verifier_key=str(SECOND.verifier)),
)


def replaced(old: Signer, new: Signer, *signers: Signer, origin: str = ORIGIN) -> KeyReplaced:
    keys = str(old.verifier), str(new.verifier)
    return KeyReplaced(
        id=f"key-{old.seed[0]}-{new.seed[0]}", happened_at=NOW, origin=origin,
        old_key=keys[0], new_key=keys[1], signatures=sign_statement(origin, *keys, signers),
    )  # fmt: skip


def stolen(key: Signer, since: datetime, until: datetime | None = None) -> KeyCompromised:
    return KeyCompromised(
        id="stolen", happened_at=NOW, verifier_key=str(key.verifier), window_from=since,
        window_to=until,
    )  # fmt: skip


Told = Sequence[tuple[int, Operation]]


def timeline(trust: Trust, told: Told) -> tuple[dict[str, tuple[int, int | None]], list[int]]:
    """Return key -> sizes, and the positions that replace nothing; both checkers must agree."""
    texts = [(p, leaves.encode(op, NOW + timedelta(days=p), "w", "t")) for p, op in told]
    entries = [leaves.read(text, "a", p) for p, text in texts]
    derived, bad = trusts.derive(trusts.mark_compromised(trust, entries), ORIGIN, entries)
    sizes = {k.verifier_key: (k.valid_from, k.valid_to) for k in derived.keys}
    positions = [b.position for b in bad]
    assert (sizes, positions) == by_the_exported_checker(trust, texts)
    return sizes, positions


def by_the_exported_checker(
    trust: Trust, texts: list[tuple[int, bytes]]
) -> tuple[dict[str, tuple[int, int | None]], list[int]]:
    other = check.Trust(msgspec.json.decode(trusts.write(trust)))
    bodies: list[tuple[int, dict[str, Any]]] = [(p, msgspec.json.decode(t)) for p, t in texts]
    kinds = [(p, body, body["operation"]["kind"]) for p, body in bodies]
    other.mark([body["operation"] for _, body, kind in kinds if kind == "KeyCompromised"])
    replacements = [
        (p, body) for p, body, kind in kinds
        if kind == "KeyReplaced" and body["operation"]["origin"] == ORIGIN
    ]  # fmt: skip
    bad = [finding.position for finding in other.derive(ORIGIN, replacements)]
    sizes = {
        k["verifier_key"]: (k.get("valid_from", 0), k.get("valid_to")) for k in other.of(ORIGIN)
    }
    return sizes, [p for p in bad if p is not None]


def key(signer: Signer) -> str:
    return str(signer.verifier)


KNOWS_K0 = trust_one(ORIGIN, K0.verifier)


def test_a_replacement_signed_by_the_old_key_holds_from_the_next_size() -> None:
    sizes, bad = timeline(KNOWS_K0, [(10, replaced(K0, K1, K0, K1))])
    assert sizes == {key(K0): (0, 10), key(K1): (11, None)}
    assert not bad


def test_replacements_follow_each_other() -> None:
    told = [(10, replaced(K0, K1, K0)), (20, replaced(K1, K2, K1))]
    sizes, bad = timeline(KNOWS_K0, told)
    assert sizes == {key(K0): (0, 10), key(K1): (11, 20), key(K2): (21, None)}
    assert not bad


def test_who_knows_the_newest_key_only_learns_the_older_ones() -> None:
    told = [(10, replaced(K0, K1, K0, K1)), (20, replaced(K1, K2, K1, K2))]
    sizes, bad = timeline(trust_one(ORIGIN, K2.verifier), told)
    assert sizes == {key(K0): (0, 10), key(K1): (11, 20), key(K2): (21, None)}
    assert not bad


def test_a_lost_key_is_replaced_by_administrator_and_second_holder() -> None:
    trust = msgspec.structs.replace(KNOWS_K0, holders=HOLDERS)
    told = [(10, replaced(K0, K1, ADMIN, SECOND, K1))]
    assert timeline(trust, told)[0][key(K1)] == (11, None)
    assert timeline(KNOWS_K0, told)[1] == [10]


@pytest.mark.parametrize("signers", [(ADMIN,), (SECOND,), (ADMIN, ADMIN), (K1,), (THIEF,)])
def test_fewer_signatures_replace_nothing(signers: tuple[Signer, ...]) -> None:
    trust = msgspec.structs.replace(KNOWS_K0, holders=HOLDERS)
    sizes, bad = timeline(trust, [(10, replaced(K0, K1, *signers))])
    assert (sizes, bad) == ({key(K0): (0, None)}, [10])


def test_one_person_in_both_roles_is_not_two() -> None:
    twice = Holder(role="second_holder", verifier_key=str(ADMIN.named("other").verifier))
    trust = msgspec.structs.replace(KNOWS_K0, holders=(HOLDERS[0], twice))
    assert timeline(trust, [(10, replaced(K0, K1, ADMIN, ADMIN.named("other")))])[1] == [10]


def test_a_key_laid_down_cannot_name_another_successor() -> None:
    told = [(10, replaced(K0, K1, K0, K1)), (30, replaced(K0, THIEF, K0, THIEF))]
    sizes, bad = timeline(KNOWS_K0, told)
    assert key(THIEF) not in sizes
    assert bad == [30]


def test_nobody_slips_in_a_predecessor_without_the_key_in_force() -> None:
    sizes, bad = timeline(KNOWS_K0, [(10, replaced(THIEF, K0, THIEF))])
    assert (sizes, bad) == ({key(K0): (0, None)}, [10])


def test_a_key_that_was_in_use_does_not_come_back() -> None:
    told = [(10, replaced(K0, K1, K0)), (20, replaced(K1, K0, K1))]
    sizes, bad = timeline(KNOWS_K0, told)
    assert sizes == {key(K0): (0, 10), key(K1): (11, None)}
    assert bad == [20]


def test_a_replacement_for_another_log_does_nothing_here() -> None:
    other = replaced(
        K0.named("tests/b"), K1.named("tests/b"), K0.named("tests/b"), origin="tests/b"
    )
    assert timeline(KNOWS_K0, [(10, other)]) == ({key(K0): (0, None)}, [])


def test_a_statement_for_another_key_name_is_refused() -> None:
    assert timeline(KNOWS_K0, [(10, replaced(K0, K1.named("tests/b"), K0))])[1] == [10]


def test_a_changed_statement_is_refused() -> None:
    good = replaced(K0, K1, K0)
    swapped = msgspec.structs.replace(good, new_key=key(THIEF))
    assert timeline(KNOWS_K0, [(10, swapped)])[1] == [10]


def test_a_thief_cannot_replace_the_key_he_stole() -> None:
    theft = stolen(K0, NOW + timedelta(days=5))
    told = [(10, replaced(K0, THIEF, K0, THIEF)), (11, theft)]
    assert timeline(KNOWS_K0, told)[1] == [10]
    trust = msgspec.structs.replace(KNOWS_K0, holders=HOLDERS)
    rescue = (12, replaced(K0, K1, ADMIN, SECOND))
    sizes, bad = timeline(trust, [*told, rescue])
    assert sizes == {key(K0): (0, 12), key(K1): (13, None)}
    assert bad == [10]


def test_a_replacement_the_trust_file_names_stands_though_the_theft_was_noticed_later() -> None:
    theft = stolen(K0, NOW + timedelta(days=5))
    told = [(10, replaced(K0, K1, K0)), (20, theft)]
    assert timeline(KNOWS_K0, told)[1] == [10]
    vouched = TrustedKey(origin=ORIGIN, verifier_key=key(K1), valid_from=11)
    trust = msgspec.structs.replace(KNOWS_K0, keys=(*KNOWS_K0.keys, vouched))
    assert timeline(trust, told) == ({key(K0): (0, 10), key(K1): (11, None)}, [])
    elsewhere = msgspec.structs.replace(vouched, valid_from=12)
    trust = msgspec.structs.replace(KNOWS_K0, keys=(*KNOWS_K0.keys, elsewhere))
    assert timeline(trust, told)[1] == [10]


def test_a_replacement_before_the_theft_stands() -> None:
    theft = stolen(K0, NOW + timedelta(days=11))
    assert timeline(KNOWS_K0, [(10, replaced(K0, K1, K0)), (20, theft)])[1] == []


def test_a_trust_file_saved_after_a_replacement_gives_the_same_answer() -> None:
    told = [(10, replaced(K0, K1, K0, K1))]
    entries = [leaves.read(leaves.encode(op, NOW, "w", "t"), "a", p) for p, op in told]
    saved, _ = trusts.derive(KNOWS_K0, ORIGIN, entries)
    assert timeline(saved, told) == ({key(K0): (0, 10), key(K1): (11, None)}, [])


def test_a_checkpoint_counts_with_the_key_of_its_size() -> None:
    entries = [
        leaves.read(leaves.encode(replaced(K0, K1, K0), NOW, "w", "t"), "a", 10)
    ]  # fmt: skip
    trust, _ = trusts.derive(KNOWS_K0, ORIGIN, entries)
    for size, signer, counts in ((10, K0, 1), (11, K0, 0), (10, K1, 0), (11, K1, 1)):
        checkpoint = Checkpoint(ORIGIN, size, bytes(32)).signed(signer)
        assert len(checkpoint.signed_by(trust.keys_at(ORIGIN, size))) == counts


def test_a_signature_counts_under_its_own_name_only() -> None:
    good = Checkpoint(ORIGIN, 5, bytes(32)).signed(K0)
    [(name, short, mark)] = good.signatures
    for changed in ((name + "x", short, mark), (name, bytes(4), mark), (name, short, bytes(64))):
        other = Checkpoint(ORIGIN, 5, bytes(32), signatures=(changed,))
        assert good.signed_by([K0.verifier])
        assert not other.signed_by([K0.verifier])
        assert not check.signed_by(read(str(other)), key(K0))


def read(note: str) -> check.Note:
    parsed = check.read_note(note)
    assert parsed is not None
    return parsed


def test_a_compromise_marks_the_checkpoints_of_its_window_only() -> None:
    window = Window(since=NOW, until=NOW + timedelta(days=1))
    trust = Trust(keys=(TrustedKey(origin=ORIGIN, verifier_key=key(K0), compromised=(window,)),))
    checkpoint = Checkpoint(ORIGIN, 5, bytes(32)).signed(K0)
    for hours, marked in ((-1, False), (0, True), (24, True), (25, False)):
        assert trusts.in_window(trust, checkpoint, NOW + timedelta(hours=hours)) is marked


def test_a_compromise_marks_the_key_under_every_name() -> None:
    theft = leaves.read(leaves.encode(stolen(K0.named("tests"), NOW), NOW, "w", "t"), "b", 1)
    trust = trusts.mark_compromised(KNOWS_K0, [theft, theft])
    assert [key.compromised for key in trust.keys] == [(Window(since=NOW),)]


def test_a_trust_file_comes_back_as_it_was() -> None:
    trust = msgspec.structs.replace(KNOWS_K0, holders=HOLDERS)
    assert trusts.read(trusts.write(trust)) == trust


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"keys":[{"origin":"a"}]}', b'{"format":2}', b'{"more":1}',
             b'{"keys":[{"origin":"a","verifier_key":"nonsense"}]}', b"\xff"]
)  # fmt: skip
def test_a_broken_trust_file_is_refused(text: bytes) -> None:
    with pytest.raises(ProofFailed):
        trusts.read(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", " a", "a\u00a0b"])
def test_a_name_that_would_break_the_note_format_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Signer(name, bytes(32))


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-4] + "AAA=", lambda t: t.replace("+", "-"), lambda t: "x" + t, lambda t: ""],
)
def test_a_mistyped_verifier_key_is_refused(change: Any) -> None:
    assert VerifierKey.parse(key(K0)) == K0.verifier
    with pytest.raises(ProofFailed):
        VerifierKey.parse(change(key(K0)))
