"""The command `railtrace runs`: run records dropped as files into a folder."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Folder the sheets are dropped into")
]
Site = Annotated[str, typer.Option(help="Depot whose log takes rows that name none")]
Every = Annotated[float, typer.Option(min=0, help="Look again after so many seconds; 0 looks once")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def runs(folder: Folder, site: Site = "", every: Every = 0, as_json: AsJson = False) -> None:
    """Record run records from sheets dropped into a folder (CSV, XLSX, ODS).

    A sheet has the headings of the empty sheet "Run records" of the page Import. It moves to
    taken/ or refused/, with what is to be said of its rows in a text beside it.
    """
    from railtrace.app import App
    from railtrace.config import load
    from railtrace.operating.run_files import take_folder

    app, refused = App(load()), 0
    try:
        app.prepare()
        while True:
            for one in take_folder(app, folder, site):
                refused += one.refused + (one.state == "refused")
                typer.echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else (
                    f"{one.file}: {one.state}, {one.recorded} recorded, {one.known} known, "
                    f"{one.refused} refused" + "".join(f"\n  {text}" for text in one.said)
                ))  # fmt: skip
            app.sign_heads()
            if not every:
                break
            time.sleep(every)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
    finally:
        app.stop()
    if refused:
        raise typer.Exit(1)
