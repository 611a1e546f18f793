"""Each of the five sign-in methods as a new user meets it: from `zbtui add` to a first check."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    COMMAND,
    RunCommand,
    assert_no_secret_in,
    read_all_files,
    run_process,
    start_process,
    wait_for_result,
)
from tests.cli.sign_in_input import (
    CONSENT_PAGE,
    USER_CODE,
    StderrWatcher,
    free_port,
    make_sign_in_input,
    stored_state,
    wait_for_output,
)
from tests.support.pseudo_terminal import Terminal, run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, answer_consent_page
from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.onboarding import OrgService
from zbtui.presentation.qr import qr_rows
from zbtui.presentation.sign_in_guide import SIGN_IN_GUIDES

pytestmark = pytest.mark.usefixtures("real_keyring")

METHODS_WITHOUT_FLOW: tuple[SignInMethod, ...] = ("code", "refresh-token", "client-credentials")
FIRST = {
    "code": "authorization_code",
    "device": "device_token",
    "browser": "authorization_code",
    "refresh-token": "refresh_token",
    "client-credentials": "client_credentials",
}
"""The name of the first token request of each method."""
COMPANY = "This sign-in is for: Nordlys Tools AB · Sweden · ultimate · org number 00000000001"


def assert_watched(check: RunCommand, port: SimulatorServer, method: SignInMethod, home: Path) -> None:
    """The next check sees the backup, with the token that the sign-in gave."""
    run = check("check")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("OK: 1 ok\n")
    assert "SCHEDULED" in run.out
    asked = [request.grant_type for request in port.simulator.request_records if request.grant_type]
    assert [grant for grant in asked if grant != "device_request"] == [FIRST[method]]
    assert_no_secret_in(run.out.encode(), read_all_files(home))
    assert all("secret" not in request.query for request in port.simulator.request_records)


def fast_polling(patch: pytest.MonkeyPatch, port: SimulatorServer) -> None:
    """Poll a device without waiting half a minute between two polls."""
    patch.setattr(
        "zbtui.onboarding.OrgService",
        partial(OrgService, min_device_poll_interval=timedelta(milliseconds=20)),
    )
    port.simulator.min_device_poll_interval = timedelta()


# Piped in


@pytest.mark.parametrize("method", METHODS_WITHOUT_FLOW)
def test_piped_in_a_grant_needs_no_person(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path, method: SignInMethod
) -> None:
    brought = make_sign_in_input(zoho, method)
    run = run_process(*brought.args, stdin=brought.as_json)
    assert (run.status, run.out) == (0, "")
    assert run.err.splitlines()[-2:] == [COMPANY, "nordlys (custom) is under watch: SCHEDULED."]
    assert "[Y/n]" not in run.err
    assert SIGN_IN_GUIDES[method].title not in run.err
    assert_no_secret_in(run.err.encode())
    assert_watched(run_command, zoho, method, empty_home)


@pytest.mark.parametrize("method", METHODS_WITHOUT_FLOW)
def test_what_is_piped_in_or_a_soid_shows_the_grant(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path, method: SignInMethod
) -> None:
    brought = make_sign_in_input(zoho, method)
    at = brought.args.index("--grant")
    run = run_command(*brought.args[:at], *brought.args[at + 2 :], stdin=brought.as_json)
    assert run.status == 0, run.err
    assert_watched(run_command, zoho, method, empty_home)
    (listed,) = run_command("list", "--json").json["orgs"]
    soid = brought.args[-1] if method == "client-credentials" else None
    assert (listed["grant"] == method, listed["soid"]) == (method != "code", soid)


def test_a_browser_comes_back_to_a_command_without_a_terminal(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    brought, port = make_sign_in_input(zoho, "browser"), free_port()
    running = start_process(*brought.args, "--port", str(port))
    assert running.stdin
    assert running.stderr
    running.stdin.write(brought.as_json.encode())
    running.stdin.close()
    running.stdin = None
    lines: list[str] = []
    while not (lines and CONSENT_PAGE.search(lines[-1])):
        lines.append(running.stderr.readline().decode())
        assert lines[-1], "".join(lines)
    location = asyncio.run(answer_consent_page(lines[-1].strip(), "nordlys", follow=True))
    assert location.startswith(f"http://localhost:{port}/?")
    run = wait_for_result(running)
    assert run.status == 0, run.err
    assert COMPANY in run.err
    assert_no_secret_in("".join(lines).encode(), run.err.encode())
    assert_watched(run_command, zoho, "browser", empty_home)


def test_a_device_is_signed_in_by_who_enters_its_code_elsewhere(
    stderr_watcher: StderrWatcher,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast_polling(monkeypatch, zoho)
    stderr_watcher.on_output(USER_CODE, lambda code: zoho.simulator.decide_by_user_code(code, "nordlys"))
    brought = make_sign_in_input(zoho, "device")
    run = run_command(*brought.args, stdin=brought.as_json)
    assert run.status == 0, run.err
    assert f"In any browser, open  {zoho.url}/eu/oauth/v3/device\n" in run.err
    assert "\x1b" not in run.err  # no QR code, as stderr is no terminal
    assert COMPANY in run.err
    assert_no_secret_in(run.err.encode())
    assert_watched(run_command, zoho, "device", empty_home)


# Typed at a terminal


def choose(terminal: Terminal, method: SignInMethod) -> None:
    terminal.wait_for_text(
        "How to sign in:", *(SIGN_IN_GUIDES[one].title for one in SIGN_IN_METHODS), "Number [1]:"
    )
    terminal.send(f"{SIGN_IN_METHODS.index(method) + 1}\n")


def answer_last_questions(terminal: Terminal, answer: str = "") -> None:
    """Answer whether it is the right org."""
    terminal.wait_for_text(COMPANY, "Is it this one? [Y/n]")
    terminal.send(f"{answer}\n")


def start_typing(port: SimulatorServer, method: SignInMethod, *options: str) -> list[str]:
    """The command without `--grant` and the options after it: zbtui asks for them."""
    args = make_sign_in_input(port, method).args
    return [*COMMAND, *args[: args.index("--grant")], *options]


@pytest.mark.parametrize("method", METHODS_WITHOUT_FLOW)
def test_a_person_is_led_from_the_choice_to_the_org(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path, method: SignInMethod
) -> None:
    brought = make_sign_in_input(zoho, method)
    with run_in_terminal(start_typing(zoho, method)) as terminal:
        choose(terminal, method)
        if method == "client-credentials":
            terminal.wait_for_text("The number of the org:")
            terminal.send("ZohoCRM.1\n")
            terminal.wait_for_text("Digits only, please.")
            terminal.send(f"{zoho.simulator.world.orgs['nordlys'].zgid}\n")
        terminal.wait_for_text(f"{SIGN_IN_GUIDES[method].title}:", "  1. ")
        brought.type_into(terminal)
        answer_last_questions(terminal)
        assert terminal.wait_for_exit() == 0
        terminal.wait_for_text("nordlys (custom) is under watch: SCHEDULED.")
        assert_no_secret_in(bytes(terminal.output))
    assert_watched(run_command, zoho, method, empty_home)


def test_a_choice_that_is_none_is_asked_for_again_and_enter_takes_the_first(zoho: SimulatorServer) -> None:
    with run_in_terminal(start_typing(zoho, "code")) as terminal:
        for wrong in ("0", "6", "password"):
            terminal.wait_for_text("Number [1]:")
            terminal.send(f"{wrong}\n")
            terminal.wait_until(lambda text, wrong=wrong: f"Number [1]: {wrong}" in text)  # type: ignore[misc]
        terminal.wait_until(lambda text: text.count("A number from 1 to 5, please.") == 3)
        terminal.send("\n")
        terminal.wait_for_text("Self Client and a code:", "Client secret (not shown):")


def test_a_person_accepts_in_a_browser_of_this_machine(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    port = free_port()
    with run_in_terminal(start_typing(zoho, "browser", "--port", str(port))) as terminal:
        choose(terminal, "browser")
        terminal.wait_for_text(f"Enter http://localhost:{port}/ as its redirect URI")
        make_sign_in_input(zoho, "browser").type_into(terminal)
        page = wait_for_output(terminal, CONSENT_PAGE)
        terminal.wait_for_text("Open this page in a browser on this machine:", "ctrl+c gives up")
        asyncio.run(answer_consent_page(page, "nordlys", follow=True))
        answer_last_questions(terminal, "y")
        assert terminal.wait_for_exit() == 0
        assert_no_secret_in(bytes(terminal.output))
    assert_watched(run_command, zoho, "browser", empty_home)


def test_a_device_code_is_shown_large_and_may_be_left(
    zoho: SimulatorServer, empty_home: Path, real_keyring: SecretService
) -> None:
    before = stored_state(empty_home, zoho)
    with run_in_terminal(start_typing(zoho, "device")) as terminal:
        choose(terminal, "device")
        make_sign_in_input(zoho, "device").type_into(terminal)
        code = wait_for_output(terminal, USER_CODE)
        address = f"{zoho.url}/eu/oauth/v3/device"
        terminal.wait_for_text(address, code, "ctrl+c gives up", *qr_rows(f"{address}?user_code={code}"))
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 130
        assert_no_secret_in(bytes(terminal.output))
    assert stored_state(empty_home, zoho) == before
    assert [request.grant_type for request in zoho.simulator.request_records] == ["device_request"]


def test_a_terminal_too_narrow_for_the_qr_code_shows_the_address_alone(zoho: SimulatorServer) -> None:
    with run_in_terminal([*COMMAND, *make_sign_in_input(zoho, "device").args], columns=34) as terminal:
        make_sign_in_input(zoho, "device").type_into(terminal)
        wait_for_output(terminal, USER_CODE)
        assert "█" not in terminal.output.decode()


def test_with_yes_nobody_is_asked_whether_it_is_the_right_org(zoho: SimulatorServer) -> None:
    brought = make_sign_in_input(zoho, "refresh-token")
    with run_in_terminal([*COMMAND, *brought.args, "--yes"]) as terminal:
        brought.type_into(terminal)
        assert terminal.wait_for_exit() == 0
        terminal.wait_for_text(COMPANY, "nordlys (custom) is under watch: SCHEDULED.")
        assert "[Y/n]" not in terminal.text


# Whose org it is


@pytest.mark.parametrize("method", ["code", "browser"])
def test_without_the_scope_for_the_org_it_goes_on_without_a_name(
    stderr_watcher: StderrWatcher,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
    method: SignInMethod,
) -> None:
    zoho.simulator.missing_scopes["nordlys"] = {"ZohoCRM.org.READ"}
    stderr_watcher.on_consent_page("nordlys")
    brought = make_sign_in_input(zoho, method)
    run = run_command(*brought.args, "--port", str(free_port()), stdin=brought.as_json)
    assert run.status == 0, run.err
    assert "This sign-in is for: not told: the sign-in lacks the scope ZohoCRM.org.READ\n" in run.err
    assert_watched(run_command, zoho, method, empty_home)


def test_a_person_is_not_asked_about_an_org_that_has_no_name_to_show_it_by(zoho: SimulatorServer) -> None:
    zoho.simulator.missing_scopes["nordlys"] = {"ZohoCRM.org.READ"}
    brought = make_sign_in_input(zoho, "code")
    with run_in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        terminal.wait_for_text(
            "not told: the sign-in lacks the scope ZohoCRM.org.READ", "is under watch: SCHEDULED"
        )
        assert terminal.wait_for_exit() == 0
        assert "Is it this one?" not in terminal.text


def test_the_name_that_a_sign_in_showed_is_known_to_the_next_check(
    run_command: RunCommand, zoho: SimulatorServer
) -> None:
    brought = make_sign_in_input(zoho, "code")
    assert run_command(*brought.args, stdin=brought.as_json).status == 0
    org = run_command("check", "--format", "json").orgs()["nordlys"]
    assert org["company"] == "Nordlys Tools AB"
