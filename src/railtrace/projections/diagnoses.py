"""Diagnoses: what machines, people and our own methods said of a unit, and what came out later.

A diagnosis is confirmed or refuted by a teardown or a failure in service; what nobody looked into
stays unknown, and is never counted as right.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    Diagnosed,
    EvidenceDiagnosed,
    FailureAscribed,
    Operation,
    TornDown,
)

VERSIONS = {
    "vibration": "3", "gear": "1", "press_fit": "1", "wheel_profile": "1", "wash": "1",
    "ndt_set_up": "1", "brake_trace": "1", "insulation": "1", "load_bank": "1", "fluid_sample": "1",
}  # fmt: skip
"""Of our methods; raised when one says something else of the same evidence, which is then judged
anew."""
KEPT = 400
"""Diagnoses of one unit that are remembered; a bearing has a few a year."""


OF_INSIDE = frozenset({"vibration", "gear", "fluid_sample"})
"""Our methods that a part's inside confirms or refutes. Whether a wash or a set-up was valid is not
found by opening the part: what they said is settled only where a teardown names it."""


class Said(Struct):
    """One diagnosis, and what became of it."""

    operation: str
    at_us: int
    made_by: str
    device: str
    method: str
    version: str
    operator: str
    outcome: str
    finding: str
    entry: str
    file: str
    log: str
    position: int
    truth: str = "unknown"
    truth_us: int | None = None
    truth_by: str = ""
    damage_class: str = ""
    element: str = ""


class Diagnoses(State):
    """What has been said of one unit; `torn_us` is when it was last taken apart."""

    said: list[Said] = []
    torn_us: int | None = None


def _of_entry(entry: Entry, operation: Diagnosed) -> Said:
    return Said(
        operation.id, entry.happened_us, "machine" if operation.device else "person",
        operation.device or "", operation.method, "", next(iter(operation.performed_by), ""),
        operation.outcome, operation.finding, "",
        next((file.sha256 for file in operation.evidence), ""), entry.log, entry.position,
    )  # fmt: skip


def _of_ours(state: Diagnoses, entry: Entry, operation: EvidenceDiagnosed) -> Said:
    """Our own diagnosis shares the fate of the entry whose evidence it judged."""
    said = Said(
        operation.id, entry.happened_us, "system", operation.device or "", operation.method,
        operation.version, next(iter(operation.performed_by), ""), operation.outcome,
        operation.finding, operation.entry, operation.file or "", entry.log, entry.position,
    )  # fmt: skip
    for other in state.said:
        if other.operation == operation.entry and other.truth != "unknown":
            _settle(said, other.truth, other.truth_us, other.truth_by, other.damage_class,
                    other.element)  # fmt: skip
    return said


def _settle(
    said: Said, truth: str, at_us: int | None, by: str, damage_class: str = "", element: str = ""
) -> None:
    said.truth, said.truth_us, said.truth_by = truth, at_us, by
    said.damage_class, said.element = damage_class, element


def _meant(state: Diagnoses, named: Sequence[str]) -> list[Said]:
    """Return the diagnoses named with our own of the same evidence; unnamed: since the last one."""
    if named:
        return [s for s in state.said if {s.operation, s.entry} & set(named)]
    since = state.torn_us
    return [
        s for s in state.said
        if (since is None or s.at_us > since) and (s.made_by != "system" or s.method in OF_INSIDE)
    ]  # fmt: skip


def _apply(state: Diagnoses, entry: Entry, operation: Operation) -> Iterable[tuple[str, tuple[()]]]:
    match operation:
        case Diagnosed():
            state.said.append(_of_entry(entry, operation))
        case EvidenceDiagnosed():
            state.said.append(_of_ours(state, entry, operation))
        case TornDown():
            for said in _meant(state, operation.diagnoses):
                _settle(said, operation.found, entry.happened_us, operation.id,
                        operation.damage_class or "", operation.element)  # fmt: skip
            state.torn_us = entry.happened_us
        case FailureAscribed():
            for said in _meant(state, operation.diagnoses):
                _settle(said, "damage", entry.happened_us, operation.id)
    del state.said[:-KEPT]
    return ()


def _rows(state: Diagnoses, catalogue: Catalogue) -> Rows:
    return {
        "diagnoses": [
            (state.unit, s.operation, s.at_us, s.made_by, s.device, s.method, s.version,
             s.operator, s.outcome, s.finding, s.entry, s.file, s.log, s.position, s.truth,
             s.truth_us, s.truth_by, s.damage_class, s.element)
            for s in state.said
        ]
    }  # fmt: skip


DIAGNOSES = View(
    name="diagnoses",
    version=2,
    state=Diagnoses,
    kinds=frozenset({"Diagnosed", "EvidenceDiagnosed", "TornDown", "FailureAscribed"}),
    tables={
        "diagnoses": (
            "unit TEXT", "operation TEXT", "at_us BIGINT", "made_by TEXT", "device TEXT",
            "method TEXT", "version TEXT", "operator TEXT", "outcome TEXT", "finding TEXT",
            "entry TEXT", "file TEXT", "log TEXT", "position BIGINT", "truth TEXT",
            "truth_us BIGINT", "truth_by TEXT", "damage_class TEXT", "element TEXT",
        ),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
