"""Wheels on a page: charts, forecasts, the cut, the balance; a wheel that grew is questioned."""

import io
import re
from datetime import timedelta

import numpy as np
import pytest

from railtrace.analysis.wheel_profile import profile, turning_cut
from railtrace.app import App
from railtrace.trace.operation import (
    Installed,
    Measured,
    Operation,
    Ran,
    Reading,
    Registered,
    Reprofiled,
    Retyred,
)
from railtrace.web.diagnostics.differences import differences
from railtrace.web.names import Names
from tests.analysis.test_wheel_profile import L2, analytic
from tests.operating.depot import NOW, record

LOCO, SETS = "u-loco-w", ("u-ws-0", "u-ws-1", "u-ws-2")


def readings(flange: float, tyre: float, moment: str = "", tread: float = 0.0):
    return tuple(
        Reading(quantity=q, place=side, value=f"{v - 0.1 * (side == 'right'):.1f}", unit="mm",
                uncertainty="0.2", moment=moment)
        for q, v in (("flange_thickness", flange), ("tyre_thickness", tyre), ("tread_wear", tread))
        for side in ("left", "right")
    )  # fmt: skip


def life() -> list[Operation]:
    """Three wheelsets of a locomotive: 60,000 km, turned half-way by 2 mm and 1 mm a mm flange."""
    start = NOW - timedelta(days=700)
    made: list[Operation] = [
        Registered(id="lw", happened_at=start, units=(LOCO,), type="2te10m", site="dushanbe"),
    ]
    for i, unit in enumerate(SETS):
        made += [
            Registered(id=f"rw{i}", happened_at=start, units=(unit,), type="wheelset_locomotive"),
            Installed(id=f"iw{i}", happened_at=start + timedelta(days=1), units=(unit,),
                      carrier=LOCO, position=f"wheelset.{i + 1}"),
        ]  # fmt: skip
    for month in range(1, 13):
        at = start + timedelta(days=30 * month)
        made.append(Ran(id=f"nw{month}", happened_at=at, units=(LOCO,), distance_km="5000"))
        for i, unit in enumerate(SETS):
            worn = (0.5 + 0.05 * i) * (month if month <= 6 else month - 6)
            tyre = 60 - 0.1 * month - (0 if month <= 6 else 2 + 3 + 0.3 * i)
            made.append(Measured(id=f"mw{i}-{month}", happened_at=at + timedelta(hours=1),
                                 units=(unit,), readings=readings(32.5 - worn, tyre, tread=worn)))
            if month == 6:
                done = readings(32.5, tyre - 5 - 0.3 * i, "as_left")
                made.append(Reprofiled(id=f"tw{i}", happened_at=at + timedelta(hours=2),
                                       units=(unit,),
                                       readings=readings(32.5 - worn, tyre, "as_found") + done))
    return made  # fmt: skip


@pytest.fixture(scope="module")
def wheels(railway: App) -> App:
    record(railway, life())
    assert railway.wait_caught_up(10)
    return railway


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_the_pages_answer_in_every_language(wheels: App, reader_as, language) -> None:
    foreman = reader_as("foreman", language)
    for address in ("/diagnostics/wheels/", f"/diagnostics/wheels/{SETS[0]}"):
        assert foreman.get(address).status_code == 200


def test_a_wheelset_shows_left_and_right_over_kilometres_with_turnings_and_a_fan(
    wheels: App, viewer
) -> None:
    page = viewer.get(f"/diagnostics/wheels/{SETS[0]}?ahead=50000").content.decode()
    chart = page.split("<h2>Flange thickness", 1)[1].split("</section>")[0]
    assert 'class="fan-left"' in chart
    assert 'class="fan-right"' in chart
    assert chart.count('class="turned"') == 1
    assert "60 000" in page.replace("\u202f", " ")


def test_the_limit_is_told_as_kilometres_with_their_interval(wheels: App, viewer) -> None:
    page = viewer.get(f"/diagnostics/wheels/{SETS[1]}?ahead=50000").content.decode()
    # 0.11 mm a thousand km from 29.2 mm to the limit of 25: about 38,000 km.
    assert "to the limit" in page
    assert "Which limit binds first within" in page
    assert "50,000" in page or "50 000" in page.replace("\u202f", " ")


def test_the_metal_balance_closes_and_the_cut_is_told_from_turnings(wheels: App, viewer) -> None:
    page = viewer.get(f"/diagnostics/wheels/{SETS[0]}").content.decode()
    assert page.count("0.00 mm") == 2
    assert "Recommended cut" in page
    assert "From 6 wheels turned on this railway" in page


