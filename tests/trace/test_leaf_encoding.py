"""Leaves are RFC 8785 JSON, and come back as they were."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railtrace.errors import BadOperation
from railtrace.trace import leaf as leaves
from railtrace.trace.checks import check
from railtrace.trace.leaf import Unreadable
from railtrace.trace.operation import KINDS, Operation, decode, kind_of
from tests.trace.operations import MOMENTS, TEXT, measured, operations, operations_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


few = settings(max_examples=15, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", sorted(KINDS))
@few
@given(st.data())
def test_a_leaf_of_any_kind_is_what_rfc_8785_writes(kind: str, data: st.DataObject) -> None:
    operation = data.draw(operations_of(kind))
    leaf = leaves.encode(operation, data.draw(MOMENTS), data.draw(TEXT), data.draw(TEXT))
    assert leaf == rfc8785.dumps(json.loads(leaf))
    assert b"\n" not in leaf


@pytest.mark.parametrize("kind", sorted(KINDS))
@few
@given(st.data())
def test_an_operation_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    operation, recorded_at = data.draw(operations_of(kind)), data.draw(MOMENTS)
    entry = leaves.read(leaves.encode(operation, recorded_at, "who", "test"), "log", 7)
    assert entry.operation == operation
    assert kind_of(operation) == kind
    assert leaves.moment(entry.recorded_us) == recorded_at
    assert leaves.moment(entry.happened_us) == operation.happened_at
    assert decode(leaves.encode_operation(operation)) == operation


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(operations())
def test_a_check_passes_or_refuses_and_never_fails_otherwise(operation: Operation) -> None:
    with suppress(BadOperation):
        check(operation, NOW)


@pytest.mark.parametrize("field", ["id", "happened_at", "units", "readings", "kind"])
def test_a_default_is_left_out_and_a_value_is_not(field: str) -> None:
    body = json.loads(leaves.encode(measured("op-1"), NOW, "who", "test"))
    assert field in body["operation"]
    assert set(body) == {"channel", "format", "operation", "recorded_at", "submitter"}
    assert not {"note", "site", "shape", "basis"} & set(body["operation"])


def test_the_same_content_is_of_the_decoded_operation() -> None:
    here = measured("op-1", happened_at="2026-01-01T05:00:00+05:00")
    assert here == measured("op-1", happened_at="2026-01-01T00:00:00Z", note="")
    assert here != measured("op-1", happened_at="2026-01-01T05:00:00Z")
    reading = {"quantity": "flange_thickness", "value": "31.50", "unit": "mm"}
    assert here != measured("op-1", readings=[reading])


@pytest.mark.parametrize("character", ["\x00", "\x07", "\b", "\f", "\r", "\x1f"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(BadOperation, match="control character"):
        check(measured("op-1", note=f"a{character}b"), NOW)


@pytest.mark.parametrize(
    "text", ["tab\t", "line\nline", '"', "\\", "\\b", "\\u0000", "\\\\n", "😀", "ҷ"]
)
def test_what_only_looks_like_a_control_character_is_taken(text: str) -> None:
    check(measured("op-1", note=text), NOW)


@pytest.mark.parametrize(
    "bad", [b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\\udc00"']
)
def test_what_is_not_unicode_is_not_decoded(bad: bytes) -> None:
    body = leaves.encode_operation(measured("op-1", note="NOTE")).replace(b'"NOTE"', bad)
    with pytest.raises((ValueError, UnicodeDecodeError)):
        decode(body)


def test_a_zone_with_seconds_is_refused_because_a_leaf_cannot_write_it() -> None:
    local = datetime(1900, 1, 1, tzinfo=ZoneInfo("Asia/Dushanbe"))
    assert local.utcoffset() == timedelta(hours=4, minutes=35, seconds=12)
    with pytest.raises(BadOperation, match="whole minutes"):
        check(type(measured("x"))(id="op-1", happened_at=local, units=("u-1",)), NOW)


@given(st.integers(-(10**15), 10**16))
def test_microseconds_and_moments_are_each_others_inverse(us: int) -> None:
    assert leaves.microseconds(leaves.moment(us)) == us


def test_an_operation_of_a_later_program_is_kept_and_shown() -> None:
    leaf = (
        b'{"channel":"c","operation":{"happened_at":"2030-01-01T00:00:00Z","id":"x-1",'
        b'"kind":"Teleported","units":["u-1","u-2"]},"recorded_at":"2030-01-02T00:00:00Z",'
        b'"submitter":"s"}'
    )
    entry = leaves.read(leaf, "log", 3)
    assert isinstance(entry.operation, Unreadable)
    assert (entry.kind, entry.units, entry.operation.id) == ("Teleported", ("u-1", "u-2"), "x-1")
    assert entry.happened_us < entry.recorded_us
