"""A person at a terminal who hesitates, mistypes, or gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, NO_CRASH, Shell, add, add_args, assert_no_secret, process
from tests.cli.signing import (
    CONSENT_PAGE,
    USER_CODE,
    bring,
    ending,
    free_port,
    kept,
    locking,
    refusing_to_write,
    written,
)
from tests.support.secret_service import SecretService
from tests.support.terminal import Terminal, in_terminal
from tests.support.zoho import Port, browse
from zbtui.core.org import Way


def to_the_choice(terminal: Terminal, port: Port) -> None:
    terminal.shows("Number [1]:")


def to_the_number(terminal: Terminal, port: Port) -> None:
    terminal.shows("Number [1]:")
    terminal.send("5\n")
    terminal.shows("The number of the org:")


def to_the_secret(terminal: Terminal, port: Port) -> None:
    terminal.shows("Number [1]:")
    terminal.send("1\n")
    terminal.shows("Client secret (not shown):")


def to_the_code(terminal: Terminal, port: Port) -> None:
    to_the_secret(terminal, port)
    terminal.send(f"{bring(port, 'code').secrets['client_secret']}\n")
    terminal.shows("Code (not shown):")


def to_the_refresh_token(terminal: Terminal, port: Port) -> None:
    terminal.shows("Number [1]:")
    terminal.send("4\n")
    terminal.shows("Client secret (not shown):")
    terminal.send(f"{bring(port, 'code').secrets['client_secret']}\n")
    terminal.shows("Refresh token (not shown):")


def to_the_company(terminal: Terminal, port: Port) -> None:
    terminal.shows("Number [1]:")
    terminal.send("1\n")
    bring(port, "code").type_into(terminal)
    terminal.shows("Is it this one? [Y/n]")


PROMPTS = [to_the_choice, to_the_number, to_the_secret, to_the_code, to_the_refresh_token, to_the_company]


@pytest.mark.parametrize("go", PROMPTS)
def test_each_prompt_of_add_may_be_left_with_one_ctrl_c(
    real_keyring: SecretService, empty_home: Path, zoho: Port, go: Callable[[Terminal, Port], None]
) -> None:
    assert_left(empty_home, zoho, go, "\x03", 130)


@pytest.mark.parametrize("go", [to_the_choice, to_the_secret, to_the_company])
def test_each_kind_of_prompt_may_be_left_with_ctrl_d(
    real_keyring: SecretService, empty_home: Path, zoho: Port, go: Callable[[Terminal, Port], None]
) -> None:
    told = assert_left(empty_home, zoho, go, "\x04", 1)
    assert "othing was changed." in told


def assert_left(home: Path, port: Port, go: Callable[[Terminal, Port], None], key: str, status: int) -> str:
    before = kept(home, port)
    with in_terminal([*COMMAND, *add_args(port.org("nordlys"))]) as terminal:
        go(terminal, port)
        terminal.send(key)
        assert terminal.ends() == status
        terminal.read()
        assert not any(word in terminal.text for word in NO_CRASH), terminal.text
        assert_no_secret(bytes(terminal.output))
        told = terminal.text
    assert kept(home, port) == before
    return told


def test_a_closed_browser_is_given_up_with_ctrl_c_and_leaves_the_port_free(
    real_keyring: SecretService, empty_home: Path, zoho: Port
) -> None:
    before, port = kept(empty_home, zoho), free_port()
    for _ in range(2):
        with in_terminal([*COMMAND, *bring(zoho, "browser").args, "--port", str(port)]) as terminal:
            bring(zoho, "browser").type_into(terminal)
            written(terminal, CONSENT_PAGE)
            terminal.send("\x03")
            assert terminal.ends() == 130
    assert kept(empty_home, zoho) == before
    assert not zoho.simulator.requests


def test_it_is_not_this_one_and_the_sign_in_is_revoked(
    real_keyring: SecretService, empty_home: Path, zoho: Port
) -> None:
    """The consent was given for the wrong org of several."""
    before, port = kept(empty_home, zoho), free_port()
    with in_terminal([*COMMAND, *bring(zoho, "browser").args, "--port", str(port)]) as terminal:
        bring(zoho, "browser").type_into(terminal)
        asyncio.run(browse(written(terminal, CONSENT_PAGE), "tern", follow=True))
        terminal.shows("This sign-in is for: Tern Island Ferries", "[Y/n]")
        terminal.send("n\n")
        assert terminal.ends() == 1
        terminal.shows("Nothing was changed.")
    assert kept(empty_home, zoho) == before
    assert zoho.simulator.requests[-1].path == "/eu/oauth/v2/token/revoke"


def test_a_refresh_token_that_was_there_before_is_not_revoked_by_a_no(
    real_keyring: SecretService, empty_home: Path, zoho: Port
) -> None:
    before, brought = kept(empty_home, zoho), bring(zoho, "refresh-token")
    with in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        terminal.shows("[Y/n]")
        terminal.send("n\n")
        assert terminal.ends() == 1
    assert kept(empty_home, zoho) == before


@pytest.mark.parametrize(
    ("way", "changed", "sentence"),
    [
        ("code", {"client_secret": "demo-client-secret-999999"}, "The client secret is wrong."),
        ("code", {"code": "1000.ABCDEF"}, "This is not a code of Zoho's"),
        ("refresh-token", {"refresh_token": "1000.demo-refresh-token-9"}, "The refresh token is dead"),
        ("refresh-token", {"refresh_token": ""}, "The refresh token is missing"),
    ],
)
def test_what_was_mistyped_is_told_and_never_shown(
    real_keyring: SecretService,
    empty_home: Path,
    zoho: Port,
    way: Way,
    changed: dict[str, str],
    sentence: str,
) -> None:
    before, brought = kept(empty_home, zoho), bring(zoho, way).but(**changed)
    with in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        assert terminal.ends() in (1, 3)
        terminal.shows(f"zbtui: {sentence}")
        assert_no_secret(bytes(terminal.output))
    assert kept(empty_home, zoho) == before


@pytest.mark.parametrize("command", ["add", "sign-in"])
def test_a_locked_keyring_is_told_before_anything_is_asked(
    locked_keyring: dict[str, str],
    empty_home: Path,
    zoho: Port,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    for name, value in locked_keyring.items():
        monkeypatch.setenv(name, value)
    args = add_args(zoho.org("nordlys"))
    if command == "sign-in":
        config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[[org]]\nname = "nordlys"\ndata_center = "eu"\nclient_id = "1000.A"\n')
        args = ["sign-in", "nordlys"]
    with in_terminal([*COMMAND, *args]) as terminal:
        assert terminal.ends() == 1
        terminal.read()
        assert terminal.text.strip() == "zbtui: The keyring is locked. Unlock it."
    assert not zoho.simulator.requests


@pytest.mark.parametrize("command", ["add", "sign-in"])
@pytest.mark.parametrize("happen", [locking, ending, refusing_to_write])
def test_a_keyring_that_goes_while_the_person_thinks_keeps_nothing(
    own_keyring: SecretService,
    empty_home: Path,
    zoho: Port,
    happen: Callable[[SecretService], AbstractContextManager[None]],
    command: str,
) -> None:
    brought = bring(zoho, "code")
    args = add_args(zoho.org("nordlys"))
    if command == "sign-in":
        first = bring(zoho, "refresh-token")
        assert process(*first.args, stdin=first.piped).status == 0
        args = ["sign-in", "nordlys"]
    before = kept(empty_home, zoho, own_keyring)
    with in_terminal([*COMMAND, *args, "--grant", "code"]) as terminal:
        brought.type_into(terminal)
        terminal.shows("Is it this one? [Y/n]")
        with happen(own_keyring):
            terminal.send("y\n")
            assert terminal.ends() == 1
        terminal.shows("zbtui: The keyring ")
    assert kept(empty_home, zoho, own_keyring) == before


def test_a_config_that_cannot_be_written_is_told_and_keeps_nothing(
    real_keyring: SecretService, empty_home: Path, zoho: Port
) -> None:
    (empty_home / "xdg_state_home" / "zbtui" / "locks" / "config.lock").mkdir(parents=True)
    before = kept(empty_home, zoho)
    with in_terminal([*COMMAND, *add_args(zoho.org("nordlys"))], columns=300) as terminal:
        to_the_company(terminal, zoho)
        terminal.send("\n")
        assert terminal.ends() == 3
        terminal.shows("cannot be written", "Check the rights of file and folder.")
    assert kept(empty_home, zoho) == before


def test_sign_in_again_may_be_left_while_it_waits_for_the_device(
    real_keyring: SecretService, empty_home: Path, shell: Shell, zoho: Port
) -> None:
    add(shell, zoho, "nordlys")
    before = kept(empty_home, zoho)
    client = bring(zoho, "device")
    command = ["sign-in", "nordlys", "--grant", "device", "--client-id", zoho.org("nordlys").client_id]
    with in_terminal([*COMMAND, *command[:4], *client.args[2:4]]) as terminal:
        client.type_into(terminal)
        written(terminal, USER_CODE)
        terminal.send("\x03")
        assert terminal.ends() == 130
    assert kept(empty_home, zoho) == before
    assert shell("check").status == 0


@pytest.mark.parametrize("answers", [[], ["y\n"]], ids=["remove", "revoke"])
def test_the_questions_of_remove_may_be_left_with_ctrl_c(
    real_keyring: SecretService, empty_home: Path, shell: Shell, zoho: Port, answers: list[str]
) -> None:
    add(shell, zoho, "nordlys")
    before = kept(empty_home, zoho)
    with in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.shows("delete its credentials from the keyring? [y/N]")
        for answer in answers:
            terminal.send(answer)
            terminal.shows("Revoke its refresh token at Zoho, too? [y/N]")
        terminal.send("\x03")
        assert terminal.ends() == 130
    assert kept(empty_home, zoho) == before
