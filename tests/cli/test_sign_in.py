"""An org signs in again, in place; and its refresh token is revoked when it goes."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import keyring
import pytest

from tests.cli.shell import COMMAND, Shell, add, assert_no_secret, process, secrets_of
from tests.cli.signing import CONSENT_PAGE, Onlooker, bring, free_port, kept, sign_in_args, written
from tests.cli.test_lockout import age_token
from tests.support.faulty import closed_port
from tests.support.secret_service import SecretService
from tests.support.terminal import in_terminal
from tests.support.zoho import Port, browse
from zbtui.core.org import Way
from zbtui.demo.accounts import WEB_CLIENT

pytestmark = pytest.mark.usefixtures("real_keyring")

AROUND = """\
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
def watched(shell: Shell, zoho: Port, empty_home: Path) -> str:
    """The text of a config that a person keeps by hand, with two orgs that are signed in."""
    add(shell, zoho, "kestrel")
    kestrel = config_of(empty_home).read_text(encoding="utf-8")
    add(shell, zoho, "nordlys")
    client_id = zoho.org("nordlys").client_id
    text = AROUND.format(kestrel=kestrel[kestrel.index("[[org]]") :], client_id=client_id, url=zoho.url)
    config_of(empty_home).write_text(text, encoding="utf-8")
    return text


def stored(name: str = "nordlys") -> dict[str, str]:
    """What the keyring holds for it."""
    entry: dict[str, str] = json.loads(keyring.get_password(f"zbtui:{name}", "sign-in") or "")
    return entry


@pytest.mark.parametrize("way", ["code", "refresh-token"])
def test_with_the_same_client_the_config_stays_as_it_is_to_the_letter(
    watched: str, shell: Shell, zoho: Port, empty_home: Path, way: Way
) -> None:
    brought = bring(zoho, way)
    run = shell(*sign_in_args(brought), stdin=brought.piped)
    assert (run.status, run.out) == (0, "")
    assert "This sign-in is for: Nordlys Tools AB" in run.err
    assert run.err.endswith("nordlys (custom) is under watch: SCHEDULED.\n")
    assert config_of(empty_home).read_text(encoding="utf-8") == watched
    assert shell("check").status == 0


def test_another_client_changes_its_own_line_and_no_other(
    watched: str, onlooker: Onlooker, shell: Shell, zoho: Port, empty_home: Path
) -> None:
    onlooker.on_page("nordlys")
    brought = bring(zoho, "browser")
    run = shell(*sign_in_args(brought), "--port", str(free_port()), stdin=brought.piped)
    assert run.status == 0, run.err
    expected = watched.replace(zoho.org("nordlys").client_id, WEB_CLIENT.client_id)
    assert config_of(empty_home).read_text(encoding="utf-8") == expected
    listed = {org["name"]: org for org in shell("list", "--json").json["orgs"]}
    assert (listed["nordlys"]["every"], listed["nordlys"]["overdue_after"]) == ("4s", "2h")
    assert list(listed) == ["kestrel", "nordlys"]


def test_client_credentials_and_a_refresh_token_take_turns(
    watched: str, shell: Shell, zoho: Port, empty_home: Path
) -> None:
    ways: tuple[Way, ...] = ("client-credentials", "code")
    for way in ways:
        brought = bring(zoho, way)
        assert shell(*sign_in_args(brought), stdin=brought.piped).status == 0
        listed = {org["name"]: org for org in shell("list", "--json").json["orgs"]}["nordlys"]
        assert (listed["grant"] == "client-credentials") == (way == "client-credentials")
        assert bool(listed["soid"]) == (way == "client-credentials") == ("refresh_token" not in stored())
        age_token(by=timedelta(hours=1))
        assert shell("check").status == 0
    text = config_of(empty_home).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "#" in line] == [
        line for line in watched.splitlines() if "#" in line
    ]


def test_an_org_of_client_credentials_signs_in_again_as_that(shell: Shell, zoho: Port) -> None:
    brought = bring(zoho, "client-credentials")
    assert shell(*brought.args, stdin=brought.piped).status == 0
    assert shell("sign-in", "nordlys", stdin=brought.piped).status == 0
    assert shell("list", "--json").json["orgs"][0]["soid"] == brought.args[-1]


def test_the_next_check_uses_the_new_credentials(watched: str, shell: Shell, zoho: Port) -> None:
    dead = zoho.simulator.world.orgs["nordlys"].refresh_token
    zoho.simulator.accounts.revoke(dead)
    age_token(by=timedelta(hours=1))
    lost = shell("check", "nordlys")
    assert lost.status == 3
    assert "SIGN IN" in lost.out
    assert "Sign in again" in lost.out
    brought = bring(zoho, "code")
    assert shell(*sign_in_args(brought), stdin=brought.piped).status == 0
    fresh = stored()["refresh_token"]
    assert fresh != dead
    assert process("check", "nordlys").status == 0
    source = zoho.simulator.accounts.refresh_tokens[fresh]
    assert len(source.issued) == 1  # the token that came with it serves the first hour
    age_token(by=timedelta(hours=1))
    assert process("check", "nordlys").status == 0
    assert len(source.issued) == 2


