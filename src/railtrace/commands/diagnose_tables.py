"""What `railtrace diagnose` does with tables: wear, wheels, roundness, flats, metal, findings."""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from railtrace.analysis.diagnosis_record import Share
    from railtrace.analysis.wheel_forecast import WheelForecast, WheelReading
    from railtrace.catalogue.rows import Catalogue, Limit

Report = dict[str, Any]
Found = TypeVar("Found")
Row = dict[str, str]

DIAMETERS_MM = (300.0, 1500.0)
"""Between these a wheel's diameter lies; metres and centimetres do not."""
WEARS_MM = (-5.0, 150.0)
"""Between these what wears of a wheel is read, its diameter apart."""


# --- wear over kilometres -------------------------------------------------------------------------


def wear(file: Path, catalogue: "Catalogue", unit_type: str, ahead_km: float) -> Report:
    """Return what the readings of wheels foretell. Raises BadEvidence."""
    from railtrace.analysis.wheel_forecast import forecast

    rows = _rows(file, "unit", "side", "km", "value")
    quantities = dict.fromkeys(row.get("quantity") or "flange_thickness" for row in rows)
    readings = {q: _readings(file, rows, q) for q in quantities}
    found = {q: _stated(lambda q=q: forecast(readings[q]), "no_rate") for q in quantities}  # type: ignore[misc]
    limits = {q: _limit(catalogue, q, unit_type) for q in quantities}
    wheels = dict.fromkeys(key for model in found.values() for key in model.last_km)
    told = [_wheel(unit, side, found, limits, ahead_km) for unit, side in wheels]
    return {
        "outcome": "forecast", "ahead_km": ahead_km, "wheels": told,
        "limits": {q: row.key for q, row in limits.items() if row is not None},
        "without_limit": [q for q, row in limits.items() if row is None],
    }  # fmt: skip


def _readings(file: Path, rows: Sequence[Row], quantity: str) -> "list[WheelReading]":
    from railtrace.analysis.wheel_forecast import USUAL_DEVIATION_MM, WheelReading

    low, high = DIAMETERS_MM if quantity == "wheel_diameter" else WEARS_MM
    mine = [(line, row) for line, row in enumerate(rows, 2)
            if (row.get("quantity") or "flange_thickness") == quantity]  # fmt: skip
    found = [
        WheelReading(
            row["unit"], row.get("vehicle", ""), row["side"],
            round(_number(file, line, row, "stretch", 0.0)), _number(file, line, row, "km"),
            _millimetres(file, line, row, "value", low, high),
            _number(file, line, row, "deviation", USUAL_DEVIATION_MM),
        )
        for line, row in mine
    ]  # fmt: skip
    if quantity == "flange_thickness":
        _check_not_metres(file, [each.value for each in found])
    return found


def _check_not_metres(file: Path, values: Sequence[float]) -> None:
    from railtrace.errors import BadEvidence

    if values and max(values) < 1:
        raise BadEvidence("{file}: no flange is thicker than {most:g}: give millimetres",
                          reason="units", file=file, most=max(values))  # fmt: skip


def _limit(catalogue: "Catalogue", quantity: str, unit_type: str) -> "Limit | None":
    from railtrace.catalogue.in_force import limit_for

    row = limit_for(catalogue, quantity, unit_type, "in_service", datetime.now(UTC).date())
    return row if row is not None and row.unit == "mm" else None


def _bound(row: "Limit | None", quantity: str) -> tuple[float, bool] | None:
    """Return the limit that wear runs into, and whether the parameter rises to it."""
    if row is None:
        return None
    bound = row.max if quantity == "tread_wear" else row.min
    return None if bound is None else (float(bound), quantity == "tread_wear")


def _wheel(
    unit: str, side: str, found: "dict[str, WheelForecast]", limits: "dict[str, Limit | None]",
    ahead_km: float,
) -> Report:  # fmt: skip
    told = {q: _parameter(model, unit, side, _bound(limits[q], q), ahead_km)
            for q, model in found.items() if (unit, side) in model.last_km}  # fmt: skip
    return {"unit": unit, "side": side, "parameters": told,
            "binds_first": _first(unit, side, found, limits, ahead_km)}  # fmt: skip


