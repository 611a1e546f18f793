"""Renders one org's panel from its snapshot and verdict. Pure.

A panel is eight lines high and at least 36 cells wide; a wider panel never shows less than a narrower one.
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
from zbtui.tui.views.verdict_text import badge, badge_role, countdown_text, frame_role, seen_text
from zbtui.tui.widgets.styled_line import ACCENT_ROLES, StyledLine, StyleRole, first_fitting, fit
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.recurrence import rrule_text

PANEL_HEIGHT: Final = 8
MIN_PANEL_WIDTH: Final = 36
MAX_PANEL_WIDTH: Final = 76

_BODY_LINES: Final = PANEL_HEIGHT - 4
"""The number of lines between the line with the badge and the line with the age of the data."""
_ROUND_BORDER: Final = "╭─╮│╰─╯"
_HEAVY_BORDER: Final = "┏━┓┃┗━┛"


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One line within the panel's frame: a left text, and a right text that is shown if there is room."""

    left: str
    role: StyleRole = "text"
    right: str = ""
    right_role: StyleRole = "text"


@dataclass(frozen=True, slots=True)
class PanelKeys:
    """The names of the keys that the texts of a panel mention."""

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
    """Return the panel of one org as `PANEL_HEIGHT` lines, each `width` cells wide.

    Dates are shown in the time zone `zone`; if `zone` is None, in this machine's time zone.
    """
    inner = width - 4
    rows = [_badge_row(snapshot, verdict, now)]
    body = _problem_rows if _has_problem(verdict, snapshot) else _backup_rows
    rows += body(snapshot, verdict, now, inner, zone)
    rows += [PanelRow("")] * (_BODY_LINES + 1 - len(rows))
    rows.append(_age_row(snapshot, now, inner, keys))
    border = _HEAVY_BORDER if selected else _ROUND_BORDER
    edge: StyleRole = "cursor" if selected else frame_role(verdict)
    return (
        _top(snapshot, width, border, edge),
        *(_framed(row, inner, border[3], edge) for row in rows),
        ((border[4] + border[5] * (width - 2) + border[6], edge),),
    )


def _has_problem(verdict: Verdict, snapshot: Snapshot) -> bool:
    return verdict.name == "cannot_tell" or snapshot.polls.problem is not None


def _badge_row(snapshot: Snapshot, verdict: Verdict, now: datetime) -> PanelRow:
    role: StyleRole = "muted" if verdict.stale or verdict.level is Level.UNKNOWN else "name"
    return PanelRow(badge(verdict), badge_role(verdict), countdown_text(snapshot, verdict, now), role)


def _backup_rows(
    snapshot: Snapshot, verdict: Verdict, now: datetime, inner: int, zone: tzinfo | None
) -> list[PanelRow]:
    backup = snapshot.zoho.backup
    history = first_fitting(history_and_links_summaries(snapshot, now), inner)
    if verdict.level is Level.OK and backup is not None:
        texts = _schedule_texts(backup, inner, zone)
        return [*(PanelRow(text) for text in texts), PanelRow(history, "muted")]
    # Headline and hint come first; the countdown above replaces the date.
    headline = PanelRow(_without_explanation(verdict.headline, "; ", inner), frame_role(verdict))
    # Muted if the requester is known only from an earlier poll.
    role: StyleRole = "muted" if verdict.level is Level.UNKNOWN else "text"
    last_rows = [PanelRow(history, "muted")]
    last_rows += [PanelRow(_requester(backup, inner), role)] if backup else []
    hint = _wrap(verdict.hint or "", inner)
    if len(hint) > _BODY_LINES - 1 - len(last_rows):
        hint = (_without_explanation(verdict.hint or "", ": ", inner),)
    return [headline, *(PanelRow(line) for line in hint), *last_rows]


def _without_explanation(sentence: str, separator: str, inner: int) -> str:
    """Return the whole sentence if it fits into `inner` cells, else only the part before `separator`."""
    return first_fitting([sentence, sentence.partition(separator)[0]], inner)


def _problem_rows(
    snapshot: Snapshot, verdict: Verdict, now: datetime, inner: int, zone: tzinfo | None
) -> list[PanelRow]:
    """Return lines with the org's problem and its cure; the remaining lines show the last known data."""
    problem = snapshot.polls.problem
    # After a good poll only the verdict says why the org cannot be judged.
    message, hint = (problem.message, problem.hint) if problem else (verdict.headline, verdict.hint)
    # While the last known data still counts, the problem leaves two lines for the data.
    max_lines = _BODY_LINES - 2 if verdict.stale and snapshot.zoho.backup else _BODY_LINES
    lines = _wrap_all([message, hint], inner, max_lines)
    message_lines, room = len(_wrap(message, inner)), _BODY_LINES - len(lines)
    muted = lines[message_lines:] + _last_known_texts(snapshot, now, inner, room, zone)[:room]
    return [*map(PanelRow, lines[:message_lines]), *(PanelRow(text, "muted") for text in muted)]


