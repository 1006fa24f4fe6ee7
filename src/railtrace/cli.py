"""The `railtrace` command. What is heavy is imported by the command that needs it.

Every command ends with 0 when it did what it says, 1 when it could not or found something
wrong, 2 when it was called wrongly. `--json` prints what a program would read.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from railtrace.commands import (
    analysis,
    diagnose,
    gateway,
    handover,
    recorder,
    reliability,
    replay,
    runs,
)
from railtrace.errors import ConfigError, RailtraceError

if TYPE_CHECKING:
    from railtrace.app import App
    from railtrace.config import Config
    from railtrace.trace.verify import Report

_ABOUT = "Railtrace: the technological trace of rolling stock, written once and provable."


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=about
    )


cli = _group(_ABOUT)
config_cli = _group("The settings.")
key_cli = _group("The log key: its recovery copy, its replacement, its compromise.")
trust_cli = _group("What others need to check the logs.")
token_cli = _group("API tokens for machines.")
user_cli = _group("People who may log in.")
texts_cli = _group("The texts of the web app, for translators.")
for _name, _part in {
    "config": config_cli, "key": key_cli, "trust": trust_cli, "token": token_cli,
    "user": user_cli, "texts": texts_cli, "gateway": gateway.gateway_cli,
    "device": gateway.device_cli,
}.items():  # fmt: skip
    cli.add_typer(_part, name=_name)
for _command in (
    *analysis.COMMANDS, recorder.recorder, replay.replay, diagnose.diagnose,
    *reliability.COMMANDS, runs.runs, handover.handover_return,
):  # fmt: skip
    cli.command()(_command)

DEMO_FOLDER = Path("data/demo")
Json = Annotated[bool, typer.Option("--json", help="Print JSON")]
Checkpoints = Annotated[
    list[Path] | None, typer.Option("--checkpoint", help="A checkpoint kept elsewhere; repeatable")
]


@cli.callback()
def settings(
    config: Annotated[
        Path | None, typer.Option(help="Settings file; else RAILTRACE_CONFIG, else railtrace.toml")
    ] = None,
) -> None:
    """Railtrace: the technological trace of rolling stock, written once and provable."""
    if config is not None:
        os.environ["RAILTRACE_CONFIG"] = str(config)


def _config() -> "Config":
    from railtrace.config import load

    return load()


def _web() -> Any:
    """The web app is opened by name: the command line stands beside it, not above."""
    console = import_module("railtrace.web.console")
    console.open_web()
    return console


@contextmanager
def _app(prepared: bool = True) -> Iterator["App"]:
    from railtrace.app import App

    app = App(_config())
    try:
        if prepared:
            app.prepare()
        yield app
    finally:
        app.stop()


def _say(text: str) -> None:
    """Print the text as it is: file names and numbers are no markup."""
    typer.echo(text)


def _told(body: Any, as_json: bool, text: str) -> None:
    if as_json:
        import msgspec

        _say(msgspec.json.encode(body).decode())
    else:
        _say(text)


@contextmanager
def _progress(what: str, quiet: bool = False) -> Iterator[Any]:
    """Give a function (name, done, total) that moves a bar a line, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    if quiet or not sys.stderr.isatty():
        yield lambda name, done, total=None: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(name: str, done: int, total: int | None = None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(f"{what} {name}", total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield tell


# --- settings and serving -----------------------------------------------------------------


@config_cli.command("check")
def config_check(as_json: Json = False) -> None:
    """Check the settings, the folders, the key and the certificate."""
    from railtrace.operating.config_check import check

    config = _config()
    lines = check(config)
    text = "\n".join(f"{'ok ' if line.good else 'BAD'} {line.what}: {line.text}" for line in lines)
    _told(lines, as_json, text)
    if not all(line.good for line in lines):
        raise typer.Exit(1)


@cli.command()
def serve(
    tls: Annotated[
        bool, typer.Option(help="https, with the certificate of `railtrace tls`")
    ] = False,
) -> None:
    """Serve the web app until Ctrl+C."""
    from railtrace.operating import serve as serving

    if tls:
        os.environ["RAILTRACE_TLS"] = "true"
    serving.serve(_config())


@cli.command()
def demo(
    check: Annotated[bool, typer.Option("--check", help="Load, probe the pages, end")] = False,
    small: Annotated[bool, typer.Option("--small", help="A twentieth of the railway")] = False,
    machines: Annotated[
        bool, typer.Option(help="With simulated depot machines that work while it is served")
    ] = True,
) -> None:
    """Load the demo railway, once, and serve it."""
    from railtrace.operating import demo as demos
    from railtrace.operating import demo_check
    from railtrace.operating import serve as serving

    folder = Path(os.environ.get("RAILTRACE_DATA") or DEMO_FOLDER).resolve()
    for name in demos.OWN_VARIABLES:
        os.environ.pop(name, None)
    config = demos.demo_config(_config(), folder)
    if not check:
        serving.require_free(config.host, config.port)
    if demos.is_loaded(folder):
        _say(f"The demo in {folder} is loaded already.")
        with _progress("Rebuilding the demo:") as tell:
            demos.bring_up(config, _say, tell)
    else:
        _say(f"Loading the demo into {folder}: about a minute on a good machine.")
        with _progress("Loading the demo:") as tell:
            count = demos.load(config, small, tell)
        _say(f"Loaded {count:,} operations into {folder}.")
    os.environ["RAILTRACE_CONFIG"] = str(folder / "railtrace.toml")
    os.environ["PORT"] = str(config.port)
    logins = _web().demo_logins()
    if check:
        raise typer.Exit(_probe(demo_check, logins))
    for role, name, password in logins:
        _say(f"  {role:15} user {name:15} password {password}")
    _say(f"Other commands on this data: railtrace --config {folder}/railtrace.toml ...")
    with _machines(folder) if machines else nullcontext():
        serving.serve(_config())


def _machines(folder: Path) -> Any:
    """The simulated machines of the demo, their results marked so; none without the libraries."""
    from railtrace.operating import demo_check, demo_machines
    from railtrace.operating.serve import address

    if missing := demo_machines.missing_libraries():
        _say(f"No simulated machines: {', '.join(missing)} not installed (railtrace[gateway]).")
        return nullcontext()
    token, _ = _web().create_token("demo machines", ["record"], 30)
    page, config = f"127.0.0.1:{demo_check.free_port()}", _config()
    _say(f"Simulated machines work beside it; their gateway: http://{page}")
    return demo_machines.running(
        folder, demo_machines.setting_of(config, address(config), token, page)
    )


def _probe(demo_check: Any, logins: list[tuple[str, str, str]]) -> int:
    from rich.console import Console
    from rich.table import Table

    probes = demo_check.check_demo(_config(), logins)
    table = Table("", "what", "ms", "told")
    for probe in probes:
        table.add_row("ok" if probe.good else "BAD", probe.what, f"{probe.ms:.0f}", probe.text)
    Console(width=120).print(table)
    bad = sum(not probe.good for probe in probes)
    _say(f"{bad} of {len(probes)} probes failed" if bad else f"all {len(probes)} probes passed")
    return 1 if bad else 0


@cli.command()
def health(as_json: Json = False) -> None:
    """Tell how the installation is, as /health does."""
    from railtrace.operating.health import health as look

    with _app(prepared=False) as app:
        state = look(app)
    problems = "".join(f"\n{p.level}: {p.text}" for p in state.problems)
    _told(state, as_json, f"{state.status}{problems}")
    if state.status == "failing":
        raise typer.Exit(1)


# --- the trace ----------------------------------------------------------------------------


@cli.command()
def record(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="JSON lines; - is standard input")],
    submitter: Annotated[str, typer.Option(help="Pseudonym of who sends")] = "command-line",
    log: Annotated[str | None, typer.Option(help="Log; else each operation's site decides")] = None,
    as_json: Json = False,
) -> None:
    """Record operations from JSON lines; lines recorded before are recognised."""
    from railtrace.interchange.jsonl import record_jsonl

    with _app() as app, _progress("recorded", quiet=as_json) as tell:
        summary = record_jsonl(
            app, file, submitter, log=log, progress=lambda told: tell("lines", told.lines)
        )
        app.catch_up()
        app.sign_heads()
    refused = [
        {"line": line.number, "id": line.id, "reason": str(line.refusal)}
        for line in summary.refused_lines
    ]
    counts = {
        "lines": summary.lines, "accepted": summary.accepted, "duplicates": summary.duplicates,
        "refused": summary.refused,
    }  # fmt: skip
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    reasons = "".join(f"\nline {r['line']} {r['id']}: {r['reason']}" for r in refused)
    _told({**counts, "refused_lines": refused}, as_json, text + reasons)
    if summary.refused:
        raise typer.Exit(1)


