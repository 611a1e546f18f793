"""The simulated Zoho for tests: in the process, or on a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import uvicorn

from tests.support.clock import FakeClock
from zbtui.core.org import Org
from zbtui.core.secret import Secret, SignIn
from zbtui.demo.server import serve_on_port
from zbtui.demo.world import InventedOrg, World
from zbtui.demo.zoho import Simulator


def make_simulator(clock: FakeClock | None = None, orgs: int = 0) -> Simulator:
    """A simulator whose orgs practically stand still; force what they are at with `forced`."""
    if clock is None:
        return Simulator(World(datetime.now(UTC), orgs, speed=0.0001))
    return Simulator(World(clock.now(), orgs, speed=0.0001), clock.now)


def sign_in_of(org: InventedOrg) -> SignIn:
    return SignIn(Secret(org.client_secret), Secret(org.refresh_token))


@dataclass(frozen=True)
class Port:
    """A simulator on a real port."""

    simulator: Simulator
    url: str

    def org(self, name: str) -> Org:
        """An invented org, to be watched through this port."""
        invented = self.simulator.world.orgs[name]
        url = f"{self.url}/{invented.data_center}"
        return Org(name, "custom", invented.client_id, accounts_url=url, api_url=url)


@contextmanager
def on_port(simulator: Simulator) -> Iterator[Port]:
    """Serve on a free port of the loopback, in a thread."""
    config = uvicorn.Config(
        serve_on_port(simulator), host="127.0.0.1", port=0, log_level="critical", lifespan="off"
    )
    server = uvicorn.Server(config)
    # IPPROTO_TCP by name: else asyncio sets no TCP_NODELAY, and each answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Port(simulator, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
