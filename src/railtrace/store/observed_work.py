"""Work as the trace saw it: set-up, run and wait of each step apart, routes, steps left out,
calibrations that took machines away.

A machine tells its own cycle; what a hand did has no beginning and is counted, not timed. What
was cut off, by an abort or by the moment of asking, is counted beside and never averaged in.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.metrology import Instrument
from railtrace.projections.work import StepState
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.trace.leaf import microseconds, read
from railtrace.trace.ledger import TraceStore
from railtrace.trace.operation import MachineResult

HOUR_US = 3_600_000_000
_MOST_OF_ONE = 2_000
_MOST_READ = 400
"""Orders whose steps are read: the latest."""


@dataclass(frozen=True)
class Spread:
    """How long something took: how often it was seen, mean [h], coefficient of variation."""

    n: int
    mean_h: float
    cv: float


def spread(hours: Sequence[float]) -> Spread | None:
    """Return the spread of some times; None of none."""
    if not hours:
        return None
    mean = fmean(hours)
    return Spread(len(hours), mean, stdev(hours) / mean if len(hours) > 1 and mean > 0 else 0.0)


# --- cycles of machines --------------------------------------------------------------------------


@dataclass(frozen=True)
class Cycle:
    """One unsimulated cycle as its machine told of it.

    set_up_h : its phases that are set-up; None where the machine tells no phases
    whole : False for one that was aborted or is told in part: it would have taken longer
    """

    equipment: str
    facts: tuple[str, ...]
    started_us: int
    ended_us: int
    set_up_h: float | None
    whole: bool

    @property
    def hours(self) -> float:
        """From its start to its end."""
        return (self.ended_us - self.started_us) / HOUR_US


def machine_cycles(
    lookup: Lookup, trace: TraceStore, catalogue: Catalogue, from_us: int, to_us: int
) -> list[Cycle]:
    """Return the cycles that machines reported in a period, with a start and an end."""
    found: list[Cycle] = []
    for machine in lookup.equipment():
        kind = catalogue.equipment_types.get(machine.type)
        set_up = kind.set_up if kind else ()
        rows = lookup.made_with(machine.unit, from_us, to_us, _MOST_OF_ONE)
        places = [(r["log"], r["position"]) for r in rows if r["kind"] == "MachineResult"]
        for place, leaf in trace.leaves_at(places).items():
            found += _cycle(read(leaf, *place).operation, machine.type, set_up)
    return found


def _cycle(result: object, equipment: str, set_up: Sequence[str]) -> list[Cycle]:
    if not isinstance(result, MachineResult) or result.started_at is None or result.simulated:
        return []
    started, ended = microseconds(result.started_at), microseconds(result.happened_at)
    if ended <= started:
        return []
    timed = [p for p in result.phases if p.duration_s is not None]
    seconds = sum(float(p.duration_s or 0) for p in timed if p.phase in set_up)
    set_up_h = seconds / 3600 if timed else None
    whole = result.state == "completed" and not result.partial
    return [Cycle(equipment, result.facts, started, ended, set_up_h, whole)]


def machine_times(cycles: Iterable[Cycle]) -> dict[str, Spread]:
    """Return how long whole cycles of each kind of equipment took."""
    hours: dict[str, list[float]] = defaultdict(list)
    for cycle in cycles:
        if cycle.whole:
            hours[cycle.equipment].append(cycle.hours)
    return {type_: Spread(*_told(values)) for type_, values in hours.items()}


def _told(values: Sequence[float]) -> tuple[int, float, float]:
    found = spread(values)
    return (found.n, found.mean_h, found.cv) if found else (0, 0.0, 0.0)


# --- orders --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeenStep:
    """A step of an order: whether it is done, by which facts, since when it could begin.

    `ready_us` is None while something before it is missing.
    """

    key: str
    optional: bool
    status: str
    facts: tuple[str, ...]
    ready_us: int | None
    done_us: int | None
    at_us: tuple[int, ...] = ()
    """When each of the facts was."""


@dataclass(frozen=True)
class SeenOrder:
    """An order of a period with its steps; `component` is the type of its unit."""

    process: str
    component: str
    opened_us: int
    closed_us: int | None
    done: bool
    for_defect: bool
    steps: tuple[SeenStep, ...]

    @property
    def recorded(self) -> bool:
        """Whether the trace holds any of its steps."""
        return any(step.facts for step in self.steps)


def orders_seen(
    knowledge: Knowledge, lookup: Lookup, from_us: int, to_us: int
) -> list[SeenOrder]:
    """Return the latest orders opened in a period, step by step."""
    rows = lookup.orders(since_us=from_us, limit=_MOST_READ)
    rows = [row for row in rows if row["opened_us"] <= to_us]
    knowledge.load([unit for row in rows for unit in (row["unit"], row["subject"])])
    types = lookup.types_of(sorted({row["subject"] for row in rows}))
    found = []
    for row in rows:
        order = knowledge.order(row["unit"])
        states = {state.step.key: state for state in knowledge.steps(order)}
        steps = tuple(_seen(state, states, row["opened_us"]) for state in states.values())
        found.append(SeenOrder(
            order.process, types.get(row["subject"], ""), row["opened_us"], row["closed_us"],
            row["result"] == "done", bool(order.defect), steps,
        ))  # fmt: skip
    return found


def _seen(state: StepState, states: Mapping[str, StepState], opened_us: int) -> SeenStep:
    before = [states[key].done_us for key in state.step.after if key in states]
    known = [at for at in before if at is not None]
    # A step left out holds nobody up; what waits for one that is missing is not ready.
    ready = None if state.waits_for else max([opened_us, *known])
    return SeenStep(
        state.step.key, state.step.optional, state.status,
        tuple(attempt.entry.operation.id for attempt in state.attempts), ready, state.done_us,
        tuple(microseconds(attempt.entry.operation.happened_at) for attempt in state.attempts),
    )  # fmt: skip


def again_shares(orders: Iterable[SeenOrder]) -> dict[tuple[str, str], tuple[int, float]]:
    """Return by process and step how often it was done, and how often not right at first.

    Every attempt but the last was one to be done again: their share of all attempts is the chance
    that a piece comes back to the step.
    """
    done: Counter[tuple[str, str]] = Counter()
    tries: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for step in order.steps:
            if step.status == "done" and step.facts:
                done[order.process, step.key] += 1
                tries[order.process, step.key] += len(step.facts)
    return {key: (n, 1 - n / tries[key]) for key, n in done.items()}


def taken_shares(orders: Iterable[SeenOrder]) -> dict[tuple[str, str], tuple[int, float]]:
    """Return by process and step that may be left out: orders seen, share that took it.

    Of closed orders with steps in the trace only: where nothing was recorded, nothing is known.
    """
    seen: Counter[tuple[str, str]] = Counter()
    took: Counter[tuple[str, str]] = Counter()
    for order in orders:
        if order.done and order.recorded:
            for step in order.steps:
                if step.optional:
                    seen[order.process, step.key] += 1
                    took[order.process, step.key] += bool(step.facts)
    return {key: (n, took[key] / n) for key, n in seen.items()}


@dataclass(frozen=True)
class Moves:
    """Where work went after a step: how often it was done, share by the next step, `OUT` for none.

    Back is where a later step sent it: a step that had been done before and was done again.
    """

    n: int
    shares: Mapping[str, float]


OUT = ""


def moves_seen(orders: Iterable[SeenOrder]) -> dict[tuple[str, str], Moves]:
    """Return by process and step where work went from it, of closed orders with steps in the trace.

    A step that may not be left out is on every way, recorded or not; one that may is where it was.
    """
    tries: Counter[tuple[str, str]] = Counter()
    back: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    onward: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for order in orders:
        if order.done and order.recorded:
            way = [s.key for s in order.steps if s.facts or not s.optional]
            for key, following in itertools.pairwise([*way, OUT]):
                onward[order.process, key][following] += 1
            tries.update((order.process, s.key) for s in order.steps for _ in s.facts)
            for sender, again in _sent_back(order):
                back[order.process, sender][again] += 1
    return {place: _moves(tries[place], back[place], ways) for place, ways in onward.items()}


def _sent_back(order: SeenOrder) -> Iterator[tuple[str, str]]:
    """Yield which step was done last before an earlier one, or itself, was done again."""
    number = {step.key: n for n, step in enumerate(order.steps)}
    done = sorted((at, number[step.key], step.key) for step in order.steps for at in step.at_us)
    seen: set[str] = set()
    for (_, _, before), (_, _, key) in itertools.pairwise(done):
        seen.add(before)
        if key in seen and number[key] <= number[before]:
            yield before, key


def _moves(n: int, back: Counter[str], onward: Counter[str]) -> Moves:
    n = max(n, onward.total())
    on = 1 - back.total() / n
    shares = {key: count / n for key, count in back.items()}
    for key, count in onward.items():
        shares[key] = shares.get(key, 0.0) + on * count / onward.total()
    return Moves(n, shares)


@dataclass(frozen=True)
class RouteSeen:
    """A way through a process: the steps in the order they were done, how many orders went it."""

    process: str
    steps: tuple[str, ...]
    n: int
    share: float


def routes_seen(orders: Iterable[SeenOrder]) -> list[RouteSeen]:
    """Return the ways that closed orders went, of each process the most trodden first."""
    ways: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for order in orders:
        if order.done and order.recorded:
            steps = sorted((s for s in order.steps if s.done_us is not None),
                           key=lambda s: s.done_us or 0)  # fmt: skip
            ways[order.process][tuple(step.key for step in steps)] += 1
    return [
        RouteSeen(process, steps, n, n / counted.total())
        for process, counted in sorted(ways.items()) for steps, n in counted.most_common()
    ]  # fmt: skip


# --- set-up, run, wait ---------------------------------------------------------------------------


@dataclass(frozen=True)
class StepKind:
    """What is timed together: a step of a process, with a kind of equipment, on a component."""

    process: str
    step: str
    equipment: str
    component: str


@dataclass(frozen=True)
class Observed:
    """A step as observed: set-up and run of the machine, wait before it [h of the clock].

    cut_off : cycles aborted or told in part, which would have taken longer; still_waiting: open
    orders that wait for the step now, whose waits are not ended.
    """

    set_up: Spread | None
    run: Spread | None
    cycle: Spread | None
    wait: Spread | None
    by_hand: int
    cut_off: int
    still_waiting: int


@dataclass
class _Times:
    set_up: list[float]
    run: list[float]
    cycle: list[float]
    wait: list[float]
    by_hand: int = 0
    cut_off: int = 0
    still_waiting: int = 0

    def observed(self) -> Observed:
        return Observed(
            spread(self.set_up), spread(self.run), spread(self.cycle), spread(self.wait),
            self.by_hand, self.cut_off, self.still_waiting,
        )  # fmt: skip


def step_times(
    orders: Iterable[SeenOrder], cycles: Iterable[Cycle], whole_kinds: bool = True
) -> dict[StepKind, Observed]:
    """Return the times of steps by equipment and component; by step alone if not `whole_kinds`."""
    of_fact = {fact: cycle for cycle in cycles for fact in cycle.facts}
    found: dict[StepKind, _Times] = defaultdict(lambda: _Times([], [], [], []))
    for order in orders:
        for step in order.steps:
            cycle = next((of_fact[f] for f in step.facts if f in of_fact), None)
            kind = StepKind(order.process, step.key, cycle.equipment if cycle else "",
                            order.component)  # fmt: skip
            mine = found[kind if whole_kinds else StepKind(order.process, step.key, "", "")]
            _note(mine, order, step, [of_fact[f] for f in step.facts if f in of_fact])
    return {kind: times.observed() for kind, times in found.items()}


def _note(mine: _Times, order: SeenOrder, step: SeenStep, cycles: Sequence[Cycle]) -> None:
    for cycle in cycles:
        if not cycle.whole:
            mine.cut_off += 1
            continue
        mine.cycle.append(cycle.hours)
        if cycle.set_up_h is not None:
            mine.set_up.append(cycle.set_up_h)
            mine.run.append(max(cycle.hours - cycle.set_up_h, 0.0))
    if cycles and step.ready_us is not None:
        mine.wait.append(max(cycles[0].started_us - step.ready_us, 0) / HOUR_US)
    mine.by_hand += len(step.facts) - len(cycles)
    mine.still_waiting += step.status == "ready" and order.closed_us is None


# --- calibrations --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Renewals:
    """How often the right of a kind of machine to be believed was renewed, and what it cost.

    away_h : mean hours of the clock without a proof before a renewal; 0 where all came in time
    every_h : mean time of one machine between two renewals
    without : machines that have none now
    """

    n: int
    away_h: float
    every_h: float
    without: int


def calibration_outages(
    knowledge: Knowledge, lookup: Lookup, from_us: int, to_us: int
) -> dict[str, Renewals]:
    """Return by equipment type what verifications and calibrations took away in a period."""
    machines: dict[str, list[str]] = defaultdict(list)
    for machine in lookup.equipment():
        machines[machine.type].append(machine.unit)
    knowledge.load([unit for units in machines.values() for unit in units])
    found = {}
    for type_, units in machines.items():
        lapses = [lapses_of(knowledge.instrument(unit), from_us, to_us) for unit in units]
        hours = [each for ended, _ in lapses for each in ended]
        if hours or any(open_ for _, open_ in lapses):
            span = len(units) * (to_us - from_us) / HOUR_US
            found[type_] = Renewals(
                len(hours), fmean(hours) if hours else 0.0, span / max(len(hours), 1),
                sum(open_ for _, open_ in lapses),
            )  # fmt: skip
    return found


def lapses_of(instrument: Instrument, from_us: int, to_us: int) -> tuple[list[float], bool]:
    """Return for each renewal of a period the hours without a proof before it, and whether there
    is none at its end."""
    passed = sorted((p for p in instrument.proofs if p.passed), key=lambda p: p.valid_from_us)
    stops = sorted([w.at_us for w in instrument.withdrawals]
                   + [p.valid_from_us for p in instrument.proofs if not p.passed])  # fmt: skip
    hours = []
    for before, after in itertools.pairwise(passed):
        if from_us <= after.valid_from_us <= to_us:
            ended = _ended_us(before.valid_from_us, before.valid_to_us, stops)
            hours.append(max(after.valid_from_us - ended, 0) / HOUR_US)
    begun = [p for p in passed if p.valid_from_us <= to_us]
    last = begun[-1] if begun else None
    lapsed = last is not None and _ended_us(last.valid_from_us, last.valid_to_us, stops) < to_us
    return hours, lapsed


def _ended_us(from_us: int, to_us: int, stops: Sequence[int]) -> int:
    """Return when a proof ended: by its date, or by the first withdrawal after it began."""
    return min([to_us, *(at for at in stops if at > from_us)])
