"""`zbtui doctor`: each finding in a line with its cure, or as JSON, and what it exits with."""

from __future__ import annotations

import json

import pytest

from tests.cli.shell import Shell, add, assert_no_secret
from tests.support.zoho import Port

pytestmark = pytest.mark.usefixtures("real_keyring")


def test_what_is_well_is_told_line_by_line(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    run = shell("doctor")
    assert (run.status, run.err) == (0, "")
    for line in (
        "The keyring holds a client secret and a refresh token.",
        "The user is an administrator, with API access.",
        "Nordlys Tools AB: SCHEDULED",
    ):
        assert line in run.out
    assert_no_secret(run.out.encode())


def test_as_json_it_is_one_object_and_nothing_else(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys", "kestrel")
    run = shell("doctor", "kestrel", "--json")
    assert (run.status, run.err) == (0, "")
    told = json.loads(run.out)
    assert {one["org"] for one in told["findings"]} == {None, "kestrel"}


def test_what_is_wrong_is_told_with_its_cure(shell: Shell, zoho: Port) -> None:
    add(shell, zoho, "nordlys")
    zoho.simulator.forced["nordlys"] = "NO_PERMISSION"
    run = shell("doctor")
    assert run.status != 0
    assert "Only an administrator may see backups" in run.out
    assert_no_secret(run.out.encode(), run.err.encode())
