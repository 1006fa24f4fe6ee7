"""The demo: a simulated railway and histories from the literature, through the front door."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from railtrace import simulation
from railtrace.app import App, utc_now
from railtrace.catalogue import load as catalogue_files
from railtrace.config import Config, Site, Track, write
from railtrace.errors import ConfigError, RailtraceError, Refused
from railtrace.operating.recorders import Intake, files_in
from railtrace.projections.consist import Composition, Consist
from railtrace.projections.consist_gates import (
    Act,
    Finding,
    findings,
    judged_rows,
    own_stops,
    refuses,
)
from railtrace.projections.decision_file import decision_file, leaned_on
from railtrace.simulation.clerks import Sent
from railtrace.simulation.depots import Yard, depot_day
from railtrace.simulation.driven_year import Drive, write_drive
from railtrace.simulation.histories import LOG as LITERATURE
from railtrace.simulation.histories import histories
from railtrace.simulation.laws import Laws, load_laws
from railtrace.simulation.railway import generate
from railtrace.simulation.stand_months import stand_months
from railtrace.simulation.trains import Fleet, staff_coaches, trains_day
from railtrace.simulation.truth import Truth
from railtrace.simulation.upkeep import upkeep
from railtrace.store.trains import Trains
from railtrace.trace.leaf import microseconds
from railtrace.trace.operation import GateReason, LogSize, Operation, Released, ReleaseRefused

SEED = 1
MARK = "demo.json"
"""Written last: a folder that has it was loaded wholly."""
OWN_VARIABLES = (
    "RAILTRACE_NAME", "RAILTRACE_DATA", "RAILTRACE_KEYS", "RAILTRACE_DATABASE",
    "RAILTRACE_DEFAULT_LOG",
)  # fmt: skip
"""What the environment may not overrule: the demo is an installation of its own."""
_PROGRAMMES = Path(simulation.__file__).parent / "data" / "demo_programmes.toml"
"""The demo railway's own catalogue rows, as any site's stand in its folder."""
_SMALL_SCALE, _SMALL_WEEKS = 0.04, 26
_BATCH = 2000

_SHOWN_RULES = (
    "overspeed", "loaded_cold", "wheel_slip", "notch_up_too_fast", "stopped_hot", "hard_coupling",
    "coolant_over_limit", "overload", "oil_pressure_low", "oil_over_limit",
)  # fmt: skip
"""What recorder files of the demo show, some in each."""
_WHEELSETS = ("wheelset_passenger", "wheelset_freight", "wheelset_locomotive")
_TRACKS = {
    "1": Track(ru="Путь 1, канава", en="Track 1, pit", tg="Роҳи 1, чоҳ", positions=2, norm_h=24),
    "2": Track(ru="Путь 2, подъёмка", en="Track 2, lifting", tg="Роҳи 2, бардоштан", norm_h=12),
    "3": Track(ru="Путь 3, отстой", en="Track 3, waiting", tg="Роҳи 3, истгоҳ", positions=2),
}

Tell = Callable[[str, int], None]


class _Replay:
    """A clock that shows when the simulated clerks wrote, so that "known at" has a past."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def demo_config(config: Config, folder: Path) -> Config:
    """Return the settings of the demo: its own folder, a log per depot and one for literature."""
    depots = {
        s.log: Site(ru=s.ru, en=s.en, tg=s.tg, log=s.log, tracks=_TRACKS)
        for s in load_laws().sites
    }
    literature = Site(ru="Литература", en="Literature", tg="Адабиёт", log=LITERATURE, works=False)
    sites = depots | {LITERATURE: literature}
    return replace(
        config, name="demo.railtrace", data=str(folder.resolve()), keys="", database="",
        default_log="main", sites=sites,
    )  # fmt: skip


def is_loaded(folder: Path) -> bool:
    """Tell whether the demo is there. Raises ConfigError for a folder of something else."""
    if (folder / MARK).exists():
        return True
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            "{folder} is not a demo's data folder: choose another one by RAILTRACE_DATA",
            folder=folder,
        )
    return False


