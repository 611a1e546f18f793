"""A check in text, for people and for monitoring systems that show the first line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from zbtui.check.columns import cells, pad, paint
from zbtui.check.report import Finding, Report
from zbtui.core.explain import label
from zbtui.core.past import last_good_words, links_words
from zbtui.core.recurrence import in_words
from zbtui.core.timefmt import ago, countdown
from zbtui.core.verdict import Level


@dataclass(frozen=True, slots=True)
class _Widths:
    """Of the columns, in cells."""

    name: int
    place: int
    word: int


def as_text(report: Report, *, coloured: bool = False) -> str:
    """A summary line, then an aligned row an org, worst first, and below it the cure where it needs one."""
    widths = _Widths(
        max((cells(finding.snapshot.org.name) for finding in report.findings), default=0),
        max((cells(_place(finding)) for finding in report.findings), default=0),
        max((cells(finding.verdict.word) for finding in report.findings), default=0),
    )
    rows = (_rows(finding, widths, coloured=coloured) for finding in report.findings)
    return "\n".join([_summary(report, coloured=coloured), *(row for lines in rows for row in lines)])


def _summary(report: Report, *, coloured: bool) -> str:
    counts = Counter(finding.verdict.level for finding in report.findings)
    told = ", ".join(
        f"{counts[level]} {level.word}" for level in sorted(Level, reverse=True) if counts[level]
    )
    word = paint(report.level.word.upper(), report.level, coloured=coloured)
    return f"{word}: {told or 'no org is under watch'}"


def _rows(finding: Finding, widths: _Widths, *, coloured: bool) -> list[str]:
    verdict, name = finding.verdict, finding.snapshot.org.name
    columns = (
        f"{paint(verdict.glyph, verdict.level, coloured=coloured)} {pad(name, widths.name)}",
        pad(_place(finding), widths.place),
        paint(pad(verdict.word, widths.word), verdict.level, coloured=coloured),
        " · ".join([verdict.headline, *_facts(finding)]),
    )
    rows = ["  ".join(columns)]
    if verdict.hint:
        rows.append(f"{'':<{widths.name + 2}}  → {verdict.hint}")
    return rows


def _place(finding: Finding) -> str:
    return label(finding.snapshot.org.data_center)


def _facts(finding: Finding) -> list[str]:
    """What is known beside the headline; of an org out of reach only how old that is."""
    snapshot, now = finding.snapshot, finding.at
    backup, trouble, seen = snapshot.zoho.backup, snapshot.polls.problem, snapshot.zoho.observed_at
    if seen is None or trouble:
        facts = [f"last seen {ago(now - seen)}"] if seen else []
        if trouble and trouble.is_barred and trouble.retry_at and trouble.retry_at > now:
            facts.append(f"asks again in {countdown(trouble.retry_at - now)}")
        return facts
    facts = [in_words(backup.rrule)] if backup and backup.rrule else []
    if backup and backup.requester and backup.requester.name:
        facts.append(f"by {backup.requester.name}")
    return [*facts, last_good_words(snapshot, now), links_words(snapshot, now)]
