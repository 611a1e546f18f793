"""The journal of tests that move the clock themselves."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar

from zbtui.core.merge import Merged
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.store.database import open_database
from zbtui.store.journal import Journal
from zbtui.store.worker import Worker

T = TypeVar("T")


class InPlace(Worker):
    """Makes each call at once, where it is asked for."""

    def __init__(self) -> None:
        super().__init__("in place")

    async def call(self, function: Callable[[], T], limit: float | None = None) -> T:
        return function()


class Notebook(Journal):
    """A journal in memory, without a thread: what the fake clock moves must not wait for a real one."""

    def __init__(self, known: Iterable[Snapshot] = ()) -> None:
        """Args:
        known: what an earlier run of the program has kept.
        """
        database = open_database(None, InPlace())
        super().__init__(database)
        self.saved: list[Snapshot] = []
        """What was given to `save` and `note`."""
        for snapshot in known:
            _finish(super().save(snapshot))
        if connection := database.read_blocking(lambda connection: connection, None):
            weakref.finalize(database, connection.close)  # few tests do

    async def save(self, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)
        await super().save(snapshot)

    async def note(self, polled: Snapshot, policy: Policy, now: datetime) -> Merged:
        self.saved.append(polled)
        return await super().note(polled, policy, now)


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Have something done that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")
