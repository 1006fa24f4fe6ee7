"""How far an order has come: its steps close themselves when the right operation arrives.

Pure: given the order, its process and the unit's operations since it was opened, every step says
what did it, whether that counts, and if not, why. Nothing here refuses; what does not count is
named and blocks what comes after.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from railtrace.analysis.press_fit import PressVerdict, proves
from railtrace.analysis.reasons import Reason
from railtrace.catalogue.in_force import check_rule_for, limit_for
from railtrace.catalogue.rows import Catalogue, Limit, Process, Step, StepReading
from railtrace.errors import BadEvidence
from railtrace.projections.condition import judge
from railtrace.projections.metrology import Standing, certificate_ended
from railtrace.projections.orders import Order, Sign
from railtrace.projections.rejudge import Block, Ours, Read, Test, press, rejudged
from railtrace.trace.leaf import Entry, microseconds, moment
from railtrace.trace.operation import (
    EvidenceDiagnosed,
    MachineResult,
    Operation,
    PermitClosed,
    PermitIssued,
    ProofLoaded,
    Reading,
    StepDone,
)

_OWN = ("test", "method", "programme", "scope", "work")
_BAD = {"failed", "aborted", "alarm", "contradicts", "unfit", "refused"}
_OURS_BAD = {"alarm", "contradicts"}
"""What our own diagnosis of a step's evidence says against it; a watch asks for a repeat only."""


