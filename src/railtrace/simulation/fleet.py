"""The railway's vehicles and their parts on the day the trace begins."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from railtrace.catalogue.layout import positions
from railtrace.catalogue.rows import Catalogue
from railtrace.simulation.calendar import WEEK_MIN
from railtrace.simulation.laws import (
    Component,
    Detail,
    FleetRow,
    Floats,
    Laws,
    RepairKind,
    lognormal_mean_one,
)
from railtrace.trace.numbers import network_check_digit
from railtrace.trace.operation import Number

Ints = NDArray[np.int64]
NEVER = -1e9


@dataclass(slots=True)
class Part:
    """A part with a unit of its own."""

    unit: str
    type: str
    number: Number
    made: str | None
    maker: str = ""
    heat: str = ""
    batch: str = ""
    wheels: int = -1


@dataclass(slots=True)
class Vehicle:
    """A vehicle's unchanging side."""

    unit: str
    row: FleetRow
    vehicle_class: str
    log: str
    numbers: tuple[Number, ...]
    made: str | None
    programme: tuple[RepairKind, ...]
    slots: range = range(0)
    is_protected: bool = False


@dataclass(slots=True)
class Spare:
    """A part in stock: usable from a minute on, at its virtual age."""

    part: Part
    age_km: float
    ready_min: float


@dataclass(slots=True)
class Wheels:
    """The wheels of all wheelsets, left and right [mm; mm per km]."""

    flange: Floats
    tread: Floats
    rim: Floats
    flange_rate: Floats
    tread_rate: Floats


@dataclass(slots=True)
class Fleet:
    """Vehicles, and as columns what changes: one row a vehicle, one row a component's place."""

    vehicles: list[Vehicle]
    frailty: Floats
    wear_factor: Floats
    km: Floats
    free_min: Floats
    unreported_km: Floats
    last_km: Floats
    last_min: Floats
    gone: NDArray[np.bool_]
    couplings: list[list[int]]
    slot_vehicle: Ints
    slot_component: Ints
    slot_position: list[str]
    slot_part: list[Part | None]
    slot_wheels: Ints
    age_km: Floats
    age_at_start_km: Floats
    left: Floats
    shape: Floats
    scale_km: Floats
    wheels: Wheels
    stock: dict[int, deque[Spare]] = field(default_factory=dict)  # by component


