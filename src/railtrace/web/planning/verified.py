"""The verified answer: a plan's shop run for a year again and again, in a process of its own.

What is done is kept run by run in a file beside the data: a stopped or interrupted verification
goes on where it was.
"""

import hashlib
import logging
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext, gettext_noop
from msgspec import Struct

from railtrace.analysis.depot_flow import HOURS_A_WEEK, Shop
from railtrace.analysis.depot_record import StepFlow, run_with_flows
from railtrace.analysis.depot_simulation import (
    Estimate,
    Run,
    estimate,
    percentile_h,
)
from railtrace.analysis.depot_study import (
    PROGRAMME_SHARE,
    chance_met,
    chance_of,
    outcome,
    worked_off,
)
from railtrace.web.jobs import PROCESS, JobFiles, KeptJob
from railtrace.web.names import Names
from railtrace.web.planning.answer import HOURS_A_YEAR, station_name
from railtrace.web.planning.distribution import Spread, spread
from railtrace.web.planning.flow import Diagram, diagrams

_KEPT = 4
"""What is kept of a run; runs that kept less are made anew under another mark."""
YEAR_H, WARM_UP = 8760.0, 0.2
REPLICATIONS = 20
_PROCESSORS = 2
SHARES = (0.5, 0.8, 0.95)
_log = logging.getLogger("railtrace.planning")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verify-plan")
STATES = {
    "running": gettext_noop("under way"), "interrupted": gettext_noop("interrupted"),
    "stopped": gettext_noop("stopped"), "failed": gettext_noop("failed"),
    "done": gettext_noop("done"),
}  # fmt: skip


class KeptRun(Struct, frozen=True):
    """A run as the file keeps it."""

    turnaround_h: dict[str, list[float]]
    wait_h: dict[str, float]
    utilisation: dict[str, float]
    finished_per_week: dict[str, float]
    came_per_week: dict[str, float] = {}
    left: dict[str, int] = {}
    flows: dict[str, list[StepFlow]] = {}
    """Of what came after the warm-up."""
    people: dict[str, float] = {}

    def run(self) -> Run:
        """Return it for the estimates."""
        times = {key: np.array(values) for key, values in self.turnaround_h.items()}
        return Run(times, self.wait_h, self.utilisation, self.finished_per_week,
                   self.came_per_week, self.left, self.people)  # fmt: skip


class Verification(KeptJob):
    """How far the runs of a shop are; `mark` is the hash of the shop they are of."""

    mark: str
    of: int = REPLICATIONS
    runs: list[KeptRun] = []

    @property
    def done(self) -> int:
        """How many runs are kept."""
        return len(self.runs)

    @property
    def said(self) -> str:
        """The state in words."""
        return gettext(STATES[self.shown_state])


def mark_of(shop: Shop) -> str:
    """Return what tells one shop from another: any other figure, another mark."""
    return hashlib.sha256(repr((_KEPT, shop)).encode()).hexdigest()[:20]


_files = JobFiles("plans", Verification)


def kept(mark: str) -> Verification | None:
    """Return the verification of a shop, if it was begun."""
    return _files.read(mark)


def _keep(verification: Verification) -> None:
    _files.keep(verification.mark, verification)


def start(shop: Shop) -> "Future[None]":
    """Begin the runs of a shop, or go on with them."""
    mark = mark_of(shop)
    found = kept(mark) or Verification(mark)
    found.state, found.runner = "running", PROCESS
    _files.ask_to_stop(mark, asked=False)
    _keep(found)
    return _thread.submit(_run, shop, found)


def stop(mark: str) -> None:
    """Stop after the runs in hand."""
    _files.ask_to_stop(mark)


def _run(shop: Shop, found: Verification) -> None:
    try:
        # Processes of their own: the pages need this one.
        with ProcessPoolExecutor(_PROCESSORS, multiprocessing.get_context("spawn")) as pool:
            while found.done < found.of and not _files.is_to_stop(found.mark):
                seeds = range(found.done, min(found.done + _PROCESSORS, found.of))
                asked = [pool.submit(run_with_flows, shop, YEAR_H, n, WARM_UP) for n in seeds]
                found.runs += [_kept(*each.result()) for each in asked]
                _keep(found)
        found.state = "done" if found.done >= found.of else "stopped"
    except Exception:
        _log.exception("a plan could not be verified")
        found.state = "failed"
    _keep(found)


def _kept(run: Run, flow: Mapping[str, Sequence[StepFlow]]) -> KeptRun:
    times = {key: np.round(values, 3).tolist() for key, values in run.turnaround_h.items()}
    steps = {key: list(each) for key, each in flow.items()}
    return KeptRun(times, run.wait_h, run.utilisation, run.finished_per_week, run.came_per_week,
                   run.left, steps, run.people)  # fmt: skip


