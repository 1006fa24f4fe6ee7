"""Campaigns: who is in, who is done, and what a day that passed does to the others."""

from datetime import UTC, datetime, timedelta, timezone

from msgspec import structs

from railtrace.projections.campaigns import CAMPAIGNS, standing
from railtrace.projections.fold import fold
from railtrace.projections.maintenance import DAY_US, MAINTENANCE
from railtrace.projections.release import campaign_gates
from railtrace.trace.leaf import microseconds
from tests.projections.railway import START, entries, op

AFTER_US = microseconds(START) + 70 * DAY_US
OPENED = op("CampaignOpened", "c-o", 0, campaign="C1", title="spring", until="2024-04-30",
            effect="stops", service="весенний осмотр")  # fmt: skip
JOINED = op("CampaignJoined", "c-j", 0, campaign="C1", units=("v-1", "v-2"))


def campaign(*more):
    state, _ = fold(CAMPAIGNS, "campaign:C1", entries([OPENED, JOINED, *more]))
    return state


def stands(campaign, *lived, unit="v-1", now_us=AFTER_US):
    maintenance, _ = fold(MAINTENANCE, unit, entries(lived))
    return standing(campaign, campaign.members[unit], maintenance, now_us)


def test_a_unit_not_done_by_the_last_day_is_overdue_and_stopped() -> None:
    one = stands(campaign())
    assert one.state == "overdue"
    (gate,) = campaign_gates("v-1", [one])
    assert (gate.name, gate.force, gate.values["operation"]) == ("campaign_overdue", "stops", "c-o")


def test_before_the_end_of_the_last_day_nothing_stops() -> None:
    last_us = microseconds(START.replace(month=4, day=30, hour=23, minute=59))
    one = stands(campaign(), now_us=last_us)
    assert one.state == "due"
    assert campaign_gates("v-1", [one]) == []


def test_what_was_done_in_the_campaign_is_done_and_a_failed_look_is_not() -> None:
    passed = op("CampaignDone", "d1", 10, campaign="C1", units=("v-1",), act="7")
    failed = op("CampaignDone", "d2", 10, campaign="C1", units=("v-2",), outcome="failed")
    state = campaign(passed, failed)
    assert stands(state).done_by == "d1"
    assert stands(state, unit="v-2").state == "overdue"


def test_the_service_the_campaign_names_does_it_when_done_since_it_was_opened() -> None:
    done = op("Inspected", "i1", 5, units=("v-1",), scope="весенний осмотр")
    assert stands(campaign(), done).done_by == "i1"
    before = op("Inspected", "i0", -5, units=("v-1",), scope="весенний осмотр")
    assert stands(campaign(), before).state == "overdue"


def test_a_failed_look_is_mended_by_the_service_done_after_it() -> None:
    failed = op("CampaignDone", "d2", 10, campaign="C1", units=("v-1",), outcome="failed")
    done = op("Inspected", "i2", 12, units=("v-1",), scope="весенний осмотр")
    one = stands(campaign(failed), done)
    assert (one.state, one.done_by) == ("done", "i2")


def test_a_failed_look_is_not_mended_by_the_same_inspection() -> None:
    failed = op("CampaignDone", "d2", 10, campaign="C1", units=("v-1",), outcome="failed")
    done = op("Inspected", "i1", 5, units=("v-1",), scope="весенний осмотр")
    assert stands(campaign(failed), done).state == "overdue"


def test_a_closed_campaign_and_a_unit_taken_out_keep_nobody_back() -> None:
    closed = campaign(op("CampaignClosed", "x", 80, campaign="C1"))
    assert campaign_gates("v-1", [stands(closed)]) == []
    left = campaign(op("CampaignLeft", "l", 3, campaign="C1", units=("v-1",), reason="sold"))
    assert stands(left).state == "out"


def test_two_openings_and_a_closing_of_nothing_are_contradictions() -> None:
    twice = campaign(op("CampaignOpened", "c-p", 1, campaign="C1", title="t", until="2025"))
    assert [c.name for c in twice.contradictions.values()] == ["campaign_opened_twice"]
    state, _ = fold(CAMPAIGNS, "campaign:C2", entries([
        op("CampaignClosed", "x", 1, campaign="C2")]))  # fmt: skip
    assert [c.name for c in state.contradictions.values()] == ["campaign_not_open"]


def test_the_last_day_of_a_campaign_ends_by_the_clocks_of_who_opened_it() -> None:
    """Midnight in Dushanbe, five hours ahead, is 19:00 UTC."""
    dushanbe = timezone(timedelta(hours=5))
    there = structs.replace(OPENED, happened_at=OPENED.happened_at.astimezone(dushanbe))
    state, _ = fold(CAMPAIGNS, "campaign:C1", entries([there]))
    assert state.until_us == microseconds(datetime(2024, 4, 30, 19, tzinfo=UTC)) - 1
    assert campaign(OPENED).until_us == microseconds(datetime(2024, 5, 1, tzinfo=UTC)) - 1
