"""What was seen, made into findings. Pure; the order is the order in which one thing needs another."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, TypeGuard
from urllib.parse import urlsplit

from zbtui.core.company import Company
from zbtui.core.explain import BACKUP_SCOPE, LACKS_SCOPE, RETRY_WITH_NEW_TOKEN, SCOPES, label
from zbtui.core.judge import judge
from zbtui.core.org import CUSTOM, Org, Policy
from zbtui.core.snapshot import CLOCK_TOLERANCE, Looked, Snapshot, succeeded
from zbtui.core.text import clean
from zbtui.core.timefmt import countdown, rough
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level as Health
from zbtui.doctor.finding import Finding, Level, not_checked, of_trouble

_SEARCH: Final = "zbtui doctor --find-data-center"
_ONE_SECOND: Final = timedelta(seconds=1)
_ORG_SCOPE: Final = "ZohoCRM.org.READ"
REFUSALS: Final = frozenset({"invalid_client", "invalid_client_secret", "invalid_code"})
"""Refusals of the accounts host that a wrong data center may be behind ("Multi DC")."""


@dataclass(frozen=True, slots=True)
class Reached:
    """An accounts host was asked."""

    url: str
    sent: datetime
    received: datetime
    """Both by this machine's clock."""
    answer: datetime | Trouble | None
    """Its `Date` header, where it sent one."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token was to be had. Not the token itself."""

    fresh: bool
    """Whether it was got now; else another process had kept it."""
    expires_at: datetime
    host: str
    """The API host that it is for."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The other data centers were asked for a token, by their keys."""

    found: str | None
    """Where one was given."""
    same_secret: tuple[str, ...] = ()
    """Where client and secret are known, and the refresh token is not."""
    other_secret: tuple[str, ...] = ()
    """Where the client is known, with another secret."""
    unclear: tuple[str, ...] = ()
    """Which said neither yes nor no."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was seen of one org."""

    org: Org
    at: datetime
    sign_in: Trouble | None
    """None: the keyring holds one, and it is complete."""
    token: Token | Trouble
    looked: Looked | Trouble | None = None
    """The answer to the details call; None: it was not made."""
    company: Company | Trouble | None = None
    """None: the scope for it is missing, or the call was not made."""
    elsewhere: Elsewhere | None = None


# This machine


