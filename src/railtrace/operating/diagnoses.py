"""Evidence judged by our own methods: recordings, curves, scans, traces, samples.

What a machine recorded stays as it said it. Our diagnosis is an operation of its own that names
the entry, the file, the method and its version, and what it leaned on. Its id follows from the
entry and the method, so whoever computes it twice records it once.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec

from railtrace.analysis.bearings import Bearing
from railtrace.analysis.gears import diagnose_gear
from railtrace.analysis.press_fit import (
    PressRule,
    PressVerdict,
    Verdict,
    judge,
    judge_final_force,
    press_curve,
)
from railtrace.analysis.recording import Recording, recording
from railtrace.analysis.vibration import Diagnosis, diagnose
from railtrace.app import App
from railtrace.catalogue.in_force import limit_for
from railtrace.catalogue.rows import Catalogue, GearType, Limit
from railtrace.config import Config
from railtrace.errors import BadEvidence, NotFound, RailtraceError
from railtrace.interchange.evidence_files import Waveform, curve, waveform
from railtrace.operating.evidence import END, record, waiting
from railtrace.operating.oil import judged_sample
from railtrace.operating.outcomes import Outcome, reading_of, refused
from railtrace.operating.rule_tests import judged_test
from railtrace.operating.scans import judged_scans, scans_in
from railtrace.operating.spectra import Asked, kept_for
from railtrace.projections.diagnoses import VERSIONS, Diagnoses
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace.operation import (
    Diagnosed,
    DiagnosisReason,
    Evidence,
    EvidenceDiagnosed,
    FluidSampled,
    MachineResult,
    Measured,
    Operation,
)

RECORDED = (".wav", ".npz", ".npy", ".csv")
REPEATS_WITHIN_US = 30 * 86_400_000_000
"""An earlier recording is a repeat for a month, and until the bearing is taken apart."""
MOST_REPEATS = 3
_LEAST_PRESSED = ("press_final_force", "press_seat_length")


def diagnosis_id(entry: str, method: str) -> str:
    """Return the id of our diagnosis of an entry's evidence by a method."""
    return f"diag:{method}-{VERSIONS[method]}:{sha256(entry.encode()).hexdigest()[:24]}"


def bearing_of(catalogue: Catalogue, key: str) -> Bearing:
    """Return the geometry of a bearing type of the catalogue. Raises BadEvidence without one."""
    row = catalogue.bearing_types.get(key)
    if row is None:
        raise BadEvidence(
            "The catalogue has no geometry of the bearing {bearing}: measure one, or ask its "
            "maker, and add a row",
            reason="bearing_unknown",
            bearing=key or "(none declared)",
        )
    return Bearing(
        row.key, row.rolling_elements, row.element_diameter_mm, row.pitch_diameter_mm,
        row.contact_angle_deg,
    )  # fmt: skip


def recording_in(operation: Operation) -> Evidence | None:
    """Return the file of an operation that holds a recording, by its name or media type."""
    for file in operation.evidence:
        if file.media_type == "audio/wav" or Path(file.name).suffix.lower() in RECORDED:
            return file
    return None


def suffix_of(file: Evidence) -> str:
    """Return how a kept file is to be read; kept files have no names."""
    return ".wav" if file.media_type == "audio/wav" else Path(file.name).suffix.lower()


def asked_of(operation: Operation, file: Evidence, bearing: Bearing) -> Asked:
    """Return how the spectra of a recording are asked for."""
    return Asked(file.sha256, suffix_of(file), file.name, bearing, stated_rpm(operation))


def stated_rpm(operation: Operation) -> float | None:
    """Return the shaft speed an operation states [rpm]."""
    told = reading_of(operation, "shaft_speed")
    return float(told.value) if told is not None and told.unit == "rpm" else None


