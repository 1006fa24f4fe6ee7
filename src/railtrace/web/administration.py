"""For administrators: API tokens, the sheet of texts. People are in `people/users.py`."""

from datetime import UTC, datetime, timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from railtrace.web import texts
from railtrace.web.models import ApiToken
from railtrace.web.roles import allowed
from railtrace.web.tokens import SCOPES, make_token, revoke

MONTHS = {1: _("1 month"), 3: _("3 months"), 12: _("1 year"), 36: _("3 years")}


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
