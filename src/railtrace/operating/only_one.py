"""Who may work in a data folder at one time: servers together, a change of its layout alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from railtrace.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows; docs/how-to/operate.md says what follows
    fcntl = None  # type: ignore[assignment]

FILE = "in-use.lock"


@contextmanager
def sharing(folder: Path) -> Iterator[None]:
    """Hold the folder as a server does, beside other servers."""
    with _holding(folder, alone=False):
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder without any server. Raises ConfigError while one runs."""
    with _holding(folder, alone=True):
        yield


@contextmanager
def _holding(folder: Path, alone: bool) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigError(
                    "{folder} is in use by a running `railtrace {who}`: stop it first",
                    folder=folder, who="serve" if alone else "upgrade, restore or key",
                ) from error  # fmt: skip
        yield
    finally:
        os.close(handle)
