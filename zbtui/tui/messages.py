"""What the fleet tells the app, and the screen does."""

from __future__ import annotations

from textual.message import Message

from zbtui.core.snapshot import Snapshot


class SnapshotChanged(Message):
    """Something about one org is known anew."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Of several about one org in a row, the last one counts."""
        return isinstance(message, SnapshotChanged) and message.snapshot.org.name == self.snapshot.org.name


class LookAsked(Message):
    """Somebody wants an org to be looked at now."""

    def __init__(self, org_name: str) -> None:
        super().__init__()
        self.org_name = org_name


class BrowserAsked(Message):
    """Somebody wants to see Zoho's own page of an org."""

    def __init__(self, org_name: str) -> None:
        super().__init__()
        self.org_name = org_name


class OrgsShown(Message):
    """The orgs were painted for the first time."""
