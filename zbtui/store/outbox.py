"""Stores which alerts were sent and which are still to send, for all zbtui processes of a config."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from zbtui.health.alert_policy import Alert, AlertState
from zbtui.model.org import Org
from zbtui.store.database import Database
from zbtui.store.outbox_tables import (
    DeliveryClaim,
    Identities,
    StoredAlert,
    claim_delivery,
    delete_delivery,
    find_due_delivery,
    forget_org,
    insert_alerts,
    latest_alert_number,
    note_removal,
    number_at,
    read_alert_state,
    read_alerts_after,
    rename_org,
    reschedule_delivery,
    write_alert_state,
)

__all__ = ["DecideAlerts", "DeliveryClaim", "Outbox", "StoredAlert"]

DecideAlerts = Callable[[AlertState], tuple[AlertState, tuple[Alert, ...]]]
_NONE: Final[Identities] = {}


class Outbox:
    """Stores a config's alerts before they are sent, so that none is lost and few are sent twice.

    All zbtui processes with the same config share the alerts; processes with other configs never send them.
    """

    # Callers go through these steps: 1. `would_change`, 2. `decide_and_store`, 3. `claim_delivery`, and
    # after sending, 4. `mark_delivered` or `reschedule`. A comment at each step gives the reason.

    def __init__(self, database: Database, config: str = "") -> None:
        self._database = database
        self._config = config

    def of_config(self, config: str) -> Outbox:
        """Return the outbox of the config with this name, in the same database."""
        return Outbox(self._database, config)

    async def alert_state(self, identities: Identities = _NONE) -> AlertState:
        """Return the alert state, which says what the user was last notified of about each org and outage.

        `identities` maps the name of each org to its `Org.identity` (data center, OAuth client and hosts);
        other orgs of the same names are left out.
        """
        return await self._database.read(
            lambda database: read_alert_state(database, self._config, identities), AlertState()
        )

    async def would_change(self, decide: DecideAlerts, identities: Identities = _NONE) -> bool:
        """Return whether `decide_and_store` would store or change anything, without a write lock."""

        def act(database: sqlite3.Connection) -> bool:
            # `decide` runs in the database's thread: with thousands of orgs it would block the screen.
            state = read_alert_state(database, self._config, identities)
            return decide(state) != (state, ())

        # 1. Before the transaction: most evaluations change nothing, and need not block other processes.
        return await self._database.read(act, False)

    async def decide_and_store(
        self, decide: DecideAlerts, channels: Sequence[str], identities: Identities = _NONE
    ) -> tuple[StoredAlert, ...]:
        """Decide which alerts are due and store them, in one transaction; return the stored alerts.

        `decide` is a pure function that takes the stored alert state and returns the new alert state and
        the due alerts. Each alert is stored with one delivery for each channel. `identities` maps the name
        of each org to its `Org.identity`, as in `alert_state`.
        """
        # Outside of the transaction: if it fails half-way and runs again on a fallback, an alert that is
        # decided again keeps its uuid.
        uuids: defaultdict[Alert, str] = defaultdict(lambda: str(uuid4()))

        def act(database: sqlite3.Connection) -> tuple[StoredAlert, ...]:
            # a. Read the state in the transaction: another process may have changed it since step 1.
            before = read_alert_state(database, self._config, identities)
            after, alerts = decide(before)
            # b. Write the state in the same transaction: the next process reads that the alerts were
            #    notified, and does not store them again.
            write_alert_state(database, self._config, before, after, identities)
            # c. Store alerts and deliveries together with the state: if this process is killed here,
            #    nothing is stored, and the next process decides the same.
            return insert_alerts(database, self._config, alerts, channels, uuids)

        # 2. Before any delivery: a stored alert is sent, by this process or by another.
        return await self._database.transaction(act, (), essential=True)

    async def forget_org(self, org: Org) -> None:
        """Delete what was notified of an org that leaves this config, or is new in it."""
        await self._database.transaction(
            lambda database: forget_org(database, self._config, org), None, essential=True
        )

    async def rename_org(self, before: Org, after: Org) -> None:
        """Move what was notified of an org to its new name; a changed identity makes it another org."""
        if (before.name, before.identity) != (after.name, after.identity):
            await self._database.transaction(
                lambda database: rename_org(database, self._config, before, after), None, essential=True
            )

    async def note_removal(self, org_name: str, now: datetime) -> None:
        """Record that zbtui is about to remove an org from the config, so that this causes no alert."""
        await self._database.transaction(
            lambda database: note_removal(database, self._config, org_name, now), None, essential=True
        )

    async def latest_number(self, now: datetime) -> int:
        """Return a number lower than that of each alert that any process stores from `now` on."""
        return max(await self._database.read(latest_alert_number, 0), number_at(now) - 1)

    async def alerts_after(self, number: int) -> tuple[StoredAlert, ...]:
        """Return the config's alerts, stored by any process, with a number above `number`, oldest first."""
        return await self._database.read(
            lambda database: read_alerts_after(database, self._config, number), ()
        )

    async def claim_delivery(
        self, channels: Sequence[str], now: datetime, lease: timedelta
    ) -> DeliveryClaim | None:
        """Claim the oldest due delivery to one of these channels; return None if no delivery is due.

        No process can claim the same delivery again within the time `lease`. Sending takes less time than
        `lease`, so if the delivery still exists after that, the claiming process has died.
        """
        # First without a lock: mostly, no delivery is due.
        if not await self._database.read(
            lambda database: find_due_delivery(database, self._config, channels, now), None
        ):
            return None
        # 3. Before sending: only one process gets the lease, so the alert is sent once. The transaction
        #    searches again, since another process may have claimed the delivery in between.
        return await self._database.transaction(
            lambda database: claim_delivery(database, self._config, channels, now, lease), None
        )

    async def mark_delivered(self, claim: DeliveryClaim) -> None:
        """Delete a claimed delivery, since it was sent or given up."""
        # 4. After sending: if the process is killed before this, the alert is sent again after the lease.
        await self._database.transaction(lambda database: delete_delivery(database, claim), None)

    async def reschedule(self, claim: DeliveryClaim, until: datetime) -> None:
        """Make a failed delivery due again at the time `until`, which is at most a day ahead."""
        await self._database.transaction(lambda database: reschedule_delivery(database, claim, until), None)
