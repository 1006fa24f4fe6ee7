"""Reasons of our diagnoses in the reader's language.

A diagnosis keeps a code and the English sentence. The sentence was made of a template and its
values; the template is found again among the texts, its translation takes the same values.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from django.utils.translation import get_language, gettext
from django.utils.translation.trans_real import translation

from railtrace.devices.manifest import kinds as device_kinds
from railtrace.devices.manifest import manifest
from railtrace.trace.operation import DiagnosisReason, EvidenceDiagnosed
from railtrace.web import words
from railtrace.web.names import Names

_HOLE = re.compile(r"\{(\w+)(?:![rs])?(?::[^{}]*)?\}")
_NUMBER = re.compile(r"[-−]?\d+\.\d+")
_LEAST_LITERAL = 8
"""A template with fewer letters of its own would fit any sentence."""


def said_of(ours: object, names: Names) -> list[tuple[str, str, str]]:
    """Return (what, the sentence, its language) of each reason of a diagnosis.

    A sentence that says no more than the word of its code is left out.
    """
    if not isinstance(ours, EvidenceDiagnosed):
        return []
    return [_said(reason, names) for reason in ours.reasons]


def _said(reason: DiagnosisReason, names: Names) -> tuple[str, str, str]:
    word = gettext(words.word(words.DIAGNOSIS_REASONS, reason.code))
    known = reason.code.removeprefix("bad_evidence.") in words.DIAGNOSIS_REASONS
    sentence, language = sentence_of(reason.text, names)
    plain = _template(reason.text) == reason.text
    return (word if known else "", "" if known and plain else sentence, language)


def sentence_of(text: str, names: Names) -> tuple[str, str]:
    """Return a recorded English sentence as the reader reads it, and in which language."""
    language = get_language() or "en"
    if language[:2] == "en":
        return text, "en"
    found = _template(text)
    if not found:
        return text, "en"
    values = _values(found, text)
    assert values is not None
    own = gettext(found)
    return _HOLE.sub(lambda hole: _worded(hole[1], values.get(hole[1], ""), names), own), language


def _worded(name: str, value: str, names: Names) -> str:
    """Return a value in the reader's words: keys of the catalogue and of our methods by name."""
    if name == "quantity":
        return names.quantity(value)
    if name == "place":
        return names.place(value)
    if name in ("damage", "known"):
        return gettext(words.word(words.DAMAGES, value))
    if name in ("method", "methods"):
        return ", ".join(gettext(words.word(words.METHODS, one)) for one in value.split(", "))
    if name in ("stage", "ran", "asked"):
        return ", ".join(_stage(one, names.language) for one in value.split(", "))
    return _NUMBER.sub(lambda number: number[0].replace(".", ","), value)


def _stage(key: str, language: str) -> str:
    """Return the name of a machine's stage, as the kinds of machines that have it call it."""
    return _stages().get(key, {}).get(language, key)


@cache
def _stages() -> Mapping[str, Mapping[str, str]]:
    phases = (phase for kind in device_kinds() for phase in manifest(kind).phases)
    return {p.key: {"ru": p.ru, "tg": p.tg, "en": p.en} for p in phases}


@cache
def _holed() -> Mapping[str, tuple[str, ...]]:
    """Return every text with holes that is translated, with what stands between the holes."""
    texts = (key for key in _keys() if "{" in key and _HOLE.search(key))
    return {text: tuple(filter(None, _HOLE.sub("\0", text).split("\0"))) for text in texts}


def _keys() -> Iterator[str]:
    keys = translation("ru")._catalog.keys()  # type: ignore[attr-defined]
    yield from (key for key in keys if isinstance(key, str) and "\4" not in key)


def _template(text: str) -> str:
    """Return the template that a sentence was made of, the one with most text of its own."""
    fitting = [
        (sum(map(len, parts)), template) for template, parts in _holed().items()
        if sum(map(len, parts)) >= _LEAST_LITERAL and all(part in text for part in parts)
        and _values(template, text) is not None
    ]  # fmt: skip
    if fitting:
        return max(fitting)[1]
    return text if gettext(text) != text else ""


def _values(template: str, text: str) -> dict[str, str] | None:
    names: list[str] = []
    pattern, at = "", 0
    for hole in _HOLE.finditer(template):
        pattern += re.escape(template[at : hole.start()])
        pattern += f"(?P={hole[1]})" if hole[1] in names else f"(?P<{hole[1]}>.*?)"
        names.append(hole[1])
        at = hole.end()
    found = re.fullmatch(pattern + re.escape(template[at:]), text, re.DOTALL)
    return None if found is None else found.groupdict()
