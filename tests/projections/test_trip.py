"""A trip is held against its promise: kept, broken, or not known; counted by tenths."""

import math
import random

import pytest

from railtrace.projections.consist import Composition, Consist, Detached
from railtrace.projections.trip import Held, by_decile, came, held, tally

PROMISE = {"chances": [
    {"name": "delay", "chance": 0.9, "low": 0.8, "high": 0.95, "minutes": 6.0},
    {"name": "rescue", "chance": 0.99, "low": 0.98, "high": 0.995},
    {"name": "of a later program", "chance": 0.5, "low": 0.1, "high": 0.9},
]}  # fmt: skip


def trip(**fields: object) -> Consist:
    state = Consist(unit="consist:C", consist="C", departed_us=1,
                    compositions=[Composition("c", 0, ["v-1", "v-2"], [], [])])  # fmt: skip
    for name, value in fields.items():
        setattr(state, name, value)
    return state


def closed(**fields: object) -> Consist:
    return trip(closed_us=9, outcome="arrived", **fields)


def gone(cause: str) -> Detached:
    return Detached("v-2", 5, "", cause, "x", "d-1")


@pytest.mark.parametrize(
    ("state", "delay", "rescue"),
    [
        (trip(), None, None),
        (trip(rescued=True), None, False),
        (trip(detached=[gone("fault")]), None, False),
        (closed(), None, True),
        (closed(stock_delay_min="5.9"), True, True),
        (closed(stock_delay_min="6"), False, True),
        (closed(delay_min="90", stock_delay_min="0", detached=[gone("traffic")]), True, True),
        (closed(stock_delay_min="0", detached=[gone("fault")]), True, False),
    ],
)
def test_a_promise_is_kept_broken_or_not_known(
    state: Consist, delay: bool | None, rescue: bool | None
) -> None:
    assert came(state, "delay", 6.0) is delay
    assert came(state, "rescue", None) is rescue
    assert [one.kept for one in held(state, PROMISE)] == [delay, rescue]


def test_a_train_that_did_not_go_is_held_against_nothing() -> None:
    assert held(trip(closed_us=9, outcome="cancelled"), PROMISE) == []


def test_the_loss_is_the_surprise_of_what_came() -> None:
    late, whole = held(closed(stock_delay_min="60"), PROMISE)
    assert late.loss == pytest.approx(-math.log(0.1))
    assert whole.loss == pytest.approx(-math.log(0.99))
    assert held(trip(), PROMISE)[0].loss is None
    sure = Held("C", "delay", 1.0, 1.0, 1.0, 6.0, kept=False)
    assert sure.loss == pytest.approx(-math.log(1e-9))


def some(count: int, chance: float, truth: float, seed: int) -> list[Held]:
    draw = random.Random(seed)
    return [Held(f"C-{n}", "delay", chance, 0, 1, 6.0, draw.random() < truth)
            for n in range(count)]  # fmt: skip


def test_true_chances_agree_and_false_ones_do_not() -> None:
    agree = [tally("", some(200, 0.9, 0.9, seed)).inside for seed in range(200)]
    assert 0.86 <= sum(agree) / len(agree) <= 0.99
    assert not tally("", some(200, 0.97, 0.85, 1)).inside


def test_tenths_hold_every_known_promise_once() -> None:
    mixed = [one for k in range(5) for one in some(9, 0.5 + k / 10, 0.8, k)]
    unknown = Held("C-x", "delay", 0.9, 0, 1, 6.0, None)
    tenths = by_decile([*mixed, unknown])
    assert len(tenths) == 10
    assert sum(one.promises for one in tenths) == 45
    assert sum(one.observed for one in tenths) == sum(not one.kept for one in mixed)
    assert by_decile([unknown]) == []
    assert [one.promises for one in by_decile(mixed[:3])] == [1, 1, 1]
