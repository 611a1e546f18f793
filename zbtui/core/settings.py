"""What is configured beside the orgs and their policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from zbtui.core.keymap import Keymap
from zbtui.core.verdict import Level

Desktop = Literal["osc9", "osc777"]
DESKTOPS: Final[tuple[Desktop, ...]] = ("osc9", "osc777")
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
    desktop: Desktop | None = None
    """How the app shows a notice on the desktop; None: not at all."""
    on_change: tuple[str, ...] = ()
    """A program and its arguments, run for each alert; empty: none."""
    webhook: str | None = None
    """Where each alert is posted to as JSON; https, or http on this machine itself."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The `[journal]` table of the config: how much of what was seen is kept."""

    keep: timedelta = timedelta(days=1095)
    """How long events are kept; Zoho itself keeps one year."""
    most_events: int = 100_000
    """How many at most, of all orgs together; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Those tables, and `[keys]`."""

    alerts: AlertSettings = field(default_factory=AlertSettings)
    journal: Keep = field(default_factory=Keep)
    keys: Keymap = ()
    """The user's own keys, by action."""
