"""Views in PostgreSQL hold the same bytes as in SQLite."""

import uuid
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from railtrace.store.holdings import Holdings
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.store.postgres import Postgres
from railtrace.store.units_then import Dates, UnitsThen
from railtrace.trace.leaf import microseconds
from railtrace.trace.ledger import Submission, record
from railtrace.trace.operation import Number, Reading
from tests.projections.test_coupling import SWAP
from tests.store.test_views import CATALOGUE, START, everything, new_store, op


@pytest.fixture
def postgres(postgres_dsn):
    """Give a database of this test's own."""
    name = f"views_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    database = Postgres(make_conninfo(postgres_dsn, dbname=name))
    yield database
    database.close()


def lives():
    """Return two batches of operations with late entries, a correction and contradictions."""
    reading = Reading(quantity="flange_thickness", place="left", value="24.9", unit="mm",
                      uncertainty="0.2")  # fmt: skip
    wagon = Number(scheme="network8", value="66345679")
    first = [
        op("Registered", "r1", 0, units=("v-1",), type="gondola", numbers=(wagon,)),
        op("Registered", "r2", 0, units=("w-1",), type="wheelset_freight"),
        op("Installed", "i1", 1, units=("w-1",), carrier="v-1", position="bogie.1/wheelset.1"),
        *[op("Ran", f"a{d}", d, units=("v-1",), distance_km=str(d)) for d in range(2, 40)],
        op("Measured", "m1", 20, units=("w-1",), readings=(reading,)),
    ]
    second = [
        op("Ran", "late", 1.5, units=("v-1",), distance_km="7"),
        op("Installed", "i2", 30, units=("w-1",), carrier="v-2", position="bogie.1/wheelset.1"),
        op("Corrected", "c1", 41, target="a5", action="void", reason="twice"),
        op("WrittenOff", "o1", 50, units=("v-1",)),
        op("Inspected", "n1", 51, units=("v-1",)),
    ]
    return first, second


def filled(views):
    for number, batch in enumerate(lives()):
        now = START + timedelta(days=400 + number)
        results = record(views.trace, "north", [Submission(o, "t", "test") for o in batch], now)
        assert all(hasattr(r, "position") for r in results), results
        views.catch_up(batch=7)
    return views


def test_both_databases_hold_the_same_rows_and_a_rebuild_changes_none(postgres, tmp_path):
    here, there = filled(new_store(tmp_path)), filled(new_store(tmp_path, postgres))
    rows = everything(here)
    assert everything(there) == rows
    there.rebuild()
    assert everything(there) == rows


def test_pages_read_the_same_from_both_databases(postgres, tmp_path):
    here, there = filled(new_store(tmp_path)), filled(new_store(tmp_path, postgres))
    answers = []
    for views in (here, there):
        lookup = Lookup(views.database)
        knowledge = Knowledge(views, lookup, CATALOGUE)
        answers.append(
            [
                lookup.search("6634"),
                lookup.fleet({"scope": "vehicles"}),
                lookup.counts({}),
                lookup.contradictions(),
                lookup.timeline(["v-1"], limit=9),
                lookup.readings("w-1"),
                knowledge.tree("v-1"),
                knowledge.gates("v-1"),
                knowledge.mileage().at("w-1", 2**60),
            ]
        )
    assert answers[0] == answers[1]
    assert [c["name"] for c in answers[0][3]] == ["after_scrapping", "installed_twice"]


def test_both_databases_answer_alike_about_holdings_and_coupled_runs(postgres, tmp_path):
    answers = []
    for database in (None, postgres):
        views = new_store(tmp_path, database)
        results = record(views.trace, "south", [Submission(o, "t", "test") for o in SWAP],
                         START + timedelta(days=500))  # fmt: skip
        assert all(hasattr(r, "position") for r in results), results
        views.catch_up()
        held, lookup = Holdings(views.database), Lookup(views.database)
        us = microseconds(START)
        far = us + 60 * 86_400_000_000
        dates = Dates(far, microseconds(START + timedelta(days=900)), views.positions())
        units = UnitsThen(views.database, views.trace, dates)
        answers.append([
            sorted(held.counts("home_site", {"scope": "vehicles"})),
            sorted(held.counts("vehicle_class", {}, us + 12 * 86_400_000_000)),
            held.units({}), held.movements(us, far), held.spans("b"), held.sections(),
            sorted(held.hours("type", us, far)), held.unknown_repairs(), held.introductions(),
            lookup.units(["a", "b", "c"]), lookup.all_counter_rows(["2te10m"], "km"),
            [s for r in units.ranges(3) for s in units.within(*r, CATALOGUE)],
        ])  # fmt: skip
    assert answers[0] == answers[1]
    assert answers[0][-1]
