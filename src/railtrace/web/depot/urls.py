"""Addresses of the Depot room."""

from django.urls import include, path

from railtrace.web.depot import metrology

urlpatterns = [
    path("", include("railtrace.web.depot.stock_urls")),
    path("metrology/", metrology.dues, name="metrology"),
    path("metrology/instruments.csv", metrology.export, name="metrology-csv"),
    path("metrology/new", metrology.new, name="new-instrument"),
    path("equipment/<path:unit>/proof", metrology.record_proof, name="record-proof"),
    path("equipment/<path:unit>/withdraw", metrology.withdraw, name="withdraw-instrument"),
    path("suspects/<path:id_>.csv", metrology.suspects_csv, name="suspects-csv"),
    path("suspects/<path:id_>", metrology.suspects, name="suspects"),
    path("equipment/<path:unit>", metrology.instrument, name="instrument"),
]
