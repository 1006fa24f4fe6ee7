"""What a re-check can find wrong: one table of names and texts.

railtrace/check.py, which imports nothing from here, holds the same table; a test compares them.
"""

from dataclasses import dataclass, field

TEXTS = {
    "entry-changed": "{log} {position} ({id}): the entry was changed after it was recorded",
    "hash-changed": "{log} {position} ({id}): the stored hash was changed; the entry is intact",
    "entry-unreadable": "{log} {position}: this is not a leaf of the record format",
    "entry-removed": "{log} {position}: {count} entries were removed here",
    "entry-added": "{log} {position}: an entry was added that the log does not hold",
    "entry-moved": "{log} {position} ({id}): the entry belongs at position {proper}",
    "id-twice": "{log} {position}: id {id} is recorded at {other} too",
    "column-changed": "{log} {position}: the column {column} says {stored}, the entry {wanted}",
    "time-backwards": "{log} {position} ({id}): recorded at {recorded_at}, earlier than before",
    "cut-off": "{log} {position}: the log ends here, {size} entries were signed: its tail is gone",
    "rewritten": (
        "{log} {position}: entries {position} to {last} were changed, removed or put in another "
        "order: they are not those of the checkpoint signed at {size}"
    ),
    "head-changed": "{log} {position}: the stored head does not fit the entries",
    "subtree-changed": "{log} {position}: the kept hash over entries {position} to {last} is wrong",
    "subtree-missing": "{log} {position}: {count} kept hashes of height {height} are missing",
    "checkpoint-unreadable": "{log}: {start}: this is not a checkpoint",
    "checkpoint-foreign": "{log}: the checkpoint of {size} entries is of another log, {origin}",
    "lost-unnamed": (
        "{log} {position}: entries {position} to {last} were signed under {origin} and are gone; "
        "the restore that began a new epoch did not name them"
    ),
    "signature": "{log}: the checkpoint of {size} entries is not signed by a key trusted then",
    "key-replacement": "{log} {position}: the key is not replaced: {reason}",
    "evidence-missing": "{log} {position}: the file {sha256} named here is missing",
    "evidence-changed": "{log} {position}: the file {sha256} named here was changed",
}
"""Every fault by name."""

REMARKS = {
    "not-read-again": (
        "{log}: entries before {position} were not read again; their stored hashes give the "
        "trusted checkpoint"
    ),
    "unsigned": "{log} {position}: no trusted checkpoint vouches for the entries from here on",
    "no-key": "{log}: no key of {origin} is trusted: signatures were not checked",
    "compromised": (
        "{log}: the checkpoint of {size} entries was signed while its key was compromised: "
        "by itself it proves nothing"
    ),
    "lost": (
        "{log} {position}: entries {position} to {last}, signed under {origin}, were lost in a "
        "restore, as the log itself says"
    ),
    "evidence-expired": "{log} {position}: the file {sha256} was deleted after its retention",
    "evidence-awaited": "{log} {position}: the file {sha256} has not come from its depot yet",
    "id-elsewhere": (
        "{log} {position}: another installation recorded id {id} too, at {other}: the same "
        "operation counts once, another one counts beside it"
    ),
}
"""What a reader must know though nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: its name, where it is, and the values of its text."""

    name: str
    log: str
    position: int | None = None
    values: dict[str, object] = field(default_factory=dict)

    @property
    def is_fault(self) -> bool:
        """Tell a fault from a remark."""
        return self.name in TEXTS

    @property
    def template(self) -> str:
        """The text with its gaps, for translation."""
        return TEXTS.get(self.name) or REMARKS[self.name]

    def __str__(self) -> str:
        return self.template.format(log=self.log, position=self.position, **self.values)
