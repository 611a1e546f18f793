"""`zbtui events`: events as rows and as JSON, also those of orgs no longer under watch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_runner import ACME_CONFIG, COMMAND, CommandResult, RunCommand, add, write_config
from tests.support.pseudo_terminal import run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer
from tests.support.snapshots import completed_history, make_snapshot, snapshot_with
from zbtui.clock import SystemClock
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import open_journal

DAY = timedelta(days=1)
NOW = SystemClock().now().replace(microsecond=0)


def journal_of(home: Path) -> Path:
    return home / "xdg_state_home" / "zbtui" / "journal.db"


def note(home: Path, snapshots: Iterable[Snapshot]) -> None:
    """Record the snapshots in the user's journal, each as a poll at its own time."""

    async def write() -> None:
        journal = open_journal(journal_of(home))
        for snapshot in snapshots:
            at = snapshot.polls.attempted_at
            assert at
            await journal.record_poll(snapshot, WatchPolicy(max_age=400 * DAY), at)
        assert journal.problem is None
        await journal.close()

    asyncio.run(write())


def snapshot_of(name: str, ago: timedelta, status: str) -> Snapshot:
    next_run, history = (NOW + 5 * DAY).isoformat(), completed_history(NOW - 301 * DAY)
    snapshot = make_snapshot(name, NOW - ago, status=status, scheduled_date=next_run)
    return snapshot_with(snapshot, history=history)


@pytest.fixture
def journal_of_a_year(empty_home: Path) -> Path:
    """A home whose journal has two orgs; only acme is still under watch."""
    write_config(empty_home, ACME_CONFIG)
    note(
        empty_home,
        [
            snapshot_of("acme", 300 * DAY, "SCHEDULED"),
            snapshot_of("gone", 200 * DAY, "STOPPED"),
            snapshot_of("acme", 3 * DAY, "FAILED"),
            snapshot_of("acme", 1 * DAY, "SCHEDULED"),
        ],
    )
    return empty_home


def summaries(run: CommandResult) -> list[tuple[Any, ...]]:
    lines = [json.loads(line) for line in run.out.splitlines()]
    return [(line["org"], line["kind"], line["before"], line["after"]) for line in lines]


ACME_EVENTS = [
    ("acme", "verdict", None, "scheduled"),
    ("acme", "status", "SCHEDULED", "FAILED"),
    ("acme", "verdict", "scheduled", "failed"),
    ("acme", "status", "FAILED", "SCHEDULED"),
    ("acme", "verdict", "failed", "scheduled"),
]
REMOVED_ORG_EVENT = ("gone", "verdict", None, "stopped")


def test_the_events_of_all_orgs_come_oldest_first(run_command: RunCommand, journal_of_a_year: Path) -> None:
    run = run_command("events", "--json")
    assert (run.status, run.err) == (0, "")
    assert summaries(run) == [ACME_EVENTS[0], REMOVED_ORG_EVENT, *ACME_EVENTS[1:]]
    first = json.loads(run.out.splitlines()[0])
    assert first == {
        "schema": 1,
        "at": (NOW - 300 * DAY).isoformat(),
        "org": "acme",
        "kind": "verdict",
        "before": None,
        "after": "scheduled",
        "level": "ok",
        "headline": first["headline"],
    }


def test_one_org_may_be_asked_for(run_command: RunCommand, journal_of_a_year: Path) -> None:
    assert summaries(run_command("events", "acme", "--json")) == ACME_EVENTS


def test_an_org_that_is_no_longer_under_watch_still_has_its_events(
    run_command: RunCommand, journal_of_a_year: Path
) -> None:
    run = run_command("events", "gone", "--json")
    assert (run.status, summaries(run)) == (0, [REMOVED_ORG_EVENT])


@pytest.mark.parametrize(("since", "events"), [("2d", 2), ("4d", 4), ("250d", 5), ("3650d", 6)])
def test_since_leaves_out_what_is_older(
    run_command: RunCommand, journal_of_a_year: Path, since: str, events: int
) -> None:
    run = run_command("events", "--since", since, "--json")
    assert (run.status, len(summaries(run))) == (0, events)


