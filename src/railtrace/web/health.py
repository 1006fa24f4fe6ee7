"""How the installation is, for whoever watches it; nothing in it is secret or personal."""

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from railtrace.operating.health import health
from railtrace.web.running import the_app


@login_not_required
def health_json(request: HttpRequest) -> HttpResponse:
    """Answer 200 while operations are recorded and shown, else 503."""
    state = health(the_app())
    return HttpResponse(
        msgspec.json.encode(state),
        content_type="application/json",
        status=503 if state.status == "failing" else 200,
        headers={"Cache-Control": "no-store"},
    )
