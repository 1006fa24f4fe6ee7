"""The demo's machines: a wheelset goes from one to the next; they end with who started them."""

import subprocess
import sys
from pathlib import Path

import pytest

from railtrace.devices.demo import ALONE, LINE, Depot, Setting, write_setting
from railtrace.devices.drivers import driver
from tests.devices.conftest import eventually
from tests.devices.trace_door import TraceDoor

QUICK = ["wheel_gauge", "ultrasonic_set", "wheel_lathe", "brake_rack", "body_washer",
         "insulation_tester"]  # fmt: skip


def setting(trace: TraceDoor, kinds: list[str]) -> Setting:
    return Setting(
        server=trace.address, token="t", site="depot", wheelsets=["29-1", "29-2"],
        vehicles=["07312051"], phase_s=0.05, pause_s=0.2, kinds=kinds, page="127.0.0.1:0",
    )  # fmt: skip


def test_at_least_six_kinds_speak_at_least_four_protocols() -> None:
    places = [*LINE, *ALONE]
    assert len(places) >= 6
    assert len({driver(place.kind).manifest.protocols[0] for place in places}) >= 4


def test_a_wheelset_goes_from_machine_to_machine_marked_simulated(
    tmp_path: Path, trace: TraceDoor
) -> None:
    depot = Depot(setting(trace, QUICK), tmp_path)
    depot.start()
    try:
        machines = set(QUICK)
        eventually(lambda: {r["machine"] for r in trace.of("MachineResult")} == machines, 60)
    finally:
        depot.stop()
    results = trace.of("MachineResult")
    assert all(one["simulated"] for one in results)
    way = [one["machine"] for one in results if one["marks"] == ["29-1"]]
    assert way[:2] == ["wheel_gauge", "ultrasonic_set"]
    assert {r["marks"][0] for r in results} <= {"29-1", "29-2", "07312051"}


@pytest.mark.skipif(sys.platform == "win32", reason="a parent is watched on POSIX only")
def test_the_machines_end_when_the_process_that_started_them_is_killed(
    tmp_path: Path, trace: TraceDoor
) -> None:
    write_setting(tmp_path, setting(trace, ["brake_rack"]))
    starter = subprocess.Popen([
        sys.executable, "-c",
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-m', "
        f"'railtrace.devices.demo', {str(tmp_path)!r}]); print(p.pid, flush=True); time.sleep(600)",
    ], stdout=subprocess.PIPE)  # fmt: skip
    assert starter.stdout is not None
    machines = int(starter.stdout.readline())
    eventually(lambda: trace.of("MachineResult"), 60)
    starter.kill()
    starter.wait(10)
    state = Path(f"/proc/{machines}/stat")
    eventually(lambda: not state.exists() or state.read_text().split()[2] == "Z", 30)
