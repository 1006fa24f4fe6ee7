"""Real component histories of the literature, as operations of a demo railway of their own.

`data/README.md` cites the sources. The tables give ages, not dates: every locomotive, engine and
control is entered with an assumed date, and every operation says so. Nothing else is made up.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from railtrace.simulation.clerks import Sent
from railtrace.trace.operation import (
    Failed,
    Inspected,
    Installed,
    Number,
    Operation,
    Ran,
    Registered,
    Removed,
)

LOG = "literature"
DATA = Path(__file__).with_name("data")
KM_PER_KMILE = Decimal("1609.344")
END_OF_OBSERVATION = "конец наблюдения"

# Assumed: the day on which each study stopped looking; a date of entry is that day less the age.
GRIDS_SEEN_UNTIL = datetime(1990, 1, 1, tzinfo=UTC)
SEATS_SEEN_UNTIL = datetime(1988, 1, 1, tzinfo=UTC)
CONTROLS_ENTERED = datetime(1975, 1, 1, tzinfo=UTC)
CONTROLS_SEEN = datetime(1977, 1, 1, tzinfo=UTC)

_GRIDS = "Doganaksoy, Nelson 1998"
_SEATS = "Nelson, Doganaksoy 1989; Nelson 1995"
_CONTROLS = "Nelson 1982, p. 33"


def histories(recorded_at: datetime) -> Iterator[Sent]:
    """Yield the three histories as operations for the log `literature`."""
    number = 0
    for operations in (braking_grids(), valve_seats(), locomotive_controls()):
        for kind, fields in operations:
            number += 1
            yield Sent(LOG, _operation(f"lit-{number:05d}", kind, fields), recorded_at)


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table in `data`."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


_Fact = tuple[type[Operation], dict[str, Any]]


def braking_grids() -> Iterator[_Fact]:
    """Yield grids fitted, failed and replaced; days are exact, the day of entry is assumed."""
    for name, stays in _grouped("braking_grids_33_locomotives", "locomotive").items():
        locomotive = f"u-lit-locomotive-{name}"
        entered = GRIDS_SEEN_UNTIL - timedelta(days=int(stays[-1]["stop_day"]))
        yield _registered(locomotive, "diesel_locomotive", entered, name, _GRIDS)
        for index, stay in enumerate(stays, 1):
            grid = f"u-lit-grid-{name}-{index}"
            fitted, stopped = (entered + timedelta(days=int(stay[k])) for k in _STAY)
            place = {"units": (grid,), "carrier": locomotive, "position": "braking_grid"}
            yield _registered(grid, "braking_grid", fitted, "", _GRIDS, batch=stay["batch"])
            yield Installed, place | {"happened_at": fitted + _hours(3)}
            if stay["replacement"] == "1":
                yield _failed(grid, stopped, "замена тормозных резисторов", "braking_grid")
                reason = {"reason": "замена", "happened_at": stopped + _hours(1)}
                yield Removed, place | reason
            else:
                yield _seen_last(locomotive, stopped)


def valve_seats() -> Iterator[_Fact]:
    """Yield seats replaced in engines; which of the 16 seats it was is not published."""
    for name, events in _grouped("valve_seats_41_engines", "engine").items():
        engine = f"u-lit-engine-{name}"
        entered = SEATS_SEEN_UNTIL - timedelta(days=int(events[-1]["day"]))
        yield _registered(engine, "diesel_of_16_valves", entered, name, _SEATS)
        for index, event in enumerate(events, 1):
            at = entered + timedelta(days=int(event["day"]), minutes=index)
            if event["replacement"] == "0":
                yield _seen_last(engine, at)
                continue
            seat = f"u-lit-seat-{name}-{index}"
            yield _failed(engine, at, "замена седла клапана", "")
            yield _registered(seat, "valve_seat", at, "", _SEATS)
            yield (
                Installed,
                {"units": (seat,), "carrier": engine, "happened_at": at + _hours(3),
                 "note": "какое из 16 сёдел заменено, не опубликовано"},
            )  # fmt: skip


def locomotive_controls() -> Iterator[_Fact]:
    """Yield controls run to failure or to the end; kilometres are exact, all dates assumed."""
    table = rows("locomotive_controls_96")
    lives = [row for row in table for _ in range(int(row["count"]))]
    for index, life in enumerate(lives, 1):
        locomotive, control = f"u-lit-carrier-{index:02d}", f"u-lit-control-{index:02d}"
        yield _registered(locomotive, "diesel_locomotive", CONTROLS_ENTERED, "", _CONTROLS)
        yield _registered(control, "locomotive_control", CONTROLS_ENTERED, "", _CONTROLS)
        yield (
            Installed,
            {"units": (control,), "carrier": locomotive, "position": "control",
             "happened_at": CONTROLS_ENTERED + _hours(3)},
        )  # fmt: skip
        km = Decimal(life["kmiles"]) * KM_PER_KMILE
        yield Ran, {"units": (locomotive,), "happened_at": CONTROLS_SEEN, "distance_km": f"{km:f}"}
        if life["failed"] == "1":
            yield _failed(control, CONTROLS_SEEN + _hours(1), "отказ", "control")
        else:
            yield _seen_last(locomotive, CONTROLS_SEEN + _hours(1))


_STAY = ("start_day", "stop_day")


def _grouped(table: str, key: str) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows(table):
        groups.setdefault(row[key], []).append(row)
    return groups


def _hours(hours: int) -> timedelta:
    """Order within a day of which only the date is meant."""
    return timedelta(hours=hours)


def _registered(
    unit: str, type_: str, at: datetime, number: str, source: str, batch: str = ""
) -> _Fact:
    numbers = (Number(scheme="other", value=number),) if number else ()
    return (
        Registered,
        {"units": (unit,), "type": type_, "happened_at": at + _hours(2), "numbers": numbers,
         "batch": batch, "note": source, "home_site": LOG},
    )  # fmt: skip


def _failed(unit: str, at: datetime, mode: str, place: str) -> _Fact:
    return Failed, {"units": (unit,), "happened_at": at, "mode": mode, "place": place}


def _seen_last(unit: str, at: datetime) -> _Fact:
    return Inspected, {"units": (unit,), "happened_at": at, "scope": END_OF_OBSERVATION}


def _operation(id_: str, kind: type[Operation], fields: dict[str, Any]) -> Operation:
    return kind(
        id=id_,
        time_precision="day",
        zone_source="assumed",
        basis="assumed",
        site=LOG,
        **fields,
    )
