"""What is due, from what was done, by the rows of a small catalogue."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.catalogue.rows import CalendarStop, Service
from railtrace.projections.fold import fold
from railtrace.projections.maintenance import (
    DAY_US,
    MAINTENANCE,
    Due,
    dues,
    last_moment,
    life_of,
    plan_of,
    programmes_of,
    stops_of,
)
from railtrace.projections.release import due_gates, gates
from railtrace.trace.leaf import microseconds, moment
from tests.projections.railway import START, entries, op

DAY = date(2024, 6, 1)
ROW = {"source": "test", "jurisdiction": "TJ", "valid_from": date(2000, 1, 1), "confirmed": True,
       "ru": "х", "en": "x", "programme": "p"}  # fmt: skip


def service(kind, rank, **fields):
    return Service(key=f"p.{kind}.{len(fields)}", kind=kind, rank=rank, **(ROW | fields))


def stand(operations, rows, days=100, ran=None, unit="v-1"):
    """Return the dues by kind after so many days, `ran` being what was run since any moment."""
    state, _ = fold(MAINTENANCE, unit, entries(operations))
    kinds = dict.fromkeys(row.kind for row in rows)
    plan = tuple((tuple(r for r in rows if r.kind == kind), tuple(rows)) for kind in kinds)
    now_us = microseconds(START + timedelta(days=days))
    counted = ran or (lambda meter, us, then: (0.0, False))
    return {due.kind: due for due in dues(state, plan, now_us, counted)}


def left(kind, day, id_=None, **fields):
    return op("LeftRepair", id_ or f"l-{kind}-{day}", day, units=("v-1",), repair_kind=kind,
              **fields)  # fmt: skip


def test_whichever_comes_first_binds() -> None:
    row = service("ТО-3", 1, km=10_000, days=200)
    by_km = stand([left("ТО-3", 0)], [row], ran=lambda m, us, then: (9_000.0, False))["ТО-3"]
    by_days = stand([left("ТО-3", 0)], [row], ran=lambda m, us, then: (1_000.0, False))["ТО-3"]
    assert (by_km.binding.meter, by_days.binding.meter) == ("km", "calendar")
    assert by_km.state == by_days.state == "ok"


def test_a_greater_repair_resets_the_lesser_and_not_the_other_way() -> None:
    rows = [service("ТР-1", 1, days=50), service("ТР-3", 2, days=500)]
    after_great = stand([left("ТР-1", 0), left("ТР-3", 80)], rows)
    assert (after_great["ТР-1"].last_kind, after_great["ТР-1"].state) == ("ТР-3", "ok")
    after_small = stand([left("ТР-3", 0), left("ТР-1", 80)], rows)
    assert after_small["ТР-3"].last_kind == "ТР-3"
    assert after_small["ТР-3"].binding.used == 100


def test_kinds_without_rank_reset_only_themselves() -> None:
    rows = [service("дезинфекция", 0, days=30), service("радио", 0, days=30)]
    found = stand([op("Inspected", "i", 90, units=("v-1",), scope="радио")], rows)
    assert (found["радио"].state, found["дезинфекция"].state) == ("ok", "unknown")


def test_unknown_history_is_unknown_and_not_overdue() -> None:
    known_age = op("Registered", "r", 0, units=("v-1",), type="coach_open", made="1985")
    found = stand([known_age], [service("ДР", 1, months=24)], days=9_000)["ДР"]
    assert found.state == "unknown"
    assert found.criteria == ()
    assert due_gates("v-1", [found]) == []


def test_what_was_made_here_is_counted_from_its_making() -> None:
    made = op("Manufactured", "m", 0, units=("v-1",), type="gondola")
    rows = [service("ДР", 1, months=48, after=("build",)),
            service("ДР", 1, days=10, after=("ДР",))]  # fmt: skip
    assert stand([made], rows)["ДР"].last_kind == "build"
    assert stand([made], rows)["ДР"].state == "ok"
    assert stand([made, left("ДР", 80)], rows)["ДР"].state == "overdue"


def test_an_interval_after_another_kind_does_not_hold() -> None:
    rows = [service("ДР", 1, days=10, after=("КР",)), service("КР", 2, days=9_000)]
    assert stand([left("ДР", 50)], rows)["ДР"].state == "unknown"


@pytest.mark.parametrize(("percent", "state"), [(0, "overdue"), (5, "tolerated"), (2, "overdue")])
def test_a_tolerance_holds_an_overrun_back(percent: int, state: str) -> None:
    row = service("ТР-1", 1, km=50_000, tolerance_percent=percent, overrun="stop")
    found = stand([left("ТР-1", 0)], [row], ran=lambda m, us, then: (52_000.0, False))["ТР-1"]
    assert (found.state, found.stops) == (state, state == "overdue")


def test_hours_are_an_interval() -> None:
    row = service("ТО-2", 1, hours=72)
    done = op("Inspected", "i", 97, units=("v-1",), scope="ТО-2")
    assert stand([done], [row])["ТО-2"].state == "ok"
    assert stand([done], [row], days=101)["ТО-2"].state == "overdue"


def test_a_failed_service_does_not_count() -> None:
    row = service("ТР-1", 1, days=50)
    done = [left("ТР-1", 0), left("ТР-1", 80, "again", outcome="failed")]
    assert stand(done, [row])["ТР-1"].state == "overdue"


def test_a_repair_stated_at_entry_counts_with_the_counter_of_then() -> None:
    row = service("ТР-1", 1, km=50_000)

    def said(day, id_="x", **fields):
        return op("LastRepairStated", id_, day, units=("v-1",), repair_kind="ТР-1", **fields)

    ran = lambda m, us, then: (412_300 - then / 1000 if then else 9.0, then is None)  # noqa: E731
    stated = said(0, grade="document", done="2024-02", km="395000")
    found = stand([stated], [row], ran=ran)["ТР-1"]
    assert (found.binding.used, found.last.basis) == (17_300, "document")
    assert stand([stated, left("ТР-1", 50)], [row], ran=ran)["ТР-1"].last.operation != "x"
    weaker = said(2, "y", grade="stated", done="2024-03")
    assert stand([stated, weaker], [row], ran=ran)["ТР-1"].last.operation == "x"
    assert stand([said(0, grade="unknown")], [row], ran=ran)["ТР-1"].state == "unknown"


def test_a_paper_s_own_last_day_counts() -> None:
    row = service("дезинфекция", 0, days=1, overrun="stop")
    paper = op("PaperIssued", "p", 0, units=("v-1",), service="дезинфекция",
               valid_until=(START + timedelta(days=98)).date().isoformat())  # fmt: skip
    valid = stand([paper], [row], days=97)["дезинфекция"]
    expired = stand([paper], [row], days=100)["дезинфекция"]
    assert (valid.state, expired.state, expired.stops) == ("ok", "overdue", True)


@pytest.mark.parametrize("hours", [0, 5, -3])
def test_the_last_day_of_a_paper_ends_by_the_clocks_of_who_recorded_it(hours: int) -> None:
    clock = timezone(timedelta(hours=hours))
    paper = replace(
        op("PaperIssued", "p", 0, units=("v-1",), service="дезинфекция", valid_until="2026-03-31"),
        happened_at=START.astimezone(clock),
    )  # fmt: skip
    life = replace(
        op("LifeExtended", "l", 1, units=("v-1",), document="протокол 7", until="2026-03-31"),
        happened_at=(START + timedelta(days=1)).astimezone(clock),
    )  # fmt: skip
    done, _ = fold(MAINTENANCE, "v-1", entries([paper, life]))
    end_us = microseconds(datetime(2026, 4, 1, tzinfo=clock)) - 1
    assert (done.done["дезинфекция"].until_us, done.life_until_us) == (end_us, end_us)
    assert done.done["дезинфекция"].until == "2026-03-31"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("2026", "2026-12-31"), ("2026-12", "2026-12-31"), ("2028-02", "2028-02-29"),
     ("2026-03-05", "2026-03-05")],
)  # fmt: skip
def test_a_partial_date_lasts_to_its_end(text: str, wanted: str) -> None:
    assert moment(last_moment(text)).date().isoformat() == wanted


def test_months_end_on_the_same_day_or_the_month_s_last() -> None:
    row = service("ДР", 1, months=1)
    done = op("LeftRepair", "l", 30, units=("v-1",), repair_kind="ДР")  # 31 March 2024
    found = stand([done], [row], days=31)["ДР"]
    assert moment(found.calendar_us) == datetime(2024, 4, 30, 6, tzinfo=UTC)


def test_an_overdue_kind_that_stops_is_a_gate_and_another_a_warning() -> None:
    stops = service("ТО-3", 1, days=10, overrun="stop")
    warns = service("ДР", 2, days=20)
    found = stand([left("ТО-3", 0), left("ДР", 0)], [stops, warns])
    graded = [(g.name, g.values["kind"], g.force) for g in due_gates("v-1", list(found.values()))]
    assert graded == [("overdue", "ТО-3", "stops"), ("overdue", "ДР", "warns")]
    catalogue = load()
    against = gates([("v-1", {})], [], catalogue, dues={"v-1": list(found.values())})
    assert [(g.values["kind"], g.force) for g in against] == [("ТО-3", "stops"), ("ДР", "warns")]


def test_a_service_life_that_ended_is_a_hard_gate() -> None:
    extended = op("LifeExtended", "x", 0, units=("v-1",), until="2024-04", document="протокол 7")
    state, _ = fold(MAINTENANCE, "v-1", entries([extended]))
    def names(day):
        at_us = microseconds(START + timedelta(days=day))
        return [g.name for g in gates([("v-1", {"maintenance": state})], [], load(), now_us=at_us)]

    assert (names(20), names(70)) == ([], ["life_expired"])


def test_the_shipped_programmes_are_chosen_by_type_then_by_class() -> None:
    catalogue = load()

    def first(type_, chosen=""):
        return programmes_of(catalogue, type_, DAY, chosen)[0].key

    assert first("2te10m") == "te10_m62.line"
    assert first("2te10m", "main_line.utility") == "main_line.utility"
    assert first("gondola") == "wagons.gondola"
    assert first("hopper") == "wagons.other"
    assert first("coach_open") == "coaches"
    assert [p.key for p in programmes_of(catalogue, "boiler", DAY)] == ["papers.boiler"]
    assert programmes_of(catalogue, "no_such_type", DAY) == ()


def test_a_foreign_nomenclature_is_shown_and_applies_only_when_chosen() -> None:
    catalogue = load()
    assert all(p.jurisdiction != "KZ" for p in programmes_of(catalogue, "2te10m", DAY))
    kinds = [rows[0].kind for rows, _ in plan_of(catalogue, "2te10m", DAY, "kz.te10")]
    assert kinds[:4] == ["ТО-3", "ТО-6", "ТО-7", "ТО-8"]


def test_every_kind_of_a_due_has_a_row() -> None:
    catalogue = load()
    for type_ in catalogue.vehicle_types:
        for rows, _ in plan_of(catalogue, type_, DAY):
            assert all(row.key in catalogue.services for row in rows)
    assert isinstance(Due("u", "k", "s", "ok"), Due)


# --- preservation and service life -------------------------------------------------------------

PRESERVED = CalendarStop(key="s", states=("preserved",), programmes=("p",),
                         **{k: v for k, v in ROW.items() if k != "programme"})  # fmt: skip


def preserved_stand(operations, stops, days=100):
    row = service("ТО-3", 1, days=60)
    state, _ = fold(MAINTENANCE, "v-1", entries(operations))
    now_us = microseconds(START + timedelta(days=days))
    counted = lambda meter, us, then: (0.0, False)  # noqa: E731
    return dues(state, (((row,), (row,)),), now_us, counted, stops)[0]


def test_the_calendar_stands_still_in_preservation_where_a_rule_says_so() -> None:
    lived = [
        left("ТО-3", 0),
        op("StateChanged", "in", 20, units=("v-1",), state="preserved"),
        op("StateChanged", "out", 70, units=("v-1",), state="reserve"),
    ]
    without, with_rule = preserved_stand(lived, ()), preserved_stand(lived, (PRESERVED,))
    assert (without.state, without.binding.used) == ("overdue", 100)
    assert (with_rule.state, with_rule.binding.used) == ("ok", 50)
    assert with_rule.stood_us == 50 * DAY_US
    assert with_rule.calendar_us - without.calendar_us == 50 * DAY_US


def test_a_repair_ends_preservation_and_one_that_goes_on_counts_to_now() -> None:
    begun = [left("ТО-3", 0), op("StateChanged", "in", 20, units=("v-1",), state="preserved")]
    assert preserved_stand(begun, (PRESERVED,)).binding.used == 20
    entered = [*begun, op("EnteredRepair", "e", 50, units=("v-1",), repair_kind="ТР-1")]
    assert preserved_stand(entered, (PRESERVED,)).binding.used == 70


def test_preservation_before_the_last_service_is_not_counted_twice() -> None:
    lived = [
        op("StateChanged", "in", 0, units=("v-1",), state="preserved"),
        left("ТО-3", 30), op("StateChanged", "again", 40, units=("v-1",), state="preserved"),
    ]  # fmt: skip
    assert preserved_stand(lived, (PRESERVED,)).binding.used == 10


def test_an_unconfirmed_rule_stops_no_calendar_and_a_site_s_own_does() -> None:
    catalogue = load()
    assert catalogue.calendar_stops
    assert stops_of(catalogue, DAY) == ()
    own = replace(catalogue.calendar_stops["stop.preserved"], confirmed=True)
    assert stops_of(replace(catalogue, calendar_stops={"stop.preserved": own}), DAY) == (own,)


def born(type_, made, *more):
    registered = op("Registered", "r", 0, units=("v-1",), type=type_, made=made)
    return fold(MAINTENANCE, "v-1", entries([registered, *more]))[0]


def test_a_service_life_ends_so_many_years_after_the_end_of_the_year_of_making() -> None:
    life = life_of(born("gondola", "2000"), load(), microseconds(START))
    assert moment(life.until_us).date() == date(2022, 12, 31)
    assert (life.stops, life.row.key) == (False, "life.gondola")


def test_a_paper_that_extends_the_life_stands_before_the_row_and_stops() -> None:
    paper = op("LifeExtended", "x", 1, units=("v-1",), until="2023", document="протокол 7")
    life = life_of(born("gondola", "2000", paper), load(), microseconds(START))
    assert (moment(life.until_us).year, life.stops, life.document) == (2023, True, "протокол 7")


def test_a_permission_extends_no_life() -> None:
    said = op("Permitted", "p", 1, units=("v-1",), permission="life extended", until="2040")
    now_us = microseconds(START)
    assert life_of(born("gondola", "2000", said), load(), now_us).until_us < now_us


def test_an_ended_life_of_an_unconfirmed_row_warns_and_a_confirmed_one_stops() -> None:
    catalogue, state = load(), born("gondola", "2000")
    confirmed = replace(catalogue.service_lives["life.gondola"], confirmed=True, overrun="stop")
    sure = replace(catalogue, service_lives={"life.gondola": confirmed})
    forces = []
    for one in (catalogue, sure):
        found = gates([("v-1", {"maintenance": state})], [], one, now_us=microseconds(START))
        forces.append([(g.force, g.values["years"]) for g in found if g.name == "life_expired"])
    assert forces == [[("warns", "22")], [("stops", "22")]]


def test_a_life_without_a_date_of_making_or_a_term_is_not_known() -> None:
    assert life_of(born("gondola", None), load(), microseconds(START)) is None
    assert life_of(born("2te10m", "1985"), load(), microseconds(START)) is None
