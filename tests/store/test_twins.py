"""Ghosts and twins on a railway whose truth is known: how many are found, how many are false."""

from datetime import UTC, datetime

import pytest

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.config import Config
from railtrace.errors import Refused
from railtrace.operating.demo import demo_config
from railtrace.simulation.laws import load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.truth import Truth

END = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


class Looked:
    """A railway that lived, was recorded and was looked through."""

    def __init__(self, folder, scale, weeks, seed=7):
        from msgspec.structs import replace

        self.truth = Truth()
        laws = load_laws() if weeks is None else replace(load_laws(), weeks=weeks)
        sent = list(generate(laws, load(), seed=seed, end=END, scale=scale, truth=self.truth))
        config = demo_config(Config(data=str(folder)), folder)
        self.app = App(config, clock=lambda: END)
        self.app.prepare()
        for log in {s.log for s in sent}:
            mine = [s.operation for s in sent if s.log == log]
            refused = [r for r in self.app.record(mine, "t", "t", log) if isinstance(r, Refused)]
            assert refused == []
        self.app.catch_up()
        self.findings = self.app.look_for_twins()

    def planted(self, kind):
        return {tuple(sorted(d.units)) for d in self.truth.doubles if d.kind == kind}

    def found(self, kind):
        return {tuple(sorted(f.units)) for f in self.findings if f.kind == kind}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    looked = Looked(tmp_path_factory.mktemp("twins") / "data", 0.08, 40)
    yield looked
    looked.app.stop()


def test_every_planted_twin_and_misread_plate_is_found_and_no_other(small):
    for kind in ("look_alike", "same_number"):
        assert small.planted(kind), kind
        assert small.found(kind) == small.planted(kind), kind


def test_a_run_that_cannot_be_is_found_unless_the_silence_before_it_hides_it(small):
    planted, found = small.planted("too_far"), small.found("too_far")
    assert found <= planted
    assert 3 * len(found) >= 2 * len(planted) > 0


def test_one_serial_on_two_vehicles_is_found_where_it_was_planted(small):
    planted = {c.units[0] for c in small.truth.contradictions if c.kind == "installed_twice"}
    found = {f.units[0] for f in small.findings if f.kind == "two_places"}
    assert planted <= found
    assert len(found - planted) <= 2  # the aftermath of the planted ones


def test_one_unit_looked_at_gives_what_the_look_at_all_gave(small):
    app = small.app
    for double in small.truth.doubles:
        unit = double.units[0]
        now_us = int(END.timestamp() * 1_000_000)
        alone = {f.key for f in app.twins.look_at(unit, app.catalogue(), now_us)}
        assert alone == {f.key for f in app.twins.kept(unit=unit)}


def test_what_was_found_is_kept_with_its_moment(small):
    at_us, _took_ms, compared = small.app.twins.last_look()
    assert at_us == int(END.timestamp() * 1_000_000)
    assert compared == len(small.app.twins.numbers())
    assert len(small.app.twins.kept()) == len(small.findings)


@pytest.mark.nightly
def test_half_a_railway_of_three_years_is_told_apart(tmp_path):
    looked = Looked(tmp_path / "data", 0.5, None, seed=11)
    try:
        for kind in ("look_alike", "same_number"):
            planted, found = looked.planted(kind), looked.found(kind)
            assert len(planted & found) >= 0.8 * len(planted), kind
            assert len(found - planted) <= 2, (kind, found - planted)
        assert looked.found("too_far") <= looked.planted("too_far")
    finally:
        looked.app.stop()
