"""What the screen tells above the orgs: what is wrong with zbtui itself, or with this machine. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from zbtui.health.snapshot import CLOCK_TOLERANCE
from zbtui.model.problem import Problem
from zbtui.model.time_format import rough_span
from zbtui.tui.org_list import OrgList


def banner_lines(roster: OrgList, problems: Iterable[Problem | None]) -> list[str]:
    """A sentence each.

    Args:
        troubles: of config, journal and alerts; None: there is none.
    """
    told = [roster.in_words(trouble) for trouble in problems if trouble]
    snapshots = list(roster.all_orgs.values())
    offset = max((one.zoho.clock_offset for one in snapshots), key=abs, default=timedelta())
    if abs(offset) > CLOCK_TOLERANCE:
        way = "behind" if offset > timedelta() else "ahead of"
        told.append(
            f"This machine's clock is {rough_span(offset)} {way} Zoho's: countdowns go by Zoho's clock."
        )
    looked = [one.polls.problem for one in snapshots]
    if len(looked) > 1 and all(trouble and trouble.kind == "network" for trouble in looked):
        told.append("No org can be reached: is this machine online?")
    return told
