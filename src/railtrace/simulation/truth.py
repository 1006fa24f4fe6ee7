"""What the simulated railway knows of itself. Only scoring and tests read it."""

from pathlib import Path

import msgspec
from msgspec import Struct, field


class Life(Struct, frozen=True, array_like=True):
    """One life of a component at its place: virtual ages [km] from entry to exit."""

    part_type: str
    vehicle: str
    position: str
    part: str
    entry_age_km: float
    exit_age_km: float
    failed: bool
    exit_min: int


class Vehicle(Struct, frozen=True, array_like=True):
    """What makes a vehicle different from its sisters for ever."""

    unit: str
    frailty: float
    wear_factor: float


class WheelRates(Struct, frozen=True, array_like=True):
    """Wear of a wheelset's wheels, left and right, without the vehicle's factor [mm per km]."""

    unit: str
    flange: tuple[float, float]
    tread: tuple[float, float]


class Worn(Struct, frozen=True, array_like=True):
    """A wheelset's wheels at a moment that was asked for, left and right [mm]."""

    unit: str
    vehicle: str
    flange: tuple[float, float]
    tread: tuple[float, float]


class Contradiction(Struct, frozen=True):
    """Something planted that the views must find."""

    kind: str
    units: tuple[str, ...]
    operations: tuple[str, ...]


class Double(Struct, frozen=True):
    """A planted ghost or twin: how it is to be found, and what it is in truth."""

    kind: str
    truth: str
    units: tuple[str, ...]
    operations: tuple[str, ...]


class RecallCase(Struct):
    """The recall of side frames: where its parts are at the end."""

    recall: str = ""
    installed: dict[str, str] = field(default_factory=dict)
    stock: list[str] = field(default_factory=list)
    condemned: list[str] = field(default_factory=list)
    wagons_home: list[str] = field(default_factory=list)
    wagon_abroad: str = ""


class Truth(Struct):
    """Filled while a railway is generated; complete when the generator is used up."""

    laws_version: int = 0
    seed: int = 0
    start: str = ""
    end: str = ""
    vehicles: list[Vehicle] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    wheels: list[WheelRates] = field(default_factory=list)
    gauge_bias_mm: dict[str, float] = field(default_factory=dict)
    quality: dict[str, list[float]] = field(default_factory=dict)
    mileage_km: dict[str, float] = field(default_factory=dict)
    written_off: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    doubles: list[Double] = field(default_factory=list)
    misrecorded_km: dict[str, float] = field(default_factory=dict)
    recall: RecallCase = field(default_factory=RecallCase)
    fuel_factor: dict[str, float] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Of each failure by its operation."""
    look_at: str = ""
    """A moment at which the wheels are to be looked at in truth; set before the life begins."""
    worn: list[Worn] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Keep the truth beside the trace, as JSON."""
        path.write_bytes(msgspec.json.encode(self))


def read_truth(path: Path) -> Truth:
    """Read a truth that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=Truth)
