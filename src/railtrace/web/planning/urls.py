"""Addresses of planning."""

from django.urls import path

from railtrace.web.planning import (
    back_test,
    buy,
    observed,
    one_away,
    pages,
    replay,
    specification,
    variants,
    week_pages,
)

urlpatterns = [
    path("", pages.plans, name="planning"),
    path("week/", week_pages.week, name="week"),
    path("week/lay", week_pages.lay, name="week-lay"),
    path("week/move", week_pages.move, name="week-move"),
    path("week/unpin", week_pages.unpin, name="week-unpin"),
    path("week/search", week_pages.search, name="week-search"),
    path("week/progress", week_pages.progress, name="week-progress"),
    path("week/agree", week_pages.agree, name="week-agree"),
    path("week/fact", week_pages.fact, name="week-fact"),
    path("week/week.xlsx", week_pages.xlsx, name="week-xlsx"),
    path("<int:pk>", pages.plan, name="plan"),
    path("<int:pk>/instant", pages.instant, name="plan-instant"),
    path("<int:pk>/save", pages.save, name="plan-save"),
    path("<int:pk>/delete", pages.delete, name="plan-delete"),
    path("<int:pk>/runs", pages.runs, name="plan-runs"),
    path("<int:pk>/replay", replay.replay, name="plan-replay"),
    path("<int:pk>/replay.csv", replay.table, name="plan-replay-table"),
    path("<int:pk>/back-test", back_test.back_test, name="plan-back-test"),
    path("<int:pk>/away", one_away.away, name="plan-away"),
    path("<int:pk>/away/run", one_away.run, name="plan-away-run"),
    path("<int:pk>/away/progress", one_away.progress, name="plan-away-progress"),
    path("<int:pk>/observed", observed.observed, name="plan-observed"),
    path("<int:pk>/demand", observed.demand, name="plan-demand"),
    path("<int:pk>/variants", variants.side_by_side, name="plan-variants"),
    path("<int:pk>/buy", buy.buy, name="plan-buy"),
    path("<int:pk>/buy/run", buy.run, name="plan-buy-run"),
    path("<int:pk>/buy/progress", buy.progress, name="plan-buy-progress"),
    path("<int:pk>/run", pages.run, name="plan-run"),
    path("<int:pk>/progress", pages.progress, name="plan-progress"),
    path("<int:pk>/specification.xlsx", specification.xlsx, name="plan-xlsx"),
    path("<int:pk>/specification.pdf", specification.pdf, name="plan-pdf"),
]
