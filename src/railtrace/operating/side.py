"""One end of a line between two installations: what it gives, what it takes, whom it trusts.

Both ends are a `Side`. Every message is small, complete in itself and may come twice; whoever
receives answers with how far they are.
"""

import threading

import msgspec

from railtrace.app import App
from railtrace.errors import (
    BadOperation,
    ConfigError,
    Contended,
    LogRewritten,
    NotFound,
    ProofFailed,
    RailtraceError,
    StoreFull,
)
from railtrace.operating.trust import FILE as TRUST_FILE
from railtrace.store.keys import load_trust
from railtrace.store.replicas import Fork, Heard, Replicas
from railtrace.trace import leaf as leaves
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.cosignature import cosign, cosigned_at, cosigned_by, with_marks_of
from railtrace.trace.epochs import first_origin
from railtrace.trace.leaf import Entry
from railtrace.trace.ledger import LogHead, root_then
from railtrace.trace.replicate import (
    MOST_BYTES,
    Answer,
    Awaited,
    Greeting,
    Known,
    Parcel,
    Piece,
    Received,
    Wanted,
    accept,
    fill,
    held,
    new_head,
    pack,
    read_hints,
    rewritten,
    signed_checkpoint,
    trust_for,
    unpack,
)
from railtrace.trace.trust import Trust, mark_compromised


