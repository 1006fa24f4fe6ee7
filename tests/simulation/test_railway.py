"""The simulated railway: deterministic, recordable, as large as promised, true to its laws."""

import math
import tomllib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from railtrace.catalogue.layout import positions
from railtrace.catalogue.load import load
from railtrace.projections.all import VIEWS
from railtrace.projections.coupling import COUPLING
from railtrace.projections.fold import fold, resolve, units_of
from railtrace.projections.passport import PASSPORT
from railtrace.simulation.laws import SHIPPED, laws_from, load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.truth import Truth, read_truth
from railtrace.trace.checks import check
from railtrace.trace.leaf import Entry, encode_operation, microseconds
from railtrace.trace.operation import (
    Corrected,
    Failed,
    Held,
    Inspected,
    Installed,
    LeftRepair,
    LocationReported,
    Manufactured,
    Measured,
    Ran,
    RecallOpened,
    Registered,
    Removed,
    Reprofiled,
    RunRecorded,
    SectionsCoupled,
)

END = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


class Lived:
    """A railway that was generated, and the truth about it."""

    def __init__(self, laws, *, seed=7, scale=1.0, detail="demo"):
        self.truth = Truth()
        self.sent = list(
            generate(laws, load(), seed=seed, end=END, scale=scale, detail=detail, truth=self.truth)
        )
        self.operations = [sent.operation for sent in self.sent]

    def of(self, kind):
        return [op for op in self.operations if isinstance(op, kind)]


@pytest.fixture(scope="module")
def demo():
    return Lived(load_laws())


@pytest.fixture(scope="module")
def entries(demo):
    """Every unit's entries in life order, corrections carried out, as the views get them."""
    by_unit, touched, positions_in = defaultdict(list), {}, Counter()
    for log, op, recorded_at in demo.sent:
        at, recorded = microseconds(op.happened_at), microseconds(recorded_at)
        entry = Entry(log, positions_in[log], at, recorded, "demo", "test", op)
        positions_in[log] += 1
        units = set(touched.setdefault(op.id, units_of(op)))
        if isinstance(op, Corrected):
            units |= set(touched[op.target])
        for unit in units:
            by_unit[unit].append(entry)
    return {unit: resolve(list(found), unit) for unit, found in by_unit.items()}


def test_one_seed_gives_one_railway_and_another_seed_another():
    first, again, other = (
        [
            (log, encode_operation(op), at)
            for log, op, at in generate(
                load_laws(), load(), seed=seed, end=END, scale=0.1, truth=truth
            )
        ]
        for seed, truth in ((3, Truth()), (3, Truth()), (4, Truth()))
    )
    assert first == again
    assert first != other


def test_operations_come_in_the_order_of_recording_and_none_after_the_end(demo):
    recorded = [sent.recorded_at for sent in demo.sent]
    assert all(earlier <= later for earlier, later in pairwise(recorded))
    assert recorded[-1] <= END
    assert all(sent.operation.happened_at <= sent.recorded_at for sent in demo.sent)
    assert END - recorded[-1] < timedelta(days=1)


def test_every_operation_is_recordable_and_its_id_its_own(demo):
    for sent in demo.sent:
        check(sent.operation, sent.recorded_at)
    assert len({op.id for op in demo.operations}) == len(demo.operations)


def test_the_demo_is_as_large_as_promised(demo):
    catalogue = load()
    assert 95_000 <= len(demo.operations) <= 135_000
    vehicles = Counter(
        catalogue.vehicle_types[op.type].vehicle_class
        for op in demo.of(Registered)
        if op.type in catalogue.vehicle_types and not op.units[0].startswith("u-double-")
    )
    assert vehicles["freight_wagon"] == 2269
    assert vehicles["coach"] == 441
    series = {
        number.value.rstrip("АБ")
        for op in demo.of(Registered)
        for number in op.numbers
        if number.scheme == "series"
    }
    assert len(series) == 56
    assert {sent.log for sent in demo.sent} == {site.log for site in load_laws().sites}


def test_a_quarter_of_the_inventory_has_no_history(demo):
    unknown = [op.made is None for op in demo.of(Registered)]
    assert np.mean(unknown) == pytest.approx(0.25, abs=0.02)


