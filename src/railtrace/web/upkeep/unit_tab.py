"""On a unit's page: remarks of crews, warranties and claims, repairs elsewhere."""

from typing import Any

from django.http import HttpRequest

from railtrace.projections.maintenance import DAY_US
from railtrace.projections.remarks import repeated
from railtrace.store.knowledge import Knowledge, Node
from railtrace.web.names import Names
from railtrace.web.roles import may
from railtrace.web.running import the_app
from railtrace.web.upkeep import away, claims, remarks

_FAILURES_DAYS = 90


def unit_upkeep(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return what the tab shows, of the unit and of the parts on it."""
    now_us = knowledge.at_us
    nodes = tree.walk()
    return {
        "remark_rows": _remarks(knowledge, names, nodes, now_us),
        "warranty_rows": [
            claims.warranty_said(one, node.unit, knowledge, names, now_us)
            for node in nodes for one in knowledge.claims(node.unit).warranties
        ],
        "claim_rows": [
            claims.said_of(one, node.unit, knowledge, names, now_us)
            for node in nodes for one in knowledge.claims(node.unit).claims
        ],
        "away_rows": [
            away.said_of(one, node.passport, names, now_us)
            for node in nodes for one in reversed(knowledge.outside(node.unit).stays)
        ],
        "claimable": _claimable(knowledge, names, nodes, now_us),
        "may_record": may(request.user, "record") and knowledge.now,
        "today": the_app().clock().date().isoformat(),
    }  # fmt: skip


def _remarks(
    knowledge: Knowledge, names: Names, nodes: list[Node], now_us: int
) -> list[dict[str, Any]]:
    found = []
    for node in nodes:
        state = knowledge.remarks(node.unit)
        again = repeated(state.remarks, names.catalogue.remark_topics, now_us)
        found += [remarks.said_of(r, node.passport, names, again, now_us) for r in state.remarks]
    found.sort(key=lambda row: (row["remark"].state == "done", -row["remark"].at_us))
    return found


def _claimable(
    knowledge: Knowledge, names: Names, nodes: list[Node], now_us: int
) -> list[dict[str, Any]]:
    """Return open defects and late failures without a claim, with who stands for them."""
    claimed = {c.defect for node in nodes for c in knowledge.claims(node.unit).claims}
    found = []
    for node in nodes:
        some = [(d.id, d.code, d.from_us) for d in node.condition.defects]
        some += _failures(node.unit, now_us) if knowledge.now else []
        for id_, said, at_us in some:
            if id_ not in claimed:
                held = claims.standing_for(knowledge, node.unit, at_us)
                found.append({
                    "id": id_, "said": said, "at_us": at_us, "unit": node.unit,
                    "name": names.unit(node.passport), "against": held[0].by if held else "",
                })  # fmt: skip
    return sorted(found, key=lambda row: -int(row["at_us"]))


def _failures(unit: str, now_us: int) -> list[tuple[str, str, int]]:
    failed, _renewed = the_app().lookup.failures_of([unit])
    return [
        (operation, place, at_us) for at_us, place, _class, operation in failed.get(unit, ())
        if at_us >= now_us - _FAILURES_DAYS * DAY_US
    ]  # fmt: skip
