"""A result as operations: the envelope as it came, and the fact it tells of a unit.

The ids follow from the device and the machine's own number of the result, so that the same
result sent twice is one operation.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from railtrace.devices.manifest import Manifest
from railtrace.devices.message import File, Result, Value
from railtrace.trace.operation import (
    KINDS,
    Evidence,
    MachineLimit,
    MachineResult,
    Operation,
    Phase,
    Reading,
)

AHEAD = timedelta(minutes=2)
"""A machine's clock further ahead than this is not believed."""
LONG_AGO = timedelta(days=400)
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_ID_SIGNS = re.compile(r"[A-Za-z0-9._-]+")
_PERSON = re.compile(r"p-[A-Za-z0-9._-]{1,60}")
UNIT_MARK = "unit:"
"""A part scanned from our own label names the unit itself, not a number painted on it."""


class Where(Struct, frozen=True, kw_only=True):
    """What the gateway knows of a machine and the machine does not say itself."""

    device: str
    site: str = ""
    workplace: str = ""
    gateway: str = ""
    step: str = ""
    serial: str = ""
    certificate_to: datetime | None = None
    uncertainty: dict[str, str] = {}


def result_key(device: str, result_id: str) -> str:
    """Return the id that a result's fact has: from the device and the machine's number of it."""
    plain = result_id if _ID_SIGNS.fullmatch(result_id) and len(result_id) <= 40 else (
        sha256(result_id.encode()).hexdigest()[:24]
    )  # fmt: skip
    return f"m:{device}:{plain}"


def envelope_key(fact: str) -> str:
    """Return the id of the envelope of a result's fact."""
    return f"{fact}:r"


def fingerprint(manifest: Manifest, result: Result) -> str:
    """Return what tells this result from another under the same number.

    The moment of arrival stands in for a time the machine does not tell, and says nothing.
    """
    if manifest.envelope.ended_at is None:
        result = msgspec.structs.replace(result, ended_at=_NO_TIME)
    return sha256(msgspec.json.encode(result)).hexdigest()


def operations_of(
    manifest: Manifest, result: Result, where: Where, received_at: datetime,
    raw: File | None = None, key: str = "",
) -> tuple[Operation, ...]:  # fmt: skip
    """Return the fact and the envelope of a result; an aborted cycle without values: no fact.

    `raw` is the file the result came in. `key` stands in for the id where a person decided that
    a number came twice for two results.
    """
    key = key or result_key(where.device, result.result_id)
    at, remarks = _when(result, received_at)
    remarks += [*result.remarks, *_certificate(where, at), *_unknown_person(result)]
    shared = _shared(result, where, at)
    facts = _fact(manifest, result, key, shared, where)
    envelope = MachineResult(
        **shared, id=envelope_key(key), result_id=result.result_id, machine=manifest.kind,
        serial=result.serial or where.serial, firmware=result.firmware, gateway=where.gateway,
        simulated=result.simulated, partial=result.partial, state=result.state,
        part=result.part, recipe=result.recipe, recipe_revision=result.recipe_revision,
        job=result.job, started_at=_started(result, at),
        device_time=result.ended_at if at != result.ended_at else None,
        evaluation=result.evaluation, evaluation_code=result.evaluation_code,
        evaluation_details=result.evaluation_details,
        limits=tuple(MachineLimit(**msgspec.structs.asdict(limit)) for limit in result.limits),
        phases=tuple(Phase(phase=run.phase, duration_s=run.duration_s) for run in result.phases),
        facts=tuple(fact.id for fact in facts), remarks=tuple(r[:200] for r in remarks),
        evidence=(evidence_of(raw),) if raw else (),
    )  # fmt: skip
    return (*facts, envelope)


def _when(result: Result, received_at: datetime) -> tuple[datetime, list[str]]:
    """A clock that runs ahead, or stands at its first day, is replaced by the moment of arrival."""
    ahead = result.ended_at - received_at
    if ahead > AHEAD:
        return received_at, [f"clock_ahead {int(ahead.total_seconds())} s"]
    if ahead < -LONG_AGO:
        return received_at, [f"clock_behind {-ahead.days} d"]
    return result.ended_at, []


