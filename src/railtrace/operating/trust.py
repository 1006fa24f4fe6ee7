"""Whose signatures this installation's logs carry, and how its key changes hands."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from railtrace.app import NEXT_KEY as NEXT
from railtrace.app import App
from railtrace.errors import ConfigError, Refused
from railtrace.store.keys import (
    KEY_FILE,
    load_key,
    load_trust,
    read_recovery_copy,
    save_key,
    save_trust,
)
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Signer, VerifierKey
from railtrace.trace.epochs import OPENING, epochs_of
from railtrace.trace.ledger import LogHead
from railtrace.trace.operation import KeyCompromised, KeyReplaced
from railtrace.trace.trust import Holder, Trust, TrustedKey, derive, sign_statement
from railtrace.trace.verify import trust_of

FILE = "trust.json"


def trust_of_installation(app: App) -> Trust:
    """Return the trust file's keys and holders, the present key, and what the logs add to them."""
    path = app.config.keys_folder / FILE
    kept = load_trust(path) if path.exists() else Trust()
    for head in app.trace.heads():
        if not head.foreign and not kept.knows(head.origin):
            kept = _with_present_key(kept, head, app)
    return trust_of(app.trace, kept)[0]


def _with_present_key(trust: Trust, head: LogHead, app: App) -> Trust:
    """The present key is trusted for the whole of a log: its replacements limit it."""
    openings = [
        leaves.read(leaf, head.log, position)
        for position, leaf in app.trace.leaves(head.log, 0, head.size, (OPENING,))
    ]
    rows = tuple(
        TrustedKey(origin=e.origin, verifier_key=str(app.signer.named(e.origin).verifier))
        for e in epochs_of(head.origin, openings)
        if not trust.knows(e.origin)
    )
    return msgspec.structs.replace(trust, keys=(*trust.keys, *rows))


def export_trust(app: App, path: Path) -> Trust:
    """Write the trust file that lets others check this installation's logs."""
    trust = trust_of_installation(app)
    save_trust(path, trust)
    return trust


def add_holder(app: App, role: str, verifier_key: str) -> None:
    """Name a person whose key, with the other role's, may replace a lost log key."""
    key = VerifierKey.parse(verifier_key)
    holder = msgspec.convert({"role": role, "verifier_key": str(key)}, Holder)
    trust = trust_of_installation(app)
    holders = (*(h for h in trust.holders if h.role != holder.role), holder)
    app.config.keys_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_trust(app.config.keys_folder / FILE, msgspec.structs.replace(trust, holders=holders))


def restore_key(keys_folder: Path, copy: str) -> Signer:
    """Write the key of a recovery copy where there is none. Raises ConfigError."""
    signer = read_recovery_copy(copy)
    save_key(keys_folder, signer)
    return signer


def replace_key(app: App, by: str, people: Sequence[Signer] = ()) -> list[str]:
    """Let a new key sign every log from here on; return the new verifier keys.

    The old key signs the change, or `people` do: administrator and second holder, when it is
    lost or was stolen. The caller holds the folder alone: a server would sign with the old key.
    Interrupted, it is called again and goes on with the same new key.
    """
    trust = trust_of_installation(app)
    own = [head for head in app.trace.heads() if not head.foreign]
    if not (app.config.keys_folder / NEXT).exists():
        _rehearse(own, trust, people, app)
    new = _next_key(app)
    for head in own:
        if not _is_known(trust, new.named(head.origin)):
            if not people:
                app.checkpoint(head.log)
            told = _replacement(head, trust, None if people else app.signer, new, people, app)
            _require(app.record([told], by, "system", head.log))
    _swap(app.config.keys_folder, app.clock())
    app.forget_key()
    app.catch_up()
    app.sign_heads()
    save_trust(app.config.keys_folder / FILE, trust_of(app.trace, trust)[0])
    return [str(new.named(head.origin).verifier) for head in own]


def _rehearse(heads: Sequence[LogHead], trust: Trust, people: Sequence[Signer], app: App) -> None:
    """Refuse, before anything is written, a replacement that would not hold."""
    new = Signer.generate(app.config.name)
    for head in heads:
        told = _replacement(head, trust, None if people else app.signer, new, people, app)
        leaf = leaves.encode(told, app.clock(), "rehearsal", "system")
        _, bad = derive(trust, head.origin, [leaves.read(leaf, head.log, head.size)])
        if bad:
            raise ConfigError(
                "the key of {log} cannot be replaced like this: {reason}. Their keys are made by "
                "`railtrace key holder`, and both copies are given with --holder-copy",
                log=head.log, reason=bad[0].reason,
            )  # fmt: skip


def _next_key(app: App) -> Signer:
    draft = app.config.keys_folder / NEXT
    if not (draft / KEY_FILE).exists():
        save_key(draft, Signer.generate(app.config.name))
    return load_key(draft)


def _is_known(trust: Trust, signer: Signer) -> bool:
    return any(key.verifier_key == str(signer.verifier) for key in trust.keys)


def _swap(folder: Path, now: datetime) -> None:
    """The old key stays beside, under another name; at no moment is there none."""
    path = folder / KEY_FILE
    if path.exists():
        os.link(path, folder / f"log.{now:%Y%m%dT%H%M%SZ}.replaced")
    (folder / NEXT / KEY_FILE).replace(path)
    (folder / NEXT).rmdir()


def _replacement(
    head: LogHead, trust: Trust, old: Signer | None, new: Signer, people: Sequence[Signer],
    app: App,
) -> KeyReplaced:  # fmt: skip
    fresh = new.named(head.origin)
    before = old.named(head.origin).verifier if old else trust.keys_at(head.origin, head.size)[-1]
    signing = (old.named(head.origin), fresh) if old else (*people, fresh)
    return KeyReplaced(
        id=f"key:{fresh.verifier.key_hash.hex()}:{head.log}",
        happened_at=app.clock(),
        origin=head.origin,
        old_key=str(before),
        new_key=str(fresh.verifier),
        signatures=sign_statement(head.origin, str(before), str(fresh.verifier), signing),
    )


def mark_compromised(
    app: App, verifier_key: str, since: datetime, until: datetime | None, why: str, by: str
) -> None:
    """Record that somebody else may have held a key in a window; nothing is rewritten."""
    key = VerifierKey.parse(verifier_key)
    now = app.clock()
    told = KeyCompromised(
        id=f"key-compromised:{key.key_hash.hex()}:{leaves.microseconds(now)}",
        happened_at=now,
        verifier_key=str(key),
        window_from=since,
        window_to=until,
        reason=why,
    )
    _require(app.record([told], by, "system", app.config.default_log))
    app.catch_up()


def _require(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Refused):
            raise result
