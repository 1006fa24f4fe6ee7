"""Consists: units in running order, and what people signed for that order; `consist:<id>`.

Every sign names the composition it was given for. A new composition makes the signs of the old
one void without touching them: they stay, and do not count.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import (
    BrakeTested,
    ConsistChanged,
    ConsistClosed,
    ConsistComposed,
    ConsistDeparted,
    ConsistSigned,
    JointsChecked,
    Operation,
    Released,
    ReleaseRefused,
    UnitDetached,
)

PREFIX = "consist:"


class Composition(Struct):
    """The units of a consist from a moment on, the head of the train first."""

    id: str
    at_us: int
    units: list[str]
    turned: list[str]
    people: list[str]
    reason: str = ""


class Sign(Struct):
    """A signature under readiness, or a consist sent back with a reason."""

    act: str
    answer: str
    reason: str
    operation: str
    composition: str
    at_us: int
    people: list[str]


class Brakes(Struct):
    """A brake test as its certificate tells of it; masses and forces [t, tf]."""

    operation: str
    composition: str
    at_us: int
    test: str
    number: str
    locomotive: str
    mass_t: str
    force_t: str
    outcome: str


class Joint(Struct):
    """A fault between two neighbours."""

    ahead: str
    behind: str
    item: str
    text: str


class Joints(Struct):
    """Joints as they were looked at."""

    operation: str
    composition: str
    at_us: int
    items: list[str]
    faults: list[Joint]


class Decided(Struct):
    """A release or a refusal of the consist."""

    operation: str
    act: str
    released: bool
    at_us: int
    units: list[str]
    people: list[str]
    certified: bool = False
    """Whether the file it was decided on is kept: a certificate is made of it."""


class Detached(Struct):
    """A unit that was uncoupled on the way."""

    unit: str
    at_us: int
    place: str
    cause: str
    reason: str
    operation: str


class Consist(State):
    """One consist: what it is made up of, and what counts for it now."""

    consist: str = ""
    train: str = ""
    train_kind: str = ""
    route: str = ""
    site: str = ""
    departs_us: int | None = None
    max_speed_kmh: int | None = None
    electropneumatic: bool = False
    compositions: list[Composition] = []
    signs: list[Sign] = []
    joints: list[Joints] = []
    brakes: list[Brakes] = []
    decisions: list[Decided] = []
    detached: list[Detached] = []
    departed_us: int | None = None
    departed_by: str = ""
    closed_us: int | None = None
    closed_by: str = ""
    outcome: str = ""
    delay_min: str = ""
    stock_delay_min: str = ""
    rescued: bool = False

    @property
    def composition(self) -> Composition | None:
        """The composition that stands."""
        return self.compositions[-1] if self.compositions else None

    @property
    def units(self) -> list[str]:
        """The units in running order, without those uncoupled since."""
        gone = {one.unit for one in self.detached}
        standing = self.composition
        return [unit for unit in standing.units if unit not in gone] if standing else []

    @property
    def open(self) -> bool:
        """Whether it is made up and its trip is not over."""
        return self.composition is not None and self.closed_us is None

    def signed(self) -> dict[str, Sign]:
        """The last sign of each act that counts for the composition that stands."""
        standing = self.composition
        return {s.act: s for s in self.signs if standing and s.composition == standing.id}

    def looked_at(self) -> dict[str, Joints]:
        """The last look at each item of the joints of the composition that stands."""
        standing = self.composition
        counted = [j for j in self.joints if standing and j.composition == standing.id]
        return {item: joints for joints in counted for item in joints.items}

    def braked(self) -> Brakes | None:
        """The last brake test of the composition that stands; an earlier one is void."""
        standing = self.composition
        counted = [b for b in self.brakes if standing and b.composition == standing.id]
        return counted[-1] if counted else None

    def decided(self, act: str) -> Decided | None:
        """The last decision of an act on the units as they stand."""
        counted = [d for d in self.decisions if d.act == act and d.units == self.units]
        return counted[-1] if counted else None


def _apply(state: Consist, entry: Entry, operation: Operation) -> None:
    if not state.unit.startswith(PREFIX):
        return
    match operation:
        case ConsistComposed() | ConsistChanged():
            _compose(state, entry, operation)
        case Released() | ReleaseRefused():
            state.decisions.append(Decided(
                operation.id, operation.act, isinstance(operation, Released), entry.happened_us,
                list(operation.units), list(operation.performed_by),
                operation.decision_file is not None,
            ))  # fmt: skip
        case ConsistClosed():
            _close(state, entry, operation)
        case ConsistSigned() | JointsChecked() | BrakeTested() | ConsistDeparted() | UnitDetached():
            _note(state, entry, operation)


def _compose(state: Consist, entry: Entry, operation: ConsistComposed | ConsistChanged) -> None:
    standing = state.composition
    if isinstance(operation, ConsistComposed) and standing is not None:
        state.contradict(entry, "consist_composed_twice", consist=operation.consist)
    if isinstance(operation, ConsistChanged) and (
        standing is None or standing.id != operation.replaces
    ):
        state.contradict(entry, "consist_changed_from_other", consist=operation.consist)
    if state.closed_us is not None:
        state.contradict(entry, "consist_is_closed", consist=operation.consist)
    state.consist, state.train, state.route = operation.consist, operation.train, operation.route
    state.train_kind, state.site = operation.train_kind, operation.site or state.site
    state.departs_us = microseconds(operation.departs_at)
    state.max_speed_kmh = operation.max_speed_kmh
    state.electropneumatic = operation.electropneumatic
    state.compositions.append(Composition(
        operation.id, entry.happened_us, list(operation.units), list(operation.turned),
        list(operation.performed_by), getattr(operation, "reason", ""),
    ))  # fmt: skip


def _note(
    state: Consist, entry: Entry,
    operation: ConsistSigned | JointsChecked | BrakeTested | ConsistDeparted | UnitDetached,
) -> None:  # fmt: skip
    standing = state.composition
    if standing is None or standing.id != operation.composition:
        state.contradict(entry, "consist_was_other", consist=operation.consist)
    at_us = entry.happened_us
    match operation:
        case ConsistSigned():
            _sign(state, entry, operation)
        case JointsChecked():
            faults = [Joint(f.ahead, f.behind, f.item, f.text) for f in operation.faults]
            state.joints.append(Joints(
                operation.id, operation.composition, at_us, list(operation.items), faults
            ))  # fmt: skip
        case BrakeTested():
            state.brakes.append(Brakes(
                operation.id, operation.composition, at_us, operation.test, operation.number,
                operation.locomotive or "", operation.mass_t, operation.brake_force_t,
                operation.outcome,
            ))  # fmt: skip
        case ConsistDeparted():
            state.departed_us, state.departed_by = at_us, operation.id
        case UnitDetached():
            state.detached += [
                Detached(unit, at_us, operation.place, operation.cause, operation.reason,
                         operation.id)
                for unit in operation.units
            ]  # fmt: skip


def _sign(state: Consist, entry: Entry, operation: ConsistSigned) -> None:
    """Nobody accepts their own work: one person signs one act of a composition."""
    others = {
        person for sign in state.signs
        if sign.composition == operation.composition and sign.act != operation.act
        for person in sign.people
    }  # fmt: skip
    if own := others & set(operation.performed_by):
        state.contradict(entry, "consist_own_work", act=operation.act, person=min(own))
    state.signs.append(Sign(
        operation.act, operation.answer, operation.reason, operation.id, operation.composition,
        entry.happened_us, list(operation.performed_by),
    ))  # fmt: skip


def _close(state: Consist, entry: Entry, operation: ConsistClosed) -> None:
    if state.closed_us is not None:
        state.contradict(entry, "consist_is_closed", consist=operation.consist)
    state.closed_us, state.closed_by = entry.happened_us, operation.id
    state.outcome, state.rescued = operation.outcome, operation.rescued
    state.delay_min = operation.delay_min or ""
    state.stock_delay_min = operation.stock_delay_min or ""


def _rows(state: Consist, catalogue: Catalogue) -> Rows:
    if state.composition is None:
        return {"consists": [], "consist_members": []}
    row = (
        state.unit, state.consist, state.train, state.train_kind, state.route, state.site,
        state.departs_us, state.departed_us, state.closed_us, state.outcome, len(state.units),
    )  # fmt: skip
    members = [
        (state.unit, unit, place, state.departs_us, state.closed_us)
        for place, unit in enumerate(state.units, 1)
    ]
    return {"consists": [row], "consist_members": members}


CONSIST = View(
    name="consist",
    version=2,
    state=Consist,
    kinds=frozenset({
        "ConsistComposed", "ConsistChanged", "ConsistSigned", "JointsChecked", "BrakeTested",
        "ConsistDeparted", "UnitDetached", "ConsistClosed", "Released", "ReleaseRefused",
    }),
    tables={
        "consists": (
            "unit TEXT PRIMARY KEY", "consist TEXT", "train TEXT", "train_kind TEXT",
            "route TEXT", "site TEXT", "departs_us BIGINT", "departed_us BIGINT",
            "closed_us BIGINT", "outcome TEXT", "units BIGINT",
        ),
        "consist_members": (
            "unit TEXT", "member TEXT", "place BIGINT", "departs_us BIGINT", "closed_us BIGINT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
