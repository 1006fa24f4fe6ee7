"""A part of a number leads to the unit, its parts, their past, an operation and its proof."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NUMBER, SERIAL

CHECKER = Path(__file__).parents[2] / "src/railtrace/check.py"


def _checked(proof: Path) -> tuple[int, str]:
    # -I: the checker stands alone, without this project on its path.
    run = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(proof)], capture_output=True, text=True
    )
    return run.returncode, run.stdout + run.stderr


def test_from_part_of_a_number_to_a_proof_checked_elsewhere(
    at_work: Callable[..., Page], tmp_path: Path
) -> None:
    page = at_work("viewer")
    page.keyboard.press("/")
    page.keyboard.type(NUMBER[3:])
    page.keyboard.press("Enter")
    page.locator("a.painted", has_text=re.compile("073.12317")).click()
    expect(page.locator(".no-go-band")).to_contain_text("May not be released")
    page.get_by_role("navigation", name="Unit").get_by_role("link", name="Structure").click()
    page.get_by_role("link", name=re.compile(SERIAL.replace("-", "."))).first.click()
    page.get_by_role("navigation", name="Unit").get_by_role("link", name="Structure").click()
    been = page.locator("table.list").first
    expect(been).to_contain_text(re.compile(r"1250\s*km"))
    been.locator("tr", has_text="there now").locator(".seal").first.click()
    expect(page.locator("h1")).to_have_text("Installed")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    proof = tmp_path / "proof.json"
    download.value.save_as(proof)

    code, said = _checked(proof)
    assert code == 0, said
    held = json.loads(proof.read_text("utf-8"))
    held["leaf"] = held["leaf"].replace("wheelset.1", "wheelset.2")
    proof.write_text(json.dumps(held), "utf-8")
    code, said = _checked(proof)
    assert code == 1
    assert f"{held['position']}" in said
    assert "the entry is not under the checkpoint" in said