class Side:
    """An installation at one end of a line: what it gives and what it takes."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.replicas = Replicas(app.trace)
        self._key_entries: dict[str, tuple[int, list[Entry]]] = {}
        self._one_at_a_time = threading.Lock()

    def greeting(self) -> Greeting:
        """Tell which logs are held and how far."""
        return Greeting(self.app.config.name, tuple(map(self._known, self.app.trace.heads())))

    def _known(self, head: LogHead) -> Known:
        signed = (self.app.trace.last_checkpoint(head.log) or (0, ""))[0]
        size = signed if head.foreign else head.size
        return Known(first_origin(head.origin), head.size, size)

    def own(self) -> list[LogHead]:
        """Return the logs that this installation writes."""
        return [head for head in self.app.trace.heads() if not head.foreign and head.size]

    # --- giving -----------------------------------------------------------------------------

    def parcel(self, wanted: Wanted) -> Parcel:
        """Return a run of a log's entries under its newest checkpoint. Raises NotFound."""
        head = held(self.app.trace.heads(), wanted.origin)
        if head is None:
            raise NotFound("there is no log {log}", log=wanted.origin)
        return self.parcel_under(self._checkpoint(head, wanted.start), head, wanted)

    def parcel_under(self, checkpoint: Checkpoint, head: LogHead, wanted: Wanted) -> Parcel:
        """Return a run of a log's entries under one of its checkpoints."""
        most = max(1, min(wanted.most_bytes, MOST_BYTES))
        entries = self._entries_about_keys(head)
        parcel = fill(self.app.trace, head.log, wanted.start, checkpoint, entries, most)
        return msgspec.structs.replace(
            parcel,
            verifier_key=self._key_of(head, checkpoint),
            as_of_us=self._as_of_us(head),
        )

    def _checkpoint(self, head: LogHead, start: int) -> Checkpoint:
        """A reader on the way to a checkpoint keeps it: a new one for every parcel is a waste."""
        kept = self.app.trace.last_checkpoint(head.log)
        if kept and (head.foreign or kept[0] > start):
            return Checkpoint.parse(kept[1])
        return self.app.checkpoint(head.log)

    def _key_of(self, head: LogHead, checkpoint: Checkpoint) -> str:
        if not head.foreign:
            return str(self.app.signer.named(checkpoint.origin).verifier)
        keys = self.trust(head.origin).keys_at(checkpoint.origin, checkpoint.size)
        return str(keys[-1]) if keys else ""

    def _as_of_us(self, head: LogHead) -> int:
        if not head.foreign:
            return leaves.microseconds(self.app.clock())
        heard = self.replicas.heard().get(head.log)
        return heard.as_of_us if heard else 0

    # --- taking -----------------------------------------------------------------------------

    def take(self, parcel: Parcel, sender: str) -> Answer:
        """Keep a parcel that is proven; the answer tells how far this side is now."""
        origin = Checkpoint.parse(parcel.note).origin
        with self._one_at_a_time:
            heads = self.app.trace.heads()
            head = held(heads, origin) or new_head(heads, origin)
            try:
                return self._take(head, parcel, sender)
            except StoreFull:
                raise
            except LogRewritten as error:
                self._keep_aside(head, parcel, error)
                return Answer(head.size, refused=str(error))
            except RailtraceError as error:
                return Answer(head.size, refused=str(error))

    def _take(self, head: LogHead, parcel: Parcel, sender: str) -> Answer:
        if not head.foreign:
            raise ConfigError(
                "{origin} is written by the installation that should take it: two installations "
                "have one name; set `name` in the settings of the one that has no entries yet",
                origin=head.origin,
            )
        trust = self.trust(head.origin, head.log, read_hints(parcel, head.log))
        checkpoint = signed_checkpoint(parcel, trust)
        heard = Heard(sender, leaves.microseconds(self.app.clock()), parcel.as_of_us)
        if checkpoint.size < head.size:
            self._require_older(head, checkpoint)
            return Answer(head.size)
        if parcel.start != head.size:
            return Answer(head.size)
        accepted = accept(head, parcel, checkpoint, trust)
        files = self.app.evidence.missing(accepted.files)
        try:
            self.replicas.add(accepted, files, heard)
        except Contended:
            return Answer(self.app.trace.head(head.log).size)
        note = str(self._cosigned(head.log, checkpoint)) if accepted.is_whole else ""
        return Answer(accepted.head.size, note)

    def _require_older(self, head: LogHead, checkpoint: Checkpoint) -> None:
        if root_then(self.app.trace, head.log, checkpoint.size) != checkpoint.root:
            raise rewritten(head, checkpoint)

    def _cosigned(self, log: str, checkpoint: Checkpoint) -> Checkpoint:
        """Vouch, once, that the log as large as this only grew."""
        kept = self.app.trace.last_checkpoint(log)
        last = Checkpoint.parse(kept[1]) if kept else checkpoint
        if cosigned_at(last, self.app.signer.verifier) is not None:
            return last
        now = self.app.clock()
        signed = cosign(last, self.app.signer.named(self.app.config.name), now)
        self.replicas.keep_note(log, signed, leaves.microseconds(now))
        return signed

    def _keep_aside(self, head: LogHead, parcel: Parcel, error: LogRewritten) -> None:
        kept = self.app.trace.last_checkpoint(head.log)
        now_us = leaves.microseconds(self.app.clock())
        ours = kept[1] if kept else ""
        self.replicas.keep_aside(
            Fork(head.log, now_us, str(error), ours, parcel.note, pack(parcel))
        )

    def take_marks(self, note: str) -> list[str]:
        """Keep the cosignatures under a checkpoint of a log held here; return whose they are."""
        told = Checkpoint.parse(note)
        head = held(self.app.trace.heads(), told.origin)
        kept = self.replicas.note_at(head.log, told.size) if head else None
        if head is None or kept is None:
            return []
        trust = self.trust(head.origin)
        whole = with_marks_of(kept, told, trust)
        self.replicas.keep_note(head.log, whole, leaves.microseconds(self.app.clock()))
        return list(cosigned_by(whole, trust))

    # --- trust ------------------------------------------------------------------------------

    def trust(self, origin: str, log: str = "", hints: list[Entry] | None = None) -> Trust:
        """Return the trust file with what the logs, and entries on their way, say of it."""
        told = {head.log: self._entries_about_keys(head) for head in self.app.trace.heads()}
        trust = mark_compromised(kept_trust(self.app), [e for some in told.values() for e in some])
        found = held(self.app.trace.heads(), origin)
        mine = told.get(found.log, []) if found else []
        there = {entry.position for entry in mine}
        return trust_for(
            trust, origin, [*mine, *(e for e in hints or () if e.position not in there)]
        )

    def _entries_about_keys(self, head: LogHead) -> list[Entry]:
        """Each entry of a log is looked at once, however often its keys are asked for."""
        seen, entries = self._key_entries.get(head.log, (0, []))
        if seen < head.size:
            fresh = self.app.trace.about_keys(head.log, seen, head.size)
            entries = entries + [leaves.read(leaf, head.log, at) for at, leaf in fresh]
            self._key_entries[head.log] = (head.size, entries)
        return entries

    # --- files ------------------------------------------------------------------------------

    def awaited(self, after: str) -> list[Awaited]:
        """Return files that entries name and that have not come, with how much of each has."""
        found: list[Awaited] = []
        while not found and (page := self.replicas.awaited(after)):
            away = set(self.app.evidence.missing(page))
            for sha in page:
                if sha in away:
                    found.append(Awaited(sha, self.app.evidence.received(sha)))
                else:
                    self.replicas.settle(sha)
            after = page[-1]
        return found

    def piece(self, wanted: Awaited) -> Piece:
        """Return the next bytes of a file; of one that is not here, only its state."""
        path = self.app.evidence.path(wanted.sha256)
        try:
            with path.open("rb") as file:
                file.seek(wanted.received)
                content = file.read(max(1, min(wanted.most_bytes, MOST_BYTES)))
                return Piece(wanted.sha256, wanted.received, path.stat().st_size, content)
        except FileNotFoundError:
            return Piece(wanted.sha256, state=self.app.evidence.state(wanted.sha256))

    def take_piece(self, piece: Piece) -> Received:
        """Keep the next bytes of a file somebody waits for."""
        files = self.app.evidence
        if not self.app.trace.awaits(piece.sha256):
            return Received(0, "settled")
        if piece.state == "expired":
            files.note_expired(piece.sha256, self.app.clock())
        elif piece.state != "kept":
            return Received(files.received(piece.sha256), "refused")
        else:
            try:
                whole = files.add_piece(piece.sha256, piece.start, piece.content, piece.size)
            except (ProofFailed, BadOperation):
                return Received(files.received(piece.sha256), "refused")
            if not whole:
                return Received(files.received(piece.sha256))
        self.replicas.settle(piece.sha256)
        return Received(piece.size, "settled")


def kept_trust(app: App) -> Trust:
    """Return the trust file as it lies in the keys' folder."""
    path = app.config.keys_folder / TRUST_FILE
    return load_trust(path) if path.exists() else Trust()


def answer(side: Side, door: str, body: bytes, sender: str) -> bytes:
    """Answer one message of a caller. Raises NotFound for a door that this program has not."""
    match door:
        case "greeting":
            return pack(side.greeting())
        case "parcel":
            return pack(side.parcel(unpack(body, Wanted)))
        case "take":
            return pack(side.take(unpack(body, Parcel), sender))
        case "marks":
            return pack(side.take_marks(unpack(body, str)))
        case "awaited":
            return pack(side.awaited(unpack(body, str)))
        case "piece":
            return pack(side.piece(unpack(body, Awaited)))
        case "take-piece":
            return pack(side.take_piece(unpack(body, Piece)))
    raise NotFound("replication has no door {door}: the two programs are of different releases",
                   door=door)  # fmt: skip
