"""Evaluates alerts and delivers them to a command, a webhook, and channels of the app.

Each alert is stored in the journal, with one delivery for each channel, before it is sent; all zbtui
processes share the journal. A process claims a delivery for a minute, sends it, and deletes it. If the
process is killed in between, another process sends the delivery again: an alert may arrive twice, with the
same id, but no alert is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.alerts.command import run_command
from zbtui.alerts.webhook import post_alert
from zbtui.clock import Clock
from zbtui.config.config_store import ConfigStore, MemoryConfigStore
from zbtui.config.settings import Config
from zbtui.health.alert_policy import Alert, AlertKind, AlertRules, AlertState, JudgedOrg, decide_alerts
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.backoff import backoff
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
from zbtui.store.outbox import DeliveryClaim, Outbox, StoredAlert
from zbtui.store.refusal_log import RefusalLog
from zbtui.zoho.http import HttpClient

_log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
"""How long a process's claim on a delivery lasts; a command and most webhooks take far less time."""
MIN_RETRY_PAUSE: Final = timedelta(seconds=30)
"""The pause after the first failed attempt at a delivery; the pause doubles with each further failure."""
MAX_RETRY_PAUSE: Final = timedelta(minutes=15)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""The age of an alert after which a failed delivery is not tried again."""

_CONFIG: Final = "config"
"""The key in `_problems` of the config's own problem, which stops command and webhook; not a channel."""
_BATCH_SIZE: Final = 25
"""The number of orgs that are judged without a pause; a pressed key waits for one such batch at most."""
_BATCH_PAUSE_SECONDS: Final = 0.01

Sender = Callable[[StoredAlert], Awaitable[object]]


