"""The program's own log: structured, rotating, and silent about people and operations."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from railtrace.config import Config
from railtrace.errors import NotFound
from railtrace.operating import logs

SECRET = "Иванов И. И. 07312317"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    config = Config(data=str(tmp_path))
    before = logging.getLogger().level
    handler = logs.start(config, "test")

    def lines() -> list[dict[str, Any]]:
        text = (tmp_path / "logs/test.jsonl").read_text("utf-8")
        assert SECRET not in text
        return [json.loads(line) for line in text.splitlines()]

    yield lines
    logging.getLogger().removeHandler(handler)
    handler.close()
    logging.getLogger().setLevel(before)


Lines = Callable[[], list[dict[str, Any]]]


def test_a_line_is_json_with_time_level_and_event(log: Lines) -> None:
    logging.getLogger("railtrace.serve").warning("trouble", extra={"word": "disk-low"})
    [line] = log()
    assert (line["event"], line["level"], line["word"]) == ("trouble", "warning", "disk-low")
    assert line["logger"] == "railtrace.serve"
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_logged_by_type_and_place_without_its_text(log: Lines) -> None:
    try:
        int(SECRET)
    except ValueError as error:
        id_ = logs.failure(error)
    [line] = log()
    assert (line["error"], line["id"]) == ("ValueError", id_)
    assert any("test_an_exception_is_logged" in place for place in line["where"])


def test_an_error_of_railtrace_is_logged_by_its_template(log: Lines) -> None:
    try:
        raise NotFound("operation {id} is not in this ledger", id=SECRET)
    except NotFound:
        logging.getLogger("railtrace.web").exception("a page failed")
    [line] = log()
    assert line["template"] == "operation {id} is not in this ledger"


def test_a_librarys_text_is_logged_by_its_template_and_its_extras_are_dropped(log: Lines) -> None:
    logging.getLogger("django.request").error(
        "%s: %s", "Not Found", f"/units/{SECRET}",
        extra={"status_code": 404, "request": SECRET, "user": SECRET},
    )  # fmt: skip
    [line] = log()
    assert (line["event"], line["status_code"]) == ("%s: %s", 404)
    assert not {"request", "user"} & set(line)


def test_a_level_leaves_out_what_is_below(tmp_path: Path) -> None:
    before = logging.getLogger().level
    handler = logs.start(Config(data=str(tmp_path), log_level="error"), "test")
    logging.getLogger("railtrace").warning("not told")
    logging.getLogger("railtrace").error("told")
    handler.close()
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(before)
    assert len((tmp_path / "logs/test.jsonl").read_text().splitlines()) == 1


def test_full_files_are_rotated_and_only_so_many_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MB", 2000)
    handler = logs.start(Config(data=str(tmp_path), log_file_mb=1, log_files=3), "test")
    for _ in range(200):
        logging.getLogger("railtrace").error("something", extra={"word": "x" * 40})
    logging.getLogger().removeHandler(handler)
    handler.close()
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["test.jsonl", "test.jsonl.1", "test.jsonl.2", "test.jsonl.3"]
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "logs").iterdir())


# --- requests -----------------------------------------------------------------------------


def request(path: str, addresses: bool = False, **environ: str) -> dict[str, str]:
    """Ask an application that answers; return the headers of its answer."""
    told: dict[str, str] = {}

    def application(_: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no"]

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        told.update(headers)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "10.0.0.7"} | environ
    assert list(logs.logged(application, addresses)(environ, start)) == [b"no"]
    return told


def test_a_request_is_logged_with_its_id_and_without_who_asked_for_what(log: Lines) -> None:
    headers = request(f"/units/{SECRET}", QUERY_STRING=f"q={SECRET}", HTTP_COOKIE=SECRET)
    [line] = log()
    assert (line["page"], line["method"], line["status"]) == ("/units/*", "GET", 404)
    assert line["request_id"] == headers["X-Request-ID"]
    assert "10.0.0.7" not in json.dumps(line)


def test_addresses_are_logged_only_when_that_is_set(log: Lines) -> None:
    request("/fleet/", addresses=True)
    assert log()[0]["address"] == "10.0.0.7"


@pytest.mark.parametrize("given", ["x" * 65, "a\nb", "<script>", ""])
def test_an_id_that_could_forge_a_line_is_not_taken_over(log: Lines, given: str) -> None:
    assert request("/", HTTP_X_REQUEST_ID=given)["X-Request-ID"] != given


def test_two_requests_have_two_ids(log: Lines) -> None:
    assert request("/")["X-Request-ID"] != request("/")["X-Request-ID"]


def test_what_is_logged_while_a_request_is_answered_carries_its_id(log: Lines) -> None:
    def application(_: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        logging.getLogger("railtrace.web").warning("inside")
        start("200 OK", [])
        return []

    logs.logged(application)({"HTTP_X_REQUEST_ID": "abc"}, lambda *_: None)
    logging.getLogger("railtrace.web").warning("outside")
    inside, _, outside = log()
    assert (inside["request_id"], outside.get("request_id")) == ("abc", None)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "/"),
        ("/fleet/", "/fleet"),
        ("/units/u-sim-1-000014", "/units/*"),
        ("/operations/op:1/proof", "/operations/*/proof"),
        ("/api/logs/dushanbe/checkpoint", "/api/logs/dushanbe/checkpoint"),
        ("/search/Иванов", "/search/*"),
    ],
)
def test_a_page_is_named_without_what_it_shows(path: str, page: str) -> None:
    assert logs.page_of(path) == page


def test_a_setting_moves_the_folder(tmp_path: Path) -> None:
    config = replace(Config(data=str(tmp_path / "d")), logs_folder=str(tmp_path / "elsewhere"))
    handler = logs.start(config, "serve-1")
    logging.getLogger().removeHandler(handler)
    handler.close()
    assert (tmp_path / "elsewhere/serve-1.jsonl").exists()
