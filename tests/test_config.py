"""Settings: every mistake is named by file and key."""

from datetime import date
from pathlib import Path

import pytest

from railtrace import config as settings
from railtrace.config import Calendar, Config, Site, load, write
from railtrace.errors import ConfigError


def loaded(folder: Path, text: str, **environment: str) -> Config:
    path = folder / "railtrace.toml"
    path.write_text(text, "utf-8")
    return load(path, environment)


def test_nothing_need_be_set(tmp_path: Path) -> None:
    config = load(tmp_path / "railtrace.toml", {})
    assert (config.port, config.host, config.default_log) == (8000, "127.0.0.1", "main")


def test_the_environment_overrules_the_file(tmp_path: Path) -> None:
    config = loaded(tmp_path, "port = 9000\nname = 'depot'", PORT="9001", RAILTRACE_TLS="true")
    assert (config.port, config.name, config.tls) == (9001, "depot", True)


def test_an_empty_variable_overrules_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "port = 9000", PORT="").port == 9000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 99999", r"port = 99999 is not 1-65535"),
        ("port = 'eighty'", r"port: a whole number is wanted there, not a text in quotes"),
        ("prot = 80", r"there is no setting prot: did you mean port\?"),
        ("zzz = 80", r"there is no setting zzz: leave it out"),
        ("[database]\nkind = 'x'", r"database: a text in quotes is wanted there, not a table"),
        ("[sites.k]\nru = 'K'\ntimezone = 'X'", r"no setting sites.*timezone: .*time_zone\?"),
        ("language = 'fr'", r"language: Invalid enum value 'fr'"),
        ("name = 'two words'", r"name = two words: .*no space"),
        ("name = 'a+b'", r"name = a\+b"),
        ("name = 'Депо'", r"name = Депо: .*letters"),
        ("time_zone = 'Asia/Nowhere'", r"time_zone = Asia/Nowhere: there is no such time zone"),
        ("threads = 0", r"threads: a whole number >= 1 is wanted there"),
        ("[sites.khujand]", r"sites.*: Object missing required field `ru`"),
        ("[sites.k]\nru = 'K'\ntime_zone = 'X'", r"sites\.k\.time_zone = X"),
        ("[sites.k]\nru = 'K'\nlog = 'a/b'", r"log a/b: .*letters"),
        ("default_log = 'a b'", r"log a b: .*letters"),
        ("name = = 3", r"at line 1"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"railtrace\.toml.*{told}"):
        loaded(tmp_path, text)


def test_a_file_that_is_asked_for_and_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such settings file"):
        load(environment={"RAILTRACE_CONFIG": str(tmp_path / "missing.toml")})


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "railtrace.toml"
    path.write_bytes("name = 'Душанбе'".encode("cp1251"))
    with pytest.raises(ConfigError, match=r"railtrace\.toml"):
        load(path, {})


WEEK = Calendar(days=("mon",), off=(date(2027, 1, 1),))


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    config = Config(
        name="demo", data="/somewhere/else", port=9000, tls=True, retention_days={"photo": 900},
        sites={
            "khujand": Site(ru='ТЧ "Худжанд"', tg="Хуҷанд", log="khujand"),
            "k b": Site(ru="К", log="kb", calendar=WEEK),
        },
    )  # fmt: skip
    write(tmp_path / "railtrace.toml", config)
    assert load(tmp_path / "railtrace.toml", {}) == config


def test_a_site_writes_to_its_own_log_and_a_stranger_to_the_default_one() -> None:
    config = Config(sites={"khujand": Site(ru="Х"), "depot-2": Site(ru="Д", log="khujand")})
    assert [config.log_of(site) for site in ("khujand", "depot-2", "elsewhere")] == [
        "khujand", "khujand", "main",
    ]  # fmt: skip
    assert config.logs == ("khujand", "main")


def test_backups_and_logs_have_places_when_none_is_set(tmp_path: Path) -> None:
    config = Config(data=str(tmp_path / "data"))
    assert config.backups_folder == tmp_path / "data-backups"
    assert config.own_logs_folder == tmp_path / "data/logs"
    assert config.keys_folder == tmp_path / "data/keys"


def test_every_key_is_in_the_table_of_settings() -> None:
    for key in Config.__struct_fields__:
        told = settings.__doc__ or ""
        assert any(mark in told for mark in (f"`{key}`", f"`[{key}]`", f"`[{key}.")), key


def test_every_variable_is_in_the_table_of_settings() -> None:
    for name in settings._ENVIRONMENT:
        assert name in (settings.__doc__ or ""), name