def test_a_person_signs_an_org_in_again_in_the_browser(
    watched: str, zoho: Port, shell: Shell, empty_home: Path
) -> None:
    brought, port = bring(zoho, "browser"), free_port()
    with in_terminal([*COMMAND, *sign_in_args(brought), "--port", str(port)]) as terminal:
        brought.type_into(terminal)
        asyncio.run(browse(written(terminal, CONSENT_PAGE), "nordlys", follow=True))
        terminal.shows("This sign-in is for: Nordlys Tools AB", "Is it this one? [Y/n]")
        terminal.send("y\n")
        assert terminal.ends() == 0
        terminal.shows("nordlys (custom) is under watch: SCHEDULED.")
        assert_no_secret(bytes(terminal.output))
    assert shell("check").status == 0


def test_an_org_is_told_apart_from_another_that_its_person_chose(
    watched: str, zoho: Port, empty_home: Path
) -> None:
    before, brought, port = kept(empty_home, zoho), bring(zoho, "browser"), free_port()
    with in_terminal([*COMMAND, *sign_in_args(brought), "--port", str(port)]) as terminal:
        brought.type_into(terminal)
        asyncio.run(browse(written(terminal, CONSENT_PAGE), "tern", follow=True))
        terminal.shows("This sign-in is for: Tern Island Ferries", "[Y/n]")
        terminal.send("n\n")
        assert terminal.ends() == 1
    assert kept(empty_home, zoho) == before


# Revoking


def test_an_org_that_goes_takes_its_refresh_token_with_it(
    shell: Shell, zoho: Port, empty_home: Path
) -> None:
    add(shell, zoho, "nordlys")
    token = zoho.simulator.world.orgs["nordlys"].refresh_token
    run = shell("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.out) == (0, "")
    assert run.err == "nordlys is no longer under watch; its refresh token was revoked at Zoho.\n"
    assert token not in zoho.simulator.accounts.refresh_tokens
    assert keyring.get_password("zbtui:nordlys", "sign-in") is None
    assert all("token=" not in request.query for request in zoho.simulator.requests)
    dead = shell(*bring(zoho, "refresh-token").args, stdin=secrets_of(zoho, "nordlys"))
    assert dead.status == 1
    assert "The refresh token is dead" in dead.err


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_whether_it_is_revoked(shell: Shell, zoho: Port, answer: str) -> None:
    add(shell, zoho, "nordlys")
    with in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.shows("Take nordlys off watch", "[y/N]")
        terminal.send("y\n")
        terminal.shows("Revoke its refresh token at Zoho, too? [y/N]")
        terminal.send(f"{answer}\n")
        assert terminal.ends() == 0
    token = zoho.simulator.world.orgs["nordlys"].refresh_token
    assert (token in zoho.simulator.accounts.refresh_tokens) == (answer == "n")


def test_without_asking_for_it_a_refresh_token_lives_on(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    run = shell("remove", "nordlys", "--yes")
    assert run.err == (
        "nordlys is no longer under watch; its refresh token stays valid at Zoho until revoked.\n"
    )
    assert zoho.simulator.world.orgs["nordlys"].refresh_token in zoho.simulator.accounts.refresh_tokens


def test_an_org_of_client_credentials_has_nothing_to_revoke(shell: Shell, zoho: Port) -> None:
    brought = bring(zoho, "client-credentials")
    assert shell(*brought.args, stdin=brought.piped).status == 0
    run = shell("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.err) == (0, "nordlys is no longer under watch.\n")


def test_a_token_that_zoho_no_longer_knows_counts_as_revoked(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    zoho.simulator.accounts.revoke(zoho.simulator.world.orgs["nordlys"].refresh_token)
    assert shell("remove", "nordlys", "--revoke", "--yes").status == 0
    assert shell("list").out == ""


def test_offline_nothing_is_revoked_and_nothing_removed(
    shell: Shell, zoho: Port, empty_home: Path, real_keyring: SecretService
) -> None:
    add(shell, zoho, "nordlys")
    config = config_of(empty_home)
    with closed_port() as url:
        config.write_text(config.read_text(encoding="utf-8").replace(zoho.url, url), encoding="utf-8")
        before = kept(empty_home, zoho)
        run = shell("remove", "nordlys", "--revoke", "--yes")
    assert (run.status, run.out) == (1, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert kept(empty_home, zoho) == before
