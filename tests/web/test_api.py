"""The REST API: what goes in, what comes out, what is said when it does not go."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.errors import StoreFull
from railtrace.trace.merkle import check_consistency, check_inclusion, leaf_hash
from railtrace.trace.operation import KINDS
from tests.web.import_sheets import railway_of_its_own

Ask = Callable[..., Any]
COACH = "u-coach"


@pytest.fixture
def depot(railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    with railway_of_its_own(tmp_path / "data", monkeypatch) as app:
        yield app


def _token(*scopes: str, valid: timedelta = timedelta(days=1)) -> str:
    from railtrace.web.tokens import make_token

    now = datetime.now(UTC)
    return make_token("gauge 0417", list(scopes), now - timedelta(days=2), now + valid)[1]


@pytest.fixture(params=["django", "plain"])
def ask(depot: App, db: None, request: pytest.FixtureRequest) -> Client:
    token = _token("record", "read")
    headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
    return Client(headers=headers) if request.param == "django" else _plain(token, headers)


def _plain(token: str, headers: dict[str, str]) -> Client:
    """A client that posts as through `railtrace serve`: first to what stands before Django."""
    from django.http import HttpResponse

    from railtrace.web.api.plain import recorded_plainly
    from railtrace.web.tokens import token_of

    token_of(token, "record", datetime.now(UTC))
    client = Client(headers=headers)
    django: Any = client.handler

    def respond(environ: dict[str, Any]) -> Any:
        answer = recorded_plainly(environ)
        if answer is None:
            return django(environ)
        response: Any = HttpResponse(answer[1], headers=dict(answer[0]))
        response.wsgi_request = None
        return response

    client.handler = respond  # type: ignore[assignment]
    return client


def _operation(id_: str = "w-1", **changes: Any) -> dict[str, Any]:
    return {"kind": "Registered", "id": id_, "happened_at": "2026-01-01T08:00:00+05:00",
            "units": [COACH], "type": "coach_open",
            "numbers": [{"scheme": "network8", "value": "07312051"}]} | changes  # fmt: skip


def _send(ask: Client, body: Any, media_type: str = "application/json", **headers: Any) -> Any:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return ask.post("/api/operations", content, content_type=media_type, **headers)


def _detail(answer: Any) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return str(problem["detail"])


# --- recording ------------------------------------------------------------------------------


def test_each_operation_of_a_batch_is_answered_by_itself(ask: Client, depot: App) -> None:
    wrong_digit = [{"scheme": "network8", "value": "07312052"}]
    batch = [
        _operation(), _operation(), _operation(units=["u-2"]), _operation("w-2", kind="Flown"),
        _operation("w-3", numbers=wrong_digit), 5,
    ]  # fmt: skip
    answer = _send(ask, batch)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["accepted"], body["duplicate"], body["refused"]) == (1, 1, 4)
    first, again, taken, unknown, digit, number = body["results"]
    assert (first["status"], first["log"]) == ("accepted", "main")
    assert again == first | {"index": 1, "status": "duplicate"}
    assert "in the ledger already with other content" in taken["reason"]
    assert (unknown["id"], unknown["field"]) == ("w-2", "kind")
    assert digit["reason"] == "07312052: check digit 2 is wrong, 1 wanted"
    assert digit["field"] == "numbers[0].value"
    assert (number["index"], number["id"], number["status"]) == (5, "", "refused")
    stored = depot.entry("w-1")
    assert (stored.submitter, stored.channel) == ("gauge 0417", "rest")


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/plain"])
def test_operations_come_alone_or_on_lines(ask: Client, media_type: str) -> None:
    lines = "\n".join(json.dumps(_operation(f"w-{n}", units=[f"u-{n}"])) for n in range(3))
    assert _send(ask, lines, media_type).json()["accepted"] == 3
    assert _send(ask, _operation("alone"), media_type).json()["accepted"] == 1


def test_a_site_writes_to_its_log_and_a_named_log_comes_before(ask: Client) -> None:
    by_site = _send(ask, _operation("a", site="kulob")).json()["results"][0]
    named = ask.post("/api/operations?log=dushanbe", json.dumps(_operation("b", site="kulob")),
                     content_type="application/json").json()["results"][0]  # fmt: skip
    assert (by_site["log"], named["log"]) == ("kulob", "dushanbe")
    nowhere = ask.post("/api/operations?log=mars", "{}", content_type="application/json")
    assert _detail(nowhere) == "there is no log mars"


def test_reasons_are_in_the_reader_s_language(ask: Client) -> None:
    bad = _operation(numbers=[{"scheme": "network8", "value": "07312052"}])
    answer = _send(ask, bad, headers={"accept-language": "ru"})
    assert answer.headers["Content-Language"] == "ru"
    assert "07312052" in answer.json()["results"][0]["reason"]


def test_what_a_field_should_be_is_in_the_reader_s_language_too(ask: Client) -> None:
    run = {"kind": "Ran", "id": "r-1", "happened_at": "2026-01-10T06:00:00Z", "units": ["u-1"]}
    batch = [run | {"distance_km": "1e9"}, run | {"distance_km": 12.5}]
    answer = _send(ask, batch, headers={"accept-language": "ru"})
    reasons = [result["reason"] for result in answer.json()["results"]]
    assert "десятичное число текстом" in reasons[0]
    assert reasons[1] == "distance_km: нужно: текст, передано: число не текстом"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "said"),
    [
        (b"", "application/json", 400, "the body is empty"),
        (b"[{]", "application/json", 400, "the body is not JSON at byte 2, line 1"),
        (b'[{"id":\n\n nul}]', "application/json", 400, "line 3"),
        (b'[{"id": "x"}', "application/json", 400, "it ends in the middle, after byte 12"),
        (b"\xff\xfe[", "application/json", 400, "the body is not JSON at byte 0"),
        (b"[" * 200_000, "application/json", 400, "nested too deep"),
        (b'{"a":' * 200_000, "application/json", 400, "nested too deep"),
        (b"{}", "application/xml", 415, "application/xml is not taken here"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "send application/json"),
        (b"[" + b"1," * 10_000 + b"1]", "application/json", 413, "10001 operations at once: send "
                                                                 "at most 10000"),
        (b"[" + b"1," * 2_500_000 + b"1]", "application/json", 413, "more members than"),
        (b"1\n" * 2_500_000, "application/x-ndjson", 413, "more members than"),
        (b" " * (16 * 2**20 + 1), "application/json", 413, "the body has 17 MB, at most 16 MB"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(
    ask: Client, body: bytes, media_type: str, status: int, said: str
) -> None:
    answer = _send(ask, body, media_type)
    assert answer.status_code == status
    assert said in _detail(answer)


def test_a_body_of_fifty_megabytes_is_refused_unread(ask: Client) -> None:
    class Unread:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    answer = ask.generic("POST", "/api/operations", b"", content_type="application/json",
                         CONTENT_LENGTH=str(50 * 2**20), **{"wsgi.input": Unread()})  # fmt: skip
    assert (answer.status_code, _detail(answer)) == (
        413, "the body has 50 MB, at most 16 MB are taken: send smaller batches",
    )  # fmt: skip


def test_invalid_utf8_spoils_its_own_operation_only(ask: Client) -> None:
    body = b'[{"kind":"Washed","id":"\xff"},' + json.dumps(_operation()).encode() + b"]"
    results = _send(ask, body).json()["results"]
    assert [result["status"] for result in results] == ["refused", "accepted"]


def test_a_full_disk_is_said_and_may_be_tried_later(
    ask: Client, depot: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreFull("the disk of {folder} is full", folder="/data")

    monkeypatch.setattr(depot, "record", full)
    answer = _send(ask, _operation())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert _detail(answer) == "the disk of /data is full"


# --- before Django ----------------------------------------------------------------------------


@pytest.fixture
def plain(depot: App, db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client behind which there is no Django."""
    token = _token("record")
    client = _plain(token, {"authorization": f"Bearer {token}"})
    monkeypatch.setattr("django.test.client.ClientHandler.__call__", _passed_on)
    return client


