"""The verdict on an org: its level, its texts, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal


class Level(IntEnum):
    """The level of a verdict: how bad it is, from the best to the worst."""

    OK = 0
    WARNING = 1
    UNKNOWN = 2
    CRITICAL = 3

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def glyph(self) -> str:
        return "●▲?✖"[self]


VerdictName = Literal[
    "cannot_tell",
    "waiting",
    "wrong_org",
    "failed",
    "stopped",
    "missed",
    "overdue",
    "too_old",
    "ended_oddly",
    "running_long",
    "twin",
    "none",
    "one_off",
    "links_expiring",
    "unknown_status",
    "running",
    "scheduled",
    "completed",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of judging a snapshot."""

    name: VerdictName
    level: Level
    badge: str
    """The word on the badge: Zoho's status word, or one of zbtui's own (`NO BACKUP`, `OFFLINE` …)."""
    headline: str
    """The org's state in a few words; the part before a "; " is enough on its own."""
    hint: str | None = None
    """The advice what a person can do; the part before a ": " is enough on its own."""
    stale: bool = False
    """Whether the verdict rests on data that a newer poll could not confirm."""
    notes: tuple[str, ...] = ()
    """The facts worth knowing about an org with a good verdict."""

    @property
    def glyph(self) -> str:
        """The verdict's narrow character, a different one for each verdict name, clear without colour."""
        return _GLYPHS[self.name]


_GLYPHS: Final[dict[VerdictName, str]] = {
    "cannot_tell": "?",
    "waiting": "◌",
    "wrong_org": "≠",
    "failed": "✖",
    "stopped": "■",
    "missed": "◈",
    "overdue": "◆",
    "too_old": "◇",
    "ended_oddly": "△",
    "running_long": "▷",
    "twin": "≡",
    "none": "○",
    "one_off": "◐",
    "links_expiring": "◔",
    "unknown_status": "▲",
    "running": "▶",
    "scheduled": "●",
    "completed": "✔",
}