def _parameter(
    model: "WheelForecast", unit: str, side: str, bound: tuple[float, bool] | None, ahead_km: float
) -> Report:
    from railtrace.analysis.wheel_forecast import NINETY, to_limit

    state = model.at(unit, side)
    told: Report = {
        "km": float(state.km[0]), "level_mm": round(float(state.level[0]), 3),
        "rate_mm_per_10000_km": round(1e4 * float(state.rate[0]), 3),
        "rate_within": round(1e4 * NINETY * float(state.rate_variance[0]) ** 0.5, 3),
    }  # fmt: skip
    if bound is not None:
        way = to_limit(model, unit, side, *bound, ahead_km)
        told |= {
            "limit_mm": bound[0], "chance": round(way.chance, 4),
            "km_to_limit": [_km(way.early_km), _km(way.middle_km), _km(way.late_km)],
        }  # fmt: skip
    return told


def _km(value: float) -> int | None:
    """Return whole kilometres; None where a limit is not reached within three million."""
    return round(value) if isfinite(value) else None


def _first(
    unit: str, side: str, found: "dict[str, WheelForecast]", limits: "dict[str, Limit | None]",
    ahead_km: float,
) -> dict[str, float]:  # fmt: skip
    """Return the chance that each limit is the first to be crossed ahead; `none` with them."""
    import numpy as np

    from railtrace.analysis.wear import crossing_chance, which_first

    grid = np.linspace(ahead_km / 40, ahead_km, 40)
    names, chances = [], []
    for quantity, model in found.items():
        bound = _bound(limits[quantity], quantity)
        if bound is not None and (unit, side) in model.last_km:
            state = model.at(unit, side)
            chances.append(crossing_chance(state, np.array([bound[0]]), bound[1], grid[None])[0])
            names.append(quantity)
    if not chances:
        return {}
    first = which_first(np.array(chances))
    return {name: round(float(c), 4) for name, c in zip([*names, "none"], first, strict=True)}


# --- wheels that run together, and round ----------------------------------------------------------


def wheels(file: Path, catalogue: "Catalogue", unit_type: str) -> Report:
    """Return the differences of diameter within axle, bogie and vehicle. Raises BadEvidence."""
    from railtrace.analysis.wheel_profile import WheelPlace, diameter_differences

    rows = _rows(file, "vehicle", "bogie", "axle", "diameter_mm")
    places = [
        WheelPlace(row["vehicle"], row["bogie"], row["axle"],
                   _millimetres(file, line, row, "diameter_mm", *DIAMETERS_MM))
        for line, row in enumerate(rows, 2)
    ]  # fmt: skip
    limits = {level: _limit(catalogue, f"diameter_difference_{level}", unit_type)
              for level in ("axle", "bogie", "vehicle")}  # fmt: skip
    told = {
        level: [_difference(key, value, limits[level]) for key, value in of.items()]
        for level, of in diameter_differences(places).items()
    }
    beyond = any(one.get("verdict") == "unfit" for some in told.values() for one in some)
    judged = any("verdict" in one for some in told.values() for one in some)
    return {"outcome": "unfit" if beyond else "fit" if judged else "measured",
            "differences": told}  # fmt: skip


def _difference(key: object, value: float, row: "Limit | None") -> Report:
    told: Report = {"of": " / ".join(key) if isinstance(key, tuple) else str(key),
                    "mm": round(value, 3)}  # fmt: skip
    if row is None or row.max is None:
        return told
    return told | {"limit_mm": float(row.max), "limit": row.key, "confirmed": row.confirmed,
                   "verdict": "unfit" if value > float(row.max) else "fit"}  # fmt: skip


def roundness(file: Path) -> Report:
    """Return how far from round a wheel is: radii at equal angles. Raises BadEvidence."""
    from railtrace.analysis.wheel_profile import roundness as round_of

    rows = _rows(file, "radius_mm")
    found = round_of([_number(file, line, row, "radius_mm") for line, row in enumerate(rows, 2)])
    return {"outcome": "measured", "parameters": {
        "uneven_wear_mm": round(found.uneven_wear_mm, 3),
        "flat_depth_mm": round(found.flat_depth_mm, 3),
        "flat_at_deg": round(found.flat_at_deg, 1),
    }}  # fmt: skip


