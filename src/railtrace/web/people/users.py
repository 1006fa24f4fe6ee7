"""For administrators: who there is, in which role where and until when, and who may do what."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.errors import Refused
from railtrace.web.accounts import person_of, reader
from railtrace.web.frame import in_words
from railtrace.web.models import Badge, RoleAt
from railtrace.web.people.badges import set_badge
from railtrace.web.roles import PERMISSIONS, ROLES, allowed, forget, give, site_word
from railtrace.web.running import the_app

_SECTION = {"section": "administration"}


def role_choices() -> list[tuple[str, str]]:
    """Return every role by its name."""
    return [(key, role.name) for key, role in ROLES.items()]


def site_choices() -> list[tuple[str, str]]:
    """Return every site by its name, all of them first."""
    return [("", site_word("")), *((key, site_word(key)) for key in the_app().config.sites)]


class GivenRole(forms.Form):
    """A role at a site, from a day to a day."""

    role = forms.ChoiceField(label=_("Role"))
    site = forms.ChoiceField(label=_("Site"), required=False)
    from_day = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_day = forms.DateField(
        label=_("To, that day included"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until it is ended here."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices()  # type: ignore[attr-defined]
        self.fields["site"].choices = site_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a role that ends before it begins."""
        data = super().clean() or {}
        start = data.get("from_day") or timezone.localdate()
        if data.get("to_day") and data["to_day"] < start:
            self.add_error("to_day", gettext("The role would end before it begins."))
        return data

    def give_to(self, user: User, by: User) -> RoleAt:
        """Give the role."""
        data = self.cleaned_data
        return give(user, data["role"], data["site"], data["from_day"], data["to_day"], by)