@dataclass(frozen=True)
class Fault:
    """Why what was done does not count; words are the page's."""

    code: str
    values: dict[str, str] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One operation that meant to do a step."""

    entry: Entry
    faults: tuple[Fault, ...]
    by: str
    """machine or hand."""
    machine_verdict: str = ""
    press: PressVerdict | None = None
    ours: Ours | None = None
    unjudged: tuple[Reason, ...] = ()
    said: Entry | None = None
    """Our own diagnosis of the evidence that came with it."""
    proved: Entry | None = None
    """The proof loads that stood in for a little force, whether they were enough or not."""

    @property
    def done_us(self) -> int:
        """When it was done, its proof included."""
        return max(self.entry.happened_us, self.proved.happened_us if self.proved else 0)

    @property
    def good(self) -> bool:
        """Whether it counts."""
        return not self.faults


@dataclass(frozen=True)
class StepState:
    """One step of an order as it stands.

    `status`: `done`; `to_accept` (done, waits for the inspector); `returned`; `void` (done, but it
    does not count); `ready`; `waiting` (something before it is missing).
    """

    step: Step
    status: str
    attempts: tuple[Attempt, ...] = ()
    accepted: Sign | None = None
    returned: Sign | None = None
    waits_for: tuple[str, ...] = ()
    done_us: int | None = None

    @property
    def last(self) -> Attempt | None:
        """What was tried last."""
        return self.attempts[-1] if self.attempts else None

    @property
    def first_pass(self) -> bool:
        """Whether it was right the first time; only of steps that are done."""
        return self.status == "done" and len(self.attempts) == 1 and self.returned is None


@dataclass(frozen=True)
class Surroundings:
    """What a judgement needs to ask; each answer is as of the moment of the work."""

    catalogue: Catalogue
    subject_type: str
    trust: Callable[[str, int, str, str | None], Standing]
    may: Callable[[str, str, int], bool]
    type_of: Callable[[str], str]
    read: Read = lambda sha256: None
    blocks: Callable[[str, int], tuple[Block, ...]] = lambda device, at_us: ()


def progress(
    order: Order, process: Process, entries: Sequence[Entry], around: Surroundings
) -> list[StepState]:
    """Return every step of an order as it stands; entries are effective and in life order."""
    mine = [e for e in entries if _within(order, e)]
    results = {
        fact: e.operation for e in mine if isinstance(e.operation, MachineResult)
        for fact in e.operation.facts
    }  # fmt: skip
    states: dict[str, StepState] = {}
    used: set[str] = set()
    for number, step in enumerate(process.steps):
        others = process.steps[:number], process.steps[number + 1 :]
        found = _Found(mine, entries, results, states, used, around)
        state = _step(order, step, others, found)
        states[step.key] = state
        used |= {attempt.entry.operation.id for attempt in state.attempts}
    return list(states.values())


@dataclass(frozen=True)
class _Found:
    """What the steps of one order are judged from."""

    entries: Sequence[Entry]
    every: Sequence[Entry]
    results: dict[str, MachineResult]
    before: dict[str, StepState]
    used: set[str]
    around: Surroundings


def _within(order: Order, entry: Entry) -> bool:
    operation = entry.operation
    if not isinstance(operation, Operation) or order.opened_us is None:
        return False
    if operation.work_order:
        return operation.work_order == order.order
    end = order.closed_us if order.closed_us is not None else 2**62
    return order.opened_us <= entry.happened_us <= end


def _step(
    order: Order, step: Step, others: tuple[Sequence[Step], Sequence[Step]], found: _Found
) -> StepState:
    waits_for = tuple(key for key in step.after if _missing(found.before.get(key)))
    signs = [sign for sign in order.signs if sign.step == step.key]
    attempts = _attempts(step, others, signs, found)
    if not attempts:
        return StepState(step, "waiting" if waits_for else "ready", (), None, None, waits_for)
    return _judged(step, attempts, signs, waits_for)


def _attempts(
    step: Step, others: tuple[Sequence[Step], Sequence[Step]], signs: list[Sign], found: _Found
) -> tuple[Attempt, ...]:
    """What meant to do a step. Two steps may take one kind of operation: the first good one is
    the earlier step's, what comes after it the later's, and what is too early for that nobody's.
    """
    earlier, later = others
    kept: list[Attempt] = []
    for entry in found.entries:
        operation = entry.operation
        if operation.id in found.used or not _does(step, operation, found.around):
            continue
        named = getattr(operation, "step", "") == step.key
        satisfied = kept and kept[-1].good and not _sent_back(signs, kept[-1])
        if satisfied and not named and _any_does(later, operation, found.around):
            continue
        attempt = _attempt(step, entry, found)
        early = any(fault.code == "before_its_turn" for fault in attempt.faults)
        if early and not named and _any_does(earlier, operation, found.around):
            continue
        kept.append(attempt)
    return tuple(kept)


def _any_does(steps: Sequence[Step], operation: object, around: Surroundings) -> bool:
    return any(_does(step, operation, around) for step in steps)


def _sent_back(signs: list[Sign], attempt: Attempt) -> bool:
    return any(s.word == "returned" and s.at_us >= attempt.entry.happened_us for s in signs)


def _missing(state: StepState | None) -> bool:
    """A step left out on purpose holds nobody up, one begun and not good does."""
    if state is None or state.status == "done":
        return False
    return not (state.step.optional and not state.attempts)


def _judged(
    step: Step, attempts: tuple[Attempt, ...], signs: list[Sign], waits_for: tuple[str, ...]
) -> StepState:
    returned = next((s for s in reversed(signs) if s.word == "returned"), None)
    accepted = next((s for s in reversed(signs) if s.word == "accepted"), None)
    if returned and accepted and accepted.at_us < returned.at_us:
        accepted = None
    last = _deciding(attempts)
    by_entry = {attempt.entry.operation.id: attempt for attempt in attempts}
    if returned is not None and last.entry.happened_us <= returned.at_us and accepted is None:
        return StepState(step, "returned", attempts, None, returned, waits_for)
    if not last.good:
        return StepState(step, "void", attempts, None, returned, waits_for)
    if _needs_inspector(step, last):
        signed = by_entry.get(accepted.entry) if accepted else None
        if accepted is None or signed is None or not _independent(accepted, signed):
            return StepState(step, "to_accept", attempts, None, returned, waits_for)
    first = next(a for a in attempts if a.good)
    return StepState(
        step, "done", attempts, accepted, returned, waits_for, first.done_us
    )


def _deciding(attempts: tuple[Attempt, ...]) -> Attempt:
    """The worst of the last attempts at each place: two wheels are pressed one after another.

    What has no place is of the whole unit, with readings or without: a wash by hand after one by
    machine is the last wash.
    """
    last: dict[tuple[str, ...], Attempt] = {}
    for attempt in attempts:
        readings = attempt.entry.operation.readings  # type: ignore[union-attr]
        places = tuple(sorted({r.place for r in readings if r.place}))
        last[places] = attempt
    return next((a for a in last.values() if not a.good), attempts[-1])


def _needs_inspector(step: Step, attempt: Attempt) -> bool:
    return step.hold_point or (step.by_hand == "inspected" and attempt.by == "hand")


def _independent(sign: Sign, attempt: Attempt) -> bool:
    done_by = set(getattr(attempt.entry.operation, "performed_by", ()))
    return not done_by & set(sign.people)


def _does(step: Step, operation: object, around: Surroundings) -> bool:
    """Whether an operation means to do a step."""
    if isinstance(operation, StepDone):
        return operation.step == step.key
    assert isinstance(operation, Operation)
    if type(operation).__name__ not in step.kinds:
        return False
    if operation.step:
        return operation.step == step.key
    said = {str(getattr(operation, name)) for name in _OWN if hasattr(operation, name)}
    if step.only and not said & set(step.only):
        return False
    if step.equipment and operation.device:
        return around.type_of(operation.device) in {*step.equipment, ""}
    return _reads(step, operation)


def _reads(step: Step, operation: Operation) -> bool:
    """A measurement without a device is of the step when it holds one of its quantities."""
    wanted = {reading.quantity for reading in step.readings}
    if not wanted or not operation.readings:
        return True
    return bool(wanted & {reading.quantity for reading in operation.readings})


def _attempt(step: Step, entry: Entry, found: _Found) -> Attempt:
    operation, around = entry.operation, found.around
    assert isinstance(operation, Operation)
    by = "machine" if operation.device and not isinstance(operation, StepDone) else "hand"
    faults = [
        *_turn(step, entry, found.before), *_outcome(operation), *_hand(step, by),
        *_readings(step, operation, by), *_instrument(operation, entry, around, found.results),
        *_people(step, operation, entry, around), *_permit(step, entry, found.every),
    ]  # fmt: skip
    result = found.results.get(operation.id)
    test = Test(operation, result, moment(entry.happened_us).date(), around.read,
                _least_mohm(step), _blocks(operation, entry, around))  # fmt: skip
    ours, more = _ours(step, test, by, around)
    pressed, unjudged, still_more = _press(step, test, around)
    proved = _proof_of(operation.id, found.entries) if pressed and pressed.proof else None
    if proved is not None and pressed is not None:
        still_more = _proof(step, proved, pressed, around)
    told = result.evaluation if result is not None else ""
    unjudged = (*unjudged, *(ours.unjudged if ours else ()))
    said = _said_of(operation.id, found.every)
    return Attempt(
        entry, (*faults, *more, *still_more, *_our_alarm(said)), by, told, pressed, ours, unjudged,
        said, proved,
    )  # fmt: skip


def _said_of(fact: str, entries: Sequence[Entry]) -> Entry | None:
    """Return our last diagnosis of a recording; by rules and bands a step is judged anyhow."""
    mine = (
        e for e in reversed(entries)
        if isinstance(e.operation, EvidenceDiagnosed) and e.operation.entry == fact
        and e.operation.method in ("vibration", "gear")
    )  # fmt: skip
    return next(mine, None)


def _our_alarm(said: Entry | None) -> list[Fault]:
    if said is None or not isinstance(said.operation, EvidenceDiagnosed):
        return []
    if said.operation.outcome not in _OURS_BAD:
        return []
    return [Fault("our_alarm", {"outcome": said.operation.outcome,
                                "finding": said.operation.finding or "none"})]  # fmt: skip


def _blocks(operation: Operation, entry: Entry, around: Surroundings) -> tuple[Block, ...]:
    return around.blocks(operation.device, entry.happened_us) if operation.device else ()


def _least_mohm(step: Step) -> float | None:
    found = (r.min for r in step.readings if r.quantity == "insulation_resistance")
    return next((float(least) for least in found if least), None)


def _ours(
    step: Step, test: Test, by: str, around: Surroundings
) -> tuple[Ours | None, list[Fault]]:
    """Judge a machine's test again by the rule for its kind; the press has a band besides."""
    device = test.operation.device
    if by != "machine" or not device or step.press:
        return None, []
    rule = check_rule_for(
        around.catalogue, around.type_of(device), around.subject_type, test.day
    )
    if rule is None or rule.press is not None:
        return None, []
    ours = rejudged(rule, test)
    if ours.verdict != "unfit":
        return ours, []
    return ours, [Fault("rule", {"rule": rule.key}, ours.reasons)]


