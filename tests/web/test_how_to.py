"""The how-to pages say what is so."""

import json
import re
from pathlib import Path

from railtrace.interchange.sent import read_operation
from railtrace.trace.checks import check
from railtrace.trace.leaf import encode_operation
from railtrace.trace.operation import Measured
from railtrace.web.api.record import MOST_BYTES, MOST_OPERATIONS
from railtrace.web.api.urls import api

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def test_the_example_of_rest_is_an_operation() -> None:
    [text] = re.findall(r"```json\n(.*?)```", (HOW_TO / "record-over-rest.md").read_text(), re.S)
    [example] = json.loads(text)
    read = read_operation(json.dumps(example).encode())
    assert isinstance(read, Measured)
    named = read_operation(encode_operation(read).replace(b'"marks"', b'"units"'))
    assert isinstance(named, Measured)
    check(named, named.happened_at)


def test_every_address_and_cap_is_named() -> None:
    page = (HOW_TO / "record-over-rest.md").read_text()
    for address in api.get_openapi_schema()["paths"]:
        assert re.sub(r"\{\w+\}", "", address).rstrip("/").split("//")[0] in page, address
    assert f"{MOST_OPERATIONS:,}".replace(",", " ") in page
    assert f"{MOST_BYTES >> 20} MB" in page
