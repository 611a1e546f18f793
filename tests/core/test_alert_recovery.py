"""What ends an alarm with a recovery, and what ends it in silence, or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.core.alerting import Desk, bad, later, out, said, well
from tests.core.build import DAY, HOUR, MINUTE, NOW, OFFLINE, SIGNED_OUT, history, row
from tests.support.build import snapshot_with
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.links import Links
from zbtui.core.runs import History
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level

# What cannot be seen


@pytest.mark.parametrize(
    "unseen",
    [
        out(trouble=SIGNED_OUT),
        out(failures=9),
        well(history_problem=OFFLINE, history_failures=9),
        well(history_problem=SIGNED_OUT, history_failures=1),
    ],
    ids=["signed out", "offline", "no history", "no history, signed out"],
)
def test_an_unknown_that_is_not_to_be_told_ends_nothing_that_was(unseen: Snapshot) -> None:
    desk = Desk(AlertSettings(least=Level.CRITICAL))
    assert said(desk.tell(bad())) == [("alarm", "acme", "failed")]
    ledger = desk.ledger
    assert desk.tell(later(unseen), at=NOW + HOUR) == []
    assert desk.ledger == ledger
    at = NOW + 2 * HOUR
    assert desk.tell(bad(at=at), at=at) == []
    at += HOUR
    assert said(desk.tell(well(at=at), at=at)) == [("recovery", "acme", "scheduled")]


def test_an_unknown_that_is_not_to_be_told_puts_off_no_reminder() -> None:
    desk = Desk(AlertSettings(least=Level.CRITICAL))
    desk.tell(bad())
    assert desk.tell(out(at=NOW + 23 * HOUR, trouble=SIGNED_OUT), at=NOW + 23 * HOUR) == []
    assert said(desk.tell(bad(at=NOW + DAY), at=NOW + DAY)) == [("reminder", "acme", "failed")]


# What is better, and not well


@pytest.mark.parametrize("least", [Level.UNKNOWN, Level.CRITICAL])
def test_a_recovery_to_what_is_less_bad_does_not_say_well_again(least: Level) -> None:
    desk = Desk(AlertSettings(least=least))
    desk.tell(bad())
    at = NOW + HOUR
    (alert,) = desk.tell(bad(at=at, status="ARCHIVED"), at=at)
    assert (alert.kind, alert.level) == ("recovery", Level.WARNING)
    assert alert.title == "acme: now unknown status"
    at += HOUR
    assert desk.tell(well(at=at), at=at) == []


# Links that end

EXPIRE = NOW + HOUR
LAST = history(row("completed", EXPIRE - 7 * DAY))
EXPIRING = well(links=Links(1, 1, EXPIRE), last_links_expiry=EXPIRE, history=LAST)


def told_expiring() -> Desk:
    desk = Desk()
    assert said(desk.tell(EXPIRING)) == [("alarm", "acme", "links_expiring")]
    return desk


@pytest.mark.parametrize("links", [Links(1, 1, EXPIRE), Links()], ids=["still told", "no longer told"])
@pytest.mark.parametrize("after", [timedelta(), HOUR])
def test_links_that_expired_undownloaded_are_no_recovery(links: Links, after: timedelta) -> None:
    desk, at = told_expiring(), EXPIRE + after
    assert desk.tell(well(at=at, links=links, last_links_expiry=EXPIRE, history=LAST), at=at) == []
    assert desk.ledger.orgs["acme"].told_at is None
    at += HOUR
    (alert,) = desk.tell(bad(at=at, links=links, last_links_expiry=EXPIRE, history=LAST), at=at)
    assert (alert.kind, alert.before, alert.verdict) == ("alarm", "scheduled", "failed")


def test_links_that_expire_between_two_looks_are_none_either() -> None:
    desk = Desk()
    soon = NOW + 5 * MINUTE
    expiring = snapshot_with(EXPIRING, links=Links(1, 1, soon), last_links_expiry=soon)
    assert said(desk.tell(expiring)) == [("alarm", "acme", "links_expiring")]
    assert desk.tell(expiring, at=soon) == []


NEWER = history(row("completed", NOW + MINUTE))
NEWEST = history(row("completed", EXPIRE + MINUTE))


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
    desk, at = told_expiring(), EXPIRE + HOUR
    found = desk.tell(well(at=at, links=links, last_links_expiry=expire, history=year), at=at)
    assert said(found) == [("recovery", "acme", "scheduled")]


def test_links_that_are_gone_take_no_recovery_from_anything_else() -> None:
    desk = Desk()
    gone: dict[str, Any] = {"links": Links(), "last_links_expiry": NOW - DAY, "history": LAST}
    assert said(desk.tell(bad(**gone))) == [("alarm", "acme", "failed")]
    at = NOW + HOUR
    assert said(desk.tell(well(at=at, **gone), at=at)) == [("recovery", "acme", "scheduled")]
