"""A random model of Zoho: what really happens to an org, and a watcher that sees only Zoho's answers.

Runs succeed, fail, end oddly or never start; plans are changed, stopped and made again; backups are ordered
by hand; answers are lost, stale, shuffled, partly unreadable or without times.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.health.alert_scenarios import AlertDecider
from tests.support.fake_clock import START
from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    OFFLINE,
    ORG,
    SECOND,
    history_row,
    make_backup,
    make_history,
)
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.poll_schedule import history_and_links_are_due
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import WatchPolicy

EVERY: Final = 2 * HOUR
POLICY: Final = WatchPolicy(every=EVERY)
Fate = Literal["completed", "failure", "aborted", "never"]
_RUN_TIME: Final = 45 * MINUTE
_PLANS: Final = {7: "FREQ=WEEKLY;INTERVAL=1", 14: "FREQ=WEEKLY;INTERVAL=2", 28: "FREQ=MONTHLY;INTERVAL=1"}


LIFE: Final = settings(stateful_step_count=20, deadline=None, derandomize=True, database=None)


class ZohoLife(RuleBasedStateMachine):
    """One org from `START` on; a poll every two hours."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.rows = [history_row("completed", START - DAY, id="1")]
        self.days = 7
        self.next_due: datetime | None = START + 3 * HOUR
        self.first_due = self.next_due
        self.run_began: datetime | None = None
        self.fate: Fate = "completed"
        self.hidden_until = START
        """Until this time the details show a backup that was ordered by hand."""
        self.bad_since: datetime | None = None
        """When the last planned run failed, or was due and did not begin; None: it went well."""
        self.is_missed = False
        self.last_good = START - DAY
        self.seen_well_since = START
        """The time since which each poll had an answer, and a true one."""
        self.offline_polls = self.stale_polls = self.history_down_polls = 0
        self.last_answer: Observation | None = None
        self.is_shuffled = self.shares_ids = self.is_undated = self.has_odd_rows = False
        self.snapshot = Snapshot(ORG)
        self.decider = AlertDecider(policy=POLICY)
        self.alarmed: str | None = None

    @initialize(days=st.sampled_from(list(_PLANS)), shares_ids=st.booleans(), is_undated=st.booleans())
    def begin(self, days: int, shares_ids: bool, is_undated: bool) -> None:
        self.days, self.shares_ids, self.is_undated = days, shares_ids, is_undated
        self._poll()

    # What happens at Zoho

    @rule(fate=st.sampled_from(["completed", "completed", "failure", "aborted", "never"]))
    def decide_the_next_run(self, fate: Fate) -> None:
        self.fate = fate

    @rule(hours=st.integers(1, 40))
    def let_time_pass(self, hours: int) -> None:
        for _ in range(0, hours, 2):
            self._live(EVERY)

    @rule()
    def sleep_until_the_next_run(self) -> None:
        """Poll nothing until shortly before the next run."""
        if self.next_due and self.next_due > self.now + 12 * HOUR:
            self.now = self.next_due - 5 * HOUR
            self.seen_well_since = self.now
        for _ in range(10):
            self._live(EVERY)

    @precondition(lambda self: self.run_began is None)
    @rule(days=st.sampled_from(list(_PLANS)), ahead=st.integers(2, 20))
    def change_the_plan(self, days: int, ahead: int) -> None:
        self._log("stopped")
        self._log("scheduled")
        self.days, self.next_due = days, self.now + ahead * HOUR
        self.first_due = self.next_due
        self._live(MINUTE)

    @precondition(lambda self: self.run_began is None and self.next_due)
    @rule()
    def stop_the_plan(self) -> None:
        self._log("stopped")
        self.next_due = None
        self._live(MINUTE)

    @precondition(lambda self: self.run_began is None)
    @rule(hours=st.integers(1, 6))
    def order_a_backup(self, hours: int) -> None:
        self._log("initiated", repeat_type="immediate")
        self._log("completed", repeat_type="immediate")
        self._end_well()
        self.hidden_until = self.now + hours * HOUR
        self._live(MINUTE)

    # What the answers show

    @rule(polls=st.integers(1, 8))
    def lose_the_network(self, polls: int) -> None:
        self.offline_polls = polls

    @rule(polls=st.integers(1, 8))
    def put_a_cache_between(self, polls: int) -> None:
        self.stale_polls = polls

    @rule(polls=st.integers(1, 30))
    def break_the_history(self, polls: int) -> None:
        self.history_down_polls = polls

    @rule(shuffled=st.booleans(), odd=st.booleans())
    def spoil_the_rows(self, shuffled: bool, odd: bool) -> None:
        self.is_shuffled, self.has_odd_rows = shuffled, odd

    # The steps of a life

    def _live(self, span: timedelta) -> None:
        end = self.now + span
        if self.next_due and self.next_due <= end:
            self.now, due = self.next_due, self.next_due
            self.next_due += timedelta(days=self.days)
            if self.fate == "never":
                self.bad_since, self.is_missed = due, True
            else:
                self.now += 4 * SECOND
                self._log("initiated")
                self.run_began = due
        if self.run_began and end >= self.run_began + _RUN_TIME:
            self.now = self.run_began + _RUN_TIME
            self._log(self.fate if self.fate != "never" else "completed")
            self.run_began = None
            if self.fate in ("completed", "never"):
                self._end_well()
            else:
                self.bad_since, self.is_missed = self.now, False
        self.now = end
        self._poll()
        self._check()

    def _end_well(self) -> None:
        self.last_good, self.bad_since = self.now, None

    def _log(self, word: str, **keys: Any) -> None:
        row = history_row(word, self.now + len(self.rows) * timedelta(microseconds=1), **keys)
        if word == "aborted":
            row |= {"state": word, "action": None}
        self.rows.insert(0, row | {"id": "5100000000412007" if self.shares_ids else str(len(self.rows))})

    def _answer(self) -> Observation:
        rule, first = f"RRULE:{_PLANS[self.days]}", self.first_due.isoformat()
        if self.now < self.hidden_until:
            backup = make_backup("COMPLETED", None, rrule=None, start_date=None)
        elif self.run_began:
            backup = make_backup("INPROGRESS", self.next_due, rrule=rule, start_date=first)
        else:
            status = "SCHEDULED" if self.next_due else "STOPPED"
            backup = make_backup(status, self.next_due, rrule=rule, start_date=first)
        return Observation(backup, self.now, self.now)

    def _history(self) -> HistoryAndLinks:
        if self.history_down_polls:
            return HistoryAndLinks(None, None, OFFLINE)
        rows = list(self.rows)
        if self.is_undated and rows[0]["state"] == "completed":
            rows[0] = rows[0] | {"log_time": None}
        if self.has_odd_rows:
            rows = [row | {"done_by": "Mara", "file_name": ["x"]} for row in rows]
        if self.is_shuffled and not self.is_undated:
            random.Random(len(rows)).shuffle(rows)
        return HistoryAndLinks(make_history(*rows), None)

    def _poll(self) -> None:
        before = self.snapshot
        if self.offline_polls or self.stale_polls or self.history_down_polls:
            self.seen_well_since = self.now + SECOND
        if self.offline_polls:
            self.snapshot = apply_failure(before, OFFLINE, self.now)
        elif self.stale_polls and self.last_answer:
            stale = Observation(self.last_answer.backup, self.last_answer.server_time, self.now)
            self.snapshot = apply_observation(before, stale, self.now)
        else:
            answer = self._answer()
            if history_and_links_are_due(before, answer.backup, self.now):
                extras = self._history()
                answer = Observation(answer.backup, self.now, self.now, history_and_links=extras)
            self.last_answer = answer
            self.snapshot = apply_observation(before, answer, self.now)
        self.offline_polls = max(self.offline_polls - 1, 0)
        self.stale_polls = max(self.stale_polls - 1, 0)
        self.history_down_polls = max(self.history_down_polls - 1, 0)

    # Invariants

    def _check(self) -> None:
        verdict = judge(self.snapshot, POLICY, self.now)
        patience = (2 + ALLOWED_FAILURES) * POLICY.every
        since = self.bad_since
        grace = POLICY.overdue_after if self.is_missed else timedelta()
        # 1. Never green while the last due run has no good end.
        if since and self.now > since + grace + patience:
            assert verdict.level is not Level.OK, f"green: {verdict.headline}"
        # 2. Critical soon after two answers showed something bad; an unknown word is a warning.
        seen_for = self.now - max(since or self.now, self.seen_well_since)
        is_odd = not self.is_missed and self._newest_end() == "aborted"
        if since and not is_odd and seen_for > grace + 2 * POLICY.every + 6 * HOUR:
            assert verdict.level is Level.CRITICAL, f"not critical: {verdict.headline}"
        # 3. Never critical where nothing bad happened.
        gap = timedelta(days={7: 8, 14: 16, 28: 33}[self.days])
        is_fine = since is None and self.next_due is not None and self.now - self.last_good < gap
        if is_fine and self.now - self.seen_well_since > 12 * HOUR:
            assert verdict.level is not Level.CRITICAL, f"critical: {verdict.headline}"
        self._check_alerts()

    def _newest_end(self) -> str | None:
        return next((row["state"] for row in self.rows if row["state"]), None)

    def _check_alerts(self) -> None:
        """Check that each change is notified once: no verdict twice running, no recovery without alarm."""
        for alert in self.decider.decide(self.snapshot, at=self.now):
            if alert.kind in ("alarm", "outage"):
                assert alert.verdict != self.alarmed
                self.alarmed = alert.verdict
            elif alert.kind in ("recovery", "outage_over"):
                assert self.alarmed is not None
                self.alarmed = None
