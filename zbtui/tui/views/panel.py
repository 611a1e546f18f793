"""One org's panel: a pure function from what is known of it to lines of text with roles.

Eight lines high. At its smallest 36 columns wide; wider panels show more, never less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from textwrap import wrap
from typing import Final

from rich.cells import cell_len

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import ago, datetime_texts, day_month_text, rough_span
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.summaries import history_and_links_summaries, last_good_summary
from zbtui.tui.views.verdict_text import badge, badge_role, countdown_text, frame_role
from zbtui.tui.widgets.styled_line import ACCENT_ROLES, StyledLine, StyleRole, first_fitting, fit
from zbtui.zoho_api.backup import Backup
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.recurrence import rrule_text

PANEL_HEIGHT: Final = 8
MIN_PANEL_WIDTH: Final = 36
MAX_PANEL_WIDTH: Final = 76

_BODY_LINES: Final = PANEL_HEIGHT - 4
"""Lines between the badge and the age."""
_ROUND_BORDER: Final = "╭─╮│╰─╯"
_HEAVY_BORDER: Final = "┏━┓┃┗━┛"


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One line within the frame: what stands left, and what stands right if there is room."""

    left: str
    role: StyleRole = "text"
    right: str = ""
    right_role: StyleRole = "text"


@dataclass(frozen=True, slots=True)
class PanelKeys:
    """The keys that a panel names."""

    open: str = "enter"
    poll: str = "r"
    pause: str = "p"


def render_panel(
    snapshot: Snapshot,
    verdict: Verdict,
    now: datetime,
    width: int,
    *,
    selected: bool = False,
    keys: PanelKeys = PanelKeys(),
    zone: tzinfo | None = None,
) -> tuple[StyledLine, ...]:
    """The panel's `HEIGHT` lines, each exactly `width` cells wide.

    Args:
        zone: the viewer's; None: the machine's.
    """
    inner = width - 4
    rows = [_badge_row(snapshot, verdict, now)]
    body = _problem_rows if _has_problem(verdict, snapshot) else _backup_rows
    rows += body(snapshot, verdict, now, inner, zone)
    rows += [PanelRow("")] * (_BODY_LINES + 1 - len(rows))
    rows.append(_age_row(snapshot, now, inner, keys))
    marks = _HEAVY_BORDER if selected else _ROUND_BORDER
    edge: StyleRole = "cursor" if selected else frame_role(verdict)
    return (
        _top(snapshot, width, marks, edge),
        *(_framed(row, inner, marks[3], edge) for row in rows),
        ((marks[4] + marks[5] * (width - 2) + marks[6], edge),),
    )


def _has_problem(verdict: Verdict, snapshot: Snapshot) -> bool:
    return verdict.name == "cannot_look" or snapshot.polls.problem is not None


def _badge_row(snapshot: Snapshot, verdict: Verdict, now: datetime) -> PanelRow:
    role: StyleRole = "muted" if verdict.stale or verdict.level is Level.UNKNOWN else "name"
    return PanelRow(badge(verdict), badge_role(verdict), countdown_text(snapshot, verdict, now), role)


def _backup_rows(
    snapshot: Snapshot, verdict: Verdict, now: datetime, inner: int, zone: tzinfo | None
) -> list[PanelRow]:
    backup, past = snapshot.zoho.backup, first_fitting(history_and_links_summaries(snapshot, now), inner)
    if verdict.level is Level.OK and backup is not None:
        return [*(PanelRow(text) for text in _schedule_texts(backup, inner, zone)), PanelRow(past, "muted")]
    # What is the matter and what to do come first; the date stands in the countdown above.
    headline = PanelRow(_without_explanation(verdict.headline, "; ", inner), frame_role(verdict))
    tone: StyleRole = (
        "muted" if verdict.level is Level.UNKNOWN else "text"
    )  # it was so, when it was last seen
    after = [PanelRow(past, "muted")] + ([PanelRow(_requester(backup, inner), tone)] if backup else [])
    hint = _wrap(verdict.hint or "", inner)
    if len(hint) > _BODY_LINES - 1 - len(after):
        hint = (_without_explanation(verdict.hint or "", ": ", inner),)
    return [headline, *(PanelRow(line) for line in hint), *after]


def _without_explanation(sentence: str, before: str, inner: int) -> str:
    """The whole sentence, or what stands `before` its explanation where there is less room."""
    return first_fitting([sentence, sentence.partition(before)[0]], inner)


def _problem_rows(
    snapshot: Snapshot, verdict: Verdict, now: datetime, inner: int, zone: tzinfo | None
) -> list[PanelRow]:
    """What is wrong and what to do; in the room that is left, what was last known."""
    trouble = snapshot.polls.problem
    # Where the look itself was good, the verdict alone tells what keeps it from being judged.
    message, hint = (trouble.message, trouble.hint) if trouble else (verdict.headline, verdict.hint)
    # A look that failed just now is no more than a note beside what is still believed.
    most = _BODY_LINES - 2 if verdict.stale and snapshot.zoho.backup else _BODY_LINES
    lines = _wrap_all([message, hint], inner, most)
    told = len(_wrap(message, inner))
    rows = [PanelRow(line, "text" if index < told else "muted") for index, line in enumerate(lines)]
    room = _BODY_LINES - len(rows)
    return rows + [
        PanelRow(text, "muted") for text in _last_known_texts(snapshot, now, inner, room, zone)[:room]
    ]


