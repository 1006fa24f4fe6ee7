"""The sufficient table on a real Spark cluster: the same expressions, the same table.

`python3 boot.py spark` installs what it needs. Elsewhere it is left out where Spark is missing.
"""

import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

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


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def started(folder, kind, *arguments):
    home = Path(find_spec("pyspark").origin).parent
    log = (folder / f"{kind}-{time.monotonic_ns()}.log").open("wb")
    return subprocess.Popen(
        ["bash", str(home / "bin/spark-class"), f"org.apache.spark.deploy.{kind}", *arguments],
        env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
             "SPARK_WORKER_DIR": str(folder / "work"), "PYSPARK_PYTHON": sys.executable},
        stdout=log, stderr=log,
    )  # fmt: skip


def until_open(port, seconds=300):
    for _ in range(seconds * 5):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens at {port}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A standalone cluster of a master and two workers; gives its address."""
    folder, port = tmp_path_factory.mktemp("spark"), free_port()
    address = f"spark://127.0.0.1:{port}"
    master = started(folder, "master.Master", "--host", "127.0.0.1", "--port", str(port),
                     "--webui-port", str(free_port()))  # fmt: skip
    workers = []
    try:
        until_open(port)
        for _ in range(2):
            at = free_port()
            workers.append(started(folder, "worker.Worker", "--host", "127.0.0.1", "--cores", "1",
                                   "--memory", "1g", "--webui-port", str(at), address))  # fmt: skip
            until_open(at)
        yield address
    finally:
        for process in (*workers, master):
            process.terminate()
            process.wait(20)


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
