"""A machine's test is judged again from its evidence; both verdicts stand."""

from pathlib import Path

import pytest

from railtrace.catalogue.load import load
from railtrace.devices import drivers, samples
from railtrace.devices.manifest import FOLDER
from railtrace.errors import BadEvidence
from railtrace.projections import rejudge
from railtrace.projections.fold import fold, resolve
from railtrace.projections.metrology import Standing
from railtrace.projections.orders import ORDERS
from railtrace.projections.work import Surroundings, progress
from railtrace.trace.operation import Evidence, ProofLoad, Reading
from tests.projections.railway import entries, op

CATALOGUE = load()
SET = "w-1"
TYPES = {"d-wash": "wheelset_washer", "d-ut": "ut_set", "d-press": "wheel_press"}


def told(kind: str, name: str) -> tuple[object, object, dict[str, bytes]]:
    """Return the fact and envelope of a driver's sample, and its files by hash."""
    from hashlib import sha256

    from railtrace.devices.operations import operations_of

    driver = drivers.driver(kind)
    expected = samples.expected(driver.folder)
    message = dict(samples.messages(driver, expected))[name]
    result = driver.decode(message)[0]
    made = operations_of(driver.manifest, result, samples.WHERE, message.received_at)
    files = {sha256(f.content).hexdigest(): f.content for f in result.files}
    return made[0], made[-1], files


def judged(kind: str, name: str, equipment: str = "", least_mohm: float | None = None):
    fact, envelope, files = told(kind, name)
    rule = next(r for r in CATALOGUE.check_rules.values() if (equipment or kind) in r.equipment)
    test = rejudge.Test(fact, envelope, fact.happened_at.date(), files.get, least_mohm)
    return rejudge.rejudged(rule, test)


@pytest.mark.parametrize(
    ("kind", "name", "equipment", "codes"),
    [
        ("wheelset_washer", "clean.json", "", ()),
        ("wheelset_washer", "cold_bath.json", "", ("temperature",)),
        ("brake_rack", "tight.bin", "", ()),
        ("brake_rack", "leaks.bin", "", ("leak",)),
        ("load_bank", "full_power.bin", "", ()),
        ("load_bank", "weak.bin", "", ("power",)),
        ("ultrasonic_set", "sound.xml", "ut_set", ()),
        ("insulation_tester", "dry.txt", "megohmmeter", ()),
        ("insulation_tester", "wet.txt", "megohmmeter", ("resistance", "damp")),
    ],
)
def test_each_kind_of_evidence_is_judged_by_its_rule(
    kind: str, name: str, equipment: str, codes: tuple[str, ...]
) -> None:
    ours = judged(kind, name, equipment, 10)
    assert tuple(dict.fromkeys(r.code for r in ours.reasons)) == codes
    assert ours.verdict == ("unfit" if codes else "fit")


def test_what_was_not_sent_is_unjudged_and_no_fault() -> None:
    fact, envelope, _ = told("brake_rack", "leaks.bin")
    rule = CATALOGUE.check_rules["brake.rack"]
    test = rejudge.Test(fact, envelope, fact.happened_at.date(), lambda sha256: None)
    ours = rejudge.rejudged(rule, test)
    assert (ours.verdict, [n.code for n in ours.unjudged]) == ("unjudged", ["no_trace"])


@pytest.mark.parametrize(
    ("words", "verdict", "code"),
    [
        ((), "fit", "no_block"), (("unrecorded",), "fit", "block_unproved"),
        (("valid",), "fit", ""), (("expired", "valid"), "fit", ""),
        (("expired",), "unfit", "block_certificate"),
        (("withdrawn",), "unfit", "block_certificate"),
    ],
)  # fmt: skip
def test_the_papers_of_the_reference_block_gate_an_inspection(
    words: tuple[str, ...], verdict: str, code: str
) -> None:
    fact, envelope, files = told("ultrasonic_set", "sound.xml")
    blocks = tuple(rejudge.Block(f"d-block-{n}", word) for n, word in enumerate(words))
    test = rejudge.Test(fact, envelope, fact.happened_at.date(), files.get, None, blocks)
    ours = rejudge.rejudged(CATALOGUE.check_rules["ndt.ultrasonic"], test)
    said = ours.reasons if verdict == "unfit" else ours.unjudged
    assert (ours.verdict, "".join(r.code for r in said)) == (verdict, code)


def test_a_block_out_of_force_speaks_even_where_the_set_told_no_set_up() -> None:
    fact, _envelope, files = told("ultrasonic_set", "sound.xml")
    bare = op("Diagnosed", "bare", 0, units=(SET,), method="ultrasonic", outcome="sound")
    test = rejudge.Test(bare, None, fact.happened_at.date(), files.get, None,
                        (rejudge.Block("d-block", "expired"),))  # fmt: skip
    ours = rejudge.rejudged(CATALOGUE.check_rules["ndt.ultrasonic"], test)
    assert ours.verdict == "unfit"
    assert [r.code for r in ours.unjudged] == ["no_set_up"]


def test_a_table_is_read_with_or_without_names_in_either_decimal() -> None:
    assert rejudge.columns(b"0;1,5\r\n1;2,5\r\n") == {"0": [0, 1], "1": [1.5, 2.5]}
    assert rejudge.columns("second [s];t [°C]\n0;60.5\n".encode()) == {"second": [0], "t": [60.5]}
    for bad in (b"", b"0;1\n1\n", b"0;1\nx;2\n"):
        with pytest.raises(BadEvidence):
            rejudge.columns(bad)


# --- the press ------------------------------------------------------------------------------------


