"""How a unit is run, on pages: runs, fuel, alarms, origins, comfort, the recorder's chart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from msgspec.structs import replace

from railtrace.app import App
from railtrace.operating.recorders import Intake
from railtrace.simulation.recorder_days import recorder_day, write_csv
from railtrace.trace.merkle import leaf_hash
from railtrace.trace.operation import (
    AlarmChecked,
    Corrected,
    DefectFound,
    Failed,
    ModeViolated,
    Number,
    OriginDecided,
    OriginDisputed,
    Ran,
    Reading,
    Registered,
    RunRecorded,
    WaysideAlarmed,
)

LOCO, SISTER, WAGON, COACH = "u-run-loco", "u-run-sister", "u-run-wagon", "u-run-coach"
CREW = ("p-7777", "p-7778")
ADDRESSES = ("quality", "quality/fuel", "quality/comfort", "quality/alarms", "quality/origins")


def _runs(then, unit: str, kg: float) -> list:
    day = timedelta(days=1)
    return [
        RunRecorded(id=f"{unit}-{n}", happened_at=then + n * day + timedelta(hours=8),
                    units=(unit,), started_at=then + n * day, distance_km="100", engine_hours="8",
                    route="Бохтар — Куляб", crew=CREW, gross_tonne_km="120000",
                    fuel_kg=f"{kg + n % 3:.0f}", delay_min="12" if n == 0 else None,
                    delay_cause="ожидание" if n == 0 else "", remarks="стук" if n == 1 else "")
        for n in range(10)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def driven(railway: App) -> App:
    """Return a railway whose locomotives made recorded runs, one of them twice at once."""
    then, day = railway.clock() - timedelta(days=20), timedelta(days=1)
    heat = Reading(quantity="box_temperature", value="84", unit="°C")
    registered = [
        Registered(id=f"reg-{unit}", happened_at=then - day, units=(unit,), type=type_,
                   home_site="depot", numbers=(Number(scheme="other", value=number),))
        for unit, type_, number in (
            (LOCO, "m62", "RUN-1"), (SISTER, "m62", "RUN-2"), (WAGON, "hopper", "RUN-3"),
            (COACH, "coach_open", "RUN-4"))
    ]  # fmt: skip
    results = railway.record([
        *registered, *_runs(then, LOCO, 440), *_runs(then, SISTER, 360),
        RunRecorded(id="run-over", happened_at=then + 3 * day + timedelta(hours=9), units=(LOCO,),
                    started_at=then + 3 * day + timedelta(hours=2), distance_km="-5"),
        RunRecorded(id="run-sly", happened_at=then + 15 * day, units=(SISTER,), route="=1+1",
                    distance_km="10"),
        ModeViolated(id="run-v", happened_at=then + 2 * day + timedelta(hours=3), units=(LOCO,),
                     rule="overspeed"),
        Failed(id="run-f", happened_at=then + 4 * day, units=(LOCO,), mode="crack"),
        Failed(id="run-f2", happened_at=then + 4 * day, units=(LOCO,), mode="leak"),
        OriginDecided(id="run-o", happened_at=then + 5 * day, units=(LOCO,), entry="run-f",
                      origin="repair", decided_by="commission of the depot"),
        OriginDecided(id="run-o2", happened_at=then + 5 * day, units=(LOCO,), entry="run-f2",
                      origin="operation", decided_by="commission of the depot"),
        OriginDisputed(id="run-d", happened_at=then + 6 * day, units=(LOCO,), entry="run-f2",
                       disputed_by="the crew's shed", claims="repair"),
        WaysideAlarmed(id="run-a", happened_at=then + day, units=(WAGON,), alarm="hot_box",
                       post="km 42", level="Тревога-1", readings=(heat,)),
        WaysideAlarmed(id="run-b", happened_at=then + 2 * day, units=(WAGON,), alarm="hot_box"),
        AlarmChecked(id="run-c", happened_at=then + 2 * day, units=(WAGON,), alarmed="run-b",
                     result="not_confirmed", finding="cold"),
        Ran(id="run-t", happened_at=then + 2 * day, started_at=then + day, units=(COACH,),
            distance_km="700"),
        DefectFound(id="run-h", happened_at=then + 2 * day, units=(COACH,), code="нет воды"),
        DefectFound(id="run-s", happened_at=then + 2 * day, units=(COACH,), code="нет воды",
                    safety=True),
    ], "p-test", "test")  # fmt: skip
    assert not [r for r in results if isinstance(r, Exception)], results
    assert railway.wait_caught_up(10)
    return railway


def test_a_run_and_what_is_wrong_with_it_stand_on_the_unit_s_page(
    driven: App, viewer: Client
) -> None:
    page = viewer.get(f"/units/{LOCO}?tab=operation")
    assert page.context["all_runs"] == 11
    for said in ("Two runs at once", "A run of \u22125 km", "Бохтар — Куляб", "ожидание", "стук"):
        assert said in page.text, said


def test_a_crew_is_seen_only_by_the_role_that_needs_it(
    driven: App, reader_as: Callable[..., Client]
) -> None:
    pages = (f"/units/{LOCO}?tab=operation", f"/operations/{LOCO}-1", "/fleet/quality/fuel",
             "/fleet/quality")  # fmt: skip
    for role in ("viewer", "foreman"):
        browser = reader_as(role)
        assert not [p for p in pages if CREW[0] in browser.get(p).text], role
    manager = reader_as("fleet_manager")
    assert [p for p in pages if CREW[0] in manager.get(p).text] == list(pages[:2])


_DOORS = (
    f"/api/operations/{LOCO}-1", f"/api/units/{LOCO}/operations?kind=RunRecorded",
    f"/api/operations/{LOCO}-1/proof", f"/proof/{LOCO}-1", "/api/operations/run-right",
    "/operations/run-right", f"/api/units/{LOCO}", "/api/operations/run-right/proof",
)  # fmt: skip


@pytest.fixture
def corrected(driven: App) -> App:
    """Return the railway after a run with a paper was said rightly, its crew in the replacement."""
    paper = driven.evidence.put(BytesIO(b"route sheet of p-7777"), "sheet.csv", "text/csv")
    last = _runs(driven.clock() - timedelta(days=20), LOCO, 440)[-1]
    rightly = replace(last, distance_km="101", evidence=(paper,))
    driven.record([Corrected(id="run-right", happened_at=driven.clock(), target=f"{LOCO}-9",
                             action="replace", replacement=rightly, reason="typed wrongly")],
                  "p-test", "test")  # fmt: skip
    assert driven.wait_caught_up(10)
    return driven


def test_no_door_for_programs_gives_a_crew_to_who_may_not_see_it(
    corrected: App, reader_as: Callable[..., Client]
) -> None:
    viewer, manager = reader_as("viewer"), reader_as("fleet_manager")
    sha = sha256(b"route sheet of p-7777").hexdigest()
    for door in _DOORS:
        said = viewer.get(door).text
        assert CREW[0] not in said, door
        assert sha not in said, door
    seen = [door for door in _DOORS if CREW[0] in manager.get(door).text]
    assert seen == [door for door in _DOORS if door != f"/api/units/{LOCO}"]


def test_a_leaf_without_its_crew_says_that_something_is_withheld(
    corrected: App, reader_as: Callable[..., Client]
) -> None:
    door = f"/api/operations/{LOCO}-1"
    hidden, whole = (reader_as(r).get(door).json() for r in ("viewer", "safety_auditor"))
    assert (hidden["withheld"], whole["withheld"]) == (["crews"], [])
    assert hidden["leaf"]["operation"]["crew"] == ["…", "…"]
    assert hidden["leaf"]["operation"]["route"] == whole["leaf"]["operation"]["route"]
    assert hidden["leaf_hash"] == whole["leaf_hash"]


def test_a_proof_of_a_run_is_for_who_may_see_crews_and_the_others_are_told_whom_to_ask(
    corrected: App, reader_as: Callable[..., Client]
) -> None:
    viewer, auditor = reader_as("viewer"), reader_as("safety_auditor")
    for door in (f"/api/operations/{LOCO}-1/proof", f"/proof/{LOCO}-1"):
        refused = viewer.get(door, headers={"accept-language": "en"})
        assert refused.status_code == 403
        assert "may see which crew made a run" in refused.text
        proved = auditor.get(door).json()
        assert leaf_hash(proved["leaf"].encode()).hex() == auditor.get(
            f"/api/operations/{LOCO}-1").json()["leaf_hash"]  # fmt: skip
    assert viewer.get("/api/operations/run-v/proof").status_code == 200


def test_a_token_sees_crews_by_a_scope_of_its_own(corrected: App, db: None) -> None:
    from railtrace.web.tokens import make_token

    now = datetime.now(UTC)
    for scopes, seen in ((["read"], False), (["read", "crews"], True)):
        text = make_token("fuel office", scopes, now, now + timedelta(days=1))[1]
        client = Client(headers={"authorization": f"Bearer {text}"})
        assert (CREW[0] in client.get(f"/api/operations/{LOCO}-1").text) == seen, scopes


def test_fuel_is_held_against_the_runs_of_the_same_cell(driven: App, viewer: Client) -> None:
    page = viewer.get("/fleet/quality/fuel")
    units = dict(page.context["grouped"][-1][2] and [
        (line.unit, line.use) for line in page.context["grouped"][-1][2]
    ])  # fmt: skip
    assert units[LOCO].ratio == pytest.approx(441 / 401, abs=0.01)
    assert units[LOCO].low < units[LOCO].ratio < units[LOCO].high
    assert units[LOCO].estimated_share == 1.0
    assert "estimated" in page.text
    sent = viewer.get("/fleet/quality/fuel.csv").content.decode("utf-8-sig")
    assert sent.startswith("By,Name,Runs")
    assert "RUN-1" in sent


def test_a_stated_norm_goes_before_an_estimated_one(driven: App) -> None:
    from railtrace.catalogue.rows import FuelNorm
    from railtrace.store.fuel import fuel_book, fuel_runs

    catalogue = driven.catalogue()
    vehicles = [v for v in driven.lookup.maintained(["m62"]) if v.unit == LOCO]
    runs, _ = fuel_runs(driven.lookup, vehicles, 0, driven.config.zone_of(""))
    any_row = next(iter(catalogue.fuel_norms.values()))
    fields = {"source": "order 7", "jurisdiction": "-", "valid_from": any_row.valid_from}
    rows = {
        "all": FuelNorm(key="all", ru="x", en="x", kg=30, per="10000_tkm", **fields),
        "route": FuelNorm(key="route", ru="x", en="x", kg=40, per="10000_tkm",
                          route="Бохтар — Куляб", **fields),
        "other": FuelNorm(key="other", ru="x", en="x", kg=1, per="10000_tkm",
                          route="elsewhere", **fields),
    }  # fmt: skip
    book = fuel_book(replace(catalogue, fuel_norms=rows), runs)
    assert {norm.row for norm in book.norms} == {"route"}
    assert book.all_use().expected == pytest.approx(40 * 12 * 10)


def test_a_violation_counts_on_the_route_it_happened_on(driven: App, viewer: Client) -> None:
    page = viewer.get("/fleet/quality?months=1&type=m62")
    routes = {line.name: line for line in page.context["grouped"][2][2]}
    assert routes["Бохтар — Куляб"].counts == {"overspeed": 1}
    assert routes["Бохтар — Куляб"].index.low < routes["Бохтар — Куляб"].index.high
    row = next(row for row in page.context["heat"]["rows"] if row[1] == LOCO)
    assert (row[2], sum(count for _, count, _ in row[3])) == (1, 1)
    assert "week=" in page.text
    assert ",'=1+1,10.0," in viewer.get("/fleet/quality/quality.csv").text


@pytest.mark.parametrize(
    ("written", "shown"), [("8.000", "8"), ("79.497", "79.497"), ("4600", "4600"), ("0.500", "0.5")]
)
def test_a_worst_value_is_shown_without_the_recorder_s_noughts(written: str, shown: str) -> None:
    from railtrace.web.quality.unit_tab import _short

    assert _short(written) == shown


def test_the_month_in_which_the_time_begins_is_no_part_of_the_trend(
    driven: App, viewer: Client
) -> None:
    page = viewer.get("/fleet/quality?months=1&type=m62")
    begun = driven.clock() - timedelta(days=30.4375)
    months = [month for month, _index, _share in page.context["trend"]]
    assert months
    assert (f"{begun:%Y-%m}" in months) == (begun.day == 1)


def test_weights_are_stated_until_failures_show_others(driven: App, viewer: Client) -> None:
    page = viewer.get("/fleet/quality")
    assert "stated by an expert" in page.text
    assert "cannot be told yet" in page.text
    assert not [weight for _, weight in page.context["weights"] if weight.estimated]


def test_an_alarm_waits_until_somebody_says_what_was_found(
    driven: App, viewer: Client, reader_as: Callable[..., Client]
) -> None:
    page = viewer.get("/fleet/quality/alarms")
    assert [key for key, _, count in page.context["counts"] if count] == [
        "any", "waiting", "not_confirmed"]  # fmt: skip
    assert "nobody looked yet" in viewer.get(f"/units/{WAGON}?tab=operation").text
    worker = reader_as("worker")
    said = {"unit": WAGON, "alarm": "run-a", "result": "confirmed", "back": "/fleet/quality/alarms"}
    assert "Say whether" in worker.post("/fleet/quality/alarms/answer", said, follow=True).text
    answered = worker.post("/fleet/quality/alarms/answer", said | {"finding": "hot"}, follow=True)
    assert "The answer is recorded." in answered.text
    share = answered.context["by_kind"][0]
    assert (share.confirmed, share.not_confirmed, share.waiting) == (1, 1, 0)
    assert "hot" in viewer.get(f"/units/{WAGON}?tab=operation").text


def test_an_answer_never_leads_to_another_place(
    driven: App, reader_as: Callable[..., Client]
) -> None:
    said = {"unit": WAGON, "alarm": "x", "back": "https://elsewhere.example/"}
    answer = reader_as("worker").post("/fleet/quality/alarms/answer", said)
    assert answer.headers["Location"] == "/fleet/quality/alarms"


def test_origins_are_counted_with_and_without_the_disputed(driven: App, viewer: Client) -> None:
    page = viewer.get("/fleet/quality/origins?class=locomotive&type=m62")
    counts = {one.key: (one.undisputed, one.disputed, one.whole) for one in page.context["counts"]}
    assert counts["repair"] == (1, 0, 1)
    assert counts["operation"] == (0, 1, 1)
    assert counts["design"] == (0, 0, 0)
    assert "commission of the depot" in page.text
    disputed = viewer.get("/fleet/quality/origins?class=locomotive&type=m62&state=disputed")
    assert [row["operation"] for row in disputed.context["rows"]] == ["run-f2"]


def test_an_origin_is_decided_on_its_own_axis_with_papers_and_ends_the_dispute(
    driven: App, reader_as: Callable[..., Client]
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    engineer = reader_as("technologist")
    page = engineer.get("/fleet/quality/origins/run-f2")
    assert [row.key for row in page.context["axis"]] == [
        "design", "manufacture", "repair", "operation", "ageing"]  # fmt: skip
    wrong = {"act": "decide", "origin": "damage", "who": "us"}
    assert "Name who decided" in engineer.post(
        "/fleet/quality/origins/run-f2", wrong, follow=True).text  # fmt: skip
    paper = SimpleUploadedFile("act.pdf", b"%PDF-1.4 act", "application/pdf")
    right = {"act": "decide", "origin": "repair", "who": "joint commission", "paper": paper}
    done = engineer.post("/fleet/quality/origins/run-f2", right, follow=True)
    assert (done.context["row"]["origin"], done.context["row"]["dispute"]) == ("repair", "")
    assert done.context["row"]["evidence"] == 1
    assert reader_as("viewer").post("/fleet/quality/origins/run-f2", right).status_code == 403


def test_comfort_is_kept_apart_from_safety(driven: App, viewer: Client) -> None:
    page = viewer.get("/fleet/quality/comfort?type=coach_open&months=1")
    water = next(rate for rate in page.context["kinds"] if rate.name == "Water and toilets")
    assert (water.faults, water.hours) == (1, 24.0)
    assert water.value == pytest.approx(1000 / 24)
    assert water.low < water.value < water.high
    assert page.context["found"].safety == 1


@pytest.fixture(scope="module")
def filed(driven: App, tmp_path_factory: pytest.TempPathFactory) -> App:
    """Return the railway with a recorder's file of the locomotive."""
    path = tmp_path_factory.mktemp("files") / f"{LOCO}_day.csv"
    columns = driven.catalogue().recorder_types["reference"].columns
    start = driven.clock() - timedelta(days=30)
    write_csv(recorder_day(1, 6000), path, start, {c.channel: c.column for c in columns})
    (told,) = Intake(driven, "reference").take([path])
    assert told.state == "recorded", told
    assert driven.wait_caught_up(10)
    return driven


