"""What is new: a page that is looked at asks every few seconds; nothing new costs little."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.translation import ngettext

from railtrace.web.leanings import tell_of_corrections
from railtrace.web.notices import unread
from railtrace.web.running import the_app


def pulse(request: HttpRequest, unit: str = "") -> HttpResponse:
    """Say how many entries came since a page was made, of one unit or of the whole trace."""
    count = entries_of(unit)
    etag = f'"{count}"'
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    new = count - _seen(request, count)
    said = ngettext("{count} new entry", "{count} new entries", new).format(count=new)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return JsonResponse({"new": new, "said": said}, headers=headers)


def _seen(request: HttpRequest, count: int) -> int:
    seen = request.GET.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 16 else count


def entries_of(unit: str) -> int:
    """Return how many entries speak of a unit; of everything when none is named."""
    app = the_app()
    if unit:
        return app.lookup.operations_of(unit)
    return sum(head.size for head in app.trace.heads())


def notices_pulse(request: HttpRequest) -> HttpResponse:
    """Say how many notices are unread, those of corrections that just came included."""
    tell_of_corrections()
    count = unread(request.user)
    etag = f'"{count}"'
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    said = ngettext("{count} unread notice", "{count} unread notices", count).format(count=count)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return JsonResponse({"unread": count, "said": said}, headers=headers)
