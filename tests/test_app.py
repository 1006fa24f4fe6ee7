"""The wiring: what a start does, where an operation goes, what is known at two dates."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from railtrace.app import App, Follower
from railtrace.errors import BadOperation, Behind, IdTaken, NotFound, RailtraceError
from railtrace.trace.leaf import microseconds
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    CatalogueAdopted,
    Corrected,
    Inspected,
    LogOpened,
    MeterRead,
    Registered,
)
from tests.operating.depot import NOW, Clock, config_in, inspected, opened, record, sent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = opened(config_in(tmp_path), clock)
    yield app
    app.stop()


def sizes(app: App) -> dict[str, int]:
    return {head.log: head.size for head in app.trace.heads()}


ROW = """
[[limits]]
key = "coupler_height"
ru = "Высота оси автосцепки"
en = "Coupler axis height"
quantity = "coupler_height"
source = "order of the depot"
jurisdiction = "TJ"
valid_from = 2020-01-01
confirmed = true
guard = "mandatory"
unit = "mm"
moment = "in_service"
max = "1070"
"""


def length_km(app: App, **dates: datetime) -> float:
    """Return what the locomotive has run by now, as told by two dates."""
    return app.knowledge(**dates).counter("u-loco").at(microseconds(NOW)) / 1000


# --- starting -----------------------------------------------------------------------------


def test_the_first_start_opens_every_log_and_adopts_the_catalogue(app: App) -> None:
    for log in ("dushanbe", "khujand", "main"):
        opening = app.entry_at(log, 0)
        assert isinstance(opening.operation, LogOpened)
        assert opening.operation.origin == f"tests/{log}"
        assert (opening.submitter, opening.channel) == ("railtrace", "system")
    adopted = app.entry_at("main", 1).operation
    assert isinstance(adopted, CatalogueAdopted)
    assert app.catalogue().hash == adopted.catalogue
    assert app.evidence.read(adopted.catalogue) == app.catalogue().canonical_bytes()


def test_a_second_start_records_nothing(app: App) -> None:
    before = sizes(app)
    app.prepare()
    again = opened(app.config)
    assert sizes(again) == before
    again.stop()


def test_a_changed_row_of_the_site_is_adopted_at_the_next_start(app: App, clock: Clock) -> None:
    own = app.config.data_folder / "catalogue/limits"
    own.mkdir(parents=True)
    (own / "site.toml").write_text(ROW, "utf-8")
    clock.go()
    again = opened(app.config, clock)
    assert app.entry_at("main", 2).operation.catalogue == again.catalogue().hash
    assert again.catalogue().limits["coupler_height"].max == "1070"
    again.stop()


def test_of_catalogues_adopted_in_the_same_microsecond_the_last_recorded_is_in_force(
    app: App,
) -> None:
    own = app.config.data_folder / "catalogue/limits"
    own.mkdir(parents=True)
    for limit in ("1070", "1071", "1072", "1073"):
        (own / "site.toml").write_text(ROW.replace("1070", limit), "utf-8")
        again = opened(app.config)
        assert again.catalogue().limits["coupler_height"].max == limit
        assert again.lookup.adoptions()[0]["catalogue"] == again.catalogue().hash
        again.stop()


def test_a_log_of_a_new_site_is_opened(app: App) -> None:
    from msgspec.structs import replace

    from railtrace.config import Site

    config = replace(app.config, sites=app.config.sites | {"kulob": Site(ru="Куляб")})
    more = opened(config)
    assert isinstance(more.entry_at("kulob", 0).operation, LogOpened)
    more.stop()


def test_starting_and_stopping_twice_does_no_harm(app: App) -> None:
    app.start()
    app.start()
    app.stop()
    app.stop()
    again = opened(app.config)
    assert record(again, sent(0, 2))
    again.stop()


# --- recording ----------------------------------------------------------------------------


def test_an_operation_goes_into_the_log_of_its_site(app: App) -> None:
    receipts = record(app, [inspected(0, "dushanbe"), inspected(1, "khujand"), inspected(2, "x")])
    assert [receipt.log for receipt in receipts] == ["dushanbe", "khujand", "main"]


def test_a_named_log_overrules_the_site(app: App) -> None:
    [receipt] = app.record([inspected(0, "dushanbe")], "worker-1", "test", "khujand")
    assert isinstance(receipt, Receipt)
    assert receipt.log == "khujand"


def test_results_stand_in_the_order_sent_whatever_was_refused_before(app: App) -> None:
    bad = BadOperation("line {line} is no operation", line=2)
    twice = Inspected(id="op-00001", happened_at=NOW, units=("u-9",), site="khujand")
    results = app.record([inspected(1), bad, inspected(2, "khujand"), twice], "w", "test")
    assert [type(result) for result in results] == [Receipt, BadOperation, Receipt, IdTaken]
    assert results[1] is bad


def test_what_is_recorded_by_many_threads_is_all_there_and_in_the_views(app: App) -> None:
    app.start()

    def send(thread: int) -> None:
        for batch in range(5):
            first = thread * 100 + batch * 10
            record(app, sent(first, first + 10))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.wait_caught_up(30)
    numbers = {f"op-{t * 100 + n:05d}" for t in range(16) for n in range(50)}
    indexed = {id_ for (id_,) in app.views.database.query("SELECT id FROM unit_ops")}
    assert numbers <= indexed


def test_recorded_at_never_goes_back_when_the_clock_does(app: App, clock: Clock) -> None:
    [first] = record(app, [inspected(0)])
    clock.now -= timedelta(hours=3)
    [second] = record(app, [inspected(1)])
    assert second.recorded_at == first.recorded_at


def test_after_the_stop_nothing_is_taken_and_nobody_waits(app: App) -> None:
    app.start()
    recorder = app._recorder
    assert recorder is not None
    recorder.stop()
    with pytest.raises(RailtraceError, match="send it again"):
        app.record([inspected(0)], "worker-1", "test")


# --- following ----------------------------------------------------------------------------


def test_the_follower_goes_on_after_an_error_has_passed(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    catch_up = app.views.catch_up
    fail = threading.Event()
    fail.set()

    def sometimes(**named: int) -> int:
        if fail.is_set():
            raise OSError(5, "Input/output error")
        return catch_up(**named)

    monkeypatch.setattr(app.views, "catch_up", sometimes)
    app.start()
    record(app, sent(0, 4))
    assert not app.wait_caught_up(0.3)
    assert isinstance(app.follower_error, OSError)
    fail.clear()
    assert app.wait_caught_up(30)
    assert app.follower_error is None


def test_a_unit_just_recorded_is_waited_for_and_no_lag_is_an_answer(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.prepare()
    [operation] = sent(0, 1)
    record(app, [operation])
    assert app.about(operation.units[0]).known(operation.units[0])
    with pytest.raises(NotFound, match="there is no unit nobody"):
        app.about("nobody")
    monkeypatch.setattr(app, "wait_caught_up", lambda: False)
    with pytest.raises(Behind, match="entries behind"):
        app.about("nobody")


def test_views_rest_while_a_burst_is_recorded_until_somebody_waits_for_them() -> None:
    taken: list[int] = []

    def catch_up(batch: int) -> int:
        time.sleep(0.01)
        taken.append(batch)
        return int(len(taken) < 200)

    def burst(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            follower.wake()
            time.sleep(0.005)

    follower = Follower(catch_up)
    burst(0.6)
    # A tenth of the time: six batches of ten milliseconds, where at full speed it were sixty.
    assert 2 <= len(taken) <= 12
    assert set(taken) == {500}
    follower.wake()
    follower.wait(10)
    follower.stop()
    assert len(taken) >= 200
    assert taken[-1] == 2000


def test_views_are_not_put_off_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Follower, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(Follower, "_REST", 50)
    taken: list[int] = []

    def catch_up(_: int) -> int:
        time.sleep(0.01)
        taken.append(1)
        return int(len(taken) < 30)

    follower = Follower(catch_up)
    follower.wake()
    end = time.monotonic() + 10
    while len(taken) < 30 and time.monotonic() < end:
        follower.wake()
        time.sleep(0.01)
    follower.stop()
    assert len(taken) >= 30


# --- reading ------------------------------------------------------------------------------


def test_a_unit_is_known_at_two_dates(app: App, clock: Clock) -> None:
    unit = "u-loco"
    then = NOW - timedelta(days=9)
    register = Registered(id="r", happened_at=then, units=(unit,), type="te10m")
    early = MeterRead(
        id="m-1", happened_at=NOW - timedelta(days=8), units=(unit,), meter="km", value="1000"
    )
    late = MeterRead(
        id="m-2", happened_at=NOW - timedelta(days=2), units=(unit,), meter="km", value="1500"
    )
    record(app, [register, early])
    clock.go(timedelta(days=1))
    record(app, [late])
    app.catch_up()
    assert length_km(app) == 1500
    assert length_km(app, state_at=NOW - timedelta(days=5)) == 1000
    assert length_km(app, known_at=NOW) == 1000
    assert not app.knowledge(NOW - timedelta(days=10)).known(unit)


def test_a_correction_is_found_from_what_it_corrects(app: App) -> None:
    record(app, [inspected(1)])
    void = Corrected(
        id="c-1", happened_at=NOW, target="op-00001", action="void", reason="the wrong coach"
    )
    app.record([void], "p-1", "test", "khujand")
    app.catch_up()
    [correction] = app.corrections_of("op-00001")
    assert (correction.operation.id, correction.log) == ("c-1", "khujand")
    assert app.corrections_of("c-1") == []


def test_what_is_not_there_is_named(app: App) -> None:
    with pytest.raises(NotFound, match="operation op-x is not in this ledger"):
        app.entry("op-x")
    with pytest.raises(NotFound, match="main has no entry 99"):
        app.entry_at("main", 99)


def test_a_head_is_signed_once_until_it_moves(app: App) -> None:
    first = app.sign_heads()
    assert app.sign_heads() == first
    record(app, [inspected(1)])
    moved = {c.origin: c.size for c in app.sign_heads()}
    assert moved["tests/dushanbe"] == 2
    assert len(app.trace.checkpoints("khujand")) == 1
