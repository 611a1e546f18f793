"""`check` for people: a summary, aligned rows, and the hint of each org that needs one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from rich.cells import cell_len

from tests.check.sample_orgs import (
    CRITICAL,
    DAY,
    OK,
    UNKNOWN,
    WARNING,
    history_row,
    report_of,
    with_history_and_links,
)
from tests.support.fake_clock import START
from tests.support.samples import reproducible, snapshots
from tests.support.snapshots import (
    make_org,
    make_snapshot,
    make_unpolled_snapshot,
    snapshot_with,
    with_problem_of,
)
from zbtui.check.text_format import report_as_text
from zbtui.health.judge import PROBLEM_BADGES
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, Problem, ProblemKind


def lines(*snapshots: Snapshot) -> list[str]:
    return report_as_text(report_of(*snapshots)).splitlines()


def test_the_text_begins_with_a_summary_and_goes_on_with_the_worst() -> None:
    text = lines(OK, WARNING, UNKNOWN, CRITICAL, replace(OK, org=make_org("fine")))
    assert text[0] == "CRITICAL: 1 critical, 1 unknown, 1 warning, 2 ok"
    orgs = [line.split()[1] for line in text[1:] if "→" not in line]
    assert orgs == ["critical", "unknown", "warning", "ok", "fine"]


def test_without_an_org_it_says_so() -> None:
    assert lines() == ["UNKNOWN: no org is under watch"]


# Rows


def test_the_whole_row_of_an_org_that_is_well() -> None:
    acme = with_history_and_links(
        make_snapshot("acme"), history_row("completed", START - 6 * DAY), expire=START + timedelta(hours=60)
    )
    assert lines(acme) == [
        "OK: 1 ok",
        "● acme  EU  SCHEDULED  next backup in 5d 21:42:44 · every 2 weeks on Tuesday · by Patricia Boyle"
        " · last good 6d ago · links 2d left",
    ]


def test_what_no_call_has_shown_yet_is_said_to_be_unknown() -> None:
    (text,) = lines(snapshot_with(OK, history=None))[1:2]
    assert "by Patricia Boyle · last result unknown · links unknown" in text


def test_the_history_of_an_org_without_a_schedule_is_shown() -> None:
    gone = with_history_and_links(
        snapshot_with(make_snapshot(), backup=None),
        history_row("completed", START - 9 * DAY),
        expire=START - 2 * DAY,
        links=0,
    )
    assert lines(gone)[1].endswith("no backup is set up · last good 9d ago · links expired on 21 Nov")


def test_an_org_that_needs_something_has_its_cure_right_below_the_data_center() -> None:
    text = lines(CRITICAL)
    assert "the last backup failed" in text[1]
    assert text[2].lstrip().startswith("→ ")
    assert text[2].index("→") == text[1].index("EU")
    assert len(text) == 3


def test_an_org_that_is_well_takes_one_line() -> None:
    assert len(lines(OK)) == 2


@pytest.mark.parametrize("name", ["acme", "佐藤商事", "é-decomposed-e\u0301", "ﾊﾝｶｸ", "🦊 fox", "नमस्ते"])
def test_columns_stand_below_each_other_whatever_the_script(name: str) -> None:
    first = replace(OK, org=make_org(name, "uk"))
    second = replace(CRITICAL, org=make_org("a-much-longer-name", "custom"))
    text = lines(first, second)
    starts = {
        cell_len(line[: line.index(column)])
        for line in (text[1], text[3])
        for column in ("SCHEDULED", "FAILED")
        if column in line
    }
    assert len(starts) == 1
    headlines = {
        cell_len(text[1][: text[1].index("the last")]),
        cell_len(text[3][: text[3].index("next b")]),
    }
    assert len(headlines) == 1


# Out of reach


def test_nothing_of_old_data_is_shown_of_an_org_out_of_reach_but_its_age() -> None:
    before = with_history_and_links(make_snapshot("acme", START - timedelta(hours=3)), expire=START)
    row = lines(snapshot_with(with_problem_of(before, make_unpolled_snapshot()), attempted_at=START))[1]
    assert "Patricia Boyle" not in row
    assert "last good" not in row
    assert row.endswith("It broke. · last seen 3h ago")


@pytest.mark.parametrize("kind", get_args(ProblemKind))
def test_each_kind_of_problem_is_shown_with_its_sentence_and_its_cure(kind: ProblemKind) -> None:
    text = lines(
        make_unpolled_snapshot(kind, "What is wrong.", "What helps.", code="A_CODE", http_status=418)
    )
    assert PROBLEM_BADGES[kind] in text[1]
    assert text[1].endswith("What is wrong.")
    assert text[2].strip() == "→ What helps."
    assert "A_CODE" not in "\n".join(text)


@pytest.mark.parametrize("code", [LOCKOUT, TOKEN_BUDGET_EXHAUSTED])
def test_how_long_nobody_may_ask_is_shown(code: str) -> None:
    until = START + timedelta(minutes=9, seconds=58)
    barred = make_unpolled_snapshot("throttled", "Locked.", "Wait.", code=code, retry_at=until)
    assert lines(barred)[1].endswith("Locked. · asks again in 00:09:58")


def test_a_lock_out_that_is_over_is_not_counted_down() -> None:
    barred = make_unpolled_snapshot("throttled", "Locked.", "Wait.", code=LOCKOUT, retry_at=START)
    assert lines(barred)[1].endswith("Locked.")


def test_a_pause_that_zoho_asks_for_is_not_counted_down_either() -> None:
    """The pause holds for a watch; a person may run a check in spite of it."""
    throttled = make_unpolled_snapshot(
        "throttled", "Too many.", "Wait.", retry_at=START + timedelta(minutes=2)
    )
    assert lines(throttled)[1].endswith("Too many.")


def test_a_history_that_cannot_be_read_is_shown_with_what_is_known_all_the_same() -> None:
    why = Problem("server", "Zoho reports an internal error.", "Wait.")
    text = lines(
        snapshot_with(OK, history=None, history_problem=why, history_failures=1, history_tried_at=START)
    )
    assert text[0] == "UNKNOWN: 1 unknown"
    assert "NO HISTORY" in text[1]
    assert text[1].endswith("by Patricia Boyle · last result unknown · links unknown")


# Colour


def test_colour_adds_nothing_to_the_words() -> None:
    report = report_of(OK, WARNING, CRITICAL, UNKNOWN)
    plain, coloured = report_as_text(report), report_as_text(report, coloured=True)
    assert "\x1b" not in plain
    for sequence in ("\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[1;31m"):
        assert sequence in coloured
        coloured = coloured.replace(sequence, "")
    assert coloured.replace("\x1b[0m", "") == plain


def test_control_characters_of_zohos_texts_do_not_come_out() -> None:
    who = {"id": "1", "name": "Eve\x1b]52;c;cHduZWQ=\x07\u202e", "zuid": None}
    text = report_as_text(report_of(make_snapshot(requester=who)))
    assert "by Eve]52;c;cHduZWQ= " in text
    assert not any(control in text for control in "\x1b\x07\u202e")


def test_no_name_and_no_text_has_the_character_that_begins_a_plug_ins_figures() -> None:
    who = {"id": "1", "name": "Eve|rta=1", "zuid": None}
    snapshot = replace(make_snapshot(requester=who), org=make_org("a|b"))
    text = report_as_text(report_of(snapshot))
    assert "|" not in text
    assert "a¦b" in text
    assert "by Eve¦rta=1" in text


@reproducible
@given(snapshots())
def test_whatever_is_known_of_an_org_it_has_one_row_and_at_most_one_cure(snapshot: Snapshot) -> None:
    text = lines(snapshot)
    assert len(text) == (2 if report_of(snapshot).results[0].verdict.hint is None else 3)
