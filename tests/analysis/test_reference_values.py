"""Every row of reference_values.csv, recomputed within its tolerance."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from railtrace.analysis.estimates import parameters
from railtrace.analysis.imperfect_repair import fit_imperfect_repair
from railtrace.analysis.life_data import censored, of_mode, right_censored
from railtrace.analysis.lifetimes import fit
from railtrace.analysis.recurrence import fit_power_law, histories, mean_cumulative
from railtrace.analysis.trend import laplace, lewis_robinson
from tests.analysis.reliability_data import (
    bearings,
    circuit_breakers,
    column,
    counted,
    rows,
    watched,
)

Values = list[float]


def weibull(lives, *names: str) -> Values:
    told = parameters(fit(lives))
    return [float(told[name].estimate[0]) for name in names]


def shock_absorbers():
    modes = [row["mode"] for row in rows("shock_absorbers_38")]
    return fit(
        right_censored(column("shock_absorbers_38", "km"), [mode != "Censored" for mode in modes])
    )


def shock_absorber_location() -> Values:
    fits = shock_absorbers()
    return [fits.theta[0, 0], np.exp(fits.theta[0, 1]), fits.log_likelihood[0]]


def shock_absorber_variances() -> Values:
    fits = shock_absorbers()
    spread = np.exp(fits.theta[0, 1])
    variance = fits.covariance[0]
    return [variance[0, 0], variance[0, 1] * spread, variance[1, 1] * spread**2]


def device_g() -> Values:
    modes = np.array([row["mode"] for row in rows("device_g_competing_30")])
    lives = right_censored(column("device_g_competing_30", "kilocycles"), modes != "Suspended")
    surge = of_mode(lives, modes, "Surge")
    return [*weibull(surge, "scale", "shape"), fit(surge).log_likelihood[0]]


def fans() -> Values:
    lives = counted("diesel_generator_fans_70", "hours")
    return [float(parameters(fit(lives, "exponential"))["mean"].estimate[0])]


def turbine_parts() -> Values:
    days = column("turbine_part_cracks_167_interval", "days")
    cracked = column("turbine_part_cracks_167_interval", "n_cracked")
    count = [*cracked, 167 - cracked.sum()]
    fits = fit(censored([0, *days], [*days, np.inf], count=count))
    (mu, log_sigma), (mu_error, sigma_error) = fits.theta[0], fits.standard_errors[0]
    return [mu, mu_error, log_sigma, sigma_error, fits.log_likelihood[0]]


def motorettes() -> Values:
    found = [row for row in rows("motorette_insulation_40") if float(row["temp"]) > 150]
    lives = right_censored(
        [float(row["time"]) for row in found],
        [row["status"] == "1" for row in found],
        covariates=[[1000 / (273.2 + float(row["temp"]))] for row in found],
    )
    fits = fit(lives, "lognormal")
    return [*fits.theta[0], fits.log_likelihood[0]]


def valve_seats() -> Values:
    curve = mean_cumulative(watched("valve_seats_41_engines", "engine", "day", "replacement"))
    return [curve.at(day)[0] for day in (367, 539, 653)]


def reliawiki() -> Values:
    data = watched("reliawiki_mcf_5_systems", "system", "time", "event")
    return list(mean_cumulative(data, increments_independent=True).at(25))


def lieblein_zelen() -> Values:
    lives = bearings()
    return [*weibull(lives, "shape", "scale"), fit(lives).log_likelihood[0]]


def crow() -> Values:
    age, system = (column("crow_three_systems", key) for key in ("time", "system"))
    law = fit_power_law(histories([200.0] * 3, age, system - 1))
    shape = law.shape().estimate[0]
    return [shape, law.scale().estimate[0] ** -shape]


def halfbeak() -> Values:
    found = rows("uss_halfbeak_engine4")
    kilohours = [float(row["hours"]) / 1000 for row in found if row["event"] == "report"]
    end = float(found[-1]["hours"]) / 1000
    law = fit_power_law(histories([end], kilohours, [0] * len(kilohours)))
    return [law.shape().estimate[0], law.scale().estimate[0]]


def load_haul_dump() -> Values:
    hours = column("lhd_single_machine_36", "hours")
    data = histories([2000.0], hours, [0] * len(hours))
    renewal = lewis_robinson(data)
    return [laplace(data).statistic[0], renewal.statistic[0], renewal.p_value[0]]


def breakers() -> Values:
    shape, scale = weibull(circuit_breakers(), "shape", "scale")
    return [shape, 1 / scale]


def ambassador() -> Values:
    age = column("amc_ambassador_18", "time")
    data = histories([age[-1]], age, [0] * len(age), ended_by_failure=True)
    found = fit_imperfect_repair(data, "ARA-1")
    told = parameters(found.baseline)
    return [
        found.rho.estimate[0],
        told["scale"].estimate[0],
        told["shape"].estimate[0],
        -found.log_likelihood[0],
    ]


def braking_grids() -> Values:
    data = watched("braking_grids_33_locomotives", "locomotive", "stop_day", "replacement", "batch")
    curves = mean_cumulative(data)
    return [curves.at(day, group)[0] for day, group in ((365, 0), (650, 0), (365, 1), (382, 1))]


RECOMPUTED: dict[str, Callable[[], Values]] = {
    "R01": lambda: weibull(counted("locomotive_controls_96", "kmiles"), "shape"),
    "R02": lambda: weibull(counted("locomotive_controls_96", "kmiles"), "scale"),
    "R05": shock_absorber_location,
    "R06": shock_absorber_variances,
    "R09": device_g,
    "R12": fans,
    "R14": turbine_parts,
    "R16": motorettes,
    "R18": valve_seats,
    "R20": reliawiki,
    "R21": lieblein_zelen,
    "R22": crow,
    "R24": halfbeak,
    "R26": load_haul_dump,
    "R29": breakers,
    "R32": lambda: weibull(circuit_breakers(with_entry=False), "shape", "scale"),
    "R33": ambassador,
    "R37": braking_grids,
}


def tolerances(given: str, wanted: list[str]) -> Values:
    """Return how far each number may be off; one printed short is known to half its last digit."""
    told = [float(part) for part in given.split("/")]
    told += told[-1:] * (len(wanted) - len(told))
    printed = [0.5 * 10.0 ** -len(text.partition(".")[2]) for text in wanted]
    return [max(pair) * (1 + 1e-9) for pair in zip(told, printed, strict=True)]


@pytest.mark.parametrize("row", rows("reference_values"), ids=lambda row: row["id"])
def test_published_estimate_is_recomputed_within_its_tolerance(row):
    found = RECOMPUTED[row["id"]]()
    wanted = re.findall(r"-?[0-9.]+", row["reference_value"])
    assert len(found) == len(wanted)
    for mine, theirs, tolerance in zip(
        found, wanted, tolerances(row["tolerance"], wanted), strict=True
    ):
        assert mine == pytest.approx(float(theirs), abs=tolerance, rel=0)
