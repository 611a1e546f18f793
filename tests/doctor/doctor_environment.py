"""A doctor for invented orgs, with the simulated Zoho in the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from tests.support.fake_clock import FakeClock
from tests.support.simulator import make_simulator, sign_in_of
from zbtui.config.settings import Config
from zbtui.demo.demo_session import watched_org
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.doctor import Doctor, Finding, FindingLevel
from zbtui.model.org import Org
from zbtui.store.credentials import CredentialStore, MemoryCredentialStore, credentials_key
from zbtui.store.journal import Journal, open_journal
from zbtui.zoho.http import AsgiApp, HttpClient


class RecordingClock(FakeClock):
    """A clock for a single task on which waiting takes no time; `waits` has the seconds of each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        self.waits.append(seconds)
        self._move(seconds or 0)


async def working_keyring() -> str:
    return "Invented Keyring"


@dataclass
class DoctorEnvironment:
    """The doctor, its Zoho, clock, stores and orgs."""

    doctor: Doctor
    simulator: Simulator
    clock: FakeClock
    credentials: CredentialStore
    orgs: list[Org] = field(default_factory=list)
    """The orgs under watch; tests change them before they run the doctor."""

    def change_org(self, name: str, **keys: str) -> Org:
        """Change keys of an org in the config, and move its sign-in to the changed org."""
        index = next(number for number, org in enumerate(self.orgs) if org.name == name)
        before, after = self.orgs[index], replace(self.orgs[index], **keys)  # type: ignore[arg-type]
        self.orgs[index] = after
        if isinstance(self.credentials, MemoryCredentialStore):
            sign_in = self.credentials._sign_ins.pop(credentials_key(before))
            self.credentials._sign_ins[credentials_key(after)] = sign_in
        return after

    async def findings(self, names: Collection[str] = (), *, searching: bool = False) -> list[Finding]:
        return [one async for one in self.doctor.examine(names, search_data_centers=searching)]

    async def machine_findings(self) -> dict[str, Finding]:
        """The findings of the machine, by subject."""
        return {one.subject: one for one in await self.findings() if one.org is None}

    async def org_findings(self, name: str = "nordlys", *, searching: bool = False) -> dict[str, Finding]:
        """An org's findings, by subject."""
        found = await self.findings(searching=searching)
        return {one.subject: one for one in found if one.org == name}

    @property
    def calls(self) -> list[str]:
        """Each request about an org, in order: the end of its path, and the status of the answer."""
        requests = [
            (request.path.rsplit("/", 1)[-1], request.status) for request in self.simulator.request_records
        ]
        return [f"{path} {status}" for path, status in requests if path != "serverinfo"]

    @property
    def token_hosts(self) -> list[str]:
        """The accounts hosts that were asked for a token, in order."""
        return [
            request.host for request in self.simulator.request_records if request.path == "/oauth/v2/token"
        ]


@asynccontextmanager
async def doctor_environment(
    *names: str,
    clock: FakeClock | None = None,
    credentials: CredentialStore | None = None,
    journal: Journal | None = None,
    wrap_app: Callable[[AsgiApp], AsgiApp] = lambda app: app,
) -> AsyncIterator[DoctorEnvironment]:
    """Args:
    names: the invented orgs under watch, signed in; none: nordlys.
    wrap_app: wraps the simulated Zoho, to change its answers.
    """
    clock = clock or RecordingClock()
    simulator = make_simulator(clock)
    kept = journal or open_journal(None)
    credentials = credentials or MemoryCredentialStore()
    orgs = [watched_org(simulator.world.all_orgs[name]) for name in names or ("nordlys",)]
    for org in orgs:
        await credentials.write_sign_in(org, sign_in_of(simulator.world.all_orgs[org.name]))
    try:
        async with HttpClient(wrap_app(serve_in_process(simulator))) as http:
            doctor = Doctor(
                lambda: Config(orgs=tuple(orgs)),
                credentials,
                working_keyring,
                kept,
                http,
                clock,
                "/home/ada/.config/zbtui/config.toml",
                "/home/ada/.local/state/zbtui/journal.db",
                UTC,
            )
            yield DoctorEnvironment(doctor, simulator, clock, credentials, orgs)
    finally:
        await kept.close()


def levels(findings: dict[str, Finding]) -> dict[str, FindingLevel]:
    return {subject: finding.level for subject, finding in findings.items()}


def unwritable_journal(folder: Path) -> Journal:
    """A journal whose file cannot be written."""
    (folder / "journal.db").mkdir()
    return open_journal(folder / "journal.db")
