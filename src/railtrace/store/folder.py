"""The data folder's format: a number in the file `format`, raised when its layout changes."""

from pathlib import Path

from railtrace.errors import ConfigError

FORMAT = 1
FILE = "format"
_TRACE_FILE = "trace.db"


def format_of(folder: Path) -> int | None:
    """Return the format of a data folder; None when nothing was kept there yet."""
    path = folder / FILE
    try:
        return int(path.read_text("ascii"))
    except FileNotFoundError:
        # The first program wrote no such file.
        return 1 if (folder / _TRACE_FILE).exists() else None
    except ValueError as error:
        raise ConfigError(
            "{folder} holds an unfinished restore: empty it and run `railtrace restore` again",
            folder=folder,
        ) from error


def mark_format(folder: Path) -> None:
    """Write this program's format into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(f"{FORMAT}\n", "ascii")


def mark_unfinished(folder: Path) -> None:
    """Let nobody open the folder until `mark_format`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text("unfinished\n", "ascii")


def require_format(folder: Path) -> None:
    """Raise ConfigError unless this program may open the folder; a new one is marked."""
    found = format_of(folder)
    if found is None:
        mark_format(folder)
    elif found > FORMAT:
        raise ConfigError(
            "{folder} has format {found}, this program knows {known}: it was written by a newer "
            "Railtrace; install that one, or restore the backup its upgrade made",
            folder=folder, found=found, known=FORMAT,
        )  # fmt: skip
    elif found < FORMAT:
        raise ConfigError(
            "{folder} has format {found}, this program writes {known}: run `railtrace upgrade`",
            folder=folder, found=found, known=FORMAT,
        )  # fmt: skip
