"""An outage that takes all orgs: one alert, one end, a reminder while it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.alerting import (
    BUSY,
    DOWN,
    LOCKED,
    LOCKED_OUT,
    NAMES,
    OUTAGE,
    OVER,
    Desk,
    all_out,
    bad,
    org,
    out,
    said,
    well,
)
from tests.core.build import DAY, HOUR, MINUTE, NOW, SECOND, SIGNED_OUT
from tests.support.build import snapshot_with
from zbtui.core.alert import ALL
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.crash import bug
from zbtui.core.explain import bad_answer, explain_api
from zbtui.core.explain_sign_in import NOT_SIGNED_IN, over_budget
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level

BUG = bug(ValueError())
NO_ACCESS = explain_api(403, {"code": "NO_PERMISSION"}, "eu")

# All of them


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_an_outage_of_all_is_one_alert_and_one_end(names: tuple[str, ...]) -> None:
    desk = Desk()
    desk.tell(*(well(name, NOW - 10 * MINUTE) for name in names), at=NOW - 10 * MINUTE)
    (alert,) = desk.tell(*all_out(*names))
    assert said([alert]) == OUTAGE
    assert alert.hint is None
    assert alert.headline == f"none of {len(names)} orgs can be looked at: is this machine online?"
    for minutes in (5, 10, 15, 600):
        at = NOW + minutes * MINUTE
        assert desk.tell(*all_out(*names, at=at), at=at) == []
    at = NOW + 601 * MINUTE
    (over,) = desk.tell(well(names[0], at), *all_out(*names[1:], at=at), at=at)
    assert said([over]) == OVER
    assert over.headline == f"{names[0]} answers, 10h after that was told"
    at += MINUTE
    assert desk.tell(*(well(name, at) for name in names), at=at) == []


@pytest.mark.parametrize(
    "trouble", [LOCKED, DOWN, bad_answer("is odd"), BUG], ids=["locked", "down", "odd", "a bug"]
)
def test_what_else_takes_all_orgs_is_one_alert_with_its_cure(trouble: Trouble) -> None:
    (alert,) = Desk().tell(*all_out("acme", "nordlys", trouble=trouble))
    assert said([alert]) == OUTAGE
    assert alert.headline == f"none of 2 orgs can be looked at: {trouble.message}"
    assert alert.hint == trouble.hint


def test_orgs_that_are_each_out_of_reach_for_a_reason_of_its_own_are_one_outage() -> None:
    told = Desk().tell(out("acme"), out("nordlys", trouble=DOWN), out("zenith", trouble=LOCKED))
    assert said(told) == OUTAGE


@pytest.mark.parametrize("trouble", [BUSY, SIGNED_OUT], ids=["busy", "signed out"])
def test_what_zoho_refuses_each_org_is_no_outage(trouble: Trouble) -> None:
    told = Desk().tell(*all_out("acme", "nordlys", trouble=trouble))
    assert said(told) == [("alarm", "acme", "cannot_look"), ("alarm", "nordlys", "cannot_look")]


@pytest.mark.parametrize("failures", [1, 2])
def test_an_outage_has_to_last_for_one_of_them_at_least(failures: int) -> None:
    desk = Desk()
    assert desk.tell(*(out(name, failures) for name in NAMES)) == []
    assert said(desk.tell(out(NAMES[0]), *(out(name, failures) for name in NAMES[1:]))) == OUTAGE


def test_an_org_that_was_out_of_reach_before_does_not_shorten_the_patience_with_the_others() -> None:
    desk = Desk()
    desk.tell(out("acme", since=9 * DAY), well("nordlys"))
    at = NOW + MINUTE
    assert desk.tell(out("acme", 99, at, 9 * DAY), out("nordlys", 1, at, timedelta()), at=at) == []
    at += 3 * MINUTE
    told = desk.tell(out("acme", 99, at, 9 * DAY), out("nordlys", 3, at, 3 * MINUTE), at=at)
    assert said(told) == OUTAGE


@pytest.mark.parametrize("failed_looks", [1, 5])
def test_how_long_it_has_to_last_is_configured(failed_looks: int) -> None:
    settings = AlertSettings(failed_looks=failed_looks)
    for failures, told in ((failed_looks - 1, []), (failed_looks, OUTAGE)):
        if failures:
            known = [out(name, failures) for name in ("acme", "nordlys")]
            assert said(Desk(settings).tell(*known)) == told


@pytest.mark.parametrize(
    ("least", "told"), [(Level.WARNING, OUTAGE), (Level.UNKNOWN, OUTAGE), (Level.CRITICAL, [])]
)
def test_who_wants_to_hear_of_worse_only_hears_of_no_outage(
    least: Level, told: list[tuple[str, str, str]]
) -> None:
    desk = Desk(AlertSettings(least=least))
    assert said(desk.tell(*all_out("acme", "nordlys"))) == told
    at = NOW + HOUR
    over = [("outage_over", ALL, "scheduled")] if told else []
    assert said(desk.tell(well("acme", at), well("nordlys", at), at=at)) == over


def test_a_single_org_is_told_by_itself() -> None:
    desk = Desk()
    assert said(desk.tell(out())) == [("alarm", "acme", "cannot_look")]
    assert said(desk.tell(well(at=NOW + HOUR), at=NOW + HOUR)) == [("recovery", "acme", "scheduled")]


@pytest.mark.parametrize(
    "idle",
    [
        well("idle", paused=True),
        well("idle", NOW - DAY, paused=True),
        out("idle", paused=True),
        out("idle", trouble=SIGNED_OUT),
        out("idle", trouble=LOCKED_OUT),
    ],
    ids=["paused", "paused long ago", "paused in trouble", "signed out", "locked out"],
)
def test_an_org_that_is_not_asked_does_not_hide_an_outage(idle: Snapshot) -> None:
    idle = snapshot_with(idle, attempted_at=NOW - HOUR, failing_since=NOW - HOUR)
    desk = Desk()
    desk.tell(idle, well("acme", NOW - 10 * MINUTE), well("nordlys", NOW - 10 * MINUTE))
    assert said(desk.tell(idle, *all_out("acme", "nordlys"))) == OUTAGE


def test_beside_orgs_that_are_not_asked_the_one_that_is_is_told_by_itself() -> None:
    told = Desk().tell(out("acme"), well("idle", NOW - HOUR, paused=True), out("dead", trouble=SIGNED_OUT))
    assert said(told) == [("alarm", "acme", "cannot_look"), ("alarm", "dead", "cannot_look")]


def test_during_an_outage_a_dead_sign_in_is_told_all_the_same() -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    at = NOW + MINUTE
    local = snapshot_with(out("nordlys", 4, at), problem=NOT_SIGNED_IN)
    assert said(desk.tell(out("acme", 4, at), local, at=at)) == [("alarm", "nordlys", "cannot_look")]


# Its end, and what comes after it


def test_whoever_is_still_bad_after_an_outage_is_not_told_anew_and_who_became_so_is() -> None:
    desk = Desk()
    desk.tell(bad("acme"), well("nordlys"))
    at = NOW + HOUR
    assert said(desk.tell(*all_out("acme", "nordlys", at=at), at=at)) == [*OUTAGE]
    at += HOUR
    assert said(desk.tell(bad("acme", at), bad("nordlys", at, "STOPPED"), at=at)) == [
        ("outage_over", ALL, "failed"),
        ("alarm", "nordlys", "stopped"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        well("acme", NOW + HOUR),
        bad("acme", NOW + HOUR),
        out("acme", at=NOW + HOUR, trouble=BUSY),
        out("acme", at=NOW + HOUR, trouble=SIGNED_OUT),
        out("acme", at=NOW + HOUR, trouble=LOCKED_OUT),
        out("acme", at=NOW + HOUR, trouble=NO_ACCESS),
        well("acme", NOW + HOUR, paused=True),
    ],
    ids=["well", "bad", "busy", "signed out", "locked out", "no access", "paused"],
)
def test_any_answer_of_zohos_ends_an_outage(answer: Snapshot) -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    told = desk.tell(answer, out("nordlys", 9, NOW + HOUR), at=NOW + HOUR)
    assert told[0].kind == "outage_over"


@pytest.mark.parametrize(
    "silence",
    [
        out("acme", at=NOW + HOUR),
        out("acme", at=NOW + HOUR, trouble=LOCKED),
        out("acme", at=NOW + HOUR, trouble=DOWN),
        out("acme", at=NOW + HOUR, trouble=bad_answer("is odd")),
        out("acme", at=NOW + HOUR, trouble=BUG),
        out("acme", at=NOW + HOUR, trouble=NOT_SIGNED_IN),
        out("acme", at=NOW + HOUR, trouble=over_budget(NOW + 2 * HOUR)),
        well("acme", NOW - MINUTE),
        well("acme", NOW + 30 * MINUTE, restored=True),
        Snapshot(org("acme")),
    ],
    ids=[
        "offline",
        "locked",
        "down",
        "odd",
        "a bug",
        "not signed in",
        "over budget",
        "seen before",
        "restored",
        "unseen",
    ],
)
def test_what_is_no_answer_of_a_zoho_in_order_ends_no_outage(silence: Snapshot) -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    told = desk.tell(silence, out("nordlys", 9, NOW + HOUR), at=NOW + HOUR)
    assert "outage_over" not in [alert.kind for alert in told]
    assert desk.ledger.outage_since == NOW


@pytest.mark.parametrize(
    ("minutes", "answered", "told"),
    [
        (3, 0, False),
        (9, 5, False),
        (10, 5, False),  # what failed during the outage has two intervals to mend
        (11, 5, True),
        (11, 11, True),
        (11, 0, True),
    ],
)
def test_an_org_that_stays_out_of_reach_after_an_outage_is_told_two_intervals_later(
    minutes: int, answered: int, told: bool
) -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    over = NOW + HOUR
    assert said(desk.tell(well("acme", over), out("nordlys", 9, over, HOUR), at=over)) == OVER
    at = over + minutes * MINUTE
    still = out("nordlys", 9 + minutes, at, HOUR + minutes * MINUTE)
    found = desk.tell(well("acme", over + answered * MINUTE), still, at=at)
    assert said(found) == ([("alarm", "nordlys", "cannot_look")] if told else [])


def test_orgs_that_were_not_asked_again_after_an_outage_are_waited_for() -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    over = NOW + HOUR
    still = out("nordlys", 9, over - MINUTE, HOUR)
    desk.tell(well("acme", over), still, at=over)
    for minutes in (5, 12):
        at = over + minutes * MINUTE
        assert desk.tell(well("acme", at), still, at=at) == []


def test_an_org_that_fails_for_the_first_time_after_an_outage_is_told_as_soon_as_ever() -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    over = NOW + HOUR
    assert said(desk.tell(well("acme", over), well("nordlys", over), at=over)) == OVER
    at = over + 6 * MINUTE
    fails = out("nordlys", 3, at, 4 * MINUTE)
    assert said(desk.tell(well("acme", at - MINUTE), fails, at=at)) == [("alarm", "nordlys", "cannot_look")]


def test_the_answer_that_ended_an_outage_is_no_proof_of_what_came_after_it() -> None:
    desk, told = Desk(), []
    desk.tell(*all_out("once a day", *NAMES))
    over = NOW + HOUR
    answered = well("once a day", over - SECOND)
    still = [out(name, 9, over - MINUTE, HOUR) for name in NAMES]
    assert said(desk.tell(answered, *still, at=over)) == OVER
    for minute in range(1, 30):
        at = over + minute * MINUTE
        still = [out(name, 9 + minute, at, HOUR + minute * MINUTE) for name in NAMES]
        told += desk.tell(answered, *still, at=at)
    assert said(told) == OUTAGE


def test_a_network_that_is_gone_again_at_once_is_one_more_outage_and_not_fifty_alarms() -> None:
    desk, told = Desk(), []
    desk.tell(*all_out(*NAMES))
    over = NOW + HOUR
    still = [out(name, 9, NOW + 50 * MINUTE, HOUR) for name in NAMES[1:]]
    assert said(desk.tell(well(NAMES[0], over), *still, at=over)) == OVER
    first = well(NAMES[0], over)
    for minute in range(1, 30):
        at = over + minute * MINUTE
        still = [
            out(name, 9 + minute, at, HOUR + minute * MINUTE) if index % 14 == minute % 14 else one
            for index, (name, one) in enumerate(zip(NAMES[1:], still, strict=True))
        ]
        if minute >= 5:
            first = out(NAMES[0], minute - 4, at, (minute - 5) * MINUTE)
        told += desk.tell(first, *still, at=at)
    assert said(told) == OUTAGE


# What lasts


@pytest.mark.parametrize(
    ("after", "told"), [(DAY - SECOND, []), (DAY, ["reminder"]), (3 * DAY, ["reminder"])]
)
def test_an_outage_that_lasts_is_told_again_after_the_interval(after: timedelta, told: list[str]) -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    at = NOW + after
    found = desk.tell(*all_out("acme", "nordlys", at=at), at=at)
    assert [alert.kind for alert in found] == told
    assert all(alert.org == ALL for alert in found)


def test_reminders_of_an_outage_come_at_the_interval_from_the_last_one() -> None:
    desk, hours = Desk(), []
    for hour in range(24 * 4):
        at = NOW + hour * HOUR
        hours += [hour for _ in desk.tell(*all_out("acme", "nordlys", at=at), at=at)]
    assert hours == [0, 24, 48, 72]


def test_who_wants_no_reminder_of_an_outage_gets_none() -> None:
    desk = Desk(AlertSettings(remind_every=None))
    desk.tell(*all_out("acme", "nordlys"))
    at = NOW + 90 * DAY
    assert desk.tell(*all_out("acme", "nordlys", at=at), at=at) == []


def test_an_outage_that_nobody_asks_about_any_more_is_not_told_again() -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    at = NOW + 2 * DAY
    assert desk.tell(*(snapshot_with(one, paused=True) for one in all_out("acme", "nordlys")), at=at) == []


def test_after_the_clock_was_set_back_an_outage_ends_all_the_same() -> None:
    desk, back = Desk(), NOW - 300 * DAY
    desk.tell(*all_out("acme", "nordlys"))
    assert desk.tell(*all_out("acme", "nordlys", at=back), at=back) == []
    at = back + HOUR
    assert said(desk.tell(well("acme", at), well("nordlys", at), at=at)) == OVER
