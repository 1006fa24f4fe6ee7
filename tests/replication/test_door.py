"""The door of a served installation: tokens, damaged messages, other databases."""

import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from django.test import Client

from railtrace.app import App
from railtrace.errors import ConfigError, NotFound, ProofFailed
from railtrace.operating.backup import back_up
from railtrace.operating.line import Http
from railtrace.operating.replicate import replicate
from railtrace.operating.restore import restore
from railtrace.operating.side import Side, answer
from railtrace.operating.verify import verify_installation
from railtrace.trace.replicate import MOST_UNPACKED, Greeting, Wanted, pack, unpack
from tests.operating.conftest import postgres_schema
from tests.operating.depot import NOW, Clock
from tests.replication.railway import (
    HQ,
    NORTH,
    config_of,
    content,
    fill,
    introduce,
    line_to,
    railway,
)

__all__ = ["postgres_schema"]


@pytest.fixture
def hq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    from railtrace.web import running

    with railway(tmp_path, HQ) as [app]:
        monkeypatch.setattr(running, "_running", [app])
        yield app


def knock(scope: str, door: str, body: bytes) -> tuple[int, bytes]:
    from railtrace.web.tokens import make_token

    now = datetime.now(UTC)
    token = make_token("north", [scope], now, now + timedelta(days=1))[1]
    client = Client(headers={"authorization": f"Bearer {token}", "accept-language": "en"})
    told = client.post(f"/api/replicate/{door}", body, content_type="application/octet-stream")
    return told.status_code, told.content


@pytest.mark.django_db
def test_only_a_token_to_replicate_opens_the_door(hq: App) -> None:
    status, content_ = knock("replicate", "greeting", pack(None))
    assert (status, unpack(content_, Greeting).installation) == (200, HQ)
    assert knock("record", "greeting", pack(None))[0] == 403
    assert Client().post("/api/replicate/greeting").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("door", "body", "status"),
    [
        ("take", b"", 400),
        ("take", pack(None)[:-3], 400),
        ("take", zlib.compress(bytes(MOST_UNPACKED + 1)), 400),
        ("take", pack({"start": 0}), 400),
        ("parcel", pack(Wanted("nobody/nothing", 0)), 404),
        ("window", pack(None), 404),
        ("piece", pack({"sha256": "../../etc/passwd"}), 404),
    ],
)
def test_what_is_damaged_or_not_there_is_told(hq: App, door: str, body: bytes, status: int) -> None:
    code, told = knock("replicate", door, body)
    assert (code, msgspec.json.decode(told)["status"]) == (status, status)


def test_a_message_cut_anywhere_is_not_taken_for_a_whole_one() -> None:
    packed = pack(Greeting(HQ, ()))
    for length in range(len(packed)):
        with pytest.raises(ProofFailed):
            unpack(packed[:length], Greeting)


def test_an_address_that_is_none_is_refused() -> None:
    for url in ("headquarters", "ftp://hq", "https://"):
        with pytest.raises(ConfigError, match="is no address"):
            Http(url, "token")


def test_an_unknown_door_names_the_releases(tmp_path: Path) -> None:
    with railway(tmp_path, HQ) as [app], pytest.raises(NotFound, match="different releases"):
        answer(Side(app), "window", pack(None), "north")


@pytest.mark.postgres
def test_postgresql_and_sqlite_hold_the_same_replicas(
    tmp_path: Path, postgres_schema: Callable[[], str]
) -> None:
    configs = [config_of(tmp_path, name) for name in (HQ, NORTH)]
    configs[0] = msgspec.structs.replace(configs[0], database=postgres_schema())
    hq, north = [App(config, Clock()) for config in configs]
    for app in (hq, north):
        app.prepare()
    introduce(hq, north)
    fill(north, 700)
    fill(hq, 300)
    faults = ["", "lost", "twice", "no answer", "half", "half answer", "twice"]
    assert replicate(north, line_to(hq, faults)).is_good
    assert content(hq) == content(north)
    hq.catch_up()
    assert verify_installation(hq, jobs=1).is_whole
    backup = back_up(hq, tmp_path / "backups")
    config = msgspec.structs.replace(
        configs[0], data=str(tmp_path / "restored"), database=postgres_schema()
    )
    restore(config, backup, clock=Clock(NOW + timedelta(hours=1)))
    again = App(config, Clock(NOW + timedelta(hours=2)))
    assert content(again)["north/north"] == content(north)["north/north"]
    for app in (hq, north, again):
        app.stop()
