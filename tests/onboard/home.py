"""A user's stores, a Zoho to sign in to, and a person who does what each way of it needs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.zoho import Browser, make_simulator
from tests.watch.scene import HastyClock
from tests.zoho.canned import Message, Receive, Send, all_that_it_tells
from zbtui.config.config_file import ConfigFile
from zbtui.core.org import Org, Way
from zbtui.core.progress import BrowserPage, DeviceCode, Progress
from zbtui.core.secret import AccessToken, Secret, SignIn
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.demo.server import Asgi, serve_in_process
from zbtui.demo.zoho import Simulator
from zbtui.onboard import Desk, Household
from zbtui.onboard.attempt import Attempt, Found
from zbtui.store.journal import open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.zoho.http import Http
from zbtui.zoho.signin import BROWSER_PATIENCE

GRANTING: tuple[Way, ...] = ("code", "device", "browser")
"""The ways in which Zoho gives a refresh token."""
TOKEN_PATH, REVOKE_PATH = "/oauth/v2/token", "/oauth/v2/token/revoke"
DEVICE_TOKEN_PATH = "/oauth/v3/device/token"
DETAILS_PATH, ORG_PATH = "/crm/bulk/v7/backup", "/crm/v7/org"
LOCKED = TroubleError(Trouble("keyring", "The keyring is locked.", "Unlock it."))
KEYRING_CALLS = ("hold", "read the sign-in", "read the token", "write the sign-in", "write the token")
"""Those that putting a verified sign-in into it takes."""
COMMENTED = """# ours
[watch]
every = "10m"  # slowly

# the first one
[[org]]
name = "acme"
data_center = "us"
client_id = "1000.ABC"
"""
"""A config of a person's own, with an org in it."""
UNEDITABLE = 'org = [{ name = "acme", data_center = "us", client_id = "1000.ABC" }]\n'
"""A legal config, in a shape that cannot be edited."""


class PatientClock(HastyClock):
    """Waiting takes no time, but for a browser, which is waited for."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        waits_for_browser = seconds is not None and seconds > BROWSER_PATIENCE.total_seconds() - 1
        await super().wait(event, None if waits_for_browser else seconds)


class Keyring(MemoryCredentials):
    """Fails where a test says, and lets its entries be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at: set[str] = set()
        self.for_good = False
        """Whether it fails there each time; else the first time only."""
        self.error: BaseException = LOCKED
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}
        """By call: what happens before it, once."""

    @property
    def entries(self) -> dict[str, tuple[SignIn | None, AccessToken | None]]:
        names = self._sign_ins.keys() | self._accesses.keys()
        return {name: (self._sign_ins.get(name), self._accesses.get(name)) for name in names}

    @property
    def sign_ins(self) -> dict[str, SignIn]:
        return dict(self._sign_ins)

    def drop_access(self, org_name: str) -> None:
        """As after a time without a watch: the cache is empty."""
        self._accesses.pop(org_name, None)

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        await self._may("read the sign-in")
        return await super().read_sign_in(org_name)

    async def write_sign_in(self, org_name: str, sign_in: SignIn) -> None:
        await self._may("write the sign-in")
        await super().write_sign_in(org_name, sign_in)

    async def read_access(self, org_name: str) -> AccessToken | None:
        await self._may("read the token")
        return await super().read_access(org_name)

    async def write_access(self, org_name: str, access: AccessToken) -> None:
        await self._may("write the token")
        await super().write_access(org_name, access)

    async def delete(self, org_name: str) -> None:
        await self._may("delete")
        await super().delete(org_name)

    @asynccontextmanager
    async def refreshing(self, org_name: str) -> AsyncIterator[None]:  # type: ignore[override]
        await self._may("hold")
        async with super().refreshing(org_name):
            yield

    async def _may(self, call: str) -> None:
        if happens := self.meanwhile.pop(call, None):
            await happens()
        if call in self.fails_at:
            if not self.for_good:
                self.fails_at.discard(call)
            raise self.error


@dataclass(frozen=True)
class Typed:
    """What a person types into the form."""

    org: Org
    way: Way
    secret: str
    answer: str | None = None


