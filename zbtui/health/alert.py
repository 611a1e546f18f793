"""What an alert is, what decides on it, and what was notified so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level

AlertKind = Literal[
    "alarm", "reminder", "recovery", "outage", "outage_over", "journal", "journal_over", "left", "test"
]

ALL_ORGS: Final = ""
"""Used instead of an org's name if an alert is about all orgs."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """What `decide_alerts` goes by."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    poll_interval: timedelta = timedelta(minutes=5)
    """Each org is polled once in this time; "out of reach" waits for the other orgs' polls."""
    covers_all_orgs: bool = True
    """Whether this process watches all orgs; only then can it detect an outage."""
    journal_problem: Problem | None = None
    """Why the journal cannot be kept; None: it is kept."""
    config: str = ""
    """Which config names the orgs: its path; empty: one that ends with this process."""
    config_is_settled: bool = True
    """Whether it has stood still for some seconds: an editor may be about to write the rest of it."""


@dataclass(frozen=True, slots=True)
class OrgAlertState:
    """What was last notified of an org."""

    verdict: str
    level: Level
    notified_at: datetime | None
    """None: nothing was notified, as the org is well."""
    polled_at: datetime | None = None
    """When the poll with this verdict was made; older polls are ignored."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """What was last notified of each org, and of an outage."""

    orgs: Mapping[str, OrgAlertState] = field(default_factory=dict)
    outage_since: datetime | None = None
    """When the current outage was first notified; None: there is none."""
    outage_notified_at: datetime | None = None
    """When it was last notified."""
    outage_ended_at: datetime | None = None
    """When the last outage ended."""
    journal_notified_at: datetime | None = None
    """When it was last notified that the journal cannot be kept; None: it is kept."""
    watched: Mapping[tuple[str, str], datetime | None] = field(default_factory=dict)
    """The orgs that a config had at last, by its path and their names.

    None: it is still to be notified if one is missing there. A moment: since then it is not, as zbtui
    took it off watch, or it was notified.
    """


@dataclass(frozen=True, slots=True)
class Alert:
    """One notification that is due."""

    at: datetime
    kind: AlertKind
    org: str
    """`ALL_ORGS` for an outage, for the journal, and where several left."""
    previous_verdict: str | None
    """The verdict notified before; None: there was none."""
    verdict: str
    level: Level
    headline: str
    hint: str | None

    @property
    def title(self) -> str:
        """One line, such as `acme: failed`."""
        match self.kind:
            case "recovery" if self.level is Level.OK:
                return f"{self.org}: well again"
            case "recovery":
                return f"{self.org}: now {verdict_text(self.verdict)}"
            case "reminder" if self.org:
                return f"{self.org}: still {verdict_text(self.verdict)}"
            case "outage" | "reminder":
                return "No org can be reached"
            case "outage_over":
                return "Orgs can be reached again"
            case "journal":
                return "zbtui cannot keep its journal"
            case "journal_over":
                return "zbtui keeps its journal again"
            case "test":
                return "zbtui: a test alert"
            case "left":
                return f"{self.org or 'Several orgs'}: no longer watched"
            case _:
                return f"{self.org}: {verdict_text(self.verdict)}"


def verdict_text(verdict: str) -> str:
    """A verdict's name in words for people."""
    return _VERDICT_TEXTS.get(verdict) or verdict.replace("_", " ")


_VERDICT_TEXTS: Final = {"none": "no backup", "one_off": "a single backup"}
