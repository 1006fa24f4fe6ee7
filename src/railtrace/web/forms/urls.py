"""Addresses of forms."""

from django.urls import path

from railtrace.web.forms import pages, read_pages

urlpatterns = [
    path("read", read_pages.read_blank, name="read-blank"),
    path("<str:form>/of/<path:unit>.pdf", pages.of_unit, name="form-of-unit"),
    path("<str:form>/<path:id_>.pdf", pages.of_entry, name="form-of-entry"),
]
