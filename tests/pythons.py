"""`python -m tests.pythons`: the program under the other Pythons that it is made for.

Each that can be had gets a venv of its own and a part of the tests: every import, the pure rooms, the
app driven by Pilot, and the installed program in a real terminal. What cannot be had is told, loudly.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from typing import Final

VERSIONS: Final = ("3.11", "3.12", "3.13")
PART: Final = (
    "tests/test_portability.py",
    "tests/core",
    "tests/tui/test_app.py",
    "tests/test_end_to_end.py::test_without_an_org_the_welcome_leads_to_the_demo",
)
_OPTIONS: Final = (
    *("-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"),
    # What hypothesis looks for, and what hours of many orgs show, shows under any one Python.
    *("-m", "not hypothesis", "--ignore=tests/core/test_alert_fleet.py"),
)
_ROOT: Final = Path(__file__).parent.parent
_FETCH_SECONDS: Final = 60
_IS_WHOLE: Final = "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != sys.argv[1])"


def main() -> int:
    here = "{}.{}".format(*sys.version_info[:2])
    with tempfile.TemporaryDirectory(prefix="zbtui-pythons-") as folder, ThreadPoolExecutor() as pool:
        others = {version: Path(folder) / version for version in VERSIONS if version != here}
        made = pool.map(make_venv, others, others.values())
        statuses = [
            run(version, others[version]) if is_made else missing(version)
            for version, is_made in zip(others, made, strict=True)
        ]
    return max(statuses)


def run(version: str, folder: Path) -> int:
    step = [str(folder / "venv/bin/python"), "-m", "pytest", f"--basetemp={folder}/all", *_OPTIONS, *PART]
    sys.stdout.write(f"$ python{version} {' '.join(step[1:])}\n")
    sys.stdout.flush()
    return subprocess.run(step, cwd=_ROOT, check=False).returncode


def missing(version: str) -> int:
    sys.stdout.write(f"!!! NOT TESTED UNDER PYTHON {version}: it is not here, and cannot be had\n")
    return 0


def make_venv(version: str, folder: Path) -> bool:
    """A venv with the program and what its tests need; False: there is no such Python.

    Raises:
        CalledProcessError: it cannot be filled.
    """
    python = next(filter(lambda path: is_python(path, version), here_or_fetched(version, folder)), None)
    if python is None:
        return False
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "-q", "-e", ".[test]"], cwd=_ROOT, check=True)
    return True


def here_or_fetched(version: str, folder: Path) -> Iterator[Path]:
    """Where a Python may be; the last is fetched from the network."""
    if found := which(f"python{version}"):
        yield Path(found)
    yield from sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    yield from fetched(version, folder)


def fetched(version: str, folder: Path) -> Iterator[Path]:
    """A Python that uv brings."""
    make = [sys.executable, "-m", "venv", f"{folder}/uv"]
    get_uv = [f"{folder}/uv/bin/pip", "install", "-q", "uv"]
    get_python = [
        f"{folder}/uv/bin/uv",
        "python",
        "install",
        "--no-bin",
        "-i",
        f"{folder}/fetched",
        version,
    ]
    try:
        for step in (make, get_uv, get_python):
            subprocess.run(step, check=True, capture_output=True, timeout=_FETCH_SECONDS)
    except (subprocess.SubprocessError, OSError):
        return
    yield from (folder / "fetched").glob(f"*/bin/python{version}")


def is_python(path: Path, version: str) -> bool:
    """Whether it runs, is of this version, and can make a venv."""
    try:
        done = subprocess.run([path, "-c", _IS_WHOLE, version], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
