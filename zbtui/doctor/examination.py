"""Asks this machine and Zoho what the doctor wants to know; `judging` makes findings of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TypeVar

from zbtui.clock import Clock
from zbtui.config.parsing import find_org
from zbtui.config.settings import Config
from zbtui.core.data_centers import DATA_CENTERS, DataCenter, data_center_of
from zbtui.core.org import Org
from zbtui.core.secret import AccessToken
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.doctor.finding import Finding
from zbtui.doctor.judging import (
    REFUSALS,
    Elsewhere,
    Examined,
    Reached,
    Token,
    findings_of,
    host_of,
    is_known_there,
    judge_clock,
    judge_config,
    judge_host,
    judge_journal,
    judge_keyring,
    may_live_elsewhere,
    no_sign_in,
)
from zbtui.doctor.search import find_data_center
from zbtui.store.journal import Journal
from zbtui.store.memory import Credentials
from zbtui.tokens import TokenDesk
from zbtui.watch.session import Session
from zbtui.zoho.client import fetch_company, fetch_zohos_time
from zbtui.zoho.http import Http

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines this machine, then each org, with the parts that the watch is made of."""

    load_config: Callable[[], Config]
    """Raises a `TroubleError` where it is wrong."""
    credentials: Credentials
    probe_keyring: Callable[[], Awaitable[str]]
    """Has the keyring prove itself; gives its name, or raises a `TroubleError`."""
    journal: Journal
    http: Http
    clock: Clock
    config_path: str
    journal_path: str
    zone: tzinfo | None = None
    """In which times are told; None: the machine's own."""

    async def examine(
        self, names: Collection[str] = (), *, searching: bool = False
    ) -> AsyncGenerator[Finding, None]:
        """Every finding, as soon as it and those before it are there.

        The orgs are examined at the same time, and told in the order of the config.

        Args:
            names: only these orgs; none: all.
            searching: whether the other data centers are asked for an org that may live there: costs
                up to ten token requests, at ten hosts.
        """
        config = self._load(names)
        orgs = () if isinstance(config, Trouble) else _chosen(config, names)
        hosts = await asyncio.gather(*map(self._reach, _accounts_hosts(orgs)))
        yield judge_clock(hosts)
        yield judge_keyring(await _attempt(self.probe_keyring()))
        yield judge_config(self.config_path, config if isinstance(config, Trouble) else len(config.orgs))
        yield judge_journal(self.journal_path, await self.journal.probe())
        for host in hosts:
            yield judge_host(host)
        looks = [asyncio.create_task(self._examine(org)) for org in orgs]
        try:
            for look in looks:
                seen = await look
                if searching and may_live_elsewhere(seen):
                    seen = replace(seen, elsewhere=await self._search(seen.org))
                for finding in findings_of(seen, self.zone):
                    yield finding
        finally:
            # Only where nobody wants to hear the rest; the program ends then, and its HTTP client too.
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    def _load(self, names: Collection[str]) -> Config | Trouble:
        """The config; why it cannot be read, or does not have all these orgs."""
        try:
            config = self.load_config()
            _chosen(config, names)
        except TroubleError as error:
            return error.trouble
        return config

    async def _reach(self, dc: DataCenter) -> Reached:
        sent = self.clock.now()
        answer = await _attempt(fetch_zohos_time(self.http, dc))
        return Reached(dc.accounts_url, sent, self.clock.now(), answer)

    async def _examine(self, org: Org) -> Examined:
        sign_in = await self._check_sign_in(org)
        session = Session(org, self.http, self.credentials, self.journal, self.clock)
        got = await _attempt(session.access())
        if isinstance(got, Trouble):
            return Examined(org, self.clock.now(), sign_in, got)
        access, fresh = got
        looked = await _attempt(session.look())
        if isinstance(looked, Trouble) and looked.code in REFUSALS:
            # The access token was refused, and the sign-in gives no other one.
            return Examined(org, self.clock.now(), sign_in, looked)
        # The look may have found it refused, and got another one.
        again = await _attempt(session.access())
        if not isinstance(again, Trouble) and again[0].token != access.token:
            access, fresh = again[0], True
        company = None
        if not isinstance(looked, Trouble) or is_known_there(looked):  # else there is nobody to ask
            asked = fetch_company(self.http, access, org.data_center, self.clock.now())
            company = await _attempt(asked)
        return Examined(org, self.clock.now(), sign_in, _described(access, fresh), looked, company)

    async def _check_sign_in(self, org: Org) -> Trouble | None:
        sign_in = await _attempt(self.credentials.read_sign_in(org.name))
        if isinstance(sign_in, Trouble):
            return sign_in
        if sign_in is None or not sign_in.serves(org.grant):
            return no_sign_in(org)
        return None

    async def _search(self, org: Org) -> Elsewhere | None:
        tokens = TokenDesk(self.http, self.journal, self.clock)
        found = await _attempt(find_data_center(org, self.credentials, tokens, self.clock))
        return None if isinstance(found, Trouble) else found


def _chosen(config: Config, names: Collection[str]) -> tuple[Org, ...]:
    return tuple(find_org(config, name) for name in dict.fromkeys(names)) if names else config.orgs


async def _attempt(act: Awaitable[T]) -> T | Trouble:
    try:
        return await act
    except TroubleError as error:
        return error.trouble


def _accounts_hosts(orgs: Iterable[Org]) -> list[DataCenter]:
    """Each once; without an org, the one where most sign-ins begin."""
    found = {dc.accounts_url: dc for dc in map(data_center_of, orgs)}
    return list(found.values()) or [DATA_CENTERS["us"]]


def _described(access: AccessToken, fresh: bool) -> Token:
    return Token(fresh, access.expires_at, host_of(access.api_url))
