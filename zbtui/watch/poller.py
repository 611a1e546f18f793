"""One org's long-lived loop: look, tell, wait. Never overlaps itself."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from zbtui.clock import JUMP_SECONDS, Clock, drift_of
from zbtui.core.cadence import SOONEST, longest_pause, next_look
from zbtui.core.crash import bug
from zbtui.core.org import Policy
from zbtui.core.poll import KEPT, Poll, poll_of
from zbtui.core.snapshot import Activity, Looked, Snapshot, failed, succeeded
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.journal import Journal

_log = logging.getLogger(__name__)


class Poller:
    """Looks at one org when it is due, and publishes every change of its snapshot.

    Stopped by `stop()`, not by cancellation: a request under way ends by its own time limits.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        look: Callable[[Snapshot], Awaitable[Looked]],
        policy: Policy,
        journal: Journal,
        clock: Clock,
        publish: Callable[[Snapshot], None],
        luck: random.Random,
        *,
        recalls: bool = False,
    ) -> None:
        """Args:
        snapshot: what is known so far; its `next_look` is when to begin.
        look: one look at the org, given what is known so far; raises `TroubleError`.
        luck: for the jitter.
        recalls: whether to begin with what the journal knows of the org, which is more than `snapshot`.
        """
        self.snapshot = snapshot
        self._recalls = recalls
        self.policy = policy
        self._look = look
        self._journal = journal
        self._clock = clock
        self._publish = publish
        self._luck = luck
        self._wake = asyncio.Event()
        self._stopping = False
        self._asked = False
        """Whether somebody asked for the look that comes next."""
        self._forget = False
        self.polls: deque[Poll] = deque(maxlen=KEPT)
        """The last looks, oldest first."""
        self.noted = 0
        """How often a look has noted a change in the journal."""

    async def run(self) -> None:
        """Until `stop()`. Raises nothing."""
        if self._recalls:
            await self._recall()
        while not self._stopping:
            # Cleared before the clock is read: what happens from here on is not missed.
            self._wake.clear()
            seconds = self._seconds_to_look()
            if seconds is not None and seconds <= 0:
                await self.look()
            else:
                await self._clock.wait(self._wake, seconds)
        if self._forget:
            await self._journal.forget(self.snapshot.org.name)

    async def _recall(self) -> None:
        """Take up what another process has kept of the org: it is not polled before that is due."""
        known = await self._journal.recall(self.snapshot.org)
        if known is None or self.snapshot.polls.attempted_at:
            return
        now, seen, due = self._clock.now(), known.zoho.observed_at, self.snapshot.activity.next_poll
        if seen and seen <= now and not known.polls.failures and not self._asked:
            polled = replace(known, polls=replace(known.polls, attempted_at=seen, restored=False))
            again = next_look(polled, self.policy, now, self._luck.uniform(-1, 1))
            if again and again - (now - seen) > now:  # as if it had been polled here, at that moment
                known, due = polled, again - (now - seen)
        self._replace(known, due)

    async def look(self) -> Snapshot:
        """One look now; the snapshot after it."""
        before, asked, self._asked = self.snapshot, self._asked, False
        self._act(replace(before.activity, polling=True))
        began, drift = self._clock.monotonic(), drift_of(self._clock)
        try:
            looked = await self._look(before)
            if abs(drift_of(self._clock) - drift) > JUMP_SECONDS and not self._stopping:
                looked = await self._look(before)  # that answer was of before the machine slept
            after = succeeded(self.snapshot, looked, self._clock.now())
        except TroubleError as error:
            after = failed(self.snapshot, error.trouble, self._clock.now())
        except Exception as error:  # a bug of ours must not end the watch in silence
            _log.error("%s: the look ended in %s", self.snapshot.org.name, type(error).__name__)
            after = failed(self.snapshot, bug(error), self._clock.now())
        self.polls.append(poll_of(after, self._clock.now(), self._clock.monotonic() - began))
        if asked and after.polls.problem and before.polls.failures:
            # Who asks does not lengthen the pause.
            after = replace(after, polls=replace(after.polls, failures=before.polls.failures))
        now = self._clock.now()
        if not self._stopping:
            merged = await self._journal.note(after, self.policy, now)
            after = merged.snapshot
            self.noted += bool(merged.events)
        due = next_look(after, self.policy, now, self._luck.uniform(-1, 1))
        self._replace(after, due)
        self._log(before)
        return self.snapshot

    def look_soon(self) -> datetime | None:
        """Ask for a look now, at least `SOONEST` after the last one.

        Returns:
            None, or the end of a lock-out, through which nothing is asked.
        """
        now, trouble = self._clock.now(), self.snapshot.polls.problem
        if trouble and trouble.is_barred and trouble.retry_at and trouble.retry_at > now:
            return trouble.retry_at
        if not self.snapshot.activity.polling:
            last = self.snapshot.polls.attempted_at
            # A last look later than now: the clock was set back.
            just_now = last is not None and now - SOONEST < last <= now
            self._reschedule(last + SOONEST if last and just_now else now)
            self._asked = True
            self._wake.set()
        return None

    def pause(self, paused: bool) -> None:
        if paused != self.snapshot.activity.paused:
            self._act(replace(self.snapshot.activity, paused=paused))
            self._wake.set()

    def reconsider(self, spread: timedelta) -> None:
        """After the wall clock jumped: what is due by now is looked at within `spread`."""
        due, now = self.snapshot.activity.next_poll, self._clock.now()
        if due is not None and not self.snapshot.activity.polling:
            if due <= now:
                due = now + spread * self._luck.random()
            else:  # the clock may have gone back
                due = min(due, now + longest_pause(self.snapshot, self.policy))
            self._reschedule(due)
        self._wake.set()

    def stop(self, *, forget: bool = False) -> None:
        """End the loop; a look under way ends by itself, and is no longer told.

        Args:
            forget: whether the journal is to drop the org, which is no longer under watch.
        """
        self._stopping = True
        self._forget = forget
        self._publish = lambda snapshot: None
        self._wake.set()

    def _seconds_to_look(self) -> float | None:
        due = self.snapshot.activity.next_poll
        if due is None or self.snapshot.activity.paused:
            return None
        return (due - self._clock.now()).total_seconds()

    def _replace(self, after: Snapshot, due: datetime | None) -> None:
        """Go on with what is known now; it may have been paused, or labelled otherwise, meanwhile."""
        activity = Activity(due, paused=self.snapshot.activity.paused)
        self._set(replace(after, org=self.snapshot.org, activity=activity))

    def _reschedule(self, due: datetime) -> None:
        self._act(replace(self.snapshot.activity, next_poll=due))

    def _act(self, activity: Activity) -> None:
        self._set(replace(self.snapshot, activity=activity))

    def _set(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._publish(snapshot)

    def _log(self, before: Snapshot) -> None:
        """What is amiss is said once, not with each look while it lasts."""
        name, was, now = self.snapshot.org.name, before.polls, self.snapshot.polls
        if now.problem:
            kind, message, before_it = "", _message(now.problem), _message(was.problem)
        else:
            kind, message = "history or links: ", _message(now.history_problem)
            before_it = _message(was.history_problem)
        if message and message != before_it:
            _log.warning("%s: %s%s", name, kind, message)


def _message(trouble: Trouble | None) -> str | None:
    return trouble.message if trouble else None
