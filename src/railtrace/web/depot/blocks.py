"""On which reference block a set for non-destructive testing is set up."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from railtrace.errors import BadOperation
from railtrace.projections.metrology import standing
from railtrace.store.knowledge import REFERENCE_BLOCK, Knowledge
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Installed, Removed
from railtrace.web.names import Names
from railtrace.web.record import made, record_all
from railtrace.web.roles import allowed
from railtrace.web.running import the_app


def blocks_of(
    knowledge: Knowledge, names: Names, unit: str, type_: str, now_us: int
) -> dict[str, Any]:
    """Return the reference blocks that lie with a set, and those it may be given."""
    rules = names.catalogue.check_rules.values()
    if not any(r.ndt and r.ndt.block and type_ in r.equipment for r in rules):
        return {}
    rows = [row.unit for row in the_app().lookup.equipment()]
    knowledge.load(rows)
    blocks = [some for some in rows if knowledge.passport(some).type == REFERENCE_BLOCK]
    mine = {block.unit for block in knowledge.blocks(unit, now_us)}
    told = [
        {"unit": block, "name": names.unit(knowledge.passport(block)), "mine": block in mine,
         "word": standing(knowledge.instrument(block), now_us).word}
        for block in blocks
    ]  # fmt: skip
    on_block = next((one for one in told if one["mine"]), None)
    return {"blocks": told, "asks_block": True, "on_block": on_block}


@require_POST
@allowed("record")
def set_up_on(request: HttpRequest, unit: str) -> HttpResponse:
    """Record on which reference block a set is set up from now on; the one before goes."""
    knowledge, block = the_app().knowledge(), request.POST.get("block", "")
    if knowledge.passport(block).type != REFERENCE_BLOCK:
        raise BadOperation("choose a reference block that is entered as an instrument")
    now_us = microseconds(the_app().clock())
    shared: dict[str, Any] = {"carrier": unit, "position": REFERENCE_BLOCK,
                              "site": knowledge.passport(unit).home_site}  # fmt: skip
    gone = [b.unit for b in knowledge.blocks(unit, now_us) if b.unit != block]
    before = knowledge.genealogy(block).carrier()
    operations = [made(request, Removed, units=tuple(gone), **shared)] if gone else []
    if before is not None and before.carrier != unit:
        operations.append(made(request, Removed, units=(block,), **shared | {
            "carrier": before.carrier}))  # fmt: skip
    if before is None or before.carrier != unit:
        operations.append(made(request, Installed, units=(block,), **shared))
    if operations:
        record_all(request, operations)
    messages.success(request, gettext("The reference block is recorded."))
    return redirect("instrument", unit)
