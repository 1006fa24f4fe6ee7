"""Recordings on a page: both verdicts, windows of the signal, the spectrum, the truth."""

import time

import pytest

from railtrace.app import App
from railtrace.operating import spectra
from railtrace.operating.diagnoses import EvidenceJudge
from railtrace.trace.operation import (
    Diagnosed,
    MachineResult,
    Number,
    Phase,
    Registered,
    Washed,
)
from railtrace.web.diagnostics.recordings import MOST_POINTS
from tests.operating.depot import NOW, record
from tests.operating.stand import BEARING

LANGUAGES = ("ru", "tg", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", ["/diagnostics/", "/diagnostics/recordings/two",
                                     "/diagnostics/truth/"])  # fmt: skip
def test_the_pages_answer_in_every_language(stand: App, reader_as, address, language) -> None:
    answer = reader_as("foreman", language).get(address)
    assert answer.status_code == 200
    assert "{" not in answer.content.decode().split("<main")[1].split("</main")[0]


def test_the_list_shows_both_verdicts_and_where_they_differ(stand: App, viewer) -> None:
    page = viewer.get("/diagnostics/?days=3650").content.decode()
    assert page.count("they differ") == 3
    assert "cannot be judged" in page
    assert "alarm" in page


def test_the_list_is_filtered_by_what_either_said_and_exported(stand: App, viewer) -> None:
    alarms = viewer.get("/diagnostics/?days=3650&outcome=alarm").content.decode()
    assert "/diagnostics/recordings/two" in alarms
    assert "/diagnostics/recordings/one" not in alarms
    rows = viewer.get("/diagnostics/diagnoses.csv?days=3650").content.decode().splitlines()
    # The stand's three recordings and the pressing, which only we gave a diagnosis.
    assert len(rows) == 5
    assert sum("alarm,inner,two" in row for row in rows) == 1
    assert sum(",unfit," in row and row.endswith(",press-one") for row in rows) == 1



def test_a_recording_shows_the_reasons_of_ours_beside_the_machine(stand: App, viewer) -> None:
    page = viewer.get("/diagnostics/recordings/two").content.decode()
    assert "impacts of damage stand over the threshold" in page
    assert "dB over the threshold after prewhitening" in page
    assert "/diagnostics/recordings/one" in page


def test_a_recording_that_is_cut_says_so_and_shows_no_verdict(stand: App, viewer) -> None:
    page = viewer.get("/diagnostics/recordings/cut").content.decode()
    assert "the file is cut or damaged" in page
    assert "data-signal" not in page
    answer = viewer.get("/diagnostics/recordings/cut/waveform.json")
    assert answer.status_code == 422
    assert "cut or damaged" in answer.json()["refused"]


def test_a_window_of_the_signal_keeps_its_peaks_in_few_points(stand: App, viewer) -> None:
    whole = viewer.get("/diagnostics/recordings/one/waveform.json?points=200").json()
    assert len(whole["t"]) == len(whole["low"]) == len(whole["high"]) == 200
    peak = max(whole["high"])
    at = whole["t"][whole["high"].index(peak)]
    part = viewer.get(
        f"/diagnostics/recordings/one/waveform.json?from={at}&to={at + 0.1}&points=99999"
    ).json()
    assert max(part["high"]) == peak
    assert len(part["t"]) <= MOST_POINTS
    nonsense = viewer.get("/diagnostics/recordings/one/waveform.json?from=nan&to=x&points=-3")
    assert nonsense.status_code == 200


def test_the_spectrum_has_fault_lines_and_the_last_visits(stand: App, viewer) -> None:
    found = viewer.get("/diagnostics/recordings/two/spectrum.json?method=prewhitened").json()
    assert {line["damage"] for line in found["lines"]} == {"outer", "inner", "ball", "cage"}
    inner = next(x for x in found["lines"] if x["damage"] == "inner" and x["harmonic"] == 1)
    near = [level for order, level in zip(found["order"], found["level"], strict=True)
            if abs(order / inner["order"] - 1) < 0.012]  # fmt: skip
    assert max(near) > found["threshold"]
    assert [visit["operation"] for visit in found["visits"]] == ["one"]
    other = viewer.get("/diagnostics/recordings/two/spectrum.json?method=none").json()
    assert other["threshold"] == found["threshold"]


def test_what_is_no_recording_is_not_found(stand: App, viewer) -> None:
    assert viewer.get("/diagnostics/recordings/r-1").status_code == 200
    assert viewer.get("/diagnostics/recordings/nothing").status_code == 404
    assert viewer.get("/diagnostics/recordings/r-1/waveform.json").status_code == 422


