"""What is configured, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from zbtui.health.alert_settings import AlertSettings
from zbtui.model.org import Org, WatchPolicy
from zbtui.presentation.keymap import Keymap


@dataclass(frozen=True, slots=True)
class JournalRetention:
    """The `[journal]` table of the config: how much of what was seen is kept."""

    keep: timedelta = timedelta(days=1095)
    """How long events are kept; Zoho itself keeps one year."""
    most_events: int = 100_000
    """How many at most, of all orgs together; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Those tables, and `[keys]`."""

    alerts: AlertSettings = field(default_factory=AlertSettings)
    journal: JournalRetention = field(default_factory=JournalRetention)
    keys: Keymap = ()
    """The user's own keys, by action."""


@dataclass(frozen=True, slots=True)
class Config:
    """What is configured; without a file, nothing is."""

    policy: WatchPolicy = field(default_factory=WatchPolicy)
    orgs: tuple[Org, ...] = ()
    settings: Settings = field(default_factory=Settings)
