"""Machines that are polled: a block is read again and again, a new number is a new result."""

from typing import Protocol

from railtrace.devices.frames import records
from railtrace.devices.gateway.port import Port
from railtrace.devices.manifest import Poll
from railtrace.errors import BadFrame, RailtraceError


class Block(Protocol):
    """A line to the machine's memory. Every call raises OSError or the like when it breaks."""

    def read(self) -> bytes:
        """Return the block."""

    def acknowledge(self, number: int) -> None:
        """Write the number of a result that the trace holds."""

    def close(self) -> None:
        """Close the line."""


def poll_of(port: Port) -> Poll:
    """Return where the block stands. Raises RailtraceError for a kind that names none."""
    if port.manifest.poll is None:
        raise RailtraceError("{kind} names no block to poll", kind=port.manifest.kind)
    return port.manifest.poll


def serve(port: Port, block: Block) -> None:
    """Poll until the port ends. Raises what the line raises."""
    last = ""
    try:
        while not port.ended:
            content = block.read()
            port.state(content)
            number = _number(port, content)
            if number not in ("", "0", last) and port.deliver(port.message(content)):
                last = number
            while ack := port.next_ack():
                if ack.result_id.isdigit():
                    block.acknowledge(int(ack.result_id))
                port.told(ack)
            port.pause(port.device.every_s)
    finally:
        block.close()


def _number(port: Port, content: bytes) -> str:
    try:
        record = records(port.manifest.frame, content)[0]
        return str(record.get(port.manifest.envelope.result_id) or "")
    except BadFrame as error:
        port.last_error = error
        return ""
