"""Views in a real store: any order of arrival gives the state of a rebuild."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railtrace.catalogue.load import load
from railtrace.projections.all import VIEWS
from railtrace.store.lookup import Lookup
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.store.views import ViewStore
from railtrace.trace.ledger import Submission, record
from railtrace.trace.operation import KINDS, Counter, LeanedOn, LogSize, Member, Number, Reading

START = datetime(2024, 3, 1, 6, 0, tzinfo=UTC)
CATALOGUE = load()
UNITS = ("v-1", "v-2", "w-1", "w-2", "w-3")


def op(kind, id_, day, **fields):
    return KINDS[kind](id=id_, happened_at=START + timedelta(days=day), **fields)


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path)


def new_store(folder, database=None):
    trace = DatabaseTraceStore(database or Sqlite(folder / "trace.db"))
    views = ViewStore(
        database or Sqlite(folder / "views.db", durable=False), trace, VIEWS, lambda sha: CATALOGUE
    )
    for log in ("north", "south"):
        trace.open_log(log, f"test/{log}")
    return views


def take(views, log, operations, seconds=0):
    now = START + timedelta(days=400, seconds=seconds)
    results = record(views.trace, log, [Submission(o, "t", "test") for o in operations], now)
    views.catch_up()
    return results


def record_into(views, log, operations):
    """Record operations that the views do not take yet."""
    record(views.trace, log, [Submission(o, "t", "test") for o in operations],
           START + timedelta(days=401))  # fmt: skip


def everything(views):
    """Return every row of every table of the views, in one order."""
    tables = ["states", "unit_ops", "contradictions", "positions", "corrections", "leanings"]
    tables += [table for view in VIEWS for table in (*view.tables, *view.history)]
    return {
        table: sorted(map(repr, views.database.query(f"SELECT * FROM {table}"))) for table in tables
    }


STOCK_KINDS = (
    "PartStored", "PartReserved", "PartSent", "PartReturned", "PartExchanged", "PartAccepted",
    "SendingListOpened", "SendingListClosed", "PartBorrowed", "LoanEnded", "Formed", "Disbanded",
    "Cannibalised", "LotReceived", "LotIssued", "LotCounted", "TwinsJudged",
)  # fmt: skip
_DIAGNOSTICS = [
    "Diagnosed", "EvidenceDiagnosed", "TornDown", "FailureAscribed", "FluidSampled",
    "FluidChanged", "Retyred",
]  # fmt: skip
_DEPOT = [
    "Verified", "InstrumentWithdrawn", "Tested", "MachineResult", "OrderOpened", "OrderClosed",
    "StepDone", "StepAccepted", "QualificationGranted", "QualificationWithdrawn", "Placed",
    "PlacePlanned", "TrackLeft",
]  # fmt: skip
"""Kinds of the depot: instruments, and what is made with them."""
UPKEEP = {
    "CampaignOpened": {"campaign": "C1", "title": "spring", "until": "2024-04"},
    "CampaignJoined": {"campaign": "C1"},
    "CampaignDone": {"campaign": "C1", "outcome": "passed"},
    "CampaignLeft": {"campaign": "C1", "reason": "another type"},
    "CampaignClosed": {"campaign": "C1"},
    "RemarkMade": {"text": "knocks", "topic": "brake"},
    "RemarkAccepted": {"remark": "o1"},
    "RemarkDone": {"remark": "o2", "work": "tightened"},
    "RemarkCarriedOver": {"remark": "o1", "reason": "no part", "until": "2026",
                          "performed_by": ("p-1",)},
    "WarrantyGiven": {"by": "works", "after": "КР", "until": "2026"},
    "WarrantyUntilWork": {"by": "works", "after": "ДР", "works": ("ДР", "КР")},
    "ClaimOpened": {"claim": "K1", "defect": "o1", "against": "works"},
    "ClaimAnswered": {"claim": "K1", "answer": "rejected"},
    "ClaimDisputed": {"claim": "K1", "reason": "not so"},
    "ClaimClosed": {"claim": "K1", "result": "paid"},
    "SentForRepair": {"stay": "S1", "to": "works"},
    "RepairProgressed": {"stay": "S1", "stage": "half"},
    "AcceptedFromRepair": {"stay": "S1"},
}  # fmt: skip
"""Campaigns, remarks, claims and repairs elsewhere, a few of each name so that they tangle."""


_TRAINS = [
    "ConsistComposed", "ConsistChanged", "ConsistSigned", "JointsChecked", "BrakeTested",
    "ConsistDeparted", "UnitDetached", "ConsistClosed", "Serviced",
]  # fmt: skip
"""Kinds of trains; two consists, so that they tangle."""


def life(data):
    """Draw a small tangle of operations on five units, contradictions welcome."""
    day = st.integers(0, 60)
    unit = st.sampled_from(UNITS)
    drawn = []
    for index in range(data.draw(st.integers(1, 14))):
        kind = data.draw(st.sampled_from(
            ["Registered", "Installed", "Removed", "Ran", "MeterRead", "Measured", "Held",
             "EnteredRepair", "WrittenOff", "Condemned", "Corrected", "Released",
             *STOCK_KINDS, *_DEPOT, *_DIAGNOSTICS, *UPKEEP, *_TRAINS,
             "StateChanged", "HolderChanged", "SectionsCoupled", "SectionsUncoupled",
             "LastRepairStated", "GuestSeen", "LocationReported",
             "LeftRepair", "Inspected", "PaperIssued", "LifeExtended",
             "RunRecorded", "WaysideAlarmed", "AlarmChecked", "Failed", "OriginDecided",
             "OriginDisputed", "AccidentDeclared", "AccidentLifted"]))  # fmt: skip
        at, name = data.draw(day), f"o{index}"
        mine = data.draw(unit)
        other = data.draw(unit.filter(lambda u, mine=mine: u != mine))
        drawn.append(_one(data, kind, name, at, mine, other, drawn))
    return drawn


def _one(data, kind, name, at, mine, other, drawn):
    match kind:
        case "Registered":
            return op(kind, name, at, units=(mine,), type="wheelset_freight",
                      counters=(Counter(meter="km", value="1000"),),
                      numbers=(Number(scheme="serial", value=f"5-{at}-09"),))  # fmt: skip
        case "Installed" | "Removed":
            return op(kind, name, at, units=(mine,), carrier=other, position="wheelset.1")
        case "Ran":
            return op(kind, name, at, units=(mine,), distance_km="12.5")
        case "MeterRead":
            return op(kind, name, at, units=(mine,), meter="km", value=str(at * 10))
        case "Measured":
            reading = Reading(quantity="flange_thickness", place="left", value=str(22 + at % 9),
                              unit="mm", uncertainty="0.3")  # fmt: skip
            return op(kind, name, at, units=(mine,), readings=(reading,))
        case "Diagnosed":
            return op(kind, name, at, units=(mine,), method="vibration", outcome="watch")
        case "EvidenceDiagnosed":
            return op(kind, name, at, units=(mine,), entry="o1", method="vibration", version="1",
                      outcome="alarm")  # fmt: skip
        case "TornDown":
            named = () if at % 2 else ("o0", "o1")
            return op(kind, name, at, units=(mine,), found="no_damage", diagnoses=named)
        case "FailureAscribed":
            return op(kind, name, at, units=(mine,), failure="o2", diagnoses=("o0", "o1"))
        case "FluidSampled":
            iron = Reading(quantity="oil_iron", value=str(at), unit="mg/kg")
            return op(kind, name, at, units=(mine,), fluid="oil", sample=name, readings=(iron,))
        case "FluidChanged":
            return op(kind, name, at, units=(mine,), fluid="oil", engine_hours=str(at))
        case "Retyred":
            return op(kind, name, at, units=(mine,), places=("left",) if at % 2 else ())
        case "StateChanged":
            return op(kind, name, at, units=(mine,), state=f"s{at % 3}", from_state=f"s{at % 2}")
        case "HolderChanged":
            return op(kind, name, at, units=(mine,), keeper=f"k{at % 3}", from_keeper=f"k{at % 2}")
        case "SectionsCoupled" | "SectionsUncoupled":
            return op(kind, name, at, units=(mine,), locomotive=other)
        case "LastRepairStated":
            grade = "unknown" if at % 3 == 0 else "document"
            said = {} if at % 3 == 0 else {"done": f"2023-{at % 9 + 1:02}"}
            return op(kind, name, at, units=(mine,), repair_kind="ДР", grade=grade, **said)
        case "GuestSeen":
            return op(kind, name, at, units=(mine,), owner_state="27",
                      numbers=(Number(scheme="serial", value="7-1-09"),))  # fmt: skip
        case "LocationReported":
            return op(kind, name, at, units=(mine,), place=f"p{at % 4}")
        case "Verified":
            return op(kind, name, at, units=(mine,), valid_from=START + timedelta(days=at),
                      valid_to=START + timedelta(days=at + 30))  # fmt: skip
        case "InstrumentWithdrawn":
            return op(kind, name, at, units=(mine,), window_from=START,
                      window_to=START + timedelta(days=at + 1), finding="wrong")  # fmt: skip
        case "OrderOpened" | "OrderClosed" | "StepDone" | "StepAccepted":
            own = {"OrderOpened": {"process": "wheelset_ordinary"}, "StepAccepted": {
                "entry": "o1"}}.get(kind, {})  # fmt: skip
            step = {"step": "wash", "performed_by": ("p-1",)} if kind.startswith("Step") else {}
            return op(kind, name, at, units=(mine,), work_order=f"W{at % 2}", **own, **step)
        case "Placed" | "TrackLeft":
            return op(kind, name, at, units=(mine,), track=str(at % 2))
        case "PlacePlanned":
            return op(kind, name, at, units=(mine,), track="1", planned_from=START,
                      planned_to=START + timedelta(days=1))  # fmt: skip
        case "QualificationGranted":
            return op(kind, name, at, person="p-1", qualification="otk", valid_from=START)
        case "QualificationWithdrawn":
            return op(kind, name, at, person="p-1", qualification="otk")
        case "MachineResult":
            return op(kind, name, at, units=(mine,), device="w-3", result_id=name,
                      machine="wheel_gauge", simulated=at % 2 == 0, facts=("o0", "o1"))  # fmt: skip
        case "Tested":
            return op(kind, name, at, units=(mine,), test="press", device=other)
        case "Inspected":
            return op(kind, name, at, units=(mine,), scope="ТО-2")
        case "PaperIssued":
            return op(kind, name, at, units=(mine,), service="дезинфекция", valid_until="2024-04")
        case "LifeExtended":
            return op(kind, name, at, units=(mine,), until="2030", document="протокол 7")
        case _ if kind in UPKEEP:
            return op(kind, name, at, units=(mine,), **UPKEEP[kind])
        case "RunRecorded":
            counter = str(at * 7 % 40)
            return op(kind, name, at, units=(mine,), started_at=START + timedelta(days=at - at % 3),
                      distance_km=str(at * 3 - 9), counter_to_km=counter)  # fmt: skip
        case "WaysideAlarmed":
            return op(kind, name, at, units=(mine,), alarm="hot_box")
        case "Failed":
            return op(kind, name, at, units=(mine,), mode="m")
        case "AlarmChecked":
            alarmed = data.draw(st.sampled_from([o.id for o in drawn] or ["o0"]))
            return op(kind, name, at, units=(mine,), alarmed=alarmed,
                      result="confirmed" if at % 2 else "not_confirmed")  # fmt: skip
        case "OriginDecided" | "OriginDisputed":
            entry = data.draw(st.sampled_from([o.id for o in drawn] or ["o0"]))
            own = {"origin": "repair", "decided_by": "x"} if kind == "OriginDecided" else {
                "disputed_by": "y"}  # fmt: skip
            return op(kind, name, at, units=(mine,), entry=entry, **own)
        case "AccidentDeclared":
            event = "derailment" if at % 3 else "fire"
            return op(kind, name, at, units=(mine,), accident=f"a-{at % 2}", event=event, what="x",
                      wheelsets=(other,))  # fmt: skip
        case "AccidentLifted":
            return op(kind, name, at, units=(mine, other), accident=f"a-{at % 2}", act="7",
                      decided_by="x")  # fmt: skip
        case "Held":
            return op(kind, name, at, units=(mine,), reason="look at it")
        case "Released":
            earlier = data.draw(st.lists(st.sampled_from([o.id for o in drawn] or ["o0"])))
            leaned_on = tuple(LeanedOn(operation=o, log="north", position=0) for o in earlier)
            return op(kind, name, at, units=(mine,), decision=name, scope="unit",
                      leaned_on=leaned_on, positions=(LogSize(log="north", size=1),))  # fmt: skip
        case _ if kind in _TRAINS:
            return _of_trains(kind, name, at, mine, other)
        case _ if kind in STOCK_KINDS:
            return _of_stock(kind, name, at, mine, other)
        case "Corrected":
            target = data.draw(st.sampled_from([o.id for o in drawn] or ["o0"]))
            if data.draw(st.booleans()):
                return op(kind, name, at, target=target if target != name else "o-none",
                          action="void", reason="wrong")  # fmt: skip
            other_kind = data.draw(st.sampled_from(["Ran", "WrittenOff", "Inspected"]))
            new = op(other_kind, f"{name}-new", at, units=(other,))
            return op(kind, name, at, target=target if target != name else "o-none",
                      action="replace", reason="wrong unit", replacement=new)  # fmt: skip
        case _:
            fields = {"repair_kind": "ДР"} if kind.endswith("Repair") else {}
            return op(kind, name, at, units=(mine,), **fields)


def _of_trains(kind, name, at, mine, other):
    """One operation of a train; compositions are named as they happen to be."""
    said = {"consist": f"C{at % 2}", "composition": f"o{at % 4}"}
    made = {"consist": f"C{at % 2}", "train": "329", "train_kind": "passenger_long",
            "route": "r", "departs_at": START, "turned": (mine,)}  # fmt: skip
    changed = {"replaces": f"o{at % 4}", "reason": "x", "left": ("w-3",)}
    fields = {
        "ConsistComposed": made,
        "ConsistChanged": made | changed,
        "ConsistSigned": said | {"act": f"a{at % 2}", "performed_by": (f"p-{at % 3}",)},
        "JointsChecked": said | {"items": ("coupler",)},
        "BrakeTested": said | {"test": "full", "mass_t": "9", "brake_force_t": "9",
                               "locomotive": other},
        "UnitDetached": said | {"reason": "x"},
        "Serviced": {"supply": "coal", "amount": str(at), "unit_of_measure": "t"},
    }.get(kind, said)  # fmt: skip
    units = (mine, other) if kind in ("ConsistComposed", "ConsistChanged") else (mine,)
    return op(kind, name, at, units=units, **fields)


def _of_stock(kind, name, at, mine, other):
    """One operation of the stock; lists and lots are few, so that they tangle."""
    list_ = f"L{at % 2}"
    lot = {"item": "brake_pad", "lot": list_, "store": "S", "quantity": str(at % 5 + 1)}
    fields = {
        "PartStored": {"store": "S", "awaits_acceptance": at % 2 == 0},
        "PartReserved": {"work_order": list_},
        "PartSent": {"list": list_, "to": "shop"},
        "PartReturned": {"list": list_, "store": "S"},
        "PartExchanged": {"list": list_, "instead_of": other},
        "SendingListOpened": {"list": list_, "to": "shop"},
        "SendingListClosed": {"list": list_, "not_returned": (other,)},
        "PartBorrowed": {"of": "27"},
        "Formed": {"parts": (Member(unit=other, position="axle"),)},
        "Disbanded": {"parts": (other,)},
        "Cannibalised": {"donor": other, "position": "wheelset.1"},
        "LotReceived": lot,
        "LotIssued": lot | {"carrier": other},
        "LotCounted": lot,
        "TwinsJudged": {"finding": "f", "verdict": "two", "reason": "seen"},
    }
    without = ("SendingListOpened", "SendingListClosed", "LotReceived", "LotIssued", "LotCounted")
    units = () if kind in without else (mine,)
    return op(kind, name, at, units=units, **fields.get(kind, {}))


def live_equals_rebuild(folder, data):
    views = new_store(folder)
    for second, operation in enumerate(life(data)):
        log = data.draw(st.sampled_from(["north", "south"]))
        at = START + timedelta(days=400, seconds=second)
        record(views.trace, log, [Submission(operation, "t", "test")], at)
        if data.draw(st.booleans()):
            views.catch_up(batch=data.draw(st.integers(1, 5)))
    views.catch_up()
    live = everything(views)
    views.rebuild()
    assert everything(views) == live
    for view in VIEWS:
        views.rebuild([view.name])
    assert everything(views) == live
    views.close()
    views.trace.close()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_of_arrival_in_any_batches_gives_the_rows_of_a_rebuild(tmp_path_factory, data):
    live_equals_rebuild(tmp_path_factory.mktemp("views"), data)


@pytest.mark.nightly
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_two_thousand_tangled_lives_give_the_rows_of_a_rebuild(tmp_path_factory, data):
    live_equals_rebuild(tmp_path_factory.mktemp("views"), data)


def test_a_correction_that_arrives_before_its_target_still_decides(store):
    new = op("Ran", "r-new", 2, units=("v-2",), distance_km="7")
    take(store, "south", [op("Corrected", "c1", 3, target="r1", action="replace", reason="x",
                             replacement=new)])  # fmt: skip
    take(store, "north", [op("Ran", "r1", 2, units=("v-1",), distance_km="12")], 5)
    usage = {u: store.states_now([u])["usage", u].km.total for u in ("v-1", "v-2")}
    assert usage == {"v-1": 0, "v-2": 7000}


def test_what_was_known_then_stays_as_it_was(store):
    take(store, "north", [op("Ran", "r1", 1, units=("v-1",), distance_km="100")])
    first_us = store.entries("v-1", None, None)[0].recorded_us
    take(store, "north", [op("Corrected", "c1", 5, target="r1", action="void", reason="x")], 60)
    now = store.states_then("v-1", None, None)["usage"][0]
    then = store.states_then("v-1", None, first_us)["usage"][0]
    assert (now.km.total, then.km.total) == (0, 100_000)


def test_the_state_at_a_date_leaves_out_what_happened_later(store):
    take(store, "north", [op("Ran", f"r{d}", d, units=("v-1",), distance_km="10")
                          for d in (1, 2, 3)])  # fmt: skip
    day_two = int((START + timedelta(days=2)).timestamp() * 1_000_000)
    assert store.states_then("v-1", day_two, None)["usage"][0].km.total == 20_000


def test_an_operation_of_an_unknown_kind_is_kept_and_only_its_units_have_no_decision(store):
    from dataclasses import replace

    from railtrace.trace.ledger import Row
    from railtrace.trace.merkle import leaf_hash

    leaf = (b'{"channel":"x","format":1,"operation":{"happened_at":"2024-03-02T00:00:00Z",'
            b'"id":"n1","kind":"Levitated","units":["v-1"]},'
            b'"recorded_at":"2026-01-01T00:00:00Z","submitter":"s"}')  # fmt: skip
    with store.trace.writing("north") as writer:
        frontier, kept = writer.head.frontier.append([leaf_hash(leaf)])
        row = Row(writer.head.size, "n1", "Levitated", leaf, leaf_hash(leaf))
        writer.append([row], replace(writer.head, frontier=frontier), kept)
    take(store, "north", [op("Ran", "r1", 1, units=("v-2",), distance_km="1")])
    assert store.states_now(["v-1"])["passport", "v-1"].unreadable == ("north", 0)
    assert ("passport", "v-2") not in store.states_now(["v-2"])
    assert store.lag() == 0
    live = everything(store)
    store.rebuild()
    assert everything(store) == live


def test_a_new_catalogue_judges_every_unit_again(tmp_path):
    catalogues = {None: type(CATALOGUE)(**{key: {} for key in CATALOGUE.__struct_fields__})}
    trace = DatabaseTraceStore(Sqlite(tmp_path / "trace.db"))
    trace.open_log("north", "test/north")
    trace.open_log("south", "test/south")
    views = ViewStore(Sqlite(tmp_path / "views.db"), trace, VIEWS,
                      lambda sha: catalogues.get(sha, CATALOGUE))  # fmt: skip
    reading = Reading(quantity="flange_thickness", place="left", value="20", unit="mm")
    take(views, "north", [
        op("Registered", "r1", 0, units=("w-1",), type="wheelset_freight"),
        op("Measured", "m1", 1, units=("w-1",), readings=(reading,)),
    ])  # fmt: skip
    verdict = "SELECT verdict FROM condition_summary WHERE unit = 'w-1'"
    assert views.database.query(verdict) == [("unknown",)]
    take(views, "north", [op("CatalogueAdopted", "k1", 2, catalogue=CATALOGUE.hash,
                             valid_from=START)])  # fmt: skip
    assert views.database.query(verdict) == [("unfit",)]


def test_every_page_of_the_fleet_holds_each_unit_once(store):
    take(store, "north", [
        op("Registered", f"r{i}", 0, units=(f"v-{i:03}",), type="gondola",
           numbers=(Number(scheme="other", value=f"{(i * 37) % 100:05}"),))
        for i in range(103)
    ])  # fmt: skip
    lookup, seen, after = Lookup(store.database), [], None
    for _ in range(99):
        page = lookup.fleet({"scope": "vehicles"}, "number", False, after, 10)
        seen += [row.unit for row in page.rows]
        after = page.after
        if after is None:
            break
    assert sorted(seen) == [f"v-{i:03}" for i in range(103)]


def test_two_units_with_one_number_are_shown_as_twins(store):
    plate = Number(scheme="network8", value="66345679")
    take(store, "north", [op("Registered", f"r{i}", 0, units=(f"v-{i}",), type="gondola",
                             numbers=(plate,)) for i in (1, 2)])  # fmt: skip
    assert Lookup(store.database).twins() == {"66345679": ["v-1", "v-2"]}


def test_entries_that_wait_are_told_by_unit_and_those_about_all_by_none(tmp_path):
    views = new_store(tmp_path)
    take(views, "north", [op("Registered", "r1", 0, units=("v-1",), type="tank_wagon"),
                          op("Washed", "w1", 1, units=("v-1",))])  # fmt: skip
    assert views.pending() == {}
    record_into(views, "north", [
        op("Washed", "w2", 2, units=("v-2",)), op("Washed", "w3", 3, units=("v-2",)),
        op("Corrected", "c1", 4, target="w1", action="void", reason="another wagon"),
    ])  # fmt: skip
    assert views.pending() == {"v-2": 2, "v-1": 1}
    assert views.pending(most=2) is None
    recall = op("RecallOpened", "re1", 5, recall="R-1", title="t", heat="7731")
    record_into(views, "north", [recall])
    assert views.pending() is None
