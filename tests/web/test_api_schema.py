"""The API keeps what its description says, whatever is sent: requests made from it."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from railtrace.app import App
from tests.web.import_sheets import railway_of_its_own

load_all_checks()
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip


@pytest.fixture
def description(
    railway: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> Iterator[schemathesis.BaseSchema]:
    from railtrace.web.tokens import make_token
    from railtrace.web.wsgi import application

    now = datetime.now(UTC)
    _, text = make_token("schemathesis", ["read", "record"], now, now + timedelta(days=1))
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    with railway_of_its_own(tmp_path / "data", monkeypatch):
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)
        headers = {"Authorization": f"Bearer {text}", "Accept-Encoding": "identity"}
        schema.config.update(headers=headers)
        yield schema
    logging.getLogger("django.request").setLevel(logging.NOTSET)


@pytest.mark.slow
def test_every_answer_is_as_described(description: schemathesis.BaseSchema) -> None:
    for found in description.get_all_operations():
        _check(found.ok())


def _check(operation: schemathesis.APIOperation) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
        database=None,
    )  # fmt: skip
    def every_answer_is_as_described(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(checks=CHECKS)
        assert answer.status_code != 401, "nothing is tested without a token"

    every_answer_is_as_described()
