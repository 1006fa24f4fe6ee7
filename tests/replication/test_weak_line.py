"""Two depots and a served headquarters over a line that is slow, stalls, repeats and is cut."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from railtrace.app import App
from railtrace.operating.verify import verify_installation
from railtrace.trace.operation import Evidence, Inspected
from tests.operating.depot import NOW
from tests.operating.served import environment, railtrace, serving
from tests.replication.railway import HQ, NORTH, SOUTH, config_of, key_of, ran, record
from tests.replication.weak_line import Manners, weak_line

MEMORY_LIMIT_MB = 100
BATCH = 5_000
PHOTOGRAPH_BYTES = 300_000


@dataclass
class Replicated:
    """How a `railtrace replicate` ended, and the most memory it held."""

    code: int
    told: dict[str, object]
    said: str
    peak_mb: float


def replicate(folder: Path, name: str, port: int, token: str, *options: str) -> Replicated:
    """Run the command at a depot as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "railtrace.cli", "replicate", f"http://127.0.0.1:{port}",
         "--timeout", "1.5", "--json", *options],
        env=environment(folder / name, RAILTRACE_NAME=name, RAILTRACE_DEFAULT_LOG=name,
                        RAILTRACE_REPLICATE_TOKEN=token),
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    peak_mb = 0.0
    while process.poll() is None:
        peak_mb = max(peak_mb, _peak_mb(process.pid))
        time.sleep(0.02)
    told, said = process.communicate()
    lines = told.splitlines()
    return Replicated(
        process.returncode, json.loads(lines[-1]) if lines else {}, said.decode(), peak_mb
    )


def _peak_mb(pid: int) -> float:
    """Return the most a process has held; what the system says of an ended one is its parent's."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def depot(folder: Path, name: str, count: int, photographs: int = 0) -> str:
    """Make an installation with so many entries; return its key."""
    app = App(config_of(folder, name))
    app.prepare()
    for start in range(0, count, BATCH):
        stop = min(count, start + BATCH)
        record(app, *(ran(f"{name}-{i}", f"u-{i % 500}") for i in range(start, stop)))
    for i in range(photographs):
        record(app, photographed(app, f"{name}-photo-{i}"))
    key = key_of(app)
    app.stop()
    return key


def photographed(app: App, name: str) -> Inspected:
    """Return an inspection with a photograph of 300 kB that does not compress."""
    content = os.urandom(PHOTOGRAPH_BYTES)
    file: Evidence = app.evidence.put(content, evidence_class="photo")
    return Inspected(id=name, happened_at=NOW, units=("u-1",), evidence=(file,))


def carry(folder: Path, count: int, manners: Manners) -> list[float]:
    """Replicate a depot of so many entries and a small one; return the peaks of memory."""
    keys = {NORTH: depot(folder, NORTH, count, 3), SOUTH: depot(folder, SOUTH, 50, 1)}
    keys[HQ] = depot(folder, HQ, 20)
    names = {"RAILTRACE_NAME": HQ, "RAILTRACE_DEFAULT_LOG": HQ}
    trusting = [part for key in keys.values() for part in ("--trust", key)]
    assert railtrace(folder / HQ, "replicate", *trusting, **names).returncode == 0
    made = railtrace(
        folder / HQ, "token", "create", "depots", "--scope", "replicate", "--json", **names
    )
    token = json.loads(made.stdout)["token"]
    peaks = []
    with serving(folder / HQ, **names) as server, weak_line(server.port, manners) as port:
        for name in (NORTH, SOUTH, NORTH):
            done = replicate(folder, name, port, token, *trusting)
            assert done.code == 0, done.said
            assert done.told["files_awaited"] == 0
            peaks.append(done.peak_mb)
    return peaks


def held_by(folder: Path, name: str) -> tuple[dict[str, tuple[int, bytes]], set[str]]:
    """Return the size and root of every log, and the photographs; everything is read again."""
    app = App(config_of(folder, name))
    try:
        report = verify_installation(app, jobs=1)
        assert report.is_whole, report.findings
        assert "evidence-awaited" not in {finding.name for finding in report.findings}
        heads = {head.origin: (head.size, head.frontier.root()) for head in app.trace.heads()}
        files = {sha for sha in app.evidence.files() if _size(app, sha) == PHOTOGRAPH_BYTES}
        return heads, files
    finally:
        app.stop()


def _size(app: App, sha: str) -> int:
    return app.evidence.path(sha).stat().st_size


def all_have(folder: Path, count: int) -> None:
    first, files = held_by(folder, HQ)
    assert {origin: size for origin, (size, _) in first.items()} == {
        "hq/hq": 22, "north/north": count + 5, "south/south": 53,
    }  # fmt: skip
    assert len(files) == 4
    assert held_by(folder, NORTH) == held_by(folder, SOUTH) == (first, files)


@pytest.mark.slow
def test_fifty_thousand_operations_come_over_a_line_that_stalls_repeats_and_is_cut(
    tmp_path: Path,
) -> None:
    manners = Manners(cut_every_s=2.5, stall_s=2, bytes_per_s=4e6)
    peaks = carry(tmp_path, 50_000, manners)
    assert min(manners.cuts, manners.repeats, manners.stalls) >= 1
    assert max(peaks) < MEMORY_LIMIT_MB
    all_have(tmp_path, 50_000)


@pytest.mark.nightly
def test_a_million_operations_come_over_a_line_that_is_cut_every_half_minute(
    tmp_path: Path,
) -> None:
    manners = Manners(cut_every_s=30, stall_s=2, bytes_per_s=4e6)
    peaks = carry(tmp_path, 1_000_000, manners)
    assert min(manners.cuts, manners.repeats, manners.stalls) >= 1
    print(f"peaks of memory: {peaks} MB, {manners}")
    assert max(peaks) < MEMORY_LIMIT_MB
    all_have(tmp_path, 1_000_000)
