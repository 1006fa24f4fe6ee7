"""From a message to rows of the outbox: read, attributed to its machine, held where in doubt."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.catalogue.rows import Catalogue
from railtrace.devices.drivers import Driver
from railtrace.devices.gateway.config import Device, Gateway
from railtrace.devices.gateway.outbox import Draft
from railtrace.devices.message import File, Message, Result, Value
from railtrace.devices.operations import (
    Where,
    beyond,
    fingerprint,
    operations_of,
    result_key,
)
from railtrace.errors import BadFrame, RailtraceError


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Intake:
    """One registered machine: how its messages become drafts."""

    def __init__(self, config: Gateway, name: str, device: Device) -> None:
        self.config, self.name, self.device = config, name, device
        self.driver: Driver = config.driver_of(device)
        self.zone = device.time_zone or config.time_zone
        self._where = Where(
            device=name, site=device.site or config.site, workplace=device.workplace,
            gateway=config.name, step=device.step, serial=device.serial,
            certificate_to=self._certificate_to(), uncertainty=dict(device.uncertainty),
        )  # fmt: skip

    def _certificate_to(self) -> datetime | None:
        """A certificate holds through its last day, in the machine's zone."""
        if self.device.certificate is None:
            return None
        return datetime.combine(self.device.certificate.valid_to, time.max, ZoneInfo(self.zone))

    def drafts(self, message: Message) -> list[Draft]:
        """Return the rows of a message; what cannot be read is one row with its reason."""
        try:
            results = self.driver.decode(message)
        except BadFrame as problem:
            return [unread(self.name, message, problem)]
        return [self._draft(message, result) for result in results]

    def _draft(self, message: Message, result: Result) -> Draft:
        manifest = self.driver.manifest
        result = replace(result, operator=self.device.operators.get(result.operator,
                                                                   result.operator))  # fmt: skip
        raw = File(message.channel.rpartition("/")[2], message.content) if manifest.keep_raw else (
            None
        )  # fmt: skip
        operations = operations_of(manifest, result, self._where, message.received_at, raw)
        return Draft(
            key=result_key(self.name, result.result_id), device=self.name,
            fingerprint=fingerprint(manifest, result), result_id=result.result_id,
            channel=message.channel, received_at=message.received_at,
            body=msgspec.json.encode(operations), message=replace(message, files=()),
            files=(*result.files, *([raw] if raw else [])), problem=self._problem(result),
        )  # fmt: skip

    def _problem(self, result: Result) -> RailtraceError | None:
        """Why a person is to look before the result goes on, if so."""
        device = self.device
        if device.serial and result.serial and result.serial != device.serial:
            return RailtraceError(
                "{device} is registered with serial number {serial}, and {given} sends in its "
                "place: register that machine, or correct the serial number",
                device=self.name, serial=device.serial, given=result.serial,
            )  # fmt: skip
        if not result.part:
            return RailtraceError(
                "{device} does not say which part it worked on: give the part's number",
                device=self.name,
            )
        if wrong := list(beyond(self.driver.manifest, result, device.ranges)):
            return RailtraceError(
                "{device} cannot show this: {readings}; measure again, or send it on if it is so",
                device=self.name, readings=in_words(wrong, self.config.language),
            )  # fmt: skip
        return None


@cache
def _catalogue() -> Catalogue:
    return load()


def in_words(wrong: Sequence[tuple[Value, Decimal, Decimal]], language: str) -> str:
    """Return readings with what the instrument can show, in the gateway's language."""
    known = _catalogue()

    def name(rows: Mapping[str, Any], key: str) -> str:
        return rows[key].name(language) if key in rows else key

    def said(v: Value, low: Decimal, high: Decimal) -> str:
        place = f" ({name(known.places, v.place)})" if v.place else ""
        figures = f"{v.value} [{low} … {high}] {name(known.units_of_measure, v.unit)}"
        comma = figures if language == "en" else figures.replace(".", ",")
        return f"{name(known.quantities, v.quantity)}{place}: {comma}"

    return "; ".join(said(*each) for each in wrong)


def unread(device: str, message: Message, problem: RailtraceError) -> Draft:
    """Return the row of a message that could not be read: its bytes wait for a person."""
    mark = sha256(message.content).hexdigest()
    return Draft(
        key=f"unread:{device}:{mark[:32]}", device=device, fingerprint=mark,
        channel=message.channel, received_at=message.received_at, body=None, message=message,
        problem=problem,
    )  # fmt: skip


def unknown_machine(message: Message) -> Draft:
    """Return the row of a message from where no machine is registered."""
    return unread("", message, RailtraceError(
        "no machine is registered at {channel}: add it to the settings of the gateway, then read "
        "this again",
        channel=message.channel,
    ))  # fmt: skip


Clock = Callable[[], datetime]
