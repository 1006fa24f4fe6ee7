"""Scenario 17: uncoupled abroad, a lent wheelset, an act that arrives with the coach on day 9."""

import json
import re
import struct
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from railtrace.trace.numbers import network_check_digit
from tests.e2e.conftest import Depot
from tests.e2e.test_wrong_coach import _record, _token

DAY = timedelta(days=1)
DAY_0 = (datetime.now(timezone(timedelta(hours=5))) - 10 * DAY).replace(
    hour=8, minute=0, second=0, microsecond=0
)
SITE, COACH, OWN = "dushanbe-coach", "u-13034", "u-13034-own"


def _numbers() -> list[str]:
    sevens = [f"0731{7_01 + 13 * n:03}" for n in range(13)]
    return ["07313034", *(f"{seven}{network_check_digit(seven)}" for seven in sevens)]


TRAIN = [COACH, *(f"u-s17-{n}" for n in range(13))]


def _before() -> list[dict[str, Any]]:
    """Fourteen coaches; the wheelset of one of them is measured before the train leaves."""
    said = {"happened_at": (DAY_0 - 30 * DAY).isoformat(), "site": SITE}
    reading = {"quantity": "flange_thickness", "place": "left", "unit": "mm", "value": "29.4",
               "uncertainty": "0.1"}  # fmt: skip
    return [
        *({"kind": "Registered", "id": f"s17-{unit}", "units": [unit], "type": "coach_compartment",
           "home_site": SITE, "numbers": [{"scheme": "network8", "value": number}]} | said
          for unit, number in zip(TRAIN, _numbers(), strict=True)),
        {"kind": "Registered", "id": "s17-own", "units": [OWN], "type": "wheelset_passenger",
         "numbers": [{"scheme": "serial", "value": "29-30340-11"}]} | said,
        {"kind": "Installed", "id": "s17-on", "units": [OWN], "carrier": COACH,
         "position": "bogie.1/wheelset.2"} | said,
        {"kind": "Measured", "id": "s17-measured", "units": [OWN], "site": SITE,
         "happened_at": (DAY_0 - DAY).isoformat(), "readings": [reading]},
    ]  # fmt: skip


def _trip(leaned_on: dict[str, Any]) -> list[dict[str, Any]]:
    """The release of day 0, and the train's two runs: fourteen leave, thirteen go on."""
    place = {key: leaned_on[key] for key in ("log", "position")}
    run = {"kind": "Ran", "train": "319", "site": SITE}
    return [
        {"kind": "Released", "id": "s17-release", "units": [COACH], "site": SITE,
         "happened_at": DAY_0.isoformat(), "decision": "d-s17", "scope": "unit",
         "leaned_on": [{"operation": "s17-measured"} | place],
         "positions": [{"log": place["log"], "size": place["position"] + 1}]},
        run | {"id": "s17-run-1", "units": TRAIN, "distance_km": "2600",
               "happened_at": (DAY_0 + 3 * DAY).isoformat()},
        run | {"id": "s17-run-2", "units": TRAIN[1:], "distance_km": "1600",
               "happened_at": (DAY_0 + 4 * DAY).isoformat()},
    ]  # fmt: skip


