"""The laws a simulated railway lives by: parameters from `laws.toml`, and their mathematics.

docs/simulation.md states each law in words and formulas. Nothing here draws random numbers or
knows operations: `railway.py` does.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

SHIPPED = Path(__file__).with_name("laws.toml")
WEEKS_PER_YEAR = 365.25 / 7

VehicleClass = Literal["locomotive", "coach", "freight_wagon", "special"]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Floats = NDArray[np.float64]


class _Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The manners of every table of the laws."""


class Site(_Row, frozen=True):
    """A depot: its log and key, who works there, how long it takes to enter what was done."""

    log: str
    ru: str
    en: str
    tg: str
    people: tuple[int, int]
    delay_median_min: Positive
    delay_spread: Positive


class FleetRow(_Row, frozen=True):
    """Vehicles of one type; a locomotive is its sections. `joins_week`: bought new, then."""

    type: str
    count: int
    network8: tuple[str, ...]
    made: tuple[int, int]
    duty: str
    homes: dict[str, int]
    series: str = ""
    sections: tuple[str, ...] = ("",)
    first_number: int = 1
    joins_week: int | None = None


class Component(_Row, frozen=True):
    """Weibull life [km] of a component at each of its positions, and how it is mended."""

    vehicle_class: VehicleClass
    part_type: str
    shape: Positive
    scale_km: Positive
    kijima_q: Share
    exchange: Share
    tracked: bool
    classes: tuple[float, float, float]
    modes: tuple[str, ...]


class Parts(_Row, frozen=True):
    """Where parts come from and what becomes of them after a failure."""

    made: tuple[int, int]
    plants: tuple[str, ...]
    heats_per_plant_year: int
    stock_share: Share
    workshop_days: tuple[int, int]
    condemned_share: Share
    purchase_lead_days: int


class Frailty(_Row, frozen=True):
    """Gamma with mean 1: what makes one vehicle fail more than its sisters for ever."""

    sd: Positive


class Quality(_Row, frozen=True):
    """How a locomotive is driven: AR(1) by week; bad driving raises hazard and is recorded."""

    persistence: Share
    effect: float
    violations_per_week: float
    violation_effect: float
    rules: tuple[str, ...]


class Season(_Row, frozen=True):
    """Yearly waves."""

    hazard_amplitude: Share
    hazard_peak_week: float
    passenger_amplitude: Share
    passenger_peak_week: float


class WearLevel(_Row, frozen=True):
    """Wear of a vehicle class [mm per 10⁴ km] and when its wheels are turned or given up [mm]."""

    flange: Positive
    tread: Positive
    turn_below_flange_mm: float
    turn_above_tread_mm: float
    rim_mm: tuple[float, float]
    least_rim_mm: float


class Wear(_Row, frozen=True):
    """Hierarchical wheel wear, the gauges that see it and the lathe that ends it."""

    vehicle_sd: float
    axle_sd: float
    wheel_sd: float
    gauge_error_sd_mm: Positive
    gauge_bias_sd_mm: float
    cut_mm: float
    cut_per_flange_mm: float
    new_flange_mm: float
    wheelsets: dict[str, str]
    gauges: tuple[str, ...]
    lathe: str
    classes: dict[VehicleClass, WearLevel]


class LocomotiveRuns(_Row, frozen=True):
    """A week of a locomotive on one duty."""

    week_km: Positive
    spread: float
    hours: float
    mass_t: Positive
    kg_per_10000_tkm: Positive
    routes: tuple[str, ...]
    north_routes: tuple[str, ...]


class Train(_Row, frozen=True):
    """Sets of coaches that run together."""

    train: str
    route: str
    home: str
    sets: int
    coaches: int
    distance_km: Positive
    trip_h: Positive
    trips: int
    abroad: bool


class FreightRuns(_Row, frozen=True):
    """A week of a block of wagons."""

    week_km: Positive
    spread: float
    share_abroad: Share
    abroad_week_km: Positive
    routes: tuple[str, ...]
    north_routes: tuple[str, ...]
    abroad_places: tuple[str, ...]


class Runs(_Row, frozen=True):
    """Who runs how far."""

    locomotive: dict[str, LocomotiveRuns]
    trains: tuple[Train, ...]
    freight: FreightRuns


