"""Which alerts are sent, and how: the values of the config's `[alerts]` table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from zbtui.model.verdict import Level

DesktopNotification = Literal["osc9", "osc777"]
DESKTOP_NOTIFICATIONS: Final[tuple[DesktopNotification, ...]] = ("osc9", "osc777")
"""The escape sequences, OSC 9 and OSC 777, that make a terminal show a desktop notification."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The values of the `[alerts]` table in the config file."""

    least: Level = Level.WARNING
    """The lowest level of a verdict that is notified; verdicts of lower levels are treated as good."""
    remind_every: timedelta | None = timedelta(days=1)
    """The time after which a verdict that lasts is notified again; None means never."""
    failed_looks: int = 3
    """The number of failed polls in a row after which an org is notified as out of reach.

    A problem that only a person can solve, such as a dead sign-in, is notified at once.
    """
    bell: bool = True
    """Whether the app rings the terminal's bell for an alert."""
    desktop: DesktopNotification | None = None
    """The escape sequence for desktop notifications; None if the app is to show none."""
    on_change: tuple[str, ...] = ()
    """The program, with its arguments, that is run for each alert; empty if no program is to run."""
    webhook: str | None = None
    """The URL to which each alert is posted as JSON; None if alerts are not posted.

    The URL is https, or http to this machine.
    """
