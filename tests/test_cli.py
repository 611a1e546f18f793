"""The command line, as a user and as cron meet it: processes, a real keyring, Zoho on a real port."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import use_environment_keyring
from tests.support.secret_service import SecretService, secret_service
from tests.support.terminal import in_terminal
from tests.support.zoho import Port, on_port
from zbtui import __version__
from zbtui.cli import main
from zbtui.core.org import Org
from zbtui.demo.world import World
from zbtui.demo.zoho import Simulator

COMMAND = [sys.executable, "-m", "zbtui"]
NO_CRASH = ("Traceback", "bug of its own")


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def orgs(self) -> dict[str, Any]:
        return {org["name"]: org for org in self.json["orgs"]}


def process(*args: str, stdin: str = "", **environ: str) -> Run:
    """A command in a process of its own."""
    return finished(start(*args, **environ), stdin)


def start(*args: str, **environ: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *args], stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environ}
    )


def finished(running: subprocess.Popen[bytes], stdin: str = "") -> Run:
    out, err = running.communicate(stdin.encode(), timeout=120)
    run = Run(running.returncode, out.decode(), err.decode())
    assert not any(word in run.err for word in NO_CRASH), run.err
    return run


Shell = Callable[..., Run]

certificates = cache(httpx.create_ssl_context)
"""Read once: nothing but http is spoken here, and reading them took a third of each command's time."""


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A command in this process: the same, and sooner."""
    monkeypatch.setattr(httpx, "create_ssl_context", certificates)

    def run(*args: str, stdin: str = "") -> Run:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            status: object = main(args)
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        assert isinstance(status, int)
        assert not any(word in err for word in NO_CRASH), err
        return Run(status, out, err)

    yield run
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


@pytest.fixture
def zoho() -> Iterator[Port]:
    # By today's date: the invented next runs would soon lie in the past of a fixed one.
    with on_port(Simulator(World(datetime.now(UTC), speed=0.0001))) as port:
        yield port


def add_args(org: Org) -> list[str]:
    """What puts an org under watch, but for its secrets."""
    assert org.accounts_url
    assert org.api_url
    where = ["--data-center", "custom", "--accounts-url", org.accounts_url, "--api-url", org.api_url]
    return ["add", org.name, "--client-id", org.client_id, *where]


def secrets_of(port: Port, name: str) -> str:
    invented = port.simulator.world.orgs[name]
    return json.dumps({"client_secret": invented.client_secret, "refresh_token": invented.refresh_token})


def add(shell: Shell, port: Port, *names: str, verified: bool = True) -> None:
    for name in names:
        options = [] if verified else ["--no-verify"]
        run = shell(*add_args(port.org(name)), *options, stdin=secrets_of(port, name))
        assert run.status == 0, run.err


def token_requests(port: Port) -> int:
    return sum(request.path.endswith("/oauth/v2/token") for request in port.simulator.requests)


def every_byte(*folders: Path) -> bytes:
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def assert_no_secret(port: Port, *texts: bytes) -> None:
    told = b"".join(texts)
    for invented in port.simulator.world.orgs.values():
        assert invented.client_secret.encode() not in told
        assert invented.refresh_token.encode() not in told
    assert b"demo-access" not in told


# A life: add, list, check, remove


def test_an_org_is_added_listed_checked_and_removed(
    real_keyring: SecretService, empty_home: Path, shell: Shell, zoho: Port
) -> None:
    org, folders = zoho.org("nordlys"), (empty_home, Path(real_keyring.environ["HOME"]))
    runs = [process(*add_args(org), stdin=secrets_of(zoho, "nordlys"))]
    assert (runs[0].status, runs[0].out) == (0, "")
    assert "nordlys" in runs[0].err
    assert "SCHEDULED" in runs[0].err

    runs.append(process("list"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].out.split() == ["nordlys", "custom", "refresh-token", org.client_id]

    runs.append(process("check"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].out.startswith("OK: 1 ok\n")
    assert "Mara Lindqvist" in runs[-1].out

    runs.append(process("check", "nordlys", "--format", "json"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].orgs()["nordlys"]["backup"]["status"] == "SCHEDULED"
    assert token_requests(zoho) == 1

    written = every_byte(*folders)
    runs.append(process("remove", "nordlys", "--yes"))
    assert (runs[-1].status, runs[-1].out) == (0, "")
    assert "nordlys" in runs[-1].err

    assert shell("list").out == ""
    assert shell("check", "nordlys").status == 3
    texts = [text.encode() for run in runs for text in (run.out, run.err)]
    assert_no_secret(zoho, written, every_byte(*folders), *texts)
    assert all(request.query == "" for request in zoho.simulator.requests)


def test_what_was_removed_is_gone_from_the_keyring_too(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    import keyring

    add(shell, zoho, "nordlys")
    entries = [("zbtui:nordlys", "sign-in"), ("zbtui-access:nordlys", "access")]
    sign_in, access = (json.loads(keyring.get_password(*entry) or "") for entry in entries)
    assert set(sign_in) == {"client_secret", "refresh_token"}
    assert set(access) == {"access_token", "api_domain", "expires_at"}
    assert shell("remove", "nordlys", "--yes").status == 0
    assert [keyring.get_password(*entry) for entry in entries] == [None, None]


def test_an_org_of_client_credentials_needs_its_secret_alone(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    invented = zoho.simulator.world.orgs["nordlys"]
    run = shell(
        *add_args(zoho.org("nordlys")),
        *["--grant", "client-credentials", "--soid", f"ZohoCRM.{invented.number:011}"],
        stdin=json.dumps({"client_secret": invented.client_secret}),
    )
    assert run.status == 0, run.err
    assert shell("check").status == 0
    assert shell("list", "--json").json["orgs"][0]["soid"] == f"ZohoCRM.{invented.number:011}"


def test_what_is_removed_without_yes_has_to_be_confirmed(
    real_keyring: SecretService, empty_home: Path, shell: Shell, zoho: Port
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    run = shell("remove", "nordlys", stdin="y\n")
    assert (run.status, run.out) == (3, "")
    assert "--yes" in run.err
    with in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.shows("[y/N]")
        terminal.send("n\n")
        assert terminal.ends() == 1
    assert shell("list").out.startswith("nordlys")
    with in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.shows("[y/N]")
        terminal.send("y\n")
        assert terminal.ends() == 0
    assert shell("list").out == ""


def test_the_list_as_json_holds_what_the_config_holds(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    org = zoho.org("nordlys")
    run = shell("list", "--json")
    assert run.json == {
        "schema": 1,
        "orgs": [
            {
                "name": "nordlys",
                "data_center": "custom",
                "client_id": org.client_id,
                "grant": "refresh-token",
                "soid": None,
                "accounts_url": org.accounts_url,
                "api_url": org.api_url,
            }
        ],
    }


# Tokens


def test_a_hundred_checks_ask_for_one_token(real_keyring: SecretService, shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys", verified=False)
    assert {shell("check").status for _ in range(97)} == {0}
    running = [start("check") for _ in range(3)]
    assert {finished(one).status for one in running} == {0}
    assert token_requests(zoho) == 1
    assert len(zoho.simulator.requests) == 101


def test_checks_that_start_together_without_a_token_ask_for_one_and_all_see(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    running = [start("check") for _ in range(5)]
    runs = [finished(one) for one in running]
    assert token_requests(zoho) == 1
    assert [run.status for run in runs] == [0] * 5, [run.out for run in runs if run.status]


def test_a_lock_out_is_not_asked_through_by_the_next_check(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    add(shell, zoho, "nordlys", verified=False)
    zoho.simulator.forced["nordlys"] = "Access Denied"
    for check in (process, process, shell):
        run = check("check", "--format", "json")
        assert run.status == 3
        error = run.orgs()["nordlys"]["error"]
        assert (error["kind"], error["code"]) == ("throttled", "Access Denied")
    assert token_requests(zoho) == 1


# Each trouble, by name


@dataclass(frozen=True)
class Street:
    """Orgs of which each but the first is at something else, all under watch."""

    environ: dict[str, str]
    port: Port
    text: Run
    as_json: Run

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Let commands in this process find it."""
        for name, value in self.environ.items():
            patch.setenv(name, value)