def _turn(step: Step, entry: Entry, before: dict[str, StepState]) -> list[Fault]:
    """What comes too early does not count: NDT of a dirty part finds nothing."""
    early = []
    for key in step.after:
        state = before.get(key)
        if state is None or (state.step.optional and not state.attempts):
            continue
        if state.done_us is None or state.done_us > entry.happened_us:
            early.append(Fault("before_its_turn", {"step": key, "status": state.status}))
    return early


def _outcome(operation: Operation) -> list[Fault]:
    outcome = str(getattr(operation, "outcome", "passed"))
    return [Fault("outcome", {"outcome": outcome})] if outcome in _BAD else []


def _hand(step: Step, by: str) -> list[Fault]:
    return [Fault("not_by_hand")] if by == "hand" and step.by_hand == "no" else []


def _readings(step: Step, operation: Operation, by: str) -> list[Fault]:
    if by == "hand" and step.by_hand == "inspected":
        return []  # Cleanliness is looked at and signed, no machine gives figures.
    return [fault for wanted in step.readings for fault in _reading(wanted, operation)]


def _reading(wanted: StepReading, operation: Operation) -> list[Fault]:
    of_it = [
        r for r in operation.readings
        if r.quantity == wanted.quantity and (not wanted.moment or r.moment == wanted.moment)
    ]  # fmt: skip
    if any(r.moment == "as_left" for r in of_it):
        of_it = [r for r in of_it if r.moment == "as_left"]
    there = {r.place for r in of_it}
    missing = [place for place in wanted.places if place not in there]
    if not of_it or missing:
        values = {"quantity": wanted.quantity, "place": missing[0] if missing and of_it else ""}
        return [Fault("reading_missing", values)]
    return [fault for r in of_it for fault in _against(wanted, r)]


