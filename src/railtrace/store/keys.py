"""The log key and the trust file on disk, and the key's printable recovery copy.

The key file is a private note key of C2SP's reference code:
`PRIVATE+KEY+<name>+<hash>+<base64>`; it lives apart from the data and only its owner may read it.
"""

import os
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from railtrace.errors import ConfigError, NotFound
from railtrace.trace import trust as trust_file
from railtrace.trace.checkpoint import Signer
from railtrace.trace.trust import Trust


class KeyIsThere(ConfigError):
    """A key is never replaced silently."""


KEY_FILE = "log.key"
_ED25519 = b"\x01"
_PREFIX = "PRIVATE+KEY"


def log_key(folder: Path, name: str) -> Signer:
    """Return the installation's log key, made at the first start."""
    if not (folder / KEY_FILE).exists():
        with suppress(KeyIsThere):  # two processes started together: the first one's key serves
            save_key(folder, Signer.generate(name))
    return load_key(folder)


def save_key(folder: Path, signer: Signer) -> Path:
    """Write a key where there is none. Raises KeyIsThere."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    encoded = b64encode(_ED25519 + signer.seed).decode()
    short = signer.verifier.key_hash.hex()
    _write_once(path, f"{_PREFIX}+{signer.name}+{short}+{encoded}\n".encode())
    return path


def _write_once(path: Path, content: bytes) -> None:
    """Appear whole and synced, or not at all; never replace a key that is there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise KeyIsThere(
            "{path} holds a key already: move it away first, keys are never replaced silently",
            path=path,
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load_key(folder: Path) -> Signer:
    """Read the key. Raises NotFound, or ConfigError when others may read it or it is damaged."""
    path = folder / KEY_FILE
    if not path.exists():
        raise NotFound("there is no log key at {path}: restore its recovery copy", path=path)
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            "{path} has mode {mode}: others could sign in your name; run chmod 600 {path}",
            path=path,
            mode=f"{mode:o}",
        )
    return _parse_key(path.read_text("utf-8", "replace").strip(), path)


def _parse_key(text: str, path: Path) -> Signer:
    damaged = ConfigError("{path} is damaged: restore the key from its recovery copy", path=path)
    parts = text.split("+", 4)
    if len(parts) != 5 or "+".join(parts[:2]) != _PREFIX:
        raise damaged
    try:
        raw = b64decode(parts[4], validate=True)
    except BadBase64:
        raise damaged from None
    if len(raw) != 33 or raw[:1] != _ED25519:
        raise damaged
    signer = Signer(parts[2], raw[1:])
    if signer.verifier.key_hash.hex() != parts[3]:
        raise damaged
    return signer


# --- the recovery copy --------------------------------------------------------------------

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: no I, L, O, U; the first three are read as 1, 1, 0."""
_READ = {letter: value for value, letter in enumerate(_LETTERS)} | {"I": 1, "L": 1, "O": 0}
_LINE = re.compile(r"^\s*(\d)\s*[.:)]?\s+(\w{4})[\s-]*(\w{4})\s*$", re.MULTILINE)
_NAME = re.compile(r"^\s*name:\s*(\S+)\s*$", re.MULTILINE)


def recovery_copy(signer: Signer) -> str:
    """Return the key as text to print and lock away: nine lines, each with its own check sum."""
    seed = signer.seed
    parts = [seed[i : i + 4] for i in range(0, 32, 4)]
    parts.append(sha256(seed).digest()[:4])
    lines = [_line(number, part) for number, part in enumerate(parts, 1)]
    return (
        "Railtrace: recovery copy of a log key. Whoever reads it can sign in your name.\n"
        f"name: {signer.name}\n"
        f"public: {signer.verifier}\n" + "".join(f"{line}\n" for line in lines)
    )


def _line(number: int, part: bytes) -> str:
    value = int.from_bytes(part + bytes([_check_sum(number, part)]), "big")
    letters = "".join(_LETTERS[value >> shift & 31] for shift in range(35, -1, -5))
    return f"{number}  {letters[:4]}-{letters[4:]}"


def _check_sum(number: int, part: bytes) -> int:
    """CRC-8 (polynomial 0x07): finds every single wrong letter, and lines in the wrong place."""
    crc = 0
    for byte in (number, *part):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def read_recovery_copy(text: str) -> Signer:
    """Read a typed-in copy. Raises ConfigError naming the line with the mistake."""
    name = _NAME.search(text)
    if name is None:
        raise ConfigError("the recovery copy has no line `name: ...`")
    typed = {int(number): (left + right).upper() for number, left, right in _LINE.findall(text)}
    parts = [_read_line(number, typed) for number in range(1, 10)]
    seed = b"".join(parts[:8])
    if sha256(seed).digest()[:4] != parts[8]:
        raise ConfigError("the lines of the recovery copy are not of one key")
    return Signer(name[1], seed)


def _read_line(number: int, typed: dict[int, str]) -> bytes:
    if number not in typed:
        raise ConfigError("line {line} of the recovery copy is missing", line=number)
    value = 0
    for place, letter in enumerate(typed[number], 1):
        if letter not in _READ:
            raise ConfigError(
                "line {line} of the recovery copy: {letter} at place {place} is not used in it",
                line=number,
                letter=letter,
                place=place,
            )
        value = value << 5 | _READ[letter]
    *part, check_sum = value.to_bytes(5, "big")
    if _check_sum(number, bytes(part)) != check_sum:
        raise ConfigError("line {line} of the recovery copy has a typing mistake", line=number)
    return bytes(part)


# --- the trust file -----------------------------------------------------------------------


def load_trust(path: Path) -> Trust:
    """Read the trust file. Raises NotFound or ProofFailed."""
    if not path.exists():
        raise NotFound("there is no trust file at {path}", path=path)
    return trust_file.read(path.read_bytes())


def save_trust(path: Path, trust: Trust) -> None:
    """Replace the trust file in one step."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(trust_file.write(trust))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)
