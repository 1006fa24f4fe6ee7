"""Runs that are asked a question: one machine away, purchases until the lower bound is met."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from railtrace.app import App
from railtrace.web.models import DepotPlan
from railtrace.web.planning import study, verified
from tests.web.planning.test_planning import _form, _laid, worked  # noqa: F401

QUICK_H = 1500.0


class _AtOnce:
    """Runs where it is asked: a process of its own takes a second to begin."""

    def __init__(self, *_: Any) -> None: ...

    def __enter__(self) -> "_AtOnce":
        return self

    def __exit__(self, *_: Any) -> None: ...

    def submit(self, work: Callable[..., Any], *given: Any) -> Any:
        done = work(*given)
        return type("Done", (), {"result": staticmethod(lambda: done)})


@pytest.fixture
def desk(
    worked: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> Client:
    monkeypatch.setattr(verified, "YEAR_H", QUICK_H)
    monkeypatch.setattr(study, "REPLICATIONS", 4)
    monkeypatch.setattr(study, "ProcessPoolExecutor", _AtOnce)
    return reader_as("technologist")


def _wait() -> None:
    study._thread.submit(lambda: None).result(60)


def _saved(desk: Client, **changed: str) -> str:
    address = _laid(desk)
    assert desk.post(f"{address}/save", _form(desk, address, **changed)).status_code == 302
    return address


def test_the_failure_of_each_machine_is_told_the_worst_first_with_intervals(desk: Client) -> None:
    address = _saved(desk, per_week__wheelset_ordinary="20", machines__wheelset_washer="3")
    assert "It was not run yet" in desk.get(f"{address}/away").text
    begun = desk.post(f"{address}/away/run", {"days": "10"})
    assert begun["Location"].endswith("/away?days=10")
    _wait()
    context = desk.get(begun["Location"]).context
    assert context["job"].state == "done"
    rows = {row.harm.station: row.harm for row in context["rows"]}
    assert "by_hand" not in rows
    washer = rows["wheelset_washer"]
    assert washer.longer_h.low <= washer.longer_h.mean <= washer.longer_h.high
    worst = context["rows"][0].harm
    assert worst.longer_h.mean > washer.longer_h.mean
    lost = [round(row.harm.lost_per_week.mean, 2) for row in context["rows"]]
    assert lost == sorted(lost, reverse=True)
    # Another period is another question.
    assert "It was not run yet" in desk.get(f"{address}/away?days=11").text


def test_a_study_stops_and_goes_on_where_it_was(desk: Client) -> None:
    address = _saved(desk, per_week__wheelset_ordinary="18")
    kept: list[Any] = []
    keep = study._files.keep

    def stop_after_three(mark: str, job: Any) -> None:
        keep(mark, job)
        if job.done == 3:
            study.stop(mark)
        kept.append(job.done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study._files, "keep", stop_after_three)
        desk.post(f"{address}/away/run", {"days": "5"})
        _wait()
    page = desk.get(f"{address}/away?days=5")
    assert (page.context["job"].state, page.context["job"].done) == ("stopped", 3)
    assert "Go on" in page.text
    desk.post(f"{address}/away/run", {"days": "5"})
    _wait()
    job = desk.get(f"{address}/away?days=5").context["job"]
    assert (job.state, job.done) == ("done", job.of)
    assert desk.get(f"{address}/away/progress?days=5").status_code == 205


def test_days_away_that_cannot_be_are_refused_by_name(desk: Client) -> None:
    page = desk.get(f"{_laid(desk)}/away?days=900")
    assert page.status_code == 422
    assert "Away, days: 900 is not a figure from 1 to 365" in page.text


def test_purchases_go_on_while_only_the_mean_meets_the_target(desk: Client) -> None:
    figures = {"per_week__wheelset_ordinary": "75", "price__wheelset_washer": "100",
               "price__wheel_lathe": "300", "price_low__wheel_lathe": "200",
               "price_high__wheel_lathe": "500", "price__by_hand": "1"}  # fmt: skip
    address = _saved(desk, **figures, target_h="1")
    desk.post(f"{address}/buy/run")
    _wait()
    steps = desk.get(f"{address}/buy").context["steps"]
    means = [step.judged.mean_h.mean for step in steps]
    at = next(n for n in range(1, len(steps) - 1)
              if not steps[n].judged.left and means[n] < min(means[:n])
              and steps[n + 1].judged.mean_h.high < means[n] * 1.001)  # fmt: skip
    # A target that the mean of this many purchases meets by a hair, the interval cannot.
    target = f"{means[at] * 1.001:.6f}"
    again = _saved(desk, **figures, target_h=target)
    desk.post(f"{again}/buy/run")
    _wait()
    page = desk.get(f"{again}/buy")
    found = page.context["steps"]
    assert found[at].judged.by_mean
    assert not found[at].judged.met
    assert len(found) > at + 1
    assert found[-1].judged.met
    assert "met by the mean, not by the lower bound" in page.text
    assert "met with the lower bound" in page.text
    _specified_is_bought(desk, again, found)


def _specified_is_bought(desk: Client, address: str, found: list[Any]) -> None:
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(desk.get(f"{address}/specification.xlsx").content)
    )
    rows = book.get_sheet_by_index(0).to_python()
    assert sum(row[2] for row in rows[1:] if isinstance(row[2], float)) == len(found) - 1
    assert any("met with the lower bound of the 95 % interval" in str(row[0]) for row in rows)
    order = book.get_sheet_by_index(1).to_python()
    assert [row[-1] for row in order[1:]][-2:] == [
        "met by the mean, not by the lower bound", "met with the lower bound"
    ]
    last = found[-1].bought
    assert order[-1][1:4] == [last.price_low, last.price, last.price_high]
    assert last.price_low < last.price < last.price_high
    assert desk.get(f"{address}/specification.pdf").content.startswith(b"%PDF")


def test_a_search_without_a_target_says_what_to_give(desk: Client) -> None:
    page = desk.get(f"{_laid(desk)}/buy")
    assert page.status_code == 422
    assert "give the plan a target first" in page.text


def test_variants_of_one_work_stand_side_by_side(desk: Client) -> None:
    address = _saved(desk, per_week__wheelset_ordinary="60", price__wheel_lathe="100")
    sent = _form(desk, address, per_week__wheelset_ordinary="60", machines__wheel_lathe="3",
                 price__wheel_lathe="100")  # fmt: skip
    other = desk.post(f"{address}/save", sent | {"variant": "1", "name": "Three lathes"})
    page = desk.get(f"{other['Location']}/variants")
    assert page.context["heads"][1] == "Three lathes"
    machines = page.context["rows"][0]
    assert int(machines[1]) == int(machines[2]) + 2
    assert any("Wheel lathe" in str(cell) for cell in page.context["rows"][7][1:])


def test_every_page_with_a_chance_says_what_it_is_to_work_the_programme_off(desk: Client) -> None:
    address = _saved(desk, target_met="80")
    for page in ("", "/buy", "/variants"):
        assert verified.programme_said() in desk.get(f"{address}{page}").text


def test_a_shop_that_cannot_be_run_is_refused_with_its_step_by_name(desk: Client) -> None:
    """What lies in a kept plan may be of an older day: the page of its runs says what is wrong."""
    address = _saved(desk)
    row = DepotPlan.objects.get(pk=address.rsplit("/", 1)[1])
    row.body["work"]["wheelset_ordinary"]["again"] = {"wash": 1.0}
    row.save()
    page = desk.get(f"{address}/runs")
    assert page.status_code == 422
    assert "Wheelset: ordinary repair, step Wash the wheelset" in page.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hours_a_week__wheelset_washer": "130", "days_a_week__wheelset_washer": "5"},
         "26 hours a day on 5 days a week; a day has 24"),
        ({"price__wheel_lathe": "100", "price_low__wheel_lathe": "120"},
         "the least, the likely and the greatest are to stand in that order"),
        ({"again__wheelset_ordinary__wash": "100"},
         "process Wheelset: ordinary repair, step Wash the wheelset: 1.0 of the work comes back: "
         "a route that goes round for ever"),
        ({"machines__wheelset_washer": "0"},
         "Wheelset washing machine: Machines: 0 is not a figure from 1 to 60"),
        ({"capacity__wheelset_washer": "0"},
         "Wheelset washing machine: Items at once: 0 is not a figure from 1 to 100"),
        ({"target_met": "100"}, "Chance to work the programme off, %: 100 is not a figure"),
    ],
)  # fmt: skip
def test_figures_that_contradict_each_other_are_refused_by_name(
    desk: Client, changed: dict[str, str], said: str
) -> None:
    address = _laid(desk)
    answered = desk.post(f"{address}/instant", _form(desk, address, **changed))
    assert answered.status_code == 422
    assert said in answered.text


