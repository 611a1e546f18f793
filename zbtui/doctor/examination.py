"""Collects facts on this machine and at Zoho, which `diagnosis` turns into findings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from zbtui.clock import Clock
from zbtui.config.parsing import find_org
from zbtui.config.settings import Config
from zbtui.doctor.alert_checks import Resolve, alert_findings, examine_alerts, resolve_host
from zbtui.doctor.data_center_search import find_data_center
from zbtui.doctor.diagnosis import (
    WRONG_DATA_CENTER_CODES,
    DataCenterSearch,
    HostCheck,
    OrgExamination,
    TokenInfo,
    clock_finding,
    config_finding,
    host_finding,
    host_of,
    is_token_accepted,
    journal_finding,
    keyring_finding,
    may_be_wrong_data_center,
    no_sign_in_problem,
    org_findings,
    warning_finding,
)
from zbtui.doctor.finding import Finding, not_checked_finding
from zbtui.health.judge import judge
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.credentials import CredentialStore
from zbtui.store.journal import Journal
from zbtui.watch.session import Session
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho.client import fetch_company, fetch_history, fetch_links, fetch_server_time
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter, data_center_of
from zbtui.zoho_api.organization import Company

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines this machine, then each org, with the same components as the watch."""

    load_config: Callable[[], Config]
    """Loads the config, or raises a `ProblemError`."""
    credentials: CredentialStore
    probe_keyring: Callable[[], Awaitable[str]]
    """Tests the keyring; returns its name, or raises a `ProblemError`."""
    journal: Journal
    http: HttpClient
    clock: Clock
    config_path: str
    """The absolute path of the config."""
    journal_path: str
    time_zone: tzinfo | None = None
    """The time zone of the times in findings; None for the system's."""
    resolve_host: Resolve = resolve_host
    find_plain_keyring: Callable[[], Path | None] = lambda: None
    """Returns the path of GNOME's keyring if it is in plain text, else None."""
    distrust_config: Callable[[], Problem | None] = lambda: None
    """Returns why the config's command and webhook are not used, or None if they are used."""

    async def examine(
        self, names: Collection[str] = (), *, search_data_centers: bool = False
    ) -> AsyncGenerator[Finding, None]:
        """Yield the findings on this machine and on the orgs `names` (all if empty), each once it is known.

        The orgs are examined concurrently, and reported in the order of `names` or of the config. If
        `search_data_centers`, the right data center is searched for each org that is possibly set to a
        wrong one, with up to ten token requests, one per host.
        """
        config = self._load_config(names)
        orgs = () if isinstance(config, Problem) else _selected_orgs(config, names)
        hosts = await asyncio.gather(*map(self._check_host, _accounts_hosts(orgs)))
        yield clock_finding(hosts)
        answer = await _result_or_problem(self.probe_keyring())
        plain = self.find_plain_keyring()
        yield keyring_finding(answer, None if plain is None else str(plain))
        yield config_finding(self.config_path, config if isinstance(config, Problem) else len(config.orgs))
        if distrust := self.distrust_config():
            yield warning_finding("config", distrust)
        yield journal_finding(self.journal_path, await self.journal.probe())
        for host in hosts:
            yield host_finding(host)
        for finding in await self._examine_alerts(config):
            yield finding
        policy = WatchPolicy() if isinstance(config, Problem) else config.policy
        tasks = [asyncio.create_task(self._examine_org(org, policy)) for org in orgs]
        try:
            for task in tasks:
                examination = await task
                if search_data_centers and may_be_wrong_data_center(examination):
                    search = await self._search_data_centers(examination.org)
                    examination = replace(examination, search=search)
                for finding in org_findings(examination, self.time_zone):
                    yield finding
        finally:
            # Tasks are left only if the caller stops early: the HTTP client is closed then.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _load_config(self, names: Collection[str]) -> Config | Problem:
        """Return the config, or the problem if it cannot be read or lacks one of the orgs `names`."""
        try:
            config = self.load_config()
            _selected_orgs(config, names)
        except ProblemError as error:
            return error.problem
        return config

    async def _examine_alerts(self, config: Config | Problem) -> list[Finding]:
        if isinstance(config, Problem):
            return [not_checked_finding("alerts", None, "no config")]
        settings, now = config.settings.alerts, self.clock.now()
        refusals = self.journal.refusals.of_config(self.config_path)
        return alert_findings(await examine_alerts(settings, refusals, now, self.resolve_host))

    async def _check_host(self, dc: DataCenter) -> HostCheck:
        sent = self.clock.now()
        answer = await _result_or_problem(fetch_server_time(self.http, dc))
        proxy = None if isinstance(answer, Problem) else self.http.proxy_for(dc.accounts_url)
        label = proxy.label if proxy else None
        return HostCheck(dc.accounts_url, sent, self.clock.now(), answer, label)

    async def _examine_org(self, org: Org, policy: WatchPolicy) -> OrgExamination:
        sign_in = await self._check_sign_in(org)
        session = Session(org, self.http, self.credentials, self.journal, self.clock)
        token = await _result_or_problem(session.get_access_token())
        if isinstance(token, Problem):
            return OrgExamination(org, self.clock.now(), sign_in, token)
        access, is_new = token
        observation = await _result_or_problem(session.poll_details())
        if isinstance(observation, Problem) and observation.code in WRONG_DATA_CENTER_CODES:
            # The access token was refused, and the credentials give no new one.
            return OrgExamination(org, self.clock.now(), sign_in, observation)
        # If the token was refused, the poll may have requested a new one.
        second_token = await _result_or_problem(session.get_access_token())
        if not isinstance(second_token, Problem) and second_token[0].token != access.token:
            access, is_new = second_token[0], True
        company = None
        # With the token refused, the org call would fail too.
        if not isinstance(observation, Problem) or is_token_accepted(observation):
            company_request = fetch_company(self.http, access, org.data_center, self.clock.now())
            company = await _result_or_problem(company_request)
        info = TokenInfo(is_new, access.expires_at, host_of(access.api_url))
        examination = OrgExamination(org, self.clock.now(), sign_in, info, observation, company)
        if isinstance(observation, Problem):
            return examination
        return await self._examine_backup(examination, observation, access, policy)

    async def _examine_backup(
        self, examination: OrgExamination, details: Observation, access: AccessToken, policy: WatchPolicy
    ) -> OrgExamination:
        """Read history and links, judge the org as `check` does, and add the results to the examination."""
        org, now = examination.org, self.clock.now()
        history = await _result_or_problem(fetch_history(self.http, access, org.data_center, now))
        links = await _result_or_problem(fetch_links(self.http, access, org.data_center, now))
        extras = HistoryAndLinks(
            None if isinstance(history, Problem) else history,
            None if isinstance(links, Problem) else links,
            history if isinstance(history, Problem) else None,
            links if isinstance(links, Problem) else None,
        )
        company = examination.company if isinstance(examination.company, Company) else None
        known = await self.journal.load_org(org) or Snapshot(org)
        observation = replace(details, history_and_links=extras, company=company)
        now = self.clock.now()
        verdict = judge(apply_observation(known, observation, now), policy, now, 1)
        return replace(examination, history=history, links=links, verdict=verdict)

    async def _check_sign_in(self, org: Org) -> Problem | None:
        sign_in = await _result_or_problem(self.credentials.read_sign_in(org))
        if isinstance(sign_in, Problem):
            return sign_in
        if sign_in is None or not sign_in.is_complete_for(org.grant):
            return no_sign_in_problem(org)
        return None

    async def _search_data_centers(self, org: Org) -> DataCenterSearch | None:
        tokens = TokenBroker(self.http, self.journal, self.clock)
        search = await _result_or_problem(find_data_center(org, self.credentials, tokens, self.clock))
        return None if isinstance(search, Problem) else search


def _selected_orgs(config: Config, names: Collection[str]) -> tuple[Org, ...]:
    return tuple(find_org(config, name) for name in dict.fromkeys(names)) if names else config.orgs


async def _result_or_problem(act: Awaitable[T]) -> T | Problem:
    try:
        return await act
    except ProblemError as error:
        return error.problem


def _accounts_hosts(orgs: Iterable[Org]) -> list[DataCenter]:
    """Return the orgs' data centers, each once; without orgs the US one, where most sign-ins begin."""
    hosts = {dc.accounts_url: dc for dc in map(data_center_of, orgs)}
    return list(hosts.values()) or [DATA_CENTERS["us"]]
