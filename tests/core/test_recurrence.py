"""Recurrence rules in words and as a usual gap; what is not documented is shown as it came."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import tried
from zbtui.core.recurrence import Recurrence, in_words, parse_rrule

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
    assert in_words(raw) == words


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
    assert in_words(raw) == words


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
    assert in_words(raw) == "every 2 weeks on Tuesday"


@pytest.mark.parametrize("interval", range(1, 53))
@pytest.mark.parametrize(("freq", "unit"), [("WEEKLY", "week"), ("MONTHLY", "month")])
def test_every_documented_interval_is_told(freq: str, unit: str, interval: int) -> None:
    rule = understood(f"RRULE:FREQ={freq};INTERVAL={interval};BYDAY=SU")
    assert rule.interval == interval
    assert rule.words == (f"every {interval} {unit}s" if interval > 1 else f"every {unit}") + " on Sunday"


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
    assert in_words(raw) == raw


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
    assert in_words(raw) == words


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
        ("FREQ=MONTHLY;BYMONTHDAY=31", 62 - 1),  # March to May: months without the day are passed over
        ("FREQ=MONTHLY;BYDAY=1TH", 35),
        ("FREQ=MONTHLY;BYDAY=-1FR", 35),
        ("FREQ=MONTHLY;BYDAY=1TH,4TH", 21),
        ("FREQ=MONTHLY;BYDAY=TU", 7),
        ("FREQ=MONTHLY;BYDAY=MO,1TU", 7),  # every Monday, and the first Tuesday besides
    ],
)
def test_the_usual_gap_is_the_longest_ordinary_one(raw: str, days: int) -> None:
    assert understood(raw).usual_gap == timedelta(days=days)


@tried
@given(st.lists(st.integers(1, 31), min_size=1, max_size=31, unique=True).map(sorted))
def test_the_usual_gap_of_days_of_the_month_has_met_every_length_of_month(days: list[int]) -> None:
    start = date(2024, 1, 1)
    calendar = [start + timedelta(days=number) for number in range(5 * 366)]
    runs = [day for day in calendar if day.day in days]
    longest = max(later - sooner for sooner, later in pairwise(runs))
    assert Recurrence("MONTHLY", 1, month_days=tuple(days)).usual_gap == longest


@pytest.mark.parametrize(
    "raw",
    ["FREQ=WEEKLY;BYDAY=TU;COUNT=3", "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20"],
    ids=["another part may change it", "no such day"],
)
def test_a_gap_that_cannot_be_known_is_none(raw: str) -> None:
    assert understood(raw).usual_gap is None


@tried
@given(st.text(max_size=300) | st.text("FREQINTVALBYDMOHW=;:,+-0123456789 ", max_size=80))
def test_no_text_is_too_odd_to_be_shown(raw: str) -> None:
    rule = parse_rrule(raw)
    assert in_words(raw) == (rule.words if rule else raw)


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


@tried
@given(documented_rules())
def test_every_documented_rule_has_words_and_a_gap(raw: str) -> None:
    rule = understood(raw)
    assert rule.words.startswith("every ")
    gap = rule.usual_gap
    assert gap is not None
    # No two runs are further apart than the rule's own step, but for days that a month may lack.
    step = timedelta(days=7 if rule.freq == "WEEKLY" else 35) * rule.interval
    rare = any(nth == "5" for nth, _ in rule.days) or any(day > 28 for day in rule.month_days)
    assert timedelta(days=1) <= gap
    assert rare or gap <= step
