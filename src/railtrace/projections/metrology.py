"""Metrology: what was verified when, what was withdrawn, and whether a reading may be trusted.

Validity is judged at the moment of the reading. A withdrawal rewrites nothing: what the
instrument read in its window is suspect from then on, whoever asks.
"""

from decimal import Decimal

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    Calibrated,
    InstrumentWithdrawn,
    MachineResult,
    Operation,
    Range,
    Verified,
)


class Proof(Struct):
    """One verification or calibration as recorded."""

    operation: str
    at_us: int
    way: str
    """verified or calibrated."""
    valid_from_us: int
    valid_to_us: int
    register_entry: str
    certificate: str
    passed: bool
    ranges: list[Range] = []


class Withdrawal(Struct):
    """An instrument found wrong: in which window, how, by how much."""

    operation: str
    at_us: int
    window_from_us: int
    window_to_us: int
    finding: str
    quantity: str = ""
    bias: str | None = None
    bias_unit: str = ""


class Instrument(State):
    """Everything said about one instrument's right to be believed."""

    proofs: list[Proof] = []
    withdrawals: list[Withdrawal] = []

    def last_proof(self) -> Proof | None:
        """The proof whose validity ends last among those after the last withdrawal."""
        return max(self._standing(2**62), key=lambda proof: proof.valid_to_us, default=None)

    def _standing(self, at_us: int) -> list[Proof]:
        """Proofs begun by a moment and not overtaken by a withdrawal or a failed check."""
        begun = [proof for proof in self.proofs if proof.valid_from_us <= at_us]
        stops = [w.at_us for w in self.withdrawals if w.at_us <= at_us]
        stops += [proof.valid_from_us for proof in begun if not proof.passed]
        after = max(stops, default=-(2**62))
        return [proof for proof in begun if proof.passed and proof.valid_from_us >= after]

    def proof_at(self, at_us: int) -> Proof | None:
        """The proof in force at a moment."""
        valid = [proof for proof in self._standing(at_us) if at_us <= proof.valid_to_us]
        return max(valid, key=lambda proof: proof.valid_to_us, default=None)

    def suspected_by(self, at_us: int) -> Withdrawal | None:
        """The withdrawal whose window a moment lies in."""
        inside = (w for w in self.withdrawals if w.window_from_us <= at_us <= w.window_to_us)
        return next(inside, None)


class Standing(Struct, frozen=True):
    """Whether what an instrument said at a moment may be leaned on, and the entry behind it.

    `valid`; `unrecorded` when nobody recorded any proof of the instrument; else a reason not to
    lean on it: `suspect`, `withdrawn`, `failed`, `expired`, `not_yet`, `out_of_range`.
    """

    word: str
    operation: str = ""

    @property
    def stops(self) -> bool:
        """Whether it may not release a unit."""
        return self.word not in {"valid", "unrecorded"}


CERTIFICATE_EXPIRED = "certificate_expired"
"""What a gateway notes of a result made after the certificate it holds had ended."""


def certificate_ended(result: MachineResult) -> bool:
    """Tell whether its gateway noted that the instrument's certificate had ended."""
    return any(remark.partition(" ")[0] == CERTIFICATE_EXPIRED for remark in result.remarks)


def standing(
    instrument: Instrument | None, at_us: int, quantity: str = "", value: str | None = None,
    expired_by: str = "",
) -> Standing:
    """Judge an instrument at a moment; with a quantity and a value, its range too.

    `expired_by` is the result whose gateway says that the certificate has ended: it counts where
    the trace itself has no proof of the instrument, which else is the better witness.
    """
    if instrument is None or not (instrument.proofs or instrument.withdrawals):
        return Standing("expired", expired_by) if expired_by else Standing("unrecorded")
    if suspected := instrument.suspected_by(at_us):
        return Standing("suspect", suspected.operation)
    proof = instrument.proof_at(at_us)
    if proof is None:
        return _why_not(instrument, at_us)
    if value is not None and _outside(proof.ranges, quantity, Decimal(value)):
        return Standing("out_of_range", proof.operation)
    return Standing("valid", proof.operation)


def _why_not(instrument: Instrument, at_us: int) -> Standing:
    """Return the last thing that happened to the instrument's right before a moment."""
    facts = [(p.valid_from_us, "failed", p.operation) for p in instrument.proofs if not p.passed]
    facts += [(p.valid_to_us, "expired", p.operation) for p in instrument.proofs if p.passed]
    facts += [(w.at_us, "withdrawn", w.operation) for w in instrument.withdrawals]
    past = [fact for fact in facts if fact[0] <= at_us]
    if not past:
        return Standing("not_yet", instrument.proofs[0].operation if instrument.proofs else "")
    _, word, operation = max(past)
    return Standing(word, operation)


def _outside(ranges: list[Range], quantity: str, value: Decimal) -> bool:
    mine = [r for r in ranges if r.quantity == quantity]
    return bool(mine) and not any(
        (r.low is None or Decimal(r.low) <= value) and (r.high is None or value <= Decimal(r.high))
        for r in mine
    )


def uncertainty_of(instrument: Instrument | None, at_us: int, quantity: str) -> str | None:
    """Return what the proof in force says of the uncertainty of a quantity."""
    proof = instrument.proof_at(at_us) if instrument else None
    known = [r.uncertainty for r in (proof.ranges if proof else []) if r.quantity == quantity]
    return next((u for u in known if u), None)


def _proof(operation: Verified | Calibrated) -> Proof:
    return Proof(
        operation.id, microseconds(operation.happened_at), _WAYS[type(operation)],
        microseconds(operation.valid_from), microseconds(operation.valid_to),
        getattr(operation, "register_entry", ""), operation.certificate,
        operation.outcome == "passed", list(operation.ranges),
    )  # fmt: skip


_WAYS: dict[type, str] = {Verified: "verified", Calibrated: "calibrated"}


def _apply(state: Instrument, entry: Entry, operation: Operation) -> None:
    match operation:
        case Verified() | Calibrated():
            state.proofs.append(_proof(operation))
        case InstrumentWithdrawn():
            state.withdrawals.append(
                Withdrawal(
                    operation.id, entry.happened_us, microseconds(operation.window_from),
                    microseconds(operation.window_to), operation.finding,
                    operation.quantity or "", operation.bias, operation.bias_unit or "",
                )
            )  # fmt: skip


def _rows(state: Instrument, catalogue: Catalogue) -> Rows:
    """A unit of which nothing is proved or withdrawn is no instrument, whatever was corrected."""
    if not state.proofs and not state.withdrawals:
        return {}
    last = state.last_proof()
    withdrawn = max((w.at_us for w in state.withdrawals), default=None)
    row = (
        state.unit, last.valid_from_us if last else None, last.valid_to_us if last else None,
        last.way if last else "", last.register_entry if last else "", withdrawn,
    )  # fmt: skip
    return {"instruments": [row]}


METROLOGY = View(
    name="metrology",
    version=2,
    state=Instrument,
    kinds=frozenset({"Verified", "Calibrated", "InstrumentWithdrawn"}),
    tables={
        "instruments": (
            "unit TEXT PRIMARY KEY", "valid_from_us BIGINT", "valid_to_us BIGINT", "way TEXT",
            "register_entry TEXT", "withdrawn_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
