import numpy as np
import pytest

from railtrace.analysis.life_data import censored, merged, of_mode, right_censored
from railtrace.errors import BadData


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"lower": -1.0, "upper": np.inf}, "negative"),
        ({"lower": np.nan}, "missing or not a number"),
        ({"lower": 5.0, "upper": 4.0}, "interval 5 to 4 is reversed"),
        ({"lower": 0.0, "upper": 0.0}, "failure at age zero"),
        ({"lower": 3.0, "upper": 3.0, "entry": 3.0}, "entry 3 is not before the exit 3"),
        ({"lower": 3.0, "upper": 4.0, "entry": 3.5}, "entry 3.5 is after the last sight 3"),
        ({"entry": -2.0}, "entry -2 is negative"),
        ({"count": 0.0}, "count 0 is not above zero"),
    ],
)
def test_a_row_that_cannot_be_a_life_is_refused_by_row_and_reason(row, reason):
    good = {"lower": 10.0, "upper": 10.0, "entry": 1.0, "count": 1.0}
    columns = {key: [value, row.get(key, value), value] for key, value in good.items()}
    with pytest.raises(BadData, match=reason) as refused:
        censored(**columns)
    assert {place for place, _ in refused.value.faults} == {1}


def test_a_group_without_rows_is_refused():
    with pytest.raises(BadData, match="group 1 has no rows"):
        right_censored([1.0, 2.0], [True, True], group=[0, 2])


def test_rows_of_mixed_groups_are_sorted_with_all_their_columns():
    lives = right_censored(
        [1.0, 2.0, 3.0], [True, False, True], group=[1, 0, 1], entry=[0.1, 0.2, 0.3],
        count=[1, 2, 3], covariates=[[1.0], [2.0], [3.0]],
    )  # fmt: skip
    assert lives.lower.tolist() == [2.0, 1.0, 3.0]
    assert lives.entry.tolist() == [0.2, 0.1, 0.3]
    assert lives.count.tolist() == [2, 1, 3]
    assert lives.covariates[:, 0].tolist() == [2.0, 1.0, 3.0]
    assert lives.events.tolist() == [0.0, 4.0]


def test_a_failure_of_another_mode_only_ends_the_watch():
    lives = right_censored([1.0, 2.0, 3.0], [True, True, False])
    brake = of_mode(lives, np.array(["brake", "door", ""]), "brake")
    assert brake.failed.tolist() == [True, False, False]
    assert brake.lower.tolist() == [1.0, 2.0, 3.0]


def test_another_mode_known_only_to_an_interval_is_refused():
    lives = censored([1.0, 2.0], [1.5, 2.0])
    with pytest.raises(BadData, match="row 1"):
        of_mode(lives, np.array(["door", "brake"]), "brake")


def test_merging_keeps_every_life():
    lives = right_censored([2.0, 1.0, 2.0, 2.0], [1, 1, 1, 0], count=[1, 2, 3, 4])
    found = merged(lives)
    assert found.count.sum() == 10
    assert sorted(found.count[found.failed].tolist()) == [2, 4]


def test_chosen_groups_keep_their_order_and_rows():
    lives = right_censored(np.arange(1.0, 7.0), np.ones(6), group=[0, 0, 1, 2, 2, 2])
    found = lives.take_groups(np.array([2, 0]))
    assert found.lower.tolist() == [4.0, 5.0, 6.0, 1.0, 2.0]
    assert found.offsets.tolist() == [0, 3, 5]


def test_an_interval_as_wide_as_rounding_is_an_exact_age():
    lives = censored([1.0, 2.0], [1.0 + 1e-12, 3.0])
    assert lives.exact.tolist() == [True, False]
