"""What `railtrace life`, `mcf` and `trend` say of a file: a report, and its lines of text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from railtrace.analysis import estimates, pooling, recurrence, trend
from railtrace.analysis.evidence import ADVICE, evidence
from railtrace.analysis.imperfect_repair import MEMORIES, ImperfectRepair, fit_imperfect_repair
from railtrace.analysis.life_data import Lives, of_mode
from railtrace.analysis.lifetimes import compare_groups, fit, fit_threshold
from railtrace.analysis.nonparametric import (
    SurvivalCurve,
    TurnbullCurve,
    kaplan_meier,
    turnbull,
)
from railtrace.analysis.public_priors import public_prior
from railtrace.analysis.weibull import fit_right_censored, gamma_percent_bound
from railtrace.errors import BadData
from railtrace.interchange.life_files import HistoryFile, LifeFile, read_histories, read_lives

FEWEST_REPEATS = 30  # below this a share of age taken off by repair is not worth printing

Report = dict[str, Any]


def life_report(
    file: Path, law: str, mode: str, share: float, confidence: float, prior: str,
    threshold: bool = False, curve: bool = False,
) -> Report:  # fmt: skip
    """Return a life distribution for each group and failure mode of a file.

    Raises
    ------
    BadData : the file is not one of lives, or has no failure of the mode; a threshold asked for
        of another law than the Weibull, or together with a prior.
    """
    if threshold and (law != "weibull" or prior):
        raise BadData("a threshold goes with the Weibull law alone, without a prior")
    data = read_lives(file)
    found = []
    for name in _modes(data, mode):
        lives = of_mode(data.lives, data.modes, name) if name else data.lives
        told = (_beyond_threshold(data, lives, name, share, confidence) if threshold else
                _life(data, lives, name, law, share, confidence, prior))  # fmt: skip
        if curve:
            for g, row in enumerate(told["groups"]):
                row["curve"] = _curve(lives.take_groups(np.array([g])), confidence)
        found.append(told)
    return {
        "file": file.name, "measure": data.measure, "law": law, "share": share,
        "threshold": threshold, "confidence": confidence,
        "ignored_columns": data.ignored, "results": found,
    }  # fmt: skip


def _modes(data: LifeFile, wanted: str) -> list[str]:
    known = sorted({str(name) for name in data.modes} - {""})
    if wanted and wanted not in known:
        raise BadData("no failure of the mode {mode}; the file has {known}",
                      mode=wanted, known=", ".join(known) or "no modes")  # fmt: skip
    return [wanted] if wanted else known or [""]


def _life(
    data: LifeFile,
    lives: Lives,
    mode: str,
    law: str,
    share: float,
    confidence: float,
    prior: str,
) -> Report:
    fits = fit(lives, law)
    told = estimates.parameters(fits, confidence)
    outlived = estimates.gamma_percent_life(fits, share)
    exposure = lives.per_group(lives.lower if lives.entry is None else lives.lower - lives.entry)
    rows = [
        {
            "group": name, "units": fits.units[g], "events": fits.events[g],
            "evidence": fits.evidence[g], "advice": ADVICE[evidence(fits.events[g])],
            "why_not": fits.why[g], "log_likelihood": fits.log_likelihood[g],
            "parameters": {key: _bounded(value, g) for key, value in told.items()},
            "gamma_life": {"estimate": outlived.estimate[g], "lower_95": outlived.low[g],
                           "bound_by": "standard errors"},
            "mean_life_above_95": _mean_bound(exposure[g]) if fits.events[g] == 0 else None,
        }
        for g, name in enumerate(data.groups)
    ]  # fmt: skip
    report: Report = {"mode": mode, "groups": rows}
    if lives.groups > 1 and bool(np.all(fits.converged)):
        report["same_law"] = asdict(compare_groups(lives, law))
    if law == "weibull":
        _add_constant_rate(rows, fits, fit(lives, "exponential"))
    if law == "weibull" and bool(np.all(lives.exact | ~lives.failed)):
        _add_reduced_bias(rows, lives, share)
    if prior:
        report["pooled"] = _pooled(data, lives, confidence, prior)
    return report


def _add_reduced_bias(rows: list[Report], lives: Lives, share: float) -> None:
    """Add the corrected parameters, and the bound that holds with few failures too."""
    for row, bound in zip(rows, gamma_percent_bound(lives, share), strict=True):
        row["gamma_life"] |= {"lower_95": bound, "bound_by": "likelihood ratio"}
    fits = fit_right_censored(lives, reduced_bias=True)
    for row, theta in zip(rows, fits.theta, strict=True):
        row["reduced_bias"] = {"scale": np.exp(theta[0]), "shape": np.exp(-theta[1])}


def _add_constant_rate(rows: list[Report], fits: estimates.Fits, narrow: estimates.Fits) -> None:
    """Add the likelihood-ratio test that a constant rate would do."""
    for g, row in enumerate(rows):
        if fits.converged[g] and narrow.converged[g]:
            row["constant_rate"] = asdict(estimates.likelihood_ratio(
                float(fits.log_likelihood[g]), float(narrow.log_likelihood[g]), 1))  # fmt: skip


def _beyond_threshold(
    data: LifeFile, lives: Lives, mode: str, share: float, confidence: float
) -> Report:
    """Return the three-parameter Weibull law of each group, beside the law without a threshold."""
    found, plain_fits = fit_threshold(lives), fit(lives)
    fits, told = found.fits, estimates.parameters(found.fits, confidence)
    life = estimates.gamma_percent_life(fits, share).estimate + found.threshold
    reach = norm.ppf((1 + confidence) / 2) * found.standard_error
    rows = []
    for g, name in enumerate(data.groups):
        at, error = float(found.threshold[g]), float(reach[g])
        row = {
            "group": name, "units": fits.units[g], "events": fits.events[g],
            "evidence": fits.evidence[g], "advice": ADVICE[evidence(fits.events[g])],
            "why_not": fits.why[g], "log_likelihood": fits.log_likelihood[g],
            "parameters": {"threshold": [at, max(at - error, 0.0), at + error],
                           **{key: _bounded(value, g) for key, value in told.items()}},
            "gamma_life": {"estimate": life[g], "lower_95": math.nan, "bound_by": "none"},
            "mean_life_above_95": None,
        }  # fmt: skip
        if fits.converged[g] and plain_fits.converged[g]:
            # At the edge of what it may be a threshold of nought is met half the time: p is halved.
            test = asdict(estimates.likelihood_ratio(
                float(fits.log_likelihood[g]), float(plain_fits.log_likelihood[g]), 1))  # fmt: skip
            row["no_threshold"] = test | {"p_value": test["p_value"] / 2}
        rows.append(row)
    return {"mode": mode, "groups": rows}


def _curve(lives: Lives, confidence: float) -> Report:
    """Return survival without a law: by Kaplan–Meier, by Turnbull where failures lie in intervals.

    With no failure there is nothing to draw.
    """
    if not np.any(lives.failed):
        return {"by": "none", "points": []}
    if np.all(lives.exact | ~lives.failed):
        found = kaplan_meier(lives, confidence)
        told = _points(("age", "survival", "low", "high", "at_risk"), found)
        return {"by": "Kaplan-Meier", "points": told}
    steps = turnbull(lives)
    if not steps.converged:
        return {"by": "Turnbull", "why_not": "the probabilities did not settle", "points": []}
    told = _points(("left", "right", "probability", "survival"), steps)
    return {"by": "Turnbull", "points": told}


def _points(names: Sequence[str], curve: SurvivalCurve | TurnbullCurve) -> list[dict[str, float]]:
    columns = [getattr(curve, name).tolist() for name in names]
    return [dict(zip(names, point, strict=True)) for point in zip(*columns, strict=True)]


def _mean_bound(exposure: float) -> float:
    return float(estimates.mean_with_few_failures(exposure, 0).low)


def _bounded(value: estimates.Bounded, group: int) -> list[float]:
    return [float(part[group]) for part in value]


def _pooled(data: LifeFile, lives: Lives, confidence: float, prior: str) -> Report:
    found = pooling.pool(lives, public_prior(prior))
    scale, shape = found.scale(confidence), found.shape(confidence)
    return {
        "prior": prior, "version": found.prior.version, "status": found.prior.status,
        "converged": found.converged,
        "groups": [{"group": name, "scale": _bounded(scale, g), "shape": _bounded(shape, g)}
                   for g, name in enumerate(data.groups)],
    }  # fmt: skip


def life_lines(report: Report) -> Iterable[str]:
    """Return the report as text."""
    measure = f" {report['measure']}" if report["measure"] else ""
    percent = f"{report['share']:.0%}"
    beyond = " beyond a threshold" if report["threshold"] else ""
    yield from _head(report, f"{report['law']} law{beyond}")
    for result in report["results"]:
        for row in result["groups"]:
            name = " · ".join(part for part in (row["group"], result["mode"]) if part)
            yield ""
            yield f"{name}: {row['events']:g} failures in {row['units']:g} lives"
            yield f"  evidence {row['evidence']} ({row['advice']})"
            if row["why_not"]:
                yield f"  no estimate: {row['why_not']}"
            if row["mean_life_above_95"] is not None:
                yield (f"  under a constant rate the mean life is above "
                       f"{row['mean_life_above_95']:.4g}{measure} (95 %)")  # fmt: skip
            if not row["why_not"]:
                yield from (f"  {key} {_interval(v)}" for key, v in row["parameters"].items())
                yield from _reduced_bias_line(row)
                gamma = row["gamma_life"]
                bound = ("no bound is told with a threshold" if math.isnan(gamma["lower_95"]) else
                         f"above {gamma['lower_95']:.4g} with 95 % confidence")  # fmt: skip
                yield f"  {percent} life {gamma['estimate']:.4g}{measure}, {bound}"
                for key, said in (("constant_rate", "a constant rate instead"),
                                  ("no_threshold", "no threshold instead")):  # fmt: skip
                    if key in row:
                        yield f"  {said}: likelihood ratio {_test(row[key])}"
            yield from _curve_lines(row.get("curve"))
        if "same_law" in result:
            test = result["same_law"]
            yield f"one law for all groups: likelihood ratio {_test(test)}"
        if "pooled" in result:
            yield from _pooled_lines(result["pooled"])


def _curve_lines(curve: Report | None) -> Iterable[str]:
    if curve is None:
        return
    if not curve["points"]:
        yield f"  no curve: {curve.get('why_not', 'nothing failed')}"
        return
    names = list(curve["points"][0])
    yield f"  survival by {curve['by']}"
    yield "  " + " ".join(f"{name.replace('_', ' '):>12}" for name in names)
    for point in curve["points"]:
        yield "  " + " ".join(
            f"{'-' if math.isnan(point[name]) else format(point[name], '.5g'):>12}"
            for name in names)  # fmt: skip


def _reduced_bias_line(row: Report) -> Iterable[str]:
    corrected = row.get("reduced_bias", {"shape": math.nan})
    if not math.isnan(corrected["shape"]):
        yield (f"  with reduced bias: scale {corrected['scale']:.4g}, "
               f"shape {corrected['shape']:.4g}")  # fmt: skip


def _pooled_lines(pooled: Report) -> Iterable[str]:
    yield ""
    told = f"prior {pooled['prior']} of {pooled['version']}, {pooled['status']} values"
    yield f"pooled by empirical Bayes, {told}{'' if pooled['converged'] else ': NOT CONVERGED'}"
    for row in pooled["groups"] if pooled["converged"] else []:
        yield f"  {row['group']}: scale {_interval(row['scale'])}, shape {_interval(row['shape'])}"


def mcf_report(file: Path, mode: str, confidence: float) -> Report:
    """Return the mean cumulative function of each group of a file, and the difference of two.

    Raises
    ------
    BadData : the file is not one of failure histories, or has no failure of the mode.
    """
    data = read_histories(file, mode)
    curves = recurrence.mean_cumulative(data.histories)
    bounds = curves.bounded(confidence)
    groups = []
    for g, name in enumerate(data.groups):
        rows = slice(curves.offsets[g], curves.offsets[g + 1])
        columns = (curves.age, bounds.estimate, bounds.low, bounds.high, curves.at_risk)
        points = [dict(zip(("age", "mean", "low", "high", "at_risk"), map(float, point),
                           strict=True))
                  for point in zip(*(c[rows] for c in columns), strict=True)]  # fmt: skip
        groups.append({**_counts(data, g, name), "points": points})
    report: Report = {
        "file": file.name, "measure": data.measure, "confidence": confidence,
        "ignored_columns": data.ignored, "groups": groups,
    }  # fmt: skip
    if len(data.groups) == 2:
        report["difference"] = _difference(data, confidence)
    return report


def _counts(data: HistoryFile, group: int, name: str) -> Report:
    events = float(data.histories.events[group])
    return {
        "group": name, "units": int(np.diff(data.histories.offsets)[group]), "events": events,
        "evidence": str(evidence(events)), "advice": ADVICE[evidence(events)],
    }  # fmt: skip


def _difference(data: HistoryFile, confidence: float) -> Report:
    first, second = (data.histories.take_group(g) for g in (0, 1))
    found = recurrence.compare_means(first, second, confidence)
    tested = math.isfinite(found.z)
    return {
        "z": found.z, "p_value": found.p_value if tested else math.nan, "age": float(found.age[-1]),
        "at_end": [float(part[-1]) for part in (found.difference, found.low, found.high)],
    }  # fmt: skip


def mcf_lines(report: Report) -> Iterable[str]:
    """Return the report as text."""
    yield from _head(report, "mean cumulative failures per unit, robust variance")
    for row in report["groups"]:
        yield ""
        yield f"{row['group']}: {row['events']:g} failures of {row['units']} units"
        yield f"  evidence {row['evidence']} ({row['advice']})"
        yield f"  {'age':>12} {'mean':>9} {'low':>9} {'high':>9} {'at risk':>8}"
        for point in row["points"]:
            yield (f"  {point['age']:12.6g} {point['mean']:9.4f} {point['low']:9.4f} "
                   f"{point['high']:9.4f} {point['at_risk']:8g}")  # fmt: skip
    if "difference" in report:
        found = report["difference"]
        said = (f"no difference: z {found['z']:.3f}, p {found['p_value']:.3g}"
                if math.isfinite(found["z"]) else
                "no test: units of each group must differ in what failed")  # fmt: skip
        yield f"first less second at {found['age']:g}: {_interval(found['at_end'])}; {said}"


def trend_report(file: Path, mode: str, confidence: float) -> Report:
    """Return trend tests and laws of repaired units for each group of a file.

    Raises
    ------
    BadData : the file is not one of failure histories, or has no failure of the mode.
    """
    data = read_histories(file, mode)
    tests = {name: test(data.histories) for name, test in trend.TESTS.items()}
    power = recurrence.fit_power_law(data.histories)
    shape, exact = power.shape(confidence), recurrence.exact_shape_interval(data.histories)
    scale = power.scale(confidence)
    linear = recurrence.fit_log_linear(data.histories)
    groups = [
        {
            **_counts(data, g, name),
            "tests": {key: {"statistic": float(t.statistic[g]), "p_value": float(t.p_value[g])}
                      for key, t in tests.items()},
            "power_law": {"why_not": power.why[g], "shape": _bounded(shape, g),
                          "scale": _bounded(scale, g), "unbiased_shape": _bounded(exact, g)},
            "log_linear": {"why_not": linear.why[g],
                           "growth": _bounded(linear.growth(confidence), g)},
        }
        for g, name in enumerate(data.groups)
    ]  # fmt: skip
    for key, repair in _repairs(data, confidence).items():
        for g, row in enumerate(groups):
            row.setdefault("repair", {})[key] = _repair(repair, g)
    return {
        "file": file.name, "measure": data.measure, "confidence": confidence,
        "ignored_columns": data.ignored, "groups": groups,
    }  # fmt: skip


def _repairs(data: HistoryFile, confidence: float) -> dict[str, ImperfectRepair]:
    """Fit imperfect repair where the data allow it: from age zero, no two failures at one age."""
    try:
        return {m: fit_imperfect_repair(data.histories, m, confidence) for m in MEMORIES}
    except BadData:
        return {}


def _repair(found: ImperfectRepair, g: int) -> Report:
    few = bool(found.repeats[g] < FEWEST_REPEATS)
    return {
        "why_not": found.baseline.why[g], "rho": _bounded(found.rho, g),
        "repeats": float(found.repeats[g]), "few_repeats": few,
        "p_minimal": float(found.p_minimal[g]), "p_perfect": float(found.p_perfect[g]),
    }  # fmt: skip


def trend_lines(report: Report) -> Iterable[str]:
    """Return the report as text."""
    yield from _head(report, "trend of repeated failures")
    for row in report["groups"]:
        yield ""
        yield f"{row['group']}: {row['events']:g} failures of {row['units']} units"
        yield f"  evidence {row['evidence']} ({row['advice']})"
        for name, test in row["tests"].items():
            yield (f"  {name:17} no test: too few failures" if math.isnan(test["p_value"]) else
                   f"  {name:17} {test['statistic']:9.4g}  p {test['p_value']:.3g}")  # fmt: skip
        power = row["power_law"]
        if power["why_not"]:
            yield f"  power law: no estimate: {power['why_not']}"
        else:
            yield f"  power law shape {_interval(power['shape'])}"
            yield f"    unbiased {_interval(power['unbiased_shape'])}"
            yield f"    age of the first expected failure {_interval(power['scale'])}"
        linear = row["log_linear"]
        if not linear["why_not"]:
            yield f"  log-linear growth {_interval(linear['growth'])}"
        yield from _repair_lines(row.get("repair", {}))


def _repair_lines(repairs: Report) -> Iterable[str]:
    for name, repair in repairs.items():
        if repair["why_not"]:
            yield f"  {name}: no estimate: {repair['why_not']}"
            continue
        yield f"  {name} takes off {_interval(repair['rho'])} of the age"
        yield (f"    as bad as old p {repair['p_minimal']:.3g}, "
               f"as good as new p {repair['p_perfect']:.3g}")  # fmt: skip
        if repair["few_repeats"]:
            yield f"    only {repair['repeats']:g} repeats: below {FEWEST_REPEATS} prefer a prior"


def _head(report: Report, what: str) -> Iterable[str]:
    unit = f", {report['measure']}" if report["measure"] else ""
    yield f"{report['file']}: {what}{unit}; intervals {report['confidence']:.0%}"
    if report["ignored_columns"]:
        yield f"columns not used: {', '.join(report['ignored_columns'])}"


def _interval(value: list[float]) -> str:
    if math.isnan(value[0]):
        return "cannot be told"
    if math.isnan(value[1]) or math.isnan(value[2]):
        return f"{value[0]:.4g} (its interval cannot be told)"
    return f"{value[0]:.4g} ({value[1]:.4g} to {value[2]:.4g})"


def _test(test: Report) -> str:
    return f"{test['statistic']:.3f} with {test['freedom']} degrees, p {test['p_value']:.3g}"


def plain(value: Any) -> Any:
    """Return what JSON can hold: what is not a number is null."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return value.item()
    return value
