"""Dues of the whole demo fleet with their forecasts, a norm replay over three years, forms."""

import os
import time
from pathlib import Path

from bench.table import Row, within
from railtrace.app import App
from railtrace.config import load
from railtrace.operating import demo
from railtrace.store.dues import FleetDues
from railtrace.store.replay import replay
from railtrace.trace.leaf import microseconds

_FOLDER = Path("build") / "bench" / "demo"


def rows() -> list[Row]:
    """Measure on the demo railway, loaded once."""
    config = demo.demo_config(load(Path("none.toml"), {}), _FOLDER)
    if not demo.is_loaded(_FOLDER):
        demo.load(config, False)
    app = App(load(_FOLDER / "railtrace.toml", {}))
    try:
        app.catch_up()
        return _rows(app)
    finally:
        app.stop()


def _rows(app: App) -> list[Row]:
    now_us, catalogue = microseconds(app.clock()), app.catalogue()
    fleet = FleetDues(app.views, app.lookup, catalogue, now_us)
    found = fleet.of(parts=True)
    units = len({forecast.vehicle or forecast.due.unit for forecast in found})
    dues = min(_cpu_ms(lambda: fleet.of(parts=True)) for _ in range(5))
    forms = _forms_a_minute(app)
    again = min(_cpu_ms(lambda: replay(app.views, app.lookup, catalogue, catalogue, now_us))
                for _ in range(2))  # fmt: skip
    return [
        within(f"dues of {units:,} units with forecasts, read from the store", dues, 1000),
        within("norm replay over 3 years of the fleet", again, 10_000),
        forms,
    ]


def _forms_a_minute(app: App) -> Row:
    """Print the notice of sending to repair of forty wagons, filled from the trace."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "railtrace.web.settings"
    import django

    django.setup()
    from railtrace.web import running
    from railtrace.web.forms.pdf import printed
    from railtrace.web.forms.values import Source, filled
    from railtrace.web.names import Names

    running._running.append(app)
    names, knowledge = Names(app.catalogue(), "ru"), app.knowledge()
    form = names.catalogue.forms["vu23m"]
    units = [v.unit for v in app.lookup.maintained() if v.vehicle_class == "freight_wagon"][:40]
    start = time.process_time()
    for unit in units:
        source = Source(knowledge, names, unit, None)
        printed(filled(form, source, "bench"), f"https://depot/units/{unit}")
    minute = 60 * len(units) / (time.process_time() - start)
    return Row("forms filled from the trace and printed as PDF", f"{minute:,.0f}/min", "–", "–",
               "≥ 500/min", minute >= 500)  # fmt: skip


def _cpu_ms(work: object) -> float:
    assert callable(work)
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    for row in rows():
        print(row)
