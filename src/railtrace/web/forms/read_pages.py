"""A photographed blank on a page: what is ticked, what the trace says, what does not match."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext

from railtrace.catalogue.rows import Form
from railtrace.errors import NotFound
from railtrace.trace.leaf import Entry
from railtrace.web.fleet import the_names
from railtrace.web.forms.read_back import NotRead, ReadBack, mismatches, read_back
from railtrace.web.frame import in_words
from railtrace.web.running import the_app

_MOST_BYTES = 25_000_000


def read_blank(request: HttpRequest) -> HttpResponse:
    """Take a photo of a printed blank; show what was read beside what is recorded."""
    context: dict[str, Any] = {"section": "trace"}
    photo = request.FILES.get("photo")
    if request.method == "POST" and photo is not None:
        try:
            context |= _read(photo.read(_MOST_BYTES))
        except (NotRead, NotFound) as error:
            messages.error(request, in_words(error))
    elif request.method == "POST":
        messages.error(request, gettext("Choose a photo of the blank."))
    return render(request, "forms/read_blank.html", context)


def _read(photo: bytes) -> dict[str, Any]:
    names, read = the_names(), read_back(photo)
    form = names.catalogue.forms.get(read.form)
    if form is None:
        raise NotFound("there is no form {form} in the catalogue", form=read.form)
    entry = _entry(read.address)
    recorded = recorded_ticks(form, entry)
    wrong = mismatches(read, form.ticks, recorded)
    return {
        "read": read, "form": form, "form_name": form.name(names.language), "entry": entry,
        "rows": _rows(form, read, recorded, names.language), "wrong": wrong,
    }  # fmt: skip


def _rows(
    form: Form, read: ReadBack, recorded: dict[str, bool], language: str
) -> list[dict[str, Any]]:
    return [
        {"label": form.called(label, language), "seen": seen, "recorded": recorded.get(label),
         "ink": round(100 * ink),
         "same": seen != "unclear" and bool(recorded.get(label)) == (seen == "ticked")}
        for label, seen, ink in zip(form.ticks, read.boxes, read.ink, strict=False)
    ]  # fmt: skip


def _entry(address: str) -> Entry:
    """Return the entry that a form's code opens. Raises NotFound."""
    try:
        match = resolve(unquote(urlsplit(address).path))
    except Resolver404 as error:
        raise NotFound("the code of this blank opens nothing here: {address}",
                       address=address) from error  # fmt: skip
    if match.url_name != "operation":
        raise NotFound("the code of this blank opens no entry: {address}", address=address)
    return the_app().entry(str(match.kwargs["id_"]))


def recorded_ticks(form: Form, entry: Entry) -> dict[str, bool]:
    """Return of each box whose meaning the form says whether the entry would tick it."""
    found = {}
    for label, said in form.tick_when.items():
        field, _equals, value = said.partition("=")
        found[label] = str(getattr(entry.operation, field, "")) == value
    return found
