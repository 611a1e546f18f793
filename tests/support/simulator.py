"""The simulated Zoho for tests: in the process, or on a real port; and a person with a browser."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import uvicorn

from tests.support.fake_clock import FakeClock
from zbtui.clock import Clock
from zbtui.demo import accounts
from zbtui.demo.server import AsgiApp, serve_on_port
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import InventedOrg, SimulatedWorld
from zbtui.model.org import Org
from zbtui.model.secret import OAuthClient, Secret, SignInCredentials
from zbtui.zoho_api.data_centers import DataCenter


def make_simulator(clock: Clock | None = None, orgs: int = 0) -> Simulator:
    """A simulator whose orgs practically stand still; force their status with `forced_kinds`.

    Args:
        clock: Zoho's clock, by default the machine's, which a whole zbtui uses, too.
    """
    clock = clock or FakeClock()
    return Simulator(SimulatedWorld(clock.now(), orgs, speed=0.0001), clock.now)


def sign_in_of(org: InventedOrg) -> SignInCredentials:
    return SignInCredentials(Secret(org.client_secret), Secret(org.refresh_token))


def client_of(client: accounts.RegisteredClient, data_center: str = "us") -> OAuthClient:
    """A registered client of the simulator, as a sign-in flow takes it.

    Args:
        data_center: where the secret is valid, if it differs between data centers.
    """
    return OAuthClient(client.client_id, Secret(client.secret_for(data_center)))


@dataclass(frozen=True)
class SimulatorServer:
    """A simulator on a real port."""

    simulator: Simulator
    url: str

    def org(self, name: str, client: accounts.RegisteredClient | None = None) -> Org:
        """An invented org, to be watched through this port.

        Args:
            client: to sign in with; None: its self client.
        """
        invented = self.simulator.world.all_orgs[name]
        url = f"{self.url}/{invented.data_center}"
        client_id = client.client_id if client else invented.client_id
        return Org(name, "custom", client_id, accounts_url=url, api_url=url)

    def data_center(self, key: str) -> DataCenter:
        """One of Zoho's data centers, at this port."""
        return DataCenter("custom", f"{self.url}/{key}", f"{self.url}/{key}")


@contextmanager
def run_simulator_server(simulator: Simulator) -> Iterator[SimulatorServer]:
    """Serve on a free port of the loopback, in a thread."""
    config = uvicorn.Config(
        serve_on_port(simulator),
        host="127.0.0.1",
        port=0,
        log_level="critical",
        lifespan="off",
        date_header=False,
    )
    server = uvicorn.Server(config)
    # IPPROTO_TCP by name: else asyncio sets no TCP_NODELAY, and each answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield SimulatorServer(simulator, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class _HtmlForm(HTMLParser):
    """The form of a simulator page, as a browser parses it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.method = ""
        self.fields: dict[str, str] = {}
        """Names and values of the fields that are filled in already."""
        self.choices: dict[str, list[str]] = {}
        """The values of each list and button."""
        self._list = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        match tag:
            case "form":
                self.action, self.method = given.get("action", ""), given.get("method", "get")
            case "input" if "name" in given:
                self.fields[given["name"]] = given.get("value", "")
            case "select":
                self._list = given["name"]
            case "option":
                self.choices.setdefault(self._list, []).append(given["value"])
            case "button" if "name" in given:
                self.choices.setdefault(given["name"], []).append(given["value"])


@dataclass
class FakeBrowser:
    """An HTTP client that acts as a person's browser: reads pages, presses buttons, follows redirects.

    Without `app` it connects to real ports, but only of this machine.
    """

    app: AsgiApp | None = None
    """Zoho inside the process: answers for every host but the loopback."""
    opened_urls: list[str] = field(default_factory=list)
    """Every URL that was opened, in order."""

    async def answer_consent(self, url: str, org_name: str | None) -> httpx.Response:
        """Open a consent page or a device's page, and accept for an org, or reject (None).

        Returns:
            Zoho's answer: a redirect, not followed, or a page.
        """
        page = await self.open(url)
        assert page.status_code == 200, page.text
        form = _HtmlForm(page.text)
        assert form.method == "post", page.text
        chosen = {"decision": "reject" if org_name is None else "accept"}
        if org_name is not None:
            chosen["org"] = org_name
        for key, value in chosen.items():
            assert value in form.choices[key], f"{key} cannot be {value}"
        return await self.open(urljoin(url, form.action), form.fields | chosen)

    async def open(self, url: str, form: dict[str, str] | None = None) -> httpx.Response:
        """GET a page, or POST a form; the answer is not followed."""
        self.opened_urls.append(url)
        parts = httpx.URL(url)
        is_local = parts.host in ("127.0.0.1", "localhost")
        assert is_local or self.app, "nobody goes out of this machine"
        transport = httpx.ASGITransport(app=self.app) if self.app and not is_local else None
        async with httpx.AsyncClient(transport=transport, trust_env=False, verify=False) as client:
            return await client.request("POST" if form else "GET", url, data=form)


async def answer_consent_page(
    url: str, org_name: str | None, app: AsgiApp | None = None, *, follow: bool = False
) -> str:
    """Answer a consent page as a person does: accept for an org, or reject (None).

    Args:
        app: Zoho inside the process; None: `url` is on a real port.
        follow: whether the redirect is opened too, as a browser does at once.

    Returns:
        The redirect's Location; for a device's page, which has none, its own URL.
    """
    browser = FakeBrowser(app)
    answer = await browser.answer_consent(url, org_name)
    if answer.status_code != 302:
        assert answer.status_code == 200, answer.text
        return url
    location = answer.headers["Location"]
    if follow:
        await browser.open(location)
    return str(location)


def answer_consent_page_in_thread(url: str, org_name: str | None) -> threading.Thread:
    """Run `answer_consent_page` with `follow` in a thread, which a test without an event loop joins."""
    thread = threading.Thread(target=lambda: asyncio.run(answer_consent_page(url, org_name, follow=True)))
    thread.start()
    return thread
