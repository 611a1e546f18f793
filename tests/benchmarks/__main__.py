"""`python -m tests.benchmarks`: what zbtui costs to start, to poll, to leave open, and to use.

Each figure comes with a reference from the same run: between machines, ratios differ less.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import run
from typing import Any

from tests.benchmarks.answer_latency import CHANGES, answer_to_paint_seconds
from tests.benchmarks.check_duration import checked
from tests.benchmarks.growth_chart import draw_growth
from tests.benchmarks.key_latency import PRESSES, SERIES, key_to_paint_seconds, percentile
from tests.benchmarks.measure import SIZE, leave_open, start
from tests.benchmarks.poll_cost import POLLS, bare_request_seconds, poll_seconds
from tests.benchmarks.zoho_process import run_zoho_process
from tests.support.simulator import make_simulator, run_simulator_server
from zbtui.clock import SystemClock

HERE = Path(__file__).parent
EMPTY = [sys.executable, str(HERE / "empty_app.py")]
ZBTUI = str(Path(sys.executable).parent / "zbtui")
COUNTDOWN = re.compile(rb"in (\d+d )?\d\d:\d\d:\d\d")
STARTS = 9
SECONDS = 30.0
REST_SECONDS = 7200
"""Seconds between two polls of an org in an idle app."""
PERIOD = 300.0
"""Seconds between two polls of an org, by default."""
FLEETS = (1, 8, 100, 500, 2000, 20_000)
MANY = 2000
CHECKS = (1, 10, 100)
Figures = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw how they grow with the orgs")
    parts = {
        "start": starts,
        "command": commands,
        "poll": polls,
        "check": checks,
        "left_open": idle_cost,
        "watched": watched,
        "keys": keys,
        "answers": answers,
    }
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all, where none is named")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(parts):
        parser.error(f"no such part: {', '.join(unknown)}")
    # The first start writes byte code if it is missing; an installed program has it already.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    figures: dict[str, Any] = {
        name: part() for name, part in parts.items() if name in args.parts or not args.parts
    }
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if args.picture and "left_open" in figures:
        args.picture.write_text(draw_growth(figures["left_open"]), encoding="utf-8")
    return 0


def watching(url: str, orgs: int, *every: int) -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.watching_app", url, str(orgs)]
    return command + [str(seconds) for seconds in every]


def starts() -> Figures:
    print(f"Start, median of {STARTS}, at {SIZE[0]}x{SIZE[1]}")
    empty, demo = [], []
    for _ in range(STARTS + 1):
        empty.append(start(EMPTY, re.compile(rb"nothing")))
        demo.append(start([ZBTUI, "demo"], COUNTDOWN))
    return compare(
        "empty Textual app, first paint", empty[1:], "zbtui demo, first countdown", demo[1:], "s"
    )


def commands() -> Figures:
    print(f"\nA command that does nothing else, median of {STARTS}")
    bare, ours = [], []
    for _ in range(STARTS + 1):
        bare.append(timed([sys.executable, "-c", "pass"]))
        ours.append(timed([ZBTUI, "--version"]))
    return compare("python -c pass", bare[1:], "zbtui --version", ours[1:], "s")


def polls() -> Figures:
    print(f"\nA poll of one org, on a real port; median of {STARTS} times {POLLS}")
    bare, ours = [], []
    for _ in range(STARTS):
        with run_simulator_server(
            make_simulator(SystemClock())
        ) as port:  # a new simulator each time: Zoho grants few tokens in ten minutes
            bare.append(bare_request_seconds(port))
            ours.append(poll_seconds(port))
    return compare("bare httpx, GET and json.loads", bare, "zbtui, judged and kept", ours, "ms")


def checks() -> list[Figures]:
    print(f"\nA check of several orgs, with a real keyring, median of {STARTS}")
    found = []
    for orgs in CHECKS:
        with checked(orgs) as fleet:
            asked = [fleet.ask() for _ in range(STARTS)]
            took = [fleet.check() for _ in range(STARTS)]
        names = f"curl in parallel, {orgs} orgs", f"zbtui check, {orgs} orgs"
        found.append(compare(names[0], asked, names[1], took, "s"))
    return found


def idle_cost() -> list[Figures]:
    print(f"\nLeft open for {SECONDS:.0f} s at {SIZE[0]}x{SIZE[1]}, once all orgs were polled")
    print("                            CPU of a core    terminal      memory")
    rows = [row("empty Textual app", 0, *leave_open(EMPTY, SECONDS))]
    for orgs in FLEETS:
        with run_zoho_process(orgs) as url:
            rows.append(
                row(f"zbtui, {orgs} orgs", orgs, *leave_open(watching(url, orgs, REST_SECONDS), SECONDS))
            )
    return rows


def watched() -> Figures:
    print(f"\nThe same for {PERIOD:.0f} s, while each org is polled every so many seconds")
    with run_zoho_process(MANY) as url:
        return row(f"zbtui, {MANY} orgs", MANY, *leave_open(watching(url, MANY), PERIOD))


def row(name: str, orgs: int, cpu: float, sent: float, memory: float) -> Figures:
    print(f"  {name:<24} {cpu:9.2f} %   {sent:8.0f} B/s   {memory:7.1f} MB", flush=True)
    return {"name": name, "orgs": orgs, "cpu_percent": cpu, "bytes_a_second": sent, "memory_mb": memory}


def keys() -> Figures:
    print(f"\nKey to paint, {PRESSES} presses each, at {SIZE[0]}x{SIZE[1]}")
    found = {
        f"empty Textual app, {name}": delays(f"empty Textual app, {name}", each)
        for name, each in key_to_paint_seconds(EMPTY, {"a word repainted": ["n"]}).items()
    }
    with run_zoho_process(MANY) as url:
        for name, each in key_to_paint_seconds(watching(url, MANY), SERIES).items():
            found[name] = delays(f"{MANY} orgs polled, {name}", each)
    return found


def answers() -> Figures:
    print(f"\nFrom Zoho's answer to its paint, {CHANGES} changes, at {SIZE[0]}x{SIZE[1]}")
    return {
        f"{orgs} orgs": delays(f"one of {orgs} orgs polled", answer_to_paint_seconds(orgs))
        for orgs in (8, MANY)
    }


def delays(name: str, each: Sequence[float]) -> Figures:
    """Print the median and the 99th percentile of the delays."""
    half, most = (1000 * percentile(each, part) for part in (0.5, 0.99))
    print(f"  {name:<38} median {half:6.1f} ms   p99 {most:6.1f} ms", flush=True)
    return {"median_ms": half, "p99_ms": most}


def compare(base_name: str, base: Sequence[float], name: str, ours: Sequence[float], unit: str) -> Figures:
    """Print two medians and their ratio."""
    reference, figure = statistics.median(base), statistics.median(ours)
    print(f"  {base_name:<36} {reference:7.3f} {unit}")
    print(f"  {name:<36} {figure:7.3f} {unit}   {figure / reference:.2f}x", flush=True)
    return {base_name: reference, name: figure, "unit": unit, "ratio": figure / reference}


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
