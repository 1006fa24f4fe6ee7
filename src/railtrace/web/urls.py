"""Addresses."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from railtrace.web import accounts, administration, pages, scan

urlpatterns: list[URLPattern | URLResolver] = [
    path("search", pages.home, name="search"),path("fleet", pages.home, name="fleet"),path("trace", pages.home, name="trace"),
    path("", pages.home, name="home"),
    path("scan", scan.scan, name="scan"),
    path("account/login", accounts.log_in, name="login"),
    path("account/logout", accounts.log_out, name="logout"),
    path("account/choose", accounts.choose, name="choose"),
    path("account/", accounts.account, name="account"),
    path("administration/users", administration.users, name="users"),
    path("administration/users/<int:pk>", administration.change_user, name="change-user"),
    path("administration/tokens", administration.api_tokens, name="tokens"),
    path("administration/tokens/<int:pk>", administration.revoke_token, name="revoke-token"),
    path("administration/texts", administration.texts_page, name="texts"),
    path("administration/texts.xlsx", administration.texts_sheet, name="texts-sheet"),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.failure