def _started(result: Result, at: datetime) -> datetime | None:
    """The start of a cycle on the same footing as its end."""
    if result.started_at is None or result.started_at > result.ended_at:
        return None
    return at - (result.ended_at - result.started_at)


def _certificate(where: Where, at: datetime) -> list[str]:
    if where.certificate_to is None or at <= where.certificate_to:
        return []
    return [f"certificate_expired {where.certificate_to.date().isoformat()}"]


def _unknown_person(result: Result) -> list[str]:
    known = not result.operator or _PERSON.fullmatch(result.operator)
    return [] if known else ["operator_unknown"]


def _shared(result: Result, where: Where, at: datetime) -> dict[str, Any]:
    unit = result.part.removeprefix(UNIT_MARK) if result.part.startswith(UNIT_MARK) else ""
    return {
        "happened_at": at, "units": (unit,) if unit else (),
        "marks": () if unit or not result.part else (result.part,),
        "site": where.site, "workplace": where.workplace, "device": where.device,
        "performed_by": (result.operator,) if _PERSON.fullmatch(result.operator) else (),
        "work_order": result.job, "step": where.step,
        "zone_source": "stated",
    }  # fmt: skip


def _fact(
    manifest: Manifest, result: Result, key: str, shared: dict[str, Any], where: Where
) -> tuple[Operation, ...]:
    readings = tuple(_reading(value, where) for value in result.values)
    evidence = tuple(evidence_of(file) for file in result.files)
    if result.partial or (not readings and manifest.fact in ("Measured", "Reprofiled")):
        return ()
    fact = KINDS[manifest.fact](
        **shared, id=key, readings=readings, evidence=evidence, **_own(manifest, result)
    )
    return (fact,)


def _reading(value: Any, where: Where) -> Reading:
    return Reading(
        quantity=value.quantity, value=value.value, unit=value.unit, place=value.place,
        uncertainty=where.uncertainty.get(value.quantity, value.uncertainty),
        moment=value.moment,
    )  # fmt: skip


def _own(manifest: Manifest, result: Result) -> dict[str, Any]:
    """The fields of the fact's own kind; a machine's verdict never becomes a unit's verdict."""
    outcome = "aborted" if result.state != "completed" else (
        "failed" if result.evaluation == "not_ok" else "passed"
    )  # fmt: skip
    match manifest.fact:
        case "Washed":
            return {"programme": result.recipe, "outcome": outcome}
        case "Tested":
            return {"test": manifest.test or manifest.kind, "outcome": outcome}
        case "Diagnosed":
            finding = {"ok": "sound", "not_ok": "alarm", "undecided": "watch"}[result.evaluation]
            return {
                "method": manifest.method or manifest.kind, "outcome": finding,
                "finding": result.evaluation_details,
            }  # fmt: skip
    return {}


def evidence_of(file: File) -> Evidence:
    """Return how an operation names a file."""
    return Evidence(
        sha256=sha256(file.content).hexdigest(), name=file.name, media_type=file.media_type,
        size=len(file.content), evidence_class="curve",
    )  # fmt: skip


def out_of_range(
    manifest: Manifest, result: Result, own: Mapping[str, tuple[str, str]] | None = None
) -> list[str]:
    """Return the readings that the instrument cannot show, each in words.

    `own` are the ranges of this very instrument, by quantity, where they are narrower.
    """
    return [
        f"{v.quantity} {v.place} {v.value} {v.unit}, {low}…{high}".replace("  ", " ")
        for v, low, high in beyond(manifest, result, own)
    ]


def beyond(
    manifest: Manifest, result: Result, own: Mapping[str, tuple[str, str]] | None = None
) -> Iterator[tuple[Value, Decimal, Decimal]]:
    """Yield the readings that the instrument cannot show, with what it can."""
    ranges = {(f.quantity, f.place, f.moment): f for f in manifest.fields if not f.limit}
    by_quantity = {f.quantity: f for f in manifest.fields if not f.limit}
    for value in result.values:
        field = ranges.get((value.quantity, value.place, value.moment))
        field = field or by_quantity.get(value.quantity)
        if field is None:
            continue
        low, high = map(Decimal, (own or {}).get(field.quantity, field.range))
        if not low <= Decimal(value.value) <= high:
            yield value, low, high
