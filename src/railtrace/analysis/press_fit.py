"""A press-fit judged again from its raw curve, beside what the press itself said.

The rules are those of a 1520 mm traction wheelset standard (force per 100 mm of seat, a smoothly
rising curve, slightly convex upward) and of GOST R 51775-2001 (ripple, proof loads). Bands are
catalogue rows and are passed in.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from railtrace.analysis.reasons import Reason, because, codes
from railtrace.analysis.recording import Array
from railtrace.errors import BadEvidence

Verdict = Literal["fit", "unfit"]

SMOOTHED_MM = 3
"""Judged at each millimetre, as the mean over three: a gauge's flicker is no ripple."""
MOST_KN = 10_000.0
FLICKER_SHARE = 0.01
WIDE_SHARE = 0.5
END_MEAN_MM = 2


@dataclass(frozen=True)
class PressRule:
    """One band of force per 100 mm of seat with the shape rules that go with it.

    Ripple, proof loads: GOST R 51775-2001. The start jump of 49 kN is from memory: unconfirmed.
    """

    low_kn_per_100mm: float
    high_kn_per_100mm: float
    ripple_share: float = 0.03
    ripple_length_share: float = 0.10
    start_jump_kn: float = 49.0
    start_length_share: float = 0.05
    ram_speed_mm_s: float = 3.0
    proof_shortfall_share: float = 0.10
    proof_factor_low: float = 1.2
    proof_factor_high: float | None = None
    proof_times: int = 3
    proof_seconds: float = 5.0


@dataclass(frozen=True)
class PressCurve:
    """A checked curve: force [kN] at each whole millimetre of seat engaged, from 0."""

    force_kn: Array
    seat_length_mm: float
    ram_speed_mm_s: float | None = None

    @property
    def final_force_kn(self) -> float:
        """The force at the end of the seat, mean of its last two millimetres."""
        return float(self.force_kn[-END_MEAN_MM:].mean())

    @property
    def final_kn_per_100mm(self) -> float:
        """The final force per 100 mm of seat."""
        return per_100mm(self.final_force_kn, self.seat_length_mm)


@dataclass(frozen=True)
class ProofLoads:
    """Axial loads that may still prove a joint: how many, how heavy, how long."""

    times: int
    load_kn: float
    seconds: float


@dataclass(frozen=True)
class PressVerdict:
    """Our verdict with its reasons, the proof offered if the rule allows one, the press's own."""

    verdict: Verdict
    final_kn_per_100mm: float
    reasons: tuple[Reason, ...]
    proof: ProofLoads | None
    machine_verdict: Verdict | None = None

    @property
    def disagrees(self) -> bool:
        """Whether the press said otherwise; both verdicts stand."""
        return self.machine_verdict is not None and self.machine_verdict != self.verdict


def per_100mm(force_kn: float, seat_length_mm: float) -> float:
    """Return a force per 100 mm of seat [kN/100mm]."""
    return force_kn * 100 / seat_length_mm


def press_curve(
    displacement_mm: ArrayLike,
    force_kn: ArrayLike,
    seat_length_mm: float,
    ram_speed_mm_s: float | None = None,
) -> PressCurve:
    """Return a curve that can be judged.

    Parameters
    ----------
    displacement_mm, force_kn : shape (n,), displacement ascending, at least one point per mm
        0 is where the seats touch.
    seat_length_mm : length of the seat, 20 to 400 mm.

    Raises
    ------
    BadEvidence : with reason `not_a_curve`, `not_a_number`, `units`, `truncated`, `too_coarse`,
        `constant`, `goes_back` or `seat_length`.
    """
    travel, force = _columns(displacement_mm, force_kn)
    _check_seat(seat_length_mm)
    _check_travel(travel, seat_length_mm)
    if np.ptp(force) == 0:
        raise BadEvidence(
            "The force stays at {force} kN: the sensor was not connected",
            reason="constant",
            force=float(force[0]),
        )
    if force.max() > MOST_KN:
        raise BadEvidence(
            "A force of {force:g} kN is beyond any wheel press: it is given in another unit",
            reason="units",
            force=float(force.max()),
        )
    grid = np.arange(0, int(min(travel[-1], seat_length_mm)) + 1)
    at_each_mm = np.interp(grid, travel, force)
    return PressCurve(_smoothed(at_each_mm), seat_length_mm, ram_speed_mm_s)