def test_a_teardown_settles_the_diagnoses_and_the_ledger_counts_them(
    stand: App, viewer, reader_as
) -> None:
    assert viewer.post("/diagnostics/recordings/two/teardown", {"found": "damage"}).status_code in (
        302, 403)  # fmt: skip
    foreman = reader_as("foreman")
    refused = foreman.post("/diagnostics/recordings/two/teardown", {"found": "damage"})
    assert refused.status_code == 422
    told = foreman.post("/diagnostics/recordings/two/teardown", {
        "found": "damage", "damage_class": "fatigue.subsurface", "element": "inner"})  # fmt: skip
    assert told.status_code == 302
    page = foreman.get("/diagnostics/recordings/two").content.decode()
    assert "damage was found" in page
    rows = stand.views.database.query(
        "SELECT operation, truth FROM diagnoses WHERE unit = ? AND made_by <> 'system'", (BEARING,)
    )
    assert dict(rows) == {"one": "damage", "two": "damage", "cut": "damage"}
    ledger = foreman.get("/diagnostics/truth/?by=made_by").content.decode()
    assert "our method" in ledger
    # The machine called all three sound: three misses of three.
    assert "3/3" in ledger
    assert "30,000" in ledger


def test_a_long_recording_stands_at_once_and_its_methods_come_after(
    stand: App, viewer, monkeypatch
) -> None:
    whole = viewer.get("/diagnostics/recordings/two").text
    monkeypatch.setattr(spectra, "AT_ONCE", 100)
    page = viewer.get("/diagnostics/recordings/two").text
    assert "data-fragment" in page
    assert "Shaft order" not in page
    part, end = viewer.get("/diagnostics/recordings/two/methods").text, time.monotonic() + 60
    assert "data-again" in part
    assert viewer.get("/diagnostics/recordings/two/spectrum.json").json() == {"waiting": 1}
    while "data-again" in part and time.monotonic() < end:
        time.sleep(0.3)
        part = viewer.get("/diagnostics/recordings/two/methods").text
    assert "Shaft order" in part
    assert part.strip() in whole
    kept = viewer.get("/diagnostics/recordings/two/spectrum.json").json()
    assert kept["threshold"] > 0
    monkeypatch.setattr(spectra, "spectra_of", None)
    assert viewer.get("/diagnostics/recordings/two/spectrum.json").json()["level"] == kept["level"]


def test_the_reasons_are_in_the_language_of_the_page(stand: App, reader_as) -> None:
    page = reader_as("foreman", "ru").get("/diagnostics/recordings/two").text
    reasons = page.split('class="reasons-list">')[1].split("</ul>")[0]
    assert "дБ выше порога после отбеливания" in reasons
    assert "внутреннее кольцо" in reasons.lower()
    assert 'lang="en"' not in reasons
    assert "over the threshold" not in reasons


def test_a_name_that_begins_like_a_formula_is_no_formula_in_the_export(
    stand: App, viewer
) -> None:
    record(stand, [Registered(
        id="g-formula", happened_at=NOW, units=("u-formula",), type="bearing",
        numbers=(Number("other", "=1+1"),)),
        Diagnosed(id="d-formula", happened_at=NOW, units=("u-formula",), method="vibration",
                  outcome="sound", finding="=2+2")])  # fmt: skip
    assert stand.wait_caught_up(10)
    rows = viewer.get("/diagnostics/diagnoses.csv?days=3650").content.decode()
    assert ",=" not in rows
    assert "\n=" not in rows


def test_a_wash_stands_in_the_list_beside_what_the_machine_said_and_shows_its_trace(
    stand: App, reader_as
) -> None:
    rows = ["second;bath_temperature", *(f"{second};45" for second in range(0, 400, 5))]
    file = stand.evidence.put("\n".join(rows).encode(), "bath.csv", "text/csv", "curve")
    at = {"units": ("u-wheelset",), "device": "d-washer", "happened_at": NOW, "site": "dushanbe"}
    record(stand, [
        Registered(id="r-washer", happened_at=NOW, units=("d-washer",), type="wheelset_washer"),
        Washed(id="w-cold", evidence=(file,), programme="normal", **at),
        MachineResult(id="w-cold:r", result_id="9", machine="wheelset_washer", evaluation="ok",
                      facts=("w-cold",), phases=tuple(
                          Phase(phase=key, duration_s="130") for key in ("wash", "rinse", "dry")),
                      **at)])  # fmt: skip
    assert stand.wait_caught_up(10)
    EvidenceJudge(stand).take()
    assert stand.wait_caught_up(10)
    foreman = reader_as("foreman", "ru")
    assert "/diagnostics/judged/w-cold" in foreman.get("/diagnostics/?days=3650").text
    page = foreman.get("/diagnostics/judged/w-cold").text
    assert "температура не выдержана" in page
    assert "Машина и мы говорим разное." in page
    assert page.count('class="wear-plot"') == 1
    assert "не подтверждено" in page
    assert foreman.get("/diagnostics/judged/one").status_code == 200
    assert foreman.get("/diagnostics/judged/nothing").status_code == 404
