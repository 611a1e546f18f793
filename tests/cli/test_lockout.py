"""Zoho never has a reason to lock a sign-in, whatever is started how often; and when it does, all wait."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import keyring
import pytest

from tests.cli.shell import COMMAND, Shell, add, finished, process, start, token_requests
from tests.cli.signing import bring, sign_in_args
from tests.support.terminal import in_terminal
from tests.support.zoho import Port
from zbtui.clock import SystemClock

pytestmark = pytest.mark.usefixtures("real_keyring")

MOST = 9
"""One less than Zoho grants in ten minutes."""
COUNTDOWN = re.compile(r"\b00:0[89]:\d\d\b")


def age_token(name: str = "nordlys", by: timedelta = timedelta(minutes=30)) -> None:
    """As if the access token in the keyring had been made so much earlier."""
    entry = (f"zbtui-access:{name}", "access")
    kept = json.loads(keyring.get_password(*entry) or "")
    expires = datetime.fromisoformat(kept["expires_at"]) - by
    keyring.set_password(*entry, json.dumps(kept | {"expires_at": expires.isoformat()}))


def assert_never_locked(port: Port) -> None:
    accounts = port.simulator.accounts
    sources = [*accounts.refresh_tokens.values(), *accounts.credentials.values()]
    assert all(source.locked_until is None for source in sources)


def expired(port: Port) -> None:
    age_token(by=timedelta(hours=1))


def ended_at_zoho(port: Port) -> None:
    age_token()
    port.simulator.expire_tokens()


def lost(port: Port) -> None:
    keyring.delete_password("zbtui-access:nordlys", "access")


@pytest.mark.parametrize(("happen", "processes"), [(expired, 20), (ended_at_zoho, 5), (lost, 5)])
def test_checks_that_start_at_once_without_a_good_token_ask_for_one_and_all_see(
    shell: Shell, zoho: Port, happen: Callable[[Port], None], processes: int
) -> None:
    add(shell, zoho, "nordlys")
    happen(zoho)
    before = token_requests(zoho)
    running = [start("check") for _ in range(processes)]
    runs = [finished(one) for one in running]
    assert token_requests(zoho) - before == 1
    assert [run.status for run in runs] == [0] * processes, [run.out for run in runs if run.status]


def dead(port: Port) -> None:
    port.simulator.accounts.revoke(port.simulator.world.orgs["nordlys"].refresh_token)
    age_token(by=timedelta(hours=1))


def refused(port: Port) -> None:
    port.simulator.forced["nordlys"] = "INVALID_TOKEN"


def nothing() -> None:
    pass


def older() -> None:
    """Beyond the two minutes in which a token that is refused is not made anew."""
    age_token(by=timedelta(minutes=3))


@pytest.mark.parametrize(
    ("trouble", "meanwhile"),
    [(dead, nothing), (refused, older)],
    ids=["dead refresh token", "fresh tokens refused"],
)
def test_a_hundred_checks_in_a_row_never_lead_to_a_lock_out(
    shell: Shell,
    zoho: Port,
    trouble: Callable[[Port], None],
    meanwhile: Callable[[], None],
) -> None:
    add(shell, zoho, "nordlys")
    trouble(zoho)
    asked, runs = 0, []
    for number in range(100):
        runs.append(process("check") if number % 40 == 39 else shell("check"))
        if asked < (asked := token_requests(zoho)):
            meanwhile()
    assert {run.status for run in runs} == {3}
    assert asked == MOST
    assert_never_locked(zoho)
    assert "asks again in" in runs[-1].out


def test_a_fresh_token_that_is_refused_is_not_made_anew_at_once(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    refused(zoho)
    assert {shell("check").status for _ in range(20)} == {3}
    assert token_requests(zoho) == 1


def test_our_own_budget_is_told_with_the_time_that_is_left(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    for _ in range(MOST):
        age_token(by=timedelta(hours=1))
        run = shell("check")
    assert run.status == 3
    assert re.search(r"zbtui waits, .* · asks again in 00:10:\d\d\n", run.out)
    as_json = shell("check", "--format", "json").orgs()["nordlys"]["error"]
    assert (as_json["kind"], as_json["code"]) == ("throttled", "TOKEN_BUDGET")
    assert as_json["retry_at"]
    again = bring(zoho, "refresh-token")
    before = len(zoho.simulator.requests)
    run = shell(*sign_in_args(again), stdin=again.piped)
    assert run.status == 1
    assert re.search(r"zbtui waits, .* Try again in 00:10:\d\d\.\n", run.err)
    assert len(zoho.simulator.requests) == before


def test_after_access_denied_no_process_asks_again_and_each_says_how_long(
    shell: Shell, zoho: Port, empty_home: Path
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "Access Denied"
    first = shell("check")
    assert first.status == 3
    zoho.simulator.forced.clear()
    asked = len(zoho.simulator.requests)
    token = bring(zoho, "refresh-token")
    twin = ["twin" if arg == "nordlys" else arg for arg in token.args]
    runs = [first]
    for run in (process, shell):
        runs += [
            run("check"),
            run(*sign_in_args(token), stdin=token.piped),
            run(*twin, stdin=token.piped),
        ]
    assert all(COUNTDOWN.search(run.out + run.err) for run in runs), runs
    assert [run.status for run in runs] == [3, 3, 1, 1, 3, 1, 1]
    assert len(zoho.simulator.requests) == asked
    assert shell("list").out.split()[0] == "nordlys"
    assert "twin" not in (empty_home / "xdg_config_home" / "zbtui" / "config.toml").read_text()


def test_a_person_at_a_terminal_is_told_how_long_a_lock_out_lasts(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "Access Denied"
    shell("check")
    asked = len(zoho.simulator.requests)
    token = bring(zoho, "refresh-token")
    with in_terminal([*COMMAND, *sign_in_args(token)]) as terminal:
        token.type_into(terminal)
        assert terminal.ends() == 1
        terminal.until(lambda text: bool(COUNTDOWN.search(text)))
    assert len(zoho.simulator.requests) == asked


def test_another_refresh_token_of_the_org_is_not_held_up_by_a_lock_out(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "Access Denied"
    assert shell("check").status == 3
    zoho.simulator.forced.clear()
    code = bring(zoho, "code")
    assert shell(*sign_in_args(code), stdin=code.piped).status == 0
    assert shell("check").status == 0


def test_the_countdown_of_a_lock_out_is_in_the_json_too(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "Access Denied"
    for run in (shell("check", "--format", "json"), shell("check", "--format", "json")):
        error = run.orgs()["nordlys"]["error"]
        ahead = datetime.fromisoformat(error["retry_at"]) - SystemClock().now()
        assert timedelta(minutes=9) < ahead <= timedelta(minutes=10)
    assert token_requests(zoho) == 1
