from datetime import UTC, datetime, timedelta

import pytest

from railtrace.web.models import ApiToken
from railtrace.web.tokens import make_token, revoke, token_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def _made(*scopes: str) -> tuple[ApiToken, str]:
    return make_token("gauge", list(scopes), NOW, NOW + timedelta(days=30))


def test_a_token_opens_what_its_scopes_name_and_no_more() -> None:
    token, text = _made("record")
    assert token_of(text, "record", NOW) == token
    assert token_of(text, "read", NOW) is None


def test_only_a_hash_of_a_token_is_kept() -> None:
    token, text = _made("record")
    row = ApiToken.objects.values().get(pk=token.pk)
    secret = text.removeprefix("rt_").partition("_")[2]
    assert secret not in str(row)


def test_an_expired_a_revoked_and_a_changed_token_open_nothing() -> None:
    token, text = _made("record")
    assert token_of(text, "record", NOW + timedelta(days=30)) is None
    assert token_of(text[:-1] + ("a" if text[-1] != "a" else "b"), "record", NOW) is None
    revoke(token, NOW, None)
    assert token_of(text, "record", NOW) is None


@pytest.mark.parametrize("text", ["", "rt_", "rt_deadbeef_x", "x" * 5000, "rt__", "\x00"])
def test_nonsense_opens_nothing(text: str) -> None:
    assert token_of(text, "record", NOW) is None
