"""Addresses of the Depot room."""

from django.urls import include, path

from railtrace.web.depot import board, metrology, orders, tablet

urlpatterns = [
    path("", include("railtrace.web.depot.stock_urls")),
    path("", board.board, name="depot"),
    path("place", board.place, name="place"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<str:order>", orders.order, name="order"),
    path("orders/<str:order>/card", orders.card, name="route-card"),
    path("orders/<str:order>/block", orders.block, name="block-order"),
    path("orders/<str:order>/close", orders.close, name="close-order"),
    path("orders/<str:order>/steps/<str:step>/do", orders.do_step, name="do-step"),
    path("orders/<str:order>/steps/<str:step>/judge", orders.judge_step, name="judge-step"),
    path("work/", tablet.work, name="work"),
    path("work/send", tablet.send, name="send-step"),
    path("work/paper", tablet.paper, name="paper"),
    path("work/worker.js", tablet.service_worker, name="work-worker"),
    path("queue/", orders.queue, name="queue"),
    path("metrology/", metrology.dues, name="metrology"),
    path("metrology/instruments.csv", metrology.export, name="metrology-csv"),
    path("metrology/new", metrology.new, name="new-instrument"),
    path("equipment/<path:unit>/proof", metrology.record_proof, name="record-proof"),
    path("equipment/<path:unit>/withdraw", metrology.withdraw, name="withdraw-instrument"),
    path("suspects/<path:id_>.csv", metrology.suspects_csv, name="suspects-csv"),
    path("suspects/<path:id_>", metrology.suspects, name="suspects"),
    path("equipment/<path:unit>", metrology.instrument, name="instrument"),
]
