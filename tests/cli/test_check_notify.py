"""`check --notify`: what changed goes to the command of `[alerts]`, once, whoever checks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell, add, finished, start, write_config
from tests.cli.test_check_watch import QUICK, watch
from tests.support.secret_service import SecretService
from tests.support.zoho import Port

SCRIPT = """import os, sys
with open(sys.argv[1], "a") as file:
    file.write(sys.stdin.read().strip() + "\\n")
sys.exit(int(sys.argv[2]))
"""


class Box:
    """Where the command puts what it is given."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._path, self._script, self._home = folder / "told", folder / "notify.py", home
        self._script.write_text(SCRIPT)

    def configure(self, status: int = 0) -> None:
        command = [sys.executable, str(self._script), str(self._path), str(status)]
        write_config(self._home, QUICK, f"[alerts]\non_change = {json.dumps(command)}\n")

    @property
    def alerts(self) -> list[Any]:
        text = self._path.read_text() if self._path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def kinds(self) -> list[tuple[str, str, str]]:
        return [(alert["org"], alert["kind"], alert["verdict"]) for alert in self.alerts]


@pytest.fixture
def box(tmp_path: Path, empty_home: Path) -> Box:
    return Box(tmp_path, empty_home)


@pytest.fixture
def nordlys(real_keyring: SecretService, box: Box, shell: Shell, zoho: Port) -> Port:
    """Zoho, one org of it under watch, and the command configured."""
    box.configure()
    add(shell, zoho, "nordlys", verified=False)
    return zoho


def test_what_changed_is_sent_once_and_its_end_too(nordlys: Port, shell: Shell, box: Box) -> None:
    assert shell("check", "--notify").status == 0
    assert box.alerts == []
    nordlys.simulator.forced["nordlys"] = "FAILED"
    for _ in range(3):
        run = shell("check", "--notify")
        assert (run.status, run.err) == (2, "")
    assert box.kinds == [("nordlys", "alarm", "failed")]
    nordlys.simulator.forced["nordlys"] = "SCHEDULED"
    assert shell("check", "--notify").status == 0
    assert box.kinds[1:] == [("nordlys", "recovery", "scheduled")]


def test_without_being_asked_to_a_check_sends_nothing(nordlys: Port, shell: Shell, box: Box) -> None:
    nordlys.simulator.forced["nordlys"] = "FAILED"
    assert shell("check").status == 2
    assert box.alerts == []


def test_two_checks_at_once_send_it_once(nordlys: Port, shell: Shell, box: Box) -> None:
    assert shell("check", "--notify").status == 0
    nordlys.simulator.forced["nordlys"] = "FAILED"
    running = [start("check", "--notify") for _ in range(3)]
    assert {finished(one).status for one in running} == {2}
    assert box.kinds == [("nordlys", "alarm", "failed")]


def test_out_of_reach_is_sent_only_after_as_many_failed_looks_as_are_configured(
    nordlys: Port, shell: Shell, box: Box
) -> None:
    assert shell("check", "--notify").status == 0
    nordlys.simulator.forced["nordlys"] = "INTERNAL_ERROR"
    runs = [(shell("check", "--notify").status, len(box.alerts)) for _ in range(4)]
    assert runs == [(3, 0), (3, 0), (3, 1), (3, 1)]


def test_a_command_that_fails_is_told_on_stderr_and_changes_no_exit_code(
    real_keyring: SecretService, shell: Shell, zoho: Port, box: Box
) -> None:
    box.configure(status=7)
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "FAILED"
    run = shell("check", "--notify", "--format", "json")
    assert (run.status, run.json["level"]) == (2, "critical")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("args", [["--notify"], ["--notify", "--format", "json"]])
def test_with_nobody_to_notify_that_is_said_and_the_check_is_as_ever(
    real_keyring: SecretService, shell: Shell, zoho: Port, args: list[str]
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    run = shell("check", *args)
    assert run.status == 0
    assert "on_change" in run.err
    assert run.err.count("\n") == 1


def test_a_watch_sends_it_too(nordlys: Port, box: Box) -> None:
    with watch("--notify") as running:
        running.line()
        nordlys.simulator.forced["nordlys"] = "FAILED"
        running.until("verdict", "failed")
        nordlys.simulator.forced["nordlys"] = "SCHEDULED"
        running.until("verdict", "scheduled")
        running.running.terminate()
        status, _, err = running.ends()
    assert (status, err) == (0, b"")
    assert box.kinds[:1] == [("nordlys", "alarm", "failed")]
