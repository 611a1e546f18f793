"""Where no secret ever goes: arguments, environments, output, config, journal and log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.shell import COMMAND, Shell, add, assert_no_secret, every_byte, process
from tests.cli.signing import CONSENT_PAGE, bring, free_port, processes_of, sign_in_args, written
from tests.support.secret_service import SecretService
from tests.support.terminal import in_terminal
from tests.support.zoho import Port, browse
from zbtui.core.org import Way

pytestmark = [
    pytest.mark.usefixtures("real_keyring"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what ps sees is read in /proc"),
]

BROWSER = """#!/bin/sh
env > "$0.env"
printf '%s\\n' "$@" > "$0.args"
"""
"""Tells what it was started with."""


def seen_from_outside(pid: int) -> bytes:
    """Arguments and environment of a process and of those below it."""
    folders = [Path(f"/proc/{one}") for one in processes_of(pid)]
    return b"".join((folder / name).read_bytes() for folder in folders for name in ("cmdline", "environ"))


@pytest.mark.parametrize(("command", "way"), [("add", "code"), ("add", "browser"), ("sign-in", "browser")])
def test_while_somebody_signs_in_no_other_program_sees_a_secret(
    shell: Shell,
    zoho: Port,
    empty_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    way: Way,
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("BROWSER", f"{browser} %s &")
    brought, port = bring(zoho, way), free_port()
    args = brought.args
    if command == "sign-in":
        add(shell, zoho, "nordlys")
        args = sign_in_args(brought)
    with in_terminal([*COMMAND, *args, "--port", str(port)]) as terminal:
        brought.type_into(terminal)
        if way == "browser":
            page = written(terminal, CONSENT_PAGE)
            terminal.shows("A page opens in your browser.")
            terminal.until(lambda text: Path(f"{browser}.args").is_file() and page in told(browser))
            asyncio.run(browse(page, "nordlys", follow=True))
        terminal.shows("Is it this one? [Y/n]")
        outside = seen_from_outside(terminal.process.pid)
        terminal.send("\n")
        assert terminal.ends() == 0
        shown = bytes(terminal.output)
    assert b"zbtui" in outside
    assert shell("check").status == 0
    assert_no_secret(outside, shown, every_byte(empty_home), every_byte(tmp_path))


def told(browser: Path) -> str:
    return Path(f"{browser}.args").read_text()


def test_a_trouble_tells_no_secret_to_output_journal_or_log(
    shell: Shell, zoho: Port, empty_home: Path, real_keyring: SecretService
) -> None:
    """A token that is refused, a refresh token that is dead, a code that is late."""
    add(shell, zoho, "nordlys")
    add(shell, zoho, "tern", verified=False)
    zoho.simulator.forced |= {"nordlys": "INVALID_TOKEN", "tern": "invalid_code"}
    code = bring(zoho, "code")
    zoho.simulator.accounts.codes.clear()
    runs = [
        process("check"),
        process("check", "--format", "json"),
        process(*sign_in_args(code), stdin=code.piped),
    ]
    assert [run.status for run in runs] == [3, 3, 1]
    assert (empty_home / "xdg_state_home" / "zbtui" / "zbtui.log").read_text()
    assert_no_secret(every_byte(empty_home), *(f"{run.out}{run.err}".encode() for run in runs))


def test_no_secret_ever_stands_in_an_address(shell: Shell, zoho: Port) -> None:
    ways: tuple[Way, ...] = ("client-credentials", "code", "refresh-token")
    for way in ways:
        brought = bring(zoho, way)
        assert shell(*brought.args, stdin=brought.piped).status == 0
        assert shell("remove", "nordlys", "--revoke", "--yes").status == 0
    assert {request.query for request in zoho.simulator.requests} == {"", "page=1&per_page=200"}
