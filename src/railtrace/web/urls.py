"""Addresses."""

from django.urls import URLPattern, URLResolver, include, path

from railtrace.web import (
    accounts,
    administration,
    catalogue_pages,
    correct,
    fleet,
    health,
    live,
    operations,
    pages,
    recalls,
    release,
    scan,
    trace_pages,
    units,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.home, name="home"),
    path("health", health.health_json, name="health"),
    path("api/", include("railtrace.web.api.urls")),
    path("import/", include("railtrace.web.imports")),
    path("depot/", include("railtrace.web.depot.urls")),
    path("holdings/", include("railtrace.web.holdings.urls")),
    path("search", fleet.search, name="search"),
    path("scan", scan.scan, name="scan"),
    path("fleet/", fleet.fleet, name="fleet"),
    path("fleet/columns", fleet.choose_columns, name="choose-columns"),
    path("fleet/filters", fleet.save_filter, name="save-filter"),
    path("fleet/fleet.csv", fleet.export_csv, name="fleet-csv"),
    path("fleet/fleet.xlsx", fleet.export_xlsx, name="fleet-xlsx"),
    path("units/<path:unit>", units.unit, name="unit"),
    path("release/hold", release.lift_hold, name="lift-hold"),
    path("release/defect", release.close_defect, name="close-defect"),
    path("lifeline/<path:unit>", units.lifeline, name="lifeline"),
    path("pulse/", live.pulse, name="pulse"),
    path("pulse/<path:unit>", live.pulse, name="unit-pulse"),
    path("recalls/", recalls.recalls, name="recalls"),
    path("recalls/<path:recall>/hold", recalls.hold, name="recall-hold"),
    path("recalls/<path:recall>/close", recalls.close, name="recall-close"),
    path("recalls/<path:recall>/parts.csv", recalls.export, name="recall-csv"),
    path("recalls/<path:recall>", recalls.recall, name="recall"),
    path("operations/<path:id_>", operations.operation, name="operation"),
    path("correct/<path:id_>", correct.correct, name="correct"),
    path("proof/<path:id_>", operations.proof, name="proof"),
    path("evidence/<str:sha256>", operations.evidence, name="evidence"),
    path("trace/", trace_pages.trace, name="trace"),
    path("trace/contradictions", trace_pages.contradictions, name="contradictions"),
    path("trace/contradictions/resolve", trace_pages.resolve, name="resolve"),
    path("trace/checkpoint/<path:log>", trace_pages.checkpoint, name="checkpoint"),
    path("trace/catalogue", catalogue_pages.catalogue, name="catalogue"),
    path("trace/catalogue/<str:key>", catalogue_pages.catalogue_type, name="catalogue-type"),
    path("account/login", accounts.log_in, name="login"),
    path("account/logout", accounts.log_out, name="logout"),
    path("account/choose", accounts.choose, name="choose"),
    path("account/", accounts.account, name="account"),
    path("administration/", include("railtrace.web.people.urls")),
    path("administration/tokens", administration.api_tokens, name="tokens"),
    path("administration/tokens/<int:pk>", administration.revoke_token, name="revoke-token"),
    path("administration/texts", administration.texts_page, name="texts"),
    path("administration/texts.xlsx", administration.texts_sheet, name="texts-sheet"),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.failure
