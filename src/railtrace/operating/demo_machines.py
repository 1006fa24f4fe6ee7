"""The machines of the demo: a process of its own beside the served app, ended with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from railtrace.app import App
from railtrace.config import Config
from railtrace.devices.demo import Setting, write_setting

FOLDER = "machines"
LIBRARIES = ("asyncua", "paho", "pymodbus", "serial", "snap7", "watchfiles")
_WHEELSETS = (
    "SELECT min(number) FROM units WHERE type LIKE 'wheelset_%' AND vehicle_class = 'part' AND"
    " number <> '' AND scrapped_us IS NULL AND holds = 0 GROUP BY number HAVING count(*) = 1"
    " ORDER BY number LIMIT 200"
)
_VEHICLES = (
    "SELECT min(number) FROM units WHERE vehicle_class IN ('coach', 'freight_wagon') AND"
    " number <> '' AND scrapped_us IS NULL AND holds = 0 GROUP BY number HAVING count(*) = 1"
    " ORDER BY number LIMIT 200"
)


def missing_libraries() -> list[str]:
    """Return the libraries of machine protocols that are not installed."""
    return [name for name in LIBRARIES if find_spec(name) is None]


def setting_of(config: Config, server: str, token: str, page: str) -> Setting:
    """Return what the demo's machines work on: parts and vehicles that bear one number each."""
    app = App(config)
    try:
        lists = [[str(n) for (n,) in app.views.database.query(q)] for q in (_WHEELSETS, _VEHICLES)]
    finally:
        app.stop()
    site = next(iter(config.depots), "")
    return Setting(
        server=server, token=token, site=site, wheelsets=lists[0], vehicles=lists[1], page=page,
        language=config.language,
    )  # fmt: skip


@contextmanager
def running(folder: Path, setting: Setting) -> Iterator[None]:
    """Run the machines in a process of its own; it also ends when this one is killed."""
    place = folder / FOLDER
    write_setting(place, setting)
    with (place / "machines.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "railtrace.devices.demo", str(place)], stdout=log, stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
