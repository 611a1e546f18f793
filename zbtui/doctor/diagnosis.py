"""What was seen, made into findings. Pure; the order is the order in which one thing needs another."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, TypeGuard
from urllib.parse import urlsplit

from zbtui.doctor.finding import Finding, FindingLevel, not_checked_finding, problem_finding
from zbtui.health.judge import judge
from zbtui.health.snapshot import CLOCK_TOLERANCE, Observation, Snapshot, apply_observation
from zbtui.model.org import CUSTOM_DATA_CENTER, Org, WatchPolicy
from zbtui.model.problem import Problem
from zbtui.model.text import clean
from zbtui.model.time_format import countdown, rough_span
from zbtui.model.verdict import Level as Health
from zbtui.zoho_api.errors import (
    BACKUP_SCOPE,
    INVALID_TOKEN_CODES,
    MISSING_SCOPE_CODES,
    SIGN_IN_SCOPES,
    data_center_label,
)
from zbtui.zoho_api.organization import Company

_SEARCH_COMMAND: Final = "zbtui doctor --find-data-center"
_ONE_SECOND: Final = timedelta(seconds=1)
_ORG_SCOPE: Final = "ZohoCRM.org.READ"
WRONG_DATA_CENTER_CODES: Final = frozenset({"invalid_client", "invalid_client_secret", "invalid_code"})
"""Refusals of the accounts host that a wrong data center may be behind ("Multi DC")."""


@dataclass(frozen=True, slots=True)
class HostCheck:
    """An accounts host was asked."""

    url: str
    sent: datetime
    received: datetime
    """Both by this machine's clock."""
    answer: datetime | Problem | None
    """Its `Date` header, where it sent one."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """An access token was to be had. Not the token itself."""

    is_new: bool
    """Whether it was got now; else another process had kept it."""
    expires_at: datetime
    host: str
    """The API host that it is for."""


@dataclass(frozen=True, slots=True)
class DataCenterSearch:
    """The other data centers were asked for a token, by their keys."""

    found_at: str | None
    """Where one was given."""
    same_client_at: tuple[str, ...] = ()
    """Where client and secret are known, and the refresh token is not."""
    other_secret_at: tuple[str, ...] = ()
    """Where the client is known, with another secret."""
    unclear_at: tuple[str, ...] = ()
    """Which said neither yes nor no."""


@dataclass(frozen=True, slots=True)
class OrgExamination:
    """What was seen of one org."""

    org: Org
    examined_at: datetime
    sign_in_problem: Problem | None
    """None: the keyring holds one, and it is complete."""
    token: TokenInfo | Problem
    observation: Observation | Problem | None = None
    """The answer to the details call; None: it was not made."""
    company: Company | Problem | None = None
    """None: the scope for it is missing, or the call was not made."""
    search: DataCenterSearch | None = None


# This machine


def clock_offset(server_time: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far Zoho's clock is ahead of this machine's, at the least.

    Args:
        zohos: the `Date` header, which has whole seconds.
        sent: when it was asked for.
        received: when it came; all between the two counts as the same time.
    """
    if server_time > received:
        return server_time - received
    return min(server_time + _ONE_SECOND - sent, timedelta())


def clock_finding(hosts: Iterable[HostCheck]) -> Finding:
    """By the host that differs least: an answer that was kept on the way has an old date."""
    offsets = [
        clock_offset(host.answer, host.sent, host.received)
        for host in hosts
        if isinstance(host.answer, datetime)
    ]
    if not offsets:
        return not_checked_finding("clock", None, "no host of Zoho's told its time")
    offset = min(offsets, key=abs)
    if abs(offset) <= CLOCK_TOLERANCE:
        return Finding("clock", None, FindingLevel.OK, "It agrees with Zoho's.")
    return Finding(
        "clock",
        None,
        FindingLevel.WARNING,
        f"It is {rough_span(offset)} {'behind' if offset > timedelta() else 'ahead of'} Zoho's.",
        "Have the system set it from the network (NTP).",
        "CLOCK_OFF",
    )


def keyring_finding(answer: str | Problem) -> Finding:
    """Args:
    answer: the back end's name, or why it does not work.
    """
    if isinstance(answer, Problem):
        return problem_finding("keyring", None, answer)
    return Finding(
        "keyring", None, FindingLevel.OK, f"{answer}: keeps what it is given, and gives it back."
    )


def config_finding(path: str, orgs: int | Problem) -> Finding:
    """Args:
    orgs: how many are under watch, or what is wrong with the config.
    """
    if isinstance(orgs, Problem):
        return problem_finding("config", None, orgs)
    path = clean(path)
    if not orgs:
        hint = "Add one: zbtui add, or a in the app."
        return Finding(
            "config", None, FindingLevel.REMARK, f"{path}: no org is under watch yet.", hint, "NO_ORG"
        )
    return Finding("config", None, FindingLevel.OK, f"{path}: {orgs} org{'s' if orgs > 1 else ''}.")


