"""Each of the five grants, as a new user meets it: from `zbtui add` to a check that sees the backup."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, Shell, assert_no_secret, every_byte, finished, process, start
from tests.cli.signing import CONSENT_PAGE, USER_CODE, Onlooker, bring, free_port, kept, written
from tests.support.secret_service import SecretService
from tests.support.terminal import Terminal, in_terminal
from tests.support.zoho import Port, browse
from zbtui.core.guide import GUIDES
from zbtui.core.org import WAYS, Way
from zbtui.core.qr import qr_lines
from zbtui.onboard import Desk

pytestmark = pytest.mark.usefixtures("real_keyring")

WITHOUT_A_FLOW: tuple[Way, ...] = ("code", "refresh-token", "client-credentials")
FIRST = {
    "code": "authorization_code",
    "device": "device_token",
    "browser": "authorization_code",
    "refresh-token": "refresh_token",
    "client-credentials": "client_credentials",
}
"""What each way's first token request is called."""
COMPANY = "This sign-in is for: Nordlys Tools AB · Sweden · ultimate · org number 00000000001"


def assert_watched(check: Shell, port: Port, way: Way, home: Path) -> None:
    """The next check sees the backup, with the token that the sign-in gave."""
    run = check("check")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("OK: 1 ok\n")
    assert "SCHEDULED" in run.out
    asked = [request.grant for request in port.simulator.requests if request.grant]
    assert [grant for grant in asked if grant != "device_request"] == [FIRST[way]]
    assert_no_secret(run.out.encode(), every_byte(home))
    assert all("secret" not in request.query for request in port.simulator.requests)


def quick(patch: pytest.MonkeyPatch, port: Port) -> None:
    """Let a device be polled without half a minute in between."""
    patch.setattr("zbtui.onboard.Desk", partial(Desk, floor=timedelta(milliseconds=20)))
    port.simulator.device_floor = timedelta()


# Piped in


@pytest.mark.parametrize("way", WITHOUT_A_FLOW)
def test_piped_in_a_grant_needs_no_person(zoho: Port, empty_home: Path, way: Way) -> None:
    brought = bring(zoho, way)
    run = process(*brought.args, stdin=brought.piped)
    assert (run.status, run.out) == (0, "")
    assert run.err.splitlines()[-2:] == [COMPANY, "nordlys (custom) is under watch: SCHEDULED."]
    assert "[Y/n]" not in run.err
    assert GUIDES[way].title not in run.err
    assert_no_secret(run.err.encode())
    assert_watched(process, zoho, way, empty_home)


@pytest.mark.parametrize("way", ["code", "refresh-token"])
def test_what_is_piped_in_tells_the_grant(shell: Shell, zoho: Port, empty_home: Path, way: Way) -> None:
    brought = bring(zoho, way)
    run = shell(*brought.args[:-2], stdin=brought.piped)
    assert run.status == 0, run.err
    assert_watched(shell, zoho, way, empty_home)


def test_a_soid_tells_the_grant(shell: Shell, zoho: Port, empty_home: Path) -> None:
    brought = bring(zoho, "client-credentials")
    without = [arg for arg in brought.args if arg not in ("--grant", "client-credentials")]
    run = shell(*without, stdin=brought.piped)
    assert run.status == 0, run.err
    assert_watched(shell, zoho, "client-credentials", empty_home)
    (listed,) = shell("list", "--json").json["orgs"]
    assert (listed["grant"], listed["soid"]) == ("client-credentials", brought.args[-1])


def test_a_browser_comes_back_to_a_command_without_a_terminal(
    shell: Shell, zoho: Port, empty_home: Path
) -> None:
    brought, port = bring(zoho, "browser"), free_port()
    running = start(*brought.args, "--port", str(port))
    assert running.stdin
    assert running.stderr
    running.stdin.write(brought.piped.encode())
    running.stdin.close()
    running.stdin = None
    lines: list[str] = []
    while not (lines and CONSENT_PAGE.search(lines[-1])):
        lines.append(running.stderr.readline().decode())
        assert lines[-1], "".join(lines)
    location = asyncio.run(browse(lines[-1].strip(), "nordlys", follow=True))
    assert location.startswith(f"http://localhost:{port}/?")
    run = finished(running)
    assert run.status == 0, run.err
    assert COMPANY in run.err
    assert_no_secret("".join(lines).encode(), run.err.encode())
    assert_watched(shell, zoho, "browser", empty_home)


def test_a_device_is_signed_in_by_who_enters_its_code_elsewhere(
    onlooker: Onlooker, shell: Shell, zoho: Port, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, zoho)
    onlooker.on(USER_CODE, lambda code: zoho.simulator.decide(code, "nordlys"))
    brought = bring(zoho, "device")
    run = shell(*brought.args, stdin=brought.piped)
    assert run.status == 0, run.err
    assert f"In any browser, open  {zoho.url}/eu/oauth/v3/device\n" in run.err
    assert "\x1b" not in run.err  # no QR code for who cannot see it
    assert COMPANY in run.err
    assert_no_secret(run.err.encode())
    assert_watched(shell, zoho, "device", empty_home)


# Typed at a terminal


def choose(terminal: Terminal, way: Way) -> None:
    terminal.shows("How to sign in:", *(GUIDES[one].title for one in WAYS), "Number [1]:")
    terminal.send(f"{WAYS.index(way) + 1}\n")


def settle(terminal: Terminal, answer: str = "") -> None:
    """Say whether it is the right org."""
    terminal.shows(COMPANY, "Is it this one? [Y/n]")
    terminal.send(f"{answer}\n")


def typing(port: Port, way: Way, *options: str) -> list[str]:
    """The command of who has not made up their mind yet."""
    args = bring(port, way).args
    return [*COMMAND, *args[: args.index("--grant")], *options]


