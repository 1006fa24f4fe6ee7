"""Questions about states, holders and places of many units: counts, movements, hours, couplings.

The open span of a unit stands in `units`, the closed ones in `state_spans`; together they give
the standing of every unit at any moment, by what is known now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from railtrace.projections.availability import Hours
from railtrace.projections.passport import PASSPORT
from railtrace.store.database import Database, chunks, marks

_STANDING = (
    "state", "detail", "place", "whereabouts", "owner", "keeper", "home_site", "at_us", "to_us",
)  # fmt: skip
BY = ("home_site", "place", "keeper", "owner", "vehicle_class", "type")
"""What holdings are counted by, beside the state."""
_CLOSED = "SELECT unit, state, detail, place, whereabouts, owner, keeper, home_site, at_us, to_us"
_OPEN = (
    "SELECT unit, status AS state, detail, place, whereabouts, owner, keeper, home_site,"
    " since_us AS at_us, NULL AS to_us FROM units WHERE since_us IS NOT NULL"
)
_DEEPEST = 9
"""Parts on parts; what carries itself by contradicting entries is followed no further."""
_SPANS = f"({_CLOSED} FROM state_spans UNION ALL {_OPEN})"


@dataclass(frozen=True, slots=True)
class Held:
    """One unit as it stands at a moment."""

    unit: str
    vehicle_class: str
    type: str
    number: str
    scheme: str
    guest: int
    state: str
    detail: str
    place: str
    whereabouts: str
    owner: str
    keeper: str
    home_site: str
    at_us: int
    to_us: int | None


_HELD = "u.unit, u.vehicle_class, u.type, u.number, u.scheme, u.guest, " + ", ".join(
    f"s.{name}" for name in _STANDING
)


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of a unit's standing: what it was before, what it is from a moment on."""

    after: Held
    before: dict[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """A section in a locomotive, from one moment to another."""

    section: str
    locomotive: str
    place: str
    from_us: int
    to_us: int | None


class Holdings:
    """Reads the view tables of one database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- by state and place -----------------------------------------------------------------

    def counts(
        self, by: str, filters: dict[str, str], at_us: int | None = None
    ) -> list[tuple[str, str, int]]:
        """Return (state, value of `by`, how many) of the units that filters let through."""
        column = _column(by)
        source, where, parameters = _held(filters, at_us)
        return [
            (str(state), str(value or ""), int(count))
            for state, value, count in self._db.query(
                f"SELECT s.state, {column}, COUNT(*) FROM {source} WHERE {where}"
                f" GROUP BY s.state, {column}",
                parameters,
            )
        ]

    def units(
        self,
        filters: dict[str, str],
        at_us: int | None = None,
        after: str = "",
        limit: int = 50,
    ) -> list[Held]:
        """Return units by state, place and number, a page at a time."""
        source, where, parameters = _held(filters, at_us)
        rows = self._db.query(
            f"SELECT {_HELD} FROM {source} WHERE {where} AND u.unit > ? ORDER BY u.unit"
            f" LIMIT {limit:d}",
            [*parameters, after],
        )
        return [Held(*row) for row in rows]

    def spans(self, unit: str) -> list[dict[str, Any]]:
        """Return every span of a unit, oldest first; the last one has no end."""
        rows = self._db.query(
            f"SELECT {', '.join(_STANDING)} FROM {_SPANS} s WHERE s.unit = ? ORDER BY at_us",
            (unit,),
        )
        return [dict(zip(_STANDING, row, strict=True)) for row in rows]

    # --- movements --------------------------------------------------------------------------

    def movements(
        self, from_us: int, to_us: int, what: str = "", filters: dict[str, str] | None = None,
        limit: int = 200,
    ) -> list[Movement]:
        """Return what changed between two moments, newest first.

        `what` is place, state or holder: only changes of that.
        """
        conditions, parameters = _conditions(filters or {})
        changed = {
            "place": "(p.place <> s.place OR p.whereabouts <> s.whereabouts)",
            "state": "(p.state <> s.state OR p.detail <> s.detail)",
            "holder": "(p.owner <> s.owner OR p.keeper <> s.keeper OR p.home_site <> s.home_site)",
        }
        where = [*conditions, "s.at_us >= ?", "s.at_us < ?"]
        where += [changed[what]] if what in changed else []
        names = _STANDING[:7]
        rows = self._db.query(
            f"SELECT {_HELD}, {', '.join(f'p.{name}' for name in names)} FROM {_SPANS} s"
            " JOIN units u ON u.unit = s.unit"
            " JOIN state_spans p ON p.unit = s.unit AND p.to_us = s.at_us"
            f" WHERE {' AND '.join(where)} ORDER BY s.at_us DESC, s.unit LIMIT {limit:d}",
            [*parameters, from_us, to_us],
        )
        width = 6 + len(_STANDING)
        return [
            Movement(Held(*row[:width]), dict(zip(names, row[width:], strict=True)))
            for row in rows
        ]

    def causes(self, moments: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Return the operation behind each change, by unit and moment."""
        wanted, found = set(moments), dict[tuple[str, int], str]()
        kinds = sorted(PASSPORT.kinds)
        for some in chunks(sorted({unit for unit, _ in moments})):
            low, high = min(at for _, at in moments), max(at for _, at in moments)
            for unit, at_us, id_ in self._db.query(
                f"SELECT unit, happened_us, id FROM unit_ops WHERE unit IN ({marks(len(some))})"
                f" AND happened_us BETWEEN ? AND ? AND kind IN ({marks(len(kinds))})"
                " ORDER BY recorded_us",
                [*some, low, high, *kinds],
            ):
                if (unit, at_us) in wanted:
                    found[unit, at_us] = id_
        return found

    # --- hours ------------------------------------------------------------------------------

    def hours(
        self, by: str, from_us: int, to_us: int, filters: dict[str, str] | None = None
    ) -> list[tuple[str, Hours]]:
        """Return the time units spent in each state within a window, by a column.

        What is known now is counted; `to_us` is no later than now.
        """
        column = _column(by)
        conditions, parameters = _conditions(filters or {})
        clipped = (
            "(CASE WHEN s.to_us IS NULL OR s.to_us > ? THEN ? ELSE s.to_us END)"
            " - (CASE WHEN s.at_us < ? THEN ? ELSE s.at_us END)"
        )
        where = [*conditions, "s.at_us < ?", "(s.to_us IS NULL OR s.to_us > ?)"]
        rows = self._db.query(
            f"SELECT {column}, u.vehicle_class, s.state, s.detail, SUM({clipped})"
            f" FROM {_SPANS} s JOIN units u ON u.unit = s.unit WHERE {' AND '.join(where)}"
            f" GROUP BY {column}, u.vehicle_class, s.state, s.detail",
            [to_us, to_us, from_us, from_us, *parameters, to_us, from_us],
        )
        return [
            (str(key or ""), Hours(str(unit_class), str(state), str(detail), int(us)))
            for key, unit_class, state, detail, us in rows
        ]

    # --- locomotives, introductions, openings -----------------------------------------------

    def sections(self, locomotives: Sequence[str] = ()) -> list[Section]:
        """Return the sections of locomotives (of all when none is named) as coupled now."""
        found: list[Section] = []
        names = "unit, locomotive, place, from_us, to_us"
        if not locomotives:
            rows = self._db.query(
                f"SELECT {names} FROM couplings WHERE to_us IS NULL ORDER BY locomotive, from_us"
            )
            return [Section(*row) for row in rows]
        for some in chunks(locomotives):
            found += [
                Section(*row)
                for row in self._db.query(
                    f"SELECT {names} FROM couplings WHERE to_us IS NULL AND locomotive IN"
                    f" ({marks(len(some))}) ORDER BY locomotive, from_us",
                    list(some),
                )
            ]
        return found

    def introductions(self) -> list[dict[str, Any]]:
        """Return every order under which a gate is or was in introduction, newest first."""
        names = ("site", "gate", "under", "until", "from_us", "operation")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM introductions ORDER BY until DESC, site, gate"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def unknown_repairs(self) -> list[tuple[str, str, int]]:
        """Return (repair kind, class, how many units) whose last repair is unknown."""
        return [
            (str(kind), str(vehicle_class), int(count))
            for kind, vehicle_class, count in self._db.query(
                "SELECT r.repair_kind, u.vehicle_class, COUNT(*) FROM last_repairs r JOIN units u"
                " ON u.unit = r.unit WHERE r.grade = 'unknown'"
                " GROUP BY r.repair_kind, u.vehicle_class ORDER BY r.repair_kind, u.vehicle_class"
            )
        ]


def _column(by: str) -> str:
    if by not in BY:
        raise KeyError(by)
    return f"u.{by}" if by in ("vehicle_class", "type") else f"s.{by}"


def _conditions(filters: dict[str, str]) -> tuple[list[str], list[Any]]:
    """Return what filters ask; `state`, a column of BY, `scope` and part of a number."""
    where, parameters = ["u.unit <> ''"], list[Any]()
    scope = filters.get("scope", "")
    if scope == "vehicles":
        where.append("u.vehicle_class NOT IN ('part', 'coupling', 'equipment', '')")
    elif scope == "parts":
        where.append("u.vehicle_class = 'part'")
    elif scope == "equipment":
        where.append("u.vehicle_class = 'equipment'")
    elif scope == "guests":
        where.append("u.guest = 1")
    for name in ("state", *BY):
        if name in filters:
            where.append(f"{'s.state' if name == 'state' else _column(name)} = ?")
            parameters.append(filters[name])
    if filters.get("text"):
        where.append("u.number LIKE ?")
        parameters.append(f"%{filters['text']}%")
    return where, parameters


def _held(filters: dict[str, str], at_us: int | None) -> tuple[str, str, list[Any]]:
    where, parameters = _conditions(filters)
    spans = f"({_OPEN})" if at_us is None else (
        f"(SELECT * FROM {_SPANS} x WHERE x.at_us <= {at_us:d}"
        f" AND (x.to_us IS NULL OR x.to_us > {at_us:d}))"
    )  # fmt: skip
    if filters.get("scope") not in ("vehicles", "equipment", "guests"):
        spans = _placed(spans, at_us)
    return f"{spans} s JOIN units u ON u.unit = s.unit", " AND ".join(where), parameters


def _placed(spans: str, at_us: int | None) -> str:
    """Return the spans with a part where what carries it in the end is, else in its store.

    A part whose own depot nobody said is of the depot of what carries it. Which store a part was in
    at a past moment is not asked of so many.
    """
    store = "''" if at_us is not None else "k.store"
    stock = "" if at_us is not None else "LEFT JOIN stock k ON k.unit = p.unit"
    by_carrier = {
        "place": f"COALESCE(c.place, NULLIF(p.place, ''), {store}, '') AS place",
        "whereabouts": "COALESCE(c.whereabouts, p.whereabouts) AS whereabouts",
        "home_site": "COALESCE(NULLIF(p.home_site, ''), c.home_site, '') AS home_site",
    }
    said = ", ".join(by_carrier.get(name, f"p.{name}") for name in _STANDING)
    return (
        f"(SELECT p.unit, {said} FROM {spans} p LEFT JOIN {_carried(at_us)} r ON r.unit = p.unit"
        f" LEFT JOIN {spans} c ON c.unit = r.carrier {stock})"
    )


def _carried(at_us: int | None) -> str:
    """Return (unit, what carries it in the end): a bearing on a wheelset is on its wagon."""
    on = "i.to_us IS NULL" if at_us is None else (
        f"i.from_us <= {at_us:d} AND (i.to_us IS NULL OR i.to_us > {at_us:d})"
    )  # fmt: skip
    return (
        f"(WITH RECURSIVE up(unit, carrier, steps) AS ("
        f"SELECT i.unit, i.carrier, 1 FROM installations i WHERE {on} UNION ALL"
        f" SELECT up.unit, i.carrier, up.steps + 1 FROM up JOIN installations i"
        f" ON i.unit = up.carrier AND {on} WHERE up.steps < {_DEEPEST})"
        f" SELECT unit, carrier FROM up WHERE NOT EXISTS"
        f" (SELECT 1 FROM installations i WHERE i.unit = up.carrier AND {on}))"
    )
