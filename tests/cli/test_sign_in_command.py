"""Signing in to an org again, and revoking its refresh token when it is removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import keyring
import pytest

from tests.cli.command_runner import (
    COMMAND,
    RunCommand,
    add,
    assert_no_secret_in,
    run_process,
    secrets_json,
)
from tests.cli.sign_in_input import (
    CONSENT_PAGE,
    StderrWatcher,
    free_port,
    make_sign_in_input,
    sign_in_args,
    stored_state,
    wait_for_output,
)
from tests.cli.test_lockout_avoidance import age_token
from tests.support.faulty_server import refusing_port
from tests.support.keyring_entries import keyring_entry, keyring_object
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, answer_consent_page, sign_in_of
from zbtui.demo.accounts import WEB_CLIENT
from zbtui.model.org import SignInMethod
from zbtui.store.keyring_entries import encode_sign_in, sign_in_entry

pytestmark = pytest.mark.usefixtures("real_keyring")

CONFIG_AROUND_ORG = """\
# Ours, by hand.
[watch]
every = "2s"  # on loopback that is fine
near_every = "1s"

{kestrel}
# The one that the auditors ask for.
[[org]]
every = "4s"  # more often than that is of no use
name = "nordlys"
client_id = "{client_id}"  # made by Mara
data_center = "custom"
accounts_url = "{url}/eu"
api_url = "{url}/eu"
overdue_after = "2h"
# The end.
"""


def config_of(home: Path) -> Path:
    return home / "xdg_config_home" / "zbtui" / "config.toml"


@pytest.fixture
def watched_config(run_command: RunCommand, zoho: SimulatorServer, empty_home: Path) -> str:
    """The text of a config edited by hand, with two orgs that are signed in."""
    add(run_command, zoho, "kestrel")
    kestrel = config_of(empty_home).read_text(encoding="utf-8")
    add(run_command, zoho, "nordlys")
    client_id = zoho.org("nordlys").client_id
    text = CONFIG_AROUND_ORG.format(
        kestrel=kestrel[kestrel.index("[[org]]") :], client_id=client_id, url=zoho.url
    )
    config_of(empty_home).write_text(text, encoding="utf-8")
    return text


def stored_sign_in(name: str = "nordlys") -> dict[str, str]:
    """The org's sign-in credentials in the keyring."""
    return keyring_object(name)


@pytest.mark.parametrize("method", ["code", "refresh-token"])
def test_with_the_same_client_the_config_stays_as_it_is_to_the_letter(
    watched_config: str,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
    method: SignInMethod,
) -> None:
    brought = make_sign_in_input(zoho, method)
    run = run_command(*sign_in_args(brought), stdin=brought.as_json)
    assert (run.status, run.out) == (0, "")
    assert "This sign-in is for: Nordlys Tools AB" in run.err
    assert run.err.endswith("nordlys (custom) is under watch: SCHEDULED.\n")
    assert config_of(empty_home).read_text(encoding="utf-8") == watched_config
    assert run_command("check").status == 0


def test_another_client_changes_its_own_line_and_no_other(
    watched_config: str,
    stderr_watcher: StderrWatcher,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
) -> None:
    stderr_watcher.on_consent_page("nordlys")
    brought = make_sign_in_input(zoho, "browser")
    run = run_command(*sign_in_args(brought), "--port", str(free_port()), stdin=brought.as_json)
    assert run.status == 0, run.err
    expected = watched_config.replace(zoho.org("nordlys").client_id, WEB_CLIENT.client_id)
    assert config_of(empty_home).read_text(encoding="utf-8") == expected
    listed = {org["name"]: org for org in run_command("list", "--json").json["orgs"]}
    assert (listed["nordlys"]["every"], listed["nordlys"]["overdue_after"]) == ("4s", "2h")
    assert list(listed) == ["kestrel", "nordlys"]


def test_client_credentials_and_a_refresh_token_take_turns(
    watched_config: str, run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    methods: tuple[SignInMethod, ...] = ("client-credentials", "code")
    for method in methods:
        brought = make_sign_in_input(zoho, method)
        assert run_command(*sign_in_args(brought), stdin=brought.as_json).status == 0
        listed = {org["name"]: org for org in run_command("list", "--json").json["orgs"]}["nordlys"]
        assert (listed["grant"] == "client-credentials") == (method == "client-credentials")
        assert (
            bool(listed["soid"])
            == (method == "client-credentials")
            == ("refresh_token" not in stored_sign_in())
        )
        age_token(by=timedelta(hours=1))
        assert run_command("check").status == 0
    text = config_of(empty_home).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "#" in line] == [
        line for line in watched_config.splitlines() if "#" in line
    ]