def clock_offset(zohos: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far Zoho's clock is ahead of this machine's, at the least.

    Args:
        zohos: the `Date` header, which has whole seconds.
        sent: when it was asked for.
        received: when it came; all between the two counts as the same time.
    """
    if zohos > received:
        return zohos - received
    return min(zohos + _ONE_SECOND - sent, timedelta())


def judge_clock(hosts: Iterable[Reached]) -> Finding:
    """By the host that differs least: an answer that was kept on the way has an old date."""
    offsets = [
        clock_offset(host.answer, host.sent, host.received)
        for host in hosts
        if isinstance(host.answer, datetime)
    ]
    if not offsets:
        return not_checked("clock", None, "no host of Zoho's told its time")
    offset = min(offsets, key=abs)
    if abs(offset) <= CLOCK_TOLERANCE:
        return Finding("clock", None, Level.OK, "It agrees with Zoho's.")
    return Finding(
        "clock",
        None,
        Level.WARNING,
        f"It is {rough(offset)} {'behind' if offset > timedelta() else 'ahead of'} Zoho's.",
        "Have the system set it from the network (NTP).",
        "CLOCK_OFF",
    )


def judge_keyring(answer: str | Trouble) -> Finding:
    """Args:
    answer: the back end's name, or why it does not work.
    """
    if isinstance(answer, Trouble):
        return of_trouble("keyring", None, answer)
    return Finding("keyring", None, Level.OK, f"{answer}: keeps what it is given, and gives it back.")


def judge_config(path: str, orgs: int | Trouble) -> Finding:
    """Args:
    orgs: how many are under watch, or what is wrong with the config.
    """
    if isinstance(orgs, Trouble):
        return of_trouble("config", None, orgs)
    path = clean(path)
    if not orgs:
        hint = "Add one: zbtui add, or a in the app."
        return Finding("config", None, Level.REMARK, f"{path}: no org is under watch yet.", hint, "NO_ORG")
    return Finding("config", None, Level.OK, f"{path}: {orgs} org{'s' if orgs > 1 else ''}.")


def judge_journal(path: str, trouble: Trouble | None) -> Finding:
    """A journal that cannot be kept stops no watch: that is a warning."""
    if trouble is None:
        return Finding("journal", None, Level.OK, f"{clean(path)}: can be written.")
    found = of_trouble("journal", None, trouble)
    return Finding("journal", None, Level.WARNING, found.message, found.hint, found.code)


def judge_host(host: Reached) -> Finding:
    """Whether an accounts host can be reached."""
    name = host_of(host.url)
    if not isinstance(host.answer, Trouble):
        return Finding("network", None, Level.OK, f"{name} answers.")
    said = "" if name in host.answer.message else f"({name})"
    return of_trouble("network", None, host.answer, said)


# An org


def may_live_elsewhere(seen: Examined) -> bool:
    """Whether a wrong data center may be behind what is wrong."""
    if seen.org.data_center == CUSTOM:
        return False
    if isinstance(seen.token, Trouble):
        return seen.token.code in REFUSALS
    return isinstance(seen.looked, Trouble) and seen.looked.code in RETRY_WITH_NEW_TOKEN


def findings_of(seen: Examined, zone: tzinfo | None) -> list[Finding]:
    """An org's findings: each step, done or not.

    Args:
        zone: in which times are told; None: the machine's own.
    """
    return [
        _judge_sign_in(seen),
        _judge_token(seen, zone),
        _judge_data_center(seen),
        _judge_scope(seen),
        _judge_permission(seen),
        _judge_backup(seen),
    ]


def _judge_sign_in(seen: Examined) -> Finding:
    if seen.sign_in:
        return of_trouble("sign-in", seen.org.name, seen.sign_in)
    held = "a client secret"
    if seen.org.grant == "refresh-token":
        held += " and a refresh token"
    return Finding("sign-in", seen.org.name, Level.OK, f"The keyring holds {held}.")


def no_sign_in(org: Org) -> Trouble:
    """The keyring has no sign-in for an org, or half of one."""
    return Trouble(
        "auth",
        "The keyring holds no sign-in that this org could use.",
        f"Sign in again: zbtui sign-in {shlex.quote(org.name)}, or enter in the app.",
        "NO_SIGN_IN",
        final=True,
    )


def _judge_token(seen: Examined, zone: tzinfo | None) -> Finding:
    org, token = seen.org.name, seen.token
    if isinstance(token, Token):
        until = f"{token.expires_at.astimezone(zone):%H:%M}"
        if token.fresh:
            return Finding("token", org, Level.OK, f"A new access token was got, good until {until}.")
        return Finding("token", org, Level.OK, f"The access token in the keyring is good until {until}.")
    if seen.sign_in:
        return not_checked("token", org, "no sign-in")
    more = ""
    if token.retry_at and token.retry_at > seen.at:
        left = countdown(token.retry_at - seen.at)
        more = f"Not to be asked again before {token.retry_at.astimezone(zone):%H:%M}, in {left}."
    return of_trouble("token", org, token, more)


def _judge_data_center(seen: Examined) -> Finding:
    org, place = seen.org.name, label(seen.org.data_center)
    if seen.elsewhere:
        return _judge_elsewhere(seen, seen.elsewhere)
    if isinstance(seen.token, Trouble):
        hint = None
        if may_live_elsewhere(seen):
            hint = f"It is set to {place}: {_SEARCH} asks the others."
        return not_checked("data center", org, "no token", hint)
    if isinstance(seen.looked, Trouble) and not is_known_there(seen.looked):
        cure = f"{_SEARCH} asks the others." if may_live_elsewhere(seen) else ""
        return of_trouble("data center", org, seen.looked, cure=cure)
    return Finding("data center", org, Level.OK, f"{place}: {seen.token.host} takes the token.")


def _judge_elsewhere(seen: Examined, elsewhere: Elsewhere) -> Finding:
    org = seen.org.name
    if elsewhere.found:
        return Finding(
            "data center",
            org,
            Level.PROBLEM,
            f"It belongs to {label(elsewhere.found)}, and is set to {label(seen.org.data_center)}.",
            f'Set it with e in the app, or data_center = "{elsewhere.found}" in the config.',
            "WRONG_DATA_CENTER",
        )
    told = ["No other data center knows it."]
    if elsewhere.unclear:
        told.append(f"No clear answer came from {_labels(elsewhere.unclear)}.")
    if isinstance(seen.looked, Trouble):
        return of_trouble("data center", org, seen.looked, " ".join(told))
    told, hint = _whose_client(seen, elsewhere, told)
    return Finding("data center", org, Level.REMARK, " ".join(told), hint, "NO_DATA_CENTER")


def _whose_client(seen: Examined, elsewhere: Elsewhere, told: list[str]) -> tuple[list[str], str | None]:
    """What else is to be told, and the cure, where at least the client is known elsewhere."""
    word = seen.token.code if isinstance(seen.token, Trouble) else None
    if word in ("invalid_client", "invalid_client_secret") and elsewhere.same_secret:
        return (
            [*told, f"But client and secret are those of {_labels(elsewhere.same_secret)}."],
            f"If the org lives there, set that and sign in again; else with the client of "
            f"{label(seen.org.data_center)}.",
        )
    if word == "invalid_client" and elsewhere.other_secret:
        return (
            [*told, f"But {_labels(elsewhere.other_secret)} knows the client, with another secret."],
            "If the org lives there, set that and sign in again, with the secret of that data center.",
        )
    return told, None


def _judge_scope(seen: Examined) -> Finding:
    org = seen.org.name
    if why := _why_unknown(seen):
        return not_checked("scope", org, why)
    sees_company = seen.company is not None
    if _lacks_scope(seen.looked):
        both = "" if sees_company else f"It lacks {_ORG_SCOPE}, too."
        return of_trouble("scope", org, seen.looked, both)
    if not sees_company:
        return Finding(
            "scope",
            org,
            Level.REMARK,
            f"{BACKUP_SCOPE} is there; {_ORG_SCOPE} is not, so the company's name is not known.",
            f"To see it, sign in again with {SCOPES}.",
            "NO_ORG_SCOPE",
        )
    if isinstance(seen.company, Trouble) and seen.company.kind != "permission":
        return Finding("scope", org, Level.OK, f"{BACKUP_SCOPE} is there.")
    return Finding("scope", org, Level.OK, f"{BACKUP_SCOPE} and {_ORG_SCOPE} are there.")


def _judge_permission(seen: Examined) -> Finding:
    org = seen.org.name
    if why := _why_unknown(seen):
        return not_checked("permission", org, why)
    if _lacks_scope(seen.looked):
        return not_checked("permission", org, "the scope is missing")
    if isinstance(seen.looked, Trouble):
        return of_trouble("permission", org, seen.looked)
    return Finding("permission", org, Level.OK, "The user is an administrator, with API access.")


def _judge_backup(seen: Examined) -> Finding:
    org = seen.org.name
    if not isinstance(seen.looked, Looked):
        refused = "the scope is missing" if _lacks_scope(seen.looked) else "no permission"
        return not_checked("backup", org, _why_unknown(seen) or refused)
    snapshot = succeeded(Snapshot(seen.org), seen.looked, seen.at)
    verdict = judge(snapshot, Policy(), seen.at)
    said = f"{verdict.word}, {verdict.headline}."
    if isinstance(seen.company, Company) and seen.company.name:
        said = f"{seen.company.name}: {said}"
    # A backup in a bad way is for `check` to tell: here it counts that it can be seen.
    if verdict.level is Health.OK:
        return Finding("backup", org, Level.OK, said)
    return Finding("backup", org, Level.REMARK, said, verdict.hint, verdict.name.upper())


def _why_unknown(seen: Examined) -> str | None:
    """Why nothing is known of what comes after the data center; None: it is."""
    if isinstance(seen.token, Trouble):
        return "no token"
    if isinstance(seen.looked, Trouble) and not is_known_there(seen.looked):
        return "the token is refused" if seen.looked.kind == "auth" else "no answer"
    return None


def is_known_there(refusal: Trouble) -> bool:
    """Whether Zoho knew the token, and refused what it was used for."""
    return refusal.kind == "permission" or refusal.code in LACKS_SCOPE


def _lacks_scope(looked: Looked | Trouble | None) -> TypeGuard[Trouble]:
    return isinstance(looked, Trouble) and looked.code in LACKS_SCOPE


def _labels(data_centers: Iterable[str]) -> str:
    return ", ".join(map(label, data_centers))


def host_of(url: str) -> str:
    return clean(urlsplit(url).netloc, 80)
