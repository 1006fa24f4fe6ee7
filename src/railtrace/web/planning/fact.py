"""A week's plan held against what happened: the steps of its orders as the trace tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from railtrace.store.knowledge import Knowledge
from railtrace.web.planning.week import HOUR_US, Line, Week
from railtrace.web.running import the_app

ON_TIME_H = 0.5
"""A step done no later than this after its planned end was done in time."""


@dataclass(frozen=True)
class Fact:
    """A planned step and when it was done; `order` is the one it was done under."""

    job: str
    step: str
    start_us: int
    end_us: int
    done_us: int | None
    done_by: str
    order: str

    @property
    def late_h(self) -> float | None:
        """Hours from the planned end to the real one; None while it is not done."""
        return None if self.done_us is None else (self.done_us - self.end_us) / HOUR_US

    def word(self, now_us: int) -> str:
        """How it stands: done in time, done late, overdue, or still to come."""
        if self.late_h is not None:
            return "in_time" if self.late_h <= ON_TIME_H else "late"
        return "overdue" if self.end_us < now_us else "to_come"


def facts_of(week: Week, knowledge: Knowledge) -> list[Fact]:
    """Return each planned step with what came of it; parts of a step count as one."""
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for each in week.assigned:
        line = week.lines.get(each.job)
        if line is not None:
            at = each.job, line.steps[each.number]
            start, end = spans.get(at, (each.start_h, each.end_h))
            spans[at] = min(start, each.start_h), max(end, each.end_h)
    done = {job: _done(line, week, knowledge) for job, line in week.lines.items()}
    return sorted(
        (_fact(job, step, span, week, done[job]) for (job, step), span in spans.items()),
        key=lambda fact: (fact.start_us, fact.job),
    )


Done = tuple[str, Mapping[str, tuple[int, str]]]
"""The order that did a line, and by step when it was done and by which entry."""


def _done(line: Line, week: Week, knowledge: Knowledge) -> Done:
    order = line.order or _order_since(line, week)
    if not order:
        return "", {}
    states = knowledge.steps(knowledge.order(f"order:{order}"))
    # What only waits for the inspector's signature is done, too.
    good = {s.step.key: next((a for a in s.attempts if a.good), None) for s in states
            if s.status in ("done", "to_accept")}  # fmt: skip
    return order, {
        step: (attempt.done_us, attempt.entry.operation.id)
        for step, attempt in good.items() if attempt is not None
    }  # fmt: skip


def _order_since(line: Line, week: Week) -> str:
    """Return the order that was opened for a due after the week was laid down."""
    rows = the_app().lookup.orders([line.unit], since_us=week.made_us)
    return next((row["work_order"] for row in rows if row["process"] == line.process), "")


def _fact(job: str, step: str, span: tuple[float, float], week: Week, done: Done) -> Fact:
    at, by = done[1].get(step, (None, ""))
    return Fact(job, step, week.us(span[0]), week.us(span[1]), at, by, done[0])


@dataclass(frozen=True)
class Summed:
    """What came of the steps that were to be done by now."""

    planned: int
    done: int
    in_time: int
    median_late_h: float | None


def summed(facts: Sequence[Fact], now_us: int) -> Summed:
    """Sum up the steps whose planned end is over."""
    over = [fact for fact in facts if fact.end_us <= now_us]
    late = [fact.late_h for fact in over if fact.late_h is not None]
    return Summed(
        len(over), len(late), sum(h <= ON_TIME_H for h in late), median(late) if late else None
    )