def _last_known_texts(
    snapshot: Snapshot, now: datetime, inner: int, room: int, zone: tzinfo | None
) -> list[str]:
    """Return texts with the last known data of an org, the most important text first.

    Requester and last good run come first, because the badge line already has the countdown.
    """
    backup, good = snapshot.zoho.backup, last_good_summary(snapshot, now)
    if backup is None:
        return [good] if snapshot.zoho.history else []
    when, plan, who = _schedule_texts(backup, inner, zone)
    prefix = "before: " if snapshot.polls.problem else ""
    if not snapshot.zoho.history:
        return [_prefixed(prefix, [who], inner), when, plan]
    if room > 2:
        history = history_and_links_summaries(snapshot, now)
        return [_prefixed(prefix, [who], inner), _prefixed(prefix, history, inner), when, plan]
    short = _requester_name(backup)
    texts = [f"{short} · {good}", f"{short} · {good.removeprefix('last ')}", short]
    return [_prefixed(prefix, texts, inner), when]


def _prefixed(prefix: str, texts: Sequence[str], inner: int) -> str:
    """Return the first text that fits into `inner` cells, with the prefix if both fit."""
    text = first_fitting(texts, inner)
    return first_fitting([prefix + text, text], inner)


def _schedule_texts(backup: Backup, inner: int, zone: tzinfo | None) -> list[str]:
    when = datetime_texts(backup.next_run, zone) if backup.next_run else ("no next run",)
    return [first_fitting(when, inner), _plan(backup, inner), _requester(backup, inner)]


@lru_cache(maxsize=1024)
def _wrap(sentence: str, inner: int) -> tuple[str, ...]:
    return tuple(wrap(sentence, inner))


def _wrap_all(sentences: Sequence[str | None], inner: int, room: int) -> list[str]:
    """Wrap each sentence on its own, into at most `room` lines in all; an ellipsis marks a cut."""
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
    name = _requester_name(backup)
    if who is None:
        return name
    zuid = f"{name} · ZUID {who.zuid}" if who.zuid else name
    return first_fitting([f"{zuid} · id {who.id}" if who.id else zuid, zuid, name], inner)


def _requester_name(backup: Backup) -> str:
    return f"by {backup.requester.name or 'unnamed'}" if backup.requester else "set up by: not told"


def _age_row(snapshot: Snapshot, now: datetime, inner: int, keys: PanelKeys) -> PanelRow:
    seen = seen_text(snapshot, now)
    if snapshot.polls.problem and snapshot.zoho.backup and snapshot.zoho.observed_at:
        # The badge shows the problem, so the last known status appears here.
        seen = f"was {snapshot.zoho.backup.status or 'seen'} {ago(now - snapshot.zoho.observed_at)}"
    if snapshot.activity.polling:
        return PanelRow(f"{seen} · looking…", "muted")
    if snapshot.activity.paused:
        texts = [f"{seen} · PAUSED, {keys.pause} resumes", f"PAUSED, {keys.pause} resumes"]
        return PanelRow(first_fitting(texts, inner), "warning")
    if snapshot.polls.problem and snapshot.polls.problem.kind == "auth":
        texts = [f"{seen} · {keys.open} signs in again", f"{keys.open} signs in again"]
        return PanelRow(first_fitting(texts, inner), "text")
    if snapshot.activity.next_poll is None:
        texts = [f"{seen} · press {keys.poll} to look again", f"{seen} · {keys.poll} looks again"]
        texts.append(f"{keys.poll} looks again")
        return PanelRow(first_fitting(texts, inner), "muted")
    wait = max(snapshot.activity.next_poll - now, timedelta(seconds=1)) + timedelta(seconds=4)
    texts = [f"{seen} · next look in {rough_span(wait)}", f"{seen} · next in {rough_span(wait)}"]
    return PanelRow(first_fitting(texts, inner), "muted")


def _top(snapshot: Snapshot, width: int, border: str, edge: StyleRole) -> StyledLine:
    org = snapshot.org
    data_center = f"{data_center_label(org.data_center)}{' · muted' if org.mute else ''}"
    accent: StyledLine = (("▌", ACCENT_ROLES[org.accent]),) if org.accent else ()
    # 9 cells for corners, spaces and at least one dash.
    room = width - cell_len(data_center) - len(accent) - 9
    titles = [f"{org.name} · {snapshot.company_name}"] if snapshot.company_name else []
    title = first_fitting([*titles, org.name], room)
    title = title if cell_len(title) <= room else fit(title, room)
    dashes = width - cell_len(title) - cell_len(data_center) - len(accent) - 8
    return (
        (f"{border[0]}{border[1]} ", edge),
        *accent,
        (title, "name"),
        (f" {border[1] * dashes} ", edge),
        (data_center, "muted"),
        (f" {border[1]}{border[2]}", edge),
    )


def _framed(row: PanelRow, inner: int, side: str, edge: StyleRole) -> StyledLine:
    left = row.left if cell_len(row.left) <= inner else fit(row.left, inner)
    gap = inner - cell_len(left) - cell_len(row.right)
    right = row.right if gap > 0 else ""
    space = " " * (inner - cell_len(left) - cell_len(right))
    text: StyledLine = ((left, row.role), (space, "text"), (right, row.right_role))
    return ((f"{side} ", edge), *text, (f" {side}", edge))
