"""From Zoho's answer to the screen, while many other orgs are polled."""

from __future__ import annotations

import sys
import time
from collections import deque
from itertools import cycle, islice

from tests.benchmarks.measure import SIZE, read_output, wait, wait_until_idle
from tests.support.pseudo_terminal import Terminal, run_in_terminal
from tests.support.simulator import make_simulator, run_simulator_server
from zbtui.clock import SystemClock
from zbtui.demo.responses import RequestRecord

ORG = "nordlys"
CHANGES = 30
STATUSES = ("PAYMENT_FAILED", "SCHEDULED")
"""The org's forced statuses, in turn; each is a word on its panel."""
TIMEOUT_SECONDS = 10.0


class _Answers(deque[RequestRecord]):
    """Records when the org's details were last sent."""

    at = 0.0

    def append(self, request: RequestRecord, /) -> None:
        if request.org == ORG and request.path.endswith("/backup"):
            self.at = time.perf_counter()
        super().append(request)


def answer_to_paint_seconds(orgs: int) -> list[float]:
    """Seconds from each answer of one org to its paint, while `orgs` are polled."""
    simulator = make_simulator(SystemClock(), orgs)
    simulator.request_records = answers = _Answers(maxlen=1)
    with run_simulator_server(simulator) as port:
        command = [sys.executable, "-m", "tests.benchmarks.watching_app", port.url, str(orgs)]
        with run_in_terminal(command, *SIZE) as terminal:
            wait_until_idle(terminal)
            terminal.send(f"/name:{ORG}\r")
            wait(terminal, 3)
            found = []
            for status in islice(cycle(STATUSES), CHANGES):
                simulator.forced_kinds[ORG] = status
                wait(terminal, 1)
                terminal.send("r")
                found.append(_painted(terminal, status.encode()) - answers.at)
            return found


def _painted(terminal: Terminal, word: bytes) -> float:
    """The time at which `word` appeared in the terminal."""
    since, deadline = len(terminal.output), time.perf_counter() + TIMEOUT_SECONDS
    while word not in terminal.output[since:]:
        assert time.perf_counter() < deadline, f"{word.decode()} never came"
        read_output(terminal, 1)
    return time.perf_counter()
