"""States, holders, sections and the opening: what one operation shows wrong by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from railtrace.errors import BadOperation
from railtrace.trace.checks import check
from railtrace.trace.operation import KINDS

AT = datetime(2026, 6, 1, 7, tzinfo=UTC)


def said(kind, **fields):
    operation = KINDS[kind](id="o1", happened_at=AT, **fields)
    with pytest.raises(BadOperation) as refused:
        check(operation, AT + timedelta(days=1))
    return refused.value.field, str(refused.value)


@pytest.mark.parametrize(("kind", "fields", "field", "words"), [
    ("StateChanged", {"units": ("v",), "state": "reserve", "from_state": "reserve"},
     "from_state", "reserve before and after"),
    ("HolderChanged", {"units": ("v",)}, "keeper", "no new owner"),
    ("HolderChanged", {"units": ("v",), "keeper": "a", "from_owner": "b"}, "owner",
     "given to nobody else"),
    ("SectionsCoupled", {"units": ("L",), "locomotive": "L"}, "locomotive", "section of itself"),
    ("SectionsCoupled", {"units": ("a", "b"), "locomotive": "L", "places": ("А",)}, "places",
     "1 places are given for 2 sections"),
    ("SectionsCoupled", {"units": ("a", "b"), "locomotive": "L", "places": ("А", "А")},
     "places", "one place"),
    ("Restricted", {"units": ("v",), "restriction": "40", "until": "2026-05-31"}, "until",
     "before it begins"),
    ("LastRepairStated", {"units": ("v",), "repair_kind": "ДР", "grade": "unknown", "km": "5"},
     "grade", "called unknown"),
    ("LastRepairStated", {"units": ("v",), "repair_kind": "ДР", "grade": "stated"}, "done",
     "nothing is said"),
    ("LastRepairStated", {"units": ("v",), "repair_kind": "ДР", "grade": "stated",
                          "done": "2026-07"}, "done", "after the day it is stated"),
    ("LastRepairStated", {"units": ("v",), "repair_kind": "ДР", "grade": "stated", "km": "-1"},
     "km", "negative"),
    ("GateIntroduced", {"gate": "history_unknown", "order": "1", "until": "2026-06-30"}, "site",
     "name it"),
    ("GateIntroduced", {"gate": "history_unknown", "order": "1", "until": "2026-06",
                        "site": "north"}, "until", "whole date"),
    ("GuestSeen", {"units": ("g",)}, "numbers", "painted"),
])  # fmt: skip
def test_it_is_refused_by_its_field(kind, fields, field, words):
    where, message = said(kind, **fields)
    assert where == field
    assert words in message
