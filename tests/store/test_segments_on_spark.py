"""The sufficient table on a real Spark cluster: the same expressions, the same table.

`python3 boot.py spark` installs what it needs. Elsewhere it is left out where Spark is missing.
"""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from railtrace.analysis.sufficient import KEYS
from railtrace.store.segments import (
    LIVES,
    sufficient_by_duckdb,
    sufficient_by_spark,
    write_parquet,
)

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(
        find_spec("pyspark") is None and "RAILTRACE_SPARK" not in os.environ,
        reason="Spark is not installed: python3 boot.py spark",
    ),
]
LIVES_OF_ONE = 20_000
START_S = 600
"""In which a cluster has to start: three virtual machines, perhaps beside twenty other programs."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass(frozen=True)
class Daemon:
    """A Spark process and where it writes what it has to say."""

    process: subprocess.Popen
    log: Path

    def require_alive(self):
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"ended with {code}:\n{self.log.read_text('utf-8')[-2000:]}")


def started(folder, kind, *arguments):
    home = Path(find_spec("pyspark").origin).parent
    log = folder / f"{kind}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        return Daemon(subprocess.Popen(
            ["bash", str(home / "bin/spark-class"), f"org.apache.spark.deploy.{kind}", *arguments],
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
                 "SPARK_WORKER_DIR": str(folder / "work"), "PYSPARK_PYTHON": sys.executable},
            stdout=file, stderr=file,
        ), log)  # fmt: skip


def workers_of(web_port):
    """Return how many workers the master has registered; none while it does not answer."""
    try:
        with urlopen(f"http://127.0.0.1:{web_port}/json/", timeout=10) as page:
            return json.load(page)["aliveworkers"]
    except OSError:
        return 0


def until(holds, daemons, seconds=START_S):
    """Wait for as long as a laden machine may need; at once to an end where a process has ended."""
    ends = time.monotonic() + seconds
    while not holds():
        for daemon in daemons:
            daemon.require_alive()
        if time.monotonic() > ends:
            said = "\n".join(daemon.log.read_text("utf-8")[-1000:] for daemon in daemons)
            raise TimeoutError(f"Spark did not start in {seconds} s:\n{said}")
        time.sleep(0.5)


def is_open(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A standalone cluster of a master and two workers that it knows; gives its address."""
    folder, port, web_port = tmp_path_factory.mktemp("spark"), free_port(), free_port()
    address = f"spark://127.0.0.1:{port}"
    daemons = [started(folder, "master.Master", "--host", "127.0.0.1", "--port", str(port),
                       "--webui-port", str(web_port))]  # fmt: skip
    try:
        # A worker gives up on a master that does not answer: it is started when one listens.
        until(lambda: is_open(port), daemons)
        daemons += [
            started(folder, "worker.Worker", "--host", "127.0.0.1", "--cores", "1",
                    "--memory", "1g", "--webui-port", str(free_port()), address)
            for _ in range(2)
        ]  # fmt: skip
        until(lambda: workers_of(web_port) == 2, daemons)
        yield address
    finally:
        for daemon in reversed(daemons):
            daemon.process.terminate()
        for daemon in daemons:
            daemon.process.wait(60)


@pytest.fixture(scope="module")
def enterprises(tmp_path_factory):
    """Sealed lives of two enterprises."""
    folder, rng = tmp_path_factory.mktemp("lives"), np.random.default_rng(5)
    paths = [folder / f"{name}.parquet" for name in ("east", "west")]
    for path in paths:
        entry = rng.uniform(0, 4e5, LIVES_OF_ONE)
        leave = entry + rng.uniform(1, 9e4, LIVES_OF_ONE)
        write_parquet(path, LIVES, [
            ("locomotive", path.stem, f"v{n % 50}", f"u{n}", "", f"type {n % 12}", f"s{n % 4}",
             ("", "gentle", "rough")[n % 3], a, b, bool(n % 41 == 0), "")
            for n, (a, b) in enumerate(zip(entry.tolist(), leave.tolist(), strict=True))
        ], {"table": "lives"})  # fmt: skip
    return paths


def same(one, two):
    assert [row[: len(KEYS)] for row in one] == [row[: len(KEYS)] for row in two]
    for a, b in zip(one, two, strict=True):
        assert a[len(KEYS) :] == pytest.approx(b[len(KEYS) :], rel=1e-9)


def test_a_cluster_of_two_workers_gives_the_table_that_duckdb_gives(cluster, enterprises):
    same(sufficient_by_spark(enterprises, cluster), sufficient_by_duckdb(enterprises))


def test_tables_of_two_enterprises_are_made_where_each_is_and_add_up(enterprises):
    whole = sufficient_by_spark(enterprises, "local[2]")
    parts = [row for path in enterprises for row in sufficient_by_duckdb([path])]
    added = {}
    for row in parts:
        key = row[: len(KEYS)]
        added[key] = np.add(added.get(key, 0.0), row[len(KEYS) :])
    same(whole, sorted((*key, *sums.tolist()) for key, sums in added.items()))