def flats(file: Path) -> Report:
    """Return how deep flats are, from their chords. Raises BadEvidence."""
    from railtrace.analysis.wheel_profile import flat_depth

    told = []
    for line, row in enumerate(_rows(file, "length_mm", "diameter_mm"), 2):
        diameter = _millimetres(file, line, row, "diameter_mm", *DIAMETERS_MM)
        length = _number(file, line, row, "length_mm")
        told.append({"length_mm": length, "diameter_mm": diameter,
                     "depth_mm": round(flat_depth(length, diameter), 3)})  # fmt: skip
    return {"outcome": "measured", "flats": told,
            "parameters": {"deepest_mm": max(one["depth_mm"] for one in told)}}  # fmt: skip


def metal(file: Path) -> Report:
    """Return where the metal of one wheel went over its visits. Raises BadEvidence."""
    from railtrace.analysis.wheel_profile import WheelVisit, metal_balance

    rows = _rows(file, "came_mm", "left_mm")
    visits = [
        WheelVisit(
            _millimetres(file, line, row, "came_mm", 5.0, DIAMETERS_MM[1]),
            _millimetres(file, line, row, "left_mm", 5.0, DIAMETERS_MM[1]),
            _number(file, line, row, "damage_mm", 0.0),
            row.get("renewed", "").lower() in ("1", "true", "yes"),
        )
        for line, row in enumerate(rows, 2)
    ]  # fmt: skip
    found = metal_balance(visits)
    lost = visits[0].came_mm - visits[-1].left_mm
    return {
        "outcome": "questioned" if found.grown else "measured",
        "grown_at_visits": [index + 1 for index in found.grown],
        "parameters": {
            "wear_mm": round(found.wear_mm, 3), "turning_mm": round(found.turning_mm, 3),
            "damage_mm": round(found.damage_mm, 3), "renewed_mm": round(found.renewed_mm, 3),
            "lost_mm": round(lost, 3), "rest_mm": round(lost - found.total_mm, 6) + 0.0,
        },
    }  # fmt: skip


# --- what was written down ------------------------------------------------------------------------


def plausibility(file: Path) -> Report:
    """Return what looks written at a desk among operations, a JSON a line. Raises BadEvidence."""
    from railtrace.errors import BadEvidence, BadOperation
    from railtrace.interchange.jsonl import read_lines
    from railtrace.interchange.sent import read_operation
    from railtrace.projections.plausible import looked

    operations = []
    with file.open("rb") as stream:
        for number, text in read_lines(stream):
            read = read_operation(text)
            if isinstance(read, BadOperation):
                raise BadEvidence("{file}, line {line}: {problem}", reason="unreadable", file=file,
                                  line=number, problem=str(read))  # fmt: skip
            operations.append(read)
    if not operations:
        raise BadEvidence("{file} holds no operation", reason="too_short", file=file)
    found = [
        {"name": one.name, "operations": list(one.operations), "values": dict(one.values),
         "by_chance": float(f"{one.by_chance:.3g}")}
        for one in looked(operations)
    ]  # fmt: skip
    return {"outcome": "questioned" if found else "plausible", "looked_at": len(operations),
            "findings": found}  # fmt: skip


def ledger(file: Path) -> Report:
    """Return hits, misses and false alarms of each group of diagnoses. Raises BadEvidence."""
    from railtrace.analysis.diagnosis_record import records

    rows = _rows(file, "said", "found", "group")
    said, truth, group = ([row[key] for row in rows] for key in ("said", "found", "group"))
    found = _stated(lambda: records(said, truth, group), "words")
    return {"outcome": "counted", "groups": [
        {"group": one.group, "diagnoses": one.diagnoses, "hit": _share(one.hit),
         "miss": _share(one.miss), "false_alarm": _share(one.false_alarm),
         "looked_into": _share(one.looked_into)}
        for one in found
    ]}  # fmt: skip


def _share(of: "Share") -> Report:
    """Return a share with its exact interval of 90 %; of nothing there is no share."""
    return {"count": of.count, "of": of.of, "share": round(of.share, 4) if of.of else None,
            "low": round(of.low, 4), "high": round(of.high, 4)}  # fmt: skip


def lines_of(report: Report) -> list[str]:
    """Return what the text of a report says beside its outcome."""
    return [*_lines_of_wear(report), *_lines_of_differences(report), *_lines_of_findings(report),
            *_lines_of_ledger(report)]  # fmt: skip


