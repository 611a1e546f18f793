"""Calls of the simulator without a server, as the watch and sign-ins make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from tests.support.fake_clock import FakeClock
from tests.support.simulator import make_simulator
from zbtui.demo.accounts import DEFAULT_SCOPES, RegisteredClient, TokenSource, self_client
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import ResponseAndOrg, SimulatedRequest, SimulatedResponse, Site
from zbtui.demo.simulator import Simulator
from zbtui.demo.token_endpoints import issue_token, revoke_token
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.zoho_api.backup_details import Backup, parse_backup_response
from zbtui.zoho_api.history import parse_history_response
from zbtui.zoho_api.links import Links, parse_links_response
from zbtui.zoho_api.organization import parse_organization_response
from zbtui.zoho_api.runs import History, build_history

T = TypeVar("T")

EU_API = "https://www.zohoapis.eu"
BACKUP_AND_ORG_SCOPES = "ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ"


class SimulatorClient:
    """Calls the simulator as an org of the EU."""

    def __init__(self, clock: FakeClock) -> None:
        self.simulator: Simulator = make_simulator(clock)
        self.org: InventedOrg = self.simulator.world.orgs["nordlys"]
        self.clock = clock

    def post_token_request(self, dc: str, client: RegisteredClient, **form: str | None) -> dict[str, Any]:
        """A token request of a client that sends its id and secret; None leaves a key out."""
        whole = {"client_id": client.client_id, "client_secret": client.secret_for(dc), **form}
        sent = {key: value for key, value in whole.items() if value is not None}
        return self.json_of(issue_token(self.simulator, SimulatedRequest(Site(dc), "POST", form=sent))[0])

    def refresh(self, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """Refresh the org's token, with these changes."""
        form = {"grant_type": "refresh_token", "refresh_token": self.org.refresh_token, **changed}
        return self.post_token_request(dc, self_client(self.org), **form)

    def use_client_credentials(self, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """Use the org's client credentials, with these changes."""
        form = {"grant_type": "client_credentials", "soid": self.org.soid, **changed}
        return self.post_token_request(dc, self_client(self.org), **form)

    def exchange(self, code: str, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """Exchange a code of the org's self client, with these changes."""
        form = {"grant_type": "authorization_code", "code": code, **changed}
        return self.post_token_request(dc, self_client(self.org), **form)

    def revoke(self, token: str, dc: str = "eu") -> SimulatedResponse:
        return revoke_token(self.simulator, SimulatedRequest(Site(dc), "POST", form={"token": token}))[0]

    def access_token(self) -> str:
        return str(self.refresh()["access_token"])

    def details(self, token: str, dc: str = "eu", method: str = "GET") -> SimulatedResponse:
        call = SimulatedRequest(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.details_response(call)[0]

    def history(self, token: str, dc: str = "eu", method: str = "GET", **query: str) -> SimulatedResponse:
        call = SimulatedRequest(Site(dc), method, query, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.history_response(call)[0]

    def links(self, token: str, dc: str = "eu", method: str = "GET") -> SimulatedResponse:
        call = SimulatedRequest(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.links_response(call)[0]

    def about_backups(
        self, token: str, dc: str = "eu", method: str = "GET"
    ) -> tuple[SimulatedResponse, ...]:
        """The answers of the calls for details, history and links."""
        return (
            self.details(token, dc, method),
            self.history(token, dc, method),
            self.links(token, dc, method),
        )

    def company(self, token: str, dc: str = "eu", method: str = "GET") -> SimulatedResponse:
        call = SimulatedRequest(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.organization_response(call)[0]

    def error_code(self, token: str, dc: str = "eu", method: str = "GET") -> str | None:
        """The error code of the answer to the details call, if any."""
        return error_code_in(self.details(token, dc, method))

    @staticmethod
    def json_of(answer: SimulatedResponse) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(answer.body)
        assert answer.status == (400 if parsed.get("error") == "拒绝访问" else 200), "as Zoho refuses"
        return parsed


def error_code_in(answer: SimulatedResponse) -> str | None:
    found = json.loads(answer.body).get("code") if answer.body else None
    return str(found) if found else None


class OrgReader:
    """Reads Zoho's data of one org, with a token for each call."""

    def __init__(self, simulator: Simulator, org: InventedOrg, site: Site | None = None) -> None:
        self.simulator = simulator
        self.org = org
        self.site = site or Site(org.data_center)

    def backup(self) -> Backup | None:
        return self._read(parse_backup_response, self.simulator.details_response)

    def history(self) -> History:
        return build_history(self._read(parse_history_response, self.simulator.history_response).entries)

    def links(self) -> Links:
        return self._read(parse_links_response, self.simulator.links_response)

    def urls(self) -> dict[str, Any]:
        """The object under `urls`."""
        found: dict[str, Any] = json.loads(self.simulator.links_response(self._call())[0].body)["urls"]
        return found

    def snapshot(self) -> Snapshot:
        """The snapshot after a first poll, with history, links and company.

        Raises:
            ProblemError: the details cannot be read.
            ConnectionResetError: the org is at `RESET`.
        """
        backup, history, links, problem = self.backup(), None, None, None
        try:
            links = self.links()
            history = self.history()
        except ProblemError as error:
            problem = error.problem
        company = self._read(parse_organization_response, self.simulator.organization_response)
        extras = HistoryAndLinks(history, links, problem)
        observation = Observation(backup, history_and_links=extras, company=company, company_requested=True)
        org = Org(self.org.name, self.org.data_center, self.org.client_id)
        return apply_observation(Snapshot(org), observation, self.simulator.now())

    def _read(
        self, parse: Callable[[int, bytes, str], T], ask: Callable[[SimulatedRequest], ResponseAndOrg]
    ) -> T:
        answer, _ = ask(self._call())
        return parse(answer.status, answer.body, self.org.data_center)

    def _call(self) -> SimulatedRequest:
        source, now = TokenSource(self.org.client_id, self.org, DEFAULT_SCOPES), self.simulator.now()
        token = self.simulator.accounts.issue_access_token(source, DEFAULT_SCOPES, now, timedelta(hours=1))
        return SimulatedRequest(self.site, authorization=f"Zoho-oauthtoken {token}")
