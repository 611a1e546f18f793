"""Alerts, the rules that decide which are due, and the state of what was notified."""

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
"""Stands for the org's name in an alert about all orgs."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The settings and circumstances on which `decide_alerts` depends."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    poll_interval: timedelta = timedelta(minutes=5)
    """The time between two polls of an org; an "out of reach" alert waits for the other orgs' polls."""
    covers_all_orgs: bool = True
    """Whether this process watches all orgs; only then can it detect an outage."""
    journal_problem: Problem | None = None
    """Why the journal cannot be kept; None: the journal is kept."""
    config: str = ""
    """The path of the config that names the orgs; empty for a config in memory."""
    config_is_settled: bool = True
    """Whether the config has not changed for some seconds; before that, an editor may still be writing."""


@dataclass(frozen=True, slots=True)
class OrgAlertState:
    """The last verdict that was evaluated for an org, and when it was notified."""

    verdict: str
    level: Level
    notified_at: datetime | None
    """None: the org is well, so nothing was notified."""
    polled_at: datetime | None = None
    """When the poll behind this verdict was made; older polls are ignored."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """What was notified so far: of each org, an outage, the journal, and orgs that left the config."""

    orgs: Mapping[str, OrgAlertState] = field(default_factory=dict)
    outage_since: datetime | None = None
    """When the current outage was first notified; None: there is none."""
    outage_notified_at: datetime | None = None
    """When the current outage was last notified, by an alert or a reminder."""
    outage_ended_at: datetime | None = None
    """When the last outage ended."""
    journal_notified_at: datetime | None = None
    """When it was last notified that the journal cannot be kept; None: the journal is kept."""
    watched: Mapping[tuple[str, str], datetime | None] = field(default_factory=dict)
    """Each org that a config has had, by the config's path and the org's name.

    None: the org is watched, so an alert is due once it is missing from the config. A time: no alert is
    due, because zbtui took the org off watch then, or the alert was stored then.
    """


@dataclass(frozen=True, slots=True)
class Alert:
    """One notification that is due."""

    at: datetime
    kind: AlertKind
    org: str
    """`ALL_ORGS` if the alert is about an outage, the journal, or several orgs that left the config."""
    previous_verdict: str | None
    """The verdict in the alert state before this alert; None: there was none."""
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
    """A verdict's name in plain words."""
    return _VERDICT_TEXTS.get(verdict) or verdict.replace("_", " ")


_VERDICT_TEXTS: Final = {"none": "no backup", "one_off": "a single backup"}
