"""One org's long-lived loop: look, tell, wait. Never overlaps itself."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from zbtui.clock import CLOCK_JUMP_SECONDS, Clock, clock_drift
from zbtui.health.poll_record import MAX_POLL_RECORDS, PollRecord, poll_record_of
from zbtui.health.poll_schedule import MIN_POLL_GAP, max_pause, next_poll
from zbtui.health.snapshot import Activity, Observation, Snapshot, apply_failure, apply_observation
from zbtui.model.crash import bug_problem
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.journal import Journal

_log = logging.getLogger(__name__)


class Poller:
    """Looks at one org when it is due, and publishes every change of its snapshot.

    Stopped by `stop()`, not by cancellation: a request under way ends by its own time limits.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        poll: Callable[[Snapshot], Awaitable[Observation]],
        policy: WatchPolicy,
        journal: Journal,
        clock: Clock,
        publish: Callable[[Snapshot], None],
        rng: random.Random,
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
        self._poll = poll
        self._journal = journal
        self._clock = clock
        self._publish = publish
        self._rng = rng
        self._wake = asyncio.Event()
        self._stopping = False
        self._requested = False
        """Whether somebody asked for the look that comes next."""
        self._forget_org = False
        self.records: deque[PollRecord] = deque(maxlen=MAX_POLL_RECORDS)
        """The last looks, oldest first."""
        self.recorded_change_count = 0
        """How often a look has noted a change in the journal."""

    async def run(self) -> None:
        """Until `stop()`. Raises nothing."""
        if self._recalls:
            await self._recall()
        while not self._stopping:
            # Cleared before the clock is read: what happens from here on is not missed.
            self._wake.clear()
            seconds = self._seconds_to_poll()
            if seconds is not None and seconds <= 0:
                await self.poll()
            else:
                await self._clock.wait(self._wake, seconds)
        if self._forget_org:
            await self._journal.forget_org(self.snapshot.org.name)

    async def _recall(self) -> None:
        """Take up what another process has kept of the org: it is not polled before that is due."""
        known = await self._journal.load_org(self.snapshot.org)
        if known is None or self.snapshot.polls.attempted_at:
            return
        now, seen, due = self._clock.now(), known.zoho.observed_at, self.snapshot.activity.next_poll
        if seen and seen <= now and not known.polls.failures and not self._requested:
            polled = replace(known, polls=replace(known.polls, attempted_at=seen, restored=False))
            again = next_poll(polled, self.policy, now, self._rng.uniform(-1, 1))
            if again and again - (now - seen) > now:  # as if it had been polled here, at that moment
                known, due = polled, again - (now - seen)
        self._replace(known, due)

    async def poll(self) -> Snapshot:
        """One look now; the snapshot after it."""
        before, asked, self._requested = self.snapshot, self._requested, False
        self._act(replace(before.activity, polling=True))
        began, drift = self._clock.monotonic(), clock_drift(self._clock)
        try:
            looked = await self._poll(before)
            if abs(clock_drift(self._clock) - drift) > CLOCK_JUMP_SECONDS and not self._stopping:
                looked = await self._poll(before)  # that answer was of before the machine slept
            after = apply_observation(self.snapshot, looked, self._clock.now())
        except ProblemError as error:
            after = apply_failure(self.snapshot, error.problem, self._clock.now())
        except Exception as error:  # a bug of ours must not end the watch in silence
            _log.error("%s: the look ended in %s", self.snapshot.org.name, type(error).__name__)
            after = apply_failure(self.snapshot, bug_problem(error), self._clock.now())
        self.records.append(poll_record_of(after, self._clock.now(), self._clock.monotonic() - began))
        if asked and after.polls.problem and before.polls.failures:
            # Who asks does not lengthen the pause.
            after = replace(after, polls=replace(after.polls, failures=before.polls.failures))
        now = self._clock.now()
        if not self._stopping:
            merged = await self._journal.record_poll(after, self.policy, now)
            after = merged.snapshot
            self.recorded_change_count += bool(merged.events)
        due = next_poll(after, self.policy, now, self._rng.uniform(-1, 1))
        self._replace(after, due)
        self._log_new_problem(before)
        return self.snapshot

    def poll_soon(self) -> datetime | None:
        """Ask for a look now, at least `SOONEST` after the last one.

        Returns:
            None, or the end of a lock-out, through which nothing is asked.
        """
        now, trouble = self._clock.now(), self.snapshot.polls.problem
        if trouble and trouble.forbids_early_retry and trouble.retry_at and trouble.retry_at > now:
            return trouble.retry_at
        if not self.snapshot.activity.polling:
            last = self.snapshot.polls.attempted_at
            # A last look later than now: the clock was set back.
            just_now = last is not None and now - MIN_POLL_GAP < last <= now
            self._reschedule(last + MIN_POLL_GAP if last and just_now else now)
            self._requested = True
            self._wake.set()
        return None

    def set_paused(self, paused: bool) -> None:
        if paused != self.snapshot.activity.paused:
            self._act(replace(self.snapshot.activity, paused=paused))
            self._wake.set()

    def reschedule_after_clock_jump(self, spread: timedelta) -> None:
        """After the wall clock jumped: what is due by now is looked at within `spread`."""
        due, now = self.snapshot.activity.next_poll, self._clock.now()
        if due is not None and not self.snapshot.activity.polling:
            if due <= now:
                due = now + spread * self._rng.random()
            else:  # the clock may have gone back
                due = min(due, now + max_pause(self.snapshot, self.policy))
            self._reschedule(due)
        self._wake.set()

    def stop(self, *, forget: bool = False) -> None:
        """End the loop; a look under way ends by itself, and is no longer told.

        Args:
            forget: whether the journal is to drop the org, which is no longer under watch.
        """
        self._stopping = True
        self._forget_org = forget
        self._publish = lambda snapshot: None
        self._wake.set()

    def _seconds_to_poll(self) -> float | None:
        due = self.snapshot.activity.next_poll
        if due is None or self.snapshot.activity.paused:
            return None
        return (due - self._clock.now()).total_seconds()

    def _replace(self, after: Snapshot, due: datetime | None) -> None:
        """Go on with what is known now; it may have been paused, or labelled otherwise, meanwhile."""
        activity = Activity(due, paused=self.snapshot.activity.paused)
        self._update(replace(after, org=self.snapshot.org, activity=activity))

    def _reschedule(self, due: datetime) -> None:
        self._act(replace(self.snapshot.activity, next_poll=due))

    def _act(self, activity: Activity) -> None:
        self._update(replace(self.snapshot, activity=activity))

    def _update(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._publish(snapshot)

    def _log_new_problem(self, before: Snapshot) -> None:
        """What is amiss is said once, not with each look while it lasts."""
        name, was, now = self.snapshot.org.name, before.polls, self.snapshot.polls
        if now.problem:
            kind, message, before_it = "", _problem_message(now.problem), _problem_message(was.problem)
        else:
            kind, message = "history or links: ", _problem_message(now.history_problem)
            before_it = _problem_message(was.history_problem)
        if message and message != before_it:
            _log.warning("%s: %s%s", name, kind, message)


def _problem_message(trouble: Problem | None) -> str | None:
    return trouble.message if trouble else None
