"""The journal of tests that move the clock themselves."""

from __future__ import annotations

from collections.abc import Iterable

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

    def load(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        return {org.name: self._known[org.name] for org in orgs if org.name in self._known}

    async def save(self, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)

    async def lockout(self, org: Org) -> Lockout | None:
        return self._lockouts.get(org.name)

    async def set_lockout(self, org: Org, lockout: Lockout | None) -> None:
        self._lockouts.pop(org.name, None)
        if lockout:
            self._lockouts[org.name] = lockout
