"""Wrong usage, broken configs, and the commands that only print."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    ACME_CONFIG,
    COMMAND,
    CRASH_MARKS,
    RunCommand,
    add,
    run_process,
    start_process,
    write_config,
)
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer
from zbtui import __version__
from zbtui.cli import main


@pytest.mark.parametrize(
    "args",
    [
        "frobnicate",
        "list everything",
        "check --format xml",
        "check --frequently",
        "check --watch=1",
        "check --timeout never",
        "check --timeout 0s",
        "check --max-age old",
        "events acme brook",
        "events --since yesterday",
        "events --since 0d",
        "events --since 4000d",
        "events --most 0",
        "events --most all",
        "add",
        "add acme",
        "add acme --data-center eu",
        "add acme --data-center eu --client-id 1000.A --grant password",
        "add acme --data-center eu --client-id 1000.A --port 0",
        "add acme --data-center eu --client-id 1000.A --port 65536",
        "add acme --data-center eu --client-id 1000.A --port 00000000165536",
        "sign-in",
        "sign-in acme --grant password",
        "remove",
        "demo --orgs 0",
        "demo --orgs many",
        "demo --orgs 20001",
        "demo --speed 0",
        "demo --speed nan",
        "demo --speed fast",
        "demo --seed x",
        "--config",
    ],
)
def test_wrong_usage_exits_3_with_a_sentence_and_prints_nothing(run_command: RunCommand, args: str) -> None:
    run = run_command(*args.split())
    assert (run.status, run.out) == (3, "")
    *usage, sentence = run.err.splitlines()
    assert re.fullmatch(r"zbtui: .+", sentence)
    assert all(line.startswith(("usage: zbtui", " ")) for line in usage)


def test_wrong_usage_of_a_process_exits_3_too() -> None:
    run = run_process("check", "--format", "xml")
    assert (run.status, run.out) == (3, "")


REFUSALS = [
    ("check nobody", "nobody"),
    ("check acme nobody", "nobody"),
    ("check --watch nobody", "nobody"),
    ("check --watch --format openmetrics", "--format"),
    ("check --watch --timeout 9s", "--timeout"),
    ("check --watch --max-age 5m", "--max-age"),
    ("check --watch --format text", "--format"),
    ("events nobody", "nobody"),
    ("remove nobody --yes", "nobody"),
    ("add acme --data-center eu --client-id 1000.A", "acme"),
    ("add other --data-center mars --client-id 1000.A", "mars"),
    ("add other --data-center EU --client-id 1000.A", "eu"),
    ("add other --data-center custom --client-id 1000.A", "accounts_url"),
    (
        "add other --data-center custom --client-id 1 --accounts-url http://a.example --api-url https://b.example",
        "https",
    ),
    ("add other --data-center eu --client-id 1000.A --api-url https://b.example", "custom"),
    ("add other --data-center eu --client-id 1000.A --grant client-credentials", "soid"),
    ("add other --data-center eu --client-id 1000.A --grant code --soid ZohoCRM.1", "client-credentials"),
    ("add other --data-center eu --client-id 1000.A --soid 1", "soid"),
    ("add other --data-center eu --client-id 1000.é", "client id"),
    ("sign-in nobody", "nobody"),
    ("sign-in acme --data-center mars", "mars"),
    ("sign-in acme --grant client-credentials", "soid"),
    ("demo", "terminal"),
]


@pytest.mark.parametrize(("args", "word"), REFUSALS)
def test_an_invalid_argument_exits_3_with_one_line_that_names_it(
    run_command: RunCommand, empty_home: Path, args: str, word: str
) -> None:
    config = write_config(empty_home, ACME_CONFIG)
    run = run_command(*args.split(), stdin="{}")
    assert (run.status, run.out) == (3, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert word in run.err.casefold()
    assert config.read_text(encoding="utf-8") == ACME_CONFIG


@pytest.mark.parametrize(
    "stdin",
    [
        "",
        "not json",
        "[]",
        '"1000.a-refresh-token"',
        "null",
        "{}",
        '{"client_secret": "s3cret"}',
        '{"client_secret": "s3cret", "refresh_token": ""}',
        '{"client_secret": "s3cret", "refresh_token": null}',
        '{"client_secret": "s3cret", "refresh_token": 1}',
        '{"client_secret": "s3cret", "refresh_token": "1000.a\\nb"}',
        '{"client_secret": "s3cret", "refresh_token": "1000.é"}',
        '{"client_secret": "s3cret", "refresh_token": "1000.a", "user_name": "1000.b"}',
        "[" * 60_000,
        '{"client_secret": ' + "9" * 5000 + "}",
    ],
)
def test_secrets_that_cannot_be_read_are_shown_without_being_repeated(
    real_keyring: SecretService, run_command: RunCommand, empty_home: Path, stdin: str
) -> None:
    run = run_command("add", "acme", "--data-center", "eu", "--client-id", "1000.A", stdin=stdin)
    assert (run.status, run.out) == (3, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert '"client_secret"' in run.err
    assert '"refresh_token"' in run.err
    assert "s3cret" not in run.err
    assert "1000." not in run.err
    assert not list(empty_home.rglob("*.toml"))


@pytest.mark.parametrize(
    ("grant", "given", "needed"),
    [
        ("code", '{"client_secret": "s3cret"}', '{"client_secret": "…", "code": "…"}'),
        ("code", '{"client_secret": "s3cret", "refresh_token": "1000.a"}', '"code": "…"}'),
        ("refresh-token", '{"client_secret": "s3cret", "code": "1000.a"}', '"refresh_token": "…"}'),
        ("device", '{"client_secret": "s3cret", "code": "1000.a"}', 'Needed: {"client_secret": "…"}.'),
        ("browser", '{"client_secret": ""}', 'Needed: {"client_secret": "…"}.'),
        ("browser", "", 'Needed: {"client_secret": "…"}.'),
        (None, '{"client_secret": "s3cret", "refresh_token": "1000.a", "code": "1000.b"}', '"code": "…"}'),
    ],
)
def test_each_grant_says_what_has_to_be_piped_in(
    real_keyring: SecretService, run_command: RunCommand, grant: str | None, given: str, needed: str
) -> None:
    option = ["--grant", grant] if grant else []
    run = run_command("add", "acme", "--data-center", "eu", "--client-id", "1000.A", *option, stdin=given)
    assert (run.status, run.out) == (3, "")
    assert needed in run.err
    assert run.err.count("\n") == 1
    assert "s3cret" not in run.err
    assert "1000." not in run.err


def test_stdin_that_is_no_text_is_shown_like_any_other(real_keyring: SecretService) -> None:
    args = ["add", "acme", "--data-center", "eu", "--client-id", "1.A"]
    running = start_process(*args, PYTHONIOENCODING="utf-8:strict")
    out, err = running.communicate(b'\xff{"client_secret": "s3cret"}', timeout=60)
    assert (running.returncode, out) == (3, b"")
    assert err.startswith(b"zbtui: ")
    assert b"s3cret" not in err


@pytest.mark.parametrize("args", ["", "demo", "add acme --data-center eu --client-id 1.A", "remove acme"])
def test_without_a_stdin_at_all_it_is_as_without_a_terminal(
    real_keyring: SecretService, empty_home: Path, args: str
) -> None:
    write_config(empty_home, ACME_CONFIG if args == "remove acme" else "")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, *args.split()]
    done = subprocess.run(closed, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"")
    assert not any(word.encode() in done.stderr for word in CRASH_MARKS), done.stderr


def test_the_screen_needs_a_terminal() -> None:
    run = run_process()
    assert (run.status, run.out) == (3, "")
    assert "terminal" in run.err
    assert "zbtui check" in run.err


BROKEN = {
    "not toml": ("[[org]\n", 1),
    "unknown key": (f"{ACME_CONFIG}colour = 'red'\n", 5),
    "wrong type": (ACME_CONFIG.replace('"1000.ABC"', "1000"), 4),
    "duplicate name": (f"{ACME_CONFIG}\n{ACME_CONFIG}", 7),
    "too fast": ('[watch]\nevery = "1s"\n' + ACME_CONFIG, 2),
    "unknown data center": (ACME_CONFIG.replace("eu", "mars"), 3),
}


@pytest.mark.parametrize("command", ["", "check", "list", "remove acme --yes"])
@pytest.mark.parametrize(("broken", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_config_exits_3_and_names_file_and_line(
    run_command: RunCommand, empty_home: Path, broken: str, line: int, command: str
) -> None:
    config = write_config(empty_home, broken)
    run = run_command(*command.split())
    assert (run.status, run.out) == (3, "")
    assert str(config) in run.err
    assert f"line {line}" in run.err
    assert run.err.count("\n") == 1
    assert config.read_text(encoding="utf-8") == broken


@pytest.mark.parametrize("command", ["paths", "--version", "--help", "check --help"])
def test_commands_without_a_config_work_with_a_broken_one(
    run_command: RunCommand, empty_home: Path, command: str
) -> None:
    write_config(empty_home, "[[org]\n")
    assert run_command(*command.split()).status == 0


@pytest.mark.parametrize("before", [True, False], ids=["before the command", "after the command"])
@pytest.mark.parametrize("command", ["list", "check", "paths"])
def test_another_config_may_be_named_before_and_after_the_command(
    run_command: RunCommand, tmp_path: Path, command: str, before: bool
) -> None:
    config = tmp_path / "broken.toml"
    config.write_text("[[org]\n")
    option = ["--config", str(config)]
    run = run_command(*option, command) if before else run_command(command, *option)
    assert str(config) in run.out + run.err


def test_the_config_named_on_the_command_line_comes_before_that_of_the_environment(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZBTUI_CONFIG", str(tmp_path / "environment.toml"))
    assert str(tmp_path / "environment.toml") in run_command("paths").out
    option = str(tmp_path / "option.toml")
    assert option in run_command("paths", "--config", option).out


def test_a_config_in_the_home_of_nobody_is_no_bug(run_command: RunCommand) -> None:
    run = run_command("list", "--config", "~no-such-user/config.toml")
    assert (run.status, run.out) in [(0, ""), (3, "")]


def test_the_version_is_data(run_command: RunCommand) -> None:
    run = run_command("--version")
    assert (run.status, run.out, run.err) == (0, f"zbtui {__version__}\n", "")


def test_the_paths_are_those_of_the_platform(run_command: RunCommand, empty_home: Path) -> None:
    run = run_command("paths")
    paths = dict(line.split(maxsplit=1) for line in run.out.splitlines())
    assert paths == {
        "config": str(empty_home / "xdg_config_home" / "zbtui" / "config.toml"),
        "journal": str(empty_home / "xdg_state_home" / "zbtui" / "journal.db"),
        "log": str(empty_home / "xdg_state_home" / "zbtui" / "zbtui.log"),
    }
    assert (run.status, run.err) == (0, "")
    assert not list(empty_home.rglob("*.*"))  # `paths` creates none of them


def test_without_an_org_the_list_is_empty_and_a_check_knows_nothing(run_command: RunCommand) -> None:
    listed, checked = run_command("list"), run_command("check")
    assert (listed.status, listed.out) == (0, "")
    assert "zbtui add" in listed.err
    assert checked.status == 3
    assert run_command("list", "--json").json == {"schema": 1, "orgs": []}
    empty = run_command("check", "--format", "json")
    assert (empty.status, empty.json["level"], empty.json["orgs"]) == (3, "unknown", [])


def test_json_is_whole_and_text_comes_out_whatever_the_characters_of_the_terminal(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    """A pipe on Windows uses a code page by default."""
    zoho.simulator.forced_kinds["sakura"] = "SCHEDULED"
    add(run_command, zoho, "sakura")
    text = run_process("check", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert text.status == 0
    assert "sakura" in text.out
    run = run_process("check", "--format", "json", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert run.orgs()["sakura"]["backup"]["requester"]["name"] == "佐藤 美咲"


@pytest.mark.parametrize(("forbidding", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_check_is_coloured_on_a_terminal_alone(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, forbidding: dict[str, str], coloured: bool
) -> None:
    write_config(empty_home, ACME_CONFIG)
    for name, value in forbidding.items():
        monkeypatch.setenv(name, value)
    with run_in_terminal([*COMMAND, "check"]) as terminal:
        terminal.wait_for_text("UNKNOWN: 1 unknown", "acme")
        assert terminal.wait_for_exit() == 3
        assert (b"\x1b[35mUNKNOWN\x1b[0m: 1 unknown" in terminal.output) is coloured
    assert "\x1b" not in run_process("check").out


def buffered() -> dict[str, str]:
    """An environment with buffered output, as on a user's machine: short output is written at the end."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("command", ["paths", "check", "list --json", "--version"])
