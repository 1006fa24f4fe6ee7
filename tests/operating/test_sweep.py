"""Evidence goes when it is due, and only then."""

import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from railtrace.app import App
from railtrace.operating.backup import open_trace
from railtrace.operating.sweep import sweep
from railtrace.operating.trust import trust_of_installation
from railtrace.trace.operation import Evidence
from railtrace.trace.verify import Plan, verify_store
from tests.operating.depot import NOW, Clock, config_in, inspected, opened, record


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    config = replace(config_in(tmp_path), retention_days={"photo": 30})
    app = opened(config, clock)
    yield app
    app.stop()


def put(app: App, content: bytes, evidence_class: str, age_days: int = 0) -> Evidence:
    file = app.evidence.put(content, evidence_class=evidence_class)  # type: ignore[arg-type]
    then = (NOW - timedelta(days=age_days)).timestamp()
    os.utime(app.evidence.path(file.sha256), (then, then))
    return file


def test_a_named_file_goes_after_the_retention_of_its_class(app: App, clock: Clock) -> None:
    photo, document = put(app, b"photo", "photo"), put(app, b"document", "document")
    record(app, [inspected(1, files=(photo, document))])
    clock.go(timedelta(days=29))
    assert sweep(app) == []
    clock.go(timedelta(days=2))
    assert sweep(app) == [photo.sha256]
    assert app.evidence.read(document.sha256) == b"document"
    app.sign_heads()
    path = app.config.data_folder / "trace.db"
    plan = Plan(trust_of_installation(app), file_state=app.evidence.state)
    report = verify_store(partial(open_trace, path), plan)
    assert (report.is_whole, [f.name for f in report.findings]) == (True, ["evidence-expired"])


def test_a_file_that_no_operation_names_waits_two_days(app: App) -> None:
    old, fresh = put(app, b"old", "photo", age_days=3), put(app, b"fresh", "photo", age_days=1)
    assert sweep(app) == [old.sha256]
    assert app.evidence.state(fresh.sha256) == "kept"


def test_the_catalogue_in_force_is_never_swept(app: App, clock: Clock) -> None:
    clock.go(timedelta(days=4000))
    assert sweep(app) == []
    assert app.catalogue().hash
