"""The kit's emulated machines on their real lines: one kind a protocol."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from railtrace.devices import manifest
from railtrace.devices.kit import Certificate
from railtrace.devices.kit_line import examine_line
from tests.devices.test_kit import planted

ONE_EACH = ["wheel_gauge", "load_bank", "brake_rack", "insulation_tester", "wheel_press"]
REST = [kind for kind in manifest.kinds() if kind not in ONE_EACH]


def certificate_of(folder: Path) -> Certificate:
    certificate = Certificate("kind", "mark", datetime.now(UTC))
    examine_line(folder, certificate)
    return certificate


@pytest.mark.parametrize(
    "kind", [*ONE_EACH, *(pytest.param(kind, marks=pytest.mark.nightly) for kind in REST)]
)
def test_an_emulated_machine_conforms_on_its_line(kind: str) -> None:
    certificate = certificate_of(manifest.FOLDER / kind)
    assert [str(fault) for fault in certificate.faults] == []
    assert certificate.untried == []


def test_a_mistake_that_only_the_line_shows_is_named(tmp_path: Path) -> None:
    bad = planted(tmp_path, "load_bank", """
def mistake(result, message):
    return replace(result, values=tuple(
        replace(v, value="1000") if v.quantity == "power" else v for v in result.values))
""")  # fmt: skip
    said = [str(fault) for fault in certificate_of(bad).faults]
    assert any("power" in one and "arrives as 1000" in one for one in said), said
