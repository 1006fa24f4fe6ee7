"""Watched folders: a machine writes files, the gateway takes them when they are whole.

A file that was receipted moves to `done/`; one that waits for a person stays in the outbox with
its bytes and moves to `held/`. A file named by another waits for it.
"""

import os
import threading
import time
from pathlib import Path

from railtrace.devices.decode import attachments
from railtrace.devices.emulate import Made
from railtrace.devices.gateway.port import Port
from railtrace.devices.manifest import Manifest
from railtrace.devices.message import File
from railtrace.devices.samples import files_beside
from railtrace.errors import BadFrame, RailtraceError

SETTLED_S = 1.0
"""A file unchanged for so long is whole, when its writer does not rename it into place."""
PATIENCE_S = 30.0
SUFFIXES = {"csv": (".csv",), "xlsx": (".xlsx",), "xml": (".xml",), "json": (".json",),
            "line": (".txt",), "registers": (".bin",), "bytes": (".bin",)}  # fmt: skip


class FolderLink:
    """One folder of one machine."""

    def __init__(self, port: Port) -> None:
        self._port, self._folder = port, Path(port.device.address)
        self._suffixes = SUFFIXES[port.manifest.frame.layout]
        self._taken: dict[str, int] = {}

    def run(self) -> None:
        """Watch until the port ends. Raises RailtraceError when the folder is not there."""
        if not self._folder.is_dir():
            raise RailtraceError("the folder {folder} is not there", folder=self._folder)
        stop = threading.Event()
        from watchfiles import watch

        self._look()
        for _ in watch(self._folder, stop_event=stop, rust_timeout=200, yield_on_timeout=True,
                       recursive=False, debounce=50, step=10):  # fmt: skip
            self._look()
            self._acknowledge()
            if self._port.ended:
                stop.set()
            if not self._folder.is_dir():
                raise RailtraceError("the folder {folder} is not there", folder=self._folder)

    def _look(self) -> None:
        self._port.alive()
        for path in sorted(self._folder.iterdir()):
            if path.suffix.lower() in self._suffixes and path.is_file():
                self._take(path)

    def _take(self, path: Path) -> None:
        stat = path.stat()
        age_s = time.time() - stat.st_mtime
        if self._taken.get(path.name) == stat.st_mtime_ns:
            return
        content = path.read_bytes()
        files = files_beside(self._port.intake.driver, path, content)
        if age_s < PATIENCE_S and not self._is_whole(content, files, age_s):
            return
        if self._port.deliver(self._port.message(content, path.name, files)):
            self._taken[path.name] = stat.st_mtime_ns

    def _is_whole(self, content: bytes, files: tuple[File, ...], age_s: float) -> bool:
        """A file that can be read and whose companions are there; else it may yet be written."""
        driver = self._port.intake.driver
        try:
            if len(files) < len(attachments(driver.manifest, content)):
                return False
            driver.decode(self._port.message(content, files=files))
        except BadFrame:
            return age_s > SETTLED_S
        return True

    def _acknowledge(self) -> None:
        while ack := self._port.next_ack():
            self._move(self._folder / ack.channel, "done")
            self._port.told(ack)

    def _move(self, path: Path, where: str) -> None:
        if not path.exists():
            return
        target = self._folder / where
        target.mkdir(exist_ok=True)
        beside = files_beside(self._port.intake.driver, path, path.read_bytes())
        for one in (*(path.with_name(file.name) for file in beside), path):
            os.replace(one, target / one.name)


class FolderMachine:
    """An emulated machine that writes files."""

    def __init__(self, address: str, manifest: Manifest) -> None:
        self.address, self._folder = address, Path(address)
        self._suffix = SUFFIXES[manifest.frame.layout][0]

    def start(self) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def show_state(self, content: bytes) -> None:
        """A folder shows no state."""

    def _path(self, result_id: str) -> Path:
        return self._folder / f"{result_id}{self._suffix}"

    def send(self, made: Made) -> None:
        """Write the companions, then the file, under its name only when it is whole."""
        if self._path(made.result_id).exists() or self.acknowledged(made.result_id):
            return
        for file in made.files:
            (self._folder / file.name).write_bytes(file.content)
        draft = self._folder / f"{made.result_id}.part"
        draft.write_bytes(made.content)
        os.replace(draft, self._path(made.result_id))

    def acknowledged(self, result_id: str) -> bool:
        """Whether the file was moved to `done/`."""
        return (self._folder / "done" / self._path(result_id).name).exists()

    def stop(self) -> None:
        """Nothing is open."""
