"""What a depot has in its books: states, holders, last repairs; nothing is invented."""

from datetime import date

import pytest

from railtrace.trace.operation import (
    HolderChanged,
    LastRepairStated,
    LeftRepair,
    LocationReported,
    Registered,
    StateChanged,
)
from tests.interchange.test_spreadsheet import OTHER as COACH
from tests.interchange.test_spreadsheet import Trace, _examined

WAGON = "66345679"
HEADS = ("Номер", "Тип", "Дата последнего ДР", "Пробег на момент ДР, км",
         "Откуда сведения о ремонтах", "Состояние", "Держатель", "Где находится")  # fmt: skip


def _kinds(row):
    return [type(operation) for operation in row.operations]


def test_a_vehicle_comes_with_its_state_keeper_place_and_the_mileage_of_its_last_repair():
    [row] = _examined("vehicles", [HEADS, (
        WAGON, "Полувагон", "17.05.2024", "210000", "со слов", "в запасе (исправен)", "Душанбе",
        "Бекабад",
    )])  # fmt: skip
    assert _kinds(row) == [
        LastRepairStated, Registered, LocationReported, HolderChanged, StateChanged,
    ]  # fmt: skip
    repair = row.operations[0]
    assert (repair.grade, repair.done, repair.km) == ("stated", "2024-05-17", "210000")
    assert row.operations[3].keeper == "dushanbe"
    assert row.operations[4].state == "reserve"
    assert len({operation.id for operation in row.operations}) == 5


def test_an_empty_cell_says_unknown_where_the_repair_exists_for_the_class():
    heads = ("Номер", "Тип", "Дата последнего ДР", "Дата последнего ТР-1")
    [row] = _examined("vehicles", [heads, (COACH, "Плацкартный вагон", None, None)])
    [repair] = [op for op in row.operations if isinstance(op, LastRepairStated)]
    assert (repair.repair_kind, repair.grade, repair.done) == ("ДР", "unknown", None)


def test_a_sheet_without_the_column_says_nothing_of_the_repair():
    [row] = _examined("vehicles", [("Номер", "Тип"), (COACH, "Плацкартный вагон")])
    assert _kinds(row) == [Registered]


def test_the_mileage_at_a_repair_is_known_without_its_date():
    heads = ("Номер", "Тип", "Пробег на момент ТР-1, км")
    [row] = _examined("vehicles", [heads, ("2ТЭ10М-2345А", "2te10m", 395_000)])
    [repair] = [op for op in row.operations if isinstance(op, LastRepairStated)]
    assert (repair.repair_kind, repair.km, repair.done) == ("ТР-1", "395000", None)


def test_a_paper_without_mileage_is_a_repair_that_was_left():
    [row] = _examined("vehicles", [HEADS[:3], (WAGON, "Полувагон", date(2024, 5, 17))])
    assert _kinds(row) == [LeftRepair, Registered]


@pytest.mark.parametrize(("state", "words"), [
    ("на консервации", "is no state of this kind of unit"),
    ("забыт", "is not in the catalogue"),
    ("в ремонте", "is not in the catalogue"),
])  # fmt: skip
def test_a_state_that_the_kind_of_unit_cannot_have_is_named(state, words):
    [row] = _examined("vehicles", [("Номер", "Тип", "Состояние"), (WAGON, "Полувагон", state)])
    assert row.outcome == "wrong"
    assert words in str(row.faults[0].error)


def test_the_last_repairs_of_a_depots_books_come_with_their_evidence():
    trace = Trace({WAGON: ["u-w"]}, {"u-w": "gondola"})
    heads = ("Номер", "Вид ремонта", "Выполнен", "Пробег тогда, км", "Откуда известно")
    rows = _examined("last_repairs", [
        heads, (WAGON, "ДР", "05.2024", "210000", None), (WAGON, "КР", None, None, "со слов"),
        (WAGON, None, "2020", None, None), ("24123457", "ДР", "2020", None, None),
    ], trace)  # fmt: skip
    assert [row.outcome for row in rows] == ["ready", "ready", "wrong", "wrong"]
    said = [row.operations[0] for row in rows[:2]]
    assert [(r.repair_kind, r.grade, r.done) for r in said] == [
        ("ДР", "document", "2024-05"), ("КР", "unknown", None),
    ]  # fmt: skip
    assert "enter the unit first" in str(rows[3].faults[0].error)


def test_states_places_and_holders_come_from_a_sheet_and_the_same_row_is_known_again():
    trace = Trace({WAGON: ["u-w"]}, {"u-w": "gondola"})
    heads = ("Номер", "С какого дня", "Состояние", "Где находится", "Держатель")
    rows = [heads, (WAGON, "17.05.2025", "ожидает исключения", "Бекабад", None),
            (WAGON, "18.05.2025", None, None, "аренда"),
            (WAGON, "18.05.2025", None, None, None)]  # fmt: skip
    first, second, empty = _examined("holdings", rows, trace)
    assert _kinds(first) == [LocationReported, StateChanged]
    assert _kinds(second) == [HolderChanged]
    assert "neither state nor place nor holder" in str(empty.faults[0].error)
    trace.ids |= {operation.id for operation in first.operations}
    assert _examined("holdings", rows, trace)[0].outcome == "known"
