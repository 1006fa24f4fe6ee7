"""Pages of no subject: the entrance and what is shown when something goes wrong."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first page of the reader's work."""
    return redirect("fleet")


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the request could not be read."""
    return _problem(request, 400, gettext("The browser sent something this page cannot read."))


@login_not_required
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say why the reader may not do this."""
    role = gettext("Your role does not allow this. An administrator can give you another role.")
    return _problem(request, 403, str(exception) or role)


@login_not_required
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is no such page."""
    return _problem(
        request, 404, gettext("There is no such page. The search box takes any number.")
    )


@login_not_required
def failure(request: HttpRequest) -> HttpResponse:
    """Say that the program failed; nothing that was recorded is lost by that."""
    return _problem(
        request, 500,
        gettext("The program failed on this page. Everything recorded before is safe; "
                "try again, and tell the administrator if it stays so."),
    )  # fmt: skip


@login_not_required
def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form was open too long."""
    return _problem(
        request, 403, gettext("The form was open for too long. Go back, reload it and send again.")
    )


def _problem(request: HttpRequest, status: int, message: str) -> HttpResponse:
    context: dict[str, Any] = {"status": status, "message": message}
    return render(request, "error.html", context, status=status)
