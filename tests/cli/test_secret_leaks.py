"""No secret gets into arguments, environments, output, config, journal or log."""

from __future__ import annotations

import asyncio
import html
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.command_runner import COMMAND, RunCommand, add, assert_no_secret_in, read_all_files
from tests.cli.sign_in_input import (
    CONSENT_PAGE,
    free_port,
    make_sign_in_input,
    process_tree,
    sign_in_args,
    wait_for_output,
)
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.simulator import SimulatorServer, answer_consent_page
from zbtui.model.org import SignInMethod

pytestmark = [
    pytest.mark.usefixtures("real_keyring"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what ps sees is read in /proc"),
]

BROWSER = """#!/bin/sh
env > "$0.env"
printf '%s\\n' "$@" > "$0.args"
cp "${1#file://}" "$0.page.part" && mv "$0.page.part" "$0.page"
"""
"""A browser that records its arguments, its environment and the page that it opens."""


def visible_to_other_processes(pid: int) -> bytes:
    """Arguments and environments of a process and its descendants."""
    folders = [Path(f"/proc/{one}") for one in process_tree(pid)]
    return b"".join((folder / name).read_bytes() for folder in folders for name in ("cmdline", "environ"))


@pytest.mark.parametrize(
    ("command", "method"), [("add", "code"), ("add", "browser"), ("sign-in", "browser")]
)
def test_while_somebody_signs_in_no_other_program_sees_a_secret(
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    method: SignInMethod,
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("BROWSER", f"{browser} %s &")
    brought, port = make_sign_in_input(zoho, method), free_port()
    args = brought.args
    if command == "sign-in":
        add(run_command, zoho, "nordlys")
        args = sign_in_args(brought)
    with run_in_terminal([*COMMAND, *args, "--port", str(port)]) as terminal:
        brought.type_into(terminal)
        if method == "browser":
            page = wait_for_output(terminal, CONSENT_PAGE)
            terminal.wait_for_text("A page opens in your browser.")
            terminal.wait_until(lambda text: Path(f"{browser}.page").is_file())
            assert html.escape(page) in Path(f"{browser}.page").read_text()
            assert state_of(page) not in Path(f"{browser}.args").read_text()
            asyncio.run(answer_consent_page(page, "nordlys", follow=True))
        terminal.wait_for_text("Is it this one? [Y/n]")
        outside = visible_to_other_processes(terminal.process.pid)
        if method == "browser":
            assert state_of(page).encode() not in outside
        terminal.send("\n")
        assert terminal.wait_for_exit() == 0
        shown = bytes(terminal.output)
    assert b"zbtui" in outside
    assert list(empty_home.glob("zbtui-*")) == []
    assert run_command("check").status == 0
    assert_no_secret_in(outside, shown, read_all_files(empty_home), read_all_files(tmp_path))


def state_of(page: str) -> str:
    return parse_qs(urlsplit(page).query)["state"][0]


def test_a_problem_shows_no_secret_to_output_journal_or_log(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path
) -> None:
    """A token that is refused, a refresh token that is dead, a code that is late."""
    add(run_command, zoho, "nordlys")
    add(run_command, zoho, "tern", verified=False)
    zoho.simulator.forced_kinds |= {"nordlys": "INVALID_TOKEN", "tern": "invalid_code"}
    code = make_sign_in_input(zoho, "code")
    zoho.simulator.accounts.codes.clear()
    runs = [
        run_command("check"),
        run_command("check", "--format", "json"),
        run_command(*sign_in_args(code), stdin=code.as_json),
    ]
    assert [run.status for run in runs] == [3, 3, 1]
    assert (empty_home / "xdg_state_home" / "zbtui" / "zbtui.log").read_text()
    assert_no_secret_in(read_all_files(empty_home), *(f"{run.out}{run.err}".encode() for run in runs))


def test_no_secret_ever_stands_in_an_address(run_command: RunCommand, zoho: SimulatorServer) -> None:
    methods: tuple[SignInMethod, ...] = ("client-credentials", "code", "refresh-token")
    for method in methods:
        brought = make_sign_in_input(zoho, method)
        assert run_command(*brought.args, stdin=brought.as_json).status == 0
        assert run_command("remove", "nordlys", "--revoke", "--yes").status == 0
    assert {request.query for request in zoho.simulator.request_records} == {"", "page=1&per_page=200"}
