"""The key file, its printable copy and the trust file."""

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railtrace.errors import ConfigError, NotFound
from railtrace.store.keys import (
    KEY_FILE,
    KeyIsThere,
    load_key,
    load_trust,
    log_key,
    read_recovery_copy,
    recovery_copy,
    save_key,
    save_trust,
)
from railtrace.trace.checkpoint import Signer
from tests.store.ledgers import TRUST

SEEDS = st.binary(min_size=32, max_size=32)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_key_is_made_at_the_first_start_and_read_at_the_next(tmp_path: Path) -> None:
    first = log_key(tmp_path / "keys", "depot")
    assert log_key(tmp_path / "keys", "other name") == first
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "keys") == [KEY_FILE]


def test_a_key_is_never_replaced_silently(tmp_path: Path) -> None:
    first = log_key(tmp_path, "depot")
    with pytest.raises(KeyIsThere):
        save_key(tmp_path, Signer.generate("depot"))
    assert load_key(tmp_path) == first
    assert os.listdir(tmp_path) == [KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    log_key(tmp_path, "depot")
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_key(tmp_path)


@pytest.mark.parametrize("damage", ["", "PRIVATE+KEY", "PRIVATE+KEY+a+b+c", "\x00\xff"])
def test_a_damaged_key_file_is_refused(tmp_path: Path, damage: str) -> None:
    log_key(tmp_path, "depot")
    (tmp_path / KEY_FILE).write_text(damage)
    with pytest.raises(ConfigError, match="damaged"):
        load_key(tmp_path)


def test_a_changed_letter_of_the_key_file_is_noticed(tmp_path: Path) -> None:
    text = save_key(tmp_path, Signer("depot", bytes(range(32)))).read_text()
    (tmp_path / KEY_FILE).write_text(text[:-10] + "A" + text[-9:])
    with pytest.raises(ConfigError, match="damaged"):
        load_key(tmp_path)


def test_a_missing_key_points_to_the_recovery_copy(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="recovery copy"):
        load_key(tmp_path)


@given(SEEDS)
def test_the_recovery_copy_gives_the_key_back(seed: bytes) -> None:
    signer = Signer("depot", seed)
    text = recovery_copy(signer)
    assert read_recovery_copy(text) == signer
    sloppy = text.lower().replace("-", " ").replace("0", "O").replace("1  ", "1: ", 1)
    assert read_recovery_copy(sloppy).seed == seed


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\d  ", line)]


@given(SEEDS, st.integers(0, 8), st.integers(0, 7), st.sampled_from(LETTERS))
def test_any_wrong_letter_names_its_line(seed: bytes, line: int, place: int, letter: str) -> None:
    text = recovery_copy(Signer("depot", seed))
    before = lines_of(text)[line]
    at = 3 + place + (place > 3)
    after = before[:at] + letter + before[at + 1 :]
    if after != before:
        with pytest.raises(ConfigError, match=f"line {line + 1} "):
            read_recovery_copy(text.replace(before, after))


def test_swapped_and_missing_lines_are_named() -> None:
    text = recovery_copy(Signer("depot", bytes(range(32))))
    second, third = lines_of(text)[1:3]
    swapped = text.replace(second, "2" + third[1:])
    with pytest.raises(ConfigError, match="line 2 "):
        read_recovery_copy(swapped)
    with pytest.raises(ConfigError, match="line 3 of the recovery copy is missing"):
        read_recovery_copy(text.replace(third, ""))
    with pytest.raises(ConfigError, match="place 5"):
        read_recovery_copy(text.replace(second, second[:8] + "U" + second[9:]))


def test_lines_of_two_keys_are_not_mixed() -> None:
    one, other = (recovery_copy(Signer("depot", bytes([i]) * 32)) for i in (1, 2))
    with pytest.raises(ConfigError, match="not of one key"):
        read_recovery_copy(one.replace(lines_of(one)[4], lines_of(other)[4]))


def test_a_copy_without_a_name_is_refused() -> None:
    text = recovery_copy(Signer("depot", bytes(32)))
    with pytest.raises(ConfigError, match="name"):
        read_recovery_copy(text.replace("name:", "nom:"))


def test_a_trust_file_is_saved_and_loaded(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_trust(tmp_path / "trust.json")
    save_trust(tmp_path / "trust.json", TRUST)
    save_trust(tmp_path / "trust.json", TRUST)
    assert load_trust(tmp_path / "trust.json") == TRUST
    assert os.listdir(tmp_path) == ["trust.json"]