def test_types_places_and_quantities_are_those_of_the_catalogue(demo):
    catalogue = load()
    type_of = {op.units[0]: op.type for op in demo.of(Registered | Manufactured)}
    known = {*catalogue.vehicle_types, *catalogue.part_types, *catalogue.locomotive_types}
    assert set(type_of.values()) <= known
    places = {
        key: {p.path: p.part_type for p in positions(catalogue, key)}
        for key in set(type_of.values()) & set(catalogue.vehicle_types)
    }
    for op in demo.of(Installed | Removed):
        assert places[type_of[op.carrier]][op.position] == type_of[op.units[0]]
    for op in demo.of(Measured | Reprofiled):
        known = {
            (m.quantity, place)
            for m in catalogue.part_types[type_of[op.units[0]]].measured
            for place in m.places or ("",)
        }
        for reading in op.readings:
            assert (reading.quantity, reading.place) in known
            assert reading.unit == catalogue.quantities[reading.quantity].unit


def test_what_the_depots_say_of_states_and_couplings_contradicts_nothing(demo, entries):
    names, states, coupled = set(), Counter(), 0
    for unit, own in entries.items():
        passport = fold(PASSPORT, unit, [e for e in own if PASSPORT.handles(e.kind)])[0]
        coupling = fold(COUPLING, unit, [e for e in own if COUPLING.handles(e.kind)])[0]
        names |= {c.name for s in (passport, coupling) for c in s.contradictions.values()}
        states[passport.status] += 1
        coupled += len(coupling.coupled())
    assert not names & {"two_states_at_once", "state_was_other", "in_use_while_in_repair",
                        "section_in_two_locomotives", "holder_was_other"}  # fmt: skip
    assert {"in_use", "reserve", "on_hire"} <= set(states)
    assert coupled == sum(len(op.units) for op in demo.of(SectionsCoupled)) > 0
    assert set(states) <= set(load().unit_states)


def test_the_crew_s_journal_is_the_locomotive_s_and_repairs_are_the_sections(demo):
    sections = {unit for op in demo.of(SectionsCoupled) for unit in op.units}
    locomotives = {op.locomotive for op in demo.of(SectionsCoupled)}
    to2 = [unit for op in demo.of(Inspected) if op.scope == "ТО-2" for unit in op.units]
    ran = {unit for kind in (Ran, RunRecorded) for op in demo.of(kind) for unit in op.units}
    assert locomotives <= ran & set(to2)
    assert not sections & (ran | set(to2))
    assert not locomotives & {unit for op in demo.of(LeftRepair) for unit in op.units}


def test_late_entries_are_as_many_as_the_laws_say(demo):
    assert len(demo.truth.late) / len(demo.operations) == pytest.approx(0.01, abs=0.003)


def test_corrections_come_after_what_they_correct(demo):
    place = {op.id: index for index, op in enumerate(demo.operations)}
    corrections = demo.of(Corrected)
    assert {op.action for op in corrections} == {"void", "replace"}
    assert len(corrections) > 20
    for op in corrections:
        assert place[op.target] < place[op.id]


def test_the_views_find_the_planted_contradictions_and_no_others(demo, entries):
    planted = {(c.kind, c.operations[0]) for c in demo.truth.contradictions}
    # A part installed under a second wagon also finds its place there taken.
    planted |= {("position_taken", id_) for kind, id_ in planted if kind == "installed_twice"}
    found = {
        (contradiction.name, contradiction.key.partition(":")[2])
        for unit, own in entries.items()
        for view in VIEWS
        for contradiction in fold(view, unit, own)[0].contradictions.values()
    }
    aftermath = {"condemned_while_installed", "removed_where_it_is_not", "installed_twice"}
    assert planted <= found
    assert {name for name, _ in found - planted} <= aftermath
    assert len(found - planted) <= 6
    assert Counter(c.kind for c in demo.truth.contradictions) == {
        # Three of the removals are of a serial mistyped by one digit: planted ghosts.
        "installed_twice": 3, "removed_where_it_is_not": 6, "after_scrapping": 3,
        "lot_counted_short": 1,
    }  # fmt: skip


