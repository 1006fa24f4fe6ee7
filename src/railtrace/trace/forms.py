"""Forms of text: what an id, a decimal number, a hash and a partial date look like."""

import re
from collections.abc import Callable
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


_ENVELOPE = ("id", "units", "performed_by", "device", "readings")


def check_forms(operation: Operation) -> None:
    """Hold every text of an operation to its form. Raises BadOperation naming the field."""
    known = _ENVELOPE if _envelope_holds(operation) else ()
    _check(operation, "", known)


def _envelope_holds(operation: Operation) -> bool:
    """Hold the ids and decimals that every operation has to their forms at one stroke."""
    ids = [operation.id, *operation.units, *operation.performed_by]
    if operation.device is not None:
        ids.append(operation.device)
    if not operation.readings:
        return _hold(_IDS, ids)
    ids += [reading.quantity for reading in operation.readings]
    decimals = [reading.value for reading in operation.readings]
    decimals += [r.uncertainty for r in operation.readings if r.uncertainty is not None]
    return _hold(_IDS, ids) and _hold(_DECIMALS, decimals)


def _hold(form: re.Pattern[str], texts: list[str]) -> bool:
    """Tell whether every text has the form; a line feed inside a text shows in the count."""
    joined = "\n".join(texts)
    return joined.count("\n") == len(texts) - 1 and form.fullmatch(joined) is not None


def _check(part: Struct, inside: str, known: tuple[str, ...] = ()) -> None:
    for name, form in _forms(type(part)):
        if name in known:
            continue
        value = getattr(part, name)
        if not value and value != "":
            continue
        matches, words, many = form
        if not many:
            if not matches(value):  # type: ignore[misc]
                raise _misshapen(inside + name, value, words)
        elif matches is None:
            for index, item in enumerate(value):
                _check(item, f"{inside}{name}[{index}].")
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
