"""Files of measuring machines, read into arrays; what cannot be read is refused by name."""

import csv
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from railtrace.errors import BadEvidence

Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Waveform:
    """Samples of one channel, shape (n,), scaled; the sampling rate if the file knows it."""

    samples: NDArray[np.float64]
    sampling_rate_hz: float | None


def waveform(path: Path, channel: str = "", suffix: str = "") -> Waveform:
    """Return one channel of a recording: .npz, .npy, .wav or .csv. Raises BadEvidence.

    `suffix` says what the file is where its own name does not.

    An .npz holds one array per channel, `fs`, and `scale_<channel>` where samples are counts; a
    .csv one column per channel.
    """
    read = {".npz": _npz, ".npy": _npy, ".wav": _wav, ".csv": _csv_channel}.get(
        (suffix or path.suffix).lower()
    )
    if read is None:
        raise BadEvidence(
            "{file}: recordings are .npz, .npy, .wav or .csv", reason="file_kind", file=path
        )
    try:
        return read(path, channel)
    except (BadZipFile, EOFError, OSError, ValueError, zlib.error) as error:
        raise BadEvidence(
            "{file} cannot be read, it is cut or damaged: {problem}",
            reason="unreadable",
            file=path,
            problem=error,
        ) from error


def curve(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return displacement [mm] and force [kN] of a press curve. Raises BadEvidence.

    A table with the columns displacement_mm and force_kn, or two bare columns parted by `;` with
    decimal commas, as presses write them.
    """
    text = path.read_bytes().decode("cp1251", errors="replace").replace("\ufeff", "")
    if "displacement_mm" in text[:200]:
        columns = table(path)
        return columns["displacement_mm"], columns["force_kn"]
    rows = [line.replace(",", ".").split(";") for line in text.split("\n") if line.strip()]
    try:
        numbers = np.array([[float(row[0]), float(row[1])] for row in rows])
        return numbers[:, 0], numbers[:, 1]
    except (ValueError, IndexError) as error:
        raise BadEvidence(
            "{file} is no press curve: two columns, way and force, are wanted",
            reason="unreadable",
            file=path,
        ) from error


def scan(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y [mm] of a scanned profile: columns x_mm, y_mm, however they are parted.

    Raises BadEvidence for a file that is none.
    """
    columns = _parted(path)
    for name in ("x_mm", "y_mm"):
        if name not in columns:
            raise BadEvidence("{file} has no column {name}; its columns are {columns}",
                              reason="columns", file=path, name=name,
                              columns=", ".join(columns))  # fmt: skip
    return columns["x_mm"], columns["y_mm"]


def _parted(path: Path) -> Columns:
    """Return a table as a gateway writes it (`key [unit]`, semicolons), or as `table` reads it."""
    with path.open("rb") as file:
        head = file.readline()
    if b";" not in head:
        return table(path)
    text = path.read_text("utf-8", errors="replace").splitlines()
    rows = [row.replace(",", ".").split(";") for row in text if row]
    names = [name.partition(" [")[0].strip() for name in rows[0]]
    return {name: _numbers(path, name, at, rows[1:]) for at, name in enumerate(names)}


def table(path: Path) -> Columns:
    """Return the columns of a .csv with a header. Raises BadEvidence for what is no number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except (ValueError, OSError) as error:
        raise BadEvidence(
            "{file} is no table with a header: {problem}",
            reason="unreadable",
            file=path,
            problem=error,
        ) from error
    return {name.strip(): _numbers(path, name, at, rows) for at, name in enumerate(header)}


def _numbers(path: Path, name: str, at: int, rows: list[list[str]]) -> NDArray[np.float64]:
    values = np.empty(len(rows))
    for line, row in enumerate(rows, 2):
        try:
            values[line - 2] = float(row[at])
        except (ValueError, IndexError) as error:
            raise BadEvidence(
                "{file}, line {line}: {name} is no number; the file may be cut",
                reason="unreadable",
                file=path,
                line=line,
                name=name,
            ) from error
    return values


def _npz(path: Path, channel: str) -> Waveform:
    with np.load(path, allow_pickle=False) as file:
        channels = [key for key in file.files if file[key].ndim == 1 and file[key].size > 1]
        key = _chosen(path, channels, channel)
        scale = float(file[f"scale_{key}"]) if f"scale_{key}" in file.files else 1.0
        rate = float(file["fs"]) if "fs" in file.files else None
        return Waveform(file[key] * scale, rate)


def _npy(path: Path, channel: str) -> Waveform:
    return Waveform(np.load(path, allow_pickle=False), None)


def _wav(path: Path, channel: str) -> Waveform:
    from scipy.io import wavfile

    with warnings.catch_warnings():
        # A file cut short would be read as a shorter recording, with a warning nobody sees.
        warnings.filterwarnings("error", message="Reached EOF")
        warnings.filterwarnings("ignore", message="Chunk")
        try:
            rate, samples = wavfile.read(path)
        except wavfile.WavFileWarning as cut:
            raise ValueError(str(cut)) from cut
    if samples.ndim == 2:
        key = _chosen(path, [str(n + 1) for n in range(samples.shape[1])], channel)
        samples = samples[:, int(key) - 1]
    return Waveform(samples.astype(np.float64), float(rate))


def _csv_channel(path: Path, channel: str) -> Waveform:
    columns = table(path)
    return Waveform(columns[_chosen(path, list(columns), channel)], None)


def _chosen(path: Path, channels: list[str], channel: str) -> str:
    if channel in channels:
        return channel
    if not channel and len(channels) == 1:
        return channels[0]
    raise BadEvidence(
        "{file} has the channels {channels}; choose one with --channel",
        reason="channel",
        file=path,
        channels=", ".join(channels) or "none",
    )
