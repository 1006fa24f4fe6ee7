"""Due dates from wear are covered at nominal on fleets whose truth is known."""

import pytest

from railtrace.simulation.due_study import main


def test_the_day_a_wheel_crosses_its_limit_is_inside_nine_times_in_ten() -> None:
    score = main(12)
    assert score.wheels > 2500
    assert 0.86 <= score.inside <= 0.94
    assert max(score.before, score.after) < 0.09


@pytest.mark.nightly
def test_it_is_so_over_many_fleets() -> None:
    assert 0.88 <= main(200).inside <= 0.92
