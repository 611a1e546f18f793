"""Formats a check as text, for people and for monitoring systems that show only the first line."""

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
    """The widths of the columns, in terminal cells."""

    name: int
    data_center: int
    badge: int


def report_as_text(report: Report, *, coloured: bool = False) -> str:
    """Format a report: a summary line, then a row for each org, worst first, with its hint below."""
    widths = _ColumnWidths(
        max((cell_width(result.snapshot.org.name) for result in report.results), default=0),
        max((cell_width(_data_center(result)) for result in report.results), default=0),
        max((cell_width(result.verdict.badge) for result in report.results), default=0),
    )
    rows = (_rows(result, widths, coloured=coloured) for result in report.results)
    text = "\n".join([_summary(report, coloured=coloured), *(row for lines in rows for row in lines)])
    return text.replace("|", "¦")  # monitoring systems take what follows a "|" for figures


def _summary(report: Report, *, coloured: bool) -> str:
    counts = Counter(result.verdict.level for result in report.results)
    counts_by_level = ", ".join(
        f"{counts[level]} {level.label}" for level in sorted(Level, reverse=True) if counts[level]
    )
    word = colour_by_level(report.level.label.upper(), report.level, coloured=coloured)
    return f"{word}: {counts_by_level or 'no org is under watch'}"


def _rows(result: OrgResult, widths: _ColumnWidths, *, coloured: bool) -> list[str]:
    verdict, name = result.verdict, result.snapshot.org.name
    columns = (
        colour_by_level(verdict.glyph, verdict.level, coloured=coloured)
        + f" {pad_to_width(name, widths.name)}",
        pad_to_width(_data_center(result), widths.data_center),
        colour_by_level(pad_to_width(verdict.badge, widths.badge), verdict.level, coloured=coloured),
        " · ".join([verdict.headline, *_facts(result), *verdict.notes]),
    )
    rows = ["  ".join(columns)]
    if verdict.hint:
        rows.append(f"{'':<{widths.name + 2}}  → {verdict.hint}")
    return rows


def _data_center(result: OrgResult) -> str:
    return data_center_label(result.snapshot.org.data_center)


def _facts(result: OrgResult) -> list[str]:
    """Return facts to show after an org's headline; if its last poll failed, only the times of polls."""
    snapshot, now = result.snapshot, result.judged_at
    polled_at = snapshot.polls.attempted_at
    recalled = [f"looked at {ago(now - polled_at)}"] if result.is_recalled and polled_at else []
    backup, problem, seen = snapshot.zoho.backup, snapshot.polls.problem, snapshot.zoho.observed_at
    if seen is None or problem:
        facts = [f"last seen {ago(now - seen)}"] if seen else []
        if problem and problem.forbids_early_retry and problem.retry_at and problem.retry_at > now:
            facts.append(f"asks again in {countdown(problem.retry_at - now)}")
        return recalled + facts
    facts = [rrule_text(backup.rrule)] if backup and backup.rrule else []
    if backup and backup.requester and backup.requester.name:
        facts.append(f"by {backup.requester.name}")
    return [*recalled, *facts, last_good_summary(snapshot, now), links_summary(snapshot, now)]
