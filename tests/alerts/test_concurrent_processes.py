"""Several processes that share a journal on disk: no alert is notified twice, none is lost."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alerts.alerting_process import DESKTOP_SETTINGS, AlertingProcess, PollResult
from tests.support.fake_clock import FakeClock
from tests.support.samples import MINUTE
from zbtui.alerts.dispatcher import LEASE
from zbtui.clock import SystemClock
from zbtui.health.alert_settings import AlertSettings
from zbtui.store.journal import open_journal

NAMES = [f"org{number}" for number in range(8)]


@dataclass
class SharedFolder:
    """The folder with the journal, and with the file that the alert command appends to."""

    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def script(self) -> str:
        """Shell script of the alert command: appends id, kind and org."""
        return f'echo "$ZBTUI_ALERT_ID $ZBTUI_KIND $ZBTUI_ORG" >> {self.folder / "delivered"}'

    def delivered(self) -> list[tuple[str, str, str]]:
        """Id, kind and org of each delivered alert, in order."""
        file = self.folder / "delivered"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(id_, kind, org) for id_, kind, org in (line.split() for line in lines)]

    @asynccontextmanager
    async def process(
        self, clock: FakeClock, settings: AlertSettings = DESKTOP_SETTINGS
    ) -> AsyncIterator[AlertingProcess]:
        """A simulated process, with its own connection to the same journal."""
        journal = open_journal(self.journal)
        assert journal.problem is None
        try:
            yield AlertingProcess(settings, journal, clock)
        finally:
            await journal.close()


@pytest.fixture
def shared_folder(tmp_path: Path) -> SharedFolder:
    return SharedFolder(tmp_path)


# Restarts


async def test_a_restart_notifies_only_changes_since(shared_folder: SharedFolder, clock: FakeClock) -> None:
    alerts = []
    states: list[PollResult] = ["well", "failed", "failed", "well", "failed", "failed"]
    for state in states:
        async with shared_folder.process(clock) as process:
            await clock.advance(5 * MINUTE)
            alerts += await process.poll(acme=state, globex="well")
    assert alerts == [("alarm", "acme"), ("recovery", "acme"), ("alarm", "acme")]


async def test_an_outage_may_end_after_a_restart(shared_folder: SharedFolder, clock: FakeClock) -> None:
    alerts = []
    async with shared_folder.process(clock) as process:
        await process.poll_all(NAMES, "well")
        for _ in range(3):
            await clock.advance(5 * MINUTE)
            alerts += await process.poll_all(NAMES, "out")
    async with shared_folder.process(clock) as process:
        for _ in range(4):
            await clock.advance(5 * MINUTE)
            alerts += await process.poll_all(NAMES, "out")
        await clock.advance(5 * MINUTE)
        alerts += await process.poll_all(NAMES, "well")
    assert alerts == [("outage", ""), ("outage_over", "")]


async def test_what_was_notified_but_not_delivered_is_delivered_after_a_restart(
    shared_folder: SharedFolder, clock: FakeClock
) -> None:
    async with shared_folder.process(clock) as process:
        first = await process.raise_alarms("acme", "globex")
    async with shared_folder.process(clock) as process:
        second = await process.raise_alarms("initech")
        await process.deliver()
        assert process.desktop_alerts == [kept.alert for kept in (*first, *second)]
    async with shared_folder.process(clock) as process:
        await process.deliver()
        assert process.desktop_alerts == []


# Two at once


async def test_one_notifies_and_one_delivers(shared_folder: SharedFolder, clock: FakeClock) -> None:
    async with shared_folder.process(clock) as one, shared_folder.process(clock) as other:
        states: list[PollResult] = ["well", "failed", "well", "failed", "failed"]
        alerts = []
        for state in states:
            await clock.advance(5 * MINUTE)
            both = await asyncio.gather(one.poll_all(NAMES, state), other.poll_all(NAMES, state))
            alerts += both[0] + both[1]
            await asyncio.gather(one.deliver(), other.deliver())
        expected = Counter(
            {(kind, name): times for kind, times in (("alarm", 2), ("recovery", 1)) for name in NAMES}
        )
        assert Counter(alerts) == expected
        shown = [(alert.kind, alert.org) for alert in one.desktop_alerts + other.desktop_alerts]
        assert Counter(shown) == expected
        assert len(await one.dispatcher.new_alerts()) == 0


async def test_each_process_gets_the_alerts_of_the_other(
    shared_folder: SharedFolder, clock: FakeClock
) -> None:
    async with shared_folder.process(clock) as one, shared_folder.process(clock) as other:
        for process in (one, other):
            await process.dispatcher.new_alerts()
        alerts = (*await one.raise_alarms("acme"), *await other.raise_alarms("globex"))
        assert await one.dispatcher.new_alerts() == await other.dispatcher.new_alerts() == alerts


async def test_two_requests_for_new_alerts_get_each_alert_once(
    shared_folder: SharedFolder, clock: FakeClock
) -> None:
    async with shared_folder.process(clock) as process:
        await process.dispatcher.new_alerts()
        alerts = await process.raise_alarms("acme")
        dispatcher = process.dispatcher
        first, second = await asyncio.gather(dispatcher.new_alerts(), dispatcher.new_alerts())
    assert (*first, *second) == alerts


async def test_an_older_poll_does_not_take_back_what_another_process_has_notified(
    shared_folder: SharedFolder, clock: FakeClock
) -> None:
    """A `check` from cron has polled since; the screen has not."""
    async with shared_folder.process(clock) as screen, shared_folder.process(clock) as check:
        await screen.poll(acme="well")
        await clock.advance(MINUTE)
        assert await check.poll(acme="failed") == [("alarm", "acme")]
        assert await screen.evaluate() == ()
        await clock.advance(MINUTE)
        assert await screen.poll(acme="failed") == []
        await clock.advance(MINUTE)
        assert await check.poll(acme="well") == [("recovery", "acme")]
        assert await screen.evaluate() == ()


# Real processes


@asynccontextmanager
async def start_process(folder: SharedFolder, script: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start `tests.alerts.alerting_main`, and wait until it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.alerts.alerting_main", str(folder.journal), script),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.stdin.close()
        await process.wait()


async def run_round(process: asyncio.subprocess.Process, state: PollResult, *names: str) -> bytes:
    """Run one round; return the answer, which comes once all is notified and delivered."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{state} {' '.join(names)}\n".encode())
    return await process.stdout.readline()


