"""Each problem as `check` shows it, and unusable keyrings."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    ACME_CONFIG,
    CommandResult,
    RunCommand,
    add_args,
    assert_no_secret_in,
    read_all_files,
    run_process,
    secrets_json,
    write_config,
)
from tests.conftest import use_environment_keyring
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from zbtui.cli import main
from zbtui.clock import SystemClock
from zbtui.model.org import Org


@dataclass(frozen=True)
class SimulatedZoho:
    """Orgs under watch: the first is healthy, each other one has a problem of its own."""

    environ: dict[str, str]
    port: SimulatorServer
    text: CommandResult
    as_json: CommandResult

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Have commands in this process reach it."""
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
def simulated_zoho(
    _running_secret_service: SecretService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedZoho]:
    home = tmp_path_factory.mktemp("street")
    environ = {**_running_secret_service.environ, "XDG_CONFIG_HOME": str(home / "config")}
    environ["XDG_STATE_HOME"] = str(home / "state")
    simulator = make_simulator(SystemClock())
    simulator.forced_kinds |= FORCED
    # Bound but not listening: the port stays reserved, and connections are refused.
    with (
        run_simulator_server(simulator) as port,
        socket.socket() as closed,
        pytest.MonkeyPatch.context() as patch,
    ):
        closed.bind(("127.0.0.1", 0))
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        use_environment_keyring()
        for name in (*FORCED, WRONG_DATA_CENTER, REFUSED):
            org = port.org(name)
            url = {
                WRONG_DATA_CENTER: f"{port.url}/us",
                REFUSED: f"http://127.0.0.1:{closed.getsockname()[1]}",
            }.get(name, org.api_url or "")
            patch.setattr(sys, "stdin", io.StringIO(secrets_json(port, name)))
            there = Org(name, "custom", org.client_id, accounts_url=url, api_url=url)
            assert main([*add_args(there), "--no-verify"]) == 0
        text, as_json = run_process("check", **environ), run_process("check", "--format", "json", **environ)
        yield SimulatedZoho(environ, port, text, as_json)


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
def test_each_problem_has_its_own_sentence_and_cure(
    simulated_zoho: SimulatedZoho,
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: str,
    code: str | None,
    status: int | None,
) -> None:
    org = simulated_zoho.as_json.orgs()[name]
    assert (org["level"], org["verdict"]) == ("unknown", "cannot_tell")
    error = org["error"]
    assert (error["kind"], error["code"], error["http_status"]) == (kind, code, status)
    lines = simulated_zoho.text.out.splitlines()
    (index,) = [number for number, line in enumerate(lines) if line.split()[1] == name]
    assert error["message"] in lines[index]
    assert error["hint"] in lines[index + 1]
    assert code is None or code not in simulated_zoho.text.out
    errors = {other: one["error"] for other, one in simulated_zoho.as_json.orgs().items() if one["error"]}
    assert [other for other in errors if errors[other]["message"] == error["message"]] == [name]
    simulated_zoho.install(monkeypatch)
    assert run_command("check", name, "nordlys").status == 3


@pytest.mark.parametrize("name", ["maple", "lotus"])
def test_a_204_and_an_empty_object_both_mean_that_no_backup_is_set_up(
    simulated_zoho: SimulatedZoho, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    org = simulated_zoho.as_json.orgs()[name]
    assert (org["verdict"], org["level"], org["error"], org["backup"]) == ("none", "warning", None, None)
    assert org["hint"]
    simulated_zoho.install(monkeypatch)
    assert run_command("check", name, "nordlys").status == 1


def test_an_org_that_is_well_is_not_touched_by_the_problems_of_others(
    simulated_zoho: SimulatedZoho,
) -> None:
    org = simulated_zoho.as_json.orgs()["nordlys"]
    assert (org["level"], org["verdict"], org["error"]) == ("ok", "scheduled", None)
    assert simulated_zoho.text.status == simulated_zoho.as_json.status == 3
    assert simulated_zoho.text.out.startswith("UNKNOWN: 11 unknown, 2 warning, 1 ok\n")


def test_a_failed_backup_is_worse_than_orgs_that_cannot_be_reached(
    simulated_zoho: SimulatedZoho, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_zoho.install(monkeypatch)
    monkeypatch.setitem(simulated_zoho.port.simulator.forced_kinds, "nordlys", "FAILED")
    run = run_command("check")
    assert run.status == 2
    assert run.out.splitlines()[1].split()[1] == "nordlys"


def test_no_problem_shows_a_secret(simulated_zoho: SimulatedZoho) -> None:
    runs = (simulated_zoho.text, simulated_zoho.as_json)
    texts = [text.encode() for run in runs for text in (run.out, run.err)]
    kept = read_all_files(
        *(Path(simulated_zoho.environ[name]) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"))
    )
    assert_no_secret_in(kept, *texts)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_locked_keyring_is_shown_with_its_cure(
    locked_keyring: SecretService, run_command: RunCommand, empty_home: Path, form: str
) -> None:
    write_config(empty_home, ACME_CONFIG)
    run = run_command("check", "--format", form)
    assert run.status == 3
    assert "locked" in run.out
    assert "Unlock" in run.out
    if form == "json":
        assert run.orgs()["acme"]["error"]["kind"] == "keyring"


def test_nothing_is_added_and_nothing_removed_with_a_locked_keyring(
    locked_keyring: SecretService, run_command: RunCommand, empty_home: Path, zoho: SimulatorServer
) -> None:
    config = write_config(empty_home, ACME_CONFIG)
    adding = [*add_args(zoho.org("nordlys")), "--no-verify"]
    for run in (
        run_command(*adding, stdin=secrets_json(zoho, "nordlys")),
        run_command("remove", "acme", "--yes"),
    ):
        assert run.status == 1
        assert run.out == ""
        assert "locked" in run.err
        assert run.err.count("\n") == 1
    assert config.read_text(encoding="utf-8") == ACME_CONFIG


def test_without_any_keyring_nothing_is_kept_and_the_cure_is_shown(
    empty_home: Path, zoho: SimulatorServer
) -> None:
    run = run_process(*add_args(zoho.org("nordlys")), "--no-verify", stdin=secrets_json(zoho, "nordlys"))
    assert (run.status, run.out) == (1, "")
    assert "keyring" in run.err
    assert "pass" in run.err
    assert not list(empty_home.rglob("config.toml"))
    write_config(empty_home, ACME_CONFIG)
    assert run_process("check").status == 3


def test_zoho_refuses_and_nothing_is_added(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
    run = run_command(*add_args(zoho.org("nordlys")), stdin=secrets_json(zoho, "nordlys"))
    assert (run.status, run.out) == (1, "")
    assert "administrator" in run.err
    assert not list(empty_home.rglob("config.toml"))
