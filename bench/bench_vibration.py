"""Diagnostics of bearings: right, wrong and silent on labelled recordings; speed against bare FFTs.

Thresholds are those of sound bearings: `levels` shows what white noise and the sound bearings of
the recordings reach, which is where the constants of `railtrace.analysis.vibration` come from.
The recordings are given by a folder with `manifest.csv` (RAILTRACE_RECORDINGS), the six kept for
tests otherwise.
"""

import csv
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import fft

from bench.table import Row, at_least, at_most, in_turn, seconds
from railtrace.analysis import envelope, vibration
from railtrace.analysis.bearings import DAMAGES, Bearing, fault_orders
from railtrace.analysis.recording import Recording, recording
from railtrace.analysis.shaft_speed import ShaftSpeed, _comb
from railtrace.analysis.vibration import Diagnosis, Method, MethodResult, diagnose, diagnose_batch
from railtrace.interchange.evidence_files import Waveform
from railtrace.operating.spectra import Asked, keep, read, spectra_of
from railtrace.simulation.bearings import vibration as vibration_of

KEPT = Path("tests/data/vibration")
ENDS = {
    "DE": Bearing("6205-2RS", 9, 7.94004, 39.0398),
    "FE": Bearing("6203-2RS", 8, 6.74624, 28.4988),
}
NOMINAL_RPM = {"0": 1797, "1": 1772, "2": 1750, "3": 1730}
FAULTS = {"B": "ball", "IR": "inner", "OR": "outer", "N": "none"}


@dataclass(frozen=True)
class Case:
    """One bearing of one recording: its name, end, what is true of it, the recording."""

    name: str
    end: str
    truth: str
    taken: Recording

    @property
    def other(self) -> Bearing:
        """The bearing at the other end."""
        return ENDS["FE" if self.end == "DE" else "DE"]

    def diagnosed(self) -> Diagnosis:
        """Return what we say."""
        return diagnose(self.taken, ENDS[self.end], neighbours=[self.other])


def rows() -> list[Row]:
    """Measure and print the list of bearings."""
    cases = list(_cases(Path(os.environ.get("RAILTRACE_RECORDINGS", KEPT))))
    return [*_outcomes(cases), _one_envelope(), _whole_record(), _long_page(), _batch()]


# --- right, wrong, silent -------------------------------------------------------------------------


