"""Addresses of planning."""

from django.urls import path

from railtrace.web.planning import pages, specification

urlpatterns = [
    path("", pages.plans, name="planning"),
    path("<int:pk>", pages.plan, name="plan"),
    path("<int:pk>/instant", pages.instant, name="plan-instant"),
    path("<int:pk>/save", pages.save, name="plan-save"),
    path("<int:pk>/delete", pages.delete, name="plan-delete"),
    path("<int:pk>/runs", pages.runs, name="plan-runs"),
    path("<int:pk>/run", pages.run, name="plan-run"),
    path("<int:pk>/progress", pages.progress, name="plan-progress"),
    path("<int:pk>/specification.xlsx", specification.xlsx, name="plan-xlsx"),
    path("<int:pk>/specification.pdf", specification.pdf, name="plan-pdf"),
]
