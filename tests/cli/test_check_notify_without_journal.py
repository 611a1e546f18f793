"""`check --notify` while the journal cannot be kept, each time in a new process, as cron does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.cli.command_runner import RunCommand, add, run_process
from tests.cli.test_check_notify import AlertLog, alert_log
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer

__all__ = ["alert_log"]

NOT_KEPT = (None, "journal", "not_kept")
KEPT_AGAIN = (None, "journal_over", "kept")
BLIND = ("nordlys", "alarm", "cannot_tell")
FAILED = ("nordlys", "alarm", "failed")
WELL = ("nordlys", "recovery", "completed")


@contextmanager
def no_folder(state: Path) -> Iterator[None]:
    """Put a file in place of the state folder, so that lock files are impossible, too."""
    away = state.rename(state.with_name("away"))
    state.touch()
    try:
        yield
    finally:
        state.unlink()
        away.rename(state)


@contextmanager
def full_disk(state: Path) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(state)]
    kept = {path.relative_to(state): path.read_bytes() for path in state.rglob("*") if path.is_file()}
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk")
    try:
        for name, content in kept.items():
            (state / name).parent.mkdir(exist_ok=True)
            (state / name).write_bytes(content)
        with pytest.raises(OSError, match="space"), (state / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", str(state)], check=True)


class Cron:
    """Runs `check --notify` of one org, as cron does."""

    def __init__(self, zoho: SimulatorServer, log: AlertLog, state: Path) -> None:
        self._zoho, self._log = zoho, log
        self.state = state

    def alerts_of_next_check(self, kind: str, status: int) -> list[tuple[str | None, str, str]]:
        """Force Zoho's answer, run a check, and return its alerts."""
        before = len(self._log.kinds)
        self._zoho.simulator.forced_kinds["nordlys"] = kind
        assert run_process("check", "--notify").status == status
        return self._log.kinds[before:]


@pytest.fixture
def cron(
    real_keyring: SecretService,
    alert_log: AlertLog,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
) -> Cron:
    alert_log.configure()
    add(run_command, zoho, "nordlys", verified=False)
    cron = Cron(zoho, alert_log, empty_home / "xdg_state_home" / "zbtui")
    assert cron.alerts_of_next_check("SCHEDULED", 0) == []
    return cron


Broken = Callable[[Path], AbstractContextManager[None]]


@pytest.mark.parametrize("broken", [no_folder, full_disk])
def test_each_change_and_the_state_of_the_journal_are_notified_once(broken: Broken, cron: Cron) -> None:
    with broken(cron.state):
        assert cron.alerts_of_next_check("INTERNAL_ERROR", 3) == [
            NOT_KEPT,
            BLIND,
        ]  # at once: without a journal, failed polls are not counted
        assert cron.alerts_of_next_check("FAILED", 2) == [FAILED]
        assert cron.alerts_of_next_check("FAILED", 2) == []
        assert cron.alerts_of_next_check("COMPLETED", 0) == [WELL]
        assert cron.alerts_of_next_check("COMPLETED", 0) == []
    assert cron.alerts_of_next_check("COMPLETED", 0) == [KEPT_AGAIN]
    assert cron.alerts_of_next_check("INTERNAL_ERROR", 3) == []  # the journal counts failed polls again
