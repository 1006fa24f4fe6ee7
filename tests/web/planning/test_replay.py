"""A simulated run seen again, and the flow of units over the runs."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from railtrace import web
from railtrace.analysis.depot_flow import Process, Shop, Station, Step
from railtrace.analysis.depot_record import run_with_flows
from railtrace.app import App
from railtrace.web.planning.flow import Diagram, diagrams

SCRIPT = Path(web.__file__).parent / "static/web/replay.js"
WASH, LATHE = "wheelset_washer", "wheel_lathe"


@pytest.fixture
def address(railway: App, reader_as: Callable[..., Client]) -> tuple[Client, str]:
    """Return a technologist and the address of a plan with work for one process."""
    desk = reader_as("technologist")
    plan = desk.post("/planning/", {"name": "Wheel shop"})["Location"]
    sent = {"on:wheelset_ordinary": "on", "per_week:wheelset_ordinary": "24",
            "batch:wheelset_ordinary": "4", f"machines:{LATHE}": "2"}  # fmt: skip
    assert desk.post(f"{plan}/save", sent).status_code == 302
    return desk, plan


def test_a_run_is_seen_again_and_the_same_number_is_the_same_run(
    address: tuple[Client, str],
) -> None:
    desk, plan = address
    first, again, other = (desk.get(f"{plan}/replay", {"run": n, "span": 12, "at": 30}).context
                           for n in (3, 3, 4))  # fmt: skip
    assert first["told"] == again["told"]
    assert first["told"] != other["told"]
    assert first["shown"].span_h == 168
    assert first["moment"] == "day 79, 6:00"
    lathes = next(row for row in first["rows"] if row.key == LATHE)
    assert [lane.number for lane in lathes.lanes] == [1, 2]
    assert all(0 <= bar.left <= 100 for lane in lathes.lanes for bar in lane.bars)
    assert all(lane.down for lane in lathes.lanes)


def test_what_is_asked_for_wrongly_is_shown_where_most_is_under_way(
    address: tuple[Client, str],
) -> None:
    desk, plan = address
    odd = desk.get(f"{plan}/replay", {"run": "x", "span": "-4", "at": "nan"}).context
    assert (odd["run"], odd["shown"].number) == (1, 11)
    assert odd["at_work"] > 0
    others = [desk.get(f"{plan}/replay", {"at": hour}).context for hour in ("0", "30", "100")]
    assert all(other["at_work"] <= odd["at_work"] for other in others)
    far = desk.get(f"{plan}/replay", {"run": "900", "span": "900", "at": "900"}).context
    assert (far["run"], far["shown"].number, far["hour"]) == (20, 52, 168.0)


def test_what_is_shown_is_saved_as_a_table(address: tuple[Client, str]) -> None:
    desk, plan = address
    shown = desk.get(f"{plan}/replay", {"span": 12}).context["shown"]
    lines = list(csv.reader(io.StringIO(desk.get(f"{plan}/replay.csv?span=12").text[1:])))
    assert lines[0][:3] == ["Unit", "Process", "Step"]
    assert len(lines) == len(shown.visits) + 1
    assert all(float(came) <= float(begun) < float(ended) for *_, came, begun, ended in lines[1:])


@pytest.mark.browser
def test_what_is_played_in_the_page_is_what_the_record_tells(
    address: tuple[Client, str], page: Page
) -> None:
    desk, plan = address

    def said() -> list[str]:
        cells = page.locator("[data-said], [data-count], h2 [data-moment]")
        return [text.strip() for text in cells.all_text_contents()]

    def load(at: float) -> None:
        page.set_content(desk.get(f"{plan}/replay", {"span": 12, "at": at}).text)

    hours = (0.0, 5.25, 30.4, 77.0, 168.0)
    wanted = []
    for hour in hours:
        load(hour)
        wanted.append(said())
    assert len({str(each) for each in wanted}) == len(hours)
    load(0)
    page.add_script_tag(path=SCRIPT)
    for hour, each in zip(hours, wanted, strict=True):
        page.locator("#replay-at").evaluate(
            "(e, at) => { e.step = 'any'; e.value = at; e.dispatchEvent(new Event('input')) }", hour
        )
        assert said() == each
    _by_keys(page)


def _by_keys(page: Page) -> None:
    moment = page.locator("output[data-moment]")
    slider = page.locator("#replay-at")
    slider.press("Home")
    expect(moment).to_have_text("day 78, 0:00")
    slider.press("Shift+ArrowRight")
    expect(moment).to_have_text("day 78, 1:00")
    slider.press("Shift+ArrowLeft")
    slider.press("ArrowRight")
    first = moment.text_content()
    slider.press("ArrowRight")
    slider.press("ArrowLeft")
    expect(moment).to_have_text(first or "")
    assert first != "day 78, 0:00"
    slider.press("Space")
    expect(page.locator("[data-play]")).to_contain_text("Pause")
    expect(moment).not_to_have_text(first or "")
    slider.press("Space")
    expect(page.locator("[data-play]")).to_contain_text("Play")
    slider.press("End")
    expect(moment).to_have_text("day 85, 0:00")
    assert page.locator("[data-visit].is-to-come").count() == 0


# --- the flow of units --------------------------------------------------------------------------


def drawn(rework: float, per_h: float = 0.1) -> Diagram:
    from railtrace.web.fleet import the_names

    names = the_names()
    card = names.catalogue.processes["wheelset_ordinary"].steps
    steps = tuple(
        Step(WASH if n < 2 else LATHE, 1.0, rework=rework if n == 3 else 0.0,
             back_to=1 if n == 3 else None) for n in range(len(card))
    )  # fmt: skip
    process = Process("wheelset_ordinary", steps, per_h, 2)
    shop = Shop((Station(WASH, 2), Station(LATHE, 3)), (process,))
    runs = [run_with_flows(shop, 2000.0, seed)[1] for seed in range(3)]
    [found] = diagrams(shop, runs, 1600 / 8760, names)
    return found


def test_widths_are_counts_and_rework_is_a_loop(railway: App) -> None:
    found = drawn(0.2)
    [loop] = found.loops
    test = found.rows[3]
    assert loop.width / 220 == pytest.approx(
        test.again.mean / max(row.came.mean for row in found.rows), rel=1e-6
    )
    assert test.back == found.rows[1].name
    assert found.rows[1].came.mean == pytest.approx(found.rows[0].on.mean + test.again.mean)
    assert found.rows[0].came.mean == pytest.approx(0.2 * 8760, rel=0.2)
    assert max(row.width for row in found.rows) == 100
    assert all(0 < row.waited.mean < 1 for row in found.rows)


def test_without_rework_there_is_no_loop_and_nothing_of_nothing(railway: App) -> None:
    assert drawn(0.0).loops == ()
    with pytest.raises(ValueError, match="not enough values"):
        drawn(0.0, per_h=0.0)


def test_the_runs_show_their_flow(
    address: tuple[Client, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.fleet import the_names
    from railtrace.web.planning import verified
    from railtrace.web.planning.pages import kept_plan
    from railtrace.web.planning.plan import shop_of, told

    desk, plan = address
    monkeypatch.setattr(verified, "YEAR_H", 1000.0)
    shop = shop_of(kept_plan(int(plan.rsplit("/", 1)[1]))[1], the_names().catalogue, told())
    runs: list[Any] = [verified._kept(*run_with_flows(shop, 1000.0, seed)) for seed in range(2)]
    verified._keep(verified.Verification(verified.mark_of(shop), runs=runs))
    shown = desk.get(f"{plan}/runs")
    [flow] = shown.context["flow"]
    assert len(flow.rows) == len(shop.processes[0].steps)
    assert "Flow of units" in shown.text
    assert shown.text.count('class="flow-work"') == len(flow.rows)
