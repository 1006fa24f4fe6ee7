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
from railtrace.trace.operation import MachineResult, OrderOpened, Registered

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
    results = railway.record(operations, "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


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
    assert work["came"] == 40
    assert work["rate"] == pytest.approx(40 / 26)
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
    assert "30 min on average of 30 items" in rows[1][8]
    assert desk.get(f"{address}/specification.pdf").content.startswith(b"%PDF")


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
