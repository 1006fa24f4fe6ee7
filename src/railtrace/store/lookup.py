"""Questions the pages ask of the view tables: search, fleet, recall, contradictions, history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from railtrace.projections.elsewhere import Told
from railtrace.store.database import Database, chunks, marks

VEHICLE_CLASSES = ("locomotive", "freight_wagon", "coach", "special")
_DEEPEST = 6
"""Parts in parts in parts: a bearing in a box on a wheelset in a bogie of a vehicle is four."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit in a list."""

    unit: str
    vehicle_class: str
    type: str
    number: str
    scheme: str
    status: str
    owner: str
    home_site: str
    maker: str
    heat: str
    batch: str
    made: str
    place: str
    whereabouts: str
    place_us: int | None
    holds: int
    scrapped_us: int | None
    keeper: str = ""
    guest: int = 0
    restrictions: int = 0
    detail: str = ""
    since_us: int | None = None
    km_milli: int = 0
    hours_milli: int = 0
    last_run_us: int | None = None
    failures: int = 0
    contradictions: int = 0
    verdict: str = "unknown"
    matched: str = ""


_UNIT = ", ".join(f"u.{name}" for name in UnitRow.__slots__[:22])
_MORE = (
    ", COALESCE(g.km_milli, 0), COALESCE(g.hours_milli, 0), g.last_run_us,"
    " COALESCE(c.failures, 0),"
    " (SELECT COUNT(*) FROM contradictions x WHERE x.unit = u.unit AND x.resolution = '')"
)
_FROM = (
    " FROM units u LEFT JOIN usage g ON g.unit = u.unit"
    " LEFT JOIN condition_summary c ON c.unit = u.unit"
)

SORTABLE = {
    "number": "COALESCE(NULLIF(u.number, ''), '\uffff')",
    "type": "u.type",
    "status": "u.status",
    "home_site": "u.home_site",
    "place": "u.place",
    "km": "COALESCE(g.km_milli, 0)",
    "failures": "COALESCE(c.failures, 0)",
    "last_run": "COALESCE(g.last_run_us, 0)",
    "made": "u.made",
    "owner": "u.owner",
    "keeper": "u.keeper",
    "since": "COALESCE(u.since_us, 0)",
}
FILTERS = (
    "vehicle_class", "type", "status", "home_site", "owner", "keeper", "place", "maker", "heat",
    "batch",
)  # fmt: skip


_RECORDER_FILE = (
    "unit", "at_us", "last_us", "recorder", "lines", "km_milli", "findings", "file", "operation",
)  # fmt: skip
_RUN_RECORD = (
    "unit", "at_us", "started_us", "km_milli", "hours_milli", "train", "route", "crew",
    "together", "work_milli", "fuel_milli", "energy_milli", "delay_milli", "delay_cause",
    "remarks", "operation",
)  # fmt: skip
_ALARM = (
    "unit", "at_us", "alarm", "post", "level", "place", "quantity", "value", "uom", "result",
    "finding", "checked_us", "checked_by", "operation",
)  # fmt: skip
_ORIGIN = (
    "unit", "at_us", "kind", "what", "safety", "origin", "decided_by", "reason", "evidence",
    "decided_us", "decision", "disputed_by", "claims", "disputed_us", "dispute", "operation",
)  # fmt: skip
_VIOLATION = (
    "unit", "at_us", "rule", "duration_milli", "quantity", "worst", "uom", "file", "operation",
)  # fmt: skip
_ON_NOW = "i.from_us <= ? AND (i.to_us IS NULL OR i.to_us > ?)"


class Installation(NamedTuple):
    """A stay of a part on a carrier [µs]; `to_us` None while it is there."""

    part: str
    carrier: str
    position: str
    from_us: int | None
    to_us: int | None


