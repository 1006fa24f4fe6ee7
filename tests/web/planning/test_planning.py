"""Plans of a depot: the instant answer, the runs, what to buy, and what is refused."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Failed,
    MachineResult,
    OrderClosed,
    OrderOpened,
    Registered,
    Repaired,
)

WASHER = "d-plan-wash"
NOW = utc_now()


@pytest.fixture(scope="module")
def worked(railway: App) -> App:
    """Return a railway whose washer has run forty cycles of half an hour, for forty orders."""
    day, half = timedelta(days=1), timedelta(minutes=30)
    operations: list[Any] = [
        Registered(id="pl-r", happened_at=NOW - 100 * day, units=(WASHER,), type="wheelset_washer")
    ]
    for i in range(40):
        at, unit = NOW - (90 - 2 * i) * day, f"u-plan-{i}"
        operations += [
            Registered(id=f"pl-u{i}", happened_at=at, units=(unit,), type="wheelset_freight"),
            OrderOpened(id=f"pl-o{i}", happened_at=at, units=(unit,), work_order=f"WO-PL-{i}",
                        process="wheelset_ordinary"),
            MachineResult(id=f"pl-m{i}", happened_at=at + half, started_at=at, units=(unit,),
                          device=WASHER, machine="wheelset_washer", result_id=str(i)),
        ]  # fmt: skip
    operations += _quarter_before(day)
    for n in range(6):
        at = NOW - (60 - 8 * n) * day
        operations += [Failed(id=f"pl-f{n}", happened_at=at, units=(WASHER,), mode="pump"),
                       Repaired(id=f"pl-p{n}", happened_at=at + 4 * half, units=(WASHER,),
                                work="repair")]  # fmt: skip
    results = railway.record(operations, "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def _quarter_before(day: timedelta) -> list[Any]:
    """Thirty wheelsets between half a year and a quarter ago, each two days under its order."""
    found: list[Any] = []
    for n in range(30):
        at, unit = NOW - (170 - 2 * n) * day, f"u-plan-before-{n}"
        order: dict[str, Any] = {"units": (unit,), "work_order": f"WO-PB-{n}"}
        found += [
            Registered(id=f"pl-b{n}", happened_at=at, units=(unit,), type="wheelset_freight"),
            OrderOpened(id=f"pl-bo{n}", happened_at=at, process="wheelset_ordinary", **order),
            OrderClosed(id=f"pl-bc{n}", happened_at=at + 2 * day, result="done", **order),
        ]  # fmt: skip
    return found


@pytest.fixture
def desk(worked: App, reader_as: Callable[..., Client]) -> Client:
    return reader_as("technologist")


def _laid(desk: Client) -> str:
    return desk.post("/planning/", {"name": "Wheel shop"})["Location"]


def _form(desk: Client, address: str, **changed: str) -> dict[str, str]:
    """Return what the desk's form would send, with some figures changed."""
    context = desk.get(address).context
    sent = {"on:wheelset_ordinary": "on", "batch:wheelset_ordinary": "4"}
    for key, _name, figures in context["stations"]:
        sent |= {f"{field.key}:{key}": f"{value:g}" for field, value in figures}
    return sent | {key.replace("__", ":"): value for key, value in changed.items()}


def test_a_plan_begins_with_what_the_trace_knows(desk: Client) -> None:
    context = desk.get(_laid(desk)).context
    work = next(w for w in context["work"] if w["key"] == "wheelset_ordinary")
    assert work["on"]
    assert work["came"] == 70
    assert work["rate"] == pytest.approx(70 / 26)
    wash = work["steps"][0]
    assert wash["time"].basis == "observed"
    assert wash["minutes"] == pytest.approx(30)
    assert {s["time"].basis for s in work["steps"][1:]} == {"norm"}


