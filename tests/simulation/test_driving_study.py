"""The true effect of operation quality on the hazard is found, and its doubt is told rightly."""

import pytest

from railtrace.simulation.driving_study import main, study


def test_one_fleet_gives_an_effect_with_its_doubt() -> None:
    found = study(4, 30, weeks=104)
    assert found.failures > 20
    assert 0.05 < found.error < 0.4
    assert abs(found.log - 0.3) < 3 * found.error


@pytest.mark.nightly
def test_the_true_effect_lies_in_nine_of_ten_intervals() -> None:
    assert 0.87 <= main(200, 60) <= 0.93
