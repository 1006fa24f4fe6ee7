"""Tests of the depot judged by named rules: wash, NDT set-up, brake rack, insulation, load bank.

Limits are rows of the rule in force and are passed in; nothing here knows a norm by heart. Each
check answers valid or not with every reason; evidence that cannot be judged is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from railtrace.analysis.reasons import Reason, because
from railtrace.analysis.recording import Array
from railtrace.errors import BadEvidence

RELEASED_MPA = 0.04
"""A brake cylinder under this holds no block to the wheel: from memory, unconfirmed."""


@dataclass(frozen=True)
class Check:
    """Whether a test stands, and every reason why not."""

    reasons: tuple[Reason, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


@dataclass(frozen=True)
class Trace:
    """A checked trace of one signal: shape (n,) each, seconds ascending, values in its unit."""

    seconds: Array
    values: Array


def trace(seconds: ArrayLike, values: ArrayLike, what: str) -> Trace:
    """Return a trace that can be judged; raises BadEvidence naming `what`."""
    time, value = np.asarray(seconds, dtype=float), np.asarray(values, dtype=float)
    if time.ndim != 1 or time.shape != value.shape or len(time) < 2:
        raise BadEvidence(
            "{what}: two columns of one length are wanted", reason="not_a_trace", what=what
        )
    if not (np.isfinite(time).all() and np.isfinite(value).all()):
        raise BadEvidence(
            "{what}: some values are not numbers; read the log out again",
            reason="not_a_number",
            what=what,
        )
    if np.any(np.diff(time) <= 0):
        raise BadEvidence(
            "{what}: time does not run forward at point {at}",
            reason="time",
            what=what,
            at=int(np.flatnonzero(np.diff(time) <= 0)[0]) + 1,
        )
    return Trace(time, value)


# --- washing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WashStage:
    """What one stage of a washing programme asks for; `least_share` of its time within limits."""

    name: str
    seconds: float
    least_temperature_c: float | None = None
    most_temperature_c: float | None = None
    least_pressure_bar: float | None = None
    least_share: float = 0.95


@dataclass(frozen=True)
class WashRun:
    """One stage as it ran; traces that the machine does not give are None."""

    stage: WashStage
    temperature_c: Trace | None
    pressure_bar: Trace | None = None


def check_wash(runs: Sequence[WashRun], programme: Sequence[WashStage]) -> Check:
    """Return whether a wash ran as its programme asks: every stage, in order, long enough, hot."""
    asked, ran = [s.name for s in programme], [r.stage.name for r in runs]
    reasons = []
    if asked != ran:
        reasons.append(
            because("stages", "stages {ran} ran, the programme asks for {asked}",
                    ran=", ".join(ran) or "none", asked=", ".join(asked))
        )  # fmt: skip
    for run in runs:
        reasons += _stage(run)
    return Check(tuple(reasons))


def _stage(run: WashRun) -> list[Reason]:
    stage, found = run.stage, []
    for what, signal, low, high in (
        ("temperature", run.temperature_c, stage.least_temperature_c, stage.most_temperature_c),
        ("pressure", run.pressure_bar, stage.least_pressure_bar, None),
    ):
        if low is None and high is None:
            continue
        if signal is None:
            found.append(
                because("no_" + what, "{stage}: no {what} trace", stage=stage.name, what=what)
            )
            continue
        found += _within(stage, what, signal, low, high)
    return found


def _within(
    stage: WashStage, what: str, signal: Trace, low: float | None, high: float | None
) -> list[Reason]:
    lasted = float(signal.seconds[-1] - signal.seconds[0])
    inside = np.ones(len(signal.values), dtype=bool)
    if low is not None:
        inside &= signal.values >= low
    if high is not None:
        inside &= signal.values <= high
    held = float(np.diff(signal.seconds)[inside[1:] & inside[:-1]].sum())
    found = []
    if lasted < stage.seconds:
        found.append(
            because("too_short", "{stage}: {lasted:.0f} s, {asked:.0f} s are asked",
                    stage=stage.name, lasted=lasted, asked=stage.seconds)
        )  # fmt: skip
    if held < stage.least_share * min(lasted, stage.seconds):
        found.append(
            because(what, "{stage}: {what} within limits for {held:.0f} s of {lasted:.0f} s",
                    stage=stage.name, what=what, held=held, lasted=lasted)
        )  # fmt: skip
    return found


# --- non-destructive testing --------------------------------------------------------------------


@dataclass(frozen=True)
class NdtSetUp:
    """The set-up of one inspection; echoes are shares of the screen height inside the gate."""

    reference_echo_before: float | None
    reference_echo_after: float | None
    block_certificate_to: date | None
    inspector_certificate_to: date | None
    coverage: float


def check_ndt(
    set_up: NdtSetUp, on: date, least_echo: float = 0.5, most_drift_db: float = 2.0,
    least_coverage: float = 1.0,
) -> Check:  # fmt: skip
    """Return whether an inspection stands: set up before and after, certified, covering all.

    Source of `least_echo`: an ultrasonic set-up card asks for a reference echo of at least half
    the screen in the gate; `most_drift_db` is unconfirmed.
    """
    reasons = [
        *_echo("before", set_up.reference_echo_before, least_echo),
        *_echo("after", set_up.reference_echo_after, least_echo),
        *_certificate("block", set_up.block_certificate_to, on),
        *_certificate("inspector", set_up.inspector_certificate_to, on),
    ]
    before, after = set_up.reference_echo_before, set_up.reference_echo_after
    if before and after:
        drift = abs(20 * float(np.log10(after / before)))
        if drift > most_drift_db:
            reasons.append(
                because("drift", "the reference echo moved {drift:.1f} dB, {limit:g} dB allowed",
                        drift=drift, limit=most_drift_db)
            )  # fmt: skip
    if set_up.coverage < least_coverage:
        reasons.append(
            because("coverage", "{covered:.0%} of the part was covered", covered=set_up.coverage)
        )
    return Check(tuple(reasons))


def _echo(when: str, echo: float | None, least: float) -> list[Reason]:
    if echo is None:
        return [because(f"no_echo_{when}", "no set-up check {when} the inspection", when=when)]
    if echo < least:
        return [because(f"echo_{when}", "reference echo {echo:.2f} {when}, {least:g} is asked",
                        echo=echo, when=when, least=least)]  # fmt: skip
    return []


def _certificate(whose: str, to: date | None, on: date) -> list[Reason]:
    if to is not None and to >= on:
        return []
    return [
        because(f"{whose}_certificate", "certificate of the {whose}: {state}", whose=whose,
                state=f"ended {to}" if to else "none")
    ]  # fmt: skip


# --- brake rack ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BrakeRule:
    """What a brake test asks for; pressures in MPa, times in s."""

    least_reduction_mpa: float
    most_reduction_mpa: float
    most_leak_mpa_per_min: float
    most_apply_s: float
    most_release_s: float
    least_cylinder_mpa: float


def check_brake(pipe: Trace, cylinder: Trace, applied_s: float, released_s: float,
                rule: BrakeRule) -> Check:  # fmt: skip
    """Return whether one vehicle's brake applied, held and released as the rule asks.

    Parameters
    ----------
    pipe, cylinder : pressure in the brake pipe and the brake cylinder [MPa].
    applied_s, released_s : when the handle was moved, on the clock of the traces.

    Raises
    ------
    BadEvidence : reason `units` if the pressures are not in MPa, `truncated` if the traces do not
        cover both moments.
    """
    for name, signal in (("brake pipe", pipe), ("brake cylinder", cylinder)):
        if signal.values.max() > 2:
            raise BadEvidence(
                "{name}: {value:g} MPa is no brake pressure: give MPa",
                reason="units",
                name=name,
                value=float(signal.values.max()),
            )
        if not signal.seconds[0] < applied_s < released_s < signal.seconds[-1]:
            raise BadEvidence(
                "{name}: the trace does not cover application and release",
                reason="truncated",
                name=name,
            )
    reduction = _at(pipe, applied_s) - _lowest(pipe, applied_s, released_s)
    rise = _first(cylinder, applied_s, released_s, rule.least_cylinder_mpa, up=True)
    fall = _first(cylinder, released_s, cylinder.seconds[-1], RELEASED_MPA, up=False)
    held = (cylinder.seconds >= applied_s + rule.most_apply_s) & (cylinder.seconds <= released_s)
    leak = _leak(cylinder.seconds[held], cylinder.values[held])
    least, most = rule.least_reduction_mpa, rule.most_reduction_mpa
    reasons = (
        *_outside("reduction", reduction, least, most, "MPa"),
        *_late("apply", rise, rule.most_apply_s),
        *_late("release", fall, rule.most_release_s),
        *_outside("leak", leak, None, rule.most_leak_mpa_per_min, "MPa/min"),
    )
    return Check(reasons)


def _at(signal: Trace, second: float) -> float:
    return float(np.interp(second, signal.seconds, signal.values))


def _lowest(signal: Trace, first: float, last: float) -> float:
    inside = (signal.seconds >= first) & (signal.seconds <= last)
    return float(signal.values[inside].min())


def _first(signal: Trace, start: float, end: float, level: float, *, up: bool) -> float | None:
    """Return seconds from start until a level is passed, None if it never is."""
    inside = (signal.seconds >= start) & (signal.seconds <= end)
    passed = signal.values >= level if up else signal.values <= level
    at = np.flatnonzero(inside & passed)
    return float(signal.seconds[at[0]] - start) if len(at) else None


def _leak(seconds: Array, pressure: Array) -> float:
    if len(seconds) < 3:
        return 0.0
    return float(-60 * np.polyfit(seconds - seconds[0], pressure, 1)[0])


def _late(what: str, took: float | None, most: float) -> list[Reason]:
    if took is None:
        return [because(f"no_{what}", "the brake did not {what}", what=what)]
    if took > most:
        return [because(f"{what}_time", "to {what} took {took:.1f} s, {most:g} s allowed",
                        what=what, took=took, most=most)]  # fmt: skip
    return []


def _outside(what: str, value: float, low: float | None, high: float | None, unit: str,
             ) -> list[Reason]:  # fmt: skip
    if low is not None and value < low:
        return [because(what, "{what} {value:.3f} {unit}, at least {limit:g}",
                        what=what, value=value, unit=unit, limit=low)]  # fmt: skip
    if high is not None and value > high:
        return [because(what, "{what} {value:.3f} {unit}, at most {limit:g}",
                        what=what, value=value, unit=unit, limit=high)]  # fmt: skip
    return []


# --- insulation ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Insulation:
    """One insulation test: resistance after 15 and 60 s [MΩ], the voltage it was made at [V]."""

    after_15s_mohm: float | None
    after_60s_mohm: float
    voltage_v: float
    temperature_c: float | None = None

    @property
    def absorption_ratio(self) -> float | None:
        """R60/R15: near 1 when damp."""
        return self.after_60s_mohm / self.after_15s_mohm if self.after_15s_mohm else None


def check_insulation(
    found: Insulation, least_mohm: float, voltage_v: float, least_ratio: float | None = None
) -> Check:
    """Return whether insulation holds: resistance, test voltage, absorption ratio if asked for.

    Raises BadEvidence (`not_a_number`, `units`) for values that no megohmmeter shows.
    """
    for value in (found.after_60s_mohm, found.after_15s_mohm or 1.0, found.voltage_v):
        if not np.isfinite(value) or value <= 0:
            raise BadEvidence(
                "{value} is no insulation reading: measure again",
                reason="not_a_number",
                value=value,
            )
    if max(found.after_60s_mohm, found.after_15s_mohm or 0) > 1e7:
        raise BadEvidence(
            "{value:g} MΩ is given in ohms, it seems: give megohms",
            reason="units",
            value=found.after_60s_mohm,
        )
    reasons = []
    if found.voltage_v < 0.95 * voltage_v:
        reasons.append(
            because("voltage", "tested at {was:g} V, {asked:g} V are asked",
                    was=found.voltage_v, asked=voltage_v)
        )  # fmt: skip
    reasons += _outside("resistance", found.after_60s_mohm, least_mohm, None, "MΩ")
    if least_ratio is not None:
        reasons += _damp(found.absorption_ratio, least_ratio)
    return Check(tuple(reasons))


def _damp(ratio: float | None, least: float) -> list[Reason]:
    if ratio is None:
        return [because("no_ratio", "the reading after 15 s is missing: no absorption ratio")]
    if ratio < least:
        return [because("damp", "absorption ratio {ratio:.2f}, at least {least:g}: damp",
                        ratio=ratio, least=least)]  # fmt: skip
    return []


# --- load bank ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadPoint:
    """One notch on the load bank: engine speed [rpm], generator [V, A], hottest cylinder [°C]."""

    notch: int
    rpm: float
    volts: float
    amperes: float
    exhaust_c: Sequence[float] = ()

    @property
    def power_kw(self) -> float:
        """Electric power into the bank."""
        return self.volts * self.amperes / 1000


@dataclass(frozen=True)
class NotchRule:
    """What one notch asks for; zero for what is not asked."""

    rpm: float
    rpm_within: float
    least_kw: float
    most_kw: float
    most_exhaust_spread_c: float = 0.0


def check_load_bank(points: Sequence[LoadPoint], rules: Mapping[int, NotchRule]) -> Check:
    """Return whether every notch of the rule was run and gave what it asks for."""
    reasons = []
    by_notch = {point.notch: point for point in points}
    for notch, rule in sorted(rules.items()):
        if notch in by_notch:
            reasons += _notch(by_notch[notch], rule)
        else:
            reasons.append(because("notch_missing", "notch {notch} was not run", notch=notch))
    for lower, higher in zip(sorted(by_notch), sorted(by_notch)[1:], strict=False):
        if by_notch[higher].power_kw <= by_notch[lower].power_kw:
            reasons.append(
                because("power_falls", "notch {higher} gives no more power than notch {lower}",
                        higher=higher, lower=lower)
            )  # fmt: skip
    return Check(tuple(reasons))


def _notch(point: LoadPoint, rule: NotchRule) -> list[Reason]:
    found = []
    if abs(point.rpm - rule.rpm) > rule.rpm_within:
        found.append(
            because("rpm", "notch {notch}: {was:.0f} rpm, {asked:g}±{within:g} asked",
                    notch=point.notch, was=point.rpm, asked=rule.rpm, within=rule.rpm_within)
        )  # fmt: skip
    if not rule.least_kw <= point.power_kw <= rule.most_kw:
        found.append(
            because("power", "notch {notch}: {was:.0f} kW, {low:g}-{high:g} kW asked",
                    notch=point.notch, was=point.power_kw, low=rule.least_kw, high=rule.most_kw)
        )  # fmt: skip
    spread = max(point.exhaust_c) - min(point.exhaust_c) if point.exhaust_c else 0.0
    if rule.most_exhaust_spread_c and spread > rule.most_exhaust_spread_c:
        found.append(
            because("cylinders", "notch {notch}: cylinders {spread:.0f} °C apart, {most:g} allowed",
                    notch=point.notch, spread=spread, most=rule.most_exhaust_spread_c)
        )  # fmt: skip
    return found