@dataclass
class Home:
    """The stores, the simulated Zoho, and the desk between them."""

    folder: Path
    simulator: Simulator
    clock: HastyClock
    keyring: Keyring = field(default_factory=Keyring)
    meanwhile: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    """By path: what happens while the next request to it is under way."""
    broken: set[str] = field(default_factory=set)
    """Paths at which the connection breaks off."""
    shown: list[Progress] = field(default_factory=list)
    person: str | None = "heron"
    """For which org the person accepts; None: rejects."""
    _browsing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.config = ConfigFile(self.folder / "config.toml", self.folder / "config.lock")
        self.journal = open_journal(self.folder / "journal.db")
        self.app: Asgi = serve_in_process(self.simulator)
        self.http = Http(self._serve)

    @property
    def desk(self) -> Desk:
        household = Household(self.config, self.keyring, self.journal)
        return Desk(household, self.http, self.clock)

    # What is there

    @property
    def text(self) -> str | None:
        return self.config.path.read_text() if self.config.path.exists() else None

    @property
    def orgs(self) -> tuple[Org, ...]:
        return self.config.load().orgs

    @property
    def state(self) -> tuple[object, ...]:
        """All that a failure must leave as it was. Lock-outs are not of it: those are Zoho's."""
        return self.text, self.keyring.entries, self.rows("snapshot")

    def rows(self, table: str) -> list[Any]:
        """The journal's, by a reader of its own."""
        with closing(sqlite3.connect(self.folder / "journal.db")) as database:
            return database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()

    @property
    def grants(self) -> list[str]:
        """What was asked of the accounts hosts, in order."""
        return [one.grant for one in self.simulator.requests if one.grant]

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.simulator.requests]

    def living(self, way: Way, name: str = "heron") -> list[str]:
        """The refresh tokens that Zoho keeps for the client of this way, but for the first one's."""
        client_id = self.typed(way, name).org.client_id
        kept = self.simulator.accounts.refresh_tokens
        first = {org.refresh_token for org in self.simulator.world.every.values()}
        return [
            text for text, source in kept.items() if source.client_id == client_id and text not in first
        ]

    # What is done

    def bar_config(self) -> None:
        """From now on the config can be read, but not written: a file is where the lock's folder was."""
        blocked = self.folder / "blocked"
        blocked.write_text("")
        self.config = ConfigFile(self.config.path, blocked / "config.lock")

    def typed(self, way: Way = "refresh-token", name: str = "heron", called: str | None = None) -> Typed:
        """What leads to an invented org, this way."""
        invented = self.simulator.world.every[name]
        org = Org(called or name, invented.data_center, invented.client_id)
        match way:
            case "refresh-token":
                return Typed(org, way, invented.client_secret, invented.refresh_token)
            case "code":
                return Typed(org, way, invented.client_secret, self.simulator.grant_code(name))
            case "client-credentials":
                return Typed(replace(org, soid=invented.soid), way, invented.client_secret)
            case "device":
                client = DEVICE_CLIENT
            case "browser":
                client = WEB_CLIENT
        return Typed(replace(org, client_id=client.client_id), way, client.client_secret)

    def begin(self, typed: Typed, *, again: bool = False) -> Attempt:
        # Whoever signs in again begins with the org as it is under watch.
        opened = next((one for one in self.desk.orgs() if one.name == typed.org.name), typed.org)
        return self.desk.begin(typed.org, typed.way, again=opened if again else None, port=0)

    async def sign_in(self, attempt: Attempt, typed: Typed, **more: Any) -> Found:
        self.simulator.device_person = self.person
        return await attempt.sign_in(typed.secret, typed.answer, self.show, **more)

    async def add(self, way: Way = "refresh-token", name: str = "heron", **more: Any) -> Org:
        """The whole of it, to an org under watch."""
        typed = self.typed(way, name)
        attempt = self.begin(typed)
        self.person = name
        await self.sign_in(attempt, typed, **more)
        return (await attempt.keep()).org

    def show(self, progress: Progress) -> None:
        assert "demo-" not in repr(progress)
        self.shown.append(progress)
        match progress:
            case DeviceCode(user_code, polls=0) if self.person is None:
                self.simulator.decide(user_code, None)
            case BrowserPage(url):
                task = asyncio.create_task(self._browse(url))
                self._browsing.add(task)
                task.add_done_callback(self._browsing.discard)

    async def _browse(self, page: str) -> None:
        browser = Browser(self.app)
        answer = await browser.decide(page, self.person)
        await browser.open(answer.headers["Location"])

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if happens := self.meanwhile.pop(path, None):
            await happens()
        if path in self.broken:
            raise ConnectionResetError
        await self.app(scope, receive, send)


@asynccontextmanager
async def home_in(folder: Path) -> AsyncIterator[Home]:
    clock = PatientClock()
    home = Home(folder, make_simulator(clock), clock)
    home.simulator.device_person_after = timedelta(seconds=5)
    async with home.http:
        yield home
    await asyncio.gather(*home._browsing, return_exceptions=True)
    await home.journal.close()


async def refused(attempt: Awaitable[object]) -> Trouble:
    """The trouble that it ends in, with no secret in anything that can be shown of it."""
    with pytest.raises(TroubleError) as caught:
        await attempt
    told = all_that_it_tells(caught.value)
    for part in ("demo-client-secret", "demo-refresh-token", "demo-access", "demo-grant", "demo-device"):
        assert part not in told
    return caught.value.trouble


def token_of(sign_in: SignIn) -> str:
    assert sign_in.refresh_token is not None
    return sign_in.refresh_token.reveal()


OLD = SignIn(Secret("an older secret"), Secret("an older token"))
