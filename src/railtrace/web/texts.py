"""Every text a person reads: where it stands, what is missing, and the sheet for a speaker.

The English text is the key. A Tajik entry carries "reviewed" or "not reviewed" in its
translator's comment; the sheet goes to a native speaker and comes back.
"""

import ast
import io
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import python_calamine
import xlsxwriter
from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileParser, write_po
from django.utils.translation.template import templatize

HERE = Path(__file__).parent
PACKAGE = HERE.parent
LANGUAGES = ("ru", "tg", "en")
REVIEWED, NOT_REVIEWED = "reviewed", "not reviewed"

_KEYWORDS: dict[str, Any] = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_ERRORS = {
    "RailtraceError", "Refused", "BadOperation", "IdTaken", "StoreFull", "Broken", "ProofFailed",
    "LogRewritten", "CatalogueError", "ConfigError", "NotFound", "Behind", "BadData", "BadEvidence",
    "NotRead", "BadFrame", "Shut", "ZeroLost", "UnknownKey", "KeyIsThere", "Contended",
}  # fmt: skip
_REASONED = tuple(
    path for folder in ("analysis", "projections", "operating")
    for path in sorted((PACKAGE / folder).rglob("*.py"))
)  # fmt: skip
_CATALOGUES = (PACKAGE / "catalogue", PACKAGE / "simulation" / "data")
_HEADINGS = ("English", "Русский", "Тоҷикӣ", "reviewed / not reviewed", "Where")

Key = tuple[str, str]
"""Context and English text; of a plural, its singular."""


@cache
def extracted() -> Catalog:
    """Return every text of pages, of raised errors and of shipped sources; read once."""
    catalog = Catalog()
    found = (
        *_of_pages(), *_of_templates(), *_of_errors(), *_of_reasons(), *_of_catalogues(),
    )  # fmt: skip
    for path, line, message, context in found:
        catalog.add(message, locations=[(path, line)], context=context)
    return catalog


def _of_pages() -> Iterator[tuple[str, int, Any, str | None]]:
    for path in (*sorted(HERE.rglob("*.py")), PACKAGE / "devices" / "gateway" / "page.py"):
        with path.open("rb") as file:
            for line, message, _, context in extract("python", file, _KEYWORDS):
                yield _name(path), line, message, context


def _of_templates() -> Iterator[tuple[str, int, Any, str | None]]:
    for path in sorted((HERE / "templates").rglob("*.*")):
        python = templatize(path.read_text("utf-8"), origin=str(path))
        # What templatize leaves of a page is Python without sensible indentation.
        flat = "\n".join(line.strip() for line in python.splitlines())
        for line, message, _, context in extract("python", io.BytesIO(flat.encode()), _KEYWORDS):
            yield _name(path), line, message, context


