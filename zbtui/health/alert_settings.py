"""What is alerted, and how: the `[alerts]` table of the config, as `core.alert` goes by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from zbtui.model.verdict import Level

DesktopNotification = Literal["osc9", "osc777"]
DESKTOP_NOTIFICATIONS: Final[tuple[DesktopNotification, ...]] = ("osc9", "osc777")
"""Escape sequences by which a terminal shows a notice on the desktop."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The `[alerts]` table of the config."""

    least: Level = Level.WARNING
    """What is less bad than this is as good as ok."""
    remind_every: timedelta | None = timedelta(days=1)
    """How often a trouble that lasts is told again; None (`"never"`): it is not."""
    failed_looks: int = 3
    """Looks in a row that have to fail before "out of reach" is told; a dead sign-in is told at once."""
    bell: bool = True
    """Whether the app rings the terminal's bell."""
    desktop: DesktopNotification | None = None
    """How the app shows a notice on the desktop; None: not at all."""
    on_change: tuple[str, ...] = ()
    """A program and its arguments, run for each alert; empty: none."""
    webhook: str | None = None
    """Where each alert is posted to as JSON; https, or http on this machine itself."""
