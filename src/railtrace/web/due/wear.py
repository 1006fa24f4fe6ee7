"""What is due by wear, in the reader's words: the limit, the rate, the readings, the dates."""

from dataclasses import dataclass

from railtrace.store.knowledge import Knowledge, Node
from railtrace.store.wear import WearDue, WearDues
from railtrace.web.measurements import limit_source, limit_text
from railtrace.web.names import Names
from railtrace.web.running import the_app

_MOST = 16


@dataclass(frozen=True)
class WearLine:
    """One parameter of one wheel: how it stands, how fast it wears, when it crosses its limit."""

    due: WearDue
    part: str
    quantity: str
    place: str
    value: str
    level: str
    rate: str
    limit: str
    source: str
    km: tuple[str, str, str]
    sign: str


def wear_line(due: WearDue, names: Names, part: str) -> WearLine:
    """Put a wear due into words."""
    unit = due.unit
    low, middle, high = (
        "—" if x is None else names.value(f"{x:.0f}", "km") for x in due.km
    )
    rate = names.measured(f"{due.rate:.3f}", f"{2 * due.rate_sd:.3f}", unit)
    return WearLine(
        due, part, names.quantity(due.quantity), names.place(due.place),
        names.value(due.value, unit), names.value(f"{due.level:.1f}", unit), rate,
        limit_text(due.limit, names), limit_source(due.limit, names), (low, middle, high),
        _sign(due),
    )  # fmt: skip


def _sign(due: WearDue) -> str:
    """A limit that is crossed by now as likely as not is a doubt; a reading alone is unfit."""
    return "doubtful" if due.km[1] == 0 else "fit"


def unit_wear(knowledge: Knowledge, names: Names, tree: Node) -> list[WearLine]:
    """Return the wear dues of a vehicle, of a locomotive's sections, or of a part on a vehicle."""
    if not knowledge.now:
        return []
    root = knowledge.root(tree.unit)[0]
    sections = [stay.part for stay in knowledge.coupling(root).coupled()] or [root]
    app, found = the_app(), list[WearDue]()
    for vehicle in sections:
        type_ = knowledge.passport(vehicle).type
        if type_ in names.catalogue.vehicle_types:
            reader = WearDues(app.lookup, names.catalogue, knowledge.at_us)
            found += reader.of(type_, [vehicle])
    mine = {node.unit for node in tree.walk()}
    some = [due for due in found if due.part in mine][:_MOST]
    knowledge.load([due.part for due in some])
    return [wear_line(due, names, names.unit(knowledge.passport(due.part))) for due in some]


def binding(dues: list[WearDue]) -> list[WearDue]:
    """Return of each vehicle the wheel whose limit comes first, the soonest vehicle first."""
    first: dict[str, WearDue] = {}
    for due in dues:
        first.setdefault(due.vehicle, due)
    return list(first.values())
