from dataclasses import replace
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.analysis.schedule import (
    Assigned,
    Job,
    Plan,
    Resource,
    Stay,
    Task,
    faults,
    list_schedule,
    moved,
    tardiness_h,
)
from railtrace.analysis.schedule_bound import least
from railtrace.analysis.schedule_search import cost, improve
from railtrace.errors import BadData

DAYS = tuple((24.0 * day + 8, 24.0 * day + 20) for day in range(7))
SHOP = (
    Resource("wash", ("wash",), DAYS), Resource("lathe 1", ("lathe",), DAYS),
    Resource("lathe 2", ("lathe",), DAYS), Resource("Petrov", ("inspector",), DAYS[1:]),
)  # fmt: skip


def wheelset(key: str, release: float = 0.0, due: float = 200.0, turn: float = 2.0) -> Job:
    tasks = (Task(("wash",), 0.5), Task(("lathe",), turn), Task(("lathe", "inspector"), 0.5))
    return Job(key, tasks, release, due)


jobs = st.lists(
    st.tuples(st.floats(0, 100), st.floats(10, 160), st.floats(0.1, 6)), min_size=1, max_size=12
).map(lambda rows: [wheelset(f"w{n}", *row) for n, row in enumerate(rows)])


@given(jobs)
def test_a_plan_made_at_once_can_be_carried_out(some):
    plan = list_schedule(some, SHOP)
    assert faults(plan, some, SHOP) == []


@given(jobs, st.data())
def test_frozen_tasks_stay_where_they_are_and_the_rest_goes_around_them(some, data):
    before = list_schedule(some, SHOP)
    until = data.draw(st.floats(0, 120))
    frozen = [each for each in before.assigned if each.start_h < until]
    after = list_schedule([*some, wheelset("late", due=9.0)], SHOP, frozen)
    assert set(frozen) <= set(after.assigned)
    assert faults(after, [*some, wheelset("late", due=9.0)], SHOP) == []


def test_the_most_urgent_job_goes_first():
    plan = list_schedule([wheelset("a", due=100), wheelset("b", due=50)], SHOP)
    assert plan.assigned[0].job == "b"
    assert plan.assigned[0].start_h == 8.0


def test_work_waits_for_its_inspector_and_ends_within_his_shift():
    plan = list_schedule([wheelset("a")], SHOP)
    assert plan.assigned[-1].start_h == 32.0
    assert plan.assigned[-1].resources[1] == "Petrov"


def test_what_the_week_has_no_room_for_is_said():
    many = [wheelset(f"w{n}", turn=6.0) for n in range(40)]
    plan = list_schedule(many, SHOP)
    assert plan.left
    assert faults(plan, many, SHOP) == []
    assert tardiness_h(plan, many) == float("inf")


def spoiled(change: dict[str, object]) -> tuple[Plan, list[Job]]:
    some = [wheelset("a"), wheelset("b")]
    plan = list_schedule(some, SHOP)
    first = plan.assigned[0]
    return Plan((replace(first, **change), *plan.assigned[1:])), some  # type: ignore[arg-type]


@pytest.mark.parametrize(("change", "name"), [
    ({"start_h": 2.0, "end_h": 2.5}, "outside_shift"),
    ({"end_h": 9.0}, "wrong_duration"),
    ({"resources": ("lathe 1",)}, "wrong_resource"),
    ({"number": 7}, "no_such_task"),
    ({"start_h": 8.5, "end_h": 9.0}, "taken_twice"),
    ({"start_h": 19.0, "end_h": 19.5}, "out_of_order"),
])  # fmt: skip
def test_a_plan_that_cannot_be_carried_out_is_faulted_by_name(change, name):
    plan, some = spoiled(change)
    assert name in {fault.name for fault in faults(plan, some, SHOP)}


def test_a_forgotten_and_a_doubled_task_are_faulted():
    some = [wheelset("a")]
    plan = list_schedule(some, SHOP)
    short, double = Plan(plan.assigned[:-1]), Plan((*plan.assigned, plan.assigned[0]))
    assert [fault.name for fault in faults(short, some, SHOP)] == ["not_planned"]
    assert "planned_twice" in {fault.name for fault in faults(double, some, SHOP)}
    early = [replace(some[0], release_h=50.0)]
    assert "before_release" in {fault.name for fault in faults(plan, early, SHOP)}


