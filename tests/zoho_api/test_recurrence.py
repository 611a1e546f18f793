"""Recurrence rules: text, longest gap and later runs; undocumented rules are shown unchanged."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import ZONES, reproducible
from zbtui.zoho_api.recurrence import Recurrence, later_runs, parse_rrule, rrule_text

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def understood(raw: str) -> Recurrence:
    rule = parse_rrule(raw)
    assert rule is not None
    return rule


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every 2 weeks on Tuesday"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "every 2 weeks on Thursday"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=FR", "every week on Friday"),
        ("RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=16", "every month on the 16th"),
        ("RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH,4TH", "every month on the first and fourth Thursday"),
    ],
)
def test_the_documented_patterns_read_as_a_sentence(raw: str, words: str) -> None:
    assert rrule_text(raw) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Monday, Wednesday and Friday"),
        ("FREQ=WEEKLY;BYDAY=SA,SU", "every week on Saturday and Sunday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYDAY=+2TU", "every month on the second Tuesday"),
        ("FREQ=MONTHLY;BYDAY=3WE,5SA", "every month on the third Wednesday and the fifth Saturday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,2,3", "every month on the 1st, 2nd and 3rd"),
        ("FREQ=MONTHLY;BYMONTHDAY=11,12,13", "every month on the 11th, 12th and 13th"),
        ("FREQ=MONTHLY;BYMONTHDAY=21,22,23", "every month on the 21st, 22nd and 23rd"),
        ("FREQ=MONTHLY;BYMONTHDAY=20,30,31", "every month on the 20th, 30th and 31st"),
        ("FREQ=WEEKLY", "every week"),
        ("FREQ=MONTHLY;INTERVAL=12", "every 12 months"),
    ],
)
def test_several_days_and_ordinals_are_listed(raw: str, words: str) -> None:
    assert rrule_text(raw) == words


@pytest.mark.parametrize(
    "raw",
    [
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "rrule:freq=weekly;interval=2;byday=tu",
        "  RRULE: FREQ=WEEKLY ; INTERVAL= 2 ;; BYDAY=TU ; ",
        "BYDAY=TU;INTERVAL=02;FREQ=WEEKLY",
    ],
)
def test_prefix_case_order_and_blanks_do_not_matter(raw: str) -> None:
    assert rrule_text(raw) == "every 2 weeks on Tuesday"


@pytest.mark.parametrize("interval", range(1, 53))
@pytest.mark.parametrize(("freq", "unit"), [("WEEKLY", "week"), ("MONTHLY", "month")])
def test_every_documented_interval_is_shown(freq: str, unit: str, interval: int) -> None:
    rule = understood(f"RRULE:FREQ={freq};INTERVAL={interval};BYDAY=SU")
    assert rule.interval == interval
    assert rule.text == (f"every {interval} {unit}s" if interval > 1 else f"every {unit}") + " on Sunday"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "RRULE:",
        "every Tuesday",
        "FREQ=DAILY;COUNT=3",
        "FREQ=YEARLY;BYDAY=MO",
        "INTERVAL=2;BYDAY=TU",
        "FREQ=WEEKLY;FREQ=MONTHLY",
        "FREQ=WEEKLY;BYDAY",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=TU,",
        "FREQ=WEEKLY;BYDAY=1TU",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=-2MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYMONTHDAY=three",
        *(f"FREQ=WEEKLY;INTERVAL={bad}" for bad in ("", "0", "53", "-1", "1.5", "²", "٣", "9" * 5000)),
    ],
)
def test_a_rule_that_is_not_understood_is_shown_as_it_came(raw: str) -> None:
    assert parse_rrule(raw) is None
    assert rrule_text(raw) == raw


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "every week on Tuesday (COUNT=3)"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=5;UNTIL=20270101T000000Z;BYHOUR=4",
            "every month on the 5th (UNTIL=20270101T000000Z; BYHOUR=4)",
        ),
        ("FREQ=WEEKLY;BYDAY=TU;X-Zoho-Note=as it came", "every week on Tuesday (X-Zoho-Note=as it came)"),
    ],
)
def test_parts_that_are_not_documented_are_added_as_they_came(raw: str, words: str) -> None:
    assert rrule_text(raw) == words


@pytest.mark.parametrize(
    ("raw", "days"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", 7),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", 14),
        ("FREQ=WEEKLY;INTERVAL=52;BYDAY=TU", 364),
        ("FREQ=WEEKLY;BYDAY=MO,TH", 4),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", 11),
        ("FREQ=WEEKLY", 7),
        ("FREQ=MONTHLY;BYMONTHDAY=5", 31),
        ("FREQ=MONTHLY", 31),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=5", 62),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=5", 366),
        ("FREQ=MONTHLY;BYMONTHDAY=1,16", 16),
        ("FREQ=MONTHLY;BYMONTHDAY=31", 62 - 1),  # March to May: months without the day are skipped
        ("FREQ=MONTHLY;BYDAY=1TH", 35),
        ("FREQ=MONTHLY;BYDAY=-1FR", 35),
        ("FREQ=MONTHLY;BYDAY=1TH,4TH", 21),
        ("FREQ=MONTHLY;BYDAY=TU", 7),
        ("FREQ=MONTHLY;BYDAY=MO,1TU", 7),  # every Monday and the first Tuesday
        ("FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;BYMINUTE=30;BYSECOND=0", 7),
        ("FREQ=WEEKLY;BYDAY=TU;byhour=9,21", 7),
        ("FREQ=WEEKLY;BYDAY=MO,TH;WKST=SU", 4),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU", 14),
        ("FREQ=MONTHLY;BYDAY=1TH;WKST=SU", 35),
    ],
)
def test_the_usual_gap_is_the_longest_ordinary_one(raw: str, days: int) -> None:
    assert understood(raw).longest_gap == timedelta(days=days)


@reproducible
@given(st.lists(st.integers(1, 31), min_size=1, max_size=31, unique=True).map(sorted))
def test_the_usual_gap_of_days_of_the_month_has_met_every_length_of_month(days: list[int]) -> None:
    start = date(2024, 1, 1)
    calendar = [start + timedelta(days=number) for number in range(5 * 366)]
    runs = [day for day in calendar if day.day in days]
    longest = max(later - sooner for sooner, later in pairwise(runs))
    assert Recurrence("MONTHLY", 1, month_days=tuple(days)).longest_gap == longest


NO_GAP = {
    "another part may change it": "FREQ=WEEKLY;BYDAY=TU;COUNT=3",
    "one of two may": "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;COUNT=3",
    "13 days, not 8: the weeks begin elsewhere": "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
    "no such day": "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20",
}


@pytest.mark.parametrize("raw", NO_GAP.values(), ids=NO_GAP)
def test_a_gap_that_cannot_be_known_is_none(raw: str) -> None:
    assert understood(raw).longest_gap is None


@reproducible
@given(st.text(max_size=300) | st.text("FREQINTVALBYDMOHW=;:,+-0123456789 ", max_size=80))
def test_no_text_is_too_odd_to_be_shown(raw: str) -> None:
    rule = parse_rrule(raw)
    assert rrule_text(raw) == (rule.text if rule else raw)


def _days(freq: str) -> st.SearchStrategy[str]:
    plain = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True)
    if freq == "WEEKLY":
        return plain.map(lambda days: f"BYDAY={','.join(days)}")
    nth = st.tuples(st.sampled_from(["1", "2", "3", "4", "5", "-1"]), st.sampled_from(WEEKDAYS)).map(
        "".join
    )
    dates = st.lists(st.integers(1, 31).map(str), min_size=1, max_size=5, unique=True)
    return st.one_of(
        plain.map(lambda days: f"BYDAY={','.join(days)}"),
        st.lists(nth, min_size=1, max_size=4, unique=True).map(lambda days: f"BYDAY={','.join(days)}"),
        dates.map(lambda days: f"BYMONTHDAY={','.join(days)}"),
    )


@st.composite
def documented_rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["WEEKLY", "MONTHLY"]))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 52))}", draw(_days(freq))]
    return "RRULE:" + ";".join(draw(st.permutations(parts)))


@reproducible
@given(documented_rules())
def test_every_documented_rule_has_words_and_a_gap(raw: str) -> None:
    rule = understood(raw)
    assert rule.text.startswith("every ")
    gap = rule.longest_gap
    assert gap is not None
    # The gap is at most the rule's step, except for days that some months lack.
    step = timedelta(days=7 if rule.freq == "WEEKLY" else 35) * rule.interval
    rare = any(nth == "5" for nth, _ in rule.weekdays) or any(day > 28 for day in rule.month_days)
    assert timedelta(days=1) <= gap
    assert rare or gap <= step


# The runs after the next one


def later(raw: str, next_run: str, end: str) -> list[str]:
    """The runs after `next_run` up to `end`, such as `11-24T09:30`."""
    runs = later_runs(raw, datetime.fromisoformat(next_run), datetime.fromisoformat(end))
    return [f"{run:%m-%dT%H:%M}" for run in runs]


@pytest.mark.parametrize(
    ("raw", "runs"),
    [
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", ["11-10", "11-17", "11-24", "12-01", "12-08"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", ["11-17", "12-01"]),
        (
            "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,FR",
            ["11-06", "11-10", "11-13", "11-17", "11-20", "11-24", "11-27", "12-01", "12-04", "12-08"],
        ),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR", ["11-06", "11-17", "11-20", "12-01", "12-04"]),
        ("FREQ=WEEKLY;INTERVAL=1", ["11-10", "11-17", "11-24", "12-01", "12-08"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=3", ["12-03"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=3,16", ["11-16", "12-03"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TU,4TU", ["11-24", "12-01"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=-1TU", ["11-24"]),
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=3", []),
        ("FREQ=MONTHLY", ["12-03"]),
    ],
)
def test_later_runs_follow_the_next_one_by_the_rule(raw: str, runs: list[str]) -> None:
    found = later(f"RRULE:{raw}", "2026-11-03T09:30:00+01:00", "2026-12-09T00:00:00+01:00")
    assert found == [f"{run}T09:30" for run in runs]


def test_a_month_without_the_day_has_no_run() -> None:
    found = later("FREQ=MONTHLY;BYMONTHDAY=31", "2026-10-31T09:30:00+01:00", "2027-04-01T00:00:00+02:00")
    assert found == ["12-31T09:30", "01-31T09:30", "03-31T09:30"]


@pytest.mark.parametrize(
    ("end", "runs"),
    [
        ("2026-11-10T09:29:59+01:00", 0),
        ("2026-11-10T09:30:00+01:00", 1),
        ("2026-11-10T08:30:00+00:00", 1),
        ("2026-11-10T14:00:00+05:30", 1),
        ("2026-11-10T13:59:59+05:30", 0),
        ("2026-11-03T09:30:00+01:00", 0),
        ("2020-01-01T00:00:00+01:00", 0),
    ],
)
def test_the_end_is_a_moment_and_belongs_to_the_time_before_it(end: str, runs: int) -> None:
    assert len(later("FREQ=WEEKLY;BYDAY=TU", "2026-11-03T09:30:00+01:00", end)) == runs


@pytest.mark.parametrize(
    ("next_run", "runs"),
    [
        ("2026-12-01T00:30:00+05:30", ["12-08T00:30", "12-15T00:30"]),
        ("2026-11-30T19:00:00+00:00", ["12-01T19:00", "12-08T19:00", "12-15T19:00"]),
        ("2026-11-30T11:00:00-08:00", ["12-01T11:00", "12-08T11:00", "12-15T11:00"]),
        ("2026-12-01T00:30:00+05:30", ["12-08T00:30", "12-15T00:30"]),
    ],
)
def test_one_moment_at_several_offsets_has_the_runs_of_each(next_run: str, runs: list[str]) -> None:
    assert later("FREQ=WEEKLY;BYDAY=TU", next_run, "2026-12-16T12:00:00+00:00") == runs


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_later_runs_keep_their_time_of_day_across_a_change_to_summer_time(zone: str) -> None:
    there = ZoneInfo(zone)
    for start in (datetime(2026, 10, 13, 9, 30), datetime(2026, 3, 3, 9, 30)):
        next_run = start.replace(tzinfo=there)
        runs = later_runs("FREQ=WEEKLY;BYDAY=TU", next_run, next_run + timedelta(days=35))
        assert [run.strftime("%a %H:%M") for run in runs] == ["Tue 09:30"] * 5
        assert {run.tzinfo for run in runs} == {there}


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "every Tuesday",
        "FREQ=DAILY;COUNT=3",
        "FREQ=WEEKLY;BYDAY=TU;COUNT=3",
        "FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231",
        "FREQ=WEEKLY;INTERVAL=53;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20",
    ],
)
def test_a_rule_that_is_not_fully_understood_promises_nothing(raw: str) -> None:
    assert later(raw, "2026-11-03T09:30:00+01:00", "2027-11-03T00:00:00+01:00") == []


def test_no_more_runs_are_computed_than_asked_for() -> None:
    assert len(later("FREQ=WEEKLY;BYDAY=TU", "2026-11-03T09:30:00+01:00", "2999-01-01T00:00:00Z")) == 99


@pytest.mark.parametrize(
    ("rule", "runs"),
    [
        ("BYDAY=TU,TH;BYMONTHDAY=3,4,5", ["11-05", "12-03", "01-05", "02-04"]),
        ("BYDAY=1TU,-1SU;BYMONTHDAY=31,1,2", ["12-01", "01-31", "02-02"]),
        ("BYDAY=2TU;BYMONTHDAY=1", []),
        ("INTERVAL=3;BYMONTHDAY=31", []),
        ("INTERVAL=2;BYMONTHDAY=31", ["01-31"]),
    ],
)
def test_days_of_the_month_hold_where_they_come_and_are_the_weekdays(rule: str, runs: list[str]) -> None:
    found = later(f"FREQ=MONTHLY;{rule}", "2026-11-03T09:30:00+01:00", "2027-02-20T00:00:00+01:00")
    assert [one[:5] for one in found] == runs


def test_a_day_that_never_comes_is_not_searched_until_the_end_of_time() -> None:
    began = time.process_time()
    for interval in range(1, 13):
        for weekdays in ("", "BYDAY=5MO;", "BYDAY=1SU;"):
            rule = f"FREQ=MONTHLY;INTERVAL={interval};{weekdays}BYMONTHDAY={31 if not weekdays else 15}"
            later(rule, "2026-02-03T09:30:00+01:00", "2027-02-03T00:00:00+01:00")
    assert time.process_time() - began < 3, "one of them alone would take a second"


@reproducible
@given(
    documented_rules(),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(ZONES),
    st.timedeltas(timedelta(days=-9), timedelta(days=200)),
)
def test_later_runs_are_later_in_order_and_at_the_time_of_day_of_the_next(
    raw: str, moment: datetime, zone: tzinfo, span: timedelta
) -> None:
    next_run = moment.replace(microsecond=0, tzinfo=zone)
    runs = later_runs(raw, next_run, next_run + span)
    assert all(next_run < run <= next_run + span for run in runs)
    assert list(runs) == sorted(set(runs))
    assert {(run.timetz(), run.utcoffset()) for run in runs} <= {(next_run.timetz(), next_run.utcoffset())}
    assert runs == later_runs(raw, next_run, next_run + span)
    rule = understood(raw)
    gap = rule.longest_gap
    if rule.freq == "WEEKLY" and gap is not None:
        assert all(newer - older <= gap for older, newer in pairwise(runs))
