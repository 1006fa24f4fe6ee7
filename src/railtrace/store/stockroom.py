"""Questions the depot's pages ask of the stock tables: parts, lists, lots, debts, loans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from railtrace.catalogue.rows import Catalogue, MinimumStock
from railtrace.store.database import Database

STATUSES = (
    "free", "reserved", "awaiting", "repair", "refused", "held", "sent", "not_returned", "lent",
    "issued",
)  # fmt: skip
"""What the stock is counted by; parts on vehicles, disbanded and scrapped are not stock."""

SORTS = {"number": "COALESCE(NULLIF(u.number, ''), '\uffff')", "type": "s.type",
         "status": "s.status", "store": "s.store", "since": "COALESCE(s.since_us, 0)"}  # fmt: skip
FILTERS = ("type", "status", "store")


@dataclass(frozen=True, slots=True)
class StockRow:
    """One part of the stock."""

    unit: str
    type: str
    number: str
    scheme: str
    owner: str
    status: str
    store: str
    bin: str
    since_us: int | None
    reserved_order: str
    reserved_carrier: str
    reserved_by: str
    reserved_until: str
    barred_us: int | None
    list: str
    sent_to: str
    loan: str
    party: str
    loan_us: int | None


_COLUMNS = (
    "s.unit, s.type, COALESCE(u.number, ''), COALESCE(u.scheme, ''), COALESCE(u.owner, ''),"
    " s.status, s.store, s.bin, s.since_us, s.reserved_order, s.reserved_carrier, s.reserved_by,"
    " s.reserved_until, s.barred_us, s.list, s.sent_to, s.loan, s.party, s.loan_us"
)
_FROM = " FROM stock s LEFT JOIN units u ON u.unit = s.unit"


class Shortage(NamedTuple):
    """A type of which fewer parts are free than a row of the catalogue wants."""

    row: MinimumStock
    free: int


class Stockroom:
    """Reads the stock tables of one database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- parts ------------------------------------------------------------------------------

    def counts(self, filters: dict[str, str] | None = None) -> list[tuple[str, str, str, int]]:
        """Return (type, store, status, count) of everything that is stock."""
        where, parameters = _where(filters or {})
        return self._db.query(
            f"SELECT s.type, s.store, s.status, COUNT(*){_FROM} WHERE {where}"
            " GROUP BY s.type, s.store, s.status ORDER BY s.type, s.store, s.status",
            parameters,
        )

    def parts(
        self,
        filters: dict[str, str],
        sort: str = "number",
        descending: bool = False,
        skip: int = 0,
        limit: int = 50,
    ) -> list[StockRow]:
        """Return one page of the stock's parts; `filters` takes FILTERS and `text`."""
        where, parameters = _where(filters)
        direction = "DESC" if descending else "ASC"
        rows = self._db.query(
            f"SELECT {_COLUMNS}{_FROM} WHERE {where}"
            f" ORDER BY {SORTS[sort]} {direction}, s.unit {direction} LIMIT ? OFFSET ?",
            (*parameters, limit, skip),
        )
        return [StockRow(*row) for row in rows]

    def free(self, part_type: str, store: str = "") -> int:
        """Return how many parts of a type are free, in one store or in all of them."""
        only = " AND store = ?" if store else ""
        rows = self._db.query(
            f"SELECT COUNT(*) FROM stock WHERE type = ? AND status = 'free'{only}",
            (part_type, *([store] if store else [])),
        )
        return int(rows[0][0])

    def shortages(self, catalogue: Catalogue) -> list[Shortage]:
        """Return every minimum of the catalogue that the free stock is under.

        A type of which nothing was ever in stock here has no stock to be short of.
        """
        kept = {part_type for (part_type,) in self._db.query("SELECT DISTINCT type FROM stock")}
        rows = (row for row in catalogue.minimum_stock.values() if row.part_type in kept)
        counted = (Shortage(row, self.free(row.part_type, row.store)) for row in rows)
        return [found for found in counted if found.free < found.row.minimum]

    def stores(self) -> list[str]:
        """Return the stores anything was ever put into."""
        rows = self._db.query(
            "SELECT store FROM stock WHERE store <> '' UNION SELECT store FROM lots ORDER BY 1"
        )
        return [store for (store,) in rows]

    # --- lists ------------------------------------------------------------------------------

    def lists(self, state: str = "", text: str = "") -> list[dict[str, Any]]:
        """Return sending lists, the latest first; `state` is open, closed or missing."""
        names = ("list", "sent_to", "due", "site", "opened_us", "sent_us", "closed_us", "sent",
                 "returned", "exchanged", "missing")  # fmt: skip
        where = {"open": "closed_us IS NULL", "closed": "closed_us IS NOT NULL",
                 "missing": "missing > 0"}.get(state, "1 = 1")  # fmt: skip
        like = f"%{text}%"
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM sending_lists WHERE {where}"
            " AND (list LIKE ? OR sent_to LIKE ?)"
            " ORDER BY COALESCE(sent_us, opened_us, 0) DESC, list LIMIT 500",
            (like, like),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def contractors(self) -> list[str]:
        """Return everybody parts were ever sent to."""
        rows = self._db.query("SELECT DISTINCT sent_to FROM sending_lists ORDER BY sent_to")
        return [name for (name,) in rows if name]

    # --- lots, debts, loans -----------------------------------------------------------------

    def lots(self, filters: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the lots by type, store and lot; `filters` takes item and store."""
        names = ("unit", "item", "lot", "store", "measure", "balance_milli", "received_milli",
                 "issued_milli", "last_us", "counted_us", "difference_milli")  # fmt: skip
        given = [(k, v) for k, v in (filters or {}).items() if k in {"item", "store"} and v]
        where = " AND ".join(["1 = 1", *(f"{key} = ?" for key, _ in given)])
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM lots WHERE {where} ORDER BY item, store, lot",
            [value for _, value in given],
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def debts(self, with_closed: bool = False) -> list[dict[str, Any]]:
        """Return what carriers are owed, the oldest first."""
        names = ("unit", "debt", "part", "position", "recipient", "from_us", "to_us", "closed_by")
        where = "" if with_closed else " WHERE to_us IS NULL"
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM debts{where} ORDER BY to_us IS NOT NULL, from_us"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def loans(self) -> list[StockRow]:
        """Return every part lent or borrowed, the oldest loan first."""
        rows = self._db.query(
            f"SELECT {_COLUMNS}{_FROM} WHERE s.loan <> '' ORDER BY s.loan_us, s.unit"
        )
        return [StockRow(*row) for row in rows]

    def abroad(self) -> list[tuple[str, str, int]]:
        """Return (part, place, since) of parts reported abroad that are on no vehicle."""
        return self._db.query(
            "SELECT u.unit, u.place, u.place_us FROM units u WHERE u.whereabouts = 'abroad'"
            " AND u.vehicle_class = 'part' AND u.scrapped_us IS NULL AND NOT EXISTS (SELECT 1"
            " FROM installations i WHERE i.unit = u.unit AND i.to_us IS NULL"
            " AND i.from_us IS NOT NULL) ORDER BY u.place_us, u.unit"
        )


def _where(filters: dict[str, str]) -> tuple[str, Sequence[Any]]:
    listed = ", ".join(f"'{status}'" for status in STATUSES)
    where, parameters = [f"s.status IN ({listed})"], []
    for key in FILTERS:
        if filters.get(key):
            where.append(f"s.{key} = ?")
            parameters.append(filters[key])
    if text := filters.get("text"):
        where.append("(u.number LIKE ? OR s.unit = ?)")
        parameters += [f"%{text}%", text]
    return " AND ".join(where), parameters
