"""A certificate proves itself: proofs, signatures and rows, and any change is named."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import date, timedelta, timezone
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from railtrace import check
from railtrace.catalogue import load as catalogue_files
from railtrace.catalogue.rows import Service
from railtrace.errors import NotFound
from railtrace.projections.consist_gates import judged_rows
from railtrace.projections.decision_file import decision_file, looked_at
from railtrace.projections.maintenance import _calendar_us
from railtrace.simulation.departures import ROWS, Departure
from railtrace.store.certificate import certificate_of
from railtrace.store.evidence import EvidenceStore
from railtrace.store.sqlite import Sqlite
from railtrace.store.trace import DatabaseTraceStore
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.decision import signed
from railtrace.trace.ledger import Submission, record, sign_head
from railtrace.trace.operation import (
    GateReason,
    LeanedOn,
    LogSize,
    Operation,
    PaperIssued,
    Released,
)
from railtrace.trace.trust import trust_one
from tests.release_cases import CASES
from tests.store.ledgers import SIGNER
from tests.trace.operations import measured

TRUST = trust_one("tests/sim", SIGNER.named("tests/sim").verifier)
KEY = str(SIGNER.named("tests/sim").verifier)
Change = Callable[[dict[str, Any]], object]


@contextmanager
def certified(
    departure: Departure, reasons: tuple[GateReason, ...] = (), promise: Any = None
) -> Iterator[tuple[DatabaseTraceStore, EvidenceStore, bytes]]:
    """Record a departure and its signed release; give what is kept, and the certificate."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROWS, folder / "rows.toml")
        catalogue = catalogue_files.load(folder)
        evidence = EvidenceStore(folder / "evidence", keep_free_bytes=0)
        evidence.put(catalogue.canonical_bytes())
        store = DatabaseTraceStore(Sqlite(folder / "trace.db"))
        store.open_log("sim", "tests/sim")
        _record(store, departure, departure.operations)
        facts = departure.facts(catalogue, "depart")
        _record(store, departure, [_release(evidence, departure, facts, reasons, promise)])
        yield store, evidence, certificate_of(
            store, evidence, "release-1", lambda log: _head(store, departure), TRUST
        )
        store.close()


def _release(
    evidence: EvidenceStore, departure: Departure, facts: Any, reasons: Any, promise: Any
) -> Operation:
    rows = judged_rows(facts)
    leaned, named = looked_at(facts, rows)
    at = {one.id: n for n, one in enumerate(departure.operations)}
    leaned += [LeanedOn(operation=id_, log="sim", position=at[id_])
               for id_ in sorted(named - {one.operation for one in leaned})]  # fmt: skip
    decided: dict[str, Any] = {
        "decision": "d:1", "scope": "consist", "act": "depart", "consist": "C-sim",
        "units": tuple(departure.units), "reasons": reasons, "catalogue": facts.catalogue.hash,
        "positions": (LogSize(log="sim", size=len(departure.operations)),),
    }  # fmt: skip
    content = decision_file(facts, decided, False, rows, promise)
    file = evidence.put(content, "decision.json", "application/json", "dataset")
    moment = departure.departs - timedelta(hours=1)
    mark = signed(bytes(32), file.sha256, "p-officer", "release_officer", moment)
    return Released(
        id="release-1", happened_at=moment, leaned_on=tuple(leaned), decision_file=file.sha256,
        signatures=(mark,), evidence=(file,), **decided,
    )  # fmt: skip


def _record(store: DatabaseTraceStore, departure: Departure, operations: list[Operation]) -> None:
    batch = [Submission(operation, "p-sim", "test") for operation in operations]
    record(store, "sim", batch, departure.departs)


def _head(store: DatabaseTraceStore, departure: Departure) -> Checkpoint:
    return sign_head(store, "sim", SIGNER, departure.departs + timedelta(hours=1))


@cache
def sound() -> str:
    """Return the certificate of a fit train of two coaches."""
    with certified(Departure(coaches=2)) as (_, _, content):
        return content.decode()


def checked(text: str) -> list[str]:
    """Return the faults of a certificate as they are printed."""
    found = check.check_certificate(text, check.Trust({"keys": [
        {"origin": "tests/sim", "verifier_key": KEY}]})).findings  # fmt: skip
    return [f"{finding.name}: {finding}" for finding in found if finding.is_fault]


def changed(change: Change) -> list[str]:
    body = json.loads(sound())
    change(body)
    return checked(check.canonical(body))


