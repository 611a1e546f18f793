"""How long `zbtui check` takes with a real keyring, compared with curl for the same requests."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, run

import tomlkit

from tests.benchmarks.zoho_process import access_token
from tests.support.secret_service import secret_service
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server, sign_in_of
from zbtui.clock import SystemClock
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.paths import find_paths

AT_ONCE = 10
"""Requests that curl makes at the same time."""
_FOLDERS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME")


@dataclass(frozen=True)
class Checked:
    """Orgs of a simulator server, with their sign-ins in a keyring."""

    curl: list[str]

    def check(self) -> float:
        """Seconds that `zbtui check` takes."""
        return _timed([str(Path(sys.executable).parent / "zbtui"), "check"])

    def ask(self) -> float:
        """Seconds that curl takes for the same requests, given access tokens."""
        return _timed(self.curl)


@contextmanager
def checked(orgs: int) -> Iterator[Checked]:
    """Yield `orgs` orgs after a first check, which caches their tokens and histories."""
    with (
        tempfile.TemporaryDirectory() as home,
        _surroundings(home),
        secret_service() as keyring,
        run_simulator_server(make_simulator(SystemClock(), orgs)) as port,
    ):
        os.environ.update(keyring.environ)
        asyncio.run(_sign_in(port))
        found = Checked(["curl", "--silent", "--config", str(_curl_config(port, Path(home)))])
        found.check()
        yield found


@contextmanager
def _surroundings(home: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(dict.fromkeys(_FOLDERS, home))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _sign_in(port: SimulatorServer) -> None:
    paths = find_paths(None, os.environ)
    credentials = KeyringCredentialStore(paths.locks)
    document = tomlkit.document()
    tables = document["org"] = tomlkit.aot()
    for name, invented in port.simulator.world.orgs.items():
        org = port.org(name)
        await credentials.write_sign_in(org, sign_in_of(invented))
        tables.append(
            tomlkit.item(
                {
                    "name": name,
                    "data_center": "custom",
                    "client_id": org.client_id,
                    "accounts_url": org.accounts_url,
                    "api_url": org.api_url,
                }
            )
        )
    paths.config.parent.mkdir(parents=True, exist_ok=True)
    paths.config.write_text(tomlkit.dumps(document), encoding="utf-8")


def _curl_config(port: SimulatorServer, folder: Path) -> Path:
    asked = [
        f'url = "{port.org(name).api_url}/crm/bulk/v7/backup"\noutput = /dev/null\n'
        f'header = "Authorization: Zoho-oauthtoken {access_token(port, name)}"'
        for name in port.simulator.world.orgs
    ]
    path = folder / "curl"
    path.write_text(
        "\nnext\n".join([f"parallel\nparallel-max = {AT_ONCE}", *asked]) + "\n", encoding="utf-8"
    )
    return path


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    done = run(command, stdout=DEVNULL, stderr=DEVNULL, check=False)
    # 0 to 3 stand for the worst level: some of the invented orgs are not ok.
    assert done.returncode in range(4), f"{command[0]} ended with {done.returncode}"
    return time.perf_counter() - began
