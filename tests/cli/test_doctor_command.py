"""`zbtui doctor`: each finding in a line with its cure, or as JSON, and what it exits with."""

from __future__ import annotations

import json

import pytest

from tests.cli.command_runner import RunCommand, add, assert_no_secret_in
from tests.support.simulator import SimulatorServer

pytestmark = pytest.mark.usefixtures("real_keyring")


def test_what_is_well_is_shown_line_by_line(run_command: RunCommand, zoho: SimulatorServer) -> None:
    add(run_command, zoho, "nordlys")
    run = run_command("doctor")
    assert (run.status, run.err) == (0, "")
    for line in (
        "The keyring holds a client secret and a refresh token.",
        "The user is an administrator, with API access.",
        "Nordlys Tools AB: SCHEDULED",
    ):
        assert line in run.out
    assert_no_secret_in(run.out.encode())


def test_as_json_it_is_one_object_and_nothing_else(run_command: RunCommand, zoho: SimulatorServer) -> None:
    add(run_command, zoho, "nordlys", "kestrel")
    run = run_command("doctor", "kestrel", "--json")
    assert (run.status, run.err) == (0, "")
    told = json.loads(run.out)
    assert {one["org"] for one in told["findings"]} == {None, "kestrel"}


def test_what_is_wrong_is_shown_with_its_cure(run_command: RunCommand, zoho: SimulatorServer) -> None:
    add(run_command, zoho, "nordlys")
    zoho.simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
    run = run_command("doctor")
    assert run.status != 0
    assert "Only an administrator may see backups" in run.out
    assert_no_secret_in(run.out.encode(), run.err.encode())
