"""Hypothesis strategies for operations of every kind, made from the types themselves."""

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from railtrace.trace.operation import KINDS, Operation

TEXT = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters=[chr(i) for i in range(32)])
    | st.sampled_from('\n\t"\\/ёҷӯ😀\u2028\ufeff\x7f'),
    max_size=20,
)
_WALL_CLOCK = st.datetimes(
    datetime(1900, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    datetime(2025, 12, 31, tzinfo=UTC).replace(tzinfo=None),
)
MOMENTS = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    _WALL_CLOCK,
    st.just(0) | st.integers(-14 * 60, 14 * 60),
)


def _of(kind: inspect.Type, depth: int) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.Metadata(extra_json_schema={"pattern": pattern}):
            return st.from_regex(pattern.replace(r"(?![\s\S])", r"\Z"), fullmatch=True)
        case inspect.Metadata():
            return _of(kind.type, depth)
        case inspect.StrType():
            least = kind.min_length or 0
            return TEXT.filter(lambda text: len(text) >= least)
        case inspect.IntType():
            return st.integers(kind.ge or 0, kind.le if kind.le is not None else 2**53 - 1)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.DateTimeType():
            return MOMENTS
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.VarTupleType():
            least = kind.min_length or 0
            most = min(3, kind.max_length or 3)
            return st.lists(_of(kind.item_type, depth), min_size=least, max_size=most).map(tuple)
        case inspect.UnionType():
            simple = [t for t in kind.types if not isinstance(t, inspect.StructType)]
            choices = [_of(t, depth) for t in simple]
            if len(simple) < len(kind.types) and depth:  # the replacement of a correction
                choices.append(st.deferred(lambda: operations(depth - 1)))
            return st.one_of(choices)
        case inspect.StructType():
            return _struct(kind, depth)
    raise NotImplementedError(kind)


def _struct(kind: inspect.StructType, depth: int) -> st.SearchStrategy[Any]:
    required = {f.name: _of(f.type, depth) for f in kind.fields if f.required}
    optional = {f.name: _of(f.type, depth) for f in kind.fields if not f.required}
    values = st.fixed_dictionaries(required, optional=optional)
    return values.map(lambda given: kind.cls(**given))


@cache
def operations_of(kind: str, depth: int = 1) -> st.SearchStrategy[Operation]:
    """Return operations of one kind, valid in shape; `checks` may still refuse some."""
    info = inspect.type_info(KINDS[kind])
    assert isinstance(info, inspect.StructType)
    return _struct(info, depth)


@cache
def operations(depth: int = 1) -> st.SearchStrategy[Operation]:
    """Return operations of every kind."""
    return st.one_of([operations_of(kind, depth) for kind in sorted(KINDS)])


def measured(id_: str, unit: str = "u-1", note: str = "", **more: Any) -> Operation:
    """Return a plain operation that no check refuses."""
    body = {
        "kind": "Measured",
        "id": id_,
        "happened_at": "2026-01-01T00:00:00Z",
        "units": [unit],
        "readings": [{"quantity": "flange_thickness", "value": "31.5", "unit": "mm"}],
        "note": note,
    } | more
    return msgspec.convert(body, KINDS[body["kind"]])  # type: ignore[no-any-return]
