"""Wrong passwords: a few are free, then one waits, and is told how long."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from railtrace.web.attempts import FREE_ATTEMPTS
from railtrace.web.models import FailedAttempt

ADDRESS = "/account/login"
WRONG = {"username": "viewer", "password": "wrong"}
RIGHT = {"username": "viewer", "password": "viewer-demo"}


def _wrong(times: int) -> Client:
    stranger = Client()
    stranger.cookies["language"] = "en"
    for _ in range(times):
        assert stranger.post(ADDRESS, WRONG).status_code == 422
    return stranger


def test_after_a_few_wrong_passwords_even_the_right_one_waits(
    reader_as: Callable[..., Client],
) -> None:
    stranger = _wrong(FREE_ATTEMPTS)
    waiting = stranger.post(ADDRESS, RIGHT)
    assert waiting.status_code == 429
    assert "try again in 0 min" in waiting.text
    assert stranger.post(ADDRESS, RIGHT | {"username": "VIEWER "}).status_code == 429


def test_the_wait_grows_and_ends(reader_as: Callable[..., Client]) -> None:
    stranger = _wrong(FREE_ATTEMPTS)
    row = FailedAttempt.objects.get()
    row.last_at -= timedelta(seconds=31)
    row.save()
    assert stranger.post(ADDRESS, WRONG).status_code == 422
    row = FailedAttempt.objects.get()
    row.last_at -= timedelta(seconds=31)
    row.save()
    assert stranger.post(ADDRESS, RIGHT).status_code == 429
    row.last_at -= timedelta(seconds=31)
    row.save()
    assert stranger.post(ADDRESS, RIGHT).status_code == 302
    assert not FailedAttempt.objects.exists()


def test_others_do_not_wait_for_it(reader_as: Callable[..., Client]) -> None:
    stranger = _wrong(FREE_ATTEMPTS)
    other = {"username": "worker", "password": "worker-demo"}
    assert stranger.post(ADDRESS, other).status_code == 302
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    assert elsewhere.post(ADDRESS, RIGHT).status_code == 302


def test_neither_name_nor_address_is_kept(reader_as: Callable[..., Client]) -> None:
    _wrong(1)
    assert not {"viewer", "127.0.0.1"} & {FailedAttempt.objects.get().key}
    assert len(FailedAttempt.objects.get().key) == 64
