"""Which verdicts end an alarm with a recovery, which end it silently, and which do not end it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.health.alert_scenarios import (
    FAILED,
    WELL_AGAIN,
    AlertDecider,
    failing_snapshot,
    healthy_snapshot,
    polled_later,
    unreachable_snapshot,
)
from tests.support.samples import DAY, HOUR, MINUTE, NOW, OFFLINE, SIGNED_OUT, history_row, make_history
from tests.support.snapshots import snapshot_with
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

# Orgs that cannot be polled


@pytest.mark.parametrize(
    "unseen",
    [
        unreachable_snapshot(problem=SIGNED_OUT),
        unreachable_snapshot(failures=9),
        healthy_snapshot(history=None, history_problem=OFFLINE, history_failures=9),
        healthy_snapshot(history=None, history_problem=SIGNED_OUT, history_failures=1),
    ],
    ids=["signed out", "offline", "no history", "no history, signed out"],
)
def test_an_unknown_that_is_not_to_be_notified_ends_nothing_that_was(unseen: Snapshot) -> None:
    decider = AlertDecider(AlertSettings(least=Level.CRITICAL))
    assert decider.alerts(failing_snapshot()) == FAILED
    alert_state = decider.alert_state
    assert decider.decide(polled_later(unseen), at=NOW + HOUR) == []
    assert decider.alert_state == alert_state
    at = NOW + 2 * HOUR
    assert decider.decide(failing_snapshot(at=at), at=at) == []
    at += HOUR
    assert decider.alerts(healthy_snapshot(at=at), at=at) == WELL_AGAIN


def test_an_unknown_that_is_not_to_be_notified_puts_off_no_reminder() -> None:
    decider = AlertDecider(AlertSettings(least=Level.CRITICAL))
    decider.decide(failing_snapshot())
    at = NOW + 23 * HOUR
    assert decider.decide(unreachable_snapshot(at=at, problem=SIGNED_OUT), at=at) == []
    assert decider.alerts(failing_snapshot(at=NOW + DAY), at=NOW + DAY) == [("reminder", "acme", "failed")]


# Better, but not ok


@pytest.mark.parametrize("least", [Level.UNKNOWN, Level.CRITICAL])
def test_a_recovery_to_what_is_less_bad_does_not_say_well_again(least: Level) -> None:
    decider = AlertDecider(AlertSettings(least=least))
    decider.decide(failing_snapshot())
    at = NOW + HOUR
    (alert,) = decider.decide(failing_snapshot(at=at, status="ARCHIVED"), at=at)
    assert (alert.kind, alert.level) == ("recovery", Level.WARNING)
    assert alert.title == "acme: now unknown status"
    at += HOUR
    assert decider.decide(healthy_snapshot(at=at), at=at) == []


# Links that expire

EXPIRE = NOW + HOUR
LAST = make_history(history_row("completed", EXPIRE - 7 * DAY))
EXPIRING = healthy_snapshot(links=Links(1, 1, EXPIRE), last_links_expiry=EXPIRE, history=LAST)


def decider_after_expiry_alert() -> AlertDecider:
    decider = AlertDecider()
    assert decider.alerts(EXPIRING) == [("alarm", "acme", "links_expiring")]
    return decider


@pytest.mark.parametrize("links", [Links(1, 1, EXPIRE), Links()], ids=["links listed", "links gone"])
@pytest.mark.parametrize("after", [timedelta(), HOUR])
def test_links_that_expired_undownloaded_are_no_recovery(links: Links, after: timedelta) -> None:
    decider, at = decider_after_expiry_alert(), EXPIRE + after
    expired: dict[str, Any] = {"links": links, "last_links_expiry": EXPIRE, "history": LAST}
    assert decider.decide(healthy_snapshot(at=at, **expired), at=at) == []
    assert decider.alert_state.orgs["acme"].notified_at is None
    at += HOUR
    (alert,) = decider.decide(failing_snapshot(at=at, **expired), at=at)
    assert (alert.kind, alert.previous_verdict, alert.verdict) == ("alarm", "scheduled", "failed")


def test_links_that_expire_between_two_polls_are_none_either() -> None:
    decider = AlertDecider()
    soon = NOW + 5 * MINUTE
    expiring = snapshot_with(EXPIRING, links=Links(1, 1, soon), last_links_expiry=soon)
    assert decider.alerts(expiring) == [("alarm", "acme", "links_expiring")]
    assert decider.decide(expiring, at=soon) == []


NEWER = make_history(history_row("completed", NOW + MINUTE))
NEWEST = make_history(history_row("completed", EXPIRE + MINUTE))


@pytest.mark.parametrize(
    ("links", "expire", "year"),
    [
        (Links(1, 1, NOW + 7 * DAY), NOW + 7 * DAY, NEWER),
        (Links(), EXPIRE, NEWEST),
        (Links(1, 1, None), EXPIRE, NEWEST),
    ],
    ids=["with links", "links still to come", "links without an end"],
)
def test_a_new_backup_is_a_recovery_from_links_that_expire(
    links: Links, expire: datetime, year: History
) -> None:
    decider, at = decider_after_expiry_alert(), EXPIRE + HOUR
    found = decider.alerts(
        healthy_snapshot(at=at, links=links, last_links_expiry=expire, history=year), at=at
    )
    assert found == WELL_AGAIN


def test_links_that_are_gone_take_no_recovery_from_anything_else() -> None:
    decider = AlertDecider()
    gone: dict[str, Any] = {"links": Links(), "last_links_expiry": NOW - DAY, "history": LAST}
    assert decider.alerts(failing_snapshot(**gone)) == FAILED
    at = NOW + HOUR
    assert decider.alerts(healthy_snapshot(at=at, **gone), at=at) == WELL_AGAIN
