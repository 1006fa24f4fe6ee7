"""Which protocol is which file; what a file needs is imported when a machine speaks it."""

from collections.abc import Callable, Sequence
from importlib import import_module

from railtrace.devices.gateway.config import Gateway
from railtrace.devices.gateway.port import Link, Port
from railtrace.devices.message import Message
from railtrace.errors import RailtraceError

_CLASSES = {
    "mqtt": ("railtrace.devices.mqtt", "MqttLink"),
    "opcua": ("railtrace.devices.opcua", "OpcUaLink"),
    "modbus": ("railtrace.devices.modbus", "ModbusLink"),
    "s7": ("railtrace.devices.s7", "S7Link"),
    "serial": ("railtrace.devices.serial_line", "SerialLink"),
    "folder": ("railtrace.devices.folder", "FolderLink"),
}


def groups(config: Gateway, ports: Sequence[Port]) -> list[list[Port]]:
    """Return the ports that share a session: those of one broker; else each its own."""
    found: dict[tuple[str, ...], list[Port]] = {}
    for port in ports:
        device, protocol = port.device, config.protocol_of(port.device)
        own = "" if protocol == "mqtt" else port.name
        key = (protocol, device.address, device.user, device.version, own)
        found.setdefault(key, []).append(port)
    return list(found.values())


def link_of(
    config: Gateway, ports: Sequence[Port], stray: Callable[[Message], bool]
) -> Link:
    """Return the link of ports that share a session. Raises RailtraceError without its library."""
    protocol = config.protocol_of(ports[0].device)
    module, name = _CLASSES[protocol]
    try:
        kind = getattr(import_module(module), name)
    except ImportError as error:
        raise RailtraceError(
            "{protocol} needs a library that is not installed ({problem}): "
            "pip install railtrace[gateway]",
            protocol=protocol, problem=error,
        ) from error  # fmt: skip
    if protocol == "mqtt":
        link: Link = kind(config.name, ports, config.watch, stray)
    else:
        link = kind(ports[0])
    return link
