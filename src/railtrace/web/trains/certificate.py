"""The certificate of a release: a file that proves itself, and the same to read on paper."""

from django.http import HttpRequest, HttpResponse

from railtrace.operating.trust import trust_of_installation
from railtrace.store.certificate import certificate_of
from railtrace.web.running import the_app


def file(request: HttpRequest, id_: str) -> HttpResponse:
    """Send the certificate of a decision, to be checked anywhere by `railtrace-check`."""
    app = the_app()
    content = certificate_of(
        app.trace, app.evidence, id_, app.checkpoint, trust_of_installation(app)
    )
    response = HttpResponse(content, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="railtrace-certificate.json"'
    return response
