"""Addresses of what is due."""

from django.urls import path

from railtrace.web.due import board, replay

urlpatterns = [
    path("", board.due, name="due"),
    path("due.csv", board.export_csv, name="due-csv"),
    path("due.xlsx", board.export_xlsx, name="due-xlsx"),
    path("replay/", replay.replays, name="norm-replays"),
    path("replay/<str:job>", replay.norm_replay, name="norm-replay"),
    path("replay/<str:job>/progress", replay.progress, name="norm-replay-progress"),
]