def test_no_part_is_in_two_places_but_where_it_was_planted(demo, entries):
    genealogy = next(view for view in VIEWS if view.name == "genealogy")
    doubtful = {unit for c in demo.truth.contradictions for unit in c.units}
    for unit, own in entries.items():
        stays = fold(genealogy, unit, own)[0].stays
        assert unit in doubtful or sum(stay.to_us is None for stay in stays) <= 1


# --- working day 11 -------------------------------------------------------------------------


def frames_of_the_recall(entries, known_at=END):
    limit = microseconds(known_at)
    views = {view.name: view for view in VIEWS}
    for unit, own in entries.items():
        known = [entry for entry in own if entry.recorded_us <= limit]
        passport = fold(views["passport"], unit, known)[0]
        if (passport.type, passport.maker, passport.heat) == ("side_frame", "5", "7731"):
            assert passport.made.startswith("2009")
            yield unit, passport, fold(views["genealogy"], unit, known)[0].carrier()


def test_the_recall_finds_nine_frames_where_the_scenario_has_them(demo, entries):
    case, frames = demo.truth.recall, list(frames_of_the_recall(entries))
    on_wagons = {unit: stay.carrier for unit, _, stay in frames if stay}
    assert len(frames) == 9
    assert on_wagons == case.installed
    at_home = [w for w in on_wagons.values() if w != case.wagon_abroad]
    assert (len(at_home), len(set(at_home))) == (5, 4)
    assert set(at_home) == set(case.wagons_home)
    assert list(on_wagons.values()).count(case.wagon_abroad) == 1
    status = {unit: passport.status for unit, passport, _ in frames}
    assert [u for u in status if status[u] == "on_hold"] == sorted(case.stock)
    assert [u for u in status if status[u] == "condemned"] == case.condemned


def test_thirty_days_ago_the_list_of_the_recall_was_another(demo, entries):
    then = list(frames_of_the_recall(entries, END - timedelta(days=30)))
    assert len(then) == 9
    assert len({stay.carrier for _, _, stay in then if stay}) == 6
    assert "condemned" not in {passport.status for _, passport, _ in then}


def test_the_wagon_abroad_was_last_heard_of_eleven_days_ago(demo, entries):
    own = entries[demo.truth.recall.wagon_abroad]
    last = own[-1].operation
    assert isinstance(last, LocationReported)
    assert last.whereabouts == "abroad"
    assert (END - last.happened_at) // timedelta(days=1) == 11


def test_the_recall_is_open_and_its_stock_on_hold(demo):
    (opened,), (held,) = demo.of(RecallOpened), demo.of(Held)
    assert (opened.maker, opened.heat, opened.made) == ("5", "7731", "2009")
    assert held.recall == opened.recall == demo.truth.recall.recall
    assert list(held.units) == demo.truth.recall.stock


# --- agreement with the laws ----------------------------------------------------------------

SHAPE, SCALE_KM = 1.8, 4000.0


def kolmogorov(sample, cumulative):
    """Return sqrt(n) times the Kolmogorov distance; over 1.63 one time in a hundred."""
    ordered = np.sort(sample)
    n, expected = len(ordered), cumulative(np.sort(sample))
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    return math.sqrt(n) * distance


@pytest.fixture(scope="module")
def short_lives():
    """Lives [km] read off the operations of locomotives with one short-lived component."""
    tables = tomllib.loads(SHIPPED.read_text("utf-8"))
    diesel = next(c for c in tables["components"] if c["vehicle_class"] == "locomotive")
    others = [c for c in tables["components"] if c["vehicle_class"] == "freight_wagon"]
    diesel |= {"shape": SHAPE, "scale_km": SCALE_KM, "exchange": 1.0, "tracked": False}
    tables["components"] = [diesel, *others]
    tables["fleet"] = [row for row in tables["fleet"] if "series" in row or row["type"] == "hopper"]
    tables["frailty"]["sd"] = 1e-3
    tables["quality"]["effect"] = 0.0
    tables["season"]["hazard_amplitude"] = 0.0
    tables["recording"]["corrected_share"] = 0.0
    lived = Lived(laws_from(tables), seed=11)
    engines = {op.units[0] for op in lived.of(Failed) if op.place == "diesel"}
    sections = {op.locomotive: op.units for op in lived.of(SectionsCoupled)}
    km, since, lives = Counter(), {}, defaultdict(list)
    for op in sorted(lived.of(Ran | RunRecorded | Failed), key=lambda op: (op.happened_at, op.id)):
        if isinstance(op, Ran | RunRecorded):
            ran = [u for unit in op.units for u in sections.get(unit, (unit,))]
            km.update(dict.fromkeys(ran, float(op.distance_km)))
        elif op.units[0] in engines:
            unit = op.units[0]
            if unit in since:
                lives[unit].append(km[unit] - since[unit])
            since[unit] = km[unit]
    # The first lives of each: a fixed number, else short lives would be counted more often.
    return np.array([life for own in lives.values() for life in own[:4] if len(own) >= 4])


