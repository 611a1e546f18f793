"""Running commands, and checking their output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from tests.support.simulator import SimulatorServer
from zbtui.model.org import Org

COMMAND = [sys.executable, "-m", "zbtui"]
CRASH_MARKS = ("Traceback", "bug of its own")
SECRET_PATTERN = re.compile(rb"demo-(client-secret|refresh-token|access|grant|device)-[0-9]")


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def orgs(self) -> dict[str, Any]:
        return {org["name"]: org for org in self.json["orgs"]}


def run_process(*args: str, stdin: str = "", **environ: str) -> CommandResult:
    """Run a command in a process of its own."""
    return wait_for_result(start_process(*args, **environ), stdin)


def start_process(*args: str, **environ: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *args], stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environ}
    )


def wait_for_result(running: subprocess.Popen[bytes], stdin: str = "") -> CommandResult:
    out, err = running.communicate(stdin.encode(), timeout=120)
    run = CommandResult(running.returncode, out.decode(), err.decode())
    assert not any(word in run.err for word in CRASH_MARKS), run.err
    return run


RunCommand = Callable[..., CommandResult]

cached_ssl_context = cache(httpx.create_ssl_context)
"""One TLS context for all commands: making it takes a third of a command's time, and only http is used."""


def add_args(org: Org) -> list[str]:
    """The arguments of `zbtui add`, without secrets."""
    assert org.accounts_url
    assert org.api_url
    hosts = ["--data-center", "custom", "--accounts-url", org.accounts_url, "--api-url", org.api_url]
    return ["add", org.name, "--client-id", org.client_id, *hosts]


def secrets_json(port: SimulatorServer, name: str) -> str:
    invented = port.simulator.world.all_orgs[name]
    return json.dumps({"client_secret": invented.client_secret, "refresh_token": invented.refresh_token})


def add(shell: RunCommand, port: SimulatorServer, *names: str, verified: bool = True) -> None:
    for name in names:
        options = [] if verified else ["--no-verify"]
        run = shell(*add_args(port.org(name)), *options, stdin=secrets_json(port, name))
        assert run.status == 0, run.err


def count_token_requests(port: SimulatorServer) -> int:
    return sum(request.path.endswith("/oauth/v2/token") for request in port.simulator.request_records)


def read_all_files(*folders: Path) -> bytes:
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def assert_no_secret_in(*texts: bytes) -> None:
    """Assert that no secret of the invented orgs is in `texts`."""
    for text in texts:
        assert not (found := SECRET_PATTERN.search(text)), found


def write_config(home: Path, *orgs: str) -> Path:
    path = home / "xdg_config_home" / "zbtui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(orgs), encoding="utf-8")
    return path


ACME_CONFIG = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
