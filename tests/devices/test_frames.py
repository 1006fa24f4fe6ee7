"""Frames: what is put at a place stands there and nowhere else; what is cut is refused."""

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.devices.frames import put, records, xor_of
from railtrace.devices.manifest import Frame, Place
from railtrace.errors import BadFrame

BLOCK = Frame(layout="registers", length=8)
SWAPPED = Frame(layout="registers", length=8, word_order="little")


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from([BLOCK, SWAPPED]))
def test_a_number_put_into_a_block_is_read_back_and_the_rest_stays(n: int, frame: Frame) -> None:
    place, other = Place(at=2, type="i32"), Place(at=4, type="u16")
    before = bytes(range(16))
    after = put(frame, before, place, n)
    assert records(frame, after)[0].get(place) == n
    assert records(frame, after)[0].get(other) == records(frame, before)[0].get(other)


def test_swapped_words_are_read_as_the_manifest_says() -> None:
    content = struct.pack(">HH", 0x5678, 0x1234) + bytes(12)
    assert records(SWAPPED, content)[0].get(Place(at=0, type="u32")) == 0x12345678


@pytest.mark.parametrize("length", [0, 1, 15, 17])
def test_a_block_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadFrame, match="16 wanted"):
        records(BLOCK, bytes(length))


def test_a_number_that_is_none_is_refused() -> None:
    infinite = records(BLOCK, struct.pack(">f", float("inf")) + bytes(12))[0]
    with pytest.raises(BadFrame, match="no number"):
        infinite.get(Place(at=0, type="f32"))
    with pytest.raises(BadFrame, match="NaN"):
        records(Frame(layout="json"), b'{"a": NaN}')


def test_json_decimals_stay_exact() -> None:
    record = records(Frame(layout="json"), b'{"left": {"sd": 28.350}}')[0]
    assert record.get(Place(at="left.sd")) == Decimal("28.350")
    assert record.get(Place(at="right.sd")) is None


CSV = Frame(layout="csv", delimiter=";", decimal=",", encoding="cp1251")


@pytest.mark.parametrize("cut", ["a;b\r\n1", "a;b\r\n1;2", "a;b\r\n1\r\n"])
def test_a_table_cut_in_the_middle_is_refused(cut: str) -> None:
    with pytest.raises(BadFrame):
        records(CSV, cut.encode())


def test_a_line_with_a_wrong_checksum_is_refused() -> None:
    frame = Frame(layout="line", pattern=r"R=(?P<r>[0-9.]+)M", checksum="xor")
    line = f"R=12.5M*{xor_of('R=12.5M')}\r\n".encode()
    assert records(frame, line)[0].get(Place(at="r")) == "12.5"
    with pytest.raises(BadFrame, match="checksum"):
        records(frame, line.replace(b"12.5", b"92.5"))


def test_an_xml_with_a_document_type_is_refused() -> None:
    with pytest.raises(BadFrame, match="document type"):
        records(Frame(layout="xml"), b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