def _lines_of_wear(report: Report) -> list[str]:
    return [
        f"  {wheel['unit']} {wheel['side']} {quantity}: {_line_of_wear(one, report['ahead_km'])}"
        for wheel in report.get("wheels", []) for quantity, one in wheel["parameters"].items()
    ]  # fmt: skip


def _line_of_wear(one: Report, ahead_km: float) -> str:
    told = (f"{one['level_mm']} mm, {one['rate_mm_per_10000_km']} ± {one['rate_within']} mm "
            "in 10,000 km")  # fmt: skip
    if "limit_mm" not in one:
        return told
    way = " … ".join("never" if km is None else f"{km:,}" for km in one["km_to_limit"])
    return (f"{told}; {one['limit_mm']} mm after {way} km, within {ahead_km:g} km with "
            f"{100 * one['chance']:.1f} %")  # fmt: skip


def _lines_of_differences(report: Report) -> list[str]:
    return [
        f"  {level} {one['of']}: {one['mm']} mm"
        + (f", {one['limit_mm']:g} mm allowed: {one['verdict']}" if "verdict" in one else "")
        for level, some in report.get("differences", {}).items() for one in some
    ]  # fmt: skip


def _lines_of_findings(report: Report) -> list[str]:
    return [
        f"  {one['name']}: {', '.join(one['operations'][:4])} (by chance {one['by_chance']:g})"
        for one in report.get("findings", [])
    ]


def _lines_of_ledger(report: Report) -> list[str]:
    def said(of: Report) -> str:
        return f"{of['count']} of {of['of']} ({of['low']:.2f} … {of['high']:.2f})"

    return [
        f"  {one['group']}: hits {said(one['hit'])}, misses {said(one['miss'])}, "
        f"false alarms {said(one['false_alarm'])}"
        for one in report.get("groups", [])
    ]


# --- reading --------------------------------------------------------------------------------------


def _rows(file: Path, *wanted: str) -> list[Row]:
    """Return the rows of a table with a header, parted by commas or semicolons."""
    from railtrace.errors import BadEvidence

    try:
        text = file.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadEvidence("{file} is no table with a header: {problem}", reason="unreadable",
                          file=file, problem=error) from error  # fmt: skip
    parted = ";" if text and ";" in text[0] else ","
    header, *rows = [row for row in csv.reader(text, delimiter=parted) if row] or [[]]
    names = [name.strip() for name in header]
    for name in wanted:
        if name not in names:
            raise BadEvidence("{file} has no column {name}; its columns are {columns}",
                              reason="columns", file=file, name=name,
                              columns=", ".join(names) or "none")  # fmt: skip
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise BadEvidence("{file}, line {line}: {n} cells, {wanted} columns; the file may be "
                              "cut", reason="unreadable", file=file, line=line, n=len(row),
                              wanted=len(names))  # fmt: skip
    if not rows:
        raise BadEvidence("{file} has a header and no row", reason="too_short", file=file)
    decimal = parted == ";"
    return [{name: cell.strip().replace(",", ".") if decimal else cell.strip()
             for name, cell in zip(names, row, strict=True)} for row in rows]  # fmt: skip


def _number(file: Path, line: int, row: Row, name: str, usual: float | None = None) -> float:
    from railtrace.errors import BadEvidence

    if usual is not None and not row.get(name):
        return usual
    try:
        value = float(row[name])
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadEvidence("{file}, line {line}: {name} is no number: {value}",
                          reason="not_a_number", file=file, line=line, name=name,
                          value=row[name] or "(empty)")  # fmt: skip
    return value


def _millimetres(file: Path, line: int, row: Row, name: str, low: float, high: float) -> float:
    from railtrace.errors import BadEvidence

    value = _number(file, line, row, name)
    if not low <= value <= high:
        raise BadEvidence("{file}, line {line}: {name} of {value:g} cannot be, it lies between "
                          "{low:g} and {high:g} mm: give millimetres", reason="units", file=file,
                          line=line, name=name, value=value, low=low, high=high)  # fmt: skip
    return value


def _stated(compute: Callable[[], Found], reason: str) -> Found:
    """Return what is computed; bad data become a refusal by name."""
    from railtrace.errors import BadData, BadEvidence

    try:
        return compute()
    except BadData as error:
        raise BadEvidence(error.template, reason=reason, **error.values) from error