def entry_with(body: dict[str, Any], unit: str, quantity: str) -> dict[str, Any]:
    return next(e for e in body["entries"] if f'"{unit}"' in e["leaf"] and quantity in e["leaf"])


# --- what holds -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_checker_judges_a_row_as_the_gates_do(case: str) -> None:
    row, expected = CASES[case]
    assert check.judge_row(row) == expected


def test_a_sound_certificate_holds() -> None:
    assert checked(sound()) == []


def test_it_is_checked_in_a_second_without_network_or_packages(tmp_path: Path) -> None:
    with certified(Departure(coaches=20)) as (_, _, content):
        (tmp_path / "certificate.json").write_bytes(content)
    shutil.copy(check.__file__, tmp_path / "check.py")
    started = time.process_time()
    text = (tmp_path / "certificate.json").read_text("utf-8")
    assert checked(text) == []
    assert time.process_time() - started < 1
    done = subprocess.run(
        [sys.executable, "-I", "-S", "check.py", "certificate.json", "--key", KEY],
        cwd=tmp_path, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1]) == (0, "nothing is wrong"), done.stdout + done.stderr
    assert lines[0].startswith("329 (depart): released, 20 units, 2026-01-20T05:00:00")
    assert "rows judged again:" in lines[1]


def test_it_says_what_it_does_not_judge() -> None:
    departure = Departure(coaches=2)
    departure.say("Ran", -30, ["v-2"], distance_km="250000")
    with certified(departure, promise={"chance": 0.98}) as (_, _, content):
        told = check.check_certificate(content.decode(), None).findings
    names = {finding.name: str(finding) for finding in told}
    assert "is not judged again" in names["promise"]
    assert "1 rows compare what was run or waited" in names["counted"]
    assert {"nothing-found", "counted", "server-key"} <= names.keys()
    assert not any(finding.is_fault for finding in told)


def test_days_are_counted_again_from_one_date_to_the_other() -> None:
    told = check.check_certificate(sound(), None)
    days = [r for r in told.decision["rows"] if r["rule"] == "due"]
    assert {row["looked"][0]["unit_of_measure"] for row in days} == {"d"}
    assert "counted" not in {finding.name for finding in told.findings}


def test_an_interval_from_a_stated_repair_is_counted_by_the_issuer() -> None:
    departure = Departure(coaches=2)
    departure.drop(lambda one: not (one.units == ("v-2",) and "Repair" in type(one).__name__))
    departure.say("LastRepairStated", -24 * 30, ["v-2"], repair_kind="ДР", grade="document",
                  done="2025-06-10")  # fmt: skip
    with certified(departure) as (_, _, content):
        told = check.check_certificate(content.decode(), None).findings
    assert not any(finding.is_fault for finding in told)
    assert "1 rows compare" in {finding.name: str(finding) for finding in told}["counted"]


@pytest.mark.parametrize("us", [1_706_659_200_000_000, 1_700_000_000_000_000])
@pytest.mark.parametrize("months", [1, 13, 24])
def test_the_checker_counts_months_as_the_product_does(us: int, months: int) -> None:
    service = Service(key="s", ru="s", en="s", source="s", jurisdiction="-", programme="p",
                      kind="k", valid_from=date(2020, 1, 1), months=months)  # fmt: skip
    assert check._months_on(us, months) - us == _calendar_us(us, service)


def test_a_file_at_hand_is_told_from_a_foreign_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_text(sound(), "utf-8")
    (tmp_path / "decision.json").write_text(json.loads(sound())["decision_file"], "utf-8")
    (tmp_path / "other.txt").write_text("other", "utf-8")
    asked = [str(tmp_path / "c.json"), "--key", KEY, "--file", str(tmp_path / "decision.json")]
    assert check.main(asked) == 0
    assert "decision.json: as it was named" in capsys.readouterr().out
    assert check.main([*asked, "--file", str(tmp_path / "other.txt")]) == 1
    assert "none of the files that the entries name" in capsys.readouterr().out


def test_what_is_no_decision_has_no_certificate() -> None:
    with certified(Departure(coaches=2)) as (store, evidence, _):
        record(store, "sim", [Submission(measured("m-1"), "p", "test")], Departure().departs)
        for id_, said in (("m-1", "is no decision"), ("nobody", "is not in this ledger")):
            with pytest.raises(NotFound, match=said):
                certificate_of(store, evidence, id_, lambda log: None, TRUST)  # type: ignore[arg-type,return-value]


# --- what is changed is named -----------------------------------------------------------------


