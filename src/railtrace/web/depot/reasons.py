"""Why our rules judge a test as they do, in the reader's language."""

import re
from collections.abc import Iterable

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.reasons import Reason

_WORDS = {
    "temperature": _("temperature"), "pressure": _("pressure"), "before": _("before"),
    "after": _("after"), "apply": _("apply"), "release": _("release"),
    "reduction": _("pressure reduction"), "leak": _("leakage"), "resistance": _("resistance"),
    "wash": _("washing"), "rinse": _("rinsing"), "dry": _("drying"), "none": _("none"),
    "brake pipe": _("brake pipe"), "brake cylinder": _("brake cylinder"),
    "brake_pipe_pressure": _("brake pipe"), "brake_cylinder_pressure": _("brake cylinder"),
    "expired": _("proof has run out"), "failed": _("failed its last check"),
    "withdrawn": _("withdrawn"), "suspect": _("suspect"), "not_yet": _("not proved then"),
    "bath_temperature": _("bath temperature"), "pump_pressure": _("pump pressure"),
}  # fmt: skip
_POINT = re.compile(r"(?<=\d)\.(?=\d)")


def reason_said(reason: Reason) -> str:
    """Return a reason as a sentence, with decimals as the language writes them."""
    values = {name: _said(value) for name, value in reason.values}
    try:
        text = gettext(reason.template).format(**values)
    except (KeyError, ValueError):
        text = reason.text
    return text if (get_language() or "ru").startswith("en") else _POINT.sub(",", text)


def _said(value: object) -> object:
    if not isinstance(value, str):
        return value
    return ", ".join(gettext(_WORDS.get(word, word)) for word in value.split(", "))


def reasons_said(reasons: Iterable[Reason]) -> str:
    """Return reasons in one line."""
    return "; ".join(map(reason_said, reasons))
