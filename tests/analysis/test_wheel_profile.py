import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from railtrace.analysis.recording import Array
from railtrace.analysis.wheel_profile import (
    Conventions,
    WheelPlace,
    WheelVisit,
    contour,
    diameter_differences,
    flat_depth,
    least_cut,
    metal_balance,
    parameters,
    profile,
    roundness,
    turning_cut,
)
from railtrace.errors import BadEvidence

Height = Callable[[Array], Array]
L2 = 70.0
MINIPROF = Conventions(2.0, L2, 10.0, 28.0)
NOISE_MM = 0.02
STEP_MM = 0.1


def analytic(
    thickness_mm: float = 33.0, flank_deg: float = 70.0, tread_wear_mm: float = 0.0,
    hollow_mm: float = 0.0,
) -> Height:  # fmt: skip
    """A flange of two arcs and a straight flank, a 1:20 tread; y = 0 at the new datum."""
    tip_radius, root_radius, flank = 12.0, 14.0, math.tan(math.radians(flank_deg))
    beta = math.radians(flank_deg)
    tip_y = 28.0

    def shape(tip_x: float) -> Height:
        centre_y = tip_y - tip_radius
        leave_x = tip_x + tip_radius * math.sin(beta)
        leave_y = centre_y + tip_radius * math.cos(beta)
        cone = 1 / 20
        alpha = math.atan(cone)

        # The root arc touches the flank line and the tread line y = -cone (x - 70).
        def root_at(down: float) -> tuple[float, float]:
            x, y = leave_x + down / flank, leave_y - down
            return x + root_radius * math.sin(beta), y + root_radius * math.cos(beta)

        def miss(down: float) -> float:
            x, y = root_at(down)
            return y - root_radius / math.cos(alpha) + cone * (x - 70)

        down = brentq(miss, 0.1, 30)
        root_x, root_y = root_at(down)
        join_x = leave_x + down / flank
        tread_x = root_x - root_radius * math.sin(alpha)

        def height(x: Array) -> Array:
            tip = centre_y + np.sqrt(np.maximum(tip_radius**2 - (x - tip_x) ** 2, 1.0))
            line = leave_y - flank * (x - leave_x)
            root = root_y - np.sqrt(np.maximum(root_radius**2 - (x - root_x) ** 2, 0.0))
            tread = -cone * (x - 70)
            worn = tread_wear_mm / (1 + np.exp(-(x - 52) / 2.0))
            worn = worn + hollow_mm * np.exp(-(((x - 75) / 10) ** 2))
            new = np.where(
                x < leave_x, tip, np.where(x < join_x, line, np.where(x < tread_x, root, tread))
            )
            return np.asarray(new - worn)

        return height

    def too_thick(tip_x: float) -> float:
        found = shape(tip_x)
        return (
            brentq(lambda x: float(found(np.array(x))) - 10, tip_x + 1, tip_x + 25) - thickness_mm
        )

    return shape(brentq(too_thick, 5, 30))


def scan(height: Height, seed: int = 0, noise_mm: float = NOISE_MM, step_mm: float = STEP_MM):
    x = np.arange(0.5, 128.0, step_mm)
    noise = np.random.default_rng(seed).normal(0, noise_mm, len(x))
    return profile(x, height(x) + noise)


def truth(height: Height) -> tuple[float, float, float]:
    dense = np.arange(6.0, 45.0, 0.0005)
    tip_x = float(dense[np.argmax(height(dense))])
    tip = float(height(np.array(tip_x)))
    datum = float(height(np.array(70.0)))

    def at(level: float) -> float:
        return brentq(lambda x: float(height(np.array(x))) - level, tip_x, tip_x + 28)

    return at(datum + 10), tip - datum, at(datum + 10) - at(tip - 2)


