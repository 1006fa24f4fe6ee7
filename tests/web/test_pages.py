import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver

from railtrace.app import App
from railtrace.errors import ProofFailed
from railtrace.store.views import ViewStore
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.leaf import read
from railtrace.trace.merkle import check_inclusion, leaf_hash
from railtrace.trace.operation import RecallOpened
from railtrace.web.models import ApiToken, SavedFilter
from railtrace.web.roles import ROLES
from tests.web.conftest import COACH, T0, WHEELSET

PAGES = [
    "/depot/", "/depot/orders/", "/depot/queue/", "/depot/equipment/", "/depot/coverage/",
    "/depot/findings/", "/depot/shift/", "/depot/metrology/",
    "/fleet/", "/fleet/?scope=parts", "/search?q=123", "/search", f"/units/{COACH}",
    f"/units/{COACH}?tab=structure", f"/units/{COACH}?tab=measurements", f"/units/{WHEELSET}",
    f"/units/{WHEELSET}?tab=structure", f"/units/{WHEELSET}?tab=measurements",
    f"/units/{COACH}?at=2026-02-01", f"/units/{COACH}?at=1999-01-01", "/operations/m-1",
    "/operations/f-1", "/recalls/", "/trace/", "/trace/contradictions", "/trace/catalogue",
    "/account/",
]  # fmt: skip
ADMINISTRATION = ["/administration/users", "/administration/tokens", "/administration/texts"]


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_every_page_answers_in_every_language(
    reader_as: Callable[..., Client], language: str
) -> None:
    reader = reader_as("administrator", language)
    for page in (*PAGES, *ADMINISTRATION):
        response = reader.get(page)
        assert response.status_code == 200, page
        assert f'<html lang="{language}"' in response.text, page


@pytest.mark.parametrize("page", PAGES)
def test_pages_run_no_script_of_their_own_and_stay_small(viewer: Client, page: str) -> None:
    response = viewer.get(page)
    assert "script-src 'self'" in response["Content-Security-Policy"]
    inline = re.findall(r"<script(?![^>]*(src=|type=\"application/json\"))[^>]*>", response.text)
    assert inline == []
    assert not re.search(r"\son[a-z]+=|style=", response.text)
    assert len(response.content) < 150_000


def _routes() -> list[str]:
    patterns = get_resolver().url_patterns
    routes = [str(p.pattern) for p in patterns if isinstance(p, URLPattern)]
    return [re.sub(r"<int:[^>]+>", "1", re.sub(r"<(path|str):[^>]+>", "x", r)) for r in routes]


def test_nothing_is_shown_to_a_stranger(db: None, railway: App) -> None:
    stranger = Client()
    open_to_all = {"account/login", "account/choose", "health", "terminal/", "terminal/register",
                   "terminal/login"}
    for route in sorted(set(_routes()) - open_to_all):
        response = stranger.get(f"/{route}")
        assert response.status_code == 302, route
        assert response["Location"].startswith("/account/login"), route


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_do_what_the_table_says(reader_as: Callable[..., Client], role: str) -> None:
    reader, permissions = reader_as(role), ROLES[role].may
    for page in ADMINISTRATION:
        assert (reader.get(page).status_code == 200) is ("administer" in permissions)
    resolved = reader.post("/trace/contradictions/resolve", {"unit": "x", "key": "y"})
    assert (resolved.status_code == 302) is ("resolve" in permissions)
    held = reader.post("/recalls/none/hold")
    assert (held.status_code == 404) is ("hold" in permissions)
    assert ("Open the recall" in reader.get("/recalls/").text) is ("recall" in permissions)


def test_words_a_person_typed_are_never_run(viewer: Client) -> None:
    for page in (f"/units/{COACH}", "/operations/f-1", "/search?q=<script>x</script>"):
        text = viewer.get(page).text
        assert "<b>heated</b>" not in text
        assert "<script>x" not in text


# --- finding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("073 12317 ", COACH), ("07312317", COACH), ("073 12317", COACH), ("073-12317", COACH),
        (COACH, COACH),
        ("5-88121-09", WHEELSET), ("5 - 88121 - 2009", WHEELSET),
        (f"https://depot.example/units/{WHEELSET}", WHEELSET),
    ],
)  # fmt: skip
def test_any_way_of_writing_a_number_leads_to_its_unit(
    viewer: Client, typed: str, unit: str
) -> None:
    assert viewer.get("/search", {"q": typed})["Location"] == f"/units/{unit}"


