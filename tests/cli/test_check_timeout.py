"""`check --timeout`: what is known is printed in time, whatever hangs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    ACME_CONFIG,
    RunCommand,
    add,
    add_args,
    run_process,
    write_config,
)
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer
from zbtui.model.org import Org

PATIENCE = 8
"""Seconds for a check limited to 3 s, on a busy machine; without the limit, it takes 20 or more."""


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def add_silent(run_command: RunCommand, zoho: SimulatorServer, url: str, *names: str) -> None:
    for name in names:
        org = Org(name, "custom", zoho.org("nordlys").client_id, accounts_url=url, api_url=url)
        secrets = json.dumps({"client_secret": "secret", "refresh_token": f"demo-refresh-token-{name}"})
        run = run_command(*add_args(org), "--no-verify", stdin=secrets)
        assert run.status == 0, run.err


@pytest.mark.parametrize("orgs", [1, 32])
def test_with_a_silent_zoho_a_check_ends_in_time(
    real_keyring: SecretService,
    empty_home: Path,
    run_command: RunCommand,
    zoho: SimulatorServer,
    silent_url: str,
    orgs: int,
) -> None:
    names = [f"silent-{number}" for number in range(orgs)]
    add_silent(run_command, zoho, silent_url, *names)
    began = time.monotonic()
    run = run_process("check", "--timeout", "3s")
    assert time.monotonic() - began < PATIENCE
    assert run.status == 3
    assert run.out.startswith(f"UNKNOWN: {orgs} unknown\n")
    assert run.out.count("No answer came in the time that this look had.") == orgs
    assert run.err == ""


def test_what_is_known_by_then_is_reported_and_a_failure_decides(
    real_keyring: SecretService,
    empty_home: Path,
    run_command: RunCommand,
    zoho: SimulatorServer,
    silent_url: str,
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    add_silent(run_command, zoho, silent_url, "silent")
    zoho.simulator.forced_kinds["nordlys"] = "FAILED"
    run = run_command("check", "--timeout", "2s", "--format", "json")
    assert run.status == 2
    verdicts = {name: (org["level"], org["verdict"]) for name, org in run.orgs().items()}
    assert verdicts["nordlys"] == ("critical", "failed")
    assert verdicts["silent"][0] == "unknown"
    assert run.orgs()["silent"]["error"]["code"] == "NO_ANSWER_IN_TIME"


def test_alerts_that_take_long_do_not_hold_up_what_is_known(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    write_config(empty_home, '[alerts]\non_change = ["sleep", "20"]\n')
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "FAILED"
    began = time.monotonic()
    run = run_process("check", "--notify", "--timeout", "3s")
    assert time.monotonic() - began < PATIENCE
    assert run.status == 2
    assert run.out.startswith("CRITICAL: 1 critical\n")


def test_a_config_that_cannot_be_read_in_time_is_reported(tmp_path: Path) -> None:
    fifo = tmp_path / "config.toml"
    os.mkfifo(fifo)  # nobody writes: opening it hangs, as on a network drive
    began = time.monotonic()
    run = run_process("--config", str(fifo), "check", "--timeout", "1s")
    assert time.monotonic() - began < PATIENCE
    assert (run.status, run.out) == (3, "")
    assert "did not answer in time" in run.err


HANGING = """
import sys, threading
from zbtui import cli
from zbtui.store import database

database.Database.read = lambda *args: threading.Event().wait()  # as on a disk that does not answer
sys.exit(cli.main(["check", "--timeout", "2s", "--format", "json"]))
"""


def test_a_disk_that_hangs_is_left_behind(empty_home: Path) -> None:
    write_config(empty_home, ACME_CONFIG)
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, timeout=30, check=False)
    assert time.monotonic() - began < PATIENCE
    assert run.returncode == 3
    (org,) = json.loads(run.stdout)["orgs"]
    assert (org["name"], org["level"]) == ("acme", "unknown")
    assert run.stderr == b""