class _PassedOnError(Exception):
    pass


def _passed_on(*_: object) -> None:
    raise _PassedOnError


def test_a_plain_post_needs_no_django(plain: Client, depot: App) -> None:
    assert _send(plain, [_operation(), _operation("w-2", units=["u-2"])]).json()["accepted"] == 2
    lines = json.dumps(_operation("w-3", units=["u-3"]))
    assert _send(plain, lines, "application/x-ndjson").json()["accepted"] == 1
    assert depot.entry("w-3").submitter == "gauge 0417"


@pytest.mark.parametrize(
    "asked",
    [
        {"QUERY_STRING": "log=kulob"}, {"CONTENT_TYPE": "text/plain"}, {"REQUEST_METHOD": "PUT"},
        {"PATH_INFO": "/api/evidence"}, {"HTTP_AUTHORIZATION": "Bearer rt_unknown"},
        {"HTTP_AUTHORIZATION": ""}, {"CONTENT_LENGTH": "x"}, {"CONTENT_LENGTH": "99999999"},
        {"HTTP_TRANSFER_ENCODING": "chunked"}, {"wsgi.input": BytesIO(b"[cut off")},
    ],
)  # fmt: skip
def test_what_is_not_plain_goes_on_to_django(
    plain: Client, depot: App, asked: dict[str, Any]
) -> None:
    with pytest.raises(_PassedOnError):
        plain.generic("POST", "/api/operations", json.dumps(_operation()).encode(),
                      content_type="application/json", **asked)  # fmt: skip
    assert depot.trace.head("main").size == 2


