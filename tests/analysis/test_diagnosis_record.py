import numpy as np
import pytest

from railtrace.analysis.diagnosis_record import records, share_of
from railtrace.errors import BadData


def test_the_yardstick_of_thirty_found_and_three_missed_comes_out():
    # About thirty bearings a month sent for replacement, about three failing in service.
    said = ["alarm"] * 30 + ["sound"] * 3 + ["sound"] * 900
    found = ["damage"] * 30 + ["damage"] * 3 + ["unknown"] * 900
    [record] = records(said, found, ["stand 1"] * 933)
    assert (record.hit.count, record.hit.of) == (30, 33)
    assert record.hit.share == pytest.approx(30 / 33)
    assert record.hit.low < 30 / 33 < record.hit.high
    assert record.miss.count == 3
    assert record.false_alarm.count == 0
    assert 0 < record.false_alarm.high < 0.12


def test_what_nobody_looked_into_is_unknown_and_not_right():
    [record] = records(["alarm", "alarm"], ["unknown", "damage"], ["a", "a"])
    assert (record.looked_into.count, record.looked_into.of) == (1, 2)
    assert record.false_alarm.of == 1


def test_groups_are_told_apart_and_the_one_with_most_diagnoses_comes_first():
    told = records(["alarm"] * 3, ["damage"] * 3, ["a", "b", "b"])
    assert [record.group for record in told] == ["b", "a"]


def test_of_nothing_everything_is_possible():
    nothing = share_of(0, 0)
    assert (nothing.low, nothing.high, nothing.evidence) == (0.0, 1.0, "none")
    assert np.isnan(nothing.share)


def test_intervals_cover_at_least_as_often_as_said():
    rng = np.random.default_rng(4)
    count = rng.binomial(40, 0.07, 2000)
    told = [share_of(int(c), 40) for c in count]
    assert np.mean([s.low <= 0.07 <= s.high for s in told]) >= 0.9


@pytest.mark.parametrize(("said", "found", "group", "words"), [
    (["alarm", "maybe"], ["damage"] * 2, ["a"] * 2, "row 2: maybe is none of alarm"),
    (["alarm"], ["yes"], ["a"], "row 1: yes is none of damage"),
    (["alarm"], ["damage"] * 2, ["a"], "rows of three"),
])  # fmt: skip
def test_words_that_are_none_are_refused(said, found, group, words):
    with pytest.raises(BadData, match=words):
        records(said, found, group)
