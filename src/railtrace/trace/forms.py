"""Forms of text: what an id, a decimal number, a hash and a partial date look like."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from railtrace.errors import BadOperation
from railtrace.trace.operation import Decimal, Id, Operation


class _Form(NamedTuple):
    matches: Callable[[str], object] | None
    words: str
    many: bool


_ENVELOPE = frozenset({"id", "units", "performed_by", "device", "readings"})


def check_forms(operation: Operation, envelope_holds: bool = False) -> None:
    """Hold every text of an operation to its form. Raises BadOperation naming the field.

    `envelope_holds` when `envelopes_hold` was asked of the whole batch already.
    """
    whole = not (envelope_holds or envelopes_hold([operation]))
    _check(operation, "", _forms(type(operation)) if whole else _own_forms(type(operation)))


def envelopes_hold(operations: Iterable[Operation]) -> bool:
    """Tell whether the ids and decimals that every operation has are of their forms.

    A batch is asked at one stroke: its texts repeat, and each different one is looked at once.
    """
    ids: set[str] = set()
    decimals: set[str] = set()
    for operation in operations:
        ids.add(operation.id)
        ids.update(operation.units)
        ids.update(operation.performed_by)
        if operation.device is not None:
            ids.add(operation.device)
        for reading in operation.readings:
            ids.add(reading.quantity)
            decimals.add(reading.value)
            if reading.uncertainty is not None:
                decimals.add(reading.uncertainty)
    return _hold(_IDS, ids) and _hold(_DECIMALS, decimals)


def _hold(form: re.Pattern[str], texts: set[str]) -> bool:
    """Tell whether every text has the form; a line feed inside a text shows in the count."""
    joined = "\n".join(texts)
    whole = joined.count("\n") == len(texts) - 1 and form.fullmatch(joined) is not None
    return whole or not texts


def _check(part: Struct, inside: str, forms: tuple[tuple[str, _Form], ...]) -> None:
    for name, form in forms:
        value = getattr(part, name)
        if not value and value != "":
            continue
        matches, words, many = form
        if not many:
            if not matches(value):  # type: ignore[misc]
                raise _misshapen(inside + name, value, words)
        elif matches is None:
            for index, item in enumerate(value):
                kind: type[Struct] = type(item)
                _check(item, f"{inside}{name}[{index}].", _forms(kind))
        else:
            for index, item in enumerate(value):
                if not matches(item):
                    raise _misshapen(f"{inside}{name}[{index}]", item, words)


def _misshapen(field: str, value: str, words: str) -> BadOperation:
    return BadOperation(
        "{what}: {value} is not of the form: {form}",
        field=field, what=field, value=repr(value[:100]), form=words,
    )  # fmt: skip


@cache
def _forms(kind: type[Struct]) -> tuple[tuple[str, _Form], ...]:
    hints = get_type_hints(kind, include_extras=True)
    found = ((name, _form_of(hints[name])) for name in kind.__struct_fields__)
    return tuple((name, form) for name, form in found if form is not None)


@cache
def _own_forms(kind: type[Operation]) -> tuple[tuple[str, _Form], ...]:
    return tuple((name, form) for name, form in _forms(kind) if name not in _ENVELOPE)


def _form_of(hint: Any) -> _Form | None:
    if get_origin(hint) is Annotated:
        inner, *metas = get_args(hint)
        for meta in metas:
            if isinstance(meta, Meta) and meta.extra_json_schema:
                pattern = re.compile(meta.extra_json_schema["pattern"])
                return _Form(pattern.match, meta.description or "", False)
        return _form_of(inner)
    if get_origin(hint) in (Union, UnionType):
        return next((form for arg in get_args(hint) if (form := _form_of(arg))), None)
    if get_origin(hint) is tuple:
        inner_form = _form_of(get_args(hint)[0])
        return inner_form._replace(many=True) if inner_form else None
    if isinstance(hint, type) and issubclass(hint, Struct) and not issubclass(hint, Operation):
        return _Form(None, "", many=True)
    return None


def _lines_of(form: Any) -> re.Pattern[str]:
    """Return the pattern of many texts of a form, one a line."""
    [meta] = form.__metadata__
    line = meta.extra_json_schema["pattern"].removeprefix("^").removesuffix(r"(?![\s\S])")
    return re.compile(f"(?:{line}\n)*{line}")


_IDS, _DECIMALS = _lines_of(Id), _lines_of(Decimal)
