"""Two configs with an org of the same name, and orgs that were changed by hand: nothing is mixed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.command_runner import RunCommand, add, add_args, secrets_json
from tests.support.simulator import SimulatorServer

pytestmark = pytest.mark.usefixtures("real_keyring")


@pytest.fixture
def two_configs(
    run_command: RunCommand, zoho: SimulatorServer, tmp_path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two configs with an org `prod`: nordlys, healthy, in the first; kestrel, failed, in the second."""
    zoho.simulator.forced_kinds["kestrel"] = "FAILED"
    options = []
    for name in ("nordlys", "kestrel"):
        option = ("--config", str(tmp_path / f"{name}.toml"))
        args = add_args(replace(zoho.org(name), name="prod"))
        run = run_command(*args, *option, stdin=secrets_json(zoho, name))
        assert run.status == 0, run.err
        options.append(option)
    first, second = options
    return first, second


def test_each_sees_its_own_org(
    run_command: RunCommand, two_configs: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    first, second = two_configs
    for _ in range(2):
        assert [run_command("check", *option).status for option in (first, second)] == [0, 2]
    assert "failed" not in run_command("events", "prod", *first).out
    assert "failed" in run_command("events", "prod", *second).out


def test_removing_one_leaves_the_other_signed_in(
    run_command: RunCommand, two_configs: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    first, second = two_configs
    assert run_command("remove", "prod", "--yes", *second).status == 0
    assert run_command("check", *first).status == 0


def test_a_copied_config_takes_the_sign_in_of_the_first_away_only_with_it(
    run_command: RunCommand, zoho: SimulatorServer, tmp_path: Path, empty_home: Path
) -> None:
    add(run_command, zoho, "nordlys")
    config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    copied = tmp_path / "copy.toml"
    copied.write_bytes(config.read_bytes())
    run = run_command("remove", "nordlys", "--yes", "--config", str(copied))
    assert run.status == 0
    assert str(config) in run.err
    assert run_command("check").status == 0


@pytest.mark.parametrize("key", ["client_id", "accounts_url", "api_url"])
def test_an_org_that_is_changed_by_hand_gets_no_cached_token_of_what_it_was(
    run_command: RunCommand, zoho: SimulatorServer, empty_home: Path, key: str
) -> None:
    add(run_command, zoho, "nordlys")
    config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace(f'{key} = "', f'{key} = "http://127.0.0.1:9/' if "url" in key else f'{key} = "x')
    )
    asked = len(zoho.simulator.request_records)
    run = run_command("check")
    assert run.status == 3
    assert "Sign in again" in run.out
    assert len(zoho.simulator.request_records) == asked
    config.write_text(text, encoding="utf-8")
    assert run_command("check").status == 0