@pytest.mark.parametrize("way", WITHOUT_A_FLOW)
def test_a_person_is_led_from_the_choice_to_the_org(
    shell: Shell, zoho: Port, empty_home: Path, way: Way
) -> None:
    brought = bring(zoho, way)
    with in_terminal(typing(zoho, way)) as terminal:
        choose(terminal, way)
        if way == "client-credentials":
            terminal.shows("The number of the org:")
            terminal.send("ZohoCRM.1\n")
            terminal.shows("Digits only, please.")
            terminal.send(f"{zoho.simulator.world.orgs['nordlys'].zgid}\n")
        terminal.shows(f"{GUIDES[way].title}:", "  1. ")
        brought.type_into(terminal)
        settle(terminal)
        assert terminal.ends() == 0
        terminal.shows("nordlys (custom) is under watch: SCHEDULED.")
        assert_no_secret(bytes(terminal.output))
    assert_watched(shell, zoho, way, empty_home)


def test_a_choice_that_is_none_is_asked_for_again_and_enter_takes_the_first(zoho: Port) -> None:
    with in_terminal(typing(zoho, "code")) as terminal:
        for wrong in ("0", "6", "password"):
            terminal.shows("Number [1]:")
            terminal.send(f"{wrong}\n")
            terminal.until(lambda text, wrong=wrong: f"Number [1]: {wrong}" in text)  # type: ignore[misc]
        terminal.until(lambda text: text.count("A number from 1 to 5, please.") == 3)
        terminal.send("\n")
        terminal.shows("Self Client and a code:", "Client secret (not shown):")


def test_a_person_accepts_in_a_browser_of_this_machine(zoho: Port, empty_home: Path) -> None:
    port = free_port()
    with in_terminal(typing(zoho, "browser", "--port", str(port))) as terminal:
        choose(terminal, "browser")
        terminal.shows(f"Enter http://localhost:{port}/ as its redirect URI")
        bring(zoho, "browser").type_into(terminal)
        page = written(terminal, CONSENT_PAGE)
        terminal.shows("Open this page in a browser on this machine:", "ctrl+c gives up")
        asyncio.run(browse(page, "nordlys", follow=True))
        settle(terminal, "y")
        assert terminal.ends() == 0
        assert_no_secret(bytes(terminal.output))
    assert_watched(process, zoho, "browser", empty_home)


def test_a_device_code_is_shown_large_and_may_be_left(
    zoho: Port, empty_home: Path, real_keyring: SecretService
) -> None:
    before = kept(empty_home, zoho)
    with in_terminal(typing(zoho, "device")) as terminal:
        choose(terminal, "device")
        bring(zoho, "device").type_into(terminal)
        code = written(terminal, USER_CODE)
        address = f"{zoho.url}/eu/oauth/v3/device"
        terminal.shows(address, code, "ctrl+c gives up", *qr_lines(f"{address}?user_code={code}"))
        terminal.send("\x03")
        assert terminal.ends() == 130
        assert_no_secret(bytes(terminal.output))
    assert kept(empty_home, zoho) == before
    assert [request.grant for request in zoho.simulator.requests] == ["device_request"]


def test_a_terminal_too_narrow_for_the_qr_code_shows_the_address_alone(zoho: Port) -> None:
    with in_terminal([*COMMAND, *bring(zoho, "device").args], columns=34) as terminal:
        bring(zoho, "device").type_into(terminal)
        written(terminal, USER_CODE)
        assert "█" not in terminal.output.decode()


def test_with_yes_nobody_is_asked_whether_it_is_the_right_org(zoho: Port) -> None:
    brought = bring(zoho, "refresh-token")
    with in_terminal([*COMMAND, *brought.args, "--yes"]) as terminal:
        brought.type_into(terminal)
        assert terminal.ends() == 0
        terminal.shows(COMPANY, "nordlys (custom) is under watch: SCHEDULED.")
        assert "[Y/n]" not in terminal.text


# Whose org it is


@pytest.mark.parametrize("way", ["code", "browser"])
def test_without_the_scope_for_the_org_it_goes_on_without_a_name(
    onlooker: Onlooker, shell: Shell, zoho: Port, empty_home: Path, way: Way
) -> None:
    zoho.simulator.missing_scopes["nordlys"] = {"ZohoCRM.org.READ"}
    onlooker.on_page("nordlys")
    brought = bring(zoho, way)
    run = shell(*brought.args, "--port", str(free_port()), stdin=brought.piped)
    assert run.status == 0, run.err
    assert "This sign-in is for: not told: the sign-in lacks the scope ZohoCRM.org.READ\n" in run.err
    assert_watched(shell, zoho, way, empty_home)


def test_a_person_is_not_asked_about_an_org_that_has_no_name_to_tell_it_by(zoho: Port) -> None:
    zoho.simulator.missing_scopes["nordlys"] = {"ZohoCRM.org.READ"}
    brought = bring(zoho, "code")
    with in_terminal([*COMMAND, *brought.args]) as terminal:
        brought.type_into(terminal)
        terminal.shows(
            "not told: the sign-in lacks the scope ZohoCRM.org.READ", "is under watch: SCHEDULED"
        )
        assert terminal.ends() == 0
        assert "Is it this one?" not in terminal.text


def test_the_name_that_a_sign_in_told_is_known_to_the_next_check(shell: Shell, zoho: Port) -> None:
    brought = bring(zoho, "code")
    assert shell(*brought.args, stdin=brought.piped).status == 0
    told = shell("check", "--format", "json").orgs()["nordlys"]
    assert told["company"] == "Nordlys Tools AB"
