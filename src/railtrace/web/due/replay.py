"""Norm replay as a page: a changed interval, limit or file of rows, run over the fleet.

A file per replay beside the data, and a thread; nothing is recorded and nothing is adopted.
"""

import logging
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from msgspec import Struct
from msgspec.structs import replace as changed

from railtrace.catalogue.load import load
from railtrace.catalogue.rows import KINDS, Catalogue, Limit, Service
from railtrace.errors import CatalogueError, NotFound, RailtraceError
from railtrace.store.replay import STEPS, Fallen, Moved, Replay, replay
from railtrace.trace.leaf import microseconds
from railtrace.web import words
from railtrace.web.due.lines import STATES, rule_said
from railtrace.web.fleet import the_names
from railtrace.web.frame import in_words
from railtrace.web.jobs import PROCESS, JobFiles, KeptJob
from railtrace.web.measurements import limit_text
from railtrace.web.names import Names
from railtrace.web.roles import may
from railtrace.web.running import the_app
from railtrace.web.upkeep.sheets import numbers, saved, written

_SHOWN, _LISTED = 20, 300
_INTERVALS = ("km", "engine_hours", "months", "days", "hours")
_MOST_BYTES = 1_000_000
_log = logging.getLogger("railtrace.norm_replays")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="norm-replay")


class Found(Struct):
    """The outcome as kept: who falls out, who is relieved, whose day moves, the visits."""

    units: int
    fallen: list[Fallen]
    relieved: list[Fallen]
    moved: list[Moved]
    visits: list[tuple[str, int, int]]
    depot_days: tuple[float, float]
    without_downtime: int


class Job(KeptJob):
    """What was asked, how far it is, what came of it.

    `problem` is the template of an error and `values` what it names: each reader has a language.
    """

    id: str
    said: str
    years: float
    asked_at: datetime
    done: int = 0
    of: int = STEPS
    problem: str = ""
    values: dict[str, str] = {}
    found: Found | None = None

    @property
    def problem_said(self) -> str:
        """Why it failed, in the reader's language."""
        return in_words(RailtraceError(self.problem, **self.values)) if self.problem else ""


STATE_WORDS = {
    "running": gettext_noop("under way"), "done": gettext_noop("done"),
    "failed": gettext_noop("failed"), "interrupted": gettext_noop("interrupted"),
}  # fmt: skip


_files = JobFiles("norm-replays", Job)


def _job(id_: str) -> Job:
    found = _files.read(id_)
    if found is None:
        raise NotFound("there is no norm replay {job}", job=id_)
    return found


def _jobs() -> list[Job]:
    return sorted(_files.every(), key=lambda job: job.asked_at, reverse=True)


def start(new: Catalogue, said: str, years: float) -> "tuple[Job, Future[None]]":
    """Hand a replay to its thread."""
    job = Job(uuid.uuid4().hex[:12], said, years, the_app().clock(), runner=PROCESS)
    _files.keep(job.id, job)
    return job, _thread.submit(_run, job, new)


def _run(job: Job, new: Catalogue) -> None:
    app = the_app()

    def tell(done: int) -> None:
        job.done = done
        _files.keep(job.id, job)

    try:
        now_us, days = microseconds(app.clock()), round(job.years * 365.25)
        found = replay(app.views, app.lookup, app.catalogue(), new, now_us, days, tell)
        job.found, job.state = _kept(found), "done"
    except RailtraceError as error:
        job.state, job.problem = "failed", error.template
        job.values = {key: str(value) for key, value in error.values.items()}
    except Exception:
        _log.exception("norm replay failed")
        job.state = "failed"
    _files.keep(job.id, job)


def _kept(found: Replay) -> Found:
    kinds = sorted({*found.before.visits, *found.after.visits})
    return Found(
        found.units, found.fallen, found.relieved, found.moved,
        [(kind, found.before.visits[kind], found.after.visits[kind]) for kind in kinds],
        (found.before.depot_days, found.after.depot_days),
        sum(found.after.without_downtime.values()),
    )  # fmt: skip


# --- what is asked -------------------------------------------------------------------------------


