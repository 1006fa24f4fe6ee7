"""Rows of a store's books: parts on the shelf, lines of sending lists, lots without serials."""

from railtrace.errors import BadOperation
from railtrace.interchange.cells import text_of
from railtrace.interchange.row import RowReader, type_of
from railtrace.trace.operation import (
    LotCounted,
    LotReceived,
    Operation,
    PartReturned,
    PartSent,
    PartStored,
)


def stored(reader: RowReader) -> list[Operation]:
    """A part on a shelf; one that the trace knows on a vehicle or away is warned of."""
    site = reader.where("site")
    part, when = reader.unit("part"), reader.moment("date", site)
    awaits = reader.choice("awaits", "no")
    store = reader.read("store", text_of)
    if part is None or when is None or store is None or awaits is None:
        return []
    now_on = reader.found.carriers.get(part)
    if now_on is not None:
        reader.fault("part", BadOperation(
            "{number} is on {carrier} as far as the trace knows: enter its removal too",
            number=text_of(reader.cell("part")), carrier=now_on,
        ), grave=False)  # fmt: skip
    _warn_if_away(reader, part)
    return [PartStored(
        **reader.envelope(when, site), units=(part,), store=store, bin=reader.text("bin"),
        awaits_acceptance=awaits == "yes", note=reader.text("note"),
    )]  # fmt: skip


def _away(reader: RowReader, part: str) -> str | None:
    """Return the list a part is away on, by the trace and by the rows above."""
    key = f"away {part}"
    return reader.found.moved[key] if key in reader.found.moved else reader.found.away.get(part)


def _warn_if_away(reader: RowReader, part: str) -> None:
    if (away := _away(reader, part)) is not None:
        reader.fault("part", BadOperation(
            "{number} is away on list {list}: recorded, this is a contradiction until its return "
            "is entered", number=text_of(reader.cell("part")), list=away,
        ), grave=False)  # fmt: skip


def listed(reader: RowReader) -> list[Operation]:
    """One line of a sending list: a part that left, or one that came back."""
    site = reader.where("site")
    action = reader.choice("action", "sent")
    part, when = reader.unit("part"), reader.moment("date", site)
    name = reader.read("list", text_of)
    if part is None or when is None or name is None or action is None:
        return []
    fields = reader.envelope(when, site) | {
        "units": (part,), "list": name, "note": reader.text("note")
    }  # fmt: skip
    key = f"away {part}"
    if action == "sent":
        _warn_if_away(reader, part)
        reader.found.moved[key] = name
        return [PartSent(**fields, to=reader.text("to"))]
    if _away(reader, part) != name:
        reader.fault("part", BadOperation(
            "{number} was never sent on list {list}: recorded, this is a contradiction until it is "
            "said in whose place it came", number=text_of(reader.cell("part")), list=name,
        ), grave=False)  # fmt: skip
    reader.found.moved[key] = None
    return [PartReturned(**fields, paper=reader.text("paper"), store=reader.text("store"))]


def counted(reader: RowReader) -> list[Operation]:
    """A lot: what came in, or what a count found."""
    site = reader.where("site")
    action = reader.choice("action", "counted")
    item = reader.read("type", lambda cell: type_of(reader.job, reader.words, cell))
    lot, store = reader.read("lot", text_of), reader.read("store", text_of)
    quantity, when = reader.decimal("quantity"), reader.moment("date", site)
    if None in (item, lot, store, quantity, when, action) or when is None:
        return []
    if quantity is not None and quantity.startswith("-"):
        reader.fault("quantity", BadOperation(
            "quantity {value} is negative: nobody has less than nothing", value=quantity
        ))  # fmt: skip
        return []
    kind = LotReceived if action == "received" else LotCounted
    return [kind(
        **reader.envelope(when, site), item=item or "", lot=lot or "", store=store or "",
        quantity=quantity or "0", note=reader.text("note"),
    )]  # fmt: skip
