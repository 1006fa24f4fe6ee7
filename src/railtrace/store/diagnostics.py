"""Diagnoses read across units: what waits for our own judgement, how far each may be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

from railtrace.projections.diagnoses import VERSIONS
from railtrace.store.database import Database, chunks, marks

COLUMNS = (
    "unit", "operation", "at_us", "made_by", "device", "method", "version", "operator", "outcome",
    "finding", "entry", "file", "log", "position", "truth", "truth_us", "truth_by",
    "damage_class", "element",
)  # fmt: skip
PRESSES = ("wheel_press",)
"""Kinds of equipment whose measurements are pressings."""
_DONE = (
    "EXISTS (SELECT 1 FROM diagnoses o WHERE o.entry = {operation} AND o.made_by = 'system'"
    f" AND o.method || '-' || o.version IN ({marks(len(VERSIONS))}))"
)
_AS_WORDS = {"fit": "sound", "unfit": "alarm"}
ALONE = "NOT EXISTS (SELECT 1 FROM diagnoses m WHERE m.operation = diagnoses.entry)"
"""That nobody else said anything of what a diagnosis judged."""
_SORTS = {"set_up": ("ndt_set_up",), "insulation": ("insulation",),
          "trace": ("wash", "brake_trace", "load_bank")}  # fmt: skip
"""By which methods a sort of evidence is judged, where the machine is of their kind."""


def _current() -> list[str]:
    """Return our methods with their versions; what an older one said is judged anew."""
    return [f"{method}-{version}" for method, version in VERSIONS.items()]


class Diagnostics:
    """The reader of diagnoses, fluids and what they stand on."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def waiting(
        self, limit: int = 200, foreign: Sequence[str] = (),
        kinds: Mapping[str, Sequence[str]] = {},
    ) -> list[str]:  # fmt: skip
        """Return the entries whose evidence our methods have not judged, the oldest first.

        `foreign` are the logs of other installations, which judge their own; `kinds` the kinds of
        equipment that each method of the check rules judges.
        """
        found = [
            *self._recordings(limit, foreign), *self._pressings(limit, foreign),
            *self._tests(limit, foreign, kinds), *self._scans(limit, foreign),
            *self._fluids(limit, foreign),
        ]  # fmt: skip
        return list(dict.fromkeys(found))[:limit]

    def _recordings(self, limit: int, foreign: Sequence[str]) -> list[str]:
        done = _DONE.format(operation="d.operation")
        rows = self._db.query(
            "SELECT DISTINCT d.operation, d.at_us FROM diagnoses d WHERE d.made_by <> 'system'"
            f" AND d.file <> '' {_not_in('d.log', foreign)} AND NOT {done}"
            f" ORDER BY d.at_us, d.operation LIMIT {int(limit)}",
            [*foreign, *_current()],
        )
        return [operation for operation, _ in rows]

    def _pressings(self, limit: int, foreign: Sequence[str]) -> list[str]:
        if not (presses := self.machines(PRESSES)):
            return []
        done = _DONE.format(operation="m.operation")
        rows = self._db.query(
            "SELECT DISTINCT m.operation, m.at_us FROM made_with m WHERE m.kind = 'Measured'"
            f" AND m.device IN ({marks(len(presses))}) {_not_in('m.log', foreign)} AND NOT {done}"
            f" ORDER BY m.at_us, m.operation LIMIT {int(limit)}",
            [*presses, *foreign, *_current()],
        )
        return [operation for operation, _ in rows]

    def _tests(
        self, limit: int, foreign: Sequence[str], kinds: Mapping[str, Sequence[str]]
    ) -> list[str]:
        found: list[str] = []
        for sort, methods in _SORTS.items():
            machines = self.machines([kind for m in methods for kind in kinds.get(m, ())])
            for some in chunks(machines):
                found += self._judgeable(limit, foreign, sort, some)
        return found

    def _scans(self, limit: int, foreign: Sequence[str]) -> list[str]:
        return self._judgeable(limit, foreign, "profile", ())

    def _judgeable(
        self, limit: int, foreign: Sequence[str], sort: str, machines: Sequence[str]
    ) -> list[str]:
        done = _DONE.format(operation="j.operation")
        made = f"AND j.device IN ({marks(len(machines))})" if machines else ""
        rows = self._db.query(
            f"SELECT DISTINCT j.operation, j.at_us FROM judgeable j WHERE j.sort = ? {made}"
            f" {_not_in('j.log', foreign)} AND NOT {done}"
            f" ORDER BY j.at_us, j.operation LIMIT {int(limit)}",
            [sort, *machines, *foreign, *_current()],
        )
        return [operation for operation, _ in rows]

    def _fluids(self, limit: int, foreign: Sequence[str]) -> list[str]:
        done = _DONE.format(operation="f.operation")
        rows = self._db.query(
            "SELECT DISTINCT f.operation, f.at_us FROM fluid_samples f WHERE NOT "
            f"{done} {_not_in('f.log', foreign)} ORDER BY f.at_us, f.operation LIMIT {int(limit)}",
            [*_current(), *foreign],
        )
        return [operation for operation, _ in rows]

    def pressings(self, presses: Sequence[str], limit: int = 100) -> list[dict[str, Any]]:
        """Return what presses made, the newest first."""
        if not presses:
            return []
        rows = self._db.query(
            "SELECT DISTINCT operation, unit, device, at_us FROM made_with WHERE kind = 'Measured'"
            f" AND device IN ({marks(len(presses))}) ORDER BY at_us DESC, operation"
            f" LIMIT {int(limit)}",
            list(presses),
        )
        names = ("operation", "unit", "device", "at_us")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def machines(self, kinds: Sequence[str]) -> list[str]:
        """Return the depot equipment of some kinds."""
        rows = self._db.query(
            f"SELECT unit FROM units WHERE type IN ({marks(len(kinds))}) ORDER BY unit", list(kinds)
        )
        return [unit for (unit,) in rows]

    def said(
        self, where: str = "1 = 1", parameters: Sequence[Any] = (), limit: int = 200
    ) -> list[dict[str, Any]]:
        """Return diagnoses, the newest first."""
        rows = self._db.query(
            f"SELECT {', '.join(COLUMNS)} FROM diagnoses WHERE {where}"
            f" ORDER BY at_us DESC, operation DESC LIMIT {int(limit)}",
            list(parameters),
        )
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def of_entries(self, entries: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return our own diagnoses of some entries, by entry."""
        found: dict[str, list[dict[str, Any]]] = {}
        for some in chunks(list(entries)):
            for row in self.said(f"entry IN ({marks(len(some))})", some, 10_000):
                found.setdefault(row["entry"], []).append(row)
        return found

    def recent(
        self, since_us: int, outcome: str = "", site_units: Sequence[str] | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Return what machines and people said since a moment, the newest first.

        Where a machine gave a test, a scan or a sample and no diagnosis, ours stands alone.
        """
        where, parameters = f"(made_by <> 'system' OR {ALONE}) AND at_us >= ?", [since_us]
        if outcome:
            where += (
                " AND (outcome = ? OR EXISTS (SELECT 1 FROM diagnoses o WHERE"
                " o.entry = diagnoses.operation AND o.outcome = ?))"
            )
            parameters += [outcome, outcome]  # type: ignore[list-item]
        return self.said(where, parameters, limit)

    def ledger(self, column: str, since_us: int = 0) -> list[tuple[str, str, str]]:
        """Return (outcome, truth, group) of every diagnosis by a column.

        What was called unfit counts as an alarm, what was called fit as sound; a refusal says
        nothing that could be true.
        """
        if column not in ("device", "method", "operator", "made_by"):
            raise ValueError(column)
        rows = self._db.query(
            f"SELECT outcome, truth, {column} FROM diagnoses WHERE at_us >= ? AND outcome IN"
            " ('sound', 'watch', 'alarm', 'contradicts', 'fit', 'unfit')",
            (since_us,),
        )
        return [(_AS_WORDS.get(str(o), str(o)), str(t), str(g)) for o, t, g in rows]

    def truths(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the diagnoses whose truth is known, what was found out last first."""
        rows = self._db.query(
            f"SELECT {', '.join(COLUMNS)} FROM diagnoses WHERE truth <> 'unknown'"
            f" ORDER BY truth_us DESC, operation DESC LIMIT {int(limit)}"
        )
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def failures_of_diagnosed(self, since_us: int, limit: int = 50) -> list[dict[str, Any]]:
        """Return failures of units that were diagnosed in the year before, and not yet ascribed."""
        names = ("unit", "at_us", "place", "operation")
        rows = self._db.query(
            "SELECT DISTINCT f.unit, f.at_us, f.place, f.operation FROM failures f JOIN diagnoses d"
            " ON d.unit = f.unit AND d.at_us < f.at_us AND d.at_us > f.at_us - 31536000000000"
            " AND d.truth = 'unknown' AND d.outcome <> 'refused' WHERE f.at_us >= ?"
            f" ORDER BY f.at_us DESC, f.operation LIMIT {int(limit)}",
            (since_us,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    # --- fluids -------------------------------------------------------------------------------

    def sampled(self) -> list[dict[str, Any]]:
        """Return the units whose fluids were sampled, with the count and the last moment."""
        rows = self._db.query(
            "SELECT unit, COUNT(*), MAX(at_us) FROM fluid_samples GROUP BY unit"
            " ORDER BY MAX(at_us) DESC, unit"
        )
        return [{"unit": unit, "count": count, "at_us": at_us} for unit, count, at_us in rows]

    def samples(self, unit: str) -> list[dict[str, Any]]:
        """Return the samples of a unit, oldest first."""
        names = ("at_us", "fluid", "sample", "hours_milli", "laboratory", "operation")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM fluid_samples WHERE unit = ?"
            " ORDER BY at_us, operation",
            (unit,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def fluid_changes(self, unit: str) -> list[dict[str, Any]]:
        """Return when the fluids of a unit were changed or topped up, oldest first."""
        names = ("at_us", "fluid", "whole", "hours_milli", "operation")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM fluid_changes WHERE unit = ?"
            " ORDER BY at_us, operation",
            (unit,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]


def _not_in(column: str, logs: Sequence[str]) -> str:
    return f"AND {column} NOT IN ({marks(len(logs))})" if logs else ""