def test_a_wheelset_measured_larger_is_questioned_and_accepted_after_re_tyring(
    wheels: App, viewer
) -> None:
    unit = SETS[2]
    larger = Measured(id="larger", happened_at=NOW - timedelta(days=9), units=(unit,),
                      readings=readings(32.0, 88.0))  # fmt: skip
    record(wheels, [larger])
    assert wheels.wait_caught_up(10)
    page = viewer.get(f"/diagnostics/wheels/{unit}").content.decode()
    assert "Questioned" in page
    assert "a wheel grows only with another tyre" in page
    record(wheels, [Retyred(id="tyres", happened_at=NOW - timedelta(days=10), units=(unit,))])
    assert wheels.wait_caught_up(10)
    page = viewer.get(f"/diagnostics/wheels/{unit}").content.decode()
    assert "Questioned" not in page
    assert page.count("0.00 mm") == 2


def test_a_part_that_is_no_wheelset_says_so(wheels: App, viewer) -> None:
    assert viewer.get("/diagnostics/wheels/nothing").status_code == 404
    assert "Nothing was measured" in viewer.get(f"/diagnostics/wheels/{LOCO}").content.decode()


def test_re_tyring_is_recorded_on_the_page_and_the_question_goes(wheels: App, reader_as) -> None:
    unit, page = SETS[1], reader_as("worker")
    record(wheels, [Measured(id="larger-1", happened_at=NOW - timedelta(days=9), units=(unit,),
                             readings=readings(32.0, 88.0))])  # fmt: skip
    assert wheels.wait_caught_up(10)
    address = f"/diagnostics/wheels/{unit}"
    assert "Questioned" in page.get(address).text
    at = (NOW - timedelta(days=10)).strftime("%Y-%m-%dT%H:%M")
    form = {"fitted": "tyres", "places": "", "at": at, "reason": "worn out"}
    for bad, said in (
        (form | {"at": "yesterday"}, "check what was typed"),
        (form | {"at": "2999-01-01T00:00"}, "cannot be fitted in the future"),
    ):
        assert said in page.post(f"{address}/retyre", bad).text
    assert page.post("/diagnostics/wheels/u-nobody/retyre", form).status_code == 404
    assert page.post(f"{address}/retyre", form).status_code == 302
    assert "Questioned" not in page.get(address).text


def test_a_flat_found_before_a_turning_is_damage_in_the_balance(wheels: App, viewer) -> None:
    unit = SETS[0]
    before = viewer.get(f"/diagnostics/wheels/{unit}").text
    assert balance(before)[0][3:5] == ["5.0", "0.0"]
    start = NOW - timedelta(days=700)
    record(wheels, [Measured(
        id="flat", happened_at=start + timedelta(days=180, hours=1, minutes=30), units=(unit,),
        readings=(Reading(quantity="flat_depth", place="left", value="1.8", unit="mm"),),
    )])  # fmt: skip
    assert wheels.wait_caught_up(10)
    left, right = balance(viewer.get(f"/diagnostics/wheels/{unit}").text)
    assert left[3:5] == ["3.2", "1.8"]
    assert right[3:5] == ["5.0", "0.0"]
    assert left[-1] == right[-1] == "0.00 mm"


def balance(page: str) -> list[list[str]]:
    table = page.split("Where the metal went")[1].split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in table.split("</tr>")[:-1]]
    return [[re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in row] for row in cells]


def test_differences_within_axle_bogie_and_vehicle_are_judged(railway: App, viewer) -> None:
    coach, sets = "u-coach-d", [f"u-wd-{n}" for n in range(4)]
    diameters = ((950.0, 950.2), (944.0, 944.0), (931.0, 931.0), (948.0, 944.0))
    at = NOW - timedelta(days=30)
    made: list[Operation] = [
        Registered(id="dc", happened_at=at, units=(coach,), type=coach_type(railway))
    ]
    for n, (unit, (left, right)) in enumerate(zip(sets, diameters, strict=True)):
        made += [
            Registered(id=f"dr{n}", happened_at=at, units=(unit,), type="wheelset_passenger"),
            Installed(id=f"di{n}", happened_at=at, units=(unit,), carrier=coach,
                      position=f"bogie.{n // 2 + 1}/wheelset.{n % 2 + 1}"),
            Measured(id=f"dm{n}", happened_at=at + timedelta(days=1), units=(unit,), readings=tuple(
                Reading(quantity="wheel_diameter", place=side, value=f"{value}", unit="mm",
                        uncertainty="0.2")
                for side, value in (("left", left), ("right", right)))),
        ]  # fmt: skip
    record(railway, made)
    assert railway.wait_caught_up(10)
    knowledge = railway.knowledge()
    names = Names(knowledge.catalogue, "en")
    found = {unit: differences(knowledge, names, unit)[0] for unit in sets}
    told = {
        unit: [(round(d.value, 1), d.verdict) for d in (row.axle, row.bogie, row.vehicle) if d]
        for unit, row in found.items()
    }
    assert told[sets[0]] == [(0.2, "fit"), (6.2, "fit"), (19.2, "fit")]
    assert told[sets[3]] == [(4.0, "unfit"), (17.0, "unfit"), (19.2, "fit")]
    assert not found[sets[0]].axle.confirmed
    assert "within the bogie" in viewer.get(f"/diagnostics/wheels/{sets[3]}").text


