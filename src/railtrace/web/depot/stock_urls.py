"""Addresses of the stock: parts, sending lists, lots, debts and loans."""

from django.urls import path

from railtrace.web.depot import lists, lots_and_loans, stock

urlpatterns = [
    path("stock/", stock.stock, name="stock"),
    path("stock/stock.csv", stock.export_csv, name="stock-csv"),
    path("stock/stock.xlsx", stock.export_xlsx, name="stock-xlsx"),
    path("stock/free", stock.free, name="stock-free"),
    path("stock/do/<str:name>", stock.act, name="stock-act"),
    path("lots/", lots_and_loans.lots, name="lots"),
    path("loans/", lots_and_loans.loans, name="loans"),
    path("loans/close", lots_and_loans.close_debt, name="close-debt"),
    path("lists/", lists.lists, name="sending-lists"),
    path("lists/<path:name>/list.csv", lists.export_csv, name="sending-list-csv"),
    path("lists/<path:name>/list.xlsx", lists.export_xlsx, name="sending-list-xlsx"),
    path("lists/<path:name>/print", lists.printed, name="sending-list-print"),
    path("lists/<path:name>", lists.sending_list, name="sending-list"),
]