def test_an_altered_measurement_is_named_with_both_values() -> None:
    def alter(body: dict[str, Any]) -> None:
        entry = entry_with(body, "w-v-2-1", "flange_thickness")
        leaf = json.loads(entry["leaf"])
        told = leaf["operation"]["readings"][0]["value"]
        entry["leaf"] = entry["leaf"].replace(f'"value":"{told}"', '"value":"31.9"')

    said = "\n".join(changed(alter))
    assert "leaf-changed: sim " in said
    assert "the decision takes from it flange_thickness" in said
    assert "of w-v-2-1: the decision stands on" in said
    assert "the entry says 31.9 ± 0.1 mm" in said


def test_a_value_altered_in_decision_and_entry_alike_is_named_still() -> None:
    def alter(body: dict[str, Any]) -> None:
        decision = json.loads(body["decision_file"])
        row = next(row for row in decision["rows"] if row["rule"] == "limit")
        looked = row["looked"][0]
        for entry in body["entries"]:
            if (entry["log"], entry["position"]) == (looked["log"], looked["position"]):
                old = f'"value":"{looked["value"]}"'
                entry["leaf"] = entry["leaf"].replace(old, '"value":"32.5"')
        looked["value"] = "32.5"
        body["decision_file"] = json.dumps(decision)

    names = {line.split(":")[0] for line in changed(alter)}
    assert {"leaf-changed", "decision-changed"} <= names


def alter_decision(change: Change) -> Change:
    def alter(body: dict[str, Any]) -> None:
        decision = json.loads(body["decision_file"])
        change(decision)
        body["decision_file"] = json.dumps(decision)

    return alter


def rule_row(decision: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(row for row in decision["rows"] if row["rule"] == rule)


ALTERED: dict[str, tuple[Change, str]] = {
    "the key of a reading": (lambda d: rule_row(d, "limit").pop("looked"), "row-unreadable"),
    "an outcome": (lambda d: rule_row(d, "limit").update(outcome="doubtful"), "row-misjudged"),
    "a limit": (lambda d: rule_row(d, "limit").update(min="1"), "row-limit"),
    "the row a limit is of": (lambda d: rule_row(d, "limit").update(limit="no.such"), "row-limit"),
    "an amount": (lambda d: rule_row(d, "amount")["looked"][0].update(value="0.9"),
                  "measurement-changed"),
    "the days of an interval": (
        lambda d: rule_row(d, "due")["looked"][0].update(value="400.5"), "row-days"),
    "the length of an interval": (lambda d: rule_row(d, "due").update(max="900.0"), "row-limit"),
    "the row of an interval": (lambda d: rule_row(d, "due").update(limit="no.such"), "row-limit"),
    "the day an interval runs from": (
        lambda d: rule_row(d, "due")["looked"][0].update(at_us=2**50), "measurement-changed"),
    "a norm": (lambda d: rule_row(d, "amount").update(min="0.1"), "row-limit"),
    "a paper's end": (lambda d: rule_row(d, "paper")["looked"][0].update(until_us=2**52),
                      "measurement-changed"),
    "the rule by which a paper's day ends": (
        lambda d: rule_row(d, "paper")["looked"][0].update(day_ends="utc"), "row-unreadable"),
    "that its day ends by a rule": (
        lambda d: rule_row(d, "paper")["looked"][0].pop("day_ends"), "row-unreadable"),
    "the mass of the train": (lambda d: rule_row(d, "brake_force")["looked"][1].update(value="99"),
                              "measurement-changed"),
    "an entry": (lambda d: rule_row(d, "limit")["looked"][0].update(operation="o-none"),
                 "row-unproven"),
    "when it was measured": (lambda d: rule_row(d, "limit")["looked"][0].update(at_us=1),
                             "measurement-changed"),
    "an unfit row that no reason names": (
        lambda d: rule_row(d, "due").update(max="0.001", outcome="unfit"), "row-unsaid"),
    "the units": (lambda d: d.update(units=["v-1"]), "decision-differs"),
    "what was decided": (lambda d: d.update(outcome="refused"), "decision-differs"),
    "a reason": (lambda d: d["reasons"].append(
        {"gate": "unfit", "row": "unfit", "weight": "mandatory"}), "gate-passed"),
    "a warning": (lambda d: d["reasons"].append(
        {"gate": "doubtful", "row": "doubtful", "weight": "warning"}), "not-overridden"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_a_decision_with_another_content_is_named(what: str) -> None:
    change, name = ALTERED[what]
    names = {line.split(":")[0] for line in changed(alter_decision(change))}
    assert {name, "decision-changed"} <= names


def _issued_at_dushanbe() -> Departure:
    """A departure whose papers were issued by the clocks of Dushanbe."""
    departure, clock = Departure(coaches=2), timezone(timedelta(hours=5))
    departure.operations = [
        replace(o, happened_at=o.happened_at.astimezone(clock)) if isinstance(o, PaperIssued) else o
        for o in departure.operations
    ]
    return departure


def test_a_paper_s_day_ends_by_the_clock_of_its_own_entry_and_in_older_files_by_utc() -> None:
    with certified(_issued_at_dushanbe()) as (_, _, content):
        body = json.loads(content)
    looked = rule_row(json.loads(body["decision_file"]), "paper")["looked"][0]
    assert looked["until_us"] % (24 * 3_600_000_000) == 19 * 3_600_000_000 - 1
    assert checked(content.decode()) == []

    def as_before(decision: dict[str, Any]) -> None:
        decision["format"] = "railtrace-decision/2"
        for row in decision["rows"]:
            for one in row.get("looked", ()):
                if one.pop("day_ends", ""):
                    one["until_us"] += 5 * 3_600_000_000
                    if row["rule"] == "due":
                        row["max"] = str(float(row["max"]) + 5 / 24)

    alter_decision(as_before)(body)
    assert {line.split(":")[0] for line in checked(check.canonical(body))} == {
        "decision-changed"}  # fmt: skip
    alter_decision(lambda d: d.update(format="railtrace-decision/3"))(body)
    assert any(line.startswith("row-unreadable") for line in checked(check.canonical(body)))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda b: b["entries"].pop(3), "leaf-missing"),
        (lambda b: b["entries"].append(deepcopy(b["decision"])), "leaf-unnamed"),
        (lambda b: b["entries"][0].update(position=10**6), "leaf-changed"),
        (lambda b: b["checkpoints"].clear(), "proof-wrong"),
        (lambda b: b["checkpoints"].update(
            sim=b["checkpoints"]["sim"].replace("tests/sim", "tests/sin", 1)), "untrusted"),
        (lambda b: b.update(catalogue=b["catalogue"].replace('"26"', '"16"')), "catalogue-changed"),
        (lambda b: b["decision"].update(leaf=b["decision"]["leaf"].replace("p-officer", "p-other")),
         "signature-changed"),
        (lambda b: b["checkpoints"].update(sim=b["checkpoints"]["sim"].replace("\n1", "\n2", 1)),
         "signature"),
    ],
)  # fmt: skip
def test_a_changed_part_is_named(change: Change, name: str) -> None:
    if name == "signature":
        size = json.loads(sound())["checkpoints"]["sim"].split("\n")[1]

        def change(body: dict[str, Any]) -> None:
            note = body["checkpoints"]["sim"].replace(f"\n{size}\n", f"\n{int(size) + 1}\n")
            body["checkpoints"]["sim"] = note

    assert any(line.startswith(f"{name}:") for line in changed(change)), changed(change)


