"""The conformance kit: shipped drivers hold, and ten planted mistakes are each named.

The samples of a planted driver are recorded anew with it, as an author who does not see the
mistake would do: the kit must find it without them.
"""

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.devices import drivers, kit, manifest, samples
from railtrace.errors import ConfigError


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_shipped_driver_conforms(kind: str) -> None:
    certificate = kit.examine(manifest.FOLDER / kind)
    assert [str(fault) for fault in certificate.faults] == []


BY_MANIFEST = """
from msgspec.structs import replace
from railtrace.devices.decode import decode as by_manifest
from railtrace.devices.message import Limit, Result, Value

def decode(manifest, message):
    return tuple(mistake(result, message) for result in by_manifest(manifest, message))
"""
PLANTED = {
    "a scale ten times too large": ("wheel_gauge", """
def mistake(result, message):
    first, *rest = result.values
    from decimal import Decimal
    return replace(result, values=(replace(first, value=f"{Decimal(first.value) * 10:f}"), *rest))
""", "each value moves alone", "flange_thickness.left", "wrong scale: 10 times"),
    "left and right swapped": ("wheel_gauge", """
def mistake(result, message):
    other = {"left": "right", "right": "left"}
    return replace(result, values=tuple(
        replace(v, place=other[v.place]) if v.quantity == "flange_thickness" else v
        for v in result.values))
""", "each value moves alone", "flange_thickness.left", "left and right are swapped"),
    "one limit read twice": ("wheel_press", """
def mistake(result, message):
    return replace(result, limits=tuple(replace(one, high=one.low) for one in result.limits))
""", "each value moves alone", "press_force_solid_wheel.left.high",
     "the upper limit is never read"),
    "values over the range cut off": ("load_bank", """
def mistake(result, message):
    return replace(result, values=tuple(
        replace(v, value=str(min(6000, int(v.value)))) if v.quantity == "power" else v
        for v in result.values))
""", "values beyond the range", "power", "beyond the range, is told as 6000"),
    "a counter of its own in place of the machine's number": ("wheelset_washer", """
count = 0
def mistake(result, message):
    global count
    count += 1
    return replace(result, result_id=str(count))
""", "a repeat is the same result", "aborted.json", "gives another result"),
    "a rejected part told as good": ("brake_rack", """
def mistake(result, message):
    return replace(result, evaluation="ok")
""", "number, part, verdict and time", "evaluation", "code 2 is not_ok, told as ok"),
    "the moment of arrival in place of the machine's time": ("wheel_gauge", """
def mistake(result, message):
    return replace(result, ended_at=message.received_at)
""", "number, part, verdict and time", "ended_at", "the moment of arrival is told"),
    "the simulated mark dropped": ("wheel_gauge", """
def mistake(result, message):
    return replace(result, simulated=False)
""", "number, part, verdict and time", "simulated", "True is told as False"),
    "the number of the part kept from the result before": ("wheel_gauge", """
last = ""
def mistake(result, message):
    global last
    part, last = last, result.part
    return replace(result, part=part or result.part)
""", "the order of arrival does not matter", "", "depends on what came before"),
    "two quantities confused": ("load_bank", """
def mistake(result, message):
    names = {"water_temperature": "oil_temperature", "oil_temperature": "water_temperature"}
    return replace(result, values=tuple(
        replace(v, quantity=names.get(v.quantity, v.quantity)) for v in result.values))
""", "each value moves alone", "water_temperature", "changing it changes oil_temperature"),
}  # fmt: skip
WHOLE = {
    "a short block filled up with zeros": ("load_bank", """
from msgspec.structs import replace
from railtrace.devices.decode import decode as by_manifest

def decode(manifest, message):
    whole = message.content.ljust(2 * manifest.frame.length, b"\\0")
    return by_manifest(manifest, replace(message, content=whole))
""", "cut frames give nothing", "full_power.bin", "it gives a result"),
    "a reader that falls over": ("wheel_gauge", """
import json
from railtrace.devices.decode import decode as by_manifest

def decode(manifest, message):
    json.loads(message.content)["left"]["sd"]
    return by_manifest(manifest, message)
""", "cut frames give nothing", "new.json", "it fails with JSONDecodeError"),
}  # fmt: skip


