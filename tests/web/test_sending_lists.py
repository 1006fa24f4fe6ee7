"""Working day 7 on the depot's pages: eight wheelsets leave and eight come, one of them another."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Installed, Number, Ran, Registered, Removed

OUT, BACK = "2026-02-10", "2026-02-24"
START = datetime(2025, 6, 1, 6, tzinfo=UTC)
SERIALS = [f"29-1487{n}-09" for n in range(3, 10)] + ["29-14880-09"]
WAGON = "u-lists-wagon"
LIST = "VU-2026-7"
NEW = "5-88121-16"


def _unit(serial: str) -> str:
    return f"u-list-{serial}"


@pytest.fixture(scope="module")
def eight(railway: App) -> App:
    """Return a railway with eight wheelsets that were taken off a wagon after 41 200 km."""
    made = {"maker": "29", "made": "2009", "type": "wheelset_freight"}
    sent = [
        Registered(id="li-w", happened_at=START, units=(WAGON,), type="gondola",
                   numbers=(Number(scheme="other", value="LIST 1"),)),
        *(Registered(id=f"li-r{n}", happened_at=START, units=(_unit(s),), **made,
                     numbers=(Number(scheme="serial", value=s),))
          for n, s in enumerate(SERIALS)),
        *(Installed(id=f"li-i{n}", happened_at=START, units=(_unit(s),), carrier=WAGON,
                    position=f"w.{n}") for n, s in enumerate(SERIALS)),
        Ran(id="li-run", happened_at=START + timedelta(days=100), units=(WAGON,),
            distance_km="41200"),
        *(Removed(id=f"li-x{n}", happened_at=START + timedelta(days=200), units=(_unit(s),),
                  carrier=WAGON, position=f"w.{n}", reason="прокат")
          for n, s in enumerate(SERIALS)),
    ]  # fmt: skip
    results = railway.record(sent, "p-test", "test")
    assert all(isinstance(result, Receipt) for result in results), results
    assert railway.wait_caught_up(10)
    return railway


def _post(client: Client, form: str, **fields: object) -> str:
    answer = client.post(f"/depot/lists/{LIST}", {"form": form, **fields}, follow=True)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.django_db
def test_eight_leave_eight_come_and_nothing_is_merged_by_itself(
    eight: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    worker.post("/depot/lists/", {"name": LIST, "to": "Wheel shop", "due": "2026-02-25"})
    text = _post(worker, "send", parts="\n".join(SERIALS), repair="on", day=OUT)
    assert "Sent: 8." in text
    # One number is not what left: nobody knows it here until that is said.
    came = "\n".join([*SERIALS[1:], NEW])
    assert "no part bears the number 5-88121-16" in _post(
        worker, "return", parts=came, paper="24/1", day=BACK
    )
    text = _post(
        worker, "return", parts=came, paper="24/1", day=BACK, store="Wheel store", new="on"
    )
    assert "was never sent on this list: say in whose place it came" in text
    balance = eight.knowledge().sending_list(LIST).balance
    assert (balance.sent, balance.back, balance.strange, balance.missing) == (8, 7, 1, 1)

    assert "The balance does not close" in _post(worker, "close")
    new = eight.bearer(NEW)
    _post(worker, "exchange", came=new, instead_of=_unit(SERIALS[0]))
    state = eight.knowledge().sending_list(LIST)
    assert (state.balance.returned, state.balance.sent, state.balance.exchanged) == (8, 8, 1)
    page = worker.get(f"/depot/lists/{LIST}").text
    assert "8 / 8" in page
    assert "not returned; 5‑88121‑16 came in its place" in page

    missing = eight.knowledge().stock(_unit(SERIALS[0]))
    assert missing.status == "not_returned"
    _post(worker, "paper", part=_unit(SERIALS[0]), paper="Act 118", day=BACK)
    knowledge = eight.knowledge()
    assert knowledge.stock(_unit(SERIALS[0])).status == "condemned"
    assert "The list is closed." in _post(worker, "close")

    # The new one carries its own history, none of the old: not a kilometre of it.
    assert knowledge.genealogy(new).stays == []
    at_us = 2**60
    assert knowledge.mileage().at(new, at_us) == 0
    assert knowledge.mileage().at(_unit(SERIALS[0]), at_us) == 41_200_000


@pytest.mark.django_db
def test_both_sides_of_a_list_print_with_all_columns(
    eight: App, reader_as: Callable[..., Client]
) -> None:
    viewer = reader_as("viewer")
    sending = viewer.get(f"/depot/lists/{LIST}/print").text
    for said in ("29‑14873‑09", "прокат", "41", "Handed over", "<svg"):
        assert said in sending
    assert NEW.replace("-", "‑") not in sending
    returned = viewer.get(f"/depot/lists/{LIST}/print?paper=24/1").text
    assert "came in the place of 29‑14873‑09" in returned
    assert "8 / 8" in returned
    rows = viewer.get(f"/depot/lists/{LIST}/list.csv").getvalue().decode().splitlines()
    assert len(rows) == 10
    assert viewer.get(f"/depot/lists/{LIST}/list.xlsx").content[:2] == b"PK"


@pytest.mark.django_db
def test_a_part_on_a_list_or_under_a_wagon_is_not_sent_again(
    eight: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    worker.post("/depot/lists/", {"name": "L-2", "to": "Wheel shop"})
    worker.post("/depot/lists/L-2", {"form": "send", "parts": SERIALS[1]})
    worker.post("/depot/lists/", {"name": "L-3", "to": "Another shop"})
    text = worker.post("/depot/lists/L-3", {"form": "send", "parts": SERIALS[1]}).text
    assert "29‑14874‑09: it is on list L-2, sent" in text
    assert "There is a list L-2 already" in worker.post(
        "/depot/lists/", {"name": "L-2", "to": "Wheel shop"}
    ).text


@pytest.mark.django_db
def test_a_viewer_reads_lists_and_changes_nothing(
    eight: App, reader_as: Callable[..., Client]
) -> None:
    viewer = reader_as("viewer")
    assert viewer.get("/depot/lists/").status_code == 200
    viewer.post("/depot/lists/", {"name": "L-9", "to": "x"})
    assert eight.knowledge().sending_list("L-9").name == ""
    assert viewer.get("/depot/stock/do/issue").status_code == 403
    assert viewer.get("/depot/lists/nowhere").status_code == 404
