"""Work as the trace saw it stands in a plan from thirty observations on, norms before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Calibrated,
    MachineResult,
    OrderClosed,
    OrderOpened,
    Phase,
    QualificationGranted,
    Registered,
    Reprofiled,
    Washed,
)

NOW = utc_now()
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LATHE = "d-seen-lathe"
ORDERS = 36


@pytest.fixture(scope="module")
def worked(railway: App) -> App:
    """Return a railway where every third of 36 wheelsets was turned, each washed by hand."""
    operations: list[Any] = [
        Registered(id="ob-l", happened_at=NOW - 400 * DAY, units=(LATHE,), type="wheel_lathe"),
        *(Calibrated(id=f"ob-c{n}", happened_at=NOW - at * DAY, units=(LATHE,), certificate=str(n),
                     valid_from=NOW - at * DAY, valid_to=NOW - (at - 20) * DAY, outcome="passed")
          for n, at in enumerate(range(175, 10, -22))),
    ]  # fmt: skip
    for n in range(ORDERS):
        operations += _order(n, NOW - (150 - 4 * n) * DAY, turned=n % 3 == 0)
    results = railway.record(operations, "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def _order(n: int, at: Any, turned: bool) -> list[Any]:
    unit, order = f"u-seen-{n}", {"work_order": f"WO-OB-{n}"}
    found: list[Any] = [
        Registered(id=f"ob-u{n}", happened_at=at, units=(unit,), type="wheelset_freight"),
        OrderOpened(id=f"ob-o{n}", happened_at=at, units=(unit,), process="wheelset_ordinary",
                    **order),
        Washed(id=f"ob-w{n}", happened_at=at + HOUR, units=(unit,), **order),
    ]  # fmt: skip
    if turned:
        start, end = at + 3 * HOUR, at + 3 * HOUR + 40 * MINUTE
        found += [
            Reprofiled(id=f"ob-t{n}", happened_at=end, units=(unit,), device=LATHE, **order),
            MachineResult(id=f"ob-m{n}", happened_at=end, started_at=start, units=(unit,),
                          device=LATHE, machine="wheel_lathe", result_id=str(n),
                          facts=(f"ob-t{n}",), phases=(Phase(phase="measure", duration_s="600"),
                                                      Phase(phase="finish", duration_s="1800"))),
        ]  # fmt: skip
    return [*found, OrderClosed(id=f"ob-e{n}", happened_at=at + DAY, units=(unit,), result="done",
                                **order)]  # fmt: skip


@pytest.fixture
def plan(worked: App, reader_as: Callable[..., Client]) -> tuple[Client, str]:
    desk = reader_as("technologist")
    return desk, desk.post("/planning/", {"name": "Seen"})["Location"]


def test_set_up_run_wait_and_ways_are_shown_apart_and_few_are_labelled(
    plan: tuple[Client, str],
) -> None:
    desk, address = plan
    page = desk.get(f"{address}/observed")
    [process] = page.context["processes"]
    rows = {row["name"]: row for row in process["rows"] if row["seen"].cycle}
    [turn] = rows.values()
    assert turn["set_up"][0] == pytest.approx(10)
    assert turn["run"][0] == pytest.approx(30)
    assert turn["seen"].cycle.n == ORDERS / 3
    assert not turn["enough"]
    assert "12 cycles observed, too few" in page.text
    assert turn["taken"] == (ORDERS, pytest.approx(1 / 3))
    ways = [n for _way, n, _share in process["routes"]]
    assert sum(ways) == ORDERS


def test_a_step_that_a_third_took_is_worked_by_a_third(plan: tuple[Client, str]) -> None:
    from railtrace.web.fleet import the_names
    from railtrace.web.planning.pages import kept_plan, the_shop

    _desk, address = plan
    laid = kept_plan(int(address.rsplit("/", 1)[1]))[1]
    shop = the_shop(laid, the_names())
    [route] = shop.processes
    lathe = [step for step in route.steps if step.station == "wheel_lathe"]
    assert [step.share for step in lathe] == [pytest.approx(1 / 3)]
    assert all(step.share == 1 for step in route.steps if step.station != "wheel_lathe")
    [station] = [s for s in shop.stations if s.key == "wheel_lathe"]
    # Calibrated every 22 days with papers of 20: two days without one each time.
    assert station.calibration_h == pytest.approx(48, abs=1)
    assert (station.days_a_week, station.hours_a_week) == (5, 40)
    # A wagon brings four wheelsets; only 36 loads of one were seen, which is enough to be believed.
    assert laid.work["wheelset_ordinary"].batch == 1


def test_demand_is_told_by_week_and_saved(plan: tuple[Client, str]) -> None:
    desk, address = plan
    page = desk.get(f"{address}/demand")
    assert len(page.context["weeks"]) == 26
    [comes] = page.context["comes"]
    assert comes["weeks"][0]["all"] == pytest.approx(ORDERS / 26)
    sheet = desk.get(f"{address}/demand?as=csv").content.decode("utf-8-sig")
    assert len(sheet.splitlines()) == 27
    assert sheet.startswith("Week,Season,Process")


def test_only_hauled_vehicles_come_in_consists(railway: App) -> None:
    from railtrace.web.fleet import the_names
    from railtrace.web.planning.observed import in_consists

    names = the_names()
    come = {key for key, row in names.catalogue.processes.items() if in_consists(row, names)}
    types = names.catalogue.vehicle_types
    assert {types[t].vehicle_class for key in come
            for t in names.catalogue.processes[key].applies_to} == {"coach", "freight_wagon"}
    assert "wheelset_ordinary" not in come


def test_people_are_counted_by_right_against_what_the_plan_asks_of_them(
    plan: tuple[Client, str], worked: App
) -> None:
    desk, address = plan
    rights = [("p-a", "ndt_ut", None), ("p-b", "ndt_ut", None), ("p-b", "fitter", None),
              ("p-c", "ndt_mt", NOW - DAY)]  # fmt: skip
    results = worked.record([
        QualificationGranted(id=f"ob-q{n}", happened_at=NOW - 9 * DAY, person=person,
                             qualification=right, certificate=str(n),
                             valid_from=NOW - 8 * DAY, valid_to=to)
        for n, (person, right, to) in enumerate(rights)
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert worked.wait_caught_up(10)
    page = desk.get(f"{address}/observed")
    rows = {row.key: row for row, _sites in page.context["staff"]}
    assert {key: row.held for key, row in rows.items()} == {
        "ndt_ut": 2, "ndt_mt": 0, "fitter": 1, "": 2, None: 2
    }
    # 36 wheelsets in 26 weeks, 25 minutes each by the norm, in a week of 40 open hours.
    ultrasonic = rows["ndt_ut"]
    assert ultrasonic.work.hours == pytest.approx(ORDERS / 26 * 25 / 60)
    assert ultrasonic.work.at_once == pytest.approx(ultrasonic.work.hours / 40)
    assert (ultrasonic.work.by_norm, ultrasonic.short) == (1, 0)
    assert rows["ndt_mt"].short == 1
    assert "1 person short" in page.text
    assert rows[None].work.hours == pytest.approx(
        sum(row.work.hours for key, row in rows.items() if key is not None)
    )


def test_who_works_in_shifts_is_there_in_one_of_them() -> None:
    from railtrace.web.planning.staff import Staffed, Work

    # 240 hours of work in 120 open ones: two at once, in three shifts of a person's week.
    row = Staffed("q", "Q", Work(240, 2, 1, 1), 5, {})
    assert (row.shifts, row.persons, row.short) == (3, 6, 1)
    assert row.held_a_shift == pytest.approx(5 / 3)
    assert Staffed("q", "Q", Work(), 0, {}).short == 0
