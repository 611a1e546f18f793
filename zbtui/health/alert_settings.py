"""Which alerts are sent, and how: the values of the config's `[alerts]` table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from zbtui.model.verdict import Level

DesktopNotification = Literal["osc9", "osc777"]
DESKTOP_NOTIFICATIONS: Final[tuple[DesktopNotification, ...]] = ("osc9", "osc777")
"""Escape sequences with which a terminal shows a desktop notification."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The `[alerts]` table of the config."""

    least: Level = Level.WARNING
    """The lowest level that is notified; lower levels count as ok."""
    remind_every: timedelta | None = timedelta(days=1)
    """How often a lasting verdict is notified again; None (`"never"` in the config): not at all."""
    failed_looks: int = 3
    """Failed polls in a row before "out of reach" is notified; a dead sign-in is notified at once."""
    bell: bool = True
    """Whether the app rings the terminal's bell."""
    desktop: DesktopNotification | None = None
    """How the app shows desktop notifications; None: not at all."""
    on_change: tuple[str, ...] = ()
    """A program and its arguments, run for each alert; empty: none."""
    webhook: str | None = None
    """URL to which each alert is posted as JSON; https, or http to this machine."""
