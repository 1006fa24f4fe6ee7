"""Who may not see persons gets pseudonyms where bytes are proved, and nothing of them on pages."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from railtrace.app import App
from railtrace.operating.trust import trust_of_installation
from railtrace.trace.ledger import Receipt
from railtrace.trace.operation import Inspected
from tests.web.conftest import COACH, T0

LOOKED = "names-looked"


@pytest.fixture
def ann(db: None, railway: App) -> str:
    """Return the pseudonym of Anna Annova, who looked at a coach."""
    from railtrace.web.accounts import person_of

    user = User.objects.create_user("annova", first_name="Anna", last_name="Annova")
    person = person_of(user).person_id
    looked = Inspected(id=f"{LOOKED}-{person}", happened_at=T0 + timedelta(days=60),
                       units=(COACH,), performed_by=(person,), scope="ТО-1")  # fmt: skip
    [receipt] = railway.record([looked], person, "web")
    assert isinstance(receipt, Receipt)
    assert railway.wait_caught_up(10)
    return person


def _addresses(person: str) -> tuple[str, ...]:
    id_ = f"{LOOKED}-{person}"
    return (
        f"/api/operations/{id_}", f"/api/operations/{id_}/proof", f"/proof/{id_}",
        f"/api/units/{COACH}/operations", f"/api/units/{COACH}",
    )  # fmt: skip


def test_no_door_for_programs_knows_a_name_and_leaves_stay_what_was_hashed(
    ann: str, reader_as: Callable[..., Client]
) -> None:
    for role in ("viewer", "foreman"):
        client = reader_as(role)
        for address in _addresses(ann):
            said = client.get(address).content.decode()
            assert "Annova" not in said, address
            assert "annova" not in said, address
    leaf = reader_as("viewer").get(f"/api/operations/{LOOKED}-{ann}").json()["leaf"]
    assert leaf["operation"]["performed_by"] == [ann]


def test_a_proof_taken_by_one_who_may_not_see_persons_still_proves(
    ann: str, railway: App, reader_as: Callable[..., Client], tmp_path: Path
) -> None:
    from railtrace import check

    file = tmp_path / "proof.json"
    file.write_bytes(reader_as("viewer").get(f"/proof/{LOOKED}-{ann}").content)
    key = trust_of_installation(railway).keys[0].verifier_key
    checked = [sys.executable, str(check.__file__), str(file), "--key", key]
    done = subprocess.run(checked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    # Its id, who did it, who submitted it.
    assert json.loads(file.read_text())["leaf"].count(ann) == 3


@pytest.mark.parametrize("page", ["/operations/{id}", "/units/{coach}", "/trace/shift?site="])
def test_a_page_shows_neither_name_nor_pseudonym_to_who_may_not_see_persons(
    ann: str, reader_as: Callable[..., Client], page: str
) -> None:
    address = page.format(id=f"{LOOKED}-{ann}", coach=COACH)
    shown = reader_as("viewer").get(address).text.replace(f"{LOOKED}-{ann}", "")
    assert "Annova" not in shown
    assert ann not in shown
    if page.startswith(("/operations", "/trace")):
        assert "name not shown to your role" in shown
        assert "Anna Annova" in reader_as("foreman").get(address).text
