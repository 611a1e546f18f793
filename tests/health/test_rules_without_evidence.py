"""A plan without evidence that it ever ran, or since when it is due, is never ok."""

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
from zbtui.model.verdict import Level, VerdictName
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.runs import History


def undated(status: str = "SCHEDULED", **keys: object) -> Backup:
    return make_backup(status, NOW + DAY, start_date=None, **keys)


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
    found = judge(snapshot_of(undated(rrule=rrule), history=year), POLICY, NOW)
    assert (found.name, found.level, found.badge) == ("cannot_tell", Level.UNKNOWN, "NO HISTORY")
    assert found.headline == "no backup has completed; since when one is due is not told"
    assert found.hint
    assert not found.stale


NONE, BEGUN = History(), make_history(history_row("initiated", NOW - HOUR))
COMPLETED, FAILED = history_with_one_end("completed", DAY), history_with_one_end("failure", DAY)
EVIDENCE: dict[str, tuple[Backup | None, History | None, VerdictName]] = {
    "one completed": (undated(), COMPLETED, "scheduled"),
    "one completed without a time": (undated(), make_history(history_row("completed")), "cannot_tell"),
    "one that the details show": (undated("COMPLETED"), BEGUN, "completed"),
    "history not asked for": (undated(), None, "cannot_tell"),
    "running": (undated("INPROGRESS"), NONE, "running"),
    "no plan": (undated(rrule=None), NONE, "one_off"),
    "stopped": (undated("STOPPED"), NONE, "stopped"),
    "failed": (undated(), FAILED, "failed"),
    "no backup": (None, NONE, "none"),
}


@pytest.mark.parametrize(("what", "year", "name"), EVIDENCE.values(), ids=EVIDENCE)
def test_whatever_else_is_shown_of_a_plan_goes_before(
    what: Backup | None, year: History | None, name: VerdictName
) -> None:
    assert judge(snapshot_of(what, history=year), POLICY, NOW).name == name
