"""Standing: the state of a unit, its holders and its place, as one row from change to change.

A unit's passport knows what stands now; every change closes a span that becomes a history row.
Which states there are and how their hours count is catalogue data.
"""

from typing import Any

from msgspec import Struct

SPANS = (
    "unit TEXT", "at_us BIGINT", "to_us BIGINT", "state TEXT", "detail TEXT", "place TEXT",
    "whereabouts TEXT", "owner TEXT", "keeper TEXT", "home_site TEXT", "log TEXT",
    "position BIGINT",
)  # fmt: skip


class Standing(Struct, frozen=True):
    """What holds of a unit between two changes; `detail` is the kind of repair."""

    state: str = ""
    detail: str = ""
    place: str = ""
    whereabouts: str = ""
    owner: str = ""
    keeper: str = ""
    home_site: str = ""


class Span(Struct, frozen=True):
    """A standing from a moment on, and the entry that began it."""

    standing: Standing
    from_us: int
    log: str
    position: int

    def row(self, unit: str, to_us: int) -> tuple[Any, ...]:
        """Return the history row of a span that has ended."""
        s = self.standing
        return (
            unit, self.from_us, to_us, s.state, s.detail, s.place, s.whereabouts, s.owner,
            s.keeper, s.home_site, self.log, self.position,
        )  # fmt: skip


class Restriction(Struct, frozen=True):
    """A restriction that has not been lifted; `until` the last day, "" without an end."""

    id: str
    restriction: str
    effect: str
    max_speed_kmh: int | None
    area: str
    until: str
    from_us: int

    def holds_on(self, day: str) -> bool:
        """Whether it has not run out by a day (YYYY-MM-DD)."""
        return not self.until or day[: len(self.until)] <= self.until


class Permission(Struct, frozen=True):
    """A permission that has not been ended."""

    id: str
    permission: str
    area: str
    until: str
    from_us: int

    def holds_on(self, day: str) -> bool:
        """Whether it has not run out by a day (YYYY-MM-DD)."""
        return not self.until or day[: len(self.until)] <= self.until