def test_a_file_that_was_only_laid_out_anew_says_where() -> None:
    body = json.loads(sound())
    said = checked(json.dumps(body, ensure_ascii=False, indent=1))
    assert said == ["certificate-rewritten: sim: the file is not as it was written, from byte 1 on"]


PROVEN = ("decision", "decision_file", "catalogue", "entries", "checkpoints")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_byte_of_any_evidence_is_named(data: st.DataObject) -> None:
    text = sound()
    part = data.draw(st.sampled_from(PROVEN))
    start = text.index(f'"{part}":') + len(part) + 3
    end = start + len(check.canonical(json.loads(text)[part])) - 1
    at = data.draw(st.integers(start, end - 1))
    other = data.draw(st.sampled_from([c for c in '09afZ"{ \\' if c != text[at]]))
    try:
        assert checked(text[:at] + other + text[at + 1 :]) != []
    except (check.CannotCheck, *check._MALFORMED):
        return  # Said by name and answered by 2: tests below.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": "railtrace certificate v1"}', "is not a certificate"),
        (lambda: sound().replace('"catalogue":', '"katalogue":'), "not what a certificate holds"),
    ],
)
def test_what_is_no_certificate_is_said(
    content: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_text(content if isinstance(content, str) else content(), "utf-8")
    assert check.main([str(tmp_path / "c.json"), "--key", KEY]) == 2
    assert said in capsys.readouterr().err


def test_the_hash_of_the_whole_decision_is_what_the_person_signed() -> None:
    body = json.loads(sound())
    [mark] = json.loads(body["decision"]["leaf"])["operation"]["signatures"]
    assert check._signature_holds(mark, sha256(body["decision_file"].encode()).hexdigest())
