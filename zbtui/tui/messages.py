"""What the fleet and the views tell the app."""

from __future__ import annotations

from textual.message import Message


class SnapshotsChanged(Message):
    """Something about one or more orgs is known anew."""


class OrgsShown(Message):
    """The orgs were painted for the first time."""
