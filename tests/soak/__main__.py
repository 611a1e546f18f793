"""`python -m tests.soak`: weeks of a fleet in minutes; `--real`: the demo, in a terminal; `--lives`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.benchmarks.measure import cpu_seconds, resident_bytes, wait
from tests.health.zoho_life import LIFE, ZohoLife
from tests.soak.soak_run import KEEP, ResourceUse, changes_not_recorded, phases_missed, run_fleet_for
from tests.support.pseudo_terminal import run_in_terminal

GROWTH = 1.1
"""Factor by which memory and database may grow after the second third."""
DEMO = [str(Path(sys.executable).parent / "zbtui"), "demo", "--orgs", "50", "--speed", "5"]
PARTS = 6


def play_lives(count: int) -> int:
    """Run `count` examples of the state machine `ZohoLife`, the same in each run.

    Raises:
        AssertionError: an invariant is broken.
    """
    began = time.monotonic()
    run_state_machine_as_test(ZohoLife, settings=settings(LIFE, max_examples=count))
    print(f"{count} lives, derandomized, in {time.monotonic() - began:.0f} s: no invariant broken")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--days", type=float, default=30, help="of simulated time")
    parser.add_argument("--orgs", type=int, default=50)
    parser.add_argument("--real", type=float, metavar="SECONDS", help="the demo, in a terminal")
    parser.add_argument("--lives", type=int, metavar="COUNT", help="of an org, against the rules")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if args.lives:
        return play_lives(args.lives)
    return real(args.real) if args.real else simulated(args.orgs, args.days)


def simulated(orgs: int, days: float) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log, world = asyncio.run(run_fleet_for(Path(folder), orgs, days))
    faults = sum(map(len, log.forced_failures.values()))
    print(f"{days:g} days of {orgs} orgs in {time.monotonic() - began:.0f} s")
    print(f"{log.poll_count} good polls, {faults} faults, {len(log.events)} events kept")
    for third, cost in enumerate(log.costs, start=1):
        print(
            f"  after third {third}: {cost.memory / 1e6:.1f} MB, {cost.handles} handles, "
            f"{cost.threads} threads, {cost.tasks} tasks, database {cost.database / 1e6:.2f} MB"
        )
    # The journal has deleted older events.
    kept_since = max(world.start, world.start + timedelta(days=days) - KEEP.keep)
    wrong = [
        *phases_missed(log, kept_since),
        *changes_not_recorded(log, world, days),
        *_grown(log.costs[1], log.costs[2]),
    ]
    print("\n".join(wrong) or "each change within reach was noted once; nothing grew")
    return 1 if wrong else 0


def _grown(before: ResourceUse, after: ResourceUse) -> list[str]:
    grown = [
        f"{name} grew from {was} to {has}"
        for name in ("memory", "database")
        if (has := getattr(after, name)) > GROWTH * (was := getattr(before, name))
    ]
    return grown + [
        f"{name} went from {was} to {has}"
        for name in ("handles", "threads", "tasks")
        if (was := getattr(before, name)) != (has := getattr(after, name))
    ]


def real(seconds: float) -> int:
    """Print the figures of the demo's process, part by part.

    CPU is not judged: it depends on what else runs on the machine.
    """
    uses = []
    with run_in_terminal(DEMO, 160, 50) as terminal:
        process = terminal.process.pid
        folder = Path(f"/proc/{process}")
        for part in range(1, PARTS + 1):
            used, written = cpu_seconds(process), len(terminal.output)
            wait(terminal, seconds / PARTS)
            used = 100 * (cpu_seconds(process) - used) / (seconds / PARTS)
            written = len(terminal.output) - written
            terminal.output.clear()
            handles, threads = (len(list((folder / each).iterdir())) for each in ("fd", "task"))
            uses.append(ResourceUse(round(1e6 * resident_bytes(process)), handles, threads))
            print(
                f"  {part * seconds / PARTS:6.0f} s: {used:5.1f} % of a core, "
                f"{written / seconds * PARTS:.0f} B/s, {resident_bytes(process):.1f} MB, "
                f"{handles} handles, {threads} threads",
                flush=True,
            )
        ended = terminal.process.poll()
    wrong = _grown(uses[PARTS // 2], uses[-1]) + (["it ended by itself"] if ended is not None else [])
    print("\n".join(wrong) or "nothing grew")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
