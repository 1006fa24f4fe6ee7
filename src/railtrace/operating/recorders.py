"""Taking in files of on-board recorders: read, judged by the rules in force, recorded.

A file is recorded once: its own hash makes the ids, so a command that was stopped is given again
and goes on where it ended.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from railtrace.analysis.recorder_rules import (
    KM,
    Finding,
    Violation,
    findings,
    lacking,
    ordered,
    violations,
    wrong_zone_hours,
)
from railtrace.app import App
from railtrace.catalogue.rows import Catalogue, ModeRule, RecorderType
from railtrace.errors import BadEvidence, BadOperation, NotFound, Refused
from railtrace.interchange.recorder_files import Recorded, read_recorder, rules_of
from railtrace.projections.maintenance import HOUR_US
from railtrace.trace.leaf import microseconds, moment
from railtrace.trace.operation import (
    Evidence,
    ModeViolated,
    Operation,
    Reading,
    RecorderFinding,
    RecorderRead,
)

_FUTURE_US = 5 * 60 * 1_000_000
_MOST_HOURS_APART = 14


@dataclass(frozen=True)
class Judged:
    """What one file holds."""

    first_us: int
    last_us: int
    rows: int
    distance_km: float | None
    violations: list[Violation]
    findings: list[Finding]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What became of one file: recorded, known (it was there already) or refused."""

    file: str
    state: str
    unit: str = ""
    violations: int = 0
    findings: tuple[str, ...] = ()
    reason: str = ""
    by_rule: dict[str, int] = field(default_factory=dict)


def judge(path: Path, kind: RecorderType, rows: Sequence[ModeRule]) -> Judged:
    """Read a file and run the rules over it. Raises BadEvidence."""
    recorded = read_recorder(path, kind)
    promised = [column.channel for column in kind.columns]
    found = findings(recorded.seconds, recorded.channels, promised, kind.gap_s)
    found += _of_clock(recorded)
    rules = rules_of(rows)
    blind = lacking(recorded.channels, rules)
    found += [
        Finding("rule_not_run", values={"rule": key, "channel": ", ".join(names)})
        for key, names in blind.items()
    ]
    seconds, channels = ordered(recorded.seconds, recorded.channels)
    return Judged(
        recorded.first_us, recorded.first_us + round(seconds[-1] * 1e6), len(recorded.seconds),
        _distance(recorded, found), violations(seconds, channels, rules, kind.gap_s), found,
        tuple(rule.key for rule in rules if rule.key not in blind),
    )  # fmt: skip


def _of_clock(recorded: Recorded) -> list[Finding]:
    found = []
    if recorded.untimed:
        found.append(Finding("row_without_time", count=recorded.untimed))
    satellites = recorded.channels.get("satellite_s")
    if satellites is not None and satellites[0] == satellites[0]:
        hours = wrong_zone_hours(0.0, recorded.first_us / 1e6 + recorded.seconds[0], satellites[0])
        if hours and abs(hours) <= _MOST_HOURS_APART:
            found.append(Finding("wrong_zone", 0.0, values={"hours": f"{hours:+g}"}))
    return found


def _distance(recorded: Recorded, found: Sequence[Finding]) -> float | None:
    km = recorded.channels.get(KM)
    if km is None or {"negative_km", "counter_goes_back"} & {f.name for f in found}:
        return None
    known = km[km == km]
    return float(known[-1] - known[0]) if len(known) else None


def rules_for(catalogue: Catalogue, type_: str) -> list[ModeRule]:
    """Return the rules that a vehicle of a type is held to."""
    return [
        rule for _, rule in sorted(catalogue.mode_rules.items())
        if not rule.vehicle_types or type_ in rule.vehicle_types
    ]  # fmt: skip


