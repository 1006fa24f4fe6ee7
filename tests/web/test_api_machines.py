"""The doors of gateways: files in pieces, live states of machines."""

from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from tests.web.test_api import _token, ask, depot  # noqa: F401 - fixtures

CONTENT = b"force over way" * 100
NAME = sha256(CONTENT).hexdigest()


def piece(client: Client, start: int, content: bytes, size: int = len(CONTENT)) -> Any:
    return client.post(
        f"/api/evidence/{NAME}/pieces?start={start}&size={size}", content,
        content_type="application/octet-stream",
    )  # fmt: skip


def test_a_file_goes_on_from_where_it_was_cut(ask: Client, depot: App) -> None:  # noqa: F811
    assert ask.get(f"/api/evidence/{NAME}/pieces").json() == {"received": 0, "whole": False}
    assert piece(ask, 0, CONTENT[:500]).json() == {"received": 500, "whole": False}
    assert piece(ask, 0, CONTENT[:500]).json() == {"received": 500, "whole": False}
    assert ask.get(f"/api/evidence/{NAME}/pieces").json()["received"] == 500
    assert piece(ask, 500, CONTENT[500:]).json() == {"received": len(CONTENT), "whole": True}
    assert depot.evidence.read(NAME) == CONTENT
    assert piece(ask, 500, CONTENT[500:]).json()["whole"]


def test_a_file_with_other_bytes_begins_anew(ask: Client) -> None:  # noqa: F811
    answer = piece(ask, 0, CONTENT[:-1] + b"?")
    assert answer.status_code == 400
    assert NAME in answer.json()["detail"]
    assert ask.get(f"/api/evidence/{NAME}/pieces").json()["received"] == 0


@pytest.mark.parametrize(("start", "size"), [(10, 5), (0, len(CONTENT) - 1)])
def test_a_piece_beyond_the_end_is_refused(ask: Client, start: int, size: int) -> None:  # noqa: F811
    assert piece(ask, start, CONTENT, size).status_code == 400


def test_the_live_state_of_a_machine_is_the_last_one_told(ask: Client) -> None:  # noqa: F811
    from railtrace.web.api.machines import live_machines

    for phase in ("wash", "rinse"):
        told = ask.post(
            "/api/machines/live",
            [{"device": "d-washer", "phase": phase, "gateway": "g-1",
              "tags": {"bath_temperature": {"value": "68.5", "unit": "°C"}}}],
            content_type="application/json",
        )  # fmt: skip
        assert told.status_code == 200
    state = live_machines.of("d-washer")
    assert state is not None
    assert (state.phase, state.tags["bath_temperature"].value) == ("rinse", "68.5")


def test_what_is_no_state_is_refused_in_words(ask: Client) -> None:  # noqa: F811
    answer = ask.post("/api/machines/live", [{"phase": "wash"}], content_type="application/json")
    assert answer.status_code == 400
    assert "device" in answer.json()["detail"]


def test_a_token_that_only_reads_tells_no_states(depot: App, db: None) -> None:  # noqa: F811
    reader = Client(headers={"Authorization": f"Bearer {_token('read')}"})
    answer = reader.post("/api/machines/live", [], content_type="application/json")
    assert answer.status_code == 403
    assert reader.get("/api/machines/live").status_code == 200


def test_a_cycle_under_way_is_told_phase_by_phase() -> None:
    from railtrace.web.api.answers import LiveMachine
    from railtrace.web.api.machines import LiveMachines

    now = [0.0]
    machines = LiveMachines(lambda: now[0])
    for at, phase in ((0, "wash"), (10, "wash"), (40, "rinse"), (55, "rinse")):
        now[0] = float(at)
        machines.tell([LiveMachine(device="d-1", phase=phase)])
    assert machines.cycle_of("d-1") == {"wash": 40.0, "rinse": 15.0}
    machines.tell([LiveMachine(device="d-1", phase="wash")])
    assert machines.cycle_of("d-1") == {"wash": 0.0}, "a repeated phase begins another cycle"
    machines.tell([LiveMachine(device="d-1", phase="idle")])
    assert machines.cycle_of("d-1") == {}
