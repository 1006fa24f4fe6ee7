"""What `railtrace diagnose` does with gears, tests judged by check rules, and samples of oil."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from railtrace.analysis.recording import Recording
    from railtrace.catalogue.rows import Catalogue, CheckRule
    from railtrace.trace.operation import MachineResult, Operation

Report = dict[str, Any]
READ = {
    "insulation": ("insulation_resistance", "insulation_resistance_15s", "test_voltage"),
    "ndt_set_up": ("reference_echo", "reference_echo_after", "scan_coverage"),
}
"""Tests that are a row of readings; the others are a trace."""


def gear(
    taken: "Recording", repeats: "list[Recording]", teeth: int | None, key: str,
    catalogue: "Catalogue",
) -> Report:  # fmt: skip
    """Return what one gear wheel of a recording shows. Raises BadEvidence, NotFound."""
    from railtrace.analysis.gears import SIDEBAND_LIMIT_DB, diagnose_gear
    from railtrace.errors import BadEvidence, NotFound

    row = catalogue.gear_types.get(key)
    if key and row is None:
        raise NotFound("The catalogue has no gear wheel {key}; it has {known}", key=key,
                       known=", ".join(catalogue.gear_types))  # fmt: skip
    known = row.teeth if row else teeth
    if known is None:
        raise BadEvidence(
            "How many teeth the gear wheel has is not in a recording: give it with --teeth, or a "
            "row of the catalogue with --gear", reason="teeth",
        )  # fmt: skip
    limit_db = row.sidebands_db if row else SIDEBAND_LIMIT_DB
    found = diagnose_gear(taken, known, repeats=repeats, sideband_limit_db=limit_db)
    first = found.looks[0]
    return {
        "outcome": found.outcome, "damage": found.finding, "mesh_hz": round(first.mesh_hz, 2),
        "sidebands_db": round(first.sidebands_db, 2), "fm4": round(first.fm4, 3),
        "reasons": [{"code": r.code, "text": r.text} for r in found.reasons],
    }  # fmt: skip


def ruled(
    file: Path, method: str, catalogue: "Catalogue", stages: Mapping[str, float], unit_type: str,
    key: str,
) -> Report:  # fmt: skip
    """Return the verdict of a check rule on one test. Raises BadEvidence, NotFound."""
    from railtrace.catalogue.in_force import limit_for
    from railtrace.errors import BadEvidence
    from railtrace.projections.rejudge import Test, rejudged

    rule, now = _rule(catalogue, method, key), datetime.now(UTC)
    content = file.read_bytes()
    operation, result = _told(file, content, method, stages, now)
    limit = limit_for(catalogue, "insulation_resistance", unit_type, "after_repair", now.date())
    least = float(limit.min) if limit is not None and limit.min else None
    ours = rejudged(rule, Test(operation, result, now.date(), lambda _: content, least))
    reasons = [{"code": r.code, "text": r.text} for r in (*ours.reasons, *ours.unjudged)]
    if ours.verdict == "unjudged" or (ours.reasons and ours.reasons[0].code.startswith("bad_")):
        first = (*ours.reasons, *ours.unjudged)[0]
        raise BadEvidence("{file}: {problem}", reason=first.code.removeprefix("bad_evidence."),
                          file=file, problem=first.text)  # fmt: skip
    return {"outcome": ours.verdict, "rule": rule.key, "confirmed": rule.confirmed,
            "reasons": reasons}  # fmt: skip


def _rule(catalogue: "Catalogue", method: str, key: str) -> "CheckRule":
    """Return the rule named, or the only one there is. Raises NotFound."""
    from railtrace.errors import NotFound
    from railtrace.operating.rule_tests import method_of

    rules = {k: r for k, r in catalogue.check_rules.items() if method_of(r) == method}
    found = rules.get(key or next(iter(rules), "") if key or len(rules) == 1 else "")
    if found is None:
        raise NotFound("Name the check rule with --rule: {known}", known=", ".join(rules))
    return found


def _told(
    file: Path, content: bytes, method: str, stages: Mapping[str, float], now: datetime
) -> "tuple[Operation, MachineResult | None]":
    """Return the file as a machine would have told of it."""
    from railtrace.trace.operation import Evidence, MachineResult, Phase, Reading, Tested

    readings: tuple[Reading, ...] = ()
    if method in READ:
        row = _row(file)
        readings = tuple(
            Reading(quantity=key, value=f"{row[key]:g}", unit="1") for key in READ[method]
            if key in row
        )  # fmt: skip
    kept = Evidence(sha256=sha256(content).hexdigest(), name=file.name, media_type="text/csv",
                    size=len(content), evidence_class="curve")  # fmt: skip
    shared: dict[str, Any] = {"happened_at": now, "units": ("file",), "device": "file"}
    operation = Tested(id="file", test=method, readings=readings, evidence=(kept,), **shared)
    phases = tuple(Phase(phase=key, duration_s=f"{value:g}") for key, value in stages.items())
    result = MachineResult(id="file:r", result_id="file", machine=method, phases=phases, **shared)
    return operation, result if phases else None


def _row(file: Path) -> dict[str, float]:
    from railtrace.errors import BadEvidence
    from railtrace.projections.rejudge import columns

    found = columns(file.read_bytes())
    if any(len(values) != 1 for values in found.values()):
        raise BadEvidence("{file}: one row of readings is wanted", reason="not_a_trace", file=file)
    return {key: values[0] for key, values in found.items()}


def oil(file: Path, deviation: float, changed_at: list[float]) -> Report:
    """Return the trend of every metal of one engine: a column `hours`, a column a metal."""
    import numpy as np

    from railtrace.analysis.fluid_laboratory import metal_trend, oil_hours
    from railtrace.errors import BadData, BadEvidence
    from railtrace.operating.oil import rises
    from railtrace.projections.rejudge import columns

    table = columns(file.read_bytes())
    if "hours" not in table:
        raise BadEvidence("{file} has no column {name}; its columns are {columns}",
                          reason="columns", file=file, name="hours",
                          columns=", ".join(table))  # fmt: skip
    try:
        age = oil_hours(np.array(table["hours"]), np.array(changed_at))
        trends = {key: metal_trend(age, np.array(values), deviation)
                  for key, values in table.items() if key != "hours"}  # fmt: skip
    except BadData as error:
        raise BadEvidence(error.template, reason="not_a_trend", **error.values) from error
    return {
        "outcome": "watch" if any(map(rises, trends.values())) else "sound",
        "metals": {
            key: {"rate": round(t.rate, 5), "low": round(t.low, 5), "high": round(t.high, 5),
                  "last": t.last, "expected": round(t.expected, 2), "rises": rises(t)}
            for key, t in trends.items()
        },
    }  # fmt: skip


def stages_of(told: list[str]) -> dict[str, float]:
    """Return how long each stage of a wash lasted, as typed: key=seconds. Raises NotFound."""
    from railtrace.errors import NotFound

    found = {}
    for one in told:
        key, _, seconds = one.partition("=")
        try:
            found[key] = float(seconds)
        except ValueError:
            raise NotFound("{stage} is no stage: write it like wash=180", stage=one) from None
    return found

