"""State, holder and place of every unit at two dates, kept as a sealed result."""

from datetime import UTC, datetime, timedelta

import pytest

from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.operating import fleet_job
from railtrace.operating.fleet_job import Asked
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import KINDS, Corrected, Number, ResultSealed

START = datetime(2026, 1, 10, 6, tzinfo=UTC)


def op(kind, id_, day, **fields):
    return KINDS[kind](id=id_, happened_at=START + timedelta(days=day), **fields)


def day(number):
    return START + timedelta(days=number)


@pytest.fixture
def app(tmp_path):
    now = [day(30)]
    sites = {"north": Site(ru="Север"), "south": Site(ru="Юг")}
    app = App(Config(name="t", data=str(tmp_path / "data"), sites=sites), clock=lambda: now[0])
    app.prepare()
    _record(app, [
        op("Registered", "r1", 0, units=("v-1",), type="gondola", site="north", home_site="north",
           numbers=(Number(scheme="network8", value="66345679"),)),
        op("Registered", "r2", 0, units=("v-2",), type="gondola", site="south", owner="ТЖД"),
        op("Registered", "r3", 0, units=("w-1",), type="wheelset_freight", site="north"),
        op("Installed", "i1", 1, units=("w-1",), carrier="v-1", position="bogie.1/wheelset.1"),
        op("LocationReported", "l1", 2, units=("v-1", "v-2"), place="Бекабад"),
        op("StateChanged", "s1", 5, units=("v-2",), state="awaiting_parts"),
    ])  # fmt: skip
    now[0] = day(40)
    _record(app, [
        op("StateChanged", "s2", 4, units=("v-1",), state="reserve"),
        Corrected(id="c1", happened_at=day(40), target="s1", action="void", reason="не тот вагон"),
        op("Removed", "x1", 10, units=("w-1",), carrier="v-1"),
    ])  # fmt: skip
    now[0] = day(50)
    yield app
    app.stop()


def _record(app, operations):
    results = app.record(operations, "t", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    app.catch_up()


def result(app, state, known, processes=1):
    sealed = fleet_job.run(app, Asked(day(state), day(known)), "t", processes=processes)
    with app.evidence.open(sealed.sha256) as file:
        head, rows = fleet_job.rows_of(iter(file))
        return sealed, head, {row.unit: row for row in rows}


def test_the_state_at_one_date_as_known_at_another(app):
    _, _, then = result(app, 7, 35)
    assert (then["v-1"].state, then["v-2"].state) == ("in_use", "awaiting_parts")
    _, _, now = result(app, 7, 45)
    assert (now["v-1"].state, now["v-2"].state) == ("reserve", "in_use")
    assert (now["v-1"].number, now["v-1"].home_site, now["v-2"].owner) == (
        "66345679", "north", "ТЖД",
    )  # fmt: skip


def test_a_part_is_where_its_vehicle_is_while_it_is_on_it(app):
    _, _, then = result(app, 7, 45)
    assert (then["w-1"].carrier, then["w-1"].place) == ("v-1", "Бекабад")
    _, _, later = result(app, 12, 45)
    assert (later["w-1"].carrier, later["w-1"].place) == ("", "")


def test_before_anything_was_recorded_nothing_is_known(app):
    sealed, _, rows = result(app, 7, 3)
    assert (sealed.rows, rows) == (0, {})


def test_the_same_dates_over_the_same_entries_give_the_same_bytes_with_any_number_of_processes(
    app,
):
    first, head, rows = result(app, 7, 35)
    # Sealing a result is itself an entry: the next job stands on one more, and says so.
    second, other, again = result(app, 7, 35, processes=2)
    assert rows == again
    grown = {log: size for log, size in other.logs.items() if size != head.logs[log]}
    assert list(grown.values()) == [head.logs[log] + 1 for log in grown]
    assert first.rows == second.rows == 3


def test_the_result_is_recorded_with_the_entries_it_stands_on(app):
    sealed, head, _ = result(app, 7, 35)
    recorded = app.entry(sealed.operation).operation
    assert isinstance(recorded, ResultSealed)
    assert (recorded.result, recorded.rows) == (sealed.sha256, 3)
    assert {p.log: p.size for p in recorded.positions} == head.logs
    assert recorded.evidence[0].sha256 == sealed.sha256


def test_it_agrees_with_one_unit_asked_at_the_two_dates(app):
    _, _, rows = result(app, 7, 35)
    for unit, row in rows.items():
        passport = app.knowledge(day(7), day(35)).passport(unit)
        assert (row.state, row.owner) == (passport.status, passport.owner)
        if row.unit_class != "part":
            assert row.place == passport.place