@pytest.mark.parametrize(("some", "resources", "words"), [
    ([wheelset("a", turn=13)], SHOP, "job a, task 2: 13 hours do not fit into any shift of lathe"),
    ([wheelset("a")], SHOP[:3], "job a, task 3: there is no inspector"),
    ([wheelset("a", turn=0)], SHOP, "its time is not above zero"),
    ([wheelset("a"), wheelset("a")], SHOP, "two jobs have one name"),
    ([], (Resource("x", ("x",), ((8.0, 34.0),)),), "x: a shift of 26.0 hours"),
    ([], (Resource("x", ("x",), ((8.0, 20.0), (19.0, 23.0))),), "two shifts overlap at hour 19"),
])  # fmt: skip
def test_a_week_that_cannot_be_planned_is_refused_by_name(some, resources, words):
    with pytest.raises(BadData, match=words):
        list_schedule(some, resources)


# --- people with several rights, tracks ---------------------------------------------------------

ALWAYS = ((0.0, 168.0),)
YARD = (
    Resource("pit", ("track",), ALWAYS, place=True), Resource("lift", ("track",), ALWAYS, True),
    Resource("Petrov", ("fitter", "tester"), DAYS), Resource("Rahimov", ("fitter",), DAYS),
)  # fmt: skip


def coach(key: str, at: str = "", hours: float = 4.0, due: float = 90.0) -> Job:
    tasks = (Task(("fitter",), hours), Task(("fitter", "tester"), 1.0), Task(("fitter",), 1.0))
    return Job(key, tasks, due_h=due, place="track", stands_at=at)


coaches = st.lists(
    st.tuples(st.sampled_from(["", "", "pit"]), st.floats(0.5, 8), st.floats(10, 160)),
    min_size=1, max_size=8,
).map(lambda rows: [
    coach(f"c{n}", at if n == 0 else "", hours, due) for n, (at, hours, due) in enumerate(rows)
])  # fmt: skip


@given(coaches)
def test_a_coach_stands_on_one_track_from_its_first_task_to_its_last(some):
    plan = list_schedule(some, YARD)
    assert faults(plan, some, YARD) == []
    begun = {each.job for each in plan.assigned}
    assert {stay.job for stay in plan.stays} == begun


def test_who_can_do_least_is_taken_first():
    plan = list_schedule([coach("a")], YARD)
    assert plan.assigned[0].resources == ("Rahimov",)


@pytest.mark.parametrize(("stay", "name"), [
    (None, "no_place"),
    (Stay(8.0, 9.0, "a", "pit"), "no_place"),
    (Stay(8.0, 100.0, "a", "Petrov"), "wrong_place"),
    (Stay(8.0, 100.0, "a", "lift"), "wrong_place"),
])  # fmt: skip
def test_a_coach_that_does_not_stand_where_it_should_is_faulted(stay, name):
    some = [coach("a", at="pit")]
    plan = list_schedule(some, YARD)
    spoilt = replace(plan, stays=() if stay is None else (stay,))
    assert name in {fault.name for fault in faults(spoilt, some, YARD)}


def test_two_coaches_on_one_track_are_faulted():
    some = [coach("a"), coach("b")]
    plan = list_schedule(some, YARD)
    both = replace(plan, stays=tuple(replace(stay, place="pit") for stay in plan.stays))
    assert "place_taken" in {fault.name for fault in faults(both, some, YARD)}


# --- a task is moved ----------------------------------------------------------------------------


@given(jobs, st.data())
def test_a_moved_task_stays_where_it_was_put_or_its_faults_say_why(some, data):
    plan = list_schedule(some, SHOP)
    task = data.draw(st.sampled_from(plan.assigned))
    to = replace(task, start_h=task.start_h + data.draw(st.floats(-10, 10)))
    repaired, against = moved(plan, some, SHOP, to)
    put = next(e for e in repaired.assigned if (e.job, e.number) == (task.job, task.number))
    assert put.start_h == to.start_h
    assert against == faults(repaired, some, SHOP)


def test_the_rest_is_repaired_around_a_task_that_is_moved():
    some = [wheelset("a", due=50), wheelset("b", due=100)]
    plan = list_schedule(some, SHOP)
    washed = next(e for e in plan.assigned if (e.job, e.number) == ("b", 0))
    repaired, against = moved(plan, some, SHOP, replace(washed, start_h=8.0))
    assert against == []
    assert next(e.start_h for e in repaired.assigned if (e.job, e.number) == ("a", 0)) == 8.5