def bring_up(config: Config, say: Callable[[str], None], tell: Tell) -> None:
    """Rebuild the views that an older program left. A demo needs no backup."""
    app = App(config)
    try:
        if changed := app.views.outdated():
            say(f"Another version built it: {', '.join(changed)} are built anew, a minute or so.")
            app.views.rebuild(changed, tell)
    finally:
        app.stop()


def load(config: Config, small: bool, tell: Tell = lambda what, done: None) -> int:
    """Load the demo beside its folder, then move it there whole; return how many operations."""
    folder = config.data_folder
    draft = folder.with_name(folder.name + ".loading")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    (draft / "catalogue").mkdir()
    shutil.copy(_PROGRAMMES, draft / "catalogue" / "programmes.toml")
    now = utc_now()
    count = _load(replace(config, data=str(draft)), _yesterday(now), small, tell)
    write(draft / "railtrace.toml", config)
    mark = {"seed": SEED, "small": small, "operations": count, "loaded_at": now.isoformat()}
    (draft / MARK).write_text(json.dumps(mark) + "\n")
    if folder.exists():
        folder.rmdir()
    draft.rename(folder)
    return count


def _yesterday(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        microseconds=1
    )


def _load(config: Config, end: datetime, small: bool, tell: Tell) -> int:
    laws = load_laws()
    if small:
        laws = replace(laws, weeks=_SMALL_WEEKS)
    truth = Truth()
    sent = generate(
        laws, catalogue_files.load(), seed=SEED, end=end,
        scale=_SMALL_SCALE if small else 1.0, truth=truth,
    )  # fmt: skip
    clock = _Replay(end - timedelta(weeks=laws.weeks + 20))
    app = App(config, clock)
    try:
        app.prepare()
        count = _record(app, clock, chain(histories(clock.now), sent), tell)
        truth.write(config.data_folder / "truth.json")
        app.views.rebuild(progress=tell)
        app.catch_up()
        clock.now = utc_now()
        count += _depot_day(app, clock.now, laws)
        count += _diagnostics(app, clock.now, laws)
        count += _trains(app, clock.now, laws)
        count += _recorders(app, clock.now)
        app.look_for_twins(tell)
        app.sign_heads()
    finally:
        app.stop()
    return count


def _depot_day(app: App, now: datetime, laws: Laws) -> int:
    """Record a working day at the depots, so that the boards are alive."""
    free = {part: app.lookup.on_no_carrier(part, 4 * len(laws.sites)) for part in _WHEELSETS}
    yards = [_yard(app, site.log, free) for site in laws.sites]
    operations = list(
        depot_day(yards, laws.wear.gauges, laws.wear.lathe, now, laws.weeks)
    )
    inspected = _at_home(app, yards[0].site, ("locomotive", "coach"))
    operations += upkeep(yards, inspected, _at_home(app, "", ("freight_wagon",)),
                         _wheelsets(app, inspected, now), now)  # fmt: skip
    return _written(app, operations)


def _wheelsets(app: App, vehicles: Sequence[str], now: datetime) -> list[str]:
    """Return the first wheelset of some vehicles."""
    types = [type_ for type_ in app.catalogue().part_types if type_.startswith("wheelset")]
    rows = app.lookup.parts_on_carriers(types, microseconds(now))
    first = {on: part for part, _, on in reversed(rows)}
    return [first[unit] for unit in vehicles if unit in first]


def _at_home(app: App, site: str, classes: tuple[str, ...]) -> list[str]:
    """Return some vehicles of a depot, or of the whole railway, as a campaign takes them in."""
    found = []
    for kind in classes:
        filters = {"vehicle_class": kind, "scope": "vehicles", "home_site": site}
        found += [row.unit for row in app.lookup.fleet(filters, limit=60).rows
                  if row.status in ("in_use", "reserve")]  # fmt: skip
    return found


