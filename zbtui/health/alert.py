"""The types of the alert policy: alerts, the settings that decide them, and what was notified before."""

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
"""The value of `Alert.org` in an alert that is not about a single org."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The settings and circumstances by which `decide_alerts` decides which alerts are due."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    poll_interval: timedelta = timedelta(minutes=5)
    """The time between two polls of an org.

    Before an org is notified as out of reach, zbtui waits up to two intervals for the polls of the other
    orgs.
    """
    covers_all_orgs: bool = True
    """Whether this process watches all orgs of the config; only such a process can detect an outage."""
    journal_problem: Problem | None = None
    """The problem that keeps zbtui from writing its journal (its database); None if there is none."""
    config: str = ""
    """The path of the config file that lists the orgs; empty if the config exists only in memory."""
    config_is_settled: bool = True
    """Whether the config file was unchanged for some seconds, so that no editor is still writing it."""


@dataclass(frozen=True, slots=True)
class OrgAlertState:
    """The last verdict on an org for which alerts were decided, and when the verdict was notified."""

    verdict: str
    level: Level
    notified_at: datetime | None
    """The time when the verdict was last notified; None if its level is too low to be notified."""
    polled_at: datetime | None = None
    """The time of the poll that led to this verdict; the results of older polls are ignored."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """The record of what was notified: about each org, an outage, the journal, and missing orgs."""

    orgs: Mapping[str, OrgAlertState] = field(default_factory=dict)
    outage_since: datetime | None = None
    """The time when the current outage of all orgs was first notified; None if there is no outage."""
    outage_notified_at: datetime | None = None
    """The time when the current outage was last notified, by an alert or by a reminder."""
    outage_ended_at: datetime | None = None
    """The time when the last outage ended; None if none has ended, or if an outage lasts."""
    journal_notified_at: datetime | None = None
    """The time of the last alert that the journal cannot be written; None if the journal is written."""
    watched: Mapping[tuple[str, str], datetime | None] = field(default_factory=dict)
    """The orgs that were ever listed in a config, by the config's path and the org's name.

    The value None means that the org is watched: an alert is due once the org is missing from the config. A
    time means that no alert is due: at that time, zbtui itself removed the org, or the alert was stored.
    """


@dataclass(frozen=True, slots=True)
class Alert:
    """A message that is to be sent to people, about an org or about zbtui itself."""

    at: datetime
    kind: AlertKind
    org: str
    """The org's name; `ALL_ORGS` if the alert is about an outage, the journal, or several missing orgs."""
    previous_verdict: str | None
    """The name of the verdict in the alert state before this alert; None if there was no verdict."""
    verdict: str
    level: Level
    headline: str
    hint: str | None

    @property
    def title(self) -> str:
        """The alert's subject in one line, such as `acme: failed`."""
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
    """Return a verdict's name in plain words, such as `too old` for `too_old`."""
    return _VERDICT_TEXTS.get(verdict) or verdict.replace("_", " ")


_VERDICT_TEXTS: Final = {"none": "no backup", "one_off": "a single backup"}
