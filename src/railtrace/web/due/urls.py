"""Addresses of what is due."""

from django.urls import path

from railtrace.web.due import board

urlpatterns = [
    path("", board.due, name="due"),
    path("due.csv", board.export_csv, name="due-csv"),
    path("due.xlsx", board.export_xlsx, name="due-xlsx"),
]
