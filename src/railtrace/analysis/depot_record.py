"""What the record of a simulated run tells: where units flow, how the shop stood at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.depot_flow import Shop
from railtrace.analysis.depot_simulation import DONE, NOWHERE, Record, Run, recorded


@dataclass(frozen=True)
class StepFlow:
    """Visits of items to a step, and where they went from it.

    Attributes
    ----------
    came : visits, rework counted
    waited : visits that did not begin at once; those that never began are among them
    wait_h : mean wait of all that began
    on, again : those that went on (or out, at the last step), and those that were sent back
    left : those that were still there when the run was over
    """

    came: float
    waited: float
    wait_h: float
    on: float
    again: float
    left: float


def flows(record: Record, shop: Shop, from_h: float = 0.0) -> dict[str, tuple[StepFlow, ...]]:
    """Return the flow through each step of each process, of items that came since `from_h`."""
    counted = record.arrived_h >= from_h
    return {
        process.key: tuple(
            _flow(record, counted & (record.process == index) & (record.step == step), step)
            for step in range(len(process.steps))
        )
        for index, process in enumerate(shop.processes)
    }


def _flow(record: Record, mine: NDArray[np.bool_], step: int) -> StepFlow:
    after, began = record.after[mine], np.isfinite(record.begin_h[mine])
    wait = (record.begin_h[mine] - record.queued_h[mine])[began]
    again = int(np.sum((after >= 0) & (after <= step)))
    left = int(np.sum(after == NOWHERE))
    waited = int(np.sum(wait > 0) + np.sum(~began))
    mean_h = float(np.mean(wait)) if len(wait) else 0.0
    return StepFlow(len(after), waited, mean_h, len(after) - again - left, again, left)


def run_with_flows(
    shop: Shop, horizon_h: float, seed: int, warm_up: float = 0.2
) -> tuple[Run, dict[str, tuple[StepFlow, ...]]]:
    """Run a shop once; return the run and the flow of what came after its warm-up."""
    run, record = recorded(shop, horizon_h, seed, warm_up)
    return run, flows(record, shop, warm_up * horizon_h)


@dataclass(frozen=True)
class Standing:
    """How the shop stood at a moment; visits by their index in the record.

    working : by station and machine, the visits on it; waiting : by station, the longest first
    """

    working: Mapping[tuple[str, int], tuple[int, ...]]
    waiting: Mapping[str, tuple[int, ...]]
    done: int
    """How many had left the shop."""


def standing_at(record: Record, shop: Shop, at_h: float) -> Standing:
    """Return how the shop stood at a moment of a run."""
    here = np.flatnonzero((record.queued_h <= at_h) & (record.end_h > at_h))
    working: dict[tuple[str, int], tuple[int, ...]] = {}
    waiting: dict[str, tuple[int, ...]] = {}
    for visit in here.tolist():
        process = shop.processes[int(record.process[visit])]
        station = process.steps[int(record.step[visit])].station
        if record.begin_h[visit] <= at_h:
            at = station, int(record.machine[visit])
            working[at] = (*working.get(at, ()), visit)
        else:
            waiting[station] = (*waiting.get(station, ()), visit)
    done = int(np.sum((record.after == DONE) & (record.end_h <= at_h)))
    return Standing(working, waiting, done)
