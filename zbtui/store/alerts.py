"""What was told, and what is still to be delivered: once, of all zbtui processes together.

Where the journal cannot be used, this process goes on by itself, in memory. What it told then is
entered into the journal as soon as that can be written again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from zbtui.core.alert import Alert, Ledger
from zbtui.store.database import Database
from zbtui.store.ledger import (
    Claim,
    KeptAlert,
    drop,
    find_due,
    insert_alerts,
    newest_alert,
    outage_of,
    put_off,
    read_alerts,
    read_ledger,
    take,
    write_ledger,
)

__all__ = ["AlertBook", "Claim", "Decide", "KeptAlert"]

Decide = Callable[[Ledger], tuple[Ledger, tuple[Alert, ...]]]


class AlertBook:
    """The ledger, the alerts, and their deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Ledger()
        """The ledger, as the journal had it last."""
        self._own: Ledger | None = None
        """The ledger since the journal could not be used; None: nothing is to be entered there."""
        self._newest = 0
        """The newest of the journal's alerts that was heard of."""
        self._first: int | None = 0
        """The last of those that are no news, for they were told before; None: it was asked for while it
        could not be read."""
        self._behind: list[int] = []
        """For each alert in memory, the journal's that it came behind."""
        self._done: set[tuple[int, str]] = set()
        """Deliveries that the journal is still to be told of."""

    async def ledger(self) -> Ledger:
        """What was told so far."""
        return await self._database.call(self._read)

    async def changes(self, decide: Decide) -> bool:
        """Whether `settle` would have anything to do; for this no other process is held up."""

        def run() -> bool:
            # Here, for thousands of orgs take it a while, and the screen does not wait for that.
            ledger = self._read()
            return decide(ledger) != (ledger, ())

        return await self._database.call(run)

    def _read(self) -> Ledger:
        kept = self._database.read(read_ledger, None)
        if kept is None:
            return self._own or self._known
        if self._own is None:
            self._known = kept
        return self._with_own(kept)

    async def settle(self, decide: Decide, sinks: Sequence[str]) -> tuple[KeptAlert, ...]:
        """Decide by what was told so far what is to be told now, with no other process in between.

        Args:
            decide: pure; gives the ledger as it is then, and the alerts.
            sinks: what each of the alerts is to be delivered to.

        Returns:
            The alerts, as they are kept.
        """

        def in_journal(database: sqlite3.Connection) -> tuple[Ledger, tuple[KeptAlert, ...]]:
            kept = read_ledger(database)
            self._begin_at(newest_alert(database))
            after, alerts = decide(self._with_own(kept))
            write_ledger(database, kept, after)
            return after, insert_alerts(database, alerts, sinks)

        def run() -> tuple[KeptAlert, ...]:
            outcome = self._database.write(in_journal, None)
            if outcome is None:
                return self._settle_aside(decide, sinks)
            self._known, told = outcome
            self._own = None
            self._hear_of(told)
            return told

        return await self._database.call(run)

    async def newest_id(self) -> int:
        """The last alert that was told; 0: there is none."""

        def run() -> int:
            newest = self._database.read(newest_alert, None)
            if newest is None and not self._newest:
                self._first = None
            self._newest = max(self._newest, newest or 0)
            return -len(self._behind) if self._newest in self._behind[-1:] else self._newest

        return await self._database.call(run)

    async def since(self, alert_id: int) -> tuple[KeptAlert, ...]:
        """The alerts that were told after this one, by whichever process, oldest first."""

        def read(database: sqlite3.Connection, after: int) -> tuple[KeptAlert, ...]:
            return read_alerts(database, max(after, self._begin_at(newest_alert(database))))

        def run() -> tuple[KeptAlert, ...]:
            place, nothing = self._place(alert_id), tuple[KeptAlert, ...]()
            told = self._database.read(lambda database: read(database, place[0]), nothing)
            self._hear_of(told)
            if spare := self._aside():
                told += tuple(map(_in_memory, read_alerts(spare, 0)))
            later = (kept for kept in told if self._place(kept.id) > place)
            return tuple(sorted(later, key=lambda kept: self._place(kept.id)))

        return await self._database.call(run)

    async def claim(self, sinks: Sequence[str], now: datetime, lease: timedelta) -> Claim | None:
        """The oldest delivery to one of these sinks that is due; None: none is.

        Nobody is given it again before `lease` is over: then whoever had it must have died.
        """

        def act(database: sqlite3.Connection) -> tuple[Claim | None]:
            for one in self._done:
                drop(database, *one)
            return (take(database, sinks, now, lease),)

        def run() -> Claim | None:
            # Without a lock, as long as there is nothing to do.
            if self._database.read(lambda database: find_due(database, sinks, now), None):
                taken = self._database.write(act, None)
                if taken:
                    self._done.clear()
                if taken and taken[0]:
                    return taken[0]
            spare = self._aside()
            claim = take(spare, sinks, now, lease) if spare else None
            return claim and replace(claim, kept=_in_memory(claim.kept))

        return await self._database.call(run)

    async def delivered(self, claim: Claim) -> None:
        """It is done, or given up: nobody is given it again."""

        def run() -> None:
            if not self._on(claim, drop):
                self._done.add((claim.kept.id, claim.sink))

        await self._database.call(run)

    async def put_off(self, claim: Claim, until: datetime) -> None:
        """It failed: nobody is given it before `until`, a day ahead at most (`LONGEST_PUT_OFF`)."""

        def act(database: sqlite3.Connection, alert_id: int, sink: str) -> None:
            put_off(database, alert_id, sink, until)

        await self._database.call(lambda: self._on(claim, act))

    def _on(self, claim: Claim, act: Callable[[sqlite3.Connection, int, str], None]) -> bool:
        """Do something to a delivery, where it is kept; whether that worked."""
        alert_id, sink = claim.kept.id, claim.sink

        def in_journal(database: sqlite3.Connection) -> bool:
            act(database, alert_id, sink)
            return True

        if alert_id > 0:
            return self._database.write(in_journal, False)
        if spare := self._aside():
            act(spare, -alert_id, sink)
        return True

    def _settle_aside(self, decide: Decide, sinks: Sequence[str]) -> tuple[KeptAlert, ...]:
        """As `settle`, in memory."""
        if self._database.closed:
            return ()
        before = self._own or self._known
        after, alerts = decide(before)
        if after != before:
            self._own = after
        if not alerts:
            return ()
        told = insert_alerts(self._database.spare(), alerts, sinks)
        self._behind += [self._newest] * len(told)
        return tuple(map(_in_memory, told))

    def _with_own(self, kept: Ledger) -> Ledger:
        """The journal's ledger, and what could not be entered into it."""
        own, known = self._own, self._known
        if own is None:
            return kept
        changed = {org: told for org, told in own.orgs.items() if known.orgs.get(org) != told}
        since, told_at, over = outage_of(kept if outage_of(own) == outage_of(known) else own)
        return Ledger({**kept.orgs, **changed}, since, told_at, over)

    def _aside(self) -> sqlite3.Connection | None:
        """Where alerts are kept in memory; None: there are none."""
        return self._database.spare() if self._behind and not self._database.closed else None

    def _place(self, alert_id: int) -> tuple[int, int]:
        """Where in the order of all alerts, the journal's and those in memory, one stands."""
        return (alert_id, 0) if alert_id >= 0 else (self._behind[-alert_id - 1], -alert_id)

    def _begin_at(self, newest: int) -> int:
        """The last alert that is no news: where that is still to be found out, the `newest`."""
        if self._first is None:
            self._first = newest
        return self._first

    def _hear_of(self, told: Iterable[KeptAlert]) -> None:
        self._newest = max(self._newest, *(kept.id for kept in told), 0)


def _in_memory(kept: KeptAlert) -> KeptAlert:
    return replace(kept, id=-kept.id)
