"""A small installation to operate on: two logs, a clock that stands, operations made to count."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from railtrace.app import App, Result
from railtrace.config import Config, Site
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Evidence, Inspected, Operation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go(self, step: timedelta = timedelta(hours=1)) -> None:
        self.now += step


def config_in(folder: Path, database: str = "") -> Config:
    """Return the settings of the installation, its keys apart from its data."""
    return Config(
        name="tests", data=str(folder / "data"), keys=str(folder / "keys"), database=database,
        sites={"dushanbe": Site(ru="Душанбе"), "khujand": Site(ru="Худжанд")},
    )  # fmt: skip


def inspected(number: int, site: str = "dushanbe", files: tuple[Evidence, ...] = ()) -> Operation:
    """Return the inspection of a coach, the number in its id."""
    return Inspected(
        id=f"op-{number:05d}", happened_at=NOW - timedelta(days=30), units=(f"u-{number % 7}",),
        site=site, scope="ТО-1", evidence=files,
    )  # fmt: skip


def sent(first: int, last: int) -> list[Operation]:
    """Return the operations that a sender holds, of both depots in turn."""
    return [inspected(n, ("dushanbe", "khujand")[n % 2]) for n in range(first, last)]


def record(app: App, operations: list[Operation]) -> list[Receipt]:
    """Record what must be taken."""
    results: list[Result] = app.record(operations, "worker-1", "test")
    receipts = [result for result in results if isinstance(result, Receipt)]
    assert len(receipts) == len(results), results
    return receipts


def opened(config: Config, clock: Callable[[], datetime] | None = None) -> App:
    """Return the installation, ready to record."""
    app = App(config, clock or Clock())
    app.prepare()
    return app