# --- what came of it ----------------------------------------------------------------------------


@dataclass(frozen=True)
class ProcessResult:
    """A process over the runs: turnaround by share of items, chance that it is worked off."""

    name: str
    quantiles: tuple[tuple[float, Estimate], ...]
    met: Estimate
    per_week: Estimate


@dataclass(frozen=True)
class Readiness:
    """The fleet that follows from a depot's work: vehicles of a class, those in repair, the rest.

    `ktg` is the technical readiness coefficient (КТГ) as far as this depot's work takes it down.
    """

    vehicle_class: str
    vehicles: int
    in_repair: Estimate
    ktg: Estimate


def readiness(
    shop: Shop, found: Verification, names: Names, fleet: Mapping[str, int]
) -> list[Readiness]:
    """Return how much of the fleet is ready: in repair is, by Little, what comes out by its time.

    fleet : vehicles by type
    """
    rows = []
    types, processes = names.catalogue.vehicle_types, names.catalogue.processes
    for class_ in dict.fromkeys(types[t].vehicle_class for t in fleet if t in types):
        mine = {t for t in fleet if t in types and types[t].vehicle_class == class_}
        keys = [p.key for p in shop.processes if mine & set(processes[p.key].applies_to)]
        vehicles = sum(fleet[t] for t in mine)
        if keys and vehicles:
            held = [sum(_in_repair(run, key) for key in keys) for run in found.runs]
            rows.append(Readiness(
                class_, vehicles, estimate(held), estimate([1 - h / vehicles for h in held])
            ))  # fmt: skip
    return rows


def _in_repair(run: KeptRun, process: str) -> float:
    times = run.turnaround_h[process]
    return run.finished_per_week[process] * float(np.mean(times)) / HOURS_A_WEEK if times else 0.0


@dataclass(frozen=True)
class StationResult:
    """A station over the runs, or people, who have no queue of their own."""

    name: str
    utilisation: Estimate
    wait_h: Estimate | None

    @property
    def width(self) -> float:
        """Its bar in hundredths."""
        return 100 * min(self.utilisation.mean, 1.0)


def programme_said() -> str:
    """Say what it is to work the programme off, as it stands beside every chance of it."""
    return gettext(
        "The programme is worked off in a year when of every process at least %(share)g %% is "
        "finished of what the plan brings, or of what came where less came."
    ) % {"share": 100 * PROGRAMME_SHARE}


def whole_programme(shop: Shop, found: Verification) -> Estimate:
    """Return the chance that the kept runs work all processes off."""
    return chance_met([outcome(shop, each.run()) for each in found.runs])


def results(
    shop: Shop, found: Verification, names: Names
) -> tuple[list[ProcessResult], list[StationResult]]:
    """Return what the kept runs tell, each figure with its 95 % interval."""
    runs = [each.run() for each in found.runs]
    processes = []
    for process in shop.processes:
        processes.append(ProcessResult(
            names.catalogue.processes[process.key].name(names.language),
            tuple((share, percentile_h(runs, process.key, share)) for share in SHARES)
            if any(len(run.turnaround_h[process.key]) for run in runs) else (),
            chance_of([worked_off(process, run) for run in runs]),
            estimate([run.finished_per_week[process.key] for run in runs]),
        ))  # fmt: skip
    stations = [
        StationResult(station_name(s.key, names), estimate([r.utilisation[s.key] for r in runs]),
                      estimate([r.wait_h[s.key] for r in runs]))
        for s in shop.stations
    ]  # fmt: skip
    stations += [StationResult(station_name(p.key, names),
                               estimate([r.people.get(p.key, 0.0) for r in runs]), None)
                 for p in shop.people]  # fmt: skip
    return processes, sorted(stations, key=lambda row: -row.utilisation.mean)


def spreads(shop: Shop, found: Verification, names: Names) -> list[Spread]:
    """Return how the turnaround of each process is spread over the kept runs."""
    runs = [each.run() for each in found.runs]
    every = [spread(names.catalogue.processes[p.key].name(names.language), p.key, runs, SHARES)
             for p in shop.processes]  # fmt: skip
    return [each for each in every if each is not None]


def flow(shop: Shop, found: Verification, names: Names) -> list[Diagram]:
    """Return where units flow in the kept runs that tell it."""
    years = (1 - WARM_UP) * YEAR_H / HOURS_A_YEAR
    return diagrams(shop, [run.flows for run in found.runs], years, names)
