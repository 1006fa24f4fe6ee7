"""The command `railtrace diagnose`: raw files of recordings, profiles and press curves, judged."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from railtrace.analysis.bearings import Bearing
    from railtrace.analysis.reasons import Reason
    from railtrace.analysis.recording import Recording
    from railtrace.analysis.vibration import Diagnosis, MethodResult
    from railtrace.analysis.wheel_profile import Profile
    from railtrace.catalogue.rows import Catalogue

Report = dict[str, Any]


class Evidence(StrEnum):
    """What kind of file it is."""

    VIBRATION = "vibration"
    PROFILE = "profile"
    PRESS = "press"
    GEAR = "gear"
    WASH = "wash"
    NDT = "ndt_set_up"
    BRAKE = "brake_trace"
    INSULATION = "insulation"
    LOAD_BANK = "load_bank"
    OIL = "oil"
    WEAR = "wear"
    WHEELS = "wheels"
    ROUNDNESS = "roundness"
    FLATS = "flats"
    METAL = "metal"
    PLAUSIBILITY = "plausibility"
    LEDGER = "ledger"
    CASING = "casing"


Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Raw files")]
Kind = Annotated[Evidence, typer.Option("--as", help="What the files are")]
BearingKey = Annotated[str, typer.Option("--bearing", help="Key of the declared bearing")]
Neighbours = Annotated[list[str] | None, typer.Option("--neighbour", help="Others on the shaft")]
Repeats = Annotated[list[Path] | None, typer.Option("--repeat", help="The same bearing again")]
Rpm = Annotated[float | None, typer.Option(help="Stated shaft speed")]
Rate = Annotated[float | None, typer.Option(help="Sampling rate [Hz], if the file has none")]
Channel = Annotated[str, typer.Option(help="Channel, if the file has several")]
Known = Annotated[str, typer.Option("--known", help="Declared damage: outer, inner or ball")]
Seat = Annotated[float | None, typer.Option("--seat", help="Length of the seat [mm]")]
LimitKey = Annotated[str, typer.Option("--limit", help="Catalogue limit that holds the band")]
Targets = Annotated[
    list[Path] | None, typer.Option("--target", help="A profile to restore, as scanned")
]
Teeth = Annotated[int | None, typer.Option(help="Teeth of the gear wheel on the shaft")]
GearKey = Annotated[str, typer.Option("--gear", help="Catalogue row of the gear wheel")]
Stages = Annotated[list[str] | None, typer.Option("--stage", help="Of a wash: key=seconds")]
RuleKey = Annotated[str, typer.Option("--rule", help="Check rule, if there are several")]
UnitType = Annotated[str, typer.Option("--type", help="Catalogue type of what was tested")]
Deviation = Annotated[float, typer.Option(help="Of the laboratory [mg/kg]")]
Changed = Annotated[list[float] | None, typer.Option("--changed", help="Oil changed at [hours]")]
WheelProfileKey = Annotated[
    str, typer.Option("--wheel-profile", help="Catalogue row that says where a wheel is measured")
]
AheadKm = Annotated[float, typer.Option("--ahead", min=1, help="To the next inspection [km]")]
ZoneKey = Annotated[str, typer.Option("--zones", help="Catalogue row of the casing's zones")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def diagnose(
    files: Files,
    kind: Kind = Evidence.VIBRATION,
    bearing: BearingKey = "",
    neighbour: Neighbours = None,
    repeat: Repeats = None,
    rpm: Rpm = None,
    rate: Rate = None,
    channel: Channel = "",
    known: Known = "",
    seat: Seat = None,
    limit: LimitKey = "press_force.wheel_centre.locomotive",
    target: Targets = None,
    wheel_profile: WheelProfileKey = "wheel.miniprof",
    teeth: Teeth = None,
    gear: GearKey = "",
    stage: Stages = None,
    unit_type: UnitType = "",
    rule: RuleKey = "",
    deviation: Deviation = 1.0,
    changed: Changed = None,
    ahead: AheadKm = 25_000.0,
    zones: ZoneKey = "iso10816.class2",
    as_json: AsJson = False,
) -> None:
    """Judge raw files: recordings, wheels, press-fit curves, traces of tests, oil, what was told.

    A recording is .npz, .npy, .wav or .csv; a profile a .csv with x_mm, y_mm; a press curve a .csv
    with displacement_mm, force_kn; a trace a .csv with semicolons as the gateway keeps it;
    operations are a JSON a line; all else is a table with a header. Each file is judged by itself;
    what cannot be judged is refused by name, and the command then ends with 1.
    """
    from railtrace.commands import diagnose_tables, diagnose_tests

    def by_rule(method: Evidence) -> Callable[[Path], Report]:
        stages = diagnose_tests.stages_of(stage or [])
        return lambda file: diagnose_tests.ruled(file, method, _catalogue(), stages, unit_type,
                                               rule)

    judge: dict[Evidence, Callable[[Path], Report]] = {
        Evidence.VIBRATION: _vibration(bearing, neighbour or [], repeat or [], rpm, rate, channel,
                                       known),
        Evidence.PROFILE: _profile(target or [], wheel_profile),
        Evidence.PRESS: _press(seat, limit),
        Evidence.GEAR: lambda file: diagnose_tests.gear(
            _recording(file, rpm, rate, channel), [_recording(path, rpm, rate, channel)
                                                   for path in repeat or []],
            teeth, gear, _catalogue()),
        Evidence.OIL: lambda file: diagnose_tests.oil(file, deviation, changed or []),
        Evidence.WEAR: lambda file: diagnose_tables.wear(file, _catalogue(), unit_type, ahead),
        Evidence.WHEELS: lambda file: diagnose_tables.wheels(file, _catalogue(), unit_type),
        Evidence.ROUNDNESS: diagnose_tables.roundness,
        Evidence.FLATS: diagnose_tables.flats,
        Evidence.METAL: diagnose_tables.metal,
        Evidence.PLAUSIBILITY: diagnose_tables.plausibility,
        Evidence.LEDGER: diagnose_tables.ledger,
        Evidence.CASING: lambda file: _casing(_recording(file, rpm, rate, channel), zones),
        **{one: by_rule(one) for one in (Evidence.WASH, Evidence.NDT, Evidence.BRAKE,
                                         Evidence.INSULATION, Evidence.LOAD_BANK)},
    }  # fmt: skip
    reports = [_judged(file, judge[kind]) for file in files]
    if as_json:
        typer.echo(json.dumps(reports, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        for line in _lines(reports):
            typer.echo(line)
    if any("refused" in report for report in reports):
        raise typer.Exit(1)


def _judged(file: Path, judge: Callable[[Path], Report]) -> Report:
    from railtrace.errors import BadEvidence

    try:
        return {"file": str(file), **judge(file)}
    except BadEvidence as refusal:
        return {"file": str(file), "refused": refusal.reason, "message": str(refusal)}


def _vibration(
    bearing: str,
    neighbours: list[str],
    repeats: list[Path],
    rpm: float | None,
    rate: float | None,
    channel: str,
    known: str,
) -> Callable[[Path], Report]:
    def judge(file: Path) -> Report:
        from railtrace.analysis import vibration

        damage = _damage(known)
        found = vibration.diagnose(
            _recording(file, rpm, rate, channel),
            _bearing(bearing),
            neighbours=[_bearing(key) for key in neighbours],
            repeats=[_recording(path, rpm, rate, channel) for path in repeats],
            known_damage=damage,
        )
        return _of_diagnosis(found)

    return judge


def _damage(known: str) -> Any:
    from railtrace.analysis.bearings import DAMAGES
    from railtrace.errors import NotFound

    if known and known not in DAMAGES:
        raise NotFound(
            "{known} is no damage; it is one of {all}", known=known, all=", ".join(DAMAGES)
        )
    return known or None


def _catalogue() -> "Catalogue":
    """Return the shipped rows with the site's own over them."""
    from railtrace import config
    from railtrace.catalogue.load import load

    site = config.load().data_folder / "catalogue"
    return load(*([site] if site.exists() else []))


