"""gateway.toml: the machines of one gateway and where their results go.

| key | meaning |
|---|---|
| `name` | this gateway; stands in every result |
| `data` | folder of the outbox; it is never made anew by a changed setting |
| `server`, `token`, `token_file`, `authority` | the trace's address and what opens it |
| `site`, `time_zone` | of machines that name none |
| `page` | host:port of the gateway's own page; empty: none |
| `language` | ru, tg or en: of the page and of refusals |
| `quota_mb` | room for the outbox; live tags go first, then what was sent, results never |
| `keep_days` | how long what was sent is kept after its receipt |
| `watch` | MQTT topics where results of machines that are not registered may appear |
| `[devices.ID]` | a machine: `kind` (or `driver`, a folder), `serial`, `protocol`, `address`, ... |

A line that is to be safe (`mqtts`, or `security` for OPC UA) names files: `authority`, whom to
believe (the broker's authority, the OPC UA server's own certificate); `client_certificate` and
`client_key`, who we are (`railtrace gateway certificate` makes them).
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from railtrace.devices import drivers
from railtrace.devices.drivers import Driver
from railtrace.devices.manifest import Number, Protocol
from railtrace.errors import ConfigError, RailtraceError

_DEVICE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z"
_SCHEMES: dict[str, tuple[str, ...]] = {
    "mqtt": ("mqtt", "mqtts"), "opcua": ("opc.tcp",), "modbus": ("tcp", "rtu"), "s7": ("s7",),
    "serial": ("serial",), "folder": ("",),
}  # fmt: skip


class Certificate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verification of an instrument (поверка), as the Federal fund or a calibration states it."""

    valid_to: date
    valid_from: date | None = None
    register_entry: str = ""


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registered machine."""

    address: str
    kind: str = ""
    driver: str = ""
    serial: str = ""
    maker: str = ""
    model: str = ""
    protocol: Protocol | None = None
    topic: str = ""
    version: Literal["3.1.1", "5"] = "3.1.1"
    user: str = ""
    password_file: str = ""
    security: Literal["", "sign", "sign_encrypt"] = ""
    authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    unit: Annotated[int, Meta(ge=0, le=255)] = 1
    baud: int = 9600
    rack: int = 0
    slot: int = 1
    prefix: str = ""
    every_s: Annotated[float, Meta(gt=0)] = 1.0
    silent_after_s: Annotated[float, Meta(gt=0)] = 300.0
    site: str = ""
    workplace: str = ""
    step: str = ""
    time_zone: str = ""
    certificate: Certificate | None = None
    ranges: dict[str, tuple[Number, Number]] = {}
    uncertainty: dict[str, Number] = {}
    operators: dict[str, str] = {}


class Gateway(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    name: Annotated[str, Meta(pattern=_DEVICE)]
    server: str
    data: str = "outbox"
    token: str = ""
    token_file: str = ""
    authority: str = ""
    site: str = ""
    time_zone: str = "Asia/Dushanbe"
    page: str = ""
    language: Literal["ru", "tg", "en"] = "ru"
    quota_mb: Annotated[int, Meta(ge=1)] = 2048
    keep_days: Annotated[int, Meta(ge=0)] = 30
    watch: tuple[str, ...] = ()
    devices: dict[Annotated[str, Meta(pattern=_DEVICE)], Device] = {}
    folder: str = "."

    def path(self, name: str) -> Path:
        """Return a path of the settings; a relative one stands beside the file."""
        return (Path(self.folder) / Path(name).expanduser()).resolve()

    def driver_of(self, device: Device) -> Driver:
        """Return the driver a machine is read with. Raises ConfigError."""
        if device.driver:
            return drivers.read(self.path(device.driver))
        return drivers.driver(device.kind)

    def protocol_of(self, device: Device) -> Protocol:
        """Return the protocol a machine speaks: said, or the first of its kind."""
        return device.protocol or self.driver_of(device).manifest.protocols[0]

    def secret(self) -> str:
        """Return the API token. Raises ConfigError."""
        if not self.token_file:
            return self.token
        try:
            return self.path(self.token_file).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                "token_file {file} cannot be read: {problem}", file=self.token_file,
                problem=error.strerror or error,
            ) from error  # fmt: skip


def load(path: Path) -> Gateway:
    """Read the settings of a gateway. Raises ConfigError naming the file and the key."""
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert({**values, "folder": str(path.resolve().parent)}, Gateway)
    except FileNotFoundError:
        raise ConfigError("{file} is not there", file=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("{file}: {problem}", file=path, problem=error) from error


def mistakes(config: Gateway) -> list[RailtraceError]:
    """Return everything that is wrong with the settings, each named; none is found by trying."""
    found: list[RailtraceError] = [*_of_gateway(config)]
    for name, device in config.devices.items():
        found += _of_device(config, name, device)
    return [*found, *_twins(config)]


def _of_gateway(config: Gateway) -> list[RailtraceError]:
    found: list[RailtraceError] = []
    parts = urlsplit(config.server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        found.append(ConfigError("server {url} is no address: give one like http://depot:8000",
                                 url=config.server))  # fmt: skip
    try:
        if not config.secret():
            found.append(ConfigError(
                "no token: make one with `railtrace token create GATEWAY --scope record` and "
                "name its file as token_file"
            ))  # fmt: skip
    except ConfigError as error:
        found.append(error)
    if not config.devices:
        found.append(ConfigError("no machine is registered: add [devices.ID]"))
    return [*found, *_zone("gateway", config.time_zone)]


def _zone(what: str, zone: str) -> list[RailtraceError]:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [ConfigError("{device}: there is no time zone {zone}", device=what, zone=zone)]
    return []


def _of_device(config: Gateway, name: str, device: Device) -> list[RailtraceError]:
    try:
        manifest = config.driver_of(device).manifest
    except RailtraceError as error:
        return [ConfigError("{device}: {problem}", device=name, problem=error)]
    found = _zone(name, device.time_zone)
    protocol = config.protocol_of(device)
    if protocol not in manifest.protocols:
        found.append(ConfigError(
            "{device}: {kind} does not speak {protocol}: choose of {known}", device=name,
            kind=manifest.kind, protocol=protocol, known=", ".join(manifest.protocols),
        ))  # fmt: skip
    scheme = urlsplit(device.address).scheme
    if scheme not in _SCHEMES[protocol]:
        found.append(ConfigError(
            "{device}: the address {address} is not one of {protocol}: it begins with {known}",
            device=name, address=device.address, protocol=protocol,
            known=", ".join(f"{s}://" if s else "a folder" for s in _SCHEMES[protocol]),
        ))  # fmt: skip
    found += _of_line(config, name, device, protocol)
    if protocol == "mqtt" and not device.topic:
        found.append(ConfigError("{device}: no topic", device=name))
    known = {field.quantity for field in manifest.fields}
    for quantity in sorted({*device.ranges, *device.uncertainty} - known):
        found.append(ConfigError(
            "{device}: {kind} does not measure {quantity}: it measures {known}", device=name,
            kind=manifest.kind, quantity=quantity, known=", ".join(sorted(known)),
        ))  # fmt: skip
    return found


def _of_line(
    config: Gateway, name: str, device: Device, protocol: Protocol
) -> list[RailtraceError]:
    """What is wrong with the safety of a machine's line: half of it is none."""
    found: list[RailtraceError] = []
    files = {"authority": device.authority, "client_certificate": device.client_certificate,
             "client_key": device.client_key}  # fmt: skip
    for key, file in files.items():
        if file and not config.path(file).is_file():
            found.append(ConfigError("{device}: {key} {file} is not there", device=name, key=key,
                                     file=config.path(file)))  # fmt: skip
    if bool(device.client_certificate) != bool(device.client_key):
        found.append(ConfigError(
            "{device}: client_certificate and client_key belong together", device=name
        ))  # fmt: skip
    if device.security and protocol != "opcua":
        found.append(ConfigError(
            "{device}: security is of OPC UA; an MQTT line is made safe by the address mqtts://",
            device=name,
        ))  # fmt: skip
    if device.security and not all(files.values()):
        missing = ", ".join(key for key, file in files.items() if not file)
        found.append(ConfigError("{device}: security {mode} needs {keys} too", device=name,
                                 mode=device.security, keys=missing))  # fmt: skip
    if any(files.values()) and not device.security and not device.address.startswith("mqtts:"):
        found.append(ConfigError(
            "{device}: certificates are named, but the line is open: say mqtts:// or security",
            device=name,
        ))  # fmt: skip
    return found


def _twins(config: Gateway) -> list[RailtraceError]:
    """Two machines with one serial, or at one place, cannot be told apart."""
    found: list[RailtraceError] = []
    places: dict[tuple[object, ...], str] = {}
    serials: dict[tuple[str, str], str] = {}
    for name, device in config.devices.items():
        place = (device.address, device.topic, device.unit, device.prefix)
        serial = (device.kind or device.driver, device.serial)
        if place in places:
            found.append(ConfigError(
                "{device} and {other} stand at one address: give each its own", device=name,
                other=places[place],
            ))  # fmt: skip
        if device.serial and serial in serials:
            found.append(ConfigError(
                "{device} and {other} have one serial number {serial}: which is which?",
                device=name, other=serials[serial], serial=device.serial,
            ))  # fmt: skip
        places.setdefault(place, name)
        serials.setdefault(serial, name)
    return found
