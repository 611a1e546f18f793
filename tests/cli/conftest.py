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

from tests.cli.shell import (
    NO_CRASH,
    Run,
    Shell,
    certificates,
)
from tests.cli.signing import Onlooker
from tests.conftest import use_keyring_of
from tests.support.secret_service import SecretService, secret_service
from tests.support.zoho import Port, make_simulator, on_port
from zbtui.cli import main
from zbtui.clock import SystemClock


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, onlooker: Onlooker
) -> Iterator[Shell]:
    """A command in this process: the same, and sooner."""
    monkeypatch.setattr(httpx, "create_ssl_context", certificates)
    # The same protocol with a shorter key of its own: this took half the time of each keyring call.
    short = SimpleNamespace(urandom=lambda length: os.urandom(16))
    monkeypatch.setattr("secretstorage.dhcrypto.os", short)

    def run(*args: str, stdin: str = "") -> Run:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with onlooker.watching():
            try:
                status: object = main(args)
            except SystemExit as stop:
                status = stop.code
        out, err = capsys.readouterr()
        assert isinstance(status, int)
        assert not any(word in err for word in NO_CRASH), err
        return Run(status, out, err)

    yield run
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing opens on the developer's desktop."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def onlooker() -> Iterator[Onlooker]:
    """A person who watches what a command in this process writes, and acts on it."""
    person = Onlooker()
    yield person
    person.join()


@pytest.fixture(scope="session")
def _served() -> Iterator[Port]:
    with on_port(make_simulator(SystemClock())) as port:
        yield port


@pytest.fixture
def zoho(_served: Port) -> Port:
    # As good as a new one: to end a server takes longer than most of the tests.
    vars(_served.simulator).clear()
    vars(_served.simulator).update(vars(make_simulator(SystemClock())))
    return _served


@pytest.fixture(scope="module")
def locked_keyring() -> Iterator[dict[str, str]]:
    with secret_service(unlocked=False) as service:
        yield service.environ


@pytest.fixture
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """An unlocked keyring for one test alone, which may lock it."""
    with secret_service() as service:
        use_keyring_of(service, monkeypatch)
        yield service
