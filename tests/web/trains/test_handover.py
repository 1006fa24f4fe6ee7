"""A consist is handed over, worked on abroad, and what was done there is in the trace."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from railtrace.app import App
from railtrace.interchange.handover import File, made_return, read_packet, read_return
from railtrace.trace.operation import KINDS, Evidence, Operation, Reading
from tests.web.trains.yard import departure, send, written, yard

CONSIST, COACH, SET = "C-810", "C-810-v-2", "C-810-w-v-2-1"
PHOTO = b"the mended box"
SEED = bytes(range(1, 33))


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("handover")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        send(app, written(departure(7, 3, minutes=60), CONSIST, 7))
        send(app, [KINDS["DefectFound"](id="h-open", happened_at=app.clock(), units=(COACH,),
                                        code="water.leak")])  # fmt: skip
        yield app


@pytest.fixture
def chief(reader_as: Callable[..., Client]) -> Client:
    return reader_as("release_officer", "en")


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def done_abroad(app: App) -> list[Operation]:
    """The open leak is mended, the wheelset measured, a new fault found and photographed."""
    now = app.clock()
    photo = Evidence(sha256=hashlib.sha256(PHOTO).hexdigest(), name="box.jpg",
                     media_type="image/jpeg", size=len(PHOTO), evidence_class="photo")  # fmt: skip

    def op(kind: str, id_: str, unit: str, **fields: Any) -> Operation:
        return KINDS[kind](id=id_, happened_at=now, units=(unit,), site="", **fields)

    return [
        op("DefectClosed", "kz-1", COACH, defect="h-open", work="замена крана"),
        op("Measured", "kz-2", SET, readings=(
            Reading(quantity="rim_thickness", value="33.7", unit="mm", place="left"),)),
        op("DefectFound", "kz-3", COACH, code="doors.entrance", safety=True, evidence=(photo,)),
    ]  # fmt: skip


def upload(chief: Client, content: bytes, fingerprint: str) -> Any:
    file = SimpleUploadedFile("return.json", content, "application/json")
    return chief.post(f"/trains/{CONSIST}/handover/take",
                      {"file": file, "fingerprint": fingerprint}, follow=True)  # fmt: skip


def test_a_round_trip_loses_nothing(railway: App, chief: Client) -> None:
    page = text_of(chief.get(f"/trains/{CONSIST}/handover"))
    for word in ("Leak", "Течь", "Чакидан"):
        assert word in page, "the open items stand in three languages"
    packet = chief.post(f"/trains/{CONSIST}/handover/make").content
    told = read_packet(packet)
    assert list(told.units) == railway.knowledge().states(  # type: ignore[attr-defined]
        f"consist:{CONSIST}")["consist"].units
    assert SET in told.parts[COACH]
    assert "h-open" in str(told.told["ru"])

    done = done_abroad(railway)
    sha = hashlib.sha256(PHOTO).hexdigest()
    files = {sha: File("box.jpg", "image/jpeg", "photo", b64encode(PHOTO).decode())}
    content = made_return(packet, "ПТО Кандыагаш", done, files, SEED)
    fingerprint = read_return(content).fingerprint

    wrong = text_of(upload(chief, content, "0000"))
    assert "have ПТО Кандыагаш read it out" in wrong
    assert railway.trace.find(["kz-1"]) == {}
    assert "3 operations of ПТО Кандыагаш are in the trace." in text_of(
        upload(chief, content, fingerprint))  # fmt: skip
    for operation in done:
        assert railway.entry(operation.id).operation == operation
    assert railway.evidence.read(sha) == PHOTO
    defects = railway.knowledge().condition(COACH).defects
    assert [d.code for d in defects] == ["doors.entrance"]

    # The same file again changes nothing and is said to be there.
    size = railway.trace.heads()[0].size
    upload(chief, content, fingerprint)
    assert railway.trace.heads()[0].size == size
    assert text_of(chief.get(f"/trains/{CONSIST}/handover")).count(fingerprint) == 1


def test_a_changed_file_and_one_of_another_packet_are_refused(
    railway: App, chief: Client
) -> None:
    packet = chief.post(f"/trains/{CONSIST}/handover/make").content
    content = made_return(packet, "ПТО", done_abroad(railway)[:1], {}, SEED)
    fingerprint = read_return(content).fingerprint
    changed = content.replace("замена".encode(), "Замена".encode())
    assert "signature of ПТО does not hold" in text_of(upload(chief, changed, fingerprint))
    other = packet.replace(b'"train":"329"', b'"train":"330"')
    assert other != packet
    strange = made_return(other, "ПТО", [], {}, SEED)
    assert "answers no packet" in text_of(upload(chief, strange, fingerprint))
    assert "choose the file" in text_of(
        chief.post(f"/trains/{CONSIST}/handover/take", {}, follow=True))  # fmt: skip