def _bearing(key: str) -> "Bearing":
    from railtrace.analysis.bearings import Bearing
    from railtrace.errors import NotFound

    rows = _catalogue().bearing_types
    if key not in rows:
        raise NotFound(
            "The catalogue has no bearing {key}; it has {known}: name one with --bearing",
            key=key or "(none named)",
            known=", ".join(rows),
        )
    row = rows[key]
    return Bearing(
        row.key,
        row.rolling_elements,
        row.element_diameter_mm,
        row.pitch_diameter_mm,
        row.contact_angle_deg,
    )


def _recording(file: Path, rpm: float | None, rate: float | None, channel: str) -> "Recording":
    from railtrace.analysis.recording import recording
    from railtrace.errors import BadEvidence
    from railtrace.interchange.evidence_files import waveform

    found = waveform(file, channel)
    sampling_rate = rate or found.sampling_rate_hz
    if sampling_rate is None:
        raise BadEvidence(
            "{file} does not say its sampling rate: give it with --rate",
            reason="sampling_rate",
            file=file,
        )
    return recording(found.samples, sampling_rate, rpm)


def _of_diagnosis(found: "Diagnosis") -> Report:
    first = found.looks[0]
    return {
        "outcome": found.outcome,
        "damage": found.damage,
        "reasons": _reasons(found.reasons),
        "speed": {
            "rpm": round(first.speed.rpm, 2),
            "stated_rpm": first.speed.stated_rpm,
            "confirmed": first.speed.confirmed,
            "statement_contradicted": first.speed.statement_contradicted,
        },
        "methods": [_of_method(result) for result in first.results],
        "sha256": first.sha256,
    }


def _of_method(result: "MethodResult") -> Report:
    strongest = result.strongest
    return {
        "method": result.method,
        "band_hz": [round(result.band.low_hz), round(result.band.high_hz)],
        "strongest": strongest.damage,
        "order": round(strongest.order, 4),
        "level_db": round(strongest.level_db, 2),
        "threshold_db": round(result.threshold_db, 2),
        "found": result.found,
    }