@cli.command()
def twins(as_json: Json = False) -> None:
    """Look for ghosts and twins: numbers, runs and places that may be mixed up."""
    with _app(prepared=False) as app, _progress("compared", quiet=as_json) as tell:
        app.catch_up()
        findings = app.look_for_twins(tell)
    kinds = Counter(finding.kind for finding in findings)
    text = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    _told(dict(kinds), as_json, text or "nothing suspicious")


@cli.command()
def verify(
    path: Annotated[
        Path | None,
        typer.Argument(help="An export, a proof, a backup or a data folder; nothing: the store"),
    ] = None,
    checkpoint: Checkpoints = None,
    since: Annotated[
        list[Path] | None, typer.Option(help="A trusted checkpoint to begin from; repeatable")
    ] = None,
    trust: Annotated[Path | None, typer.Option(help="A trust file you were given")] = None,
    key: Annotated[list[str] | None, typer.Option(help="A verifier key; repeatable")] = None,
    jobs: Annotated[int, typer.Option(help="Logs checked at one time")] = 0,
    evidence: Annotated[bool, typer.Option(help="Read the files of evidence too")] = True,
    as_json: Json = False,
) -> None:
    """Check that nothing recorded was altered."""
    from railtrace.operating import verify as verifying

    if path is not None and verifying.is_data_folder(path):
        os.environ["RAILTRACE_DATA"], path = str(path), None
    if path is not None and not verifying.is_backup(path):
        raise typer.Exit(_check_export(path, checkpoint or [], trust, key or []))
    with _progress("verified", quiet=as_json) as tell:
        if path is not None:
            report = verifying.verify_backup(path, tell)
        else:
            with _app(prepared=False) as app:
                notes = [[p.read_text("utf-8") for p in some or []] for some in (checkpoint, since)]
                report = verifying.verify_installation(
                    app, *notes, trust=trust, jobs=jobs, evidence=evidence, tell=tell
                )
    _report(report, as_json)


