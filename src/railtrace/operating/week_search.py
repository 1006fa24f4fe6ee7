"""The search for a better week in a process of its own: it tells by a file and stops by one."""

from pathlib import Path
from time import monotonic

import msgspec
from msgspec import Struct

from railtrace.analysis.schedule_search import Asked, Found, improve


class Heard(Struct):
    """What the search has told so far."""

    cost: float
    bound: float


def sought(asked: Asked, seconds: float, told: Path, stop: Path) -> Found:
    """Search; the best cost and the bound stand in `told`, and it ends once `stop` is there."""

    def tell(cost: float, bound: float) -> None:
        draft = told.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(Heard(cost, bound)))
        draft.replace(told)

    return improve(
        asked.jobs, asked.resources, asked.frozen, seconds, 2, tell, stop.exists, asked.stays,
        monotonic,
    )  # fmt: skip
