"""What went wrong in the process that keeps the views comes to its parent as it was."""

import msgspec

from railtrace.errors import NotFound, StoreFull
from railtrace.operating.follow import _failed, _told


def test_a_full_disk_is_a_full_disk_to_the_parent_too() -> None:
    told = _told(_failed(StoreFull("the disk of {folder} is full", folder="/data")))
    assert isinstance(told, StoreFull)
    assert str(told) == "the disk of /data is full"


def test_an_error_keeps_its_template_apart_from_values_that_may_name_somebody() -> None:
    told = _told(_failed(NotFound("there is no unit {unit}", unit="u-1\nu-2")))
    assert told.template == "there is no unit {unit}"
    assert str(told) == "there is no unit u-1\nu-2"
    assert b"\n" not in _failed(NotFound("there is no unit {unit}", unit="u-1\nu-2"))


def test_what_is_no_error_of_ours_is_told_by_its_name_alone() -> None:
    assert str(_told(_failed(KeyError("p-77")))) == "KeyError"
    assert msgspec.json.decode(_failed(KeyError("p-77")))["values"] == {}
