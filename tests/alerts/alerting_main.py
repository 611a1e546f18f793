"""A separate process that polls and alerts: `python -m tests.alerts.alerting_main JOURNAL SCRIPT`.

Each line on stdin is a round: a state, and the names of the orgs polled with it. The shell script gets
the alerts; then `done` is printed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import cast

from tests.alerts.alerting_process import AlertingProcess, PollResult
from zbtui.clock import SystemClock
from zbtui.health.alert_settings import AlertSettings
from zbtui.store.journal import open_journal


def print_word(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(journal: str, script: str) -> None:
    settings = AlertSettings(on_change=("/bin/sh", "-c", script))
    process = AlertingProcess(settings, open_journal(Path(journal)), SystemClock())
    print_word("ready")
    for line in sys.stdin:
        state, *names = line.split()
        await process.poll_all(names, cast(PollResult, state))
        await process.deliver()
        print_word("done")
    await process.journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
