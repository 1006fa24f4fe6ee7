"""Views: rebuild, catch-up, lists and two dates over a recorded railway."""

import random
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

from bench.ledger_of import END, recorded
from bench.table import Row, rate, seconds, within
from railtrace.app import App
from railtrace.operating import fleet_job
from railtrace.projections.all import VIEWS
from railtrace.store.sqlite import Sqlite
from railtrace.store.views import ViewStore

LIFE = ("index", "adoption", "passport", "genealogy", "usage", "condition", "recall")
"""What a unit is, what it carries, what it ran, how it is: they have a bar of their own."""


def rows(operations: int = 1_000_000) -> list[Row]:
    """Measure over that many operations."""
    app = recorded(operations)
    size = sum(head.size for head in app.trace.heads())
    sample = _units(app)
    return [*_rebuilds(app, size), _catch_up(app), *_reads(app, sample), _fleet_job(app, size)]


def _fleet_job(app: App, size: int) -> Row:
    """State, holder and place of every unit at two dates, as a sealed result."""
    asked = fleet_job.Asked(END - timedelta(days=200), app.clock())
    taken = seconds(lambda: fleet_job.run(app, asked, "bench"))
    return within(f"every unit at two dates, {size:,} operations", taken * 1000, 60_000)


def _rebuilds(app: App, size: int) -> list[Row]:
    life = seconds(lambda: app.views.rebuild(LIFE))
    found = [
        rate(f"rebuild of the views of a unit's life, {size:,} operations", size / life, 10_000),
        rate(f"rebuild of all {len(VIEWS) + 1} views", size / seconds(app.views.rebuild), 10_000),
    ]
    for view in VIEWS:
        taken = seconds(lambda name=view.name: app.views.rebuild([name]))
        found.append(rate(f"rebuild of {view.name}", size / taken, 50_000))
    return found


def _catch_up(app: App, most: int = 100_000) -> Row:
    folder = Path("build") / "bench" / "catch-up"
    rmtree(folder, ignore_errors=True)
    views = ViewStore(Sqlite(folder / "views.db", durable=False), app.trace, VIEWS,
                      app._read_catalogue)  # fmt: skip
    taken = seconds(lambda: views.catch_up(most=most, batch=1000))
    views.close()
    return rate("catch-up in batches of 1,000", most / taken, 4_000)


def _units(app: App) -> list[str]:
    rows = app.views.database.query(
        "SELECT unit FROM units WHERE vehicle_class IN ('locomotive', 'coach', 'freight_wagon')"
    )
    return random.Random(1).sample([unit for (unit,) in rows], 60)


def _median_ms(runs: list[Callable[[], object]]) -> float:
    for run in runs[:5]:
        run()
    return statistics.median(seconds(run) for run in runs) * 1000


def _reads(app: App, sample: list[str]) -> list[Row]:
    lookup = app.lookup
    then = END - timedelta(days=200)
    return [
        within("structure, condition and gates of a unit", _median_ms(
            [lambda u=u: app.knowledge().gates(u) for u in sample]), 150),
        within("a unit with its parts at two dates", _median_ms(
            [lambda u=u: app.knowledge(then, then + timedelta(days=30)).tree(u)
             for u in sample]), 500),
        within("search by part of a number", _median_ms(
            [lambda n=n: lookup.search(f"{n:03}") for n in range(100, 160)]), 50),
        within("first page of the fleet", _median_ms(
            [lambda: lookup.fleet({"scope": "vehicles"})] * 20), 150),
        within("page 1,000 of all parts, three to a page", _page(app, 1000), 150),
    ]  # fmt: skip


def _page(app: App, number: int) -> float:
    after = None
    for _ in range(number - 1):
        page = app.lookup.fleet({"scope": "parts"}, after=after, limit=3)
        after = page.after or after
    return _median_ms([lambda: app.lookup.fleet({"scope": "parts"}, after=after, limit=3)] * 20)


if __name__ == "__main__":
    print(datetime.now(UTC))
    for row in rows():
        print(row)