def _last_known_texts(
    snapshot: Snapshot, now: datetime, inner: int, room: int, zone: tzinfo | None
) -> list[str]:
    """Who set it up and the last good one before all else: the badge's line has the countdown."""
    backup, good = snapshot.zoho.backup, last_good_summary(snapshot, now)
    if backup is None:
        return [good] if snapshot.zoho.history else []
    when, plan, who = _schedule_texts(backup, inner, zone)
    old = "before: " if snapshot.polls.problem else ""
    if not snapshot.zoho.history:
        return [_prefixed(old, [who], inner), when, plan]
    if room > 2:
        return [
            _prefixed(old, [who], inner),
            _prefixed(old, history_and_links_summaries(snapshot, now), inner),
            when,
            plan,
        ]
    short = _requester_name(backup)
    return [
        _prefixed(old, [f"{short} · {good}", f"{short} · {good.removeprefix('last ')}", short], inner),
        when,
    ]


def _prefixed(mark: str, texts: Sequence[str], inner: int) -> str:
    """The longest that fits, with the mark in front of it where there is room for both."""
    text = first_fitting(texts, inner)
    return first_fitting([mark + text, text], inner)


def _schedule_texts(backup: Backup, inner: int, zone: tzinfo | None) -> list[str]:
    when = datetime_texts(backup.next_run, zone) if backup.next_run else ("no next run",)
    return [first_fitting(when, inner), _plan(backup, inner), _requester(backup, inner)]


@lru_cache(maxsize=1024)
def _wrap(sentence: str, inner: int) -> tuple[str, ...]:
    return tuple(wrap(sentence, inner))


def _wrap_all(sentences: Sequence[str | None], inner: int, room: int) -> list[str]:
    """Each sentence wrapped on its own, at most `room` lines; the last one says if more is left."""
    lines = [line for sentence in sentences if sentence for line in _wrap(sentence, inner)]
    if len(lines) > room:
        lines = [*lines[: room - 1], fit(f"{lines[room - 1]} {lines[room]}", inner)]
    return lines


def _plan(backup: Backup, inner: int) -> str:
    if backup.rrule is None:
        return "no recurrence rule"
    words = rrule_text(backup.rrule)
    if backup.first_run is None:
        return first_fitting([f"{words} · {backup.rrule}", words], inner)
    first = backup.first_run
    long, short = (f"{words} since {day_month_text(first, year=year)}" for year in (True, False))
    return first_fitting([f"{long} · {backup.rrule}", long, short, words], inner)


def _requester(backup: Backup, inner: int) -> str:
    who = backup.requester
    if who is None:
        return "set up by: not told"
    name = _requester_name(backup)
    zuid = f"{name} · ZUID {who.zuid}" if who.zuid else name
    return first_fitting([f"{zuid} · id {who.id}" if who.id else zuid, zuid, name], inner)


def _requester_name(backup: Backup) -> str:
    return f"by {backup.requester.name or 'unnamed'}" if backup.requester else "set up by: not told"


def _age_row(snapshot: Snapshot, now: datetime, inner: int, keys: PanelKeys) -> PanelRow:
    seen = f"seen {ago(now - snapshot.zoho.observed_at)}" if snapshot.zoho.observed_at else "never seen"
    if snapshot.polls.problem and snapshot.zoho.backup and snapshot.zoho.observed_at:
        # The badge tells the trouble, so the status that it hides is told here.
        seen = f"was {snapshot.zoho.backup.status or 'seen'} {ago(now - snapshot.zoho.observed_at)}"
    if snapshot.activity.polling:
        return PanelRow(f"{seen} · looking…", "muted")
    if snapshot.activity.paused:
        said = [f"{seen} · PAUSED, {keys.pause} resumes", f"PAUSED, {keys.pause} resumes"]
        return PanelRow(first_fitting(said, inner), "warning")
    if snapshot.polls.problem and snapshot.polls.problem.kind == "auth":
        said = [f"{seen} · {keys.open} signs in again", f"{keys.open} signs in again"]
        return PanelRow(first_fitting(said, inner), "text")
    if snapshot.activity.next_poll is None:
        said = [f"{seen} · press {keys.poll} to look again", f"{seen} · {keys.poll} looks again"]
        said.append(f"{keys.poll} looks again")
        return PanelRow(first_fitting(said, inner), "muted")
    wait = max(snapshot.activity.next_poll - now, timedelta(seconds=1)) + timedelta(seconds=4)
    said = [f"{seen} · next look in {rough_span(wait)}", f"{seen} · next in {rough_span(wait)}"]
    return PanelRow(first_fitting(said, inner), "muted")


def _top(snapshot: Snapshot, width: int, marks: str, edge: StyleRole) -> StyledLine:
    org = snapshot.org
    place = (
        f"{data_center_label(org.data_center)} · muted" if org.mute else data_center_label(org.data_center)
    )
    accent: StyledLine = (("▌", ACCENT_ROLES[org.accent]),) if org.accent else ()
    # Corners, spaces and at least one dash.
    room = width - cell_len(place) - len(accent) - 9
    titles = [f"{org.name} · {snapshot.company_name}"] if snapshot.company_name else []
    title = first_fitting([*titles, org.name], room)
    title = title if cell_len(title) <= room else fit(title, room)
    dashes = width - cell_len(title) - cell_len(place) - len(accent) - 8
    return (
        (f"{marks[0]}{marks[1]} ", edge),
        *accent,
        (title, "name"),
        (f" {marks[1] * dashes} ", edge),
        (place, "muted"),
        (f" {marks[1]}{marks[2]}", edge),
    )


def _framed(row: PanelRow, inner: int, side: str, edge: StyleRole) -> StyledLine:
    left = row.left if cell_len(row.left) <= inner else fit(row.left, inner)
    gap = inner - cell_len(left) - cell_len(row.right)
    right = row.right if gap > 0 else ""
    space = " " * (inner - cell_len(left) - cell_len(right))
    return (
        (f"{side} ", edge),
        (left, row.role),
        (space, "text"),
        (right, row.right_role),
        (f" {side}", edge),
    )
