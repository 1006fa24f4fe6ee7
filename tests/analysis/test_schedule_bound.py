"""No plan is below the bound: held against every order there is, on weeks small enough."""

from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.schedule import Job, Resource, Task, list_schedule, tardiness_h
from railtrace.analysis.schedule_bound import Least, least

DAYS = tuple((24.0 * day + 8, 24.0 * day + 12) for day in range(7))


def flow(*durations: float, key: str, due: float, release: float = 0.0) -> Job:
    """Return a job through the first of the machines in one order, a duration at each."""
    tasks = tuple(Task((f"m{n}",), hours) for n, hours in enumerate(durations))
    return Job(key, tasks, release, due)


def shop(counts: Sequence[int]) -> tuple[Resource, ...]:
    return tuple(Resource(f"m{n} {i}", (f"m{n}",), DAYS)
                 for n, count in enumerate(counts) for i in range(count))  # fmt: skip


def start_in_window(ready: float, hours: float) -> float:
    """Return the first moment since then from which so many hours fit into a shift."""
    fits = (max(ready, start) for start, end in DAYS if max(ready, start) + hours <= end + 1e-9)
    return next(fits, float("inf"))


def every_end(jobs: Sequence[Job], counts: Sequence[int]) -> Iterator[list[float]]:
    """Yield by job when it ends, for every order in which jobs can follow at each machine.

    A best plan is among them: given who goes in which order at each kind, earliest first is best.
    """
    orders = [list(permutations(range(len(jobs)))) for _ in counts]

    def passed(number: int, ready: list[float]) -> Iterator[list[float]]:
        if number == len(counts):
            yield ready
            return
        for order in orders[number]:
            free = [0.0] * counts[number]
            ends = ready.copy()
            for job in order:
                hours = jobs[job].tasks[number].duration_h
                who = min(range(len(free)), key=free.__getitem__)
                start = start_in_window(max(ready[job], free[who]), hours)
                ends[job] = free[who] = start + hours
            yield from passed(number + 1, ends)

    yield from passed(0, [job.release_h for job in jobs])


def best(jobs: Sequence[Job], counts: Sequence[int]) -> Least:
    late, end = float("inf"), float("inf")
    for ends in every_end(jobs, counts):
        pairs = zip(ends, jobs, strict=True)
        late = min(late, sum(max(0.0, at - job.due_h) for at, job in pairs))
        end = min(end, max(ends))
    return Least(late, end)


hours = st.integers(1, 14).map(lambda quarters: quarters / 4)
odd_hours = st.floats(0.05, 3.5)
dues = st.sampled_from([9.0, 10.5, 12.0, 33.0, 36.0, 60.0])
releases = st.sampled_from([0.0, 0.0, 9.1, 30.0])


rows_of_two = st.tuples(hours | odd_hours, hours | odd_hours, dues, releases)


@settings(max_examples=12)
@given(
    st.lists(rows_of_two, min_size=2, max_size=4), st.sampled_from([(1, 1), (2, 1), (1, 2)])
)  # fmt: skip
def test_no_order_at_all_is_below_the_bound(rows, counts):
    jobs = [flow(a, b, key=f"j{n}", due=due, release=release)
            for n, (a, b, due, release) in enumerate(rows)]  # fmt: skip
    low, true = least(jobs, shop(counts)), best(jobs, counts)
    assert low.tardiness_h <= true.tardiness_h + 1e-6
    assert low.end_h <= true.end_h + 1e-6


@settings(max_examples=10)
@given(st.lists(st.tuples(odd_hours, dues), min_size=3, max_size=6), st.sampled_from([1, 2]))
def test_at_one_machine_no_order_is_below_the_bound(rows, count):
    jobs = [flow(a, key=f"j{n}", due=due) for n, (a, due) in enumerate(rows)]
    low, true = least(jobs, shop((count,))), best(jobs, (count,))
    assert low.tardiness_h <= true.tardiness_h + 1e-6


@pytest.mark.parametrize("counts", [(1,), (2,)])
def test_whole_jobs_are_what_the_best_order_is_late(counts):
    # Parts of jobs would fill the first shift to its last minute; whole ones leave a rest.
    works = (1.5, 1.5, 1.5, 2.5, 2.5)
    jobs = [flow(work, key=f"j{n}", due=12.0) for n, work in enumerate(works)]
    low, true = least(jobs, shop(counts)), best(jobs, counts)
    assert true.tardiness_h > 0
    assert low.tardiness_h == pytest.approx(true.tardiness_h, rel=0.005)


def test_the_bound_tells_orders_that_beat_the_most_urgent_first():
    jobs = [flow(3.5, key="long", due=11.9), *(flow(1.0, key=f"s{n}", due=12.0) for n in range(4))]
    low = least(jobs, shop((1,)))
    at_once = tardiness_h(list_schedule(jobs, shop((1,))), jobs)
    told = min(tardiness_h(list_schedule(jobs, shop((1,)), rank=order), jobs)
               for order in low.orders)  # fmt: skip
    assert told < at_once
    assert told == pytest.approx(low.tardiness_h, rel=0.005)


def test_what_follows_a_machine_raises_the_bound_of_the_end():
    # Four hours at the one machine, and whoever is last there has at least an hour to go.
    jobs = [flow(1.0, tail, key=f"j{n}", due=200.0) for n, tail in enumerate((1.0, 1.0, 1.0, 3.0))]
    machines = (Resource("m0", ("m0",), ((8.0, 20.0),)), *(
        Resource(f"m1 {n}", ("m1",), ((8.0, 20.0),)) for n in range(4)))  # fmt: skip
    assert least(jobs, machines).end_h == pytest.approx(13.0, abs=0.05)


def test_who_finds_no_room_in_the_shift_is_late_by_the_night():
    # Five hours of work before noon have four hours of room: one job of the five waits for the day.
    jobs = [flow(1.0 - n / 100, 0.25, key=f"j{n}", due=12.25) for n in range(5)]
    days = tuple((24.0 * day + 8, 24.0 * day + 12.25) for day in range(3))
    machines = (Resource("m0", ("m0",), days), Resource("m1", ("m1",), days))
    low = least(jobs, machines)
    late = tardiness_h(list_schedule(jobs, machines, rank={f"j{n}": -n for n in range(5)}), jobs)
    assert 19.75 < low.tardiness_h <= late
