"""The chance of a run for a whole network: a table of hazards by type and age, looked up.

1.3 million wagons of 40 places are 52 million hazards; each is one of a few thousand in the
table, so they are added up column by column and never computed one by one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railtrace.analysis.exposure import AgeSpread, Ints
from railtrace.analysis.fleet_hazard import FleetHazard
from railtrace.analysis.life_data import Floats
from railtrace.analysis.run_reliability import hazards_at
from railtrace.errors import BadData

UNKNOWN = 0
"""The bin of a place whose age is missing: the mean over the ages of its type."""
_BINS = 254
_YOUNGEST_KM, _OLDEST_KM = 1_000.0, 5_000_000.0


@dataclass(frozen=True, eq=False)
class HazardTable:
    """Expected stopping failures over a run of one distance, by component and age bin.

    mean : shape (k, 255), the first column for a missing age
    edges_km : shape (253,), between the bins of known ages
    """

    mean: Floats
    edges_km: Floats
    distance_km: float


def hazard_table(
    fleet: FleetHazard, ages: AgeSpread, stops: Floats, distance_km: float
) -> HazardTable:
    """Return the table of a fleet for a distance; bins are two per cent wide in age."""
    edges = np.geomspace(_YOUNGEST_KM, _OLDEST_KM, _BINS - 1)
    middles = np.concatenate([[_YOUNGEST_KM / 2], np.sqrt(edges[:-1] * edges[1:]), [_OLDEST_KM]])
    kinds = len(stops)
    component = np.repeat(np.arange(kinds), _BINS)
    known = hazards_at(fleet, component, np.tile(middles, kinds), distance_km)
    bins = ages.age_km.shape[1]
    spread = hazards_at(fleet, np.repeat(np.arange(kinds), bins), ages.age_km.ravel(), distance_km)
    missing = np.sum(spread.reshape(kinds, bins) * ages.share, axis=1)
    table = np.column_stack([missing, known.reshape(kinds, _BINS)])
    table[ages.ageless] = missing[ages.ageless, None]
    return HazardTable(table * stops[:, None], edges, distance_km)


def bins_of(table: HazardTable, age_km: Floats) -> NDArray[np.uint8]:
    """Return the age bin of each place; a missing age has a bin of its own."""
    found = np.searchsorted(table.edges_km, np.nan_to_num(age_km), side="right") + 1
    return np.where(np.isnan(age_km), UNKNOWN, found).astype(np.uint8)


def network_chances(
    table: HazardTable, components: Ints, bins: NDArray[np.uint8], factor: Floats
) -> NDArray[np.float32]:
    """Return the chance of each unit of completing the run of the table.

    Parameters
    ----------
    components : shape (places,), the component type at each place of these units
    bins : shape (places, units), columns of one place each
    factor : shape (units,), of each unit's own frailty and driving

    Raises
    ------
    BadData : a place without a row of bins.
    """
    if bins.shape[0] != len(components) or bins.shape[1] != len(factor):
        raise BadData("the bins want one row for each place and one column for each unit")
    total = np.zeros(bins.shape[1], np.float32)
    rows = table.mean.astype(np.float32)
    for component, place in zip(components, bins, strict=True):
        total += rows[component].take(place)
    total *= factor.astype(np.float32)
    return np.exp(-total, out=total)
