"""An org is added, listed, checked and removed; and how many tokens that takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.cli.command_runner import (
    ACME_CONFIG,
    COMMAND,
    RunCommand,
    add,
    add_args,
    assert_no_secret_in,
    count_token_requests,
    read_all_files,
    run_process,
    secrets_json,
    start_process,
    wait_for_result,
    write_config,
)
from tests.support.keyring_entries import keyring_entry, keyring_object
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer
from zbtui.config.parsing import ORG_KEYS
from zbtui.model.watch_policy import POLICY_KEYS


def test_an_org_is_added_listed_checked_and_removed(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    org, folders = zoho.org("nordlys"), (empty_home, Path(real_keyring.environ["HOME"]))
    runs = [run_process(*add_args(org), stdin=secrets_json(zoho, "nordlys"))]
    assert (runs[0].status, runs[0].out) == (0, "")
    assert "nordlys" in runs[0].err
    assert "SCHEDULED" in runs[0].err

    runs.append(run_process("list"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].out.split() == ["nordlys", "custom", "refresh-token", org.client_id]

    runs.append(run_process("check"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].out.startswith("OK: 1 ok\n")
    assert "Mara Lindqvist" in runs[-1].out

    runs.append(run_process("check", "nordlys", "--format", "json"))
    assert (runs[-1].status, runs[-1].err) == (0, "")
    assert runs[-1].orgs()["nordlys"]["backup"]["status"] == "SCHEDULED"
    assert count_token_requests(zoho) == 1

    written = read_all_files(*folders)
    runs.append(run_process("remove", "nordlys", "--yes"))
    assert (runs[-1].status, runs[-1].out) == (0, "")
    assert "nordlys" in runs[-1].err

    assert run_command("list").out == ""
    assert run_command("check", "nordlys").status == 3
    texts = [text.encode() for run in runs for text in (run.out, run.err)]
    assert_no_secret_in(written, read_all_files(*folders), *texts)
    assert {request.query for request in zoho.simulator.request_records} == {"", "page=1&per_page=200"}


def test_what_was_removed_is_gone_from_the_keyring_too(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    sign_in, access = keyring_object("nordlys"), keyring_object("nordlys", "access")
    belonging = {"client_id", "accounts_url", "api_url"}
    assert set(sign_in) == {"client_secret", "refresh_token", "configs", "org_number"} | belonging
    assert set(access) == {"access_token", "api_domain", "expires_at"} | belonging
    assert run_command("remove", "nordlys", "--yes").status == 0
    assert keyring_entry("nordlys") is None
    assert keyring_entry("nordlys", "access") is None


def test_what_is_removed_without_yes_has_to_be_confirmed(
    real_keyring: SecretService, empty_home: Path, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    run = run_command("remove", "nordlys", stdin="y\n")
    assert (run.status, run.out) == (3, "")
    assert "--yes" in run.err
    with run_in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.wait_for_text("[y/N]")
        terminal.send("n\n")
        assert terminal.wait_for_exit() == 1
    assert run_command("list").out.startswith("nordlys")
    with run_in_terminal([*COMMAND, "remove", "nordlys"]) as terminal:
        terminal.wait_for_text("[y/N]")
        terminal.send("y\n")
        terminal.wait_for_text("Revoke its refresh token at Zoho, too? [y/N]")
        terminal.send("\n")
        assert terminal.wait_for_exit() == 0
        terminal.wait_for_text("nordlys is no longer under watch; its refresh token stays valid at Zoho")
    assert run_command("list").out == ""


def test_the_list_as_json_holds_what_the_config_holds(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    org = zoho.org("nordlys")
    run = run_command("list", "--json")
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
                "links_warn": None,
                "mute": False,
                "tags": [],
                "accent": None,
                "every": None,
                "near_every": None,
                "overdue_after": None,
                "long_run_after": None,
                "max_age": None,
            }
        ],
    }


def test_the_list_as_json_holds_what_is_an_orgs_own(run_command: RunCommand, empty_home: Path) -> None:
    own = 'tags = ["prod", "nordics"]\naccent = "blue"\nevery = "10m"\nlong_run_after = "1d"\n'
    write_config(empty_home, f"{ACME_CONFIG}{own}")
    (org,) = run_command("list", "--json").json["orgs"]
    assert list(org) == [*ORG_KEYS, *POLICY_KEYS]
    assert (org["tags"], org["accent"]) == (["prod", "nordics"], "blue")
    policy = dict.fromkeys(POLICY_KEYS) | {"every": "10m", "long_run_after": "1d"}
    assert {key: org[key] for key in POLICY_KEYS} == policy


def test_fifty_checks_ask_once_for_what_seldom_changes(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    assert {run_command("check").status for _ in range(47)} == {0}
    running = [start_process("check") for _ in range(3)]
    assert {wait_for_result(one).status for one in running} == {0}
    assert count_token_requests(zoho) == 1
    asked = Counter(request.path.rsplit("/", 1)[-1] for request in zoho.simulator.request_records)
    assert asked == {"token": 1, "backup": 50, "history": 1, "urls": 1, "org": 1}