async def test_two_real_processes_notify_each_change_once(shared_folder: SharedFolder) -> None:
    async with (
        start_process(shared_folder, shared_folder.script) as one,
        start_process(shared_folder, shared_folder.script) as other,
    ):
        states: list[PollResult] = ["failed", "well", "failed"]
        for state in states:
            both = await asyncio.gather(run_round(one, state, *NAMES), run_round(other, state, *NAMES))
            assert set(both) == {b"done\n"}
    alerts = shared_folder.delivered()
    assert len({id_ for id_, _, _ in alerts}) == len(alerts)
    assert Counter((kind, org) for _, kind, org in alerts) == Counter(
        {(kind, name): times for kind, times in (("alarm", 2), ("recovery", 1)) for name in NAMES}
    )


async def test_a_process_killed_while_it_delivers_loses_nothing(shared_folder: SharedFolder) -> None:
    """The delivery that was cut off is made again, with the same id; all others are made once."""
    async with start_process(shared_folder, f"{shared_folder.script}; kill -9 $PPID") as process:
        assert await run_round(process, "failed", *NAMES) == b""
    assert process.returncode == -signal.SIGKILL
    (noted,) = shared_folder.delivered()
    later = FakeClock(SystemClock().now() + LEASE)
    async with shared_folder.process(
        later, AlertSettings(on_change=("/bin/sh", "-c", shared_folder.script))
    ) as next_process:
        await next_process.deliver()
    alerts = shared_folder.delivered()
    assert Counter(alerts).most_common(1) == [(noted, 2)]
    assert len(set(alerts)) == len(NAMES) == len(alerts) - 1
    assert {(kind, org) for _, kind, org in alerts} == {("alarm", name) for name in NAMES}
