"""The command `railtrace replay`: changed norms run over the fleet before they are adopted."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Catalogue rows that would be adopted")
]
Years = Annotated[float, typer.Option(min=0.1, max=20, help="Years ahead that are looked at")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def replay(folder: Folder, years: Years = 3.0, as_json: AsJson = False) -> None:
    """Tell who would fall out, who would be relieved, and what it costs in depot days.

    The rows of the folder stand over the shipped ones and the site's own; nothing is recorded.
    """
    from railtrace.app import App
    from railtrace.catalogue.load import load as load_catalogue
    from railtrace.config import load
    from railtrace.store.replay import replay as run
    from railtrace.trace.leaf import microseconds

    app = App(load())
    try:
        app.prepare()
        site = app.config.data_folder / "catalogue"
        new = load_catalogue(*([site] if site.exists() else []), folder)
        now_us = microseconds(app.clock())
        found = run(app.views, app.lookup, app.catalogue(), new, now_us, round(years * 365.25))
        named = app.lookup.units([one.unit for one in found.fallen + found.relieved])
        numbers = {row.unit: row.number or row.unit for row in named}
    finally:
        app.stop()
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
        return
    for title, some in (("falls out", found.fallen), ("is relieved", found.relieved)):
        for one in some:
            stop = ", stops the unit" if one.stops else ""
            typer.echo(f"{numbers.get(one.unit, one.unit)} {title}: {one.what} "
                       f"{one.before or 'not asked'} -> {one.after} ({one.row}){stop}")  # fmt: skip
    typer.echo(f"{found.units} units, {years:g} years: {len(found.fallen)} fall out, "
               f"{len(found.relieved)} are relieved")  # fmt: skip
    for kind in sorted({*found.before.visits, *found.after.visits}):
        old, now = found.before.visits[kind], found.after.visits[kind]
        typer.echo(f"  {kind}: {old} -> {now} visits ({now - old:+d})")
    days = found.before.depot_days, found.after.depot_days
    typer.echo(f"  depot days: {days[0]:.0f} -> {days[1]:.0f} ({days[1] - days[0]:+.0f})")
    if unknown := sum(found.after.without_downtime.values()):
        typer.echo(f"  {unknown} visits are of kinds whose downtime the catalogue does not know")
