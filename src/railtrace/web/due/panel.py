"""The tab Due of a unit: what is due on it and on its parts, when, and why."""

from typing import Any

from django.http import HttpRequest

from railtrace.projections.maintenance import Due, life_of
from railtrace.store.dues import FleetDues, Forecast
from railtrace.store.knowledge import Knowledge, Node
from railtrace.web.due.lines import Line, line
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
    parts = _parts(knowledge, names, tree, above)
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


def _parts(knowledge: Knowledge, names: Names, tree: Node, above: set[str]) -> list[Line]:
    """Return the lines of the parts below that have any, with the dates of their vehicle's run."""
    told = [
        (node, due) for node in tree.walk() if node.unit not in above
        for due in knowledge.dues(node.unit) if due.criteria or due.state == "unknown"
    ]  # fmt: skip
    known: dict[tuple[str, str], Forecast] = {}
    if told and knowledge.now:
        for vehicle in {knowledge.root(node.unit)[0] for node, _ in told}:
            known |= _of_fleet(knowledge, names, vehicle)
    return [
        line(known.get((due.unit, due.service), _plain(due)), names, names.unit(node.passport))
        for node, due in told
    ]


def _of_fleet(
    knowledge: Knowledge, names: Names, vehicle: str
) -> dict[tuple[str, str], Forecast]:
    """Return the forecasts of a vehicle and of the parts on it."""
    app, type_ = the_app(), knowledge.passport(vehicle).type
    fleet = FleetDues(app.views, app.lookup, names.catalogue, knowledge.at_us)
    return {(f.due.unit, f.due.service): f for f in fleet.of([vehicle], [type_], parts=True)}


def _plain(due: Due) -> Forecast:
    """A due with the day of its calendar alone."""
    return Forecast(due, due.calendar_us, due.calendar_us, due.calendar_us)


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
    plain = [_plain(due) for due in dues]
    if not knowledge.now or not any(due.criteria for due in dues):
        return plain
    known = _of_fleet(knowledge, names, knowledge.root(tree.unit)[0])
    return [known.get((tree.unit, one.due.service), one) for one in plain]