def test_most_leaves_the_newest(run_command: RunCommand, journal_of_a_year: Path) -> None:
    assert summaries(run_command("events", "--most", "3", "--json")) == ACME_EVENTS[2:]


def test_rows_are_aligned_and_in_the_viewers_zone(
    run_command: RunCommand, journal_of_a_year: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    run = run_command("events", "gone")
    when = (NOW - 200 * DAY + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    assert (run.status, run.out) == (0, f"{when}  gone  verdict: – -> stopped\n")


def test_rows_are_coloured_on_a_terminal_alone(run_command: RunCommand, journal_of_a_year: Path) -> None:
    assert "\x1b" not in run_command("events").out
    with run_in_terminal([*COMMAND, "events", "gone"]) as terminal:
        terminal.wait_for_text("stopped")
        assert terminal.wait_for_exit() == 0
        assert b"\x1b[1;31mstopped\x1b[0m" in terminal.output


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_where_nothing_has_changed_nothing_is_printed(
    run_command: RunCommand, journal_of_a_year: Path, form: list[str]
) -> None:
    for asked in (["acme", "--since", "1h"], ["gone", "--since", "1d"]):
        run = run_command("events", *asked, *form)
        assert (run.status, run.out) == (0, "")
        assert "Nothing has changed in that time." in run.err


def test_an_org_that_was_never_polled_has_no_events(run_command: RunCommand, empty_home: Path) -> None:
    write_config(empty_home, ACME_CONFIG)
    run = run_command("events", "acme")
    assert (run.status, run.out) == (0, "")
    assert "Nothing has changed yet." in run.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_name_that_was_never_heard_of_is_one_sentence(
    run_command: RunCommand, journal_of_a_year: Path, form: list[str]
) -> None:
    run = run_command("events", "nobody", *form)
    assert (run.status, run.out) == (3, "")
    assert run.err.count("\n") == 1
    assert "nobody" in run.err
    assert "acme" in run.err


def test_events_are_shown_whatever_is_wrong_with_the_config(
    run_command: RunCommand, journal_of_a_year: Path
) -> None:
    write_config(journal_of_a_year, "[[org]\n")
    assert summaries(run_command("events", "acme", "--json")) == ACME_EVENTS


def test_a_journal_that_cannot_be_used_is_shown_with_its_cure(
    run_command: RunCommand, empty_home: Path
) -> None:
    write_config(empty_home, ACME_CONFIG)
    journal_of(empty_home).parent.mkdir(parents=True)
    journal_of(empty_home).write_bytes(b"this is no journal, but somebody's notes" * 100)
    run = run_command("events")
    assert (run.status, run.out) == (1, "")
    assert run.err.startswith("zbtui: The journal")
    assert run.err.count("\n") == 1


def test_what_a_check_sees_is_an_event(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys")
    assert run_command("check").status == 0
    zoho.simulator.forced_kinds["nordlys"] = "FAILED"
    assert run_command("check").status == 2
    assert run_command("check").status == 2
    changes = summaries(run_command("events", "nordlys", "--json"))
    assert ("nordlys", "status", "SCHEDULED", "FAILED") in changes
    assert changes.count(("nordlys", "verdict", "scheduled", "failed")) == 1
    assert run_command("remove", "nordlys", "--yes").status == 0
    assert summaries(run_command("events", "nordlys", "--json")) == changes


def test_a_single_failed_poll_is_noted_as_a_problem_and_not_yet_as_a_verdict(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    """The check judges one failed poll at once; the journal waits for several."""
    add(run_command, zoho, "nordlys")
    assert run_command("check").status == 0
    zoho.simulator.forced_kinds["nordlys"] = "INTERNAL_ERROR"
    assert run_command("check").status == 3
    kinds = [(kind, after) for _, kind, _, after in summaries(run_command("events", "nordlys", "--json"))]
    assert ("verdict", "cannot_tell") not in kinds
    assert kinds[-1][0] == "trouble"
    assert [run_command("check").status for _ in range(2)] == [3, 3]
    assert ("nordlys", "verdict", "scheduled", "cannot_tell") in summaries(run_command("events", "--json"))