class Traffic(_Row, frozen=True):
    """What crews, wayside devices and commissions write down of traffic."""

    north_logs: tuple[str, ...]
    crews: int
    mass_spread: Positive
    fuel_unit_sd: Positive
    fuel_effect: float
    fuel_winter: float
    fuel_noise_sd: Positive
    route_fuel: dict[str, float]
    delay_share: Share
    delay_median_min: Positive
    delay_causes: tuple[str, ...]
    remark_share: Share
    remarks: tuple[str, ...]
    alarms_per_week: dict[str, float]
    alarms_confirmed: dict[str, float]
    alarms_unchecked: Share
    alarm_posts: tuple[str, ...]
    comfort_per_week: Share
    comfort_codes: tuple[str, ...]
    origin_decided: Share
    origin_right: Share
    origin_disputed: Share
    origin_shares: dict[str, dict[str, float]]
    commissions: tuple[str, ...]


class RepairKind(_Row, frozen=True):
    """One kind of planned repair; due by kilometres or days, whichever comes first."""

    kind: str
    downtime_h: Positive
    interval_km: float = float("inf")
    interval_days: float = float("inf")
    measures: bool = False


class Programme(_Row, frozen=True):
    """The planned repairs of some duties; a later kind includes the earlier ones."""

    duties: tuple[str, ...]
    kinds: tuple[RepairKind, ...]


class UnplannedRepair(_Row, frozen=True):
    """Repair after a failure."""

    kinds: dict[VehicleClass, str]
    median_h: dict[VehicleClass, float]
    spread: float
    tested_share: Share


class Recording(_Row, frozen=True):
    """How people write down what happens."""

    late_share: Share
    late_days: tuple[int, int]
    corrected_share: Share
    replaced_meters: Share
    defect_share: Share
    written_off_per_year: Share


class Detail(_Row, frozen=True):
    """How finely life is written down."""

    loco_runs_per_week: int
    wagon_run_weeks: int
    wagon_block: int
    tracked_wagon_share: Share
    local_trips_per_run: int
    coach_block: int
    inspections_per_week: Share
    meter_read_weeks: int


class Laws(_Row, frozen=True):
    """Everything a simulated railway obeys. One version and seed, one railway."""

    version: Literal[2]
    weeks: int
    utc_offset_h: int
    unknown_history_share: Share
    sites: tuple[Site, ...]
    fleet: tuple[FleetRow, ...]
    components: tuple[Component, ...]
    parts: Parts
    frailty: Frailty
    quality: Quality
    season: Season
    wear: Wear
    runs: Runs
    traffic: Traffic
    programmes: tuple[Programme, ...]
    repair: UnplannedRepair
    recording: Recording
    detail: dict[str, Detail]

    def programme(self, duty: str) -> tuple[RepairKind, ...]:
        """Return the planned repairs of a duty, least first."""
        return next((p.kinds for p in self.programmes if duty in p.duties), ())


def load_laws(path: Path = SHIPPED) -> Laws:
    """Read laws from TOML."""
    with path.open("rb") as file:
        return laws_from(tomllib.load(file))


def laws_from(tables: dict[str, Any]) -> Laws:
    """Return the laws written in tables, as of a TOML file."""
    return msgspec.convert(tables, Laws)


def cumulative_hazard(age_km: Floats, shape: Floats, scale_km: Floats) -> Floats:
    """Return the Weibull cumulative hazard H(a) = (a / scale) ** shape."""
    return np.asarray((age_km / scale_km) ** shape)


def km_to_failure(
    age_km: Floats, left: Floats, factor: Floats, shape: Floats, scale_km: Floats
) -> Floats:
    """Return the kilometres from age to the failure, when `left` hazard remains to be used up.

    Solves factor · (H(age + x) - H(age)) = left for x; `factor` is constant over the way.
    """
    used = cumulative_hazard(age_km, shape, scale_km)
    return np.asarray(scale_km * (used + left / factor) ** (1 / shape) - age_km)


def kijima_age(age_at_start_km: float, age_at_failure_km: float, q: float) -> float:
    """Return the virtual age after repair, Kijima type I: what was lived since counts q-fold."""
    return age_at_start_km + q * (age_at_failure_km - age_at_start_km)


def wave(week_of_year: float, amplitude: float, peak_week: float) -> float:
    """Return a yearly factor of mean 1."""
    return float(1 + amplitude * np.cos(2 * np.pi * (week_of_year - peak_week) / WEEKS_PER_YEAR))


def lognormal_mean_one(rng: np.random.Generator, sd: float, size: int | tuple[int, ...]) -> Floats:
    """Draw lognormal factors of mean 1; `sd` is that of the logarithm."""
    return rng.lognormal(-(sd**2) / 2, sd, size)