def _diagnostics(app: App, now: datetime, laws: Laws) -> int:
    """Record half a year of the first depot's stand, press and laboratory, with their files."""
    site = laws.sites[0].log
    wheelsets = app.lookup.on_no_carrier("wheelset_locomotive", 12)[-3:]
    diesels = [row.unit for row in app.lookup.fleet({"type": "diesel"}, limit=2).rows]
    operations = []
    stand, press = f"d-{site}-bearing-stand", f"d-{site}-wheel-press"
    for made in stand_months(site, stand, press, wheelsets, diesels, now):
        file = made.file
        kept = () if file is None else (
            app.evidence.put(file.content, file.name, file.media_type, "curve"),
        )  # fmt: skip
        operations.append(replace(made.operation, evidence=kept))
    return _written(app, operations)


def _trains(app: App, now: datetime, laws: Laws) -> int:
    """Record the trains of some days, made up of coaches that may go, and of some that may not."""
    site = next(s.log for s in laws.sites if "coach" in s.log)
    count = _written(app, staff_coaches(site, now))
    before: list[Operation] = []
    for operation in trains_day(_fleet(app, site, now), now):
        if isinstance(operation, Released | ReleaseRefused):
            count += _written(app, before)
            before = [_decided(app, operation)]
        else:
            before.append(operation)
    return count + _written(app, before)


def _decided(app: App, asked: Released | ReleaseRefused) -> Operation:
    """Return a decision with its file: judged by what was known at its moment, as at the page.

    What the gates refuse is refused, whatever the day of the demo had in mind.
    """
    reader = Trains(app.knowledge(asked.happened_at), app.lookup)
    consist = reader.consist(asked.consist or "")
    act: Act = "depart" if asked.act == "depart" else "ready"
    facts = reader.facts(consist, act, app.config.zone_of(asked.site))
    rows, found = judged_rows(facts), findings(facts)
    refused = isinstance(asked, ReleaseRefused) or bool(refuses(found))
    until = None if refused else asked.happened_at + timedelta(days=1)
    told = {name: getattr(asked, name) for name in ReleaseRefused.__struct_fields__} | {
        "reasons": tuple(_reason(app, one, until) for one in found) or asked.reasons,
        "leaned_on": leaned_on(facts, rows, partial(_places, app)),
        "positions": tuple(LogSize(log=log, size=size)
                           for log, size in sorted(app.views.positions().items())),
        "catalogue": facts.catalogue.hash,
    }  # fmt: skip
    content = decision_file(facts, told, refused, rows)
    file = app.evidence.put(content, "decision.json", "application/json", "dataset")
    kind = ReleaseRefused if refused else Released
    return kind(**(told | {"decision_file": file.sha256, "evidence": (file,)}))


def _places(app: App, ids: list[str]) -> list[tuple[str, str, int]]:
    """Return where entries lie; nothing that a train of the demo stands on was corrected."""
    return [(id_, *found[0][:2]) for id_, found in app.trace.places(ids).items()]


def _fleet(app: App, site: str, now: datetime) -> Fleet:
    """Tell which coaches could go to Moscow now, and what stops the others."""
    coaches = [unit for unit in _at_home(app, "", ("coach",)) if not unit.startswith("u-demo")]
    planned = Consist(
        unit="consist:demo", train_kind="passenger_long", route="dushanbe-moscow", site=site,
        departs_us=microseconds(now), max_speed_kmh=120,
        compositions=[Composition("demo", 0, coaches, [], [])],
    )  # fmt: skip
    facts = Trains(app.knowledge(), app.lookup).facts(planned, "ready", UTC)
    stops = {unit.unit: why for unit in facts.units if (why := own_stops(facts, unit))}
    fit = [unit for unit in coaches if unit not in stops]
    return Fleet(
        site, fit, {unit: [_reason(app, one) for one in why] for unit, why in stops.items()},
        _at_home(app, "", ("freight_wagon",)), _at_home(app, "", ("locomotive",))[-2:],
    )  # fmt: skip


