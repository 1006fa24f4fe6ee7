"""Addresses of the pages about people, below `administration/`."""

from django.urls import path

from railtrace.web.people import users

urlpatterns = [
    path("users", users.users, name="users"),
    path("users/<int:pk>", users.user_page, name="user"),
    path("users/<int:pk>/change", users.change_user, name="change-user"),
    path("matrix", users.matrix, name="matrix"),
]
