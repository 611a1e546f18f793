"""Polls one org again and again. Polls of the same org by one process never overlap."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from zbtui.clock import CLOCK_JUMP_SECONDS, Clock, clock_drift
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.poll_record import MAX_POLL_RECORDS, PollRecord, poll_record_of
from zbtui.health.poll_schedule import MIN_POLL_GAP, max_pause, next_poll
from zbtui.health.snapshot import Activity, Observation, Snapshot
from zbtui.model.crash import bug_problem
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal

_log = logging.getLogger(__name__)


class Poller:
    """Polls one org when it is due, and publishes every change of its snapshot.

    End a poller with `stop()`, not by cancelling its task: a request that has begun ends by its own time
    limits.
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
        """Begin with `snapshot`, whose `activity.next_poll` is the time of the first poll.

        `poll` polls the org once, given its last snapshot, and may raise a `ProblemError`. If `recalls` is
        set, the poller first loads the org's snapshot from the journal.
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
        """Whether the next poll was requested with `poll_soon`."""
        self._forget_org = False
        self._answer: Snapshot | None = None
        """The snapshot after the current poll, set before the journal records the poll."""
        self.records: deque[PollRecord] = deque(maxlen=MAX_POLL_RECORDS)
        """The records of the latest polls by this poller, oldest first."""
        self.recorded_change_count = 0
        """The number of polls by this poller that added events to the journal."""

    async def run(self) -> None:
        """Poll the org each time a poll is due, until `stop()` is called. Failed polls raise nothing."""
        if self._recalls:
            await self._recall()
        while not self._stopping:
            # Cleared before the clock is read, so that a wake-up after the reading ends the wait.
            self._wake.clear()
            seconds = self._seconds_to_poll()
            if seconds is not None and seconds <= 0:
                await self.poll()
            else:
                await self._clock.wait(self._wake, seconds)
        if self._forget_org:
            await self._journal.forget_org(self.snapshot.org)

    async def _recall(self) -> None:
        """Continue with the org's snapshot in the journal, unless this process has already polled the org.

        If the snapshot comes from a good poll and no poll has failed since, the next poll is due as if this
        process had made that poll.
        """
        known = await self._journal.load_org(self.snapshot.org)
        if known is None or self.snapshot.polls.attempted_at:
            return
        now, seen, due = self._clock.now(), known.zoho.observed_at, self.snapshot.activity.next_poll
        if seen and seen <= now and not known.polls.failures and not self._requested:
            polled = replace(known, polls=replace(known.polls, attempted_at=seen, restored=False))
            again = next_poll(polled, self.policy, now, self._rng.uniform(-1, 1))
            # As if this process had made the stored poll: the age of that poll shortens the pause.
            if again and again - (now - seen) > now:
                known, due = polled, again - (now - seen)
        self._replace(known, due)

    async def poll(self) -> Snapshot:
        """Poll the org once, now, record and publish the outcome, and return the new snapshot."""
        before, requested, self._requested, self._answer = self.snapshot, self._requested, False, None
        self._set_activity(replace(before.activity, polling=True))
        started, drift = self._clock.monotonic(), clock_drift(self._clock)
        try:
            observation = await self._poll(before)
            if abs(clock_drift(self._clock) - drift) > CLOCK_JUMP_SECONDS and not self._stopping:
                observation = await self._poll(before)  # the machine slept meanwhile: the answer is old
            after = apply_observation(self.snapshot, observation, self._clock.now())
        except ProblemError as error:
            after = apply_failure(self.snapshot, error.problem, self._clock.now())
        except Exception as error:  # a bug must not end the watch silently
            _log.error("%s: the look ended in %s", self.snapshot.org.name, type(error).__name__)
            after = apply_failure(self.snapshot, bug_problem(error), self._clock.now())
        self.records.append(poll_record_of(after, self._clock.now(), self._clock.monotonic() - started))
        if requested and after.polls.problem and before.polls.failures:
            # A poll that the user requested does not lengthen the backoff.
            after = replace(after, polls=replace(after.polls, failures=before.polls.failures))
        now, self._answer = self._clock.now(), after
        if not self._stopping:
            merged = await self._journal.record_poll(after, self.policy, now)
            after = merged.snapshot
            self.recorded_change_count += bool(merged.events)
        due = next_poll(after, self.policy, now, self._rng.uniform(-1, 1))
        self._replace(after, due)
        self._log_new_problem(before)
        return self.snapshot

    def adopt(self, known: Snapshot) -> None:
        """Take over and publish `known`, the snapshot after another process's poll, instead of polling."""
        self._replace(known, self.snapshot.activity.next_poll)

    def give_up(self, problem: Problem) -> Snapshot:
        """Stop waiting for the current poll, and return the snapshot after it.

        A poll without an answer yet counts as failed with `problem`, and a later answer is not recorded.
        """
        if self._answer is not None:  # the poll only waits for the journal
            return self._answer
        self._stopping = True
        return apply_failure(self.snapshot, problem, self._clock.now())

    def poll_soon(self) -> datetime | None:
        """Request a poll now, but at least `MIN_POLL_GAP` after the last poll, and return None.

        During a lock-out by Zoho, request nothing, and return the end of the lock-out.
        """
        now, problem = self._clock.now(), self.snapshot.polls.problem
        if problem and problem.forbids_early_retry and problem.retry_at and problem.retry_at > now:
            return problem.retry_at
        if not self.snapshot.activity.polling:
            last = self.snapshot.polls.attempted_at
            # A last poll in the future means that the clock was set back.
            just_now = last is not None and now - MIN_POLL_GAP < last <= now
            self._reschedule(last + MIN_POLL_GAP if last and just_now else now)
            self._requested = True
            self._wake.set()
        return None

    def set_twin(self, twin: str | None) -> None:
        """Set the twin, another name under which the same org is under watch, or None if there is none."""
        if twin != self.snapshot.twin:
            self._update(replace(self.snapshot, twin=twin))

    def set_paused(self, paused: bool) -> None:
        if paused != self.snapshot.activity.paused:
            self._set_activity(replace(self.snapshot.activity, paused=paused))
            self._wake.set()

    def reschedule_after_clock_jump(self, spread: timedelta) -> None:
        """Reschedule the next poll, since the machine's clock has jumped or the policy has changed.

        An overdue poll is made at a random time within `spread`.
        """
        due, now = self.snapshot.activity.next_poll, self._clock.now()
        if due is not None and not self.snapshot.activity.polling:
            if due <= now:
                due = now + spread * self._rng.random()
            else:  # the clock may have been set back
                due = min(due, now + max_pause(self.snapshot, self.policy))
            self._reschedule(due)
        self._wake.set()

    def stop(self, *, forget: bool = False) -> None:
        """End the polling; the outcome of a poll that still runs is not published.

        If `forget` is set, since the org is no longer under watch, its data is deleted from the journal.
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
        """Publish the snapshot `after`, with the next poll at `due`.

        The org's settings, pause and twin are kept from the current snapshot, as they may be newer.
        """
        activity = Activity(due, paused=self.snapshot.activity.paused)
        self._update(replace(after, org=self.snapshot.org, activity=activity, twin=self.snapshot.twin))

    def _reschedule(self, due: datetime) -> None:
        self._set_activity(replace(self.snapshot.activity, next_poll=due))

    def _set_activity(self, activity: Activity) -> None:
        self._update(replace(self.snapshot, activity=activity))

    def _update(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._publish(snapshot)

    def _log_new_problem(self, before: Snapshot) -> None:
        """Log the last poll's problem, unless `before`, the previous snapshot, had the same problem."""
        name, old, new = self.snapshot.org.name, before.polls, self.snapshot.polls
        if new.problem:
            kind, message, old_message = "", _problem_message(new.problem), _problem_message(old.problem)
        else:
            kind, message = "history or links: ", _problem_message(new.history_problem or new.links_problem)
            old_message = _problem_message(old.history_problem or old.links_problem)
        if message and message != old_message:
            _log.warning("%s: %s%s", name, kind, message)


def _problem_message(problem: Problem | None) -> str | None:
    return problem.message if problem else None
