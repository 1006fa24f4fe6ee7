"""Remarks of crews: entered from a phone, taken over, done, carried over, told when they repeat."""

from datetime import timedelta

import pytest
from django.test import Client

from railtrace.app import App
from railtrace.trace.operation import Number, Registered, RemarkMade

LOCO = "u-remark-loco"


@pytest.fixture(scope="module")
def run(railway: App) -> App:
    """Return a railway with a locomotive of which a crew wrote the same thing three times."""
    then = railway.clock() - timedelta(days=20)
    railway.record([
        Registered(id="rem-1", happened_at=then, units=(LOCO,), type="2te10m", home_site="depot",
                   numbers=(Number(scheme="other", value="REM 1"),)),
        *(RemarkMade(id=f"rem-same-{n}", happened_at=then + timedelta(days=10 + 3 * n),
                     units=(LOCO,), text="тормоз не отпускает", topic="brake")
          for n in range(3)),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def made(manager: Client, text: str) -> str:
    """Enter a remark on the form; return its operation."""
    answer = manager.post("/depot/remarks/new", {"number": "REM 1", "text": text})
    assert answer.status_code == 302
    rows = manager.get("/depot/remarks/?shown=open").context["rows"]
    return next(r["remark"].id for r in rows if r["remark"].text == text)


def state_of(manager: Client, id_: str) -> str:
    rows = manager.get(f"/units/{LOCO}?tab=upkeep").context["remark_rows"]
    return str(next(r["remark"].state for r in rows if r["remark"].id == id_))


def test_the_third_of_the_same_in_ten_days_is_told(run: App, manager: Client) -> None:
    page = manager.get("/depot/remarks/?shown=repeats")
    assert [(r["remark"].id, r["times"]) for r in page.context["rows"]] == [("rem-same-2", 3)]
    assert "3 times in few days" in page.text


def test_a_remark_is_entered_taken_over_and_done(run: App, manager: Client) -> None:
    id_ = made(manager, "течь масла")
    said = {"unit": LOCO, "remark": id_}
    manager.post("/depot/remarks/take", said)
    assert state_of(manager, id_) == "accepted"
    manager.post("/depot/remarks/done", said | {"said": ""})
    assert state_of(manager, id_) == "accepted"
    manager.post("/depot/remarks/done", said | {"said": "заменена прокладка"})
    assert state_of(manager, id_) == "done"
    assert manager.post("/depot/remarks/done", said | {"said": "x"}).status_code == 404


def test_a_remark_is_carried_over_by_whom_why_until_when(run: App, manager: Client) -> None:
    id_ = made(manager, "не горит фонарь")
    said = {"unit": LOCO, "remark": id_, "said": "нет ламп"}
    manager.post("/depot/remarks/carry", said)
    assert state_of(manager, id_) == "made"
    manager.post("/depot/remarks/carry", said | {"until": "2026-01-01"})
    assert state_of(manager, id_) == "made", "a day before today is refused"
    tomorrow = (run.clock() + timedelta(days=1)).date().isoformat()
    manager.post("/depot/remarks/carry", said | {"until": tomorrow})
    assert state_of(manager, id_) == "carried"
    page = manager.get("/depot/remarks/?shown=carried")
    assert "нет ламп" in page.text
    assert "нет ламп" in manager.get("/depot/remarks/?shown=carried&as=csv").text


def test_a_number_nobody_bears_is_told_at_its_field(run: App, manager: Client) -> None:
    page = manager.post("/depot/remarks/new", {"number": "NOBODY", "text": "x"})
    assert "NOBODY" in page.text
    assert page.context["form"].errors["number"]


def test_a_viewer_reads_and_does_not_enter(run: App, viewer: Client) -> None:
    assert viewer.get("/depot/remarks/").status_code == 200
    assert viewer.get("/depot/remarks/new").status_code == 403
