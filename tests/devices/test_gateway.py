"""Settings of a gateway, its sender against a trace that fails in every way, its page."""

import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.devices.gateway.config import load, mistakes
from railtrace.devices.gateway.door import Away, Door
from railtrace.devices.gateway.outbox import Outbox
from railtrace.devices.gateway.page import Page
from railtrace.devices.gateway.run import Running
from railtrace.devices.gateway.sender import Sender
from railtrace.devices.message import File, Value
from tests.devices.conftest import eventually
from tests.devices.test_outbox import NOW, draft
from tests.devices.trace_door import TraceDoor

GOOD = """
name = "g-1"
server = "http://127.0.0.1:1"
token = "t"
[devices.d-1]
kind = "wheel_gauge"
serial = "0417"
address = "mqtt://127.0.0.1:1"
topic = "a"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def test_good_settings_have_no_mistakes(tmp_path: Path) -> None:
    assert mistakes(load(written(tmp_path, GOOD))) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('"http://127.0.0.1:1"', '"depot"'), "server depot is no address"),
        (('token = "t"', ""), "no token"),
        (('token = "t"', 'token_file = "nowhere"'), "token_file nowhere cannot be read"),
        (('"wheel_gauge"', '"wheel_gouge"'), "d-1: there is no kind of machine wheel_gouge"),
        (('"mqtt://127', '"opc.tcp://127'), "the address opc.tcp://127.0.0.1:1 is not one of mqtt"),
        (('topic = "a"', ""), "d-1: no topic"),
        (('topic = "a"', 'topic = "a"\nprotocol = "s7"'), "wheel_gauge does not speak s7"),
        (('topic = "a"', 'topic = "a"\ntime_zone = "Mars"'), "there is no time zone Mars"),
        (('topic = "a"', 'topic = "a"\nranges = { power = ["0", "1"] }'),
         "wheel_gauge does not measure power"),
        (('topic = "a"', 'topic = "a"\n[devices.d-2]\nkind="wheel_gauge"\nserial="0417"\n'
          'address="mqtt://h"\ntopic="b"'), "d-2 and d-1 have one serial number 0417"),
        (('topic = "a"', 'topic = "a"\n[devices.d-2]\nkind="wheel_gauge"\n'
          'address="mqtt://127.0.0.1:1"\ntopic="a"'), "d-2 and d-1 stand at one address"),
    ],
)  # fmt: skip
def test_every_mistake_is_named(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = written(tmp_path, GOOD.replace(*change))
    assert named in "\n".join(map(str, mistakes(load(path))))
    done = CliRunner().invoke(cli, ["gateway", "check", str(path)])
    assert done.exit_code == 1
    assert named in done.output


def test_a_key_that_is_none_is_named_with_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace('topic = "a"', 'tropic = "a"'))
    done = CliRunner().invoke(cli, ["gateway", "check", str(path)])
    assert done.exit_code == 1
    assert "tropic" in str(done.exception) or "tropic" in done.output


# --- the sender -------------------------------------------------------------------------------


def body(key: str) -> bytes:
    return b'[{"kind":"Washed","id":"%s"},{"kind":"MachineResult","id":"%s:r"}]' % (
        key.encode(), key.encode(),
    )  # fmt: skip


def sender_of(outbox: Outbox, trace: TraceDoor) -> Sender:
    return Sender(outbox, Door(trace.address, "t"), lambda row, receipt: None)


def test_a_curve_goes_in_pieces_and_on_from_where_it_was_cut(
    tmp_path: Path, trace: TraceDoor
) -> None:
    curve = bytes(range(256)) * 4096
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a", body=body("a"), files=(File("curve", curve),))])
        sender, trace.cut_pieces = sender_of(outbox, trace), 2
        for _ in range(2):
            with pytest.raises(Away):
                sender.turn()
        assert sender.turn() == 1
        assert trace.files.popitem()[1] == curve
        assert trace.pieces == 4
        assert list(trace.entries) == ["a", "a:r"]


def test_a_restored_trace_gets_again_what_it_lost(tmp_path: Path, trace: TraceDoor) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft(f"r-{n}", body=body(f"r-{n}")) for n in range(7)])
        assert sender_of(outbox, trace).turn() == 7
        for id_ in trace.order[6:]:
            del trace.entries[id_]
        trace.order = trace.order[:6]
        again = sender_of(outbox, trace)
        while again.turn():
            pass
        assert again.again == 7
        assert set(trace.entries) == {f"r-{n}{end}" for n in range(7) for end in ("", ":r")}


def test_one_refused_result_does_not_stop_the_others(tmp_path: Path, trace: TraceDoor) -> None:
    trace.unknown_parts = {"77"}
    wrong = body("w").replace(b'"kind":"Washed"', b'"kind":"Washed","marks":["77"]')
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a", body=body("a")), draft("w", body=wrong), draft("b", body=body("b"))])
        sender_of(outbox, trace).turn()
        (held,) = outbox.held()
        assert held.key == "w"
        assert outbox.depth() == 0


def test_results_are_kept_while_the_trace_is_away(tmp_path: Path, trace: TraceDoor) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.put([draft("a", body=body("a"))])
        trace.away = True
        with pytest.raises(Away, match="503"):
            sender_of(outbox, trace).turn()
        assert outbox.depth() == 1


# --- without anything present, and the page ---------------------------------------------------


@pytest.fixture
def alone(tmp_path: Path):  # type: ignore[no-untyped-def]
    config = load(written(tmp_path, GOOD.replace("name =", 'page = "127.0.0.1:0"\nname =')))
    gateway = Running(config, first_wait_s=0.05)
    gateway.start()
    page = Page(gateway)
    yield gateway, page
    page.stop()
    gateway.stop()


def read(address: str, form: dict[str, str] | None = None) -> str:
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(address, body, timeout=5) as answer:
        return answer.read().decode()


def test_a_gateway_starts_with_no_machine_and_no_trace_and_says_so(alone) -> None:  # type: ignore[no-untyped-def]
    gateway, page = alone
    eventually(lambda: gateway.sender.error and gateway.ports["d-1"].error)
    text = read(page.address)
    assert "Профилометр" in text
    assert "127.0.0.1:1" in text
    told = read(f"{page.address}/metrics")
    assert 'railtrace_gateway_connected{device="d-1"} 0' in told
    assert "railtrace_gateway_trace_error 1" in told


def test_a_person_decides_on_the_page_and_a_stranger_cannot(alone) -> None:  # type: ignore[no-untyped-def]
    from railtrace.errors import RailtraceError

    gateway, page = alone
    gateway.outbox.put([draft("a", problem=RailtraceError("a person is to look"))])
    text = read(page.address)
    (seq,) = set(re.findall(r'name="seq" value="(\d+)"', text))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(f"{page.address}/aside", {"seq": seq, "reason": "x", "mark": "guessed"})
    mark = re.findall(r'name="mark" value="([^"]+)"', text)[0]
    assert 'role="alert"' in read(f"{page.address}/aside", {"seq": seq, "mark": mark})
    read(f"{page.address}/aside", {"seq": seq, "mark": mark, "reason": "a trial run"})
    assert gateway.outbox.held() == []
    assert gateway.outbox.row(int(seq)).state == "aside"


def test_a_machine_that_falls_silent_is_noticed_by_the_age_of_its_data(alone) -> None:  # type: ignore[no-untyped-def]
    gateway, _ = alone
    port = gateway.ports["d-1"]
    port.alive()
    port._last_data -= 301
    gateway._look_at([port])
    assert "no data of d-1 for 301 s" in str(port.error)
    assert port.restarts == 1


def test_a_serial_number_of_another_form_does_not_hold_a_registration_up() -> None:
    from railtrace.devices.gateway.run import _serial_number

    assert [n.value for n in _serial_number("КЖ20-118")] == ["КЖ20-118"]
    assert _serial_number("ПГ-600 №12") == ()
    assert _serial_number("") == ()


def test_held_results_are_listed_and_decided_by_command(tmp_path: Path) -> None:
    from railtrace.errors import RailtraceError

    path = written(tmp_path, GOOD)
    with Outbox(load(path).path("outbox")) as outbox:
        outbox.put([draft("a", problem=RailtraceError("a person is to look"))])
    listed = CliRunner().invoke(cli, ["gateway", "held", str(path)])
    assert "1 2026-11-21T06:00:00+00:00 d-1 a: a person is to look" in listed.output
    CliRunner().invoke(cli, ["gateway", "held", str(path), "--send", "1", "--part", "77"])
    with Outbox(load(path).path("outbox")) as outbox:
        (row,) = outbox.waiting()
        outbox.receipt([(row, {"leaf_hash": ""})], NOW - timedelta(days=1))
    said = CliRunner().invoke(cli, ["gateway", "resend", str(path)])
    assert "1 results are sent once more" in said.output


def test_a_reading_the_instrument_cannot_show_is_told_in_the_gateway_s_language() -> None:
    from railtrace.devices.gateway.intake import in_words

    wrong = [(Value(quantity="flange_thickness", value="99.5", unit="mm", place="left"),
              Decimal(15), Decimal(45))]  # fmt: skip
    assert in_words(wrong, "ru") == "Толщина гребня (слева): 99,5 [15 … 45] мм"
    assert "99.5 [15 … 45] mm" in in_words(wrong, "en")
