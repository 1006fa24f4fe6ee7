"""The command `railtrace promise`: what is told of every vehicle, frozen in the log."""

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
