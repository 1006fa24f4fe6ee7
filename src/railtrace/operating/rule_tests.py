"""Tests of machines judged by the check rules of the catalogue: wash, NDT, brake, insulation, load.

The same judgement that closes a step of an order, here written down beside what the machine said.
"""

from collections.abc import Mapping

from railtrace.app import App
from railtrace.catalogue.in_force import check_rule_for, limit_for
from railtrace.catalogue.rows import Catalogue, CheckRule
from railtrace.operating.outcomes import Outcome
from railtrace.projections.rejudge import Ours, Test, rejudged
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Evidence, MachineResult, Operation

_BAD = "bad_evidence."


def method_of(rule: CheckRule) -> str:
    """Return the name of the method that a rule judges by; the press is judged with its band."""
    told = {
        "wash": rule.wash, "ndt_set_up": rule.ndt, "brake_trace": rule.brake,
        "insulation": rule.insulation, "load_bank": rule.notches,
    }  # fmt: skip
    return next((method for method, asked in told.items() if asked), "")


def machines_of(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """Return the kinds of equipment whose tests each method judges."""
    found: dict[str, tuple[str, ...]] = {}
    for rule in catalogue.check_rules.values():
        if method := method_of(rule):
            found[method] = (*found.get(method, ()), *rule.equipment)
    return found


def judged_test(
    app: App, operation: Operation, result: MachineResult | None
) -> tuple[str, Outcome] | None:
    """Return the method and what it says of a test.

    None where no rule is in force for the machine, or its trace has not come yet.
    """
    knowledge, catalogue = app.knowledge(), app.catalogue()
    if operation.device is None:
        return None
    type_ = knowledge.passport(operation.units[0]).type
    equipment = knowledge.passport(operation.device).type
    day = operation.happened_at.date()
    rule = check_rule_for(catalogue, equipment, type_, day)
    table = table_of(operation)
    if rule is None or not method_of(rule) or (table and not _kept(app, table.sha256)):
        return None
    limit = limit_for(catalogue, "insulation_resistance", type_, "after_repair", day)
    at_us = microseconds(operation.happened_at)
    ours = rejudged(rule, Test(
        operation, result, day, lambda sha: _content(app, sha),
        float(limit.min) if limit is not None and limit.min else None,
        knowledge.blocks(operation.device, at_us),
    ))  # fmt: skip
    return method_of(rule), _told(ours, table.sha256 if table else None)


def table_of(operation: Operation) -> Evidence | None:
    """Return the trace that came with a test, as `rejudge` looks for it."""
    return next((f for f in operation.evidence if f.media_type == "text/csv"), None)


def _told(ours: Ours, file: str | None) -> Outcome:
    first = next((reason.code for reason in (*ours.reasons, *ours.unjudged)), "")
    reasons = (*ours.reasons, *ours.unjudged)
    if first.startswith(_BAD) or ours.verdict == "unjudged":
        return Outcome("refused", first.removeprefix(_BAD), ours.rule.key, reasons, file=file)
    finding = first if ours.reasons else ""
    return Outcome(ours.verdict, finding, ours.rule.key, reasons, file=file)


def _kept(app: App, sha256: str) -> bool:
    return app.evidence.state(sha256) == "kept"


def _content(app: App, sha256: str) -> bytes | None:
    return app.evidence.path(sha256).read_bytes() if _kept(app, sha256) else None
