"""Addresses of reliability."""

from django.urls import path

from railtrace.web.reliability import fleet

urlpatterns = [
    path("", fleet.reliability, name="reliability"),
    path("components.csv", fleet.export_csv, name="reliability-csv"),
]
