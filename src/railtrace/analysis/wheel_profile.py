"""One wheel: its parameters from the scanned profile, what differs, what to turn off, what it cost.

A profile is scanned across the rim: `x_mm` from the back (inner) face of the wheel towards the
field side, `y_mm` up from the axle side, so that the flange is a hill near x = 20 mm and the tread
datum lies at x = 70 mm (L2). Lengths are mm throughout.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import median_filter

from railtrace.analysis.recording import Array
from railtrace.errors import BadEvidence

LEAST_REACH_MM = 80.0
LEAST_POINTS = 100
DATUM_WINDOW_MM = 6.0
TIP_WINDOW_MM = 4.0
FLANK_WINDOW_MM = 2.0
MOST_GAP_MM = 2.0
LEAST_FLANGE_MM = 15.0
TREAD_FROM_MM, TREAD_TO_MM = 55.0, 125.0
LONGEST_SPAN_MM, SHORTEST_SPAN_MM = 250.0, 60.0


@dataclass(frozen=True)
class Conventions:
    """Where a profile is measured: L1, L2, L3 and the height of a new flange [mm].

    They are a row of the catalogue and are passed in. On the new 1520 mm profile 10 mm above the
    datum and 18 mm below the flange tip are one height; on a worn tread they are not, so the row
    says which holds.
    """

    below_tip_mm: float
    datum_mm: float
    above_datum_mm: float
    new_flange_height_mm: float
    thickness_below_tip_mm: float | None = None


@dataclass(frozen=True)
class Profile:
    """A checked scan: shape (n,) each, x ascending [mm]."""

    x_mm: Array
    y_mm: Array


@dataclass(frozen=True)
class WheelParameters:
    """What is read off one profile [mm]; `diameter_mm`, `rim_mm` only where the scan carries them.

    Sd flange thickness, Sh flange height, qR flange gradient; `tread_wear_mm` is Sh less the new
    flange height (прокат); `hollow_mm` is how deep the tread lies under the line from the flange
    side to the highest point of the field side.
    """

    flange_thickness_mm: float
    flange_height_mm: float
    flange_gradient_mm: float
    tread_wear_mm: float
    hollow_mm: float
    diameter_mm: float | None = None
    rim_mm: float | None = None


def profile(x_mm: ArrayLike, y_mm: ArrayLike) -> Profile:
    """Return a scan that can be measured.

    Parameters
    ----------
    x_mm, y_mm : shape (n,), x from the back face, n >= 100
        Points in any order of travel; they are sorted by x, which a flange that leans over defies:
        such points are measured on the flank separately.

    Raises
    ------
    BadEvidence : with reason `not_a_profile`, `not_a_number`, `units`, `too_short`, `gap` or
        `no_flange`.
    """
    x, y = np.asarray(x_mm, dtype=float), np.asarray(y_mm, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise BadEvidence("A profile is two columns of one length", reason="not_a_profile")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise BadEvidence(
            "The profile holds values that are not numbers: scan again", reason="not_a_number"
        )
    _check_extent(x, y)
    order = np.argsort(x, kind="stable")
    found = Profile(x[order], y[order])
    _check_whole(found)
    return found


def contour(points: Sequence[tuple[float, float]]) -> Profile:
    """Return a profile that is given by its corners, as a scan; raises BadEvidence as `profile`."""
    x, y = np.array(points, dtype=float).T
    fine = np.arange(x[0], x[-1] + 1e-9, 0.2)
    return profile(fine, np.interp(fine, x, y))


def parameters(
    found: Profile,
    conventions: Conventions,
    axle_height_mm: float | None = None,
    rim_inner_radius_mm: float | None = None,
) -> WheelParameters:
    """Return the parameters of one profile [mm].

    Parameters
    ----------
    axle_height_mm : y of the wheel's axis in the scan's coordinates, if the scanner knows it;
        gives the diameter.
    rim_inner_radius_mm : radius of the rim's inner edge, if known; with the diameter gives the rim.

    Raises
    ------
    BadEvidence : reason `flank` if the scan misses the flank at the height asked for.

    Source: MiniProf definitions of Sd, Sh and qR (L1 = 2, L2 = 70, L3 = 10 mm). Each is a local
    parabola's value, so gauge noise averages out; checked against analytic profiles.
    """
    datum = datum_height(found, conventions.datum_mm)
    tip_x, tip = flange_tip(found)
    height = tip - datum
    thickness_at = datum + conventions.above_datum_mm
    if conventions.thickness_below_tip_mm is not None:
        thickness_at = tip - conventions.thickness_below_tip_mm
    thickness = flank_position(found, thickness_at, tip_x)
    foot = flank_position(found, datum + conventions.above_datum_mm, tip_x)
    shoulder = flank_position(found, tip - conventions.below_tip_mm, tip_x)
    diameter = None if axle_height_mm is None else 2 * (datum - axle_height_mm)
    rim = None
    if diameter is not None and rim_inner_radius_mm is not None:
        rim = diameter / 2 - rim_inner_radius_mm
    return WheelParameters(
        flange_thickness_mm=thickness,
        flange_height_mm=height,
        flange_gradient_mm=foot - shoulder,
        tread_wear_mm=height - conventions.new_flange_height_mm,
        hollow_mm=hollow(found),
        diameter_mm=diameter,
        rim_mm=rim,
    )


def datum_height(found: Profile, datum_mm: float) -> float:
    """Return the height of the tread at its datum [mm]."""
    near = np.abs(found.x_mm - datum_mm) <= DATUM_WINDOW_MM
    return _at_zero(found.x_mm[near] - datum_mm, found.y_mm[near], 2)


def flange_tip(found: Profile) -> tuple[float, float]:
    """Return x and y of the top of the flange [mm]."""
    rough = float(found.x_mm[np.argmax(found.y_mm)])
    near = np.abs(found.x_mm - rough) <= TIP_WINDOW_MM
    curve = np.polyfit(found.x_mm[near] - rough, found.y_mm[near], 4)
    x = float(np.clip(_peak(curve), -TIP_WINDOW_MM, TIP_WINDOW_MM))
    return rough + x, float(np.polyval(curve, x))


def flank_position(found: Profile, height_mm: float, tip_x_mm: float) -> float:
    """Return x of the working flank of the flange at a height [mm]; raises BadEvidence."""
    flank = (found.x_mm >= tip_x_mm - 1) & (found.x_mm <= tip_x_mm + 30)
    x, y = found.x_mm[flank], found.y_mm[flank]
    if not len(y) or not y.min() < height_mm < y.max():
        raise BadEvidence(
            "The scan misses the flank at height {height:.1f} mm: scan again from the flange tip",
            reason="flank",
            height=height_mm,
        )
    around = _crossing(x, y, height_mm)
    steep = np.abs(x - around) <= _flank_window(x, y, around)
    if steep.sum() < 5:
        raise BadEvidence(
            "Only {n} points lie on the flank near height {height:.1f} mm: scan finer",
            reason="flank",
            n=int(steep.sum()),
            height=height_mm,
        )
    return _inverse(x[steep], y[steep], height_mm, around)


def hollow(found: Profile) -> float:
    """Return how far the worn tread lies under the highest field-side point beyond it [mm]."""
    tread = (found.x_mm >= TREAD_FROM_MM) & (found.x_mm <= TREAD_TO_MM)
    x, y = found.x_mm[tread], _running_mean(found.x_mm[tread], found.y_mm[tread], 2.0)
    field_top = np.maximum.accumulate(y[::-1])[::-1]
    inside = x <= TREAD_TO_MM - 10
    return float(max(0.0, (field_top - y)[inside].max()))


def flat_depth(length_mm: float, diameter_mm: float) -> float:
    """Return the depth of a flat from its chord on the tread [mm]."""
    radius = diameter_mm / 2
    if not 0 <= length_mm < diameter_mm:
        raise BadEvidence(
            "A flat of {length} mm on a wheel of {diameter} mm cannot be: give millimetres",
            reason="units",
            length=length_mm,
            diameter=diameter_mm,
        )
    return radius - sqrt(radius**2 - (length_mm / 2) ** 2)


@dataclass(frozen=True)
class Roundness:
    """Out-of-round [mm]: largest less smallest radius, deepest short dip and its angle."""

    uneven_wear_mm: float
    flat_depth_mm: float
    flat_at_deg: float


def roundness(radius_mm: ArrayLike) -> Roundness:
    """Return uneven wear and the deepest flat from radii at equal angles round the wheel.

    Parameters
    ----------
    radius_mm : shape (n,), n >= 180, over one whole turn.

    A flat is what lies under the running median of a sixth of a turn.
    """
    radius = np.asarray(radius_mm, dtype=float)
    if radius.ndim != 1 or len(radius) < 180 or not np.isfinite(radius).all():
        raise BadEvidence(
            "Radii round the wheel are one row of at least 180 numbers", reason="not_a_profile"
        )
    if not 100 <= float(np.median(radius)) <= 800:
        raise BadEvidence(
            "A wheel radius of {radius:g} mm cannot be: give millimetres",
            reason="units",
            radius=float(np.median(radius)),
        )
    dip = median_filter(radius, len(radius) // 6, mode="wrap") - radius
    at = int(np.argmax(dip))
    return Roundness(float(np.ptp(radius)), float(max(0.0, dip[at])), 360 * at / len(radius))


@dataclass(frozen=True)
class WheelPlace:
    """Where a wheel runs: vehicle, bogie, axle, and its diameter there [mm]."""

    vehicle: Hashable
    bogie: Hashable
    axle: Hashable
    diameter_mm: float


def diameter_differences(wheels: Sequence[WheelPlace]) -> Mapping[str, Mapping[Hashable, float]]:
    """Return the largest diameter difference within each axle, bogie and vehicle [mm]."""
    groups: dict[str, dict[Hashable, list[float]]] = {
        level: defaultdict(list) for level in ("axle", "bogie", "vehicle")
    }
    for wheel in wheels:
        groups["axle"][wheel.vehicle, wheel.bogie, wheel.axle].append(wheel.diameter_mm)
        groups["bogie"][wheel.vehicle, wheel.bogie].append(wheel.diameter_mm)
        groups["vehicle"][wheel.vehicle].append(wheel.diameter_mm)
    return {
        level: {key: max(values) - min(values) for key, values in of.items()}
        for level, of in groups.items()
    }


@dataclass(frozen=True)
class TurningCut:
    """One way to restore a profile [mm]: the new flange, how deep, what it costs of the diameter.

    `metal_mm2` is the cross-section turned off, `height_mm` what is to be added to the target's
    heights to lay it into the worn scan.
    """

    target: str
    depth_mm: float
    diameter_loss_mm: float
    metal_mm2: float
    height_mm: float = 0.0


def turning_cut(worn: Profile, name: str, target: Profile, datum_mm: float) -> TurningCut:
    """Return the least cut that leaves a target profile everywhere inside the worn metal.

    The back face is the lateral datum of both: metal can be taken off, never put on, and the tool
    cannot move sideways. The depth is how far the datum sinks.

    Raises
    ------
    BadEvidence : reason `too_short` if the profiles share less than the flange and the tread.
    """
    first = max(worn.x_mm[0], target.x_mm[0])
    last = min(worn.x_mm[-1], target.x_mm[-1])
    if last - first < LEAST_REACH_MM:
        raise BadEvidence(
            "Worn and target profile share only {mm:.0f} mm", reason="too_short", mm=last - first
        )
    x = np.arange(first, last, 0.1)
    had = np.interp(x, worn.x_mm, _smooth_heights(worn))
    worn_datum, target_datum = datum_height(worn, datum_mm), datum_height(target, datum_mm)
    wanted = np.interp(x, target.x_mm, _smooth_heights(target)) - target_datum + worn_datum
    depth = float(max(0.0, (wanted - had).max()))
    metal = float(np.trapezoid(had - (wanted - depth), x))
    return TurningCut(name, depth, 2 * depth, metal, worn_datum - target_datum - depth)


def least_cut(
    worn: Profile, targets: Mapping[str, Profile], datum_mm: float
) -> tuple[TurningCut, ...]:
    """Return the cuts for each permitted target profile, least loss of diameter first.

    A thinner flange costs less metal: which of them is permitted is the rule's to say, and the
    caller passes only those.
    """
    cuts = [turning_cut(worn, name, target, datum_mm) for name, target in targets.items()]
    return tuple(sorted(cuts, key=lambda cut: cut.depth_mm))


@dataclass(frozen=True)
class WheelVisit:
    """One visit of a wheel: its diameter as it came and as it left, and how much was damage [mm].

    `damage_mm` is the share of the cut that a flat, a shelled spot or a crack asked for; `renewed`
    says that the tyre or the wheel is another one since the visit before.
    """

    came_mm: float
    left_mm: float
    damage_mm: float = 0.0
    renewed: bool = False


@dataclass(frozen=True)
class MetalBalance:
    """Where the diameter went [mm]; `grown` lists visits at which it was larger than before."""

    wear_mm: float
    turning_mm: float
    damage_mm: float
    renewed_mm: float
    grown: tuple[int, ...]

    @property
    def total_mm(self) -> float:
        """Loss from the first coming to the last leaving, renewals counted as gain."""
        return self.wear_mm + self.turning_mm + self.damage_mm - self.renewed_mm


def metal_balance(visits: Sequence[WheelVisit], gauge_error_mm: float = 0.3) -> MetalBalance:
    """Return the balance of one wheel over its visits, in order; it closes exactly.

    A wheel that comes larger than it left by more than the gauge's error is legal after re-tyring
    or a wheel change (`renewed`) and is named otherwise.
    """
    wear = turning = damage = renewed = 0.0
    grown = []
    for index, visit in enumerate(visits):
        step = visits[index - 1].left_mm - visit.came_mm if index else 0.0
        if index and visit.renewed:
            renewed -= step
        else:
            wear += step
            if step < -gauge_error_mm:
                grown.append(index)
        cut = visit.came_mm - visit.left_mm
        if cut < -gauge_error_mm:
            grown.append(index)
        turning += cut - visit.damage_mm
        damage += visit.damage_mm
    return MetalBalance(wear, turning, damage, renewed, tuple(dict.fromkeys(grown)))


def _check_extent(x: Array, y: Array) -> None:
    span = float(np.ptp(x)) if len(x) else 0.0
    if len(x) >= LEAST_POINTS and not 1 < span < 10 * LONGEST_SPAN_MM:
        raise BadEvidence(
            "The profile is {span:g} mm wide: it is given in another unit",
            reason="units",
            span=span,
        )
    if len(x) < LEAST_POINTS or span < SHORTEST_SPAN_MM:
        raise BadEvidence(
            "The profile has {n} points over {span:.0f} mm; at least {least} over the whole rim "
            "are needed: scan again",
            reason="too_short",
            n=len(x),
            span=span,
            least=LEAST_POINTS,
        )
    if span > LONGEST_SPAN_MM or float(np.ptp(y)) > LONGEST_SPAN_MM:
        raise BadEvidence(
            "The profile spans {span:.0f} by {height:.0f} mm: no rim is so large",
            reason="units",
            span=span,
            height=float(np.ptp(y)),
        )


def _check_whole(found: Profile) -> None:
    x, y = found.x_mm, found.y_mm
    top = float(x[np.argmax(y)])
    tread = y[(x > 60) & (x < LEAST_REACH_MM)]
    if len(tread) and y.max() - np.median(tread) < LEAST_FLANGE_MM:
        raise BadEvidence(
            "No flange stands over the tread: check the axes of the scan", reason="no_flange"
        )
    if x[-1] < LEAST_REACH_MM or x[0] > top - TIP_WINDOW_MM:
        raise BadEvidence(
            "The scan runs from {first:.0f} to {last:.0f} mm from the back face and misses the "
            "flange tip or the tread datum: scan again",
            reason="too_short",
            first=float(x[0]),
            last=float(x[-1]),
        )
    if np.diff(x).max() > MOST_GAP_MM:
        raise BadEvidence(
            "The scan has a gap of {gap:.1f} mm at {at:.0f} mm",
            reason="gap",
            gap=float(np.diff(x).max()),
            at=float(x[np.argmax(np.diff(x))]),
        )


def _at_zero(x: Array, y: Array, degree: int) -> float:
    return float(np.polyfit(x, y, degree)[-1])


def _peak(curve: Array) -> float:
    """Return the place of the maximum of a polynomial next to 0, by Newton."""
    slope = np.polyder(curve)
    bend = np.polyder(slope)
    x = 0.0
    for _ in range(20):
        steep = float(np.polyval(bend, x))
        if steep >= 0:
            return 0.0
        x -= float(np.polyval(slope, x)) / steep
    return x


def _crossing(x: Array, y: Array, height: float) -> float:
    """Return a first guess of x where the flank passes a height: mean of all crossings."""
    above = y > height
    at = np.flatnonzero(above[:-1] & ~above[1:])
    return float(np.mean((x[at] + x[at + 1]) / 2))


def _flank_window(x: Array, y: Array, around: float) -> float:
    """Return half the width that holds FLANK_WINDOW_MM of height, steep flanks less."""
    near = np.abs(x - around) <= 1.5
    slope = abs(float(np.polyfit(x[near], y[near], 1)[0])) if near.sum() > 2 else 1.0
    least = max(1.0, 2.6 * float(np.median(np.diff(x))))
    return max(least, min(FLANK_WINDOW_MM / slope, FLANK_WINDOW_MM))


def _inverse(x: Array, y: Array, height: float, guess: float) -> float:
    """Return x where a cubic through the flank's points reaches a height."""
    scale = float(np.ptp(x)) or 1.0
    curve = np.polyfit((x - guess) / scale, y - height, min(3, len(x) - 2))
    roots = np.roots(curve)
    real = roots[np.abs(roots.imag) < 1e-9].real
    return guess + scale * float(real[np.argmin(np.abs(real))]) if len(real) else guess


def _running_mean(x: Array, y: Array, width_mm: float) -> Array:
    step = float(np.median(np.diff(x)))
    half = max(0, round(width_mm / 2 / step))
    padded = np.pad(y, half, mode="reflect")
    return np.convolve(padded, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")


def _smooth_heights(worn: Profile) -> Array:
    """Return heights with the scanner's noise averaged over half a millimetre."""
    return _running_mean(worn.x_mm, worn.y_mm, 0.5)
