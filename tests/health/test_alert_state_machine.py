"""Random sequences of polls, waits, outages and restarts: no alert is sent twice, none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.health.alert_scenarios import BUSY, DOWN, LOCKED, AlertDecider, make_org
from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    SECOND,
    SIGNED_OUT,
    history_row,
    make_backup,
    make_history,
    reproducible,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.alert_policy import ALL_ORGS, Alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.judge import judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level

NAMES = ("acme", "nordlys", "zenith")
ANSWERS = (
    "SCHEDULED",
    "COMPLETED",
    "INPROGRESS",
    "FAILED",
    "STOPPED",
    "ARCHIVED",
    "COMPLETED, AND FAILED BEFORE",
)
names = st.sampled_from(NAMES)
processes = st.integers(0, 1)


class Alerts(RuleBasedStateMachine):
    """A state machine: three orgs, watched by two processes that share an alert state."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.truth: dict[str, str | Problem] = dict.fromkeys(NAMES, "SCHEDULED")
        self.rows = {name: [history_row("completed", NOW - HOUR)] for name in NAMES}
        """The rows of each org's history, newest first."""
        self.offline = False
        self.mute: set[str] = set()
        self.known = [{name: Snapshot(make_org(name)) for name in NAMES} for _ in range(2)]
        self.newest: dict[str, datetime] = {}
        """When an org was last polled, by any process."""
        self.notified: dict[str, Alert] = {}
        """The last alarm or reminder of each org that has had no recovery since."""
        self.decider = AlertDecider()

    @initialize(
        least=st.sampled_from([Level.WARNING, Level.UNKNOWN, Level.CRITICAL]),
        remind_every=st.sampled_from([None, HOUR, DAY]),
        failed_looks=st.sampled_from([1, 3]),
        whole=st.booleans(),
    )
    def configure(
        self, least: Level, remind_every: timedelta | None, failed_looks: int, whole: bool
    ) -> None:
        self.decider.covers_all_orgs = whole
        self.decider.settings = AlertSettings(
            least=least, remind_every=remind_every, failed_looks=failed_looks
        )

    @rule(name=names, answer=st.sampled_from([*ANSWERS, OFFLINE, LOCKED, SIGNED_OUT, DOWN, BUSY]))
    def become(self, name: str, answer: str | Problem) -> None:
        self.truth[name] = answer

    @rule(offline=st.booleans())
    def switch_network(self, offline: bool) -> None:
        self.offline = offline

    @rule(process=processes, name=names)
    def poll(self, process: int, name: str) -> None:
        self.now += SECOND
        self._apply_poll(process, name)
        self._decide(process)
        self._check_nothing_is_lost(process, name)

    @rule(process=processes)
    def poll_all(self, process: int) -> None:
        for name in NAMES:
            self.poll(process, name)

    @rule(
        process=processes,
        span=st.sampled_from([30 * SECOND, 2 * MINUTE, 5 * MINUTE, 11 * MINUTE, HOUR, DAY]),
    )
    def wait(self, process: int, span: timedelta) -> None:
        self.now += span
        self._decide(process)

    @rule(process=processes)
    def restart(self, process: int) -> None:
        for name, one in self.known[process].items():
            kept = snapshot_with(one, problem=None, polling=False, paused=False, restored=True)
            self.known[process][name] = kept if one.zoho.observed_at else Snapshot(one.org)
        assert self._decide(process) == []

    @rule(process=processes, name=names)
    def pause(self, process: int, name: str) -> None:
        one = self.known[process][name]
        self.known[process][name] = snapshot_with(one, paused=not one.activity.paused)
        self._decide(process)

    @precondition(lambda self: len(self.mute) < 2)
    @rule(name=names)
    def silence(self, name: str) -> None:
        self._set_mute(self.mute ^ {name})

    def teardown(self) -> None:
        """Make all orgs healthy, poll them, and check that every alarm has had its recovery."""
        self.offline = False
        self._set_mute(set())
        for name in NAMES:
            self.truth[name] = "SCHEDULED"
            self.rows[name].insert(
                0, history_row("completed", self.now)
            )  # the one before may be too old by now
            for known in self.known:
                known[name] = snapshot_with(known[name], paused=False)
        for process in (0, 1):
            self.poll_all(process)
        assert self.notified == {}
        assert self.decider.alert_state.outage_since is None

    def _set_mute(self, mute: set[str]) -> None:
        self.mute = mute
        for known in self.known:
            for name, one in known.items():
                known[name] = replace(one, org=replace(one.org, mute=name in mute))

    def _apply_poll(self, process: int, name: str) -> None:
        before, answer = self.known[process][name], self.truth[name]
        if self.offline:
            answer = OFFLINE
        self.newest[name] = self.now
        if isinstance(answer, Problem):
            self.known[process][name] = apply_failure(before, answer, self.now)
            return
        failed_since = answer == "COMPLETED, AND FAILED BEFORE"
        rows, word = self.rows[name], "failure" if failed_since else "completed"
        if rows[0]["state"] != word:
            rows.insert(0, history_row(word, self.now))
        history_and_links = HistoryAndLinks(make_history(*rows), None)
        what = make_backup("SCHEDULED" if failed_since else answer, self.now + 6 * DAY)
        self.known[process][name] = apply_observation(
            before, Observation(what, history_and_links=history_and_links), self.now
        )

    def _decide(self, process: int) -> list[Alert]:
        known = self.known[process]
        alerts = self.decider.decide(*known.values(), at=self.now)
        for alert in alerts:
            assert alert.org == ALL_ORGS or not known[alert.org].activity.paused
            self._check(alert)
        return alerts

    def _check(self, alert: Alert) -> None:
        """Check that this alert may follow the one before it, of the same org or of all orgs."""
        before = self.notified.get(alert.org)
        assert alert.org not in self.mute
        assert alert.org != ALL_ORGS or self.decider.covers_all_orgs
        assert alert.at == self.now
        if alert.kind == "outage":
            assert before is None
        elif alert.kind == "alarm":
            assert before is None or before.verdict != alert.verdict
        else:
            assert before is not None
        if alert.kind == "reminder":
            interval = self.decider.settings.remind_every
            assert before is not None
            assert before.verdict == alert.verdict
            assert interval is not None
            assert alert.at - before.at >= interval
        if alert.kind in ("recovery", "outage_over"):
            assert alert.level < self.decider.settings.least
            assert alert.level is not Level.UNKNOWN
            del self.notified[alert.org]
        else:
            assert alert.level >= self.decider.settings.least
            self.notified[alert.org] = alert

    def _check_nothing_is_lost(self, process: int, name: str) -> None:
        """Check that the alerts sent so far match the newest poll of this org."""
        one, settings = self.known[process][name], self.decider.settings
        assert self.newest[name] == one.polls.attempted_at
        if one.activity.paused:
            return
        if one.polls.problem and not one.polls.problem.final:
            self._check_out_of_reach(process, name)
            return
        if name in self.mute:
            return
        verdict = judge(one, self.decider.policy, self.now, settings.failed_looks)
        notified = self.notified.get(name)
        if Level.UNKNOWN is verdict.level < settings.least:
            assert notified is None or notified.verdict != verdict.name
        elif verdict.level >= settings.least and verdict.level is not Level.OK:
            assert notified is not None
            assert notified.verdict == verdict.name
        else:
            assert notified is None

    def _check_out_of_reach(self, process: int, name: str) -> None:
        """Check that an unreachable org, once due, has been notified: by an alarm or by an outage."""
        one, notified = self.known[process][name], self.notified.get(name)
        assert one.polls.failing_since is not None
        if one.polls.failures < self.decider.settings.failed_looks or name in self.mute:
            return
        all_seen = all(
            other.polls.problem is not None or not other.polls.restored
            for other in self.known[process].values()
            if other.polls.attempted_at and not other.activity.paused
        ) and all(
            other.polls.attempted_at or other.activity.paused for other in self.known[process].values()
        )
        over = self.decider.alert_state.outage_ended_at or one.polls.failing_since
        if all_seen and self.now - max(one.polls.failing_since, over) > 2 * self.decider.policy.every:
            silent = self.decider.settings.least > Level.UNKNOWN
            assert silent or notified or self.notified.get(ALL_ORGS)


Alerts.TestCase.settings = reproducible
TestAlerts = Alerts.TestCase