def test_a_revoked_token_records_no_more_at_once(plain: Client) -> None:
    from railtrace.web.models import ApiToken
    from railtrace.web.tokens import revoke

    revoke(ApiToken.objects.get(), datetime.now(UTC), None)
    with pytest.raises(_PassedOnError):
        _send(plain, _operation())


def test_a_failure_of_the_program_is_told_in_django_s_words(
    ask: Client, depot: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(depot, "record", broken)
    ask.raise_request_exception = False
    answer = _send(ask, _operation())
    assert answer.status_code == 500
    assert "everything recorded before is safe" in _detail(answer)


# --- who may --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), ("Bearer rt_nonsense", 401), ("Basic YTpi", 401), ("expired", 401),
     ("read", 403)],
)  # fmt: skip
def test_only_a_valid_token_with_the_scope_records(
    depot: App, db: None, header: str | None, status: int
) -> None:
    texts = {"read": f"Bearer {_token('read')}",
             "expired": f"Bearer {_token('record', valid=timedelta(seconds=-1))}"}  # fmt: skip
    headers = {} if header is None else {"authorization": texts.get(header, header)}
    answer = _send(Client(headers=headers), _operation())
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert depot.trace.heads()[1].size <= 2


def test_a_person_who_is_logged_in_may_read_and_not_record(
    depot: App, reader_as: Callable[..., Client]
) -> None:
    viewer = reader_as("viewer")
    assert viewer.get("/api/logs").status_code == 200
    assert _send(viewer, _operation()).status_code == 401


# --- reading --------------------------------------------------------------------------------


@pytest.fixture
def coach(ask: Client, depot: App) -> Client:
    results = _send(ask, [
        _operation("r-1"),
        _operation("r-2", kind="Registered", units=["u-axle"], type="wheelset_passenger",
                   numbers=[{"scheme": "serial", "value": "5-88121-09"}]),
        {"kind": "Installed", "id": "i-1", "happened_at": "2026-02-01T08:00:00+05:00",
         "units": ["u-axle"], "carrier": COACH, "position": "bogie.1/wheelset.1"},
        {"kind": "Ran", "id": "run-1", "happened_at": "2026-03-01T08:00:00+05:00",
         "units": [COACH], "distance_km": "1250.5"},
    ]).json()  # fmt: skip
    assert results["accepted"] == 4, results
    assert depot.wait_caught_up(10)
    return ask


def test_a_unit_is_found_and_shown_at_two_dates(coach: Client) -> None:
    [found] = coach.get("/api/units?q=0731").json()["units"]
    assert (found["unit"], found["number"]) == (COACH, "07312051")
    now = coach.get(f"/api/units/{COACH}").json()
    assert now["usage"]["own_km"] == "1250.500"
    assert now["carries"][0]["position"] == "bogie.1/wheelset.1"
    then = coach.get(f"/api/units/{COACH}?state_at=2026-01-15T00:00:00Z").json()
    assert (then["usage"]["own_km"], then["carries"]) == ("0.000", [])
    unknown = coach.get(f"/api/units/{COACH}?known_at=2025-01-15T00:00:00Z")
    assert _detail(unknown) == "there is no unit u-coach in the trace"


