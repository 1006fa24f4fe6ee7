"""Words of the reliability pages: indicators by the standards' terms, evidence, signals."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

EVIDENCE = {
    "none": _("no failure: a bound and the prior only"),
    "scarce": _("1–4 events: told by its sisters"),
    "moderate": _("5–20 events: data and prior together"),
    "ample": _("more than 20 events: the data suffice"),
}
INDICATOR_NAMES = {
    "failure_intensity": _("Failure intensity ω"),
    "mdbf": _("Mean distance between failures, MDBF"),
    "mtbf": _("Mean operating time between failures, MTBF"),
    "mtin": _("Mean distance between incidents, MTIN, min"),
    "mttr": _("Mean time to restoration, MTTR"),
    "mttr_active": _("of it active repair"),
    "mttr_waiting": _("of it waiting"),
    "inherent": _("Inherent availability (КВГ)"),
    "technical": _("Technical availability (КТГ)"),
    "operational": _("Operational availability"),
}
INDICATOR_SAID = {
    "failure_intensity": _(
        "Failures of the counted classes for a million kilometres of the vehicles. The "
        "interval is exact for a Poisson count."
    ),
    "mdbf": _("Kilometres for each failure of the counted classes."),
    "mtbf": _("Available hours for each failure of the counted classes."),
    "mtin": _("Kilometres for each failure that delayed a train for so many minutes or more."),
    "mttr": _(
        "From the beginning of an unplanned stop to its end, of the stops that ended in the "
        "period and had work in them."
    ),
    "mttr_active": _("Hours in unplanned repair, for each stop."),
    "mttr_waiting": _(
        "Hours of an unplanned stop without repair: waiting for a place, parts, a contractor "
        "or a decision."
    ),
    "inherent": _(
        "Available hours over available hours and those of unplanned repair: planned "
        "maintenance and waiting are left out."
    ),
    "technical": _(
        "Available hours over available hours and those of repair, planned and unplanned: "
        "waiting is left out."
    ),
    "operational": _(
        "Available hours over all counted hours: planned and unplanned stops and every wait "
        "lower it."
    ),
}
GAMMA_SAID = _(
    "The age that so many per cent of the components outlive, with its lower bound of 95 "
    "%; only components whose age is known."
)
SOURCES = {
    "UK national fleet reliability: miles per technical incident": _(
        "UK national fleet reliability: miles per technical incident"
    ),
}
_CYRILLIC = {"GOST": "ГОСТ", "IEC": "МЭК"}
"""How standards are named where people write in Cyrillic."""
UNITS = {"1/10⁶ km": _("per 10⁶ km"), "km": _("km"), "h": _("h"), "%": "%"}
DIRECTIONS = {
    "": _("no trend visible: chance alone may do it"),
    "growing": _("failures come sooner and sooner"),
    "falling": _("failures come later and later"),
}
SIGNALS = {
    "above": _("above the upper limit"),
    "below": _("below the lower limit"),
    "run": _("the eighth month in a row on one side of the middle"),
}
INPUTS = {
    "age": _("age of components"),
    "driving": _("how it was driven: violations of modes in the last year"),
    "diagnosis": _("last verdicts of diagnoses on its components"),
    "diagnosis_record": _("hits and misses of diagnoses: verdicts whose truth is known"),
    "wear": _("wear of its wheels, with the forecast to their limits"),
    "crossing_stops": _("how often a limit that is crossed stops a run: crossings found"),
    "stops": _("which failures stop a run: classes recorded in the fleet"),
    "repair_memory": _("how much of its age a repaired component keeps"),
    "failures": _("failures of the fleet behind the hazards"),
    "shared_effect": _("what crew, route and weather do to all units at once"),
}
GRADES = {
    "measured": _("measured"),
    "inferred": _("inferred"),
    "assumed": _("assumed"),
    "missing": _("missing"),
    "not_used": _("not used: too few vehicles have it"),
}


def standard(source: str, language: str) -> str:
    """Return the standards that define an indicator as a reader's language names them."""
    if source in SOURCES:
        return gettext(SOURCES[source])
    for latin, cyrillic in _CYRILLIC.items() if language in ("ru", "tg") else ():
        source = source.replace(latin, cyrillic)
    return source
