"""What an operation of the stock shows wrong by itself."""

from datetime import UTC, datetime

import pytest

from railtrace.errors import BadOperation
from railtrace.trace.checks import check
from railtrace.trace.operation import KINDS, Member

NOW = datetime(2026, 11, 1, tzinfo=UTC)
THEN = datetime(2026, 10, 1, tzinfo=UTC)
LOT = {"item": "brake_pad", "lot": "17", "store": "S"}

WRONG = [
    ("LotIssued", LOT | {"quantity": "-3"}, "quantity -3 is negative"),
    ("LotReceived", LOT | {"quantity": "0"}, "more than zero"),
    ("PartReserved", {"units": ("m-1",)}, "names an order or a vehicle"),
    ("PartExchanged", {"units": ("m-1",), "list": "L", "instead_of": "m-1"}, "place of itself"),
    ("PartSent", {"list": "L"}, "names no unit"),
    ("Formed", {"units": ("w",), "parts": (Member(unit="w"),)}, "its own carrier"),
    ("Formed", {"units": ("w",), "parts": (Member(unit="a"), Member(unit="a"))}, "named twice"),
    ("Formed", {"units": ("w",), "parts": (
        Member(unit="a", position="axle"), Member(unit="b", position="axle"))}, "axle is named"),
    ("Disbanded", {"units": ("w",), "parts": ("w",)}, "its own carrier"),
    ("Cannibalised", {"units": ("m",), "donor": "a", "recipient": "a"}, "donor and recipient"),
    ("Cannibalised", {"units": ("m",), "donor": "m"}, "its own carrier"),
    ("TwinsJudged", {"units": ("a",), "finding": "f", "verdict": "same", "reason": "r"},
     "name both"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "said"), WRONG)
def test_what_is_wrong_by_itself_is_refused_in_words(kind, fields, said):
    with pytest.raises(BadOperation, match=said):
        check(KINDS[kind](id="o-1", happened_at=THEN, **fields), NOW)


def test_a_count_may_find_nothing():
    assert check(KINDS["LotCounted"](id="o-1", happened_at=THEN, **LOT, quantity="0"), NOW)


def test_lists_and_lots_name_no_unit():
    for kind, fields in (("SendingListOpened", {"list": "L", "to": "shop"}),
                         ("LotReceived", LOT | {"quantity": "5"})):  # fmt: skip
        assert check(KINDS[kind](id="o-1", happened_at=THEN, **fields), NOW)
