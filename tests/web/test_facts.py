"""What an operation says on its card and on its page: words, never the keys of the format."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from django.utils.translation import override
from msgspec.structs import replace

from railtrace.catalogue.load import load
from railtrace.trace.operation import (
    AnyOperation,
    DiagnosisReason,
    EvidenceDiagnosed,
    FluidChanged,
    MachineResult,
    Number,
    Operation,
    Phase,
    QualificationGranted,
    Registered,
)
from railtrace.web.facts import ENVELOPE, fact, facts, field_of
from railtrace.web.names import Names

AT = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
NAMES = Names(load(), "ru")
RESULT = MachineResult(
    id="r-1", happened_at=AT, units=("u-1",), result_id="WW-1", machine="wheelset_washer",
    serial="WW-2207", gateway="g-1", simulated=True, recipe="WS-2", evaluation="ok",
    phases=(Phase(phase="wash", duration_s="245.5"), Phase(phase="rinse")),
)  # fmt: skip


@pytest.mark.usefixtures("railway")
def test_a_card_names_the_machine_and_says_that_it_is_simulated() -> None:
    with override("ru"):
        said = facts(RESULT, NAMES)
    assert said == "Моечная машина колёсных пар · имитация · WS-2 · годен"


@pytest.mark.usefixtures("railway")
def test_phases_are_named_as_the_kind_of_machine_names_them() -> None:
    with override("ru"):
        said, _ = field_of(RESULT, "phases", None, NAMES)  # type: ignore[arg-type]
    assert said == "мойка 245,5\u202fс; ополаскивание"


@pytest.mark.usefixtures("railway")
def test_what_a_gateway_noted_is_told_in_words_and_a_machine_s_own_words_stay() -> None:
    noted = replace(RESULT, state="aborted", remarks=(
        "certificate_expired 2026-11-20", "operator_unknown", "E17 door",
    ))  # fmt: skip
    with override("ru"):
        said, _ = field_of(noted, "remarks", None, NAMES)  # type: ignore[arg-type]
        state, _ = field_of(noted, "state", None, NAMES)  # type: ignore[arg-type]
    assert said == "поверка кончилась 2026-11-20; кто работал, неизвестно; E17 door"
    assert state == "прервано"


@pytest.mark.usefixtures("railway")
def test_a_number_is_told_by_its_scheme_and_by_its_mark() -> None:
    unit = Registered(
        id="g-1", happened_at=AT, units=("u-1",), type="open_wagon",
        numbers=(
            Number(scheme="serial", value="77"),
            Number(scheme="other", value="9", mark="restamped"),
        ),
    )  # fmt: skip
    with override("ru"):
        said, _ = field_of(unit, "numbers", None, NAMES)  # type: ignore[arg-type]
    assert said == "заводской номер 77; другой номер 9 (перебит)"


@pytest.mark.usefixtures("railway")
def test_a_right_is_called_by_its_name_and_its_term_stands_on_the_site_s_clock() -> None:
    granted = QualificationGranted(
        id="q-1", happened_at=AT, person="p-1", qualification="ndt_ut", valid_from=AT
    )
    with override("ru"):
        said, _ = field_of(granted, "qualification", None, NAMES)  # type: ignore[arg-type]
        since, _ = field_of(granted, "valid_from", None, NAMES)  # type: ignore[arg-type]
    assert said == NAMES.catalogue.qualifications["ndt_ut"].ru
    assert since == "02.03.2026 10:00"


def _closed(annotation: Any) -> Iterator[str]:
    """Yield the words a field is closed to."""
    if get_origin(annotation) is Literal:
        yield from (one for one in get_args(annotation) if isinstance(one, str) and one)
        return
    for part in get_args(annotation):
        yield from _closed(part)


MEASURES = {"bias_unit", "measure", "unit_of_measure"}


@pytest.mark.parametrize("kind", get_args(AnyOperation), ids=lambda kind: kind.__name__)
def test_no_word_of_the_format_is_shown_as_the_format_spells_it(kind: type[Operation]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for field in hints.keys() - ENVELOPE - MEASURES:
        for word in _closed(hints[field]):
            with override("ru"):
                assert fact(field, word, NAMES) != word, f"{field} {word} has no words"


@pytest.mark.usefixtures("railway")
def test_what_is_only_so_or_not_so_is_told_by_its_name() -> None:
    changed = FluidChanged(id="fc", happened_at=AT, units=("u-1",), fluid="oil", whole=True)
    with override("ru"):
        assert facts(changed, NAMES) == "дизельное масло · Сменено полностью"


@pytest.mark.usefixtures("railway")
def test_reasons_of_ours_are_told_in_the_reader_s_language_with_stages_by_name() -> None:
    judged = EvidenceDiagnosed(
        id="ed", happened_at=AT, units=("u-1",), entry="m:1", method="wash", version="1",
        outcome="unfit", declared="wash.wheelset", reasons=(DiagnosisReason(
            code="stages", text="stages wash ran, the programme asks for wash, rinse, dry"),),
    )  # fmt: skip
    with override("ru"):
        said, _ = field_of(judged, "reasons", None, NAMES)  # type: ignore[arg-type]
        card = facts(judged, NAMES)
    assert said.endswith("выполнены стадии: мойка; программа требует: мойка, ополаскивание, сушка")
    assert "Мойка колёсной пары" in card
    assert "wash" not in card


@pytest.mark.usefixtures("railway")
def test_sides_states_and_acts_are_told_by_name() -> None:
    with override("ru"):
        assert fact("position", "wheelset.2/left", NAMES) == "Колёсная пара 2, слева"
        assert fact("state", "reserve", NAMES) == NAMES.catalogue.unit_states["reserve"].ru
        assert fact("act", "ready", NAMES) != "ready"
        assert fact("declared", "a site's own", NAMES) == "a site's own"
