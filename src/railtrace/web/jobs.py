"""Long work of the pages: a file per job beside the data, whole at every moment."""

import uuid
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from msgspec import Struct

from railtrace.web.running import the_app

J = TypeVar("J", bound=Struct)
PROCESS = uuid.uuid4().hex
"""Marks the jobs this process runs: what another was at when it ended is interrupted."""


class KeptJob(Struct, kw_only=True):
    """What every job tells of itself: its state, and the process that is at it."""

    state: str = "running"
    runner: str = ""

    @property
    def shown_state(self) -> str:
        """The state; what another process was at when it ended is interrupted."""
        ended = self.state == "running" and self.runner != PROCESS
        return "interrupted" if ended else self.state


def bar_of(
    request: HttpRequest, job: KeptJob | None, template: str = "holdings/job_progress.html"
) -> HttpResponse:
    """Give the progress bar of a job that is under way; 205 asks for the page anew."""
    if job is None or job.shown_state != "running":
        return HttpResponse(status=205)
    return render(request, template, {"job": job})


class JobFiles(Generic[J]):
    """The jobs of one kind, in a folder of the data; ids are letters and digits."""

    def __init__(self, folder: str, kind: type[J]) -> None:
        self._folder, self._kind = folder, kind

    def path(self, id_: str, ending: str) -> Path:
        """Return the file of a job with an ending."""
        return self._here() / f"{id_}.{ending}"

    def _here(self) -> Path:
        folder = the_app().config.data_folder / self._folder
        folder.mkdir(exist_ok=True)
        return folder

    def keep(self, id_: str, job: J) -> None:
        """Write a job: who reads meanwhile finds it as it was, or as it is."""
        draft = self.path(id_, "draft")
        draft.write_bytes(msgspec.json.encode(job))
        draft.replace(self.path(id_, "json"))

    def read(self, id_: str) -> J | None:
        """Return a job; None where there is none of that id."""
        path = self.path(id_, "json")
        if not id_.isalnum() or not path.exists():
            return None
        return msgspec.json.decode(path.read_bytes(), type=self._kind)

    def every(self) -> list[J]:
        """Return all jobs, in no order."""
        return [msgspec.json.decode(path.read_bytes(), type=self._kind)
                for path in self._here().glob("*.json")]  # fmt: skip

    def ask_to_stop(self, id_: str, asked: bool = True) -> None:
        """Ask for the end of a job, or take that back; who runs it looks now and then."""
        if asked:
            self.path(id_, "stop").touch()
        else:
            self.path(id_, "stop").unlink(missing_ok=True)

    def is_to_stop(self, id_: str) -> bool:
        """Tell whether a job's end was asked for."""
        return self.path(id_, "stop").exists()
