"""Scenarios 9, 13 and 15 through the pages, each with its own rows as data."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from railtrace.app import App
from railtrace.config import Config, Site
from railtrace.trace.numbers import network_check_digit
from railtrace.trace.operation import KINDS, Number, Operation
from tests.web.import_sheets import network_number, running_app, xlsx
from tests.web.trains.yard import send

ROWS = """
[defaults]
source = "Input of the scenario"
jurisdiction = "TJ"
valid_from = 2020-01-01
confirmed = true

[[programmes]]
key = "scenario.coach"
ru = "Вагоны"
en = "Coaches"
vehicle_classes = ["coach"]

[[services]]
key = "scenario.kr1"
ru = "КР-1"
en = "KR-1"
programme = "scenario.coach"
kind = "КР-1"
rank = 3
km = 600000
overrun = "stop"
"""
NOW = datetime.now(UTC)
DECEMBER = datetime(2026, 12, 12, 6, tzinfo=UTC)
JUNE = datetime(2027, 6, 12, 6, tzinfo=UTC)
ITEMS = ("coupler", "brake_hose", "electric", "gangway")


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return an empty railway with the rows of the scenarios."""
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("days")
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / "rows.toml").write_text(ROWS, "utf-8")
    sites = {"depot": Site(ru="Душанбе", en="Dushanbe")}
    config = Config(name="test.railway", data=str(folder), sites=sites)
    with pytest.MonkeyPatch.context() as patch, running_app(config, patch) as app:
        yield app


def op(kind: str, id_: str, units: list[str], days: float = 30, **fields: Any) -> Operation:
    at = NOW - timedelta(days=days)
    return KINDS[kind](id=id_, happened_at=at, units=tuple(units), site="depot", **fields)


def coach(number: str, left_km: int, type_: str = "coach_compartment") -> list[Operation]:
    """A coach by its number, with so many kilometres left to КР-1."""
    unit = f"v-{number}"
    return [
        op("Registered", f"r-{number}", [unit], 900, type=type_, home_site="depot", made="2010",
           numbers=(Number(scheme="network8", value=number),)),
        op("EnteredRepair", f"e-{number}", [unit], 810, repair_kind="КР-1"),
        op("LeftRepair", f"l-{number}", [unit], 800, repair_kind="КР-1"),
        op("Ran", f"k-{number}", [unit], 20, distance_km=str(600_000 - left_km)),
    ]  # fmt: skip


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", answer.content.decode())))


def compose(browser: Client, numbers: list[str], departs: datetime, train: str) -> str:
    """Compose a train by its form; return its address."""
    answer = browser.post("/trains/compose", {
        "train": train, "train_kind": "passenger_long", "route": "dushanbe-moscow",
        "departs_at": departs.strftime("%Y-%m-%dT%H:%M"), "site": "depot",
        "max_speed_kmh": "120", "units": "\n".join(numbers),
    })  # fmt: skip
    assert answer.status_code == 302, text_of(answer)
    return str(answer.headers["Location"])


def make_ready(app: App, browsers: dict[str, Client], page: str) -> None:
    """Look at the joints and sign every act, each by a person of its own."""
    browsers["worker"].post(f"{page}/joints", {})
    for act, role in (("running_gear", "worker"), ("electrics", "foreman"),
                      ("servicing", "train_chief"), ("acceptance", "inspector")):  # fmt: skip
        browsers[role].post(f"{page}/sign", {"act": act, "answer": "signed"})


@pytest.fixture
def browsers(reader_as: Callable[..., Client]) -> dict[str, Client]:
    roles = ("worker", "foreman", "train_chief", "inspector", "release_officer")
    return {role: reader_as(role) for role in roles}


# --- 13: the Moscow train ---------------------------------------------------------------------


