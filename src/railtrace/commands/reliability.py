"""The commands `railtrace promise`, `segments` and `sufficient`: what reliability keeps and leaves.

Promises of every vehicle and Parquet segments are frozen in the log; the sufficient table is made
of segments by DuckDB, or by Spark.
"""

from pathlib import Path
from typing import Annotated

import typer

Class = Annotated[str, typer.Option("--class", help="Only vehicles of this class")]

CLASSES = ("locomotive", "coach", "freight_wagon", "special")


def promise(vehicle_class: Class = "") -> None:
    """Seal what is promised of every vehicle's next kilometres, to be scored by what comes.

    One result for each class and owner; a nightly timer is the usual caller.
    """
    from collections import Counter

    from railtrace.app import SYSTEM, App
    from railtrace.config import load
    from railtrace.errors import NotFound
    from railtrace.operating.promises import seal

    if vehicle_class not in ("", *CLASSES):
        raise typer.BadParameter(f"{vehicle_class} is no class: {', '.join(CLASSES)}")
    app = App(load())
    try:
        app.prepare()
        fleets = Counter((v.vehicle_class, v.owner) for v in app.lookup.maintained())
        for one, owner in sorted(fleets):
            if vehicle_class not in ("", one):
                continue
            try:
                operation, vehicles = seal(app, one, owner, SYSTEM)
                said = f"{vehicles} vehicles, {operation}"
            except NotFound as error:
                said = str(error)
            typer.echo(f"{one} of {owner or 'nobody recorded'}: {said}")
        app.catch_up()
        app.sign_heads()
    finally:
        app.stop()


def segments(
    views: Annotated[bool, typer.Option(help="Seal the tables of the views too")] = True,
    out: Annotated[Path | None, typer.Option(help="Also write every segment here")] = None,
) -> None:
    """Seal trace, lives and views as Parquet files whose SHA-256 stands in the log.

    The trace is sealed from where the last segment ended. docs/segments.md has the columns.
    """
    from railtrace.app import SYSTEM, App
    from railtrace.config import load
    from railtrace.operating.segments import copy_out, seal

    app = App(load())
    try:
        app.prepare()
        for one in seal(app, SYSTEM, views):
            state = "sealed" if one.new else "as before"
            typer.echo(f"{one.name}: {one.rows} rows, {state}, sha256 {one.sha256}")
        app.catch_up()
        app.sign_heads()
        if out is not None:
            typer.echo(f"{len(copy_out(app, out))} files in {out}")
    finally:
        app.stop()


def sufficient(
    files: Annotated[list[Path], typer.Argument(help="Segments of lives, of any enterprises")],
    spark: Annotated[str, typer.Option(help="Address of a Spark cluster, or local[2]")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print lines of JSON")] = False,
) -> None:
    """Reduce lives to the sufficient table: type, series, cell and age bin to counts and sums."""
    from msgspec.json import encode

    from railtrace.analysis.sufficient import KEYS, SUMS
    from railtrace.store.segments import sufficient_by_duckdb, sufficient_by_spark

    table = sufficient_by_spark(files, spark) if spark else sufficient_by_duckdb(files)
    for row in table if json else [(*KEYS, *SUMS), *table]:
        named = encode(dict(zip((*KEYS, *SUMS), row, strict=True))).decode() if json else ""
        typer.echo(named or "\t".join(str(value) for value in row))


COMMANDS = (promise, segments, sufficient)
