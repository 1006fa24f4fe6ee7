"""The addresses below /api/."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.generic import RedirectView

from railtrace.web.api import machines, problems, read, record, replicate
from railtrace.web.api.description import TEXT, Described

api = Described(
    title="Railtrace", version="1", description=TEXT, docs_url="/docs",
    openapi_url="/openapi.json", urls_namespace="api",
)  # fmt: skip
api.add_router("", record.router)
api.add_router("", read.router)
api.add_router("", replicate.router)
api.add_router("", machines.router)
problems.attach(api)

app_name = "api"
urlpatterns: list[Any] = [
    path("", RedirectView.as_view(url="docs")), *api.urls[0], path("<path:rest>", problems.nowhere)
]  # fmt: skip
# Every address asks for its token itself: no program is to be sent to the log-in page.
for pattern in urlpatterns:
    pattern.callback = login_not_required(pattern.callback)