def _against(wanted: StepReading, reading: Reading) -> list[Fault]:
    if wanted.min is None and wanted.max is None:
        return []
    low = None if wanted.min is None else Decimal(wanted.min)
    high = None if wanted.max is None else Decimal(wanted.max)
    if reading.unit != wanted.unit:
        return [Fault("other_unit", {"quantity": wanted.quantity, "unit": reading.unit,
                                     "wanted": wanted.unit})]  # fmt: skip
    verdict = judge(Decimal(reading.value), Decimal(reading.uncertainty or 0), low, high)
    if verdict == "fit":
        return []
    return [Fault(verdict, {"quantity": wanted.quantity, "place": reading.place,
                            "value": reading.value, "unit": reading.unit,
                            "min": wanted.min or "", "max": wanted.max or ""})]  # fmt: skip


def _instrument(
    operation: Operation, entry: Entry, around: Surroundings, results: dict[str, MachineResult]
) -> list[Fault]:
    if not operation.device:
        return []
    told = results.get(operation.id)
    ended = told is not None and certificate_ended(told)
    asked: list[tuple[str, str | None]] = [(r.quantity, r.value) for r in operation.readings]
    asked = asked or [("", None)]
    for quantity, value in asked:
        trust = around.trust(operation.device, entry.happened_us, quantity, value)
        if ended and trust.word == "unrecorded":
            trust = Standing("expired")
        if trust.stops:
            return [Fault("instrument", {"device": operation.device, "why": trust.word})]
    return []


