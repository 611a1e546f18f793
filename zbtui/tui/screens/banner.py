"""Makes the text of the banner above the orgs: problems of zbtui itself or of this machine. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from zbtui.health.snapshot import CLOCK_TOLERANCE
from zbtui.model.problem import Problem
from zbtui.model.time_format import rough_span
from zbtui.tui.org_list import OrgList


def banner_lines(org_list: OrgList, problems: Iterable[Problem | None]) -> list[str]:
    """Return the banner's lines, one for each problem of zbtui itself or of this machine.

    `problems` are the problems of zbtui itself; each None stands for a part without a problem.
    """
    lines = [org_list.problem_text(problem) for problem in problems if problem]
    snapshots = list(org_list.all_orgs.values())
    offset = max((snapshot.zoho.clock_offset for snapshot in snapshots), key=abs, default=timedelta())
    if abs(offset) > CLOCK_TOLERANCE:
        order = "behind" if offset > timedelta() else "ahead of"
        clock = f"This machine's clock is {rough_span(offset)} {order} Zoho's"
        lines.append(f"{clock}: countdowns go by Zoho's clock.")
    poll_problems = [snapshot.polls.problem for snapshot in snapshots]
    if len(poll_problems) > 1 and all(problem and problem.kind == "network" for problem in poll_problems):
        lines.append("No org can be reached: is this machine online?")
    return lines
