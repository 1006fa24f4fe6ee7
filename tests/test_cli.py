"""The command line: every command does what its page says, and every error is one plain line."""

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from railtrace.cli import cli
from tests.operating.served import railtrace

ROOT = Path(__file__).parents[1]
HOW_TO = {path.name: path.read_text("utf-8") for path in (ROOT / "docs/how-to").glob("*.md")}


def commands(group: click.Command, name: str = "railtrace") -> dict[str, click.Command]:
    """Return every command by the words that call it."""
    if not isinstance(group, click.Group) and not hasattr(group, "commands"):
        return {name: group}
    found: dict[str, click.Command] = {}
    for word, command in group.commands.items():  # type: ignore[attr-defined]
        found |= commands(command, f"{name} {word}")
    return found


COMMANDS = commands(typer.main.get_command(cli))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_a_how_to(command: str) -> None:
    assert any(re.search(rf"^\s*{command}\b", text, re.MULTILINE) for text in HOW_TO.values()), (
        f"no line of docs/how-to begins with `{command}`"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_in_one_line_what_it_does(command: str) -> None:
    told = (COMMANDS[command].help or "").strip().partition("\n")[0]
    assert re.fullmatch(r"[A-Z][^\n]{9,110}\.", told), told


def shown() -> list[tuple[str, str]]:
    """Return every command line that a how-to shows."""
    return [
        (name, line.strip())
        for name, text in HOW_TO.items()
        for line in text.splitlines()
        if line.strip().startswith("railtrace ")
    ]


def _named(words: list[str]) -> str:
    two, one = " ".join(words[:3]), " ".join(words[:2])
    return two if two in COMMANDS else one


@pytest.mark.parametrize(("how_to", "line"), shown())
def test_every_command_line_of_a_how_to_is_understood(how_to: str, line: str) -> None:
    words = shlex.split(line.partition("<")[0])
    name = _named(words)
    assert name in COMMANDS, f"{how_to}: {line}"
    command = COMMANDS[name]
    known = {
        opt for parameter in command.params for opt in (*parameter.opts, *parameter.secondary_opts)
    }
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= known, f"{how_to}: {line}"
    needed = [p for p in command.params if p.required and not p.opts[0].startswith("-")]
    plain = len([w for w in words[len(name.split()) :] if not w.startswith("--")])
    assert plain >= len(needed), f"{how_to}: {line}"


def test_every_setting_is_in_the_how_to() -> None:
    from railtrace.config import Config

    for key in Config.__struct_fields__:
        told = HOW_TO["operate.md"]
        assert any(mark in told for mark in (f"`{key}`", f"`[{key}]`", f"`[{key}.")), key


def test_the_settings_table_is_that_of_the_program() -> None:
    from railtrace import config

    rows = [row for row in (config.__doc__ or "").splitlines() if row.startswith("|")]
    assert "\n".join(rows) in HOW_TO["operate.md"]


def test_the_units_of_systemd_call_commands_that_exist() -> None:
    for path in (ROOT / "deploy/systemd").glob("*.service"):
        [line] = re.findall(r"^ExecStart=\S+/(railtrace .*)$", path.read_text(), re.MULTILINE)
        assert _named(line.split()) in COMMANDS


def test_help_needs_nothing_heavy() -> None:
    code = "import sys, railtrace.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    heavy = {"django", "numpy", "granian", "cryptography", "msgspec", "psycopg", "railtrace.app"}
    assert heavy & set(loaded.split()) == set()


# --- doing it -----------------------------------------------------------------------------


def inspection(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Inspected", "id": f"op-{number}", "happened_at": "2026-01-02T03:04:05+05:00",
        "units": ["u-1"], "scope": "ТО-1",
    } | more  # fmt: skip


def lines(*operations: dict[str, Any]) -> str:
    return "".join(json.dumps(operation, ensure_ascii=False) + "\n" for operation in operations)


@pytest.fixture
def depot(tmp_path: Path) -> Path:
    """An installation with ten inspections."""
    (tmp_path / "day.jsonl").write_text(lines(*map(inspection, range(10))), "utf-8")
    done = railtrace(tmp_path, "record", "day.jsonl", "--json")
    assert (done.returncode, json.loads(done.stdout)["accepted"]) == (0, 10), done.stderr
    return tmp_path


def test_recording_again_recognises_every_line(depot: Path) -> None:
    done = railtrace(depot, "record", "day.jsonl")
    assert done.returncode == 0
    assert done.stdout.startswith("10 lines, 0 accepted, 10 duplicates, 0 refused")


def test_a_refused_line_is_named_and_the_others_are_recorded(depot: Path) -> None:
    text = lines(inspection(20), inspection(21, happened_at="2026-01-02T03:04:05"), inspection(22))
    done = railtrace(depot, "record", "-", "--json", input=text + "{broken\n")
    told = json.loads(done.stdout)
    assert (done.returncode, told["accepted"], told["refused"]) == (1, 2, 2)
    assert [line["line"] for line in told["refused_lines"]] == [2, 4]


def test_the_log_of_a_file_can_be_named(depot: Path) -> None:
    done = railtrace(depot, "record", "-", "--log", "nowhere", input=lines(inspection(30)))
    assert (done.returncode, done.stderr) == (1, "railtrace: there is no log nowhere\n")


def test_an_untouched_store_verifies_and_a_changed_one_does_not(depot: Path) -> None:
    good = railtrace(depot, "verify", "--json")
    assert (good.returncode, json.loads(good.stdout)["whole"]) == (0, True)
    import sqlite3

    with sqlite3.connect(depot / "data/trace.db") as behind:
        behind.execute("UPDATE operations SET leaf = x'7b7d' WHERE id = 'op-5'")
    bad = railtrace(depot, "verify", "--json")
    told = json.loads(bad.stdout)
    assert (bad.returncode, told["whole"]) == (1, False)
    assert any(f["fault"] and f["position"] is not None for f in told["findings"])


def test_a_data_folder_can_be_named(depot: Path) -> None:
    other = depot / "other"
    other.mkdir()
    done = railtrace(other, "verify", str(depot / "data"), "--json", RAILTRACE_KEYS=f"{depot}/keys")
    assert json.loads(done.stdout)["entries"]["main"] == 12


def test_a_checkpoint_kept_elsewhere_finds_a_log_that_was_cut(depot: Path) -> None:
    from railtrace.config import Config
    from tests.operating.depot import opened

    app = opened(Config(name="tests", data=str(depot / "data"), keys=str(depot / "keys")))
    (depot / "kept.txt").write_text(str(app.checkpoint("main")))
    app.stop()
    assert railtrace(depot, "verify", "--checkpoint", "kept.txt").returncode == 0
    assert railtrace(depot, "verify", "--since", "kept.txt", "--no-evidence").returncode == 0


def test_an_export_is_checked_by_the_program_that_shares_no_code(depot: Path) -> None:
    assert railtrace(depot, "export", "out").returncode == 0
    railtrace(depot, "trust", "export", "trust.json")
    done = railtrace(depot, "verify", "out", "--trust", "trust.json")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "nothing is wrong")
    path = depot / "out/logs/main/leaves.jsonl"
    path.write_bytes(path.read_bytes().replace(b"op-5", b"op-X", 1))
    changed = railtrace(depot, "verify", "out", "--trust", "trust.json")
    assert (changed.returncode, "FAULT entry-changed" in changed.stdout) == (1, True)


