"""The command `railtrace recorder`: files of on-board recorders into the trace."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[
    list[Path], typer.Argument(exists=True, help="Files .csv or .parquet, or folders of them")
]
Kind = Annotated[str, typer.Option("--type", help="Recorder type of the catalogue")]
Unit = Annotated[
    str, typer.Option("--unit", help="Id or number; else the file's name up to the first _")
]
Site = Annotated[str, typer.Option(help="Depot whose log takes it")]
Jobs = Annotated[int, typer.Option(min=1, help="Files judged at one time")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def recorder(
    files: Files,
    kind: Kind = "reference",
    unit: Unit = "",
    site: Site = "",
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Keep recorder files as evidence and record the violations of modes found in them.

    Given again after an interruption, the command goes on where it ended: files that are in the
    trace are known by their hash. What is wrong with a file is recorded with it, by name.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from railtrace.app import App
    from railtrace.config import load
    from railtrace.operating.recorders import Intake, Told, files_in

    app, told = App(load()), list[Told]()
    try:
        app.prepare()
        paths = files_in(files)
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                   TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
        quiet = as_json or not console.is_terminal
        with Progress(*columns, console=console, disable=quiet) as bars:
            task = bars.add_task("recorder files", total=len(paths))
            for one in Intake(app, kind, unit, site).take(paths, jobs):
                told.append(one)
                bars.advance(task)
                if not as_json:
                    # Said at once: whoever stops the command sees what is in the trace already.
                    typer.echo(_line(one))
                    sys.stdout.flush()
        app.catch_up()
        app.sign_heads()
    finally:
        app.stop()
    refused = sum(one.state == "refused" for one in told)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in told], ensure_ascii=False, indent=1))
    else:
        found = sum(one.violations for one in told)
        typer.echo(f"{len(told)} files, {found} violations, {refused} refused")
    if refused:
        raise typer.Exit(1)


def _line(one: object) -> str:
    from railtrace.operating.recorders import Told

    assert isinstance(one, Told)
    if one.state != "recorded":
        return f"{one.file}: {one.state} {one.reason}".rstrip()
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(one.by_rule.items()))
    wrong = f"; wrong with the file: {', '.join(one.findings)}" if one.findings else ""
    return f"{one.file}: {one.violations} violations{f' ({rules})' if rules else ''}{wrong}"