def planted(folder: Path, kind: str, code: str) -> Path:
    """Write a driver with a mistake, its samples recorded anew as far as it can read them."""
    target = folder / kind
    shutil.copytree(manifest.FOLDER / kind, target)
    own = target / "decode.py"
    if own.exists() and "def mistake" in code:
        own.rename(target / "sound.py")
        code = code.replace("by_manifest", "sound")
        head = BY_MANIFEST.replace(
            "from railtrace.devices.decode import decode as by_manifest",
            f"import importlib.util as u\ns = u.spec_from_file_location('sound', {str(target / 'sound.py')!r})\n"  # noqa: E501
            "m = u.module_from_spec(s); s.loader.exec_module(m); by_manifest = m.decode",
        )
        own.write_text(head + code)
    else:
        own.write_text((BY_MANIFEST if "def mistake" in code else "") + code)
    driver = drivers.read(target)
    told = samples.expected(target)
    for name, message in samples.messages(driver, told):
        told.samples[name] = samples.given(driver, message)
    (target / "samples/expected.json").write_bytes(msgspec.json.encode(told))
    return target


@pytest.mark.parametrize("name", [*PLANTED, *WHOLE])
def test_a_planted_mistake_is_named(name: str, tmp_path: Path) -> None:
    kind, code, check, what, text = {**PLANTED, **WHOLE}[name]
    certificate = kit.examine(planted(tmp_path, kind, code))
    said = [str(fault) for fault in certificate.faults]
    assert any(check in one and what in one and text in one for one in said), said
    assert not certificate.holds


def test_a_mistake_that_samples_show_is_told_with_its_kind(tmp_path: Path) -> None:
    target = tmp_path / "wheel_gauge"
    shutil.copytree(manifest.FOLDER / "wheel_gauge", target)
    expected = target / "samples/expected.json"
    told = json.loads(expected.read_text())
    readings = told["samples"]["worn.json"][0]["readings"]
    readings[0]["value"], readings[1]["value"] = readings[1]["value"], readings[0]["value"]
    expected.write_text(json.dumps(told))
    (fault,) = kit.examine(target).faults
    assert fault.what == "worn.json"
    assert "flange_thickness: left and right are swapped" in fault.text


def test_the_command_prints_a_certificate_or_names_what_failed(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["device", "check", "wheel_gauge", "--no-line"])
    assert done.exit_code == 0, done.output
    assert "CONFORMS" in done.output
    kind, code, *_ = PLANTED["left and right swapped"]
    bad = planted(tmp_path, kind, code)
    done = CliRunner().invoke(cli, ["device", "check", str(bad), "--no-line"])
    assert done.exit_code == 1
    assert "DOES NOT CONFORM" in done.output
    assert "left and right are swapped" in done.output


def test_a_driver_without_samples_gets_no_certificate(tmp_path: Path) -> None:
    target = tmp_path / "wheel_gauge"
    shutil.copytree(manifest.FOLDER / "wheel_gauge", target)
    shutil.rmtree(target / "samples")
    assert "expected.json" in str(kit.examine(target).faults[0])


