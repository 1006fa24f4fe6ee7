"""One test runs every driver's samples: bytes in, the expected operations out."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from railtrace.catalogue import load as catalogue_files
from railtrace.devices import drivers, manifest, samples
from railtrace.devices.operations import operations_of, result_key
from railtrace.trace.checks import check

CATALOGUE = catalogue_files.load()


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_sample_gives_the_expected_operations(kind: str) -> None:
    driver = drivers.driver(kind)
    told = samples.expected(driver.folder)
    given = {name: samples.given(driver, m) for name, m in samples.messages(driver, told)}
    assert given == told.samples
    assert len(given) >= 2


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_operation_of_a_sample_would_be_recorded(kind: str) -> None:
    driver = drivers.driver(kind)
    told = samples.expected(driver.folder)
    for _, message in samples.messages(driver, told):
        for result in driver.decode(message):
            for operation in operations_of(
                driver.manifest, result, samples.WHERE, message.received_at
            ):
                # A number is resolved into its unit at the door.
                named = replace(operation, units=operation.units or ("u-1",))
                check(named, message.received_at + timedelta(minutes=1))


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_quantity_and_part_type_of_a_manifest_is_in_the_catalogue(kind: str) -> None:
    told = manifest.manifest(kind)
    assert {field.quantity for field in told.fields} - set(CATALOGUE.quantities) == set()
    assert set(told.part_types) - set(CATALOGUE.part_types) - set(CATALOGUE.vehicle_types) == set()
    for field in told.fields:
        assert CATALOGUE.quantities[field.quantity].unit == field.unit, field.name


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_kind_is_equipment_of_the_catalogue(kind: str) -> None:
    told = manifest.manifest(kind)
    assert (told.equipment or kind) in CATALOGUE.equipment_types


@pytest.mark.parametrize("kind", manifest.kinds())
def test_every_kind_is_named_in_three_languages(kind: str) -> None:
    told = manifest.manifest(kind)
    assert all(name.strip() for name in (told.ru, told.tg, told.en))
    assert told.kind == kind


def test_the_id_follows_from_the_machine_and_its_own_number() -> None:
    assert result_key("d-1", "0417-7") == "m:d-1:0417-7"
    assert result_key("d-1", "№ 7").startswith("m:d-1:")
    assert result_key("d-1", "№ 7") != result_key("d-1", "№ 8")
