"""Looking for ghosts and twins in the view tables, and keeping what was found last."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import msgspec

from railtrace.catalogue.in_force import limits_for
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.twins import (
    Finding,
    Life,
    Place,
    Run,
    look_alike,
    look_alikes,
    same_number,
    too_far,
    two_places,
)
from railtrace.store.database import Database, chunks, marks
from railtrace.trace.leaf import moment

QUANTITY = "mileage_per_day"
"""The catalogue's limit rows of this quantity say what no vehicle of a class exceeds."""

Tell = Callable[[str, int], None]


class Twins:
    """Reads the view tables of one database; the findings of the last look stand beside them."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.create(
            "CREATE TABLE IF NOT EXISTS twin_findings (key TEXT PRIMARY KEY, kind TEXT NOT NULL,"
            " weight BIGINT NOT NULL, finding TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS twin_units (unit TEXT NOT NULL, key TEXT NOT NULL)",
            "CREATE INDEX IF NOT EXISTS twin_units_unit ON twin_units (unit)",
            "CREATE TABLE IF NOT EXISTS twin_looks (at_us BIGINT NOT NULL, took_ms BIGINT NOT NULL,"
            " compared BIGINT NOT NULL)",
        )

    # --- what was found last ------------------------------------------------------------------

    def last_look(self) -> tuple[int, int, int] | None:
        """Return (when, how long [ms], numbers compared) of the last look, if there was one."""
        rows = self._db.query("SELECT at_us, took_ms, compared FROM twin_looks")
        return rows[0] if rows else None

    def kept(self, kind: str = "", unit: str = "") -> list[Finding]:
        """Return what the last look found, the weightiest first."""
        where, parameters = ["1 = 1"], []
        if kind:
            where.append("kind = ?")
            parameters.append(kind)
        if unit:
            where.append("key IN (SELECT key FROM twin_units WHERE unit = ?)")
            parameters.append(unit)
        rows = self._db.query(
            f"SELECT finding FROM twin_findings WHERE {' AND '.join(where)}"
            " ORDER BY weight DESC, key LIMIT 2000",
            parameters,
        )
        return [msgspec.json.decode(text, type=Finding) for (text,) in rows]

    def judged(self) -> dict[str, dict[str, Any]]:
        """Return the last judgement of each finding a person has judged."""
        names = ("unit", "finding", "verdict", "others", "reason", "at_us", "operation")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM judgements ORDER BY at_us, operation, unit"
        )
        return {row[1]: dict(zip(names, row, strict=True)) for row in rows}

    def keep(self, findings: Sequence[Finding], at_us: int, took_ms: int, compared: int) -> None:
        """Put the findings of a look in the place of the last one's."""
        rows = [(f.key, f.kind, f.weight, msgspec.json.encode(f).decode()) for f in findings]
        with self._db.write() as writer:
            for table in ("twin_findings", "twin_units", "twin_looks"):
                writer.query(f"DELETE FROM {table}")
            writer.insert("twin_findings", ("key", "kind", "weight", "finding"), rows)
            writer.insert("twin_units", ("unit", "key"), [(u, f.key) for f in findings
                                                          for u in f.units])  # fmt: skip
            writer.insert("twin_looks", ("at_us", "took_ms", "compared"),
                          [(at_us, took_ms, compared)])  # fmt: skip

    # --- looking ------------------------------------------------------------------------------

    def look(
        self, catalogue: Catalogue, now_us: int, tell: Tell = lambda what, done: None
    ) -> list[Finding]:
        """Look at every number, run and stay there is."""
        numbers = self.numbers()
        tell("numbers", len(numbers))
        found = [*self._same(numbers), *self._alike(numbers), *self._two_places()]
        found += self._too_far(catalogue, now_us)
        tell("findings", len(found))
        return list({finding.key: finding for finding in found}.values())

    def numbers(self) -> list[tuple[str, str, str, str]]:
        """Return (unit, type, scheme, value) of every number on a unit that is in use."""
        return self._db.query(
            "SELECT n.unit, u.type, n.scheme, n.value FROM numbers n JOIN units u ON"
            " u.unit = n.unit WHERE n.to_us IS NULL AND u.scrapped_us IS NULL AND u.type <> ''"
            " ORDER BY n.value, n.unit"
        )

    def look_at(self, unit: str, catalogue: Catalogue, now_us: int) -> list[Finding]:
        """Look at one unit: who bears its number, or one a slip away, and how far it ran."""
        mine = [row for row in self.numbers() if row[0] == unit]
        if not mine:
            return []
        near = self._near(mine)
        found = [*self._same(near), *self._alike(near), *self._two_places(unit)]
        found += self._too_far(catalogue, now_us, unit)
        return [finding for finding in found if unit in finding.units]

    def _near(self, mine: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
        types, values = {row[1] for row in mine}, {row[3] for row in mine}
        sizes = {len(value) for value in values}
        return [
            row for row in self.numbers()
            if row[3] in values or (row[1] in types and len(row[3]) in sizes)
        ]  # fmt: skip

    def _same(self, numbers: Sequence[tuple[str, str, str, str]]) -> Iterator[Finding]:
        by_value: dict[str, list[str]] = defaultdict(list)
        for unit, _type, _scheme, value in numbers:
            if unit not in by_value[value]:
                by_value[value].append(unit)
        several = {value: units for value, units in by_value.items() if len(units) > 1}
        lives = self.lives([unit for units in several.values() for unit in units])
        for value, units in several.items():
            yield from same_number(value, [lives[unit] for unit in units])

    def _alike(self, numbers: Sequence[tuple[str, str, str, str]]) -> Iterator[Finding]:
        pairs = look_alikes(numbers)
        lives = self.lives([unit for pair in pairs for unit in pair])
        for one, other in pairs:
            finding = look_alike(lives[one], lives[other])
            if finding is not None:
                yield finding

    def _two_places(self, unit: str = "") -> Iterator[Finding]:
        only = " AND unit = ?" if unit else ""
        rows = self._db.query(
            "SELECT unit, key, at_us FROM contradictions WHERE name = 'installed_twice' AND"
            f" resolution = ''{only} ORDER BY at_us, key",
            (unit,) if unit else (),
        )
        lives = self.lives([row[0] for row in rows])
        for part, key, at_us in rows:
            yield two_places(part, key, at_us, lives[part].places)

    def _too_far(self, catalogue: Catalogue, now_us: int, unit: str = "") -> Iterator[Finding]:
        classes = dict(self._db.query("SELECT unit, vehicle_class FROM units"))
        limits = {key: _limit(catalogue, key, now_us) for key in set(classes.values())}
        only = " WHERE unit = ?" if unit else ""
        rows = self._db.stream(
            f"SELECT unit, at_us, km_milli, started_us FROM runs{only} ORDER BY unit, at_us,"
            " started_us",
            (unit,) if unit else (),
        )
        for vehicle, group in groupby(rows, key=lambda row: row[0]):
            runs = [Run(at_us, km, started) for _, at_us, km, started in group]
            finding = too_far(vehicle, runs, limits.get(classes.get(vehicle, "")))
            if finding is not None:
                yield finding

    # --- lives --------------------------------------------------------------------------------

    def lives(self, units: Iterable[str]) -> dict[str, Life]:
        """Return what is compared of units."""
        wanted = list(dict.fromkeys(units))
        runs, places = self._runs(wanted), self._places(wanted)
        spans = self._spans(wanted)
        lives: dict[str, Life] = {}
        for some in chunks(wanted):
            for row in self._db.query(
                "SELECT unit, type, vehicle_class, maker, heat, made, home_site FROM units WHERE"
                f" unit IN ({marks(len(some))})",
                list(some),
            ):
                first_us, last_us, entries = spans.get(row[0], (0, 0, 0))
                described = Life(*row)
                lives[row[0]] = replace(
                    described, first_us=first_us, last_us=last_us, entries=entries,
                    runs=tuple(runs.get(row[0], ())), places=tuple(places.get(row[0], ())),
                )  # fmt: skip
        return {unit: lives.get(unit, Life(unit)) for unit in wanted}

    def _spans(self, units: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        for some in chunks(units):
            for unit, first, last, count in self._db.query(
                "SELECT unit, MIN(happened_us), MAX(happened_us), COUNT(*) FROM unit_ops WHERE"
                f" unit IN ({marks(len(some))}) GROUP BY unit",
                list(some),
            ):
                found[unit] = (first, last, count)
        return found

    def _runs(self, units: Sequence[str]) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = defaultdict(list)
        for some in chunks(units):
            for unit, at_us, km, started in self._db.query(
                "SELECT unit, at_us, km_milli, started_us FROM runs WHERE unit IN"
                f" ({marks(len(some))}) ORDER BY unit, at_us",
                list(some),
            ):
                found[unit].append(Run(at_us, km, started))
        return found

    def _places(self, units: Sequence[str]) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for some in chunks(units):
            for unit, *place in self._db.query(
                "SELECT unit, carrier, position, from_us, to_us FROM installations WHERE unit IN"
                f" ({marks(len(some))})",
                list(some),
            ):
                found[unit].append(Place(*place))
        return found


def _limit(catalogue: Catalogue, vehicle_class: str, now_us: int) -> float | None:
    rows = limits_for(catalogue, QUANTITY, None, vehicle_class, "in_service", moment(now_us))
    return float(rows[0].max) if rows and rows[0].max is not None else None
