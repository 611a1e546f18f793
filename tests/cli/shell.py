"""Commands, as processes and within this one, and what they leave behind."""

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

from tests.support.zoho import Port
from zbtui.core.org import Org

COMMAND = [sys.executable, "-m", "zbtui"]
NO_CRASH = ("Traceback", "bug of its own")
SECRETS = re.compile(rb"demo-(client-secret|refresh-token|access|grant|device)-[0-9]")


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def orgs(self) -> dict[str, Any]:
        return {org["name"]: org for org in self.json["orgs"]}


def process(*args: str, stdin: str = "", **environ: str) -> Run:
    """A command in a process of its own."""
    return finished(start(*args, **environ), stdin)


def start(*args: str, **environ: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *args], stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environ}
    )


def finished(running: subprocess.Popen[bytes], stdin: str = "") -> Run:
    out, err = running.communicate(stdin.encode(), timeout=120)
    run = Run(running.returncode, out.decode(), err.decode())
    assert not any(word in run.err for word in NO_CRASH), run.err
    return run


Shell = Callable[..., Run]

certificates = cache(httpx.create_ssl_context)
"""Read once: nothing but http is spoken here, and reading them took a third of each command's time."""


def add_args(org: Org) -> list[str]:
    """What puts an org under watch, but for its secrets."""
    assert org.accounts_url
    assert org.api_url
    where = ["--data-center", "custom", "--accounts-url", org.accounts_url, "--api-url", org.api_url]
    return ["add", org.name, "--client-id", org.client_id, *where]


def secrets_of(port: Port, name: str) -> str:
    invented = port.simulator.world.every[name]
    return json.dumps({"client_secret": invented.client_secret, "refresh_token": invented.refresh_token})


def add(shell: Shell, port: Port, *names: str, verified: bool = True) -> None:
    for name in names:
        options = [] if verified else ["--no-verify"]
        run = shell(*add_args(port.org(name)), *options, stdin=secrets_of(port, name))
        assert run.status == 0, run.err


def token_requests(port: Port) -> int:
    return sum(request.path.endswith("/oauth/v2/token") for request in port.simulator.requests)


def every_byte(*folders: Path) -> bytes:
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def assert_no_secret(*texts: bytes) -> None:
    """None of the invented orgs', as the simulator gives them out."""
    for text in texts:
        assert not (found := SECRETS.search(text)), found


def write_config(home: Path, *orgs: str) -> Path:
    path = home / "xdg_config_home" / "zbtui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(orgs), encoding="utf-8")
    return path


ACME = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
