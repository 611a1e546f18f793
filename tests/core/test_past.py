"""What history and links tell, in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.build import DAY, HOUR, NOW, ORG, SECOND, backup, history, ran, row
from tests.support.build import build_snapshot
from zbtui.core.links import Links
from zbtui.core.past import last_good_words, links_words, past_words
from zbtui.core.snapshot import Snapshot


def known(**keys: Any) -> Snapshot:
    return build_snapshot(ORG, **{"backup": backup(), **keys})


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (known(backup=backup("COMPLETED")), "last run completed"),
        (known(), "last result unknown"),
        (known(backup=None), "last result unknown"),
        (known(history=history()), "none completed yet"),
        (known(history=ran("failure", DAY)), "none good in a year"),
        (known(history=ran("completed", 6 * DAY)), "last good 6d ago"),
        (known(history=history(row("completed"))), "last good: no date told"),
    ],
)
def test_when_a_backup_last_ended_well(snapshot: Snapshot, words: str) -> None:
    assert last_good_words(snapshot, NOW) == words


OLD = ran("completed", 8 * DAY)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (known(), "links unknown"),
        (known(links=Links(1, 0, NOW + DAY + HOUR)), "links 25h left"),
        (known(links=Links(1, 0, NOW + SECOND)), "links end now"),
        (known(links=Links(1, 0, None)), "links without an end"),
        (known(links=Links(0, 0, None), last_links_expiry=NOW - 2 * DAY), "links expired on 21 Nov"),
        (known(links=Links(0, 0, None)), "no links yet"),
        (known(links=Links(0, 0, None), history=ran("completed", 6 * DAY)), "no links yet"),
        (known(links=Links(0, 0, None), history=OLD), "links expired by 22 Nov"),
        (known(links=Links(0, 0, None), history=OLD, backup=backup("INPROGRESS")), "no links yet"),
    ],
)
def test_whether_its_files_can_still_be_downloaded(snapshot: Snapshot, words: str) -> None:
    assert links_words(snapshot, NOW) == words


def test_in_one_line_the_fullest_comes_first_and_each_is_shorter() -> None:
    lines = past_words(known(links=Links(0, 0, None), history=OLD), NOW)
    assert lines[0] == "last good 8d ago · links expired by 22 Nov"
    assert lines[-1] == "last good 8d ago"
    assert "good 8d ago · links expired" in lines
