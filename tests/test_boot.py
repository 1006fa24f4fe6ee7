"""boot.py starts on a bare Python, and the locks are what they promise."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import boot

ROOT = Path(boot.__file__).parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def boot_tree() -> ast.Module:
    # 3.7 is the oldest Python that can still show the message about itself.
    return ast.parse((ROOT / "boot.py").read_text(), feature_version=(3, 7))


def imported_modules() -> set[str]:
    names = set()
    for node in ast.walk(boot_tree()):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^\S+==\S+(?: ; [^\\\n]+)?", lock.read_text(), re.MULTILINE))


def test_boot_imports_only_the_standard_library() -> None:
    assert imported_modules() <= sys.stdlib_module_names


def test_boot_imports_nothing_younger_than_python_3_7() -> None:
    assert not imported_modules() & {"tomllib", "zoneinfo", "graphlib"}


def test_an_old_python_is_told_what_to_install() -> None:
    with pytest.raises(boot.Stop, match=r"needs Python 3\.11 or newer, and this is 3\.9.*apt-get"):
        boot.refuse_old_python((3, 9))


def test_this_python_is_new_enough() -> None:
    boot.refuse_old_python(sys.version_info[:2])


def test_every_make_target_is_a_command_of_boot() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets is not None
    assert set(targets[1].split()) == set(boot.COMMANDS)


def test_every_command_is_explained() -> None:
    for command in boot.COMMANDS:
        assert f"boot.py {command} " in str(boot.__doc__)


def test_an_unknown_command_shows_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "boot.py", "dmeo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "boot.py demo" in done.stdout


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|file:|--(extra-)?index-url|--find-links|(?m:^-)|(?m:^[./])", text)
    entries = re.split(r"\n(?=\S+==)", text)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_development_lock_contains_the_base_lock() -> None:
    assert pins(boot.BASE_LOCK) < pins(boot.DEV_LOCK)


def test_the_front_end_lock_has_hashes_and_no_address() -> None:
    packages = json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert installed
    assert not [name for name, entry in installed.items() if "resolved" in entry]
    assert not [name for name, entry in installed.items() if "integrity" not in entry]


def test_every_front_end_package_is_in_the_notice() -> None:
    packages = json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"]
    notice = (ROOT / "NOTICE").read_text()
    shipped = [name for name, entry in packages.items() if name and not entry.get("dev")]
    assert not [name for name in shipped if name.removeprefix("node_modules/") not in notice]


def test_a_finished_step_is_not_repeated_until_its_inputs_or_outputs_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "STAMPS", tmp_path / "boot.json")
    output, done = tmp_path / "output", []

    def work() -> None:
        output.touch()
        done.append(1)

    boot.step_if_changed("step", "a", work, [output])
    boot.step_if_changed("step", "a", work, [output])
    assert len(done) == 1
    boot.step_if_changed("step", "b", work, [output])
    assert len(done) == 2
    output.unlink()
    boot.step_if_changed("step", "b", work, [output])
    assert len(done) == 3


def test_a_failed_step_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "STAMPS", tmp_path / "boot.json")

    def fail() -> None:
        raise boot.Stop("no network")

    with pytest.raises(boot.Stop):
        boot.step_if_changed("step", "a", fail)
    assert boot.stamps() == {}


def test_a_failed_program_is_named_with_what_it_said() -> None:
    with pytest.raises(boot.Stop, match=r"failed \(3\):\nno such wheel"):
        boot.quietly([sys.executable, "-c", "print('no such wheel'); raise SystemExit(3)"])


def test_a_missing_service_stops_with_the_command_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "find_postgres", lambda: None)
    monkeypatch.setattr(boot, "find_chromium", lambda: None)
    monkeypatch.setattr(boot, "find_mosquitto", lambda: None)
    monkeypatch.setattr(boot, "may_apt", lambda: False)
    with pytest.raises(boot.Stop, match=r"sudo apt-get install postgresql chromium mosquitto"):
        boot.services()


def test_a_python_without_venv_stops_with_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boot, "venv_works", lambda: False)
    monkeypatch.setattr(boot, "may_apt", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(boot.Stop, match=r"sudo apt-get install python3\.\d+-venv"):
        boot.virtual_environment()


def test_root_on_debian_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(boot, "find_postgres", lambda: Path("/somewhere"))
    monkeypatch.setattr(boot, "find_chromium", lambda: None)
    monkeypatch.setattr(boot, "find_mosquitto", lambda: Path("/somewhere"))
    monkeypatch.setattr(boot, "may_apt", lambda: True)
    monkeypatch.setattr(boot, "apt_install", installed.extend)
    boot.services()
    assert installed == ["chromium"]


def test_ci_runs_both_commands() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    commands = re.findall(r"boot\.py (.+)", script.read_text())
    assert commands == ["test", "demo --check"]


def test_every_language_is_compiled_on_a_fresh_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = boot.translation_sources()
    for source in sources:
        copy = tmp_path / source.relative_to(boot.LOCALE)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(source.read_bytes())
    monkeypatch.setattr(boot, "LOCALE", tmp_path)
    boot.compile_translations()
    assert len(list(tmp_path.glob("*/LC_MESSAGES/django.mo"))) == len(sources) == 3


def test_texts_that_are_left_out_stop_the_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "ru/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    source.write_text('#, fuzzy\nmsgid ""\nmsgstr "Language: ru\\n"\n')
    monkeypatch.setattr(boot, "LOCALE", tmp_path)
    with pytest.raises(boot.Stop, match="compiled nothing of ru"):
        boot.compile_translations()
