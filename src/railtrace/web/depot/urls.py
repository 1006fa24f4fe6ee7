"""Addresses of the Depot room."""

from django.urls import include, path

from railtrace.web.depot import board, equipment, live, measure, metrology, orders, people, tablet

urlpatterns = [
    path("", include("railtrace.web.depot.stock_urls")),
    path("", board.board, name="depot"),
    path("pulse", live.pulse, name="depot-pulse"),
    path("place", board.place, name="place"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<str:order>", orders.order, name="order"),
    path("orders/<str:order>/card", orders.card, name="route-card"),
    path("orders/<str:order>/block", orders.block, name="block-order"),
    path("orders/<str:order>/close", orders.close, name="close-order"),
    path("orders/<str:order>/steps/<str:step>/do", orders.do_step, name="do-step"),
    path("orders/<str:order>/steps/<str:step>/judge", orders.judge_step, name="judge-step"),
    path("orders/<str:order>/steps/<str:step>/proof", orders.prove_step, name="prove-step"),
    path("measure/", measure.measure, name="measure"),
    path("work/", tablet.work, name="work"),
    path("work/send", tablet.send, name="send-step"),
    path("work/paper", tablet.paper, name="paper"),
    path("work/worker.js", tablet.service_worker, name="work-worker"),
    path("queue/", orders.queue, name="queue"),
    path("equipment/", equipment.equipment, name="equipment"),
    path("coverage/", equipment.coverage, name="coverage"),
    path("findings/", equipment.findings, name="findings"),
    path("findings/answer", equipment.triage, name="triage"),
    path("rights/", people.rights, name="rights"),
    path("rights/withdraw", people.withdraw_right, name="withdraw-right"),
    path("orders/<str:order>/permit", people.permit, name="issue-permit"),
    path("orders/<str:order>/permit/end", people.close_permit, name="close-permit"),
    path("shift/", people.shift, name="shift"),
    path("shift/hand-over", people.hand_over, name="hand-over"),
    path("metrology/", metrology.dues, name="metrology"),
    path("metrology/instruments.csv", metrology.export, name="metrology-csv"),
    path("metrology/new", metrology.new, name="new-instrument"),
    path("equipment/<path:unit>/proof", metrology.record_proof, name="record-proof"),
    path("equipment/<path:unit>/withdraw", metrology.withdraw, name="withdraw-instrument"),
    path("suspects/<path:id_>.csv", metrology.suspects_csv, name="suspects-csv"),
    path("suspects/<path:id_>", metrology.suspects, name="suspects"),
    path("equipment/<path:unit>", metrology.instrument, name="instrument"),
]
