"""A machine's test judged again by our own rules, from its readings and the evidence it sent.

Both verdicts stand side by side. What the evidence does not tell is said to be unjudged, which is
no fault; evidence that contradicts itself is one. Pure: files come through a function passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from railtrace.analysis import press_fit, rule_checks
from railtrace.analysis.press_fit import PressRule, PressVerdict
from railtrace.analysis.reasons import Reason, because
from railtrace.analysis.rule_checks import Check
from railtrace.catalogue.rows import CheckRule, Limit, NdtLimits, PressShape, WashStage
from railtrace.errors import BadEvidence
from railtrace.trace.operation import MachineResult, Operation

Read = Callable[[str], bytes | None]
MOST_BYTES = 4 << 20
_BAND = ("below_band", "above_band")


@dataclass(frozen=True)
class Ours:
    """Our verdict: by which rule, with every reason, and what could not be judged."""

    rule: CheckRule
    verdict: Literal["fit", "unfit", "unjudged"]
    reasons: tuple[Reason, ...] = ()
    unjudged: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Block:
    """A reference block that lay with a set, and the word on its papers at that moment."""

    unit: str
    word: str


@dataclass(frozen=True)
class Test:
    """What a machine told of one test, and how to read the files it sent."""

    operation: Operation
    result: MachineResult | None
    day: date
    read: Read
    least_mohm: float | None = None
    blocks: tuple[Block, ...] = ()

    def reading(self, quantity: str) -> float | None:
        """Return the first reading of a quantity."""
        found = (r.value for r in self.operation.readings if r.quantity == quantity)
        return next((float(value) for value in found), None)

    def table(self) -> dict[str, list[float]] | None:
        """Return the columns of the table that came with the test, None when none is here."""
        for file in self.operation.evidence:
            if file.media_type == "text/csv" and (file.size or 0) <= MOST_BYTES:
                content = self.read(file.sha256)
                if content is not None:
                    return columns(content)
        return None


def rejudged(rule: CheckRule, test: Test) -> Ours:
    """Return our verdict by a rule; the press is judged by `press`, which needs a band too."""
    try:
        check, unjudged = _judge(rule, test)
    except BadEvidence as error:
        return Ours(rule, "unfit", (_bad(error),))
    if check is None:
        return Ours(rule, "unjudged", (), unjudged)
    return Ours(rule, "fit" if check.valid else "unfit", check.reasons, unjudged)


def _bad(error: BadEvidence) -> Reason:
    return Reason(f"bad_evidence.{error.reason}", error.template, tuple(error.values.items()))


_Judged = tuple[Check | None, tuple[Reason, ...]]
_NO_TRACE = because("no_trace", "no trace came with the result: only its readings are judged")


def _judge(rule: CheckRule, test: Test) -> _Judged:
    if rule.ndt is not None:
        return _ndt(rule.ndt, test)
    if rule.insulation is not None:
        return _insulation(rule, test)
    table = test.table()
    if table is None:
        return None, (_NO_TRACE,)
    if rule.wash:
        return _wash(rule, test, table)
    return (_brake(rule, table) if rule.brake is not None else _notches(rule, table)), ()


def columns(content: bytes) -> dict[str, list[float]]:
    """Return a table of figures by column: named by its first line, or 0, 1, ... without names.

    Columns are parted by semicolons, decimals by point or comma. Raises BadEvidence.
    """
    lines = _text(content).split("\n")
    rows = [line.strip().replace(",", ".").split(";") for line in lines if line.strip()]
    if not rows:
        raise BadEvidence("the table that came with the result is empty", reason="not_a_curve")
    names = [name.partition(" [")[0] for name in rows[0]]
    named = not _is_number(rows[0][0])
    keys, rest = (names, rows[1:]) if named else ([str(n) for n in range(len(names))], rows)
    found: dict[str, list[float]] = {key: [] for key in keys}
    for number, row in enumerate(rest, 1 + named):
        if len(row) != len(keys) or not all(map(_is_number, row)):
            raise BadEvidence("line {line} of the table that came with the result is cut",
                              reason="not_a_curve", line=number)  # fmt: skip
        for key, text in zip(keys, row, strict=True):
            found[key].append(float(text))
    return found


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- washing ------------------------------------------------------------------------------------


def _wash(rule: CheckRule, test: Test, table: dict[str, list[float]]) -> _Judged:
    if test.result is None:
        return None, (_NO_TRACE,)
    asked = {stage.key: _stage(stage) for stage in rule.wash}
    runs, began = [], 0.0
    for phase in test.result.phases:
        lasted = float(phase.duration_s or 0)
        if lasted > 0:
            stage = asked.get(phase.phase, rule_checks.WashStage(phase.phase, 0))
            runs.append(_run(stage, table, began, began + lasted))
        began += lasted
    return rule_checks.check_wash(runs, list(asked.values())), ()


def _stage(stage: WashStage) -> rule_checks.WashStage:
    pressure = stage.least_pressure_kpa
    return rule_checks.WashStage(
        stage.key, stage.seconds, stage.least_temperature_c, stage.most_temperature_c,
        None if pressure is None else pressure / 100, stage.least_share,
    )  # fmt: skip


def _run(
    stage: rule_checks.WashStage, table: dict[str, list[float]], first: float, last: float
) -> rule_checks.WashRun:
    seconds = table.get("second", [])
    inside = [i for i, second in enumerate(seconds) if first <= second <= last]
    signals = []
    for name, scale in (("bath_temperature", 1.0), ("pump_pressure", 0.01)):
        values = table.get(name)
        signals.append(
            rule_checks.trace([seconds[i] for i in inside], [scale * values[i] for i in inside],
                              name) if values and len(inside) > 1 else None
        )  # fmt: skip
    return rule_checks.WashRun(stage, *signals)


# --- inspection, insulation ---------------------------------------------------------------------


def _ndt(limits: NdtLimits, test: Test) -> _Judged:
    """The right of the inspector and the proof of the set are asked of every step already."""
    bad, unsaid = _block(test) if limits.block else ((), ())
    check = _set_up(limits, test)
    if check is None:
        unsaid = (*unsaid, because("no_set_up", "the set-up of the inspection was not told"))
        return (Check(bad) if bad else None), unsaid
    return Check((*bad, *check.reasons)), unsaid


def _block(test: Test) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Return what is wrong with the reference block, and what is not known of it."""
    words = [block.word for block in test.blocks]
    if "valid" in words:
        return (), ()
    if not words:
        return (), (because("no_block", "on which reference block it was set up is not recorded"),)
    if "unrecorded" in words:
        return (), (because("block_unproved", "no papers of the reference block are recorded"),)
    return (because("block_certificate", "the papers of the reference block: {state}",
                    state=words[0]),), ()  # fmt: skip


