"""`python -m tests`: every check there is. Options go to pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = {"gnome-keyring-daemon": "gnome-keyring", "dbus-daemon": "dbus", "rg": "ripgrep"}
"""What the tests run for real, and the Debian package that it is in."""
SECRETS = "demo-(client-secret|refresh-token|access)-[0-9]"
"""Every secret of the invented orgs, as the simulator gives them out."""
EACH_CORE = ["-n", "auto", "--dist", "worksteal"]


def main() -> int:
    if not install_programs():
        return 1
    here = Path(sys.executable).parent
    written = tempfile.mkdtemp(prefix="zbtui-tests-")
    steps = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        # What only POSIX has stands behind a guard.
        [sys.executable, "-m", "mypy", "--platform", "win32", "--cache-dir", ".mypy_cache/win32", "zbtui"],
        [str(here / "lint-imports"), "--no-logo"],
        [sys.executable, "-m", "pytest", *EACH_CORE, f"--basetemp={written}/all", *sys.argv[1:]],
    ]
    for step in steps:
        sys.stdout.write(f"$ {' '.join([Path(step[0]).name, *step[1:]])}\n")
        sys.stdout.flush()
        if status := subprocess.run(step, cwd=ROOT, check=False).returncode:
            return status
    return search_secrets(written)


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
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    return subprocess.run(command, env=quiet, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
