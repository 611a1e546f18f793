"""The simulated Zoho inside the process, and a Zoho with scripted answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.simulator import make_simulator, sign_in_of
from tests.support.snapshots import good_observation
from zbtui.clock import Clock
from zbtui.demo.demo_session import watched_org
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import RequestRecord, Simulator
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, Problem, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import Journal, open_journal
from zbtui.watch.fleet import Fleet
from zbtui.watch.session import Session
from zbtui.zoho.http import AsgiApp, HttpClient
from zbtui.zoho.oauth import request_access_token
from zbtui.zoho_api.data_centers import data_center_of

MINUTE = timedelta(minutes=1)

OFFLINE = Problem("network", "The host cannot be reached.", "Check the network.")
DEAD_SIGN_IN = Problem(
    "auth", "The refresh token is dead.", "Sign in again.", "invalid_code", 200, final=True
)


def locked_out(until: datetime) -> Problem:
    return Problem("throttled", "Locked for a while.", "Wait.", LOCKOUT, 200, retry_at=until)


class FixedRng(random.Random):
    """Random numbers at one place of their range: 0 in the middle, -1 and 1 at its ends."""

    def __init__(self, place: float = 0.0) -> None:
        super().__init__(0)
        self._place = place

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * (self._place + 1) / 2

    def random(self) -> float:
        return (self._place + 1) / 2


class InstantClock(FakeClock):
    """A clock for a single task on which waiting takes no time: a day passes in milliseconds."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await event.wait()
        else:
            self._move(max(seconds, 0))
            await asyncio.sleep(0)


Outcome = Observation | Exception


@dataclass
class ScriptedZoho:
    """Gives scripted answers to polls, and records when each org was polled."""

    clock: FakeClock
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """The event that an org's answer waits for."""
    polls: list[tuple[str, datetime]] = field(default_factory=list)
    max_concurrent_polls: int = 0
    """The most polls of one org at the same time."""
    _polling: list[str] = field(default_factory=list)

    def open_poll(self, org: Org) -> Callable[[Snapshot], Awaitable[Observation]]:
        return lambda before: self._poll(org.name)

    def times(self, name: str = "acme") -> list[datetime]:
        return [at for who, at in self.polls if who == name]

    async def _poll(self, name: str) -> Observation:
        self.polls.append((name, self.clock.now()))
        self._polling.append(name)
        self.max_concurrent_polls = max(self.max_concurrent_polls, self._polling.count(name))
        try:
            if gate := self.gates.get(name):
                await gate.wait()
            outcome = self.outcomes.get(name, good_observation(None))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        finally:
            self._polling.remove(name)


def problem_error(problem: Problem) -> ProblemError:
    return ProblemError(problem)


@dataclass
class ZohoEnvironment:
    """The simulated Zoho in the process, and what a session needs to talk to it."""

    clock: FakeClock
    simulator: Simulator
    http: HttpClient
    credentials: MemoryCredentialStore
    journal: Journal

    def org(self, name: str = "nordlys") -> Org:
        return watched_org(self.simulator.world.orgs[name])

    def session(self, name: str = "nordlys", journal: Journal | None = None) -> Session:
        """A new session: it knows only what is stored, as after a restart."""
        return Session(self.org(name), self.http, self.credentials, journal or self.journal, self.clock)

    async def sign_in(self, name: str) -> None:
        await self.credentials.write_sign_in(self.org(name), sign_in_of(self.simulator.world.orgs[name]))

    @property
    def calls(self) -> list[str]:
        """Requests to Zoho, in order: the last part of the path, and the status."""
        return [f"{_call(request)} {request.status}" for request in self.simulator.request_records]

    @property
    def token_request_count(self) -> int:
        """The number of requests for access tokens."""
        return sum(_call(request) == "token" for request in self.simulator.request_records)


async def token_from_elsewhere(zoho: ZohoEnvironment) -> AccessToken:
    """A token requested by a machine that shares the sign-in but not the journal."""
    org = zoho.org()
    sign_in = sign_in_of(zoho.simulator.world.orgs[org.name])
    return await request_access_token(zoho.http, org, data_center_of(org), sign_in, zoho.clock.now())


async def problem_of(session: Session, last_good: datetime | None = None) -> Problem:
    """The problem of a poll, without the pause before the second try."""
    with without_pauses(session), pytest.raises(ProblemError) as caught:
        await session.poll_details(last_good)
    return caught.value.problem


@contextmanager
def without_pauses(session: Session) -> Iterator[None]:
    """Make the session's pauses take no time; its clock does not move."""
    clock = session._clock
    session._clock = _PauselessClock(clock)
    yield
    session._clock = clock


@dataclass
class _PauselessClock:
    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        pass


def _call(request: RequestRecord) -> str:
    return request.path.rsplit("/", 1)[-1]


@asynccontextmanager
async def zoho_environment(
    clock: FakeClock,
    journal: Path | Journal | None = None,
    credentials: MemoryCredentialStore | None = None,
    during_call: Callable[[], Awaitable[None]] | None = None,
    orgs: int = 0,
) -> AsyncIterator[ZohoEnvironment]:
    """The simulated Zoho with all orgs signed in; `during_call` is awaited in each call, as latency."""
    simulator = make_simulator(clock, orgs)
    kept = journal if isinstance(journal, Journal) else open_journal(journal)
    try:
        async with HttpClient(_slowed(serve_in_process(simulator), during_call)) as http:
            made = ZohoEnvironment(clock, simulator, http, credentials or MemoryCredentialStore(), kept)
            for name in simulator.world.orgs:
                await made.sign_in(name)
            yield made
    finally:
        await kept.close()


def _slowed(app: AsgiApp, pause: Callable[[], Awaitable[None]] | None) -> AsgiApp:
    if pause is None:
        return app

    async def serve(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def receive_late() -> MutableMapping[str, Any]:
            await pause()
            message: MutableMapping[str, Any] = await receive()
            return message

        await app(scope, receive_late, send)

    return serve


@asynccontextmanager
async def run_fleet(fleet: Fleet) -> AsyncIterator[list[Snapshot]]:
    """Run the fleet as the app does; yields what it publishes."""
    published: list[Snapshot] = []
    fleet.subscribe(published.append)
    tasks = [asyncio.create_task(fleet.run_poller(snapshot.org.name)) for snapshot in fleet.snapshots]
    await run_until_idle()
    try:
        yield published
    finally:
        fleet.stop()
        await run_until_idle()
        for task in tasks:
            task.cancel()  # some polls hang on purpose
        await asyncio.gather(*tasks, return_exceptions=True)
