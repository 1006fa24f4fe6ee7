from itertools import pairwise
from pathlib import Path

import pytest

from railtrace.catalogue.load import SHIPPED, load, read
from railtrace.errors import CatalogueError

BEARING = """[[bearing_types]]
key = "site.1"
ru = "Подшипник"
en = "Bearing"
source = "Measured at the depot, protocol 7"
jurisdiction = "-"
valid_from = 2026-01-01
rolling_elements = 15
element_diameter_mm = {d}
pitch_diameter_mm = 190
"""
ZONES = """[[vibration_zones]]
key = "site.1"
ru = "Зоны"
en = "Zones"
source = "Order 4"
jurisdiction = "-"
valid_from = 2026-01-01
quantity = "{quantity}"
unit = "mm/s"
a_to = 1.0
b_to = {b_to}
c_to = 4.0
"""


def of_site(folder: Path, text: str):
    (folder / "site.toml").write_text(text, encoding="utf-8")
    return read(SHIPPED, folder)


def test_shipped_zones_rise_with_the_size_of_machine():
    zones = list(load().vibration_zones.values())
    assert len(zones) == 4
    assert all(low.b_to < high.b_to for low, high in pairwise(zones))


def test_a_site_adds_its_own_bearing(tmp_path):
    assert of_site(tmp_path, BEARING.format(d=32)).bearing_types["site.1"].rolling_elements == 15


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BEARING.format(d=200), "pitch diameter"),
        (BEARING.format(d=-1), "element_diameter_mm"),
        (ZONES.format(quantity="vibration_velocity", b_to=0.5), "rise"),
        (ZONES.format(quantity="vibration_velocty", b_to=2.0), "vibration_velocity is"),
        (ZONES.format(quantity="mileage", b_to=2.0), "unit of mileage"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path, text, problem):
    with pytest.raises(CatalogueError, match=problem):
        of_site(tmp_path, text)
