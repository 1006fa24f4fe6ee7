"""What is promised of a consist: chances with bands, links in order, exchanges that are fit."""

import msgspec
import numpy as np
import pytest

from railtrace.analysis.run_reliability import consist_chance
from railtrace.errors import NotFound
from railtrace.store.promise import SHARED_SD, Promise, counted, offers, promise_of, told
from railtrace.store.reliability import unit_answer
from tests.store.test_lives import railway, reliability
from tests.store.test_views import CATALOGUE

__all__ = ["railway"]
KM = 2000.0
TRAIN = ["s-0", "s-1", "s-2"]


@pytest.fixture
def fleets(railway):
    fleet = reliability(railway)
    return {f"s-{n}": fleet for n in range(4)}


def promised(fleets, units=TRAIN, km=KM):
    return promise_of(units, fleets, CATALOGUE, km)


def test_the_chance_is_that_of_all_units_under_one_shared_effect(fleets) -> None:
    delay, rescue = promised(fleets).chances
    each = np.array([unit_answer(fleets[u], u, KM).reliability for u in TRAIN])
    assert delay.chance == pytest.approx(consist_chance(each, SHARED_SD))
    assert delay.chance >= np.prod(each)
    assert delay.minutes == 6
    # Of class 1 there was one failure of three: a rescue is rarer than a delay.
    assert rescue.chance > delay.chance


def test_that_one_or_two_fewer_get_through_is_likelier_and_all_of_them_is_the_promise(fleets):
    chances = counted(TRAIN, fleets, KM)
    each = np.array([unit_answer(fleets[u], u, KM).reliability for u in TRAIN])
    assert list(chances) == [3, 2, 1]
    assert chances[3].chance == promised(fleets).chances[0].chance
    assert chances[3].chance < chances[2].chance < chances[1].chance < 1
    assert chances[2].chance == pytest.approx(consist_chance(each, SHARED_SD, 2))
    assert all(one.low < one.chance < one.high for one in chances.values())
    assert list(counted(TRAIN[:1], fleets, KM)) == [1]


def test_the_band_holds_the_middle_and_is_not_narrower_than_that_of_its_worst_unit(fleets) -> None:
    for chance in promised(fleets).chances:
        assert 0 < chance.low < chance.chance < chance.high < 1
    delay = promised(fleets).chances[0]
    worst = min((unit_answer(fleets[u], u, KM) for u in TRAIN), key=lambda a: a.low)
    assert delay.low < worst.low


def test_a_longer_trip_and_another_unit_promise_less(fleets) -> None:
    chance = promised(fleets).chances[0].chance
    assert promised(fleets, km=2 * KM).chances[0].chance < chance
    assert promised(fleets, [*TRAIN, "s-3"]).chances[0].chance < chance


def test_links_are_named_the_weakest_first_and_their_shares_are_the_whole(fleets) -> None:
    links = promised(fleets).links
    shares = [link.share for link in links]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    answer = unit_answer(fleets["s-0"], "s-0", KM)
    [link] = [one for one in links if one.unit == "s-0"]
    by_component: dict[str, float] = {}
    for one in answer.shares:
        by_component[one.component] = by_component.get(one.component, 0) + one.share
    assert link.component_share == pytest.approx(max(by_component.values()))
    assert link.component == max(by_component, key=lambda name: by_component[name])


def test_what_is_assumed_stands_among_the_inputs(fleets) -> None:
    inputs = {(one.name, one.grade): one.count for one in promised(fleets).inputs}
    assert inputs["shared_effect", "assumed"] == 1
    assert inputs["failures", "measured"] == len(TRAIN)
    assert any(name == "age" and grade == "missing" for name, grade in inputs)


def test_a_unit_of_no_fleet_or_no_units_at_all_promise_nothing(fleets) -> None:
    with pytest.raises(NotFound, match="1 units are of no fleet whose runs are known here: guest"):
        promised(fleets, ["s-0", "guest"])
    with pytest.raises(NotFound, match="without units promises nothing"):
        promised(fleets, [])


def test_a_unit_of_the_fleet_that_never_ran_is_told_by_its_rate_and_counted(fleets) -> None:
    fleet = fleets["s-0"]
    promise = promise_of(["s-0", "s-new"], fleets | {"s-new": fleet}, CATALOGUE, KM)
    assert promise.strangers == 1
    [link] = [one for one in promise.links if one.unit == "s-new"]
    assert not link.known
    assert link.chance == pytest.approx(told(fleet, KM).flat)


def test_the_promise_is_read_back_as_it_was_kept(fleets) -> None:
    promise = promised(fleets)
    kept = msgspec.json.encode(promise, order="sorted")
    assert msgspec.json.decode(kept, type=Promise) == promise
    assert kept == msgspec.json.encode(promised(fleets), order="sorted")


def test_an_exchange_is_offered_for_a_fit_unit_of_its_kind_alone(fleets) -> None:
    units, kinds, free = ["s-1", "s-2"], ["loco", "loco"], [("s-0", "other"), ("s-3", "loco")]
    [offer] = offers(units, kinds, fleets, free, KM, lambda unit: True, 1)
    before = promised(fleets, units).chances[0].chance
    swapped = [offer.instead if u == offer.unit else u for u in units]
    assert offer.instead == "s-3"
    assert offer.chance == pytest.approx(promised(fleets, swapped).chances[0].chance)
    assert offer.gain == pytest.approx(offer.chance - before)
    assert offer.gain > 0
    assert offers(units, kinds, fleets, free, KM, lambda unit: False, 1) == []
    assert offers(units, kinds, fleets, [("stranger", "loco")], KM, lambda unit: True, 1) == []
