"""The person at the demo's keyboard: what they bring from Zoho's console, and their browser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from zbtui.clock import Clock
from zbtui.config.config_store import ConfigStore
from zbtui.core.org import Way
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.demo.roster import InventedOrg
from zbtui.demo.zoho import Simulator
from zbtui.zoho.http import Http

_THINKS_SECONDS: Final = 2.0


class DemoPerson:
    """Signs in to invented orgs: fills in the form, and accepts whatever the demo's Zoho asks."""

    def __init__(self, simulator: Simulator, http: Http, config: ConfigStore, clock: Clock) -> None:
        self._clock = clock
        self._simulator = simulator
        self._http = http
        self._config = config
        self._org: str | None = None
        """Whom the last form was filled in for."""
        self._errands: set[asyncio.Task[None]] = set()

    def examples(self, way: Way | None, org_name: str | None) -> Mapping[str, str]:
        """What leads to an invented org; see `Desk.examples`."""
        org = self._invented(org_name)
        if org is None:
            return {}
        self._org = self._simulator.device_person = org.name
        own = {"client_id": org.client_id, "client_secret": org.client_secret}
        match way:
            case None:
                return {"name": org.name, "data_center": org.data_center}
            case "code":
                return own | {"answer": self._simulator.grant_code(org.name)}
            case "device":
                return _of(DEVICE_CLIENT.client_id, DEVICE_CLIENT.client_secret)
            case "browser":
                return _of(WEB_CLIENT.client_id, WEB_CLIENT.client_secret)
            case "refresh-token":
                return own | {"answer": org.refresh_token}
            case "client-credentials":
                return own | {"soid": org.zgid}

    async def open_page(self, url: str) -> bool:
        """A browser that accepts; only a consent page brings it back to this machine."""
        if urlsplit(url).path == "/oauth/v2/auth":
            errand = asyncio.get_running_loop().create_task(self._accept(url))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)
        return True

    def _invented(self, org_name: str | None) -> InventedOrg | None:
        world = self._simulator.world
        if org_name is not None:
            return world.every.get(org_name)
        watched = {org.name for org in self._config.load().orgs}
        return next((org for name, org in world.newcomers.items() if name not in watched), None)

    async def _accept(self, url: str) -> None:
        await self._clock.wait(asyncio.Event(), _THINKS_SECONDS)
        form = {"org": self._org or "", "decision": "accept"}
        reply = await self._http.send("POST", url, form=form)
        back = urlsplit(reply.headers.get("location", ""))
        if back.hostname != "localhost" or back.port is None or "state" not in parse_qs(back.query):
            return
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", back.port)
        except OSError:
            return  # nobody waits for it any more
        writer.write(f"GET /?{back.query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.read()
        writer.close()


def _of(client_id: str, client_secret: str) -> Mapping[str, str]:
    return {"client_id": client_id, "client_secret": client_secret}