def test_from_a_violation_to_the_second_of_its_recorder(filed: App, viewer: Client) -> None:
    page = viewer.get(f"/units/{LOCO}?tab=operation")
    shown = next(v for v in page.context["violations"] if v["from_s"] is not None)
    address = f"/fleet/quality/recorder/{shown['file']}?unit={LOCO}"
    assert address.replace("&", "&amp;") in page.text
    chart = viewer.get(f"{address}&from={shown['from_s']}&to={shown['to_s']}")
    assert chart.context["chart"]["from"] == shown["from_s"]
    data = viewer.get(f"/fleet/quality/recorder/{shown['file']}/data?unit={LOCO}"
                      f"&from={shown['from_s']}&to={shown['to_s']}").json()  # fmt: skip
    assert data["rows"] == shown["to_s"] - shown["from_s"] + 1
    coolant = next(p for p in data["panels"] if p["title"] == "Coolant temperature")
    assert {limit["value"] for limit in coolant["limits"]} == {40.0, 75.0, 96.0}
    assert len(coolant["series"][0]["seconds"]) == data["rows"]


def test_a_whole_file_is_thinned_and_its_peaks_stay(filed: App, viewer: Client) -> None:
    (file,) = filed.lookup.recorder_files([LOCO])
    address = f"/fleet/quality/recorder/{file['file']}/data?unit={LOCO}"
    data = viewer.get(address).json()
    shock = next(p for p in data["panels"] if p["title"] == "Longitudinal acceleration")
    values = shock["series"][0]["values"]
    assert data["rows"] == 6000
    assert len(values) <= 2400
    truth = recorder_day(1, 6000).channels["shock"]
    assert min(values) == pytest.approx(truth.min(), abs=1e-3)


def test_a_file_of_nobody_or_one_that_is_gone_says_so(filed: App, viewer: Client) -> None:
    (file,) = filed.lookup.recorder_files([LOCO])
    assert viewer.get(f"/fleet/quality/recorder/{file['file']}?unit={WAGON}").status_code == 404
    path: Path = filed.evidence.path(file["file"])
    kept = path.read_bytes()
    path.unlink()
    try:
        answer = viewer.get(f"/fleet/quality/recorder/{file['file']}/data?unit={LOCO}")
        assert "not kept here any more" in answer.json()["problem"]
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_every_page_is_read_in_every_language_and_narrowed(
    driven: App, reader_as: Callable[..., Client], language: str
) -> None:
    browser = reader_as("technologist", language)
    for address in ADDRESSES:
        for query in ("", "?months=1&home_site=depot", "?type=nothing&months=x"):
            assert browser.get(f"/fleet/{address}{query}").status_code == 200, (address, query)
        name = address.rpartition("/")[2]
        sheet = browser.get(f"/fleet/quality/{name}.csv")
        assert sheet.headers["Content-Type"].startswith("text/csv")
