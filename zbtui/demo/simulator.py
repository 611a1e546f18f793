"""The simulated Zoho: its state, its API hosts, and controls for tests and the demo.

The accounts hosts are in `token_endpoints`, `device_flow` and `consent_page`.
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
from zbtui.demo.invented_orgs import OLD_ANSWER_KINDS, InventedOrg
from zbtui.demo.responses import (
    API_ERRORS,
    TOKEN_ERRORS,
    UNCODED_ERRORS,
    RequestRecord,
    ResponseAndOrg,
    SimulatedRequest,
    SimulatedResponse,
    api_error_response,
    history_page_response,
    http_date,
    json_response,
    page_of,
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
_KINDS_BESIDE_BACKUPS: Final = TOKEN_ERRORS | {"KEYRING", "NO_SCOPE"}
_KINDS_OF_BACKUP_CALLS_ONLY: Final = {"NO_PERMISSION", "OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"}
"""The kinds of problems that affect the backup calls, but not the org call."""
_OTHER_ORG_NUMBER: Final = 500_000
"""The number that is added to the org's own number in a phase of the kind `OTHER_ORG`."""
_MAINTENANCE_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>"


ForcedAnswers = Callable[[str, int], SimulatedResponse | None]
"""A function that takes the name of a call (`token`, `details`, `history`, `links`, `org`) and a page, and
returns the answer, or None if the simulator's own answer is to be used. It raises ConnectionResetError for
a call that gets no answer."""


