"""The published tables come back exactly from the operations they were turned into."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from railtrace.catalogue.layout import positions
from railtrace.catalogue.load import load
from railtrace.simulation.histories import KM_PER_KMILE, LOG, histories, rows
from railtrace.trace.checks import check
from railtrace.trace.operation import Failed, Inspected, Installed, Ran, Registered

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def operations():
    return [sent.operation for sent in histories(NOW)]


def entries(operations, prefix):
    return {
        op.units[0]: op.happened_at.date()
        for op in operations
        if isinstance(op, Registered) and op.units[0].startswith(prefix)
    }


def recovered_grids(operations):
    entered = entries(operations, "u-lit-locomotive-")
    batch = {op.units[0]: op.batch for op in operations if isinstance(op, Registered)}
    ended = {op.units[0]: op.happened_at.date() for op in operations if isinstance(op, Failed)}
    seen = {op.units[0]: op.happened_at.date() for op in operations if isinstance(op, Inspected)}
    for op in operations:
        if isinstance(op, Installed) and op.position == "braking_grid":
            grid, start = op.units[0], entered[op.carrier]
            stop = ended.get(grid) or seen[op.carrier]
            yield {
                "locomotive": op.carrier.rpartition("-")[2],
                "batch": batch[grid],
                "start_day": str((op.happened_at.date() - start) // DAY),
                "stop_day": str((stop - start) // DAY),
                "replacement": str(int(grid in ended)),
            }


def recovered_seats(operations):
    entered = entries(operations, "u-lit-engine-")
    for op in operations:
        if isinstance(op, Failed | Inspected) and op.units[0] in entered:
            yield {
                "engine": op.units[0].rpartition("-")[2],
                "day": str((op.happened_at.date() - entered[op.units[0]]) // DAY),
                "replacement": str(int(isinstance(op, Failed))),
            }


def recovered_controls(operations):
    carrier = {
        op.units[0]: op.carrier
        for op in operations
        if isinstance(op, Installed) and op.position == "control"
    }
    km = {op.units[0]: Decimal(op.distance_km) for op in operations if isinstance(op, Ran)}
    failed = {op.units[0] for op in operations if isinstance(op, Failed)}
    return Counter(
        (km[locomotive] / KM_PER_KMILE, int(control in failed))
        for control, locomotive in carrier.items()
    )


def mean_cumulative(recurrences, until):
    """Nelson's estimate: each event counts one over the systems still observed then."""
    ends = [end for _, end in recurrences.values()]
    events = sorted(day for days, _ in recurrences.values() for day in days if day <= until)
    return sum(1 / sum(end >= day for end in ends) for day in events)


def test_braking_grids_come_back_row_by_row(operations):
    assert list(recovered_grids(operations)) == rows("braking_grids_33_locomotives")


def test_valve_seats_come_back_row_by_row(operations):
    assert list(recovered_seats(operations)) == rows("valve_seats_41_engines")


def test_locomotive_controls_come_back_with_their_counts(operations):
    published = Counter()
    for row in rows("locomotive_controls_96"):
        published[Decimal(row["kmiles"]), int(row["failed"])] += int(row["count"])
    assert recovered_controls(operations) == published
    assert published.total() == 96


@pytest.mark.parametrize(
    ("batch", "until", "published"),
    [("1", 365, 0.5333), ("1", 650, 1.6), ("2", 365, 1.2778), ("2", 382, 1.4444)],
)
def test_mean_cumulative_replacements_of_grids(operations, batch, until, published):
    systems = defaultdict(lambda: ([], 0))
    for row in recovered_grids(operations):
        if row["batch"] == batch:
            days, _ = systems[row["locomotive"]]
            stop = int(row["stop_day"])
            systems[row["locomotive"]] = (days + [stop] * int(row["replacement"]), stop)
    assert mean_cumulative(systems, until) == pytest.approx(published, abs=1e-4)


@pytest.mark.parametrize(("until", "published"), [(367, 0.634), (539, 0.859), (653, 1.543)])
def test_mean_cumulative_replacements_of_valve_seats(operations, until, published):
    systems = defaultdict(lambda: ([], 0))
    for row in recovered_seats(operations):
        days, _ = systems[row["engine"]]
        day = int(row["day"])
        systems[row["engine"]] = (days + [day] * int(row["replacement"]), day)
    assert mean_cumulative(systems, until) == pytest.approx(published, abs=5e-4)


def test_every_operation_is_recordable_and_says_that_its_dates_are_assumed(operations):
    assert len({op.id for op in operations}) == len(operations)
    for op in operations:
        check(op, NOW)
        assert (op.time_precision, op.zone_source, op.basis) == ("day", "assumed", "assumed")
        assert op.site == LOG


def test_parts_stand_where_the_catalogue_has_places_for_them(operations):
    catalogue = load()
    type_of = {op.units[0]: op.type for op in operations if isinstance(op, Registered)}
    places = {p.path: p.part_type for p in positions(catalogue, "diesel_locomotive")}
    assert set(type_of.values()) <= {*catalogue.vehicle_types, *catalogue.part_types}
    for op in operations:
        if isinstance(op, Installed) and op.position:
            assert places[op.position] == type_of[op.units[0]]
