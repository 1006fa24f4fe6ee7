"""The tables of docs/trace-format.md, written from the types.

python -m tests.trace.format_tables      prints them
"""

from msgspec import NODEFAULT, UNSET, inspect

from railtrace.trace import operation as shapes
from railtrace.trace.operation import KINDS, Operation

PATTERNS = {
    kind.__metadata__[0].extra_json_schema["pattern"]: name
    for name in ("Id", "Sha256", "Decimal", "PartialDate")
    for kind in [getattr(shapes, name)]
}
PARTS = (
    shapes.Reading, shapes.Number, shapes.Evidence, shapes.Counter, shapes.KeySignature,
    shapes.LeanedOn, shapes.LogSize, shapes.Restriction, shapes.GateReason,
    shapes.DecisionSignature, shapes.Member,
    shapes.Phase, shapes.MachineLimit,
    shapes.Painted,
    shapes.Range,
    shapes.ProofLoad,
    shapes.RecorderFinding,
    shapes.DiagnosisReason,
)  # fmt: skip


def type_name(kind: inspect.Type) -> str:
    """Return a type as the specification writes it."""
    match kind:
        case inspect.Metadata(extra_json_schema={"pattern": pattern}):
            return PATTERNS[pattern]
        case inspect.Metadata():
            return type_name(kind.type)
        case inspect.StrType():
            least = f"{kind.min_length}–" if kind.min_length else "≤ "
            return f"text {least}{kind.max_length}"
        case inspect.IntType():
            return f"integer {kind.ge}–{'2⁵³−1' if kind.le == 2**53 - 1 else kind.le}"
        case inspect.BoolType():
            return "true or false"
        case inspect.DateTimeType():
            return "time"
        case inspect.LiteralType():
            return " ∣ ".join(f"`{value}`" if value else '`""`' for value in sorted(kind.values))
        case inspect.VarTupleType():
            least = f"{kind.min_length}–" if kind.min_length else "≤ "
            return f"list {least}{kind.max_length} of {type_name(kind.item_type)}"
        case inspect.StructType():
            return kind.cls.__name__
        case inspect.UnionType():
            some = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
            return "operation" if len(some) > 1 else type_name(some[0])
    raise NotImplementedError(kind)


def default(field: inspect.Field) -> str:
    """Return the value a field has when it is left out."""
    if field.required:
        return "**required**"
    value = field.default if field.default not in (NODEFAULT, UNSET) else ()
    if value is None:
        return "nothing"
    return "empty list" if value == () else f"`{str(value).lower()}`" if value != "" else '`""`'


def _fields(cls: type) -> list[inspect.Field]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return sorted(info.fields, key=lambda field: field.encode_name)


def _table(fields: list[inspect.Field]) -> str:
    rows = [f"| `{f.encode_name}` | {type_name(f.type)} | {default(f)} |" for f in fields]
    return "\n".join(["| field | type | when left out |", "|---|---|---|", *rows])


def tables() -> str:
    """Return the envelope, the parts and every kind."""
    shared = {field.encode_name for field in _fields(Operation)}
    parts = [f"#### Every kind\n\n{_table(_fields(Operation))}"]
    parts += [f"#### {part.__name__}\n\n{_table(_fields(part))}" for part in PARTS]
    for name in sorted(KINDS):
        own = [field for field in _fields(KINDS[name]) if field.encode_name not in shared]
        told = (KINDS[name].__doc__ or "").strip()
        parts.append(f"#### {name}\n\n{told}\n\n{_table(own) if own else 'No field of its own.'}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(tables())
