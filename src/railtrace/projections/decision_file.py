"""The file of a decision: the whole evaluation, which a person signs and a certificate carries."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from railtrace.projections.consist_gates import Facts, rows_of
from railtrace.projections.gate_rows import GateRow
from railtrace.trace.operation import LeanedOn

FORMAT = "railtrace-decision/3"
_MOST = 5000
"""Entries that one decision names at most; a train of twenty coaches has some six hundred."""


def decision_file(
    facts: Facts, decided: Mapping[str, Any], refuse: bool, rows: list[GateRow],
    promise: Mapping[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """Return what was looked at and what came out: gates, rows, reasons, and what was promised.

    `decided` are the fields of the operation; what stands in both must agree.
    """
    consist = facts.consist
    return msgspec.json.encode({
        "format": FORMAT, "decision": decided["decision"], "scope": decided["scope"],
        "outcome": "refused" if refuse else "released", "act": decided.get("act", ""),
        "consist": decided.get("consist") or "", "train": consist.train,
        "train_kind": consist.train_kind, "route": consist.route,
        "departs_us": consist.departs_us, "day": facts.day, "units": decided["units"],
        "max_speed_kmh": consist.max_speed_kmh, "electropneumatic": consist.electropneumatic,
        "catalogue": decided["catalogue"], "positions": decided["positions"],
        "reasons": decided["reasons"], "rows": rows,
        "gates": sorted(row.key for row in rows_of(facts)),
    } | ({"promise": promise} if promise else {}), order="sorted")  # fmt: skip


def looked_at(facts: Facts, rows: list[GateRow]) -> tuple[list[LeanedOn], set[str]]:
    """Return the entries that the rows stand on by their places, and those known by id alone."""
    placed, named = set(), set[str]()
    for row in rows:
        for one in row.looked:
            if one.position is None:
                named.add(one.operation)
            else:
                placed.add((one.operation, one.log, one.position))
    leaned = [LeanedOn(operation=o, log=log, position=at) for o, log, at in sorted(placed)]
    return leaned, named | _signed_for(facts)


Places = Callable[[list[str]], Iterable[tuple[str, str, int]]]
"""Tells, of entries by their ids, where the versions lie that hold now: (id, log, position)."""


def leaned_on(facts: Facts, rows: list[GateRow], places: Places) -> tuple[LeanedOn, ...]:
    """Return what a decision stands on, by its places in the logs: readings, papers, signatures."""
    leaned, named = looked_at(facts, rows)
    taken = {(one.operation, one.log, one.position) for one in leaned} | {
        (last.operation, last.log, last.position)
        for unit in facts.units for _, condition in unit.conditions
        for series in condition.series.values() if series.readings
        for last in series.readings[-1:]
    }  # fmt: skip
    taken |= set(places(sorted(named - {operation for operation, _, _ in taken})))
    return tuple(LeanedOn(operation=o, log=log, position=p) for o, log, p in sorted(taken))[:_MOST]


def _signed_for(facts: Facts) -> set[str]:
    """Return the composition, and what people signed for it."""
    consist = facts.consist
    signed = [sign.operation for sign in consist.signed().values()]
    joints = [joints.operation for joints in consist.looked_at().values()]
    brakes = [one.operation for one in (consist.braked(),) if one is not None]
    standing = [consist.composition.id] if consist.composition else []
    return {*signed, *joints, *brakes, *standing} - {""}