@pytest.mark.parametrize("thickness", [33.0, 29.5, 25.0])
@pytest.mark.parametrize("flank_deg", [65.0, 70.0, 75.0])
@pytest.mark.parametrize(("wear", "hollow"), [(0.0, 0.0), (4.0, 0.0), (2.0, 3.0)])
def test_parameters_of_noisy_scans_are_within_two_hundredths(thickness, flank_deg, wear, hollow):
    height = analytic(thickness, flank_deg, wear, hollow)
    sd, sh, qr = truth(height)
    for seed in range(5):
        found = parameters(scan(height, seed), MINIPROF)
        assert found.flange_thickness_mm == pytest.approx(sd, abs=0.02)
        assert found.flange_height_mm == pytest.approx(sh, abs=0.02)
        assert found.flange_gradient_mm == pytest.approx(qr, abs=0.02)
        assert found.tread_wear_mm == pytest.approx(sh - 28, abs=0.02)


def test_an_exact_scan_of_half_a_millimetre_step_is_measured_too():
    height = analytic(31.0)
    found = parameters(scan(height, noise_mm=0.0, step_mm=0.5), MINIPROF)
    assert found.flange_thickness_mm == pytest.approx(31.0, abs=0.02)
    assert found.flange_height_mm == pytest.approx(28.0, abs=0.02)


def test_thickness_below_the_tip_differs_on_a_worn_tread():
    height = analytic(33.0, tread_wear_mm=6.0)
    above = parameters(scan(height), MINIPROF).flange_thickness_mm
    at_18 = replace(MINIPROF, thickness_below_tip_mm=18)
    below = parameters(scan(height), at_18).flange_thickness_mm
    assert below == pytest.approx(33.0, abs=0.02)
    assert above > below + 1.5


def test_diameter_and_rim_need_to_know_the_axis():
    found = scan(analytic())
    assert parameters(found, MINIPROF).diameter_mm is None
    known = parameters(found, MINIPROF, axle_height_mm=-475.0, rim_inner_radius_mm=400.0)
    assert known.diameter_mm == pytest.approx(950.0, abs=0.04)
    assert known.rim_mm == pytest.approx(75.0, abs=0.02)


def test_a_hollow_tread_shows_and_a_conical_one_does_not():
    assert parameters(scan(analytic()), MINIPROF).hollow_mm < 0.05
    deep = parameters(scan(analytic(hollow_mm=4.0)), MINIPROF).hollow_mm
    x = np.arange(55, 125, 0.01)
    y = analytic(hollow_mm=4.0)(x)
    top = np.maximum.accumulate(y[::-1])[::-1]
    assert deep == pytest.approx(float((top - y).max()), abs=0.05)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x, y: (x / 1000, y / 1000), "units"),
        (lambda x, y: (x * 1000, y * 1000), "units"),
        (lambda x, y: (x[:10], y[:10]), "too_short"),
        (lambda x, y: (x[x < 60], y[x < 60]), "too_short"),
        (lambda x, y: (x[x > 25], y[x > 25]), "too_short"),
        (lambda x, y: (x, np.where(x > 100, np.nan, y)), "not_a_number"),
        (lambda x, y: (x, np.zeros_like(x)), "no_flange"),
        (lambda x, y: (x, -y), "no_flange"),
        (lambda x, y: (x[(x < 50) | (x > 60)], y[(x < 50) | (x > 60)]), "gap"),
        (lambda x, y: (x, y[:-1]), "not_a_profile"),
        (lambda x, y: (np.array([]), np.array([])), "too_short"),
    ],
)
def test_a_scan_that_cannot_be_measured_is_refused_by_name(make, reason):
    x = np.arange(0.5, 128.0, STEP_MM)
    with pytest.raises(BadEvidence) as refused:
        parameters(profile(*make(x, analytic()(x))), MINIPROF)
    assert refused.value.reason == reason


def test_a_flank_worn_sideways_costs_a_cut_of_its_slope():
    """One millimetre of flange regained on a 70° flank sinks the tread by tan 70° = 2.7 mm."""
    cut = turning_cut(scan(analytic(30.0), noise_mm=0), "33", scan(analytic(33.0), noise_mm=0), L2)
    assert cut.depth_mm == pytest.approx(3 * math.tan(math.radians(70)), abs=0.3)
    assert cut.diameter_loss_mm == 2 * cut.depth_mm
    assert cut.metal_mm2 > 0