def _check_export(path: Path, earlier: list[Path], trust: Path | None, keys: list[str]) -> int:
    """Run the checker that shares no code with the writer, in a process of its own."""
    from railtrace import check

    options = [part for note in earlier for part in ("--checkpoint", str(note))]
    options += [part for key in keys for part in ("--key", key)]
    options += ["--trust", str(trust)] if trust else []
    return subprocess.call([sys.executable, "-I", check.__file__, str(path), *options])


def _report(report: "Report", as_json: bool) -> None:
    findings = [
        {"name": f.name, "fault": f.is_fault, "log": f.log, "position": f.position, "text": str(f)}
        for f in report.findings
    ]
    lines = [f"{'FAULT' if f['fault'] else 'note'} {f['name']}: {f['text']}" for f in findings]
    lines += [f"{log}: {size} entries" for log, size in report.entries.items()]
    faults = sum(bool(f["fault"]) for f in findings)
    unsigned = sum(f["name"] == "no-key" for f in findings)
    sound = f"nothing else is wrong, but {unsigned} logs have no trusted key"
    lines.append(f"{faults} faults" if faults else sound if unsigned else "nothing is wrong")
    body = {"whole": report.is_whole, "entries": report.entries, "findings": findings}
    _told(body, as_json, "\n".join(lines))
    if not report.is_whole:
        raise typer.Exit(1)


@cli.command()
def export(
    target: Annotated[Path, typer.Argument(help="A new folder, or a .zip")],
    log: Annotated[list[str] | None, typer.Option(help="Only this log; repeatable")] = None,
    evidence: Annotated[bool, typer.Option(help="With the files of evidence")] = True,
) -> None:
    """Write logs as files that anybody can check with the public key alone."""
    from railtrace.operating.trust import trust_of_installation
    from railtrace.store.export import export as write

    with _app(prepared=False) as app:
        app.sign_heads()
        files = app.evidence if evidence else None
        write(app.trace, target, trust_of_installation(app), log or [], files)
    _say(f"{target} is written. To check it: railtrace verify {target} --key KEY")


# --- other installations ------------------------------------------------------------------


