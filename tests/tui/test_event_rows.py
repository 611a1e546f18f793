"""The lines of events: time, org, before and after; hidden names are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.fake_clock import START
from zbtui.health.events import EVENT_KINDS, Event, EventKind
from zbtui.tui.views.event_rows import (
    EventOrg,
    relative_day_text,
    render_event,
    render_heading,
    render_org_without_events,
)
from zbtui.tui.widgets.styled_line import StyledLine

EVENT = Event(START, "acme", "status", "SCHEDULED", "FAILED", "critical", "the last backup failed")
ACME = EventOrg("acme")


def text(line: StyledLine) -> str:
    return "".join(piece for piece, _ in line)


def row_text(event: Event, whose: EventOrg = ACME, width: int = 120) -> str:
    return text(render_event(event, whose, width, UTC))


@given(st.integers(0, 320), st.text(max_size=80), st.sampled_from(EVENT_KINDS), st.booleans())
def test_every_line_is_exactly_as_wide_as_the_view(
    width: int, words: str, kind: EventKind, names_hidden: bool
) -> None:
    event = replace(EVENT, kind=kind, after=words or None, level=words)
    whose = EventOrg(words.replace("\n", " "), names_hidden=names_hidden)
    lines = (
        render_event(event, whose, width, UTC),
        render_org_without_events(whose, width),
        render_heading("today", width),
    )
    assert [cell_len(text(line)) for line in lines] == [width] * 3


def test_it_shows_before_and_after() -> None:
    assert "11:20:00" in row_text(EVENT) and "acme" in row_text(EVENT)
    assert "status: SCHEDULED → FAILED" in row_text(EVENT)


def test_a_verdict_comes_with_its_headline() -> None:
    event = replace(
        EVENT, kind="verdict", before="scheduled", after="too_old", headline="the last is 69d old"
    )
    assert "verdict: scheduled → too old · the last is 69d old" in row_text(event)


@pytest.mark.parametrize("kind", ["requester", "trouble"])
def test_who_and_where_are_not_shown_while_names_are_hidden(kind: EventKind) -> None:
    event = replace(EVENT, kind=kind, before="Patricia", after="crm.zoho.eu")
    line = row_text(event, EventOrg("org 1", names_hidden=True))
    assert f"{kind}: hidden → hidden" in line


def test_an_org_that_went_off_watch_is_shown() -> None:
    assert "(off watch) status:" in row_text(EVENT, EventOrg("acme", is_watched=False))


@pytest.mark.parametrize(
    ("on", "says"),
    [
        (date(2026, 11, 26), "today Thu 26 Nov"),
        (date(2026, 11, 27), "tomorrow Fri 27 Nov"),
        (date(2026, 11, 25), "yesterday Wed 25 Nov"),
        (date(2026, 11, 20), "Fri 20 Nov"),
        (date(2025, 12, 31), "Wed 31 Dec 2025"),
    ],
)
def test_near_days_are_named_and_other_years_are_shown(on: date, says: str) -> None:
    assert relative_day_text(on, date(2026, 11, 26)) == says


@pytest.mark.parametrize(
    ("after", "level", "glyph"),
    [("The keyring is locked.", "ok", "?"), ("The keyring is locked.", "critical", "✖"), (None, "ok", "●")],
)
def test_a_poll_that_failed_is_never_shown_in_green(after: str | None, level: str, glyph: str) -> None:
    event = replace(EVENT, kind="trouble", before=None, after=after, level=level)
    assert row_text(event).split()[1] == glyph
