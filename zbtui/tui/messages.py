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


class PanelsShown(Message):
    """The panels were painted for the first time."""
