"""`check --watch` as a process: a line for each change at once, until the process is stopped."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_runner import (
    COMMAND,
    CRASH_MARKS,
    RunCommand,
    add,
    assert_no_secret_in,
    count_token_requests,
    run_process,
    start_process,
    write_config,
)
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer

TIMEOUT_SECONDS = 30.0
QUICK = '[watch]\nevery = "1s"\nnear_every = "1s"\n'
FIELDS = ["schema", "at", "org", "kind", "before", "after", "level", "headline"]


class WatchProcess:
    """A running `check --watch`, read line by line."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stdout
        assert running.stderr
        self.running = running
        self.out, self.err = running.stdout, running.stderr
        self._read = b""

    def line(self) -> Any:
        """Wait for the next line, and parse it."""
        while b"\n" not in self._read:
            assert select.select([self.out], [], [], TIMEOUT_SECONDS)[0], "no line came"
            more = os.read(self.out.fileno(), 1 << 16)
            assert more, self.err.read()
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)

    def until(self, kind: str, after: str | None) -> Any:
        """Read on to the line of this kind whose `after` is this."""
        while (line := self.line())["kind"] != kind or line["after"] != after:
            pass
        return line

    def ends(self) -> tuple[int, bytes, bytes]:
        """Wait for the end: exit status, unread stdout and stderr."""
        status = self.running.wait(TIMEOUT_SECONDS)
        err = self.err.read()
        assert not any(word.encode() in err for word in CRASH_MARKS), err
        return status, self._read + self.out.read(), err


@contextmanager
def run_watch(*args: str, **environ: str) -> Iterator[WatchProcess]:
    with start_process("check", "--watch", *args, **environ) as running:
        try:
            yield WatchProcess(running)
        finally:
            running.kill()


@pytest.fixture
def server_with_nordlys(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> SimulatorServer:
    """Zoho with nordlys under watch at short intervals."""
    write_config(empty_home, QUICK)
    add(run_command, zoho, "nordlys", verified=False)
    return zoho


def test_each_change_comes_as_a_line_while_it_is_watched(
    server_with_nordlys: SimulatorServer, run_command: RunCommand
) -> None:
    with run_watch() as running:
        state = running.line()
        assert list(state) == FIELDS
        assert (state["schema"], state["org"], state["kind"]) == (1, "nordlys", "state")
        assert (state["before"], state["after"], state["level"]) == (None, "scheduled", "ok")
        server_with_nordlys.simulator.forced_kinds["nordlys"] = "FAILED"
        changed = running.until("verdict", "failed")
        assert list(changed) == FIELDS
        assert (changed["before"], changed["level"]) == ("scheduled", "critical")
        server_with_nordlys.simulator.forced_kinds["nordlys"] = "COMPLETED"
        assert running.until("verdict", "completed")["before"] == "failed"
        running.running.send_signal(signal.SIGTERM)
        status, _, err = running.ends()
        assert (status, err) == (0, b"")
    assert count_token_requests(server_with_nordlys) == 1
    noted = [json.loads(line) for line in run_command("events", "--json").out.splitlines()]
    verdicts = [(line["before"], line["after"]) for line in noted if line["kind"] == "verdict"]
    assert verdicts == [(None, "scheduled"), ("scheduled", "failed"), ("failed", "completed")]


def test_an_interrupt_ends_it_well(server_with_nordlys: SimulatorServer) -> None:
    with run_watch("--format", "json") as running:
        running.line()
        running.running.send_signal(signal.SIGINT)
        assert running.ends() == (0, b"", b"")


def test_ctrl_c_ends_it_well_in_a_terminal(server_with_nordlys: SimulatorServer) -> None:
    with run_in_terminal([*COMMAND, "check", "--watch"], columns=250) as terminal:
        terminal.wait_for_text('"kind": "state"')
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 0
        assert not any(word in terminal.text for word in CRASH_MARKS)


def test_it_ends_by_itself_when_its_reader_has_gone_though_nothing_changes(
    server_with_nordlys: SimulatorServer,
) -> None:
    with run_watch() as running:
        running.line()
        running.out.close()
        assert running.running.wait(TIMEOUT_SECONDS) == 0
        assert running.err.read() == b""


def test_a_pipeline_that_has_had_enough_ends(server_with_nordlys: SimulatorServer) -> None:
    command = " ".join([*COMMAND, "check", "--watch"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        check=False,
        timeout=2 * TIMEOUT_SECONDS,
    )
    line, status = done.stdout.splitlines()
    assert (json.loads(line)["kind"], status, done.stderr) == ("state", b"0", b"")


def test_an_org_that_is_added_meanwhile_is_watched_and_one_that_is_removed_is_not(
    server_with_nordlys: SimulatorServer, run_command: RunCommand
) -> None:
    with run_watch() as running:
        running.line()
        add(run_command, server_with_nordlys, "kestrel", verified=False)
        came = running.line()
        assert (came["org"], came["kind"]) == ("kestrel", "state")
        assert run_command("remove", "kestrel", "--yes").status == 0
        gone = running.until("removed", None)
        assert gone["org"] == "kestrel"


def test_what_is_wrong_with_the_config_is_shown_on_stderr_and_the_watch_goes_on(
    server_with_nordlys: SimulatorServer, empty_home: Path
) -> None:
    with run_watch() as running:
        running.line()
        config = write_config(empty_home, "[[org]\n")
        assert select.select([running.err], [], [], TIMEOUT_SECONDS)[0]
        message = running.err.readline().decode()
        assert message.startswith("zbtui: ")
        assert str(config) in message
        assert running.running.poll() is None


def test_nothing_that_it_prints_is_a_secret(server_with_nordlys: SimulatorServer) -> None:
    server_with_nordlys.simulator.forced_kinds["nordlys"] = "invalid_code"
    with run_watch() as running:
        first = running.line()
        assert (first["after"], first["level"]) == ("cannot_tell", "unknown")
        running.running.send_signal(signal.SIGTERM)
        _, out, err = running.ends()
        assert_no_secret_in(json.dumps(first).encode(), out, err)


def test_output_that_cannot_be_written_is_unknown_and_no_bug(server_with_nordlys: SimulatorServer) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "check", "--watch"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    assert done.returncode == 3
    assert done.stderr == b"zbtui: No space left on device.\n"


def test_without_an_org_it_waits_for_one(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    write_config(empty_home, QUICK)
    with run_watch() as running:
        assert run_process("list").out == ""
        add(run_command, zoho, "nordlys", verified=False)
        assert running.line()["org"] == "nordlys"
