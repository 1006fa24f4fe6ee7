"""Forms of text: what an id, a decimal number, a hash and a partial date look like."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from railtrace.errors import BadOperation
from railtrace.trace.operation import Operation


class _Form(NamedTuple):
    matches: Callable[[str], object] | None
    words: str
    many: bool


def check_forms(part: Struct, inside: str = "") -> None:
    """Hold every text of an operation to its form. Raises BadOperation naming the field."""
    for name, form in _forms(type(part)):
        value = getattr(part, name)
        if not value and value != "":
            continue
        matches, words, many = form
        if not many:
            if not matches(value):  # type: ignore[misc]
                raise _misshapen(inside + name, value, words)
        elif matches is None:
            for index, item in enumerate(value):
                check_forms(item, f"{inside}{name}[{index}].")
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
                # Quantities, units and values repeat; looking one up costs a third of matching it.
                matches = lru_cache(maxsize=8192)(pattern.match)
                return _Form(matches, meta.description or "", False)
        return _form_of(inner)
    if get_origin(hint) in (Union, UnionType):
        return next((form for arg in get_args(hint) if (form := _form_of(arg))), None)
    if get_origin(hint) is tuple:
        inner_form = _form_of(get_args(hint)[0])
        return inner_form._replace(many=True) if inner_form else None
    if isinstance(hint, type) and issubclass(hint, Struct) and not issubclass(hint, Operation):
        return _Form(None, "", many=True)
    return None