def test_a_reader_that_closes_the_pipe_is_no_error(empty_home: Path, command: str) -> None:
    write_config(empty_home, "")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *command.split()],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=buffered(),
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is needed")
def test_output_that_cannot_be_written_is_no_bug_of_zbtuis(empty_home: Path) -> None:
    write_config(empty_home, "")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "check"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=buffered(),
            check=False,
            timeout=60,
        )
    assert done.returncode == 3  # an unreadable check exits as unknown, not as a warning
    shown = done.stderr.decode()
    assert not any(word in shown for word in (*CRASH_MARKS, "Exception ignored")), shown


def test_a_check_that_ends_in_a_bug_is_unknown_and_not_a_warning(
    run_command: RunCommand,
    empty_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def trip(report: object, *, coloured: bool) -> str:
        raise ZeroDivisionError("1000.a-secret")

    monkeypatch.setattr("zbtui.check.formats.report_as_text", trip)
    status = main(["check"])
    out, err = capsys.readouterr()
    assert out == ""
    assert "ZeroDivisionError" in err
    assert "secret" not in err
    assert "Traceback" not in err
    assert status == 3


def test_a_state_folder_that_cannot_be_made_is_shown_and_hides_no_verdict(
    real_keyring: SecretService,
    run_command: RunCommand,
    zoho: SimulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(run_command, zoho, "nordlys")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    run = run_command("check", "--format", "json")
    assert run.status == 0
    assert run.orgs()["nordlys"]["error"] is None
    assert "journal" in run.err