def _set_up(limits: NdtLimits, test: Test) -> Check | None:
    names = ("reference_echo", "reference_echo_after", "scan_coverage")
    before, after, covered = (_share(test, name) for name in names)
    if before is None and after is None and covered is None:
        return None
    set_up = rule_checks.NdtSetUp(before, after, test.day, test.day, covered or 0.0)
    check = rule_checks.check_ndt(
        set_up, test.day, limits.least_echo, limits.most_drift_db, limits.least_coverage
    )
    if limits.least_echo:
        return check
    return Check(tuple(r for r in check.reasons if not r.code.startswith(("no_echo", "echo"))))


def _share(test: Test, quantity: str) -> float | None:
    percent = test.reading(quantity)
    return None if percent is None else percent / 100


def _insulation(rule: CheckRule, test: Test) -> _Judged:
    limits = rule.insulation
    assert limits is not None
    after, voltage = test.reading("insulation_resistance"), test.reading("test_voltage")
    if after is None or voltage is None:
        return None, (because("no_voltage", "the test voltage was not told"),)
    found = rule_checks.Insulation(test.reading("insulation_resistance_15s"), after, voltage)
    least = test.least_mohm or 0.0
    return rule_checks.check_insulation(found, least, limits.voltage_v, limits.least_ratio), ()


# --- brake, load bank ---------------------------------------------------------------------------


