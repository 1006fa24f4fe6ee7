"""docs/how-to/connect-a-device.md works as it is written."""

import re
import struct
from pathlib import Path

from typer.testing import CliRunner

from railtrace.cli import cli
from railtrace.devices.gateway.config import load, mistakes

PAGE = (Path(__file__).parents[2] / "docs/how-to/connect-a-device.md").read_text("utf-8")
FILES = re.compile(r"^ *`(my_tester/\S+)`\n\n *```\w+\n(.*?)^ *```", re.M | re.S)


def write_files(folder: Path) -> None:
    found = dict(FILES.findall(PAGE))
    assert len(found) == 3
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"^   ", "", text, flags=re.M), "utf-8")


def test_the_new_machine_of_the_page_conforms(tmp_path: Path) -> None:
    write_files(tmp_path)
    run = CliRunner()
    done = run.invoke(cli, ["device", "expect", str(tmp_path / "my_tester")])
    assert done.exit_code == 0, done.output
    done = run.invoke(cli, ["device", "check", str(tmp_path / "my_tester")])
    assert done.exit_code == 0, done.output
    assert "the emulated machine on its line" in done.output
    assert "CONFORMS" in done.output


def test_the_block_of_the_page_conforms_too(tmp_path: Path) -> None:
    """The head of the first manifest with the block of the page in place of its JSON."""
    write_files(tmp_path)
    folder = tmp_path / "my_tester"
    head = (folder / "device.toml").read_text("utf-8").split("protocols")[0]
    [block] = re.findall(r'^ +(protocols = \["modbus"\].*?)^ +```', PAGE, re.S | re.M)
    source = 'source = "Maker\'s manual, page 12"\n'
    text = head + source + re.sub(r"^   ", "", block, flags=re.M)
    (folder / "device.toml").write_text(text, "utf-8")
    for path in (folder / "samples").iterdir():
        path.unlink()
    for name, number, ok in (("good", 118, 1), ("bad", 119, 0)):
        words = [0, number, *struct.unpack(">8H", b"30517".ljust(16, b"\0")), 125 * ok, 0, ok]
        content = struct.pack(">16H", *words, *[0] * (16 - len(words)))
        (folder / "samples" / f"{name}.bin").write_bytes(content)
    run = CliRunner()
    done = run.invoke(cli, ["device", "expect", str(folder)])
    assert done.exit_code == 0, done.output
    done = run.invoke(cli, ["device", "check", str(folder)])
    assert done.output.endswith("CONFORMS\n"), done.output


def test_the_settings_of_the_page_have_no_mistakes(tmp_path: Path) -> None:
    write_files(tmp_path)
    (settings,) = re.findall(r'```toml\n(name = "g-depot-1".*?)```', PAGE, re.S)
    path = tmp_path / "gateway.toml"
    path.write_text(settings, "utf-8")
    assert mistakes(load(path)) == []


def test_every_command_and_kind_is_there() -> None:
    listed = CliRunner().invoke(cli, ["device", "list"]).output
    assert "wheel_gauge" in listed
    for command in re.findall(r"`railtrace (gateway|device) (\w+)", PAGE):
        done = CliRunner().invoke(cli, [*command, "--help"])
        assert done.exit_code == 0, command
