"""A plan of which nothing shows that it ever ran, or since when it should: never green."""

from __future__ import annotations

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    POLICY,
    history_row,
    history_with_one_end,
    make_backup,
    make_history,
    snapshot_of,
)
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, VerdictName
from zbtui.zoho_api.runs import History

UNDATED = {"start_date": None}


@pytest.mark.parametrize(
    "year",
    [
        History(),
        make_history(history_row("scheduled")),
        make_history(history_row("stopped", NOW - DAY)),
        make_history(history_row("purchased", NOW - DAY)),
        make_history(history_row("initiated", NOW - DAY)),
    ],
    ids=["empty", "planned without a time", "stopped", "bought", "begun"],
)
@pytest.mark.parametrize("rrule", ["RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "every now and then"])
def test_a_plan_that_nothing_shows_of_is_not_green(year: History, rrule: str) -> None:
    found = judge(
        snapshot_of(make_backup("SCHEDULED", NOW + DAY, rrule=rrule, **UNDATED), history=year), POLICY, NOW
    )
    assert (found.name, found.level, found.badge) == ("cannot_look", Level.UNKNOWN, "NO HISTORY")
    assert found.headline == "no backup has completed; since when one is due is not told"
    assert found.hint
    assert not found.stale


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (
            snapshot_of(
                make_backup("SCHEDULED", NOW + DAY, **UNDATED),
                history=history_with_one_end("completed", DAY),
            ),
            "scheduled",
        ),
        (
            snapshot_of(
                make_backup("SCHEDULED", NOW + DAY, **UNDATED),
                history=make_history(history_row("completed")),
            ),
            "scheduled",
        ),
        (
            snapshot_of(
                make_backup("COMPLETED", NOW + DAY, **UNDATED),
                history=make_history(history_row("initiated", NOW - HOUR)),
            ),
            "completed",
        ),
        (
            snapshot_of(make_backup("SCHEDULED", NOW + DAY, **UNDATED)),
            "scheduled",
        ),  # the history was not asked for
        (snapshot_of(make_backup("INPROGRESS", NOW + DAY, **UNDATED), history=History()), "running"),
        (
            snapshot_of(make_backup("SCHEDULED", NOW + DAY, rrule=None, **UNDATED), history=History()),
            "one_off",
        ),
        (snapshot_of(make_backup("STOPPED", NOW + DAY, **UNDATED), history=History()), "stopped"),
        (
            snapshot_of(
                make_backup("SCHEDULED", NOW + DAY, **UNDATED), history=history_with_one_end("failure", DAY)
            ),
            "failed",
        ),
        (snapshot_of(None, history=History()), "none"),
    ],
    ids=[
        "one completed",
        "one completed without a time",
        "one that the details tell",
        "no history",
        "running",
        "no plan",
        "stopped",
        "failed",
        "no backup",
    ],
)
def test_whatever_else_is_shown_of_a_plan_goes_before(snapshot: Snapshot, name: VerdictName) -> None:
    assert judge(snapshot, POLICY, NOW).name == name
