"""Reading catalogue rows from TOML.

A folder may hold any number of `*.toml` files, at any depth; in each, `[[limits]]`,
`[[part_types]]` and so on are rows of that kind, and `[defaults]` fills what they leave out.
A row of a later folder replaces the row of the same kind and key of an earlier one, whole.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from railtrace.catalogue.check import check
from railtrace.catalogue.rows import KINDS, Catalogue, Row
from railtrace.errors import CatalogueError

SHIPPED = Path(__file__).parent

_Found = dict[tuple[str, str], tuple[Path, Row]]


def load(*site_folders: Path) -> Catalogue:
    """Return the shipped catalogue with a site's own rows over it. Raises CatalogueError."""
    return read(SHIPPED, *site_folders)


def read(*folders: Path) -> Catalogue:
    """Return the rows of folders, later ones over earlier. Raises CatalogueError."""
    found: _Found = {}
    for folder in folders:
        found |= _layer(folder)
    kinds: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for kind, key in sorted(found):
        kinds[kind][key] = found[kind, key][1]
    catalogue = Catalogue(**kinds)
    check(catalogue, {name: str(path) for name, (path, _) in found.items()})
    return catalogue


def from_bytes(content: bytes) -> Catalogue:
    """Return an adopted catalogue; it was checked when it was loaded. Raises CatalogueError."""
    try:
        return msgspec.json.decode(content, type=Catalogue)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogueError("these bytes are not a catalogue: {problem}", problem=error) from error


def _layer(folder: Path) -> _Found:
    if not folder.is_dir():
        raise CatalogueError("{folder} is not a folder of catalogue rows", folder=folder)
    found: _Found = {}
    for path in sorted(folder.rglob("*.toml")):
        for kind, row in _rows(path):
            if (kind, row.key) in found:
                raise CatalogueError(
                    "{file}: {kind} {key}: the key is taken by a row of {other}",
                    file=path,
                    kind=kind,
                    key=row.key,
                    other=found[kind, row.key][0],
                )
            found[kind, row.key] = path, row
    return found


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CatalogueError("{file}: {problem}", file=path, problem=error) from error
    defaults = document.pop("defaults", {})
    for kind, tables in document.items():
        if kind not in KINDS or not isinstance(tables, list):
            raise CatalogueError(
                "{file}: {kind} is no kind of row; kinds are {known}",
                file=path,
                kind=kind,
                known=", ".join(KINDS),
            )
        for table in tables:
            yield kind, _row(path, kind, defaults | table)


def _row(path: Path, kind: str, table: dict[str, Any]) -> Row:
    try:
        return msgspec.convert(table, KINDS[kind])
    except msgspec.ValidationError as error:
        raise CatalogueError(
            "{file}: {kind} {key}: {problem}",
            file=path,
            kind=kind,
            key=table.get("key", "without a key"),
            problem=error,
        ) from error
