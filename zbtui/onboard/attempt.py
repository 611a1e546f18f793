"""One attempt at signing an org in: from what a person typed to an org under watch, or to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from zbtui.clock import Clock, Stop, StoppedError
from zbtui.config.parsing import check_free, find_org
from zbtui.core.cadence import DEVICE_FLOOR
from zbtui.core.company import Company
from zbtui.core.data_centers import DataCenter, data_center_of
from zbtui.core.explain_sign_in import NO_CLIENT_SECRET, lacks_scope
from zbtui.core.guide import REDIRECT_PORT
from zbtui.core.org import CUSTOM, Org, Way
from zbtui.core.progress import Asking, Progress
from zbtui.core.secret import AccessToken, Client, Secret, SignIn, fits_header
from zbtui.core.snapshot import Looked, Snapshot, succeeded
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.onboard.household import Household
from zbtui.tokens import TokenDesk, client_key
from zbtui.zoho.client import fetch_company, fetch_details, fetch_past
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import revoke
from zbtui.zoho.signin import (
    Granted,
    check_code,
    sign_in_by_browser,
    sign_in_by_code,
    sign_in_by_device,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a sign-in leads to, before anything is kept: is it the right org?"""

    org: Org
    """As it will be watched: its data center may be another one than was asked for."""
    looked: Looked | None
    """The backup, as the watch will see it; None: Zoho was not asked."""
    company: Company | Trouble | None
    """None: the sign-in lacks the scope to see whose org it is; a trouble: it could not be asked."""


@dataclass(frozen=True, slots=True)
class _Proof:
    """A sign-in of which Zoho gave an access token."""

    org: Org
    sign_in: SignIn
    access: AccessToken | None
    scopes: frozenset[str] | None = None