def judge(
    curve: PressCurve, rule: PressRule, machine_verdict: Verdict | None = None
) -> PressVerdict:
    """Return the verdict on a whole curve: both limits of the band, shape, start and speed."""
    reasons = (*_band(curve.final_kn_per_100mm, rule), *_shape(curve, rule))
    return _verdict(curve.final_force_kn, curve.final_kn_per_100mm, rule, reasons, machine_verdict)


def judge_final_force(
    final_force_kn: float,
    seat_length_mm: float,
    rule: PressRule,
    machine_verdict: Verdict | None = None,
) -> PressVerdict:
    """Return the verdict where only the final force is on record: the shape stays unjudged."""
    _check_seat(seat_length_mm)
    if not np.isfinite(final_force_kn) or final_force_kn <= 0:
        raise BadEvidence(
            "The final force {force} kN cannot be; read it off the diagram again",
            reason="not_a_number",
            force=final_force_kn,
        )
    reached = per_100mm(final_force_kn, seat_length_mm)
    reasons = (*_band(reached, rule),)
    return _verdict(final_force_kn, reached, rule, reasons, machine_verdict)


def _verdict(
    final_kn: float,
    reached: float,
    rule: PressRule,
    reasons: tuple[Reason, ...],
    machine: Verdict | None,
) -> PressVerdict:
    proof = proof_loads(final_kn, reached, rule) if _only_band(reasons) else None
    return PressVerdict("unfit" if reasons else "fit", reached, reasons, proof, machine)


def _only_band(reasons: tuple[Reason, ...]) -> bool:
    return len(reasons) == 1 and codes(reasons)[0] in ("below_band", "above_band")


def proof_loads(final_kn: float, reached: float, rule: PressRule) -> ProofLoads | None:
    """Return the loads that may prove a joint a little outside its band, or None.

    Only within `proof_shortfall_share` of the limit, and only on a side for which the rule names
    the load.
    """
    short = 1 - reached / rule.low_kn_per_100mm
    over = reached / rule.high_kn_per_100mm - 1
    factor = rule.proof_factor_low if short > 0 else rule.proof_factor_high
    outside = max(short, over)
    if factor is None or not 0 < outside <= rule.proof_shortfall_share:
        return None
    return ProofLoads(rule.proof_times, factor * final_kn, rule.proof_seconds)


def proves(loads_kn: ArrayLike, seconds: ArrayLike, shifted: bool, proof: ProofLoads) -> bool:
    """Tell whether loads applied prove the joint: enough, heavy and long enough, nothing moved."""
    load, held = np.asarray(loads_kn, dtype=float), np.asarray(seconds, dtype=float)
    good = (load >= proof.load_kn) & (held >= proof.seconds)
    return not shifted and int(good.sum()) >= proof.times


def _band(reached: float, rule: PressRule) -> list[Reason]:
    low, high = rule.low_kn_per_100mm, rule.high_kn_per_100mm
    if reached < low:
        return [because("below_band", "{force:.1f} kN per 100 mm, below the band {low:g}-{high:g}",
                        force=reached, low=low, high=high)]  # fmt: skip
    if reached > high:
        return [because("above_band", "{force:.1f} kN per 100 mm, above the band {low:g}-{high:g}",
                        force=reached, low=low, high=high)]  # fmt: skip
    return []


def _shape(curve: PressCurve, rule: PressRule) -> list[Reason]:
    return [
        reason
        for reason in (
            _start(curve, rule),
            _shape_under_hull(curve, rule),
            _too_fast(curve, rule),
        )
        if reason
    ]


def _start(curve: PressCurve, rule: PressRule) -> Reason | None:
    first = max(2, round(rule.start_length_share * curve.seat_length_mm))
    jump = float(np.diff(curve.force_kn[: first + 1], prepend=0.0).max())
    if jump <= rule.start_jump_kn:
        return None
    return because("start_jump", "the force jumps by {jump:.0f} kN at the start, {limit:g} allowed",
                   jump=jump, limit=rule.start_jump_kn)  # fmt: skip


