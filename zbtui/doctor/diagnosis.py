"""Turns the examined facts into findings, without any I/O.

Each step depends only on the steps before it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, TypeGuard
from urllib.parse import urlsplit

from zbtui.doctor.finding import Finding, FindingLevel, not_checked_finding, problem_finding
from zbtui.health.snapshot import CLOCK_TOLERANCE, Observation
from zbtui.model.org import CUSTOM_DATA_CENTER, Org
from zbtui.model.problem import Problem
from zbtui.model.text import clean
from zbtui.model.time_format import countdown, rough_span
from zbtui.model.verdict import Level, Verdict
from zbtui.zoho_api.errors import (
    BACKUP_SCOPE,
    INVALID_TOKEN_CODES,
    MISSING_SCOPE_CODES,
    SIGN_IN_SCOPES,
    data_center_label,
)
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History

_SEARCH_COMMAND: Final = "zbtui doctor --find-data-center"
_ONE_SECOND: Final = timedelta(seconds=1)
_ORG_SCOPE: Final = "ZohoCRM.org.READ"
WRONG_DATA_CENTER_CODES: Final = frozenset({"invalid_client", "invalid_client_secret", "invalid_code"})
"""The error codes of an accounts host that a wrong data center can cause (Zoho's documentation: "Multi
DC")."""


@dataclass(frozen=True, slots=True)
class HostCheck:
    """A request to an accounts host, and its outcome."""

    url: str
    sent: datetime
    received: datetime
    """`sent` and `received` are the times of the request and of its answer, by this machine's clock."""
    answer: datetime | Problem | None
    """The time in the `Date` header of the answer, None if there is no such header, or why no answer
    came."""
    proxy: str | None = None
    """Host and port of the proxy; None if no proxy is used."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """Facts about an access token, without the token itself."""

    is_new: bool
    """Whether the token was just requested; otherwise it was in the keyring."""
    expires_at: datetime
    host: str
    """The API host that the token is for."""


@dataclass(frozen=True, slots=True)
class DataCenterSearch:
    """What the other data centers answered to a token request: their keys, such as `eu`, by answer."""

    found_at: str | None
    """The data center that granted a token; None if none did."""
    same_client_at: tuple[str, ...] = ()
    """The data centers that know the OAuth client and its secret, but not the refresh token."""
    other_secret_at: tuple[str, ...] = ()
    """The data centers that know the OAuth client, but with another secret."""
    unclear_at: tuple[str, ...] = ()
    """The data centers that gave no clear answer."""


@dataclass(frozen=True, slots=True)
class OrgExamination:
    """The facts about one org that the doctor collects."""

    org: Org
    examined_at: datetime
    sign_in_problem: Problem | None
    """Why the keyring holds no complete sign-in credentials; None if it holds them."""
    token: TokenInfo | Problem
    observation: Observation | Problem | None = None
    """The result of the details call; None if the call was not made."""
    company: Company | Problem | None = None
    """The result of the org call; None if the call was not made or the token lacks its scope."""
    search: DataCenterSearch | None = None
    history: History | Problem | None = None
    links: Links | Problem | None = None
    """The results of the history call and the links call; `history` and `links` are both None if the calls
    were not made, because the details could not be read."""
    verdict: Verdict | None = None
    """The verdict that `check` would give; None if the details could not be read."""


# This machine


def clock_offset(server_time: datetime, sent: datetime, received: datetime) -> timedelta:
    """Return the least time by which Zoho's clock is ahead of this machine's; negative if it is behind.

    `server_time` is Zoho's, in whole seconds. `sent` and `received` are the times of the request and of its
    answer by this machine's clock; a server time between these two is taken as an offset of zero.
    """
    if server_time > received:
        return server_time - received
    return min(server_time + _ONE_SECOND - sent, timedelta())


def clock_finding(hosts: Iterable[HostCheck]) -> Finding:
    """Return a finding on whether this machine's clock agrees with Zoho's.

    The smallest clock offset of all hosts is used, because an answer from a cache has an old date.
    """
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
    message = f"It is {rough_span(offset)} {'behind' if offset > timedelta() else 'ahead of'} Zoho's."
    hint = "Have the system set it from the network (NTP)."
    return Finding("clock", None, FindingLevel.WARNING, message, hint, "CLOCK_OFF")


def keyring_finding(answer: str | Problem, plain_file: str | None) -> Finding:
    """Return a finding on whether the keyring works.

    `answer` is the name of the keyring's back end, or its problem. `plain_file` is the path of GNOME's
    keyring if that is in plain text, else None.
    """
    if isinstance(answer, Problem):
        return problem_finding("keyring", None, answer)
    if plain_file and answer.replace(" ", "").startswith("SecretService"):
        message = (
            f"{answer}: its password is empty, so secrets are in plain text in {clean(plain_file, 200)}."
        )
        hint = "Give it a password, in Passwords and Keys (seahorse) or the like."
        return Finding("keyring", None, FindingLevel.WARNING, message, hint, "PLAIN_TEXT")
    message = f"{answer}: keeps what it is given, and gives it back."
    return Finding("keyring", None, FindingLevel.OK, message)


def config_finding(path: str, orgs: int | Problem) -> Finding:
    """Return a finding on whether the config is valid.

    `orgs` is the number of orgs under watch, or the config's problem.
    """
    if isinstance(orgs, Problem):
        return problem_finding("config", None, orgs)
    path = clean(path)
    if not orgs:
        hint = "Add one: zbtui add, or a in the app."
        message = f"{path}: no org is under watch yet."
        return Finding("config", None, FindingLevel.REMARK, message, hint, "NO_ORG")
    return Finding("config", None, FindingLevel.OK, f"{path}: {orgs} org{'s' if orgs > 1 else ''}.")


def journal_finding(path: str, problem: Problem | None) -> Finding:
    """Return a finding on whether the journal can be written.

    A failure is only a warning, because it stops no watch.
    """
    if problem is None:
        return Finding("journal", None, FindingLevel.OK, f"{clean(path)}: can be written.")
    return warning_finding("journal", problem)


def warning_finding(subject: str, problem: Problem) -> Finding:
    """Return a warning about a problem of this machine that stops no watch."""
    finding = problem_finding(subject, None, problem)
    return Finding(subject, None, FindingLevel.WARNING, finding.message, finding.hint, finding.code)


def host_finding(host: HostCheck) -> Finding:
    """Return a finding on whether an accounts host can be reached."""
    name = host_of(host.url)
    if not isinstance(host.answer, Problem):
        proxy_text = f", through the proxy {host.proxy}" if host.proxy else ""
        return Finding("network", None, FindingLevel.OK, f"{name} answers{proxy_text}.")
    text = "" if name in host.answer.message else f"({name})"
    return problem_finding("network", None, host.answer, text)


# An org


def may_be_wrong_data_center(seen: OrgExamination) -> bool:
    """Return whether a wrong data center is a possible cause of the org's problem."""
    if seen.org.data_center == CUSTOM_DATA_CENTER:
        return False
    if isinstance(seen.token, Problem):
        return seen.token.code in WRONG_DATA_CENTER_CODES
    return isinstance(seen.observation, Problem) and seen.observation.code in INVALID_TOKEN_CODES


def org_findings(seen: OrgExamination, zone: tzinfo | None) -> list[Finding]:
    """Return one finding on an org for each step of the examination, even if the step was not reached.

    The times in findings are in `zone`, or in the system's time zone if `zone` is None.
    """
    return [
        _sign_in_finding(seen),
        _token_finding(seen, zone),
        _data_center_finding(seen),
        _scope_finding(seen),
        _permission_finding(seen),
        _history_finding(seen),
        _links_finding(seen, zone),
        _backup_finding(seen),
    ]


def _sign_in_finding(seen: OrgExamination) -> Finding:
    if seen.sign_in_problem:
        return problem_finding("sign-in", seen.org.name, seen.sign_in_problem)
    contents = "a client secret"
    if seen.org.grant == "refresh-token":
        contents += " and a refresh token"
    return Finding("sign-in", seen.org.name, FindingLevel.OK, f"The keyring holds {contents}.")


def no_sign_in_problem(org: Org) -> Problem:
    """Return the problem of an org whose sign-in credentials are missing or incomplete."""
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
        found = "A new access token was got," if token.is_new else "The access token in the keyring is"
        return Finding("token", org, FindingLevel.OK, f"{found} good until {until}.")
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


def _search_finding(seen: OrgExamination, search: DataCenterSearch) -> Finding:
    org = seen.org.name
    if search.found_at:
        right, wrong = data_center_label(search.found_at), data_center_label(seen.org.data_center)
        message = f"It belongs to {right}, and is set to {wrong}."
        hint = f'Set it with e in the app, or data_center = "{search.found_at}" in the config.'
        return Finding("data center", org, FindingLevel.PROBLEM, message, hint, "WRONG_DATA_CENTER")
    sentences = ["No other data center knows it."]
    if search.unclear_at:
        sentences.append(f"No clear answer came from {_data_center_labels(search.unclear_at)}.")
    if isinstance(seen.observation, Problem):
        return problem_finding("data center", org, seen.observation, " ".join(sentences))
    sentences, cure = _client_location_text(seen, search, sentences)
    return Finding("data center", org, FindingLevel.REMARK, " ".join(sentences), cure, "NO_DATA_CENTER")


def _client_location_text(
    seen: OrgExamination, search: DataCenterSearch, sentences: list[str]
) -> tuple[list[str], str | None]:
    """Return `sentences` and a hint; the hint is None if no other data center knows the OAuth client.

    If another data center knows the org's OAuth client, a sentence on this is added.
    """
    code = seen.token.code if isinstance(seen.token, Problem) else None
    if code in ("invalid_client", "invalid_client_secret") and search.same_client_at:
        found = f"But client and secret are those of {_data_center_labels(search.same_client_at)}."
        place = data_center_label(seen.org.data_center)
        hint = f"If the org lives there, set that and sign in again; else with the client of {place}."
        return [*sentences, found], hint
    if code == "invalid_client" and search.other_secret_at:
        found = f"But {_data_center_labels(search.other_secret_at)} knows the client, with another secret."
        hint = "If the org lives there, set that and sign in again, with the secret of that data center."
        return [*sentences, found], hint
    return sentences, None


def _scope_finding(seen: OrgExamination) -> Finding:
    org = seen.org.name
    if why := _why_not_checked(seen):
        return not_checked_finding("scope", org, why)
    sees_company = seen.company is not None
    if _lacks_scope(seen.observation):
        also_lacks = "" if sees_company else f"It lacks {_ORG_SCOPE}, too."
        return problem_finding("scope", org, seen.observation, also_lacks)
    if not sees_company:
        message = f"{BACKUP_SCOPE} is there; {_ORG_SCOPE} is not, so the company's name is not known."
        hint = f"To see it, sign in again with {SIGN_IN_SCOPES}."
        return Finding("scope", org, FindingLevel.REMARK, message, hint, "NO_ORG_SCOPE")
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


def _history_finding(seen: OrgExamination) -> Finding:
    org = seen.org.name
    if seen.history is None:
        return not_checked_finding("history", org, _why_not_read(seen))
    if isinstance(seen.history, Problem):
        return problem_finding("history", org, seen.history)
    rows = len(seen.history.entries)
    message = f"The past year is read: {rows} row{'' if rows == 1 else 's'}."
    return Finding("history", org, FindingLevel.OK, message)


def _links_finding(seen: OrgExamination, zone: tzinfo | None) -> Finding:
    org, links = seen.org.name, seen.links
    if links is None:
        return not_checked_finding("links", org, _why_not_read(seen))
    if isinstance(links, Problem):
        return problem_finding("links", org, links)
    if not links.are_available:
        return Finding("links", org, FindingLevel.OK, "They are read: no file can be downloaded now.")
    files = links.data_parts + links.attachment_parts
    until = f", until {links.expires_at.astimezone(zone):%Y-%m-%d %H:%M}" if links.expires_at else ""
    message = f"They are read: {files} file{'' if files == 1 else 's'} can be downloaded{until}."
    return Finding("links", org, FindingLevel.OK, message)


_FINDING_LEVELS: Final = {
    Level.OK: FindingLevel.OK,
    Level.WARNING: FindingLevel.WARNING,
    Level.UNKNOWN: FindingLevel.PROBLEM,
    Level.CRITICAL: FindingLevel.PROBLEM,
}


def _backup_finding(seen: OrgExamination) -> Finding:
    """Return a finding with the verdict that `check` would give.

    A sign-in that works is useless if the backup fails.
    """
    org, verdict = seen.org.name, seen.verdict
    if verdict is None:
        return not_checked_finding("backup", org, _why_not_read(seen))
    text = f"{verdict.badge}, {verdict.headline}."
    if isinstance(seen.company, Company) and seen.company.name:
        text = f"{seen.company.name}: {text}"
    code = None if verdict.level is Level.OK else verdict.name.upper()
    return Finding("backup", org, _FINDING_LEVELS[verdict.level], text, verdict.hint, code)


def _why_not_read(seen: OrgExamination) -> str:
    refused = "the scope is missing" if _lacks_scope(seen.observation) else "no permission"
    return _why_not_checked(seen) or refused


def _why_not_checked(seen: OrgExamination) -> str | None:
    """Return why the steps after the data center could not be checked; None if they could."""
    if isinstance(seen.token, Problem):
        return "no token"
    if isinstance(seen.observation, Problem) and not is_token_accepted(seen.observation):
        return "the token is refused" if seen.observation.kind == "auth" else "no answer"
    return None


def is_token_accepted(refusal: Problem) -> bool:
    """Return whether Zoho accepted the access token, but refused the request."""
    return refusal.kind == "permission" or refusal.code in MISSING_SCOPE_CODES


def _lacks_scope(observation: Observation | Problem | None) -> TypeGuard[Problem]:
    return isinstance(observation, Problem) and observation.code in MISSING_SCOPE_CODES


def _data_center_labels(data_centers: Iterable[str]) -> str:
    return ", ".join(map(data_center_label, data_centers))


def host_of(url: str) -> str:
    return clean(urlsplit(url).netloc, 80)
