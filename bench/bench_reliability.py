"""Reliability: one answer, a fleet, a network, and 20 million lives reduced to bins."""

import resource

import duckdb
import narwhals as nw
import numpy as np

from bench.table import Row, at_most, seconds, within
from railtrace.analysis.network import bins_of, hazard_table, network_chances
from railtrace.analysis.run_reliability import Places, run_reliability, without
from railtrace.analysis.sufficient import sufficient
from railtrace.simulation import forecast_study, lives

WAGONS, PLACES_A_WAGON = 1_300_000, 40
LIVES = 20_000_000


def rows() -> list[Row]:
    """Measure answers on a simulated fleet of 60, a network, and the reduction."""
    fleet, seen = lives.draw_fleet(1, 60), lives.Seen()
    lives.run(fleet, lives.OBSERVED_RUNS, seen)
    hazard, ages, _ = forecast_study.fitted(fleet, seen)
    everything = forecast_study.places_of(fleet, np.where(fleet.known, fleet.seen_age, np.nan))
    one = Places(*(getattr(everything, name)[everything.unit == 0]
                   for name in ("unit", "component", "age_km", "stops")))  # fmt: skip

    def answer() -> None:
        told = run_reliability(hazard, one, 500, np.zeros(1), np.zeros(1, int), ages)
        for place in range(len(one.unit)):
            without(told, one, place)

    def all_sixty() -> None:
        run_reliability(hazard, everything, 500, np.zeros(60), np.arange(60), ages)

    return [
        within("one release answer with shares and replacements", _best(answer) * 1000, 50),
        within("the whole fleet of 60 locomotives", _best(all_sixty) * 1000, 25),
        *_network(hazard, ages),
        _reduction(),
    ]


def _best(run: object, times: int = 7) -> float:
    assert callable(run)
    return min(seconds(run) for _ in range(times))


def _network(hazard: object, ages: object) -> list[Row]:
    rng = np.random.default_rng(2)
    table = hazard_table(hazard, ages, np.full(lives.TYPES, 0.5), 500.0)  # type: ignore[arg-type]
    components = rng.integers(lives.TYPES, size=PLACES_A_WAGON)
    bins = np.empty((PLACES_A_WAGON, WAGONS), np.uint8)
    for row in bins:
        row[:] = bins_of(table, rng.uniform(0, 500_000, WAGONS))
    factor = rng.gamma(8, 1 / 8, WAGONS)
    took = _best(lambda: network_chances(table, components, bins, factor), 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = f"{WAGONS:,} wagons of {PLACES_A_WAGON} places with the table"
    memory = at_most("its memory, of the whole process", f"{peak:.0f} MB", "–", peak, 2048)
    return [within(name, took * 1000, 3000), memory]


def _reduction() -> Row:
    with duckdb.connect() as base:
        base.execute(
            "CREATE TABLE lives AS SELECT (i % 40)::VARCHAR AS component, (i % 25)::VARCHAR AS"
            " series, '' AS cell, (random() * 3e5)::DOUBLE AS entry_km, random() < 0.02 AS failed,"
            f" 0.0::DOUBLE AS leave_km FROM range({LIVES}) t(i)"
        )
        base.execute("UPDATE lives SET leave_km = entry_km + 1 + 5e4 * random()")
        table = sufficient(nw.from_native(base.table("lives")))
        took = seconds(lambda: table.to_native().fetchall())
    return within(f"{LIVES:,} lives reduced to bins (DuckDB)", took * 1000, 30_000)
