"""A recorded railway for the measurements: the simulated one, made once and kept in build/."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.config import Config, Site
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.trace.ledger import Submission, record
from railtrace.trace.operation import Operation

SEED, END = 2026, datetime(2026, 11, 1, tzinfo=UTC)


def railway(detail: str) -> Iterator[tuple[str, Operation, datetime]]:
    """Yield (log, operation, recorded at) of the simulated railway."""
    return iter(generate(load_laws(), load(), seed=SEED, end=END, detail=detail))


def config(folder: Path, logs: tuple[str, ...]) -> Config:
    """Return settings for a folder with a log per depot."""
    return Config(name="bench.local", data=str(folder), default_log="main",
                  sites={log: Site(ru=log) for log in logs})  # fmt: skip


def recorded(operations: int, detail: str = "full") -> App:
    """Return an App over that many recorded operations, views caught up; made when missing."""
    folder = Path("build") / "bench" / f"railway-{operations}"
    logs = tuple(sorted({sent[0] for sent in islice(railway(detail), 20_000)}))
    app = App(config(folder, logs))
    made = folder / "made"
    if not made.exists():
        _fill(app, operations, detail)
        made.touch()
    return app


def _fill(app: App, operations: int, detail: str) -> None:
    app.prepare()
    waiting: dict[str, list[Submission]] = {}
    for done, (log, operation, at) in enumerate(islice(railway(detail), operations)):
        batch = waiting.setdefault(log, [])
        batch.append(Submission(operation, "simulation", "bench"))
        if len(batch) == 2000:
            app.trace.open_log(log, app.config.origin_of(log))
            record(app.trace, log, waiting.pop(log), at)
            print(f"\r  recording {done:,}", end="", file=sys.stderr)
    for log, batch in waiting.items():
        app.trace.open_log(log, app.config.origin_of(log))
        record(app.trace, log, batch, END)
    print("\r  taking into the views …", file=sys.stderr)
    app.views.rebuild(progress=lambda view, n: print(f"\r  {view} {n:,}   ", end="",
                                                     file=sys.stderr))  # fmt: skip
    print(file=sys.stderr)
