"""What the condition of a component says of its next run: verdicts of diagnoses, and wear.

A verdict multiplies a hazard by what the method's own record makes it worth. Wear adds a hazard
of its own: that a limit is crossed under way, and that this stops the run. Both are told of every
place of a list, also of those that nobody looked at: their mean is the fleet's, their bound the
worst that the fleet has.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from scipy.stats import beta

from railtrace.analysis.exposure import Ints, sum_by
from railtrace.analysis.life_data import Floats
from railtrace.analysis.wear import WearState, crossing_chance
from railtrace.errors import BadData, CatalogueError

WORDS = ("sound", "watch", "contradicts", "alarm")
LATEST = "condition-2026-11"
_UPPER = 0.95
_SUREST = 1 - 1e-6


@dataclass(frozen=True)
class ConditionPrior:
    """A public prior file of conditions; each value is explained there."""

    version: str
    damage_share: Mapping[str, float]
    worth_cases: float
    unseen_share: float
    half_life_days: float
    most: float
    crossing_stops: float
    crossing_worth: float


def condition_prior(file: str = LATEST) -> ConditionPrior:
    """Return a public prior of conditions. Raises CatalogueError."""
    path = files("railtrace.analysis") / "priors" / f"{file}.toml"
    if not path.is_file():
        raise CatalogueError("no prior file {file}", file=file)
    read = tomllib.loads(path.read_text("utf-8"))
    return ConditionPrior(**{name: read[name] for name in ConditionPrior.__dataclass_fields__})


# --- verdicts -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What each verdict of one method is worth: factors on the hazard, in the order of `WORDS`.

    Attributes
    ----------
    share : shape (4,), how often the word is said
    mean, square : shape (4,), of the factor; averaged over `share` the mean is 1
    most : shape (4,), upper end of its 90 % band, told as if all others of the fleet were sound
    looked_into : verdicts whose truth is known
    """

    share: Floats
    mean: Floats
    square: Floats
    most: Floats
    looked_into: int

    @property
    def unknown_square(self) -> float:
        """The mean square of the factor of a component that nobody judged."""
        return float(self.share @ self.square)

    @property
    def worst(self) -> float:
        """The bound of a component that nobody judged."""
        return float(np.max(self.most))


def verdicts(said: Sequence[str], found: Sequence[str], prior: ConditionPrior) -> Verdicts:
    """Return what a method's verdicts are worth by what was found out later.

    Parameters
    ----------
    said : words of `WORDS`
    found : `damage`, `no_damage` or `unknown` of each

    Raises
    ------
    BadData : another word; columns of different length.

    Notes
    -----
    Of each word, the share that proves damaged is counted among those looked into, for alarms are
    looked into oftener than sound verdicts (Begg & Greenes 1983); its posterior is Beta. A damaged
    component fails 1 / unseen_share times as often as a sound one. Divided by the mean over all
    words, the factors leave the level of the fleet where it is.

    A bound is divided by the least that mean can be, a fleet of nothing but the soundest word: by
    the mean itself one sound verdict less would lower the bound of all that nobody judged.
    """
    words, truth = np.asarray(said, str), np.asarray(found, str)
    if words.shape != truth.shape:
        raise BadData("verdicts and findings go in pairs")
    if unknown := set(words.tolist()) - set(WORDS):
        raise BadData("{word} is no verdict: {known}", word=sorted(unknown)[0],
                      known=", ".join(WORDS))  # fmt: skip
    at = np.array([WORDS.index(word) for word in words.tolist()], int)
    count = np.bincount(at, minlength=len(WORDS)).astype(float)
    damaged, sound = (np.bincount(at[truth == word], minlength=len(WORDS)).astype(float)
                      for word in ("damage", "no_damage"))  # fmt: skip
    assumed = np.array([prior.damage_share[word] for word in WORDS])
    first = damaged + prior.worth_cases * assumed
    second = sound + prior.worth_cases * (1 - assumed)
    share = (count + 1 / len(WORDS)) / (count.sum() + 1)
    return _factors(share, first, second, prior, int((damaged + sound).sum()))


def _factors(
    share: Floats, first: Floats, second: Floats, prior: ConditionPrior, looked_into: int
) -> Verdicts:
    s, total = prior.unseen_share, first + second
    middle = first / total
    spread = middle * (1 - middle) / (total + 1)
    mean = s + (1 - s) * middle
    level = float(share @ mean)
    mean = np.clip(mean / level, 1 / prior.most, prior.most)
    mean = mean / float(share @ mean)
    most = (s + (1 - s) * beta.ppf(_UPPER, first, second)) / (s + (1 - s) * float(np.min(middle)))
    return Verdicts(
        share, mean, mean**2 + ((1 - s) / level) ** 2 * spread,
        np.maximum(np.minimum(most, prior.most), mean), looked_into,
    )  # fmt: skip


