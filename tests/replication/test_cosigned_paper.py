"""The shift report of a depot after headquarters, served elsewhere, has cosigned its log."""

import json
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.operating.served import Server, railtrace, serving
from tests.replication.railway import HQ, NORTH
from tests.replication.test_weak_line import depot, replicate

PASSWORD = "a-long-word-of-ann"


def _named(name: str) -> dict[str, str]:
    return {"RAILTRACE_NAME": name, "RAILTRACE_DEFAULT_LOG": name}


def _cosigned(folder: Path) -> None:
    """Two installations trust each other; the depot calls headquarters over HTTP once."""
    keys = [depot(folder, NORTH, 20), depot(folder, HQ, 5)]
    trusting = [part for key in keys for part in ("--trust", key)]
    assert railtrace(folder / HQ, "replicate", *trusting, **_named(HQ)).returncode == 0
    made = railtrace(folder / HQ, "token", "create", "depots", "--scope", "replicate", "--json",
                     **_named(HQ))  # fmt: skip
    token = json.loads(made.stdout)["token"]
    with serving(folder / HQ, **_named(HQ)) as headquarters:
        done = replicate(folder, NORTH, headquarters.port, token, *trusting)
    assert done.code == 0, done.said


def _logged_in(server: Server) -> urllib.request.OpenerDirector:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.addheaders = [("Accept-Language", "en")]
    login = f"http://127.0.0.1:{server.port}/account/login"
    page = browser.open(login, timeout=30).read().decode()
    [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
    fields = {"username": "ann", "password": PASSWORD, "csrfmiddlewaretoken": csrf}
    browser.open(login, urllib.parse.urlencode(fields).encode(), timeout=30).close()
    return browser


@pytest.mark.slow
def test_the_shift_report_names_the_second_holder_that_cosigned_its_head(tmp_path: Path) -> None:
    _cosigned(tmp_path)
    created = railtrace(tmp_path / NORTH, "user", "create", "ann", "--role", "foreman",
                        RAILTRACE_PASSWORD=PASSWORD, **_named(NORTH))  # fmt: skip
    assert created.returncode == 0, created.stderr
    with serving(tmp_path / NORTH, **_named(NORTH)) as north:
        address = f"http://127.0.0.1:{north.port}/trace/shift"
        shown = _logged_in(north).open(address, timeout=30).read().decode()
    assert f"Cosigned by {HQ}" in shown
    assert "No second holder has cosigned" not in shown
