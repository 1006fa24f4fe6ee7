"""People by qualification: who holds a right now, and how many the plan's work asks for a shift.

One person is at a step for the whole of it, or the staff that the plan says a machine takes. Who
holds two rights counts for each of them; the last row takes all together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from django.db.models import Q

from railtrace.analysis.depot_flow import HOURS_A_WEEK, Shop, visits
from railtrace.catalogue.rows import Catalogue, Step
from railtrace.trace.leaf import microseconds
from railtrace.web.models import RoleAt
from railtrace.web.names import Names
from railtrace.web.planning.plan import (
    SHIFT_HOURS_A_WEEK,
    Plan,
    PlannedStation,
    Told,
    station_of,
    time_of,
)
from railtrace.web.planning.week import has_right
from railtrace.web.running import the_app

ANY = ""
"""Steps that ask for no right of their own: whoever has one may do them."""
NOWHERE = ""
"""The site of who has no role at any."""


@dataclass(frozen=True)
class Work:
    """What the plan asks of people: hours a week, how many at once while the stations are open,
    how many steps it is and how many of them stand by the norm."""

    hours: float = 0.0
    at_once: float = 0.0
    steps: int = 0
    by_norm: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.hours + other.hours, self.at_once + other.at_once,
                    self.steps + other.steps, self.by_norm + other.by_norm)  # fmt: skip


def asked(laid: Plan, shop: Shop, catalogue: Catalogue, of: Told) -> dict[str, Work]:
    """Return the work of a plan by the qualification that its steps ask for."""
    found: dict[str, Work] = {}
    for qualification, work in _works(laid, shop, catalogue, of):
        found[qualification] = found.get(qualification, Work()) + work
    return found


def _works(
    laid: Plan, shop: Shop, catalogue: Catalogue, of: Told
) -> Iterator[tuple[str, Work]]:
    for route in shop.processes:
        process, a_week = catalogue.processes[route.key], route.batches_per_h * HOURS_A_WEEK
        for step, visit, times in zip(process.steps, route.steps, visits(route), strict=True):
            hours = a_week * route.batch * float(times) * visit.mean_h * _crew(step, laid)
            basis = time_of(process, step, laid.work[route.key], of).basis
            open_h = laid.stations.get(visit.station, PlannedStation()).hours_a_week
            yield step.qualification, Work(hours, hours / open_h, 1, int(basis == "norm"))


def _crew(step: Step, laid: Plan) -> float:
    """Return how many people an item takes at a step."""
    planned = laid.stations.get(station_of(step), PlannedStation())
    return (planned.staff or 1.0) / planned.capacity


# --- who holds a right ---------------------------------------------------------------------------


def held() -> dict[str, set[str]]:
    """Return who holds each right now, by the trace; under `ANY` all who hold one."""
    now_us = microseconds(the_app().clock())
    found: dict[str, set[str]] = {ANY: set()}
    for row in the_app().lookup.qualifications():
        if has_right(row, now_us, now_us):
            person = row["unit"].removeprefix("person:")
            found.setdefault(row["qualification"], set()).add(person)
            found[ANY].add(person)
    return found


def holders() -> dict[str, int]:
    """Return how many hold each right now."""
    return {key: len(people) for key, people in held().items() if key != ANY}


def sites_of() -> dict[str, set[str]]:
    """Return at which sites a person has a role today; a role at every site names none."""
    today, found = the_app().clock().date(), dict[str, set[str]]()
    ended = Q(to_day__isnull=False, to_day__lt=today)
    roles = RoleAt.objects.exclude(ended).filter(from_day__lte=today)
    for person, site in roles.values_list("user__person__person_id", "site"):
        found.setdefault(person or "", set()).update({site} - {NOWHERE})
    return found


def by_site(people: Iterable[str], sites: Mapping[str, set[str]]) -> dict[str, int]:
    """Count people by site, the greatest number first; who has none stands last."""
    counts: dict[str, int] = {}
    for person in people:
        for site in sites.get(person) or {NOWHERE}:
            counts[site] = counts.get(site, 0) + 1
    return dict(sorted(counts.items(), key=lambda each: (each[0] == NOWHERE, -each[1], each[0])))


# --- side by side --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Staffed:
    """A qualification: what is asked of it and who holds it. `key` None takes all together."""

    key: str | None
    name: str
    work: Work
    held: int
    sites: Mapping[str, int]

    @property
    def shifts(self) -> float:
        """Over how many shifts of one person's week the open hours stretch, at least one."""
        open_h = self.work.hours / self.work.at_once if self.work.at_once else 0.0
        return max(open_h / SHIFT_HOURS_A_WEEK, 1.0)

    @property
    def held_a_shift(self) -> float:
        """How many of those who hold it are at work at once."""
        return self.held / self.shifts

    @property
    def persons(self) -> int:
        """How many persons the hours ask for, each of a week's norm."""
        return ceil(round(self.work.hours / SHIFT_HOURS_A_WEEK, 6))

    @property
    def short(self) -> int:
        """How many persons are missing."""
        return max(self.persons - self.held, 0)


def staffed(laid: Plan, shop: Shop, names: Names, of: Told) -> list[Staffed]:
    """Return the plan's qualifications with what is asked and who is there, then all together."""
    works, people, sites = asked(laid, shop, names.catalogue, of), held(), sites_of()
    rights = names.catalogue.qualifications
    rows = [
        _row(key, rights[key].name(names.language) if key in rights else key, work,
             people.get(key, set()), sites)
        for key, work in sorted(works.items(), key=lambda each: (each[0] == ANY, -each[1].hours))
    ]  # fmt: skip
    every = sum(works.values(), Work())
    return [*rows, _row(None, "", every, people[ANY], sites)]


def _row(
    key: str | None, name: str, work: Work, people: set[str], sites: Mapping[str, set[str]]
) -> Staffed:
    return Staffed(key, name, work, len(people), by_site(people, sites))
