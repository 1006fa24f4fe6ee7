"""The command `railtrace handover-return`: what a foreign depot did, as a file it signs."""

import hashlib
import json
import mimetypes
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from railtrace.interchange.handover import File


def handover_return(
    packet: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The packet")],
    work: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Operations, one a line of JSON")
    ],
    target: Annotated[Path, typer.Argument(help="The file to write")],
    depot: Annotated[str, typer.Option(help="Who signs: the depot, as people call it")],
    key: Annotated[Path, typer.Option(help="The depot's key; made when it is not there")],
    file: Annotated[
        list[Path] | None, typer.Option("--file", help="A photo or paper; repeatable")
    ] = None,
) -> None:
    """Sign what was done with the units of a packet, for the railway that handed them over.

    An operation names its files by their SHA-256 (`evidence`). The fingerprint that is printed is
    what the railway compares before it takes the file in.
    """
    from railtrace.errors import RailtraceError
    from railtrace.interchange.handover import made_return, read, read_return

    try:
        operations = [read(line) for line in work.read_bytes().splitlines() if line]
        files = dict(_file(path) for path in file or ())
        content = made_return(packet.read_bytes(), depot, operations, files, _seed(key))
    except RailtraceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    target.write_bytes(content)
    found = read_return(content)
    typer.echo(f"{target}: {len(operations)} operations, {len(found.files)} files, signed")
    typer.echo(f"Fingerprint of the key: {found.fingerprint}")


def _seed(path: Path) -> bytes:
    from railtrace.trace.checkpoint import Signer

    if path.exists():
        return bytes.fromhex(str(json.loads(path.read_text())["seed"]))
    signer = Signer.generate("handover")
    path.touch(mode=0o600)
    path.write_text(json.dumps({"seed": signer.seed.hex()}) + "\n")
    return signer.seed


def _file(path: Path) -> tuple[str, "File"]:
    from railtrace.interchange.handover import File

    content = path.read_bytes()
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "photo" if media.startswith("image/") else "document"
    return hashlib.sha256(content).hexdigest(), File(
        path.name, media, kind, b64encode(content).decode()
    )