class NewUser(GivenRole):
    """A person who may log in."""

    username = forms.CharField(
        label=_("User name"), max_length=150, validators=[User.username_validator]
    )
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False)
    first_name = forms.CharField(label=_("First name"), max_length=150, required=False)
    password = forms.CharField(
        label=_("First password"), widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    field_order = ["username", "last_name", "first_name", "role", "site", "from_day", "to_day"]

    def clean_username(self) -> str:
        """Refuse a name that is taken."""
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError(gettext("There is a user {name} already.").format(name=name))
        return name

    def clean_password(self) -> str:
        """Refuse passwords that are too easy."""
        validate_password(self.cleaned_data["password"])
        return str(self.cleaned_data["password"])

    def save(self, by: User) -> User:
        """Make the user with a role."""
        data = self.cleaned_data
        user = User.objects.create_user(
            data["username"], password=data["password"], last_name=data["last_name"],
            first_name=data["first_name"],
        )  # fmt: skip
        self.give_to(user, by)
        person_of(user)
        return user


@allowed("administer")
def users(request: HttpRequest) -> HttpResponse:
    """List people, find some, and make new ones."""
    form = NewUser(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save(reader(request))
        messages.success(request, gettext("{name} can log in now.").format(name=user.username))
        return redirect("user", user.pk)
    today = timezone.localdate()
    found = _found(request.GET, today)
    context = _SECTION | {
        "people": [(user, [g for g in user.roles.all() if g.role in ROLES]) for user in found],
        "form": form, "roles": role_choices(), "sites": site_choices(), "tab": "users",
        "today": today, "asked": request.GET,
    }  # fmt: skip
    return render(request, "administration/users.html", context)


def _found(asked: Any, today: date) -> list[User]:
    """Return the people that a text, a role and a site leave over."""
    people = User.objects.prefetch_related("roles").select_related("person").order_by("username")
    if text := asked.get("q", "").strip():
        names = ("username", "last_name", "first_name", "person__person_id")
        wanted = Q()
        for name in names:
            wanted |= Q(**{f"{name}__icontains": text})
        people = people.filter(wanted)
    role, site = asked.get("role", ""), asked.get("site", "")
    return [user for user in people if _holds(user, role, site, today)]


def _holds(user: User, role: str, site: str, today: date) -> bool:
    if not role and not site:
        return True
    return any(
        given.holds_on(today)
        and role in ("", given.role)
        and (not site or given.site in ("", site))
        for given in user.roles.all()
    )


@allowed("administer")
def user_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one person; give a role."""
    user = get_object_or_404(User.objects.select_related("person"), pk=pk)
    form = GivenRole(request.POST or None)
    if request.method == "POST" and not _oneself(request, user) and form.is_valid():
        given = form.give_to(user, reader(request))
        messages.success(
            request,
            gettext("{name} is {role} at {site} now.").format(
                name=user.username, role=ROLES[given.role].name, site=site_word(given.site)
            ),
        )
        return redirect("user", pk)
    context = _SECTION | {
        "person": user, "form": form, "tab": "users", "today": timezone.localdate(),
        "given": [g for g in RoleAt.objects.filter(user=user) if g.role in ROLES],
        "oneself": user == request.user, "badge": Badge.objects.filter(user=user).first(),
    }  # fmt: skip
    return render(request, "administration/user.html", context)


def _oneself(request: HttpRequest, user: User) -> bool:
    if user != request.user:
        return False
    messages.error(request, gettext("You cannot change your own role or lock yourself out."))
    return True


@allowed("administer")
@require_POST
def change_user(request: HttpRequest, pk: int) -> HttpResponse:
    """End a role today, let a person in or out, give a new password, or erase the name."""
    user = get_object_or_404(User, pk=pk)
    if _oneself(request, user):
        return redirect("user", pk)
    for act, change in _CHANGES.items():
        if act in request.POST:
            problem = change(user, request.POST[act])
            if problem:
                messages.error(request, problem)
                return redirect("user", pk)
    messages.success(request, gettext("{name} is changed.").format(name=user.username))
    return redirect("user", pk)


def _end_role(user: User, pk: str) -> str:
    given = get_object_or_404(RoleAt, pk=pk, user=user)
    today = timezone.localdate()
    if given.from_day >= today:
        given.delete()
    else:
        given.to_day = today - timedelta(days=1)
        given.save(update_fields=["to_day"])
    forget(user)
    return ""


def _let_in(user: User, active: str) -> str:
    user.is_active = active == "1"
    user.save(update_fields=["is_active"])
    if not user.is_active:
        end_sessions(user)
    return ""


def _new_password(user: User, password: str) -> str:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return " ".join(error.messages)
    user.set_password(password)
    user.save(update_fields=["password"])
    return ""


def _erase(user: User, confirmed: str) -> str:
    """Take a person's name away for ever; the trace keeps the pseudonym, which names nobody."""
    if confirmed != user.username:
        return gettext("Type the user name to erase it: {name}.").format(name=user.username)
    user.username, user.first_name, user.last_name = f"erased-{user.pk}", "", ""
    user.email, user.is_active = "", False
    Badge.objects.filter(user=user).delete()
    user.set_unusable_password()
    user.save()
    end_sessions(user)
    return ""


_CHANGES = {
    "end": _end_role, "active": _let_in, "password": _new_password, "erase": _erase,
}  # fmt: skip


def end_sessions(user: User) -> None:
    """End whatever a person has open."""
    for session in Session.objects.filter(expire_date__gte=timezone.now()):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


@allowed("administer")
@require_POST
def give_badge(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person a badge and a PIN for the shop's terminals."""
    user = get_object_or_404(User, pk=pk)
    try:
        if request.POST.get("pin") != request.POST.get("pin_again"):
            raise Refused("the two PINs differ: type the same twice")
        set_badge(user, request.POST.get("badge", ""), request.POST.get("pin", ""))
        messages.success(request, gettext("{name} can use the terminals.").format(name=user))
    except Refused as error:
        messages.error(request, in_words(error))
    return redirect("user", pk)


@allowed("administer")
def matrix(request: HttpRequest) -> HttpResponse:
    """Show which role may do what, and who may do one thing at one site today."""
    today = timezone.localdate()
    wanted, site = request.GET.get("may", ""), request.GET.get("site", "")
    given = [
        g for g in RoleAt.objects.filter(user__is_active=True, role__in=ROLES)
        .select_related("user").order_by("user__username")
        if g.holds_on(today) and (not site or g.site in ("", site))
    ]  # fmt: skip
    rows = [
        (key, role.name, sum(g.role == key for g in given), [p in role.may for p in PERMISSIONS])
        for key, role in ROLES.items()
    ]
    context = _SECTION | {
        "tab": "matrix", "permissions": PERMISSIONS, "rows": rows, "sites": site_choices(),
        "wanted": wanted, "site": site,
        "who": [g for g in given if wanted in ROLES[g.role].may],
    }  # fmt: skip
    return render(request, "administration/matrix.html", context)
