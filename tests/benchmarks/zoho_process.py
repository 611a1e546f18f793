"""The simulated Zoho in a process of its own, so that its CPU is not counted with zbtui's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from zbtui.clock import SystemClock


def access_token(port: SimulatorServer, name: str) -> str:
    """An access token for the org, or "" if Zoho refuses the org."""
    org, invented = port.org(name), port.simulator.world.all_orgs[name]
    answer = httpx.post(
        f"{org.accounts_url}/oauth/v2/token",
        data={
            "grant_type": "refresh_token",
            "client_id": org.client_id,
            "client_secret": invented.client_secret,
            "refresh_token": invented.refresh_token,
        },
    )
    return str(answer.json().get("access_token", ""))


@contextmanager
def run_zoho_process(orgs: int) -> Iterator[str]:
    """Serve `orgs` orgs in another process, and yield its URL."""
    command = [sys.executable, "-m", "tests.benchmarks.zoho_process", str(orgs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main() -> None:
    with run_simulator_server(make_simulator(SystemClock(), int(sys.argv[1]))) as port:
        print(port.url, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
