"""A railway whose trains are those of the simulation, in coaches that are numbered as painted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.simulation.departures import FAULTS, ROWS, Departure
from railtrace.trace.ledger import Receipt
from railtrace.trace.numbers import network_check_digit
from railtrace.trace.operation import Number, Operation, Registered, decode
from tests.web.import_sheets import running_app


def number(seed: int, place: int) -> str:
    """Return the number of a coach of a train."""
    digits = f"073{place + 50 * seed:04}"
    return f"{digits}{network_check_digit(digits)}"


@contextmanager
def yard(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[App]:
    """Let the pages speak to an empty railway with the rows of the simulated departures."""
    (folder / "catalogue").mkdir()
    shutil.copy(ROWS, folder / "catalogue" / "rows.toml")
    sites = {"depot": Site(ru="Душанбе", en="Dushanbe")}
    with running_app(Config(name="test.railway", data=str(folder), sites=sites), patch) as app:
        yield app


def departure(seed: int, coaches: int, *faults: str, minutes: int = 15) -> Departure:
    """Return a departure of the near future with faults sown into it."""
    found = Departure(seed, coaches, datetime.now(UTC) + timedelta(minutes=minutes))
    for fault in faults:
        FAULTS[fault][0](found)
    return found


def written(found: Departure, consist: str, seed: int) -> list[Operation]:
    """Return the operations of a departure with ids of their own and painted numbers."""
    prefix, operations = f"{consist}-", []
    for operation in found.operations:
        text = msgspec.json.encode(operation).decode()
        for own in ('"v-', '"w-v-', '"o-', '"d-1"', '"d-2"', '"g-1"'):
            text = text.replace(own, f'"{prefix}{own[1:]}')
        one = decode(text.replace('"C-sim"', f'"{consist}"'))
        if isinstance(one, Registered) and one.type.startswith("coach"):
            place = int(one.units[0].rpartition("-")[2])
            one = replace(one, numbers=(
                Number(scheme="network8", value=number(seed, place)),))  # fmt: skip
        operations.append(one)
    return operations


def send(app: App, operations: list[Operation]) -> None:
    """Record operations and wait until the pages show them."""
    results = app.record(operations, "p-sim", "test")
    refused = [result for result in results if not isinstance(result, Receipt)]
    assert refused == []
    assert app.wait_caught_up(20)