def journal_finding(path: str, trouble: Problem | None) -> Finding:
    """A journal that cannot be kept stops no watch: that is a warning."""
    if trouble is None:
        return Finding("journal", None, FindingLevel.OK, f"{clean(path)}: can be written.")
    found = problem_finding("journal", None, trouble)
    return Finding("journal", None, FindingLevel.WARNING, found.message, found.hint, found.code)


def host_finding(host: HostCheck) -> Finding:
    """Whether an accounts host can be reached."""
    name = host_of(host.url)
    if not isinstance(host.answer, Problem):
        return Finding("network", None, FindingLevel.OK, f"{name} answers.")
    said = "" if name in host.answer.message else f"({name})"
    return problem_finding("network", None, host.answer, said)


# An org


def may_be_wrong_data_center(seen: OrgExamination) -> bool:
    """Whether a wrong data center may be behind what is wrong."""
    if seen.org.data_center == CUSTOM_DATA_CENTER:
        return False
    if isinstance(seen.token, Problem):
        return seen.token.code in WRONG_DATA_CENTER_CODES
    return isinstance(seen.observation, Problem) and seen.observation.code in INVALID_TOKEN_CODES


def org_findings(seen: OrgExamination, zone: tzinfo | None) -> list[Finding]:
    """An org's findings: each step, done or not.

    Args:
        zone: in which times are told; None: the machine's own.
    """
    return [
        _sign_in_finding(seen),
        _token_finding(seen, zone),
        _data_center_finding(seen),
        _scope_finding(seen),
        _permission_finding(seen),
        _backup_finding(seen),
    ]


def _sign_in_finding(seen: OrgExamination) -> Finding:
    if seen.sign_in_problem:
        return problem_finding("sign-in", seen.org.name, seen.sign_in_problem)
    held = "a client secret"
    if seen.org.grant == "refresh-token":
        held += " and a refresh token"
    return Finding("sign-in", seen.org.name, FindingLevel.OK, f"The keyring holds {held}.")


def no_sign_in_problem(org: Org) -> Problem:
    """The keyring has no sign-in for an org, or half of one."""
    return Problem(
        "auth",
        "The keyring holds no sign-in that this org could use.",
        f"Sign in again: zbtui sign-in {shlex.quote(org.name)}, or enter in the app.",
        "NO_SIGN_IN",
        final=True,
    )


def _token_finding(seen: OrgExamination, zone: tzinfo | None) -> Finding:
    org, token = seen.org.name, seen.token
    if isinstance(token, TokenInfo):
        until = f"{token.expires_at.astimezone(zone):%H:%M}"
        if token.is_new:
            return Finding(
                "token", org, FindingLevel.OK, f"A new access token was got, good until {until}."
            )
        return Finding(
            "token", org, FindingLevel.OK, f"The access token in the keyring is good until {until}."
        )
    if seen.sign_in_problem:
        return not_checked_finding("token", org, "no sign-in")
    more = ""
    if token.retry_at and token.retry_at > seen.examined_at:
        left = countdown(token.retry_at - seen.examined_at)
        more = f"Not to be asked again before {token.retry_at.astimezone(zone):%H:%M}, in {left}."
    return problem_finding("token", org, token, more)


def _data_center_finding(seen: OrgExamination) -> Finding:
    org, place = seen.org.name, data_center_label(seen.org.data_center)
    if seen.search:
        return _search_finding(seen, seen.search)
    if isinstance(seen.token, Problem):
        hint = None
        if may_be_wrong_data_center(seen):
            hint = f"It is set to {place}: {_SEARCH_COMMAND} asks the others."
        return not_checked_finding("data center", org, "no token", hint)
    if isinstance(seen.observation, Problem) and not is_token_accepted(seen.observation):
        cure = f"{_SEARCH_COMMAND} asks the others." if may_be_wrong_data_center(seen) else ""
        return problem_finding("data center", org, seen.observation, cure=cure)
    return Finding("data center", org, FindingLevel.OK, f"{place}: {seen.token.host} takes the token.")


def _search_finding(seen: OrgExamination, elsewhere: DataCenterSearch) -> Finding:
    org = seen.org.name
    if elsewhere.found_at:
        return Finding(
            "data center",
            org,
            FindingLevel.PROBLEM,
            f"It belongs to {data_center_label(elsewhere.found_at)}, "
            f"and is set to {data_center_label(seen.org.data_center)}.",
            f'Set it with e in the app, or data_center = "{elsewhere.found_at}" in the config.',
            "WRONG_DATA_CENTER",
        )
    told = ["No other data center knows it."]
    if elsewhere.unclear_at:
        told.append(f"No clear answer came from {_data_center_labels(elsewhere.unclear_at)}.")
    if isinstance(seen.observation, Problem):
        return problem_finding("data center", org, seen.observation, " ".join(told))
    told, hint = _client_location_text(seen, elsewhere, told)
    return Finding("data center", org, FindingLevel.REMARK, " ".join(told), hint, "NO_DATA_CENTER")


