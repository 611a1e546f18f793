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
from zbtui.alerts.webhook import post
from zbtui.clock import Clock
from zbtui.core.alert import Alert, Ledger, Observation, Rules, decide
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.backoff import backoff
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.core.verdict_cache import VerdictCache
from zbtui.store.alerts import Claim, KeptAlert
from zbtui.store.journal import Journal
from zbtui.zoho.http import Http

_log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
"""For how long a delivery is nobody else's; a command and most webhooks take far less."""
SHORTEST_PAUSE: Final = timedelta(seconds=30)
"""After a delivery that failed; twice as long after each further one."""
LONGEST_PAUSE: Final = timedelta(minutes=15)
GIVEN_UP_AFTER: Final = timedelta(days=1)
"""From the alert on: what is older, and was tried, is not tried again."""

_AT_ONCE: Final = 25
"""Orgs that are judged without a pause: a key waits for no more than these."""
_PAUSE_SECONDS: Final = 0.01

Send = Callable[[KeptAlert], Awaitable[None]]


class AlertDesk:
    """One for each process. Its calls never raise: `troubles` says what cannot be delivered."""

    def __init__(self, journal: Journal, http: Http, clock: Clock, settings: AlertSettings) -> None:
        self.settings = settings
        """May be replaced at any time, when the config changes."""
        self._journal = journal
        self._http = http
        self._clock = clock
        self._news_to: int | None = None
        self._reading = asyncio.Lock()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held: dict[str, float] = {}
        """Until when, by the monotonic clock, a sink that does not work is left alone."""
        self._troubles: dict[str, Trouble] = {}
        self._tried = settings
        """Those that `_held` and `_troubles` are about."""

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """Why the last delivery failed, for each sink where it did."""
        return tuple(self._troubles.values())

    async def consider(
        self,
        snapshots: Sequence[Snapshot],
        policy: Policy,
        verdicts: VerdictCache,
        *,
        whole: bool = True,
    ) -> tuple[KeptAlert, ...]:
        """What is to be told by now, kept for each sink that is configured.

        Args:
            snapshots: of all orgs that this process watches, and of nothing else.
            verdicts: what they are found in, and left in.
            whole: whether these are all that are configured.
        """
        book, now = self._journal.alerts, self._clock.now()
        rules = Rules(self.settings, policy.every, whole)
        seen, told = await self._observe(snapshots, policy, verdicts, now), set[str]()

        def act(ledger: Ledger) -> tuple[Ledger, tuple[Alert, ...]]:
            after, alerts = decide(ledger, seen, rules, now)
            told.update(alert.org for alert in alerts)
            return after, alerts

        if not await book.changes(act):
            return ()
        # What is told is said in the words of now.
        seen = await self._observe(snapshots, policy, verdicts, now, anew=frozenset(told))
        return await book.settle(act, self._sinks())

    async def _observe(
        self,
        snapshots: Sequence[Snapshot],
        policy: Policy,
        verdicts: VerdictCache,
        now: datetime,
        anew: Collection[str] = (),
    ) -> list[Observation]:
        """All of them; what was judged before, and cannot have changed since, is not judged again.

        Args:
            anew: the names of orgs that are judged all the same.
        """
        found = []
        patience, judged = self.settings.failed_looks, 0
        for one in snapshots:
            verdict = verdicts.find(one, policy, now, patience)
            if verdict is None or one.org.name in anew:
                if judged and judged % _AT_ONCE == 0:
                    # Of no length, it would come between all that a key sets going, over and over.
                    await asyncio.sleep(_PAUSE_SECONDS)
                judged += 1
                verdict = verdicts.judge(one, policy, now, patience)
            found.append(Observation(one, verdict))
        return found

    async def news(self) -> tuple[KeptAlert, ...]:
        """Alerts that any process has kept since the last call; the first call only begins to count."""
        book = self._journal.alerts
        async with self._reading:  # of two calls at once, one is told of an alert
            if self._news_to is None:
                self._news_to = await book.newest_id(self._clock.now())
                return ()
            news = await book.since(self._news_to)
            if news:
                self._news_to = news[-1].id
            return news

    async def deliver(self, extra: Mapping[str, Callable[[Alert], None]] | None = None) -> None:
        """Hand on everything that is due: oldest first, to each sink at its own pace.

        Not to be cancelled: each delivery ends by its own limit.

        Args:
            extra: sinks within this process, by name, such as `desktop`.
        """
        within = {sink: _within(sink, show) for sink, show in (extra or {}).items()}
        senders = {**within, **self._senders()}
        if self.settings != self._tried:
            self._tried = self.settings
            self._held.clear()
            self._troubles.clear()
        await asyncio.gather(
            *(self._deliver_to(sink, send, is_here=sink in within) for sink, send in senders.items())
        )

    def _sinks(self) -> list[str]:
        settings = self.settings
        wanted = {
            "command": settings.on_change,
            "webhook": settings.webhook,
            "desktop": settings.desktop,
        }
        return [sink for sink, value in wanted.items() if value]

    def _senders(self) -> dict[str, Send]:
        command, webhook = self.settings.on_change, self.settings.webhook
        senders: dict[str, Send] = {}
        if command:
            senders["command"] = lambda kept: run_command(command, kept, self._clock)
        if webhook:
            senders["webhook"] = lambda kept: post(self._http, webhook, kept, self._clock.now())
        return senders

    async def _deliver_to(self, sink: str, send: Send, *, is_here: bool) -> None:
        book = self._journal.alerts
        async with self._turns[sink]:
            while self._clock.monotonic() >= self._held.get(sink, 0):
                claim = await book.claim([sink], self._clock.now(), LEASE)
                if claim is None:
                    return
                if self._clock.now() - claim.kept.alert.at > GIVEN_UP_AFTER and (claim.attempts or is_here):
                    self._give_up(sink, claim)
                    await book.delivered(claim)
                    continue
                try:
                    await send(claim.kept)
                except TroubleError as error:
                    await self._put_off(sink, claim, error.trouble)
                else:
                    self._troubles.pop(sink, None)
                    await book.delivered(claim)

    async def _put_off(self, sink: str, claim: Claim, trouble: Trouble) -> None:
        now = self._clock.now()
        wait = max(backoff(SHORTEST_PAUSE, claim.attempts, LONGEST_PAUSE), (trouble.retry_at or now) - now)
        if trouble != self._troubles.get(sink):
            _log.warning("alerts: %s", trouble.message)
        self._troubles[sink] = trouble
        if trouble.kind != "contract":
            # The next alert would fare no better; later, they come in the right order.
            self._held[sink] = self._clock.monotonic() + wait.total_seconds()
        await self._journal.alerts.put_off(claim, now + wait)

    def _give_up(self, sink: str, claim: Claim) -> None:
        if not claim.attempts:
            return  # a notice of yesterday that no app was there to show
        said = f"An alert could not be delivered within a day, and is given up ({claim.kept.alert.title})."
        cure = "Check on_change and webhook in the [alerts] table of the config."
        self._troubles.setdefault(sink, Trouble("contract", said, cure))


def _within(sink: str, show: Callable[[Alert], None]) -> Send:
    async def send(kept: KeptAlert) -> None:
        try:
            show(kept.alert)
        except Exception as error:
            why = type(error).__name__
            raise TroubleError(
                Trouble("contract", f"A notice could not be shown ({sink}: {why}).", "It is tried again.")
            ) from None

    return send