def coach_type(app: App) -> str:
    return next(k for k, v in app.catalogue().vehicle_types.items() if v.vehicle_class == "coach")


def scanned(app: App, id_: str, day: int, unit: str, name: str, **shape: float) -> Operation:
    """A wheel scanned on a day; the file as a gateway writes a trace."""
    x = np.arange(0.0, 130.0, 0.5)
    rows = [f"{a:.2f};{b:.3f}" for a, b in zip(x, analytic(**shape)(x), strict=True)]
    text = "\n".join(["x_mm [mm];y_mm [mm]", *rows, ""])
    file = app.evidence.put(io.BytesIO(text.encode()), name, "text/csv", "curve")
    kind = Reprofiled if "as_left" in name else Measured
    return kind(id=id_, happened_at=NOW - timedelta(days=day), units=(unit,), evidence=(file,),
                readings=(Reading(quantity="flange_height", place="left", value="28.0",
                                  unit="mm"),))  # fmt: skip


def test_a_scanned_profile_is_measured_again_and_the_least_cut_told(railway: App, viewer) -> None:
    unit, other = "u-scan-1", "u-scan-2"
    at = NOW - timedelta(days=90)
    record(railway, [
        *(Registered(id=f"rs-{u}", happened_at=at, units=(u,), type="wheelset_passenger")
          for u in (unit, other)),
        scanned(railway, "sc-1", 30, unit, "profile_left.csv", thickness_mm=28.0,
                tread_wear_mm=3.0),
    ])  # fmt: skip
    assert railway.wait_caught_up(10)
    page = viewer.get(f"/diagnostics/wheels/{unit}").text
    assert "Scanned profile" in page
    assert "31.00 mm" in page  # 28 mm of flange over a tread worn by 3
    assert "No profile that a turning left" in page
    record(railway, [
        scanned(railway, "sc-2", 60, other, "profile_left.as_left.csv", thickness_mm=33.0),
        scanned(railway, "sc-3", 50, other, "profile_left.as_left.csv", thickness_mm=30.0),
    ])  # fmt: skip
    assert railway.wait_caught_up(10)
    rows = viewer.get(f"/diagnostics/wheels/{unit}").text.split("Profile to restore")[1]
    depths = [float(d) for d in re.findall(r"Depth of cut.>([0-9.]+)", rows)]
    x = np.arange(0.0, 130.0, 0.5)
    worn = profile(x, analytic(thickness_mm=28.0, tread_wear_mm=3.0)(x))
    wanted = [turning_cut(worn, "", profile(x, analytic(thickness_mm=t)(x)), L2).depth_mm
              for t in (30.0, 33.0)]  # fmt: skip
    assert depths == pytest.approx(wanted, abs=0.02)
    assert wanted[0] + 5 < wanted[1]  # each millimetre of flange costs more than two of the tread


def test_a_scan_that_is_none_is_refused_by_name(railway: App, viewer) -> None:
    unit = "u-scan-3"
    file = railway.evidence.put(io.BytesIO(b"x_mm;y_mm\n1;2\n"), "profile_left.csv", "text/csv",
                                "curve")  # fmt: skip
    record(railway, [
        Registered(id="rs-3", happened_at=NOW - timedelta(days=9), units=(unit,),
                   type="wheelset_passenger"),
        Measured(id="sc-4", happened_at=NOW - timedelta(days=8), units=(unit,), evidence=(file,),
                 readings=(Reading(quantity="flange_height", place="left", value="28.0",
                                   unit="mm"),)),
    ])  # fmt: skip
    assert railway.wait_caught_up(10)
    assert "The profile has 1 points" in viewer.get(f"/diagnostics/wheels/{unit}").text
