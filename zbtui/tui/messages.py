"""Textual messages that are posted to the app."""

from __future__ import annotations

from textual.message import Message


class SnapshotsChanged(Message):
    """Posted when orgs have new snapshots that the screen has not received yet."""


class OrgsShown(Message):
    """Posted when a view of the orgs (panels, table, agenda or events) is painted for the first time."""
