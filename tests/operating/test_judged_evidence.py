"""Every kind of evidence that a device sends gets its diagnosis written down, once."""

import io
import itertools
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import numpy as np
import pytest
from msgspec.structs import replace

from railtrace.app import App
from railtrace.devices import drivers, samples
from railtrace.devices.operations import operations_of
from railtrace.operating.diagnoses import EvidenceJudge
from railtrace.store.diagnostics import Diagnostics
from railtrace.trace import operation as trace
from railtrace.trace.operation import (
    Evidence,
    EvidenceDiagnosed,
    FluidSampled,
    Measured,
    Operation,
    Reading,
    Registered,
    Reprofiled,
    TornDown,
)
from tests.analysis.test_wheel_profile import analytic
from tests.operating.depot import NOW, Clock, config_in, record


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    found = App(config_in(tmp_path_factory.mktemp("judged")), Clock())
    found.prepare()
    yield found
    found.stop()


@dataclass(frozen=True)
class Bench:
    """A machine, what lies on it and an engine, of one test alone."""

    name: str

    @property
    def machine(self) -> str:
        return f"d-{self.name}"

    @property
    def unit(self) -> str:
        return f"u-{self.name}"


_COUNT = itertools.count()


def bench(app: App, equipment: str) -> Bench:
    made, at = Bench(f"{next(_COUNT)}"), NOW - timedelta(days=900)
    kinds = {made.machine: equipment, made.unit: "wheelset_passenger"}
    record(app, [Registered(id=f"r:{u}", happened_at=at, units=(u,), type=t, site="dushanbe")
                 for u, t in kinds.items()])  # fmt: skip
    return made


def sent(app: App, on: Bench, driver: str, name: str) -> Operation:
    """Record what a recorded sample of a machine gives; return its fact."""
    one = drivers.driver(driver)
    told = samples.expected(one.folder)
    message = dict(samples.messages(one, told))[name]
    result = one.decode(message)[0]
    for file in result.files:
        assert app.evidence.put(file.content).sha256 == sha256(file.content).hexdigest()
    where = replace(samples.WHERE, device=on.machine)
    made = operations_of(one.manifest, result, where, message.received_at)
    record(app, [replace(operation, units=(on.unit,), device=on.machine, site="dushanbe",
                         happened_at=NOW - timedelta(days=1)) for operation in made])  # fmt: skip
    return made[0]


def judged(app: App) -> EvidenceDiagnosed:
    app.catch_up()
    (ours,) = EvidenceJudge(app).take()
    assert EvidenceJudge(app).take() == []
    return ours


@pytest.mark.parametrize(
    ("driver", "name", "equipment", "told"),
    [
        ("wheelset_washer", "clean.json", "", ("wash", "fit", "")),
        ("wheelset_washer", "cold_bath.json", "", ("wash", "unfit", "temperature")),
        ("brake_rack", "tight.bin", "", ("brake_trace", "fit", "")),
        ("brake_rack", "leaks.bin", "", ("brake_trace", "unfit", "leak")),
        ("load_bank", "full_power.bin", "", ("load_bank", "fit", "")),
        ("load_bank", "weak.bin", "", ("load_bank", "unfit", "power")),
        ("ultrasonic_set", "sound.xml", "ut_set", ("ndt_set_up", "fit", "")),
        ("insulation_tester", "dry.txt", "megohmmeter", ("insulation", "fit", "")),
        ("insulation_tester", "wet.txt", "megohmmeter", ("insulation", "unfit", "damp")),
    ],
)
def test_a_test_by_the_rules_writes_its_finding(
    app: App, driver: str, name: str, equipment: str, told: tuple[str, str, str]
) -> None:
    fact = sent(app, bench(app, equipment or driver), driver, name)
    ours = judged(app)
    assert (ours.method, ours.outcome, ours.finding) == told
    assert ours.entry == fact.id
    assert ours.declared in app.catalogue().check_rules
    (row,) = Diagnostics(app.views.database).of_entries([fact.id])[fact.id]
    assert row["made_by"] == "system"


def test_a_trace_that_is_cut_is_refused_and_never_a_verdict(app: App) -> None:
    on = bench(app, "brake_rack")
    file = app.evidence.put(b"second;brake_pipe_pressure\n0;500\n1", "t.csv", "text/csv", "curve")
    record(app, [trace.Tested(id="cut", happened_at=NOW, units=(on.unit,), device=on.machine,
                        site="dushanbe", test="brake", evidence=(file,))])  # fmt: skip
    ours = judged(app)
    assert (ours.outcome, ours.finding) == ("refused", "not_a_curve")