@cli.command()
def replicate(
    url: Annotated[
        str | None, typer.Argument(help="Address of the other installation; nothing: no call")
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="RAILTRACE_REPLICATE_TOKEN", help="Its API token")
    ] = "",
    token_file: Annotated[Path | None, typer.Option(help="A file that holds the token")] = None,
    authority: Annotated[
        Path | None, typer.Option(help="Certificate of the authority that signed its own")
    ] = None,
    every: Annotated[int, typer.Option(help="Go on, calling again after so many seconds")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds until a silent line counts as cut")] = 30,
    tries: Annotated[int, typer.Option(help="Cuts in a row after which a call ends")] = 10,
    trust: Annotated[
        list[str] | None, typer.Option(help="Trust this verifier key; repeatable")
    ] = None,
    trust_file: Annotated[
        list[Path] | None, typer.Option(help="Trust the keys of this trust file; repeatable")
    ] = None,
    aside: Annotated[
        Path | None, typer.Option(help="Write what was refused into this folder, for the auditor")
    ] = None,
    as_json: Json = False,
) -> None:
    """Carry logs and files to and from another installation; without an address, tell of them."""
    from railtrace.operating import replicate as replicating
    from railtrace.operating.line import Http, Line

    key = token_file.read_text("utf-8").strip() if token_file else token
    line = Line(Http(url, key, authority, timeout), tries) if url else None
    with _app(prepared=False) as app, _progress("replicated", quiet=as_json) as tell:
        if not app.trace.heads():
            app.prepare()
        replicating.stay_small(app)
        if trust or trust_file:
            origins = replicating.trust_keys(app, trust or [], trust_file or [])
            _say(f"trusted: {', '.join(origins) or 'nothing new'}")
        if aside:
            _say("\n".join(map(str, replicating.write_aside(app, aside))) or "nothing was refused")
        good = True
        while line is not None:
            good = _called(replicating, app, line, tell, as_json, every > 0)
            if not every:
                break
            time.sleep(every)
        if line is None:
            heads = replicating.heads_known(app)
            text = "\n".join(replicating.in_words(head, app.clock()) for head in heads)
            _told(heads, as_json, text)
    if not good:
        raise typer.Exit(1)


def _called(
    replicating: Any, app: "App", line: Any, tell: Any, as_json: bool, goes_on: bool
) -> bool:
    """Call once; one that goes on for ever outlives a line that stays cut."""
    try:
        call = replicating.replicate(app, line, tell)
    except RailtraceError as error:
        if not goes_on:
            raise
        typer.echo(f"railtrace: {error}", err=True)
        return False
    _told(call, as_json, replicating.told_of(call))
    return bool(call.is_good)


# --- views --------------------------------------------------------------------------------


@cli.command("catch-up")
def catch_up() -> None:
    """Take everything recorded into the views."""
    with _app(prepared=False) as app:
        _say(f"{app.catch_up()} entries were taken into the views")


@cli.command()
def rebuild(
    view: Annotated[list[str] | None, typer.Argument(help="Views; none: all and the index")] = None,
) -> None:
    """Build views anew from the trace; pages show the old ones until it is done."""
    from railtrace.store.views import INDEX

    with _app(prepared=False) as app, _progress("rebuilding") as tell:
        unknown = [name for name in view or [] if name not in {INDEX, *app.views.views}]
        if unknown:
            raise ConfigError(
                "there is no view {name}: choose of {known}",
                name=unknown[0], known=", ".join(app.views.views),
            )  # fmt: skip
        app.views.rebuild(view or [], tell)
        app.catch_up()
    _say("rebuilt: " + ", ".join(view or ["every view"]))


# --- keeping it ---------------------------------------------------------------------------


@cli.command()
def backup(
    folder: Annotated[Path | None, typer.Argument(help="Else `backups` of the settings")] = None,
    keep: Annotated[int, typer.Option(help="Delete all but so many backups; 0: none")] = 0,
    as_json: Json = False,
) -> None:
    """Copy trace, users and evidence while recording goes on, and read the copy back."""
    from railtrace.operating.backup import back_up, prune

    target = folder or _config().backups_folder
    with _app(prepared=False) as app, _progress("verified", quiet=as_json) as tell:
        written = back_up(app, target, tell)
    gone = prune(target, keep) if keep else []
    text = f"{written} is written and verified.\nThe keys are not in it: see `railtrace key`."
    _told({"backup": str(written), "deleted": [str(path) for path in gone]}, as_json, text)


@cli.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup, or the folder of several: the newest")],
    last_checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A later checkpoint seen elsewhere; repeatable")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore into an empty data folder; every log goes on in a new epoch."""
    from railtrace.operating.only_one import alone
    from railtrace.operating.restore import restore as restoring

    config = _config()
    seen = [path.read_text("utf-8") for path in last_checkpoint or []]
    with alone(config.data_folder), _progress("verified", quiet=as_json) as tell:
        epochs = restoring(config, folder, seen, tell)
    lines = [
        f"{e.log}: {e.kept} entries kept, {e.lost or 'none'} known to be lost, now {e.origin}"
        for e in epochs
    ]
    lines.append("Let every sender send again what it holds: what was kept is recognised.")
    _told([epoch._asdict() for epoch in epochs], as_json, "\n".join(lines))