class EvidenceJudge:
    """Judges what machines recorded in one installation."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._read = Diagnostics(app.views.database)

    def take(self, limit: int = 200) -> list[EvidenceDiagnosed]:
        """Judge what waits and record it, in this process; return what was said."""
        made = [d for id_ in waiting(self._app, limit) if (d := self.judged(id_)) is not None]
        for one in made:
            record(self._app, one)
        self._app.catch_up()
        return made

    def judged(self, id_: str) -> EvidenceDiagnosed | None:
        """Return our diagnosis of an entry; None where its file is not here, or nothing is judged.

        What cannot be judged is a diagnosis too: refused, by name.
        """
        operation = self._app.entry(id_).operation
        if isinstance(operation, Diagnosed) and recording_in(operation) is not None:
            return self._of_recording(operation)
        if isinstance(operation, Measured) and all(
            reading_of(operation, quantity) for quantity in _LEAST_PRESSED
        ):
            return self._of_pressing(operation)
        if isinstance(operation, Operation) and operation.units:
            found = self._of_other(operation)
            return None if found is None else self._made(operation, *found)
        return None

    def _of_other(self, operation: Operation) -> tuple[str, Outcome] | None:
        if isinstance(operation, FluidSampled):
            return judged_sample(self._app, operation)
        if any(scans_in(operation)):
            return judged_scans(self._app, operation)
        return judged_test(self._app, operation, self.machine_result(operation.id))

    def machine_result(self, id_: str) -> MachineResult | None:
        """Return the machine's own result that an entry is a fact of."""
        try:
            found = self._app.entry(f"{id_}:r").operation
        except NotFound:
            return None
        return found if isinstance(found, MachineResult) else None

    def declared_bearing(self, operation: Operation) -> str:
        """Return the bearing or gear that the machine was told, else what stands on the unit."""
        result = self.machine_result(operation.id)
        if result is not None and result.recipe:
            return result.recipe
        catalogue = self._app.catalogue()
        types = {*catalogue.bearing_types, *catalogue.gear_types}
        numbers = self._app.knowledge().passport(operation.units[0]).numbers
        return next((n.value for n in numbers if n.value in types), "")

    def _of_recording(self, operation: Diagnosed) -> EvidenceDiagnosed | None:
        file = recording_in(operation)
        if file is None or self._app.evidence.state(file.sha256) != "kept":
            return None
        key = self.declared_bearing(operation)
        if (gear := self._app.catalogue().gear_types.get(key)) is not None:
            return self._of_gear(operation, file, gear)
        repeats: list[tuple[str, Recording]] = []
        try:
            bearing = bearing_of(self._app.catalogue(), key)
            taken = self._recording(operation, file)
            self._keep_spectra(operation, file, bearing, taken)
            repeats = list(self._repeats(operation))
            found = diagnose(taken, bearing, repeats=[one for _, one in repeats])
        except BadEvidence as refusal:
            told = refused(refusal, key)
        else:
            told = _said(found, key, tuple(id_ for id_, _ in repeats))
        return self._made(operation, "vibration", replace(told, file=file.sha256))

    def _of_gear(
        self, operation: Diagnosed, file: Evidence, gear: GearType
    ) -> EvidenceDiagnosed:
        repeats: list[tuple[str, Recording]] = []
        try:
            taken = self._recording(operation, file)
            repeats = list(self._repeats(operation))
            found = diagnose_gear(
                taken, gear.teeth, repeats=[one for _, one in repeats],
                sideband_limit_db=gear.sidebands_db,
            )  # fmt: skip
        except BadEvidence as refusal:
            told = refused(refusal, gear.key)
        else:
            told = Outcome(found.outcome, found.finding, gear.key, found.reasons,
                           tuple(id_ for id_, _ in repeats))  # fmt: skip
        return self._made(operation, "gear", replace(told, file=file.sha256))

    def _recording(self, operation: Operation, file: Evidence) -> Recording:
        found = waveform(self._app.evidence.path(file.sha256), suffix=suffix_of(file))
        if found.sampling_rate_hz is None:
            raise BadEvidence(
                "{file} does not say its sampling rate: give it with --rate",
                reason="sampling_rate", file=file.name,
            )  # fmt: skip
        return recording(found.samples, found.sampling_rate_hz, stated_rpm(operation))

    def _keep_spectra(
        self, operation: Operation, file: Evidence, bearing: Bearing, taken: Recording
    ) -> None:
        """Keep what the page of a long recording draws, while it is in hand anyhow."""
        wave = Waveform(taken.samples, taken.sampling_rate_hz)
        kept_for(self._app, asked_of(operation, file, bearing), wave)

    def _repeats(self, operation: Operation) -> Iterable[tuple[str, Recording]]:
        """Yield earlier recordings of the same part that can be heard beside this one."""
        state = self._app.knowledge().states(operation.units[0]).get("diagnoses")
        if not isinstance(state, Diagnoses):
            return
        at_us = round(operation.happened_at.timestamp() * 1e6)
        since = max(at_us - REPEATS_WITHIN_US, state.torn_us or -(2**62))
        own = {file.sha256 for file in operation.evidence}
        earlier = [s for s in state.said if s.file and s.made_by != "system"
                   and since < s.at_us < at_us and s.file not in own]  # fmt: skip
        for said in earlier[-MOST_REPEATS:]:
            before = self._app.entry(said.operation).operation
            file = recording_in(before) if isinstance(before, Operation) else None
            if file is not None and self._app.evidence.state(file.sha256) == "kept":
                try:
                    yield said.operation, self._recording(before, file)  # type: ignore[arg-type]
                except BadEvidence:
                    continue

    def _of_pressing(self, operation: Measured) -> EvidenceDiagnosed | None:
        file = next((f for f in operation.evidence if f.evidence_class == "curve"), None)
        if file is not None and self._app.evidence.state(file.sha256) != "kept":
            return None
        row = self.band(operation)
        try:
            verdict = pressing(
                operation, row, None if file is None else self._app.evidence.path(file.sha256),
                self._machine_verdict(operation.id),
            )
        except BadEvidence as refusal:
            told = refused(refusal, row.key if row else "")
        else:
            finding = f"{verdict.final_kn_per_100mm:.1f} kN/100mm"
            told = Outcome(verdict.verdict, finding, row.key if row else "", verdict.reasons)
        return self._made(
            operation, "press_fit", replace(told, file=file.sha256 if file else None)
        )

    def _machine_verdict(self, id_: str) -> Verdict | None:
        result = self.machine_result(id_)
        words: dict[str, Verdict] = {"ok": "fit", "not_ok": "unfit"}
        return None if result is None else words.get(result.evaluation)

    def band(self, operation: Measured) -> Limit | None:
        """Return the band in force: of the route card's step, else of what the press says."""
        app, knowledge = self._app, self._app.knowledge()
        type_ = knowledge.passport(operation.units[0]).type
        quantities = [r.quantity for r in operation.readings if r.unit == "kN/100mm"]
        if operation.work_order:
            order = knowledge.order(f"order:{operation.work_order}")
            process = app.catalogue().processes.get(order.process)
            quantities[:0] = [s.press for s in process.steps if s.press] if process else []
        day = operation.happened_at.date()
        rows = (
            limit_for(app.catalogue(), quantity, type_, "after_repair", day)
            for quantity in quantities
        )
        return next((row for row in rows if row is not None), None)

    def _made(self, operation: Operation, method: str, told: Outcome) -> EvidenceDiagnosed:
        return EvidenceDiagnosed(
            id=diagnosis_id(operation.id, method), happened_at=self._app.clock(),
            units=operation.units, site=operation.site, device=operation.device,
            performed_by=operation.performed_by, work_order=operation.work_order,
            entry=operation.id, method=method, version=VERSIONS[method],
            outcome=told.outcome,  # type: ignore[arg-type]
            file=told.file, finding=told.finding[:200], declared=told.declared[:200],
            reasons=tuple(DiagnosisReason(code=r.code, text=r.text[:200]) for r in told.reasons),
            repeats=told.repeats, readings=told.readings, catalogue=self._app.views.adopted(),
        )  # fmt: skip


