"""Locomotives as dated couplings of sections; scenario 3 with its numbers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.projections.coupling import COUPLING
from railtrace.projections.fold import fold, resolve
from railtrace.projections.maintenance import MAINTENANCE
from railtrace.projections.remaining import covers
from railtrace.store.knowledge import Knowledge
from railtrace.store.lookup import Lookup
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import Counter, Number
from tests.projections.railway import entries, op
from tests.store.test_views import CATALOGUE, START, new_store, take


def coupling(unit, *operations):
    return fold(COUPLING, unit, resolve(entries(operations), unit))[0]


def coupled(id_, day, *sections, to="L-1", **fields):
    return op("SectionsCoupled", id_, day, units=sections, locomotive=to, **fields)


def names(state):
    return [c.name for c in state.contradictions.values()]


def test_a_section_in_two_locomotives_is_a_named_contradiction():
    twice = [coupled("c1", 1, "a"), coupled("c2", 5, "a", to="L-2")]
    assert names(coupling("a", *twice)) == ["section_in_two_locomotives"]
    parted = op("SectionsUncoupled", "u1", 3, units=("a",), locomotive="L-1")
    assert names(coupling("a", *twice, parted)) == []


def test_two_sections_in_one_place_are_a_named_contradiction():
    twice = [coupled("c1", 1, "a", places=("А",)), coupled("c2", 5, "b", places=("А",))]
    assert names(coupling("L-1", *twice)) == ["section_place_taken"]


def test_uncoupling_where_it_is_not_is_a_named_contradiction():
    parted = op("SectionsUncoupled", "u1", 3, units=("a",), locomotive="L-1")
    assert names(coupling("a", parted)) == ["uncoupled_where_it_is_not"]


def _section(unit, number, km, tr1):
    return [
        op("Registered", f"r-{unit}", 0, units=(unit,), type="2te10m", home_site="north",
           numbers=(Number(scheme="series", value=number),),
           counters=(Counter(meter="km", value=km),)),
        op("LastRepairStated", f"t-{unit}", 0, units=(unit,), repair_kind="ТР-1",
           grade="document", km=tr1),
    ]  # fmt: skip


SWAP = [
    *_section("a", "2ТЭ10М-2345А", "412300", "395000"),
    *_section("b", "2ТЭ10М-2345Б", "409900", "395000"),
    *_section("c", "2ТЭ10М-2411Б", "288150", "241000"),
    op("Registered", "r-L", 0, units=("L",), type="locomotive_2te10m",
       numbers=(Number(scheme="series", value="2ТЭ10М-2345"),)),
    coupled("c1", 1, "a", "b", to="L", places=("А", "Б")),
    op("SectionsUncoupled", "u1", 10, units=("b",), locomotive="L", reason="ТР-3"),
    op("EnteredRepair", "e1", 10.1, units=("b",), repair_kind="ТР-3"),
    coupled("c2", 11, "c", to="L", places=("Б",)),
    op("Ran", "run", 20, units=("L",), distance_km="1840"),
]  # fmt: skip


def test_scenario_3_a_run_of_the_locomotive_counts_for_the_sections_coupled_then(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SWAP)
    known = Knowledge(views, Lookup(views.database), CATALOGUE)
    now_us = microseconds(START) + 30 * 86_400_000_000
    km = {unit: known.mileage().at(unit, now_us) // 1000 for unit in "abc"}
    assert km == {"a": 414_140, "b": 409_900, "c": 289_990}
    left = known.remaining("L", "ТР-1", 50_000, now_us)
    assert [(unit, r.left_milli) for unit, r in left] == [("a", 30_860_000), ("c", 1_010_000)]
    short = [unit for unit, r in left if not covers(r, 1_200_000)]
    assert [known.passport(unit).primary().value for unit in short] == ["2ТЭ10М-2411Б"]
    assert known.site_of("L") == "north"


def test_the_list_shows_what_a_section_ran_in_its_locomotives(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SWAP)
    rows = {row.number: row.km_milli for row in Lookup(views.database).units(["a", "b", "c"])}
    assert rows == {
        "2ТЭ10М-2345А": 414_140_000, "2ТЭ10М-2345Б": 409_900_000, "2ТЭ10М-2411Б": 289_990_000,
    }  # fmt: skip


def test_a_meter_read_after_a_coupling_counts_what_came_after_it_only(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SWAP)
    take(views, "north", [op("MeterRead", "m1", 20.5, units=("c",), meter="km", value="290000"),
                          op("Ran", "run2", 21, units=("L",), distance_km="10")], 9)  # fmt: skip
    lookup = Lookup(views.database)
    known = Knowledge(views, lookup, CATALOGUE)
    now_us = microseconds(START) + 30 * 86_400_000_000
    assert known.mileage().at("c", now_us) == 290_010_000
    assert lookup.units(["c"])[0].km_milli == 290_010_000


def test_the_counters_of_all_sections_hold_the_runs_of_their_locomotives(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SWAP)
    runs, _ = Lookup(views.database).all_counter_rows(["2te10m"], "km")
    assert [(unit, length) for unit, _, length in runs] == [("a", 1_840_000), ("c", 1_840_000)]


# --- ТО-2 belongs to the locomotive, repairs to the section ------------------------------------


def to2(id_, day, unit="L", **fields):
    return op("Inspected", id_, day, units=(unit,), scope="ТО-2", **fields)


SERVICED = [
    *SWAP, to2("i1", 5), to2("i2", 12), to2("i3", 14, outcome="failed"), to2("i4", 3, unit="b"),
]  # fmt: skip


def test_a_to_2_of_the_locomotive_is_credited_to_the_sections_of_its_day(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SERVICED)
    known = Knowledge(views, Lookup(views.database), CATALOGUE)
    last = {unit: known.maintenance(unit).done["ТО-2"].operation for unit in "abc"}
    assert last == {"a": "i2", "b": "i1", "c": "i2"}


def test_a_to_2_is_credited_as_it_was_known_and_as_it_stood(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", SERVICED)
    at_us = microseconds(START) + 6 * 86_400_000_000
    then = Knowledge(views, Lookup(views.database), CATALOGUE, at_us)
    assert then.maintenance("a").done["ТО-2"].operation == "i1"
    assert "ТО-2" not in then.maintenance("c").done


def test_a_repair_recorded_on_the_locomotive_is_a_named_contradiction():
    of = [*SWAP, op("LeftRepair", "x", 15, units=("L",), repair_kind="ТР-1")]
    state = fold(MAINTENANCE, "L", resolve(entries(of), "L"))[0]
    assert names(state) == ["repair_of_a_locomotive"]
    section = [*SWAP, op("LeftRepair", "x", 15, units=("b",), repair_kind="ТР-3")]
    assert names(fold(MAINTENANCE, "b", resolve(entries(section), "b"))[0]) == []


_DAYS = st.integers(1, 40)


@settings(max_examples=15, deadline=None)
@given(
    swaps=st.lists(st.tuples(_DAYS, st.sampled_from("ab"), st.sampled_from("LM"), st.booleans())),
    services=st.lists(st.tuples(_DAYS, st.sampled_from("LMab"), st.sampled_from(["ТО-1", "ТО-2"]))),
    order=st.randoms(use_true_random=False),
)
def test_law_a_section_has_its_own_services_and_its_locomotives_while_it_was_in_them(
    tmp_path_factory, swaps, services, order
):
    couplings = [
        op("SectionsCoupled" if into else "SectionsUncoupled", f"c{n}", day, units=(section,),
           locomotive=to)
        for n, (day, section, to, into) in enumerate(swaps)
    ]  # fmt: skip
    # A service at noon: none falls on the moment of a coupling.
    done = [
        op("Inspected", f"s{n}", day + 0.5, units=(unit,), scope=kind)
        for n, (day, unit, kind) in enumerate(services)
    ]
    mixed = [*couplings, *done]
    order.shuffle(mixed)
    views = new_store(tmp_path_factory.mktemp("law"))
    for n, some in enumerate((mixed[::2], mixed[1::2])):
        take(views, "north", some, n)
    lookup = Lookup(views.database)
    known, fleet = Knowledge(views, lookup, CATALOGUE), lookup.services_of_sections()
    for section in "ab":
        stays = known.coupling(section).stays
        expected = {
            (kind, day)
            for day, unit, kind in services
            if unit == section or any(
                stay.carrier == unit and stay.covers(_us(day + 0.5)) for stay in stays)
        }  # fmt: skip
        last = {kind: max(d for k, d in expected if k == kind) for kind, _ in expected}
        shown = known.maintenance(section).done
        assert {kind: one.at_us for kind, one in shown.items()} == {
            kind: _us(day + 0.5) for kind, day in last.items()
        }
        for kind, at_us, *_ in fleet.get(section, ()):
            assert at_us <= shown[kind].at_us


def _us(day):
    return microseconds(START) + round(day * 86_400_000_000)
