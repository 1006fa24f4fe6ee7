import io
import re
import shutil
import string
import subprocess
from pathlib import Path

import pytest
import python_calamine

from railtrace.catalogue.load import load
from railtrace.catalogue.rows import KINDS
from railtrace.web import texts

_PERCENT = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_no_text_is_missing(language: str) -> None:
    assert texts.missing(language) == []


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_no_text_is_kept_that_nobody_shows(language: str) -> None:
    assert texts.unused(language) == []


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_no_file_is_marked_so_that_a_fresh_machine_compiles_nothing_of_it(language: str) -> None:
    assert "#, fuzzy" not in texts.path_of(language).read_text("utf-8")


def _fields(text: str) -> set[str]:
    braces = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    return braces | set(_PERCENT.findall(text))


@pytest.mark.parametrize("language", ["ru", "tg"])
def test_a_translation_names_no_value_that_the_english_text_lacks(language: str) -> None:
    wrong = []
    for message in texts.catalog_of(language):
        if not message.id:
            continue
        wanted = _fields(message.id if isinstance(message.id, str) else message.id[-1])
        strings = [message.string] if isinstance(message.string, str) else message.string or ()
        wrong += [text for text in strings if _fields(text) - wanted]
    assert wrong == []


def test_every_tajik_text_says_whether_it_is_reviewed() -> None:
    allowed = ([texts.REVIEWED], [texts.NOT_REVIEWED])
    assert [m.id for m in texts.catalog_of("tg") if m.id and m.user_comments not in allowed] == []


def test_texts_of_pages_templates_and_errors_are_all_found() -> None:
    found = {path for message in texts.extracted() for path, _ in message.locations}
    assert {"web/templates/base.html", "web/words.py", "trace/checks.py"} <= found


@pytest.fixture
def own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language in texts.LANGUAGES:
        shutil.copy(texts.path_of(language), tmp_path / f"{language}.po")
    monkeypatch.setattr(texts, "path_of", lambda language: tmp_path / f"{language}.po")


def test_a_speaker_s_sheet_comes_back(own_copy: None) -> None:
    content = texts.sheet()
    rows = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    heading, first, *_ = rows.get_sheet_by_index(0).to_python()
    assert heading[:3] == ["English", "Русский", "Тоҷикӣ"]
    assert texts.read_sheet(content) == 0
    assert texts.read_sheet(_sheet_with(str(first[0]), "санҷидашуда")) == 1
    changed = next(m for m in texts.catalog_of("tg") if texts._english(m) == first[0])
    assert texts._first(changed) == "санҷидашуда"
    assert changed.user_comments == [texts.REVIEWED]


def _sheet_with(english: str, tajik: str) -> bytes:
    import xlsxwriter

    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
    page = book.add_worksheet()
    page.write_row(0, 0, texts._HEADINGS)
    page.write_row(1, 0, [english, "", tajik, texts.REVIEWED])
    book.close()
    return output.getvalue()


def test_updating_loses_no_translation(own_copy: None) -> None:
    before = {str(m.id): m.string for m in texts.catalog_of("ru") if m.id}
    texts.update("ru")
    after = {str(m.id): m.string for m in texts.catalog_of("ru") if m.id}
    assert before == after


def test_the_texts_of_every_error_a_page_may_show_are_taken() -> None:
    of_ours = {
        name
        for path in texts.PACKAGE.rglob("*.py")
        for name, base in re.findall(r"^class (\w+)\((\w+)\):", path.read_text("utf-8"), re.M)
        if base in texts._ERRORS
    }
    assert of_ours - texts._ERRORS == set()


def test_every_source_that_a_shipped_row_names_is_taken() -> None:
    catalogue = load(texts.PACKAGE / "simulation" / "data")
    said = {row.source for kind in KINDS for row in getattr(catalogue, kind).values()}
    taken = {message.id for message in texts.extracted() if message.context == "source"}
    assert said - taken == set()


# --- what a union of two branches leaves --------------------------------------------------------

_HEAD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

"""


def _read_as(text: str) -> dict[str, object]:
    texts.path_of("ru").write_text(_HEAD + text, "utf-8")
    return {str(message.id): message.string for message in texts.catalog_of("ru") if message.id}


@pytest.mark.parametrize(
    ("left", "held"),
    [
        ('msgid "axle"\nmsgstr "вал"\n\nmsgid "axle"\nmsgstr "ось"\n', "ось"),
        ('msgid "axle"\nmsgstr "ось"\n\nmsgid "axle"\nmsgstr ""\n', "ось"),
        ('msgid "axle"\nmsgstr "ось"\n\n#, fuzzy\nmsgid "axle"\nmsgstr "вал"\n', "ось"),
        ('#, fuzzy\nmsgid "axle"\nmsgstr "вал"\n\nmsgid "axle"\nmsgstr "ось"\n', "ось"),
        ('msgid "axle"\nmsgstr "ось"\n\n#~ msgid "axle"\n#~ msgstr "вал"\n', "ось"),
        ('msgid "axle"\nmsgstr "ось"\nmsgstr "вал"\n', "ось"),
        ('msgid "axle"\nmsgstr ""\nmsgstr "ось"\n', "ось"),
        ('msgid "axle"\nmsgstr "ось"\nmsgstr ""\n', "ось"),
        ('msgid "axle"\nmsgstr ""\n"о"\n"сь"\nmsgstr ""\n"ва"\n"л"\n', "ось"),
    ],
)
def test_of_two_translations_a_whole_one_holds(own_copy: None, left: str, held: str) -> None:
    assert _read_as(left) == {"axle": held}


def test_two_translations_of_a_plural_are_not_mixed(own_copy: None) -> None:
    one, two = ('msgstr[0] "ось"\nmsgstr[1] "оси"\n', 'msgstr[0] "вал"\nmsgstr[1] "вала"\n')
    found = _read_as(f'msgid "axle"\nmsgid_plural "axles"\n{one}{two}')
    assert [*found.values()] == [("ось", "оси", "")]


def test_updating_after_a_union_of_two_branches_loses_nothing(
    own_copy: None, tmp_path: Path
) -> None:
    """Both branches mend one text and add one; each adds texts of its own at the same places."""
    before = _strings()
    ours = {"Manufactured", "Measured", "Meter replaced", "ПТЭ, from memory: 5 mm"}
    theirs = {"Marking changed", "Meter read", "ПТЭ, from memory: 7 mm"}
    _branch("base", without=ours | theirs | {"Log opened"})
    _branch("ours", without=theirs)
    _branch("theirs", without=ours)
    merge = ["git", "merge-file", "--union", "ours.po", "base.po", "theirs.po"]
    subprocess.run(merge, cwd=tmp_path, check=True, timeout=60)
    (tmp_path / "ours.po").replace(texts.path_of("ru"))
    texts.update("ru")
    assert _strings() == before | {"Fleet": "ours", "Log opened": "ours"}


def _strings() -> dict[str, object]:
    return {str(m.id): m.string for m in texts.catalog_of("ru") if m.id}


def _branch(name: str, without: set[str]) -> None:
    catalog = texts.catalog_of("ru")
    for message in [m for m in catalog if m.id in without]:
        catalog.delete(message.id, message.context)
    for message in [m for m in catalog if m.id in ("Fleet", "Log opened")]:
        message.string = name
    texts._write(name, catalog)
