"""What an operation of campaigns, remarks, warranty or claims shows wrong by itself."""

from datetime import UTC, datetime

import msgspec
import pytest

from railtrace.errors import BadOperation
from railtrace.trace.checks import check
from railtrace.trace.operation import KINDS, decode

NOW = datetime(2026, 11, 1, tzinfo=UTC)
THEN = datetime(2026, 10, 1, tzinfo=UTC)
ONE = {"units": ("v-1",)}

WRONG = [
    ("CampaignJoined", {"campaign": "C1"}, "names no unit"),
    ("CampaignOpened", {"campaign": "C1", "title": "", "until": "2027"}, "title"),
    ("RemarkMade", ONE | {"text": ""}, "text"),
    ("RemarkMade", {"units": ("v-1", "v-2"), "text": "knocks"}, "about one unit"),
    ("RemarkCarriedOver", ONE | {"remark": "r", "reason": "x", "until": "2026-09-30",
                                 "performed_by": ("p-1",)}, "is before the day"),
    ("RemarkCarriedOver", ONE | {"remark": "r", "reason": "x", "until": "2026-12"}, "by somebody"),
    ("WarrantyGiven", ONE | {"by": "works", "after": "КР"}, "without an end"),
    ("WarrantyGiven", ONE | {"by": "works", "after": "КР", "km": "-5"}, "km -5 is negative"),
    ("ClaimClosed", ONE | {"claim": "K", "result": "paid", "cost": "-1", "currency": "TJS"},
     "cost -1 is negative"),
    ("ClaimClosed", ONE | {"claim": "K", "result": "paid", "cost": "10"}, "has no currency"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "said"), WRONG)
def test_what_is_wrong_by_itself_is_refused_in_words(kind, fields, said):
    sent = {"kind": kind, "id": "o-1", "happened_at": THEN} | fields
    with pytest.raises((BadOperation, msgspec.ValidationError), match=said):
        check(decode(msgspec.json.encode(sent)), NOW)


def test_a_remark_may_be_carried_over_to_the_end_of_this_month():
    fields = {"remark": "r", "reason": "x", "until": "2026-10", "performed_by": ("p-1",)}
    assert check(KINDS["RemarkCarriedOver"](id="o-1", happened_at=THEN, **ONE, **fields), NOW)
