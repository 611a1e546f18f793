"""The simulator, asked without a server: as one org's watch asks, or whoever signs in."""

from __future__ import annotations

import json
from typing import Any

from tests.support.clock import FakeClock
from tests.support.zoho import make_simulator
from zbtui.demo.accounts import Client, self_client
from zbtui.demo.answers import Answer, Call, Site
from zbtui.demo.grants import issue_token, revoke_token
from zbtui.demo.world import InventedOrg
from zbtui.demo.zoho import Simulator

EU_API = "https://www.zohoapis.eu"
BOTH = "ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ"


class Desk:
    """One org of the EU, to begin with."""

    def __init__(self, clock: FakeClock) -> None:
        self.simulator: Simulator = make_simulator(clock)
        self.org: InventedOrg = self.simulator.world.orgs["nordlys"]
        self.clock = clock

    def post(self, dc: str, client: Client, **form: str | None) -> dict[str, Any]:
        """A token request of a client that sends its id and secret; None leaves a key out."""
        whole = {"client_id": client.client_id, "client_secret": client.secret_at(dc), **form}
        sent = {key: value for key, value in whole.items() if value is not None}
        return self.read(issue_token(self.simulator, Call(Site(dc), "POST", form=sent))[0])

    def issue(self, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """A refresh of the org's, but for what is changed."""
        form = {"grant_type": "refresh_token", "refresh_token": self.org.refresh_token, **changed}
        return self.post(dc, self_client(self.org), **form)

    def own(self, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """Client credentials of the org's self client, but for what is changed."""
        form = {"grant_type": "client_credentials", "soid": self.org.soid, **changed}
        return self.post(dc, self_client(self.org), **form)

    def exchange(self, code: str, dc: str = "eu", **changed: str | None) -> dict[str, Any]:
        """A code of the org's self client, but for what is changed."""
        form = {"grant_type": "authorization_code", "code": code, **changed}
        return self.post(dc, self_client(self.org), **form)

    def revoke(self, token: str, dc: str = "eu") -> Answer:
        return revoke_token(self.simulator, Call(Site(dc), "POST", form={"token": token}))[0]

    def token(self) -> str:
        return str(self.issue()["access_token"])

    def details(self, token: str, dc: str = "eu", method: str = "GET") -> Answer:
        call = Call(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.details(call)[0]

    def company(self, token: str, dc: str = "eu", method: str = "GET") -> Answer:
        call = Call(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.company(call)[0]

    def code(self, token: str, dc: str = "eu", method: str = "GET") -> str | None:
        """The error code of the details; None: none."""
        return code_in(self.details(token, dc, method))

    @staticmethod
    def read(answer: Answer) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(answer.body)
        assert answer.status == 200, "Zoho refuses with 200"
        return said


def code_in(answer: Answer) -> str | None:
    found = json.loads(answer.body).get("code") if answer.body else None
    return str(found) if found else None
