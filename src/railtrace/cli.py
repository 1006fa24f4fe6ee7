"""The `railtrace` command. What is heavy is imported by the command that needs it."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from railtrace.errors import RailtraceError

if TYPE_CHECKING:
    from railtrace.config import Config

cli = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Railtrace: the technological trace of rolling stock, written once and provable.",
)  # fmt: skip

DEMO_FOLDER = Path("data/demo")


@cli.callback()
def settings(
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else RAILTRACE_CONFIG, else railtrace.toml")
    ] = None,
) -> None:
    """Railtrace: the technological trace of rolling stock, written once and provable."""
    if config is not None:
        os.environ["RAILTRACE_CONFIG"] = str(config)


def _config() -> "Config":
    from railtrace.config import load

    return load()


def _web() -> Any:
    """The web app is started by name: the command line stands beside it, not above."""
    from importlib import import_module

    console = import_module("railtrace.web.console")
    console.open_web()
    return console


@cli.command()
def serve() -> None:
    """Serve the web app."""
    from railtrace.operating import serve as serving

    serving.serve(_config())


@cli.command()
def demo(
    check: Annotated[bool, typer.Option(help="Load, probe the main pages, exit 0 or 1")] = False,
    small: Annotated[bool, typer.Option(help="A railway of a twentieth the size")] = False,
) -> None:
    """Load the demo railway, once, and serve it."""
    from rich.console import Console

    from railtrace.operating import demo as demos
    from railtrace.operating import serve as serving

    folder = Path(os.environ.pop("RAILTRACE_DATA", "") or DEMO_FOLDER).resolve()
    config = demos.demo_config(_config(), folder)
    serving.require_free(config.host, config.port)
    console = Console()
    if demos.is_loaded(folder):
        console.print(f"The demo in {folder} is loaded already.")
    else:
        with console.status("Loading the demo ...") as status:
            count = demos.load(
                config, small, lambda what, done: status.update(f"{what}: {done:,} operations")
            )
        console.print(f"Loaded {count:,} operations into {folder}.")
    os.environ["RAILTRACE_CONFIG"] = str(folder / "railtrace.toml")
    os.environ["PORT"] = str(config.port)
    for role, name, password in _web().demo_logins():
        console.print(f"  {role:15} user {name:15} password {password}", highlight=False)
    serving.serve(_config())


def main() -> None:
    """Run the command line: an error of Railtrace is one plain line."""
    try:
        cli()
    except RailtraceError as error:
        print(f"railtrace: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
