"""`zbtui doctor`: each finding as a line with its cure, or as JSON, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_runner import RunCommand, add, assert_no_secret_in
from tests.support.simulator import SimulatorServer
from zbtui.doctor.capture import read_capture

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
    output = json.loads(run.out)
    assert {one["org"] for one in output["findings"]} == {None, "kestrel"}


def test_what_is_wrong_is_shown_with_its_cure(run_command: RunCommand, zoho: SimulatorServer) -> None:
    add(run_command, zoho, "nordlys")
    zoho.simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
    run = run_command("doctor")
    assert run.status != 0
    assert "Only an administrator may see backups" in run.out
    assert_no_secret_in(run.out.encode(), run.err.encode())


def test_a_capture_is_written_and_shown_and_says_what_it_is_for(
    run_command: RunCommand, zoho: SimulatorServer, tmp_path: Path
) -> None:
    add(run_command, zoho, "nordlys")
    zoho.simulator.forced_kinds["nordlys"] = "HIBERNATED"
    file = tmp_path / "capture.json"
    run = run_command("doctor", "nordlys", "--capture", str(file))
    assert (run.status, run.out) == (0, file.read_text("utf-8"))
    assert "HIBERNATED stands there as XXXXXXXXX" in run.err and "HIBERNATED" not in run.out
    assert "sent to nobody" in run.err and f"zbtui demo --replay {file}" in run.err
    calls = [answer.call for answer in read_capture(file).answers]
    assert calls == ["server-info", "details", "history", "links", "org"]
    assert_no_secret_in(run.out.encode(), run.err.encode())
    for word in (
        "nordlys",
        "mara",
        "lindqvist",
        "127.0.0.1",
        zoho.simulator.world.orgs["nordlys"].client_id,
    ):
        assert word.lower() not in run.out.lower()
    again = run_command("doctor", "nordlys", "--capture", str(file))
    assert (again.status, again.out) == (3, "") and "is there already" in again.err
    for names in ((), ("nordlys", "kestrel")):
        run = run_command("doctor", *names, "--capture", str(tmp_path / "other"))
        assert (run.status, run.out) == (3, "") and "A capture is of one org." in run.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("option", ["--json", "--find-data-center"])
def test_a_capture_examines_nothing_and_says_so(
    run_command: RunCommand, zoho: SimulatorServer, tmp_path: Path, option: str
) -> None:
    add(run_command, zoho, "nordlys")
    run = run_command("doctor", "nordlys", "--capture", str(tmp_path / "capture.json"), option)
    assert (run.status, list(tmp_path.glob("capture*"))) == (3, [])
    assert f"Leave out {option}." in run.err
