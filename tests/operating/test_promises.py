"""Sealed promises: frozen in the log, read back, and not changed by what comes after."""

from datetime import UTC, datetime, timedelta

import pytest

from railtrace.analysis.forward_test import MODEL
from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import NotFound
from railtrace.operating.promises import seal, sealed_issues
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Failed, Ran, Registered, ResultSealed

T0 = datetime(2026, 1, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def app(tmp_path):
    app = App(Config(data=str(tmp_path)))
    app.prepare()
    yield app
    app.stop()


def take(app, *operations):
    results = app.record(list(operations), "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    app.catch_up()


def life(app):
    take(app, *(Registered(id=f"r-{n}", happened_at=T0, units=(f"s-{n}",), type="2te10m",
                           owner="TJ") for n in range(3)),
         *(Ran(id=f"run-{n}-{d}", happened_at=T0 + d * DAY, units=(f"s-{n}",), distance_km="900")
           for n in range(3) for d in range(1, 60)))  # fmt: skip


def failed(app, id_, day):
    take(app, Failed(id=id_, happened_at=T0 + day * DAY, units=("s-1",), mode="задир",
                     place="diesel", failure_class=1))  # fmt: skip


def test_a_promise_is_a_file_whose_hash_is_in_the_log_and_later_failures_do_not_change_it(app):
    life(app)
    failed(app, "f-1", 20.5)
    operation, vehicles = seal(app, "locomotive", "TJ", "p-test")
    assert vehicles == 3
    app.catch_up()
    recorded = app.entry(operation).operation
    assert isinstance(recorded, ResultSealed)
    assert recorded.job == "promise"
    assert recorded.positions
    [before] = sealed_issues(app, "locomotive", "TJ")
    assert before.rates[MODEL]["s-1"] > before.rates[MODEL]["s-0"] > 0
    failed(app, "f-2", 50.5)
    [after] = sealed_issues(app, "locomotive", "TJ")
    assert after == before
    assert sealed_issues(app, "coach", "TJ") == []


def test_a_fleet_in_which_nothing_failed_promises_nothing(app):
    life(app)
    with pytest.raises(NotFound, match="only a bound"):
        seal(app, "locomotive", "TJ", "p-test")
    assert sealed_issues(app, "locomotive", "TJ") == []
