"""The doctor's findings, and their output as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Final

from zbtui.model.problem import Problem
from zbtui.model.text import clean

_MAX_MESSAGE_LENGTH: Final = 400
"""The most characters of a finding's message or hint, which can contain a path."""
_SUBJECT_WIDTH: Final = len("data center")


class FindingLevel(IntEnum):
    """How bad a finding is; the members are in order, the worst last."""

    OK = 0
    REMARK = 1
    """A fact that is worth noting, or a check that an earlier problem made impossible."""
    WARNING = 2
    PROBLEM = 3

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def glyph(self) -> str:
        return "✔·▲✖"[self]


EXIT_STATUS_BY_FINDING_LEVEL: Final = {
    FindingLevel.OK: 0,
    FindingLevel.REMARK: 0,
    FindingLevel.WARNING: 1,
    FindingLevel.PROBLEM: 2,
}
NOT_CHECKED: Final = "NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. It contains no secret, and its texts contain no control characters."""

    subject: str
    """What was examined, such as `clock` or `token`."""
    org: str | None
    """The name of the org; None if the finding is on this machine."""
    level: FindingLevel
    message: str
    """The result, in one sentence."""
    hint: str | None = None
    """The cure, in one sentence."""
    code: str | None = None
    """Zoho's code for the problem, or one of zbtui's own; None if there is no code."""


def problem_finding(
    subject: str, org: str | None, problem: Problem, more: str = "", cure: str = ""
) -> Finding:
    """Turn a problem into a finding; throttling is only a warning, as it ends by itself.

    `more` is a sentence to append to the message, `cure` a sentence to append to the hint.
    """
    level = FindingLevel.WARNING if problem.kind == "throttled" else FindingLevel.PROBLEM
    message = clean(f"{problem.message} {more}", _MAX_MESSAGE_LENGTH)
    hint = clean(f"{problem.hint} {cure}", _MAX_MESSAGE_LENGTH)
    return Finding(subject, org, level, message, hint, problem.code)


def not_checked_finding(subject: str, org: str | None, why: str, hint: str | None = None) -> Finding:
    """Return a remark that something could not be checked, because of another finding."""
    return Finding(subject, org, FindingLevel.REMARK, f"not checked: {why}", hint, NOT_CHECKED)


def worst_level(findings: Iterable[Finding]) -> FindingLevel:
    """Return the worst level of the findings; `OK` if there are none."""
    return max((finding.level for finding in findings), default=FindingLevel.OK)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit status: 2 if there are problems, else 1 if there are warnings, else 0."""
    return EXIT_STATUS_BY_FINDING_LEVEL[worst_level(findings)]


def findings_summary(findings: Sequence[Finding]) -> str:
    """Return a one-line summary: `all is well`, or the number of problems and warnings and the worst one.

    Example: `2 problems, 1 warning; the worst is acme's backup: FAILED, …`.
    """
    counts = Counter(finding.level for finding in findings)
    parts = [
        f"{counts[level]} {level.label}{'s' if counts[level] > 1 else ''}"
        for level in (FindingLevel.PROBLEM, FindingLevel.WARNING)
        if counts[level]
    ]
    if not parts:
        return "all is well"
    # Of equally bad findings, name the one on a backup: it matters most.
    worst = max(findings, key=lambda finding: (finding.level, finding.subject == "backup"))
    whose = f"{worst.org}'s {worst.subject}" if worst.org else worst.subject
    return f"{', '.join(parts)}; the worst is {whose}: {worst.message}"


def finding_lines(finding: Finding, before: Finding | None) -> list[str]:
    """Return the lines of a finding; the lines of an org's first finding begin with the org's name.

    `before` is the finding that was printed before this one; None if there was none.
    """
    lines = []
    indent = ""
    if finding.org is not None:
        indent = "  "
        if before is None or before.org != finding.org:
            lines += ["", finding.org]
    lines.append(f"{indent}{finding.level.glyph} {finding.subject:<{_SUBJECT_WIDTH}}  {finding.message}")
    if finding.hint:
        lines.append(f"{indent}{'':<{_SUBJECT_WIDTH + 2}}  → {finding.hint}")
    return lines


def findings_as_text(findings: Sequence[Finding]) -> str:
    """Format findings as text: the summary, then each finding."""
    lines = [findings_summary(findings)]
    before = None
    for finding in findings:
        lines += finding_lines(finding, before)
        before = finding
    return "\n".join(lines)


def findings_as_json(findings: Sequence[Finding]) -> str:
    """Format findings as one JSON object; every key is always present, null if unknown."""
    body = {
        "schema": 1,
        "level": worst_level(findings).label,
        "findings": [_finding_object(finding) for finding in findings],
    }
    return json.dumps(body, indent=2)


def _finding_object(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"level": finding.level.label}
