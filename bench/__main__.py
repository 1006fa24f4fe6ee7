"""`make bench`: every measurement in turn, as the table of the README.

`python -m bench record views` runs some of them; `--write` puts the table into the README.
"""

import importlib
import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.table import HEAD, Row

PARTS = (
    "record", "merkle", "verify", "views", "pages", "life", "vibration", "depot", "queues",
    "devices", "recorder", "due", "opening", "reliability", "release", "week",
)  # fmt: skip
_MARK = "<!-- bench -->"


def machine() -> str:
    """Say on what and when this was measured."""
    model = "unknown processor"
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found.group(1) if found else model
    except OSError:
        pass
    cores = os.cpu_count()
    day = datetime.now(UTC).date()
    return f"{day}, {cores} cores of {model}, Python {platform.python_version()}"


def main(arguments: list[str]) -> int:
    """Measure, print and perhaps write the table; 1 when a bar is missed."""
    wanted = [a for a in arguments if not a.startswith("-")] or list(PARTS)
    rows: list[Row] = []
    for part in wanted:
        print(f"{part} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.bench_{part}").rows()
        for row in rows[-20:]:
            print(row, file=sys.stderr, flush=True)
    table = "\n".join([f"Measured {machine()}; ratios are medians of interleaved runs.", "", HEAD,
                       *map(str, rows)])  # fmt: skip
    print(table)
    if "--write" in arguments:
        _write(table)
    return 0 if all(row.met for row in rows) else 1


def _write(table: str) -> None:
    readme = Path("README.md")
    before, _, rest = readme.read_text("utf-8").partition(_MARK)
    after = rest[rest.index("\n## ") :]
    readme.write_text(f"{before}{_MARK}\n\n{table}\n{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
