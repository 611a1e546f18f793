"""A person at a terminal who hesitates, mistypes, or gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    ACME_CONFIG,
    COMMAND,
    CRASH_MARKS,
    RunCommand,
    add,
    add_args,
    assert_no_secret_in,
    write_config,
)
from tests.cli.sign_in_input import (
    CONSENT_PAGE,
    USER_CODE,
    daemon_killed,
    free_port,
    keyring_locked_for_good,
    make_sign_in_input,
    read_only_keyring,
    sign_in_args,
    stored_state,
    wait_for_output,
)
from tests.support.pseudo_terminal import Terminal, run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, answer_consent_page
from zbtui.model.org import SignInMethod

pytestmark = pytest.mark.usefixtures("real_keyring")


def to_the_choice(terminal: Terminal, port: SimulatorServer) -> None:
    terminal.wait_for_text("Number [1]:")


def to_the_number(terminal: Terminal, port: SimulatorServer) -> None:
    choose(terminal, "5", "The number of the org:")


def to_the_secret(terminal: Terminal, port: SimulatorServer) -> None:
    choose(terminal, "1", "Client secret (not shown):")


def to_the_code(terminal: Terminal, port: SimulatorServer) -> None:
    to_the_secret(terminal, port)
    terminal.send(f"{make_sign_in_input(port, 'code').secrets['client_secret']}\n")
    terminal.wait_for_text("Code (not shown):")


def to_the_refresh_token(terminal: Terminal, port: SimulatorServer) -> None:
    choose(terminal, "4", "Client secret (not shown):")
    terminal.send(f"{make_sign_in_input(port, 'code').secrets['client_secret']}\n")
    terminal.wait_for_text("Refresh token (not shown):")


def to_the_company(terminal: Terminal, port: SimulatorServer) -> None:
    to_the_secret(terminal, port)
    make_sign_in_input(port, "code").type_into(terminal)
    terminal.wait_for_text("Is it this one? [Y/n]")


def choose(terminal: Terminal, number: str, next_prompt: str) -> None:
    terminal.wait_for_text("Number [1]:")
    terminal.send(f"{number}\n")
    terminal.wait_for_text(next_prompt)


PROMPTS = [to_the_choice, to_the_number, to_the_secret, to_the_code, to_the_refresh_token, to_the_company]
EXIT_KEYS = [
    *((prompt, "\x03", 130, "") for prompt in PROMPTS),
    *(
        (prompt, "\x04", 1, "othing was changed.")
        for prompt in (to_the_choice, to_the_secret, to_the_company)
    ),
]
"""ctrl+c at each prompt, ctrl+d at each kind of prompt."""


@pytest.mark.parametrize(("go", "key", "status", "message"), EXIT_KEYS)
def test_each_prompt_of_add_may_be_left_with_one_key(
    empty_home: Path,
    zoho: SimulatorServer,
    go: Callable[[Terminal, SimulatorServer], None],
    key: str,
    status: int,
    message: str,
) -> None:
    before = stored_state(empty_home, zoho)
    with run_in_terminal([*COMMAND, *add_args(zoho.org("nordlys"))]) as terminal:
        go(terminal, zoho)
        terminal.send(key)
        assert terminal.wait_for_exit() == status
        terminal.read_output()
        assert message in terminal.text
        assert not any(word in terminal.text for word in CRASH_MARKS), terminal.text
        assert_no_secret_in(bytes(terminal.output))
    assert stored_state(empty_home, zoho) == before


def test_a_closed_browser_is_given_up_with_ctrl_c_and_leaves_the_port_free(
    empty_home: Path, zoho: SimulatorServer
) -> None:
    before, brought = stored_state(empty_home, zoho), make_sign_in_input(zoho, "browser")
    command = [*COMMAND, *brought.args, "--port", str(free_port())]
    for _ in range(2):
        with run_in_terminal(command) as terminal:
            brought.type_into(terminal)
            wait_for_output(terminal, CONSENT_PAGE)
            terminal.send("\x03")
            assert terminal.wait_for_exit() == 130
    assert stored_state(empty_home, zoho) == before
    assert not zoho.simulator.request_records


@pytest.mark.parametrize("command", ["add", "sign-in"])
def test_a_sign_in_for_the_wrong_org_is_revoked(
    empty_home: Path, run_command: RunCommand, zoho: SimulatorServer, command: str
) -> None:
    """A person with several orgs may give consent for the wrong one."""
    brought = make_sign_in_input(zoho, "browser")
    args = brought.args
    if command == "sign-in":
        add(run_command, zoho, "nordlys")
        args = sign_in_args(brought)
    before = stored_state(empty_home, zoho)
    with run_in_terminal([*COMMAND, *args, "--port", str(free_port())]) as terminal:
        brought.type_into(terminal)
        asyncio.run(answer_consent_page(wait_for_output(terminal, CONSENT_PAGE), "tern", follow=True))
        if command == "add":
            terminal.wait_for_text("This sign-in is for: Tern Island Ferries", "[Y/n]")
            terminal.send("n\n")
            terminal.wait_for_text("Nothing was changed.")
        else:  # the number names the org
            terminal.wait_for_text("This sign-in is for org number 00000000012, but nordlys is")
        assert terminal.wait_for_exit() == 1
    assert stored_state(empty_home, zoho) == before
    assert zoho.simulator.request_records[-1].path == "/eu/oauth/v2/token/revoke"


def test_a_refresh_token_that_was_there_before_is_not_revoked_by_a_no(
    empty_home: Path, zoho: SimulatorServer
) -> None:
    before, brought = stored_state(empty_home, zoho), make_sign_in_input(zoho, "refresh-token")
    with run_in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        terminal.wait_for_text("[Y/n]")
        terminal.send("n\n")
        assert terminal.wait_for_exit() == 1
    assert stored_state(empty_home, zoho) == before


@pytest.mark.parametrize(
    ("method", "changed", "sentence"),
    [
        ("code", {"client_secret": "demo-client-secret-999999"}, "The client secret is wrong."),
        ("code", {"code": "1000.ABCDEF"}, "This is not a code of Zoho's"),
        ("refresh-token", {"refresh_token": "1000.demo-refresh-token-9"}, "The refresh token is dead"),
        ("refresh-token", {"refresh_token": ""}, "The refresh token is missing"),
    ],
)
def test_what_was_mistyped_is_reported_and_never_shown(
    empty_home: Path, zoho: SimulatorServer, method: SignInMethod, changed: dict[str, str], sentence: str
) -> None:
    before = stored_state(empty_home, zoho)
    brought = make_sign_in_input(zoho, method).with_secrets(**changed)
    with run_in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        assert terminal.wait_for_exit() in (1, 3)
        terminal.wait_for_text(f"zbtui: {sentence}")
        assert_no_secret_in(bytes(terminal.output))
    assert stored_state(empty_home, zoho) == before


@pytest.mark.parametrize("command", ["add", "sign-in"])
def test_a_locked_keyring_is_shown_before_anything_is_asked(
    locked_keyring: SecretService, empty_home: Path, zoho: SimulatorServer, command: str
) -> None:
    args = add_args(zoho.org("nordlys"))
    if command == "sign-in":
        write_config(empty_home, ACME_CONFIG)
        args = ["sign-in", "acme"]
    with run_in_terminal([*COMMAND, *args]) as terminal:
        assert terminal.wait_for_exit() == 1
        terminal.read_output()
        assert terminal.text.strip() == "zbtui: The keyring is locked. Unlock it."
    assert not zoho.simulator.request_records


@pytest.mark.parametrize("command", ["add", "sign-in"])
@pytest.mark.parametrize("happen", [keyring_locked_for_good, daemon_killed, read_only_keyring])
def test_a_keyring_that_goes_while_the_person_thinks_keeps_nothing(
    own_keyring: SecretService,
    empty_home: Path,
    run_command: RunCommand,
    zoho: SimulatorServer,
    happen: Callable[[SecretService], AbstractContextManager[None]],
    command: str,
) -> None:
    brought = make_sign_in_input(zoho, "code")
    args = add_args(zoho.org("nordlys"))
    if command == "sign-in":
        add(run_command, zoho, "nordlys")
        args = ["sign-in", "nordlys"]
    before = stored_state(empty_home, zoho, own_keyring)
    with run_in_terminal([*COMMAND, *args, "--grant", "code"]) as terminal:
        brought.type_into(terminal)
        terminal.wait_for_text("Is it this one? [Y/n]")
        with happen(own_keyring):
            terminal.send("y\n")
            assert terminal.wait_for_exit() == 1
        terminal.wait_for_text("zbtui: The keyring ")
    assert stored_state(empty_home, zoho, own_keyring) == before


def test_a_config_that_cannot_be_written_is_shown_and_keeps_nothing(
    empty_home: Path, zoho: SimulatorServer
) -> None:
    (empty_home / "xdg_state_home" / "zbtui" / "locks" / "config.lock").mkdir(parents=True)
    before = stored_state(empty_home, zoho)
    with run_in_terminal([*COMMAND, *add_args(zoho.org("nordlys"))], columns=300) as terminal:
        assert terminal.wait_for_exit() == 3  # no question was asked: its answer would be lost
        terminal.wait_for_text("cannot be written", "Check the rights of file and folder.")
    assert stored_state(empty_home, zoho) == before


def test_sign_in_again_may_be_left_while_it_waits_for_the_device(
    empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    before = stored_state(empty_home, zoho)
    client = make_sign_in_input(zoho, "device")
    with run_in_terminal([*COMMAND, *sign_in_args(client)]) as terminal:
        client.type_into(terminal)
        wait_for_output(terminal, USER_CODE)
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 130
    assert stored_state(empty_home, zoho) == before
    assert run_command("check").status == 0


@pytest.mark.parametrize("answers", [[], ["y\n"]], ids=["remove", "revoke"])
def test_the_questions_of_remove_may_be_left_with_ctrl_c(
    empty_home: Path, run_command: RunCommand, zoho: SimulatorServer, answers: list[str]
) -> None:
    add(run_command, zoho, "nordlys")
    before = stored_state(empty_home, zoho)
    with run_in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.wait_for_text("delete its credentials from the keyring? [y/N]")
        for answer in answers:
            terminal.send(answer)
            terminal.wait_for_text("Revoke its refresh token at Zoho, too? [y/N]")
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 130
    assert stored_state(empty_home, zoho) == before
