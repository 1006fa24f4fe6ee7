"""Lots, debts and loans on their pages; the stock half of working day 17."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Installed, Number, Registered
from tests.web.conftest import T0

COACH, OTHER, OWN, STRANGE = "u-hold-13034", "u-hold-2", "u-hold-own", "u-hold-strange"


@pytest.fixture(scope="module")
def trip(railway: App) -> App:
    """Return a railway with a coach on its wheelset, and a wheelset of another state's depot."""
    made = {"happened_at": T0, "type": "wheelset_passenger"}
    results = railway.record([
        Registered(id="hd-1", happened_at=T0, units=(COACH,), type="coach_compartment",
                   numbers=(Number(scheme="other", value="HOLD 1"),)),
        Registered(id="hd-2", happened_at=T0, units=(OTHER,), type="coach_compartment",
                   numbers=(Number(scheme="other", value="HOLD 2"),)),
        Registered(id="hd-3", units=(OWN,), numbers=(Number(scheme="serial", value="5-70001-11"),),
                   **made),
        Registered(id="hd-4", units=(STRANGE,), owner="27", **made,
                   numbers=(Number(scheme="serial", value="27-40404-12"),)),
        Installed(id="hd-5", happened_at=T0, units=(OWN,), carrier=COACH,
                  position="bogie.1/wheelset.1"),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def _do(client: Client, name: str, **fields: str) -> str:
    return str(client.post(f"/depot/stock/do/{name}", fields, follow=True).text)


def test_a_wheelset_lent_by_a_foreign_depot_is_not_ours_and_ours_is_abroad(
    trip: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    day_3 = (datetime.now(UTC) - timedelta(days=6)).date().isoformat()
    _do(worker, "take-off", parts="5-70001-11", reason="flat 2.3 mm")
    _do(worker, "abroad", parts="5-70001-11", place="Saryagash", day=day_3)
    _do(worker, "borrow", parts="27-40404-12", of="Depot Arys", owner_state="27", day=day_3)
    _do(worker, "fit", parts="27-40404-12", vehicle="HOLD 1", position="1")
    page = worker.get("/depot/loans/").text
    assert "not ours, to be returned" in page
    # Noon of that day on the depot's clock: whole days since depend on the hour of now.
    assert re.search("[567] days ago", page)
    assert "Saryagash" in page
    assert trip.knowledge().stock(STRANGE).loan is not None
    # It cannot be given back from under the coach, and not twice.
    assert "take it off first" in _do(worker, "give-back", parts="27-40404-12")
    _do(worker, "take-off", parts="27-40404-12", reason="to be returned")
    _do(worker, "give-back", parts="27-40404-12", reason="act 9")
    assert trip.knowledge().stock(STRANGE).loan is None
    assert "no loan of it is open" in _do(worker, "give-back", parts="27-40404-12")


def test_what_is_taken_for_another_is_a_debt_until_the_position_is_filled(
    trip: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    _do(worker, "fit", parts="5-70001-11", vehicle="HOLD 1", position="2")
    _do(worker, "take-off", parts="5-70001-11", reason="needed there", vehicle="HOLD 2")
    page = worker.get("/depot/loans/").text
    assert "HOLD\xa01" in page
    (debt,) = trip.knowledge().stock(COACH).debts
    assert (debt.part, debt.recipient) == (OWN, OTHER)
    assert "Say what was done" in worker.post(
        "/depot/loans/close", {"unit": COACH, "debt": debt.id, "reason": " "}, follow=True
    ).text
    _do(worker, "fit", parts="27-40404-12", vehicle="HOLD 1", position="2")
    assert trip.knowledge().stock(COACH).debts[0].to_us is not None
    assert trip.stockroom.debts() == []
    assert worker.post(
        "/depot/loans/close", {"unit": COACH, "debt": debt.id, "reason": "x"}
    ).status_code == 404  # fmt: skip


def _lot(client: Client, form: str, **fields: str) -> str:
    return str(client.post("/depot/lots/", {"form": form, **fields}, follow=True).text)


def test_lots_are_taken_in_issued_and_counted(
    trip: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    new = {"item": "axle_box", "lot": "17/26", "store": "Main", "measure": "1"}
    assert "more than zero" in _lot(worker, "new", **new, quantity="-4")
    _lot(worker, "new", **new, quantity="40")
    move = {"unit": "lot:Main:axle_box:17/26"}
    said = _lot(worker, "move", **move, what="issue", quantity="41")
    assert "Of lot 17/26 there are 40 in Main" in said
    _lot(worker, "move", **move, what="issue", quantity="8", target="HOLD 1")
    _lot(worker, "move", **move, what="count", quantity="31")
    (row,) = trip.stockroom.lots({"item": "axle_box"})
    assert (row["balance_milli"], row["difference_milli"]) == (31_000, -1_000)
    issued = [r for r in trip.lookup.timeline([COACH]) if r[5] == "LotIssued"]
    assert len(issued) == 1
    assert worker.get("/units/lot:Main:axle_box:17/26").status_code == 302


def test_a_lot_issued_below_zero_by_another_program_is_recorded_and_named(trip: App) -> None:
    from railtrace.trace.operation import LotIssued

    trip.record([LotIssued(id="lot-z", happened_at=T0, item="axle_box", lot="Z", store="Main",
                           quantity="3")], "p", "test")  # fmt: skip
    assert trip.wait_caught_up(10)
    (found,) = trip.lookup.contradictions("lot:Main:axle_box:Z")
    assert found["name"] == "lot_below_zero"
