"""What is between carriers: stores, reservations, acceptance, loans, debts, lists, lots."""

from dataclasses import replace

from railtrace.catalogue.load import load
from railtrace.projections.fold import fold, units_of
from railtrace.projections.lists import LISTS, SendingList
from railtrace.projections.lots import LOTS, Lot
from railtrace.projections.stock import STOCK, Stock
from railtrace.trace.operation import Member
from tests.projections.railway import entries, op

CATALOGUE = load()


def folded(view, unit, *operations):
    mine = [e for e in entries(operations) if unit in units_of(e.operation)]
    return fold(view, unit, sorted(mine, key=lambda e: e.life_key))[0]


def stock(*operations, unit="m-1") -> Stock:
    return folded(STOCK, unit, *operations)


def sending_list(*operations) -> SendingList:
    return folded(LISTS, "list:L1", *operations)


def lot(*operations) -> Lot:
    return folded(LOTS, "lot:S:brake_pad:17", *operations)


def names(state) -> list[str]:
    return sorted(c.name for c in state.contradictions.values())


def stored(day=0, **more):
    return op("PartStored", f"s{day}", day, units=("m-1",), store="S", **more)


def sent(day=1, list_="L1", **more):
    return op("PartSent", f"out{day}", day, units=("m-1",), list=list_, to="shop", **more)


def returned(day=9, list_="L1", units=("m-1",)):
    return op("PartReturned", f"in{day}", day, units=units, list=list_, store="S", paper="7")


def accepted(day=10, **more):
    return op("PartAccepted", f"a{day}", day, units=("m-1",), **more)


def installed(day=11, **more):
    return op("Installed", f"i{day}", day, units=("m-1",), carrier="v-1", position="4", **more)


# --- acceptance -------------------------------------------------------------------------------


def test_a_part_fitted_before_it_is_accepted_is_recorded_and_contradicted():
    state = stock(stored(), sent(), returned(), installed(11))
    assert names(state) == ["installed_not_accepted"]
    (found,) = state.contradictions.values()
    assert (found.values["since"], found.values["carrier"]) == ("2024-03-10", "v-1")


def test_a_part_fitted_while_at_the_contractor_is_in_repair_since_it_left():
    (found,) = stock(stored(), sent(), installed(3)).contradictions.values()
    assert (found.values["since"], found.values["to"]) == ("2024-03-02", "shop")


def test_acceptance_entered_late_takes_the_contradiction_away():
    assert names(stock(stored(), sent(), returned(), accepted(), installed(11))) == []
    assert names(stock(stored(), sent(), accepted(5), installed(11))) == []


def test_a_part_that_was_not_accepted_stays_barred():
    state = stock(stored(), sent(), returned(), accepted(10, outcome="failed"))
    assert (state.status, state.barred_us is None) == ("awaiting", False)
    assert stock(stored(), accepted(10, outcome="failed")).status == "refused"


def test_a_part_lent_for_other_than_repair_needs_no_acceptance():
    assert names(stock(stored(), sent(purpose="other"), returned(), installed(11))) == []


def test_status_follows_the_part_through_its_days():
    days = [stored(0, awaits_acceptance=True), accepted(1),
            op("PartReserved", "r", 2, units=("m-1",), work_order="17"),
            installed(3, work_order="17"),
            op("Removed", "x", 4, units=("m-1",), carrier="v-1"), stored(5), sent(6), returned(7),
            accepted(8), op("Held", "h", 9, units=("m-1",), reason="recall"),
            op("Condemned", "c", 10, units=("m-1",))]  # fmt: skip
    seen = [stock(*days[: n + 1]).status for n in range(len(days))]
    assert seen == ["awaiting", "free", "reserved", "installed", "", "free", "sent", "awaiting",
                    "free", "held", "condemned"]  # fmt: skip


# --- reservations -----------------------------------------------------------------------------


def test_a_reserved_part_reserved_again_is_contradicted():
    first = op("PartReserved", "r1", 1, units=("m-1",), work_order="17", performed_by=("p-1",))
    second = op("PartReserved", "r2", 2, units=("m-1",), work_order="18")
    state = stock(stored(), first, second)
    assert names(state) == ["reserved_twice"]
    assert next(iter(state.contradictions.values())).values["order"] == "17"


def test_a_reserved_part_used_elsewhere_is_contradicted_and_where_it_belongs_it_is_not():
    kept = op("PartReserved", "r", 1, units=("m-1",), carrier="v-2")
    assert names(stock(stored(), kept, installed(2))) == ["used_though_reserved"]
    kept = op("PartReserved", "r", 1, units=("m-1",), carrier="v-1")
    assert names(stock(stored(), kept, installed(2))) == []


def test_a_reservation_is_lifted_once():
    kept = op("PartReserved", "r", 1, units=("m-1",), work_order="17")
    lifted = [op("ReservationLifted", f"l{d}", d, units=("m-1",), reservation="r") for d in (2, 3)]
    assert stock(stored(), kept, lifted[0]).status == "free"
    assert names(stock(stored(), kept, *lifted)) == ["reservation_not_set"]