def _people(
    step: Step, operation: Operation, entry: Entry, around: Surroundings
) -> list[Fault]:
    """Somebody who did it must have had the right; a machine without a name is not asked."""
    if not step.qualification or not operation.performed_by:
        return []
    if any(around.may(p, step.qualification, entry.happened_us) for p in operation.performed_by):
        return []
    return [Fault("not_qualified", {"qualification": step.qualification,
                                    "person": operation.performed_by[0]})]  # fmt: skip


def _permit(step: Step, entry: Entry, entries: Sequence[Entry]) -> list[Fault]:
    if not step.permit:
        return []
    closed = {
        e.operation.permit: e.happened_us for e in entries
        if isinstance(e.operation, PermitClosed)
    }  # fmt: skip
    for other in entries:
        permit = other.operation
        if isinstance(permit, PermitIssued) and permit.permit_kind == step.permit:
            end = min(microseconds(permit.valid_to), closed.get(permit.permit, 2**62))
            if microseconds(permit.valid_from) <= entry.happened_us <= end:
                return []
    return [Fault("no_permit", {"permit_kind": step.permit})]


def _press(
    step: Step, test: Test, around: Surroundings
) -> tuple[PressVerdict | None, tuple[Reason, ...], list[Fault]]:
    """Judge a press-fit again by both limits of its band and by its curve, whatever was said."""
    if not step.press:
        return None, (), []
    limit = limit_for(
        around.catalogue, step.press, around.subject_type, "after_repair", test.day
    )
    if limit is None or limit.min is None or limit.max is None:
        return None, (), [Fault("no_limit", {"quantity": step.press})]
    device = test.operation.device or ""
    rule = check_rule_for(
        around.catalogue, around.type_of(device) if device else "", around.subject_type, test.day
    )
    try:
        judged = press(limit, rule, test)
    except BadEvidence as error:
        told = Reason(error.reason, error.template, tuple(error.values.items()))
        return None, (), [Fault("bad_evidence", {}, (told,))]
    if judged is None:
        return None, (), []
    verdict, unjudged = judged
    return verdict, unjudged, [_press_fault(reason, verdict, limit) for reason in verdict.reasons]


def _press_fault(reason: Reason, verdict: PressVerdict, limit: Limit) -> Fault:
    if reason.code not in _PRESS:
        return Fault("shape", {}, (reason,))
    return Fault(_PRESS[reason.code], {
        "value": f"{verdict.final_kn_per_100mm:.1f}", "min": limit.min or "",
        "max": limit.max or "", "limit": limit.key,
    })  # fmt: skip


_PRESS = {"below_band": "press_below", "above_band": "press_above"}


def _proof_of(press: str, entries: Sequence[Entry]) -> Entry | None:
    """Return the last proof of a joint; one that the rule does not allow is never asked for."""
    proofs = [e for e in entries if isinstance(e.operation, ProofLoaded)]
    return next((e for e in reversed(proofs) if e.operation.entry == press), None)  # type: ignore[union-attr]


def _proof(
    step: Step, entry: Entry, verdict: PressVerdict, around: Surroundings
) -> list[Fault]:
    """Judge the loads that are to prove a joint: none is left over, or why it is not proved."""
    operation, asked = entry.operation, verdict.proof
    assert isinstance(operation, ProofLoaded)
    assert asked is not None
    own = [*_instrument(operation, entry, around, {}), *_people(step, operation, entry, around)]
    if operation.shifted:
        return [*own, Fault("proof_shifted")]
    loads = [float(one.load_kn) for one in operation.loads]
    held = [float(one.seconds) for one in operation.loads]
    if proves(loads, held, False, asked):
        return own
    return [*own, Fault("proof_short", {
        "times": str(asked.times), "load": f"{asked.load_kn:.0f}",
        "seconds": f"{asked.seconds:g}",
    })]  # fmt: skip


def may_close(states: Sequence[StepState]) -> bool:
    """Whether every step that is not optional is done, and every one begun is."""
    return not open_steps(states)


def open_steps(states: Sequence[StepState]) -> list[StepState]:
    """Return the steps that keep an order from being closed."""
    return [s for s in states if s.status != "done" and (not s.step.optional or s.attempts)]