def _reasons(reasons: Iterable["Reason"]) -> list[Report]:
    return [{"code": reason.code, "text": reason.text} for reason in reasons]


def _profile(targets: list[Path], key: str) -> Callable[[Path], Report]:
    from dataclasses import asdict

    from railtrace.analysis.wheel_profile import parameters, profile
    from railtrace.interchange.evidence_files import scan
    from railtrace.operating.scans import conventions_of

    def judge(file: Path) -> Report:
        worn = profile(*scan(file))
        row = _wheel_profile(key)
        found = parameters(worn, conventions_of(row))
        report: Report = {
            "outcome": "measured",
            "wheel_profile": key,
            "confirmed": row.confirmed,
            "parameters": {key: _rounded(value) for key, value in asdict(found).items()},
        }
        return report | ({"cuts": _cuts(worn, targets, row)} if targets or row.contour else {})

    return judge


def _wheel_profile(key: str) -> Any:
    from railtrace.errors import NotFound

    rows = _catalogue().wheel_profiles
    if key not in rows:
        raise NotFound("The catalogue has no wheel profile {key}; it has {known}", key=key,
                       known=", ".join(rows))  # fmt: skip
    return rows[key]


def _cuts(worn: "Profile", targets: list[Path], row: Any) -> list[Report]:
    """Return the cut for each profile that may be restored, least loss of diameter first."""
    from railtrace.analysis.wheel_profile import contour, least_cut, profile
    from railtrace.interchange.evidence_files import scan

    permitted = {path.stem: profile(*scan(path)) for path in targets}
    if row.contour:
        permitted[row.key] = contour(row.contour)
    return [
        {"target": cut.target, "depth_mm": _rounded(cut.depth_mm),
         "diameter_loss_mm": _rounded(cut.diameter_loss_mm),
         "metal_mm2": _rounded(cut.metal_mm2)}
        for cut in least_cut(worn, permitted, row.datum_mm)
    ]  # fmt: skip


def _casing(taken: "Recording", key: str) -> Report:
    """Return the zone of a casing's velocity: screening of the machine, never of a bearing."""
    from railtrace.analysis.casing_vibration import velocity_rms_mm_s, zone
    from railtrace.errors import NotFound

    rows = _catalogue().vibration_zones
    if key not in rows:
        raise NotFound("The catalogue has no zones {key}; it has {known}", key=key,
                       known=", ".join(rows))  # fmt: skip
    row, velocity = rows[key], velocity_rms_mm_s(taken)
    return {
        "outcome": f"zone {zone(velocity, row.a_to, row.b_to, row.c_to)}", "zones": key,
        "confirmed": row.confirmed, "parameters": {"velocity_rms_mm_s": _rounded(velocity)},
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _press(seat: float | None, limit: str) -> Callable[[Path], Report]:
    def judge(file: Path) -> Report:
        from railtrace.analysis.press_fit import judge, press_curve
        from railtrace.errors import BadEvidence

        if seat is None:
            raise BadEvidence(
                "The length of the seat is not in {file}: give it with --seat",
                reason="seat_length",
                file=file,
            )
        travel, force = _columns(file, "displacement_mm", "force_kn")
        curve = press_curve(travel, force, seat)
        verdict = judge(curve, _rule(limit))
        return {
            "outcome": verdict.verdict,
            "final_kn_per_100mm": round(verdict.final_kn_per_100mm, 1),
            "limit": limit,
            "reasons": _reasons(verdict.reasons),
            "proof_load_kn": round(verdict.proof.load_kn, 1) if verdict.proof else None,
        }

    return judge


def _rule(key: str) -> Any:
    from railtrace.analysis.press_fit import PressRule
    from railtrace.errors import NotFound

    row = _catalogue().limits.get(key)
    if row is None or row.unit != "kN/100mm" or row.min is None or row.max is None:
        raise NotFound("The catalogue has no press band {key}", key=key)
    return PressRule(float(row.min), float(row.max))


def _columns(file: Path, *names: str) -> list[Any]:
    from railtrace.errors import BadEvidence
    from railtrace.interchange.evidence_files import table

    columns = table(file)
    for name in names:
        if name not in columns:
            raise BadEvidence(
                "{file} has no column {name}; its columns are {columns}",
                reason="columns",
                file=file,
                name=name,
                columns=", ".join(columns),
            )
    return [columns[name] for name in names]


def _lines(reports: Iterable[Report]) -> Iterable[str]:
    from railtrace.commands.diagnose_tables import lines_of

    for report in reports:
        if "refused" in report:
            yield f"{report['file']}: refused ({report['refused']}): {report['message']}"
            continue
        damage = f", {report['damage']}" if report.get("damage") else ""
        yield f"{report['file']}: {report['outcome']}{damage}"
        for reason in report.get("reasons", []):
            yield f"  {reason['text']}"
        for key, value in report.get("parameters", {}).items():
            if value is not None:
                yield f"  {key} {value}"
        for cut in report.get("cuts", []):
            yield (f"  to restore {cut['target']}: {cut['depth_mm']} mm deep, "
                   f"{cut['diameter_loss_mm']} mm of the diameter")
        yield from lines_of(report)
