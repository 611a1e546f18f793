"""`python -m tests`: every check there is. Options go to pytest.

With `--coverage` first: the tests alone, and how many branches they go through, room by room.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = {"gnome-keyring-daemon": "gnome-keyring", "dbus-daemon": "dbus", "rg": "ripgrep"}
"""What the tests run for real, and the Debian package that it is in."""
SECRETS = "demo-(client-secret|refresh-token|access)-[0-9]"
"""Every secret of the invented orgs, as the simulator gives them out."""
AT_ONCE = ["-n", str(1 + (os.cpu_count() or 1)), "--dist", "worksteal"]
"""A worker a core, and one for while the others wait for another process."""
PYTHON = [sys.executable, "-m"]


def main() -> int:
    if not install_programs():
        return 1
    if sys.argv[1:2] == ["--coverage"]:
        return count_branches(sys.argv[2:])
    return check_code() or test(PYTHON, sys.argv[1:])


def check_code() -> int:
    """What reads the code without running it, all at once."""
    steps = [
        [*PYTHON, "ruff", "check", "."],
        [*PYTHON, "ruff", "format", "--check", "."],
        [*PYTHON, "mypy"],
        # What only POSIX has stands behind a guard.
        [*PYTHON, "mypy", "--platform", "win32", "--cache-dir", ".mypy_cache/win32", "zbtui"],
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
    ]
    with ThreadPoolExecutor() as pool:
        done = pool.map(
            partial(subprocess.run, cwd=ROOT, check=False, capture_output=True, text=True), steps
        )
        status = 0
        for step, one in zip(steps, done, strict=True):
            say(step)
            sys.stdout.write(one.stdout + one.stderr)
            status = status or one.returncode
    return status


def test(python: list[str], options: list[str]) -> int:
    """Every test, and a search for secrets in what they wrote.

    Args:
        python: what runs a module.
    """
    written = tempfile.mkdtemp(prefix="zbtui-tests-")
    step = [*python, "pytest", *AT_ONCE, f"--basetemp={written}/all", *options]
    say(step)
    # The tests start hundreds of processes: each would compile the program anew.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    status = subprocess.run(step, cwd=ROOT, env=env, check=False).returncode
    return status or search_secrets(written)


def count_branches(options: list[str]) -> int:
    """Every test, measured; a failure too where a room has too few branches gone through."""
    from tests.branches import measured, report  # here, for only this needs coverage

    with measured() as data:
        status = test([*PYTHON, "coverage", "run", "-m"], options)
        # Where a test failed the figures still hold; where pytest itself ended badly there are none.
        return (report(data) if status in (0, 1) else 0) or status


def say(step: list[str]) -> None:
    sys.stdout.write(f"$ {' '.join([Path(step[0]).name, *step[1:]])}\n")
    sys.stdout.flush()


def search_secrets(written: str) -> int:
    """Nothing that any test had zbtui write, config, journal or log, holds a secret."""
    search = ["rg", "--text", "--hidden", "--no-ignore", "--files-with-matches", SECRETS, written]
    found = subprocess.run(search, capture_output=True, text=True, check=False)
    shutil.rmtree(written, ignore_errors=True)
    sys.stdout.write(f"$ rg '{SECRETS}'\n{found.stdout or 'no secret in anything that was written'}\n")
    return 0 if found.returncode == 1 else 1


def install_programs() -> bool:
    """The real Secret Service that the tests talk to, where it is missing and may be installed."""
    missing = sorted(package for program, package in PROGRAMS.items() if not shutil.which(program))
    if not missing:
        return True
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        sys.stderr.write(f"The tests need {', '.join(missing)}; on Debian: sudo {' '.join(command)}\n")
        return False
    say(command)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    return subprocess.run(command, env=quiet, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
