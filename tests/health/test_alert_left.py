"""The alert that an org left the config, other than by `zbtui remove`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.health.alert_scenarios import AlertDecider, all_healthy, healthy_snapshot
from tests.support.samples import HOUR, MINUTE, NOW
from zbtui.health.alert_policy import ALL_ORGS
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.verdict import Level

LATER = NOW + HOUR


def watching(*names: str, config: str = "a.toml") -> AlertDecider:
    decider = AlertDecider(config=config)
    assert decider.alerts(*all_healthy(*names)) == []
    return decider


def taken_off(decider: AlertDecider, name: str, at: datetime) -> None:
    """Record that zbtui itself took the org off watch."""
    watched = {key: at if key[1] == name else gone for key, gone in decider.alert_state.watched.items()}
    decider.alert_state = replace(decider.alert_state, watched=watched)


def test_an_org_that_leaves_is_notified_once_and_again_after_it_was_back() -> None:
    decider = watching("acme", "birch")
    (alert,) = decider.decide(healthy_snapshot("birch"), at=LATER)
    assert (alert.kind, alert.org, alert.verdict, alert.level) == (
        "left",
        "acme",
        "not_watched",
        Level.UNKNOWN,
    )
    assert alert.title == "acme: no longer watched"
    assert decider.alerts(healthy_snapshot("birch"), at=LATER + HOUR) == []
    assert decider.alerts(*all_healthy("acme", "birch"), at=LATER + 2 * HOUR) == []
    assert decider.alerts(healthy_snapshot("birch"), at=LATER + 3 * HOUR) == [
        ("left", "acme", "not_watched")
    ]


@pytest.mark.parametrize("count", [3, 12])
def test_several_that_leave_are_one_alert_that_names_them(count: int) -> None:
    names = [f"org{number:02}" for number in range(count)]
    (alert,) = watching(*names).decide(at=LATER)
    assert (alert.org, alert.title) == (ALL_ORGS, "Several orgs: no longer watched")
    assert ", ".join(names[:10]) in alert.headline
    assert ("and 2 more" in alert.headline) is (count == 12)


def test_it_is_notified_whatever_level_is_alerted() -> None:
    decider = watching("acme")
    decider.settings = AlertSettings(least=Level.CRITICAL)
    assert decider.alerts(at=LATER) == [("left", "acme", "not_watched")]


def test_a_config_that_is_still_being_written_says_nothing_yet() -> None:
    decider = watching("acme")
    decider.config_is_settled = False
    assert decider.alerts(at=LATER) == []
    decider.config_is_settled = True
    assert decider.alerts(at=LATER + MINUTE) == [("left", "acme", "not_watched")]


def test_a_process_that_watches_some_orgs_notifies_of_none_that_left() -> None:
    decider = watching("acme", "birch")
    decider.covers_all_orgs = False
    assert decider.alerts(healthy_snapshot("birch"), at=LATER) == []


def test_the_orgs_of_another_config_have_not_left() -> None:
    decider = watching("acme")
    decider.config = "b.toml"
    assert decider.alerts(healthy_snapshot("birch"), at=LATER) == []
    decider.config = "a.toml"
    assert decider.alerts(healthy_snapshot("acme"), at=LATER) == []


def test_an_org_that_zbtui_took_off_is_not_notified_though_a_running_watch_still_has_it() -> None:
    decider = watching("acme", "birch")
    taken_off(decider, "acme", NOW)
    assert decider.alerts(*all_healthy("acme", "birch"), at=NOW + MINUTE) == []
    assert decider.alerts(healthy_snapshot("birch"), at=NOW + 2 * MINUTE) == []


def test_what_was_taken_off_and_added_again_is_watched_as_ever() -> None:
    decider = watching("acme", "birch")
    taken_off(decider, "acme", NOW)
    assert decider.alerts(*all_healthy("acme", "birch"), at=NOW + MINUTE + timedelta(seconds=1)) == []
    assert decider.alerts(healthy_snapshot("birch"), at=LATER) == [("left", "acme", "not_watched")]
