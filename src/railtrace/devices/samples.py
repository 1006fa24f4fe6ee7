"""Recorded samples of a driver and the operations they are to give."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from railtrace.devices.decode import attachments
from railtrace.devices.drivers import Driver
from railtrace.devices.message import File, Message
from railtrace.devices.operations import Where, operations_of
from railtrace.errors import BadFrame, ConfigError

FOLDER = "samples"
EXPECTED = "expected.json"
WHERE = Where(device="d-sample", site="depot", gateway="g-sample")


class Expected(msgspec.Struct):
    """What the samples are to give, and the circumstances they were recorded in."""

    received_at: datetime
    zone: str
    samples: dict[str, list[dict[str, Any]]]


def expected(folder: Path) -> Expected:
    """Read expected.json. Raises ConfigError."""
    path = folder / FOLDER / EXPECTED
    try:
        return msgspec.json.decode(path.read_bytes(), type=Expected)
    except FileNotFoundError:
        raise ConfigError("{file} is not there: it tells what the samples are to give", file=path
                          ) from None  # fmt: skip
    except msgspec.DecodeError as error:
        raise ConfigError("{file}: {problem}", file=path, problem=error) from error


def messages(driver: Driver, told: Expected) -> Iterator[tuple[str, Message]]:
    """Yield each sample as it would arrive. Raises ConfigError for one that is not there."""
    for name in told.samples:
        path = driver.folder / FOLDER / name
        if not path.exists():
            raise ConfigError("{file} is named in {expected} and is not there", file=path,
                              expected=EXPECTED)  # fmt: skip
        content = path.read_bytes()
        yield name, Message(
            content=content, received_at=told.received_at, channel=name, zone=told.zone,
            files=files_beside(driver, path, content),
        )  # fmt: skip


def files_beside(driver: Driver, path: Path, content: bytes) -> tuple[File, ...]:
    """Return the files that a message names and that stand beside it."""
    try:
        names = attachments(driver.manifest, content)
    except BadFrame:
        return ()
    beside = [path.with_name(Path(name).name) for name in names]
    return tuple(File(found.name, found.read_bytes()) for found in beside if found.is_file())


def given(driver: Driver, message: Message) -> list[dict[str, Any]]:
    """Return the operations that a message gives, as they would be sent. Raises BadFrame."""
    operations = [
        operation
        for result in driver.decode(message)
        for operation in operations_of(driver.manifest, result, WHERE, message.received_at)
    ]
    return [json.loads(msgspec.json.encode(operation)) for operation in operations]
