"""The alert state, the alerts and their deliveries, shared by all zbtui processes."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from zbtui.health.alert_policy import Alert, AlertState
from zbtui.store.database import Database
from zbtui.store.outbox_tables import (
    DeliveryClaim,
    Identities,
    StoredAlert,
    claim_delivery,
    delete_delivery,
    find_due_delivery,
    insert_alerts,
    latest_alert_number,
    note_removal,
    number_at,
    read_alert_state,
    read_alerts_after,
    reschedule_delivery,
    write_alert_state,
)

__all__ = ["DecideAlerts", "DeliveryClaim", "Outbox", "StoredAlert"]

DecideAlerts = Callable[[AlertState], tuple[AlertState, tuple[Alert, ...]]]
_NONE: Final[Identities] = {}


class Outbox:
    """Stores alerts before they are sent, so that none is lost, and few are sent twice."""

    # The order of its use: 1. `would_change`, 2. `decide_and_store`, 3. `claim_delivery`, and after
    # sending, 4. `mark_delivered` or `reschedule`. Each says why it comes before the next.

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alert_state(self, identities: Identities = _NONE) -> AlertState:
        """What was notified so far, of the orgs with these identities."""
        return await self._database.read(
            lambda database: read_alert_state(database, identities), AlertState()
        )

    async def would_change(self, decide: DecideAlerts, identities: Identities = _NONE) -> bool:
        """Whether `decide_and_store` would change anything; takes no write lock."""

        def act(database: sqlite3.Connection) -> bool:
            # In the database's thread: for thousands of orgs, it would block the screen.
            state = read_alert_state(database, identities)
            return decide(state) != (state, ())

        # 1. Before the transaction: most evaluations change nothing, and hold up no other process.
        return await self._database.read(act, False)

    async def decide_and_store(
        self, decide: DecideAlerts, channels: Sequence[str], identities: Identities = _NONE
    ) -> tuple[StoredAlert, ...]:
        """Decide which alerts are due and store them, in one transaction; return them as stored.

        `decide` is pure, and about the orgs with these identities. Each alert gets a delivery for each
        of the channels.
        """
        # Outside of the transaction: if that fails half-way and runs again on a fallback, what it
        # decides anew is the same alert.
        uuids: defaultdict[Alert, str] = defaultdict(lambda: str(uuid4()))

        def act(database: sqlite3.Connection) -> tuple[StoredAlert, ...]:
            # a. Read the state in the transaction: another process may have changed it since 1.
            before = read_alert_state(database, identities)
            after, alerts = decide(before)
            # b. Write the state before the transaction ends: the next process to get the lock sees
            #    the alerts as notified, and does not store them again.
            write_alert_state(database, before, after, identities)
            # c. Store alerts and deliveries together with the state: a process killed here loses
            #    all of it, and the next one decides the same again.
            return insert_alerts(database, alerts, channels, uuids)

        # 2. Before any delivery: what is stored will be sent, by this process or by another.
        return await self._database.transaction(act, (), essential=True)

    async def note_removal(self, org_name: str, now: datetime) -> None:
        """Note that zbtui takes an org off watch, before it does: nobody needs to be told that it left."""
        await self._database.transaction(
            lambda database: note_removal(database, org_name, now), None, essential=True
        )

    async def latest_number(self, now: datetime) -> int:
        """A number below those of all alerts stored from `now` on, by any process."""
        return max(await self._database.read(latest_alert_number, 0), number_at(now) - 1)

    async def alerts_after(self, number: int) -> tuple[StoredAlert, ...]:
        """The alerts stored after this one, by any process, oldest first."""
        return await self._database.read(lambda database: read_alerts_after(database, number), ())

    async def claim_delivery(
        self, channels: Sequence[str], now: datetime, lease: timedelta
    ) -> DeliveryClaim | None:
        """Claim the oldest delivery to one of these channels that is due; None: none is.

        It is not claimed again before `lease` ends; by then, the first claimer must have died.
        """
        # Look without a lock first: mostly, nothing is due.
        if not await self._database.read(lambda database: find_due_delivery(database, channels, now), None):
            return None
        # 3. Before sending: of several processes, one gets the lease, so an alert is sent once. The
        #    transaction searches again, as another process may have claimed it in between.
        return await self._database.transaction(
            lambda database: claim_delivery(database, channels, now, lease), None
        )

    async def mark_delivered(self, claim: DeliveryClaim) -> None:
        """Delete a delivery that was sent or given up."""
        # 4. After sending: if the process is killed in between, the lease ends and it is sent again.
        await self._database.transaction(lambda database: delete_delivery(database, claim), None)

    async def reschedule(self, claim: DeliveryClaim, until: datetime) -> None:
        """Put off a failed delivery to `until`, a day ahead at most (`MAX_RESCHEDULE`)."""
        await self._database.transaction(lambda database: reschedule_delivery(database, claim, until), None)