def _cases(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.npz")):
        stem, stated = path.stem.split("_"), _stated_rpm(path)
        faulty = stem[0] if stem[0] in ENDS else ""
        kind = FAULTS[stem[1].rstrip("0123456789at").rstrip("0123456789")] if faulty else "none"
        with np.load(path) as file:
            for end in (end for end in ENDS if end in file.files):
                samples = file[end] * float(file[f"scale_{end}"])
                truth = kind if end == faulty else "sound"
                yield Case(path.stem, end, truth, recording(samples, float(file["fs"]), stated))


def _stated_rpm(path: Path) -> float:
    """Return what the manifest states, or what the motor's load promises."""
    manifest = path.parent / "manifest.csv"
    if manifest.exists():
        with manifest.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["file"] == path.name and row["rpm_in_file"]:
                    return float(row["rpm_in_file"])
    load = next((part[0] for part in path.stem.split("_") if part.endswith("hp")), "0")
    return float(NOMINAL_RPM[load])


def _outcomes(cases: list[Case]) -> list[Row]:
    ours: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for case in cases:
        found = case.diagnosed()
        white = _plain(case)
        ours[_mark(case, found.damage)] += 1
        plain[_mark(case, white)] += 1
        print(f"{case.name:26} {case.end} {case.truth:6} {found.outcome:13} {found.damage or '-':6}"
              f" plain {white or '-':6} {_levels(found)} {found.reasons[0].text}")  # fmt: skip
        if case.truth == "sound" and found.outcome != "sound":
            ours["heard"] += 1
    _print_levels(cases)
    return [
        at_least("damaged bearings named, beside plain prewhitening", f"{ours['right']}",
                 f"{plain['right']}", ours["right"] / max(1, plain["right"]), 1),
        Row("wrong names", f"{ours['wrong']}", f"{plain['wrong']}", "–", "0", not ours["wrong"]),
        Row("sound bearings not silent", f"{ours['heard']}", f"{plain['false']}", "–", "0",
            not ours["heard"]),
    ]  # fmt: skip


def _mark(case: Case, damage: str | None) -> str:
    if case.truth == "sound":
        return "false" if damage else "silent"
    if damage is None:
        return "missed"
    return "right" if damage == case.truth else "wrong"


def _plain(case: Case) -> str | None:
    """Prewhitening and envelope alone, no neighbours, at its own threshold."""
    return vibration.look(case.taken, ENDS[case.end]).prewhitened.found


def _levels(found: Diagnosis) -> str:
    def one(result: MethodResult) -> str:
        return f"{result.method[:5]} {result.strongest.damage[:2]} {result.over_db:+5.1f}"

    return " | ".join(one(result) for result in found.looks[0].results)


# --- where the thresholds come from ---------------------------------------------------------------


def _print_levels(cases: list[Case]) -> None:
    """Print what noise and sound bearings reach, over the noise term for their searched bins."""
    print("white noise, 95th percentile over", vibration.THRESHOLDS.noise_db, "dB:",
          {m: round(v, 2) for m, v in _percentiles(_noise_looks()).items()})  # fmt: skip
    sound = [case for case in cases if case.truth == "sound"]
    if len(sound) > 10:
        names = [f"{case.name}/{case.end}" for case in sound]
        print("sound bearings:", ", ".join(names))
        found = _percentiles([vibration.look(c.taken, ENDS[c.end]) for c in sound])
        print("95th percentile:", {m: round(v, 2) for m, v in found.items()})
    combs = [_comb(_white(seed, stated=1800)).scores.max() for seed in range(20)]
    print(f"white noise, best of all speeds: {np.quantile(combs, 0.95):.1f} dB at 95 %")


def _percentiles(looks: list[vibration.Look]) -> dict[Method, float]:
    base = {m: vibration.THRESHOLDS.machine_db[m] for m in vibration.METHODS}
    return {
        method: float(np.quantile(
            [look.results[at].over_db + base[method] for look in looks], 0.95))
        for at, method in enumerate(vibration.METHODS)
    }  # fmt: skip


def _noise_looks(count: int = 60) -> list[vibration.Look]:
    return [vibration.look(_white(seed, 1800), ENDS["DE"]) for seed in range(count)]


def _white(seed: int, stated: float | None = None, n: int = 100_000) -> Recording:
    return recording(np.random.default_rng(seed).standard_normal(n), 12_000, stated)


# --- speed ----------------------------------------------------------------------------------------


def _one_envelope(n: int = 1_000_000) -> Row:
    """One envelope spectrum of a band four times the highest fault frequency wide."""
    samples = np.random.default_rng(0).standard_normal(n)
    step, rpm = 48_000 / n, 1800.0
    orders = fault_orders(ENDS["DE"])
    width = int(vibration.BAND_FACTOR * orders.highest * rpm / 60 / step)
    highest = int(vibration.HARMONICS * orders.highest * rpm / 60 / step)
    speed = ShaftSpeed(rpm, 20.0, rpm)

    def ours() -> object:
        bins = envelope.spectrum(samples)[200_000 : 200_000 + width]
        found = envelope.squared_envelope_spectrum(envelope.prewhitened(bins), highest)
        lines = envelope.lines(found, step, 2 * speed.hz)
        return [vibration.evidence_of(lines, speed, d, orders.of(d)) for d in DAMAGES]

    def floor() -> object:
        return fft.rfft(samples), fft.rfft(samples)

    taken, bare, ratio = in_turn(ours, floor, runs=9)
    return at_most("envelope analysis of 1e6 samples, beside two bare FFTs",
                   f"{1000 * taken:.0f} ms", f"{1000 * bare:.0f} ms", ratio, 2)  # fmt: skip


def _whole_record(n: int = 1_000_000) -> Row:
    """The prewhitened envelope spectrum of the whole band: the widest there is."""
    samples = np.random.default_rng(0).standard_normal(n)
    highest = int(vibration.HARMONICS * fault_orders(ENDS["DE"]).highest * 30 * n / 48_000)

    def ours() -> object:
        bins = envelope.prewhitened(envelope.spectrum(samples)[1:])
        return envelope.squared_envelope_spectrum(bins, highest)

    taken, bare, ratio = in_turn(ours, lambda: (fft.rfft(samples), fft.rfft(samples)), runs=9)
    return at_most("the same over the whole band, prewhitened", f"{1000 * taken:.0f} ms",
                   f"{1000 * bare:.0f} ms", ratio, 2.5)  # fmt: skip


def _long_page(n: int = 6_000_000) -> Row:
    """The envelope spectrum that a page draws of six million samples: kept, against made anew."""
    samples = vibration_of(ENDS["DE"], "outer", 1790, n / 12_000, 1)
    wave = Waveform(samples, 12_000.0)
    asked = Asked("0" * 64, ".wav", "long.wav", ENDS["DE"], 1790.0)
    with tempfile.TemporaryDirectory() as folder:
        made = seconds(lambda: keep(Path(folder), asked, spectra_of(wave, asked)))
        kept = min(seconds(lambda: read(Path(folder), asked)) for _ in range(5))
    return at_most(f"spectrum of {n:,} samples for a page, kept, beside computing it",
                   f"{1000 * kept:.0f} ms", f"{made:.1f} s", kept / made, 0.05)  # fmt: skip


def _batch(count: int = 1_000, n: int = 100_000) -> Row:
    """A batch on all processors, against what the same processors give two bare programs."""
    jobs = [(_white(seed % 50, 1800, n), ENDS["DE"]) for seed in range(count)]
    sample = jobs[: count // 5]
    alone = seconds(lambda: diagnose_batch(sample, workers=1)) / len(sample)
    whole = seconds(lambda: diagnose_batch(jobs)) / count
    bare = _bare_gain()
    return at_least(f"batch of {count:,} records of {n:,}: gain of {os.cpu_count()} processors, "
                    "of what bare FFTs gain there", f"×{alone / whole:.2f}", f"×{bare:.2f}",
                    alone / whole / bare, 0.8)  # fmt: skip


def _bare_gain() -> float:
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        workers = os.cpu_count() or 1
        list(pool.map(_transforms, [0.1] * 2 * workers))
        pairs = [(_transforms(1.0), sum(pool.map(_transforms, [1.0] * workers))) for _ in range(3)]
    return statistics.median(many / one for one, many in pairs)


def _transforms(for_seconds: float) -> int:
    """Return how many transforms one processor does in some time."""
    samples, done, end = np.ones(100_000), 0, time.perf_counter() + for_seconds
    while time.perf_counter() < end:
        fft.rfft(samples)
        done += 1
    return done


if __name__ == "__main__":
    for row in rows():
        print(row)
