"""The verdict cache: every caller gets the same verdict, in the same words while name and level hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, snapshot_with
from zbtui.health.judge import judge
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.watch_policy import WatchPolicy

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SOON = make_snapshot("acme", scheduled_date=(START + MINUTE).isoformat())
POLICY = WatchPolicy(overdue_after=MINUTE)


@pytest.mark.parametrize("patience", [3, 5])
def test_it_judges_as_ever_and_finds_that_again(patience: int) -> None:
    cache = VerdictCache()
    assert cache.find(SOON, POLICY, START, patience) is None
    verdict = cache.judge(SOON, POLICY, START, patience)
    assert verdict == judge(SOON, POLICY, START, patience)
    assert cache.find(SOON, POLICY, START + MINUTE - SECOND, patience) is verdict


def test_it_finds_none_that_may_be_another_by_now() -> None:
    cache = VerdictCache()
    cache.judge(SOON, POLICY, START)
    others = {
        "the time has come": (SOON, POLICY, START + MINUTE, 3),
        "the clock was set back": (SOON, POLICY, START - SECOND, 3),
        "another snapshot": (snapshot_with(SOON, failures=1), POLICY, START, 3),
        "another policy": (SOON, WatchPolicy(overdue_after=HOUR), START, 3),
        "another patience": (SOON, POLICY, START, 4),
        "another org": (make_snapshot("b"), POLICY, START, 3),
    }
    assert {why: cache.find(*asked) for why, asked in others.items()} == dict.fromkeys(others)


def test_its_words_are_never_older_than_five_minutes() -> None:
    cache, far = VerdictCache(), make_snapshot("acme", scheduled_date=(START + 48 * HOUR).isoformat())
    policy = WatchPolicy(every=HOUR)
    cache.judge(far, policy, START)
    assert cache.find(far, policy, START + 5 * MINUTE - SECOND) is not None
    assert cache.find(far, policy, START + 5 * MINUTE) is None


def test_an_equal_verdict_is_the_same_one() -> None:
    cache = VerdictCache()
    verdict = cache.judge(SOON, POLICY, START)
    assert cache.judge(replace(SOON), POLICY, START) is verdict
    assert cache.judge(SOON, POLICY, START + 30 * SECOND) is not verdict
