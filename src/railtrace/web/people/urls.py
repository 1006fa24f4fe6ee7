"""Addresses of the pages about people, below `administration/`."""

from django.urls import path

from railtrace.web.people import access, terminals, users

urlpatterns = [
    path("users", users.users, name="users"),
    path("users/<int:pk>", users.user_page, name="user"),
    path("users/<int:pk>/change", users.change_user, name="change-user"),
    path("users/<int:pk>/badge", users.give_badge, name="give-badge"),
    path("terminals", terminals.terminals, name="terminals"),
    path("terminals/<int:pk>", terminals.change_terminal, name="change-terminal"),
    path("access", access.access, name="access"),
    path("access.csv", access.access_csv, name="access-csv"),
    path("matrix", users.matrix, name="matrix"),
]