def weibull(shape, scale):
    return lambda km: 1 - np.exp(-((km / scale) ** shape))


def test_lives_read_off_the_operations_follow_their_weibull_law(short_lives):
    assert len(short_lives) > 250
    assert kolmogorov(short_lives, weibull(SHAPE, SCALE_KM)) < 1.63


def test_the_same_lives_would_betray_a_wrong_law(short_lives):
    assert kolmogorov(short_lives, weibull(1.2, SCALE_KM)) > 1.63
    assert kolmogorov(short_lives, weibull(SHAPE, 1.25 * SCALE_KM)) > 1.63


def test_wear_measured_over_kilometres_recovers_the_true_rates(demo, entries):
    """Regression of gauge readings on the carrier's kilometres, wheel by wheel."""
    rates = {wheel.unit: wheel for wheel in demo.truth.wheels}
    factor = {vehicle.unit: vehicle.wear_factor for vehicle in demo.truth.vehicles}
    locomotive = {u: op.locomotive for op in demo.of(SectionsCoupled) for u in op.units}
    ratios = []
    for unit in rates:
        own = [entry.operation for entry in entries[unit]]
        carriers = {op.carrier for op in own if isinstance(op, Installed)}
        measured = [op for op in own if isinstance(op, Measured)]
        untouched = not any(isinstance(op, Reprofiled | Removed) for op in own)
        if len(carriers) != 1 or len(measured) < 5 or not untouched:
            continue
        (carrier,) = carriers
        ran = entries[carrier] + entries.get(locomotive.get(carrier, ""), [])
        km = kilometres_at([op.happened_at for op in measured], ran)
        if np.ptp(km) < 60_000:
            continue
        for place, true in zip(("left", "right"), rates[unit].flange, strict=True):
            flange = [flange_of(op, place) for op in measured]
            slope = -np.polyfit(km, flange, 1)[0]
            ratios.append(slope / (true * factor[carrier]))
    assert len(ratios) > 100
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / math.sqrt(len(ratios)))
    assert np.std(ratios) < 0.12


def flange_of(measured, place):
    readings = ((r.quantity, r.place, float(r.value)) for r in measured.readings)
    return next(
        v for quantity, side, v in readings if (quantity, side) == ("flange_thickness", place)
    )


def kilometres_at(moments, own):
    runs = [
        (entry.operation.happened_at, float(entry.operation.distance_km))
        for entry in sorted(own, key=lambda entry: entry.life_key)
        if isinstance(entry.operation, Ran | RunRecorded)
    ]
    total = np.cumsum([0.0] + [km for _, km in runs])
    ended = np.array([at.timestamp() for at, _ in runs])
    return total[np.searchsorted(ended, [m.timestamp() for m in moments], side="right")]


def test_vehicles_that_are_frailer_fail_more_often(demo):
    frailty = {vehicle.unit: vehicle.frailty for vehicle in demo.truth.vehicles}
    failures = Counter(life.vehicle for life in demo.truth.lives if life.failed)
    weak = [failures[unit] for unit, u in frailty.items() if u > 1.3]
    strong = [failures[unit] for unit, u in frailty.items() if u < 0.7]
    assert np.mean(weak) > 1.5 * np.mean(strong)


def test_the_truth_is_kept_and_read_back(demo, tmp_path):
    demo.truth.write(tmp_path / "truth.json")
    assert read_truth(tmp_path / "truth.json") == demo.truth


@pytest.mark.nightly
def test_the_benchmark_has_a_million_operations():
    count = sum(1 for _ in generate(load_laws(), load(), seed=7, end=END, detail="full"))
    assert 950_000 <= count <= 1_150_000
