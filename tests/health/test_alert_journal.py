"""The alert that the journal cannot be written, and how other alerts are decided without the journal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.health.alert_scenarios import UNREACHABLE, AlertDecider, healthy_snapshot, unreachable_snapshot
from tests.support.samples import DAY, NOW
from zbtui.health.alert_policy import ALL_ORGS
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level

FULL = Problem("config", "The journal cannot be used (disk full).", "Check the disk.")
JOURNAL_ALERT = [("journal", ALL_ORGS, "not_kept")]
OVER = [("journal_over", ALL_ORGS, "kept")]


@pytest.mark.parametrize(
    "settings", [AlertSettings(), AlertSettings(least=Level.CRITICAL, remind_every=None)]
)
def test_it_is_notified_once_a_day_and_so_is_its_end_with_any_settings(settings: AlertSettings) -> None:
    decider, well = AlertDecider(settings, journal_problem=FULL), healthy_snapshot()
    times = [timedelta(), timedelta(hours=23), DAY, 2 * DAY - timedelta(minutes=1), 2 * DAY]
    alerts = [decider.alerts(well, at=NOW + after) for after in times]
    assert alerts == [JOURNAL_ALERT, [], JOURNAL_ALERT, [], JOURNAL_ALERT]
    decider.journal_problem = None
    (over,) = decider.decide(well, at=NOW + 3 * DAY)
    assert (over.kind, over.level, over.title) == (
        "journal_over",
        Level.OK,
        "zbtui keeps its journal again",
    )
    assert decider.alerts(well, at=NOW + 4 * DAY) == []


def test_it_names_what_is_wrong_and_the_cure() -> None:
    (alert,) = AlertDecider(journal_problem=FULL).decide()
    assert (alert.title, alert.headline, alert.hint) == (
        "zbtui cannot keep its journal",
        FULL.message,
        FULL.hint,
    )
    assert alert.level is Level.WARNING


def test_after_the_clock_was_set_back_it_is_notified_again_after_a_day() -> None:
    decider = AlertDecider(journal_problem=FULL)
    assert decider.alerts(at=NOW + 30 * DAY) == JOURNAL_ALERT
    assert [decider.alerts(at=NOW), decider.alerts(at=NOW + DAY)] == [[], JOURNAL_ALERT]


def test_a_process_that_watches_some_orgs_notifies_of_it_too() -> None:
    assert AlertDecider(covers_all_orgs=False, journal_problem=FULL).alerts() == JOURNAL_ALERT


def test_it_is_no_outage_and_hides_none() -> None:
    decider = AlertDecider(journal_problem=FULL)
    assert decider.alerts(unreachable_snapshot()) == [*JOURNAL_ALERT, *UNREACHABLE]
    assert OVER not in [decider.alerts(unreachable_snapshot())]
