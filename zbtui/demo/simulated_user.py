"""The demo's user: fills in sign-in forms, and accepts in a simulated browser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from zbtui.clock import Clock
from zbtui.config.config_store import ConfigStore
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.simulator import Simulator
from zbtui.model.org import SignInMethod
from zbtui.zoho.http import HttpClient

_THINKING_SECONDS: Final = 2.0


class SimulatedUser:
    """Signs in to invented orgs: fills in the sign-in forms, and accepts each request for consent."""

    def __init__(self, simulator: Simulator, http: HttpClient, config: ConfigStore, clock: Clock) -> None:
        self._clock = clock
        self._simulator = simulator
        self._http = http
        self._config = config
        self._org_name: str | None = None
        """The name of the org in the last sign-in form."""
        self._tasks: set[asyncio.Task[None]] = set()

    def form_examples(self, method: SignInMethod | None, org_name: str | None) -> Mapping[str, str]:
        """Return values for a sign-in form, by key; empty if there is no org to sign in.

        `method` is None until a sign-in method is chosen; `org_name` is None for a new org.
        """
        org = self._invented_org(org_name)
        if org is None:
            return {}
        self._org_name = self._simulator.auto_accept_org = org.name
        self_client = {"client_id": org.client_id, "client_secret": org.client_secret}
        match method:
            case None:
                return {"name": org.name, "data_center": org.data_center}
            case "code":
                return self_client | {"answer": self._simulator.issue_grant_code(org.name)}
            case "device":
                return _client_fields(DEVICE_CLIENT.client_id, DEVICE_CLIENT.client_secret)
            case "browser":
                return _client_fields(WEB_CLIENT.client_id, WEB_CLIENT.client_secret)
            case "refresh-token":
                return self_client | {"answer": org.refresh_token}
            case "client-credentials":
                return self_client | {"soid": org.zgid}

    async def open_in_browser(self, url: str) -> bool:
        """Start a task that accepts the consent page at `url` and follows its redirect; returns True."""
        if urlsplit(url).path == "/oauth/v2/auth":
            task = asyncio.get_running_loop().create_task(self._accept_consent(url))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    def _invented_org(self, org_name: str | None) -> InventedOrg | None:
        world = self._simulator.world
        if org_name is not None:
            return world.all_orgs.get(org_name)
        watched = {org.name for org in self._config.load().orgs}
        return next((org for name, org in world.unwatched_orgs.items() if name not in watched), None)

    async def _accept_consent(self, url: str) -> None:
        await self._clock.wait(asyncio.Event(), _THINKING_SECONDS)
        form = {"org": self._org_name or "", "decision": "accept"}
        reply = await self._http.send("POST", url, form=form)
        back = urlsplit(reply.headers.get("location", ""))
        if back.hostname != "localhost" or back.port is None or "state" not in parse_qs(back.query):
            return
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", back.port)
        except OSError:
            return  # the sign-in no longer waits
        writer.write(f"GET /?{back.query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.read()
        writer.close()


def _client_fields(client_id: str, client_secret: str) -> Mapping[str, str]:
    return {"client_id": client_id, "client_secret": client_secret}