def scan_file(app: App, name: str, thickness_mm: float, wear_mm: float = 1.0) -> Evidence:
    x = np.arange(0.0, 130.0, 0.5)
    rng = np.random.default_rng(5)
    y = analytic(thickness_mm=thickness_mm, tread_wear_mm=wear_mm)(x)
    held = io.StringIO()
    np.savetxt(held, np.stack([x, y + 0.02 * rng.standard_normal(len(x))], axis=1), delimiter=";",
               header="x_mm;y_mm", comments="", fmt="%.4f")  # fmt: skip
    return app.evidence.put(held.getvalue().encode(), name, "text/csv", "curve")


def measured(app: App, told_mm: str, file: Evidence) -> None:
    on = bench(app, "wheel_gauge")
    record(app, [Measured(
        id=f"scan-{on.name}", happened_at=NOW, units=(on.unit,), device=on.machine,
        site="dushanbe", evidence=(file,),
        readings=(Reading("flange_thickness", told_mm, "mm", "left", "0.2"),))])  # fmt: skip


@pytest.mark.parametrize(
    ("told_mm", "scan_mm", "outcome", "reason"),
    [
        ("31.0", 31.0, "fit", "within_limits"),
        ("23.0", 23.0, "unfit", "scan_unfit"),
        ("28.0", 31.0, "contradicts", "told_differs"),
    ],
)
def test_a_scan_writes_what_it_shows_beside_what_the_gauge_told(
    app: App, told_mm: str, scan_mm: float, outcome: str, reason: str
) -> None:
    measured(app, told_mm, scan_file(app, "profile_left.csv", scan_mm))
    ours = judged(app)
    assert (ours.method, ours.outcome) == ("wheel_profile", outcome)
    assert ours.reasons[0].code == reason
    assert ours.declared == "wheel.1520"
    own = {r.quantity: float(r.value) for r in ours.readings}
    assert own["flange_height"] == pytest.approx(29.0, abs=0.05)


def test_a_scan_of_metres_is_refused(app: App) -> None:
    file = app.evidence.put(b"x_mm;y_mm\n" + b"".join(
        f"{i / 1000};0\n".encode() for i in range(130)), "profile_left.csv", "text/csv", "curve")
    measured(app, "31", file)
    ours = judged(app)
    assert (ours.outcome, ours.finding) == ("refused", "units")


def test_a_turned_wheel_is_judged_as_it_was_left(app: App) -> None:
    on = bench(app, "wheel_lathe")
    files = (scan_file(app, "profile_left.csv", 23.0),
             scan_file(app, "profile_left.as_left.csv", 31.5, 0.0))  # fmt: skip
    record(app, [Reprofiled(id="turned", happened_at=NOW, units=(on.unit,), device=on.machine,
                            site="dushanbe", evidence=files)])  # fmt: skip
    ours = judged(app)
    assert ours.outcome == "fit"
    assert ours.finding.startswith("31.")


def oil(on: Bench, name: str, hours: int, iron: str, days_ago: float) -> FluidSampled:
    return FluidSampled(
        id=f"{name}-{on.name}", happened_at=NOW - timedelta(days=days_ago), units=(on.unit,),
        fluid="oil", sample=name, engine_hours=str(hours), site="dushanbe",
        readings=(Reading("oil_iron", iron, "mg/kg", uncertainty="1"),))  # fmt: skip


def test_each_oil_sample_writes_its_finding_and_a_metal_that_leaps_is_watched(app: App) -> None:
    on = bench(app, "wheel_gauge")
    record(app, [oil(on, f"s{n}", 100 * n, f"{10 + n}", 20 - n) for n in range(7)])
    record(app, [oil(on, "leap", 800, "60", 1)])
    app.catch_up()
    ours = {one.entry.partition("-")[0]: one for one in EvidenceJudge(app).take()}
    assert len(ours) == 8
    assert ours["s6"].outcome == "sound"
    assert ours["leap"].outcome in ("watch", "alarm")
    assert "metal_rises" in [r.code for r in ours["leap"].reasons]


def test_a_teardown_settles_the_oil_but_not_the_wash(app: App) -> None:
    engine, washer = bench(app, "wheel_gauge"), bench(app, "wheelset_washer")
    record(app, [oil(engine, f"s{n}", 100 * n, f"{10 + n}", 20 - n) for n in range(3)])
    sent(app, washer, "wheelset_washer", "clean.json")
    app.catch_up()
    EvidenceJudge(app).take()
    record(app, [TornDown(id=f"t:{on.unit}", happened_at=NOW, units=(on.unit,),
                          found="no_damage", site="dushanbe")
                 for on in (engine, washer)])  # fmt: skip
    app.catch_up()
    read = Diagnostics(app.views.database)
    assert {row["truth"] for row in read.said("unit = ?", [engine.unit])} == {"no_damage"}
    assert {row["truth"] for row in read.said("unit = ?", [washer.unit])} == {"unknown"}
    assert ("sound", "unknown", "wash") in read.ledger("method")
