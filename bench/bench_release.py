"""A passenger consist at its release: every gate judged, explained and drawn, through Django."""

import gzip
import re
import tempfile
from pathlib import Path

import pytest

from bench.bench_pages import browser_of, median_ms
from bench.table import Row, within
from tests.web.trains.yard import departure, send, written, yard

COACHES, TIMES = 20, 10
CONSIST = "C-bench"


def rows() -> list[Row]:
    """Return the rows of this benchmark."""
    with (
        tempfile.TemporaryDirectory() as data,
        tempfile.TemporaryDirectory() as users,
        pytest.MonkeyPatch.context() as patch,
    ):
        browser = browser_of(users, "release_officer")
        with yard(Path(data), patch) as app:
            send(app, written(departure(1, COACHES, minutes=60), CONSIST, 1))
            pages = [f"/trains/{CONSIST}?act={act}" for act in ("ready", "depart")]
            page = gzip.decompress(browser.get(pages[0]).content).decode()
            shown = set(re.findall(rf"{CONSIST}-v-\d+", page))
            assert len(shown) == COACHES, shown
            return [within(f"page: a train of {COACHES} coaches at its release",
                           median_ms(browser, pages * TIMES), 300)]  # fmt: skip