def test_an_org_of_client_credentials_signs_in_again_as_that(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    brought = make_sign_in_input(zoho, "client-credentials")
    assert run_command(*brought.args, stdin=brought.as_json).status == 0
    assert run_command("sign-in", "nordlys", stdin=brought.as_json).status == 0
    assert run_command("list", "--json").json["orgs"][0]["soid"] == brought.args[-1]


def test_the_next_check_uses_the_new_credentials(
    watched_config: str, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    dead = zoho.simulator.world.orgs["nordlys"].refresh_token
    zoho.simulator.accounts.revoke_refresh_token(dead)
    age_token(by=timedelta(hours=1))
    lost = run_command("check", "nordlys")
    assert lost.status == 3
    assert "SIGN IN" in lost.out
    assert "Sign in again" in lost.out
    brought = make_sign_in_input(zoho, "code")
    assert run_command(*sign_in_args(brought), stdin=brought.as_json).status == 0
    fresh = stored_sign_in()["refresh_token"]
    assert fresh != dead
    assert run_process("check", "nordlys").status == 0
    source = zoho.simulator.accounts.refresh_tokens[fresh]
    assert len(source.issued_at) == 1  # the access token of the sign-in serves the first hour
    age_token(by=timedelta(hours=1))
    assert run_process("check", "nordlys").status == 0
    assert len(source.issued_at) == 2


def test_a_person_signs_an_org_in_again_in_the_browser(
    watched_config: str, zoho: SimulatorServer, run_command: RunCommand, empty_home: Path
) -> None:
    brought, port = make_sign_in_input(zoho, "browser"), free_port()
    with run_in_terminal([*COMMAND, *sign_in_args(brought), "--port", str(port)]) as terminal:
        brought.type_into(terminal)
        asyncio.run(answer_consent_page(wait_for_output(terminal, CONSENT_PAGE), "nordlys", follow=True))
        terminal.wait_for_text("This sign-in is for: Nordlys Tools AB", "Is it this one? [Y/n]")
        terminal.send("y\n")
        assert terminal.wait_for_exit() == 0
        terminal.wait_for_text("nordlys (custom) is under watch: SCHEDULED.")
        assert_no_secret_in(bytes(terminal.output))
    assert run_command("check").status == 0


# Revoking


def test_an_org_that_goes_takes_its_refresh_token_with_it(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    add(run_command, zoho, "nordlys")
    token = zoho.simulator.world.orgs["nordlys"].refresh_token
    run = run_command("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.out) == (0, "")
    assert run.err == "nordlys is no longer under watch; its refresh token was revoked at Zoho.\n"
    assert token not in zoho.simulator.accounts.refresh_tokens
    assert keyring_entry("nordlys") is None
    assert all("token=" not in request.query for request in zoho.simulator.request_records)
    dead = run_command(*make_sign_in_input(zoho, "refresh-token").args, stdin=secrets_json(zoho, "nordlys"))
    assert dead.status == 1
    assert "The refresh token is dead" in dead.err


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_whether_it_is_revoked(
    run_command: RunCommand, zoho: SimulatorServer, answer: str
) -> None:
    add(run_command, zoho, "nordlys")
    with run_in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.wait_for_text("Take nordlys off watch", "[y/N]")
        terminal.send("y\n")
        terminal.wait_for_text("Revoke its refresh token at Zoho, too? [y/N]")
        terminal.send(f"{answer}\n")
        assert terminal.wait_for_exit() == 0
    token = zoho.simulator.world.orgs["nordlys"].refresh_token
    assert (token in zoho.simulator.accounts.refresh_tokens) == (answer == "n")


def test_without_asking_for_it_a_refresh_token_lives_on(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    run = run_command("remove", "nordlys", "--yes")
    assert run.err == (
        "nordlys is no longer under watch; its refresh token stays valid at Zoho until revoked.\n"
    )
    assert zoho.simulator.world.orgs["nordlys"].refresh_token in zoho.simulator.accounts.refresh_tokens


def test_an_org_of_client_credentials_has_nothing_to_revoke(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    brought = make_sign_in_input(zoho, "client-credentials")
    assert run_command(*brought.args, stdin=brought.as_json).status == 0
    run = run_command("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.err) == (0, "nordlys is no longer under watch.\n")


def test_a_token_that_zoho_no_longer_knows_counts_as_revoked(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    zoho.simulator.accounts.revoke_refresh_token(zoho.simulator.world.orgs["nordlys"].refresh_token)
    assert run_command("remove", "nordlys", "--revoke", "--yes").status == 0
    assert run_command("list").out == ""


def test_offline_nothing_is_revoked_and_nothing_removed(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path, real_keyring: SecretService
) -> None:
    add(run_command, zoho, "nordlys")
    config = config_of(empty_home)
    with refusing_port() as url:
        config.write_text(config.read_text(encoding="utf-8").replace(zoho.url, url), encoding="utf-8")
        org = replace(zoho.org("nordlys"), accounts_url=f"{url}/eu", api_url=f"{url}/eu")
        sign_in = sign_in_of(zoho.simulator.world.all_orgs["nordlys"])
        keyring.set_password(*sign_in_entry(org), encode_sign_in(org, sign_in, []))
        before = stored_state(empty_home, zoho)
        run = run_command("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.out) == (1, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert stored_state(empty_home, zoho) == before
