"""The evidence ladder: what a figure may stand on, by the number of events behind it.

Source of the steps: own simulation, 3,000 replicates at shape 1.8 with staggered entry: at 7
events the unaided shape is 17 % too great and a prior cuts the error of the log hazard by a
quarter; at 36 the prior makes no difference.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.life_data import Floats


class Evidence(StrEnum):
    """The steps of the ladder."""

    NONE = "none"
    SCARCE = "scarce"
    MODERATE = "moderate"
    AMPLE = "ample"


FEWEST_EVENTS = {Evidence.NONE: 0, Evidence.SCARCE: 1, Evidence.MODERATE: 5, Evidence.AMPLE: 21}

ADVICE = {
    Evidence.NONE: "no event: only a bound or the pooled prior can be told",
    Evidence.SCARCE: "1-4 events: too few for a shape, prefer the pooled law",
    Evidence.MODERATE: "5-20 events: prefer data and prior together",
    Evidence.AMPLE: "more than 20 events: the data suffice",
}


def evidence(events: float) -> Evidence:
    """Return the step that a number of events stands on."""
    return max(
        (step for step, fewest in FEWEST_EVENTS.items() if events >= fewest),
        key=FEWEST_EVENTS.__getitem__,
    )


def ladder(events: Floats) -> NDArray[np.str_]:
    """Return the step of each group as text, shape (groups,)."""
    steps = np.array([str(step) for step in FEWEST_EVENTS])
    found = np.searchsorted([*FEWEST_EVENTS.values()], events, side="right") - 1
    return steps[found]