@dataclass(frozen=True)
class CrossingStops:
    """How often a limit that is crossed under way ends the run: mean, variance, upper bound."""

    mean: float
    variance: float
    most: float
    crossed: int


def crossing_stops(stopped: int, crossed: int, prior: ConditionPrior) -> CrossingStops:
    """Return how often crossings end runs, of so many crossings that so many failures ended.

    Raises BadData where more stopped than crossed.
    """
    if not 0 <= stopped <= crossed:
        raise BadData("{stopped} of {crossed} crossings stopped a run: more than there were",
                      stopped=stopped, crossed=crossed)  # fmt: skip
    first = stopped + prior.crossing_worth * prior.crossing_stops
    second = crossed - stopped + prior.crossing_worth * (1 - prior.crossing_stops)
    mean = first / (first + second)
    return CrossingStops(mean, mean * (1 - mean) / (first + second + 1),
                         max(float(beta.ppf(_UPPER, first, second)), mean), crossed)  # fmt: skip


# --- conditions of places ---------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Condition:
    """How the condition of some places bends their hazards over one run; each of shape (n,).

    factor, factor_square, factor_most : mean, mean square and bound of what multiplies a hazard
    added, added_variance, added_most : of the hazard that wear adds over the run
    """

    factor: Floats
    factor_square: Floats
    factor_most: Floats
    added: Floats
    added_variance: Floats
    added_most: Floats


def nothing_known(places: int) -> Condition:
    """Return the condition of places of which nobody judges anything and nothing wears."""
    one, nought = np.ones(places), np.zeros(places)
    return Condition(one, one, one, nought, nought, nought)


@dataclass(frozen=True, eq=False)
class WearAt:
    """Worn parameters of places now, with the limits they wear towards; one row a parameter.

    Attributes
    ----------
    place : shape (m,), index into the list of places
    key : shape (m,), which parameter of its component type; the same wheel has one of each
    state : shape (m,)
    limit, rising : shape (m,)
    stops : of crossings, how many end a run
    unmeasured : shape (k, 2), pairs (place, key) that wear and were never measured there
    """

    place: Ints
    key: Ints
    state: WearState
    limit: Floats
    rising: np.ndarray
    stops: "CrossingStops"
    unmeasured: Ints

    def hazards(self, distance_km: float) -> Floats:
        """Return the hazard that a limit is crossed within a run.

        What lies over its limit already crosses nothing: that is the gate's, and no chance.
        """
        found = np.empty(len(self.place))
        for rising in (False, True):
            mine = self.rising == rising
            chance = crossing_chance(
                _some(self.state, mine), self.limit[mine], rising,
                np.tile([0.0, distance_km], (int(mine.sum()), 1)),
            )  # fmt: skip
            found[mine] = -np.log1p(-np.clip(chance[:, 1] - chance[:, 0], 0.0, _SUREST))
        return found

    def added(self, places: int, distance_km: float) -> tuple[Floats, Floats, Floats]:
        """Return mean, variance and bound of the hazard that wear adds to each place.

        A parameter that nobody measured there has the mean of the fleet's, and for its bound the
        worst of the fleet's.
        """
        hazard, (at, of) = self.hazards(distance_km), self.unmeasured.T
        keys = int(max(self.key.max(initial=-1), of.max(initial=-1))) + 1
        count = np.maximum(np.bincount(self.key, minlength=keys), 1)
        mean = sum_by(self.key, hazard, keys) / count
        variance = np.maximum(sum_by(self.key, hazard**2, keys) / count - mean**2, 0.0)
        most = np.zeros(keys)
        np.maximum.at(most, self.key, hazard)
        known, stops = sum_by(self.place, hazard, places), self.stops
        told = known + sum_by(at, mean[of], places)
        spread = sum_by(at, variance[of], places)
        return (
            stops.mean * told,
            stops.mean**2 * spread + stops.variance * told**2,
            stops.most * (known + sum_by(at, most[of], places)),
        )


def _some(state: WearState, rows: np.ndarray) -> WearState:
    return WearState(*(getattr(state, name)[rows] for name in WearState.__dataclass_fields__))


def faded(
    said: Verdicts, word: str, days: float, prior: ConditionPrior
) -> tuple[float, float, float]:
    """Return mean, mean square and bound of a verdict's factor, some days after it was given.

    It fades towards what is known of a component that nobody judged.
    """
    n, left = WORDS.index(word), 0.5 ** (max(days, 0.0) / prior.half_life_days)
    return (
        1 - left + left * float(said.mean[n]),
        (1 - left) * said.unknown_square + left * float(said.square[n]),
        said.worst + left * (float(said.most[n]) - said.worst),
    )
