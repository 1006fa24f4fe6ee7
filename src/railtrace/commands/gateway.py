"""`railtrace gateway` and `railtrace device`: what runs at the machines, without Django."""

import logging
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

gateway_cli = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="The gateway between depot machines and the trace.",
)  # fmt: skip
Settings = Annotated[Path, typer.Argument(help="gateway.toml")]


@gateway_cli.command("check")
def check(settings: Settings) -> None:
    """Name every mistake in the settings of a gateway."""
    from railtrace.devices.gateway.config import load, mistakes

    found = mistakes(load(settings))
    for mistake in found:
        typer.echo(f"BAD {mistake}")
    if found:
        raise typer.Exit(1)
    typer.echo("nothing is wrong")


@gateway_cli.command("run")
def run(settings: Settings) -> None:
    """Carry the results of machines to the trace until Ctrl+C."""
    from railtrace.devices.gateway.config import load, mistakes
    from railtrace.devices.gateway.page import Page
    from railtrace.devices.gateway.run import Running

    config = load(settings)
    if found := mistakes(config):
        for mistake in found:
            typer.echo(f"railtrace: {mistake}", err=True)
        raise typer.Exit(1)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    gateway = Running(config)
    page = Page(gateway) if config.page else None
    gateway.start()
    typer.echo(f"{config.name} carries {len(config.devices)} machines to {config.server}"
               + (f"; its page: {page.address}" if page else ""))  # fmt: skip
    sys.stdout.flush()
    ended.wait()
    if page:
        page.stop()
    gateway.stop()


@gateway_cli.command("certificate")
def certificate(settings: Settings) -> None:
    """Make this gateway's own certificate, for lines that are signed and encrypted."""
    from railtrace.devices.gateway import certificates
    from railtrace.devices.gateway.config import load
    from railtrace.devices.gateway.intake import utc_now

    config = load(settings)
    made = certificates.make(config.path("."), config.name, utc_now())
    typer.echo(f"{made} and {certificates.KEY}: name them as client_certificate and client_key")
    typer.echo(f"Let each server trust it; its application is "
               f"{certificates.application_of(config.name)}")  # fmt: skip


@gateway_cli.command("held")
def held(
    settings: Settings,
    send: Annotated[int, typer.Option(help="Send the result of this number")] = 0,
    part: Annotated[str, typer.Option(help="... as done on the part of this number")] = "",
    as_new: Annotated[bool, typer.Option(help="... under a number of its own")] = False,
    aside: Annotated[int, typer.Option(help="Keep this one without sending it")] = 0,
    reason: Annotated[str, typer.Option(help="... for this reason")] = "",
) -> None:
    """List the results that wait for a person, or decide about one."""
    from railtrace.devices.gateway import by_hand
    from railtrace.devices.gateway.config import load
    from railtrace.devices.gateway.outbox import Outbox

    config = load(settings)
    with Outbox(config.path(config.data), config.quota_mb << 20) as outbox:
        if send:
            by_hand.send(outbox, send, part, as_new)
        if aside:
            by_hand.set_aside(outbox, aside, reason)
        for row in outbox.held():
            at, what = row.received_at.isoformat(timespec="seconds"), row.result_id or row.channel
            typer.echo(f"{row.seq} {at} {row.device or '-'} {what}: {row.why}")


@gateway_cli.command("resend")
def resend(
    settings: Settings,
    days: Annotated[int, typer.Option(help="Only what was sent in the last days; 0: all")] = 0,
) -> None:
    """Send what is kept once more, to a trace that was restored; it recognises what it has."""
    from railtrace.devices.gateway.config import load
    from railtrace.devices.gateway.intake import utc_now
    from railtrace.devices.gateway.outbox import Outbox

    config = load(settings)
    with Outbox(config.path(config.data), config.quota_mb << 20) as outbox:
        since = utc_now() - timedelta(days=days) if days else None
        typer.echo(f"{outbox.send_all_again(since)} results are sent once more")




device_cli = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Drivers of depot machines.",
)  # fmt: skip


@device_cli.command("list")
def kinds() -> None:
    """List the kinds of machines that can be connected."""
    from railtrace.devices import manifest

    for kind in manifest.kinds():
        told = manifest.manifest(kind)
        typer.echo(f"{kind:20} {'/'.join(told.protocols):8} {told.fact:11} {told.ru} · {told.en}")


@device_cli.command("check")
def check_device(
    path: Annotated[str, typer.Argument(help="A driver's folder, or a kind that ships")],
    line: Annotated[bool, typer.Option(help="Also run its emulated machine on its line")] = True,
    broker: Annotated[str, typer.Option(help="An MQTT broker for it; else mosquitto")] = "",
) -> None:
    """Examine a driver: print its certificate, or name what fails."""
    from railtrace.devices import kit, manifest
    from railtrace.devices.kit_line import examine_line

    folder = manifest.FOLDER / path if path in manifest.kinds() else Path(path)
    certificate = kit.examine(folder)
    if line and certificate.holds:
        examine_line(folder, certificate, broker)
    typer.echo(str(certificate))
    if not certificate.holds:
        raise typer.Exit(1)


@device_cli.command("expect")
def expect(path: Annotated[Path, typer.Argument(help="A driver's folder")]) -> None:
    """Write a draft of expected.json by the driver itself: correct it by the printout."""
    import json

    import msgspec

    from railtrace.devices import drivers, samples
    from railtrace.devices.gateway.intake import utc_now
    from railtrace.errors import BadFrame, ConfigError

    target = path / samples.FOLDER / samples.EXPECTED
    if target.exists():
        raise ConfigError("{file} is there: it is not written over", file=target)
    driver = drivers.read(path)
    kept = path / samples.FOLDER
    files = [f for f in sorted(kept.iterdir()) if f.is_file()] if kept.is_dir() else []
    if not files:
        raise ConfigError("{folder}: put two recorded results of the machine here", folder=kept)
    beside = {
        one.name for file in files for one in samples.files_beside(driver, file, file.read_bytes())
    }
    names = [file.name for file in files if file.name not in beside]
    told = samples.Expected(utc_now(), "Asia/Dushanbe", {name: [] for name in names})
    for name, message in samples.messages(driver, told):
        try:
            told.samples[name] = samples.given(driver, message)
        except BadFrame as error:
            raise ConfigError("{file}: {problem}", file=kept / name, problem=error) from error
    text = json.dumps(json.loads(msgspec.json.encode(told)), ensure_ascii=False, indent=1)
    target.write_text(text + "\n", "utf-8")
    typer.echo(f"{target} is a draft: correct it by the machine's own display or printout")

