"""The journal of tests that move the clock themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.store.journal import Journal, Lockout


class Notebook(Journal):
    """A journal without a thread: what the fake clock moves must not wait for a real one."""

    def __init__(self, known: Iterable[Snapshot] = ()) -> None:
        super().__init__(None, None)
        self.saved: list[Snapshot] = []
        self._known = {snapshot.org.name: snapshot for snapshot in known}
        self._lockouts: dict[str, Lockout] = {}
        self._made: dict[str, list[datetime]] = {}

    def load(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        return {org.name: self._known[org.name] for org in orgs if org.name in self._known}

    async def save(self, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)

    async def lockout(self, token: str) -> Lockout | None:
        return self._lockouts.get(token)

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        self._lockouts.pop(token, None)
        if lockout:
            self._lockouts[token] = lockout

    async def spend(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        made = [at for at in self._made.get(token, []) if at > now - window]
        if len(made) >= limit:
            return made[-limit] + window
        self._made[token] = [*made, now]
        return None

    async def give_back(self, token: str) -> None:
        self._made.pop(token, None)

    async def rename(self, before: str, after: str) -> None:
        if known := self._known.pop(before, None):
            self._known[after] = replace(known, org=replace(known.org, name=after))

    async def forget(self, org_name: str) -> None:
        self._known.pop(org_name, None)

    async def close(self) -> None:
        pass
