"""Streams that are closed, full, or unable to encode: data stays data, and the exit status stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_runner import ACME_CONFIG, COMMAND, CRASH_MARKS, write_config

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")

NO_STDERR = ["2>&-", "2>/dev/full"]
NEXT_FILE = """
import os, sys
from zbtui import cli

cli.main(["paths"])
sys.exit(os.open(os.devnull, os.O_RDONLY))
"""


def run_in_shell(redirections: str, *command: str) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-c", f'exec "$@" {redirections}', "sh", *command]
    run = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert not any(mark in run.stdout + run.stderr for mark in CRASH_MARKS)
    return run


@pytest.mark.parametrize("redirection", NO_STDERR)
@pytest.mark.parametrize(
    ("args", "status"),
    [
        ("check --frequently", 3),
        ("nonsense", 3),
        ("check nobody", 3),
        ("list", 0),
        ("events", 0),
        ("remove nobody --yes", 3),
        ("remove acme", 3),
        ("add acme", 3),
    ],
)
def test_without_a_usable_stderr_nothing_is_written_and_nothing_fails(
    empty_home: Path, redirection: str, args: str, status: int
) -> None:
    run = run_in_shell(redirection, *COMMAND, *args.split())
    assert (run.returncode, run.stdout) == (status, "")


@pytest.mark.parametrize("redirection", NO_STDERR)
def test_a_message_of_a_check_does_not_get_into_its_json(empty_home: Path, redirection: str) -> None:
    write_config(empty_home, ACME_CONFIG)
    run = run_in_shell(redirection, *COMMAND, "check", "--notify", "--format", "json")
    assert run.returncode == 3
    assert json.loads(run.stdout)["level"] == "unknown"


@pytest.mark.parametrize(("redirections", "args"), [("1>&-", "check"), ("<&- 1>&- 2>&-", "check")])
def test_without_a_stdout_the_exit_status_is_the_only_output(
    empty_home: Path, redirections: str, args: str
) -> None:
    run = run_in_shell(redirections, *COMMAND, args)
    assert (run.returncode, run.stdout, run.stderr) == (3, "", "")


@pytest.mark.parametrize("redirections", ["2>&-", "1>&- 2>&-", "<&- 1>&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(empty_home: Path, redirections: str) -> None:
    """Otherwise a library's output to stderr could go into the journal."""
    assert run_in_shell(redirections, sys.executable, "-c", NEXT_FILE).returncode > 2


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_a_stream_that_lacks_our_glyphs_gets_others_and_never_those_of_unknown(
    empty_home: Path, encoding: str
) -> None:
    write_config(empty_home, "[alerts]\nbell = false\n", ACME_CONFIG.replace("acme", "Zürich ✔"))
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    run = subprocess.run([*COMMAND, "check"], capture_output=True, env=environ, timeout=60, check=False)
    lines = run.stdout.decode(encoding).splitlines()
    assert lines[0] == "UNKNOWN: 1 unknown"
    assert lines[1].startswith("? Zürich + " if encoding != "ascii" else "? Zurich + ")
    assert lines[1].count("?") == 1