def _of_errors() -> Iterator[tuple[str, int, Any, str | None]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in _ERRORS and node.args:
                template = node.args[0]
                if isinstance(template, ast.Constant) and isinstance(template.value, str):
                    yield _name(path), node.lineno, template.value, None


def _of_reasons() -> Iterator[tuple[str, int, Any, str | None]]:
    """Yield why our own rules refuse a test: `because(code, text)`."""
    for path in _REASONED:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _called(node) == "because" and len(node.args) > 1:
                template = node.args[1]
                if isinstance(template, ast.Constant) and isinstance(template.value, str):
                    yield _name(path), node.lineno, template.value, None


def _of_catalogues() -> Iterator[tuple[str, int, Any, str | None]]:
    for folder in _CATALOGUES:
        for path in sorted(folder.rglob("*.toml")):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if re.match(r"source\s*=", line):
                    yield _name(path), number, tomllib.loads(line)["source"], "source"


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def path_of(language: str) -> Path:
    """Return where a language's texts are kept."""
    return HERE / "locale" / language / "LC_MESSAGES" / "django.po"


def catalog_of(language: str) -> Catalog:
    """Return a language's texts, also of a file that a union of two branches left untidy."""
    catalog = _Newest(locale=language)
    with path_of(language).open("rb") as file:
        _Parser(catalog, ignore_obsolete=True).parse(file)
    # Babel marks every new file so, and then compiles nothing of it.
    catalog.fuzzy = False
    return catalog


class _Newest(Catalog):
    """Of two entries of one text the later translation holds, unless it is empty or a guess."""

    def __setitem__(self, id_: Any, message: Message) -> None:
        earlier = self.get(message.id, message.context) if message.id else None
        if earlier and _translated(message) and not (message.fuzzy and _translated(earlier)):
            earlier.string = message.string
        super().__setitem__(id_, message)


class _Parser(PoFileParser):
    """Of two translations in one entry the first holds: the second may be another entry's own."""

    def _add_message(self) -> None:
        whole = {form: text for form, text in reversed(self.translations) if text}
        self.translations = [[form, text] for form, text in whole.items()] or self.translations[:1]
        super()._add_message()


def missing(language: str) -> list[str]:
    """Return the texts that a language lacks, with where they stand."""
    have = catalog_of(language)
    return [
        f"{path}:{line}: {_english(message)}"
        for message in extracted()
        if message.id and not _translated(have.get(message.id, message.context))
        for path, line in message.locations[:1]
    ]


def unused(language: str) -> list[str]:
    """Return the texts that a language translates and nobody shows any more."""
    used = extracted()
    return [
        _english(message)
        for message in catalog_of(language)
        if message.id and used.get(message.id, message.context) is None
    ]


def _translated(message: Message | None) -> bool:
    if message is None:
        return False
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    return all(strings)


def _english(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def update(language: str) -> None:
    """Bring a language's file up to date with the texts there are; nothing translated is lost."""
    have = catalog_of(language)
    # The date of the first extraction stays: it would differ in every branch and say nothing.
    fresh = Catalog(locale=language, fuzzy=False, creation_date=have.creation_date)
    used = [message for message in extracted() if message.id]
    for message in sorted(used, key=lambda m: (m.locations[0][0], _english(m))):
        old = have.get(message.id, message.context) or _without_context(message, have)
        comments = old.user_comments if old else []
        if language == "tg" and comments != [REVIEWED]:
            comments = [NOT_REVIEWED]
        fresh.add(
            message.id,
            old.string if old else _same(message, language),
            context=message.context,
            user_comments=comments,
            locations=[(path, None) for path, _ in message.locations[:1]],  # type: ignore[misc]
        )
    _write(language, fresh)


def _without_context(message: Message, have: Catalog) -> Message | None:
    """Return the entry of a text whose context a union of two branches swallowed."""
    return None if extracted().get(message.id) else have.get(message.id)


def _same(message: Message, language: str) -> Any:
    return message.id if language == "en" else ""


def _write(language: str, catalog: Catalog) -> None:
    with path_of(language).open("wb") as file:
        write_po(file, catalog, width=100, omit_header=False, sort_output=False)


def compile_all() -> None:
    """Write the compiled texts beside the sources; set-up does this after every change."""
    for language in LANGUAGES:
        compiled = path_of(language).with_suffix(".mo")
        # Put in place whole: whoever reads a half-written file goes on in English for good.
        unfinished = compiled.with_name(f"{compiled.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            write_mo(file, catalog_of(language))
        unfinished.replace(compiled)


def progress() -> list[dict[str, Any]]:
    """Return, per language, how many texts are there, missing and reviewed by a speaker.

    As the files of texts have them: which texts the source shows, `update` sees to.
    """
    counted = []
    for language in LANGUAGES:
        messages = [message for message in catalog_of(language) if message.id]
        counted.append({
            "language": language,
            "total": len(messages),
            "missing": sum(not _translated(message) for message in messages),
            "reviewed": sum(REVIEWED in message.user_comments for message in messages),
        })
    return counted


def sheet() -> bytes:
    """Return an XLSX of all texts, in which a native speaker corrects the Tajik ones."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
    page, bold = book.add_worksheet("texts"), book.add_format({"bold": True})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    page.write_row(0, 0, _HEADINGS, bold)
    for row, cells in enumerate(_sheet_rows(), 1):
        page.write_row(row, 0, cells, wrap)
    page.set_column(0, 2, 52)
    page.set_column(3, 4, 24)
    page.freeze_panes(1, 0)
    book.close()
    return output.getvalue()


def _sheet_rows() -> Iterator[tuple[str, ...]]:
    russian = catalog_of("ru")
    for message in catalog_of("tg"):
        if not message.id:
            continue
        plain = russian.get(message.id, message.context)
        reviewed = REVIEWED if REVIEWED in message.user_comments else NOT_REVIEWED
        where = message.locations[0][0] if message.locations else ""
        yield (_english(message), _first(plain), _first(message), reviewed, where)


def _first(message: Message | None) -> str:
    if message is None:
        return ""
    text = message.string
    return text if isinstance(text, str) else (text or ("",))[0]


def read_sheet(content: bytes) -> int:
    """Take a speaker's sheet into the Tajik texts; return how many rows changed."""
    catalog, changed = catalog_of("tg"), 0
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    for row in book.get_sheet_by_index(0).to_python()[1:]:
        english, _russian, tajik, reviewed = (str(cell) for cell in row[:4])
        message = next((m for m in catalog if m.id and _english(m) == english), None)
        if message is None or not tajik:
            continue
        comments = [REVIEWED if reviewed == REVIEWED else NOT_REVIEWED]
        if (_first(message), message.user_comments) != (tajik, comments):
            changed += 1
            message.user_comments = comments
            plural = message.string if isinstance(message.string, tuple) else None
            message.string = (tajik, *plural[1:]) if plural else tajik
    _write("tg", catalog)
    return changed


def main(arguments: list[str]) -> int:
    """Run `python -m railtrace.web.texts update | missing | sheet FILE | read FILE`."""
    match arguments:
        case ["update"]:
            for language in LANGUAGES:
                update(language)
            compile_all()
        case ["missing"]:
            lines = [f"{lang} {line}" for lang in ("ru", "tg") for line in missing(lang)]
            print("\n".join(lines))
            return bool(lines)
        case ["sheet", file]:
            Path(file).write_bytes(sheet())
        case ["read", file]:
            print(read_sheet(Path(file).read_bytes()))
        case _:
            print(main.__doc__)
            return 2
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
