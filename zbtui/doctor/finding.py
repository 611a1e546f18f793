"""What the doctor found: a line and a cure each, as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Final

from zbtui.core.text import clean
from zbtui.core.trouble import Trouble

_LONGEST: Final = 400
"""Characters of a message, which may hold a path."""
_WIDEST: Final = len("data center")


class Level(IntEnum):
    """How bad, worst last."""

    OK = 0
    REMARK = 1
    """Nothing wrong, but worth a word; or not checked, for what is wrong stands above."""
    WARNING = 2
    PROBLEM = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def glyph(self) -> str:
        return "✔·▲✖"[self]


EXIT_CODES: Final = {Level.OK: 0, Level.REMARK: 0, Level.WARNING: 1, Level.PROBLEM: 2}
NOT_CHECKED: Final = "NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined. Holds no secret; its texts are clean."""

    subject: str
    """What was examined: `clock`, `token` …"""
    org: str | None
    """Whose; None: this machine's."""
    level: Level
    message: str
    """What was found, one sentence."""
    hint: str | None = None
    """The cure, one sentence."""
    code: str | None = None
    """Zoho's own word for what is wrong, or ours, where there is one."""


def of_trouble(subject: str, org: str | None, trouble: Trouble, more: str = "", cure: str = "") -> Finding:
    """A trouble, as a finding; what goes by without anybody's help is a warning.

    Args:
        more: another sentence for the message.
        cure: another one for the hint.
    """
    level = Level.WARNING if trouble.kind == "throttled" else Level.PROBLEM
    message = clean(f"{trouble.message} {more}", _LONGEST)
    return Finding(subject, org, level, message, clean(f"{trouble.hint} {cure}", _LONGEST), trouble.code)


def not_checked(subject: str, org: str | None, why: str, hint: str | None = None) -> Finding:
    """What could not be looked at, because of something that is told elsewhere."""
    return Finding(subject, org, Level.REMARK, f"not checked: {why}", hint, NOT_CHECKED)


def level_of(findings: Iterable[Finding]) -> Level:
    """The worst one's; `OK` where there are none."""
    return max((finding.level for finding in findings), default=Level.OK)


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing wrong; 1: warnings; 2: problems."""
    return EXIT_CODES[level_of(findings)]


def summary(findings: Sequence[Finding]) -> str:
    """`2 problems, 1 warning`, or `all is well`."""
    counts = Counter(finding.level for finding in findings)
    told = [
        f"{counts[level]} {level.word}{'s' if counts[level] > 1 else ''}"
        for level in (Level.PROBLEM, Level.WARNING)
        if counts[level]
    ]
    return ", ".join(told) or "all is well"


def lines_of(finding: Finding, before: Finding | None) -> list[str]:
    """One finding's lines, for who prints them as they come.

    Args:
        before: the finding that was printed last; an org's first one is headed by the org's name.
    """
    lines = []
    indent = ""
    if finding.org is not None:
        indent = "  "
        if before is None or before.org != finding.org:
            lines += ["", finding.org]
    lines.append(f"{indent}{finding.level.glyph} {finding.subject:<{_WIDEST}}  {finding.message}")
    if finding.hint:
        lines.append(f"{indent}{'':<{_WIDEST + 2}}  → {finding.hint}")
    return lines


def as_text(findings: Sequence[Finding]) -> str:
    """The summary, then each finding."""
    lines = [summary(findings)]
    before = None
    for finding in findings:
        lines += lines_of(finding, before)
        before = finding
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """One JSON object; every key always there, what is not known null."""
    body = {
        "schema": 1,
        "level": level_of(findings).word,
        "findings": [_fields(finding) for finding in findings],
    }
    return json.dumps(body, indent=2)


def _fields(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"level": finding.level.word}
