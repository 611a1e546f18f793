"""Decides the alerts about zbtui itself: its journal cannot be written, or orgs left its config.

The lowest level in the alert settings does not apply to these alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.alert import ALL_ORGS, Alert, AlertRules, AlertState
from zbtui.model.time_format import rough_span
from zbtui.model.verdict import Level

JOURNAL_REMINDER: Final = timedelta(days=1)
"""The time between two alerts that the journal (zbtui's database) cannot be written."""
REMOVAL_TAKES: Final = timedelta(minutes=1)
"""An org that is in the config this long after zbtui removed it is taken as added again."""
_MAX_NAMES: Final = 10
"""The most orgs that one alert names."""


def decide_own_alerts(
    state: AlertState, names: Sequence[str], rules: AlertRules, now: datetime
) -> tuple[AlertState, list[Alert]]:
    """Return the new alert state and the alerts that are due.

    `names` are the orgs that this process watches.
    """
    state, of_journal = _decide_journal(state, rules, now)
    if not (rules.covers_all_orgs and rules.config):
        return state, of_journal
    state, of_config = _decide_left(state, frozenset(names), rules, now)
    return state, of_journal + of_config


def _decide_journal(state: AlertState, rules: AlertRules, now: datetime) -> tuple[AlertState, list[Alert]]:
    """Return the new alert state, and the alert that the journal cannot be written, or is written again.

    The first of these alerts is repeated once a day. Without the journal, zbtui does not remember what was
    notified, and does not count failures.
    """
    problem, notified_at = rules.journal_problem, state.journal_notified_at
    if problem is None:
        if notified_at is None:
            return state, []
        headline = f"what is seen is kept, {rough_span(now - notified_at)} after it was told that it is not"
        over = Alert(now, "journal_over", ALL_ORGS, "not_kept", "kept", Level.OK, headline, None)
        return replace(state, journal_notified_at=None), [over]
    if notified_at and now - notified_at < JOURNAL_REMINDER:
        return state, []
    before = "not_kept" if notified_at else None
    alert = Alert(
        now, "journal", ALL_ORGS, before, "not_kept", Level.WARNING, problem.message, problem.hint
    )
    return replace(state, journal_notified_at=now), [alert]


def _decide_left(
    state: AlertState, present: frozenset[str], rules: AlertRules, now: datetime
) -> tuple[AlertState, list[Alert]]:
    """Return the new alert state, and the alert that orgs were removed from the config, but not by zbtui.

    Each such org is notified once.
    """
    watched = dict(state.watched)
    for name in present:
        left_at = watched.get((rules.config, name), now - 2 * REMOVAL_TAKES)
        if left_at and now - left_at > REMOVAL_TAKES:
            watched[rules.config, name] = None
    left = sorted(
        name
        for (config, name), left_at in watched.items()
        if config == rules.config and left_at is None and name not in present
    )
    if not (left and rules.config_is_settled):
        return replace(state, watched=watched), []
    watched |= {(rules.config, name): now for name in left}
    return replace(state, watched=watched), [_left_alert(left, now)]


def _left_alert(left: Sequence[str], now: datetime) -> Alert:
    org = left[0] if len(left) == 1 else ALL_ORGS
    more = f" and {len(left) - _MAX_NAMES} more" if len(left) > _MAX_NAMES else ""
    headline = f"gone from the config, not through zbtui: {', '.join(left[:_MAX_NAMES])}{more}"
    hint = "If that was not on purpose, put it back into the config."
    return Alert(now, "left", org, "watched", "not_watched", Level.UNKNOWN, headline, hint)
