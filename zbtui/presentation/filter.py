"""The filter that a user types to select orgs. Every text is a valid filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, Verdict

_TERM: Final = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_SEPARATOR: Final = "\n"
"""The separator of an org's joined texts. No cleaned text contains it, so no term matches across texts."""


@dataclass(frozen=True, slots=True)
class FilterTerm:
    """One term of a filter, such as `acme` or `!dc:eu`."""

    text: str
    """The text to search for, in lower case."""
    field: str | None = None
    """The field to search, one of `FILTER_FIELDS`; None to search all texts of an org."""
    negated: bool = False
    """Whether the term matches the orgs that do not contain the text."""


@dataclass(frozen=True, slots=True)
class OrgFilter:
    """A filter that selects the orgs that match all of its terms. Made by `parse_filter`."""

    terms: tuple[FilterTerm, ...] = ()

    def matches(self, texts: Mapping[str | None, str]) -> bool:
        """Return whether an org matches all terms; `texts` are the org's `searchable_texts`."""
        for term in self.terms:
            wanted = _SEPARATOR + term.text if term.field in _PREFIX_FIELDS else term.text
            if (wanted in texts[term.field]) is term.negated:
                return False
        return True


def parse_filter(text: str) -> OrgFilter:
    """Parse a filter, whose terms are separated by blanks.

    `!word` negates a term, `field:word` searches one field, and a word in quotes can contain blanks. A
    level alone (`ok`, `warning`, `unknown`, `critical`) searches only the field `level`. If the field
    before a colon is unknown, field and colon are part of the word. An unfinished term (`!`, `tag:`) is
    ignored.
    """
    return OrgFilter(tuple(term for token in _TERM.findall(text) if (term := _parse_term(token)).text))


def _parse_term(token: str) -> FilterTerm:
    plain = token.replace('"', "")
    rest = plain.lstrip("!")
    negated = (len(plain) - len(rest)) % 2 == 1
    field, colon, value = rest.partition(":")
    known = field.casefold() if colon and field.casefold() in FILTER_FIELDS else None
    # Otherwise `!ok` would also hide an org called Brook.
    if known is None and rest.casefold() in _LEVEL_LABELS:
        return FilterTerm(rest.casefold(), "level", negated)
    return FilterTerm((rest if known is None else value).casefold(), known, negated)


def _verdict_text(snapshot: Snapshot, verdict: Verdict) -> str:
    return _SEPARATOR.join((verdict.name, verdict.name.replace("_", " "), verdict.badge))


def _level_text(snapshot: Snapshot, verdict: Verdict) -> str:
    """Return the level under which the fleet bar counts the org; a stale ok verdict counts as unknown."""
    return (Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level).label


def _requester_name(snapshot: Snapshot, verdict: Verdict) -> str:
    requester = snapshot.zoho.backup.requester if snapshot.zoho.backup else None
    return (requester.name if requester else None) or ""


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
"""The names of the fields to which a term can be limited, as in `dc:eu`."""
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
"""Pairs of an example of a filter and its meaning, for the help screen."""
_LEVEL_LABELS: Final = frozenset(level.label for level in Level)
_PREFIX_FIELDS: Final = frozenset({"dc", "level"})
"""The fields whose text a term matches only at its beginning, so that `dc:us` does not match `custom`."""


def searchable_texts(snapshot: Snapshot, verdict: Verdict) -> dict[str | None, str]:
    """Return the texts of an org that a filter searches, in lower case, by the name of the field.

    The key None holds all these texts, and those of the words paused, muted and stale that apply to the
    org.
    """
    texts: dict[str | None, str] = {
        field: _SEPARATOR + text(snapshot, verdict).casefold() for field, text in _FIELD_TEXTS.items()
    }
    states = {"paused": snapshot.activity.paused, "muted": snapshot.org.mute, "stale": verdict.stale}
    texts[None] = _SEPARATOR.join([*texts.values(), *(word for word, holds in states.items() if holds)])
    return texts
