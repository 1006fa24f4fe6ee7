"""Campaigns, crews' remarks, warranties, claims and repairs elsewhere over the whole fleet."""

from typing import Any

from railtrace.store.database import Database

_CAMPAIGN = ("unit", "campaign", "title", "action", "until", "effect", "service", "site",
             "opened_us", "closed_us", "members")  # fmt: skip
_REMARK = ("unit", "remark", "at_us", "topic", "site", "state", "until", "done_us")
_WARRANTY = ("unit", "operation", "given_by", "given_after", "from_us", "until")
_CLAIM = ("unit", "claim", "against", "state", "opened_us", "closed_us")
_AWAY = ("unit", "stay", "sent_to", "whereabouts", "repair_kind", "expected", "sent_us",
         "back_us", "state")  # fmt: skip


class Upkeep:
    """Reads the lists; a page then asks `Knowledge` for the units it shows."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def campaigns(self) -> list[dict[str, Any]]:
        """Return every campaign, the open ones first, by their last day."""
        return self._rows(
            "campaigns", _CAMPAIGN, "1 = 1",
            "CASE WHEN closed_us IS NULL THEN 0 ELSE 1 END, until, campaign",
        )  # fmt: skip

    def remarks(self, state: str = "", since_us: int = 0, most: int = 5000) -> list[dict[str, Any]]:
        """Return remarks made since a moment, the newest first: of a state, or the open ones."""
        where = {"": "1 = 1", "open": "state <> 'done'"}.get(state, "state = ?")
        given = [state] if where == "state = ?" else []
        return self._rows(
            "remarks", _REMARK, f"({where}) AND (at_us >= ? OR state <> 'done')",
            f"at_us DESC, remark LIMIT {int(most)}", [*given, since_us],
        )  # fmt: skip

    def open_remarks(self) -> dict[str, int]:
        """Return how many remarks of each open state there are."""
        rows = self._db.query(
            "SELECT state, COUNT(*) FROM remarks WHERE state <> 'done' GROUP BY state"
        )
        return {state: int(count) for state, count in rows}

    def warranties(self, since_us: int = 0) -> list[dict[str, Any]]:
        """Return the warranties given since a moment, the last first."""
        return self._rows("warranties", _WARRANTY, "from_us >= ?", "from_us DESC, operation",
                          [since_us])  # fmt: skip

    def claims(self) -> list[dict[str, Any]]:
        """Return every claim, the open ones first, the oldest first."""
        return self._rows(
            "claims", _CLAIM, "1 = 1",
            "CASE WHEN closed_us IS NULL THEN 0 ELSE 1 END, opened_us, claim",
        )  # fmt: skip

    def away(self, since_us: int = 0) -> list[dict[str, Any]]:
        """Return the repairs elsewhere that go on, longest first, then those ended since."""
        return self._rows(
            "outside_repairs", _AWAY, "back_us IS NULL OR back_us >= ?",
            "CASE WHEN back_us IS NULL THEN 0 ELSE 1 END, sent_us, unit", [since_us],
        )  # fmt: skip

    def _rows(
        self, table: str, names: tuple[str, ...], where: str, order: str,
        given: list[Any] | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM {table} WHERE {where} ORDER BY {order}", given or []
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