def curve(force: float, seat: int = 185, dip: float = 0.0) -> bytes:
    rows = [
        (mm, force * (mm / seat) ** 0.8 - (dip if 90 <= mm <= 110 else 0)) for mm in range(seat + 1)
    ]
    return "".join(f"{mm};{kn:.1f}\n" for mm, kn in rows).encode()


def pressed(force: str, content: bytes | None, *more):
    names = (Evidence(sha256="aa" * 32, media_type="text/csv"),) if content is not None else ()
    readings = (
        Reading(quantity="press_final_force", place="left", value=force, unit="kN"),
        Reading(quantity="press_seat_length", place="left", value="185", unit="mm"),
    )
    wash = tuple(Reading(quantity=q, value=v, unit=u) for q, v, u in (
        ("wash_temperature", "70", "°C"), ("wash_time", "240", "s"),
        ("detergent_concentration", "20", "g/l")))  # fmt: skip
    story = entries([
        op("OrderOpened", "open", 0, units=(SET,), work_order="WO-1", process="wheelset_full"),
        op("Washed", "wash", 0.1, units=(SET,), device="d-wash", readings=wash),
        op("Tested", "ut", 0.2, units=(SET,), device="d-ut", test="axle_ut"),
        op("Measured", "press", 0.3, units=(SET,), device="d-press", readings=readings,
           evidence=names),
        *more,
    ])  # fmt: skip
    around = Surroundings(
        CATALOGUE, "wheelset_locomotive", lambda *_: Standing("valid"), lambda *_: True,
        lambda device: TYPES.get(device, ""), lambda sha256: content,
    )  # fmt: skip
    order, _ = fold(ORDERS, "order:WO-1", resolve(story, "order:WO-1"))
    states = progress(
        order, CATALOGUE.processes["wheelset_full"], resolve(story, SET), around
    )
    return next(state for state in states if state.step.key == "press")


def proof(*loads: str, seconds: str = "5", shifted: bool = False):
    return op("ProofLoaded", "proof", 0.4, units=(SET,), work_order="WO-1", step="press",
              entry="press", shifted=shifted,
              loads=tuple(ProofLoad(load_kn=load, seconds=seconds) for load in loads))  # fmt: skip


def codes(state) -> list[str]:
    return [fault.code for fault in state.last.faults]


def test_the_whole_curve_is_judged_and_a_good_one_waits_for_the_inspector() -> None:
    assert pressed("900", curve(900)).status == "to_accept"


def test_a_curve_that_dips_blocks_the_step_though_its_final_force_is_right() -> None:
    state = pressed("900", curve(900, dip=60))
    assert (state.status, codes(state)) == ("void", ["shape"])
    assert state.last.press.verdict == "unfit"


def test_a_force_that_is_not_the_curve_s_own_is_named() -> None:
    [fault] = pressed("900", curve(90)).last.faults
    assert fault.reasons[0].code == "force_told"


def test_a_curve_that_is_cut_is_no_evidence() -> None:
    state = pressed("900", b"".join(curve(900).splitlines(keepends=True)[:60]))
    assert codes(state) == ["bad_evidence"]


def test_without_a_curve_only_the_force_is_judged_and_that_is_said() -> None:
    state = pressed("900", None)
    assert [note.code for note in state.last.unjudged] == ["no_curve"]


# 392 per 100 mm of a seat of 185 mm: 725.2 kN; 10 % below is 652.7.
def test_proof_loads_close_the_step_where_the_rule_offers_them() -> None:
    near = pressed("700", curve(700))
    assert near.last.press.proof.load_kn == pytest.approx(840)
    assert near.status == "void"
    assert pressed("700", curve(700), proof("840", "845", "850")).status == "to_accept"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (proof("840", "845"), "proof_short"),
        (proof("840", "845", "839"), "proof_short"),
        (proof("840", "845", "850", seconds="4"), "proof_short"),
        (proof("840", "845", "850", shifted=True), "proof_shifted"),
    ],
)
def test_loads_that_do_not_prove_leave_the_step_open_with_the_reason(more, code: str) -> None:
    state = pressed("700", curve(700), more)
    assert (state.status, codes(state)) == ("void", [code])


def test_proof_loads_help_neither_a_great_shortfall_nor_a_bad_curve() -> None:
    assert codes(pressed("612", curve(612), proof("840", "845", "850"))) == ["press_below"]
    state = pressed("700", curve(700, dip=60), proof("840", "845", "850"))
    assert set(codes(state)) == {"press_below", "shape"}


def test_the_shipped_samples_of_the_press_are_judged_from_their_curves() -> None:
    seen = {}
    for name in ("in_band.csv", "below_band.csv", "above_band.csv"):
        fact, envelope, files = told("wheel_press", name)
        limit = CATALOGUE.limits["press_force.solid_wheel.locomotive"]
        test = rejudge.Test(fact, envelope, fact.happened_at.date(), files.get)
        verdict, unjudged = rejudge.press(limit, CATALOGUE.check_rules["press.shape"], test)
        seen[name] = [r.code for r in verdict.reasons]
        assert unjudged == ()
    assert seen == {"in_band.csv": [], "below_band.csv": ["below_band"],
                    "above_band.csv": ["above_band"]}  # fmt: skip


def test_every_machine_that_sends_a_trace_has_a_rule_to_judge_it() -> None:
    ruled = {kind for rule in CATALOGUE.check_rules.values() for kind in rule.equipment}
    for path in Path(FOLDER).glob("*/device.toml"):
        manifest = drivers.driver(path.parent.name).manifest
        if manifest.traces:
            assert {manifest.kind, manifest.equipment} & ruled, manifest.kind