def test_a_list_goes_on_where_it_ended(coach: Client) -> None:
    ids: list[str] = []
    before: str | None = ""
    while before is not None:
        page = coach.get(f"/api/units/{COACH}/operations",
                         {"limit": "1", "before": before}).json()  # fmt: skip
        ids += [entry["leaf"]["operation"]["id"] for entry in page["operations"]]
        before = page["before"]
    assert ids == ["run-1", "i-1", "r-1"]
    odd = coach.get(f"/api/units/{COACH}/operations?before=yesterday")
    assert (odd.status_code, odd.json()["field"]) == (422, "before")


def test_what_has_not_changed_is_not_sent_again(coach: Client) -> None:
    for address in ("/api/logs", f"/api/units/{COACH}", "/api/units?q=0731"):
        tag = coach.get(address).headers["ETag"]
        unchanged = coach.get(address, headers={"if-none-match": f'"x", W/{tag}'})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    _send(coach, _operation("r-9", units=["u-9"]))
    assert coach.get("/api/logs", headers={"if-none-match": tag}).status_code == 200


def test_an_operation_comes_with_a_proof_that_holds(coach: Client, depot: App) -> None:
    entry = coach.get("/api/operations/i-1").json()
    proof = coach.get("/api/operations/i-1/proof").json()
    checkpoint = depot.checkpoint(proof["log"])
    hashed = leaf_hash(proof["leaf"].encode())
    assert hashed.hex() == entry["leaf_hash"]
    path = [bytes.fromhex(node) for node in proof["path"]]
    check_inclusion(hashed, proof["position"], checkpoint.size, path, checkpoint.root)
    note = coach.get("/api/logs/main/checkpoint")
    assert note.headers["Content-Type"].startswith("text/plain")
    assert note.content.decode() == proof["checkpoint"] == str(checkpoint)


def test_growth_is_proved_and_shrinking_is_not(coach: Client) -> None:
    proof = coach.get("/api/logs/main/consistency?from=2&to=5").json()
    check_consistency(
        2, 5, bytes.fromhex(proof["from_root"]), bytes.fromhex(proof["to_root"]),
        [bytes.fromhex(node) for node in proof["proof"]],
    )  # fmt: skip
    answer = coach.get("/api/logs/main/consistency?from=5&to=2")
    assert (answer.status_code, answer.json()["field"]) == (422, "to")


def test_a_file_is_kept_and_given_back(ask: Client) -> None:
    kept = ask.post("/api/evidence", b"\x00photo", content_type="image/jpeg")
    assert (kept.status_code, kept.json()["size"]) == (201, 6)
    given = ask.get(f"/api/evidence/{kept.json()['sha256']}")
    assert b"".join(given.streaming_content) == b"\x00photo"
    assert given.headers["Content-Security-Policy"] == "sandbox"
    assert _detail(ask.post("/api/evidence", b"", content_type="image/jpeg")) == (
        "the body is empty: send a file"
    )
    assert ask.get("/api/evidence/abc").status_code == 404


def test_every_address_below_api_answers_programs(ask: Client) -> None:
    for address in ("/api/nothing", "/api/units/nobody", "/api/operations/none"):
        assert ask.get(address).headers["Content-Type"] == "application/problem+json"
    assert ask.put("/api/logs").status_code == 405


# --- the description --------------------------------------------------------------------------


def test_the_description_holds_every_kind_of_operation(db: None, depot: App) -> None:
    described = Client().get("/api/openapi.json").json()
    shapes = described["components"]["schemas"]
    assert set(KINDS) <= set(shapes)
    assert len(shapes["Operation"]["anyOf"]) == len(KINDS)
    assert "pattern" in shapes["Washed"]["properties"]["id"]
    assert not _dangling(described, shapes)


def _dangling(part: Any, shapes: dict[str, Any]) -> list[str]:
    if isinstance(part, dict):
        here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        found = [ref for ref in here if ref.rpartition("/")[2] not in shapes]
        return found + [ref for value in part.values() for ref in _dangling(value, shapes)]
    if isinstance(part, list):
        return [ref for value in part for ref in _dangling(value, shapes)]
    return []


def test_the_documentation_needs_nothing_from_elsewhere(db: None, depot: App) -> None:
    page = Client().get("/api/docs").content.decode()
    assert "//" not in page.replace("<!DOCTYPE html>", "").replace("http://www.w3.org", "")
