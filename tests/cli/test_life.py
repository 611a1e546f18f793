"""An org is added, listed, checked and removed; and what that costs in tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import (
    COMMAND,
    NO_CRASH,
    Shell,
    add,
    add_args,
    assert_no_secret,
    every_byte,
    finished,
    process,
    secrets_of,
    start,
    token_requests,
)
from tests.support.secret_service import SecretService
from tests.support.terminal import in_terminal
from tests.support.zoho import Port


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
