"""`check --notify`: each change goes to the command of `[alerts]` once, whichever process checks."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_runner import RunCommand, add, start_process, wait_for_result, write_config
from tests.cli.test_check_watch import QUICK, run_watch
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer

SCRIPT = """import os, sys
with open(sys.argv[1], "a") as file:
    file.write(sys.stdin.read().strip() + "\\n")
sys.exit(int(sys.argv[2]))
"""


class AlertLog:
    """The alerts that the command of `[alerts]` was given, in a file."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._path, self._script, self._home = folder / "alerts", folder / "notify.py", home
        self._script.write_text(SCRIPT)

    def configure(self, status: int = 0) -> None:
        command = [sys.executable, str(self._script), str(self._path), str(status)]
        write_config(self._home, QUICK, f"[alerts]\non_change = {json.dumps(command)}\n")

    @property
    def alerts(self) -> list[Any]:
        text = self._path.read_text() if self._path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def kinds(self) -> list[tuple[str | None, str, str]]:
        return [(alert["org"], alert["kind"], alert["verdict"]) for alert in self.alerts]


@pytest.fixture
def alert_log(tmp_path: Path, empty_home: Path) -> AlertLog:
    return AlertLog(tmp_path, empty_home)


@pytest.fixture
def server_with_nordlys(
    real_keyring: SecretService, alert_log: AlertLog, run_command: RunCommand, zoho: SimulatorServer
) -> SimulatorServer:
    """Zoho with nordlys under watch, and the command of `[alerts]` configured."""
    alert_log.configure()
    add(run_command, zoho, "nordlys", verified=False)
    return zoho


def test_what_changed_is_sent_once_and_its_end_too(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog
) -> None:
    assert run_command("check", "--notify").status == 0
    assert alert_log.alerts == []
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
    for _ in range(3):
        run = run_command("check", "--notify")
        assert (run.status, run.err) == (2, "")
    assert alert_log.kinds == [("nordlys", "alarm", "failed")]
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "COMPLETED"
    assert run_command("check", "--notify").status == 0
    assert alert_log.kinds[1:] == [("nordlys", "recovery", "completed")]


def test_without_being_asked_to_a_check_sends_nothing(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog
) -> None:
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
    assert run_command("check").status == 2
    assert alert_log.alerts == []


def test_two_checks_at_once_send_it_once(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog
) -> None:
    assert run_command("check", "--notify").status == 0
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
    running = [start_process("check", "--notify") for _ in range(3)]
    assert {wait_for_result(one).status for one in running} == {2}
    assert alert_log.kinds == [("nordlys", "alarm", "failed")]


def test_an_org_removed_from_the_config_by_hand_is_notified_once(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog, empty_home: Path
) -> None:
    add(run_command, server_with_nordlys, "heron", verified=False)
    assert run_command("check", "--notify").status == 0
    config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    assert run_command("remove", "heron", "--yes").status == 0
    config.write_text(config.read_text().partition("[[org]]")[0])
    soon = time.time() + 4  # a busy machine may take some seconds for the check
    os.utime(config, (soon, soon))
    assert run_command("check", "--notify").status == 3
    assert alert_log.kinds == []  # an editor may be writing the rest
    os.utime(config, (1_700_000_000, 1_700_000_000))
    for _ in range(2):
        assert run_command("check", "--notify").status == 3
    assert alert_log.kinds == [("nordlys", "left", "not_watched")]


def test_no_command_of_a_config_that_others_may_write_is_run_until_it_is_ones_own_again(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog, empty_home: Path
) -> None:
    config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    config.chmod(0o666)
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
    run = run_command("check", "--notify")
    assert (run.status, alert_log.kinds) == (2, [])
    assert f"Others may write {config}" in run.err
    assert "chmod go-w" in run.err
    doctor = run_command("doctor")
    assert (doctor.status, f"Others may write {config}" in doctor.out) == (2, True)
    config.chmod(0o644)
    assert run_command("check", "--notify").err == ""
    assert alert_log.kinds == [("nordlys", "alarm", "failed")]


def test_out_of_reach_is_sent_only_after_as_many_failed_polls_as_are_configured(
    server_with_nordlys: SimulatorServer, run_command: RunCommand, alert_log: AlertLog
) -> None:
    assert run_command("check", "--notify").status == 0
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "INTERNAL_ERROR"
    runs = [(run_command("check", "--notify").status, len(alert_log.alerts)) for _ in range(4)]
    assert runs == [(3, 0), (3, 0), (3, 1), (3, 1)]


def test_a_command_that_fails_is_shown_on_stderr_and_changes_no_exit_code(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer, alert_log: AlertLog
) -> None:
    alert_log.configure(status=7)
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "FAILED"
    run = run_command("check", "--notify", "--format", "json")
    assert (run.status, run.json["level"]) == (2, "critical")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("args", [["--notify"], ["--notify", "--format", "json"]])
def test_without_a_channel_a_message_says_so_and_the_check_is_unchanged(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer, args: list[str]
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    run = run_command("check", *args)
    assert run.status == 0
    assert "on_change" in run.err
    assert run.err.count("\n") == 1


def test_a_watch_sends_it_too(server_with_nordlys: SimulatorServer, alert_log: AlertLog) -> None:
    with run_watch("--notify") as running:
        running.line()
        server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
        running.until("verdict", "failed")
        server_with_nordlys.simulator.forced_kinds["nordlys"] = "COMPLETED"
        running.until("verdict", "completed")
        running.running.terminate()
        status, _, err = running.ends()
    assert (status, err) == (0, b"")
    assert alert_log.kinds[:1] == [("nordlys", "alarm", "failed")]