def test_the_thinnest_permitted_flange_costs_least_and_a_new_wheel_nothing():
    worn = scan(analytic(29.0, tread_wear_mm=3.0), noise_mm=0)
    targets = {str(mm): scan(analytic(mm), noise_mm=0) for mm in (33.0, 31.0, 29.5)}
    cuts = least_cut(worn, targets, L2)
    assert [cut.target for cut in cuts] == ["29.5", "31.0", "33.0"]
    assert turning_cut(targets["33.0"], "33.0", targets["33.0"], L2).depth_mm < 0.02


def test_the_recommended_cut_is_enough_and_a_little_less_is_not():
    worn, target = scan(analytic(30.0, tread_wear_mm=2.0), noise_mm=0), analytic(33.0)
    cut = turning_cut(worn, "33", scan(target, noise_mm=0), L2)
    x = np.arange(10, 120, 0.1)
    datum = float(np.interp(70, worn.x_mm, worn.y_mm))
    spare = np.interp(x, worn.x_mm, worn.y_mm) - (target(x) + datum - cut.depth_mm)
    assert spare.min() > -0.05
    assert spare.min() < 0.05


visits = st.lists(
    st.tuples(st.floats(0, 5), st.floats(0, 20), st.floats(0, 1), st.booleans()), min_size=1,
    max_size=8,
)  # fmt: skip


@given(visits)
def test_the_metal_balance_closes(steps):
    diameter, history = 1000.0, []
    for wear, cut, damage_share, renewed in steps:
        came = 1050.0 if renewed and history else diameter - wear
        history.append(WheelVisit(came, came - cut, cut * damage_share, bool(renewed and history)))
        diameter = came - cut
    balance = metal_balance(history)
    assert balance.total_mm == pytest.approx(history[0].came_mm - history[-1].left_mm, abs=1e-6)
    assert not balance.grown


def test_a_wheel_larger_than_before_is_questioned_unless_renewed():
    before = WheelVisit(1010, 1000)
    assert metal_balance([before, WheelVisit(1040, 1040)]).grown == (1,)
    assert not metal_balance([before, WheelVisit(1040, 1040, renewed=True)]).grown


def test_differences_are_within_axle_bogie_and_vehicle():
    wheels = [WheelPlace("c", b, a, d) for b, a, d in
              [(1, 1, 950), (1, 1, 949.5), (1, 2, 947), (2, 3, 940), (2, 3, 941)]]  # fmt: skip
    found = diameter_differences(wheels)
    assert found["axle"]["c", 1, 1] == pytest.approx(0.5)
    assert found["bogie"]["c", 1] == pytest.approx(3)
    assert found["vehicle"]["c"] == pytest.approx(10)


def test_a_flat_is_as_deep_as_its_chord_says_and_stands_out_of_the_round():
    assert flat_depth(60.0, 950.0) == pytest.approx(0.948, abs=0.001)
    angle = np.deg2rad(np.arange(0, 360, 0.25))
    chord = (475 - 2.0) / np.cos(np.clip(angle - math.pi, -1.4, 1.4))
    radius = np.minimum(475 + 0.3 * np.cos(2 * angle), chord)
    found = roundness(radius)
    assert found.flat_depth_mm == pytest.approx(2.3, abs=0.1)
    assert found.flat_at_deg == pytest.approx(180, abs=1)
    assert roundness(475 + 0.3 * np.cos(3 * angle)).flat_depth_mm < 0.2


def test_metres_are_not_taken_for_millimetres_round_the_wheel():
    for wrong in (lambda: roundness(np.full(360, 0.475)), lambda: flat_depth(2000.0, 0.95)):
        with pytest.raises(BadEvidence) as refused:
            wrong()
        assert refused.value.reason == "units"


def test_a_contour_of_a_row_is_a_profile_to_restore():
    x = np.arange(0, 130.1, 2)
    target = contour(list(zip(x.tolist(), analytic(33.0)(x).tolist(), strict=True)))
    assert np.diff(target.x_mm).max() < 0.21
    fine = np.arange(0, 130, 0.2)
    worn = profile(fine, analytic(30.0)(fine))
    cut = turning_cut(worn, "row", target, 70)
    assert cut.depth_mm > 0
    assert cut.diameter_loss_mm == 2 * cut.depth_mm
