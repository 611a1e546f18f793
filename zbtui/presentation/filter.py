"""The filter that somebody types: which orgs it lets through. Nothing typed is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, Verdict

_TERM: Final = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_SEPARATOR: Final = "\n"
"""Between two texts: no clean text holds one, so that no word matches across."""


@dataclass(frozen=True, slots=True)
class FilterTerm:
    """One word of a filter."""

    text: str
    """In lower case."""
    field: str | None = None
    """One of `FIELDS`; None: any of them, and how the org is watched."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OrgFilter:
    """Made by `parse_filter`. Lets through what all its words match."""

    terms: tuple[FilterTerm, ...] = ()

    def matches(self, texts: Mapping[str | None, str]) -> bool:
        """Args:
        texts: of an org, from `texts_of`.
        """
        for word in self.terms:
            wanted = _SEPARATOR + word.text if word.field in _PREFIX_FIELDS else word.text
            if (wanted in texts[word.field]) is word.negated:
                return False
        return True


def parse_filter(text: str) -> OrgFilter:
    """Words parted by blanks; `!word` inverts, `field:word` holds it to a field, quotes keep blanks.

    A level alone (`ok`, `warning`, `unknown`,
    `critical`) is held to its field. A field that there is not is taken as part of the word. What is
    still being typed (`!`, `tag:`) holds nothing back.
    """
    return OrgFilter(tuple(word for token in _TERM.findall(text) if (word := _parse_term(token)).text))


def _parse_term(token: str) -> FilterTerm:
    plain = token.replace('"', "")
    rest = plain.lstrip("!")
    inverted = (len(plain) - len(rest)) % 2 == 1
    field, colon, held = rest.partition(":")
    known = field.casefold() if colon and field.casefold() in FILTER_FIELDS else None
    if (
        known is None and rest.casefold() in _LEVEL_LABELS
    ):  # `!ok` is not to hide a "cannot look", nor a Brook
        return FilterTerm(rest.casefold(), "level", inverted)
    return FilterTerm((rest if known is None else held).casefold(), known, inverted)


def _verdict_text(snapshot: Snapshot, verdict: Verdict) -> str:
    return _SEPARATOR.join((verdict.name, verdict.name.replace("_", " "), verdict.badge))


def _level_text(snapshot: Snapshot, verdict: Verdict) -> str:
    """As the bar counts it: what could not be confirmed is not well."""
    return (Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level).label


def _requester_name(snapshot: Snapshot, verdict: Verdict) -> str:
    who = snapshot.zoho.backup.requester if snapshot.zoho.backup else None
    return (who.name if who else None) or ""


_FIELD_TEXTS: Final[dict[str, Callable[[Snapshot, Verdict], str]]] = {
    "name": lambda snapshot, verdict: snapshot.org.name,
    "company": lambda snapshot, verdict: snapshot.company_name or "",
    "dc": lambda snapshot, verdict: snapshot.org.data_center,  # its label is the same, in upper case
    "status": lambda snapshot, verdict: (snapshot.zoho.backup and snapshot.zoho.backup.status) or "",
    "verdict": _verdict_text,
    "level": _level_text,
    "by": _requester_name,
    "tag": lambda snapshot, verdict: _SEPARATOR.join(snapshot.org.tags),
}
FILTER_FIELDS: Final = tuple(_FIELD_TEXTS)
"""What a word can be held to, as in `dc:eu`."""
FILTER_HELP: Final = (
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
_LEVEL_LABELS: Final = frozenset(level.label for level in Level)
_PREFIX_FIELDS: Final = frozenset({"dc", "level"})
"""Fields of a few fixed words: `dc:us` is not to find `custom`."""


def searchable_texts(snapshot: Snapshot, verdict: Verdict) -> dict[str | None, str]:
    """What a filter looks through, in lower case, by field; None: all of them, and how it is watched."""
    texts: dict[str | None, str] = {
        field: _SEPARATOR + text(snapshot, verdict).casefold() for field, text in _FIELD_TEXTS.items()
    }
    watched = {"paused": snapshot.activity.paused, "muted": snapshot.org.mute, "stale": verdict.stale}
    texts[None] = _SEPARATOR.join([*texts.values(), *(word for word, holds in watched.items() if holds)])
    return texts
