"""However often commands are run, Zoho has no reason to lock a sign-in; and during a lock-out, all wait."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import keyring
import pytest

from tests.cli.command_runner import (
    COMMAND,
    RunCommand,
    add,
    count_token_requests,
    run_process,
    start_process,
    wait_for_result,
)
from tests.cli.sign_in_input import make_sign_in_input, sign_in_args
from tests.support.keyring_entries import keyring_entry
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.simulator import SimulatorServer
from zbtui.clock import SystemClock

pytestmark = pytest.mark.usefixtures("real_keyring")

MOST = 9
"""One less than Zoho grants in ten minutes."""
COUNTDOWN = re.compile(r"\b00:0[89]:\d\d\b")


def age_token(name: str = "nordlys", by: timedelta = timedelta(minutes=30)) -> None:
    """Make the access token in the keyring older by `by`."""
    entry = keyring_entry(name, "access")
    assert entry
    kept = json.loads(keyring.get_password(*entry) or "")
    expires = datetime.fromisoformat(kept["expires_at"]) - by
    keyring.set_password(*entry, json.dumps(kept | {"expires_at": expires.isoformat()}))


def assert_never_locked(port: SimulatorServer) -> None:
    accounts = port.simulator.accounts
    sources = [*accounts.refresh_tokens.values(), *accounts.client_credentials.values()]
    assert all(source.locked_until is None for source in sources)


def token_expired(port: SimulatorServer) -> None:
    age_token(by=timedelta(hours=1))


def token_revoked(port: SimulatorServer) -> None:
    age_token()
    port.simulator.expire_tokens()


def token_lost(port: SimulatorServer) -> None:
    entry = keyring_entry("nordlys", "access")
    assert entry
    keyring.delete_password(*entry)


@pytest.mark.parametrize(
    ("happen", "processes"), [(token_expired, MOST + 1), (token_revoked, 4), (token_lost, 4)]
)
def test_checks_that_start_at_once_without_a_good_token_ask_for_one_and_all_see(
    run_command: RunCommand,
    zoho: SimulatorServer,
    happen: Callable[[SimulatorServer], None],
    processes: int,
) -> None:
    add(run_command, zoho, "nordlys")
    happen(zoho)
    before = count_token_requests(zoho)
    running = [start_process("check") for _ in range(processes)]
    runs = [wait_for_result(one) for one in running]
    assert count_token_requests(zoho) - before == 1
    assert [run.status for run in runs] == [0] * processes, [run.out for run in runs if run.status]


def sign_in_dead(port: SimulatorServer) -> None:
    port.simulator.accounts.revoke_refresh_token(port.simulator.world.orgs["nordlys"].refresh_token)
    age_token(by=timedelta(hours=1))


def refused(port: SimulatorServer) -> None:
    port.simulator.forced_kinds["nordlys"] = "INVALID_TOKEN"


def no_change() -> None:
    pass


def token_older() -> None:
    """Age the token beyond the two minutes in which a refused token is not replaced."""
    age_token(by=timedelta(minutes=3))


@pytest.mark.parametrize(
    ("fault", "meanwhile"),
    [(sign_in_dead, no_change), (refused, token_older)],
    ids=["dead refresh token", "fresh tokens refused"],
)
def test_fifty_checks_in_a_row_never_lead_to_a_lock_out(
    run_command: RunCommand,
    zoho: SimulatorServer,
    fault: Callable[[SimulatorServer], None],
    meanwhile: Callable[[], None],
) -> None:
    add(run_command, zoho, "nordlys")
    fault(zoho)
    asked, runs = 0, []
    for number in range(50):
        runs.append(run_process("check") if number % 20 == 19 else run_command("check"))
        if asked < (asked := count_token_requests(zoho)):
            meanwhile()
    assert {run.status for run in runs} == {3}
    assert asked == MOST
    assert_never_locked(zoho)
    assert "asks again in" in runs[-1].out


def test_a_fresh_token_that_is_refused_is_not_made_again_at_once(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    refused(zoho)
    assert {run_command("check").status for _ in range(20)} == {3}
    assert count_token_requests(zoho) == 2, "the one that was accepted before is renewed"


def test_our_own_budget_is_shown_with_the_time_that_is_left(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    for _ in range(MOST):
        age_token(by=timedelta(hours=1))
        run = run_command("check")
    assert run.status == 3
    assert re.search(r"zbtui waits, .* · asks again in 00:10:\d\d\n", run.out)
    as_json = run_command("check", "--format", "json").orgs()["nordlys"]["error"]
    assert (as_json["kind"], as_json["code"]) == ("throttled", "TOKEN_BUDGET")
    assert as_json["retry_at"]
    again = make_sign_in_input(zoho, "refresh-token")
    before = len(zoho.simulator.request_records)
    run = run_command(*sign_in_args(again), stdin=again.as_json)
    assert run.status == 1
    assert re.search(r"zbtui waits, .* Try again in 00:10:\d\d\.\n", run.err)
    assert len(zoho.simulator.request_records) == before


def test_after_access_denied_no_process_asks_again_and_each_says_how_long(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "Access Denied"
    first = run_command("check")
    assert first.status == 3
    zoho.simulator.forced_kinds.clear()
    asked = len(zoho.simulator.request_records)
    token = make_sign_in_input(zoho, "refresh-token")
    twin = ["twin" if arg == "nordlys" else arg for arg in token.args]
    runs = [first]
    for run in (run_process, run_command):
        runs += [
            run("check"),
            run(*sign_in_args(token), stdin=token.as_json),
            run(*twin, stdin=token.as_json),
        ]
    assert all(COUNTDOWN.search(run.out + run.err) for run in runs), runs
    assert [run.status for run in runs] == [3, 3, 1, 1, 3, 1, 1]
    assert len(zoho.simulator.request_records) == asked
    assert run_command("list").out.split()[0] == "nordlys"
    assert "twin" not in (empty_home / "xdg_config_home" / "zbtui" / "config.toml").read_text()


def test_a_person_at_a_terminal_is_shown_how_long_a_lock_out_lasts(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "Access Denied"
    run_command("check")
    asked = len(zoho.simulator.request_records)
    token = make_sign_in_input(zoho, "refresh-token")
    with run_in_terminal([*COMMAND, *sign_in_args(token)]) as terminal:
        token.type_into(terminal)
        assert terminal.wait_for_exit() == 1
        terminal.wait_until(lambda text: bool(COUNTDOWN.search(text)))
    assert len(zoho.simulator.request_records) == asked


def test_another_refresh_token_of_the_org_is_not_held_up_by_a_lock_out(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "Access Denied"
    assert run_command("check").status == 3
    zoho.simulator.forced_kinds.clear()
    code = make_sign_in_input(zoho, "code")
    assert run_command(*sign_in_args(code), stdin=code.as_json).status == 0
    assert run_command("check").status == 0


def test_the_countdown_of_a_lock_out_is_in_the_json_too(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    zoho.simulator.forced_kinds["nordlys"] = "Access Denied"
    for run in (run_command("check", "--format", "json"), run_command("check", "--format", "json")):
        error = run.orgs()["nordlys"]["error"]
        ahead = datetime.fromisoformat(error["retry_at"]) - SystemClock().now()
        assert timedelta(minutes=9) < ahead <= timedelta(minutes=10)
    assert count_token_requests(zoho) == 1
