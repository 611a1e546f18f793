"""What the fleet tells the app, and the screen does."""

from __future__ import annotations

from textual.message import Message


class SnapshotsChanged(Message):
    """Something about one or more orgs is known anew."""


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
