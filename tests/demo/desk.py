"""The simulator, asked without a server: as one org's watch asks, or whoever signs in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from tests.support.clock import FakeClock
from tests.support.zoho import make_simulator
from zbtui.core.backup import Backup, parse_details
from zbtui.core.company import parse_company
from zbtui.core.history import parse_history
from zbtui.core.links import Links, parse_links
from zbtui.core.org import Org
from zbtui.core.runs import History, summarize
from zbtui.core.snapshot import Looked, Past, Snapshot, succeeded
from zbtui.core.trouble import TroubleError
from zbtui.demo.accounts import USUAL_SCOPES, Client, Source, self_client
from zbtui.demo.answers import Answer, Answered, Call, Site
from zbtui.demo.grants import issue_token, revoke_token
from zbtui.demo.roster import InventedOrg
from zbtui.demo.zoho import Simulator

T = TypeVar("T")

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

    def history(self, token: str, dc: str = "eu", method: str = "GET", **query: str) -> Answer:
        call = Call(Site(dc), method, query, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.history(call)[0]

    def links(self, token: str, dc: str = "eu", method: str = "GET") -> Answer:
        call = Call(Site(dc), method, authorization=f"Zoho-oauthtoken {token}")
        return self.simulator.links(call)[0]

    def about_backups(self, token: str, dc: str = "eu", method: str = "GET") -> tuple[Answer, ...]:
        """The answers of all three calls about backups."""
        return (
            self.details(token, dc, method),
            self.history(token, dc, method),
            self.links(token, dc, method),
        )

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


class Eye:
    """Sees what Zoho tells of one org, with a token for each look."""

    def __init__(self, simulator: Simulator, org: InventedOrg, site: Site | None = None) -> None:
        self.simulator = simulator
        self.org = org
        self.site = site or Site(org.data_center)

    def backup(self) -> Backup | None:
        return self._read(parse_details, self.simulator.details)

    def history(self) -> History:
        return summarize(self._read(parse_history, self.simulator.history).entries)

    def links(self) -> Links:
        return self._read(parse_links, self.simulator.links)

    def urls(self) -> dict[str, Any]:
        """What stands under `urls`."""
        found: dict[str, Any] = json.loads(self.simulator.links(self._call())[0].body)["urls"]
        return found

    def snapshot(self) -> Snapshot:
        """After a first look, history, links and company included.

        Raises:
            TroubleError: the details cannot be read.
            ConnectionResetError: the org is at `RESET`.
        """
        backup, history, links, trouble = self.backup(), None, None, None
        try:
            links = self.links()
            history = self.history()
        except TroubleError as error:
            trouble = error.trouble
        company = self._read(parse_company, self.simulator.company)
        past = Past(history, links, trouble)
        looked = Looked(backup, past=past, company=company, company_asked=True)
        org = Org(self.org.name, self.org.data_center, self.org.client_id)
        return succeeded(Snapshot(org), looked, self.simulator.now())

    def _read(self, parse: Callable[[int, bytes, str], T], ask: Callable[[Call], Answered]) -> T:
        answer, _ = ask(self._call())
        return parse(answer.status, answer.body, self.org.data_center)

    def _call(self) -> Call:
        source, now = Source(self.org.client_id, self.org, USUAL_SCOPES), self.simulator.now()
        token = self.simulator.accounts.issue(source, USUAL_SCOPES, now, timedelta(hours=1))
        return Call(self.site, authorization=f"Zoho-oauthtoken {token}")