class Ask(forms.Form):
    """A changed interval, a changed limit, or a file of rows; and how far to look."""

    service = forms.ChoiceField(label=_("Interval to change"), required=False)
    km = forms.IntegerField(label=_("Every so many kilometres"), required=False, min_value=1)
    engine_hours = forms.IntegerField(label=_("Every so many engine-hours"), required=False,
                                      min_value=1)  # fmt: skip
    months = forms.IntegerField(label=_("Every so many months"), required=False, min_value=1)
    days = forms.IntegerField(label=_("Every so many days"), required=False, min_value=1)
    hours = forms.IntegerField(label=_("Every so many hours"), required=False, min_value=1)
    limit = forms.ChoiceField(label=_("Limit to change"), required=False)
    least = forms.DecimalField(label=_("Least value"), required=False, max_digits=12)
    most = forms.DecimalField(label=_("Greatest value"), required=False, max_digits=12)
    rows = forms.FileField(
        label=_("Or a file of catalogue rows (TOML)"), required=False,
        help_text=_("rows under the keys they replace, as in the catalogue folder"),
    )  # fmt: skip
    years = forms.FloatField(label=_("Years ahead"), min_value=0.1, max_value=20, initial=3)

    def __init__(self, names: Names, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = names
        catalogue = names.catalogue
        services = [
            (s.key, f"{catalogue.programmes[s.programme].name(names.language)}: {s.kind} · "
                    f"{rule_said(s, names)}")
            for s in catalogue.services.values() if s.when == "interval"
        ]  # fmt: skip
        limits = [
            (row.key, f"{names.quantity(row.quantity)} · {limit_text(row, names)} · "
                      f"{row.name(names.language)}")
            for row in catalogue.limits.values()
        ]  # fmt: skip
        nothing = ("", gettext("none"))
        by_word = lambda pair: pair[1]  # noqa: E731
        self.fields["service"].choices = [nothing, *sorted(services, key=by_word)]  # type: ignore[attr-defined]
        self.fields["limit"].choices = [nothing, *sorted(limits, key=by_word)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Make the catalogue that would be adopted; what is wrong with it stands at its field."""
        data = super().clean() or {}
        if self.errors:
            return data
        if not any(data.get(key) for key in ("service", "limit", "rows")):
            raise forms.ValidationError(
                gettext("Choose an interval or a limit to change, or give a file of rows.")
            )
        data["catalogue"] = self._changed(data)
        return data

    def _changed(self, data: dict[str, Any]) -> Catalogue | None:
        catalogue, kinds = self.names.catalogue, dict[str, Any]()
        if data.get("rows"):
            found = self._from_file(data["rows"])
            if found is None:
                return None
            catalogue = found
        if data.get("service"):
            kinds["services"] = _service_changed(catalogue, data)
        if data.get("limit"):
            kinds["limits"] = _limit_changed(catalogue, data)
        return with_rows(catalogue, **kinds)

    def _from_file(self, file: Any) -> Catalogue | None:
        site = the_app().config.data_folder / "catalogue"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "rows.toml").write_bytes(file.read(_MOST_BYTES))
            try:
                return load(*([site] if site.exists() else []), Path(folder))
            except CatalogueError as error:
                self.add_error("rows", in_words(error).replace(f"{folder}/", ""))
                return None

    def said(self) -> str:
        """Say in words what is changed."""
        data, names, told = self.cleaned_data, self.names, []
        if key := data.get("service"):
            old, new = names.catalogue.services[key], data["catalogue"].services[key]
            told.append(f"{old.kind} ({key}): {rule_said(old, names)} → {rule_said(new, names)}")
        if key := data.get("limit"):
            before, after = names.catalogue.limits[key], data["catalogue"].limits[key]
            told.append(f"{names.quantity(before.quantity)} ({key}): "
                        f"{limit_text(before, names)} → {limit_text(after, names)}")  # fmt: skip
        if data.get("rows"):
            told.append(str(data["rows"].name))
        return "; ".join(told)


def with_rows(catalogue: Catalogue, **kinds: Any) -> Catalogue:
    """Return a catalogue with other rows; made anew, because it remembers what it sorted."""
    return Catalogue(**{key: getattr(catalogue, key) for key in KINDS} | kinds)


def _service_changed(catalogue: Catalogue, data: dict[str, Any]) -> dict[str, Service]:
    key, values = data["service"], {name: data.get(name) for name in _INTERVALS}
    return dict(catalogue.services) | {key: changed(catalogue.services[key], **values)}


def _limit_changed(catalogue: Catalogue, data: dict[str, Any]) -> dict[str, Limit]:
    key = data["limit"]
    least, most = (None if data.get(n) is None else f"{data[n]:f}" for n in ("least", "most"))
    row = changed(catalogue.limits[key], min=least, max=most)
    return dict(catalogue.limits) | {key: row}


# --- pages ---------------------------------------------------------------------------------------


def replays(request: HttpRequest) -> HttpResponse:
    """List the replays; run another norm over the fleet."""
    names = the_names()
    form = Ask(names, request.POST or None, request.FILES or None)
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        data = form.cleaned_data
        job, _future = start(data["catalogue"], form.said(), data["years"])
        return redirect("norm-replay", job.id)
    context = {
        "section": "fleet", "form": form, "jobs": _jobs()[:_SHOWN], "states": STATE_WORDS,
    }  # fmt: skip
    return render(request, "due/replays.html", context)


def norm_replay(request: HttpRequest, job: str) -> HttpResponseBase:
    """Show a replay: how far it is, then who falls out, when, and what it costs."""
    found, names = _job(job), the_names()
    if "as" in request.GET and found.found is not None:
        return saved(request, "norm-replay", _HEAD, _cells(found.found, names))
    context: dict[str, Any] = {
        "section": "fleet", "job": found, "names": names, "states": STATE_WORDS,
        "shown_state": found.shown_state,
    }  # fmt: skip
    if found.found is not None:
        context |= _result(found.found, names)
    return render(request, "due/replay.html", context)


def _result(found: Found, names: Names) -> dict[str, Any]:
    units = _units(found)
    called = numbers(names, list(dict.fromkeys(units))[:2000])
    return {
        "found": found, "fallen": [_said(one, called, names) for one in found.fallen[:_LISTED]],
        "relieved": [_said(one, called, names) for one in found.relieved[:_LISTED]],
        "moved": [(one, called.get(one.unit, (one.unit, ""))) for one in found.moved[:_LISTED]],
        "visits": [(kind, old, new, new - old) for kind, old, new in found.visits],
        "days_more": found.depot_days[1] - found.depot_days[0],
    }  # fmt: skip


def _units(found: Found) -> list[str]:
    fallen = [one.unit for some in (found.fallen, found.relieved) for one in some]
    return [*fallen, *(one.unit for one in found.moved)]


def _said(one: Fallen, called: dict[str, tuple[str, str]], names: Names) -> dict[str, Any]:
    number, type_ = called.get(one.unit, (one.unit, ""))
    return {"one": one, "number": number, "type": type_, "what": _what(one, names),
            "before": _state(one.before), "after": _state(one.after)}  # fmt: skip


def _what(one: Fallen, names: Names) -> str:
    return names.quantity(one.what) if one.what in names.catalogue.quantities else one.what


def _state(key: str) -> str:
    table = STATES if key in STATES else words.VERDICTS
    return gettext(words.word(table, key)) if key else gettext("not asked")


_HEAD = (
    gettext_noop("Number"), gettext_noop("Type"), gettext_noop("What"), gettext_noop("Change"),
    gettext_noop("Before"), gettext_noop("After"), gettext_noop("Stops"), gettext_noop("Rule"),
)  # fmt: skip


def _cells(found: Found, names: Names) -> Iterator[list[Any]]:
    units = _units(found)
    called = numbers(names, list(dict.fromkeys(units)))
    for word, some in ((gettext("falls out"), found.fallen),
                       (gettext("is relieved"), found.relieved)):  # fmt: skip
        for one in some:
            yield [*called[one.unit], _what(one, names), word, _state(one.before),
                   _state(one.after), gettext("yes") if one.stops else "", one.row]  # fmt: skip
    for moved in found.moved:
        yield [*called[moved.unit], moved.what, gettext("another day"), written(moved.before_us),
               written(moved.after_us), "", moved.row]  # fmt: skip


def progress(request: HttpRequest, job: str) -> HttpResponse:
    """Give the progress bar of a replay that is under way; 205 asks for the page anew."""
    found = _job(job)
    if found.shown_state != "running":
        return HttpResponse(status=205)
    word = STATE_WORDS["running"]
    context = {"job": found, "said": gettext(word)}
    return render(request, "due/replay_progress.html", context)