def _shape_under_hull(curve: PressCurve, rule: PressRule) -> Reason | None:
    """A rising curve convex upward is its own upper hull: what hangs under it is ripple or sag."""
    first = round(rule.start_length_share * curve.seat_length_mm)
    force = curve.force_kn[first:]
    depth = _upper_hull(force) - force
    most = float(force.max())
    worst, at = float(depth.max()), first + int(depth.argmax())
    share = float((depth > FLICKER_SHARE * most).mean())
    if worst <= rule.ripple_share * most and share <= rule.ripple_length_share:
        return None
    if share > WIDE_SHARE and worst > rule.ripple_share * most:
        return because("not_convex", "the curve sags {sag:.1f} kN at {mm} mm", sag=worst, mm=at)
    return because(
        "ripple",
        "ripple of {kn:.1f} kN at {mm} mm over {share:.0%} of the seat; {limit:.1f} kN and "
        "{length:.0%} are allowed",
        kn=worst,
        mm=at,
        share=share,
        limit=rule.ripple_share * most,
        length=rule.ripple_length_share,
    )


def _upper_hull(force: Array) -> Array:
    """Return the least concave line over a curve, at each of its points."""
    kept: list[int] = []
    for index in range(len(force)):
        while len(kept) > 1 and _under(force, kept[-2], kept[-1], index):
            kept.pop()
        kept.append(index)
    return np.interp(np.arange(len(force)), kept, force[kept])


def _under(force: Array, first: int, middle: int, last: int) -> bool:
    rise = (force[last] - force[first]) * (middle - first)
    return bool((force[middle] - force[first]) * (last - first) <= rise)


def _too_fast(curve: PressCurve, rule: PressRule) -> Reason | None:
    speed = curve.ram_speed_mm_s
    if speed is None or speed <= rule.ram_speed_mm_s:
        return None
    return because("ram_speed", "the ram ran at {speed:g} mm/s, {limit:g} allowed",
                   speed=speed, limit=rule.ram_speed_mm_s)  # fmt: skip


def _columns(displacement_mm: ArrayLike, force_kn: ArrayLike) -> tuple[Array, Array]:
    travel, force = np.asarray(displacement_mm, dtype=float), np.asarray(force_kn, dtype=float)
    if travel.ndim != 1 or travel.shape != force.shape or len(travel) < 2:
        raise BadEvidence(
            "A press curve is two columns of one length, not {first} and {second}",
            reason="not_a_curve",
            first=travel.shape,
            second=force.shape,
        )
    if not (np.isfinite(travel).all() and np.isfinite(force).all()):
        raise BadEvidence(
            "The press curve holds values that are not numbers: read it out again",
            reason="not_a_number",
        )
    if np.any(np.diff(travel) < 0):
        raise BadEvidence(
            "The ram goes back at point {at}: a curve of one pressing is wanted",
            reason="goes_back",
            at=int(np.flatnonzero(np.diff(travel) < 0)[0]) + 1,
        )
    return travel, force


def _check_seat(seat_length_mm: float) -> None:
    if not 20 <= seat_length_mm <= 400:
        raise BadEvidence(
            "A seat of {length} mm cannot be: give millimetres, 20 to 400",
            reason="seat_length",
            length=seat_length_mm,
        )


def _check_travel(travel: Array, seat_length_mm: float) -> None:
    span = float(travel[-1])
    if not seat_length_mm / 100 < span < 100 * seat_length_mm:
        raise BadEvidence(
            "The ram moved {span:g} mm on a seat of {seat:g} mm: it is given in another unit",
            reason="units",
            span=span,
            seat=seat_length_mm,
        )
    if span < 0.97 * seat_length_mm or travel[0] > 0.03 * seat_length_mm:
        raise BadEvidence(
            "The curve covers {first:.0f} to {last:.0f} mm of a seat of {seat:g} mm: it is cut",
            reason="truncated",
            first=float(travel[0]),
            last=span,
            seat=seat_length_mm,
        )
    if np.diff(travel).max() > 2:
        raise BadEvidence(
            "Points lie up to {gap:.1f} mm apart; one a millimetre is needed",
            reason="too_coarse",
            gap=float(np.diff(travel).max()),
        )


def _smoothed(force: Array) -> Array:
    padded = np.pad(force, SMOOTHED_MM // 2, mode="edge")
    return np.convolve(padded, np.ones(SMOOTHED_MM) / SMOOTHED_MM, mode="valid")
