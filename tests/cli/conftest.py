"""Fixtures of the command line."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest

from tests.cli.command_runner import CRASH_MARKS, CommandResult, RunCommand, cached_ssl_context
from tests.cli.sign_in_input import StderrWatcher
from tests.conftest import use_secret_service
from tests.support.secret_service import SecretService, secret_service
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from zbtui.cli import main
from zbtui.clock import SystemClock


@pytest.fixture
def run_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stderr_watcher: StderrWatcher
) -> Iterator[RunCommand]:
    """Run commands in this process, which is faster than a process for each."""
    monkeypatch.setattr(httpx, "create_ssl_context", cached_ssl_context)
    # A shorter key in the same protocol: the usual one takes half the time of each keyring call.
    short = SimpleNamespace(urandom=lambda length: os.urandom(16))
    monkeypatch.setattr("secretstorage.dhcrypto.os", short)

    def run(*args: str, stdin: str = "") -> CommandResult:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with stderr_watcher.replace_stderr():
            try:
                status: object = main(args)
            except SystemExit as stop:
                status = stop.code
        out, err = capsys.readouterr()
        assert isinstance(status, int)
        assert not any(word in err for word in CRASH_MARKS), err
        return CommandResult(status, out, err)

    yield run
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


@pytest.fixture(autouse=True)
def no_desktop_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open no browser on the developer's desktop."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stderr_watcher() -> Iterator[StderrWatcher]:
    """Watches the stderr of commands in this process, and acts on it as a person does."""
    person = StderrWatcher()
    yield person
    person.join()


@pytest.fixture(scope="session")
def _zoho() -> Iterator[SimulatorServer]:
    with run_simulator_server(make_simulator(SystemClock())) as port:
        yield port


@pytest.fixture
def zoho(_zoho: SimulatorServer) -> SimulatorServer:
    # The server is reset, not restarted: ending it takes longer than most tests.
    vars(_zoho.simulator).clear()
    vars(_zoho.simulator).update(vars(make_simulator(SystemClock())))
    return _zoho


@pytest.fixture(scope="session")
def _locked_service() -> Iterator[SecretService]:
    with secret_service(unlocked=False) as service:
        yield service


@pytest.fixture
def locked_keyring(_locked_service: SecretService, monkeypatch: pytest.MonkeyPatch) -> SecretService:
    use_secret_service(_locked_service, monkeypatch)
    return _locked_service


@pytest.fixture
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """An unlocked keyring for a single test, which may lock it."""
    with secret_service() as service:
        use_secret_service(service, monkeypatch)
        yield service
