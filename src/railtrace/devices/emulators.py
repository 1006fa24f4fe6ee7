"""Which emulated machine speaks which protocol."""

from importlib import import_module

from railtrace.devices.emulate import Machine
from railtrace.devices.manifest import Manifest, Protocol
from railtrace.errors import RailtraceError


def machine_of(
    manifest: Manifest, address: str = "", topic: str = "", protocol: Protocol | None = None
) -> Machine:
    """Return an emulated machine at an address; a serial one makes its own line."""
    speaks = protocol or manifest.protocols[0]
    try:
        match speaks:
            case "mqtt":
                machine: Machine = import_module("railtrace.devices.mqtt").MqttMachine(
                    address, topic
                )
            case "serial":
                machine = import_module("railtrace.devices.serial_line").SerialMachine()
            case _:
                name = {"opcua": "OpcUaMachine", "modbus": "ModbusMachine", "s7": "S7Machine",
                        "folder": "FolderMachine"}[speaks]  # fmt: skip
                module = import_module(f"railtrace.devices.{speaks}")
                machine = getattr(module, name)(address, manifest)
    except ImportError as error:
        raise RailtraceError(
            "{protocol} needs a library that is not installed ({problem}): "
            "pip install railtrace[gateway]",
            protocol=speaks, problem=error,
        ) from error  # fmt: skip
    return machine