class Simulator:
    """Simulates Zoho: holds all tokens and the state of each org's backup, and answers the API calls."""

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
        self._forced_phases: dict[str, list[PhaseInTime]] = {}
        """The phases of forced kinds in which the org has answered so far, by org name, newest first. Their
        backup runs stay in the history."""
        self.forced_kinds: dict[str, str] = {}
        """The kind of phase to answer with, by org name, instead of the org's own phases. A kind in
        `TOKEN_ERRORS` refuses all refresh tokens and sign-ins of the org; in a phase, it refuses the first
        refresh token only."""
        self.forced_history: dict[str, Sequence[Mapping[str, Any]]] = {}
        """The history rows to answer with, by org name, in the server's order, instead of the generated
        rows."""
        self.forced_links: dict[str, Mapping[str, Any] | None] = {}
        """The `urls` object to answer with, by org name, instead of the generated one; None for a 204."""
        self.forced_answers: dict[str, ForcedAnswers] = {}
        """The function that gives an org's captured answers, by org name. Captured answers replace all
        others, and refused sign-ins, too."""
        self.missing_scopes: dict[str, set[str]] = {}
        """The scopes that new sign-ins of an org never get, by org name."""
        self.min_device_poll_interval = timedelta(seconds=30)
        """The shortest time between two polls of a device code; faster polls get `slow_down`. An OAuth
        client is sent this time as `interval` (milliseconds) if it is over a second; clients read smaller
        numbers as seconds."""
        self.auto_accept_org: str | None = None
        """The name of the org for which device codes are accepted automatically; None if a user has to
        accept them."""
        self.auto_accept_after = timedelta(seconds=5)
        """The time from the request for a device code to its automatic acceptance."""
        self.allow_any_loopback_port = True
        """Whether web clients can also redirect to `http://localhost:<port>/` and
        `http://127.0.0.1:<port>/` with any port. Zoho itself accepts only registered redirect URIs."""
        self.request_records: deque[RequestRecord] = deque(maxlen=_MAX_REQUEST_RECORDS)
        self._serial = 0

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def kind_of(self, org: InventedOrg) -> str:
        """Return the forced kind of the org, or else the kind of its current phase."""
        return self.forced_kinds.get(org.name) or self.world.phase_at(org, self.now()).kind

    def forced_answer(self, org_name: str | None, call: str, page: int = 1) -> SimulatedResponse | None:
        """Return the answer from `forced_answers`; None if there is no forced answer."""
        forced = self.forced_answers.get(org_name or "")
        return forced(call, page) if forced else None

    # Actions of a user at Zoho

    def expire_tokens(self) -> None:
        """Delete all access tokens, as a change of password does."""
        self.accounts.access_tokens.clear()

    def issue_grant_code(self, org_name: str, minutes: int = 10, scope: str | None = None) -> str:
        """Issue and return a code for an org's self client, as "Generate Code" in the API console does.

        Args:
            minutes: the lifetime of the code: 3, 5, 7 or 10, as the console offers.
            scope: the scopes, separated by commas; None for the two that zbtui asks for.

        Raises:
            KeyError: no such org.
            ValueError: other minutes, or an unknown scope.
        """
        if minutes not in CODE_MINUTES:
            raise ValueError(f"a code lives {', '.join(map(str, CODE_MINUTES))} minutes")
        org = self.world.all_orgs[org_name]
        scopes = DEFAULT_SCOPES if scope is None else parse_scopes(scope)
        consent = Consent(org.client_id, org, scopes, is_offline=True)
        return self.accounts.add_code(GrantCode(consent, self.now() + timedelta(minutes=minutes)))

    def decide_by_user_code(self, user_code: str, org_name: str | None) -> None:
        """Accept or reject the request of a device, by the user code that the device shows.

        Args:
            org_name: the org to give access to; None to reject the request.

        Raises:
            KeyError: no such org, or no such pending code.
        """
        device = self.accounts.find_device(user_code)
        if device is None or not device.is_pending(self.now()):
            raise KeyError(user_code)
        self.decide_device(device, org_name)

    def decide_device(self, device: DeviceAuthorization, org_name: str | None) -> None:
        """Accept a pending device's request for access to an org, or reject it if `org_name` is None."""
        if org_name is None:
            device.is_denied = True
        else:
            org = self.world.all_orgs[org_name]
            device.consent = self.accounts.give_consent(device.client_id, org, device.request)

    # The API hosts; all raise ConnectionResetError if the org's kind is `RESET`

    def details_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """Answer `GET {api}/crm/bulk/v7/backup` with the details of the org's backup."""
        return self._respond(call, "details", self._backup_response)

    def history_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """Answer `GET {api}/crm/bulk/v7/backup/history` with one page of the history."""
        return self._respond(call, "history", lambda org: self._history_of_org(org, call))

    def links_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """Answer `GET {api}/crm/bulk/v7/backup/urls` with the org's download links."""
        return self._respond(call, "links", lambda org: self._links_of_org(org, call))

    def organization_response(self, call: SimulatedRequest) -> ResponseAndOrg:
        """Answer `GET {api}/crm/v7/org` with facts about the org, such as the company's name."""
        return self._respond(call, "org", self._organization_of_org, spared=_KINDS_OF_BACKUP_CALLS_ONLY)

    def _respond(
        self,
        call: SimulatedRequest,
        name: str,
        respond: Callable[[InventedOrg], SimulatedResponse],
        spared: Collection[str] = (),
    ) -> ResponseAndOrg:
        """Check the token, and return the response of `respond`, or an error if the org has a problem.

        Kinds of problems in `spared` do not affect the call; `name` is the name of the call, as in
        `ForcedAnswers`.
        """
        org, refusal = self._authorize(call, ORG_SCOPE if name == "org" else BACKUP_SCOPE)
        if org is None or refusal is not None:
            return refusal or api_error_response("INVALID_TOKEN"), org.name if org else None
        if forced := self.forced_answer(org.name, name, page_of(call)):
            return forced, org.name
        kind = self.kind_of(org)
        problem = None if kind in spared else self._problem_response(org)
        if kind == "OTHER_ORG":
            org = replace(org, number=org.number + _OTHER_ORG_NUMBER)
        answer = problem or respond(org)
        if kind in OLD_ANSWER_KINDS:
            sent = self._time_shown(org)
            age = {"Age": str(int((self.now() - sent).total_seconds()))} if kind == "AGED_ANSWER" else {}
            answer = replace(answer, headers={**answer.headers, "Date": http_date(sent), **age})
        return answer, org.name

    def _authorize(
        self, call: SimulatedRequest, scope: str
    ) -> tuple[InventedOrg | None, SimulatedResponse | None]:
        """Return the org of the request's token, and the refusal.

        The org is None if the token is unknown; the refusal is None if the token is valid.
        """
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
        """Return the error response of an org whose current kind is a problem; None if it is not.

        Raises ConnectionResetError for the kind `RESET`.
        """
        kind = self.kind_of(org)
        if kind in API_ERRORS:
            return api_error_response(kind)
        if kind in UNCODED_ERRORS:
            return json_response(*UNCODED_ERRORS[kind])
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
        backup = self.world.backup_object(org, self._phases_lived(org)[0], self._time_shown(org))
        return json_response(200, {"backup": backup}, remaining)

    def _history_of_org(self, org: InventedOrg, call: SimulatedRequest) -> SimulatedResponse:
        if self.kind_of(org) == "HISTORY_DOWN":
            return api_error_response("INTERNAL_ERROR")
        rows = self.forced_history.get(org.name)
        if rows is None:
            rows = history_rows(self.world, org, self._phases_lived(org), self._time_shown(org))
        return history_page_response(rows, call)

    def _links_of_org(self, org: InventedOrg, call: SimulatedRequest) -> SimulatedResponse:
        if self.kind_of(org) == "LINKS_DOWN":
            return api_error_response("INTERNAL_ERROR")
        if org.name in self.forced_links:
            links = self.forced_links[org.name]
        else:
            host = call.site.download_url()
            links = links_object(self.world, org, self._phases_lived(org), self._time_shown(org), host)
        return SimulatedResponse(204) if links is None else json_response(200, {"urls": links})

    def _organization_of_org(self, org: InventedOrg) -> SimulatedResponse:
        return json_response(200, {"org": [self.world.org_object(org)]})

    def _time_shown(self, org: InventedOrg) -> datetime:
        """Return the time that the answers show: now, or the begin of a phase with unchanging answers."""
        now = self.now()
        return self.world.phase_at(org, now).began_at if self.kind_of(org) in OLD_ANSWER_KINDS else now

    def _phases_lived(self, org: InventedOrg) -> tuple[PhaseInTime, ...]:
        """Return the org's phases up to now, newest first; a forced kind replaces the newest phase."""
        phase, *before = self.world.phases_until(org, self.now())
        kind = self.kind_of(org)
        if kind in _KINDS_BESIDE_BACKUPS:
            phase = replace(phase, kind="SCHEDULED", next_kind="", done_by="")  # tokens still work
        elif org.name in self.forced_kinds or org.name in self._forced_phases:
            served = self._forced_phases.setdefault(org.name, [])
            if not served or served[0].kind != kind:
                began = self.now() if served else phase.began_at
                served.insert(0, replace(phase, kind=kind, began_at=began, next_kind="", done_by=""))
            return (*served, *before)
        return (phase, *before)
