"""What phones of a train kept without network is one state, in whatever order it is sent."""

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.errors import BadOperation
from railtrace.projections.all import VIEWS
from railtrace.projections.fold import fold, resolve, units_of
from railtrace.trace.leaf import Entry, microseconds
from railtrace.trace.operation import DefectFound, Operation, WaysideAlarmed
from railtrace.web.trains.chief import Sent, happened, operation_of
from tests.web.trains.yard import departure, send, written, yard

THEN = datetime(2026, 3, 18, 6, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
CATALOGUE = load()
CODES = sorted(CATALOGUE.fault_of)
KNOWN, ALARM = "d-known", "a-known"
OFF = (timedelta(seconds=20), timedelta(minutes=97))
"""How far the clocks of the two phones are behind ours."""


# --- the law ----------------------------------------------------------------------------------


def phones(seed: int) -> list[list[Sent]]:
    """Fifteen entries on each of two phones, of one train, that contradict each other.

    Both mend the same fault, both answer the same alarm, one so and one otherwise; each mends
    faults of its own, and both write down the same fault of one coach. No two at the same moment:
    of what happened at once, what was recorded first comes first.
    """
    draw = random.Random(seed)
    told = []
    for phone, off in enumerate(OFF):
        mine: list[Sent] = []
        for n in range(15):
            fields: dict[str, Any] = {"what": "fault", "code": draw.choice(CODES)}
            unit = f"v-{draw.randint(1, 4)}"
            if n == 4:
                fields, unit = {"what": "mended", "about": KNOWN, "note": f"phone {phone}"}, "v-2"
            elif n == 7:
                result = ("confirmed", "not_confirmed")[phone]
                fields = {"what": "alarm", "about": ALARM, "result": result, "note": "felt it"}
                unit = "v-3"
            elif n == 9:
                fields, unit = {"what": "fault", "code": CODES[0]}, "v-1"
            elif n > 10:
                before = draw.choice([one for one in mine if one.what == "fault"])
                fields = {"what": "mended", "about": f"phone:{before.id}", "note": "mended"}
                unit = before.unit
            done = THEN + draw.randint(0, 600) * MINUTE + n * SECOND - off
            mine.append(Sent(
                id=str(UUID(int=draw.getrandbits(128))), consist="C", unit=unit, done_at=done,
                sent_at=done, **fields,
            ))  # fmt: skip
        told.append(mine)
    return told


def arrived(order: Sequence[Sent], clocks: dict[str, timedelta]) -> list[Entry]:
    """Return the entries as the trace takes them in an order, an hour after the last one."""
    base = [
        WaysideAlarmed(id=ALARM, happened_at=THEN - MINUTE, units=("v-3",), alarm="hot_box"),
        DefectFound(id=KNOWN, happened_at=THEN - MINUTE, units=("v-2",), code="power.belt"),
    ]  # fmt: skip
    operations: list[Operation] = list(base)
    for n, sent in enumerate(order):
        now = THEN + 700 * MINUTE + n * MINUTE
        # The phone says what its own clock shows at sending, and is off by as much as before.
        told = msgspec.structs.replace(sent, sent_at=now - clocks[sent.id])
        operations.append(operation_of(told, now, "p-chief", "depot", CATALOGUE))
    return [
        Entry("log", position, microseconds(one.happened_at), microseconds(THEN) + position,
              "p-chief", "phone", one)
        for position, one in enumerate(operations)
    ]  # fmt: skip


def state_of(entries: Sequence[Entry]) -> dict[tuple[str, str], Any]:
    """Return what every view shows of every unit, without the places in the log."""
    shown: dict[tuple[str, str], Any] = {}
    for unit in {unit for one in entries for unit in units_of(one.operation)}:
        mine = [one for one in entries if unit in units_of(one.operation)]
        for view in VIEWS:
            if handled := [one for one in mine if view.handles(one.kind)]:
                state, _ = fold(view, unit, resolve(handled, unit))
                names = sorted((c.name, c.key) for c in state.contradictions.values())
                shown[unit, view.name] = (view.rows(state, CATALOGUE), names)
    return shown


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), order=st.permutations(range(30)))
def test_thirty_entries_of_two_phones_are_one_state_in_every_order(
    seed: int, order: list[int]
) -> None:
    first, second = phones(seed)
    everything = [*first, *second]
    clocks = {s.id: off for mine, off in zip((first, second), OFF, strict=True) for s in mine}
    one = state_of(arrived(everything, clocks))
    other = state_of(arrived([everything[n] for n in order], clocks))
    assert one == other