@cli.command()
def sweep(as_json: Json = False) -> None:
    """Delete evidence that nothing names, and what outlived its retention."""
    from railtrace.operating.sweep import sweep as sweeping

    with _app(prepared=False) as app:
        gone = sweeping(app)
    _told(gone, as_json, f"{len(gone)} files were deleted")


@cli.command()
def upgrade(
    backups: Annotated[Path | None, typer.Option(help="Else `backups` of the settings")] = None,
) -> None:
    """Bring the data up to this program: back up, migrate, rebuild the views that changed."""
    from railtrace.operating.upgrade import upgrade as upgrading

    config = _config()
    with _progress("rebuilding") as tell:
        done = upgrading(config, backups or config.backups_folder, _web, tell)
    rebuilt = ", ".join(done.rebuilt) or "none had changed"
    _say(f"Backed up to {done.backup}. Format {done.from_format}. Views rebuilt: {rebuilt}.")


# --- keys and trust -----------------------------------------------------------------------


@key_cli.command("recovery-copy")
def key_recovery_copy() -> None:
    """Print the log key, to be locked away on paper: whoever reads it can sign for you."""
    from railtrace.store.keys import load_key, recovery_copy

    _say(recovery_copy(load_key(_config().keys_folder)))


@key_cli.command("restore")
def key_restore(
    file: Annotated[typer.FileText, typer.Argument(help="The copy typed in; - is standard input")],
) -> None:
    """Write the log key from its recovery copy where there is none."""
    from railtrace.operating.trust import restore_key

    signer = restore_key(_config().keys_folder, file.read())
    _say(f"The key of {signer.name} is restored: {signer.verifier}")


@key_cli.command("replace")
def key_replace(
    by: Annotated[str, typer.Option(help="Pseudonym of who does this")],
    holder_copy: Annotated[
        list[Path] | None,
        typer.Option(help="Recovery copies of administrator and second holder: the key is lost"),
    ] = None,
) -> None:
    """Sign every log with a new key from here on. No server may run meanwhile."""
    from railtrace.operating.only_one import alone
    from railtrace.operating.trust import replace_key
    from railtrace.store.keys import read_recovery_copy

    people = [read_recovery_copy(path.read_text("utf-8")) for path in holder_copy or []]
    with alone(_config().data_folder), _app(prepared=False) as app:
        keys = replace_key(app, by, people)
    _say("The new verifier keys:\n" + "\n".join(keys))
    _say("Print its recovery copy now: railtrace key recovery-copy")


@key_cli.command("compromised")
def key_compromised(
    verifier_key: Annotated[str, typer.Argument(help="The key that was in other hands")],
    since: Annotated[datetime, typer.Option(help="From when on, UTC")],
    by: Annotated[str, typer.Option(help="Pseudonym of who says so")],
    until: Annotated[datetime | None, typer.Option(help="Until when, UTC; else still")] = None,
    reason: Annotated[str, typer.Option(help="What is known")] = "",
) -> None:
    """Record when somebody else may have held a key; nothing is rewritten."""
    from datetime import UTC

    from railtrace.operating.trust import mark_compromised

    with _app() as app:
        window = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC) if until else None
        mark_compromised(app, verifier_key, *window, reason, by)
    _say("The window is recorded. While the key may be in other hands it counts no more:")
    _say("administrator and second holder replace it (railtrace key replace --holder-copy ...)")


@key_cli.command("holder")
def key_holder(
    role: Annotated[str, typer.Argument(help="administrator or second_holder")],
    name: Annotated[str, typer.Argument(help="The person's pseudonym, the name of the key")],
) -> None:
    """Make the key of a person who, with the other role's, may replace a lost log key."""
    from railtrace.operating.trust import add_holder
    from railtrace.store.keys import recovery_copy
    from railtrace.trace.checkpoint import Signer

    signer = Signer.generate(name)
    with _app(prepared=False) as app:
        add_holder(app, role, str(signer.verifier))
    _say("Kept nowhere but here: print it and hand it over.\n")
    _say(recovery_copy(signer))


@trust_cli.command("export")
def trust_export(
    file: Annotated[Path, typer.Argument(help="Where the trust file is written")],
) -> None:
    """Write the keys of all logs with their validity, for those who check exports."""
    from railtrace.operating.trust import export_trust

    with _app(prepared=False) as app:
        trust = export_trust(app, file)
    _say("\n".join(f"{key.origin} {key.verifier_key}" for key in trust.keys))


