"""Sealed promises: what is told of every vehicle's next kilometres, frozen in the log.

The file has one line a vehicle; its SHA-256 and the entries it was computed from are recorded, so
nobody can say later that something else was promised.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from railtrace.app import App
from railtrace.errors import NotFound
from railtrace.store.reliability import FleetReliability, fleet_reliability
from railtrace.store.scoreboard import Issue, issue_of
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import LogSize, ResultSealed

JOB = "promise"
MEDIA_TYPE = "application/x-ndjson"


class Head(Struct, frozen=True, tag_field="format", tag="railtrace-promise/1"):
    """The first line: which vehicles, when, and what the figures stand on."""

    vehicle_class: str
    owner: str
    at_us: int
    logs: dict[str, int]
    table_sha256: str
    prior: str
    code: str


class Promise(Struct, frozen=True):
    """One vehicle: stopping failures per kilometre by model."""

    unit: str
    per_km: dict[str, float]


def seal(app: App, vehicle_class: str, owner: str, submitter: str) -> tuple[str, int]:
    """Promise for every vehicle of a class and owner; return the operation and the vehicles.

    Raises NotFound where nothing has run or failed yet.
    """
    app.wait_caught_up(30)
    fleet = fleet_reliability(
        app.lookup, app.catalogue(), vehicle_class, owner, app.views.positions(),
        microseconds(app.clock()),
    )  # fmt: skip
    issue = issue_of(fleet)
    lines = list(_lines(fleet, issue))
    evidence = app.evidence.put(
        b"\n".join(lines) + b"\n", f"promise-{vehicle_class}.jsonl", MEDIA_TYPE, "dataset"
    )
    now = app.clock()
    sealed = ResultSealed(
        id=f"result:{evidence.sha256[:24]}:{microseconds(now)}", happened_at=now, job=JOB,
        result=evidence.sha256, rows=len(lines) - 1,
        positions=tuple(LogSize(log=log, size=n)
                        for log, n in sorted(fleet.standing.positions.items())),
        evidence=(evidence,),
    )  # fmt: skip
    app.record([sealed], submitter, "system")
    return sealed.id, len(lines) - 1


def _lines(fleet: FleetReliability, issue: Issue) -> Iterator[bytes]:
    standing = fleet.standing
    yield msgspec.json.encode(Head(
        fleet.vehicle_class, fleet.owner, fleet.computed_us,
        dict(sorted(standing.positions.items())), standing.table_sha256, standing.prior,
        standing.code,
    ), order="sorted")  # fmt: skip
    for unit in sorted(issue.rates["model"]):
        told = {key: rates[unit] for key, rates in issue.rates.items()}
        yield msgspec.json.encode(Promise(unit, told), order="sorted")


def sealed_issues(app: App, vehicle_class: str, owner: str) -> list[Issue]:
    """Return what was promised of a class and owner, the oldest first.

    A file that was deleted or changed is left out; `railtrace verify` names it.
    """
    rows = app.lookup.timeline([f"results:{JOB}"], ["ResultSealed"], limit=1000)
    found = []
    for row in rows:
        entry = app.entry_at(row[3], row[4])
        operation = entry.operation
        assert isinstance(operation, ResultSealed)
        try:
            head, *lines = app.evidence.read(operation.result).splitlines()
        except NotFound:
            continue
        about = msgspec.json.decode(head, type=Head)
        if (about.vehicle_class, about.owner) == (vehicle_class, owner):
            found.append(_issue(entry.recorded_us, lines))
    return sorted(found, key=lambda issue: issue.at_us)


def _issue(at_us: int, lines: list[bytes]) -> Issue:
    rates: dict[str, dict[str, float]] = {}
    for line in lines:
        promise = msgspec.json.decode(line, type=Promise)
        for key, rate in promise.per_km.items():
            rates.setdefault(key, {})[promise.unit] = rate
    return Issue(at_us, rates)