def test_a_backup_is_written_verified_pruned_and_restored(depot: Path) -> None:
    first = json.loads(railtrace(depot, "backup", "kept", "--json").stdout)
    time.sleep(1.1)
    second = json.loads(railtrace(depot, "backup", "kept", "--keep", "1", "--json").stdout)
    assert second["deleted"] == [str(Path(first["backup"]))]
    assert railtrace(depot, "verify", "kept").returncode == 0
    copy = railtrace(depot, "key", "recovery-copy").stdout
    other = depot / "other"
    other.mkdir()
    assert railtrace(other, "key", "restore", "-", input=copy).returncode == 0
    done = railtrace(other, "restore", str(depot / "kept"), "--json")
    assert done.returncode == 0, done.stderr
    assert [row["log"] for row in json.loads(done.stdout)] == ["main"]
    again = railtrace(other, "record", str(depot / "day.jsonl"), "--json")
    assert json.loads(again.stdout)["duplicates"] == 10
    assert railtrace(other, "verify").returncode == 0


def test_views_are_rebuilt_by_name_and_a_wrong_name_lists_them(depot: Path) -> None:
    assert railtrace(depot, "rebuild").returncode == 0
    assert railtrace(depot, "rebuild", "usage", "condition").returncode == 0
    wrong = railtrace(depot, "rebuild", "usages")
    assert (wrong.returncode, "there is no view usages: choose of" in wrong.stderr) == (1, True)
    assert railtrace(depot, "catch-up").stdout == "0 entries were taken into the views\n"