def test_the_answer_names_the_bottleneck_and_follows_the_figures(desk: Client) -> None:
    address = _laid(desk)
    sent = _form(desk, address, per_week__wheelset_ordinary="30")
    answer = desk.post(f"{address}/instant", sent).context["answer"]
    neck = answer.stations[0]
    assert neck.bottleneck
    one_more = sent | {f"machines:{neck.key}": str(neck.machines + 1)}
    eased = desk.post(f"{address}/instant", one_more).context["answer"]
    load = {row.key: row.load for row in eased.stations}
    assert load[neck.key] == pytest.approx(neck.load * neck.machines / (neck.machines + 1))
    assert load[neck.key] == pytest.approx(neck.next_load)
    drowned = desk.post(f"{address}/instant", sent | {"per_week:wheelset_ordinary": "900"})
    assert "is short" in drowned.text
    assert "grows for ever" in drowned.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hours_a_week__wheelset_washer": "182"}, "Hours a week: 182 is not a figure from 1 to"),
        ({"machines__wheelset_washer": "0"}, "Machines: 0 is not a figure from 1 to 60"),
        ({"machines__wheelset_washer": "1,5"}, "Machines: 1,5 is not a figure"),
        ({"per_week__wheelset_ordinary": "many"}, "Items a week: many is not a figure"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(
    desk: Client, changed: dict[str, str], said: str
) -> None:
    address = _laid(desk)
    answered = desk.post(f"{address}/instant", _form(desk, address, **changed))
    assert answered.status_code == 422
    assert said in answered.text
    kept = desk.post(f"{address}/save", _form(desk, address, **changed))
    assert kept.status_code == 422
    assert said in kept.text


def test_a_plan_without_work_is_refused(desk: Client) -> None:
    address = _laid(desk)
    assert "choose at least one process" in desk.post(f"{address}/instant", {}).text


def test_a_variant_stands_beside_its_plan(desk: Client) -> None:
    address = _laid(desk)
    sent = _form(desk, address, machines__wheelset_washer="3")
    variant = desk.post(f"{address}/save", sent | {"variant": "1", "name": "Three washers"})
    assert variant["Location"] != address
    washers = {
        key: figures[0][1]
        for key, _name, figures in desk.get(variant["Location"]).context["stations"]
    }
    assert washers["wheelset_washer"] == 3
    assert "Three washers" in desk.get("/planning/").text
    desk.post(f"{variant['Location']}/delete")
    assert desk.get(variant["Location"]).status_code == 404


def test_what_to_buy_is_specified_with_its_acceptance(desk: Client) -> None:
    address = _laid(desk)
    sent = _form(desk, address, per_week__wheelset_ordinary="90", price__wheelset_washer="120000",
                 power_kw__wheelset_washer="45")  # fmt: skip
    desk.post(f"{address}/save", sent)
    bought = desk.get(address).context["bought"]
    assert bought[0].key == "wheelset_washer"
    sent_file = io.BytesIO(desk.get(f"{address}/specification.xlsx").content)
    rows = CalamineWorkbook.from_filelike(sent_file).get_sheet_by_index(0).to_python()
    washers = sum(each.key == "wheelset_washer" for each in bought)
    assert rows[1][2] == washers
    assert rows[1][3] == 45 * washers
    assert "30 min on average of 30 items" in rows[1][-1]
    assert "Power, kW ≤ 45" in rows[1][-1]
    assert any("runs have not verified it" in str(row[0]) for row in rows)
    assert desk.get(f"{address}/specification.pdf").content.startswith(b"%PDF")


def test_a_printed_figure_is_whole_and_of_the_reader_s_language() -> None:
    from railtrace.web.planning.specification import _span, _text

    assert _text(1_200_000.0, "ru").replace("\u202f", " ").replace("\xa0", " ") == "1 200 000"
    assert _span((45.7, 46.9, 48.0), "ru") == "46,9 (45,7 – 48)"
    assert _span(("—", "—", "—"), "ru") == "—"


def test_without_a_price_nothing_is_specified(desk: Client) -> None:
    answered = desk.get(f"{_laid(desk)}/specification.xlsx")
    assert answered.status_code == 422
    assert "give every machine that may be bought a cost" in answered.text


def test_a_viewer_may_try_figures_but_keeps_nothing(
    desk: Client, reader_as: Callable[..., Client]
) -> None:
    address = _laid(desk)
    viewer = reader_as("viewer")
    assert viewer.post(f"{address}/instant", _form(desk, address)).status_code == 200
    assert viewer.post(f"{address}/save", _form(desk, address)).status_code == 403
    assert viewer.post("/planning/", {"name": "x"}).status_code == 200


def test_runs_stop_and_go_on_where_they_were(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.fleet import the_names
    from railtrace.web.planning import verified
    from railtrace.web.planning.pages import kept_plan
    from railtrace.web.planning.plan import shop_of, told

    monkeypatch.setattr(verified, "YEAR_H", 2000.0)
    address = _laid(desk)
    pk = int(address.rsplit("/", 1)[1])
    shop = shop_of(kept_plan(pk)[1], the_names().catalogue, told())
    mark = verified.mark_of(shop)
    verified._keep(verified.Verification(mark, of=3))
    interrupted = verified.kept(mark)
    assert interrupted is not None
    assert interrupted.shown_state == "interrupted"
    assert "Go on" in desk.get(f"{address}/runs").text
    verified.start(shop).result(60)
    done = verified.kept(mark)
    assert done is not None
    assert (done.state, done.done) == ("done", 3)
    shown = desk.get(f"{address}/runs").context
    [process] = shown["processes"]
    assert process.met.low <= process.met.mean <= process.met.high
    assert [found.mean for _share, found in process.quantiles] == sorted(
        found.mean for _share, found in process.quantiles
    )


def test_what_is_bought_stays_within_the_limits_and_says_what_it_gives(desk: Client) -> None:
    address = _laid(desk)
    sent = _form(
        desk, address, per_week__wheelset_ordinary="60", price__wheelset_washer="100",
        price__wheel_lathe="100", power_kw__wheel_lathe="40", water_m3_h__wheelset_washer="3",
        value_h="5",
    )  # fmt: skip
    free = desk.post(f"{address}/instant", sent).context["bought"]
    assert len(free) > 2
    assert free[-1].price == 100 * len(free)
    assert all(row.payback_years is None or row.payback_years > 0 for row in free)
    assert sum(row.coverage for row in free if row.key == "wheel_lathe") > 0
    assert not any(row.coverage for row in free if row.key == "wheelset_washer")
    tight = desk.post(f"{address}/instant", sent | {"limit:price": "200"}).context["bought"]
    assert len(tight) == 2
    dark = desk.post(f"{address}/instant", sent | {"limit:power_kw": "0"}).context["bought"]
    assert "wheel_lathe" not in {row.key for row in dark}
    dry = desk.post(f"{address}/instant", sent | {"limit:water_m3_h": "0"}).context["bought"]
    assert {row.key for row in dry} == {"wheel_lathe"}, dry


def test_what_failed_is_told_by_the_trace(desk: Client) -> None:
    context = desk.get(_laid(desk)).context
    work = next(w for w in context["work"] if w["key"] == "wheelset_ordinary")
    assert {step["key"]: step["again"][0] for step in work["steps"]}["accept"] == 0
    [(_name, seen, used)] = context["failures"]
    assert seen.n == 6
    assert seen.mttr_h == pytest.approx(2)
    assert used


def test_the_last_quarter_is_predicted_from_the_one_before(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.planning import back_test

    monkeypatch.setattr(back_test, "REPLICATIONS", 3)
    address = _laid(desk)
    [row] = desk.get(f"{address}/back-test").context["rows"]
    assert row.orders.middle == 30
    assert row.orders.came == 40
    assert row.orders.held
    assert row.hours.low <= row.hours.middle <= row.hours.high
    assert row.hours.came is None


def test_a_fleet_is_ready_less_what_stands_in_repair(desk: Client) -> None:
    from railtrace.analysis.depot_flow import Process, Shop, Station, Step
    from railtrace.web.fleet import the_names
    from railtrace.web.planning import verified

    names = the_names()
    key = next(k for k, p in names.catalogue.processes.items()
               if set(p.applies_to) & set(names.catalogue.vehicle_types))  # fmt: skip
    type_ = next(t for t in names.catalogue.processes[key].applies_to
                 if t in names.catalogue.vehicle_types)  # fmt: skip
    shop = Shop((Station("x", 1),), (Process(key, (Step("x", 1.0),), 0.1),))
    runs = [verified.KeptRun({key: [84.0, 84.0]}, {}, {}, {key: n}) for n in (9.0, 11.0)]
    found = verified.Verification("m", runs=runs)
    [row] = verified.readiness(shop, found, names, {type_: 50})
    assert row.in_repair.mean == pytest.approx(5)
    assert row.ktg.mean == pytest.approx(0.9)
    assert row.ktg.low < 0.9 < row.ktg.high


# --- people and routes ---------------------------------------------------------------------------


def test_people_of_a_plan_are_a_bottleneck_and_one_more_is_what_to_buy(desk: Client) -> None:
    address = _laid(desk)
    sent = _form(desk, address, per_week__wheelset_ordinary="30", people__ndt_ut__0="1",
                 people_price__ndt_ut="10", minutes__wheelset_ordinary__ndt_axle="90",
                 machines__ut_set="9", shift_h="8", shift_days="5")  # fmt: skip
    answered = desk.post(f"{address}/instant", sent)
    answer = answered.context["answer"]
    [row] = answer.people
    assert row.load == pytest.approx(30 * 1.5 / 40)
    assert (answer.by_people, answer.over, row.bottleneck) == (True, True, True)
    assert "too few hands" in answered.text
    assert answered.context["bought"][0].key == "people:ndt_ut"
    two = desk.post(f"{address}/instant", sent | {"people:ndt_ut:1": "1"}).context["answer"]
    assert two.people[0].load == pytest.approx(row.load / 2)
    desk.post(f"{address}/save", sent)
    kept = desk.get(address).context["people"]
    assert next(counts for key, _, counts, _, _ in kept if key == "ndt_ut") == [1, 0, 0]
    assert "Each holds the right" in _first_sheet(desk, address)


def _first_sheet(desk: Client, address: str) -> str:
    sent_file = io.BytesIO(desk.get(f"{address}/specification.xlsx").content)
    return str(CalamineWorkbook.from_filelike(sent_file).get_sheet_by_index(0).to_python())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shift_h": "26"}, "Length of a shift, h: 26 is not a figure from 0.5 to 24"),
        ({"shift_h": "12", "people__fitter__2": "1"}, "3 shifts of 12 hours; a day has 24"),
        ({"people__fitter__0": "2,5"}, "People in a shift: 2,5 is not a figure"),
        ({"people__fitter__0": "1", "staff__by_hand": "3"},
         "it takes 3 of people Rolling-stock fitter, at most 1 are there"),
    ],
)  # fmt: skip
def test_people_who_cannot_be_are_refused_by_name(
    desk: Client, changed: dict[str, str], said: str
) -> None:
    address = _laid(desk)
    answered = desk.post(f"{address}/instant", _form(desk, address, **changed))
    assert answered.status_code == 422
    assert said in answered.text


def test_a_plan_begins_with_as_many_workplaces_as_carry_its_work(desk: Client) -> None:
    address = _laid(desk)
    loads = {row.key: row.load for row in desk.get(address).context["answer"].stations}
    assert max(load for key, load in loads.items() if key != "wheelset_washer") <= 0.85
