"""All checks, as nox sessions (`nox --list`). Arguments after `--` go to pytest.

Sessions run in the environment of nox itself; only `pythons` and `lowest` make others, and remove them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests"]

PYTHON = (sys.executable, "-m")
PYTEST = ("pytest", "--dist", "worksteal", "-n", str(1 + (os.cpu_count() or 1)))
"""One worker for each core, and one more, as workers often wait for other processes."""
START_TEST = "tests/test_end_to_end.py::test_without_an_org_the_welcome_leads_to_the_demo"
TESTS_UNDER_EACH_PYTHON = (
    *("tests/test_portability.py", "tests/model", "tests/zoho_api", "tests/tui/test_app.py", START_TEST),
    *("-m", "not hypothesis"),  # what hypothesis finds does not depend on the version
)
TESTS_WITH_LOWEST = (
    *("tests/test_portability.py", "tests/store", "tests/zoho", "tests/hostile", "tests/tui/test_app.py"),
    *(
        "tests/model/test_secret.py",
        "tests/zoho_api/test_recurrence.py",
        "tests/check/test_openmetrics_format.py",
        START_TEST,
    ),
)
"""Together, these tests use every dependency."""
PROGRAMS = {
    "gnome-keyring-daemon": "gnome-keyring",
    "dbus-daemon": "dbus",
    "rg": "ripgrep",
    "promtool": "prometheus",
}
"""The programs that the tests run, and their Debian packages."""
SECRETS = "demo-(client-secret|refresh-token|access)-[0-9]"
"""A pattern for all secrets of the invented orgs."""
LEAST_BRANCHES = 95.0
"""The lowest branch coverage allowed for each package, in percent."""
UNMEASURED = {"tui", "demo"}
"""Packages without a lowest coverage."""


@nox.session
def lint(session: nox.Session) -> None:
    session.run(*PYTHON, "ruff", "check", ".")
    session.run(*PYTHON, "ruff", "format", "--check", ".")


@nox.session
def lock(session: nox.Session) -> None:
    """Whether `uv.lock` still matches `pyproject.toml`; needs PyPI."""
    session.run(*PYTHON, "uv", "lock", "--check", "--quiet")


@nox.session
def types(session: nox.Session) -> None:
    session.run(*PYTHON, "mypy")
    # For Windows, too: code for POSIX only must be guarded by `sys.platform`.
    session.run(*PYTHON, "mypy", "--platform", "win32", "--cache-dir", ".mypy_cache/win32", "zbtui")


@nox.session
def imports(session: nox.Session) -> None:
    session.run(str(Path(sys.executable).parent / "lint-imports"), "--no-logo")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with a real keyring service."""
    with scratch(session, PROGRAMS) as folder:
        pytest(session, folder, *PYTHON)


@nox.session
def later(session: nox.Session) -> None:
    """All tests, with the machine's date a year ahead."""
    with scratch(session, PROGRAMS | {"faketime": "faketime"}) as folder:
        pytest(session, folder, "faketime", "--exclude-monotonic", "-f", "+365d", *PYTHON)


@nox.session
def coverage(session: nox.Session) -> None:
    """All tests, with the branch coverage of each package and the lines that are not covered."""
    packages = sorted({path.parent.name for path in Path("zbtui").glob("*/__init__.py")} - UNMEASURED)
    with scratch(session, PROGRAMS) as folder:
        session.env["COVERAGE_FILE"] = str(folder / "coverage")
        measure = (*PYTHON, "coverage")
        pytest(session, folder, *measure, "run", "-m")
        session.run(*measure, "combine", "--quiet")
        poor = []
        for package in packages:
            of = f"--include=zbtui/{package}/*"
            session.run(*measure, "report", "--show-missing", "--skip-covered", of)
            session.run(*measure, "json", "--quiet", "-o", str(folder / "report.json"), of)
            percent = json.loads((folder / "report.json").read_text())["totals"]["percent_branches_covered"]
            session.log(f"{package}: {percent:.1f} % of branches")
            poor += [package] if percent < LEAST_BRANCHES else []
        if poor:
            session.error(f"under {LEAST_BRANCHES} % of branches: {', '.join(poor)}")


@nox.session
@nox.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session, version: str) -> None:
    """Some tests under each available Python, with the dependencies of `uv.lock`."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        session.skip("all of them run under it")
    with scratch(session, PROGRAMS) as folder:
        python = make_venv(session, folder, version)
        session.run(*PYTHON, "uv", "sync", "--quiet", "--active", "--frozen", "--extra", "test")
        pytest(session, folder, python, "-m", part=TESTS_UNDER_EACH_PYTHON)


@nox.session
def lowest(session: nox.Session) -> None:
    """Some tests with the lowest version of each dependency that `pyproject.toml` allows."""
    with scratch(session, PROGRAMS) as folder:
        python = make_venv(session, folder, "3.11")
        install = (*PYTHON, "uv", "pip", "install", "--quiet", "--python", python)
        session.run(*install, "--resolution", "lowest-direct", "-e", ".[test]")
        pytest(session, folder, python, "-m", part=TESTS_WITH_LOWEST)


@contextmanager
def scratch(session: nox.Session, programs: dict[str, str]) -> Iterator[Path]:
    """Install the programs that the tests run, then yield a temporary folder."""
    install_programs(session, programs)
    with tempfile.TemporaryDirectory(prefix="zbtui-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def pytest(session: nox.Session, folder: Path, *runner: str, part: tuple[str, ...] = ()) -> None:
    """Run the tests, then search the files that they wrote for secrets, even if a test failed."""
    # Unset, as the tests start hundreds of processes, and each would compile the program again.
    env = {"PYTHONDONTWRITEBYTECODE": None}
    search = ("rg", "--text", "--hidden", "--no-ignore", "--files-with-matches", SECRETS)
    try:
        session.run(*runner, *PYTEST, f"--basetemp={folder}/all", *part, *session.posargs, env=env)
    finally:
        session.run(*search, f"{folder}/all", success_codes=[1])  # nothing was found


def make_venv(session: nox.Session, folder: Path, version: str) -> str:
    """Make and activate a venv; returns the path of its Python. Skips the session without such a Python."""
    # PATH has a shim of pyenv for each version, but only the shim of the selected version works.
    pyenvs = map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin"))
    session.env["PATH"] = os.pathsep.join([*pyenvs, os.environ["PATH"]])
    session.env["UV_PYTHON_INSTALL_DIR"] = str(folder / "pythons")
    session.env["VIRTUAL_ENV"] = str(folder / "venv")
    try:
        session.run(*PYTHON, "uv", "venv", "--quiet", "--python", version, str(folder / "venv"))
    except nox.command.CommandFailed:
        session.skip(f"NOT TESTED UNDER PYTHON {version}: it is not here, and uv cannot fetch it")
    return str(folder / "venv/bin/python")


def install_programs(session: nox.Session, programs: dict[str, str]) -> None:
    """Install missing programs with apt-get, as root; otherwise fail, and name the command."""
    missing = sorted(package for program, package in programs.items() if not shutil.which(program))
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        session.error(f"the tests need {', '.join(missing)}; on Debian: sudo {' '.join(command)}")
    session.run("apt-get", "update", "-qq", success_codes=range(256))
    session.run(*command, env={"DEBIAN_FRONTEND": "noninteractive"})
