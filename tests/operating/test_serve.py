"""Serving: a clean end, a hard end, and a port that is taken."""

import json
import os
import signal
import socket
import time
import urllib.error
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import ConfigError
from railtrace.operating import serve as serving_module
from railtrace.operating.only_one import alone, sharing
from railtrace.operating.serve import Keeper, require_free
from tests.operating.depot import config_in, opened, record, sent
from tests.operating.served import Server, free_port, railtrace, serving, started, token_for


def inspection(number: int) -> dict[str, Any]:
    return {
        "kind": "Inspected", "id": f"op-{number}", "happened_at": "2026-01-02T03:04:05+05:00",
        "units": ["u-1"], "scope": "ТО-1",
    }  # fmt: skip


def sizes(folder: Path) -> dict[str, int]:
    told = railtrace(folder, "verify", "--json")
    assert told.returncode == 0, told.stdout + told.stderr
    entries: dict[str, int] = json.loads(told.stdout)["entries"]
    return entries


def lines_of(folder: Path) -> list[dict[str, Any]]:
    [path] = (folder / "data/logs").glob("serve-*.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_server_ends_cleanly_on_sigterm_with_everything_written_and_signed(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as server:
        token = token_for(tmp_path)
        server.send([inspection(n) for n in range(50)], token)
        code, said = server.end()
        assert (code, said) == (0, "")
    assert lines_of(tmp_path)[-1]["event"] == "stopped"
    app = opened(Config(name="tests", data=str(tmp_path / "data"), keys=str(tmp_path / "keys")))
    head = app.trace.head("main")
    kept = app.trace.last_checkpoint("main")
    app.stop()
    assert kept is not None
    assert kept[0] == head.size >= 51


def test_what_a_killed_server_acknowledged_is_there_and_it_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        token = token_for(tmp_path)
        acknowledged = 0
        for first in range(0, 400, 20):
            server.send([inspection(n) for n in range(first, first + 20)], token)
            acknowledged = first + 20
        server.kill()
    before = sizes(tmp_path)
    with serving(tmp_path) as server:
        again = server.send([inspection(n) for n in range(acknowledged)], token)
        assert {r["status"] for r in again["results"]} == {"duplicate"}
        more = server.send([inspection(n) for n in range(1000, 1010)], token)
        assert {r["status"] for r in more["results"]} == {"accepted"}
        assert json.loads(server.get("/health")[1])["status"] == "ok"
        server.end()
    assert sizes(tmp_path)["main"] == before["main"] + 10


def test_a_worker_whose_parent_was_killed_ends_and_frees_the_port(tmp_path: Path) -> None:
    server = started(tmp_path)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.communicate(timeout=30)
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        with suppress(ConfigError):
            require_free("127.0.0.1", server.port)
            break
        time.sleep(0.2)
    require_free("127.0.0.1", server.port)
    with serving(tmp_path) as again:
        assert again.get("/health")[0] == 200


def test_two_servers_on_one_port_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as server:
        (tmp_path / "two").mkdir()
        second = railtrace(tmp_path / "two", "serve", PORT=str(server.port))
        assert second.returncode == 1
        assert second.stderr == (
            f"railtrace: port {server.port} of 127.0.0.1 is taken by another program: stop that "
            f"one, or choose another port, like PORT={server.port + 1}\n"
        )
        assert server.get("/health")[0] == 200


def test_a_port_that_needs_more_rights_or_a_foreign_host_is_told_plainly() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen at 203\.0\.113\.1 port 8000"):
        require_free("203.0.113.1", 8000)


def test_a_port_just_left_is_free_again() -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as listening,
        socket.create_connection(("127.0.0.1", port)),
    ):
        listening.accept()[0].close()
    require_free("127.0.0.1", port)


def test_a_start_that_fails_says_why_once_and_ends(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/format").write_text("99\n")
    done = railtrace(tmp_path, "serve", PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.count("format 99, this program knows 1") == 1
    assert "Traceback" not in done.stderr


def test_a_changed_key_while_it_serves_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        done = railtrace(tmp_path, "key", "replace", "--by", "p-1")
        assert (done.returncode, "is in use by a running" in done.stderr) == (1, True)
        server.end()
    assert railtrace(tmp_path, "key", "replace", "--by", "p-1").returncode == 0


def test_two_servers_may_share_a_folder_and_a_change_of_it_may_not(tmp_path: Path) -> None:
    with (
        sharing(tmp_path),
        sharing(tmp_path),
        pytest.raises(ConfigError, match="stop it first"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path), pytest.raises(ConfigError, match="in use"), sharing(tmp_path):
        pass


def test_every_answer_carries_the_id_of_its_request(tmp_path: Path) -> None:
    import urllib.request

    with serving(tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}/health"
        with urllib.request.urlopen(address) as answer:
            made = answer.headers["X-Request-ID"]
        given = urllib.request.Request(address, headers={"X-Request-ID": "from-the-proxy-7"})
        with urllib.request.urlopen(given) as answer:
            assert answer.headers["X-Request-ID"] == "from-the-proxy-7"
        server.end()
    ids = [line.get("request_id") for line in lines_of(tmp_path)]
    assert made in ids
    assert "from-the-proxy-7" in ids


def test_the_health_page_needs_no_log_in_and_warns_with_503_when_nothing_is_recorded(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as server:
        status, body = server.get("/health")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.get("/api/logs")
        assert refused.value.code == 401


def test_heads_that_moved_are_signed_while_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_module, "SIGN_EVERY_S", 1)
    app = opened(config_in(tmp_path))
    record(app, sent(0, 4))
    keeper = Keeper(app, os.getppid())
    give_up_at = time.monotonic() + 20
    while not _signed(app) and time.monotonic() < give_up_at:
        time.sleep(0.1)
    assert _signed(app)
    keeper.stop()
    app.stop()


def test_the_last_entries_are_signed_at_the_end(tmp_path: Path) -> None:
    app = opened(config_in(tmp_path))
    keeper = Keeper(app, os.getppid())
    record(app, sent(0, 4))
    assert not _signed(app)
    keeper.stop()
    assert _signed(app)
    app.stop()


def _signed(app: App) -> bool:
    return all(
        (app.trace.last_checkpoint(head.log) or (0, ""))[0] == head.size
        for head in app.trace.heads()
    )


def test_https_is_served_with_the_installations_own_authority(tmp_path: Path) -> None:
    import ssl
    import urllib.request

    done = railtrace(tmp_path, "tls", "localhost", "127.0.0.1")
    assert done.returncode == 0, done.stderr
    server = Server(*_https(tmp_path))
    context = ssl.create_default_context(cafile=str(tmp_path / "keys/tls/authority.crt"))
    try:
        with urllib.request.urlopen(
            f"https://127.0.0.1:{server.port}/account/login", context=context, timeout=30
        ) as answer:
            assert answer.status == 200
            assert "Secure" in answer.headers["Set-Cookie"]
    finally:
        server.end()


def _https(folder: Path) -> tuple[Any, int, Path]:
    import subprocess
    import sys

    from tests.operating.served import environment

    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "serve", "--tls"],
        env=environment(folder, PORT=str(port)), cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert f"https://127.0.0.1:{port}" in process.stdout.readline()
    time.sleep(0.5)
    return process, port, folder
