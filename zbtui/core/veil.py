"""What may be shown of an org while somebody looks over the shoulder: its state, but not whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from zbtui.core.backup import Backup, Requester
from zbtui.core.company import Company
from zbtui.core.history import Entry
from zbtui.core.org import Org
from zbtui.core.runs import History
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble

HIDDEN: Final = "hidden"
_SHORT: Final = 3


def veil(snapshot: Snapshot, alias: str) -> Snapshot:
    """The same state of an org that nobody can tell: judged, it has the same verdict and level.

    Status, dates, plan, data center, edition and accent stay. What is not known stays unknown.

    Args:
        alias: what the org is called instead.
    """
    backup, company, history = snapshot.backup, snapshot.company, snapshot.history
    return replace(
        snapshot,
        org=_org(snapshot.org, alias),
        backup=backup and _backup(backup),
        company=company and _company(company),
        history=history and _history(history),
        trouble=_trouble(snapshot.trouble, snapshot, alias),
        past_trouble=_trouble(snapshot.past_trouble, snapshot, alias),
    )


def veil_text(text: str, snapshot: Snapshot, alias: str) -> str:
    """A text about an org, without what `veil` hides of it: each word that holds any of that is replaced.

    Args:
        snapshot: the org's, not veiled.
        alias: what the org is called instead.
    """
    name, folded = snapshot.org.name, text.casefold()
    there = {secret for secret in (name, *_secrets(snapshot)) if secret.casefold() in folded}
    if not there:
        return text
    # The longest first, for one may be part of another; with the rest of the word, which would tell.
    parts = "|".join(map(_pattern, sorted(there, key=len, reverse=True)))
    return re.sub(
        rf"\w*({parts})\w*",
        lambda found: alias if found[1].casefold() == name.casefold() else HIDDEN,
        text,
        flags=re.IGNORECASE,
    )


def _pattern(secret: str) -> str:
    """Where it stands; one of a few letters only as a word of its own, for others have it in them."""
    plain = re.escape(secret)
    return plain if len(secret) > _SHORT else rf"(?<![^\W_]){plain}(?![^\W_])"


def _org(org: Org, alias: str) -> Org:
    return replace(
        org,
        name=alias,
        client_id=HIDDEN,
        soid=org.soid and HIDDEN,
        accounts_url=org.accounts_url and HIDDEN,
        api_url=org.api_url and HIDDEN,
        tags=(),
    )


def _backup(backup: Backup) -> Backup:
    return replace(backup, id=backup.id and HIDDEN, requester=_someone(backup.requester))


def _company(company: Company) -> Company:
    return replace(
        company,
        name=company.name and HIDDEN,
        number=company.number and HIDDEN,
        country=company.country and HIDDEN,
    )


def _history(history: History) -> History:
    rows = {id(entry): _row(entry) for entry in history.entries}

    def same(entry: Entry | None) -> Entry | None:
        return entry and rows[id(entry)]

    return replace(
        history,
        entries=tuple(rows.values()),
        last_finished=same(history.last_finished),
        last_completed=same(history.last_completed),
        last_failed=same(history.last_failed),
        under_way=same(history.under_way),
    )


def _row(entry: Entry) -> Entry:
    # Not `replace`, which takes three times as long: thousands of orgs have a hundred of them each.
    return Entry(
        id=None,
        action=entry.action,
        state=entry.state,
        repeat_type=entry.repeat_type,
        file_name=entry.file_name and HIDDEN,
        count=entry.count,
        at=entry.at,
        done_by=entry.done_by and _someone(entry.done_by),
    )


_ALL_HIDDEN: Final = Requester(HIDDEN, HIDDEN, HIDDEN)


def _someone(who: Requester | None) -> Requester | None:
    if who is None or (who.id and who.name and who.zuid):
        return who and _ALL_HIDDEN
    return Requester(who.id and HIDDEN, who.name and HIDDEN, who.zuid and HIDDEN)


def _trouble(trouble: Trouble | None, snapshot: Snapshot, alias: str) -> Trouble | None:
    if trouble is None:
        return None
    message, hint = (veil_text(text, snapshot, alias) for text in (trouble.message, trouble.hint))
    code = trouble.code
    if code and not trouble.is_barred:
        code = veil_text(code, snapshot, alias)
    return replace(trouble, message=message, hint=hint, code=code)


def _secrets(snapshot: Snapshot) -> Iterator[str]:
    """All that is hidden of an org but its name. None of it is empty."""
    org, backup, company, history = snapshot.org, snapshot.backup, snapshot.company, snapshot.history
    known: list[str | None] = [org.client_id, org.soid, (org.soid or "").rpartition(".")[2], *org.tags]
    for url in filter(None, (org.accounts_url, org.api_url)):
        known += [url, _host(url)]
    if company:
        known += [company.name, company.number, company.country]
    people = {backup.requester} if backup else set()
    if backup:
        known.append(backup.id)
    for entry in history.entries if history else ():
        known += [entry.id, entry.file_name]
        people.add(entry.done_by)
    for who in people:
        known += [who.id, who.name, who.zuid] if who else []
    yield from filter(None, known)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
