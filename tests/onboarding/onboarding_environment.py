"""A user's stores, the simulated Zoho, and a person who signs in by each method."""

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

from tests.support.simulator import FakeBrowser, make_simulator
from tests.watch.zoho_environment import InstantClock
from tests.zoho.canned_responses import Message, Receive, Send, full_error_text
from zbtui.config.config_file import ConfigFile
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.demo.server import AsgiApp, serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.model.org import Org, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, SignInProgress
from zbtui.onboarding import OrgService, Stores
from zbtui.onboarding.sign_in_flow import SignInFlow, SignInPreview
from zbtui.store.credentials import MemoryCredentialStore, credentials_key
from zbtui.store.journal import open_journal
from zbtui.zoho.http import HttpClient
from zbtui.zoho.sign_in import BROWSER_TIMEOUT

METHODS_WITH_REFRESH_TOKEN: tuple[SignInMethod, ...] = ("code", "device", "browser")
"""Methods by which Zoho gives a refresh token."""
TOKEN_PATH, REVOKE_PATH = "/oauth/v2/token", "/oauth/v2/token/revoke"
DEVICE_TOKEN_PATH = "/oauth/v3/device/token"
DETAILS_PATH, ORG_PATH = "/crm/bulk/v7/backup", "/crm/v7/org"
KEYRING_LOCKED = ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))
KEYRING_CALLS = ("hold", "read the sign-in", "read the token", "write the sign-in", "write the token")
"""The calls that store a verified sign-in."""
COMMENTED_CONFIG = """# ours
[watch]
every = "10m"  # slowly

# the first one
[[org]]
name = "acme"
data_center = "us"
client_id = "1000.ABC"
"""
"""A config with an org, as a person wrote it."""
UNEDITABLE_CONFIG = 'org = [{ name = "acme", data_center = "us", client_id = "1000.ABC" }]\n'
"""A valid config in a format that zbtui cannot edit."""


class BrowserWaitingClock(InstantClock):
    """A clock on which waiting takes no time, except the wait for a browser."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        waits_for_browser = seconds is not None and seconds > BROWSER_TIMEOUT.total_seconds() - 1
        await super().wait(event, None if waits_for_browser else seconds)


class FaultyCredentials(MemoryCredentialStore):
    """A credential store whose calls fail where a test says, and whose entries can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at: set[str] = set()
        self.fails_always = False
        """Whether each call in `fails_at` always fails, instead of once."""
        self.error: BaseException = KEYRING_LOCKED
        self.before_call: dict[str, Callable[[], Awaitable[object]]] = {}
        """What is awaited once before a call, by the name of the call."""

    @property
    def entries(self) -> dict[str, tuple[SignInCredentials | None, AccessToken | None]]:
        keys = self._sign_ins.keys() | self._access_tokens.keys()
        return {key[0]: (self._sign_ins.get(key), self._access_tokens.get(key)) for key in keys}

    @property
    def sign_ins(self) -> dict[str, SignInCredentials]:
        return {name: sign_in for (name, _), sign_in in self._sign_ins.items()}

    def drop_access_token(self, org: Org) -> None:
        """Delete the cached access token, as after a time without polls."""
        self._access_tokens.pop(credentials_key(org), None)

    async def read_sign_in(self, org: Org) -> SignInCredentials | None:
        await self._fail_if_set("read the sign-in")
        return await super().read_sign_in(org)

    async def write_sign_in(self, org: Org, sign_in: SignInCredentials) -> None:
        await self._fail_if_set("write the sign-in")
        await super().write_sign_in(org, sign_in)

    async def read_access_token(self, org: Org) -> AccessToken | None:
        await self._fail_if_set("read the token")
        return await super().read_access_token(org)

    async def write_access_token(self, org: Org, access: AccessToken) -> None:
        await self._fail_if_set("write the token")
        await super().write_access_token(org, access)

    async def delete(self, org: Org) -> None:
        await self._fail_if_set("delete")
        await super().delete(org)

    @asynccontextmanager
    async def refresh_lock(self, org: Org) -> AsyncIterator[None]:  # type: ignore[override]
        await self._fail_if_set("hold")
        async with super().refresh_lock(org):
            yield

    async def _fail_if_set(self, call: str) -> None:
        if happens := self.before_call.pop(call, None):
            await happens()
        if call in self.fails_at:
            if not self.fails_always:
                self.fails_at.discard(call)
            raise self.error


@dataclass(frozen=True)
class FormInput:
    """What a person types into the form."""

    org: Org
    method: SignInMethod
    secret: str
    code_or_token: str | None = None


