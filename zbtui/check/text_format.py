"""A check in text, for people and for monitoring systems that show the first line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from zbtui.check.columns import cell_width, colour_by_level, pad_to_width
from zbtui.check.report import OrgResult, Report
from zbtui.model.time_format import ago, countdown
from zbtui.model.verdict import Level
from zbtui.presentation.summaries import last_good_summary, links_summary
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.recurrence import rrule_text


@dataclass(frozen=True, slots=True)
class _ColumnWidths:
    """Of the columns, in cells."""

    name: int
    data_center: int
    badge: int


def report_as_text(report: Report, *, coloured: bool = False) -> str:
    """A summary line, then an aligned row an org, worst first, and below it the cure where it needs one."""
    widths = _ColumnWidths(
        max((cell_width(finding.snapshot.org.name) for finding in report.results), default=0),
        max((cell_width(_data_center(finding)) for finding in report.results), default=0),
        max((cell_width(finding.verdict.badge) for finding in report.results), default=0),
    )
    rows = (_rows(finding, widths, coloured=coloured) for finding in report.results)
    return "\n".join([_summary(report, coloured=coloured), *(row for lines in rows for row in lines)])


def _summary(report: Report, *, coloured: bool) -> str:
    counts = Counter(finding.verdict.level for finding in report.results)
    told = ", ".join(
        f"{counts[level]} {level.label}" for level in sorted(Level, reverse=True) if counts[level]
    )
    word = colour_by_level(report.level.label.upper(), report.level, coloured=coloured)
    return f"{word}: {told or 'no org is under watch'}"


def _rows(finding: OrgResult, widths: _ColumnWidths, *, coloured: bool) -> list[str]:
    verdict, name = finding.verdict, finding.snapshot.org.name
    columns = (
        colour_by_level(verdict.glyph, verdict.level, coloured=coloured)
        + f" {pad_to_width(name, widths.name)}",
        pad_to_width(_data_center(finding), widths.data_center),
        colour_by_level(pad_to_width(verdict.badge, widths.badge), verdict.level, coloured=coloured),
        " · ".join([verdict.headline, *_facts(finding)]),
    )
    rows = ["  ".join(columns)]
    if verdict.hint:
        rows.append(f"{'':<{widths.name + 2}}  → {verdict.hint}")
    return rows


def _data_center(finding: OrgResult) -> str:
    return data_center_label(finding.snapshot.org.data_center)


def _facts(finding: OrgResult) -> list[str]:
    """What is known beside the headline; of an org out of reach only how old that is."""
    snapshot, now = finding.snapshot, finding.judged_at
    backup, trouble, seen = snapshot.zoho.backup, snapshot.polls.problem, snapshot.zoho.observed_at
    if seen is None or trouble:
        facts = [f"last seen {ago(now - seen)}"] if seen else []
        if trouble and trouble.forbids_early_retry and trouble.retry_at and trouble.retry_at > now:
            facts.append(f"asks again in {countdown(trouble.retry_at - now)}")
        return facts
    facts = [rrule_text(backup.rrule)] if backup and backup.rrule else []
    if backup and backup.requester and backup.requester.name:
        facts.append(f"by {backup.requester.name}")
    return [*facts, last_good_summary(snapshot, now), links_summary(snapshot, now)]