# --- people, tokens, texts ----------------------------------------------------------------


@token_cli.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for")],
    scope: Annotated[list[str], typer.Option(help="record, read; repeatable")],
    days: Annotated[int, typer.Option(min=1, max=3650)] = 365,
    as_json: Json = False,
) -> None:
    """Make an API token; it is shown this once."""
    token, expires_at = _web().create_token(name, scope, days)
    body = {"token": token, "expires_at": expires_at}
    _told(body, as_json, f"{token}\nvalid until {expires_at:%Y-%m-%d}; it is not shown again")


def _password(given: str | None) -> str:
    """A password on the command line would stand in the shell's history."""
    if given:
        return given
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@user_cli.command("create")
def user_create(
    name: Annotated[str, typer.Argument(help="User name")],
    role: Annotated[str, typer.Option(help="viewer, worker, technologist, ...")],
    password: Annotated[str | None, typer.Option(envvar="RAILTRACE_PASSWORD", hidden=True)] = None,
) -> None:
    """Make a person who may log in; the password is asked for."""
    person = _web().create_user(name, role, _password(password))
    _say(f"{name} can log in as {role}; in the trace they are {person}.")


@user_cli.command("role")
def user_role(name: str, role: str) -> None:
    """Give a user another role."""
    _web().set_role(name, role)
    _say(f"{name} is {role} now.")


@user_cli.command("disable")
def user_disable(name: str) -> None:
    """Let a user log in no more; what they recorded stays."""
    _web().disable_user(name)
    _say(f"{name} can log in no more.")


@user_cli.command("list")
def user_list(as_json: Json = False) -> None:
    """List the people who may log in."""
    people = _web().users()
    text = "\n".join(
        f"{p['user']:20} {', '.join(p['roles']):15} {p['person']}"
        + ("" if p["active"] else " disabled")
        for p in people
    )
    _told(people, as_json, text)


@texts_cli.command("export")
def texts_export(file: Path) -> None:
    """Write all texts as a spreadsheet, for a native speaker to correct."""
    _web().export_texts(file)
    _say(f"{file} is written: correct the Tajik column, put `reviewed` beside, and import it.")


@texts_cli.command("import")
def texts_import(file: Path) -> None:
    """Take a native speaker's sheet."""
    _say(f"{_web().import_texts(file)} texts changed")


# --- https --------------------------------------------------------------------------------


@cli.command()
def tls(
    host: Annotated[
        list[str], typer.Argument(help="Host names and addresses that tablets type in")
    ],
    share: Annotated[bool, typer.Option("--share", help="Serve the authority for tablets")] = False,
    share_port: Annotated[int, typer.Option(help="The port of --share")] = 8001,
) -> None:
    """Make a certificate of this installation's own authority, for serving https."""
    import segno

    from railtrace.operating import tls as certificates

    config = _config()
    from railtrace.app import utc_now

    certificates.issue(config, host, utc_now())
    folder = certificates.folder_of(config)
    url = f"http://{host[0]}:{share_port}/{certificates.DOWNLOAD}"
    target = f"https://{host[0]}:{config.port}/"
    page = folder / "tablets.html"
    page.write_text(certificates.tablet_page(config, url, target), "utf-8")
    _say(f"Authority SHA-256: {certificates.fingerprint_of(config)}")
    _say(f"Certificate for {', '.join(host)} in {folder}. Serve with: railtrace serve --tls")
    _say(f"Page for tablets, to print: {page}")
    if share:
        segno.make(url).terminal(compact=True)
        _say(f"Tablets fetch the authority at {url}  (Ctrl+C ends this)")
        with certificates.share(config, host[0], share_port, target) as server:
            server.serve_forever()


# --- errors -------------------------------------------------------------------------------


def _unexpected(error: Exception) -> str:
    """Log an exception; without settings to log by, show it."""
    from railtrace.operating import logs

    try:
        config = _config()
        logs.start(config, "command")
    except (RailtraceError, OSError):
        raise error from None
    id_ = logs.failure(error)
    place = config.own_logs_folder / "command.jsonl"
    return f"unexpected {type(error).__name__}; it is in {place} under id {id_}"


def main() -> None:
    """Run the command line: an error of Railtrace is one plain line."""
    try:
        cli()
    except RailtraceError as error:
        print(f"railtrace: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"railtrace: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        print(f"railtrace: {_unexpected(error)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
