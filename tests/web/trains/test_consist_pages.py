"""Departures and consists on the pages: judged, signed, decided, changed."""

from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client

from railtrace.app import App
from tests.web.trains.yard import departure, send, written, yard

FAULTY = ("a rim under the limit at departure", "too little coal in winter",
          "a brake hose leaks between two coaches")  # fmt: skip


@pytest.fixture(scope="module")
def railway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Return a railway with a faulty train, a fit one, and one changed after its brake test."""
    from railtrace.web import texts

    texts.compile_all()
    folder = tmp_path_factory.mktemp("yard")
    with pytest.MonkeyPatch.context() as patch, yard(folder, patch) as app:
        send(app, written(departure(1, 4, *FAULTY), "C-329", 1))
        send(app, written(departure(2, 4), "C-359", 2))
        changed = departure(3, 3, "the composition changed after the brake test")
        send(app, written(changed, "C-601", 3))
        yield app


@pytest.fixture
def officer(reader_as: Callable[..., Client]) -> Client:
    """Return the release officer's browser."""
    return reader_as("release_officer")


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_the_board_names_the_first_reason_of_each_train(officer: Client) -> None:
    page = text_of(officer.get("/trains/"))
    assert "C-329" in page
    assert "C-359" in page
    assert "Rim thickness" in page


def test_a_consist_shows_its_reasons_by_place_with_whose_rule_it_is(officer: Client) -> None:
    page = text_of(officer.get("/trains/C-329?act=ready"))
    assert "№ 2" in page
    assert "Rim thickness (left): 31.0" in page
    assert "Brake hose between" in page
    assert "leaks" in page
    assert "Input of the simulated departures" in page


@pytest.mark.parametrize("language", ["ru", "tg"])
@pytest.mark.parametrize("path", ["/trains/", "/trains/C-329", "/trains/C-601", "/trains/compose",
                                  "/trains/C-329/compose"])  # fmt: skip
def test_the_pages_are_whole_in_every_language(
    reader_as: Callable[..., Client], path: str, language: str
) -> None:
    assert reader_as("release_officer", language).get(path).status_code == 200
