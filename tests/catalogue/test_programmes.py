"""Programme rows that cannot be right are named by file, row and field."""

from pathlib import Path

import pytest

from railtrace.catalogue.load import load
from railtrace.errors import CatalogueError

HEAD = """
[defaults]
source = "the site's own order"
jurisdiction = "TJ"
valid_from = 2026-01-01
confirmed = true
ru = "строка"
en = "row"

[[programmes]]
key = "own"
vehicle_types = ["chme3"]

"""


def problem(folder: Path, text: str) -> str:
    (folder / "own.toml").write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        load(folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('overrun = "stop"\ndays = 28\nconfirmed = false', "unconfirmed interval cannot stop"),
        ('overrun = "stop"', "there is no interval"),
        ('when = "trip"\nhours = 24', "not due by itself"),
        ("months = 1\ndays = 30", "not in both"),
        ('programme = "owm"', "'owm' is not among the programmes; own is"),
        ("km = 0", "km"),
    ],
)
def test_a_wrong_service_is_named(tmp_path: Path, row: str, said: str) -> None:
    lines = {"key": '"own.to3"', "programme": '"own"', "kind": '"ТО-3"', "rank": "1"}
    lines |= dict(line.split(" = ") for line in row.split("\n"))
    text = "[[services]]\n" + "\n".join(f"{k} = {v}" for k, v in lines.items())
    told = problem(tmp_path, text)
    assert said in told
    assert "own.toml: services own.to3" in told


def test_one_last_service_is_counted_by_one_row(tmp_path: Path) -> None:
    row = '[[services]]\nkey = "own.{0}"\nprogramme = "own"\nkind = "ТО-3"\nrank = {1}\ndays = 28\n'
    assert "counted by own.a too" in problem(tmp_path, row.format("a", 1) + row.format("b", 1))
    assert "the rank of own.a" in problem(tmp_path, row.format("a", 1) + row.format("b", 2))


def test_a_site_s_programme_stands_before_the_shipped_one(tmp_path: Path) -> None:
    from datetime import date

    from railtrace.projections.maintenance import programmes_of

    (tmp_path / "own.toml").write_text(HEAD, encoding="utf-8")
    assert programmes_of(load(tmp_path), "chme3", date(2026, 6, 1))[0].key == "own"
    assert programmes_of(load(), "chme3", date(2026, 6, 1))[0].key == "shunters"


def test_nothing_unconfirmed_stops_and_what_is_remembered_is_not_confirmed() -> None:
    catalogue = load()
    stopping = [s for s in catalogue.services.values() if s.overrun == "stop"]
    assert stopping
    assert all(s.confirmed for s in stopping)
    remembered = [s for s in catalogue.services.values() if "memory" in s.source.lower()]
    assert remembered
    assert not [s.key for s in remembered if s.confirmed]