def test_the_moscow_train_is_refused_for_a_coach_that_would_not_last_and_goes_with_another(
    railway: App, browsers: dict[str, Client]
) -> None:
    numbers = [network_number(739_100 + n) for n in range(12)]
    operations = [o for n in numbers for o in coach(n, 100_000)]
    operations += coach("07312309", 7_900) + coach("07313034", 100_000)
    operations += coach("07312093", 100_000, "coach_open")
    operations += coach(network_number(739_190), 90_000, "coach_staff")
    send(railway, operations)
    train = [network_number(739_190), *numbers, "07312309"]
    officer = browsers["release_officer"]
    page = compose(officer, train, NOW + timedelta(days=2), "329")
    make_ready(railway, browsers, page)

    shown = text_of(officer.get(f"{page}?act=ready"))
    assert "КР-1: short by 500 km of 8400 km" in shown.replace("\u202f", " ").replace(
        "\u00a0", " ").replace("8,400", "8 400")  # fmt: skip
    assert "on the way back between Samarkand and Dushanbe" in shown

    html = officer.get(f"{page}?act=ready").content.decode()
    standing = re.search(r'name="composition" value="([^"]+)', html).group(1)  # type: ignore[union-attr]
    officer.post(f"{page}/decide", {"act": "ready", "decision": "release",
                                    "composition": standing})  # fmt: skip
    refused = officer.post(f"{page}/decide", {"act": "ready", "decision": "refuse",
                                              "composition": standing}, follow=True)  # fmt: skip
    assert "Refused; the reasons are kept." in text_of(refused)

    offered = officer.get(f"{page}/offers?unit=v-07312309")
    found = re.findall(r"/units/v-(\d{8})", offered.content.decode().split("table-box")[1])
    assert set(found) == {"07313034"}

    changed = officer.post(f"{page}/compose", {
        "train": "329", "train_kind": "passenger_long", "route": "dushanbe-moscow",
        "departs_at": (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"), "site": "depot",
        "max_speed_kmh": "120", "units": "\n".join([*train[:-1], "07313034"]),
        "reason": "КР-1 would run out",
    }, follow=True)  # fmt: skip
    assert "Not signed" in text_of(changed)
    make_ready(railway, browsers, page)
    state = text_of(officer.get(f"{page}?act=ready"))
    assert "No reason against it is known." in state
    assert "refused · Consist is ready another composition" in state


def test_a_coach_in_two_trains_is_refused_by_the_name_of_the_other(
    railway: App, browsers: dict[str, Client]
) -> None:
    taken = network_number(739_100)
    answer = browsers["release_officer"].post("/trains/compose", {
        "train": "359", "train_kind": "passenger_long", "route": "dushanbe-moscow",
        "departs_at": (NOW + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"), "site": "depot",
        "units": f"{taken}\n{taken}\n12345678",
    })  # fmt: skip
    said = text_of(answer)
    assert answer.status_code == 422
    assert f"Line 2: {taken} is in the train already, as number 1" in said
    assert "Line 3: no unit bears the number 12345678" in said
    again = browsers["release_officer"].post("/trains/compose", {
        "train": "359", "train_kind": "passenger_long", "route": "dushanbe-moscow",
        "departs_at": (NOW + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"), "site": "depot",
        "units": taken,
    })  # fmt: skip
    assert f"{taken} stands in train 329" in text_of(again)


# --- 15: winter supplies ----------------------------------------------------------------------


def winter(when: str, departs: datetime) -> tuple[str, list[Operation]]:
    """Ten coaches with the findings of the scenario, and their train."""
    units = [f"{when}-{n}" for n in range(1, 11)]
    made = [op("Registered", f"{when}-r{n}", [u], 200, type="coach_staff" if n == 1 else
               "coach_compartment", home_site="depot") for n, u in enumerate(units, 1)]  # fmt: skip
    amounts = [("coal", "0.7", "t"), ("water", "850", "l")]
    for n, unit in enumerate(units, 1):
        for supply, amount, sign in amounts:
            there = {(3, "coal"): "0.4", (8, "water"): "600"}.get((n, supply), amount)
            made.append(op("Serviced", f"{when}-{supply}{n}", [unit], 0.1, supply=supply,
                           amount=there, unit_of_measure=sign))  # fmt: skip
    made.append(op("DefectFound", f"{when}-d", [units[6]], 1, code="heating.boiler_pump"))
    expired = (departs - timedelta(days=2)).date().isoformat()
    made.append(op("PaperIssued", f"{when}-p", [units[9]], 60, service="дезинфекция",
                   valid_until=expired))  # fmt: skip
    made.append(op("ConsistComposed", f"{when}-c", units, 0.1, consist=f"C-{when}", train="329",
                   train_kind="passenger_long", route="dushanbe-moscow",
                   departs_at=departs))  # fmt: skip
    return f"C-{when}", made


def lines_of(page: str) -> dict[str, list[str]]:
    """Return the reasons of a page by weight: number in the train and words."""
    found: dict[str, list[str]] = {}
    for weight, body in re.findall(r'<li class="gate gate-(\w+)">(.*?)</li>', page, re.DOTALL):
        said = re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", body))).strip()
        found.setdefault(weight, []).append(said)
    return found


def test_in_december_pump_and_disinfection_refuse_while_coal_and_water_warn(
    railway: App, browsers: dict[str, Client]
) -> None:
    consist, operations = winter("dec", DECEMBER)
    send(railway, operations)
    said = lines_of(browsers["release_officer"].get(f"/trains/{consist}").content.decode())
    assert [s for s in said["mandatory"] if "№ 7" in s and "Heating out of order" in s]
    assert [s for s in said["mandatory"] if "№ 10" in s and "Disinfection has run out" in s]
    coal = next(s for s in said["warning"] if "№ 3" in s)
    water = next(s for s in said["warning"] if "№ 8" in s)
    assert "next supply at Tashkent" in coal
    assert "next supply at Samarkand" in water
    assert "ПТЭ" in " ".join(said["mandatory"]), "each line says whose rule it is"
    assert not [s for s in said["mandatory"] if "№ 3" in s or "№ 8" in s]


def test_in_june_the_same_coal_and_pump_do_not_block(
    railway: App, browsers: dict[str, Client]
) -> None:
    consist, operations = winter("jun", JUNE)
    send(railway, operations)
    said = lines_of(browsers["release_officer"].get(f"/trains/{consist}").content.decode())
    everything = " ".join(s for some in said.values() for s in some)
    assert "Heating out of order" not in everything
    assert "Coal for the trip" not in everything
    assert "Water for the trip" in everything


# --- 9: a freight train with strangers ----------------------------------------------------------


@contextmanager
def wagons(app: App) -> Iterator[list[str]]:
    numbers = [network_number(5_300_000 + 7 * n) for n in range(54)]
    numbers += ["66345679", "24123457", "52456787"]
    for number in numbers:
        assert int(number[-1]) == network_check_digit(number[:-1])
    send(app, [
        op("Registered", f"w-{n}", [f"w-{number}"], 200, type="gondola",
           numbers=(Number(scheme="network8", value=number),))
        for n, number in enumerate(numbers) if n >= 6
    ])  # fmt: skip
    yield numbers


def test_a_train_of_57_wagons_is_inspected_in_one_action(
    railway: App, browsers: dict[str, Client], tmp_path: Path
) -> None:
    worker = browsers["worker"]
    with wagons(railway) as numbers:
        answer = worker.post("/trains/inspect", {
            "train": "2703", "numbers": "\n".join(numbers), "site": "depot",
            "number-0": "66345679", "fault-0": "102 thin flange", "flange-0": "23,6",
            "action-0": "uncoupled", "number-1": "24123457", "fault-1": "missing brake shoe",
            "action-1": "mended", "number-2": "52456787", "fault-2": "540 hatch lock",
            "action-2": "mended",
        }, follow=True)  # fmt: skip
    said = text_of(answer)
    assert "57 wagons inspected, 6 guests opened, 1 uncoupled, 2 mended." in said
    knowledge = railway.knowledge()
    assert [d.code for d in knowledge.condition("w-66345679").defects] == ["102 thin flange"]
    assert knowledge.condition("w-24123457").defects == []
    guest = railway.lookup.bearers(numbers[0])[0]
    assert knowledge.passport(guest).guest
    assert knowledge.dues(guest) == []
    notice = re.search(r'href="(/forms/vu23m/[^"]+)"', answer.content.decode())
    assert notice is not None
    assert worker.get(notice.group(1)).content.startswith(b"%PDF")


def test_a_train_list_is_taken_from_a_file_and_stays_to_be_put_right(
    railway: App, browsers: dict[str, Client]
) -> None:
    numbers = [network_number(5_310_000 + 7 * n) for n in range(57)]
    head = [["Натурный лист", None, None], ["№", "Вагон", "Груз, т"]]
    rows = [[n, int(number), 69.5] for n, number in enumerate(numbers, 1)]
    sheet = SimpleUploadedFile("list.xlsx", xlsx([*head, *rows, ["Итого", 57, None]]))
    answer = browsers["worker"].post(
        "/trains/inspect", {"train": "2705", "site": "depot", "list": sheet}, follow=True)
    assert "57 wagons inspected, 57 guests opened" in text_of(answer)
    # A number painted wrongly is named, and the list is in the box to be put right there.
    wrong = "\n".join([numbers[0], "1234567", numbers[1]])
    text = SimpleUploadedFile("list.txt", wrong.encode())
    answer = browsers["worker"].post("/trains/inspect", {"train": "2706", "list": text})
    assert answer.status_code == 422
    assert "1234567" in text_of(answer)
    assert f"{numbers[0]}\n1234567" in answer.content.decode()
    both = {"train": "2706", "numbers": numbers[0], "list": SimpleUploadedFile("l.txt", b"1")}
    assert "not both" in text_of(browsers["worker"].post("/trains/inspect", both))
    for content in (b"nothing of wagons", b""):
        none = {"train": "2706", "list": SimpleUploadedFile("l.csv", content)}
        assert browsers["worker"].post("/trains/inspect", none).status_code == 422


def test_a_wrong_digit_and_a_wagon_of_another_train_are_named(
    browsers: dict[str, Client]
) -> None:
    answer = browsers["worker"].post("/trains/inspect", {
        "train": "2703", "numbers": "66345678 24123457", "number-0": "52456787",
        "fault-0": "hatch",
    })  # fmt: skip
    said = text_of(answer)
    assert answer.status_code == 422
    assert "66345678: check digit 8 is wrong, 9 wanted" in said
    assert "52456787 is not in the train" in said