def _brake(rule: CheckRule, table: dict[str, list[float]]) -> Check:
    limits = rule.brake
    assert limits is not None
    seconds = _column(table, "second")
    pipe, cylinder = (
        rule_checks.trace(seconds, [kpa / 1000 for kpa in _column(table, name)], name)
        for name in ("brake_pipe_pressure", "brake_cylinder_pressure")
    )
    applied, released = _handle(seconds, _column(table, "brake_handle"))
    return rule_checks.check_brake(pipe, cylinder, applied, released, rule_checks.BrakeRule(
        limits.least_reduction_kpa / 1000, limits.most_reduction_kpa / 1000,
        limits.most_leak_kpa_per_min / 1000, limits.most_apply_s, limits.most_release_s,
        limits.least_cylinder_kpa / 1000,
    ))  # fmt: skip


def _handle(seconds: Sequence[float], handle: Sequence[float]) -> tuple[float, float]:
    """Return when the handle was moved to apply and to release."""
    applied = next((i for i, at in enumerate(handle) if at), None)
    after = [] if applied is None else [i for i in range(applied, len(handle)) if not handle[i]]
    if applied is None or not after:
        raise BadEvidence("the trace does not tell when the brake was applied and released",
                          reason="truncated")  # fmt: skip
    return seconds[applied], seconds[after[0]]


def _column(table: dict[str, list[float]], name: str) -> list[float]:
    if name not in table:
        raise BadEvidence("the trace has no column {name}", reason="not_a_trace", name=name)
    return table[name]


def _notches(rule: CheckRule, table: dict[str, list[float]]) -> Check:
    points = [
        rule_checks.LoadPoint(int(notch), rpm, volts, amperes)
        for notch, rpm, volts, amperes in zip(
            *(_column(table, name) for name in
              ("notch", "engine_speed", "generator_voltage", "generator_current")), strict=True)
    ]  # fmt: skip
    return rule_checks.check_load_bank(points, {
        one.notch: rule_checks.NotchRule(one.rpm, one.rpm_within, one.least_kw, one.most_kw)
        for one in rule.notches
    })  # fmt: skip


# --- the press ----------------------------------------------------------------------------------


def press(
    limit: Limit, rule: CheckRule | None, test: Test
) -> tuple[PressVerdict, tuple[Reason, ...]] | None:
    """Judge a press fit by its final force and, where the curve is here, by its whole shape.

    Returns the verdict and what could not be judged; None when there is no force to judge.
    Raises BadEvidence.
    """
    force, seat = test.reading("press_final_force"), test.reading("press_seat_length")
    if force is None or seat is None:
        return None
    assert limit.min is not None
    assert limit.max is not None
    shape = (rule.press if rule else None) or PressShape()
    by = _press_rule(float(limit.min), float(limit.max), shape)
    final = press_fit.judge_final_force(force, seat, by)
    table = test.table()
    if table is None:
        return final, (because("no_curve", "no curve came: the shape is not judged"),)
    travel, forces, *_ = [*table.values(), []]
    curve = press_fit.press_curve(travel, forces, seat, test.reading("press_ram_speed"))
    whole = press_fit.judge(curve, by)
    reasons = (
        *final.reasons, *(r for r in whole.reasons if r.code not in _BAND),
        *_told(force, curve.final_force_kn, shape),
    )  # fmt: skip
    proof = final.proof if len(reasons) == 1 else None
    return replace(
        final, verdict="unfit" if reasons else "fit", reasons=reasons, proof=proof
    ), ()


def _press_rule(low: float, high: float, shape: PressShape) -> PressRule:
    return PressRule(
        low, high, ripple_share=shape.ripple_share,
        ripple_length_share=shape.ripple_length_share, start_jump_kn=shape.start_jump_kn,
        ram_speed_mm_s=shape.ram_speed_mm_s, proof_shortfall_share=shape.proof_shortfall_share,
        proof_factor_low=shape.proof_factor_low, proof_factor_high=shape.proof_factor_high,
        proof_times=shape.proof_times, proof_seconds=shape.proof_seconds,
    )  # fmt: skip


def _told(told: float, ends: float, shape: PressShape) -> list[Reason]:
    """The force told must be the one the curve ends with: a wrong scale shows here."""
    if abs(told - ends) <= shape.force_within_share * max(told, ends):
        return []
    return [because("force_told", "the press told {told:.0f} kN, its curve ends at {ends:.0f} kN",
                    told=told, ends=ends)]  # fmt: skip
