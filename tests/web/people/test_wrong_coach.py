"""Scenario 23: eight measurements stand on the wrong coach, and a release leaned on them."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import (
    Installed,
    LeanedOn,
    LogSize,
    Measured,
    Number,
    Operation,
    Reading,
    Registered,
    Released,
)
from tests.web.conftest import T0, _types

TEN = T0 + timedelta(days=100, hours=-1, minutes=5)  # 10:05 at +05:00
POSITIONS = [f"bogie.{b}/wheelset.{w}" for b in (1, 2) for w in (1, 2)]
_runs = count(1)


@dataclass(frozen=True)
class Day:
    """The two coaches, their eight measurements and the release that leaned on them."""

    app: App
    wrong: str
    right: str
    measured: list[str]
    release: str


def _coach(app: App, unit: str, number: str) -> list[Operation]:
    coach, wheelset = _types(app)
    site = {"site": "depot", "happened_at": T0}
    parts = [f"{unit}-w{n}" for n in range(1, 5)]
    return [
        Registered(id=f"reg-{unit}", units=(unit,), type=coach, home_site="depot",
                   numbers=(Number(scheme="network8", value=number),), **site),
        *(Registered(id=f"reg-{part}", units=(part,), type=wheelset, **site) for part in parts),
        *(Installed(id=f"on-{part}", units=(part,), carrier=unit, position=position, **site)
          for part, position in zip(parts, POSITIONS, strict=True)),
    ]  # fmt: skip


def _measured(run: int, unit: str, by: str) -> list[Operation]:
    return [
        Measured(
            id=f"wc-{run}-{n}-{side}", happened_at=TEN, units=(f"{unit}-w{n}",), site="depot",
            performed_by=(by,),
            readings=(Reading(quantity="flange_thickness", place=side, value="29.4", unit="mm"),),
        )
        for n in range(1, 5) for side in ("left", "right")
    ]  # fmt: skip


@pytest.fixture
def day(railway: App, reader_as: Callable[..., Client]) -> Day:
    run = next(_runs)
    wrong, right = f"u-12093-{run}", f"u-12309-{run}"
    coaches = [*_coach(railway, wrong, "07312093"), *_coach(railway, right, "07312309")]
    taken = railway.record(coaches, "p-test", "test")
    receipts = railway.record(_measured(run, wrong, "p-fitter"), "p-fitter", "test")
    assert all(isinstance(one, Receipt) for one in [*taken, *receipts])
    leaned_on = tuple(
        LeanedOn(operation=r.id, log=r.log, position=r.position)
        for r in receipts if isinstance(r, Receipt)
    )  # fmt: skip
    sizes = tuple(LogSize(log=h.log, size=h.size) for h in railway.trace.heads())
    officer = _me(reader_as("release_officer"))
    release = Released(
        id=f"wc-{run}-rel", happened_at=TEN + timedelta(minutes=85), units=(wrong,), site="depot",
        decision=f"d-{run}", scope="unit", leaned_on=leaned_on, positions=sizes,
        performed_by=(officer,),
    )  # fmt: skip
    assert isinstance(railway.record([release], officer, "test")[0], Receipt)
    assert railway.wait_caught_up(10)
    return Day(railway, wrong, right, [one.operation for one in leaned_on], release.id)


def _me(client: Client) -> str:
    found = re.search(r"<code>(p-[^<]+)</code>", client.get("/account/").text)
    assert found
    return found[1]


def _filled(page: Any, **changes: Any) -> dict[str, Any]:
    named = {f.name: f.value() for f in page.context["form"] if f.value() is not None}
    return named | {"reason": "the neighbour's coach"} | changes


def _correct(client: Client, day: Day, **changes: Any) -> str:
    address = f"/correct/{day.measured[0]}"
    fields = _filled(client.get(address), unit=day.right) | changes
    return client.post(address, fields, follow=True).text


def _readings(day: Day, unit: str) -> list[tuple[str, int]]:
    return [
        (r["operation"], r["at_us"])
        for n in range(1, 5) for r in day.app.lookup.readings(f"{unit}-w{n}")
    ]  # fmt: skip


def test_all_eight_move_to_the_same_places_of_the_right_coach_with_their_time(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    shown = _correct(reader_as("technologist"), day)
    assert "8 entries are corrected; all stay in the trace" in shown
    assert _readings(day, day.wrong) == []
    moved = _readings(day, day.right)
    assert sorted(moved) == [(id_, int(TEN.timestamp() * 1e6)) for id_ in sorted(day.measured)]
    assert {len(day.app.lookup.readings(f"{day.right}-w{n}")) for n in range(1, 5)} == {2}


def test_the_release_says_it_leaned_on_corrected_entries(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    technologist = reader_as("technologist")
    before = technologist.get(f"/operations/{day.release}").text
    assert "Leaned on a corrected entry" not in before
    assert "What leans on this entry" in technologist.get(f"/operations/{day.measured[0]}").text
    _correct(technologist, day)
    assert "Leaned on a corrected entry" in technologist.get(f"/operations/{day.release}").text
    unit = technologist.get(f"/units/{day.wrong}").text
    assert "leaned on a corrected entry" in unit
    assert "8 entries hold no more" in unit, unit[unit.index("leaned on a corrected entry"):][:300]
    assert "leaned on a corrected entry" not in technologist.get(f"/units/{day.right}").text
    old = technologist.get(f"/operations/{day.measured[0]}").text
    assert f'href="/operations/{day.release}"' in old


def test_the_release_officer_is_told_at_once_and_once(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    officer, viewer = reader_as("release_officer"), reader_as("viewer")
    before = officer.get("/notices/pulse").json()["unread"]
    silent = viewer.get("/notices/pulse").json()["unread"]
    _correct(reader_as("technologist"), day)
    pulse = officer.get("/notices/pulse")
    assert pulse.json()["unread"] == before + 1
    again = officer.get("/notices/pulse", headers={"If-None-Match": pulse["ETag"]})
    assert again.status_code == 304
    inbox = officer.get("/notices/").text
    assert "the decision leaned on an entry that is now corrected: the neighbour" in inbox
    assert "07312093" in inbox.replace(" ", "").replace("\u202f", "").replace("\xa0", "")
    assert viewer.get("/notices/pulse").json()["unread"] == silent
    notice = re.search(r'href="(/notices/\d+)"', inbox)
    assert notice
    assert officer.get(notice[1])["Location"] == f"/operations/{day.release}"
    assert officer.get("/notices/pulse").json()["unread"] == before


def test_no_page_shows_both_as_valid(day: Day, reader_as: Callable[..., Client]) -> None:
    technologist = reader_as("technologist")
    _correct(technologist, day)
    wrong, right = f"{day.wrong}-w1", f"{day.right}-w1"
    taken = technologist.get(f"/units/{wrong}").text
    assert taken.count("replaced by a correction") == 2
    assert "as corrected" not in taken
    given = technologist.get(f"/units/{right}").text
    assert given.count("as corrected") == 2
    assert "replaced by a correction" not in given
    for unit, expected in ((wrong, 0), (right, 2)):
        line = technologist.get(f"/lifeline/{unit}").json()
        kinds = [line["kinds"][event[2]] for event in line["events"]]
        assert kinds.count("Measured") == expected
    assert "29.4" not in technologist.get(f"/units/{wrong}?tab=measurements").text
    assert "29.4" in technologist.get(f"/units/{right}?tab=measurements").text


def test_the_old_paper_says_corrected_when_its_code_is_scanned(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    import zxingcpp
    from PIL import Image

    viewer, address = reader_as("viewer"), f"/protocol/{day.measured[0]}"
    paper = viewer.get(address)
    assert paper.text.count("29.4") == 8
    assert "CORRECTED" not in paper.text
    code = _code_of(str(paper.context["address"]))
    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(code)))
    _correct(reader_as("technologist"), day)
    found = viewer.get("/search", {"q": read.text}, follow=True)
    assert found.request["PATH_INFO"] == f"/operations/{day.measured[0]}"
    assert "Replaced" in found.text
    assert "As it was entered first; it does not hold any more" in found.text
    assert "CORRECTED" in viewer.get(address).text


def _code_of(address: str) -> bytes:
    import segno

    file = io.BytesIO()
    segno.make(address, error="m").save(file, kind="png", scale=4)
    return file.getvalue()


def test_a_coach_without_that_wheelset_is_refused_by_place(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    technologist = reader_as("technologist")
    address = f"/correct/{day.measured[0]}"
    fields = _filled(technologist.get(address), unit="u-coach-1")
    refused = technologist.post(address, fields)
    assert refused.status_code == 422
    assert "12317 had nothing at" in refused.text
    assert len(_readings(day, day.wrong)) == 8


def test_a_wrong_value_is_not_spread_over_the_others(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    technologist = reader_as("technologist")
    address = f"/correct/{day.measured[0]}"
    fields = _filled(technologist.get(address), **{"reading-0": "28.4"})
    assert "take the others out" in technologist.post(address, fields).text
    technologist.post(address, fields | {"with_it": []})
    values = [r["value"] for r in day.app.lookup.readings(f"{day.wrong}-w1")]
    assert sorted(values) == ["28.4", "29.4"]


def test_a_correction_from_another_door_is_told_as_well(
    day: Day, reader_as: Callable[..., Client]
) -> None:
    from railtrace.trace.operation import Corrected

    officer = reader_as("release_officer")
    before = officer.get("/notices/pulse").json()["unread"]
    void = Corrected(id=f"void-{day.release}", happened_at=day.app.clock(), action="void",
                     target=day.measured[3], reason="the gauge slipped")  # fmt: skip
    day.app.record([void], "p-api", "api")
    assert day.app.wait_caught_up(10)
    assert officer.get("/notices/pulse").json()["unread"] == before + 1
    assert "the gauge slipped" in officer.get("/notices/").text


def test_everything_is_marked_as_read(day: Day, reader_as: Callable[..., Client]) -> None:
    officer = reader_as("release_officer")
    _correct(reader_as("technologist"), day)
    officer.post("/notices/read")
    assert officer.get("/notices/pulse").json()["unread"] == 0
    assert "Nothing unread" in officer.get("/notices/").text
    assert "now corrected" in officer.get("/notices/?all").text
