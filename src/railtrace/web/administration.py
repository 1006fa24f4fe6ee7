"""For administrators: people and their roles, API tokens, the sheet of texts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.web import texts
from railtrace.web.accounts import person_of
from railtrace.web.models import ApiToken
from railtrace.web.roles import ROLES, allowed, make_groups
from railtrace.web.tokens import SCOPES, make_token, revoke

MONTHS = {1: _("1 month"), 3: _("3 months"), 12: _("1 year"), 36: _("3 years")}


class NewUser(forms.ModelForm):  # type: ignore[type-arg]
    """A person who may log in."""

    role = forms.ChoiceField(label=_("Role"))
    password = forms.CharField(
        label=_("First password"), widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = User
        fields = ["username", "last_name", "first_name"]
        labels = {
            "username": _("User name"), "last_name": _("Last name"), "first_name": _("First name"),
        }  # fmt: skip
        help_texts = {"username": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = _role_choices()  # type: ignore[attr-defined]

    def clean_password(self) -> str:
        """Refuse passwords that are too easy."""
        validate_password(self.cleaned_data["password"])
        return str(self.cleaned_data["password"])

    def save(self, commit: bool = True) -> User:
        """Make the user with a role."""
        user: User = super().save(commit=False)
        user.set_password(self.cleaned_data["password"])
        user.save()
        user.groups.set([Group.objects.get(name=self.cleaned_data["role"])])
        person_of(user)
        return user


class NewToken(forms.Form):
    """A key for a machine."""

    name = forms.CharField(label=_("What is it for"), max_length=80)
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=lambda: [(key, gettext(word)) for key, word in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    months = forms.TypedChoiceField(
        label=_("Valid for"), choices=list(MONTHS.items()), coerce=int, initial=12
    )


def _role_choices() -> list[tuple[str, str]]:
    return [(name, gettext(word)) for name, (word, _permissions) in ROLES.items()]


@allowed("administer")
def users(request: HttpRequest) -> HttpResponse:
    """List people and make new ones."""
    make_groups()
    form = NewUser(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        messages.success(request, gettext("{name} can log in now.").format(name=user.username))
        return redirect("users")
    people = User.objects.prefetch_related("groups").select_related("person").order_by("username")
    context = {
        "people": people, "form": form, "roles": _role_choices(), "tab": "users",
        "section": "administration",
    }  # fmt: skip
    return render(request, "administration/users.html", context)


@allowed("administer")
@require_POST
def change_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person's role, or let them in or out."""
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        messages.error(request, gettext("You cannot change your own role or lock yourself out."))
        return redirect("users")
    if request.POST.get("role") in ROLES:
        user.groups.set([Group.objects.get(name=request.POST["role"])])
    if "active" in request.POST:
        user.is_active = request.POST["active"] == "1"
        user.save(update_fields=["is_active"])
    messages.success(request, gettext("{name} is changed.").format(name=user.username))
    return redirect("users")


@allowed("administer")
def api_tokens(request: HttpRequest) -> HttpResponse:
    """List API tokens and make one; its text is shown once."""
    now = datetime.now(UTC)
    form, shown = NewToken(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        until = now + timedelta(days=round(30.4375 * form.cleaned_data["months"]))
        _token, shown = make_token(
            form.cleaned_data["name"], form.cleaned_data["scopes"], now, until, request.user
        )
        form = NewToken()
    context = {
        "tokens": ApiToken.objects.select_related("created_by"), "form": form, "shown": shown,
        "now": now, "scopes": SCOPES, "tab": "tokens", "section": "administration",
    }  # fmt: skip
    return render(request, "administration/tokens.html", context)


@allowed("administer")
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token."""
    revoke(get_object_or_404(ApiToken, pk=pk), datetime.now(UTC), request.user)
    messages.success(request, gettext("The token is revoked."))
    return redirect("tokens")


@allowed("administer")
def texts_page(request: HttpRequest) -> HttpResponse:
    """Show how far the translations are."""
    context = {"languages": texts.progress(), "tab": "texts", "section": "administration"}
    return render(request, "administration/texts.html", context)


@allowed("administer")
def texts_sheet(request: HttpRequest) -> HttpResponse:
    """Send the sheet of texts for a native speaker."""
    response = HttpResponse(
        texts.sheet(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response.headers["Content-Disposition"] = 'attachment; filename="railtrace-texts-tg.xlsx"'
    return response