def test_a_part_of_a_number_lists_what_bears_it(viewer: Client) -> None:
    assert COACH in viewer.get("/search", {"q": "7312"}).text


def test_an_operation_is_found_by_its_id(viewer: Client) -> None:
    assert viewer.get("/search", {"q": "m-1"})["Location"] == "/operations/m-1"


@pytest.mark.parametrize("typed", ["%", "_", "'; --", "\x00", "я" * 300, "?q=", "://units/"])
def test_nonsense_is_searched_for_without_harm(viewer: Client, typed: str) -> None:
    assert viewer.get("/search", {"q": typed}).status_code == 200


def _walk(reader: Client, query: str) -> list[str]:
    units: list[str] = []
    address = f"/fleet/?{query}"
    while address:
        text = reader.get(address).text
        units += re.findall(r'class="painted" href="/units/([^"]+)"', text)
        further = re.search(r'rel="next" href="([^"]+)"', text)
        address = f"/fleet/{further[1].replace('&amp;', '&')}" if further else ""
    return units


@pytest.mark.parametrize("query", ["scope=parts", "scope=parts&sort=made&desc=1"])
def test_turning_pages_shows_every_unit_once(viewer: Client, railway: App, query: str) -> None:
    units = _walk(viewer, query)
    assert len(units) == len(set(units)) > 120
    assert set(units) == _all_parts(railway)


def _all_parts(railway: App) -> set[str]:
    return {row.unit for row in railway.lookup.fleet({"scope": "parts"}, limit=10_000).rows}


def test_counts_are_filters(viewer: Client) -> None:
    assert "status=in_repair" in viewer.get("/fleet/").text
    assert COACH in viewer.get("/fleet/?status=in_repair").text
    assert COACH not in viewer.get("/fleet/?status=abroad").text


def test_a_count_follows_every_filter_but_its_own(railway: App) -> None:
    vehicles = {"scope": "vehicles"}
    free = railway.lookup.counts(vehicles, ("status", "type"))
    narrowed = railway.lookup.counts(vehicles | {"status": "in_repair"}, ("status", "type"))
    assert narrowed["status"] == free["status"]
    assert sum(narrowed["type"].values()) == free["status"]["in_repair"] > 0
    assert sum(free["type"].values()) == sum(free["status"].values())


def test_columns_and_filters_are_remembered_per_person(
    viewer: Client, manager: Client
) -> None:
    viewer.post("/fleet/columns", {"scope": "vehicles", "columns": ["number", "owner"]})
    assert '<td data-label="Owner"' in viewer.get("/fleet/").text
    assert '<td data-label="Owner"' not in manager.get("/fleet/").text
    saved = {"scope": "vehicles", "name": "Mine", "query": "status=in_repair"}
    viewer.post("/fleet/filters", saved)
    assert SavedFilter.objects.get().query == "status=in_repair"
    assert "Mine" in viewer.get("/fleet/").text
    assert "Mine" not in manager.get("/fleet/").text