def _photo(path: Path) -> None:
    """One grey dot, as a PNG file."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b""))  # fmt: skip


def _enter(page: Page, photo: Path) -> None:
    page.get_by_role("link", name="State and holders").click()
    page.get_by_role("link", name="Enter a paper act").click()
    page.set_input_files("[name=paper]", photo)
    page.fill("[name=number]", "17")
    page.fill("[name=issuer]", "ПТО Кандыагаш")
    page.fill("[name=at]", (DAY_0 + 3 * DAY).strftime("%Y-%m-%dT14:20"))
    page.fill("[name=place]", "Кандыагаш")
    page.select_option("[name=part]", OWN)
    page.fill("[name=found]", "flat on the tread")
    page.select_option("[name=quantity]", "flat_depth")
    page.fill("[name=value]", "2.3")
    page.select_option("[name=side]", "left")
    page.check("[name=off]")
    page.fill("[name=on]", "27-55120-08")
    page.fill("[name=of]", "КТЖ")
    page.select_option("[name=owner_state]", "27")
    page.get_by_role("button", name="Record the act").click()
    expect(page.locator(".alert")).to_contain_text("8 entries by the moment of the paper")


def _proof(page: Page) -> Any:
    return json.loads(page.request.get("/proof/s17-release").text())


def test_an_act_of_day_3_is_entered_on_day_9_and_the_release_of_day_0_stays(
    depot: Depot, at_work: Callable[..., Page], tmp_path: Path
) -> None:
    token = _token(at_work("administrator"))
    *_, measured = _record(depot, token, _before())
    _record(depot, token, _trip(measured))
    page = at_work("technologist")
    page.goto(f"/units/{COACH}")
    before = _proof(page)

    # Without its photograph no act is entered, and what was typed stays.
    page.goto(f"/holdings/act/{COACH}")
    page.fill("[name=number]", "17")
    page.get_by_role("button", name="Record the act").click()
    expect(page.locator(".field-error").first).to_contain_text("photograph or scan")
    expect(page.locator("[name=number]")).to_have_value("17")

    _photo(tmp_path / "act.png")
    page.goto(f"/units/{COACH}")
    _enter(page, tmp_path / "act.png")

    # The same sheet comes by post a day later: it counts once, and the page says where it stands.
    page.goto(f"/holdings/act/{COACH}")
    page.set_input_files("[name=paper]", tmp_path / "act.png")
    page.fill("[name=number]", " 17")
    page.fill("[name=issuer]", "ПТО  Кандыагаш")
    page.fill("[name=at]", (DAY_0 + 3 * DAY).strftime("%Y-%m-%dT14:20"))
    page.fill("[name=place]", "Кандыагаш")
    page.get_by_role("button", name="Record the act").click()
    expect(page.locator(".field-error").first).to_contain_text("This act was entered on")
    page.goto(f"/units/{COACH}")

    # The coach stayed abroad from day 3 by a document, with the photograph as evidence.
    expect(page.locator(".unit-head")).to_contain_text("abroad")
    card = page.locator("article.op", has_text="Location reported")
    expect(card).to_contain_text("14:20")
    expect(card).to_contain_text("document")
    card.locator("a.seal").click()
    photo = page.locator("a[href*='/evidence/']").first.get_attribute("href")
    assert page.request.get(str(photo)).body() == (tmp_path / "act.png").read_bytes()

    # The train went on with thirteen; this coach ran the first leg only.
    page.goto("/operations/s17-run-2")
    expect(page.locator("main")).not_to_contain_text("073 13034")
    assert [_km(page, unit) for unit in (COACH, TRAIN[1])] == [2600, 4200]

    # The lent wheelset is not ours, its age shown; ours is abroad.
    page.goto("/depot/loans/")
    lent = page.locator("tr", has_text="27-55120-08".replace("-", "\u2011"))
    expect(lent).to_contain_text("not ours, to be returned")
    expect(lent).to_contain_text(re.compile("[67] days ago"))
    expect(lent).to_contain_text("073 13034")
    own = page.locator("tr", has_text="29-30340-11".replace("-", "\u2011"))
    expect(own).to_contain_text("Кандыагаш")

    # It comes home on day 9; the release of day 0 leans on what it leaned on, to the byte.
    page.goto(f"/holdings/change/place/{COACH}")
    page.fill("[name=place]", "Душанбе")
    page.select_option("[name=whereabouts]", "home")
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".unit-head")).not_to_contain_text("abroad")
    page.goto("/operations/s17-release")
    expect(page.locator("main")).not_to_contain_text("Leaned on a corrected entry")
    assert _proof(page)["leaf"] == before["leaf"]


def _km(page: Page, unit: str) -> int:
    usage = page.request.get(f"/api/units/{unit}").json()["usage"]
    return round(float(usage["mileage_km"]))
