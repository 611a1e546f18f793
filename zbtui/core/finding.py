"""The filter that somebody types: which orgs it lets through. Nothing typed is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Verdict

_TOKEN: Final = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_BREAK: Final = "\n"
"""Between two texts: no clean text holds one, so that no word matches across."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a filter."""

    text: str
    """In lower case."""
    field: str | None = None
    """One of `FIELDS`; None: any of them, and how the org is watched."""
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Made by `parse_filter`. Lets through what all its words match."""

    words: tuple[Word, ...] = ()

    def matches(self, texts: Mapping[str | None, str]) -> bool:
        """Args:
        texts: of an org, from `texts_of`.
        """
        for word in self.words:
            wanted = _BREAK + word.text if word.field in _FROM_THE_START else word.text
            if (wanted in texts[word.field]) is word.inverted:
                return False
        return True


def parse_filter(text: str) -> Filter:
    """Words parted by blanks; `!word` inverts, `field:word` holds it to a field, quotes keep blanks.

    A level alone (`ok`, `warning`, `unknown`,
    `critical`) is held to its field. A field that there is not is taken as part of the word. What is
    still being typed (`!`, `tag:`) holds nothing back.
    """
    return Filter(tuple(word for token in _TOKEN.findall(text) if (word := _read(token)).text))


def _read(token: str) -> Word:
    plain = token.replace('"', "")
    rest = plain.lstrip("!")
    inverted = (len(plain) - len(rest)) % 2 == 1
    field, colon, held = rest.partition(":")
    known = field.casefold() if colon and field.casefold() in FIELDS else None
    if known is None and rest.casefold() in _LEVELS:  # `!ok` is not to hide a "cannot look", nor a Brook
        return Word(rest.casefold(), "level", inverted)
    return Word((rest if known is None else held).casefold(), known, inverted)


def _verdict(snapshot: Snapshot, verdict: Verdict) -> str:
    return _BREAK.join((verdict.name, verdict.name.replace("_", " "), verdict.word))


def _level(snapshot: Snapshot, verdict: Verdict) -> str:
    """As the bar counts it: what could not be confirmed is not well."""
    return (Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level).word


def _requester(snapshot: Snapshot, verdict: Verdict) -> str:
    who = snapshot.zoho.backup.requester if snapshot.zoho.backup else None
    return (who.name if who else None) or ""


_TEXTS: Final[dict[str, Callable[[Snapshot, Verdict], str]]] = {
    "name": lambda snapshot, verdict: snapshot.org.name,
    "company": lambda snapshot, verdict: snapshot.company_name or "",
    "dc": lambda snapshot, verdict: snapshot.org.data_center,  # its label is the same, in upper case
    "status": lambda snapshot, verdict: (snapshot.zoho.backup and snapshot.zoho.backup.status) or "",
    "verdict": _verdict,
    "level": _level,
    "by": _requester,
    "tag": lambda snapshot, verdict: _BREAK.join(snapshot.org.tags),
}
FIELDS: Final = tuple(_TEXTS)
"""What a word can be held to, as in `dc:eu`."""
FILTER_WORDS: Final = (
    ("acme !eu", "every word must be in some field; with ! in none"),
    ('"ab c"', 'as one word; so in company:"ab c"'),
    ("name:", "only in the org's name, as in the config"),
    ("company:", "the company's name, as in Zoho"),
    ("dc:eu", "the data center"),
    ("status:", "Zoho's own status word"),
    ("verdict:", "the badge, such as verdict:overdue"),
    ("level:ok", "ok, warning, unknown, critical; !ok: all that is not well"),
    ("by:", "who set the backup up"),
    ("tag:", "the org's tags"),
    ("paused", "how it is watched: paused, muted, stale"),
)
"""What can be typed, and what it means."""
_LEVELS: Final = frozenset(level.word for level in Level)
_FROM_THE_START: Final = frozenset({"dc", "level"})
"""Fields of a few fixed words: `dc:us` is not to find `custom`."""


def texts_of(snapshot: Snapshot, verdict: Verdict) -> dict[str | None, str]:
    """What a filter looks through, in lower case, by field; None: all of them, and how it is watched."""
    texts: dict[str | None, str] = {
        field: _BREAK + text(snapshot, verdict).casefold() for field, text in _TEXTS.items()
    }
    watched = {"paused": snapshot.activity.paused, "muted": snapshot.org.mute, "stale": verdict.stale}
    texts[None] = _BREAK.join([*texts.values(), *(word for word, holds in watched.items() if holds)])
    return texts
