import numpy as np
import pytest

from railtrace.analysis.evidence import ADVICE, Evidence, evidence, ladder


@pytest.mark.parametrize(
    ("events", "step"),
    [(0, "none"), (1, "scarce"), (4, "scarce"), (5, "moderate"), (20, "moderate"), (21, "ample")],
)
def test_the_steps_of_the_ladder_are_at_1_5_and_21_events(events, step):
    assert evidence(events) == step
    assert ladder(np.array([events])).tolist() == [step]


def test_every_step_has_its_advice():
    assert set(ADVICE) == set(Evidence)
