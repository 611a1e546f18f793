"""Messages that are posted to the app."""

from __future__ import annotations

from textual.message import Message


class SnapshotsChanged(Message):
    """One or more snapshots have changed."""


class OrgsShown(Message):
    """A view has been painted for the first time."""
