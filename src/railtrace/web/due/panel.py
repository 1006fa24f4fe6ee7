"""The tab Due of a unit: what is due on it and on its parts, when, and why."""

from typing import Any

from django.http import HttpRequest

from railtrace.projections.maintenance import life_of
from railtrace.store.dues import FleetDues, Forecast
from railtrace.store.knowledge import Knowledge, Node
from railtrace.web.due.lines import line
from railtrace.web.due.wear import unit_wear
from railtrace.web.names import Names
from railtrace.web.running import the_app

_ORDER = {"unfit": 0, "doubtful": 1, "fit": 2, "unknown": 3, "": 4}


def unit_due(
    request: HttpRequest, knowledge: Knowledge, names: Names, tree: Node
) -> dict[str, Any]:
    """Return the lines of the unit, those of its parts that have any, and its programme."""
    sections = _sections(knowledge, tree)
    own = [line(forecast, names) for forecast in _forecasts(knowledge, names, tree)]
    own += [
        line(forecast, names, names.number(section.passport))
        for section in sections
        for forecast in _forecasts(knowledge, names, section)
    ]
    above = {node.unit for node in (tree, *sections)}
    parts = [
        line(Forecast(due, due.calendar_us, due.calendar_us, due.calendar_us), names,
             names.unit(node.passport))
        for node in tree.walk()
        if node.unit not in above
        for due in knowledge.dues(node.unit)
        if due.criteria
    ]  # fmt: skip
    state = knowledge.maintenance(tree.unit)
    return {
        "own": sorted((one for one in own if one.state != "blank"), key=_first),
        "blank": [one for one in own if one.state == "blank"],
        "parts_due": sorted(parts, key=_first),
        "programme": names.catalogue.programmes.get(own[0].service.programme) if own else None,
        "chosen": state.programme, "now_us": knowledge.at_us,
        "life": life_of(state, names.catalogue, knowledge.at_us),
        "campaigns": knowledge.campaigns(tree.unit), "wear": unit_wear(knowledge, names, tree),
    }  # fmt: skip


def _sections(knowledge: Knowledge, tree: Node) -> list[Node]:
    """Return the sections of a locomotive: what is due on it is due on them."""
    coupled = {stay.part for stay in knowledge.coupling(tree.unit).coupled()}
    return [node for node in tree.children if node.unit in coupled]


def _first(one: Any) -> tuple[int, int]:
    at_us = one.forecast.median_us
    return _ORDER[one.sign], 2**62 if at_us is None else at_us


def _forecasts(knowledge: Knowledge, names: Names, tree: Node) -> list[Forecast]:
    """Forecasts are of today; at a past date only what was counted then is shown."""
    dues = knowledge.dues(tree.unit)
    plain = [Forecast(due, due.calendar_us, due.calendar_us, due.calendar_us) for due in dues]
    if not knowledge.now or not any(due.criteria for due in dues):
        return plain
    app = the_app()
    fleet = FleetDues(app.views, app.lookup, names.catalogue, knowledge.at_us)
    known = {f.due.service: f for f in fleet.of([tree.unit], [tree.passport.type])}
    return [known.get(forecast.due.service, forecast) for forecast in plain]