def copy_of(shipped: str, folder: Path, **lines: str) -> Path:
    """A maker's own kind that differs from another by name only, with samples of its own."""
    folder.mkdir()
    text = "".join(f'{key} = "{value}"\n' for key, value in lines.items())
    (folder / manifest.FILE).write_text(text, "utf-8")
    shutil.copytree(manifest.FOLDER / shipped / "samples", folder / "samples")
    (folder / "samples" / samples.EXPECTED).unlink()
    done = CliRunner().invoke(cli, ["device", "expect", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def test_a_makers_kind_like_another_beside_it_is_certified_with_its_code(tmp_path: Path) -> None:
    base = copy_of("wheel_press", tmp_path / "our_press", kind="our_press", like="wheel_press")
    newer = copy_of("wheel_press", tmp_path / "newer_press", kind="newer_press", like="our_press")
    found = drivers.read(newer)
    assert (found.manifest.kind, found.manifest.fact) == ("newer_press", "Measured")
    assert manifest.lineage(newer)[-1] == manifest.FOLDER / "wheel_press"
    certificate = kit.examine(newer)
    assert [str(fault) for fault in certificate.faults] == []

    # What it is like is a part of what was examined.
    (base / manifest.FILE).write_text(
        (base / manifest.FILE).read_text("utf-8") + 'firmware_note = "x"\n', "utf-8"
    )
    assert kit.mark_of(newer) != certificate.mark


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("length = 54", "", "frame.length: say how many registers"),
        ('at = 34, type = "i16"', "at = 34", "wash_temperature: a block holds no decimal"),
        ("part = { at = 6, length = 8 }", "part = { at = 6 }", "part: give the type of the number"),
        ("result_id = { at = 0", "result_id = { at = 60", "result_id: at 60 is outside the frame"),
        ("[poll]\nstart = 200\nack = 300\n", "", "poll: say where the block is polled"),
        ('unit = "g/l"', 'unit = "HB"', "units are mm µm m km"),
    ],
)  # fmt: skip
def test_what_no_block_can_be_read_by_is_named_with_its_key(
    wrong: str, right: str, said: str, tmp_path: Path
) -> None:
    text = (manifest.FOLDER / "body_washer" / manifest.FILE).read_text("utf-8")
    assert wrong in text
    (tmp_path / manifest.FILE).write_text(text.replace(wrong, right), "utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        manifest.read(tmp_path)


def test_a_quantity_no_catalogue_has_is_named_and_the_makers_own_row_is_heard(
    tmp_path: Path,
) -> None:
    kind = tmp_path / "odd"
    shutil.copytree(manifest.FOLDER / "insulation_tester", kind)
    text = (kind / manifest.FILE).read_text("utf-8")
    (kind / manifest.FILE).write_text(text.replace('"air_humidity"', '"air_humidty"'), "utf-8")
    (kind / "samples" / samples.EXPECTED).unlink()
    CliRunner().invoke(cli, ["device", "expect", str(kind)])
    said = [str(fault) for fault in kit.examine(kind).faults]
    assert said == ["quantities are those of the catalogue: air_humidty:"
                    " is no quantity of the catalogue: is it air_humidity?"]  # fmt: skip
    row = ('[[quantities]]\nkey = "air_humidty"\nru = "Влажность"\nen = "Humidity"\nunit = "%"\n'
           'source = "maker"\njurisdiction = "-"\nvalid_from = 2026-01-01\n')  # fmt: skip
    (kind / "catalogue").mkdir()
    (kind / "catalogue" / "quantities.toml").write_text(row, "utf-8")
    assert kit.examine(kind).holds


def test_a_draft_names_the_sample_that_cannot_be_read(tmp_path: Path) -> None:
    kind = tmp_path / "cut"
    shutil.copytree(manifest.FOLDER / "brake_rack", kind)
    (kind / "samples" / samples.EXPECTED).unlink()
    (kind / "samples" / "tight.bin").write_bytes(b"cut")
    done = CliRunner().invoke(cli, ["device", "expect", str(kind)])
    assert "tight.bin: the frame cannot be read" in str(done.exception or done.output)


def test_a_kind_like_itself_or_like_nothing_is_named(tmp_path: Path) -> None:
    for name, like in (("one", "two"), ("two", "one"), ("three", "no_such")):
        (tmp_path / name).mkdir()
        (tmp_path / name / manifest.FILE).write_text(f'kind = "{name}"\nlike = "{like}"\n')
    for name, said in (("one", "cannot be like itself"), ("three", "there is no such kind")):
        with pytest.raises(ConfigError, match=said):
            manifest.read(tmp_path / name)
