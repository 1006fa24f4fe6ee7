"""Where units flow through the steps of a process over the runs: a diagram, its widths counts.

A step is a row: what came (from the step before, or sent back) is gathered, what waits turns aside,
all are worked, and go on or back. The figures beside say the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from railtrace.analysis.depot_flow import Process, Shop
from railtrace.analysis.depot_record import StepFlow
from railtrace.analysis.depot_simulation import Estimate, estimate
from railtrace.web.names import Names
from railtrace.web.planning.answer import station_name

ROW = 88
_GATHER, _WAIT, _WORK, _THICK = 6, 26, 50, 9
_LEFT, _TRUNK, _ASIDE, _GAP = 40.0, 220.0, 28.0, 18.0


@dataclass(frozen=True)
class FlowRow:
    """A step over the runs, counts a year; `back` names the step to which work is sent back."""

    name: str
    station: str
    came: Estimate
    waited: Estimate
    """Share of what came."""
    wait_h: Estimate
    on: Estimate
    again: Estimate
    left: Estimate
    back: str
    width: float
    """Of its bar, 100 for the most visited step."""


@dataclass(frozen=True)
class Shape:
    """A filled outline of the diagram: what it is (on, at_once, waits, again, left, came, work)."""

    kind: str
    path: str
    title: str


@dataclass(frozen=True)
class Loop:
    """Work sent back: a line as wide as it is much."""

    path: str
    width: float
    count: float
    x: float
    y: float


@dataclass(frozen=True)
class Diagram:
    """A process: its rows and what is drawn beside them."""

    name: str
    rows: tuple[FlowRow, ...]
    shapes: tuple[Shape, ...]
    loops: tuple[Loop, ...]
    width: float
    height: float
    row_height: int = ROW


def diagrams(
    shop: Shop, runs: Sequence[Mapping[str, Sequence[StepFlow]]], years: float, names: Names
) -> list[Diagram]:
    """Return the flow of each process that anything came for.

    runs : the flows of each run, counted over so many years
    """
    found = []
    for process in shop.processes:
        mine = [run[process.key] for run in runs if process.key in run]
        if mine and any(steps[0].came for steps in mine):
            rows = _rows(process, mine, years, names)
            back = [_back(process, n) for n in range(len(process.steps))]
            name = names.catalogue.processes[process.key].name(names.language)
            found.append(_drawn(name, rows, back))
    return found


def _back(process: Process, number: int) -> int:
    to = process.steps[number].back_to
    return number if to is None else to


def _rows(
    process: Process, runs: Sequence[Sequence[StepFlow]], years: float, names: Names
) -> list[FlowRow]:
    card = names.catalogue.processes[process.key].steps
    titles = [step.name(names.language) for step in card]
    most = max(sum(run[n].came for run in runs) for n in range(len(process.steps)))
    rows = []
    for number, step in enumerate(process.steps):
        every = [run[number] for run in runs]
        rows.append(FlowRow(
            titles[number], station_name(step.station, names),
            estimate([flow.came / years for flow in every]),
            estimate([flow.waited / flow.came if flow.came else 0.0 for flow in every]),
            estimate([flow.wait_h for flow in every]),
            estimate([flow.on / years for flow in every]),
            estimate([flow.again / years for flow in every]),
            estimate([flow.left / years for flow in every]),
            titles[_back(process, number)], 100 * sum(flow.came for flow in every) / most,
        ))  # fmt: skip
    return rows


# --- what is drawn ------------------------------------------------------------------------------


def _drawn(name: str, rows: Sequence[FlowRow], back: Sequence[int]) -> Diagram:
    scale = _TRUNK / max(row.came.mean for row in rows)
    shapes = [shape for n in range(len(rows)) for shape in _step(rows, n, scale)]
    loops, right = _loops(rows, back, scale)
    return Diagram(name, tuple(rows), tuple(shapes), tuple(loops), right + 8,
                   ROW * len(rows) + _GATHER + _THICK)  # fmt: skip


def _step(rows: Sequence[FlowRow], number: int, scale: float) -> Iterator[Shape]:
    row, top = rows[number], ROW * number
    came, on = row.came.mean * scale, row.on.mean * scale
    waits, left = came * row.waited.mean, row.left.mean * scale
    gather, work = top + _GATHER, top + _WORK
    yield Shape("came", _box(_LEFT, gather, came, 4), row.name)
    aside = _LEFT - _ASIDE
    yield Shape("waits", _ribbon(_LEFT, gather + 4, aside, top + _WAIT, waits), row.name)
    yield Shape("pool", _box(aside, top + _WAIT, waits, _THICK), row.name)
    yield Shape("waits", _ribbon(aside, top + _WAIT + _THICK, _LEFT, work, waits), row.name)
    yield Shape("at_once", _ribbon(_LEFT + waits, gather + 4, _LEFT + waits, work, came - waits),
                row.name)  # fmt: skip
    yield Shape("work", _box(_LEFT, work, came, _THICK), row.name)
    yield Shape("on", _ribbon(_LEFT, work + _THICK, _LEFT, top + ROW + _GATHER, on), row.name)
    yield Shape("left", _box(_LEFT + on, work + _THICK, left, 8), row.name)


def _loops(
    rows: Sequence[FlowRow], back: Sequence[int], scale: float
) -> tuple[list[Loop], float]:
    """Return the loops of work sent back, side by side, and how far they reach."""
    found: list[Loop] = []
    right = _LEFT + max(row.came.mean for row in rows) * scale + _GAP
    into = [rows[n - 1].on.mean * scale if n else 0.0 for n in range(len(rows))]
    sent = [row.again.mean * scale for row, to in zip(rows, back, strict=True) if to == 0]
    into[0] = rows[0].came.mean * scale - sum(sent)
    for number, row in enumerate(rows):
        width = row.again.mean * scale
        if width <= 0:
            continue
        start = _LEFT + (row.on.mean + row.left.mean) * scale + width / 2
        end = _LEFT + into[back[number]] + width / 2
        into[back[number]] += width
        x = right + width / 2 + 10
        low, high = ROW * number + _WORK + _THICK, ROW * back[number] + _GATHER
        path = (f"M{start:.2f},{low} C{start:.2f},{low + 22} {x:.2f},{low + 22} {x:.2f},{low - 8} "
                f"L{x:.2f},{high + 12} C{x:.2f},{high - 16} {end:.2f},{high - 16} "
                f"{end:.2f},{high + 1}")  # fmt: skip
        label_x, label_y = x + width / 2 + 5, (low + high) / 2
        found.append(Loop(path, max(width, 1.0), row.again.mean, label_x, label_y))
        right = x + width / 2 + 54
    return found, right


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.2f},{y:.2f} h{width:.2f} v{height} h{-width:.2f} Z"


def _ribbon(x: float, y: float, to_x: float, to_y: float, width: float) -> str:
    """Return a band of one width from one place down to another."""
    middle = (y + to_y) / 2
    return (
        f"M{x:.2f},{y:.2f} C{x:.2f},{middle:.2f} {to_x:.2f},{middle:.2f} {to_x:.2f},{to_y:.2f} "
        f"h{width:.2f} C{to_x + width:.2f},{middle:.2f} {x + width:.2f},{middle:.2f} "
        f"{x + width:.2f},{y:.2f} Z"
    )