class Intake:
    """Takes recorder files into the trace of one installation."""

    def __init__(self, app: App, kind: str, unit: str = "", site: str = "") -> None:
        self._app, self._unit, self._site = app, unit, site
        self._catalogue = app.catalogue()
        if kind not in self._catalogue.recorder_types:
            raise NotFound(
                "{kind} is no recorder of the catalogue; it has {known}", kind=kind,
                known=", ".join(sorted(self._catalogue.recorder_types)),
            )  # fmt: skip
        self._kind = self._catalogue.recorder_types[kind]

    def take(self, files: Iterable[Path], jobs: int = 1) -> Iterator[Told]:
        """Take files in one after another, judged by so many processes at a time.

        A file is looked at when its turn comes and told when it is durable: a year of files needs
        no more room than a few of them, and what a stop leaves undone is at most those few.
        """
        if jobs <= 1:
            for path in files:
                prepared = self._prepare(path)
                yield prepared if isinstance(prepared, Told) else self._taken(path, *prepared)
            return
        with ProcessPoolExecutor(jobs) as pool:
            yield from self._taken_by(pool, files, jobs)

    def _taken_by(
        self, pool: ProcessPoolExecutor, files: Iterable[Path], jobs: int
    ) -> Iterator[Told]:
        """Keep every process busy with one file in hand and one waiting, in the order given."""
        waiting: deque[Told | tuple[Path, str, str, Future[Judged | str]]] = deque()
        for path in files:
            prepared = self._prepare(path)
            if isinstance(prepared, Told):
                waiting.append(prepared)
            else:
                rules = rules_for(self._catalogue, self._type(prepared[0]))
                judged = pool.submit(_judged, path, self._kind, rules)
                waiting.append((path, *prepared, judged))
            if len(waiting) > 2 * jobs:
                yield self._awaited(waiting.popleft())
        while waiting:
            yield self._awaited(waiting.popleft())

    def _awaited(self, one: "Told | tuple[Path, str, str, Future[Judged | str]]") -> Told:
        if isinstance(one, Told):
            return one
        path, unit, sha, judged = one
        return self._told(path, unit, sha, judged.result())

    def _prepare(self, path: Path) -> Told | tuple[str, str]:
        """Return the unit and the hash of a file, or what is already to be told of it."""
        try:
            unit = self._bearer(path)
            with path.open("rb") as file:
                sha = file_digest(file, "sha256").hexdigest()
        except (Refused, OSError) as refusal:
            return Told(str(path), "refused", reason=str(refusal))
        if self._app.trace.find([_id(sha, "read")]):
            return Told(str(path), "known", unit)
        return unit, sha

    def _bearer(self, path: Path) -> str:
        """The unit asked for; else what stands before the first `_` of the file's name."""
        number = self._unit or path.name.partition("_")[0]
        if self._app.knowledge().known(number):
            return number
        return self._app.bearer(number)

    def _type(self, unit: str) -> str:
        return self._app.knowledge().passport(unit).type

    def _taken(self, path: Path, unit: str, sha: str) -> Told:
        rules = rules_for(self._catalogue, self._type(unit))
        return self._told(path, unit, sha, _judged(path, self._kind, rules))

    def _told(self, path: Path, unit: str, sha: str, judged: Judged | str) -> Told:
        if isinstance(judged, str):
            return Told(str(path), "refused", unit, reason=judged)
        try:
            return self._record(path, unit, sha, judged)
        except Refused as refusal:
            return Told(str(path), "refused", unit, reason=str(refusal))

    def _record(self, path: Path, unit: str, sha: str, judged: Judged) -> Told:
        with path.open("rb") as file:
            kept = self._app.evidence.put(file, path.name, _media(path), "dataset")
        found = [*judged.findings, *self._overlaps(unit, sha, judged), *self._ahead(judged)]
        operations: list[Operation] = [
            self._violation(unit, sha, kept, judged, index, violation)
            for index, violation in enumerate(judged.violations)
        ]
        operations.append(self._read(unit, sha, kept, judged, found))
        for result in self._app.record(operations, "recorder", "recorder"):
            if isinstance(result, Refused):
                raise result
        by_rule: dict[str, int] = {}
        for violation in judged.violations:
            by_rule[violation.rule] = by_rule.get(violation.rule, 0) + 1
        return Told(str(path), "recorded", unit, len(judged.violations),
                    tuple(f.name for f in found), by_rule=by_rule)  # fmt: skip

    def _overlaps(self, unit: str, sha: str, judged: Judged) -> list[Finding]:
        """Another file of the same unit over the same time: one of them is not its own."""
        self._app.catch_up()
        others = [
            row for row in self._app.lookup.recorder_files([unit])
            if row["at_us"] < judged.last_us and row["last_us"] > judged.first_us
            and row["file"] != sha
        ]  # fmt: skip
        return [
            Finding("two_runs_at_once", 0.0, len(others), {"other": others[0]["operation"]})
        ] if others else []  # fmt: skip

    def _ahead(self, judged: Judged) -> list[Finding]:
        now_us = microseconds(self._app.clock())
        if judged.last_us <= now_us + _FUTURE_US:
            return []
        hours = (judged.last_us - now_us) / HOUR_US
        return [Finding("time_in_future", 0.0, values={"hours": f"{hours:.1f}"})]

    def _happened(self, us: int) -> datetime:
        """A clock ahead of ours is no reason to lose what it saw: it is written as seen now."""
        now_us = microseconds(self._app.clock())
        return moment(min(us, now_us))

    def _violation(
        self, unit: str, sha: str, kept: Evidence, judged: Judged, index: int, found: Violation
    ) -> Operation:
        shown = self._catalogue.mode_rules[found.rule].shown
        worst = Reading(quantity=shown.quantity, value=f"{found.worst:.3f}", unit=shown.unit)
        at_us = judged.first_us + round(found.start_s * 1e6)
        return ModeViolated(
            id=_id(sha, f"{index:06d}"), happened_at=self._happened(at_us), units=(unit,),
            site=self._site, rule=found.rule, duration_s=f"{found.duration_s:.3f}",
            readings=(worst,), evidence=(kept,),
        )  # fmt: skip

    def _read(
        self, unit: str, sha: str, kept: Evidence, judged: Judged, found: Sequence[Finding]
    ) -> Operation:
        return RecorderRead(
            id=_id(sha, "read"), happened_at=self._happened(judged.last_us), units=(unit,),
            site=self._site, recorder=self._kind.key, first_at=moment(judged.first_us),
            last_at=moment(judged.last_us), rows=judged.rows,
            distance_km=None if judged.distance_km is None else f"{judged.distance_km:.3f}",
            rules=judged.rules, evidence=(kept,),
            findings=tuple(_written(f, judged.first_us) for f in found[:200]),
        )  # fmt: skip


def _judged(path: Path, kind: RecorderType, rows: Sequence[ModeRule]) -> Judged | str:
    """Judge one file; a refusal comes back as its words, because it may cross processes."""
    try:
        return judge(path, kind, rows)
    except (BadEvidence, BadOperation, OSError) as refusal:
        return str(refusal)


def _written(finding: Finding, first_us: int) -> RecorderFinding:
    at = None if finding.at_s is None else moment(first_us + round(finding.at_s * 1e6))
    text = ", ".join(f"{key} {value}" for key, value in finding.values.items())
    return RecorderFinding(name=finding.name, at=at, count=finding.count, text=text[:200])


def _media(path: Path) -> str:
    parquet = path.suffix.lower() == ".parquet"
    return "application/vnd.apache.parquet" if parquet else "text/csv"


def _id(sha: str, what: str) -> str:
    return f"recorder:{sha[:24]}:{what}"


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return the recorder files named, and those in the folders named, in order of their names."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".csv", ".parquet"))
        found += inside if path.is_dir() else [path]
    return found
