"""The watch policy: the `[watch]` table of the config, each key of which an org can override."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """The intervals of polls, and the thresholds of the rules. Each field is a key of `[watch]`."""

    every: timedelta = timedelta(minutes=5)
    near_every: timedelta = timedelta(seconds=30)
    overdue_after: timedelta = timedelta(hours=6)
    long_run_after: timedelta = timedelta(hours=12)
    max_age: timedelta | None = None
    """The age above which the last good backup is too old; None derives the age from the backup plan."""


POLICY_KEYS: Final = tuple(key.name for key in fields(WatchPolicy))
