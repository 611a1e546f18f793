"""A panel: the text of each line, and a frame that no text breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.fake_clock import START
from tests.support.snapshots import (
    build_snapshot,
    make_company,
    make_org,
    make_snapshot,
    make_unpolled_snapshot,
    snapshot_with,
    with_problem_of,
)
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import LOCKOUT, Problem
from zbtui.model.text import clean
from zbtui.model.watch_policy import WatchPolicy
from zbtui.tui.views.panel import PANEL_HEIGHT, render_panel
from zbtui.tui.views.verdict_text import badge_role, frame_role
from zbtui.tui.widgets.styled_line import StyledLine, fit
from zbtui.zoho_api.backup_details import Backup, ZohoUser
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import build_history

POLICY = WatchPolicy()


def draw(snapshot: Snapshot, width: int = 39, now: datetime = START, cursor: bool = False) -> list[str]:
    lines = render_panel(snapshot, judge(snapshot, POLICY, now), now, width, selected=cursor, zone=UTC)
    return ["".join(text for text, _ in line) for line in lines]


def roles(snapshot: Snapshot) -> dict[str, str]:
    lines = render_panel(snapshot, judge(snapshot, POLICY, START), START, 39, zone=UTC)
    return {text.strip(): role for line in lines for text, role in line}


def test_a_scheduled_backup_answers_the_four_questions() -> None:
    assert draw(
        snapshot_with(make_snapshot(), company=make_company()), 45, START + timedelta(seconds=12)
    ) == [
        "╭─ acme · Nordlys Tools AB ──────────── EU ─╮",
        "│ ● SCHEDULED                in 5d 21:42:32 │",
        "│ Sun 29 Nov 09:02 (there 14:32 +05:30)     │",
        "│ every 2 weeks on Tuesday since 12 Jul     │",
        "│ by Patricia Boyle · ZUID 7534658674       │",
        "│ last good 24h ago · links unknown         │",
        "│ seen 10s ago · next look in 4m            │",
        "╰───────────────────────────────────────────╯",
    ]


def test_the_panel_under_the_cursor_has_a_frame_of_another_shape() -> None:
    assert draw(make_snapshot(), cursor=True)[0].startswith("┏━ acme ━")
    assert draw(make_snapshot(), cursor=True)[-1].endswith("┛")


def test_a_critical_panel_shows_the_hint_the_requester_and_the_links() -> None:
    entries = [
        HistoryEntry("2", None, "failure", "weekly", None, 0, START - timedelta(hours=3), None),
        HistoryEntry("1", None, "completed", "weekly", None, 0, START - timedelta(days=6), None),
    ]
    links = Links(1, 0, START + timedelta(days=1, minutes=5))
    snapshot = snapshot_with(
        make_snapshot(), history=build_history(entries), history_read_at=START, links=links
    )
    assert draw(snapshot, 40) == [
        "╭─ acme ────────────────────────── EU ─╮",
        "│ ✖ FAILED              in 5d 21:42:44 │",
        "│ the last backup failed 3h ago        │",
        "│ Order one by hand in Zoho            │",
        "│ last good 6d ago · links 24h left    │",
        "│ by Patricia Boyle · ZUID 7534658674  │",
        "│ seen just now · next look in 5m      │",
        "╰──────────────────────────────────────╯",
    ]


def test_a_wider_panel_shows_more() -> None:
    text = "\n".join(draw(make_snapshot(), 76))
    assert "id 4876876000000327001" in text
    assert "2026" in text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"status": "FAILED"}, ["✖ FAILED", "the last backup failed"]),
        ({"status": "STOPPED"}, ["■ STOPPED", "no backup will run"]),
        ({"status": "INPROGRESS"}, ["▶ INPROGRESS"]),
        ({"status": "COMPLETED"}, ["✔ COMPLETED", "last good 24h ago"]),
        ({"status": "Resting"}, ["▲ Resting"]),
        (
            {"rrule": None, "scheduled_date": None},
            ["◐ SCHEDULED", "nothing will run by itself", "Schedule a recurring one"],
        ),
        ({"scheduled_date": "2026-11-22T12:00:00+00:00"}, ["◆ OVERDUE", "overdue 23:20:00"]),
        ({"scheduled_date": "2026-11-23T11:10:00+00:00"}, ["● SCHEDULED", "due 00:10:00 ago"]),
        ({"requester": None}, ["set up by: not told"]),
        ({"rrule": "FREQ=DAILY;COUNT=3"}, ["FREQ=DAILY;COUNT=3"]),
    ],
)
def test_each_state_is_shown_by_glyph_and_word(keys: dict[str, Any], words: list[str]) -> None:
    text = "\n".join(draw(make_snapshot(**keys)))
    for word in words:
        assert word in text


def test_no_backup_says_where_to_set_one_up() -> None:
    text = " ".join(line.strip("│ ") for line in draw(snapshot_with(make_snapshot(), backup=None)))
    assert "○ NO BACKUP" in text
    assert "Setup > Data Administration" in text


def test_an_error_shows_its_sentence_and_its_cure() -> None:
    text = "\n".join(
        draw(make_unpolled_snapshot("auth", "The sign-in is dead.", "Sign in again.", final=True))
    )
    assert "? SIGN IN" in text
    assert "The sign-in is dead." in text
    assert "Sign in again." in text
    assert "never seen · enter signs in again" in text


def test_on_an_error_the_last_good_data_stays_dimmed_with_its_age() -> None:
    snapshot = with_problem_of(
        make_snapshot(at=START - timedelta(hours=3)), make_unpolled_snapshot("server")
    )
    text = "\n".join(draw(snapshot))
    assert "run in 5d 21:42:44" in text
    assert "Sun 29 Nov" in text
    assert "SCHEDULED 3h ago" in text
    assert roles(snapshot)["run in 5d 21:42:44"] == "muted"


def known_but_unreachable(failed: Snapshot, ago: timedelta = timedelta(minutes=12)) -> Snapshot:
    """An org whose last backup completed 6 days ago; polls since `ago` have the problem of `failed`."""
    entry = HistoryEntry("1", None, "completed", "weekly", None, 0, START - timedelta(days=6), None)
    links = Links(1, 0, START + timedelta(days=1, minutes=5))
    return with_problem_of(
        snapshot_with(make_snapshot(at=START - ago), history=build_history([entry]), links=links), failed
    )


DOWN = "Zoho is out of order (HTTP 503)."
SIGN_IN = "The refresh token is dead: revoked, or pushed out by newer ones."


@pytest.mark.parametrize(
    ("width", "failed", "rows"),
    [
        (
            36,
            make_unpolled_snapshot("server", DOWN, "It is asked again."),
            ["by Patricia Boyle · good 6d ago", "Sun 29 Nov 09:02 (14:32 +05:30)"],
        ),
        (
            50,
            make_unpolled_snapshot("server", DOWN, "It is asked again."),
            ["before: by Patricia Boyle · last good 6d ago", "Sun 29 Nov 2026 09:02 (there 14:32 +05:30)"],
        ),
        (
            50,
            make_unpolled_snapshot("server", DOWN, ""),
            [
                "before: by Patricia Boyle · ZUID 7534658674",
                "before: last good 6d ago · links 24h left",
                "Sun 29 Nov 2026 09:02 (there 14:32 +05:30)",
            ],
        ),
        (
            50,
            make_unpolled_snapshot("auth", SIGN_IN, "Sign in."),
            ["before: by Patricia Boyle · last good 6d ago"],
        ),
        (
            36,
            make_unpolled_snapshot(
                "auth",
                "The client secret is wrong.",
                "Sign in again with the right one, of the same console.",
            ),
            ["by Patricia Boyle · good 6d ago"],
        ),
    ],
)
def test_out_of_reach_it_shows_the_requester_and_the_last_good_backup_if_there_is_room(
    width: int, failed: Snapshot, rows: list[str]
) -> None:
    lines = [line[2:-2].rstrip() for line in draw(known_but_unreachable(failed), width)]
    assert lines[-2 - len(rows) : -2] == rows
    assert lines[-2].startswith(("was SCHEDULED 12m ago", "enter signs in again"))


def test_a_poll_that_failed_once_takes_no_more_than_half_of_the_panel() -> None:
    page = make_unpolled_snapshot(
        "contract", "A web page came instead of Zoho's answer.", "A proxy stands between, say."
    )
    lines = [
        line[2:-2].rstrip() for line in draw(snapshot_with(known_but_unreachable(page), failures=1), 36)
    ]
    assert lines[1:6] == [
        "◔ SCHEDULED (stale)",
        "A web page came instead of",
        "Zoho's answer. A proxy stands b…",
        "by Patricia Boyle · good 6d ago",
        "Sun 29 Nov 09:02 (14:32 +05:30)",
    ]


def test_data_from_before_a_problem_is_muted() -> None:
    shown = roles(known_but_unreachable(make_unpolled_snapshot("server", DOWN, "It is asked again.")))
    assert shown["by Patricia Boyle · good 6d ago"] == "muted"


def test_data_from_long_ago_is_muted_and_includes_the_requester() -> None:
    shown = roles(
        snapshot_with(known_but_unreachable(Snapshot(make_org()), timedelta(hours=3)), problem=None)
    )
    assert shown["last seen 3h ago (SCHEDULED)"] == "unknown"
    assert shown["last good 6d ago · links 24h left"] == "muted"
    assert shown["by Patricia Boyle · ZUID 7534658674"] == "muted"


def test_a_lock_out_counts_down() -> None:
    until = START + timedelta(minutes=9, seconds=30)
    snapshot = make_unpolled_snapshot("throttled", "Locked.", "Wait.", code=LOCKOUT, retry_at=until)
    assert "asks in 00:09:30" in draw(snapshot)[1]


def test_a_stale_green_is_not_green() -> None:
    fresh, stale = (
        make_snapshot(),
        snapshot_with(make_snapshot(), problem=Problem("network", "No.", "Wait."), failures=1),
    )
    assert badge_role(judge(fresh, POLICY, START)) == "ok"
    assert badge_role(judge(stale, POLICY, START)) == "stale"
    assert "(stale)" in draw(stale)[1]


def test_a_frame_stands_out_only_for_an_org_that_needs_attention() -> None:
    assert frame_role(judge(make_snapshot(), POLICY, START)) == "frame"
    assert frame_role(judge(make_snapshot(status="FAILED"), POLICY, START)) == "critical"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"polling": True}, "looking…"),
        ({"paused": True}, "PAUSED, p resumes"),
        ({"next_poll": START + timedelta(seconds=48)}, "next look in 50s"),
        ({"next_poll": START - timedelta(seconds=1)}, "next look in 5s"),
    ],
)
def test_the_last_line_shows_the_next_poll(change: dict[str, Any], said: str) -> None:
    assert said in draw(snapshot_with(make_snapshot(), **change))[-2]


def test_fit_cuts_by_cells_and_says_so() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 4) == "abc…"
    assert fit("漢字漢字", 5) == "漢字…"
    assert cell_len(fit("漢字漢字", 6)) == 6
    assert fit("abc", 0) == ""


texts = st.none() | st.text(max_size=60).map(clean)
moments = st.none() | st.datetimes(
    datetime(1970, 1, 2), datetime(2998, 1, 1), timezones=st.just(timezone(timedelta(hours=5, minutes=30)))
)


@given(
    width=st.integers(36, 76),
    cursor=st.booleans(),
    name=st.text(min_size=1, max_size=60).map(lambda text: clean(text) or "x"),
    whose=texts,
    texts=st.tuples(texts, texts, texts, texts, texts, texts),
    runs=st.tuples(moments, moments),
    problem=st.none() | st.builds(Problem, st.sampled_from(["auth", "network"]), st.text(), st.text()),
)
def test_no_text_breaks_the_frame(
    width: int,
    cursor: bool,
    name: str,
    whose: str | None,
    texts: tuple[str | None, ...],
    runs: tuple[datetime | None, datetime | None],
    problem: Problem | None,
) -> None:
    identity, status, rrule, who, user, zuid = texts
    backup = Backup(identity, status, None, None, rrule, ZohoUser(user, who, zuid), *runs)
    snapshot = build_snapshot(
        make_org(name),
        backup=backup,
        observed_at=START,
        attempted_at=START,
        problem=problem,
        company=make_company(whose),
    )
    lines = render_panel(snapshot, judge(snapshot, POLICY, START), START, width, selected=cursor, zone=UTC)
    assert len(lines) == PANEL_HEIGHT
    assert [_width(line) for line in lines] == [width] * PANEL_HEIGHT


def _width(line: StyledLine) -> int:
    return sum(cell_len(text) for text, _ in line)


@pytest.mark.parametrize("text", ["[/b]", "[@click=app.quit]x[/]", "[bold", "$text-error", "a\\"])
def test_markup_in_a_name_stays_text(text: str) -> None:
    snapshot = snapshot_with(
        make_snapshot(requester={"id": "1", "name": text, "zuid": None}), company=make_company(text)
    )
    panel = "\n".join(draw(snapshot, 60))
    assert panel.count(text) == 2
