"""Addresses of the Trains room."""

from django.urls import include, path

from railtrace.web.trains import (
    acts,
    board,
    certificate,
    compose,
    decide,
    inspect,
    overrides,
    page,
    promise,
    unit_release,
)

urlpatterns = [
    path("", board.board, name="trains"),
    path("", include("railtrace.web.trains.way_urls")),
    path("compose", compose.compose, name="new-consist"),
    path("inspect", inspect.inspect, name="inspect-train"),
    path("unit", compose.unit_said, name="unit-said"),
    path("certificate/<path:id_>.json", certificate.file, name="certificate"),
    path("certificate/<path:id_>.pdf", certificate.sheet, name="certificate-sheet"),
    path("overrides", overrides.overrides, name="overrides"),
    path("unit/<path:unit>/decide", unit_release.decide, name="decide-unit"),
    path("unit/<path:unit>/release", unit_release.page, name="unit-release"),
    path("<str:consist>", page.consist_page, name="consist"),
    path("<str:consist>/compose", compose.compose, name="compose-consist"),
    path("<str:consist>/inspected", inspect.inspected, name="inspected-train"),
    path("<str:consist>/offers", page.offers, name="offers"),
    path("<str:consist>/promise", promise.panel, name="consist-promise"),
    path("<str:consist>/sign", acts.sign, name="sign-consist"),
    path("<str:consist>/joints", acts.joints, name="check-joints"),
    path("<str:consist>/brakes", acts.brakes, name="test-brakes"),
    path("<str:consist>/supply", acts.supply, name="supply-consist"),
    path("<str:consist>/decide", decide.decide, name="decide-consist"),
    path("<str:consist>/depart", acts.depart, name="depart-consist"),
    path("<str:consist>/detach", acts.detach, name="detach-unit"),
    path("<str:consist>/close", acts.close, name="close-consist"),
]