def _client_location_text(
    seen: OrgExamination, elsewhere: DataCenterSearch, told: list[str]
) -> tuple[list[str], str | None]:
    """What else is to be told, and the cure, where at least the client is known elsewhere."""
    word = seen.token.code if isinstance(seen.token, Problem) else None
    if word in ("invalid_client", "invalid_client_secret") and elsewhere.same_client_at:
        return (
            [*told, f"But client and secret are those of {_data_center_labels(elsewhere.same_client_at)}."],
            f"If the org lives there, set that and sign in again; else with the client of "
            f"{data_center_label(seen.org.data_center)}.",
        )
    if word == "invalid_client" and elsewhere.other_secret_at:
        return (
            [
                *told,
                f"But {_data_center_labels(elsewhere.other_secret_at)} knows the client, "
                "with another secret.",
            ],
            "If the org lives there, set that and sign in again, with the secret of that data center.",
        )
    return told, None


def _scope_finding(seen: OrgExamination) -> Finding:
    org = seen.org.name
    if why := _why_not_checked(seen):
        return not_checked_finding("scope", org, why)
    sees_company = seen.company is not None
    if _lacks_scope(seen.observation):
        both = "" if sees_company else f"It lacks {_ORG_SCOPE}, too."
        return problem_finding("scope", org, seen.observation, both)
    if not sees_company:
        return Finding(
            "scope",
            org,
            FindingLevel.REMARK,
            f"{BACKUP_SCOPE} is there; {_ORG_SCOPE} is not, so the company's name is not known.",
            f"To see it, sign in again with {SIGN_IN_SCOPES}.",
            "NO_ORG_SCOPE",
        )
    if isinstance(seen.company, Problem) and seen.company.kind != "permission":
        return Finding("scope", org, FindingLevel.OK, f"{BACKUP_SCOPE} is there.")
    return Finding("scope", org, FindingLevel.OK, f"{BACKUP_SCOPE} and {_ORG_SCOPE} are there.")


def _permission_finding(seen: OrgExamination) -> Finding:
    org = seen.org.name
    if why := _why_not_checked(seen):
        return not_checked_finding("permission", org, why)
    if _lacks_scope(seen.observation):
        return not_checked_finding("permission", org, "the scope is missing")
    if isinstance(seen.observation, Problem):
        return problem_finding("permission", org, seen.observation)
    return Finding("permission", org, FindingLevel.OK, "The user is an administrator, with API access.")


def _backup_finding(seen: OrgExamination) -> Finding:
    org = seen.org.name
    if not isinstance(seen.observation, Observation):
        refused = "the scope is missing" if _lacks_scope(seen.observation) else "no permission"
        return not_checked_finding("backup", org, _why_not_checked(seen) or refused)
    snapshot = apply_observation(Snapshot(seen.org), seen.observation, seen.examined_at)
    verdict = judge(snapshot, WatchPolicy(), seen.examined_at)
    said = f"{verdict.badge}, {verdict.headline}."
    if isinstance(seen.company, Company) and seen.company.name:
        said = f"{seen.company.name}: {said}"
    # A backup in a bad way is for `check` to tell: here it counts that it can be seen.
    if verdict.level is Health.OK:
        return Finding("backup", org, FindingLevel.OK, said)
    return Finding("backup", org, FindingLevel.REMARK, said, verdict.hint, verdict.name.upper())


def _why_not_checked(seen: OrgExamination) -> str | None:
    """Why nothing is known of what comes after the data center; None: it is."""
    if isinstance(seen.token, Problem):
        return "no token"
    if isinstance(seen.observation, Problem) and not is_token_accepted(seen.observation):
        return "the token is refused" if seen.observation.kind == "auth" else "no answer"
    return None


def is_token_accepted(refusal: Problem) -> bool:
    """Whether Zoho knew the token, and refused what it was used for."""
    return refusal.kind == "permission" or refusal.code in MISSING_SCOPE_CODES


def _lacks_scope(looked: Observation | Problem | None) -> TypeGuard[Problem]:
    return isinstance(looked, Problem) and looked.code in MISSING_SCOPE_CODES


def _data_center_labels(data_centers: Iterable[str]) -> str:
    return ", ".join(map(data_center_label, data_centers))


def host_of(url: str) -> str:
    return clean(urlsplit(url).netloc, 80)
