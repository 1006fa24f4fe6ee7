"""What is known of units at two dates: *state at* (happened) and *known at* (recorded).

With neither date the stored states answer; with one of them every unit asked for is refolded
from its own operations. Pages read the same shapes either way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from msgspec.structs import replace

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.campaigns import Campaign
from railtrace.projections.campaigns import Standing as CampaignStanding
from railtrace.projections.campaigns import standing as campaign_standing
from railtrace.projections.claims import Claims
from railtrace.projections.condition import Condition, judged
from railtrace.projections.coupling import Coupling
from railtrace.projections.elsewhere import SHOWS_A_UNIT, Holding, Member, Told, holdings
from railtrace.projections.fold import Rows, State
from railtrace.projections.genealogy import Genealogy, Stay
from railtrace.projections.introduction import Introduction
from railtrace.projections.last_repairs import LastRepairs
from railtrace.projections.lists import SendingList
from railtrace.projections.maintenance import (
    HOUR_US,
    Due,
    Maintenance,
    ServiceRow,
    credited,
    dues,
    plan_of,
    stops_of,
    while_coupled,
)
from railtrace.projections.metrology import Instrument, Standing, standing
from railtrace.projections.mileage import Counter, Mileage
from railtrace.projections.orders import Order
from railtrace.projections.outside import Outside
from railtrace.projections.passport import Passport
from railtrace.projections.placement import Placement
from railtrace.projections.qualifications import Rights
from railtrace.projections.recall import Recall, matches
from railtrace.projections.rejudge import Block, Read
from railtrace.projections.release import Gate, away_gates, campaign_gates, gates, remark_gates
from railtrace.projections.remaining import Remaining, remaining
from railtrace.projections.remarks import Remarks
from railtrace.projections.stock import Stock
from railtrace.projections.usage import Usage
from railtrace.projections.work import StepState, Surroundings, open_steps, progress
from railtrace.store.lookup import Lookup
from railtrace.store.views import ViewStore
from railtrace.trace.leaf import moment

REFERENCE_BLOCK = "reference_block"
"""The kind of equipment that sets for non-destructive testing are set up on."""
_PERMITS_BEFORE_US = 30 * 86_400_000_000
"""A permit to work may have been issued some days before its order was opened."""


@dataclass(frozen=True)
class Node:
    """A unit on its carrier, with what is on it."""

    unit: str
    stay: Stay | None
    passport: Passport
    condition: Condition
    children: tuple["Node", ...] = ()

    def walk(self) -> list["Node"]:
        """Return this node and everything below it."""
        return [self, *(node for child in self.children for node in child.walk())]


@dataclass(frozen=True)
class Affected:
    """One part of a recall: where it is, and on which vehicle in the end."""

    part: Passport
    stay: Stay | None
    vehicle: Passport | None
    where: str
    """in_service, abroad, stock or condemned."""


class Knowledge:
    """Reads units as they were at `state_us`, by what was known at `known_us`."""

    def __init__(
        self,
        views: ViewStore,
        lookup: Lookup,
        catalogue: Catalogue,
        state_us: int | None = None,
        known_us: int | None = None,
        clock_us: int = 0,
        read_file: Read = lambda sha256: None,
        heard: Callable[[int | None], Mapping[str, int]] = lambda known_us: {},
    ) -> None:
        self._read_file, self._heard = read_file, heard
        self._views, self._lookup, self.catalogue = views, lookup, catalogue
        self.state_us, self.known_us = state_us, known_us
        self._clock_us = clock_us
        self._folded: dict[str, dict[str, tuple[State, Rows]]] = {}
        self._counters: dict[tuple[str, str], Counter] = {}
        self._elsewhere: dict[str, list[Holding]] = {}

    def at(self, state_us: int) -> "Knowledge":
        """Return the reader of an earlier state, by what this one knows."""
        return Knowledge(
            self._views, self._lookup, self.catalogue, state_us, self.known_us,
            read_file=self._read_file, heard=self._heard,
        )  # fmt: skip

    @property
    def now(self) -> bool:
        """Whether this is today's knowledge of today."""
        return self.state_us is None and self.known_us is None

    @property
    def at_us(self) -> int:
        """The moment the state is asked for; of today's, the clock of whoever asks."""
        return self._clock_us if self.state_us is None else self.state_us

    def load(self, units: Sequence[str]) -> None:
        """Read several units at once, so that a page costs few queries."""
        missing = [unit for unit in dict.fromkeys(units) if unit not in self._folded]
        if self.now:
            stored = self._views.states_now(missing)
            for unit in missing:
                self._folded[unit] = {
                    name: (stored[name, unit], {})
                    for name in self._views.views
                    if (name, unit) in stored
                }
            return
        for unit in missing:
            self._folded[unit] = self._views.states_then(unit, self.state_us, self.known_us)

    def states(self, unit: str) -> dict[str, State]:
        """Return every view's state of a unit; views that never heard of it are left out."""
        self.load([unit])
        return {name: state for name, (state, _) in self._folded[unit].items()}

    def history(self, unit: str, view: str, table: str) -> list[tuple[object, ...]]:
        """Return history rows of a refolded unit (at two dates only)."""
        self.load([unit])
        return self._folded[unit][view][1].get(table, [])

    def passport(self, unit: str) -> Passport:
        """Return a unit's passport, an empty one when nothing is known."""
        return cast(Passport, self.states(unit).get("passport") or Passport(unit=unit))

    def genealogy(self, unit: str) -> Genealogy:
        """Return where a unit has been and what has been on it."""
        return cast(Genealogy, self.states(unit).get("genealogy") or Genealogy(unit=unit))

    def coupling(self, unit: str) -> Coupling:
        """Return which locomotives a section was in, and a locomotive's sections."""
        return cast(Coupling, self.states(unit).get("coupling") or Coupling(unit=unit))

    def last_repairs(self, unit: str) -> LastRepairs:
        """Return the last repair of each kind, as far as it is known."""
        return cast(LastRepairs, self.states(unit).get("last_repairs") or LastRepairs(unit=unit))

    def introduction(self, site: str) -> Introduction:
        """Return the gates in introduction at a site."""
        unit = f"gates:{site}"
        return cast(Introduction, self.states(unit).get("introduction") or Introduction(unit=unit))

    def usage(self, unit: str) -> Usage:
        """Return a unit's own counters."""
        return cast(Usage, self.states(unit).get("usage") or Usage(unit=unit))

    def condition(self, unit: str) -> Condition:
        """Return what has been measured and found on a unit."""
        return cast(Condition, self.states(unit).get("condition") or Condition(unit=unit))

    def maintenance(self, unit: str) -> Maintenance:
        """Return what was last done to a unit, and of a section, to its locomotives with it."""
        own = cast(Maintenance, self.states(unit).get("maintenance") or Maintenance(unit=unit))
        stays = self.coupling(unit).stays
        return credited(own, while_coupled(stays, self.locomotive_services)) if stays else own

    def locomotive_services(self, locomotive: str) -> list[ServiceRow]:
        """Return every service done to a locomotive, the oldest first."""
        if self.now:
            return self._lookup.locomotive_services(locomotive)
        if "maintenance" not in self.states(locomotive):
            return []
        rows = self.history(locomotive, "maintenance", "locomotive_services")
        return [cast(ServiceRow, row[1:5]) for row in rows]

    def stock(self, unit: str) -> Stock:
        """Return where a part stands between carriers, and what a carrier is owed."""
        return cast(Stock, self.states(unit).get("stock") or Stock(unit=unit))

    def sending_list(self, name: str) -> SendingList:
        """Return a sending list by its name, an empty one when nobody has begun it."""
        unit = f"list:{name}"
        return cast(SendingList, self.states(unit).get("lists") or SendingList(unit=unit))

    def known(self, unit: str) -> bool:
        """Whether any operation speaks of the unit at these dates."""
        return any(state.last[3] >= 0 for state in self.states(unit).values())

    def tree(self, unit: str, stay: Stay | None = None, _above: tuple[str, ...] = ()) -> Node:
        """Return a unit with its sections and everything on it, level by level."""
        below = [*self.coupling(unit).coupled(), *self.genealogy(unit).carried()]
        carried = [s for s in below if s.part not in (*_above, unit)]
        self.load([s.part for s in carried])
        children = tuple(self.tree(s.part, s, (*_above, unit)) for s in carried)
        return Node(unit, stay, self.passport(unit), self.condition(unit), children)

    def load_trees(self, units: Sequence[str]) -> None:
        """Read several units and everything on them, a level of all of them at a time."""
        level, seen = list(units), set(units)
        while level:
            self.load(level)
            below = [
                stay.part for unit in level
                for stay in (*self.coupling(unit).coupled(), *self.genealogy(unit).carried())
            ]  # fmt: skip
            level = [part for part in dict.fromkeys(below) if part not in seen]
            seen.update(level)

    def root(self, unit: str) -> tuple[str, list[Stay]]:
        """Return the unit everything hangs on, and the stays from the part up to it."""
        chain: list[Stay] = []
        seen = {unit}
        while (stay := self.genealogy(unit).carrier()) is not None and stay.carrier not in seen:
            chain.append(stay)
            unit = stay.carrier
            seen.add(unit)
        return unit, chain

    def counter(self, unit: str, meter: str = "km") -> Counter:
        """Return a unit's own counter over time."""
        if (unit, meter) not in self._counters:
            self._counters[unit, meter] = self._read_counter(unit, meter)
        return self._counters[unit, meter]

    def _read_counter(self, unit: str, meter: str) -> Counter:
        if self.now:
            anchors, runs = self._lookup.counter_rows(
                unit, "km" if meter == "km" else "engine_hours"
            )
            return Counter(anchors, runs)
        column = 2 if meter == "km" else 3
        anchors_then = self.history(unit, "usage", "anchors")
        runs_then = self.history(unit, "usage", "runs")
        return Counter(
            [(cast(int, r[2]), cast(int, r[3])) for r in anchors_then if r[1] == meter],
            [(cast(int, r[1]), cast(int, r[column])) for r in runs_then],
        )

    def mileage(self, meter: str = "km") -> Mileage:
        """Return the reader of own counters, carriers and locomotives included."""
        return Mileage(
            lambda unit: self.counter(unit, meter),
            lambda unit: [*self.genealogy(unit).stays, *self.coupling(unit).stays],
        )

    def remaining(
        self, unit: str, repair_kind: str, interval_km: int, now_us: int
    ) -> list[tuple[str, Remaining]]:
        """Return what is left to a repair, of each section where the unit is a locomotive."""
        sections = [stay.part for stay in self.coupling(unit).coupled()] or [unit]
        self.load(sections)
        mileage = self.mileage()
        return [
            (section, remaining(
                repair_kind, interval_km * 1000,
                self.last_repairs(section).by_kind.get(repair_kind),
                partial(mileage.at, section), now_us,
            ))
            for section in sections
        ]  # fmt: skip

    def recalls(self) -> list[Recall]:
        """Return the recalls opened by these dates."""
        states = (self.states(row["unit"]).get("recall") for row in self._lookup.recalls())
        return [s for s in states if isinstance(s, Recall) and s.opened_us is not None]

    def affected(self, criteria: Recall) -> list[Affected]:
        """Return the parts that meet a recall's criteria: in service, abroad, stock, condemned."""
        units = self._lookup.made_like(
            {n: getattr(criteria, n) for n in ("type", "maker", "heat", "batch", "made")}
        )
        self.load(units)
        parts = [p for unit in units if matches(criteria, p := self.passport(unit)) and p.type]
        order = ("in_service", "abroad", "stock", "condemned")
        return sorted((self._affected(part) for part in parts), key=lambda a: order.index(a.where))

    def _affected(self, part: Passport) -> Affected:
        root, chain = self.root(part.unit)
        if part.scrapped:
            return Affected(part, None, None, "condemned")
        if not chain:
            return Affected(part, None, None, "stock")
        vehicle = self.passport(root)
        where = "abroad" if vehicle.whereabouts == "abroad" else "in_service"
        return Affected(part, chain[0], vehicle, where)

    def instrument(self, unit: str) -> Instrument:
        """Return what is known of an instrument's right to be believed."""
        return cast(Instrument, self.states(unit).get("metrology") or Instrument(unit=unit))
    def dues(self, unit: str) -> list[Due]:
        """Return how each kind of maintenance of a unit stands."""
        state = self.maintenance(unit)
        day = moment(self.at_us).date()
        plan = plan_of(self.catalogue, state.type, day, state.programme)
        return dues(state, plan, self.at_us, lambda *since: self._since(unit, *since),
                    stops_of(self.catalogue, day))  # fmt: skip

    def _since(
        self, unit: str, meter: str, since_us: int, then_milli: int | None
    ) -> tuple[float, bool]:
        """What a unit ran since a moment [km or h], and whether that is only the least."""
        mileage, known_us = self.mileage(meter), self._counted_from(unit, meter)
        if then_milli is not None:
            return (mileage.at(unit, self.at_us) - then_milli) / 1000, False
        start = since_us if known_us is None else max(since_us, known_us)
        ran = mileage.at(unit, self.at_us) - mileage.at(unit, start)
        return ran / 1000, start > since_us

    def _counted_from(self, unit: str, meter: str) -> int | None:
        """From when a unit's counter is known; None: from its making."""
        if self.maintenance(unit).made_us is not None:
            return None
        on = [*self.genealogy(unit).stays, *self.coupling(unit).stays]
        stays = [s.from_us for s in on if s.from_us is not None]
        firsts = [us for us in (self.counter(unit, meter).first_us, *stays) if us is not None]
        return min(firsts, default=None)

    def gates(self, unit: str, behind: int = 0, day: str = "") -> list[Gate]:
        """Return why a unit may not go out on a day (YYYY-MM-DD), as far as the views know.

        Without a day nothing has run out and no order of introduction holds.
        """
        nodes = self.tree(unit).walk()
        if not day and self.state_us is not None:
            day = moment(self.state_us).date().isoformat()
        return gates(
            [(node.unit, self.states(node.unit)) for node in nodes],
            self.recalls(),
            self.catalogue,
            behind,
            day,
            self.introduction(self.site_of(unit)),
            self._instruments(nodes),
            {node.unit: self.dues(node.unit) for node in nodes} if not behind else {},
            self.at_us,
            [*self._work_gates([node.unit for node in nodes]),
             *self._upkeep_gates([node.unit for node in nodes])],
            self.elsewhere([unit])[unit],
        )  # fmt: skip

    def elsewhere(self, units: Sequence[str]) -> dict[str, list[Holding]]:
        """Return, of units with what is on them, the logs of others that had them and are silent.

        As known on an earlier date: by what had been recorded, and heard of the logs, by then.
        """
        missing = [unit for unit in dict.fromkeys(units) if unit not in self._elsewhere]
        silent = self._silent() if missing else {}
        bodies = {unit: _body(self.tree(unit)) if silent else [] for unit in missing}
        members = sorted({one.unit for body in bodies.values() for one in body})
        told = (
            self._lookup.told_since_logs(members, sorted(silent), sorted(SHOWS_A_UNIT))
            if silent else {}
        )  # fmt: skip
        told = {unit: self._known(entries) for unit, entries in told.items()}
        self._elsewhere |= {
            unit: [self._until_known(one) for one in holdings(body, told, silent)]
            for unit, body in bodies.items()
        }
        return {unit: self._elsewhere[unit] for unit in units}

    def _silent(self) -> dict[str, int]:
        """Return when the logs were heard of that were silent for longer than some gate bears."""
        hours = [row.max_age_h or 0 for row in self.catalogue.release_gates.values()
                 if row.check == "data_elsewhere"]  # fmt: skip
        if not hours:
            return {}
        now_us = self.at_us if self.known_us is None else min(self.at_us, self.known_us)
        since_us = now_us - round(min(hours) * HOUR_US)
        return {log: us for log, us in self._heard(self.known_us).items() if us < since_us}

    def _known(self, entries: list[Told]) -> list[Told]:
        known_us = self.known_us
        return entries if known_us is None else [e for e in entries if e.recorded_us <= known_us]

    def _until_known(self, one: Holding) -> Holding:
        """Nobody waits, as known on a date, for what came after it."""
        if self.known_us is None:
            return one
        until_us = self.known_us if one.until_us is None else min(one.until_us, self.known_us)
        return replace(one, until_us=until_us)

    def _upkeep_gates(self, units: Sequence[str]) -> list[Gate]:
        """Return what campaigns, crews' remarks and repairs elsewhere say against release."""
        found: list[Gate] = []
        for unit in units:
            found += campaign_gates(unit, self.campaigns(unit))
            found += remark_gates(self.remarks(unit), self.at_us)
            found += away_gates(self.outside(unit))
        return found

    def campaign(self, name: str) -> Campaign:
        """Return a campaign by its name, an empty one when nobody has opened it."""
        unit = f"campaign:{name}"
        return cast(Campaign, self.states(unit).get("campaigns") or Campaign(unit=unit))

    def campaigns(self, unit: str) -> list[CampaignStanding]:
        """Return how a unit stands in the campaigns it is in."""
        state = cast(Campaign, self.states(unit).get("campaigns") or Campaign(unit=unit))
        self.load([f"campaign:{name}" for name in state.members])
        maintenance = self.maintenance(unit)
        return [
            campaign_standing(self.campaign(name), member, maintenance, self.at_us)
            for name, member in state.members.items()
        ]

    def members(self, campaign: Campaign) -> dict[str, CampaignStanding]:
        """Return how each member of a campaign stands in it."""
        self.load(list(campaign.members))
        return {
            unit: campaign_standing(campaign, member, self.maintenance(unit), self.at_us)
            for unit, member in campaign.members.items()
        }

    def remarks(self, unit: str) -> Remarks:
        """Return the remarks of crews on a unit."""
        return cast(Remarks, self.states(unit).get("remarks") or Remarks(unit=unit))

    def claims(self, unit: str) -> Claims:
        """Return the warranties and claims of a unit."""
        return cast(Claims, self.states(unit).get("claims") or Claims(unit=unit))

    def outside(self, unit: str) -> Outside:
        """Return the repairs of a unit by others."""
        return cast(Outside, self.states(unit).get("outside") or Outside(unit=unit))

    def run_since(self, unit: str, meter: str, since_us: int) -> float:
        """Return what a unit ran since a moment [km or h]."""
        return self._since(unit, meter, since_us, None)[0]

    def _work_gates(self, units: Sequence[str]) -> list[Gate]:
        """Return the orders that are open on some units, and those closed before their end."""
        rows = self._lookup.orders(units)
        orders = [self.order(row["unit"]) for row in rows]
        found = []
        for order in orders:
            values = {"order": order.order, "process": order.process, "step": ""}
            if order.open:
                found.append(Gate("work_open", order.subject, values))
            elif order.result == "done" and (left := open_steps(self.steps(order))):
                values |= {"step": left[0].step.key, "operation": order.closed_by}
                found.append(Gate("work_incomplete", order.subject, values))
        return found

    def order(self, unit: str) -> Order:
        """Return a work order by its pseudo-unit."""
        return cast(Order, self.states(unit).get("orders") or Order(unit=unit))

    def steps(self, order: Order) -> list[StepState]:
        """Return an order's steps as they stand; none when its process is not in the catalogue."""
        process = self.catalogue.processes.get(order.process)
        if process is None or order.opened_us is None:
            return []
        since = order.opened_us - _PERMITS_BEFORE_US
        entries = self._views.entries_since(order.subject, since, self.state_us, self.known_us)
        return progress(order, process, entries, self._around(order.subject))

    def _around(self, subject: str) -> Surroundings:
        return Surroundings(
            self.catalogue,
            self.passport(subject).type,
            lambda device, *asked: standing(self.instrument(device), *asked),
            lambda person, right, at_us: self.rights(person).may(right, at_us),
            lambda device: self.passport(device).type,
            self._read_file,
            self.blocks,
        )

    def blocks(self, device: str, at_us: int) -> tuple[Block, ...]:
        """Return the reference blocks that lay with a set at a moment, with their papers then."""
        lay = [stay.part for stay in self.genealogy(device).parts if stay.covers(at_us)]
        return tuple(
            Block(part, standing(self.instrument(part), at_us).word)
            for part in lay
            if self.passport(part).type == REFERENCE_BLOCK
        )

    def placement(self, unit: str) -> Placement:
        """Return on which tracks of depots a unit stood, stands and is to stand."""
        return cast(Placement, self.states(unit).get("placement") or Placement(unit=unit))

    def rights(self, person: str) -> Rights:
        """Return a person's rights to work, by the pseudonym."""
        unit = f"person:{person}"
        return cast(Rights, self.states(unit).get("qualifications") or Rights(unit=unit))

    def site_of(self, unit: str) -> str:
        """Return the home depot of a unit; of a locomotive, that of its first section."""
        sections = (stay.part for stay in self.coupling(unit).coupled())
        sites = (self.passport(some).home_site for some in (unit, *sections))
        return next(filter(None, sites), "")

    def _instruments(self, nodes: list[Node]) -> dict[str, Instrument]:
        """Return the instruments behind the last readings of some units."""
        series = [s for node in nodes for s in node.condition.series.values()]
        devices = {s.readings[-1].device for s in series if s.readings} - {""}
        self.load(sorted(devices))
        return {device: self.instrument(device) for device in devices}


def _body(node: Node, since_us: int = 0) -> list[Member]:
    """Return a unit and the parts on it, each since when it is on it."""
    here = max(since_us, (node.stay.from_us or 0) if node.stay else 0)
    below = [one for child in node.children for one in _body(child, here)]
    return [Member(node.unit, here), *below]


def leaned_on_at(
    today: Knowledge, unit: str, at_us: int
) -> dict[str, list[tuple[str, Standing]]]:
    """Return what a decision of an earlier moment leaned on, the instruments as known today."""
    then = today.at(at_us)
    found: dict[str, list[tuple[str, Standing]]] = {}
    for node in then.tree(unit).walk():
        for result in judged(node.condition, then.catalogue):
            last = result.last
            if last.device:
                trust = standing(
                    today.instrument(last.device), last.at_us, result.quantity, last.value,
                    last.expired_by,
                )  # fmt: skip
                found.setdefault(last.device, []).append((node.unit, trust))
    return found
