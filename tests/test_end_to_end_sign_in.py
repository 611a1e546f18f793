"""Signing in again from within the installed program: real terminal, real keyring, Zoho on a real port."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_runner import add_args, read_all_files
from tests.support.keyring_entries import keyring_text
from tests.support.pseudo_terminal import Terminal, run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from tests.test_end_to_end import ZBTUI
from zbtui.clock import SystemClock

DEAD = "1000.a-token.that-is-dead"


@pytest.fixture
def zoho(real_keyring: SecretService, empty_home: Path) -> Iterator[SimulatorServer]:
    with run_simulator_server(make_simulator(SystemClock())) as port:
        yield port
    subprocess.run([ZBTUI, "remove", "heron", "--yes"], capture_output=True, check=False)


def add(port: SimulatorServer, secret: str) -> None:
    """Put heron under watch with a refresh token that is dead."""
    command = [ZBTUI, *add_args(port.org("heron")), "--no-verify"]
    secrets = json.dumps({"client_secret": secret, "refresh_token": DEAD})
    subprocess.run(command, input=secrets, text=True, capture_output=True, check=True)


def sign_in_by_code(terminal: Terminal, port: SimulatorServer) -> None:
    terminal.wait_for_text("? SIGN IN", "enter signs in again")
    terminal.send("\r")
    terminal.wait_for_text("How to sign in:", "1 of 4")
    terminal.send("\r")
    terminal.wait_for_text("Generate Code", "that of heron", "2 of 4")
    terminal.send(f"{port.simulator.issue_grant_code('heron')}\r")


def test_a_dead_sign_in_is_renewed_in_place_and_stays(empty_home: Path, zoho: SimulatorServer) -> None:
    secret = zoho.simulator.world.unwatched_orgs["heron"].client_secret
    add(zoho, secret)
    with run_in_terminal([ZBTUI], 100, 30) as terminal:
        terminal.wait_for_text("The refresh token is dead")
        sign_in_by_code(terminal, zoho)
        terminal.wait_for_text("Is it this one?", "Heron Lake Instruments", "4 of 4")
        terminal.send("\r")
        terminal.wait_for_text("heron · Heron Lake Instruments", "● SCHEDULED", "heron is under watch.")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        written = bytes(terminal.output) + read_all_files(empty_home)
    with run_in_terminal([ZBTUI]) as terminal:
        terminal.wait_for_text("heron · Heron Lake Instruments", "● SCHEDULED")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
    for kept in (secret, DEAD, "1000.demo-"):
        assert kept.encode() not in written
    tokens = [
        one.grant_type for one in zoho.simulator.request_records if one.path.endswith("/oauth/v2/token")
    ]
    assert tokens == ["refresh_token", "authorization_code"]
    assert {one.query for one in zoho.simulator.request_records} == {"", "page=1&per_page=200"}


def test_what_zoho_refuses_is_shown_and_going_back_leaves_what_was(zoho: SimulatorServer) -> None:
    add(zoho, "not-the-secret")
    before = keyring_text("heron")
    with run_in_terminal([ZBTUI], 100, 30) as terminal:
        sign_in_by_code(terminal, zoho)
        # The panel behind the form shows the problem, too, and so does a toast.
        terminal.wait_until(
            lambda screen: re.search(r"│ .*The client secret is wrong\..* │", screen) is not None
        )
        terminal.wait_for_text("2 of 4")
        terminal.send("\x1b")
        terminal.wait_for_text("How to sign in:", "1 of 4")
        terminal.send("\x1b")
        terminal.wait_until(lambda screen: "How to sign in:" not in screen)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
    assert keyring_text("heron") == before
