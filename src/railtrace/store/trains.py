"""Consists as the pages ask for them: lists by day, and all that a gate looks at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import cast

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.consist import PREFIX, Composition, Consist
from railtrace.projections.consist_gates import Act, Facts, UnitFacts, fits
from railtrace.projections.maintenance import HOUR_US
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import InConsist, Listed, Lookup
from railtrace.trace.leaf import moment

_LONGEST = 500


class Trains:
    """Reads consists and what they are judged by."""

    def __init__(self, knowledge: Knowledge, lookup: Lookup) -> None:
        self.knowledge, self._lookup = knowledge, lookup

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that judges."""
        return self.knowledge.catalogue

    def departures(self, from_us: int, to_us: int, site: str = "") -> list[Listed]:
        """Return the consists that are to leave between two moments, the first first."""
        return self._lookup.consists(from_us, to_us, site, _LONGEST)

    def consist(self, name: str) -> Consist:
        """Return a consist by its name, an empty one when nobody has composed it."""
        unit = f"{PREFIX}{name}"
        return cast(Consist, self.knowledge.states(unit).get("consist") or Consist(unit=unit))

    def other_trains(self, consist: Consist, units: Sequence[str]) -> dict[str, list[str]]:
        """Return, of some units, the other trains whose trips overlap the one of a consist."""
        found: dict[str, list[str]] = {}
        for row in self._lookup.consists_with(units):
            if row.unit != consist.unit and self._overlaps(consist, row):
                found.setdefault(row.member, []).append(row.unit.removeprefix(PREFIX))
        return found

    def _overlaps(self, consist: Consist, other: InConsist) -> bool:
        begins, ends = consist.departs_us or 0, self._ends_us(consist.route, consist.departs_us)
        other_ends = self._ends_us(other.route, other.departs_us)
        if other.departed_us is not None:
            other_ends = max(other_ends, self.knowledge.at_us)
        return begins < other_ends and other.departs_us < ends

    def _ends_us(self, route: str, departs_us: int | None) -> int:
        row = self.catalogue.routes.get(route)
        hours = row.hours if row is not None else 0
        return (departs_us or 0) + round(max(hours, 1) * HOUR_US)

    def facts(
        self, consist: Consist, act: Act, zone: tzinfo, behind: int = 0,
        pending: Mapping[str, int] | None = None,
    ) -> Facts:  # fmt: skip
        """Return what a consist is judged by for an act; days are those of the depot's clock.

        `pending` are entries that the views have not taken, by unit; `behind` those of the whole.
        """
        knowledge, units = self.knowledge, consist.units
        knowledge.load_trees(units)
        knowledge.elsewhere(units)
        others = self.other_trains(consist, units)
        departs = moment(consist.departs_us or knowledge.at_us).astimezone(zone)
        return Facts(
            consist, [self._unit(unit, departs, others.get(unit, ()), pending) for unit in units],
            self.catalogue, act, departs.date(), knowledge.at_us,
            lambda person, right, at_us: knowledge.rights(person).may(right, at_us), behind,
        )  # fmt: skip

    def unit_alone(
        self, unit: str, zone: tzinfo, pending: Mapping[str, int] | None = None
    ) -> Facts:
        """Return what a unit is judged by that goes out by itself, now."""
        knowledge, now_us = self.knowledge, self.knowledge.at_us
        knowledge.load_trees([unit])
        consist = Consist(
            unit="", site=knowledge.site_of(unit), departs_us=now_us,
            compositions=[Composition(unit, now_us, [unit], [], [])],
        )  # fmt: skip
        now = moment(now_us).astimezone(zone)
        return Facts(consist, [self._unit(unit, now, (), pending)], self.catalogue, "ready",
                     now.date(), now_us, alone=True)  # fmt: skip

    def _unit(
        self, unit: str, departs: datetime, trains: Sequence[str],
        pending: Mapping[str, int] | None = None,
    ) -> UnitFacts:  # fmt: skip
        knowledge = self.knowledge
        nodes = knowledge.tree(unit).walk()
        passport = nodes[0].passport
        numbers = [n.value for n in passport.numbers if n.to_us is None]
        shared = [n for n in numbers if len(self._lookup.bearers(n)) > 1]
        return UnitFacts(
            unit, passport.type, self.catalogue.class_of(passport.type),
            [(node.unit, knowledge.states(node.unit)) for node in nodes],
            knowledge.gates(unit, 0, departs.date().isoformat()), tuple(shared), tuple(trains),
            {node.unit: knowledge.dues(node.unit) for node in nodes[:1]},
            behind_of(knowledge, unit, pending or {}), knowledge.elsewhere([unit])[unit],
        )  # fmt: skip

    def candidates(self, like: UnitFacts, facts: Facts, site: str, most: int = 40) -> list[str]:
        """Return units of one kind that could take a unit's place: fit, and free for the trip."""
        units = self._free_of(like.type, facts, site, 4 * most)[:most]
        self.knowledge.load_trees(units)
        return [unit for unit in units if self.may_go(facts, unit)]

    def _free_of(self, type_: str, facts: Facts, site: str, most: int) -> list[str]:
        rows = self._lookup.fleet(
            {"scope": "vehicles", "type": type_} | ({"home_site": site} if site else {}),
            limit=most,
        ).rows  # fmt: skip
        standing = {unit.unit for unit in facts.units}
        return [r.unit for r in rows if r.unit not in standing and r.status in FREE]

    def free_units(self, facts: Facts, most: int) -> list[tuple[str, str]]:
        """Return units of the kinds in a consist that stand in no train then, with their kind.

        Whether they are fit is asked of each that would be offered: `may_go`.
        """
        site = facts.consist.site
        kinds = dict.fromkeys(unit.type for unit in facts.units)
        rows = [(u, kind) for kind in kinds for u in self._free_of(kind, facts, site, most)][:most]
        taken = self.other_trains(facts.consist, [unit for unit, _ in rows])
        return [(unit, kind) for unit, kind in rows if unit not in taken]

    def may_go(self, facts: Facts, unit: str) -> bool:
        """Tell whether a unit could go with a consist: no mandatory reason of its own."""
        self.knowledge.load_trees([unit])
        departs = moment(facts.departs_us).astimezone(UTC)
        trains = self.other_trains(facts.consist, [unit]).get(unit, ())
        return fits(facts, self._unit(unit, departs, trains))


def behind_of(knowledge: Knowledge, unit: str, pending: Mapping[str, int]) -> int:
    """Return how many waiting entries speak of a unit, of what is on it and of its instruments."""
    if not pending:
        return 0
    nodes = knowledge.tree(unit).walk()
    series = (s for node in nodes for s in node.condition.series.values() if s.readings)
    asked = {node.unit for node in nodes} | {s.readings[-1].device for s in series}
    return sum(pending.get(one, 0) for one in asked)


FREE = frozenset({"in_use", "reserve", "registered"})
"""States from which a unit can be taken into a train."""
