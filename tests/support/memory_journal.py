"""A journal for tests with a fake clock."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar

from zbtui.health.merge import MergeResult
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.database import open_database
from zbtui.store.journal import Journal
from zbtui.store.worker import WorkerThread

T = TypeVar("T")


class InlineWorker(WorkerThread):
    """A worker that makes each call at once, in the caller's thread."""

    def __init__(self) -> None:
        super().__init__("in place")

    async def call(self, function: Callable[[], T], limit: float | None = None) -> T:
        return function()


class MemoryJournal(Journal):
    """A journal in memory without a thread, as tasks on a fake clock must not wait for a real thread."""

    def __init__(self, known: Iterable[Snapshot] = ()) -> None:
        """Args:
        known: snapshots that an earlier run has saved.
        """
        database = open_database(None, InlineWorker())
        super().__init__(database)
        self.saved_snapshots: list[Snapshot] = []
        """The snapshots given to `save` and `record_poll`."""
        for snapshot in known:
            _run_without_waiting(super().save(snapshot))
        if connection := database.read_blocking(lambda connection: connection, None):
            weakref.finalize(database, connection.close)  # few tests close the journal

    async def save(self, snapshot: Snapshot) -> None:
        self.saved_snapshots.append(snapshot)
        await super().save(snapshot)

    async def record_poll(self, polled: Snapshot, policy: WatchPolicy, now: datetime) -> MergeResult:
        self.saved_snapshots.append(polled)
        return await super().record_poll(polled, policy, now)


def _run_without_waiting(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")