class Attempt:
    """`sign_in`, then `keep`; or `abandon`, at any time. Made by `Desk.begin`."""

    def __init__(
        self,
        household: Household,
        http: Http,
        clock: Clock,
        org: Org,
        way: Way,
        opened: Org | None,
        *,
        floor: timedelta = DEVICE_FLOOR,
        port: int = REDIRECT_PORT,
    ) -> None:
        """Args:
        opened: the org that signs in again, as it was when that began; None: a new one.
        floor: the shortest pause between two polls of the device flow.
        port: that the browser comes back to.
        """
        self._household = household
        self._http = http
        self._clock = clock
        self._tokens = TokenDesk(http, household.journal, clock)
        self._org = org
        self._way: Way = way
        self._opened = opened
        self._floor = floor
        self._port = port
        self._stop = Stop(clock)
        self._proof: _Proof | None = None
        self._found: Found | None = None
        self._kept = False
        self._settling = asyncio.Lock()
        """Held while it is decided whether the sign-in stays."""

    @property
    def is_signed_in(self) -> bool:
        """Whether Zoho has given its tokens: what failed after that can be tried again without them."""
        return self._proof is not None

    async def sign_in(
        self,
        client_secret: str | None,
        answer: str | None,
        tell: Callable[[Progress], None],
        *,
        client_of: str | None = None,
        verified: bool = True,
    ) -> Found:
        """Get the tokens, then look with them as the watch will. Nothing is kept yet.

        Called again after a failure, it goes on from where it was: a code works only once.

        Args:
            client_secret: as typed; None: that of `client_of`.
            answer: the grant code, or the refresh token, as typed; None where the way needs none.
            tell: what the person is to see or to do, as it goes on.
            client_of: an org under watch whose client secret to use.
            verified: whether Zoho is asked; else what was typed is believed (not where it must be
                exchanged).

        Raises:
            TroubleError: what keeps this sign-in from being of use.
            StoppedError: `abandon` was called meanwhile.
        """
        if self._opened is None:
            check_free(self._household.config.load(), self._org.name)
        # First of all: no code is spent, and nobody sent to a browser, for a keyring that is locked.
        await self._household.credentials.read_access(self._org.name)
        try:
            if self._proof is None:
                client = Client(self._org.client_id, await self._secret(client_secret, client_of))
                self._stop.check()
                self._proof = await self._get_tokens(client, Secret(answer or ""), tell, verified)
                if self._is_granted:
                    await self._tokens.note_first(self._proof.org, self._proof.sign_in)
            found = await self._look(self._proof, tell)
            self._stop.check()
        except BaseException as error:
            if self._stop.wanted:
                await self.abandon()  # again: when it was called there was nothing to revoke yet
                if isinstance(error, TroubleError):  # which may come of that: its token is dead
                    raise StoppedError from None
            raise
        self._found = found
        return found

    async def keep(self) -> Snapshot:
        """Put what was found under watch: the keyring first, the config last.

        Returns:
            What is known of the org.

        Raises:
            TroubleError: config, keyring and journal are as they were.
            StoppedError: `abandon` was called before.
        """
        async with self._settling:
            self._stop.check()
            proof, found = self._proof, self._found
            assert proof and found, "sign_in comes first"
            household, org = self._household, proof.org
            before = await household.journal.recall(org) if self._opened else None
            known = _snapshot(found, before, self._clock)
            async with household.exchanging(org.name):
                await household.put_credentials(org.name, proof.sign_in, proof.access)
                if self._opened is None:
                    household.config.add(org)
                else:
                    household.config.replace(org.name, org, self._opened)
                    household.config.touch()
            self._kept = True
        if self._opened is None or self._opened.identity != org.identity:
            await household.journal.forget(org.name)  # what is known there is another org's
        await household.journal.save(known)
        return known

    async def abandon(self) -> None:
        """Leave nothing behind: what Zoho granted and is not kept is revoked there, if it can be."""
        self._stop.request()
        async with self._settling:
            proof, self._proof = self._proof, None
        if proof is None or self._kept or not self._is_granted or proof.sign_in.refresh_token is None:
            return
        # One that stays is one of twenty that Zoho keeps; nobody has it.
        with suppress(TroubleError):
            await revoke(self._http, data_center_of(proof.org), proof.sign_in.refresh_token)

    @property
    def _is_granted(self) -> bool:
        """Whether the refresh token is this attempt's own, and not one that was there before."""
        return self._way in ("code", "device", "browser")

    async def _secret(self, typed: str | None, client_of: str | None) -> Secret:
        if typed is not None:
            return _usable(typed, "client secret")
        sign_in = None
        if client_of is not None:
            # A secret goes to the host that it was typed for, and to no other.
            other = find_org(self._household.config.load(), client_of)
            if data_center_of(other) == data_center_of(self._org):
                sign_in = await self._household.credentials.read_sign_in(client_of)
        if sign_in is None:
            raise TroubleError(NO_CLIENT_SECRET)
        return sign_in.client_secret

    async def _get_tokens(
        self, client: Client, answer: Secret, tell: Callable[[Progress], None], verified: bool
    ) -> _Proof:
        org, dc = self._org, data_center_of(self._org)
        match self._way:
            case "refresh-token" | "client-credentials":
                given = None
                if self._way == "refresh-token":
                    given = _usable(answer.reveal(), "refresh token")
                sign_in = SignIn(client.client_secret, given)
                if not verified:
                    return _Proof(org, sign_in, None)
                tell(Asking("for an access token"))
                return _Proof(org, sign_in, await self._tokens.request(org, sign_in))
            case _:
                granted = await self._get_consent(client, dc, answer, tell)
        return _Proof(_moved(org, granted), granted.sign_in, granted.access, granted.scopes)

    async def _get_consent(
        self, client: Client, dc: DataCenter, answer: Secret, tell: Callable[[Progress], None]
    ) -> Granted:
        http, clock, stop = self._http, self._clock, self._stop
        async with self._tokens.guarded(client_key(client.client_id, dc), dc):
            match self._way:
                case "device":
                    return await sign_in_by_device(http, client, dc, clock, stop, tell, self._floor)
                case "browser":
                    return await sign_in_by_browser(http, client, dc, clock, stop, tell, self._port)
                case _:
                    return await self._exchange(client, dc, answer, tell)

    async def _exchange(
        self, client: Client, dc: DataCenter, code: Secret, tell: Callable[[Progress], None]
    ) -> Granted:
        check_code(code.reveal())
        await self._tokens.spend_code(code)
        tell(Asking("to exchange the code"))
        try:
            return await sign_in_by_code(self._http, client, dc, code, self._clock.now())
        except BaseException:
            await self._tokens.give_back_code(code)
            raise

    async def _look(self, proof: _Proof, tell: Callable[[Progress], None]) -> Found:
        org, now = proof.org, self._clock.now()
        if trouble := lacks_scope(proof.scopes):
            raise TroubleError(trouble)
        if proof.access is None:
            return Found(org, None, None)
        self._stop.check()
        tell(Asking("for the backup"))
        looked = await fetch_details(self._http, proof.access, org.data_center, now)
        self._stop.check()
        # With the history: without it nobody can tell whether the org is well.
        past = await fetch_past(self._http, proof.access, org.data_center, now)
        looked = replace(looked, past=past)
        self._stop.check()
        tell(Asking("whose org it is"))
        company: Company | Trouble | None
        try:
            company = await fetch_company(self._http, proof.access, org.data_center, now)
        except TroubleError as error:
            company = error.trouble  # no more than a name less
        return Found(org, looked, company)


def _moved(org: Org, granted: Granted) -> Org:
    """The org, at the data center where its person turned out to live."""
    dc: DataCenter = granted.data_center
    return org if org.data_center == CUSTOM else replace(org, data_center=dc.key)


def _snapshot(found: Found, before: Snapshot | None, clock: Clock) -> Snapshot:
    """Args:
    before: what was known of this very org.
    """
    known = before or Snapshot(found.org)
    if found.looked is None:
        return known
    company = found.company if isinstance(found.company, Company) else None
    looked = replace(found.looked, company=company, company_asked=not isinstance(found.company, Trouble))
    return succeeded(known, looked, clock.now())


def _usable(typed: str, what: str) -> Secret:
    if not fits_header(typed):
        raise TroubleError(
            Trouble(
                "config",
                f"The {what} is missing, or has characters that none has.",
                "Copy it whole, and nothing else with it.",
            )
        )
    return Secret(typed)
