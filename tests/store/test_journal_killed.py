"""A process killed while it writes: the journal stays intact, and has every confirmed write."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from tests.store.store_samples import load_in_new_process, raw_database, read_line, run_children, send_line
from tests.support.fake_clock import START
from zbtui.health.snapshot import Snapshot

ROUNDS = 100
MOST_WRITES = 12
"""The most writes that a process confirms before it is killed."""

FORKS = """
import asyncio, os, sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tests.store.store_samples import decide_alarm, make_history, polled_snapshot, record_poll, sample_org
from tests.support.fake_clock import START
from zbtui.store.journal import open_journal
READY
def say(word, number):
    os.write(1, f"{word} {number}\\n".encode())  # one write: a line is never cut off

async def write_for_ever(path, index):
    journal = open_journal(path)
    while True:
        index += 1
        at = START + timedelta(seconds=index)
        history = make_history(at, START)
        changes = {"history": history, "history_read_at": at, "company": None}
        seen = polled_snapshot(sample_org(), at, f"S{index}", **changes)
        await record_poll(journal, seen)
        assert journal.problem is None, journal.problem
        say("noted", index)
        await journal.outbox.decide_and_store(decide_alarm(f"org-{index}"), ["command"])
        claim = await journal.outbox.claim_delivery(["command"], START, timedelta(minutes=1))
        assert journal.problem is None, journal.problem
        say("alerted", index)
        if claim:
            await journal.outbox.mark_delivered(claim)
            assert journal.problem is None, journal.problem
            say("delivered", claim.stored.alert.org.removeprefix("org-"))

# What is needed is loaded: a fork of this process writes at once.
while order := sys.stdin.readline().strip():
    child = os.fork()
    if not child:
        asyncio.run(write_for_ever(Path(sys.argv[2]), int(order)))
    say("born", child)
    os.waitpid(child, 0)
    say("dead", child)
"""


async def test_a_process_that_is_killed_a_hundred_times_while_it_writes_loses_nothing_it_confirmed(
    journal_path: Path,
) -> None:
    rng, confirmed = random.Random(4), ConfirmedWrites()
    with run_children(1, FORKS, journal_path) as (forks,):
        lines = iter(lambda: read_line(forks), "")
        for _ in range(ROUNDS):
            send_line(forks, str(confirmed.noted))
            for line in until_dead(lines, rng.randint(0, MOST_WRITES)):
                confirmed.record(line)
            seen = (await load_in_new_process(journal_path)).get("acme")
            with raw_database(journal_path) as left:
                assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                confirmed.check(left, seen)
    assert confirmed.noted > ROUNDS


def until_dead(lines: Iterator[str], writes: int) -> Iterator[str]:
    """Yield the lines of one process, which is killed after `writes` confirmed writes."""
    child = 0
    for line in lines:
        word, number = line.split()
        if word == "dead":
            return
        if word == "born":
            child = int(number)
        else:
            yield line
            writes -= 1
        if child and writes <= 0:
            os.kill(child, signal.SIGKILL)
            child = 0


class ConfirmedWrites:
    """The writes that the killed processes have confirmed so far."""

    def __init__(self) -> None:
        self.noted = 0
        self._alerted: set[str] = set()
        self._delivered: set[str] = set()

    def record(self, line: str) -> None:
        word, number = line.split()
        match word:
            case "noted":
                self.noted = int(number)
            case "alerted":
                self._alerted.add(f"org-{number}")
            case "delivered":
                self._delivered.add(f"org-{number}")

    def check(self, left: sqlite3.Connection, seen: Snapshot | None) -> None:
        """Check that the journal has all confirmed writes, and no partial ones."""
        self._check_polls(left, seen)
        for table in ("alert", "notified"):
            assert self._alerted <= orgs_in(left, f"SELECT org FROM {table}")
        open_ = orgs_in(left, "SELECT org FROM delivery JOIN alert ON alert.uuid = delivery.alert")
        assert not self._delivered & open_
        unconfirmed = self._alerted - open_ - self._delivered
        assert len(unconfirmed) <= 1  # killed before it could confirm the delivery
        self._delivered |= unconfirmed

    def _check_polls(self, left: sqlite3.Connection, seen: Snapshot | None) -> None:
        changes = left.execute(
            "SELECT before, after FROM event WHERE kind = 'status' ORDER BY id"
        ).fetchall()
        assert all(earlier[1] == later[0] for earlier, later in pairwise(changes))
        newest = int(changes[-1][1].removeprefix("S")) if changes else self.noted
        assert newest >= self.noted
        self.noted = newest
        if changes:
            assert seen is not None
            assert seen.zoho.backup is not None
            assert seen.zoho.backup.status == changes[-1][1]
            assert seen.last_completed == START + timedelta(seconds=newest)


def orgs_in(left: sqlite3.Connection, query: str) -> set[str]:
    return {name for (name,) in left.execute(query)}
