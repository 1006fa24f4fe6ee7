"""Whatever is cut, and whenever: everybody ends with the same logs, nothing lost, nothing twice."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railtrace.app import App
from railtrace.errors import RailtraceError
from railtrace.operating.replicate import replicate
from railtrace.operating.verify import verify_installation
from railtrace.trace.operation import Evidence, Inspected
from tests.operating.depot import NOW
from tests.replication.railway import (
    FAULTS,
    HQ,
    NORTH,
    SOUTH,
    content,
    files_of,
    fill,
    line_to,
    railway,
    record,
)


def photographed(app: App, name: str, size: int) -> Evidence:
    """Record an inspection with a photograph."""
    file = app.evidence.put((name.encode() * size)[:size], evidence_class="photo")
    record(app, Inspected(id=name, happened_at=NOW, units=("u-1",), evidence=(file,)))
    return file


def all_the_same(*apps: App) -> None:
    first, *others = map(content, apps)
    assert len(first) == len(apps)
    for other in others:
        assert other == first
    assert all(files_of(app) >= files_of(apps[0]) - _catalogues(apps[0]) for app in apps)


def _catalogues(app: App) -> set[str]:
    adopted = app.views.adopted()
    return {adopted} if adopted else set()


def test_two_depots_and_headquarters_hold_each_other_s_logs(tmp_path: Path) -> None:
    with railway(tmp_path, HQ, NORTH, SOUTH) as [hq, north, south]:
        for app, count in ((hq, 3), (north, 700), (south, 5)):
            fill(app, count)
        sent = replicate(north, line_to(hq))
        assert [(log.origin, log.direction, log.entries) for log in sent.logs] == [
            ("north/north", "sent", 702), ("hq/hq", "received", 5),
        ]  # fmt: skip
        assert replicate(south, line_to(hq)).is_good
        assert replicate(north, line_to(hq)).is_good
        all_the_same(hq, north, south)
        for app in (hq, north, south):
            app.catch_up()
            report = verify_installation(app, jobs=1)
            assert report.is_whole, report.findings
            assert mileages(app) == {
                "u-0": 1420,
                "u-1": 1420,
                "u-2": 1420,
                "u-3": 1410,
                "u-4": 1410,
            }


Step = tuple[int, int, list[str]]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(1, 2),
            st.integers(0, 40),
            st.lists(st.sampled_from(FAULTS), max_size=30),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_order_of_cuts_converges(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("railway")
    with railway(folder, HQ, NORTH, SOUTH) as apps:
        hq, *depots = apps
        done = 0
        for depot, count, faults in steps:
            caller = depots[depot - 1]
            fill(caller, count, done)
            fill(hq, count // 4, done)
            photographed(caller, f"photo-{done}-{depot}", 9000)
            done += count + 1
            # The line stays cut when every try fails; what went over stays.
            with suppress(RailtraceError):
                replicate(caller, line_to(hq, iter(faults), tries=4))
        for caller in (*depots, depots[0]):
            assert replicate(caller, line_to(hq)).is_good
        all_the_same(*apps)
        assert not any(side_awaits(app) for app in apps)


def side_awaits(app: App) -> bool:
    return bool(app.trace.database.query("SELECT 1 FROM awaited"))


def mileages(app: App) -> dict[str, int]:
    """Return how far each unit ran, in km."""
    rows = app.views.database.query("SELECT unit, km_milli FROM usage WHERE km_milli > 0")
    return {unit: km // 1000 for unit, km in rows}
