"""From what a person types or scans to the unit it stands for, or the words why not."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from django.utils import timezone
from django.utils.translation import gettext

from railtrace.catalogue.layout import positions
from railtrace.errors import BadOperation
from railtrace.interchange.columns import LANGUAGES, plain
from railtrace.web.fleet import spellings
from railtrace.web.names import Names
from railtrace.web.running import the_app


def find_unit(text: str, *, part: bool) -> str:
    """Return the one part (or vehicle) that bears a number. Raises BadOperation in words."""
    found = _bearers(text, part)
    if not found and part:
        raise BadOperation(
            "no part bears the number {number}: enter the part first, or check the number",
            number=text,
        )
    if not found:
        raise BadOperation("no vehicle bears the number {number}: check the number", number=text)
    if len(found) > 1:
        raise BadOperation(
            "the number {number} is borne by {count} units: name one by its id: {units}",
            number=text, count=len(found), units=", ".join(found[:5]),
        )  # fmt: skip
    return found[0]


def _bearers(text: str, part: bool) -> list[str]:
    lookup = the_app().lookup
    units = {unit for form in spellings(text) for unit in lookup.bearers(form)}
    rows = lookup.units(sorted(units | {text}))
    return [row.unit for row in rows if (row.vehicle_class == "part") == part]


def find_parts(lines: str) -> tuple[list[str], list[str], list[str]]:
    """Return (units, unknown numbers, complaints) of numbers typed one a line."""
    units: list[str] = []
    unknown: list[str] = []
    complaints: list[str] = []
    for text in typed_lines(lines):
        try:
            unit = find_unit(text, part=True)
        except BadOperation as error:
            several = "count" in error.values
            (complaints if several else unknown).append(
                gettext(error.template).format(**error.values) if several else text
            )
            continue
        if unit not in units:
            units.append(unit)
    return units, unknown, complaints


def typed_lines(lines: str) -> list[str]:
    """Return the numbers of a text, one a line or parted by commas and semicolons."""
    parted = lines.replace(";", "\n").replace(",", "\n").splitlines()
    return list(dict.fromkeys(line.strip() for line in parted if line.strip()))


def not_known(number: str) -> str:
    """Say that nobody knows a number."""
    template = "no part bears the number {number}: enter the part first, or check the number"
    return gettext(template).format(number=number)


def find_position(names: Names, vehicle_type: str, part_type: str, text: str) -> str:
    """Return the path of a position named by path, by name or by its number on the vehicle.

    Raises BadOperation with the positions there are, where the catalogue knows them.
    """
    catalogue = names.catalogue
    if vehicle_type not in catalogue.vehicle_types or not text:
        return text
    offered = [p.path for p in positions(catalogue, vehicle_type) if p.part_type == part_type]
    matching = [path for path in offered if plain(text) in _spoken(path)]
    if len(matching) == 1 or not offered:
        return matching[0] if matching else text
    raise BadOperation(
        "{typed} is no position for this part there: take one of {positions}", typed=text,
        positions="; ".join(names.position(path) for path in offered[:12]),
    )  # fmt: skip


def _spoken(path: str) -> set[str]:
    """What a position may be called: its path, its names, the number at its end."""
    catalogue = the_app().catalogue()
    spoken = {plain(path), plain(path.rpartition("/")[2]), plain(path.rpartition(".")[2])}
    return spoken | {plain(Names(catalogue, language).position(path)) for language in LANGUAGES}


def when(day: date | None) -> dict[str, object]:
    """Return the time of an operation entered for a day; of today's, the present moment."""
    zone, now = timezone.get_default_timezone(), the_app().clock()
    if day is None or day >= now.astimezone(zone).date():
        return {}
    moment = datetime.combine(day, time(12), tzinfo=zone)
    return {"happened_at": moment, "time_precision": "day"}


def numbers_of(units: Iterable[str], names: Names) -> list[str]:
    """Return the numbers units are called by."""
    knowledge = the_app().knowledge()
    listed: Sequence[str] = list(units)
    knowledge.load(listed)
    return [names.number(knowledge.passport(unit)) for unit in listed]
