"""Addresses of the Trains room once a train has left."""

from django.urls import path

from railtrace.web.trains import accidents, chief, handover, way

urlpatterns = [
    path("chief/", chief.chief, name="chief"),
    path("chief/send", chief.send, name="send-from-train"),
    path("chief/worker.js", chief.service_worker, name="train-worker"),
    path("chief/<str:consist>", chief.chief_train, name="chief-train"),
    path("accidents/", accidents.accidents, name="accidents"),
    path("accidents/<str:accident>", accidents.accident, name="accident"),
    path("accidents/<str:accident>/lift", accidents.lift, name="lift-accident"),
    path("scoreboard", way.scoreboard, name="train-scoreboard"),
    path("hands/<path:operation>", way.hands, name="last-hands"),
    path("<str:consist>/handover", handover.handover, name="handover"),
    path("<str:consist>/handover/make", handover.make, name="make-handover"),
    path("<str:consist>/handover/take", handover.take, name="take-return"),
    path("<str:consist>/trip", way.trip, name="trip"),
]
