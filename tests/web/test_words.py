import ast

import pytest

from railtrace.catalogue.load import load
from railtrace.projections.passport import Passport
from railtrace.trace.operation import KINDS, Operation
from railtrace.web import words
from railtrace.web.facts import ENVELOPE
from railtrace.web.texts import PACKAGE


def test_every_kind_of_operation_has_a_word() -> None:
    assert set(words.KINDS) == set(KINDS)


def test_every_kind_that_happens_to_a_unit_has_a_lane() -> None:
    of_the_ledger = {
        "LogOpened", "KeyReplaced", "KeyCompromised", "CatalogueAdopted", "Corrected",
        "ContradictionResolved", "GateIntroduced", "ResultSealed",
        "QualificationGranted", "QualificationWithdrawn", "ShiftHandedOver",
        "SigningKeyNamed", "SigningKeyWithdrawn",
    }  # fmt: skip
    assert set(words.LANE_OF_KIND) == set(KINDS) - of_the_ledger
    assert set(words.LANE_OF_KIND.values()) == set(words.LANES)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_kind_has_a_word(kind: str) -> None:
    own = {field for field in KINDS[kind].__struct_fields__ if field not in ENVELOPE}
    assert own - set(words.FIELDS) == set()


def test_every_field_has_a_kind() -> None:
    fields = {field for kind in (Operation, *KINDS.values()) for field in kind.__struct_fields__}
    assert set(words.FIELDS) - fields == set()


def _raised() -> set[str]:
    names = set()
    for path in sorted((PACKAGE / "projections").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "contradict":
                name = node.args[1]
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}"
                names.add(str(name.value))
    return names


def test_every_contradiction_is_a_sentence() -> None:
    assert set(words.CONTRADICTIONS) == _raised()


def test_every_status_of_a_unit_is_a_state_of_the_catalogue() -> None:
    tree = ast.parse((PACKAGE / "projections" / "passport.py").read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    status = next(function for function in functions if function.name == "status")
    said = {n.value for n in ast.walk(status) if isinstance(n, ast.Constant)} - {
        None, "", ast.get_docstring(status, clean=False)
    }  # fmt: skip
    states = load().unit_states
    assert Passport(unit="u").status in states
    assert said | {"condemned", "written_off"} <= set(states)
    assert all(row.tg for row in states.values())
