"""A plan of which nothing tells that it ever ran, or since when it should: never green."""

from __future__ import annotations

import pytest

from tests.core.build import DAY, HOUR, NOW, POLICY, backup, history, ran, row, seen
from zbtui.core.judge import judge
from zbtui.core.runs import History
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Name

UNDATED = {"start_date": None}


@pytest.mark.parametrize(
    "year",
    [
        History(),
        history(row("scheduled")),
        history(row("stopped", NOW - DAY)),
        history(row("purchased", NOW - DAY)),
        history(row("initiated", NOW - DAY)),
    ],
    ids=["empty", "planned without a time", "stopped", "bought", "begun"],
)
@pytest.mark.parametrize("rrule", ["RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "every now and then"])
def test_a_plan_that_nothing_tells_of_is_not_green(year: History, rrule: str) -> None:
    found = judge(seen(backup("SCHEDULED", NOW + DAY, rrule=rrule, **UNDATED), history=year), POLICY, NOW)
    assert (found.name, found.level, found.word) == ("cannot_look", Level.UNKNOWN, "NO HISTORY")
    assert found.headline == "no backup has completed; since when one is due is not told"
    assert found.hint
    assert not found.stale


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (seen(backup("SCHEDULED", NOW + DAY, **UNDATED), history=ran("completed", DAY)), "scheduled"),
        (seen(backup("SCHEDULED", NOW + DAY, **UNDATED), history=history(row("completed"))), "scheduled"),
        (
            seen(backup("COMPLETED", NOW + DAY, **UNDATED), history=history(row("initiated", NOW - HOUR))),
            "completed",
        ),
        (seen(backup("SCHEDULED", NOW + DAY, **UNDATED)), "scheduled"),  # the history was not asked for
        (seen(backup("INPROGRESS", NOW + DAY, **UNDATED), history=History()), "running"),
        (seen(backup("SCHEDULED", NOW + DAY, rrule=None, **UNDATED), history=History()), "one_off"),
        (seen(backup("STOPPED", NOW + DAY, **UNDATED), history=History()), "stopped"),
        (seen(backup("SCHEDULED", NOW + DAY, **UNDATED), history=ran("failure", DAY)), "failed"),
        (seen(None, history=History()), "none"),
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
def test_whatever_else_is_told_of_a_plan_goes_before(snapshot: Snapshot, name: Name) -> None:
    assert judge(snapshot, POLICY, NOW).name == name