class Foundry:
    """Makes units, their numbers and marks: unique, plausible, invented."""

    def __init__(self, laws: Laws, seed: int, year: int, prefix: str = "u") -> None:
        self._laws = laws
        self._prefix = prefix
        self._random = random.Random(seed)
        self._year = year
        self._count = 0
        self._serials: set[str] = set()

    def unit(self) -> str:
        """Return a new unit id."""
        self._count += 1
        return f"{self._prefix}-{self._count:06d}"

    def part(self, part_type: str, *, not_before: int = 0, made: int | None = None) -> Part:
        """Return a new part, its history unknown as often as the laws say, unless it is new."""
        law = self._laws.parts
        known = made is not None or self._random.random() >= self._laws.unknown_history_share
        first = max(law.made[0], min(not_before, self._year - 2))
        year = made or self._random.randint(first, min(law.made[1], self._year - 1))
        plant = self._random.choice(law.plants)
        number = self.serial(plant, year)
        if not known:
            return Part(self.unit(), part_type, number, None)
        heat = f"{1000 + self._random.randrange(law.heats_per_plant_year) * 7 + year % 100 * 37}"
        is_cast = part_type.startswith(("wheelset", "side_frame", "bolster"))
        return Part(
            self.unit(),
            part_type,
            number,
            f"{year}-{self._random.randint(1, 12):02d}",
            plant,
            heat if is_cast else "",
            "" if is_cast else f"{plant}/{year % 100:02d}-{self._random.randint(1, 9)}",
        )

    def serial(self, plant: str, year: int) -> Number:
        """Return a maker's number nobody else has: plant, serial, year."""
        while True:
            value = f"{plant}-{self._random.randrange(1000, 100_000)}-{year % 100:02d}"
            if value not in self._serials:
                self._serials.add(value)
                return Number(scheme="serial", value=value)

    def network_numbers(self, row: FleetRow, count: int, taken: set[str]) -> list[str]:
        """Return eight-digit numbers, spread over the row's prefixes, none of them taken."""
        found: list[str] = []
        for left, prefix in zip(range(len(row.network8), 0, -1), row.network8, strict=True):
            room = 7 - len(prefix)
            wanted = -(-(count - len(found)) // left)
            spare = min(10**room, wanted + len(taken))
            for serial in self._random.sample(range(10**room), spare):
                seven = f"{prefix}{serial:0{room}d}"
                if wanted and seven not in taken:
                    wanted -= 1
                    taken.add(seven)
                    found.append(seven + str(network_check_digit(seven)))
        return found


def found_fleet(
    laws: Laws, catalogue: Catalogue, detail: Detail, rng: np.random.Generator, scale: float,
    foundry: Foundry,
) -> Fleet:  # fmt: skip
    """Return the fleet on the first day."""
    vehicles: list[Vehicle] = []
    couplings: list[list[int]] = []
    taken: set[str] = set()
    for row in laws.fleet:
        _add_row(laws, catalogue, rng, foundry, row, scale, taken, vehicles, couplings)
    slots = list(_slots(laws, catalogue, detail, rng, foundry, vehicles))
    fleet = _columns(laws, rng, vehicles, couplings, slots)
    _fill_stock(laws, rng, foundry, fleet)
    return fleet


def _add_row(
    laws: Laws, catalogue: Catalogue, rng: np.random.Generator, foundry: Foundry, row: FleetRow,
    scale: float, taken: set[str], vehicles: list[Vehicle], couplings: list[list[int]],
) -> None:  # fmt: skip
    vehicle_class = catalogue.vehicle_types[row.type].vehicle_class
    count = max(1, round(row.count * scale))
    numbers = iter(foundry.network_numbers(row, count * len(row.sections), taken))
    homes = [log for log, weight in row.homes.items() for _ in range(weight)]
    for index in range(count):
        log = homes[index % len(homes)]
        coupled = []
        for section in row.sections:
            known = row.joins_week or rng.random() >= laws.unknown_history_share
            series = f"{row.series}-{row.first_number + index}{section}"
            alias = (Number(scheme="series", value=series),) if row.series else ()
            vehicle = Vehicle(
                foundry.unit(), row, vehicle_class, log,
                (Number(scheme="network8", value=next(numbers)), *alias),
                str(rng.integers(row.made[0], row.made[1] + 1)) if known else None,
                laws.programme(row.duty),
            )  # fmt: skip
            coupled.append(len(vehicles))
            vehicles.append(vehicle)
        couplings.append(coupled)


_Slot = tuple[int, int, str, Part | None]


def _slots(
    laws: Laws, catalogue: Catalogue, detail: Detail, rng: np.random.Generator, foundry: Foundry,
    vehicles: list[Vehicle],
) -> Iterator[_Slot]:  # fmt: skip
    places: dict[str, dict[str, list[str]]] = {}
    count = 0
    for index, vehicle in enumerate(vehicles):
        of_type = places.setdefault(vehicle.row.type, _places(catalogue, vehicle.row.type))
        is_new = vehicle.row.joins_week is not None
        in_trace = (
            is_new
            or vehicle.vehicle_class != "freight_wagon"
            or bool(rng.random() < detail.tracked_wagon_share)
        )
        first = count
        for number, component in enumerate(laws.components):
            if component.vehicle_class != vehicle.vehicle_class:
                continue
            for position in of_type.get(component.part_type, ()):
                part = None
                if component.tracked and in_trace:
                    made = vehicle.row.made[0]
                    part = foundry.part(
                        component.part_type, not_before=made, made=made if is_new else None
                    )
                yield index, number, position, part
                count += 1
        vehicle.slots = range(first, count)


def _places(catalogue: Catalogue, vehicle_type: str) -> dict[str, list[str]]:
    """Return the positions of each part type; "" is the vehicle as a whole."""
    places: dict[str, list[str]] = {"": [""]}
    for position in positions(catalogue, vehicle_type):
        places.setdefault(position.part_type, []).append(position.path)
    return places


def _columns(
    laws: Laws, rng: np.random.Generator, vehicles: list[Vehicle], couplings: list[list[int]],
    slots: list[_Slot],
) -> Fleet:  # fmt: skip
    count = len(vehicles)
    component = np.array([slot[1] for slot in slots], dtype=np.int64)
    scale_km = np.array([laws.components[i].scale_km for i in component])
    age_km = rng.uniform(0.0, 0.8, len(slots)) * scale_km
    age_km[[vehicles[slot[0]].row.joins_week is not None for slot in slots]] = 0.0
    shape_of_frailty = laws.frailty.sd**-2
    is_new = np.array([vehicle.row.joins_week is not None for vehicle in vehicles])
    # Whole kilometres: meters show no others, and the inventory enters them as counted.
    km = np.where(is_new, 0.0, np.floor(rng.uniform(2e5, 1.6e6, count)))
    fleet = Fleet(
        vehicles=vehicles,
        frailty=rng.gamma(shape_of_frailty, 1 / shape_of_frailty, count),
        wear_factor=lognormal_mean_one(rng, laws.wear.vehicle_sd, count),
        km=km,
        free_min=np.zeros(count),
        unreported_km=np.zeros(count),
        last_km=np.zeros((count, 5)),
        last_min=np.zeros((count, 5)),
        gone=np.zeros(count, dtype=np.bool_),
        couplings=couplings,
        slot_vehicle=np.array([slot[0] for slot in slots], dtype=np.int64),
        slot_component=component,
        slot_position=[slot[2] for slot in slots],
        slot_part=[slot[3] for slot in slots],
        slot_wheels=np.full(len(slots), -1, dtype=np.int64),
        age_km=age_km,
        age_at_start_km=age_km.copy(),
        left=rng.exponential(1.0, len(slots)),
        shape=np.array([laws.components[i].shape for i in component]),
        scale_km=scale_km,
        wheels=Wheels(*(np.zeros((0, 2)) for _ in range(5))),
    )
    _date_repairs(rng, fleet)
    for index in np.flatnonzero(is_new).tolist():
        joins_min = (vehicles[index].row.joins_week or 0) * WEEK_MIN
        fleet.free_min[index] = fleet.last_min[index] = joins_min
        fleet.last_km[index] = 0.0
    return fleet


def _date_repairs(rng: np.random.Generator, fleet: Fleet) -> None:
    """Place the last repair of each kind at random within its interval."""
    for index, vehicle in enumerate(fleet.vehicles):
        newest_km, newest_min = NEVER, NEVER
        for rank in reversed(range(len(vehicle.programme))):
            kind = vehicle.programme[rank]
            since = rng.uniform(0, 0.97)
            if np.isfinite(kind.interval_km):
                newest_km = max(newest_km, fleet.km[index] - since * kind.interval_km)
            else:
                newest_km = max(newest_km, fleet.km[index] - 1e5)
            days = min(kind.interval_days, 1500.0)
            newest_min = max(newest_min, -since * days * 1440)
            fleet.last_km[index, rank] = newest_km
            fleet.last_min[index, rank] = newest_min


def _fill_stock(laws: Laws, rng: np.random.Generator, foundry: Foundry, fleet: Fleet) -> None:
    """Cast the wheels of every wheelset, and put spare parts of each tracked type on the shelf."""
    fitted: dict[int, int] = {}
    wheelsets: list[Component] = []
    for slot, part in enumerate(fleet.slot_part):
        if part is None:
            continue
        number = int(fleet.slot_component[slot])
        fitted[number] = fitted.get(number, 0) + 1
        if part.type in laws.wear.wheelsets:
            part.wheels = fleet.slot_wheels[slot] = len(wheelsets)
            wheelsets.append(laws.components[number])
    for number, count in fitted.items():
        component = laws.components[number]
        shelf = fleet.stock.setdefault(number, deque())
        for _ in range(max(2, round(count * laws.parts.stock_share))):
            part = foundry.part(component.part_type)
            if component.part_type in laws.wear.wheelsets:
                part.wheels = len(wheelsets)
                wheelsets.append(component)
            shelf.append(Spare(part, float(rng.uniform(0, 0.3)) * component.scale_km, 0.0))
    fleet.wheels = cast_wheels(laws, rng, wheelsets)


def cast_wheels(
    laws: Laws, rng: np.random.Generator, components: list[Component], *, new: bool = False
) -> Wheels:
    """Return the wheels of wheelsets in mid-life, or new ones."""
    law, count = laws.wear, len(components)
    levels = [law.classes[component.vehicle_class] for component in components]
    axle = lognormal_mean_one(rng, law.axle_sd, (count, 1))
    low, high = (np.array([[level.rim_mm[i]] for level in levels]) for i in (0, 1))
    turned = np.array([[level.turn_below_flange_mm] for level in levels])
    worn = np.zeros((count, 2)) if new else rng.uniform(0, 1, (count, 1)) * np.ones((1, 2))
    tread = np.array([[level.turn_above_tread_mm] for level in levels])
    return Wheels(
        flange=law.new_flange_mm - worn * 0.9 * (law.new_flange_mm - turned),
        tread=worn * 0.8 * tread,
        rim=high - worn * (high - low),
        flange_rate=_rates(law.wheel_sd, rng, axle, [level.flange for level in levels]),
        tread_rate=_rates(law.wheel_sd, rng, axle, [level.tread for level in levels]),
    )


def _rates(sd: float, rng: np.random.Generator, axle: Floats, levels: list[float]) -> Floats:
    per_km = np.array(levels).reshape(-1, 1) * 1e-4
    return np.asarray(per_km * axle * lognormal_mean_one(rng, sd, (len(levels), 2)))
