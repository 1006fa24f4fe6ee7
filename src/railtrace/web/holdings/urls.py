"""Addresses of holdings."""

from django.urls import path

from railtrace.web.holdings import (
    change,
    guests,
    introduction,
    jobs,
    lists,
    locomotives,
    paper_act,
    sites,
)

urlpatterns = [
    path("", lists.holdings, name="holdings"),
    path("holdings.csv", lists.holdings_csv, name="holdings-csv"),
    path("movements", lists.movements, name="movements"),
    path("movements.csv", lists.movements_csv, name="movements-csv"),
    path("availability", lists.availability_page, name="availability"),
    path("locomotives", locomotives.locomotives, name="locomotives"),
    path("locomotives/uncouple/<path:unit>", locomotives.uncouple, name="uncouple"),
    path("locomotives/couple/<path:unit>", locomotives.couple, name="couple"),
    path("guests", guests.guests, name="guests"),
    path("introduction", introduction.introduction, name="introduction"),
    path("sites", sites.sites, name="sites"),
    path("jobs/", jobs.fleet_jobs, name="fleet-jobs"),
    path("jobs/<str:job>", jobs.fleet_job, name="fleet-job"),
    path("jobs/<str:job>/progress", jobs.progress, name="fleet-job-progress"),
    path("jobs/<str:job>/stop", jobs.stop, name="fleet-job-stop"),
    path("jobs/<str:job>/result.csv", jobs.result_csv, name="fleet-job-csv"),
    path("change/<str:what>/<path:unit>", change.change, name="change"),
    path("act/<path:unit>", paper_act.paper_act, name="paper-act"),
    path("end/<str:what>", change.end, name="end-restriction"),
]