def test_two_answers_to_one_alarm_and_one_fault_stand_as_pairs() -> None:
    first, second = phones(7)
    clocks = {s.id: off for mine, off in zip((first, second), OFF, strict=True) for s in mine}
    shown = state_of(arrived([*second, *first], clocks))
    assert [name for name, _ in shown["v-3", "wayside"][1]] == ["alarm_checked_otherwise"]
    assert "defect_not_open" in [name for name, _ in shown["v-2", "condition"][1]]


def test_a_clock_that_is_hours_off_is_put_right_and_a_right_one_is_believed() -> None:
    now = THEN + 100 * MINUTE
    base = Sent(id="x", what="fault", consist="C", unit="v-1", done_at=THEN, sent_at=now)
    assert happened(base, now)[0] == THEN
    late = msgspec.structs.replace(base, sent_at=now - timedelta(seconds=40))
    assert happened(late, now)[0] == THEN
    off = msgspec.structs.replace(base, sent_at=now - timedelta(hours=1))
    at, said = happened(off, now)
    assert at == THEN + timedelta(hours=1)
    assert "+3600 s to ours" in said
    ahead = msgspec.structs.replace(base, done_at=now + timedelta(seconds=30), sent_at=now)
    assert happened(ahead, now)[0] == now


def test_what_is_too_old_or_says_nothing_is_refused_by_name() -> None:
    base = Sent(id="x", what="fault", consist="C", unit="v-1", done_at=THEN, sent_at=THEN)
    for change, said in (
        ({"code": "wings"}, "no fault wings"),
        ({"what": "mended"}, "what it answers"),
        ({"what": "alarm", "about": ALARM}, "confirmed"),
        ({"done_at": THEN - timedelta(days=90)}, "enter it from paper"),
        ({"done_at": THEN.replace(tzinfo=None)}, "no zone"),
    ):
        with pytest.raises(BadOperation, match=said):
            operation_of(msgspec.structs.replace(base, **change), THEN, "p", "s", CATALOGUE)


# --- the page ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("chief")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        send(app, written(departure(1, 4, minutes=60), "C-329", 1))
        yield app


@pytest.fixture
def phone(reader_as: Callable[..., Client]) -> Client:
    return reader_as("train_chief")


def entry(app: App, **fields: Any) -> dict[str, Any]:
    now = app.clock()
    said = {"id": str(uuid4()), "what": "fault", "consist": "C-329", "unit": "C-329-v-2",
            "code": "water.leak", "done_at": (now - MINUTE).isoformat(),
            "sent_at": now.isoformat()}  # fmt: skip
    return said | fields


def post(phone: Client, body: dict[str, Any]) -> Any:
    return phone.post("/trains/chief/send", body, content_type="application/json")


def test_a_fault_is_recorded_once_with_its_photo_and_shown_to_the_next_who_opens_the_page(
    railway: App, phone: Client
) -> None:
    picture = "data:image/jpeg;base64," + base64.b64encode(b"picture").decode()
    body = entry(railway, photo=picture, note="under the basin")
    first, again = post(phone, body), post(phone, body)
    assert (first.status_code, first.json()["id"]) == (200, again.json()["id"])
    found = railway.knowledge().condition("C-329-v-2").defects
    assert [d.code for d in found] == ["water.leak"]
    operation = railway.entry(f"phone:{body['id']}").operation
    assert operation.evidence[0].evidence_class == "photo"
    page = unescape(phone.get("/trains/chief/C-329").content.decode())
    assert f"phone:{body['id']}" in page
    mended = entry(railway, what="mended", about=f"phone:{body['id']}", note="tightened", code="")
    assert post(phone, mended).status_code == 200
    assert railway.knowledge().condition("C-329-v-2").defects == []


def test_bad_entries_are_refused_by_name_and_nothing_is_recorded(
    railway: App, phone: Client, reader_as: Callable[..., Client]
) -> None:
    before = len(railway.knowledge().condition("C-329-v-3").defects)
    strange = post(phone, entry(railway, unit="v-of-nobody"))
    assert (strange.status_code, "never stood in train" in strange.json()["said"]) == (422, True)
    assert post(phone, entry(railway, unit="C-329-v-3", code="wings")).status_code == 422
    assert post(phone, entry(railway, unit="C-329-v-3", photo="data:,§")).status_code == 422
    assert post(phone, {"id": "x"}).status_code == 422
    assert post(reader_as("viewer"), entry(railway)).status_code == 403
    assert len(railway.knowledge().condition("C-329-v-3").defects) == before


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_the_train_is_offered_to_its_chief_in_every_language(
    railway: App, reader_as: Callable[..., Client], language: str
) -> None:
    phone = reader_as("train_chief", language)
    assert "/trains/chief/C-329" in phone.get("/trains/chief/").content.decode()
    assert phone.get("/trains/chief/C-329").status_code == 200
    worker = phone.get("/trains/chief/worker.js").content.decode()
    assert "railtrace-train-1" in worker
    assert "web/chief" in worker
