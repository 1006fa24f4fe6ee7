"""Envelope spectra kept beside the evidence: a recording is looked at once, not at every request.

A long recording takes seconds of a processor. Another process computes it, and what a page draws
is kept under the file, the bearing, the stated speed and the version of the method; it can be
thrown away at any time.
"""

import os
import subprocess
import sys
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock

import msgspec
import numpy as np

from railtrace.analysis.bearings import Bearing, fault_orders
from railtrace.analysis.decimate import highest
from railtrace.analysis.recording import recording
from railtrace.analysis.vibration import METHODS, looked
from railtrace.app import App
from railtrace.config import Config
from railtrace.errors import BadEvidence
from railtrace.interchange.evidence_files import Waveform, waveform
from railtrace.projections.diagnoses import VERSIONS

POINTS = 6_000
AT_ONCE = 500_000
"""Samples up to which a recording is looked at while the answer is made."""
KEPT = 1_000
"""Spectra on the disk, some 300 kB each; the oldest go."""
MOST_JOBS = 2


class Kept(msgspec.Struct, frozen=True):
    """One method's spectrum and what it says."""

    low_hz: float
    high_hz: float
    damage: str
    order: float
    level_db: float
    threshold_db: float
    found: str | None
    orders: list[float]
    levels: list[float]


class Spectra(msgspec.Struct, frozen=True):
    """What a recording shows by every method, or why it shows nothing."""

    rpm: float = 0.0
    stated_rpm: float | None = None
    confirmed: bool = False
    statement_contradicted: bool = False
    fault_orders: dict[str, float] = {}
    methods: dict[str, Kept] = {}
    refusal: tuple[str, str, dict[str, float | str]] | None = None

    @property
    def hz(self) -> float:
        """Revolutions per second."""
        return self.rpm / 60

    def require(self) -> "Spectra":
        """Return these spectra. Raises BadEvidence where the recording was refused."""
        if self.refusal is None:
            return self
        template, reason, values = self.refusal
        raise BadEvidence(template, reason=reason, **values)


@dataclass(frozen=True)
class Asked:
    """Which recording is looked at, as what."""

    sha256: str
    suffix: str
    name: str
    bearing: Bearing
    rpm: float | None

    @property
    def key(self) -> str:
        """Under what the answer is kept."""
        geometry = "|".join(repr(float(x)) if isinstance(x, int | float) else str(x)
                            for x in astuple(self.bearing))  # fmt: skip
        rpm = "" if self.rpm is None else repr(float(self.rpm))
        told = f"{self.sha256}|{self.suffix}|{geometry}|{rpm}|{VERSIONS['vibration']}"
        return sha256(told.encode()).hexdigest()


def spectra_of(wave: Waveform, asked: Asked) -> Spectra:
    """Return what a recording shows; a refusal is an answer too."""
    try:
        return _shown(wave, asked)
    except BadEvidence as error:
        values = {k: v if isinstance(v, int | float) else str(v) for k, v in error.values.items()}
        return Spectra(refusal=(error.template, error.reason, values))


def _shown(wave: Waveform, asked: Asked) -> Spectra:
    if wave.sampling_rate_hz is None:
        raise BadEvidence("{file} does not say its sampling rate: give it with --rate",
                          reason="sampling_rate", file=asked.name)  # fmt: skip
    taken = recording(wave.samples, wave.sampling_rate_hz, asked.rpm)
    look, lines = looked(taken, asked.bearing)
    methods = {}
    for result in look.results:
        found = lines[result.method]
        at, level = highest(found.level_db, POINTS)
        strongest = result.strongest
        methods[result.method] = Kept(
            result.band.low_hz, result.band.high_hz, strongest.damage, strongest.order,
            strongest.level_db, result.threshold_db, result.found,
            np.round(at * found.step_hz / look.speed.hz, 5).tolist(), np.round(level, 2).tolist(),
        )  # fmt: skip
    orders = fault_orders(asked.bearing)
    return Spectra(
        look.speed.rpm, look.speed.stated_rpm, look.speed.confirmed,
        look.speed.statement_contradicted,
        {"outer": orders.outer, "inner": orders.inner, "ball": orders.ball, "cage": orders.cage},
        {method: methods[method] for method in METHODS},
    )  # fmt: skip


class SpectraJobs:
    """The spectra of one installation: kept, short ones made at once, long ones by a process."""

    def __init__(self, config: Config) -> None:
        self._folder = Path(config.data_folder) / "spectra"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = Lock()

    def get(self, path: Path, asked: Asked, wave: Waveform | None = None) -> Spectra | None:
        """Return the spectra of a recording, None while another process computes them.

        Raises
        ------
        BadEvidence : the file cannot be read, or the process ended without an answer.
        """
        if (kept := read(self._folder, asked)) is not None:
            return kept
        wave = wave or waveform(path, suffix=asked.suffix)
        if len(wave.samples) <= AT_ONCE:
            return spectra_of(wave, asked)
        return self._by_another(path, asked)

    def _by_another(self, path: Path, asked: Asked) -> Spectra | None:
        with self._lock:
            job = self._running.get(asked.key)
            if job is not None and job.poll() is not None:
                del self._running[asked.key]
                if (kept := read(self._folder, asked)) is not None:
                    return kept
                raise BadEvidence("the spectrum could not be computed: the process ended with "
                                  "{code}", reason="not_computed", code=job.returncode)  # fmt: skip
            alive = sum(one.poll() is None for one in self._running.values())
            if job is None and alive < MOST_JOBS:
                self._running[asked.key] = _begun(self._folder, path, asked)
        return None


def _begun(folder: Path, path: Path, asked: Asked) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(
        [sys.executable, "-m", "railtrace.operating.spectra"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(msgspec.json.encode((str(folder), str(path), asked)))
    child.stdin.close()
    return child


def read(folder: Path, asked: Asked) -> Spectra | None:
    """Return kept spectra; a damaged file is as good as none."""
    try:
        return msgspec.json.decode((folder / f"{asked.key}.json").read_bytes(), type=Spectra)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def keep(folder: Path, asked: Asked, found: Spectra) -> None:
    """Keep spectra, whole or not at all, and let the oldest go."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{asked.key}.{os.getpid()}.draft"
    draft.write_bytes(msgspec.json.encode(found))
    draft.replace(folder / f"{asked.key}.json")
    kept = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in kept[:-KEPT]:
        file.unlink(missing_ok=True)


def kept_for(app: App, asked: Asked, wave: Waveform) -> None:
    """Keep the spectra of a long recording where nobody has; of a short one nothing is kept."""
    folder = app.config.data_folder / "spectra"
    if len(wave.samples) > AT_ONCE and read(folder, asked) is None:
        keep(folder, asked, spectra_of(wave, asked))


def main() -> None:
    """Compute and keep the spectra of the one recording that is named on standard input."""
    if hasattr(os, "nice"):
        os.nice(15)
    folder, path, asked = msgspec.json.decode(
        sys.stdin.buffer.read(), type=tuple[str, str, Asked]
    )
    found = spectra_of(waveform(Path(path), suffix=asked.suffix), asked)
    keep(Path(folder), asked, found)


if __name__ == "__main__":
    main()
