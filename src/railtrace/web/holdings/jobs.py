"""Fleet jobs: the state, holder and place of every unit at two dates, in the background.

A file per job beside the data, and a thread; the result is evidence, sealed by an operation.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import NotFound, RailtraceError
from railtrace.operating.fleet_job import Asked, rows_of, run
from railtrace.store.units_then import StoodAs
from railtrace.web.accounts import person_of
from railtrace.web.clocks import from_us
from railtrace.web.fleet import site_name, the_names
from railtrace.web.frame import home_zone
from railtrace.web.holdings.lists import csv_of
from railtrace.web.jobs import PROCESS, JobFiles, KeptJob, bar_of
from railtrace.web.roles import allowed, may
from railtrace.web.running import the_app

_SHOWN = 30
_log = logging.getLogger("railtrace.fleet_jobs")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fleet-job")
STATES = {
    "running": gettext_noop("under way"),
    "interrupted": gettext_noop("interrupted: the server was stopped meanwhile"),
    "cancelled": gettext_noop("stopped"),
    "failed": gettext_noop("failed"),
    "done": gettext_noop("sealed"),
}


class Cancelled(Exception):
    """A person has stopped the job."""


class FleetJob(KeptJob):
    """What was asked, how far it is, and what came of it."""

    id: str
    state_at: datetime
    known_at: datetime
    asked_at: datetime
    asked_by: str
    done: int = 0
    of: int = 0
    sha256: str = ""
    rows: int = 0
    operation: str = ""
    template: str = ""
    values: dict[str, str] = {}

    @property
    def said(self) -> str:
        """The state in words."""
        return gettext(STATES[self.shown_state])

    @property
    def problem(self) -> str:
        """Why it failed, in words."""
        return gettext(self.template).format(**self.values) if self.template else ""


_files = JobFiles("fleet-jobs", FleetJob)


def jobs() -> list[FleetJob]:
    """Return the jobs, the latest first."""
    return sorted(_files.every(), key=lambda job: job.asked_at, reverse=True)


def _job(id_: str) -> FleetJob:
    found = _files.read(id_)
    if found is None:
        raise NotFound("there is no fleet job {job}", job=id_)
    return found


def start(state_at: datetime, known_at: datetime, person: str) -> "tuple[FleetJob, Future[None]]":
    """Hand a job to its thread."""
    job = FleetJob(uuid.uuid4().hex[:12], state_at, known_at, the_app().clock(), person,
                   runner=PROCESS)  # fmt: skip
    _files.keep(job.id, job)
    return job, _thread.submit(_run, job)


def _run(job: FleetJob) -> None:
    def progress(done: int, of: int) -> None:
        if _files.is_to_stop(job.id):
            raise Cancelled
        job.done, job.of = done, of
        _files.keep(job.id, job)

    try:
        sealed = run(the_app(), Asked(job.state_at, job.known_at), job.asked_by, progress)
        job.state, job.sha256 = "done", sealed.sha256
        job.rows, job.operation = sealed.rows, sealed.operation
    except Cancelled:
        job.state = "cancelled"
    except RailtraceError as error:
        job.state, job.template = "failed", error.template
        job.values = {key: str(value) for key, value in error.values.items()}
    except Exception:
        _log.exception("fleet job failed")
        job.state = "failed"
    _files.keep(job.id, job)


# --- pages --------------------------------------------------------------------------------------


class NewJob(forms.Form):
    """The two days: the end of each counts."""

    state_day = forms.DateField(
        label=_("State on"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("what had happened by the end of that day"),
    )  # fmt: skip
    known_day = forms.DateField(
        label=_("As known on"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("only what had been recorded by the end of that day"),
    )  # fmt: skip

    def moments(self) -> tuple[datetime, datetime]:
        """Return the ends of the two days, none of them after now."""
        ends = [
            datetime.combine(self.cleaned_data[key], time.max, tzinfo=home_zone())
            for key in ("state_day", "known_day")
        ]
        now = the_app().clock()
        return min(ends[0].astimezone(UTC), now), min(ends[1].astimezone(UTC), now)


def fleet_jobs(request: HttpRequest) -> HttpResponse:
    """List the jobs; begin a new one."""
    today = the_app().clock().astimezone(home_zone()).date()
    form = NewJob(request.POST or None, initial={"state_day": today, "known_day": today})
    if request.method == "POST" and may(request.user, "record") and form.is_valid():
        job, _future = start(*form.moments(), person_of(request.user).person_id)
        return redirect("fleet-job", job.id)
    context = {"section": "fleet", "tab": "jobs", "jobs": jobs()[:_SHOWN], "form": form}
    return render(request, "holdings/jobs.html", context)


def fleet_job(request: HttpRequest, job: str) -> HttpResponse:
    """Show a job: how far it is, then what stands in its result."""
    found, names = _job(job), the_names()
    context: dict[str, Any] = {"section": "fleet", "job": found, "names": names}
    if found.state == "done":
        counts = Counter(
            (s.unit_class, s.state) for s in _result(found) if s.unit_class not in ("", "part")
        )
        order = {row.key: index for index, row in enumerate(names.catalogue.states_in_order)}
        context["counts"] = sorted(
            ((*key, count) for key, count in counts.items()),
            key=lambda row: (row[0], order.get(row[1], 99)),
        )
    return render(request, "holdings/job.html", context)


def progress(request: HttpRequest, job: str) -> HttpResponse:
    """Give the progress bar of a job that is under way; 205 asks for the page anew."""
    return bar_of(request, _job(job))


@require_POST
@allowed("record")
def stop(request: HttpRequest, job: str) -> HttpResponse:
    """Stop a job after the range in hand."""
    _files.ask_to_stop(_job(job).id)
    return redirect("fleet-job", job)


def _result(job: FleetJob) -> Iterator[StoodAs]:
    with the_app().evidence.open(job.sha256) as file:
        yield from rows_of(iter(file))[1]


def result_csv(request: HttpRequest, job: str) -> StreamingHttpResponse:
    """Send a sealed result as CSV, in the reader's words."""
    found, names = _job(job), the_names()
    if found.state != "done":
        raise NotFound("the fleet job {job} has no result", job=job)

    def rows() -> Iterator[list[str]]:
        yield [gettext(word) for word in (
            "Number", "Type", "State", "Repair kind", "Since", "Place", "Depot", "Keeper",
            "Owner", "Carrier", "Position", "Id",
        )]  # fmt: skip
        for s in _result(found):
            since = "" if s.since_us is None else from_us(s.since_us).isoformat()
            yield [s.number, names.type(s.type), names.state(s.state), s.detail, since,
                   site_name(s.place), site_name(s.home_site), site_name(s.keeper), s.owner,
                   s.carrier, names.position(s.position), s.unit]  # fmt: skip

    return csv_of(rows(), f"fleet-{found.state_at:%Y-%m-%d}.csv")
