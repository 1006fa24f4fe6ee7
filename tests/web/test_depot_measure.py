"""Measuring by hand in at most five fields, and the protocol that prints."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App, utc_now
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Range, Registered, Verified
from tests.web.conftest import WHEELSET

GAUGE = "d-hand-gauge"


@pytest.fixture(scope="module")
def depot(railway: App) -> App:
    then = utc_now() - timedelta(days=3)
    done = railway.record([
        Registered(id="hm-1", happened_at=then, units=(GAUGE,), type="wheel_gauge"),
        Verified(id="hm-2", happened_at=then, units=(GAUGE,), valid_from=then,
                 valid_to=then + timedelta(days=300), register_entry="С-А/1",
                 ranges=(Range(quantity="flange_thickness", unit="mm", uncertainty="0.2"),)),
    ], "p-test", "test")  # fmt: skip
    assert all(isinstance(one, Receipt) for one in done), done
    assert railway.wait_caught_up(10)
    return railway


def page(number: str = WHEELSET, group: int = 0) -> str:
    return f"/depot/measure/?number={number}&group={group}"


def test_nothing_asks_for_more_than_five_fields(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    shown = reader_as("worker").get(page())
    assert len(shown.context["groups"]) > 1
    for index, _ in shown.context["groups"]:
        asked = reader_as("worker").get(page(group=index)).context["asked"]
        assert 1 <= len(asked) <= 4, "and the instrument is the fifth"


def test_values_are_recorded_with_instrument_uncertainty_and_printed(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    browser = reader_as("worker")
    sent = {"flange_thickness|left": "29,5", "flange_thickness|right": "24", "device": GAUGE}
    answer = browser.post(page(), sent, follow=True)
    assert "The measurement is recorded." in answer.text
    assert "Outside the limit" in answer.text
    made = answer.context["recent"][0]
    operation = depot.entry(made["id"]).operation
    told = [(r.value, r.uncertainty) for r in operation.readings]
    assert told == [("29.5", "0.2"), ("24", "0.2")]
    assert operation.device == GAUGE
    assert browser.get(made["print"]).content.startswith(b"%PDF")
    again = browser.get(page())
    assert [one["unit"] for one in again.context["instruments"] if one["chosen"]] == [GAUGE]


@pytest.mark.parametrize(
    ("number", "sent", "said"),
    [
        ("nobody", {}, "no unit bears the number nobody"),
        (WHEELSET, {"flange_thickness|left": "thick"}, "thick is no number"),
        (WHEELSET, {}, "write at least one value"),
    ],
)
def test_what_cannot_be_recorded_says_why(
    depot: App, reader_as: Callable[..., Client], number: str, sent: dict[str, str], said: str
) -> None:
    answer = reader_as("worker").post(page(number), sent)
    assert answer.status_code == 422
    assert said in answer.text


def test_the_printed_protocol_names_instrument_proof_limit_and_verdict(
    depot: App, reader_as: Callable[..., Client], rf: object
) -> None:
    from railtrace.web.fleet import the_names
    from railtrace.web.forms.values import Source, filled, form_of

    browser = reader_as("worker")
    sent = {"flange_thickness|left": "23", "device": GAUGE}
    made = browser.post(page(), sent, follow=True).context["recent"][0]["id"]
    names = the_names()
    source = Source(depot.knowledge(), names, WHEELSET, depot.entry(made))
    told = filled(form_of(names.catalogue, "protocol"), source, "test")
    [row] = told["tables"][0]["rows"]
    assert row[3]
    assert row[4]
    assert any("С-А/1" in value for _, value in told["fields"])


def test_units_of_measure_are_written_in_the_reader_s_language(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    text = reader_as("worker", "ru").get(page()).text
    assert ", мм" in text
    assert ", mm" not in text
