"""What a sheet of rows asks of the trace of one installation, many rows at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from railtrace.app import App
from railtrace.catalogue.rows import Catalogue
from railtrace.config import Site
from railtrace.store.database import chunks, marks


@dataclass(frozen=True)
class TraceKnown:
    """The running application, asked about many rows at once."""

    app: App
    catalogue: Catalogue

    @property
    def sites(self) -> Mapping[str, Site]:
        """The depots of the settings."""
        return self.app.config.sites

    def zone_of(self, site: str) -> ZoneInfo:
        """Return the clock of a site."""
        return self.app.config.zone_of(site)

    def _pairs(self, sql: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        for some in chunks(list(keys)):
            sql_some = sql.format(marks=marks(len(some)))
            yield from self.app.views.database.query(sql_some, list(some))

    def bearers(self, numbers: Sequence[str]) -> dict[str, list[str]]:
        """Return the units that bear each number now."""
        sql = "SELECT DISTINCT value, unit FROM numbers WHERE to_us IS NULL AND value IN ({marks})"
        found: dict[str, list[str]] = {}
        for value, unit in sorted(self._pairs(sql, numbers)):
            found.setdefault(value, []).append(unit)
        return found

    def types(self, units: Sequence[str]) -> dict[str, str]:
        """Return the types of units."""
        return dict(self._pairs("SELECT unit, type FROM units WHERE unit IN ({marks})", units))

    def carriers(self, units: Sequence[str]) -> dict[str, str]:
        """Return what each unit is installed on now."""
        sql = (
            "SELECT unit, carrier FROM installations WHERE to_us IS NULL AND from_us IS NOT NULL"
            " AND unit IN ({marks})"
        )
        return dict(self._pairs(sql, units))

    def away(self, units: Sequence[str]) -> dict[str, str]:
        """Return the sending list each unit is away on now."""
        sql = "SELECT unit, list FROM stock WHERE list <> '' AND unit IN ({marks})"
        return dict(self._pairs(sql, units))

    def recorded(self, ids: Sequence[str]) -> set[str]:
        """Return the ids that are in the ledger."""
        return set(self.app.trace.find(list(ids)))
