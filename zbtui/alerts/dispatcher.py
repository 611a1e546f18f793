"""Decides what is to be told, and hands it on: to a command, a webhook, and what the app passes in.

Alerts are kept in the journal, with one delivery for each sink, before anything is handed on; all
processes share them. A delivery is claimed for a minute, made, and crossed off. Whoever is killed in
between leaves it to be made again by another: an alert may come twice, with the same id, but is
not lost, for a lost alarm is worse than a doubled one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from zbtui.alerts.command import run_command
from zbtui.alerts.webhook import post_alert
from zbtui.clock import Clock
from zbtui.health.alert_policy import Alert, AlertRules, AlertState, JudgedOrg, decide_alerts
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.backoff import backoff
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.journal import Journal
from zbtui.store.outbox import DeliveryClaim, StoredAlert
from zbtui.zoho.http import HttpClient

_log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
"""For how long a delivery is nobody else's; a command and most webhooks take far less."""
MIN_RETRY_PAUSE: Final = timedelta(seconds=30)
"""After a delivery that failed; twice as long after each further one."""
MAX_RETRY_PAUSE: Final = timedelta(minutes=15)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""From the alert on: what is older, and was tried, is not tried again."""

_BATCH_SIZE: Final = 25
"""Orgs that are judged without a pause: a key waits for no more than these."""
_BATCH_PAUSE_SECONDS: Final = 0.01

Sender = Callable[[StoredAlert], Awaitable[None]]


class AlertDispatcher:
    """One for each process. Its calls never raise: `troubles` says what cannot be delivered."""

    def __init__(self, journal: Journal, http: HttpClient, clock: Clock, settings: AlertSettings) -> None:
        self.settings = settings
        """May be replaced at any time, when the config changes."""
        self._journal = journal
        self._http = http
        self._clock = clock
        self._last_seen_id: int | None = None
        self._new_alerts_lock = asyncio.Lock()
        self._channel_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held_until: dict[str, float] = {}
        """Until when, by the monotonic clock, a sink that does not work is left alone."""
        self._problems: dict[str, Problem] = {}
        self._tried_settings = settings
        """Those that `_held` and `_troubles` are about."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the last delivery failed, for each sink where it did."""
        return tuple(self._problems.values())

    async def evaluate(
        self,
        snapshots: Sequence[Snapshot],
        policy: WatchPolicy,
        verdicts: VerdictCache,
        *,
        covers_all_orgs: bool = True,
    ) -> tuple[StoredAlert, ...]:
        """What is to be told by now, kept for each sink that is configured.

        Args:
            snapshots: of all orgs that this process watches, and of nothing else.
            verdicts: what they are found in, and left in.
            whole: whether these are all that are configured.
        """
        book, now = self._journal.outbox, self._clock.now()
        rules = AlertRules(self.settings, policy.every, covers_all_orgs)
        seen, told = await self._observe(snapshots, policy, verdicts, now), set[str]()

        def act(ledger: AlertState) -> tuple[AlertState, tuple[Alert, ...]]:
            after, alerts = decide_alerts(ledger, seen, rules, now)
            told.update(alert.org for alert in alerts)
            return after, alerts

        if not await book.would_change(act):
            return ()
        # What is told is said in the words of now.
        seen = await self._observe(snapshots, policy, verdicts, now, anew=frozenset(told))
        return await book.decide_and_store(act, self._channels())

    async def _observe(
        self,
        snapshots: Sequence[Snapshot],
        policy: WatchPolicy,
        verdicts: VerdictCache,
        now: datetime,
        anew: Collection[str] = (),
    ) -> list[JudgedOrg]:
        """All of them; what was judged before, and cannot have changed since, is not judged again.

        Args:
            anew: the names of orgs that are judged all the same.
        """
        found = []
        patience, judged = self.settings.failed_looks, 0
        for one in snapshots:
            verdict = verdicts.find(one, policy, now, patience)
            if verdict is None or one.org.name in anew:
                if judged and judged % _BATCH_SIZE == 0:
                    # Of no length, it would come between all that a key sets going, over and over.
                    await asyncio.sleep(_BATCH_PAUSE_SECONDS)
                judged += 1
                verdict = verdicts.judge(one, policy, now, patience)
            found.append(JudgedOrg(one, verdict))
        return found

    async def new_alerts(self) -> tuple[StoredAlert, ...]:
        """Alerts that any process has kept since the last call; the first call only begins to count."""
        book = self._journal.outbox
        async with self._new_alerts_lock:  # of two calls at once, one is told of an alert
            if self._last_seen_id is None:
                self._last_seen_id = await book.latest_id(self._clock.now())
                return ()
            news = await book.alerts_after(self._last_seen_id)
            if news:
                self._last_seen_id = news[-1].id
            return news

    async def deliver(self, local_channels: Mapping[str, Callable[[Alert], None]] | None = None) -> None:
        """Hand on everything that is due: oldest first, to each sink at its own pace.

        Not to be cancelled: each delivery ends by its own limit.

        Args:
            extra: sinks within this process, by name, such as `desktop`.
        """
        within = {sink: _local_sender(sink, show) for sink, show in (local_channels or {}).items()}
        senders = {**within, **self._senders()}
        if self.settings != self._tried_settings:
            self._tried_settings = self.settings
            self._held_until.clear()
            self._problems.clear()
        await asyncio.gather(
            *(self._deliver_to(sink, send, is_here=sink in within) for sink, send in senders.items())
        )

    def _channels(self) -> list[str]:
        settings = self.settings
        wanted = {
            "command": settings.on_change,
            "webhook": settings.webhook,
            "desktop": settings.desktop,
        }
        return [sink for sink, value in wanted.items() if value]

    def _senders(self) -> dict[str, Sender]:
        command, webhook = self.settings.on_change, self.settings.webhook
        senders: dict[str, Sender] = {}
        if command:
            senders["command"] = lambda kept: run_command(command, kept, self._clock)
        if webhook:
            senders["webhook"] = lambda kept: post_alert(self._http, webhook, kept, self._clock.now())
        return senders

    async def _deliver_to(self, sink: str, send: Sender, *, is_here: bool) -> None:
        book = self._journal.outbox
        async with self._channel_locks[sink]:
            while self._clock.monotonic() >= self._held_until.get(sink, 0):
                claim = await book.claim_delivery([sink], self._clock.now(), LEASE)
                if claim is None:
                    return
                if self._clock.now() - claim.stored.alert.at > GIVE_UP_AFTER and (
                    claim.attempts or is_here
                ):
                    self._give_up(sink, claim)
                    await book.mark_delivered(claim)
                    continue
                try:
                    await send(claim.stored)
                except ProblemError as error:
                    await self._reschedule(sink, claim, error.problem)
                else:
                    self._problems.pop(sink, None)
                    await book.mark_delivered(claim)

    async def _reschedule(self, sink: str, claim: DeliveryClaim, trouble: Problem) -> None:
        now = self._clock.now()
        wait = max(
            backoff(MIN_RETRY_PAUSE, claim.attempts, MAX_RETRY_PAUSE), (trouble.retry_at or now) - now
        )
        if trouble != self._problems.get(sink):
            _log.warning("alerts: %s", trouble.message)
        self._problems[sink] = trouble
        if trouble.kind != "contract":
            # The next alert would fare no better; later, they come in the right order.
            self._held_until[sink] = self._clock.monotonic() + wait.total_seconds()
        await self._journal.outbox.reschedule(claim, now + wait)

    def _give_up(self, sink: str, claim: DeliveryClaim) -> None:
        if not claim.attempts:
            return  # a notice of yesterday that no app was there to show
        said = (
            f"An alert could not be delivered within a day, and is given up ({claim.stored.alert.title})."
        )
        cure = "Check on_change and webhook in the [alerts] table of the config."
        self._problems.setdefault(sink, Problem("contract", said, cure))


def _local_sender(sink: str, show: Callable[[Alert], None]) -> Sender:
    async def send(kept: StoredAlert) -> None:
        try:
            show(kept.alert)
        except Exception as error:
            why = type(error).__name__
            raise ProblemError(
                Problem("contract", f"A notice could not be shown ({sink}: {why}).", "It is tried again.")
            ) from None

    return send
