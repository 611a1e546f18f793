"""Defines the classes that hold the values of the config."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from zbtui.health.alert_settings import AlertSettings
from zbtui.model.org import Org
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.custom_keys import Keymap


@dataclass(frozen=True, slots=True)
class JournalRetention:
    """The `[journal]` table of the config, which limits the age and the number of the stored events."""

    keep: timedelta = timedelta(days=1095)
    """How long events are kept; Zoho itself keeps its history of backups for one year."""
    most_events: int = 100_000
    """The maximum number of events of all orgs together; the oldest are deleted first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The tables `[alerts]`, `[journal]` and `[keys]` of the config."""

    alerts: AlertSettings = field(default_factory=AlertSettings)
    journal: JournalRetention = field(default_factory=JournalRetention)
    keys: Keymap = ()
    """The keyboard keys that the user has chosen, by the id of the action."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole config. An instance with the defaults stands for a missing file."""

    policy: WatchPolicy = field(default_factory=WatchPolicy)
    """The values of the `[watch]` table."""
    orgs: tuple[Org, ...] = ()
    settings: Settings = field(default_factory=Settings)
