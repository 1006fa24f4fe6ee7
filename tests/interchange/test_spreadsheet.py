"""Rows become operations, or faults that name row, column and what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from railtrace.catalogue import load
from railtrace.catalogue.rows import Catalogue
from railtrace.config import Site
from railtrace.interchange.columns import find_header, guess, missing, purposes
from railtrace.interchange.row import Examined, Job, Options, Source
from railtrace.interchange.spreadsheet import examine
from railtrace.interchange.workbook import Row
from railtrace.trace.operation import (
    Installed,
    LeftRepair,
    Measured,
    MeterRead,
    Ran,
    Registered,
    Removed,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COACH, OTHER = "07312051", "07312317"
AXLE = "5-88121-09"


@dataclass
class Trace:
    """A trace that knows what a test says it knows."""

    borne: dict[str, list[str]] = field(default_factory=dict)
    unit_types: dict[str, str] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    catalogue: Catalogue = field(default_factory=load.load)
    sites: Mapping[str, Site] = field(
        default_factory=lambda: {"dushanbe": Site(ru="Душанбе", en="Dushanbe")}
    )

    def zone_of(self, site: str) -> ZoneInfo:
        return ZoneInfo("Asia/Dushanbe")

    def bearers(self, numbers: Sequence[str]) -> dict[str, list[str]]:
        return {number: self.borne[number] for number in numbers if number in self.borne}

    def types(self, units: Sequence[str]) -> dict[str, str]:
        return {unit: self.unit_types[unit] for unit in units if unit in self.unit_types}

    def carriers(self, units: Sequence[str]) -> dict[str, str]:
        return {unit: self.on[unit] for unit in units if unit in self.on}

    def away(self, units: Sequence[str]) -> dict[str, str]:
        return {unit: self.lists[unit] for unit in units if unit in self.lists}

    def recorded(self, ids: Sequence[str]) -> set[str]:
        return self.ids & set(ids)


def _trace() -> Trace:
    return Trace(
        {COACH: ["u-coach"], AXLE: ["u-axle"], "07312119": ["u-a", "u-b"]},
        {"u-coach": "coach_open", "u-axle": "wheelset_passenger"},
    )


def _examined(
    purpose: str, rows: Sequence[Sequence[Any]], trace: Trace | None = None, **options: Any
) -> list[Examined]:
    sheet = [Row(n, tuple(cells)) for n, cells in enumerate(rows, 1)]
    header = find_header(sheet, purposes()[purpose])
    mapping = guess(header, purposes()[purpose])
    assert not missing(mapping, purposes()[purpose])
    job = Job(purposes()[purpose], header, mapping, Source("ab" * 32, 0, 10, "text/csv"),
              Options(date(2026, 6, 1), **options))  # fmt: skip
    return list(examine(job, lambda: sheet, trace or _trace(), NOW))


def _said(row: Examined) -> list[str]:
    return [f"{fault.letters} {fault.column}: {fault.error}" for fault in row.faults]


def test_the_opening_inventory_is_what_is_known_and_no_more() -> None:
    head = ("Вагон", "Тип", "Построен", "Собственник", "Депо", "Пробег", "Последний ДР", "КР")
    row = (OTHER, "Плацкартный вагон", 1987, "ТДЖ", "Душанбе", "900 100", date(2025, 3, 1), "нет")
    [examined] = _examined("vehicles", [head, row])
    repair, registered = examined.operations
    assert isinstance(repair, LeftRepair)
    assert (repair.repair_kind, repair.happened_at.date()) == ("ДР", date(2025, 3, 1))
    assert (repair.time_precision, repair.zone_source, repair.basis) == ("day", "site", "document")
    assert isinstance(registered, Registered)
    assert (registered.type, registered.made, registered.owner) == ("coach_open", "1987", "ТДЖ")
    assert (registered.home_site, registered.site) == ("dushanbe", "dushanbe")
    assert registered.counters[0].value == "900100"
    assert registered.evidence[0].sha256 == "ab" * 32


def test_every_fault_of_a_row_is_told_at_once() -> None:
    head = ("Номер", "Тип", "Построен", "Пробег, км", "Дата последнего ДР")
    [row] = _examined("vehicles", [head, ("07312052", "Абвгд", "давно", "много", "32.01.2025")])
    assert row.outcome == "wrong"
    assert row.operations == ()
    assert _said(row) == [
        "A Номер: 07312052: check digit 2 is wrong, 1 wanted",
        "B Тип: Абвгд is not in the catalogue: take a name from its list, or add a row of your own",
        "C Построен: давно is no date: write a year, a month or a day, like 1987, 05.1987 or "
        "17.05.1987",
        "D Пробег, км: много is no number: write it like 30,1",
        "E Дата последнего ДР: 32.01.2025 is no date: write it like 17.05.2025 or 17.05.2025 08:30",
    ]
    assert row.faults[0].typed == "07312052"


def test_twins_in_a_file_are_taken_with_their_identity_in_question() -> None:
    rows = [("Номер", "Тип"), (OTHER, "coach_open"), ("073 12317", "coach_staff")]
    first, second = _examined("vehicles", rows)
    assert (first.outcome, second.outcome) == ("questioned", "questioned")
    for row in (first, second):
        [registered] = row.operations
        assert isinstance(registered, Registered)
        assert registered.numbers[0].mark == "duplicate"
        assert "07312317 stands in rows 2, 3" in _said(row)[0]


def test_a_number_the_trace_knows_is_left_out_unless_it_is_another_unit() -> None:
    rows = [("Номер", "Тип"), (COACH, "coach_open")]
    [left_out] = _examined("vehicles", rows)
    assert (left_out.outcome, left_out.operations) == ("borne", ())
    [taken] = _examined("vehicles", rows, take_borne=True)
    assert taken.outcome == "questioned"
    assert taken.operations[0].numbers[0].mark == "duplicate"  # type: ignore[attr-defined]


def test_a_lost_zero_is_offered_and_taken_when_asked() -> None:
    rows = [("Номер", "Тип"), (7312317.0, "coach_open")]
    [offered] = _examined("vehicles", rows)
    assert (offered.outcome, offered.faults[0].offer) == ("wrong", "07312317")
    [taken] = _examined("vehicles", rows, restore_zeros=True)
    assert taken.operations[0].numbers[0].value == "07312317"  # type: ignore[attr-defined]


def test_rows_recorded_before_are_known_whatever_the_views_say() -> None:
    rows = [("Номер", "Тип"), (OTHER, "coach_open")]
    [fresh] = _examined("vehicles", rows)
    trace = _trace()
    trace.ids = {fresh.operations[-1].id}
    assert _examined("vehicles", rows, trace)[0].outcome == "known"


def test_rows_that_begin_with_a_hash_are_comments() -> None:
    rows = [("Номер", "Тип"), ("# пример: 073 12317", "coach_open"), (OTHER, "coach_open")]
    assert [row.row for row in _examined("vehicles", rows)] == [3]


def test_an_inventory_of_the_future_or_before_its_repair_is_refused() -> None:
    head = ("Номер", "Тип", "ДР")
    [row] = _examined("vehicles", [head, (OTHER, "coach_open", date(2026, 6, 2))])
    assert "2026-06-02 is after the day of the inventory, 01.06.2026" in _said(row)[0]


def test_serial_numbers_repeat_from_one_type_of_part_to_another() -> None:
    rows = [("Номер", "Тип", "Плавка"), ("5-1-09", "wheelset_passenger", "7731"),
            ("5-1-09", "axle", "7731")]  # fmt: skip
    first, second = _examined("parts", rows)
    assert (first.outcome, second.outcome) == ("ready", "ready")
    assert first.operations[0].heat == "7731"  # type: ignore[attr-defined]


def test_parts_are_installed_and_removed_where_the_catalogue_says() -> None:
    head = ("Действие", "Деталь", "Вагон", "Позиция", "Дата", "Причина")
    rows = [head, ("установлен", AXLE, "073 12051", "bogie.1/wheelset.2", "17.05.2025", None),
            ("снят", AXLE, COACH, "bogie.1/wheelset.2", "18.05.2025 08:30", "прокат")]  # fmt: skip
    put, taken = _examined("installations", rows)
    assert isinstance(put.operations[0], Installed)
    assert put.operations[0].carrier == "u-coach"
    assert put.operations[0].units == ("u-axle",)
    assert isinstance(taken.operations[0], Removed)
    assert taken.operations[0].reason == "прокат"
    assert put.faults == taken.faults == []


def test_what_will_contradict_the_trace_is_warned_of_and_taken() -> None:
    trace = _trace()
    trace.on = {"u-axle": "u-elsewhere"}
    head = ("Деталь", "Вагон", "Дата")
    [row] = _examined("installations", [head, (AXLE, COACH, "17.05.2025")], trace)
    assert row.outcome == "ready"
    assert "5-88121-09 is installed already, on u-elsewhere" in _said(row)[0]


@pytest.mark.parametrize(
    ("number", "said"),
    [("07312317", "no unit in the trace bears the number 07312317"),
     ("07312119", "the number 07312119 is borne by 2 units"),
     (7312051, "the spreadsheet has lost the leading zero of 07312051"),
     (None, "the cell is empty and is needed")],
)  # fmt: skip
def test_a_unit_is_found_by_its_number_or_the_row_says_why_not(number: Any, said: str) -> None:
    head = ("Номер единицы", "Дата", "Счётчик", "Показание")
    [row] = _examined("meters", [head, (number, "17.05.2025", "км", "412300")])
    assert row.outcome == "wrong"
    assert said in _said(row)[0]


def test_measurements_take_their_unit_from_the_catalogue() -> None:
    head = ("Номер", "Дата", "Величина", "Место", "Значение", "Неопределённость")
    row = (AXLE, "17.05.2025 08:30", "Толщина гребня", "left", "30,10", "0,1")
    [examined] = _examined("measurements", [head, row])
    [measured] = examined.operations
    assert isinstance(measured, Measured)
    reading = measured.readings[0]
    assert (reading.quantity, reading.place, reading.value, reading.unit, reading.uncertainty) == (
        "flange_thickness", "left", "30.10", "mm", "0.1",
    )  # fmt: skip


def test_runs_and_meters_are_read() -> None:
    runs = [("Вагон", "Отправление", "Прибытие", "Пробег"),
            (COACH, "16.05.2025 06:00", "17.05.2025 18:40", "1 840")]  # fmt: skip
    [run] = _examined("runs", runs)
    assert isinstance(run.operations[0], Ran)
    assert run.operations[0].distance_km == "1840"
    assert run.operations[0].started_at is not None
    meters = [("Вагон", "Дата", "Счётчик", "Показание"), (COACH, "17.05.2025", "моточасы", 123.5)]
    [meter] = _examined("meters", meters)
    assert isinstance(meter.operations[0], MeterRead)
    assert (meter.operations[0].meter, meter.operations[0].value) == ("engine_hours", "123.5")


def test_a_sheet_is_refused_what_a_machine_would_be_refused() -> None:
    head = ("Вагон", "Дата", "Счётчик", "Показание")
    late, below = _examined("meters", [head, (COACH, "17.05.2027", "км", 1),
                                       (COACH, "17.05.2025", "км", -1)])  # fmt: skip
    assert "is in the future" in _said(late)[0]
    assert "is negative" in _said(below)[0]


def test_ids_are_the_same_each_time_and_differ_from_row_to_row() -> None:
    rows = [("Номер", "Тип"), (OTHER, "coach_open"), ("66345679", "coach_open")]
    once, again = _examined("vehicles", rows), _examined("vehicles", rows)
    ids = [operation.id for row in once for operation in row.operations]
    assert ids == [operation.id for row in again for operation in row.operations]
    assert len(set(ids)) == 2


# --- the books of a store -----------------------------------------------------------------------


def test_a_shelf_is_taken_from_a_sheet_and_what_contradicts_is_said() -> None:
    head = ("Номер узла", "Склад", "Место на складе", "Ожидает приёмки", "Дата")
    [row] = _examined("stock", [head, (AXLE, "Main", "ряд 3", "да", "17.05.2025")])
    [stored] = row.operations
    assert (stored.units, stored.store, stored.bin) == (("u-axle",), "Main", "ряд 3")  # type: ignore[attr-defined]
    assert stored.awaits_acceptance  # type: ignore[attr-defined]
    trace = _trace()
    trace.on, trace.lists = {"u-axle": "u-coach"}, {"u-axle": "VO-1"}
    [row] = _examined("stock", [head, (AXLE, "Main", None, None, "17.05.2025")], trace)
    assert row.outcome == "ready"
    said = " ".join(_said(row))
    assert "5-88121-09 is on u-coach as far as the trace knows" in said
    assert "5-88121-09 is away on list VO-1" in said


def test_a_part_on_two_lists_and_a_return_of_what_was_never_sent_are_said() -> None:
    head = ("Номер ведомости", "Действие", "Номер узла", "Дата", "Кому", "Ведомость возврата")
    rows = [head, ("VO-1", "отправлен", AXLE, "10.02.2026", "Shop", None),
            ("VO-2", "отправлен", AXLE, "11.02.2026", "Shop", None),
            ("VO-2", "возвращён", AXLE, "24.02.2026", None, "24/1"),
            ("VO-2", "возвращён", AXLE, "25.02.2026", None, "25/1")]  # fmt: skip
    sent, twice, back, again = _examined("lists", rows)
    assert sent.faults == back.faults == []
    assert "5-88121-09 is away on list VO-1" in _said(twice)[0]
    assert "5-88121-09 was never sent on list VO-2" in _said(again)[0]
    assert back.operations[0].paper == "24/1"  # type: ignore[attr-defined]


def test_lots_are_counted_and_nothing_is_less_than_nothing() -> None:
    head = ("Партия", "Тип", "Склад", "Количество", "Действие", "Дата")
    rows = [head, ("26-014", "axle_box", "Main", 24, None, "17.05.2025"),
            ("26-014", "axle_box", "Main", -3, "принято", "17.05.2025"),
            ("26-015", "axle_box", "Main", 0, "принято", "17.05.2025")]  # fmt: skip
    counted, negative, none = _examined("lots", rows)
    assert counted.operations[0].quantity == "24"  # type: ignore[attr-defined]
    assert counted.number == "26-014"
    assert "quantity -3 is negative" in _said(negative)[0]
    assert "more than zero" in _said(none)[0]
