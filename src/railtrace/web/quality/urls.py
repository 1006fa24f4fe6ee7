"""Addresses of operation quality."""

from django.urls import path

from railtrace.web.quality import alarms, chart, comfort, fuel, origins, pages

urlpatterns = [
    path("quality", pages.dashboard, name="quality"),
    path("quality/quality.csv", pages.export_csv, name="quality-csv"),
    path("quality/fuel", fuel.fuel, name="fuel"),
    path("quality/fuel.csv", fuel.export_csv, name="fuel-csv"),
    path("quality/comfort", comfort.comfort, name="comfort"),
    path("quality/comfort.csv", comfort.export_csv, name="comfort-csv"),
    path("quality/alarms", alarms.alarms, name="alarms"),
    path("quality/alarms/answer", alarms.answer, name="alarm-answer"),
    path("quality/alarms.csv", alarms.export_csv, name="alarms-csv"),
    path("quality/origins", origins.origins, name="origins"),
    path("quality/origins.csv", origins.export_csv, name="origins-csv"),
    path("quality/origins/<path:id_>", origins.origin, name="origin"),
    path("quality/recorder/<str:sha256>", chart.recorder, name="recorder"),
    path("quality/recorder/<str:sha256>/data", chart.data, name="recorder-data"),
]
