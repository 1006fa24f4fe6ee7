"""Recording what a person does on a page: their pseudonym, the moment, the way in."""

import uuid
from typing import Any

from django.http import HttpRequest

from railtrace.errors import Refused
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Operation
from railtrace.web.accounts import person_of
from railtrace.web.running import the_app


def record_one(request: HttpRequest, kind: type[Operation], **fields: Any) -> Receipt:
    """Record one operation by the person at the page, and wait until the pages show it."""
    app = the_app()
    person = person_of(request.user).person_id
    # Browsers end the lines of a text box as old printers did; the trace keeps no control signs.
    fields = {k: v.replace("\r\n", "\n") if isinstance(v, str) else v for k, v in fields.items()}
    operation = kind(
        id=f"web:{uuid.uuid4()}", happened_at=app.clock(), performed_by=(person,), **fields
    )
    result = app.record([operation], person, "web")[0]
    if isinstance(result, Refused):
        raise result
    app.wait_caught_up()
    return result
