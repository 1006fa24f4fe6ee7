"""What a person does with a result that waits for one: send it, mended or not, or set it aside."""

from collections.abc import Callable
from typing import Any

import msgspec

from railtrace.devices.gateway.outbox import Draft, Outbox, Row
from railtrace.devices.message import Message
from railtrace.errors import NotFound, RailtraceError

Read = Callable[[str, Message], list[Draft]]


def send(outbox: Outbox, seq: int, part: str = "", as_new: bool = False) -> None:
    """Send a held result; for another part, or under a number of its own. Raises NotFound."""
    row = _held(outbox, seq)
    if row.body is None:
        raise RailtraceError("result {seq} could not be read: let it be read again", seq=seq)
    body = msgspec.json.decode(row.body)
    if part:
        body = [_of_part(operation, part) for operation in body]
    if as_new:
        body = [_as_new(operation, row.key) for operation in body]
    outbox.send_again(seq, msgspec.json.encode(body))


def set_aside(outbox: Outbox, seq: int, reason: str) -> None:
    """Keep a held result without sending it. Raises NotFound, RailtraceError without a reason."""
    if not reason.strip():
        raise RailtraceError("say why result {seq} is not to be sent", seq=seq)
    _held(outbox, seq)
    outbox.set_aside(seq, reason.strip()[:500])


def read_again(outbox: Outbox, seq: int, read: Read) -> int:
    """Read a message once more, with settings or a driver that changed; return its results."""
    row = _held(outbox, seq)
    if row.body is not None:
        raise RailtraceError("result {seq} was read: send it or set it aside", seq=seq)
    drafts = read(row.device, outbox.message(seq))
    if unread := next((draft for draft in drafts if draft.body is None), None):
        raise unread.problem or RailtraceError("result {seq} cannot be read", seq=seq)
    outbox.put(drafts)
    outbox.remove_unread(seq)
    return len(drafts)


def _held(outbox: Outbox, seq: int) -> Row:
    row = outbox.row(seq)
    if row is None or row.state != "held":
        raise NotFound("no result {seq} waits for a person", seq=seq)
    return row


def _of_part(operation: dict[str, Any], part: str) -> dict[str, Any]:
    mended = {k: v for k, v in operation.items() if k not in ("units", "marks")}
    unit = part.removeprefix("unit:") if part.startswith("unit:") else ""
    mended |= {"units": [unit]} if unit else {"marks": [part]}
    if operation["kind"] == "MachineResult":
        mended["remarks"] = [*operation.get("remarks", ()), "part_corrected"]
    return mended


def _as_new(operation: dict[str, Any], key: str) -> dict[str, Any]:
    """The id of the row, which no other result has, in place of the one that was taken."""
    fresh = {**operation, "id": f"{key}:r" if operation["kind"] == "MachineResult" else key}
    if operation["kind"] == "MachineResult":
        fresh["facts"] = [key] if operation.get("facts") else []
    return fresh
