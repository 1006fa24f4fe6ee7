"""Pages of the Depot that renew themselves: a cheap question every second, parts when they changed.

A page carries the mark of what it shows; the question is answered with nothing while the mark is
still the same. What changed is read from the page itself, so there is one way to make it.
"""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from railtrace.web.api.machines import live_machines
from railtrace.web.running import the_app

_PATIENCE_S = 0.3
_HEADERS = {"Cache-Control": "no-store"}


def fresh(of: str, device: str = "") -> dict[str, str]:
    """Return what a page needs to renew itself: whom to ask, and the mark of what it shows now.

    To be asked before the page is read, so that what comes meanwhile is not missed.
    """
    asked = urlencode({"of": of, "device": device} if device else {"of": of})
    return {"url": f"{reverse('depot-pulse')}?{asked}", "mark": mark_of(of, device)}


def mark_of(of: str, device: str = "") -> str:
    """Return a mark that changes when a page changes: of one machine, of all, or of work."""
    app = the_app()
    if of == "machine":
        last = app.lookup.last_made([device]).get(device, 0)
        return f"{last}.{app.lookup.operations_of(device)}.{live_machines.version_of(device)}"
    taken = sum(app.views.positions().values())
    return f"{taken}.{live_machines.version}" if of == "machines" else f"{taken}"


def pulse(request: HttpRequest) -> HttpResponse:
    """Say whether a page shows what is; nothing while it does."""
    of, device = request.GET.get("of", ""), request.GET.get("device", "")
    if the_app().views.lag():
        # Somebody looks: the views need not stand back for the recording.
        the_app().wait_caught_up(_PATIENCE_S)
    mark = mark_of(of, device)
    if mark == request.GET.get("seen", ""):
        return HttpResponse(status=204, headers=_HEADERS)
    return JsonResponse({"mark": mark}, headers=_HEADERS)
