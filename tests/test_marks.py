"""Operations that come with a painted number instead of a unit's id."""

from datetime import UTC, datetime

import pytest

from railtrace.app import App
from railtrace.config import Config
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Number, Registered, Washed

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PLATE = Number(scheme="network8", value="66345679")


@pytest.fixture
def app(tmp_path):
    app = App(Config(data=str(tmp_path)), clock=lambda: datetime(2026, 4, 1, tzinfo=UTC))
    app.prepare()
    yield app
    app.stop()


def registered(id_, unit):
    return Registered(id=id_, happened_at=AT, units=(unit,), type="gondola", numbers=(PLATE,))


def washed(id_, **fields):
    return Washed(id=id_, happened_at=AT, marks=("66345679",), **fields)


def test_the_number_is_looked_up_and_both_are_recorded(app):
    app.record([registered("r1", "u-1")], "t", "test")
    [receipt] = app.record([washed("w1")], "t", "test")
    assert isinstance(receipt, Receipt)
    recorded = app.entry("w1").operation
    assert (recorded.units, recorded.marks) == (("u-1",), ("66345679",))


def test_a_number_given_earlier_in_the_same_batch_counts(app):
    results = app.record([registered("r1", "u-1"), washed("w1")], "t", "test")
    assert all(isinstance(result, Receipt) for result in results)


def test_a_number_given_later_in_the_batch_does_not_count(app):
    refused, _ = app.record([washed("w1"), registered("r1", "u-1")], "t", "test")
    assert str(refused) == "no unit bears the number 66345679"


def test_a_number_borne_by_two_units_is_refused_and_both_are_named(app):
    app.record([registered("r1", "u-1"), registered("r2", "u-2")], "t", "test")
    [refused] = app.record([washed("w1")], "t", "test")
    assert "borne by 2 units" in str(refused)
    assert "u-1, u-2" in str(refused)


def test_a_repeat_returns_the_first_receipt_though_the_number_has_moved_on(app):
    app.record([registered("r1", "u-1")], "t", "test")
    [first] = app.record([washed("w1")], "t", "test")
    app.record([registered("r2", "u-2")], "t", "test")
    [second] = app.record([washed("w1")], "t", "test")
    assert (second.position, second.duplicate) == (first.position, True)
    [other] = app.record([washed("w1", programme="3")], "t", "test")
    assert "other content" in str(other)
