"""What comes of a look when it is noted: of what others have read, and of what was asked meanwhile."""

from __future__ import annotations

from datetime import datetime

from tests.support.build import snapshot_with
from tests.support.clock import START, FakeClock
from tests.support.notebook import Notebook
from tests.watch.pollers import HOUR, Watch
from zbtui.core.cadence import past_is_due
from zbtui.core.history import Entry
from zbtui.core.merge import Merged
from zbtui.core.org import Policy
from zbtui.core.runs import summarize
from zbtui.core.snapshot import Snapshot


async def test_what_another_process_read_later_is_published_with_the_look_and_not_asked_for_again(
    clock: FakeClock,
) -> None:
    journal = Notebook()
    kept = summarize([Entry("1", None, "failure", "weekly", None, 0, START - HOUR, None)])
    watch = Watch(clock, journal=journal)
    async with watch.running():
        elsewhere = snapshot_with(
            watch.snapshot,
            history=kept,
            history_read_at=clock.now(),
            history_tried_at=clock.now(),
            polling=False,
        )
        await journal.save(elsewhere)
        await clock.advance(HOUR)
        assert watch.snapshot.zoho.history == kept
        assert not past_is_due(watch.snapshot, watch.snapshot.zoho.backup, clock.now())
        ended = [
            one for one in watch.published if not one.activity.polling and one.polls.attempted_at != START
        ]
        assert all(one.zoho.history == kept for one in ended)


async def test_a_pause_while_the_look_is_noted_is_not_lost(clock: FakeClock) -> None:
    class Slow(Notebook):
        async def note(self, polled: Snapshot, policy: Policy, now: datetime) -> Merged:
            watch.poller.pause(True)
            return await super().note(polled, policy, now)

    watch = Watch(clock, journal=Slow())
    async with watch.running():
        assert watch.snapshot.activity.paused
