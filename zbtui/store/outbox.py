"""What was told, and what is still to be delivered: once, of all zbtui processes together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from zbtui.health.alert_policy import Alert, AlertState
from zbtui.store.database import Database
from zbtui.store.outbox_tables import (
    DeliveryClaim,
    StoredAlert,
    claim_delivery,
    delete_delivery,
    find_due_delivery,
    id_at,
    insert_alerts,
    latest_alert_id,
    read_alert_state,
    read_alerts_after,
    reschedule_delivery,
    write_alert_state,
)

__all__ = ["DecideAlerts", "DeliveryClaim", "Outbox", "StoredAlert"]

DecideAlerts = Callable[[AlertState], tuple[AlertState, tuple[Alert, ...]]]


class Outbox:
    """The ledger, the alerts, and their deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alert_state(self) -> AlertState:
        """What was told so far."""
        return await self._database.read(read_alert_state, AlertState())

    async def would_change(self, decide: DecideAlerts) -> bool:
        """Whether `settle` would have anything to do; for this no other process is held up."""

        def act(database: sqlite3.Connection) -> bool:
            # Here, for thousands of orgs take it a while, and the screen does not wait for that.
            ledger = read_alert_state(database)
            return decide(ledger) != (ledger, ())

        return await self._database.read(act, False)

    async def decide_and_store(
        self, decide: DecideAlerts, channels: Sequence[str]
    ) -> tuple[StoredAlert, ...]:
        """Decide by what was told so far what is to be told now, with no other process in between.

        Args:
            decide: pure; gives the ledger as it is then, and the alerts.
            sinks: what each of the alerts is to be delivered to.

        Returns:
            The alerts, as they are kept.
        """

        def act(database: sqlite3.Connection) -> tuple[StoredAlert, ...]:
            before = read_alert_state(database)
            after, alerts = decide(before)
            write_alert_state(database, before, after)
            return insert_alerts(database, alerts, channels)

        return await self._database.transaction(act, (), essential=True)

    async def latest_id(self, now: datetime) -> int:
        """After this one come the alerts that are told from `now` on, by whichever process."""
        return max(await self._database.read(latest_alert_id, 0), id_at(now) - 1)

    async def alerts_after(self, alert_id: int) -> tuple[StoredAlert, ...]:
        """The alerts that were told after this one, by whichever process, oldest first."""
        return await self._database.read(lambda database: read_alerts_after(database, alert_id), ())

    async def claim_delivery(
        self, channels: Sequence[str], now: datetime, lease: timedelta
    ) -> DeliveryClaim | None:
        """The oldest delivery to one of these sinks that is due; None: none is.

        Nobody is given it again before `lease` is over: then whoever had it must have died.
        """
        # Without a lock, as long as there is nothing to do.
        if not await self._database.read(lambda database: find_due_delivery(database, channels, now), None):
            return None
        return await self._database.transaction(
            lambda database: claim_delivery(database, channels, now, lease), None
        )

    async def mark_delivered(self, claim: DeliveryClaim) -> None:
        """It is done, or given up: nobody is given it again."""
        await self._database.transaction(
            lambda database: delete_delivery(database, claim.stored.id, claim.channel), None
        )

    async def reschedule(self, claim: DeliveryClaim, until: datetime) -> None:
        """It failed: nobody is given it before `until`, a day ahead at most (`LONGEST_PUT_OFF`)."""
        await self._database.transaction(
            lambda database: reschedule_delivery(database, claim.stored.id, claim.channel, until), None
        )
