"""Events as rows for people, and as lines of JSON."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.samples import reproducible
from zbtui.check.event_format import event_json_line, event_rows, removal_json_line, state_json_line
from zbtui.health.events import EVENT_KINDS, Event, EventKind
from zbtui.model.verdict import Level, Verdict

KEYS = ["schema", "at", "org", "kind", "before", "after", "level", "headline"]
INDIA = timezone(timedelta(hours=5, minutes=30))


def event(
    kind: EventKind = "status", before: str | None = "A", after: str | None = "B", org: str = "acme"
) -> Event:
    return Event(START, org, kind, before, after, "critical", "the last backup failed")


def change(*args: str | None) -> str:
    """The row of one event, from its third column on."""
    return event_rows([event(*args)]).split("  ")[2]  # type: ignore[arg-type]


# Rows


def test_a_row_says_when_and_which_org_and_what_became_what() -> None:
    first = event("verdict", "scheduled", "failed")
    second = Event(START + timedelta(seconds=5), "longer", "status", "SCHEDULED", "FAILED", "critical", "")
    assert event_rows([first, second], INDIA).splitlines() == [
        "2026-11-23 16:50:00  acme    verdict: scheduled -> failed",
        "2026-11-23 16:50:05  longer  status: SCHEDULED -> FAILED",
    ]


def test_names_that_take_two_cells_a_character_stand_in_their_column_too() -> None:
    wide, narrow = event_rows([event(org="佐藤"), event(org="acme")]).splitlines()
    assert wide.index("status") == narrow.index("status") - 2


def test_without_an_event_there_is_no_row() -> None:
    assert event_rows([]) == ""


@pytest.mark.parametrize(
    ("kind", "before", "after", "said"),
    [
        ("status", "SCHEDULED", "none", "status: SCHEDULED -> none"),
        ("schedule", "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", None, "schedule: every week on Tuesday -> –"),
        ("schedule", None, "FREQ=DAILY", "schedule: – -> FREQ=DAILY"),
        ("requester", "Mara · ZUID 1", "Ben · ZUID 2", "requester: Mara · ZUID 1 -> Ben · ZUID 2"),
        ("run", None, "failed 2026-11-22T02:00:00+01:00", "run: – -> failed 2026-11-22T02:00:00+01:00"),
        ("trouble", None, "Zoho cannot be reached.", "trouble: – -> Zoho cannot be reached."),
        ("trouble", "Zoho cannot be reached.", None, "trouble: Zoho cannot be reached. -> over"),
        ("licence", None, "2026-12-01", "licence: – -> 2026-12-01"),
    ],
)
def test_each_kind_of_change_has_words(kind: str, before: str | None, after: str | None, said: str) -> None:
    assert change(kind, before, after) == said


def test_a_verdict_has_the_colour_of_its_level_and_nothing_else_has_any() -> None:
    verdict = event("verdict", "scheduled", "failed")
    assert event_rows([verdict], coloured=True).endswith("verdict: scheduled -> \x1b[1;31mfailed\x1b[0m")
    assert "\x1b" not in event_rows([event("status")], coloured=True)
    assert "\x1b" not in event_rows([verdict])


# Lines


def test_a_line_is_the_documented_object() -> None:
    line = event_json_line(event("verdict", "scheduled", "failed"))
    assert json.loads(line) == {
        "schema": 1,
        "at": "2026-11-23T11:20:00+00:00",
        "org": "acme",
        "kind": "verdict",
        "before": "scheduled",
        "after": "failed",
        "level": "critical",
        "headline": "the last backup failed",
    }
    assert list(json.loads(line)) == KEYS


parts = st.none() | st.text()


@reproducible
@given(st.sampled_from(EVENT_KINDS), parts, parts, st.text(min_size=1))
def test_whatever_the_texts_it_is_one_line_of_ascii(
    kind: EventKind, before: str | None, after: str | None, org: str
) -> None:
    line = event_json_line(event(kind, before, after, org))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    printed = json.loads(line)
    assert list(printed) == KEYS
    assert (printed["org"], printed["kind"], printed["before"], printed["after"]) == (
        org,
        kind,
        before,
        after,
    )


def test_how_an_org_stands_and_that_it_went_have_the_same_shape() -> None:
    verdict = Verdict("stopped", Level.CRITICAL, "STOPPED", "stopped; no backup will run")
    began = json.loads(state_json_line(START, "acme", verdict))
    gone = json.loads(removal_json_line(START, "acme", verdict))
    assert list(began) == list(gone) == KEYS
    assert (began["kind"], began["before"], began["after"]) == ("state", None, "stopped")
    assert (began["level"], began["headline"]) == ("critical", "stopped; no backup will run")
    assert (gone["kind"], gone["before"], gone["after"]) == ("removed", "stopped", None)
    assert gone["level"] == "unknown"
