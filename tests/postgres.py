"""A real PostgreSQL server in a folder of its own, for the tests and the benchmarks."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from boot import DEBIAN_PACKAGES, find_postgres

START_LIMIT_S = 30.0
# Modest memory, since every test worker has its own server; fsync stays on, as in production.
SETTINGS = {"shared_buffers": "64MB", "max_connections": "60", "listen_addresses": "127.0.0.1"}


class PostgresMissing(Exception):
    """No PostgreSQL server is installed, or it did not start; the message says what to do."""


def programs() -> Path:
    """Return the folder of the server's programs."""
    found = find_postgres()
    if found is None:
        raise PostgresMissing(
            "PostgreSQL is missing: run `python3 boot.py test`, "
            f"or `sudo apt-get install {DEBIAN_PACKAGES['PostgreSQL']}`"
        )
    return found


def server_user() -> str:
    """Return the user the server runs as: PostgreSQL refuses to be root."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def start(command: list[str], user: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a program as the server's user."""
    is_root = os.geteuid() == 0
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user if is_root else None,
            group=pwd.getpwnam(user).pw_gid if is_root else None,
            extra_groups=[] if is_root else None,
        )


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(server: subprocess.Popen[bytes], dsn: str, log: Path) -> None:
    """Return when the server takes connections."""
    give_up_at = time.monotonic() + START_LIMIT_S
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            psycopg.connect(dsn).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise PostgresMissing(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


def make_cluster(folder: Path, user: str, log: Path) -> str:
    """Make an empty cluster; return the password of its superuser."""
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    shutil.chown(folder / "password", user)
    options = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--username=postgres"]
    access = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    initdb = [str(programs() / "initdb"), f"--pgdata={folder / 'data'}", *options, *access]
    if start(initdb, user, log).wait() != 0:
        raise PostgresMissing(f"initdb failed:\n{log.read_text(errors='replace')}")
    return password


@contextmanager
def serving(folder: Path, user: str, log: Path) -> Iterator[str]:
    """Serve a new cluster in the folder; give its address."""
    password, port = make_cluster(folder, user, log), free_port()
    settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    server = start([str(programs() / "postgres"), "-D", f"{folder}/data", *options], user, log)
    try:
        dsn = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        wait_until_ready(server, dsn, log)
        yield dsn
    finally:
        # PostgreSQL's "fast" stop: it does not wait for clients to leave.
        server.send_signal(signal.SIGINT)
        server.wait()


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server on a loopback port; give the address of its superuser and stop it after."""
    folder, user = Path(tempfile.mkdtemp(prefix="railtrace-pg-")), server_user()
    shutil.chown(folder, user)
    log = folder.with_suffix(".log")
    try:
        with serving(folder, user, log) as dsn:
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)