def _said(found: Diagnosis, declared: str, repeats: tuple[str, ...]) -> Outcome:
    outcome = "contradicts" if found.outcome == "contradiction" else found.outcome
    return Outcome(outcome, found.damage or "", declared, found.reasons, repeats)


def press_rule(row: Limit | None) -> PressRule:
    """Return the rule of a band. Raises BadEvidence where the catalogue has none."""
    if row is None or row.min is None or row.max is None:
        raise BadEvidence(
            "The catalogue has no band of force for this joint: add a limit row", reason="no_band"
        )
    return PressRule(float(row.min), float(row.max))


def pressing(
    operation: Operation, row: Limit | None, path: Path | None, machine: Verdict | None
) -> PressVerdict:
    """Return our verdict on a pressing, from its raw curve where there is one."""
    rule = press_rule(row)
    force, seat = (reading_of(operation, quantity) for quantity in _LEAST_PRESSED)
    assert force is not None
    assert seat is not None
    if path is None:
        return judge_final_force(float(force.value), float(seat.value), rule, machine)
    travel, force_kn = curve(path)
    speed = reading_of(operation, "press_ram_speed")
    taken = press_curve(
        travel, force_kn, float(seat.value), None if speed is None else float(speed.value)
    )
    return judge(taken, rule, machine)


def main() -> None:
    """Judge what each line names and print the diagnoses, one a line, then an empty line."""
    if hasattr(os, "nice"):
        os.nice(15)
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=Config)
    for line in sys.stdin.buffer:
        for made in _judged(config, msgspec.json.decode(line, type=list[str])):
            sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
        sys.stdout.buffer.write(END)
        sys.stdout.buffer.flush()


def _judged(config: Config, ids: Sequence[str]) -> Iterator[EvidenceDiagnosed]:
    """Judge by the catalogue and the trace as they stand now: each batch opens them anew."""
    app = App(config)
    judge_of = EvidenceJudge(app)
    for id_ in ids:
        try:
            made = judge_of.judged(id_)
        except RailtraceError as error:
            print(f"{id_}: {error}", file=sys.stderr, flush=True)
            continue
        if made is not None:
            yield made
    app.stop()


if __name__ == "__main__":
    main()