# --- lists ------------------------------------------------------------------------------------

EIGHT = tuple(f"w-{n}" for n in range(1, 9))
OUT = [op("SendingListOpened", "open", 0, list="L1", to="shop"),
       op("PartSent", "out", 1, units=EIGHT, list="L1", to="shop")]  # fmt: skip
BACK = [op("PartReturned", "in", 15, units=(*EIGHT[:7], "w-99"), list="L1", paper="24/1")]
SWAP = op("PartExchanged", "swap", 15.1, units=("w-99",), list="L1", instead_of="w-8")


def test_eight_left_and_eight_came_one_of_them_another_nothing_is_taken_for_granted():
    balance = sending_list(*OUT, *BACK).balance
    assert (balance.sent, balance.back, balance.strange, balance.missing) == (8, 7, 1, 1)
    assert not balance.closes


def test_an_exchange_stated_by_a_person_closes_the_balance_and_the_missing_one_is_not_returned():
    state = sending_list(*OUT, *BACK, SWAP)
    balance = state.balance
    assert (balance.sent, balance.returned, balance.exchanged) == (8, 8, 1)
    assert balance.closes
    assert state.replaced_by == {"w-8": "w-99"}
    missing = stock(*OUT, *BACK, SWAP, unit="w-8")
    assert missing.status == "not_returned"
    condemned = op("Condemned", "paper", 20, units=("w-8",), basis="document")
    assert stock(*OUT, *BACK, SWAP, condemned, unit="w-8").status == "condemned"


def test_what_came_in_exchange_is_not_contradicted_once_the_exchange_is_stated():
    assert names(stock(*OUT, *BACK, unit="w-99")) == ["returned_not_sent"]
    assert names(stock(*OUT, *BACK, SWAP, unit="w-99")) == []
    assert stock(*OUT, *BACK, SWAP, unit="w-99").status == "awaiting"


def test_a_list_closed_with_something_missing_is_contradicted_until_it_is_given_up():
    closed = op("SendingListClosed", "end", 20, list="L1")
    assert names(sending_list(*OUT, *BACK, closed)) == ["list_does_not_balance"]
    assert names(sending_list(*OUT, *BACK, SWAP, closed)) == []
    seven = op("PartReturned", "in", 15, units=EIGHT[:7], list="L1")
    settled = op("SendingListClosed", "end", 20, list="L1", not_returned=("w-8",))
    assert names(sending_list(*OUT, seven, settled)) == []


def test_a_part_on_two_lists_is_contradicted():
    state = stock(stored(), sent(1), sent(2, "L2"))
    assert names(state) == ["sent_twice"]
    assert next(iter(state.contradictions.values())).values == {"first": "L1", "list": "L2"}


def test_a_part_twice_on_one_list_is_one_line():
    again = op("PartSent", "again", 2, units=("w-1",), list="L1", to="shop")
    state = sending_list(*OUT, again)
    assert (len(state.lines), names(state)) == (8, ["twice_on_a_list"])


def test_a_part_that_left_twice_and_came_twice_has_two_lines():
    trips = [op("PartSent", "o1", 1, units=("w-1",), list="L1"), returned(2, units=("w-1",)),
             op("PartSent", "o3", 3, units=("w-1",), list="L1"), returned(4, units=("w-1",))]
    assert sending_list(*trips).balance.sent == 2
    assert sending_list(*trips).balance.closes


def test_what_is_written_on_a_closed_list_is_contradicted():
    closed = op("SendingListClosed", "end", 20, list="L1")
    late = op("PartSent", "late", 21, units=("w-50",), list="L1")
    assert "list_is_closed" in names(sending_list(*OUT, *BACK, SWAP, closed, late))


def test_a_part_sent_from_under_a_wagon_is_contradicted():
    assert names(stock(stored(), installed(1), sent(2))) == ["sent_while_installed"]


# --- loans, debts, forming --------------------------------------------------------------------


def test_a_borrowed_part_is_not_ours_until_it_is_given_back():
    taken = op("PartBorrowed", "b", 1, units=("m-1",), of="owner 27", owner_state="27")
    state = stock(taken, installed(2))
    assert (state.status, state.loan.owner_state) == ("installed", "27")
    back = op("LoanEnded", "e", 3, units=("m-1",))
    assert names(stock(taken, installed(2), back)) == ["given_back_while_installed"]
    off = op("Removed", "x", 2.5, units=("m-1",), carrier="v-1")
    assert names(stock(taken, installed(2), off, back)) == []
    assert names(stock(stored(), back)) == ["loan_not_open"]


def test_what_was_taken_for_another_is_owed_until_something_takes_its_place():
    taken = op("Cannibalised", "d", 1, units=("m-1",), donor="v-1", position="4", recipient="v-2")
    owed = stock(taken, unit="v-1")
    assert [(d.part, d.recipient, d.to_us) for d in owed.debts] == [("m-1", "v-2", None)]
    wrong = op("Installed", "i1", 2, units=("m-2",), carrier="v-1", position="3")
    assert stock(taken, wrong, unit="v-1").debts[0].to_us is None
    right = op("Installed", "i2", 3, units=("m-2",), carrier="v-1", position="4")
    assert stock(taken, wrong, right, unit="v-1").debts[0].closed_by == "i2"


