"""Every error of Railtrace, one tree.

RailtraceError
├── Refused                 what was sent cannot be recorded; the message says what to change
│   ├── BadOperation        one operation shows by itself that it is wrong
│   ├── BadEvidence         a signal, profile or curve cannot be judged; `reason` names why
│   ├── IdTaken             the id is in the ledger already with other content
│   ├── StoreFull           the disk has no room; reading goes on
│   ├── BadFrame            what a machine sent cannot be read; the bytes are kept
│   └── BadData             rows of measured data are wrong, each with its reason
├── Broken                  stored data do not prove what they claim
│   ├── ProofFailed         a Merkle proof, a checkpoint or a signature does not hold
│   └── LogRewritten        a log no longer continues what it signed before
├── CatalogueError          a catalogue file, row or key is wrong
├── ConfigError             railtrace.toml or the environment is wrong
├── Contended               two writers met on the same ids: the batch was rolled back, try again
├── NotFound                no such unit, log, operation or file
└── Behind                  a view lags the ledger: no decision

A message is a template and its values, so that a page can show it in the reader's language:
`BadOperation("{number}: check digit {digit} is wrong, {wanted} wanted", number=..., ...)`.
An exceeded limit is a result, never an error.
"""

from functools import partial


class RailtraceError(Exception):
    """The root: catch this at the edge, show its text to a person."""

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values = values
        super().__init__(template.format(**values) if values else template)


class Refused(RailtraceError):
    """What was sent cannot be recorded."""


class BadOperation(Refused):
    """One operation is wrong by itself; `field` names where."""

    def __init__(self, template: str, /, field: str = "", **values: object) -> None:
        super().__init__(template, **values)
        self.field = field


class BadEvidence(Refused):
    """A signal, profile or curve cannot be judged; `reason` is a word that never changes."""

    def __init__(self, template: str, /, reason: str, **values: object) -> None:
        super().__init__(template, **values)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        # A batch is judged in other processes, and refusals come back from there.
        return partial(BadEvidence, self.template, reason=self.reason, **self.values), ()


class IdTaken(Refused):
    """The operation id is in the ledger already with other content."""


class StoreFull(Refused):
    """No room on the disk: nothing is recorded until some is made; reading goes on."""


class BadFrame(Refused):
    """What a machine sent cannot be read as its manifest says; its bytes are kept."""


class BadData(Refused):
    """Rows of measured data are wrong; `faults` holds each row, counted from 0, and its reason."""

    def __init__(
        self, template: str, /, faults: tuple[tuple[int, str], ...] = (), **values: object
    ) -> None:
        super().__init__(template, **values)
        self.faults = faults


class Broken(RailtraceError):
    """Stored data do not prove what they claim."""


class ProofFailed(Broken):
    """A proof, a checkpoint or a signature does not hold."""


class LogRewritten(Broken):
    """A log no longer continues what it signed before."""


class CatalogueError(RailtraceError):
    """A catalogue file, row or key is wrong."""


class ConfigError(RailtraceError):
    """The settings are wrong."""


class Contended(RailtraceError):
    """Two writers met on the same ids; this one was rolled back and may try again."""


class NotFound(RailtraceError):
    """No such unit, log, operation or file."""


class Behind(RailtraceError):
    """A view lags behind the ledger: no decision is given."""
