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
    DEFAULT_SCOPES,
    ORG_SCOPE,
    Consent,
    DeviceAuthorization,
    GrantCode,
    SimulatedAccounts,
    parse_scopes,
)
from zbtui.demo.history_and_links import history_rows, links_object
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import (
    API_ERRORS,
    TOKEN_ERRORS,
    RequestRecord,
    ResponseAndOrg,
    SimulatedRequest,
    SimulatedResponse,
    api_error_response,
    history_page_response,
    json_response,
)
from zbtui.demo.world import PhaseInTime, SimulatedWorld

__all__ = [
    "API_ERRORS",
    "TOKEN_ERRORS",
    "RequestRecord",
    "SimulatedResponse",
    "Simulator",
    "api_error_response",
]

_MAX_REQUEST_RECORDS: Final = 1000
"""The last requests that are remembered."""
_KINDS_BESIDE_BACKUPS: Final = TOKEN_ERRORS | {"KEYRING", "NO_SCOPE"}
_KINDS_OF_BACKUP_CALLS_ONLY: Final = frozenset(
    {"NO_PERMISSION", "OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"}
)
"""Troubles of the calls about backups that leave the org call alone."""
_MAINTENANCE_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>"


class Simulator:
    """Zoho's state: who is signed in with which tokens, and what each org's backup is at."""

    def __init__(
        self,
        world: SimulatedWorld,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token_life: timedelta = timedelta(hours=1),
    ) -> None:
        self.world = world
        self.now = now
        self.token_lifetime = token_life
        self.accounts = SimulatedAccounts(world.all_orgs.values())
        self.forced_kinds: dict[str, str] = {}
        """Org name to kind: what it answers, whatever its life says. A word of `TOKEN_ERRORS` refuses
        its refresh tokens and new sign-ins alike, where its life does the first refresh token only."""
        self.forced_history: dict[str, Sequence[Mapping[str, Any]]] = {}
        """Org name to the rows of its history, in the server's order; without, they are its life's."""
        self.forced_links: dict[str, Mapping[str, Any] | None] = {}
        """Org name to its `urls` object, or None for 204; without, the links are its life's."""
        self.missing_scopes: dict[str, set[str]] = {}
        """Org name to the scopes that new sign-ins to it do not get, whatever was asked for."""
        self.min_device_poll_interval = timedelta(seconds=30)
        """Two polls of a device code closer than this are `slow_down`. It is told as `interval`, but not
        when it is a second or less: clients take numbers that small for seconds."""
        self.auto_accept_org: str | None = None
        """Name of the org that each device code is accepted for by itself; None: see `decide`."""
        self.auto_accept_after = timedelta(seconds=5)
        """How long that person takes, from when the code was asked for."""
        self.allow_any_loopback_port = True
        """Widens what is registered for web clients: `http://localhost:<port>/` and
        `http://127.0.0.1:<port>/` with any port. Zoho takes what is registered, and that only."""
        self.request_records: deque[RequestRecord] = deque(maxlen=_MAX_REQUEST_RECORDS)
        self._serial = 0

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def kind_of(self, org: InventedOrg) -> str:
        """What `org` is at: forced, or by its life."""
        return self.forced_kinds.get(org.name) or self.world.phase_at(org, self.now()).kind

    # What a person does at Zoho

    def expire_tokens(self) -> None:
        """End every access token, as a change of password does."""
        self.accounts.access_tokens.clear()

    def issue_grant_code(self, org_name: str, minutes: int = 10, scope: str | None = None) -> str:
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
        org = self.world.all_orgs[org_name]
        scopes = DEFAULT_SCOPES if scope is None else parse_scopes(scope)
        consent = Consent(org.client_id, org, scopes, is_offline=True)
        return self.accounts.add_code(GrantCode(consent, self.now() + timedelta(minutes=minutes)))

    def decide_by_user_code(self, user_code: str, org_name: str | None) -> None:
        """A person enters a device's user code, and accepts for one of their orgs.

        Args:
            org_name: None: they reject it.

        Raises:
            KeyError: no such org, or no such code that still waits for a person.
        """
        device = self.accounts.find_device(user_code)
        if device is None or not device.is_pending(self.now()):
            raise KeyError(user_code)
        self.decide_device(device, org_name)

    def decide_device(self, device: DeviceAuthorization, org_name: str | None) -> None:
        """As `decide`, for a code that waits.

        Raises:
            KeyError: no such org.
        """
        if org_name is None:
            device.is_denied = True
        else:
            org = self.world.all_orgs[org_name]
            device.consent = self.accounts.give_consent(device.client_id, org, device.request)

    # The API hosts

    def details_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """`GET {api}/crm/bulk/v7/backup`. With the org's name, where the token tells.

        Raises:
            ConnectionResetError: the org is at `RESET`.
        """
        return self._respond(call, BACKUP_SCOPE, self._backup_response)

    def history_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """`GET {api}/crm/bulk/v7/backup/history`, a page of it.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._respond(call, BACKUP_SCOPE, lambda org: self._history_of_org(org, call))

    def links_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """`GET {api}/crm/bulk/v7/backup/urls`.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._respond(call, BACKUP_SCOPE, lambda org: self._links_of_org(org, call))

    def organization_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """`GET {api}/crm/v7/org`.

        Raises:
            ConnectionResetError: as `details`.
        """
        return self._respond(call, ORG_SCOPE, self._organization_of_org, spared=_KINDS_OF_BACKUP_CALLS_ONLY)

    def _respond(
        self,
        call: SimulatedRequest,
        scope: str,
        give: Callable[[InventedOrg], SimulatedResponse],
        spared: Collection[str] = (),
    ) -> ResponseAndOrg:
        """Args:
        give: what is answered where nothing is in the way.
        spared: kinds of trouble that are not in the way of this call.
        """
        org, refusal = self._authorize(call, scope)
        if org is None or refusal is not None:
            return refusal or api_error_response("INVALID_TOKEN"), org.name if org else None
        trouble = None if self.kind_of(org) in spared else self._problem_response(org)
        return trouble or give(org), org.name

    def _authorize(
        self, call: SimulatedRequest, scope: str
    ) -> tuple[InventedOrg | None, SimulatedResponse | None]:
        """Whose token it is, and why it does not let in; without either it is nobody's."""
        scheme, _, text = call.authorization.partition(" ")
        if scheme != "Zoho-oauthtoken" or not text:
            return None, api_error_response("AUTHENTICATION_FAILURE")
        token = self.accounts.access_tokens.get(text)
        if token is None:
            return None, api_error_response("INVALID_TOKEN")
        if token.expires_at <= self.now() or token.org.data_center != call.site.data_center:
            return token.org, api_error_response("INVALID_TOKEN")
        if call.method != "GET":
            return token.org, api_error_response("INVALID_REQUEST_METHOD")
        if not token.has_scope(scope):
            return token.org, api_error_response("OAUTH_SCOPE_MISMATCH")
        return token.org, None

    def _problem_response(self, org: InventedOrg) -> SimulatedResponse | None:
        """What an org's API host answers when it is in trouble."""
        kind = self.kind_of(org)
        if kind in API_ERRORS:
            return api_error_response(kind)
        match kind:
            case "NO_API_ACCESS":
                return api_error_response("NO_PERMISSION", {"permissions": ["Crm_Implied_Api_Access"]})
            case "HTML":
                return SimulatedResponse(200, _MAINTENANCE_PAGE, "text/html")
            case "OUTAGE":
                return SimulatedResponse(503, _MAINTENANCE_PAGE, "text/html")
            case "RESET":
                raise ConnectionResetError
        return None

    def _backup_response(self, org: InventedOrg) -> SimulatedResponse:
        kind = self.kind_of(org)
        if kind == "NONE":
            return SimulatedResponse(204)
        if kind == "EMPTY":
            return SimulatedResponse(200, b"{}")
        remaining = {"X-API-CREDITS-REMAINING": "1840"} if org.name == "kestrel" else {}
        return json_response(
            200, {"backup": self.world.backup_object(org, self._phases_lived(org)[0])}, remaining
        )

    def _history_of_org(self, org: InventedOrg, call: SimulatedRequest) -> SimulatedResponse:
        if self.kind_of(org) == "HISTORY_DOWN":
            return api_error_response("INTERNAL_ERROR")
        rows = self.forced_history.get(org.name)
        if rows is None:
            rows = history_rows(self.world, org, self._phases_lived(org), self.now())
        return history_page_response(rows, call)

    def _links_of_org(self, org: InventedOrg, call: SimulatedRequest) -> SimulatedResponse:
        if self.kind_of(org) == "LINKS_DOWN":
            return api_error_response("INTERNAL_ERROR")
        if org.name in self.forced_links:
            links = self.forced_links[org.name]
        else:
            host = call.site.download_url()
            links = links_object(self.world, org, self._phases_lived(org), self.now(), host)
        return SimulatedResponse(204) if links is None else json_response(200, {"urls": links})

    def _organization_of_org(self, org: InventedOrg) -> SimulatedResponse:
        return json_response(200, {"org": [self.world.org_object(org)]})

    def _phases_lived(self, org: InventedOrg) -> tuple[PhaseInTime, ...]:
        """Where it stands and stood; of what is forced, as if its life were there."""
        moment, *before = self.world.phases_until(org, self.now())
        kind = self.kind_of(org)
        if kind in _KINDS_BESIDE_BACKUPS:
            moment = replace(
                moment, kind="SCHEDULED", next_kind="", done_by=""
            )  # a token outlives its sign-in
        elif org.name in self.forced_kinds:
            moment = replace(moment, kind=kind, next_kind="", done_by="")
        return (moment, *before)
