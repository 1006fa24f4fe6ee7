"""Gates of consists: every sown fault is refused by the right reason first; fit ones go."""

import dataclasses
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from railtrace.catalogue import load as catalogue_files
from railtrace.catalogue.rows import Catalogue
from railtrace.projections.consist import Consist
from railtrace.projections.consist_gates import findings, refuses
from railtrace.projections.release import Gate
from railtrace.simulation.departures import DEPARTS, FAULTS, ROWS, Departure
from railtrace.trace.operation import Number, Reading

Sow = Callable[[Departure], object]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROWS, Path(folder) / "rows.toml")
        return catalogue_files.load(Path(folder))


def without(row: str) -> Catalogue:
    rows = {key: gate for key, gate in catalogue().release_gates.items() if key != row}
    return replace(catalogue(), release_gates=rows)


@cache
def refused_by(fault: str) -> tuple[str, str]:
    return first_reason(fault, catalogue())


def first_reason(fault: str, rows: Catalogue) -> tuple[str, str]:
    sow, _, act = FAULTS[fault]
    departure = Departure()
    sow(departure)
    found = refuses(findings(departure.facts(rows, act)))
    return (found[0].gate.name, found[0].row) if found else ("", "")


@pytest.mark.parametrize("act", ["ready", "depart"])
def test_a_fit_consist_has_no_reason_against_it(act) -> None:
    assert findings(Departure().facts(catalogue(), act)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sown_fault_is_refused_and_its_reason_is_first(fault) -> None:
    assert refused_by(fault)[0] == FAULTS[fault][1]


def test_there_are_more_than_forty_kinds_of_fault() -> None:
    assert len(FAULTS) >= 40


UNTESTED = {
    "no_decision": "an entry of a kind that this program cannot read: tests/store/test_views.py",
    "work_incomplete": "an order closed without a step is read by store/knowledge.py",
    "campaign_overdue": "campaigns are read by store/knowledge.py",
    "remark_overdue": "warns only",
}
"""Rows that no sown fault needs, and what holds them."""


@lru_cache(maxsize=1)
def needed() -> Counter[str]:
    """How many faults are refused by each row first."""
    return Counter(refused_by(fault)[1] for fault in FAULTS)


def test_every_mandatory_gate_is_the_first_reason_of_a_fault() -> None:
    mandatory = {key for key, row in catalogue().release_gates.items()
                 if row.weight == "mandatory"}  # fmt: skip
    assert mandatory - set(needed()) - set(UNTESTED) - {"template.length", "template.freight"} == (
        set()
    )


@pytest.mark.parametrize("row", sorted(set(FAULTS)))
def test_a_fault_is_not_refused_by_that_reason_once_its_gate_is_taken_away(row) -> None:
    said, key = refused_by(row)
    assert first_reason(row, without(key)) != (said, key)


# --- every gate is missed -----------------------------------------------------------------------


def _stands(*types: str, **composed: Any) -> Sow:
    """Let vehicles of some types stand in the train, or be the train where it is told otherwise."""

    def sow(departure: Departure) -> None:
        units = [f"x-{n}" for n in range(len(types))]
        for unit, type_ in zip(units, types, strict=True):
            departure.say("Registered", -9000, [unit], type=type_, made="2005",
                          numbers=(Number(scheme="other", value=unit),))  # fmt: skip
        own = [] if composed else departure.units
        departure.compose(-0.9, units=[*own, *units], replaces=departure.composition,
                          reason="test", **composed)  # fmt: skip
        departure.brake(brake_force_t="70")

    return sow


def _after(first: Sow, kind: str, unit: str, **fields: Any) -> Sow:
    def sow(departure: Departure) -> None:
        first(departure)
        departure.say(kind, -5, [unit], **fields)

    return sow


def _freight(*types: str) -> Sow:
    return _stands(*types, train_kind="freight", max_speed_kmh=80)


FLAT = (Reading(quantity="flat_depth", value="1.8", unit="mm", uncertainty="0.1"),)
WAGON, LOCOMOTIVE = "covered_wagon", "2te10m"
MISSED: dict[str, tuple[Sow, str, dict[str, Any]]] = {
    "admission_age.kz": (lambda d: None, "ready", {"most": 15}),
    "admission_extended.kz": (
        _after(_freight(WAGON), "LifeExtended", "x-0", until="2030", document="решение 7"),
        "ready", {}),
    "brake_force.freight": (_freight(WAGON), "depart", {}),
    "flat.freight": (_after(_freight(WAGON), "Measured", "x-0", readings=FLAT), "ready", {}),
    "permission_expired": (
        _after(lambda d: None, "Permitted", "v-2", permission="пути АО", until="2020-01-01"),
        "ready", {}),
    "supply.cooling_water": (_stands(LOCOMOTIVE), "ready", {"required": True}),
    "supply.fuel": (_stands(LOCOMOTIVE), "ready", {"required": True}),
    "supply.oil": (_stands(LOCOMOTIVE), "ready", {"required": True}),
    "supply.sand": (_stands(LOCOMOTIVE), "ready", {"required": True}),
    "supply.washing": (lambda d: None, "ready", {"required": True}),
    "template.baggage": (_stands("coach_baggage", "coach_baggage"), "ready", {}),
    "template.freight": (_freight(*[WAGON] * 101), "ready", {}),
    "template.length": (_stands(*["coach_compartment"] * 18), "ready", {}),
}
"""Rows that no fault of the simulation needs: what shows them, and what the row lacks for it.

A row without an amount, an age or a duty is shipped so that a railway gives it one.
"""
TOLD_BY_THE_STORE = ("no_decision", "work_incomplete", "campaign_overdue", "remark_overdue")
"""What the store tells of a unit by other units' entries: given here as the store gives it."""


def told(row: str, rows: Catalogue) -> set[str]:
    """Return the rows of the reasons against the departure that needs a row."""
    if row in MISSED:
        sow, act, lacking = MISSED[row]
        if row in rows.release_gates:
            gates = rows.release_gates
            rows = replace(rows, release_gates=gates | {row: replace(gates[row], **lacking)})
        return reasons(sow, act, rows)
    if row in TOLD_BY_THE_STORE:
        facts = Departure().facts(rows)
        first = dataclasses.replace(facts.units[0], gates=[Gate(row, facts.units[0].unit, {})])
        return {f.row for f in findings(dataclasses.replace(
            facts, units=[first, *facts.units[1:]]))}  # fmt: skip
    return set()


def reasons(sow: Sow, act: str, rows: Catalogue) -> set[str]:
    departure = Departure()
    sow(departure)
    return {finding.row for finding in findings(departure.facts(rows, act))}  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def shown_by_faults() -> dict[str, str]:
    """Return, of each row that a sown fault gives as a reason, such a fault."""
    return {row: fault for fault, (sow, _, act) in FAULTS.items()
            for row in reasons(sow, act, catalogue())}  # fmt: skip


@pytest.mark.parametrize("row", sorted(catalogue().release_gates))
def test_no_gate_of_the_catalogue_can_be_taken_away_unseen(row: str) -> None:
    if (fault := shown_by_faults().get(row)) is not None:
        sow, _, act = FAULTS[fault]
        assert row not in reasons(sow, act, without(row))
        return
    assert row in told(row, catalogue())
    assert row not in told(row, without(row))


def fit_departure(seed: int) -> Departure:
    drawn = random.Random(seed)
    days = timedelta(days=drawn.randrange(-180, 180), hours=drawn.randrange(24))
    return Departure(seed, drawn.randrange(2, 7), DEPARTS + days)


@pytest.mark.parametrize("act", ["ready", "depart"])
def test_no_fit_consist_is_refused_in_twenty_simulated_departures(act) -> None:
    for seed in range(20):
        assert refuses(findings(fit_departure(seed).facts(catalogue(), act))) == []


@pytest.mark.nightly
def test_no_fit_consist_is_refused_in_ten_thousand_simulated_departures() -> None:
    for seed in range(10_000):
        act = "depart" if seed % 2 else "ready"
        assert refuses(findings(fit_departure(seed).facts(catalogue(), act))) == [], seed


def test_a_repeat_that_lies_inside_the_limit_takes_the_doubt_away() -> None:
    departure = Departure()
    departure.measure("w-v-2-1", "rim_thickness", "32.05", -5, "left")
    departure.measure("w-v-2-1", "rim_thickness", "32.04", -4, "left")
    assert findings(departure.facts(catalogue())) == []


def test_a_doubtful_reading_of_a_quantity_with_a_warning_guard_only_warns() -> None:
    departure = Departure()
    departure.measure("w-v-2-1", "flange_thickness", "26.05", -4, "left")
    found = findings(departure.facts(catalogue()))
    assert [(f.gate.name, f.weight) for f in found] == [("doubtful", "warning")]


def test_boiler_and_coal_do_not_block_in_june() -> None:
    departure = Departure(departs=DEPARTS.replace(month=6, day=12))
    departure.say("DefectFound", -5, ["v-2"], code="heating.boiler_pump")
    departure.serve("v-3", "coal", "0.0", "t")
    assert refuses(findings(departure.facts(catalogue()))) == []


def test_the_fault_is_named_with_its_place_in_the_train() -> None:
    departure = Departure()
    departure.measure("w-v-3-1", "rim_thickness", "20", -4, "left")
    found = findings(departure.facts(catalogue()))[0]
    assert (found.place, found.gate.unit) == (3, "w-v-3-1")


def test_of_a_unit_that_entries_wait_for_nothing_is_judged_and_of_the_others_all() -> None:
    departure = Departure()
    for unit in ("v-2", "v-3"):
        departure.measure(f"w-{unit}-1", "rim_thickness", "20", -4, "left")
    facts = departure.facts(catalogue())
    late = [dataclasses.replace(u, behind=3 * (u.unit == "v-2")) for u in facts.units]
    found = findings(dataclasses.replace(facts, units=late))
    assert [(f.gate.name, f.place) for f in found] == [("views_behind", 2), ("unfit", 3)]
    assert found[0].gate.values == {"entries": "3"}


def test_a_unit_alone_is_asked_only_what_a_unit_is_asked() -> None:
    departure = Departure()
    departure.measure("w-v-2-1", "rim_thickness", "20", -4, "left")
    facts = departure.facts(catalogue())
    for unit, names in ((facts.units[1], ["unfit"]), (facts.units[2], [])):
        alone = dataclasses.replace(
            facts, units=[unit], alone=True, consist=Consist(unit="", departs_us=facts.now_us))
        assert [f.gate.name for f in findings(alone)] == names


def test_every_reason_of_a_unit_alone_has_a_row_in_a_train() -> None:
    from railtrace.web.release import NOW

    checks = {row.check for row in catalogue().release_gates.values()}
    assert set(NOW) - checks == set()