class AlertDispatcher:
    """Evaluates and delivers alerts; each process has one dispatcher.

    The methods never raise an error; `problems` says why deliveries failed.
    """

    def __init__(
        self,
        journal: Journal,
        http: HttpClient,
        clock: Clock,
        settings: AlertSettings,
        config: ConfigStore | None = None,
    ) -> None:
        """Take `config` as the source of settings and orgs; None stands for a config that never changes."""
        self._settings = settings
        self._last_with_channel: AlertSettings | None = None
        """The last settings with a channel; set only while the present settings have no channel."""
        self._for_left_orgs: AlertSettings | None = None
        """Earlier settings, for alerts that orgs left the config, if all channels have left it, too."""
        self._config = config or MemoryConfigStore(Config())
        self._journal = journal
        self._http = http
        self._clock = clock
        self._last_seen_number: int | None = None
        self._new_alerts_lock = asyncio.Lock()
        self._channel_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held_until: dict[str, float] = {}
        """The monotonic time, in seconds, until which a failing channel gets no deliveries."""
        self._problems: dict[str, Problem] = {}
        self._tried_settings = settings
        """The settings under which `_held_until` and `_problems` were recorded."""

    @property
    def settings(self) -> AlertSettings:
        """The config's `[alerts]` settings; they are replaced whenever the config changes."""
        return self._settings

    @settings.setter
    def settings(self, settings: AlertSettings) -> None:
        if _channels_of(settings):
            self._last_with_channel = self._for_left_orgs = None
        elif _channels_of(self._settings):
            self._last_with_channel = self._settings
        self._settings = settings

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problem of each channel whose last delivery failed, and of a config that is not trusted."""
        return tuple(self._problems.values())

    @property
    def _outbox(self) -> Outbox:
        return self._journal.outbox.of_config(self._config.name)

    @property
    def _refusals(self) -> RefusalLog:
        return self._journal.refusals.of_config(self._config.name)

    async def evaluate(
        self,
        snapshots: Sequence[Snapshot],
        policy: WatchPolicy,
        verdicts: VerdictCache,
        *,
        covers_all_orgs: bool = True,
    ) -> tuple[StoredAlert, ...]:
        """Store the alerts that are due, with a delivery for each configured channel; return the alerts.

        `snapshots` are those of all orgs that this process watches, and of no others; `covers_all_orgs` is
        True if these are all orgs of the config.
        """
        outbox, now = self._outbox, self._clock.now()
        if snapshots:
            self._for_left_orgs = None
        rules = self._rules(policy, covers_all_orgs)
        identities = {snapshot.org.name: snapshot.org.identity for snapshot in snapshots}
        # 1. Judge, outside of any transaction: judging pauses for the screen, and must not hold a lock.
        judged, alerted = await self._judge_all(snapshots, policy, verdicts, now, rules), set[str]()
        kinds = set[AlertKind]()

        def decide(state: AlertState) -> tuple[AlertState, tuple[Alert, ...]]:
            after, alerts = decide_alerts(state, judged, rules, now)
            alerted.update(alert.org for alert in alerts)
            kinds.update(alert.kind for alert in alerts)
            return after, alerts

        # 2. Try the decision without a lock: most evaluations change nothing, and end here.
        if not await outbox.would_change(decide, identities):
            return ()
        # 3. Judge the orgs with alerts again: cached headlines may be minutes old. Step 2 has shown which
        #    orgs have alerts.
        judged = await self._judge_all(snapshots, policy, verdicts, now, rules, frozenset(alerted))
        # 4. Decide again under the lock, by the present state: since step 2, another process may have
        #    stored the same alerts.
        if "left" in kinds and not snapshots:  # a config that was emptied names no channel for this alert
            self._for_left_orgs = self._last_with_channel
        channels = _channels_of(self._for_left_orgs or self.settings)
        return await outbox.decide_and_store(decide, channels, identities)

    def _rules(self, policy: WatchPolicy, covers_all_orgs: bool) -> AlertRules:
        settings, problem = self.settings, self._journal.problem
        if problem:
            # Notify the first failed poll: without a journal, the next process does not know of this
            # failure, so its count of failures might never exceed one.
            settings = replace(settings, failed_looks=1)
        is_settled = self._config.is_settled(self._clock.now())
        return AlertRules(settings, policy.every, covers_all_orgs, problem, self._config.name, is_settled)

    async def _judge_all(
        self,
        snapshots: Sequence[Snapshot],
        policy: WatchPolicy,
        verdicts: VerdictCache,
        now: datetime,
        rules: AlertRules,
        rejudge: Collection[str] = (),
    ) -> list[JudgedOrg]:
        """Return all orgs with their verdicts: cached while still valid, but new for those in `rejudge`."""
        judged = []
        patience, count = rules.settings.failed_looks, 0
        for snapshot in snapshots:
            verdict = verdicts.find(snapshot, policy, now, patience)
            if verdict is None or snapshot.org.name in rejudge:
                if count and count % _BATCH_SIZE == 0:
                    # Not `sleep(0)`: judging would take a turn between any two steps that a key starts.
                    await asyncio.sleep(_BATCH_PAUSE_SECONDS)
                count += 1
                verdict = verdicts.judge(snapshot, policy, now, patience)
            judged.append(JudgedOrg(snapshot, verdict))
        return judged

    async def new_alerts(self) -> tuple[StoredAlert, ...]:
        """Return the alerts stored by any process since the last call; the first call returns none."""
        outbox = self._outbox
        async with self._new_alerts_lock:  # two calls at once must not return the same alert
            if self._last_seen_number is None:
                self._last_seen_number = await outbox.latest_number(self._clock.now())
                return ()
            alerts = await outbox.alerts_after(self._last_seen_number)
            if alerts:
                self._last_seen_number = alerts[-1].number
            return alerts

    async def deliver(self, local_channels: Mapping[str, Callable[[Alert], None]] | None = None) -> None:
        """Send all deliveries that are due, oldest first; no channel waits for another.

        `local_channels` has the functions that show an alert within this process, by the name of the
        channel, such as `desktop`. Do not cancel this call: each delivery has its own time limit.
        """
        local = {channel: _local_sender(channel, show) for channel, show in (local_channels or {}).items()}
        # Retry after new settings, which may have repaired a channel that is held back.
        if self.settings != self._tried_settings:
            self._tried_settings = self.settings
            self._held_until.clear()
            self._problems.clear()
        senders = {**local, **self._senders()}
        work = [self._deliver_to(name, send, is_local=name in local) for name, send in senders.items()]
        await asyncio.gather(*work)

    def _senders(self) -> dict[str, Sender]:
        settings = self._for_left_orgs or self.settings
        command, webhook = settings.on_change, settings.webhook
        senders: dict[str, Sender] = {}
        # Check each time whether others may write the config: they could have any program run. While the
        # config is not trusted, deliveries stay due.
        distrust = self._config.distrust() if command or webhook else None
        self._note_problem(_CONFIG, distrust)
        if distrust:
            return senders
        if command:
            senders["command"] = lambda stored: run_command(command, stored, self._clock)
        if webhook:
            senders["webhook"] = lambda stored: post_alert(self._http, webhook, stored, self._clock.now())
        return senders

    async def _deliver_to(self, channel: str, send: Sender, *, is_local: bool) -> None:
        outbox = self._outbox
        # 1. One delivery at a time for each channel: alerts must not overtake each other.
        async with self._channel_locks[channel]:
            # 2. Stop while the channel is held back. Before claiming, as a claim counts as an attempt.
            while self._clock.monotonic() >= self._held_until.get(channel, 0):
                # 3. Claim before sending: until the lease ends, no other process sends the same delivery.
                claim = await outbox.claim_delivery([channel], self._clock.now(), LEASE)
                if claim is None:
                    return
                # 4. Do not show an old notice on the screen. After the claim, which has the alert.
                is_old = self._clock.now() - claim.stored.alert.at > GIVE_UP_AFTER
                if is_old and is_local:
                    await self._give_up(channel, claim)
                    continue
                # 5. Send, outside of any transaction: a webhook may take long. What failed once and is too
                #    old is given up only now: the last attempt may have been before the machine slept.
                try:
                    await send(claim.stored)
                except ProblemError as error:
                    pause = self._hold(channel, claim, error.problem)
                    if is_old and claim.attempts:
                        await self._give_up(channel, claim)
                    else:
                        await self._reschedule(channel, claim, error.problem, pause)
                else:
                    # 6. Delete the delivery last: if the process is killed before, it is sent again.
                    self._problems.pop(channel, None)
                    await outbox.mark_delivered(claim)

    def _hold(self, channel: str, claim: DeliveryClaim, problem: Problem) -> timedelta:
        """Set the channel's problem, and return the pause until the failed delivery is tried again.

        Where the next alert would fail, too, the channel is held back for that pause: the alerts later
        arrive in the right order.
        """
        now, pause = self._clock.now(), backoff(MIN_RETRY_PAUSE, claim.attempts, MAX_RETRY_PAUSE)
        pause = max(pause, (problem.retry_at or now) - now)
        self._note_problem(channel, problem)
        if problem.kind != "contract":
            self._held_until[channel] = self._clock.monotonic() + pause.total_seconds()
        return pause

    async def _reschedule(
        self, channel: str, claim: DeliveryClaim, problem: Problem, pause: timedelta
    ) -> None:
        now = self._clock.now()
        await self._outbox.reschedule(claim, now + pause)
        await self._refusals.note(channel, problem.message, now)

    def _note_problem(self, channel: str, problem: Problem | None) -> None:
        """Set the channel's problem, or clear it if `problem` is None; log a problem that is new."""
        if problem is None:
            self._problems.pop(channel, None)
            return
        if problem != self._problems.get(channel):
            _log.warning("alerts: %s", problem.message)
        self._problems[channel] = problem

    async def _give_up(self, channel: str, claim: DeliveryClaim) -> None:
        """Delete a delivery, and say so; not of a notice from a time when the app did not run."""
        if claim.attempts:
            title = claim.stored.alert.title
            message = f"An alert could not be delivered within a day, and is given up ({title})."
            cure = "Check on_change and webhook in the [alerts] table of the config."
            self._problems[channel] = Problem("contract", message, cure)
            await self._refusals.note(channel, title, self._clock.now(), given_up=True)
        await self._outbox.mark_delivered(claim)


def _channels_of(settings: AlertSettings) -> list[str]:
    wanted = {"command": settings.on_change, "webhook": settings.webhook, "desktop": settings.desktop}
    return [channel for channel, value in wanted.items() if value]


def _local_sender(channel: str, show: Callable[[Alert], None]) -> Sender:
    async def send(stored: StoredAlert) -> None:
        try:
            show(stored.alert)
        except Exception as error:
            why = type(error).__name__
            message = f"A notice could not be shown ({channel}: {why})."
            raise ProblemError(Problem("contract", message, "It is tried again.")) from None

    return send
