"""Summaries of history and links."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    ORG,
    SECOND,
    history_row,
    history_with_one_end,
    make_backup,
    make_history,
)
from tests.support.snapshots import build_snapshot
from zbtui.health.snapshot import Snapshot
from zbtui.presentation.summaries import history_and_links_summaries, last_good_summary, links_summary
from zbtui.zoho_api.links import Links


def snapshot_with(**keys: Any) -> Snapshot:
    return build_snapshot(ORG, **{"backup": make_backup(), **keys})


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (snapshot_with(backup=make_backup("COMPLETED")), "last run completed"),
        (snapshot_with(), "last result unknown"),
        (snapshot_with(backup=None), "last result unknown"),
        (snapshot_with(history=make_history()), "none completed yet"),
        (snapshot_with(history=history_with_one_end("failure", DAY)), "none good in a year"),
        (snapshot_with(history=history_with_one_end("completed", 6 * DAY)), "last good 6d ago"),
        (snapshot_with(history=make_history(history_row("completed"))), "last good: no date told"),
    ],
)
def test_when_a_backup_last_ended_well(snapshot: Snapshot, words: str) -> None:
    assert last_good_summary(snapshot, NOW) == words


OLD = history_with_one_end("completed", 8 * DAY)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (snapshot_with(), "links unknown"),
        (snapshot_with(links=Links(1, 0, NOW + DAY + HOUR)), "links 25h left"),
        (snapshot_with(links=Links(1, 0, NOW + SECOND)), "links end now"),
        (snapshot_with(links=Links(1, 0, None)), "links without an end"),
        (
            snapshot_with(links=Links(0, 0, None), last_links_expiry=NOW - 2 * DAY),
            "links expired on 21 Nov",
        ),
        (snapshot_with(links=Links(0, 0, None)), "no links yet"),
        (
            snapshot_with(links=Links(0, 0, None), history=history_with_one_end("completed", 6 * DAY)),
            "no links yet",
        ),
        (snapshot_with(links=Links(0, 0, None), history=OLD), "links expired by 22 Nov"),
        (
            snapshot_with(links=Links(0, 0, None), history=OLD, backup=make_backup("INPROGRESS")),
            "no links yet",
        ),
    ],
)
def test_whether_its_files_can_still_be_downloaded(snapshot: Snapshot, words: str) -> None:
    assert links_summary(snapshot, NOW) == words


def test_in_one_line_the_fullest_comes_first_and_each_is_shorter() -> None:
    lines = history_and_links_summaries(snapshot_with(links=Links(0, 0, None), history=OLD), NOW)
    assert lines[0] == "last good 8d ago · links expired by 22 Nov"
    assert lines[-1] == "last good 8d ago"
    assert "good 8d ago · links expired" in lines
