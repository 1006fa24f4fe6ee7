"""Addresses of reliability."""

from django.urls import path

from railtrace.web.reliability import bench, fleet, heat, indicators, repeats, scoreboard

urlpatterns = [
    path("", fleet.reliability, name="reliability"),
    path("components.csv", fleet.export_csv, name="reliability-csv"),
    path("weeks", heat.heat, name="reliability-heat"),
    path("scoreboard", scoreboard.scoreboard_page, name="scoreboard"),
    path("scoreboard.csv", scoreboard.scoreboard_csv, name="scoreboard-csv"),
    path("bench", bench.bench, name="bench"),
    path("bench/lives.csv", bench.bench_csv, name="bench-csv"),
    path("bench/save", bench.save, name="bench-save"),
    path("repeats", repeats.repeats, name="repeats"),
    path("repeats.csv", repeats.repeats_csv, name="repeats-csv"),
    path("indicators", indicators.indicators, name="indicators"),
    path("indicators.csv", indicators.indicators_csv, name="indicators-csv"),
    path("indicators/behind", indicators.behind, name="indicators-behind"),
]
