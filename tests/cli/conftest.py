"""Fixtures of the command line."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.cli.shell import (
    NO_CRASH,
    Run,
    Shell,
    certificates,
)
from tests.support.secret_service import secret_service
from tests.support.zoho import Port, on_port
from zbtui.cli import main
from zbtui.demo.world import World
from zbtui.demo.zoho import Simulator


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A command in this process: the same, and sooner."""
    monkeypatch.setattr(httpx, "create_ssl_context", certificates)

    def run(*args: str, stdin: str = "") -> Run:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
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


@pytest.fixture
def zoho() -> Iterator[Port]:
    # By today's date: the invented next runs would soon lie in the past of a fixed one.
    with on_port(Simulator(World(datetime.now(UTC), speed=0.0001))) as port:
        yield port


@pytest.fixture(scope="module")
def locked_keyring() -> Iterator[dict[str, str]]:
    with secret_service(unlocked=False) as service:
        yield service.environ
