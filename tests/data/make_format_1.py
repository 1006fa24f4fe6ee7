"""Make `format-1.zip`, a data folder of format 1: run once, when the format was current.

    python -m tests.data.make_format_1

The folder is kept as bytes: a later program has to open what an earlier one wrote, and no
later program can be asked to write it.
"""

import shutil
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path

from railtrace.app import App
from railtrace.store.keys import save_key
from railtrace.trace.checkpoint import Signer
from railtrace.trace.operation import Corrected, Installed, Number, Ran, Registered
from tests.operating.depot import NOW, Clock, config_in, inspected, record
from tests.operating.served import railtrace

TARGET = Path(__file__).with_name("format-1.zip")
PASSWORD = "for-tests-only"
SEED = bytes(range(32))


def fill(app: App) -> None:
    """Record a wagon with a wheelset, its runs, an inspection with a photo, and a correction."""
    site, then = "dushanbe", NOW - timedelta(days=60)
    number = Number(scheme="network8", value="52000007")
    record(app, [
        Registered(id="r-1", happened_at=then, units=("u-wagon",), site=site, type="gondola",
                   numbers=(number,)),
        Registered(id="r-2", happened_at=then, units=("u-wheelset",), site=site, type="wheelset"),
        Installed(id="i-1", happened_at=then + timedelta(days=1), units=("u-wheelset",), site=site,
                  carrier="u-wagon", position="axle-1"),
        Ran(id="k-1", happened_at=then + timedelta(days=2), units=("u-wagon",), site=site,
            distance_km="120.5"),
        Corrected(id="c-1", happened_at=NOW, site=site, target="k-1", action="void",
                  reason="the day of another wagon"),
        inspected(1, files=(app.evidence.put(b"a photo", "photo.jpg", "image/jpeg", "photo"),)),
    ])  # fmt: skip


def main() -> None:
    """Write the folder into the zip."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = config_in(folder)
        save_key(config.keys_folder, Signer("tests", SEED))
        app = App(config, Clock())
        app.prepare()
        fill(app)
        app.catch_up()
        app.sign_heads()
        app.stop()
        made = railtrace(
            folder, "user", "create", "ann", "--role", "worker", RAILTRACE_PASSWORD=PASSWORD
        )
        assert made.returncode == 0, made.stderr
        shutil.rmtree(config.data_folder / "evidence/incoming")
        with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))


if __name__ == "__main__":
    main()