@dataclass
class OnboardingEnvironment:
    """The stores, the simulated Zoho, and the org service."""

    folder: Path
    simulator: Simulator
    clock: InstantClock
    keyring: FaultyCredentials = field(default_factory=FaultyCredentials)
    during_request: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    """By path: what is awaited during the next request to this path."""
    broken_paths: set[str] = field(default_factory=set)
    """Paths at which the connection breaks off."""
    shown_progress: list[SignInProgress] = field(default_factory=list)
    consents_for: str | None = "heron"
    """The org that the person accepts for; None: rejects."""
    _browsing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.config = ConfigFile(self.folder / "config.toml", self.folder / "config.lock")
        self.journal = open_journal(self.folder / "journal.db")
        self.app: AsgiApp = serve_in_process(self.simulator)
        self.http = HttpClient(self._serve)

    @property
    def org_service(self) -> OrgService:
        stores = Stores(self.config, self.keyring, self.journal)
        return OrgService(stores, self.http, self.clock)

    # State

    @property
    def config_text(self) -> str | None:
        return self.config.path.read_text() if self.config.path.exists() else None

    @property
    def orgs(self) -> tuple[Org, ...]:
        return self.config.load().orgs

    def org(self, name: str = "heron") -> Org:
        """The org of this name in the config, or else one with heron's client."""
        known = next((one for one in self.org_service.orgs() if one.name == name), None)
        return known or self.input_for(called=name).org

    @property
    def stored_state(self) -> tuple[object, ...]:
        """All stored state that a failure must not change; lock-outs are Zoho's, and not part of it."""
        return self.config_text, self.keyring.entries, self.rows("snapshot")

    def rows(self, table: str) -> list[Any]:
        """The rows of a table of the journal, read by a separate connection."""
        with closing(sqlite3.connect(self.folder / "journal.db")) as database:
            return database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()

    @property
    def grants(self) -> list[str]:
        """Grant types of the token requests, in order."""
        return [one.grant_type for one in self.simulator.request_records if one.grant_type]

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.simulator.request_records]

    def live_refresh_tokens(self, method: SignInMethod, name: str = "heron") -> list[str]:
        """The refresh tokens of this method's client at Zoho, without those that orgs begin with."""
        client_id = self.input_for(method, name).org.client_id
        kept = self.simulator.accounts.refresh_tokens
        first = {org.refresh_token for org in self.simulator.world.all_orgs.values()}
        return [
            text for text, source in kept.items() if source.client_id == client_id and text not in first
        ]

    # Actions

    def make_config_unwritable(self) -> None:
        """Make the config read-only: a file takes the place of the lock's folder."""
        blocked = self.folder / "blocked"
        blocked.write_text("")
        self.config._lock = blocked / "config.lock"

    def input_for(
        self, method: SignInMethod = "refresh-token", name: str = "heron", called: str | None = None
    ) -> FormInput:
        """The form input that signs in to an invented org by this method."""
        invented = self.simulator.world.all_orgs[name]
        org = Org(called or name, invented.data_center, invented.client_id)
        match method:
            case "refresh-token":
                return FormInput(org, method, invented.client_secret, invented.refresh_token)
            case "code":
                return FormInput(org, method, invented.client_secret, self.simulator.issue_grant_code(name))
            case "client-credentials":
                return FormInput(replace(org, soid=invented.soid), method, invented.client_secret)
            case "device":
                client = DEVICE_CLIENT
            case "browser":
                client = WEB_CLIENT
        return FormInput(replace(org, client_id=client.client_id), method, client.client_secret)

    def begin_sign_in(self, typed: FormInput, *, again: bool = False) -> SignInFlow:
        # Signing in again begins with the org as configured.
        opened = next((one for one in self.org_service.orgs() if one.name == typed.org.name), typed.org)
        return self.org_service.begin_sign_in(
            typed.org, typed.method, existing=opened if again else None, port=0
        )

    async def sign_in(self, attempt: SignInFlow, typed: FormInput, **more: Any) -> SignInPreview:
        self.simulator.auto_accept_org = self.consents_for
        return await attempt.sign_in(typed.secret, typed.code_or_token, self.show_progress, **more)

    async def signed_in(self, method: SignInMethod = "code", *, again: bool = False) -> SignInFlow:
        """A sign-in that is complete but not committed."""
        typed = self.input_for(method)
        attempt = self.begin_sign_in(typed, again=again)
        await self.sign_in(attempt, typed)
        return attempt

    async def add_org(
        self, method: SignInMethod = "refresh-token", name: str = "heron", **more: Any
    ) -> Org:
        """Sign in and save the org."""
        typed = self.input_for(method, name)
        attempt = self.begin_sign_in(typed)
        self.consents_for = name
        await self.sign_in(attempt, typed, **more)
        return (await attempt.commit()).org

    def show_progress(self, progress: SignInProgress) -> None:
        assert "demo-" not in repr(progress)
        self.shown_progress.append(progress)
        match progress:
            case DeviceCode(user_code, poll_count=0) if self.consents_for is None:
                self.simulator.decide_by_user_code(user_code, None)
            case ConsentPage(url):
                task = asyncio.create_task(self._browse(url))
                self._browsing.add(task)
                task.add_done_callback(self._browsing.discard)

    async def _browse(self, page: str) -> None:
        browser = FakeBrowser(self.app)
        answer = await browser.answer_consent(page, self.consents_for)
        await browser.open(answer.headers["Location"])

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if happens := self.during_request.pop(path, None):
            await happens()
        if path in self.broken_paths:
            raise ConnectionResetError
        await self.app(scope, receive, send)


@asynccontextmanager
async def open_environment(folder: Path) -> AsyncIterator[OnboardingEnvironment]:
    clock = BrowserWaitingClock()
    home = OnboardingEnvironment(folder, make_simulator(clock), clock)
    home.simulator.auto_accept_after = timedelta(seconds=5)
    async with home.http:
        yield home
    await asyncio.gather(*home._browsing, return_exceptions=True)
    await home.journal.close()


async def problem_of(attempt: Awaitable[object]) -> Problem:
    """The problem that ends a call; check that its error shows no secret."""
    with pytest.raises(ProblemError) as caught:
        await attempt
    shown = full_error_text(caught.value)
    for part in ("demo-client-secret", "demo-refresh-token", "demo-access", "demo-grant", "demo-device"):
        assert part not in shown
    return caught.value.problem


def refresh_token_of(sign_in: SignInCredentials) -> str:
    assert sign_in.refresh_token is not None
    return sign_in.refresh_token.reveal()


OLD_SIGN_IN = SignInCredentials(Secret("an older secret"), Secret("an older token"))
