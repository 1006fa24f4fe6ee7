"""Settings: one railtrace.toml, overruled by the environment.

| key | environment | meaning |
|---|---|---|
| `name` | RAILTRACE_NAME | the installation; origin of a log is `name/log` |
| `data` | RAILTRACE_DATA | folder of everything Railtrace keeps |
| `keys` | RAILTRACE_KEYS | folder of the log key, best on another disk |
| `database` | RAILTRACE_DATABASE | PostgreSQL DSN; empty: SQLite files in `data` |
| `language` | RAILTRACE_LANGUAGE | ru, tg or en until a person chooses |
| `time_zone` | RAILTRACE_TIME_ZONE | of sites that name none |
| `default_log` | RAILTRACE_DEFAULT_LOG | where operations of no known site are written |
| `host`, `port` | RAILTRACE_HOST, PORT | where the web app listens |
| `threads` | RAILTRACE_THREADS | requests answered at one time |
| `tls` | RAILTRACE_TLS | serve https with the certificate of `railtrace tls` |
| `secure` | RAILTRACE_SECURE | cookies over https only: true behind a proxy that speaks it |
| `backups` | RAILTRACE_BACKUPS | where `railtrace backup` writes; empty: beside `data` |
| `evidence_limit_mb` | | the longest file taken as evidence |
| `[retention_days]` | | by class of evidence, what `railtrace sweep` deletes; else kept for ever |
| `disk_warn_mb` | RAILTRACE_DISK_WARN_MB | free room below which `/health` warns |
| `logs_folder` | RAILTRACE_LOGS | folder of the program's own logs; empty: `logs` in `data` |
| `log_level` | RAILTRACE_LOG_LEVEL | debug, info, warning or error |
| `log_file_mb`, `log_files` | | size and number of log files kept |
| `access_log_days` | | how long it is kept who looked at what |
| `shifts` | | when shifts begin: sessions at terminals end then (`["08:00", "20:00"]`) |
| `log_addresses` | | true: log the address a request came from (personal data) |
| `accounting_day` | | when the day of reports begins, on the site's clock |
| `promise` | | a train's promise: on the `page`, on the `certificate` too, or for `fleet` roles |
| `[sites.KEY]` | | a depot: names, time zone, its log, its own shifts |
| `[sites.KEY.calendar]` | | when it works: `days`, `shifts`, `break_min`, `off`, `also` |
| `[sites.KEY.tracks.KEY]` | | a track of a depot: names, `positions`, `norm_h` of a stay |
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from railtrace.errors import ConfigError

FILE = "railtrace.toml"

# They stand in origins and in the ids of the logs' own entries, which have 96 characters.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]$")
_LOG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}")

_ENVIRONMENT = {
    "RAILTRACE_NAME": "name",
    "RAILTRACE_DATA": "data",
    "RAILTRACE_KEYS": "keys",
    "RAILTRACE_DATABASE": "database",
    "RAILTRACE_LANGUAGE": "language",
    "RAILTRACE_TIME_ZONE": "time_zone",
    "RAILTRACE_DEFAULT_LOG": "default_log",
    "RAILTRACE_HOST": "host",
    "PORT": "port",
    "RAILTRACE_THREADS": "threads",
    "RAILTRACE_TLS": "tls",
    "RAILTRACE_SECURE": "secure",
    "RAILTRACE_BACKUPS": "backups",
    "RAILTRACE_DISK_WARN_MB": "disk_warn_mb",
    "RAILTRACE_LOGS": "logs_folder",
    "RAILTRACE_LOG_LEVEL": "log_level",
}


EvidenceClass = Literal["document", "photo", "curve", "dataset", "catalogue"]


class Track(Struct, frozen=True, forbid_unknown_fields=True):
    """A track of a depot: how many units stand on it, and how long a stay usually lasts."""

    ru: str
    en: str = ""
    tg: str = ""
    positions: Annotated[int, Meta(ge=1, le=30)] = 1
    norm_h: Annotated[int, Meta(ge=1)] | None = None

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """When a site's equipment is to work: on which days, in which of the site's shifts.

    `break_min` of each shift are no planned time; `off` are days without work, `also` days with
    it, whatever the weekday. A shift belongs to the day it begins on.
    """

    days: tuple[Weekday, ...] = get_args(Weekday)
    shifts: tuple[Annotated[int, Meta(ge=1, le=6)], ...] = ()
    break_min: Annotated[int, Meta(ge=0, le=240)] = 0
    off: tuple[date, ...] = ()
    also: tuple[date, ...] = ()

    def works(self, day: date, shift: int) -> bool:
        """Whether a shift of a day is planned."""
        on = day in self.also or (day not in self.off and WEEKDAYS[day.weekday()] in self.days)
        return on and (not self.shifts or shift in self.shifts)


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """A depot, workshop or other place that writes to a log of its own."""

    ru: str
    en: str = ""
    tg: str = ""
    time_zone: str = ""
    log: str = ""
    shifts: tuple[str, ...] = ()
    calendar: Calendar = Calendar()
    tracks: dict[str, Track] = {}
    works: bool = True
    """Whether anything is done there; a source of records that only has a log says false."""

    def name(self, language: str) -> str:
        """Return the name in a language; Russian stands in where there is none."""
        return {"en": self.en, "tg": self.tg}.get(language) or self.ru


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    name: str = "railtrace.local"
    data: str = "data"
    keys: str = ""
    database: str = ""
    language: Literal["ru", "tg", "en"] = "ru"
    time_zone: str = "Asia/Dushanbe"
    default_log: str = "main"
    host: str = "127.0.0.1"
    port: int = 8000
    threads: Annotated[int, Meta(ge=1, le=256)] = 16
    tls: bool = False
    secure: bool = False
    backups: str = ""
    evidence_limit_mb: Annotated[int, Meta(ge=1)] = 200
    retention_days: dict[EvidenceClass, Annotated[int, Meta(ge=1)]] = {}
    disk_warn_mb: Annotated[int, Meta(ge=0)] = 2048
    logs_folder: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_file_mb: Annotated[int, Meta(ge=1)] = 10
    log_files: Annotated[int, Meta(ge=1)] = 10
    log_addresses: bool = False
    access_log_days: Annotated[int, Meta(ge=30)] = 1095
    shifts: tuple[str, ...] = ("08:00", "20:00")
    accounting_day: ClockTime = "00:00"
    promise: Literal["page", "certificate", "fleet"] = "page"
    sites: dict[str, Site] = {}

    @property
    def depots(self) -> dict[str, Site]:
        """The sites where something is done, by key."""
        return {key: site for key, site in self.sites.items() if site.works}

    @property
    def data_folder(self) -> Path:
        """The folder of everything Railtrace keeps."""
        return Path(self.data).expanduser().resolve()

    @property
    def keys_folder(self) -> Path:
        """The folder of the log key."""
        return Path(self.keys).expanduser().resolve() if self.keys else self.data_folder / "keys"

    @property
    def backups_folder(self) -> Path:
        """Where backups go when nobody says where: never into the data."""
        if self.backups:
            return Path(self.backups).expanduser().resolve()
        return self.data_folder.with_name(f"{self.data_folder.name}-backups")

    @property
    def own_logs_folder(self) -> Path:
        """The folder of the program's own logs."""
        if self.logs_folder:
            return Path(self.logs_folder).expanduser().resolve()
        return self.data_folder / "logs"

    def log_of(self, site: str) -> str:
        """Return the log that operations of a site are written to."""
        known = self.sites.get(site)
        return (known.log or site) if known else self.default_log

    def origin_of(self, log: str) -> str:
        """Return the origin line of a log's checkpoints."""
        return f"{self.name}/{log}"

    def zone_of(self, site: str) -> ZoneInfo:
        """Return the time zone of a site."""
        known = self.sites.get(site)
        return ZoneInfo((known.time_zone if known else "") or self.time_zone)

    def shifts_of(self, site: str) -> tuple[str, ...]:
        """Return when the shifts of a site begin, as HH:MM on its clock."""
        known = self.sites.get(site)
        return (known.shifts if known else ()) or self.shifts

    def calendar_of(self, site: str) -> Calendar:
        """Return when the equipment of a site is to work; every shift where nothing is set."""
        known = self.sites.get(site)
        return known.calendar if known else Calendar()

    @property
    def logs(self) -> tuple[str, ...]:
        """Every log this installation writes."""
        return tuple(sorted({self.default_log, *(self.log_of(site) for site in self.sites)}))


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises ConfigError naming the file and the key."""
    environment = os.environ if environment is None else environment
    path = path or Path(environment.get("RAILTRACE_CONFIG", FILE))
    values: dict[str, object] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError("{file}: {problem}", file=path, problem=error) from error
    elif "RAILTRACE_CONFIG" in environment:
        raise ConfigError("{file}: there is no such settings file", file=path)
    values |= {
        key: environment[name] for name, key in _ENVIRONMENT.items() if environment.get(name)
    }
    try:
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise _put(str(error), path) from error
    _check(config, path)
    return config


_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `\$?\.?(?P<key>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_WANTED = re.compile(r"Expected `(.*?)`(?:, got `(.*?)`)?(.*)")
_FORMS = {"str": "a text in quotes", "int": "a whole number", "bool": "true or false",
          "array": "a list in [ ]", "object": "a table", "date": "a date"}  # fmt: skip
_ANY_KEY = re.compile(r"\[\.\.\.\]")


def _put(problem: str, path: Path) -> ConfigError:
    """Put a complaint of the reader into words that name the key and what to write there."""
    match = _COMPLAINT.fullmatch(problem)
    what, key = (match["what"], _ANY_KEY.sub(".*", match["key"] or "")) if match else (problem, "")
    if unknown := _UNKNOWN.fullmatch(what):
        name = f"{key}.{unknown[1]}" if key else unknown[1]
        near = get_close_matches(unknown[1], _KEYS, 1)
        advice = f"did you mean {near[0]}?" if near else "leave it out or correct its name"
        return ConfigError("{file}: there is no setting {key}: {advice}",
                           file=path, key=name, advice=advice)  # fmt: skip
    if wanted := _WANTED.fullmatch(what):
        given = f", not {_FORMS.get(wanted[2], wanted[2])}" if wanted[2] else ""
        what = f"{_FORMS.get(wanted[1], wanted[1])}{wanted[3]} is wanted there{given}"
    return ConfigError("{file}: {key}: {problem}", file=path, key=key or "settings", problem=what)


def write(path: Path, config: Config) -> None:
    """Write a settings file that says what differs from the defaults."""
    values = {
        name: getattr(config, name)
        for name in Config.__struct_fields__
        if name not in _TABLES and getattr(config, name) != getattr(_DEFAULTS, name)
    }
    parts = [_table(values)]
    if config.retention_days:
        parts.append("\n[retention_days]\n" + _table(config.retention_days))
    for key, site in config.sites.items():
        own = {name: value for name, value in msgspec.structs.asdict(site).items() if value}
        tracks, calendar = own.pop("tracks", {}), own.pop("calendar")
        parts.append(f"\n[sites.{_text(key)}]\n" + _table(own))
        if calendar != Calendar():
            body = msgspec.structs.asdict(calendar)
            parts.append(f"\n[sites.{_text(key)}.calendar]\n" + _table(body))
        for name, track in tracks.items():
            body = {k: v for k, v in msgspec.structs.asdict(track).items() if v is not None}
            parts.append(f"\n[sites.{_text(key)}.tracks.{_text(name)}]\n" + _table(body))
    path.write_text("".join(parts), "utf-8")


def _table(values: Mapping[Any, object]) -> str:
    lines = [f"{key} = {_text(value)}\n" for key, value in values.items() if value not in ("", ())]
    return "".join(lines)


def _text(value: object) -> str:
    """JSON's strings, numbers and true/false are TOML's too."""
    return json.dumps(value, ensure_ascii=False, default=str)


_DEFAULTS = Config()
_KEYS = [name for kind in (Config, Site, Calendar, Track) for name in kind.__struct_fields__]
_TABLES = {"sites", "retention_days"}


def _check(config: Config, path: Path) -> None:
    zones = {"time_zone": config.time_zone}
    zones |= {f"sites.{key}.time_zone": s.time_zone for key, s in config.sites.items()}
    for key, zone in zones.items():
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(
                "{file}: {key} = {zone}: there is no such time zone", file=path, key=key, zone=zone
            ) from error
    shifts = {"shifts": config.shifts}
    shifts |= {f"sites.{key}.shifts": s.shifts for key, s in config.sites.items() if s.shifts}
    for key, starts in shifts.items():
        if not starts or list(starts) != sorted(set(starts)) or not all(map(_CLOCK.match, starts)):
            raise ConfigError(
                '{file}: {key} = {starts}: shifts begin at moments of a day in order, like '
                '["08:00", "20:00"]',
                file=path, key=key, starts=list(starts),
            )  # fmt: skip
    if not 1 <= config.port <= 65535:
        raise ConfigError("{file}: port = {port} is not 1-65535", file=path, port=config.port)
    if not _NAME.fullmatch(config.name):
        raise ConfigError(
            "{file}: name = {name}: an installation's name is 1-32 Latin letters, digits, . _ - "
            "(no space, no +)",
            file=path, name=config.name,
        )  # fmt: skip
    for log in config.logs:
        if not _LOG.fullmatch(log):
            raise ConfigError(
                "{file}: log {log}: a log's name is 1-28 Latin letters, digits and . _ -; "
                "set `log` of its site",
                file=path, log=log,
            )  # fmt: skip
