"""`check --format openmetrics`: a text that both of Prometheus's parsers accept, and its samples."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as openmetrics

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
from zbtui.check.openmetrics_format import report_as_openmetrics
from zbtui.check.report import Report
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import VerdictName

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]

NOW = START.timestamp()


def samples_of(report: Report) -> Samples:
    """All samples by name and labels; asserts that both parsers read the same from the text."""
    text = report_as_openmetrics(report) + "\n"
    found = [
        [sample for family in parse(text) for sample in family.samples]
        for parse in (openmetrics.text_string_to_metric_families, classic.text_string_to_metric_families)
    ]
    strict, loose = (
        {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples} for samples in found
    )
    assert strict == loose
    assert len(strict) == len(found[0])  # no sample is given twice
    return strict


def samples_of_org(snapshot: Snapshot) -> dict[str, float]:
    """The samples of one org by name, without the verdicts."""
    return {
        name: value
        for (name, _), value in samples_of(report_of(snapshot)).items()
        if name not in ("zbtui_verdict", "zbtui_last_known_verdict")
    }


def labelled(samples: Samples, name: str, label: str) -> dict[str, float]:
    """The values of the samples called `name`, by their label `label`."""
    return {
        dict(labels)[label]: value
        for (sample_name, labels), value in samples.items()
        if sample_name == name
    }


def test_everything_that_is_known_of_an_org_has_its_sample() -> None:
    snapshot = with_history_and_links(
        snapshot_with(
            make_snapshot("acme", START - timedelta(minutes=2)),
            credits_remaining=1200,
            attempted_at=START,
            clock_offset=timedelta(seconds=90),
        ),
        history_row("completed", START - 6 * DAY),
        history_row("failure", START - 13 * DAY),
        expire=START + DAY,
    )
    assert samples_of_org(snapshot) == {
        "zbtui_level": 1,
        "zbtui_last_known_level": 1,
        "zbtui_next_run_timestamp_seconds": NOW
        + (5 * DAY + timedelta(hours=21, minutes=42, seconds=44)).total_seconds(),
        "zbtui_last_completed_timestamp_seconds": NOW - 6 * 86400,
        "zbtui_last_failed_timestamp_seconds": NOW - 13 * 86400,
        "zbtui_links_expire_timestamp_seconds": NOW + 86400,
        "zbtui_api_credits_remaining": 1200,
        "zbtui_poll_failures": 0,
        "zbtui_last_good_look_timestamp_seconds": NOW - 120,
        "zbtui_clock_offset_seconds": 90,
        "zbtui_status_info": 1,
        "zbtui_orgs": 1,
        "zbtui_check_timestamp_seconds": NOW,
    }


def test_what_is_not_known_has_no_sample() -> None:
    known = {"zbtui_level": 2, "zbtui_poll_failures": 1, "zbtui_orgs": 1}
    assert samples_of_org(make_unpolled_snapshot()) == known | {"zbtui_check_timestamp_seconds": NOW}


def test_without_an_org_there_are_samples_of_the_check_and_of_no_org() -> None:
    assert samples_of(report_of()) == {("zbtui_orgs", ()): 0, ("zbtui_check_timestamp_seconds", ()): NOW}


def test_the_worse_an_org_the_higher_is_its_level() -> None:
    levels = labelled(samples_of(report_of(OK, WARNING, CRITICAL, UNKNOWN)), "zbtui_level", "org")
    assert levels == {"ok": 0, "warning": 1, "unknown": 2, "critical": 3}


FAILED_AND_OUT_OF_REACH = with_problem_of(make_snapshot(status="FAILED"), make_unpolled_snapshot())
BARELY_SEEN = with_problem_of(make_unpolled_snapshot(), make_unpolled_snapshot())


@pytest.mark.parametrize(
    ("snapshot", "level", "verdict"),
    [
        (OK, 0, "scheduled"),
        (CRITICAL, 3, "failed"),
        (FAILED_AND_OUT_OF_REACH, 3, "failed"),
        (UNKNOWN, 0, "scheduled"),
        (BARELY_SEEN, None, None),
    ],
)
def test_what_was_last_known_stays_shown_beside_cannot_tell(
    snapshot: Snapshot, level: int | None, verdict: str | None
) -> None:
    samples = samples_of(report_of(snapshot))
    assert list(labelled(samples, "zbtui_last_known_level", "org").values()) == (
        [] if level is None else [level]
    )
    known = labelled(samples, "zbtui_last_known_verdict", "verdict")
    assert [name for name, value in known.items() if value] == ([verdict] if verdict else [])


def test_a_history_that_cannot_be_read_ends_no_known_failure() -> None:
    failed = with_history_and_links(make_snapshot(), history_row("failure", START - DAY))
    unread = snapshot_with(
        failed,
        history_problem=make_unpolled_snapshot().polls.problem,
        history_failures=9,
        history_behind_since=START - DAY,
    )
    levels = labelled(samples_of(report_of(unread)), "zbtui_last_known_level", "org")
    assert levels == {"acme": 3}


@pytest.mark.parametrize(
    ("snapshot", "verdict"), [(OK, "scheduled"), (WARNING, "one_off"), (UNKNOWN, "cannot_tell")]
)
def test_of_all_verdicts_just_the_one_on_the_org_is_1(snapshot: Snapshot, verdict: str) -> None:
    verdicts = labelled(samples_of(report_of(snapshot)), "zbtui_verdict", "verdict")
    assert verdicts == dict.fromkeys(get_args(VerdictName), 0) | {verdict: 1}


def test_the_status_is_zohos_own_word() -> None:
    samples = samples_of(
        report_of(
            OK,
            CRITICAL,
            make_snapshot("new", status="ARCHIVED"),
            snapshot_with(make_snapshot("none"), backup=None),
        )
    )
    assert labelled(samples, "zbtui_status_info", "status") == {"SCHEDULED": 1, "FAILED": 1, "ARCHIVED": 1}


def test_a_run_that_will_not_come_has_no_moment() -> None:
    assert "zbtui_next_run_timestamp_seconds" in samples_of_org(OK)
    assert "zbtui_next_run_timestamp_seconds" not in samples_of_org(make_snapshot(status="STOPPED"))


def test_of_an_org_out_of_reach_the_last_good_poll_stays_shown_with_its_moment() -> None:
    before = with_history_and_links(
        make_snapshot("acme", START - timedelta(hours=3)), history_row("completed", START - DAY)
    )
    samples = samples_of_org(
        snapshot_with(with_problem_of(before, make_unpolled_snapshot()), attempted_at=START)
    )
    assert (samples["zbtui_level"], samples["zbtui_poll_failures"]) == (2, 3)
    assert samples["zbtui_last_good_look_timestamp_seconds"] == NOW - 3 * 3600
    assert not [name for name in samples if "age" in name]  # an age in a file would not grow
    assert samples["zbtui_last_completed_timestamp_seconds"] == NOW - 86400


def test_orgs_are_distinguished_by_name_and_data_center() -> None:
    uk = replace(OK, org=make_org("acme", "uk"))
    labels = {labels for name, labels in samples_of(report_of(OK, uk)) if name == "zbtui_level"}
    assert labels == {(("data_center", "eu"), ("org", "ok")), (("data_center", "uk"), ("org", "acme"))}


HOSTILE = ['a"b', "back\\slash", 'x"} 1\nzbtui_level 0', "{}", "佐藤 商事", "#", "a,b=c"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_leave_its_label(name: str) -> None:
    levels = labelled(samples_of(report_of(replace(CRITICAL, org=make_org(name)))), "zbtui_level", "org")
    assert levels == {name: 3}


@reproducible
@given(st.text(st.characters(codec="utf-8")))
def test_whatever_word_zoho_sends_comes_out_as_it_is_kept(status: str) -> None:
    snapshot = make_snapshot(status=status)
    assert snapshot.zoho.backup
    kept = [snapshot.zoho.backup.status] if snapshot.zoho.backup.status else []
    assert list(labelled(samples_of(report_of(snapshot)), "zbtui_status_info", "status")) == kept


@reproducible
@given(snapshots())
def test_nothing_that_is_known_of_an_org_breaks_it(snapshot: Snapshot) -> None:
    report = report_of(snapshot)
    levels = labelled(samples_of(report), "zbtui_level", "org")
    assert levels == {"acme": report.level}


def test_the_text_is_whole_for_openmetrics_and_plain_for_the_textfile_collector() -> None:
    """The collector refuses a file with timestamps, or with types that the classic format lacks."""
    lines = report_as_openmetrics(report_of(OK)).splitlines()
    assert lines[-1] == "# EOF"
    assert {line.split()[-1] for line in lines if line.startswith("# TYPE")} == {"gauge"}
    assert all(line.rpartition("} ")[2].count(" ") <= 1 for line in lines if not line.startswith("#"))
    assert not [line for line in lines if not line]