FORCED = {
    "nordlys": "SCHEDULED",
    "kestrel": "INVALID_URL_PATTERN",
    "mesa-verde": "OAUTH_SCOPE_MISMATCH",
    "sakura": "NO_PERMISSION",
    "banyan": "INTERNAL_ERROR",
    "wattle": "INVALID_REQUEST_METHOD",
    "maple": "NONE",
    "dune": "HTML",
    "lotus": "EMPTY",
    "merlion": "invalid_code",
    "tern": "Access Denied",
    "plover": "TOO_MANY_REQUESTS",
}
WRONG_DATA_CENTER, REFUSED = "harbour", "glacier"


@pytest.fixture(scope="module")
def street(
    _running_secret_service: SecretService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    home = tmp_path_factory.mktemp("street")
    environ = {**_running_secret_service.environ, "XDG_CONFIG_HOME": str(home / "config")}
    environ["XDG_STATE_HOME"] = str(home / "state")
    simulator = Simulator(World(datetime.now(UTC), speed=0.0001))
    simulator.forced |= FORCED
    # Bound but not listening: nobody else gets this port, and whoever calls is refused.
    with on_port(simulator) as port, socket.socket() as closed, pytest.MonkeyPatch.context() as patch:
        closed.bind(("127.0.0.1", 0))
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        use_environment_keyring()
        for name in simulator.world.orgs:
            org = port.org(name)
            url = {
                WRONG_DATA_CENTER: f"{port.url}/us",
                REFUSED: f"http://127.0.0.1:{closed.getsockname()[1]}",
            }.get(name, org.api_url or "")
            patch.setattr(sys, "stdin", io.StringIO(secrets_of(port, name)))
            there = Org(name, "custom", org.client_id, accounts_url=url, api_url=url)
            assert main([*add_args(there), "--no-verify"]) == 0
        text, as_json = process("check", **environ), process("check", "--format", "json", **environ)
        yield Street(environ, port, text, as_json)


@pytest.mark.parametrize(
    ("name", "kind", "code", "status"),
    [
        ("kestrel", "contract", "INVALID_URL_PATTERN", 404),
        ("mesa-verde", "auth", "OAUTH_SCOPE_MISMATCH", 401),
        ("sakura", "permission", "NO_PERMISSION", 403),
        ("banyan", "server", "INTERNAL_ERROR", 500),
        ("wattle", "contract", "INVALID_REQUEST_METHOD", 400),
        ("dune", "contract", None, 200),
        ("merlion", "auth", "invalid_code", 200),
        ("tern", "throttled", "Access Denied", None),  # known from the journal by then
        ("plover", "throttled", "TOO_MANY_REQUESTS", 429),
        (WRONG_DATA_CENTER, "auth", "invalid_client", 200),
        (REFUSED, "network", None, None),
    ],
)
def test_each_trouble_has_its_own_sentence_and_cure(
    street: Street,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: str,
    code: str | None,
    status: int | None,
) -> None:
    org = street.as_json.orgs()[name]
    assert (org["level"], org["verdict"]) == ("unknown", "cannot_look")
    error = org["error"]
    assert (error["kind"], error["code"], error["http_status"]) == (kind, code, status)
    lines = street.text.out.splitlines()
    (index,) = [number for number, line in enumerate(lines) if line.split()[1] == name]
    assert error["message"] in lines[index]
    assert error["hint"] in lines[index + 1]
    assert code is None or code not in street.text.out
    errors = {other: one["error"] for other, one in street.as_json.orgs().items() if one["error"]}
    assert [other for other in errors if errors[other]["message"] == error["message"]] == [name]
    street.enter(monkeypatch)
    assert shell("check", name, "nordlys").status == 3


@pytest.mark.parametrize("name", ["maple", "lotus"])
def test_a_204_and_an_empty_object_both_mean_that_no_backup_is_set_up(
    street: Street, shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    org = street.as_json.orgs()[name]
    assert (org["verdict"], org["level"], org["error"], org["backup"]) == ("none", "warning", None, None)
    assert org["hint"]
    street.enter(monkeypatch)
    assert shell("check", name, "nordlys").status == 1


def test_an_org_that_is_well_is_not_touched_by_the_troubles_of_others(street: Street) -> None:
    org = street.as_json.orgs()["nordlys"]
    assert (org["level"], org["verdict"], org["error"]) == ("ok", "scheduled", None)
    assert street.text.status == street.as_json.status == 3
    assert street.text.out.startswith("UNKNOWN: 11 unknown, 2 warning, 1 ok\n")


def test_a_failed_backup_is_worse_than_orgs_that_cannot_be_reached(
    street: Street, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.enter(monkeypatch)
    monkeypatch.setitem(street.port.simulator.forced, "nordlys", "FAILED")
    run = shell("check")
    assert run.status == 2
    assert run.out.splitlines()[1].split()[1] == "nordlys"


def test_no_trouble_tells_a_secret(street: Street) -> None:
    runs = (street.text, street.as_json)
    texts = [text.encode() for run in runs for text in (run.out, run.err)]
    kept = every_byte(*(Path(street.environ[name]) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME")))
    assert_no_secret(street.port, kept, *texts)


# The keyring


@pytest.fixture(scope="module")
def locked_keyring() -> Iterator[dict[str, str]]:
    with secret_service(unlocked=False) as service:
        yield service.environ


def write_config(home: Path, *orgs: str) -> Path:
    path = home / "xdg_config_home" / "zbtui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(orgs), encoding="utf-8")
    return path


ACME = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_locked_keyring_is_told_with_its_cure(
    locked_keyring: dict[str, str], empty_home: Path, form: str
) -> None:
    write_config(empty_home, ACME)
    run = process("check", "--format", form, **locked_keyring)
    assert run.status == 3
    assert "locked" in run.out
    assert "Unlock" in run.out
    if form == "json":
        assert run.orgs()["acme"]["error"]["kind"] == "keyring"


def test_nothing_is_added_and_nothing_removed_with_a_locked_keyring(
    locked_keyring: dict[str, str], empty_home: Path, zoho: Port
) -> None:
    config = write_config(empty_home, ACME)
    adding = [*add_args(zoho.org("nordlys")), "--no-verify"]
    for run in (
        process(*adding, stdin=secrets_of(zoho, "nordlys"), **locked_keyring),
        process("remove", "acme", "--yes", **locked_keyring),
    ):
        assert run.status == 1
        assert run.out == ""
        assert "locked" in run.err
        assert run.err.count("\n") == 1
    assert config.read_text(encoding="utf-8") == ACME


def test_without_any_keyring_nothing_is_kept_and_the_cure_is_told(empty_home: Path, zoho: Port) -> None:
    run = process(*add_args(zoho.org("nordlys")), "--no-verify", stdin=secrets_of(zoho, "nordlys"))
    assert (run.status, run.out) == (1, "")
    assert "keyring" in run.err
    assert "pass" in run.err
    assert not list(empty_home.rglob("config.toml"))
    write_config(empty_home, ACME)
    assert process("check").status == 3


def test_zoho_refuses_and_nothing_is_added(
    real_keyring: SecretService, empty_home: Path, shell: Shell, zoho: Port
) -> None:
    zoho.simulator.forced["nordlys"] = "NO_PERMISSION"
    run = shell(*add_args(zoho.org("nordlys")), stdin=secrets_of(zoho, "nordlys"))
    assert (run.status, run.out) == (1, "")
    assert "administrator" in run.err
    assert not list(empty_home.rglob("config.toml"))


# Wrong usage


@pytest.mark.parametrize(
    "args",
    [
        "frobnicate",
        "list everything",
        "check --format xml",
        "check --frequently",
        "add",
        "add acme",
        "add acme --data-center eu",
        "add acme --data-center eu --client-id 1000.A --grant password",
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
def test_wrong_usage_exits_3_with_a_sentence_and_prints_nothing(shell: Shell, args: str) -> None:
    run = shell(*args.split())
    assert (run.status, run.out) == (3, "")
    *usage, sentence = run.err.splitlines()
    assert re.fullmatch(r"zbtui: .+", sentence)
    assert all(line.startswith(("usage: zbtui", " ")) for line in usage)


def test_wrong_usage_of_a_process_exits_3_too() -> None:
    run = process("check", "--format", "xml")
    assert (run.status, run.out) == (3, "")


REFUSALS = [
    ("check nobody", "nobody"),
    ("check acme nobody", "nobody"),
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
    ("add other --data-center eu --client-id 1000.A --soid ZohoCRM.1", "client-credentials"),
    ("add other --data-center eu --client-id 1000.é", "client_id"),
    ("demo", "terminal"),
]


@pytest.mark.parametrize(("args", "word"), REFUSALS)
def test_what_cannot_be_meant_exits_3_with_one_line_that_names_it(
    shell: Shell, empty_home: Path, args: str, word: str
) -> None:
    config = write_config(empty_home, ACME)
    run = shell(*args.split(), stdin="{}")
    assert (run.status, run.out) == (3, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert word in run.err.casefold()
    assert config.read_text(encoding="utf-8") == ACME


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
        '{"client_secret": "s3cret", "refresh_token": "1000.a", "code": "1000.b"}',
        "[" * 60_000,
        '{"client_secret": ' + "9" * 5000 + "}",
    ],
)
def test_secrets_that_cannot_be_read_are_told_without_being_repeated(
    shell: Shell, empty_home: Path, stdin: str
) -> None:
    run = shell("add", "acme", "--data-center", "eu", "--client-id", "1000.A", stdin=stdin)
    assert (run.status, run.out) == (3, "")
    assert run.err.startswith("zbtui: ")
    assert run.err.count("\n") == 1
    assert '"client_secret"' in run.err
    assert '"refresh_token"' in run.err
    assert "s3cret" not in run.err
    assert "1000." not in run.err
    assert not list(empty_home.rglob("*.toml"))


def test_stdin_that_is_no_text_is_told_like_any_other() -> None:
    args = ["add", "acme", "--data-center", "eu", "--client-id", "1.A"]
    running = start(*args, PYTHONIOENCODING="utf-8:strict")
    out, err = running.communicate(b'\xff{"client_secret": "s3cret"}', timeout=60)
    assert (running.returncode, out) == (3, b"")
    assert err.startswith(b"zbtui: ")
    assert b"s3cret" not in err


@pytest.mark.parametrize("args", ["", "demo", "add acme --data-center eu --client-id 1.A", "remove acme"])
def test_without_a_stdin_at_all_it_is_as_without_a_terminal(empty_home: Path, args: str) -> None:
    write_config(empty_home, ACME if args == "remove acme" else "")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, *args.split()]
    done = subprocess.run(closed, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"")
    assert not any(word.encode() in done.stderr for word in NO_CRASH), done.stderr


def test_the_screen_needs_a_terminal() -> None:
    run = process()
    assert (run.status, run.out) == (3, "")
    assert "terminal" in run.err
    assert "zbtui check" in run.err


# The config


BROKEN = {
    "not toml": ("[[org]\n", 1),
    "unknown key": (f"{ACME}colour = 'red'\n", 5),
    "wrong type": (ACME.replace('"1000.ABC"', "1000"), 4),
    "duplicate name": (f"{ACME}\n{ACME}", 7),
    "too fast": ('[watch]\nevery = "1s"\n', 2),
    "unknown data center": (ACME.replace("eu", "mars"), 3),
}


@pytest.mark.parametrize("command", ["", "check", "list", "remove acme --yes"])
@pytest.mark.parametrize(("broken", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_config_exits_3_and_names_file_and_line(
    shell: Shell, empty_home: Path, broken: str, line: int, command: str
) -> None:
    config = write_config(empty_home, broken)
    run = shell(*command.split())
    assert (run.status, run.out) == (3, "")
    assert str(config) in run.err
    assert f"line {line}" in run.err
    assert run.err.count("\n") == 1
    assert config.read_text(encoding="utf-8") == broken


@pytest.mark.parametrize("command", ["paths", "--version", "--help", "check --help"])
def test_what_needs_no_config_works_with_a_broken_one(shell: Shell, empty_home: Path, command: str) -> None:
    write_config(empty_home, "[[org]\n")
    assert shell(*command.split()).status == 0


@pytest.mark.parametrize("before", [True, False], ids=["before the command", "after the command"])
@pytest.mark.parametrize("command", ["list", "check", "paths"])
def test_another_config_may_be_named_before_and_after_the_command(
    shell: Shell, tmp_path: Path, command: str, before: bool
) -> None:
    config = tmp_path / "broken.toml"
    config.write_text("[[org]\n")
    option = ["--config", str(config)]
    run = shell(*option, command) if before else shell(command, *option)
    assert str(config) in run.out + run.err


def test_the_config_named_on_the_command_line_comes_before_that_of_the_environment(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZBTUI_CONFIG", str(tmp_path / "environment.toml"))
    assert str(tmp_path / "environment.toml") in shell("paths").out
    option = str(tmp_path / "option.toml")
    assert option in shell("paths", "--config", option).out


def test_a_config_in_the_home_of_nobody_is_no_bug(shell: Shell) -> None:
    run = shell("list", "--config", "~no-such-user/config.toml")
    assert (run.status, run.out) in [(0, ""), (3, "")]


# What else is printed


def test_the_version_is_data(shell: Shell) -> None:
    run = shell("--version")
    assert (run.status, run.out, run.err) == (0, f"zbtui {__version__}\n", "")


def test_the_paths_are_those_of_the_platform(shell: Shell, empty_home: Path) -> None:
    run = shell("paths")
    told = dict(line.split(maxsplit=1) for line in run.out.splitlines())
    assert told == {
        "config": str(empty_home / "xdg_config_home" / "zbtui" / "config.toml"),
        "journal": str(empty_home / "xdg_state_home" / "zbtui" / "journal.db"),
        "log": str(empty_home / "xdg_state_home" / "zbtui" / "zbtui.log"),
    }
    assert (run.status, run.err) == (0, "")
    assert not list(empty_home.rglob("*.*"))  # asking where things are makes none


def test_without_an_org_the_list_is_empty_and_a_check_knows_nothing(shell: Shell) -> None:
    listed, checked = shell("list"), shell("check")
    assert (listed.status, listed.out) == (0, "")
    assert "zbtui add" in listed.err
    assert checked.status == 3
    assert shell("list", "--json").json == {"schema": 1, "orgs": []}
    empty = shell("check", "--format", "json")
    assert (empty.status, empty.json["level"], empty.json["orgs"]) == (3, "unknown", [])


def test_json_is_whole_and_text_comes_out_whatever_the_characters_of_the_terminal(
    real_keyring: SecretService, shell: Shell, zoho: Port
) -> None:
    """A pipe on Windows has the characters of its code page."""
    zoho.simulator.forced["sakura"] = "SCHEDULED"
    add(shell, zoho, "sakura")
    text = process("check", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert text.status == 0
    assert "sakura" in text.out
    run = process("check", "--format", "json", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert run.orgs()["sakura"]["backup"]["requester"]["name"] == "佐藤 美咲"


def buffered() -> dict[str, str]:
    """As on a user's machine, where output that is short is written when the program ends."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("command", ["paths", "check", "list --json", "--version"])
def test_a_reader_that_has_had_enough_is_no_error_to_tell(empty_home: Path, command: str) -> None:
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
    assert done.returncode == 3  # a check that nobody could read is no warning
    assert not any(word.encode() in done.stderr for word in (*NO_CRASH, "Exception ignored")), done.stderr


def test_a_check_that_ends_in_a_bug_is_unknown_and_not_a_warning(
    shell: Shell, empty_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trip(report: object) -> str:
        raise ZeroDivisionError("1000.a-secret")

    monkeypatch.setattr("zbtui.check.as_text", trip)
    status = main(["check"])
    out, err = capsys.readouterr()
    assert out == ""
    assert "ZeroDivisionError" in err
    assert "secret" not in err
    assert "Traceback" not in err
    assert status == 3


def test_a_state_folder_that_cannot_be_made_is_told_and_nothing_breaks(
    real_keyring: SecretService, shell: Shell, zoho: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shell, zoho, "nordlys")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    run = shell("check", "--format", "json")
    assert run.status == 3
    assert run.orgs()["nordlys"]["error"]["kind"] == "keyring"
    assert "journal" in run.err


# On a terminal


def test_secrets_are_asked_for_without_echo(real_keyring: SecretService, zoho: Port) -> None:
    invented = zoho.simulator.world.orgs["nordlys"]
    with in_terminal([*COMMAND, *add_args(zoho.org("nordlys"))]) as terminal:
        terminal.shows("Client secret")
        terminal.send(f"{invented.client_secret}\n")
        terminal.shows("Refresh token")
        terminal.send(f"{invented.refresh_token}\n")
        terminal.shows("nordlys (custom) is under watch")
        assert terminal.ends() == 0
        assert_no_secret(zoho, bytes(terminal.output))


@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["ctrl+d", "ctrl+c"])
def test_a_prompt_may_be_left(key: str) -> None:
    with in_terminal([*COMMAND, *["add", "acme", "--data-center", "eu", "--client-id", "1.A"]]) as terminal:
        terminal.shows("Client secret")
        terminal.send(key)
        assert terminal.ends() in (1, 3, 130)
        assert not any(word in terminal.text for word in NO_CRASH), terminal.text
