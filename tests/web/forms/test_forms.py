"""Forms printed from the trace: filled, in three languages, with a code that opens the proof."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.trace.operation import (
    ClaimOpened,
    DefectFound,
    EnteredRepair,
    LeftRepair,
    Number,
    Ran,
    Registered,
    WarrantyGiven,
)

WAGON = "u-form-wagon"


@pytest.fixture(scope="module")
def uncoupled(railway: App) -> App:
    """Return a railway with a wagon uncoupled for a thin flange, and back from its repair."""
    then = railway.clock() - timedelta(days=40)
    railway.record([
        Registered(id="form-1", happened_at=then, units=(WAGON,), type="gondola", made="2009",
                   owner="Роҳи оҳани Тоҷикистон",
                   numbers=(Number(scheme="network8", value="66345679"),)),
        LeftRepair(id="form-2", happened_at=then, units=(WAGON,), repair_kind="ДР",
                   basis="document"),
        DefectFound(id="form-3", happened_at=then + timedelta(days=30), units=(WAGON,),
                    code="102 тонкий гребень", safety=True),
        EnteredRepair(id="form-4", happened_at=then + timedelta(days=30), units=(WAGON,),
                      repair_kind="ТР-2", reason="102 тонкий гребень 23,6 мм", site="depot"),
        LeftRepair(id="form-5", happened_at=then + timedelta(days=31), units=(WAGON,),
                   repair_kind="ТР-2"),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def values_of(app: App, form: str, id_: str, language: str = "ru") -> dict:
    from django.utils.translation import override

    from railtrace.web.forms.values import Source, filled
    from railtrace.web.names import Names

    entry = app.entry(id_)
    names = Names(app.catalogue(), language)
    with override(language):
        return filled(names.catalogue.forms[form],
                      Source(app.knowledge(), names, WAGON, entry), "дорога")  # fmt: skip


def test_the_notice_of_uncoupling_prints_with_what_is_known(
    uncoupled: App, reader_as: Callable[..., Client]
) -> None:
    answer = reader_as("viewer", "ru").get("/forms/vu23m/form-4.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    filled = values_of(uncoupled, "vu23m", "form-4")
    fields = dict(filled["fields"])
    assert filled["form"] == "Форма ВУ-23М"
    assert (fields["Номер"], fields["Вид ремонта"]) == ("66345679", "ТР-2")
    assert fields["Неисправность"] == "102 тонкий гребень 23,6 мм"
    assert fields["Последний плановый ремонт"].startswith("ДР, ")
    assert fields["Пункт назначения"] == ""
    assert filled["tables"][0]["rows"][0][1] == "102 тонкий гребень"
    assert filled["marks"] == ["форма своя, не по приказу"]


def test_the_code_of_a_form_opens_the_proof(uncoupled: App, viewer: Client) -> None:
    import zxingcpp
    from PIL import Image

    from railtrace.web.forms.pdf import printed

    address = "http://depot/operations/form-4"
    picture = printed(values_of(uncoupled, "vu23m", "form-4"), address, "png")
    # The other codes are marks of the blank's corners, for when it is photographed.
    codes = [c.text for c in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]
    assert codes.count(address) == 1
    assert not [text for text in codes if text.startswith("http") and text != address]
    page = viewer.get("/operations/form-4")
    assert "/proof/form-4" in page.text


@pytest.mark.parametrize("form", sorted(load().forms))
@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_every_form_prints_in_every_language(
    uncoupled: App, reader_as: Callable[..., Client], form: str, language: str
) -> None:
    row = load().forms[form]
    by_kind = {"EnteredRepair": "form-4", "DefectFound": "form-3", "LeftRepair": "form-5",
               "Measured": "m-0", "Failed": "f-1"}  # fmt: skip
    ids = [by_kind[kind] for kind in row.kinds if kind in by_kind]
    url = f"/forms/{form}/{ids[0]}.pdf" if ids else f"/forms/{form}/of/{WAGON}.pdf"
    answer = reader_as("viewer", language).get(url)
    if row.vehicle_classes and "freight_wagon" not in row.vehicle_classes:
        assert answer.status_code == 404
        assert row.number in answer.text
    else:
        assert answer.content.startswith(b"%PDF")


def test_a_claim_act_tells_the_work_that_is_stood_for_and_not_the_last_look(
    uncoupled: App, viewer: Client
) -> None:
    now = uncoupled.clock()
    uncoupled.record([
        WarrantyGiven(id="form-w", happened_at=now - timedelta(days=40), units=(WAGON,), by="ВРЗ",
                      after="ДР", until="2031-01-01"),
        Ran(id="form-r", happened_at=now - timedelta(days=20), units=(WAGON,), distance_km="700"),
        ClaimOpened(id="form-c", happened_at=now, units=(WAGON,), claim="c", defect="form-3",
                    against="ВРЗ", warranty="form-w"),
    ], "p-test", "test")  # fmt: skip
    assert uncoupled.wait_caught_up(10)
    fields = dict(values_of(uncoupled, "vu41m", "form-c")["fields"])
    assert fields["Последний ремонт"].startswith("ДР, ")
    assert fields["Пробег после ремонта"].replace("\u202f", " ") == "700 км"
    assert fields["Код неисправности"] == "102 тонкий гребень"


def test_a_service_of_another_programme_is_no_planned_repair_of_a_wagon(uncoupled: App) -> None:
    now = uncoupled.clock()
    uncoupled.record([
        LeftRepair(id="form-6", happened_at=now - timedelta(days=2), units=(WAGON,),
                   repair_kind="ТО-3"),
        LeftRepair(id="form-7", happened_at=now - timedelta(days=1), units=(WAGON,),
                   repair_kind="ТР-2"),
    ], "p-test", "test")  # fmt: skip
    assert uncoupled.wait_caught_up(10)
    fields = dict(values_of(uncoupled, "vu36m", "form-7")["fields"])
    assert fields["Предыдущий плановый ремонт"].startswith("ДР, ")


def test_the_tab_lists_forms_of_the_class_with_what_fills_them(
    uncoupled: App, viewer: Client
) -> None:
    page = viewer.get(f"/units/{WAGON}?tab=documents")
    forms = {row["form"].key: row for row in page.context["forms"]}
    assert "journal" not in forms
    assert [href for _, href, _ in forms["vu23m"]["entries"]] == [
        "/forms/vu23m/form-4.pdf", "/forms/vu23m/form-3.pdf",
    ]  # fmt: skip
    assert "our own" in page.text


def test_a_form_of_another_kind_or_of_nobody_is_not_printed(uncoupled: App, viewer: Client) -> None:
    assert viewer.get("/forms/vu36m/form-4.pdf").status_code == 404
    assert viewer.get("/forms/vu99/form-4.pdf").status_code == 404
    assert viewer.get("/forms/vu31/of/u-nobody.pdf").status_code == 404


def test_boxes_and_signatures_are_in_the_language_of_the_page(uncoupled: App) -> None:
    english = values_of(uncoupled, "vu23m", "form-4", "en")
    assert english["ticks"] == ["uncoupled from the train", "empty", "loaded"]
    assert english["signed"] == ["Wagon inspector", "Station duty officer"]
    assert values_of(uncoupled, "vu23m", "form-4", "tg")["ticks"][1:] == ["холӣ", "боркардашуда"]
    assert values_of(uncoupled, "vu23m", "form-4")["ticks"][1:] == ["порожний", "гружёный"]


def test_every_box_and_signature_of_the_catalogue_is_translated() -> None:
    for form in load().forms.values():
        assert {*form.ticks, *form.signed_by} == {*form.words}, form.key
