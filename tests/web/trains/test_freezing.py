"""A promise that could not be frozen as its train left is frozen later, and till then seen so."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.errors import NotFound, StoreFull
from railtrace.projections.consist import Consist
from railtrace.store.trains import Trains
from railtrace.trace.operation import ConsistClosed, ConsistDeparted, Failed, Ran, ResultSealed
from tests.web.trains.yard import departure, send, written, yard

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
LEFT = {"C-801": NOW - timedelta(minutes=9), "C-802": NOW - timedelta(minutes=7)}
OLD, DONE = "C-803", "C-804"


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return trains that have left by another door than the page: two of now, an old, a closed."""
    folder = tmp_path_factory.mktemp("freezing")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        for seed, consist in enumerate((*LEFT, OLD, DONE), 21):
            send(app, written(departure(seed, 2), consist, seed))
            send(app, [gone(app, consist, LEFT.get(consist, NOW - timedelta(hours=30)))])
        send(app, [ConsistClosed(id="closed", happened_at=NOW, consist=DONE, outcome="arrived",
                                 composition=standing(app, DONE))])  # fmt: skip
        units = [f"{c}-v-{n}" for c in LEFT for n in (1, 2)]
        send(app, [Ran(id=f"k-{u}-{n}", happened_at=NOW - timedelta(days=60 - n), units=(u,),
                       distance_km="80") for u in units for n in range(40)])  # fmt: skip
        yield app


def consist_of(app: App, name: str) -> Consist:
    return Trains(app.knowledge(), app.lookup).consist(name)


def standing(app: App, name: str) -> str:
    composition = consist_of(app, name).composition
    assert composition is not None
    return composition.id


def gone(app: App, name: str, at: datetime) -> ConsistDeparted:
    return ConsistDeparted(id=f"gone-{name}", happened_at=at, consist=name,
                           composition=standing(app, name))  # fmt: skip


def failed(id_: str, at: datetime) -> Failed:
    return Failed(id=id_, happened_at=at, units=("C-801-v-1",), mode="нагрев", place="bogie.1",
                  failure_class=1)  # fmt: skip


def shown(browser: Client, address: str) -> str:
    return re.sub(r"\s+", " ", unescape(browser.get(address).content.decode()))


def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    from railtrace.web.trains import freezing

    monkeypatch.setattr(freezing, "PAUSE_S", 0.0)


def test_what_stands_in_the_way_is_told_and_it_is_tried_again_later(
    railway: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.trains import freezing

    assert {one.consist for one in freezing.missed(railway)} == set(LEFT)
    assert freezing.freeze_missed(railway) == 0
    browser = reader_as("fleet_manager")
    for page in ("promise", "trip"):
        text = shown(browser, f"/trains/C-801/{page}")
        assert "it is tried again every few minutes" in text
        assert "no component of this class has failed yet" in text
        assert "tried again" not in shown(browser, f"/trains/{OLD}/{page}")
    # Nothing is asked again before the pause has passed.
    monkeypatch.setattr(freezing, "_freeze", partial(pytest.fail, "asked at once"))
    assert freezing.freeze_missed(railway) == 0


def test_it_is_frozen_by_what_had_happened_before_the_train_left_and_says_how_late(
    railway: App, reader_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from railtrace.web.trains import freezing

    freezing._tried.clear()
    before = [failed(f"f-{n}", NOW - timedelta(days=50 - 9 * n)) for n in range(4)]
    send(railway, before)
    as_it_left = chances(railway, "C-801")
    # On the way it fails again, twice: the promise must not know.
    send(railway, [failed(f"late-{n}", NOW - timedelta(minutes=n)) for n in (1, 2)])
    assert freezing.freeze_missed(railway) == 2
    assert freezing.freeze_missed(railway) == 0
    kept = freezing.frozen(consist_of(railway, "C-801"))
    assert kept is not None
    assert [c.chance for c in kept[1].chances] == as_it_left
    assert kept[0].submitter == "railtrace"
    text = shown(reader_as("fleet_manager"), "/trains/C-801/promise")
    assert re.search(r"Frozen \d+ minutes? after the train left, by what had happened", text)
    assert "tried again" not in text


def chances(app: App, name: str) -> list[float]:
    from railtrace.web.reliability.computed import fitted_at
    from railtrace.web.trains.promised import promise_for

    state = consist_of(app, name)
    assert state.departed_us is not None
    asked = partial(fitted_at, app, state.departed_us)
    return [c.chance for c in promise_for(state, app.catalogue(), asked).chances]


def test_of_several_the_last_before_the_departure_counts_and_no_later_one(railway: App) -> None:
    from railtrace.web.trains import freezing

    state = consist_of(railway, "C-802")
    first = freezing.frozen(state)
    assert first is not None
    again = first[0].operation
    assert isinstance(again, ResultSealed)
    other = ResultSealed(id="again", happened_at=NOW, job=again.job, result=again.result, rows=1)
    send(railway, [other])
    assert freezing.frozen_of(railway, [state])["C-802"].operation.id == again.id
    state.departed_us = None
    assert freezing.frozen_of(railway, [state])["C-802"].operation.id == "again"


@pytest.mark.parametrize("error", [NotFound("no figures yet"), StoreFull("the disk is full")])
def test_a_train_leaves_though_its_promise_cannot_be_frozen(
    error: Exception, railway: App, reader_as: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from railtrace.web.trains import acts, freezing

    def fails(*asked: Any) -> Any:
        raise error

    name = "C-805" if isinstance(error, NotFound) else "C-806"
    send(railway, written(departure(25 + int(name[-1]), 2), name, 25 + int(name[-1])))
    monkeypatch.setattr(freezing, "promised", fails)
    decided = type("Decided", (), {"released": True})()
    monkeypatch.setattr(acts.Consist, "decided", lambda self, act: decided)
    answer = unescape(reader_as("technologist").post(
        f"/trains/{name}/depart", follow=True).content.decode())  # fmt: skip
    assert "The train is on its way." in answer
    assert f"The promise is not frozen yet, it is tried again: {error}" in answer


def test_the_server_looks_for_them_at_its_start_and_stops_at_its_end(
    railway: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from railtrace.web.trains import freezing

    no_pause(monkeypatch)
    looked = threading.Event()

    def look(app: App) -> int:
        looked.set()
        raise NotFound("once")

    monkeypatch.setattr(freezing, "freeze_missed", look)
    freezer = freezing.Freezer(railway)
    assert looked.wait(5)
    freezer.stop()
    assert not freezer._thread.is_alive()
