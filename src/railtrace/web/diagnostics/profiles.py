"""Scanned profiles of a wheelset's wheels: parameters from the raw points, and the least cut.

The profiles to restore are those that turnings here have left: scans of this wheelset and of its
like, and the contour of the catalogue's row where it has one. None is shipped: no source gave it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from railtrace.analysis.wheel_profile import (
    Profile,
    TurningCut,
    WheelParameters,
    contour,
    least_cut,
    parameters,
)
from railtrace.errors import BadEvidence
from railtrace.operating.scans import conventions_of, profile_row, read_scan, scans_in
from railtrace.store.knowledge import Knowledge
from railtrace.store.wheel_lives import SIDES
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Evidence, Operation
from railtrace.web.clocks import day, from_us
from railtrace.web.diagnostics.plots import scale
from railtrace.web.frame import home_zone, in_words
from railtrace.web.names import Names
from railtrace.web.running import the_app

MOST_SCANS = 60
"""Operations of a wheelset that are looked through for scans, the newest first."""
TURNINGS = 200
"""Turnings of the railway that are looked through for profiles to restore, the newest first."""
OFFERED = 12
HEIGHT = 220.0
_STEP = 2
_SHOWN = ("flange_thickness", "flange_height", "flange_gradient", "tread_wear", "hollow")


@dataclass(frozen=True)
class Scan:
    """One scan of one wheel as it is kept."""

    unit: str
    at_us: int
    operation: str
    side: str
    as_left: bool
    file: Evidence


def scans_of(unit: str) -> list[Scan]:
    """Return the scans of a wheelset, the newest first."""
    app = the_app()
    rows = app.lookup.timeline([unit], ("Measured", "Reprofiled"), limit=MOST_SCANS)
    found = [s for row in rows for s in _in(app.entry(row[6]).operation, unit, row[1])]
    return sorted(found, key=lambda s: (s.at_us, s.as_left), reverse=True)


def _turned(knowledge: Knowledge, type_: str) -> list[Scan]:
    """Return the scans that the last turnings of wheelsets of a type left."""
    app = the_app()
    rows = app.lookup.happened(0, microseconds(app.clock()), ("Reprofiled",), TURNINGS)
    entries = app.entries_at((row["log"], row["position"]) for row in rows)
    knowledge.load(list(dict.fromkeys(u for e in entries for u in e.units[:1])))
    alike = [e for e in entries if e.units and knowledge.passport(e.units[0]).type == type_]
    found = [s for e in alike for s in _in(e.operation, e.units[0], e.happened_us) if s.as_left]
    return sorted(found, key=lambda s: s.at_us, reverse=True)


def _in(operation: Any, unit: str, at_us: int) -> Iterator[Scan]:
    """Yield the scans among the files of an operation."""
    for one in scans_in(operation) if isinstance(operation, Operation) else ():
        yield Scan(unit, at_us, operation.id, one.side, one.as_left, one.file)


def profiles(knowledge: Knowledge, names: Names, unit: str) -> list[dict[str, Any]]:
    """Return what the page tells of the newest scan of each wheel."""
    mine = scans_of(unit)
    newest = [next((s for s in mine if s.side == side), None) for side in SIDES]
    if not any(newest):
        return []
    turned = _turned(knowledge, knowledge.passport(unit).type)
    type_ = knowledge.passport(unit).type
    return [_told(one, turned, knowledge, names, type_) for one in newest if one is not None]


def _told(
    one: Scan, turned: Sequence[Scan], knowledge: Knowledge, names: Names, type_: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"scan": one, "side": names.place(one.side)}
    try:
        row = profile_row(names.catalogue, type_, from_us(one.at_us).date())
        worn = read_scan(the_app(), one.file)
        found = parameters(worn, conventions_of(row))
    except BadEvidence as error:
        return told | {"refused": in_words(error)}
    standard = {row.name(names.language): contour(row.contour)} if row.contour else {}
    targets = {} if one.as_left else standard | _targets(one, turned, knowledge, names)
    cuts = least_cut(worn, targets, row.datum_mm)
    return told | {
        "rows": _rows(found, names), "row": row, "cuts": cuts[:3], "asked": not one.as_left,
        "drawing": _drawing(worn, cuts[0] if cuts else None, targets),
    }  # fmt: skip


def _targets(
    one: Scan, turned: Sequence[Scan], knowledge: Knowledge, names: Names
) -> dict[str, Profile]:
    """Return the profiles that turnings of this side left, by whose and when."""
    found: dict[str, Profile] = {}
    for other in turned:
        if len(found) < OFFERED and other.side == one.side:
            whose = names.unit(knowledge.passport(other.unit))
            when = day(from_us(other.at_us), names.language, home_zone())
            try:
                found.setdefault(f"{whose}, {when}", read_scan(the_app(), other.file))
            except BadEvidence:
                continue
    return found


def _rows(found: WheelParameters, names: Names) -> list[tuple[str, float]]:
    told = [(key, getattr(found, f"{key}_mm")) for key in _SHOWN]
    return [(names.quantity(key), value) for key, value in told]


def _drawing(
    worn: Profile, cut: TurningCut | None, targets: Mapping[str, Profile]
) -> dict[str, Any]:
    """Return the worn profile and, sunk as deep as is to be turned, the one to restore."""
    xs, ys = worn.x_mm[::_STEP].tolist(), worn.y_mm[::_STEP].tolist()
    box = scale(xs, ys, height=HEIGHT)
    drawn = {"box": box, "worn": box.path(xs, ys), "target": ""}
    if cut is not None:
        target = targets[cut.target]
        inside = (target.x_mm >= worn.x_mm[0]) & (target.x_mm <= worn.x_mm[-1])
        sunk = cut.height_mm + target.y_mm[inside]
        drawn["target"] = box.path(
            target.x_mm[inside][::_STEP].tolist(),
            sunk.clip(box.low_y, box.high_y)[::_STEP].tolist(),
        )
    return drawn
