"""Drivers: a folder with its manifest, its decoder and its emulated cycle, if it has own ones."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from railtrace.devices import decode as by_manifest
from railtrace.devices import manifest as manifests
from railtrace.devices.manifest import Manifest
from railtrace.devices.message import Message, Result
from railtrace.errors import BadFrame, ConfigError

Decode = Callable[[Manifest, Message], tuple[Result, ...]]


@dataclass(frozen=True)
class Driver:
    """One kind of machine, ready to read messages."""

    folder: Path
    manifest: Manifest
    _decode: Decode
    emulate: ModuleType | None = None

    def decode(self, message: Message) -> tuple[Result, ...]:
        """Return the results in a message. Raises BadFrame, and nothing else, for a bad one."""
        try:
            return self._decode(self.manifest, message)
        except BadFrame:
            raise
        except Exception as error:
            raise BadFrame(
                "the driver {kind} failed: {error}: {problem}",
                kind=self.manifest.kind, error=type(error).__name__, problem=error,
            ) from error  # fmt: skip


@cache
def driver(kind: str) -> Driver:
    """Return a shipped kind's driver. Raises ConfigError."""
    manifests.manifest(kind)
    return read(manifests.FOLDER / kind)


def read(folder: Path) -> Driver:
    """Read a driver's folder; one `like` another uses that one's code. Raises ConfigError."""
    manifest = manifests.read(folder)
    decoder, emulated = _nearest(folder, "decode"), _nearest(folder, "emulate")
    decode: Decode = decoder.decode if decoder else by_manifest.decode
    return Driver(folder, manifest, decode, emulated)


def _nearest(folder: Path, name: str) -> ModuleType | None:
    """Import a file of a kind's own folder, else of the kind it is like."""
    found = (_module(one, name) for one in manifests.lineage(folder))
    return next(filter(None, found), None)


def _module(folder: Path, name: str) -> ModuleType | None:
    """Import a file of a driver's folder, wherever it stands."""
    path = folder / f"{name}.py"
    if not path.exists():
        return None
    mark = sha256(str(path.resolve()).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(f"railtrace_driver_{mark}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(
            "{file} cannot be loaded: {error}: {problem}",
            file=path, error=type(error).__name__, problem=error,
        ) from error  # fmt: skip
    found: ModuleType = module
    return found
