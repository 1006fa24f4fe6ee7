"""A train is signed in a browser; its certificate is downloaded and checked by itself."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from railtrace import check


def _code(secret: str, ahead: int = 0) -> str:
    from railtrace.web.people.signing import STEP_S, code_at

    return code_at(secret, int(time.time()) // STEP_S + ahead)


def _make_key(page: Page) -> str:
    """Make the officer's signing key; return the secret of the one-time codes."""
    page.goto("/account/signing")
    secret = page.locator("code.secret").inner_text()
    key = page.locator("#server-key")
    if not key.locator("[name=code]").is_visible():
        key.locator("summary").click()
    key.locator("[name=password]").fill("release-officer-demo")
    key.locator("[name=code]").fill(_code(secret))
    key.locator("button.btn-primary").click()
    expect(page.get_by_text("Your signing key is made.")).to_be_visible()
    return secret


def _train_that_may_go(page: Page, here: str = "") -> None:
    """Open a train that nothing mandatory stands against and that has not left."""
    page.goto(f"{here}/trains/")
    addresses = page.locator("main table a[href^='/trains/']").evaluate_all(
        "links => [...new Set(links.map(a => a.getAttribute('href').split('?')[0]))]")
    for address in addresses:
        for act in ("ready", "depart"):
            page.goto(f"{here}{address}?act={act}")
            if page.get_by_role("button", name="Release", exact=True).count():
                return
    pytest.fail(f"no train of the demo may go: {addresses}")


def _checked(certificate: Path) -> tuple[int, str]:
    """Run the one file, without packages, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", check.__file__, str(certificate)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_train_is_signed_and_its_certificate_proves_itself(
    at_work: Callable[..., Page], tmp_path: Path
) -> None:
    page = at_work("release_officer")
    secret = _make_key(page)
    _train_that_may_go(page)
    if page.locator("[name=override_reason]").count():
        page.fill("[name=override_reason]", "supplied at the next station")
    page.fill("[name=password]", "release-officer-demo")
    page.fill("[name=code]", _code(secret, 1))
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("Released; what it stands on is kept.")).to_be_visible()
    expect(page.locator("#promise")).to_contain_text("Weakest links", timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Certificate as a file").first.click()
    kept = tmp_path / "certificate.json"
    download.value.save_as(kept)
    printed = page.request.get(
        page.get_by_role("link", name="PDF").first.get_attribute("href") or "")
    assert printed.body()[:5] == b"%PDF-"
    code, said = _checked(kept)
    assert (code, said.splitlines()[-1]) == (0, "nothing is wrong"), said
    body = json.loads(kept.read_text("utf-8"))
    rows = json.loads(body["decision_file"])["rows"]
    looked = next(row["looked"][0] for row in rows if row["rule"] == "limit")
    entry = next(e for e in body["entries"] if f'"{looked["operation"]}"' in e["leaf"])
    entry["leaf"] = re.sub(rf'"value":"{re.escape(looked["value"])}"', '"value":"77.7"',
                           entry["leaf"])  # fmt: skip
    kept.write_text(check.canonical(body), "utf-8")
    code, said = _checked(kept)
    assert code == 1
    assert f"of {looked['unit']}: the decision stands on {looked['value']}" in said
    assert "the entry says 77.7" in said


@pytest.mark.parametrize(
    ("train", "outcome"), [("601", "released"), ("329", "released"), ("335", "refused")]
)
def test_a_newcomer_opens_the_certificate_of_a_train_of_the_demo_and_checks_it(
    train: str, outcome: str, at_work: Callable[..., Page], tmp_path: Path
) -> None:
    page = at_work("viewer")
    page.goto(f"/trains/demo-{train}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Certificate as a file").first.click()
    kept = tmp_path / "certificate.json"
    download.value.save_as(kept)
    paper = page.get_by_role("link", name="PDF").first.get_attribute("href") or ""
    assert page.request.get(paper).body()[:5] == b"%PDF-"
    code, said = _checked(kept)
    assert (code, said.splitlines()[-1]) == (0, "nothing is wrong"), said
    assert f"): {outcome}, " in said
    assert "rows judged again" in said
