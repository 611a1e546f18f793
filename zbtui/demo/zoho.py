"""Zoho, simulated, without a server: its state, its API hosts, and what steers it.

The accounts hosts are in `grants`, `device` and `consent`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from zbtui.demo.accounts import (
    BACKUP_SCOPE,
    CODE_MINUTES,
    ORG_SCOPE,
    USUAL_SCOPES,
    Accounts,
    Consent,
    DeviceCode,
    GrantCode,
    read_scopes,
)
from zbtui.demo.answers import (
    API_ERRORS,
    TOKEN_ERRORS,
    Answer,
    Answered,
    Call,
    Request,
    api_error,
    json_answer,
    page_of,
)
from zbtui.demo.past import history_rows, links_object
from zbtui.demo.roster import InventedOrg
from zbtui.demo.world import Moment, World

__all__ = ["API_ERRORS", "TOKEN_ERRORS", "Answer", "Request", "Simulator", "api_error"]

_LOGGED: Final = 1000
"""The last requests that are remembered."""
_NOT_OF_BACKUPS: Final = TOKEN_ERRORS | {"KEYRING", "NO_SCOPE"}
_OF_BACKUPS_ONLY: Final = frozenset({"NO_PERMISSION", "OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"})
"""Troubles of the calls about backups that leave the org call alone."""
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>"


class Simulator:
    """Zoho's state: who is signed in with which tokens, and what each org's backup is at."""

    def __init__(
        self,
        world: World,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token_life: timedelta = timedelta(hours=1),
    ) -> None:
        self.world = world
        self.now = now
        self.token_life = token_life
        self.accounts = Accounts(world.every.values())
        self.forced: dict[str, str] = {}
        """Org name to kind: what it answers, whatever its life says. A word of `TOKEN_ERRORS` refuses
        its refresh tokens and new sign-ins alike, where its life does the first refresh token only."""
        self.history_of: dict[str, Sequence[Mapping[str, Any]]] = {}
        """Org name to the rows of its history, in the server's order; without, they are its life's."""
        self.links_of: dict[str, Mapping[str, Any] | None] = {}
        """Org name to its `urls` object, or None for 204; without, the links are its life's."""
        self.missing_scopes: dict[str, set[str]] = {}
        """Org name to the scopes that new sign-ins to it do not get, whatever was asked for."""
        self.device_floor = timedelta(seconds=30)
        """Two polls of a device code closer than this are `slow_down`. It is told as `interval`, but not
        when it is a second or less: clients take numbers that small for seconds."""
        self.device_person: str | None = None
        """Name of the org that each device code is accepted for by itself; None: see `decide`."""
        self.device_person_after = timedelta(seconds=5)
        """How long that person takes, from when the code was asked for."""
        self.loopback_redirects = True
        """Widens what is registered for web clients: `http://localhost:<port>/` and
        `http://127.0.0.1:<port>/` with any port. Zoho takes what is registered, and that only."""
        self.requests: deque[Request] = deque(maxlen=_LOGGED)
        self._serial = 0

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def kind(self, org: InventedOrg) -> str:
        """What `org` is at: forced, or by its life."""
        return self.forced.get(org.name) or self.world.at(org, self.now()).kind

    # What a person does at Zoho

    def expire_tokens(self) -> None:
        """End every access token, as a change of password does."""
        self.accounts.access_tokens.clear()

    def grant_code(self, org_name: str, minutes: int = 10, scope: str | None = None) -> str:
        """What the API console's "Generate Code" gives for the self client of an org.

        Args:
            minutes: 3, 5, 7 or 10, as the console offers.
            scope: separated by commas; None: the two that zbtui asks for.

        Raises:
            KeyError: no such org.
            ValueError: other minutes, or a scope that does not exist.
        """
        if minutes not in CODE_MINUTES:
            raise ValueError(f"a code lives {', '.join(map(str, CODE_MINUTES))} minutes")
        org = self.world.every[org_name]
        scopes = USUAL_SCOPES if scope is None else read_scopes(scope)
        consent = Consent(org.client_id, org, scopes, lasting=True)
        return self.accounts.keep_code(GrantCode(consent, self.now() + timedelta(minutes=minutes)))

    def decide(self, user_code: str, org_name: str | None) -> None:
        """A person enters a device's user code, and accepts for one of their orgs.

        Args:
            org_name: None: they reject it.

        Raises:
            KeyError: no such org, or no such code that still waits for a person.
        """
        device = self.accounts.device_of(user_code)
        if device is None or not device.awaits(self.now()):
            raise KeyError(user_code)
        self.settle(device, org_name)

    def settle(self, device: DeviceCode, org_name: str | None) -> None:
        """As `decide`, for a code that waits.

        Raises:
            KeyError: no such org.
        """
        if org_name is None:
            device.denied = True
        else:
            org = self.world.every[org_name]
            device.consent = self.accounts.agree(device.client_id, org, device.asked)

    # The API hosts

    def details(self, call: Call) -> Answered:
        """`GET {api}/crm/bulk/v7/backup`. With the org's name, where the token tells.

        Raises:
            ConnectionResetError: the org is at `RESET`.
        """
        return self._answer(call, BACKUP_SCOPE, self._backup)

    def history(self, call: Call) -> Answered:
        """`GET {api}/crm/bulk/v7/backup/history`, a page of it.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._answer(call, BACKUP_SCOPE, lambda org: self._history(org, call))

    def links(self, call: Call) -> Answered:
        """`GET {api}/crm/bulk/v7/backup/urls`.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._answer(call, BACKUP_SCOPE, lambda org: self._links(org, call))

    def company(self, call: Call) -> Answered:
        """`GET {api}/crm/v7/org`.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._answer(call, ORG_SCOPE, self._company, spared=_OF_BACKUPS_ONLY)

    def _answer(
        self,
        call: Call,
        scope: str,
        give: Callable[[InventedOrg], Answer],
        spared: Collection[str] = (),
    ) -> Answered:
        """Args:
        give: what is answered where nothing is in the way.
        spared: kinds of trouble that are not in the way of this call.
        """
        org, refusal = self._let_in(call, scope)
        if org is None or refusal is not None:
            return refusal or api_error("INVALID_TOKEN"), org.name if org else None
        trouble = None if self.kind(org) in spared else self._trouble(org)
        return trouble or give(org), org.name

    def _let_in(self, call: Call, scope: str) -> tuple[InventedOrg | None, Answer | None]:
        """Whose token it is, and why it does not let in; without either it is nobody's."""
        scheme, _, text = call.authorization.partition(" ")
        if scheme != "Zoho-oauthtoken" or not text:
            return None, api_error("AUTHENTICATION_FAILURE")
        token = self.accounts.access_tokens.get(text)
        if token is None:
            return None, api_error("INVALID_TOKEN")
        if token.expires_at <= self.now() or token.org.data_center != call.site.data_center:
            return token.org, api_error("INVALID_TOKEN")
        if call.method != "GET":
            return token.org, api_error("INVALID_REQUEST_METHOD")
        if not token.covers(scope):
            return token.org, api_error("OAUTH_SCOPE_MISMATCH")
        return token.org, None

    def _trouble(self, org: InventedOrg) -> Answer | None:
        """What an org's API host answers when it is in trouble."""
        kind = self.kind(org)
        if kind in API_ERRORS:
            return api_error(kind)
        match kind:
            case "NO_API_ACCESS":
                return api_error("NO_PERMISSION", {"permissions": ["Crm_Implied_Api_Access"]})
            case "HTML":
                return Answer(200, _PAGE, "text/html")
            case "OUTAGE":
                return Answer(503, _PAGE, "text/html")
            case "RESET":
                raise ConnectionResetError
        return None

    def _backup(self, org: InventedOrg) -> Answer:
        kind = self.kind(org)
        if kind == "NONE":
            return Answer(204)
        if kind == "EMPTY":
            return Answer(200, b"{}")
        remaining = {"X-API-CREDITS-REMAINING": "1840"} if org.name == "kestrel" else {}
        return json_answer(200, {"backup": self.world.job(org, self._lived(org)[0])}, remaining)

    def _history(self, org: InventedOrg, call: Call) -> Answer:
        if self.kind(org) == "HISTORY_DOWN":
            return api_error("INTERNAL_ERROR")
        rows = self.history_of.get(org.name)
        if rows is None:
            rows = history_rows(self.world, org, self._lived(org), self.now())
        return page_of(rows, call)

    def _links(self, org: InventedOrg, call: Call) -> Answer:
        if self.kind(org) == "LINKS_DOWN":
            return api_error("INTERNAL_ERROR")
        if org.name in self.links_of:
            links = self.links_of[org.name]
        else:
            host = call.site.download_url()
            links = links_object(self.world, org, self._lived(org), self.now(), host)
        return Answer(204) if links is None else json_answer(200, {"urls": links})

    def _company(self, org: InventedOrg) -> Answer:
        return json_answer(200, {"org": [self.world.company(org)]})

    def _lived(self, org: InventedOrg) -> tuple[Moment, ...]:
        """Where it stands and stood; of what is forced, as if its life were there."""
        moment, *before = self.world.lived(org, self.now())
        kind = self.kind(org)
        if kind in _NOT_OF_BACKUPS:
            moment = replace(moment, kind="SCHEDULED", then="", by="")  # a token outlives its sign-in
        elif org.name in self.forced:
            moment = replace(moment, kind=kind, then="", by="")
        return (moment, *before)