def test_a_task_cannot_be_put_before_what_it_waits_for():
    some = [wheelset("a")]
    plan = list_schedule(some, SHOP)
    last = plan.assigned[-1]
    _, against = moved(plan, some, SHOP, replace(last, start_h=8.5, resources=("lathe 1",)))
    assert {"out_of_order", "outside_shift"} <= {fault.name for fault in against}


def test_a_task_is_put_on_another_machine():
    some = [wheelset("a")]
    plan = list_schedule(some, SHOP)
    turned = plan.assigned[1]
    repaired, against = moved(plan, some, SHOP, replace(turned, resources=("lathe 2",)))
    assert against == []
    assert repaired.assigned[1].resources == ("lathe 2",)


# --- the bound ----------------------------------------------------------------------------------


@settings(max_examples=12)
@given(jobs, st.booleans())
def test_no_plan_is_below_the_bound(some, tight):
    some = [replace(job, due_h=job.release_h + 12) for job in some] if tight else some
    plan, low = list_schedule(some, SHOP), least(some, SHOP)
    assert low.tardiness_h <= tardiness_h(plan, some) + 1e-6
    assert low.end_h <= max(e.end_h for e in plan.assigned) + 1e-6


@settings(max_examples=20)
@given(coaches)
def test_no_plan_of_people_with_several_rights_is_below_the_bound(some):
    plan, low = list_schedule(some, YARD), least(some, YARD)
    assert low.tardiness_h <= tardiness_h(plan, some) + 1e-6


def test_alike_wheelsets_are_proved_to_be_planned_best():
    # Forty hours of lathes: the plan made at once cannot be beaten, and that is known at once.
    some = [wheelset(f"w{n}", due=20.0 + 8 * (n // 12), turn=1.0) for n in range(40)]
    some = [replace(job, tasks=job.tasks[:2]) for job in some]
    found = improve(some, SHOP, seconds=20, clock=monotonic)
    assert found.gap < 0.02


# --- the search ------------------------------------------------------------------------------


def test_the_search_finds_what_urgency_alone_misses():
    # One lathe: the urgent long job first makes both short ones late; the best order does not.
    lathe = (Resource("lathe", ("lathe",), DAYS),)
    some = [Job("long", (Task(("lathe",), 6),), due_h=15.0),
            *(Job(f"short {n}", (Task(("lathe",), 2),), due_h=15.1) for n in range(3))]  # fmt: skip
    at_once = list_schedule(some, lathe)
    found = improve(some, lathe, seconds=3)
    assert cost(found.plan, some) < cost(at_once, some)
    assert found.gap < 0.02
    assert faults(found.plan, some, lathe) == []


def test_the_search_keeps_frozen_tasks_and_is_never_worse():
    some = [wheelset(f"w{n}", due=20.0 + n) for n in range(4)]
    before = list_schedule(some, SHOP)
    frozen = before.assigned[:3]
    found = improve(some, SHOP, frozen, seconds=2)
    assert set(frozen) <= set(found.plan.assigned)
    assert faults(found.plan, some, SHOP) == []
    assert cost(found.plan, some) <= cost(list_schedule(some, SHOP, frozen), some)


def test_the_search_gives_coaches_their_tracks():
    others = (coach(f"b{n}", due=18.0) for n in range(3))
    some = [coach("a", at="pit", hours=8.0, due=20.0), *others]
    found = improve(some, YARD, seconds=1)
    assert faults(found.plan, some, YARD) == []
    assert {stay.job: stay.place for stay in found.plan.stays}["a"] == "pit"


def test_a_search_ends_when_it_is_asked_to():
    some = [wheelset(f"w{n}", due=15.0 + n % 3, turn=1.0 + n % 2) for n in range(30)]
    begun = monotonic()
    found = improve(some, SHOP, seconds=60, stopped=lambda: True, clock=monotonic)
    assert monotonic() - begun < 20
    assert faults(found.plan, some, SHOP) == []


def test_an_alien_resource_in_a_plan_is_faulted():
    plan = Plan((Assigned(8.0, 8.5, "a", 0, ("nobody's",)),))
    names = {fault.name for fault in faults(plan, [wheelset("a")], SHOP)}
    assert {"wrong_resource", "not_planned"} <= names
