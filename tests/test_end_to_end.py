"""The installed program in a real terminal, with a real Secret Service and Zoho on a real port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from operator import itemgetter
from pathlib import Path

import pytest

from tests.cli.command_runner import add_args, read_all_files, secrets_json
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from zbtui.clock import SystemClock

ZBTUI = str(Path(sys.executable).parent / "zbtui")
ORGS = ("nordlys", "kestrel", "harbour")


def add(port: SimulatorServer, name: str) -> None:
    command, secrets = [ZBTUI, *add_args(port.org(name))], secrets_json(port, name)
    done = subprocess.run(command, input=secrets, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{name} (custom) is under watch" in done.stderr


def poll_often(home: Path, alerts: Path) -> None:
    """Poll each second, which the loopback permits, and append each alert to a file."""
    config = home / "xdg_config_home" / "zbtui" / "config.toml"
    text = config.read_text(encoding="utf-8")
    head = '[watch]\nevery = "1s"\nnear_every = "1s"\n\n'
    head += f"[alerts]\non_change = {json.dumps(['sh', '-c', f'cat >> {alerts}'])}\n\n"
    config.write_text(head + text, encoding="utf-8")


def delivered_alerts(alerts: Path) -> list[tuple[str, str, str]]:
    """Kind, org and verdict of each alert that reached the command."""
    lines = alerts.read_text(encoding="utf-8").splitlines() if alerts.exists() else []
    return [(one["kind"], one["org"], one["verdict"]) for one in map(json.loads, lines)]


def events(*names: str) -> list[tuple[str, str | None, str | None]]:
    """Kind, before and after of each event in the journal."""
    done = subprocess.run([ZBTUI, "events", *names, "--json"], capture_output=True, text=True, check=True)
    lines = map(json.loads, done.stdout.splitlines())
    return [(one["kind"], one["before"], one["after"]) for one in lines]


def test_three_orgs_are_added_watched_and_seen_to_change(
    real_keyring: SecretService, empty_home: Path
) -> None:
    simulator = make_simulator(SystemClock())
    with run_simulator_server(simulator) as port:
        for name in ORGS:
            add(port, name)
        alerts = empty_home / "alerts.jsonl"
        poll_often(empty_home, alerts)
        with run_in_terminal([ZBTUI]) as terminal:
            terminal.wait_for_text("nordlys", "kestrel", "harbour", "● SCHEDULED", "◐ COMPLETED", "in 6d 0")
            # All were polled: until then, the snapshots from `zbtui add` are marked as stale.
            terminal.wait_until(lambda screen: screen.count("last good") == 3 and "(stale)" not in screen)
            simulator.forced_kinds["kestrel"] = "FAILED"
            terminal.wait_for_text("✖ FAILED", "✖ 1 critical", "the last backup failed")
            simulator.forced_kinds["kestrel"] = "INPROGRESS"
            terminal.wait_for_text("✖ INPROGRESS", "Wait for its end")
            simulator.forced_kinds["kestrel"] = "COMPLETED"
            terminal.wait_for_text("✔ COMPLETED")
            terminal.wait_until(lambda screen: screen.count("links 6d left") == 2)  # harbour, too
            terminal.wait_until(lambda _: len(delivered_alerts(alerts)) >= 3)  # before the next change
            simulator.forced_kinds["kestrel"] = "INPROGRESS"
            terminal.wait_for_text("▶ INPROGRESS")
            simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
            terminal.wait_for_text("? NO ACCESS", "Only an administrator may see")
            terminal.wait_until(lambda _: len(delivered_alerts(alerts)) >= 4)
            terminal.wait_until(lambda _: terminal.title == "(2) zbtui")
            terminal.send("q")
            assert terminal.wait_for_exit() == 0
        with run_in_terminal([ZBTUI]) as terminal:
            terminal.wait_for_text("▶ INPROGRESS", "◐ COMPLETED", "? NO ACCESS")
            terminal.send("q")
            assert terminal.wait_for_exit() == 0
        assert sorted(delivered_alerts(alerts), key=itemgetter(1)) == [
            ("alarm", "harbour", "one_off"),
            ("alarm", "kestrel", "failed"),
            ("recovery", "kestrel", "completed"),
            ("alarm", "nordlys", "cannot_tell"),
        ]
        assert [event for event in events("kestrel") if event[0] == "verdict"] == [
            ("verdict", None, "scheduled"),
            ("verdict", "scheduled", "failed"),
            ("verdict", "failed", "completed"),
            ("verdict", "completed", "running"),
        ]
        token_requests = [one for one in simulator.request_records if one.path.endswith("/oauth/v2/token")]
        assert len(token_requests) == len(ORGS)
        pages = {one.query for one in simulator.request_records if one.path.endswith("/history")}
        assert pages == {"page=1&per_page=200"}
        assert all(one.query == "" or one.query in pages for one in simulator.request_records)
        assert_no_poll_overlaps(simulator.request_records)
        written = bytes(terminal.output) + read_all_files(empty_home)
        for name in ORGS:
            invented = simulator.world.orgs[name]
            assert invented.client_secret.encode() not in written
            assert invented.refresh_token.encode() not in written
        assert b"demo-access" not in written


def assert_no_poll_overlaps(requests: object) -> None:
    """Assert that no request of an org begins before the previous one has ended."""
    last: dict[str | None, int] = {}
    for request in sorted(requests, key=lambda one: one.began_serial):  # type: ignore[call-overload]
        assert request.began_serial > last.get(request.org, -1)
        last[request.org] = request.ended_serial


def test_without_an_org_the_welcome_leads_to_the_demo(empty_home: Path) -> None:
    with run_in_terminal([ZBTUI], 80, 24) as terminal:
        terminal.wait_for_text("No org is under watch yet", "zbtui add")
        terminal.send("d")
        terminal.wait_for_text("demo: all invented", "next run:")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def test_the_demo_writes_nothing(empty_home: Path) -> None:
    with run_in_terminal([ZBTUI, "demo"], 80, 24) as terminal:
        terminal.wait_for_text("demo: all invented", "in 00:0")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
    assert list(empty_home.rglob("*")) == []


@pytest.mark.parametrize("controlling", [True, False])
def test_a_terminal_that_goes_away_ends_the_program(controlling: bool) -> None:
    with run_in_terminal([ZBTUI, "demo"], controlling=controlling) as terminal:
        terminal.wait_for_text("next run:")
        terminal.hang_up()
        terminal.wait_for_exit(patience=15)


TAKEN_FROM_A_TERMINAL = [
    (b"\x1b[?1049h", b"\x1b[?1049l"),  # the alternate screen
    (b"\x1b[?25l", b"\x1b[?25h"),  # the cursor, hidden
    (b"\x1b[?1000h", b"\x1b[?1000l"),  # the mouse
    (b"\x1b[22;0t", b"\x1b[23;0t"),  # the title
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_gives_the_terminal_back(number: int) -> None:
    with run_in_terminal([ZBTUI, "demo"]) as terminal:
        terminal.wait_until(lambda screen: "next run:" in screen and "zbtui" in terminal.title)
        os.kill(terminal.process.pid, number)
        assert terminal.wait_for_exit() == 0
        assert b"Traceback" not in terminal.output
    for taken, given_back in TAKEN_FROM_A_TERMINAL:
        assert 0 <= terminal.output.rfind(taken) < terminal.output.rfind(given_back)


NOBODY_ANSWERS = """
import socket, sys, threading
known = socket.getaddrinfo
def resolve(host, *args, **options):
    if "accounts.zoho.eu" not in str(host):
        return known(host, *args, **options)
    print("resolving", file=sys.__stderr__, flush=True)
    threading.Event().wait()
socket.getaddrinfo = resolve
from zbtui.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""zbtui while no name server answers: the system's call returns only after minutes."""


def test_quitting_does_not_wait_for_name_resolution(real_keyring: SecretService, empty_home: Path) -> None:
    invented = make_simulator().world.orgs["nordlys"]
    secrets = {"client_secret": invented.client_secret, "refresh_token": invented.refresh_token}
    command = [ZBTUI, "add", "nordlys", "--data-center", "eu", "--client-id", "1000.A", "--no-verify"]
    subprocess.run(command, input=json.dumps(secrets), capture_output=True, text=True, check=True)
    with run_in_terminal([sys.executable, "-c", NOBODY_ANSWERS]) as terminal:
        terminal.wait_until(lambda screen: b"resolving" in terminal.output)
        terminal.send("q")
        assert terminal.wait_for_exit(patience=5) == 0
