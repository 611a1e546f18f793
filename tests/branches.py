"""How many branches of the rooms that must be right the tests go through; what is left is named."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

ROOMS = ("core", "zoho", "store", "watch", "onboard", "alerts", "check", "doctor")
LEAST = 95.0
"""Percent of the branches of each room."""
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Branches:
    """Of one room, both ways of each decision counted."""

    room: str
    taken: int
    all: int
    left: tuple[str, ...]
    """Each file with lines and branches that no test goes through."""

    @property
    def percent(self) -> float:
        return 100.0 if not self.all else 100.0 * self.taken / self.all

    @property
    def is_enough(self) -> bool:
        return self.percent >= LEAST

    def __str__(self) -> str:
        return f"{self.room:7} {self.taken:5} of {self.all:5} branches {self.percent:6.1f} %"


@contextmanager
def measured() -> Iterator[Path]:
    """While it lasts, what `coverage run` starts puts its figures here, workers and commands as well."""
    with tempfile.TemporaryDirectory(prefix="zbtui-branches-") as folder:
        data = Path(folder) / "data"
        os.environ["ZBTUI_BRANCHES"] = str(data)
        try:
            yield data
        finally:
            del os.environ["ZBTUI_BRANCHES"]


def report(data: Path) -> int:
    """Print the table, and what is left; an exit status."""
    found = coverage.Coverage(config_file=str(_ROOT / "pyproject.toml"), data_file=str(data))
    # A process that a test killed leaves a file that is cut off: coverage warns, and goes on.
    found.combine()
    rooms = [_of(found, room) for room in ROOMS]
    for one in rooms:
        sys.stdout.write(f"{one}\n")
        sys.stdout.writelines(f"    {line}\n" for line in one.left)
    poor = [one.room for one in rooms if not one.is_enough]
    if poor:
        sys.stdout.write(f"under {LEAST:.0f} %: {', '.join(poor)}\n")
    return 1 if poor else 0


def _of(found: coverage.Coverage, room: str) -> Branches:
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "room.json"
        found.json_report(include=[f"zbtui/{room}/*"], outfile=str(written))
        told: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    totals = told["totals"]
    return Branches(room, totals["covered_branches"], totals["num_branches"], tuple(_left(told["files"])))


def _left(files: dict[str, Any]) -> Iterator[str]:
    for name, of in files.items():
        lines = [str(line) for line in of["missing_lines"]]
        leaps = [f"{here}->{there if there > 0 else 'end'}" for here, there in of["missing_branches"]]
        if lines or leaps:
            yield f"{name}: {' '.join([*lines, *leaps])}"
