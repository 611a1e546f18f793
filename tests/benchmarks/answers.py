"""From Zoho's answer to the screen, while many other orgs are polled."""

from __future__ import annotations

import sys
import time
from collections import deque
from itertools import cycle, islice

from tests.benchmarks.measure import SIZE, settle, take, wait
from tests.support.terminal import Terminal, in_terminal
from tests.support.zoho import make_simulator, on_port
from zbtui.clock import SystemClock
from zbtui.demo.answers import Request

ORG = "nordlys"
CHANGES = 30
STATUSES = ("PAYMENT_FAILED", "SCHEDULED")
"""What the org is told to be at, in turn; each is a word on its panel."""
PATIENCE = 10.0


class _Answers(deque[Request]):
    """Notes when the org's details were given last."""

    at = 0.0

    def append(self, request: Request, /) -> None:
        if request.org == ORG and request.path.endswith("/backup"):
            self.at = time.perf_counter()
        super().append(request)


def answers_to_screen(orgs: int) -> list[float]:
    """Seconds from an answer to the paint of what it says, of one among so many orgs."""
    simulator = make_simulator(SystemClock(), orgs)
    simulator.requests = answers = _Answers(maxlen=1)
    with on_port(simulator) as port:
        command = [sys.executable, "-m", "tests.benchmarks.watching_app", port.url, str(orgs)]
        with in_terminal(command, *SIZE) as terminal:
            settle(terminal)
            terminal.send(f"/name:{ORG}\r")
            wait(terminal, 3)
            found = []
            for status in islice(cycle(STATUSES), CHANGES):
                simulator.forced[ORG] = status
                wait(terminal, 1)
                terminal.send("r")
                found.append(_painted(terminal, status.encode()) - answers.at)
            return found


def _painted(terminal: Terminal, word: bytes) -> float:
    """When that word came."""
    since, deadline = len(terminal.output), time.perf_counter() + PATIENCE
    while word not in terminal.output[since:]:
        assert time.perf_counter() < deadline, f"{word.decode()} never came"
        take(terminal, 1)
    return time.perf_counter()
