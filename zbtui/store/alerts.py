"""What was told, and what is still to be delivered: once, of all zbtui processes together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from zbtui.core.alert import Alert, Ledger
from zbtui.store.database import Database
from zbtui.store.ledger import (
    Claim,
    KeptAlert,
    drop,
    find_due,
    id_at,
    insert_alerts,
    newest_alert,
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

    async def ledger(self) -> Ledger:
        """What was told so far."""
        return await self._database.read(read_ledger, Ledger())

    async def changes(self, decide: Decide) -> bool:
        """Whether `settle` would have anything to do; for this no other process is held up."""

        def act(database: sqlite3.Connection) -> bool:
            # Here, for thousands of orgs take it a while, and the screen does not wait for that.
            ledger = read_ledger(database)
            return decide(ledger) != (ledger, ())

        return await self._database.read(act, False)

    async def settle(self, decide: Decide, sinks: Sequence[str]) -> tuple[KeptAlert, ...]:
        """Decide by what was told so far what is to be told now, with no other process in between.

        Args:
            decide: pure; gives the ledger as it is then, and the alerts.
            sinks: what each of the alerts is to be delivered to.

        Returns:
            The alerts, as they are kept.
        """

        def act(database: sqlite3.Connection) -> tuple[KeptAlert, ...]:
            before = read_ledger(database)
            after, alerts = decide(before)
            write_ledger(database, before, after)
            return insert_alerts(database, alerts, sinks)

        return await self._database.transaction(act, (), essential=True)

    async def newest_id(self, now: datetime) -> int:
        """After this one come the alerts that are told from `now` on, by whichever process."""
        return max(await self._database.read(newest_alert, 0), id_at(now) - 1)

    async def since(self, alert_id: int) -> tuple[KeptAlert, ...]:
        """The alerts that were told after this one, by whichever process, oldest first."""
        return await self._database.read(lambda database: read_alerts(database, alert_id), ())

    async def claim(self, sinks: Sequence[str], now: datetime, lease: timedelta) -> Claim | None:
        """The oldest delivery to one of these sinks that is due; None: none is.

        Nobody is given it again before `lease` is over: then whoever had it must have died.
        """
        # Without a lock, as long as there is nothing to do.
        if not await self._database.read(lambda database: find_due(database, sinks, now), None):
            return None
        return await self._database.transaction(lambda database: take(database, sinks, now, lease), None)

    async def delivered(self, claim: Claim) -> None:
        """It is done, or given up: nobody is given it again."""
        await self._database.transaction(lambda database: drop(database, claim.kept.id, claim.sink), None)

    async def put_off(self, claim: Claim, until: datetime) -> None:
        """It failed: nobody is given it before `until`, a day ahead at most (`LONGEST_PUT_OFF`)."""
        await self._database.transaction(
            lambda database: put_off(database, claim.kept.id, claim.sink, until), None
        )