def _sent(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_an_export_holds_the_whole_filtered_list(viewer: Client, railway: App) -> None:
    lines = _sent(viewer.get("/fleet/fleet.csv?scope=parts")).decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(_all_parts(railway))
    assert _sent(viewer.get("/fleet/fleet.xlsx?scope=parts")).startswith(b"PK")


# --- a unit -----------------------------------------------------------------------------------


def test_a_wheel_outside_its_limit_is_named_on_the_vehicle(viewer: Client) -> None:
    text = viewer.get(f"/units/{COACH}").text
    assert 'class="part is-unfit"' in text
    assert "Open safety defect" in text


def test_two_dates_show_what_had_happened_as_was_known(viewer: Client) -> None:
    then = viewer.get(f"/units/{COACH}?at=2026-01-20").text
    assert "You are looking at the past" in then
    assert '<body class="past">' in then
    assert "Open safety defect" not in then
    before = viewer.get(f"/units/{COACH}?known=2020-01-01").text
    assert "nothing was known of this unit yet" in before


def test_a_bare_day_means_its_end_on_the_installation_s_clock(viewer: Client) -> None:
    at = viewer.get(f"/units/{COACH}?at=2026-01-20&known=2026-01-21T06:30").context["dates"]
    assert at.at.isoformat() == "2026-01-20T18:59:59.999999+00:00"
    assert at.known.isoformat() == "2026-01-21T01:30:00+00:00"


def test_the_frame_says_so_where_dates_do_not_hold(viewer: Client) -> None:
    text = viewer.get("/fleet/?at=2026-01-20").text
    assert '<body class="">' in text
    assert "This page shows now" in text


@pytest.mark.parametrize("at", ["nonsense", "2026-02-30", "99999-01-01", "2026-01-20T06:00", ""])
def test_a_wrong_date_is_no_failure(viewer: Client, at: str) -> None:
    assert viewer.get(f"/units/{COACH}", {"at": at}).status_code == 200


def test_the_life_line_has_every_operation_of_the_unit(viewer: Client) -> None:
    data = viewer.get(f"/lifeline/{COACH}").json()
    ids = {event[3] for event in data["events"] if not event[3].startswith("news-")}
    assert ids == {"r-1", "i-1", "run-1", "l-1", "f-1", "d-1", "e-1"}
    assert [span[3] for span in data["spans"]] == ["Душанбе", "ДР"]
    times = [event[0] for event in data["events"]]
    assert times == sorted(times)


def test_a_chart_carries_readings_uncertainty_and_limits(viewer: Client) -> None:
    text = viewer.get(f"/units/{WHEELSET}?tab=measurements").text
    match = re.search(r'id="chart-1" type="application/json">(.*?)</script>', text)
    assert match
    data = json.loads(match[1])
    assert len(data["series"]) == 2
    assert data["series"][0]["points"][0][1:3] == [30.5, 0.4]
    assert data["limits"]


def test_a_chart_of_the_past_holds_what_was_measured_by_then(viewer: Client) -> None:
    address = f"/units/{WHEELSET}?tab=measurements"
    now, later = (viewer.get(a).context["charts"] for a in (address, f"{address}&at=2026-12-31"))
    assert later == now
    then = viewer.get(f"{address}&at=2026-01-31").context["charts"]
    assert [len(series["points"]) for series in then[0]["data"]["series"]] == [1, 1]


def test_a_part_shows_where_it_has_been_and_how_far_it_ran_there(viewer: Client) -> None:
    text = viewer.get(f"/units/{WHEELSET}?tab=structure").text
    assert "Where this part has been" in text
    assert "1250\u202fkm" in text


# --- the trace --------------------------------------------------------------------------------


def test_a_proof_leads_from_the_recorded_bytes_to_the_signed_root(
    viewer: Client, railway: App
) -> None:
    proof = viewer.get("/proof/m-1").json()
    checkpoint = Checkpoint.parse(proof["checkpoint"])
    leaf = proof["leaf"].encode()
    assert read(leaf, "", 0).operation.id == "m-1"
    path = [bytes.fromhex(part) for part in proof["path"]]
    place = proof["position"], checkpoint.size
    check_inclusion(leaf_hash(leaf), *place, path, checkpoint.root)
    with pytest.raises(ProofFailed):
        check_inclusion(leaf_hash(leaf + b" "), *place, path, checkpoint.root)


def test_a_contradiction_is_closed_by_a_person_with_a_reason(
    manager: Client, railway: App
) -> None:
    page = manager.get("/trace/contradictions").text
    assert "where it is not" in page
    fields = {"unit": WHEELSET, "key": "removed_where_it_is_not:x-1", "reason": ""}
    asked = manager.post("/trace/contradictions/resolve", fields, follow=True)
    assert "the reason is kept for ever" in asked.text
    fields["reason"] = "slip of the pen"
    manager.post("/trace/contradictions/resolve", fields, follow=True)
    assert railway.lookup.contradictions(WHEELSET) == []
    assert "slip of the pen" in manager.get("/trace/contradictions?resolved=1").text


def test_a_recall_finds_holds_and_closes(manager: Client, railway: App) -> None:
    empty = manager.post("/recalls/", {"title": "all"})
    assert "Give at least one of" in empty.text
    opened = manager.post("/recalls/", {"title": "Cracked heat", "heat": "8812"}, follow=True)
    address = opened.redirect_chain[-1][0]
    assert WHEELSET in opened.text
    assert "Put 1 part on hold" in opened.text
    manager.post(f"{address}/hold")
    assert railway.knowledge().passport(WHEELSET).holds
    assert "Recalled" in manager.get(f"/units/{COACH}").text
    assert WHEELSET in manager.get(f"{address}/parts.csv").text
    assert "nothing is left to do" not in _row_of(manager, "Cracked heat")
    manager.post(f"{address}/close", {"reason": "done"})
    assert "Recalled" not in manager.get(f"/units/{COACH}").text


def _row_of(reader: Client, title: str) -> str:
    rows = reader.get("/recalls/").text.split("<tr")
    return next(row for row in rows if title in row)


def test_a_recall_that_found_nothing_says_that_nothing_is_left(manager: Client) -> None:
    manager.post("/recalls/", {"title": "Found nowhere", "heat": "no-such-heat"})
    assert "nothing is left to do" in _row_of(manager, "Found nowhere")


def test_the_person_is_a_pseudonym_in_the_trace(manager: Client, railway: App) -> None:
    manager.post("/recalls/", {"title": "Pseudonym", "heat": "none"})
    state = next(r for r in railway.knowledge().recalls() if r.title == "Pseudonym")
    entry = railway.entry(state.opened_by)
    assert entry.submitter.startswith("p-")
    assert entry.channel == "web"


# --- people -----------------------------------------------------------------------------------


def test_language_and_theme_follow_the_person_to_another_browser(
    reader_as: Callable[..., Client], viewer: Client
) -> None:
    viewer.post("/account/choose", {"language": "tg"})
    viewer.post("/account/choose", {"theme": "dark"})
    other = Client()
    other.post("/account/login", {"username": "viewer", "password": "viewer-demo"})
    text = other.get("/fleet/").text
    assert '<html lang="tg" data-bs-theme="dark"' in text


def test_choosing_leads_nowhere_else(viewer: Client) -> None:
    chosen = viewer.post("/account/choose", {"language": "ru", "next": "https://evil.example/"})
    assert chosen["Location"] == "/"


def test_an_administrator_makes_a_person_and_a_token(reader_as: Callable[..., Client]) -> None:
    administrator = reader_as("administrator")
    fields = {"username": "u1", "role": "worker", "password": "rail-and-sleeper-9"}
    administrator.post("/administration/users", fields)
    newcomer = Client()
    assert newcomer.login(username="u1", password="rail-and-sleeper-9")
    assert newcomer.get("/fleet/").status_code == 200
    weak = administrator.post("/administration/users", fields | {"password": "123"})
    assert "field-error" in weak.text
    made = administrator.post(
        "/administration/tokens", {"name": "gauge", "scopes": ["record"], "months": "1"}
    )
    token = re.search(r'class="secret">(rt_[^<]+)<', made.text)
    assert token
    assert token[1] not in administrator.get("/administration/tokens").text
    administrator.post(f"/administration/tokens/{ApiToken.objects.get().pk}")
    assert ApiToken.objects.get().revoked_at is not None


@pytest.mark.parametrize(("language", "word"), [("ru", "Такой страницы нет"), ("tg", "нест")])
def test_errors_speak_the_reader_s_language(
    reader_as: Callable[..., Client], language: str, word: str
) -> None:
    reader = reader_as("viewer", language)
    missing = reader.get("/no-such-page")
    assert missing.status_code == 404
    assert word in missing.text, missing.text.split("<main")[1]
    unit = reader.get("/units/u-none")
    assert unit.status_code == 404
    assert "u-none" in unit.text
    assert reader.get("/administration/users").status_code == 403


def test_a_failure_is_a_page_and_not_a_stack_of_code(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ViewStore, "states_now", broken)
    viewer.raise_request_exception = False
    response = viewer.get(f"/units/{COACH}")
    assert response.status_code == 500
    assert "Everything recorded before is safe" in response.text


def test_a_recall_looked_at_before_it_was_opened_says_so(viewer: Client, railway: App) -> None:
    opened = RecallOpened(
        id="late-recall", happened_at=T0, units=(), recall="late-recall", title="Рамы", heat="8812"
    )
    railway.record([opened], "p-test", "test")
    assert railway.wait_caught_up(10)
    assert viewer.get("/recalls/late-recall").status_code == 200
    before = viewer.get("/recalls/late-recall?known=2020-01-01")
    assert before.status_code == 200
    assert "late-recall" in before.text
    assert "data-now" in before.text
    assert viewer.get("/recalls/never?known=2020-01-01").status_code == 404


def test_a_full_disk_is_told_where_the_pages_own_file_finds_no_room(
    rf: Any, railway: App
) -> None:
    from django.db import OperationalError

    from railtrace.web.frame import ExplainErrors

    request = rf.get("/account/login")
    request.user = AnonymousUser()
    told = ExplainErrors(lambda r: HttpResponse())
    answer = told.process_exception(request, OperationalError("database or disk is full"))
    assert answer is not None
    assert answer.status_code == 507
    assert told.process_exception(request, OperationalError("locked")) is None