def test_a_debt_can_be_closed_by_a_person_and_only_once():
    taken = op("Cannibalised", "d", 1, units=("m-1",), donor="v-1", position="4")
    close = [op("DebtClosed", f"c{d}", d, units=("v-1",), debt="d", reason="sold") for d in (2, 3)]
    assert names(stock(taken, close[0], unit="v-1")) == []
    assert names(stock(taken, *close, unit="v-1")) == ["debt_not_open"]


def test_a_disbanded_wheelset_is_not_fitted_again():
    parts = (Member(unit="axle-1", position="axle"),)
    formed = op("Formed", "f", 0, units=("m-1",), parts=parts)
    apart = op("Disbanded", "d", 5, units=("m-1",), parts=("axle-1",))
    assert stock(formed, apart).status == "disbanded"
    assert names(stock(formed, apart, installed(6))) == ["used_after_disbanding"]


# --- lots -------------------------------------------------------------------------------------


def lot_op(kind, id_, day, quantity, **more):
    return op(kind, id_, day, item="brake_pad", lot="17", store="S", quantity=quantity, **more)


def test_a_lot_counts_what_came_went_and_was_found():
    state = lot(lot_op("LotReceived", "r", 0, "40"), lot_op("LotIssued", "i", 1, "12.5"),
                lot_op("LotCounted", "c", 2, "27"))  # fmt: skip
    assert (state.balance, state.received, state.issued) == (27_000, 40_000, 12_500)
    assert state.count.difference == -500
    assert names(state) == ["lot_counted_short"]


def test_a_count_short_is_contradicted_until_what_went_is_entered():
    came, counted = lot_op("LotReceived", "r", 0, "40"), lot_op("LotCounted", "c", 2, "38")
    (found,) = lot(came, counted).contradictions.values()
    assert found.values == {"lot": "17", "counted": "38", "there": "40"}
    assert names(lot(came, counted, lot_op("LotIssued", "late", 1, "2"))) == []
    assert names(lot(came, lot_op("LotCounted", "c", 2, "41"))) == []


def test_a_lot_below_zero_is_contradicted_until_the_missing_receipt_comes():
    out = lot_op("LotIssued", "i", 5, "8")
    assert names(lot(lot_op("LotReceived", "r", 0, "5"), out)) == ["lot_below_zero"]
    late = lot_op("LotReceived", "late", 1, "3")
    assert names(lot(lot_op("LotReceived", "r", 0, "5"), late, out)) == []


def test_a_lot_is_not_counted_in_pieces_and_in_kilograms():
    state = lot(lot_op("LotReceived", "r", 0, "5"), lot_op("LotIssued", "i", 1, "2", measure="kg"))
    assert (names(state), state.balance) == (["lot_other_measure"], 5_000)


# --- rows -------------------------------------------------------------------------------------


def test_a_vehicle_that_is_owed_a_part_is_no_stock():
    taken = op("Cannibalised", "d", 1, units=("m-1",), donor="v-1", position="4")
    state = stock(op("Registered", "r", 0, units=("v-1",), type="gondola"), taken,
                  op("Held", "h", 2, units=("v-1",), reason="x"), unit="v-1")  # fmt: skip
    rows = STOCK.rows(state, CATALOGUE)
    assert (rows["stock"], len(rows["debts"])) == ([], 1)


def test_a_part_that_no_stock_operation_speaks_of_has_no_state():
    assert not STOCK.handles("Installed")
    assert replace(STOCK).sees_all_with == STOCK.kinds


def test_a_list_is_no_part_of_the_stock():
    state = folded(STOCK, "list:L1", *OUT, *BACK)
    assert (state.status, STOCK.rows(state, CATALOGUE)["stock"]) == ("", [])


def test_a_part_that_came_back_twice_after_leaving_once_is_one_too_many():
    again = op("PartReturned", "again", 16, units=("w-1",), list="L1", paper="25/1")
    state = sending_list(*OUT, *BACK, SWAP, again)
    assert (state.balance.back, state.balance.strange) == (7, 1)
    assert not state.balance.closes
    assert [line.paper for line in state.lines if line.part == "w-1"] == ["24/1", "25/1"]


def test_a_part_seen_abroad_is_in_no_store_any_more():
    abroad = op("LocationReported", "seen", 3, units=("m-1",), place="Арысь", whereabouts="abroad")
    assert stock(stored(), abroad).status == ""
    assert stock(stored(), abroad, stored(9)).status == "free"


def test_a_part_seen_in_the_depot_stays_in_its_store():
    here = op("LocationReported", "seen", 3, units=("m-1",), place="S", whereabouts="stock")
    assert stock(stored(), here).status == "free"