def _reason(app: App, one: Finding, until: datetime | None = None) -> GateReason:
    """Return a reason as the trace keeps it; until when a warning is borne where it is."""
    row = app.catalogue().release_gates[one.row]
    borne: dict[str, Any] = {"overridden": True, "override_reason": "под наблюдение (демо)",
                             "override_until": until}  # fmt: skip
    return GateReason(
        gate=one.gate.name, weight=one.weight, unit=one.gate.unit or None, row=one.row,
        text=row.ru, operations=tuple(filter(None, [one.gate.values.get("operation")])),
        **(borne if until is not None and one.weight == "warning" else {}),
    )  # fmt: skip


def _written(app: App, operations: Iterable[Operation]) -> int:
    told = list(operations)
    refused = [r for r in app.record(told, "demo", "simulation") if isinstance(r, Refused)]
    if refused:
        raise RailtraceError("the demo's own data are refused: {why}", why=refused[0])
    app.catch_up()
    return len(told)


def _recorders(app: App, now: datetime) -> int:
    """Take in recorder files of two locomotives, the last of them of a recorder that fails."""
    header = {c.channel: c.column for c in app.catalogue().recorder_types["reference"].columns}
    before = sum(head.size for head in app.trace.heads())
    with TemporaryDirectory() as folder:
        for number, unit in enumerate(_at_home(app, "", ("locomotive",))[:2]):
            for day in range(1, 4):
                rules = _SHOWN_RULES[(3 * number + day) % 4 :: 3]
                drive = Drive(unit, now - timedelta(days=day, hours=6), 7200, rules, 10 * day)
                write_drive(drive, Path(folder), header | _broken(number, day))
        for told in Intake(app, "reference").take(files_in([Path(folder)])):
            if told.state != "recorded":
                raise RailtraceError("the demo's own data are refused: {why}", why=told.reason)
    app.catch_up()
    return sum(head.size for head in app.trace.heads()) - before


def _broken(number: int, day: int) -> dict[str, str]:
    """Name a column so that nobody reads it: the recorder of that day lacks the channel."""
    return {"coolant": "T?"} if (number, day) == (1, 1) else {}


def _yard(app: App, site: str, free: dict[str, list[str]]) -> Yard:
    """Return a few units of a depot: its vehicles by class, wheelsets on no vehicle by type."""
    units: dict[str, list[str]] = {}
    for kind in ("coach", "locomotive", "freight_wagon"):
        rows = app.lookup.fleet({"vehicle_class": kind, "home_site": site, "scope": "vehicles"},
                                limit=40).rows  # fmt: skip
        rows = sorted(rows, key=lambda row: row.status != "in_repair")
        units[kind] = [row.unit for row in rows if row.status in ("in_repair", "in_use")][-3:]
    for part in _WHEELSETS:
        units[part], free[part] = free[part][:4], free[part][4:]
    return Yard(site, units)


def _record(app: App, clock: _Replay, sent: Iterable[Sent], tell: Tell) -> int:
    """Record day by day, each log's batch at the moment its last clerk finished."""
    done = 0
    for batch in _days(sent):
        for log, items in groupby(sorted(batch, key=lambda s: s.log), key=lambda s: s.log):
            written = list(items)
            clock.now = written[-1].recorded_at.astimezone(UTC)
            results = app.record([s.operation for s in written], "demo", "simulation", log)
            refused = [result for result in results if isinstance(result, Refused)]
            if refused:
                raise RailtraceError("the demo's own data are refused: {why}", why=refused[0])
            done += len(written)
        tell("recorded", done)
    return done


def _days(sent: Iterable[Sent]) -> Iterator[list[Sent]]:
    """Cut what is sent into runs of one recording day, none longer than a batch."""
    for _, day in groupby(sent, key=lambda s: s.recorded_at.astimezone(UTC).date()):
        items = list(day)
        yield from (items[i : i + _BATCH] for i in range(0, len(items), _BATCH))