class Maintained(NamedTuple):
    """A vehicle in a list of what is due."""

    unit: str
    type: str
    status: str
    number: str
    scheme: str
    vehicle_class: str
    home_site: str
    owner: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of units; `after` asks for the next one, None when this is the last."""

    rows: list[UnitRow]
    after: tuple[Any, str] | None


@dataclass(frozen=True)
class Listed:
    """One consist in a list of departures."""

    unit: str
    consist: str
    train: str
    train_kind: str
    route: str
    site: str
    departs_us: int
    departed_us: int | None
    closed_us: int | None
    outcome: str
    units: int


@dataclass(frozen=True)
class InConsist:
    """A unit in a consist whose trip is not over."""

    unit: str
    member: str
    route: str
    departs_us: int
    departed_us: int | None


class Lookup:
    """Reads the view tables of one database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- search -----------------------------------------------------------------------------

    def search(self, text: str, limit: int = 50) -> list[UnitRow]:
        """Return the units a number, part of a number or a unit id belongs to, exact ones first."""
        rows = self._db.query(
            "SELECT value, unit FROM numbers WHERE value = ? LIMIT ?", (text, limit)
        )
        found = {unit: value for value, unit in rows}
        for (unit,) in self._db.query("SELECT unit FROM units WHERE unit = ?", (text,)):
            found.setdefault(unit, text)
        if len(found) < limit and len(text) >= 2:
            pattern = f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
            for value, unit in self._db.query(
                "SELECT value, unit FROM numbers WHERE value LIKE ? ESCAPE '!'"
                " ORDER BY LENGTH(value), value LIMIT ?",
                (pattern, limit),
            ):
                found.setdefault(unit, value)
        return self.units(list(found)[:limit], found)

    def units(self, units: Sequence[str], matched: dict[str, str] | None = None) -> list[UnitRow]:
        """Return list rows of units in the order given; unknown ids are left out."""
        rows: dict[str, UnitRow] = {}
        for some in chunks(units):
            for row in self._db.query(
                f"SELECT {_UNIT}{_MORE}{_FROM} WHERE u.unit IN ({marks(len(some))})", list(some)
            ):
                rows[row[0]] = replace(UnitRow(*row), matched=(matched or {}).get(row[0], ""))
        found = [rows[unit] for unit in units if unit in rows]
        return self._judged(self._with_locomotives(found))

    def on_no_carrier(self, type_: str, limit: int) -> list[str]:
        """Return parts of a type that are on no carrier and not scrapped."""
        rows = self._db.query(
            "SELECT unit FROM units u WHERE type = ? AND status IN ('in_use', 'registered')"
            " AND NOT EXISTS"
            " (SELECT 1 FROM installations i WHERE i.unit = u.unit AND i.to_us IS NULL)"
            f" ORDER BY unit LIMIT {int(limit)}",
            (type_,),
        )
        return [unit for (unit,) in rows]

    def bearers(self, value: str) -> list[str]:
        """Return the units that bear a number now."""
        rows = self._db.query(
            "SELECT DISTINCT unit FROM numbers WHERE value = ? AND to_us IS NULL ORDER BY unit",
            (value,),
        )
        return [unit for (unit,) in rows]

    # --- lists ------------------------------------------------------------------------------

    def fleet(
        self,
        filters: dict[str, str],
        sort: str = "number",
        descending: bool = False,
        after: tuple[Any, str] | None = None,
        limit: int = 50,
    ) -> Page:
        """Return one page of units; any page costs what the first costs.

        `filters` takes the FILTERS columns, `scope` (vehicles / parts), `contradictions`
        and `restricted` (any value: only units with open ones), `verdict` (the worst of a unit
        with everything on it) and `text` (part of the number).
        """
        column = SORTABLE[sort]
        where, parameters = _where(filters)
        if after is not None:
            sign = "<" if descending else ">"
            where.append(f"({column}, u.unit) {sign} (?, ?)")
            parameters += list(after)
        direction = "DESC" if descending else "ASC"
        # Keys first, rows after: a sort carries every column it is given for every unit there is.
        keys = self._db.query(
            f"SELECT u.unit, {column}{_FROM} WHERE {' AND '.join(where)}"
            f" ORDER BY {column} {direction}, u.unit {direction} LIMIT {limit + 1}",
            parameters,
        )
        last = (keys[limit - 1][1], keys[limit - 1][0]) if len(keys) > limit else None
        return Page(self.units([unit for unit, _ in keys[:limit]]), last)

    def counts(
        self, filters: dict[str, str], by: Sequence[str] = ("status",)
    ) -> dict[str, dict[str, int]]:
        """Return per column how many units fall under each value, its own filter set aside.

        Every unit is looked at once, whatever number of columns is asked for.
        """
        if unknown := set(by) - set(FILTERS):
            raise KeyError(*unknown)
        where, parameters = _where({k: v for k, v in filters.items() if k not in by})
        columns = ", ".join(f"u.{column}" for column in by)
        groups = self._db.query(
            f"SELECT {columns}, COUNT(*){_FROM} WHERE {' AND '.join(where)} GROUP BY {columns}",
            parameters,
        )
        return {column: _counted(groups, filters, by, column) for column in by}

    def _with_locomotives(self, rows: list[UnitRow]) -> list[UnitRow]:
        """Give sections what they ran in locomotives since their own meter was read last."""
        sections = [row.unit for row in rows if row.vehicle_class == "locomotive"]
        more: dict[str, tuple[int, int]] = {}
        last = self._last_runs_of_sections(sections)
        for some in chunks(sections):
            for unit, km, hours in self._db.query(
                "SELECT c.unit, SUM(r.km_milli), SUM(r.hours_milli) FROM couplings c JOIN runs r"
                " ON r.unit = c.locomotive AND r.at_us > c.from_us"
                " AND (c.to_us IS NULL OR r.at_us <= c.to_us)"
                " AND r.at_us > COALESCE((SELECT MAX(a.at_us) FROM anchors a WHERE a.unit = c.unit"
                f" AND a.meter = 'km'), r.at_us - 1) WHERE c.unit IN ({marks(len(some))})"
                " GROUP BY c.unit",
                list(some),
            ):
                more[unit] = (int(km), int(hours))
        return [
            replace(row, km_milli=row.km_milli + more.get(row.unit, (0, 0))[0],
                    hours_milli=row.hours_milli + more.get(row.unit, (0, 0))[1],
                    last_run_us=max(filter(None, (row.last_run_us, last[row.unit])), default=None))
            if row.unit in last else row
            for row in rows
        ]  # fmt: skip

    def _last_runs_of_sections(self, sections: Sequence[str]) -> dict[str, int | None]:
        """Return when the locomotives of sections ran last with them."""
        found: dict[str, int | None] = {}
        for some in chunks(sections):
            found |= dict(self._db.query(
                "SELECT c.unit, MAX((SELECT MAX(r.at_us) FROM runs r WHERE r.unit = c.locomotive"
                " AND r.at_us > c.from_us AND (c.to_us IS NULL OR r.at_us <= c.to_us)))"
                f" FROM couplings c WHERE c.unit IN ({marks(len(some))}) GROUP BY c.unit",
                list(some),
            ))  # fmt: skip
        return found

    def _judged(self, rows: list[UnitRow]) -> list[UnitRow]:
        """Give each unit the worst verdict of itself and of the parts on it now."""
        verdicts = self.verdicts([row.unit for row in rows])
        return [replace(row, verdict=verdicts[row.unit]) for row in rows]

    def verdicts(self, units: Sequence[str]) -> dict[str, str]:
        """Return the worst verdict of each unit with everything it carries now."""
        root_of = {unit: unit for unit in units}
        frontier = list(units)
        for _ in range(_DEEPEST):
            children = self.children(frontier)
            frontier = [part for part, _ in children if part not in root_of]
            root_of |= {part: root_of[carrier] for part, carrier in children if part not in root_of}
            if not frontier:
                break
        worst = dict.fromkeys(units, "unknown")
        rank = {"unfit": 0, "doubtful": 1, "fit": 2, "unknown": 3}
        for some in chunks(list(root_of)):
            for unit, verdict in self._db.query(
                f"SELECT unit, verdict FROM condition_summary WHERE unit IN ({marks(len(some))})",
                list(some),
            ):
                root = root_of[unit]
                worst[root] = min(worst[root], verdict, key=lambda v: rank[v])
        return worst

    def children(self, carriers: Sequence[str]) -> list[tuple[str, str]]:
        """Return (part, carrier) of everything on the carriers now."""
        pairs: list[tuple[str, str]] = []
        for some in chunks(carriers):
            pairs += [
                (part, carrier)
                for part, carrier in self._db.query(
                    "SELECT unit, carrier FROM installations WHERE to_us IS NULL AND from_us"
                    f" IS NOT NULL AND carrier IN ({marks(len(some))}) ORDER BY unit",
                    list(some),
                )
            ]
        return pairs

    # --- history ----------------------------------------------------------------------------

    def timeline(
        self,
        units: Sequence[str],
        kinds: Sequence[str] = (),
        before: tuple[int, int, str, int] | None = None,
        until_us: int | None = None,
        known_us: int | None = None,
        limit: int = 50,
        within: Sequence[tuple[str, int, int | None]] = (),
    ) -> list[tuple[Any, ...]]:
        """Return (unit, happened_us, recorded_us, log, position, kind, id), newest first.

        `within` are units of which only a span of time is wanted: after its start, to its end.
        """
        spans = " OR (unit = ? AND happened_us > ? AND happened_us <= ?)" * len(within)
        where = [f"(unit IN ({marks(len(units))}){spans})"]
        parameters: list[Any] = list(units)
        for unit, from_us, to_us in within:
            parameters += [unit, from_us, 2**62 if to_us is None else to_us]
        if kinds:
            where.append(f"kind IN ({marks(len(kinds))})")
            parameters += list(kinds)
        if before is not None:
            where.append("(happened_us, recorded_us, log, position) < (?, ?, ?, ?)")
            parameters += list(before)
        for column, value in (("happened_us", until_us), ("recorded_us", known_us)):
            if value is not None:
                where.append(f"{column} <= ?")
                parameters.append(value)
        return self._db.query(
            "SELECT unit, happened_us, recorded_us, log, position, kind, id FROM unit_ops WHERE "
            + " AND ".join(where)
            + " ORDER BY happened_us DESC, recorded_us DESC, log DESC, position DESC"
            f" LIMIT {limit}",
            parameters,
        )

    def places_of(self, units: Sequence[str], kind: str) -> list[tuple[str, int, str, int]]:
        """Return (unit, recorded_us, log, position) of every entry of a kind about some units."""
        found: list[tuple[str, int, str, int]] = []
        for some in chunks(units):
            found += self._db.query(
                "SELECT unit, recorded_us, log, position FROM unit_ops"
                f" WHERE unit IN ({marks(len(some))}) AND kind = ?", [*some, kind],
            )  # fmt: skip
        return found

    def told_since_logs(
        self, units: Sequence[str], logs: Sequence[str], kinds: Sequence[str]
    ) -> dict[str, list[Told]]:
        """Return entries about units from the first one's last in some logs on.

        Of other logs only the kinds asked for are read; nothing, where no log speaks of a unit.
        """
        speaks: list[int] = []
        for some in chunks(units):
            speaks += [us for (us,) in self._db.query(
                "SELECT MAX(happened_us) FROM unit_ops"
                f" WHERE unit IN ({marks(len(some))}) AND log IN ({marks(len(logs))})"
                " GROUP BY unit, log", [*some, *logs])]  # fmt: skip
        found: dict[str, list[Told]] = {}
        for some in chunks(units) if speaks else ():
            for unit, *told in self._db.query(
                "SELECT unit, happened_us, recorded_us, log, position, kind, id FROM unit_ops"
                f" WHERE unit IN ({marks(len(some))}) AND happened_us >= ?"
                f" AND (log IN ({marks(len(logs))}) OR kind IN ({marks(len(kinds))}))",
                [*some, min(speaks), *logs, *kinds],
            ):
                found.setdefault(unit, []).append(Told(*told))
        return found

    def logs_of(self, unit: str) -> list[tuple[str, int]]:
        """Return (log, entries) of every log that speaks of a unit."""
        return self._db.query(
            "SELECT log, COUNT(*) FROM unit_ops WHERE unit = ? GROUP BY log ORDER BY log", (unit,)
        )

    def operations_of(self, unit: str) -> int:
        """Return how many operations speak of a unit."""
        return int(self._db.query("SELECT COUNT(*) FROM unit_ops WHERE unit = ?", (unit,))[0][0])

    def corrections(self, targets: Sequence[str]) -> list[tuple[str, str, int]]:
        """Return (target, log, position) of every correction that names one of the entries."""
        found: list[tuple[str, str, int]] = []
        for some in chunks(targets):
            found += self._db.query(
                "SELECT target, log, position FROM corrections WHERE target IN"
                f" ({marks(len(some))}) ORDER BY target, log, position",
                list(some),
            )
        return found

    def leaning(self, targets: Sequence[str]) -> list[tuple[str, str, int]]:
        """Return (target, log, position) of every entry that leans on one of the operations."""
        found: list[tuple[str, str, int]] = []
        for some in chunks(targets):
            found += self._db.query(
                f"SELECT target, log, position FROM leanings WHERE target IN ({marks(len(some))})"
                " ORDER BY target, log, position",
                list(some),
            )
        return found

    def corrections_from(self, log: str, position: int) -> list[tuple[str, int]]:
        """Return (log, position) of the corrections that stand in a log from a position on."""
        return self._db.query(
            "SELECT log, position FROM corrections WHERE log = ? AND position >= ?"
            " ORDER BY position",
            (log, position),
        )

    def all_corrections(self) -> list[tuple[str, int]]:
        """Return (log, position) of every correction."""
        return self._db.query("SELECT log, position FROM corrections ORDER BY log, position")

    def readings(self, unit: str, quantity: str | None = None) -> list[dict[str, Any]]:
        """Return the readings of a unit, oldest first."""
        names = (
            "quantity", "place", "moment", "at_us", "value", "uom", "uncertainty", "device", "log",
            "position", "operation",
        )  # fmt: skip
        only = " AND quantity = ?" if quantity else ""
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM readings WHERE unit = ?{only}"
            " ORDER BY at_us, log, position, place",
            (unit, *((quantity,) if quantity else ())),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def readings_of(self, units: Sequence[str], quantities: Sequence[str]) -> list[dict[str, Any]]:
        """Return the readings of some quantities of many units, by unit, oldest first."""
        names = ("unit", "quantity", "place", "moment", "at_us", "value", "uom", "uncertainty",
                 "operation")  # fmt: skip
        found: list[tuple[Any, ...]] = []
        for some in chunks(units) if quantities else ():
            found += self._db.query(
                f"SELECT {', '.join(names)} FROM readings WHERE unit IN ({marks(len(some))})"
                f" AND quantity IN ({marks(len(quantities))}) ORDER BY unit, at_us, log, position",
                [*some, *quantities],
            )
        return [dict(zip(names, row, strict=True)) for row in found]

    def types_of(self, units: Sequence[str]) -> dict[str, str]:
        """Return the type of each unit that has one."""
        found: dict[str, str] = {}
        for some in chunks(units):
            found |= dict(self._db.query(
                f"SELECT unit, type FROM units WHERE unit IN ({marks(len(some))})", list(some)
            ))  # fmt: skip
        return found

    def measured_like(self, type_: str, limit: int) -> list[str]:
        """Return units of a type whose flanges were read most often, the most read first."""
        rows = self._db.query(
            "SELECT r.unit, COUNT(*) FROM readings r WHERE r.quantity = 'flange_thickness' AND"
            " r.unit IN (SELECT unit FROM units WHERE type = ?) GROUP BY r.unit"
            f" ORDER BY 2 DESC, 1 LIMIT {int(limit)}",
            (type_,),
        )
        return [unit for unit, _ in rows]

    def thin_flanges(self, limit: int) -> list[dict[str, Any]]:
        """Return the wheelsets by the thinnest flange last measured, one row each."""
        names = ("unit", "place", "value", "uom", "uncertainty", "at_us", "verdict")
        rows = self._db.query(
            f"SELECT {', '.join('c.' + name for name in names)} FROM condition c WHERE"
            " c.quantity = 'flange_thickness' AND NOT EXISTS (SELECT 1 FROM condition o WHERE"
            " o.unit = c.unit AND o.quantity = c.quantity AND o.place <> c.place AND"
            " (CAST(o.value AS REAL) < CAST(c.value AS REAL) OR"
            " (o.value = c.value AND o.place < c.place)))"
            f" ORDER BY CAST(c.value AS REAL), c.unit LIMIT {int(limit)}"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def counter_rows(
        self, unit: str, meter: Literal["km", "engine_hours"]
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return a unit's (time, total) anchors and (time, length) runs of one counter [milli]."""
        column = "km_milli" if meter == "km" else "hours_milli"
        anchors = self._db.query(
            "SELECT at_us, total_milli FROM anchors WHERE unit = ? AND meter = ? ORDER BY at_us",
            (unit, meter),
        )
        runs = self._db.query(
            f"SELECT at_us, {column} FROM runs WHERE unit = ? ORDER BY at_us", (unit,)
        )
        return anchors, runs

    # --- equipment ---------------------------------------------------------------------------

    def instruments(self) -> list[dict[str, Any]]:
        """Return every instrument with a proof or a withdrawal, by the end of its validity."""
        names = ("unit", "valid_from_us", "valid_to_us", "way", "register_entry", "withdrawn_us")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM instruments ORDER BY COALESCE(valid_to_us, 0), unit"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def equipment(self) -> list[UnitRow]:
        """Return the units that are depot equipment."""
        rows = self._db.query(
            "SELECT unit FROM units WHERE vehicle_class = 'equipment' ORDER BY type, number, unit"
        )
        return self.units([unit for (unit,) in rows])

    def made_with(
        self, device: str, from_us: int, to_us: int, limit: int = 5000, known_us: int | None = None
    ) -> list[dict[str, Any]]:
        """Return what was made with a device between two moments, newest first."""
        names = ("unit", "at_us", "kind", "outcome", "operation", "log", "position", "recorded_us")
        known = "" if known_us is None else f" AND recorded_us <= {int(known_us)}"
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM made_with WHERE device = ? AND at_us BETWEEN ? AND ?"
            f"{known} ORDER BY at_us DESC, operation DESC LIMIT {int(limit)}",
            (device, from_us, to_us),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def made_at(self, device: str, from_us: int, to_us: int) -> list[int]:
        """Return when facts were made with a device, the newest first; its own results apart."""
        rows = self._db.query(
            "SELECT at_us FROM made_with WHERE device = ? AND at_us BETWEEN ? AND ?"
            " AND kind <> 'MachineResult' ORDER BY at_us DESC",
            (device, from_us, to_us),
        )
        return [row[0] for row in rows]

    def cycles(self, device: str, from_us: int, to_us: int) -> list[dict[str, Any]]:
        """Return every cycle a machine told of between two moments, the newest first."""
        names = ("unit", "at_us", "started_us", "valid", "wrong", "log", "position")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM cycles WHERE device = ? AND at_us BETWEEN ? AND ?"
            " ORDER BY at_us DESC, log, position DESC",
            (device, from_us, to_us),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def simulated(self, from_us: int, to_us: int) -> int:
        """Return how many facts between two moments simulated machines told of."""
        rows = self._db.query(
            "SELECT COUNT(DISTINCT fact) FROM simulated WHERE at_us BETWEEN ? AND ?",
            (from_us, to_us),
        )
        return int(rows[0][0])

    def findings(self, since_us: int, outcomes: Sequence[str]) -> list[dict[str, Any]]:
        """Return what machines found since a moment and nobody has answered, the newest first."""
        names = ("unit", "at_us", "device", "kind", "outcome", "operation")
        rows = self._db.query(
            f"SELECT {', '.join('m.' + name for name in names)} FROM made_with m"
            f" WHERE m.outcome IN ({marks(len(outcomes))}) AND m.at_us >= ? AND m.kind IN"
            " ('Diagnosed', 'Tested') AND NOT EXISTS"
            " (SELECT 1 FROM triages t WHERE t.entry = m.operation)"
            " ORDER BY m.at_us DESC, m.operation LIMIT 500",
            [*outcomes, since_us],
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def last_made(self, devices: Sequence[str]) -> dict[str, int]:
        """Return when each device last made an operation."""
        found: dict[str, int] = {}
        for device in devices:
            rows = self._db.query("SELECT MAX(at_us) FROM made_with WHERE device = ?", (device,))
            if rows and rows[0][0] is not None:
                found[device] = int(rows[0][0])
        return found

    def readings_with(
        self, device: str, units: Sequence[str], from_us: int, to_us: int
    ) -> list[dict[str, Any]]:
        """Return the readings a device took of some units between two moments."""
        names = ("unit", "quantity", "place", "at_us", "value", "uom", "uncertainty", "operation")
        found: list[dict[str, Any]] = []
        for some in chunks(list(units)):
            rows = self._db.query(
                f"SELECT {', '.join(names)} FROM readings WHERE unit IN ({marks(len(some))})"
                " AND at_us BETWEEN ? AND ? AND device = ? ORDER BY at_us, operation, place",
                [*some, from_us, to_us, device],
            )
            found += [dict(zip(names, row, strict=True)) for row in rows]
        return found
    # --- maintenance ------------------------------------------------------------------------

    def maintained(self, types: Sequence[str] = ()) -> list[Maintained]:
        """Return the vehicles, or those of some types, with what a list of them names."""
        where = [f"vehicle_class IN ({marks(len(VEHICLE_CLASSES))})"]
        if types:
            where.append(f"type IN ({marks(len(types))})")
        rows = self._db.query(
            f"SELECT {', '.join(Maintained._fields)} FROM units WHERE {' AND '.join(where)}"
            " ORDER BY unit",
            [*VEHICLE_CLASSES, *types],
        )
        return [Maintained(*row) for row in rows]

    def measured(self) -> list[str]:
        """Return every unit of which anything was measured."""
        rows = self._db.query("SELECT DISTINCT unit FROM condition ORDER BY unit")
        return [unit for (unit,) in rows]

    def recorder_files(self, units: Sequence[str]) -> list[dict[str, Any]]:
        """Return the recorder files read of units, newest first."""
        return self._of_units("recorder_files", _RECORDER_FILE, units)

    def violations(self, units: Sequence[str], since_us: int = 0) -> list[dict[str, Any]]:
        """Return the violations of modes of units since a moment, newest first."""
        return self._of_units("violations", _VIOLATION, units, since_us)

    def run_records(self, units: Sequence[str], since_us: int = 0) -> list[dict[str, Any]]:
        """Return the run records of units since a moment, newest first.

        A section's records are its own and those of the locomotives it was coupled in; `together`
        is how many share what was run, burnt and hauled.
        """
        rows = self._of_units("run_records", _RUN_RECORD, units, since_us)
        told = ", ".join(f"r.{name}" for name in _RUN_RECORD[1:])
        many = (
            "(SELECT COUNT(*) FROM couplings o WHERE o.locomotive = r.unit AND r.at_us > o.from_us"
            " AND (o.to_us IS NULL OR r.at_us <= o.to_us))"
        )
        for some in chunks(units):
            for row in self._db.query(
                f"SELECT c.unit, {told}, {many} FROM couplings c JOIN run_records r"
                " ON r.unit = c.locomotive AND r.at_us > c.from_us"
                " AND (c.to_us IS NULL OR r.at_us <= c.to_us)"
                f" WHERE c.unit IN ({marks(len(some))}) AND r.at_us >= ?",
                [*some, since_us],
            ):
                one = dict(zip(_RUN_RECORD, row[:-1], strict=True))
                rows.append(one | {"together": one["together"] * max(row[-1], 1)})
        return sorted(rows, key=lambda row: (-row["at_us"], row["operation"]))

    def run_times(
        self, units: Sequence[str], since_us: int
    ) -> list[tuple[str, int, int | None]]:
        """Return (unit, end, beginning or None) of runs of units that ended since a moment."""
        found: list[tuple[str, int, int | None]] = []
        for some in chunks(units):
            found += self._db.query(
                "SELECT unit, at_us, started_us FROM runs"
                f" WHERE unit IN ({marks(len(some))}) AND at_us >= ?",
                [*some, since_us],
            )
        return found

    def wayside_alarms(self, units: Sequence[str], since_us: int = 0) -> list[dict[str, Any]]:
        """Return the alarms of wayside devices at units since a moment, newest first."""
        return self._of_units("wayside_alarms", _ALARM, units, since_us)

    def origins(self, units: Sequence[str], since_us: int = 0) -> list[dict[str, Any]]:
        """Return failures and defects of units since a moment with where they come from."""
        return self._of_units("origins", _ORIGIN, units, since_us)

    def _of_units(
        self, table: str, names: tuple[str, ...], units: Sequence[str], since_us: int = 0
    ) -> list[dict[str, Any]]:
        found: list[tuple[Any, ...]] = []
        for some in chunks(units):
            found += self._db.query(
                f"SELECT {', '.join(names)} FROM {table} WHERE unit IN ({marks(len(some))})"
                " AND at_us >= ?",
                [*some, since_us],
            )
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return sorted(rows, key=lambda row: (-row["at_us"], row["operation"]))

    def all_counter_rows(
        self, types: Sequence[str], meter: Literal["km", "engine_hours"]
    ) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, int]]]:
        """Return (unit, time, length) runs and (unit, time, total) anchors of units of types.

        A section's runs are its own and those of the locomotives it was coupled in.
        """
        column = "km_milli" if meter == "km" else "hours_milli"
        some = f"(SELECT unit FROM units WHERE type IN ({marks(len(types))}))"
        runs = self._db.query(
            f"SELECT unit, at_us, {column} FROM runs WHERE unit IN {some} UNION ALL"
            f" SELECT c.unit, r.at_us, r.{column} FROM couplings c JOIN runs r"
            " ON r.unit = c.locomotive AND r.at_us > c.from_us"
            " AND (c.to_us IS NULL OR r.at_us <= c.to_us)"
            f" WHERE c.unit IN {some} ORDER BY 1, 2",
            [*types, *types],
        )
        anchors = self._db.query(
            f"SELECT unit, at_us, total_milli FROM anchors WHERE unit IN {some} AND meter = ?"
            " ORDER BY unit, at_us",
            [*types, meter],
        )
        return runs, anchors

    def repairs_of(
        self, types: Sequence[str], since_us: int
    ) -> list[tuple[str, str, int, int | None]]:
        """Return (unit, kind, from, to) of the repairs of units of types, without an end while it
        lasts.

        A repair stands in as many rows as it had states: they follow on each other.
        """
        some = f"(SELECT unit FROM units WHERE type IN ({marks(len(types))}))"
        return self._db.query(
            "SELECT unit, detail, at_us, to_us FROM state_spans WHERE detail <> '' AND to_us > ?"
            f" AND unit IN {some} UNION ALL SELECT unit, detail, since_us, NULL FROM units"
            f" WHERE detail <> '' AND since_us IS NOT NULL AND type IN ({marks(len(types))})",
            [since_us, *types, *types],
        )

    def locomotive_services(self, locomotive: str) -> list[tuple[str, int, str, str]]:
        """Return (kind, when, basis, operation) of every service of a locomotive."""
        return self._db.query(
            "SELECT kind, at_us, basis, operation FROM locomotive_services WHERE unit = ?"
            " ORDER BY at_us, operation",
            (locomotive,),
        )

    def services_of_sections(self) -> dict[str, list[tuple[str, int, str, str]]]:
        """Return for each section the last service of each kind of the locomotives it was in."""
        rows = self._db.query(
            "SELECT unit, kind, at_us, basis, operation FROM (SELECT c.unit, s.kind, s.at_us,"
            " s.basis, s.operation, ROW_NUMBER() OVER (PARTITION BY c.unit, s.kind"
            " ORDER BY s.at_us DESC, s.operation) AS place FROM couplings c"
            " JOIN locomotive_services s ON s.unit = c.locomotive AND s.at_us > c.from_us"
            " AND (c.to_us IS NULL OR s.at_us <= c.to_us)) AS found WHERE place = 1"
        )
        found: dict[str, list[tuple[str, int, str, str]]] = {}
        for unit, *service in rows:
            found.setdefault(unit, []).append(tuple(service))
        return found

    def coupled_in(self, units: Sequence[str]) -> dict[str, str]:
        """Return the locomotive each section is coupled in now."""
        found: dict[str, str] = {}
        for some in chunks(units):
            found.update(self._db.query(
                "SELECT unit, locomotive FROM couplings WHERE to_us IS NULL"
                f" AND unit IN ({marks(len(some))})",
                list(some),
            ))  # fmt: skip
        return found

    def qualifications(self) -> list[dict[str, Any]]:
        """Return every right to work ever given, what ends first on top."""
        names = (
            "unit", "qualification", "from_us", "to_us", "withdrawn_us", "certificate", "stamp",
            "operation",
        )  # fmt: skip
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM qualifications"
            f" ORDER BY COALESCE(to_us, {2**62}), unit, qualification"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def happened(
        self, from_us: int, to_us: int, kinds: Sequence[str], limit: int, real: bool = False
    ) -> list[dict[str, Any]]:
        """Return places of operations of some kinds that happened in a span, the newest first.

        `real` leaves out what simulated machines told of.
        """
        only = " AND id NOT IN (SELECT fact FROM simulated)" if real else ""
        rows = self._db.query(
            "SELECT DISTINCT log, position, happened_us FROM unit_ops WHERE happened_us BETWEEN"
            f" ? AND ? AND kind IN ({marks(len(kinds))}){only} ORDER BY happened_us DESC"
            f" LIMIT {int(limit)}",
            [from_us, to_us, *kinds],
        )
        return [{"log": log, "position": position} for log, position, _ in rows]

    # --- tracks -------------------------------------------------------------------------------

    def placements(self, site: str, from_us: int, to_us: int) -> list[dict[str, Any]]:
        """Return the stays and plans on a site's tracks that touch a span of time."""
        names = (
            "unit", "track", "position", "from_us", "until_us", "left_us", "planned", "operation",
        )  # fmt: skip
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM placements WHERE site = ? AND from_us <= ? AND"
            " ((planned = 0 AND COALESCE(left_us, ?) >= ?) OR (planned = 1 AND until_us >= ?))"
            " ORDER BY from_us, unit",
            (site, to_us, to_us, from_us, from_us),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
    # --- lives --------------------------------------------------------------------------------

    def installations_on(self, carriers: Sequence[str]) -> list[Installation]:
        """Return every stay of a part on some carriers, by part and time."""
        found: list[Installation] = []
        for some in chunks(carriers):
            rows = self._db.query(
                f"SELECT unit, carrier, position, from_us, to_us FROM installations"
                f" WHERE carrier IN ({marks(len(some))})",
                list(some),
            )
            found += [Installation(*row) for row in rows]
        return sorted(found, key=lambda row: (row.part, row.from_us or 0))

    def installations_of(self, parts: Sequence[str]) -> list[Installation]:
        """Return every stay of some parts on carriers, by part and time."""
        found: list[Installation] = []
        for some in chunks(parts):
            rows = self._db.query(
                "SELECT unit, carrier, position, from_us, to_us FROM installations"
                f" WHERE unit IN ({marks(len(some))})",
                list(some),
            )
            found += [Installation(*row) for row in rows]
        return sorted(found, key=lambda row: (row.part, row.from_us or 0))

    def carriers_now(self, parts: Sequence[str], now_us: int) -> dict[str, str]:
        """Return the carrier that each part is on at a moment."""
        found: dict[str, str] = {}
        for some in chunks(parts):
            found |= dict(self._db.query(
                f"SELECT unit, carrier FROM installations i WHERE {_ON_NOW}"
                f" AND unit IN ({marks(len(some))})",
                [now_us, now_us, *some],
            ))  # fmt: skip
        return found

    def parts_on_carriers(
        self, types: Sequence[str], now_us: int, dated: bool = False
    ) -> list[tuple[str, str, str]]:
        """Return (part, type, carrier) of parts of types that are on something at a moment.

        With `dated` only those that have a paper with its own last day.
        """
        if not types:
            return []
        paper = (
            " AND EXISTS (SELECT 1 FROM services_done s WHERE s.unit = u.unit"
            " AND s.until_us IS NOT NULL)"
        )
        return self._db.query(
            "SELECT u.unit, u.type, i.carrier FROM units u JOIN installations i ON i.unit = u.unit"
            f" WHERE {_ON_NOW} AND u.type IN ({marks(len(types))}){paper if dated else ''}"
            " ORDER BY u.unit",
            [now_us, now_us, *types],
        )

    def part_births(self, parts: Sequence[str]) -> dict[str, tuple[str, int | None]]:
        """Return type and, of a part made under watch, the moment of its making."""
        found: dict[str, tuple[str, int | None]] = {}
        for some in chunks(parts):
            rows = self._db.query(
                f"SELECT u.unit, u.type, (SELECT MIN(o.happened_us) FROM unit_ops o WHERE"
                f" o.unit = u.unit AND o.kind = 'Manufactured') FROM units u"
                f" WHERE u.unit IN ({marks(len(some))})",
                list(some),
            )
            found.update({unit: (type_, made) for unit, type_, made in rows})
        return found

    def verdicts_until(self, now_us: int) -> list[dict[str, Any]]:
        """Return every diagnosis of the four words up to a moment, with what was known of it then.

        By unit and time; a truth found out later is unknown here.
        """
        names = ("unit", "type", "operation", "at_us", "made_by", "method", "outcome", "entry",
                 "truth", "truth_us")  # fmt: skip
        rows = self._db.query(
            "SELECT d.unit, u.type, d.operation, d.at_us, d.made_by, d.method, d.outcome, d.entry,"
            " d.truth, d.truth_us FROM diagnoses d JOIN units u ON u.unit = d.unit"
            " WHERE d.at_us <= ? AND d.outcome IN ('sound', 'watch', 'alarm', 'contradicts')"
            " ORDER BY d.unit, d.at_us, d.operation",
            (now_us,),
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for row in found:
            if row["truth_us"] is None or row["truth_us"] > now_us:
                row["truth"], row["truth_us"] = "unknown", None
        return found

    def failures_of(
        self, units: Sequence[str]
    ) -> tuple[
        dict[str, list[tuple[int, str, int | None, str]]], dict[str, list[tuple[int, str]]]
    ]:
        """Return (time, place, class, operation) failures and (time, operation) renewals by unit.

        Both in order of time.
        """
        failed: dict[str, list[tuple[int, str, int | None, str]]] = {}
        renewed: dict[str, list[tuple[int, str]]] = {}
        for some in chunks(units):
            where = f"WHERE unit IN ({marks(len(some))}) ORDER BY at_us, operation"
            for unit, *row in self._db.query(
                f"SELECT unit, at_us, place, failure_class, operation FROM failures {where}",
                list(some),
            ):
                failed.setdefault(unit, []).append(tuple(row))
            for unit, at_us, operation in self._db.query(
                f"SELECT unit, at_us, operation FROM renewals {where}", list(some)
            ):
                renewed.setdefault(unit, []).append((at_us, operation))
        return failed, renewed

    # --- work orders -------------------------------------------------------------------------

    def orders(
        self, subjects: Sequence[str] | None = None, open_only: bool = False,
        since_us: int = 0, limit: int = 2000,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Return work orders, the latest first: of some units, the open ones, or since a moment."""
        names = (
            "unit", "work_order", "subject", "process", "site", "workplace", "opened_us",
            "closed_us", "result", "block", "planned_to_us",
        )  # fmt: skip
        where, parameters = ["opened_us >= ?"], [since_us]
        if open_only:
            where.append("closed_us IS NULL")
        found: list[dict[str, Any]] = []
        for some in chunks(list(subjects)) if subjects is not None else [None]:
            mine = [] if some is None else [f"subject IN ({marks(len(some))})"]
            rows = self._db.query(
                f"SELECT {', '.join(names)} FROM orders WHERE {' AND '.join([*where, *mine])}"
                f" ORDER BY opened_us DESC, unit LIMIT {int(limit)}",
                [*parameters, *(some or [])],
            )
            found += [dict(zip(names, row, strict=True)) for row in rows]
        return found

    # --- trains -------------------------------------------------------------------------------

    def consists(self, from_us: int, to_us: int, site: str, limit: int) -> list[Listed]:
        """Return the consists that are to leave in a time, of a site or of all."""
        where, parameters = ["departs_us >= ?", "departs_us < ?"], [from_us, to_us]
        asked: list[Any] = [*parameters, *([site] if site else [])]
        where += ["site = ?"] if site else []
        columns = ", ".join(Listed.__dataclass_fields__)
        rows = self._db.query(
            f"SELECT {columns} FROM consists WHERE {' AND '.join(where)}"
            f" ORDER BY departs_us, consist LIMIT {int(limit)}",
            asked,
        )
        return [Listed(*row) for row in rows]

    def consists_about(self, now_us: int, limit: int) -> list[Listed]:
        """Return the consists on the way, and those that leave within a day, the next first."""
        columns, day_us = ", ".join(Listed.__dataclass_fields__), 86_400_000_000
        rows = self._db.query(
            f"SELECT {columns} FROM consists WHERE closed_us IS NULL"
            " AND (departed_us IS NOT NULL OR departs_us BETWEEN ? AND ?)"
            f" ORDER BY departs_us DESC, consist LIMIT {int(limit)}",
            (now_us - day_us, now_us + day_us),
        )
        return [Listed(*row) for row in rows]

    def consists_closed(self, limit: int) -> list[Listed]:
        """Return the consists whose trips are over, the last first."""
        columns = ", ".join(Listed.__dataclass_fields__)
        rows = self._db.query(
            f"SELECT {columns} FROM consists WHERE closed_us IS NOT NULL"
            f" ORDER BY closed_us DESC, consist LIMIT {int(limit)}"
        )
        return [Listed(*row) for row in rows]

    def consists_with(self, members: Sequence[str]) -> list[InConsist]:
        """Return where some units stand in trains whose trips are not over."""
        found: list[InConsist] = []
        for some in chunks(list(members)):
            rows = self._db.query(
                "SELECT m.unit, m.member, c.route, c.departs_us, c.departed_us"
                " FROM consist_members m JOIN consists c ON c.unit = m.unit"
                f" WHERE c.closed_us IS NULL AND m.member IN ({marks(len(some))})"
                " ORDER BY c.departs_us, m.unit, m.place",
                list(some),
            )
            found += [InConsist(*row) for row in rows]
        return found

    def accidents(self) -> list[dict[str, Any]]:
        """Return the units of every accident, those held first, then the latest."""
        names = ("accident", "unit", "at_us", "event", "place", "wheelset", "declared_by",
                 "lifted_us", "lifted_by", "act")  # fmt: skip
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM accidents ORDER BY"
            " CASE WHEN lifted_us IS NULL THEN 0 ELSE 1 END, at_us DESC, accident, wheelset, unit"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    # --- recalls and contradictions ---------------------------------------------------------

    def recalls(self) -> list[dict[str, Any]]:
        """Return every recall, the open ones first."""
        names = (
            "unit", "recall", "title", "type", "maker", "heat", "batch", "made", "opened_us",
            "closed_us",
        )  # fmt: skip
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM recalls"
            " ORDER BY CASE WHEN closed_us IS NULL THEN 0 ELSE 1 END, opened_us DESC"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def adoptions(self) -> list[dict[str, Any]]:
        """Return which catalogue was taken into use when, the latest first."""
        names = ("catalogue", "valid_from_us", "recorded_us", "site", "operation")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM adoptions"
            " ORDER BY recorded_us DESC, log DESC, position DESC"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def made_like(self, criteria: dict[str, str]) -> list[str]:
        """Return the units whose passport meets the criteria now (made: by its beginning)."""
        where: list[str] = []
        parameters: list[Any] = []
        for column in ("type", "maker", "heat", "batch"):
            if criteria.get(column):
                where.append(f"{column} = ?")
                parameters.append(criteria[column])
        if criteria.get("made"):
            where.append("made LIKE ?")
            parameters.append(f"{criteria['made']}%")
        if not where:
            return []
        rows = self._db.query(
            f"SELECT unit FROM units WHERE {' AND '.join(where)} ORDER BY unit", parameters
        )
        return [unit for (unit,) in rows]

    def contradictions(
        self, unit: str | None = None, open_only: bool = True, limit: int = 200
    ) -> list[dict[str, Any]]:
        """Return contradictions, newest first."""
        names = ("key", "unit", "view", "name", "at_us", "detail", "resolution")
        where = ["1 = 1"]
        parameters: list[Any] = []
        if unit is not None:
            where.append("unit = ?")
            parameters.append(unit)
        if open_only:
            where.append("resolution = ''")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM contradictions WHERE {' AND '.join(where)}"
            f" ORDER BY at_us DESC, key LIMIT {limit}",
            parameters,
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def twins(self, limit: int = 200) -> dict[str, list[str]]:
        """Return the numbers that several units bear now, with those units."""
        rows = self._db.query(
            "SELECT DISTINCT n.value, n.unit FROM numbers n JOIN (SELECT value FROM numbers WHERE"
            " to_us IS NULL GROUP BY value HAVING COUNT(DISTINCT unit) > 1) t ON t.value = n.value"
            f" WHERE n.to_us IS NULL ORDER BY n.value, n.unit LIMIT {limit}"
        )
        twins: dict[str, list[str]] = {}
        for value, unit in rows:
            twins.setdefault(value, []).append(unit)
        return twins


def _counted(
    groups: Sequence[tuple[Any, ...]], filters: dict[str, str], by: Sequence[str], column: str
) -> dict[str, int]:
    """Add up the groups that every other column's filter lets through."""
    others = [
        (index, filters[name])
        for index, name in enumerate(by)
        if name != column and filters.get(name)
    ]
    counts: dict[str, int] = {}
    own = list(by).index(column)
    for group in groups:
        if all(group[index] == wanted for index, wanted in others):
            counts[str(group[own])] = counts.get(str(group[own]), 0) + int(group[-1])
    return dict(sorted(counts.items()))


def _where(filters: dict[str, str]) -> tuple[list[str], list[Any]]:
    where = ["u.type <> ''"]
    parameters: list[Any] = []
    classes = marks(len(VEHICLE_CLASSES))
    scope = filters.get("scope")
    if scope == "vehicles":
        where.append(f"u.vehicle_class IN ({classes})")
        parameters += VEHICLE_CLASSES
    elif scope == "parts":
        where.append("u.vehicle_class = 'part'")
    for column in FILTERS:
        if filters.get(column):
            where.append(f"u.{column} = ?")
            parameters.append(filters[column])
    if filters.get("contradictions"):
        where.append(
            "EXISTS (SELECT 1 FROM contradictions x WHERE x.unit = u.unit AND x.resolution = '')"
        )
    if filters.get("restricted"):
        where.append("u.restrictions > 0")
    if filters.get("verdict") in _BETTER_THAN:
        clauses, verdicts = _of_verdict(filters["verdict"])
        where += clauses
        parameters += verdicts
    if filters.get("text"):
        where.append("u.number LIKE ?")
        parameters.append(f"%{filters['text']}%")
    return where, parameters


_BETTER_THAN = {
    "unfit": (), "doubtful": ("unfit",), "fit": ("unfit", "doubtful"),
    "unknown": ("unfit", "doubtful", "fit"),
}  # fmt: skip
"""For each verdict, those that outweigh it."""

_WITH_VERDICT = (
    "(WITH RECURSIVE up(unit) AS (SELECT unit FROM condition_summary WHERE verdict = ?"
    " UNION SELECT i.carrier FROM up JOIN installations i ON i.unit = up.unit"
    " AND i.to_us IS NULL AND i.from_us IS NOT NULL) SELECT unit FROM up)"
)
"""What has a verdict, and everything that carries it now."""


def _of_verdict(verdict: str) -> tuple[list[str], list[str]]:
    """Ask for units whose worst verdict, with everything on them, is the one named."""
    worse = _BETTER_THAN[verdict]
    clauses = [f"u.unit NOT IN {_WITH_VERDICT}"] * len(worse)
    if verdict == "unknown":
        return clauses, list(worse)
    return [*clauses, f"u.unit IN {_WITH_VERDICT}"], [*worse, verdict]