def test_people_and_tokens_are_made_changed_and_listed(depot: Path) -> None:
    made = railtrace(depot, "user", "create", "ann", "--role", "worker",
                     RAILTRACE_PASSWORD="long enough 17")  # fmt: skip
    assert made.returncode == 0, made.stderr
    railtrace(depot, "user", "role", "ann", "technologist")
    railtrace(depot, "user", "disable", "ann")
    [ann] = json.loads(railtrace(depot, "user", "list", "--json").stdout)
    assert (ann["user"], ann["roles"], ann["active"]) == ("ann", ["technologist"], False)
    assert re.fullmatch(r"p-\w{10}", ann["person"])
    token = railtrace(depot, "token", "create", "gauge", "--scope", "record", "--json")
    assert json.loads(token.stdout)["token"].startswith("rt_")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["user", "create", "ann", "--role", "boss"], "there is no role boss: choose of viewer"),
        (["user", "create", "a b", "--role", "viewer"], "user a b: "),
        (["user", "create", "ann", "--role", "viewer"], "user ann: "),
        (["user", "disable", "nobody"], "there is no user nobody"),
        (["token", "create", "x", "--scope", "reed"], "there is no scope reed: choose of record"),
        (["restore", "nowhere"], "there is no backup in nowhere"),
        (["key", "recovery-copy"], "there is no log key at "),
        (["key", "restore", "-"], "the recovery copy has no line `name: ...`"),
        (["key", "compromised", "x", "--since", "2026-01-01", "--by", "p"], "x: not an Ed25519"),
        (["upgrade"], "holds nothing yet: there is nothing to upgrade"),
        (["serve", "--tls"], "there is no server certificate in "),
        (["tls", "two words"], "'two words' is neither a host name nor an IP address"),
        (["verify", "--trust", "nowhere.json"], "there is no trust file at nowhere.json"),
        (["verify", "--checkpoint", "nowhere.txt"], "No such file or directory: nowhere.txt"),
        (["--config", "nowhere.toml", "health"], "nowhere.toml: there is no such settings file"),
    ],
)  # fmt: skip
def test_an_error_is_one_plain_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = railtrace(tmp_path, *arguments, RAILTRACE_PASSWORD="short")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("railtrace: ")
    assert told in line


def test_a_wrong_call_shows_how_to_call(tmp_path: Path) -> None:
    done = railtrace(tmp_path, "backup", "--kep", "3")
    assert (done.returncode, "No such option" in done.stderr) == (2, True)


def test_an_unexpected_error_is_logged_under_the_id_it_shows(depot: Path) -> None:
    (depot / "data/views.db").write_bytes(b"this is no database" * 1000)
    for extra in ("-wal", "-shm"):
        (depot / f"data/views.db{extra}").unlink(missing_ok=True)
    done = railtrace(depot, "catch-up")
    assert done.returncode == 1
    found = re.fullmatch(
        r"railtrace: unexpected DatabaseError; it is in (\S+) under id (\w+)\n", done.stderr
    )
    assert found, done.stderr
    [line] = Path(found[1]).read_text().splitlines()
    assert json.loads(line)["id"] == found[2]
    assert json.loads(line)["where"]


def test_the_settings_are_checked_with_a_line_for_each_thing(depot: Path) -> None:
    good = railtrace(depot, "config", "check", "--json")
    assert good.returncode == 0, good.stdout
    assert {line["what"] for line in json.loads(good.stdout)} >= {"key", "data", "disk", "backups"}
    (depot / "keys/log.key").chmod(0o644)
    bad = railtrace(depot, "config", "check")
    assert bad.returncode == 1
    assert "BAD key: " in bad.stdout
    assert "chmod 600" in bad.stdout
    assert "ok  data: " in bad.stdout


def test_a_key_that_is_gone_from_old_logs_is_told_as_lost(depot: Path) -> None:
    (depot / "keys/log.key").unlink()
    bad = railtrace(depot, "config", "check")
    assert bad.returncode == 1
    assert "BAD key: there is no log key" in bad.stdout
    assert "restore its recovery copy" in bad.stdout


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"RAILTRACE_DATABASE": "postgresql://nobody@127.0.0.1:1/x"}, "BAD database: "),
        ({"RAILTRACE_TLS": "true"}, "BAD https: there is no server certificate"),
        ({"RAILTRACE_BACKUPS": "/proc/backups"}, "BAD backups: /proc/backups: "),
    ],
)
def test_a_setting_that_does_not_fit_is_told(
    depot: Path, settings: dict[str, str], told: str
) -> None:
    done = railtrace(depot, "config", "check", **settings)
    assert (done.returncode, told in done.stdout) == (1, True), done.stdout


def test_health_is_told_as_the_page_tells_it(depot: Path) -> None:
    state = json.loads(railtrace(depot, "health", "--json").stdout)
    assert (state["status"], state["views_lag"], state["unsigned_entries"]) == ("ok", 0, 0)


def test_texts_go_out_as_a_sheet(depot: Path) -> None:
    assert railtrace(depot, "texts", "export", "texts.xlsx").returncode == 0
    assert (depot / "texts.xlsx").read_bytes()[:2] == b"PK"


def test_the_demo_loads_serves_and_proves_what_it_holds(tmp_path: Path) -> None:
    first = railtrace(tmp_path, "demo", "--check", "--small", RAILTRACE_DATA="demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"all \d\d probes passed", first.stdout)
    second = railtrace(tmp_path, "demo", "--check", "--small", RAILTRACE_DATA="demo")
    assert "is loaded already" in second.stdout
    assert (tmp_path / "demo/truth.json").exists()


def test_a_folder_of_something_else_is_not_taken_for_the_demos(depot: Path) -> None:
    done = railtrace(depot, "demo", "--small")
    assert (done.returncode, "is not a demo's data folder" in done.stderr) == (1, True)
