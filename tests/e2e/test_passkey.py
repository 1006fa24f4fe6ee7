"""A passkey is made in the account and signs a train's release, in a real browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Depot
from tests.e2e.test_certificate_day import _checked, _train_that_may_go

ANSWERS = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def _with_authenticator(page: Page) -> Callable[[bool], None]:
    """Give the browser a telephone; return a way to say whether it knows its owner."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": ANSWERS})

    def knows_its_owner(known: bool) -> None:
        said = {"authenticatorId": made["authenticatorId"], "isUserVerified": known}
        wire.send("WebAuthn.setUserVerified", said)

    return knows_its_owner


def _log_in_at_localhost(page: Page, address: str) -> None:
    """Passkeys are bound to names; the machine itself has one."""
    page.goto(address)
    page.fill("[name=username]", "release_officer")
    page.fill("[name=password]", "release-officer-demo")
    page.click("button.btn-primary")
    expect(page.locator(".rail")).to_be_visible()


def test_a_passkey_signs_a_release_and_the_certificate_is_checked_offline(
    at_work: Callable[..., Page], depot: Depot, tmp_path: Path
) -> None:
    page = at_work("release_officer")
    page.goto("/account/signing")
    made = page.locator("[data-make-passkey]")
    # By its number the machine has no name: the page says what a passkey needs.
    made.locator("[name=password]").fill("release-officer-demo")
    made.get_by_role("button", name="Make a passkey").click()
    expect(made.locator("[data-passkey-said]")).to_contain_text("https and a host with a name")

    here = depot.url.replace("127.0.0.1", "localhost")
    page.context.add_cookies([{"name": "language", "value": "en", "url": here}])
    _log_in_at_localhost(page, here)
    knows_its_owner = _with_authenticator(page)
    page.goto(f"{here}/account/signing")
    made.locator("[name=name]").fill("telephone")
    made.locator("[name=password]").fill("release-officer-demo")
    made.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".alert")).to_contain_text("Your passkey is known now.")
    expect(page.locator("#passkeys")).to_contain_text("telephone")

    _train_that_may_go(page, here)
    if page.locator("[name=override_reason]").count():
        page.fill("[name=override_reason]", "supplied at the next station")
    knows_its_owner(False)
    page.get_by_role("button", name="Release with a passkey").click()
    expect(page.locator("[data-passkey-said]")).to_contain_text("did not sign")
    knows_its_owner(True)
    page.get_by_role("button", name="Release with a passkey").click()
    expect(page.get_by_text("Released; what it stands on is kept.")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Certificate as a file").first.click()
    kept = tmp_path / "certificate.json"
    download.value.save_as(kept)
    code, said = _checked(kept)
    assert (code, said.splitlines()[-1]) == (0, "nothing is wrong"), said
    assert "signed with a passkey for localhost, asked who they are" in said
    assert "whose key it is" not in said
