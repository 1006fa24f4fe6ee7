"""A stand, a press and a wheelset beside the small railway, their evidence judged."""

import pytest

from railtrace.app import App
from railtrace.operating.diagnoses import EvidenceJudge
from tests.operating.stand import PRESS_SAMPLES, depot, pressed, real_wave, recorded

IR007, IR007_1HP = "DE_IR007_0hp_105_12k", "DE_IR007_1hp_106_12k"


@pytest.fixture(scope="module")
def stand(railway: App) -> App:
    """Return the railway with recordings of one bearing and a pressing."""
    results = railway.record(depot(), "p-test", "test")
    assert results
    recorded(railway, "one", real_wave(IR007), 5)
    recorded(railway, "two", real_wave(IR007_1HP), 2, rpm=1772)
    recorded(railway, "cut", real_wave(IR007)[:50_000], 1)
    pressed(railway, "press-one", "612", (PRESS_SAMPLES / "4412.kriv").read_bytes())
    railway.wait_caught_up(10)
    EvidenceJudge(railway).take()
    assert railway.wait_caught_up(10)
    return railway
