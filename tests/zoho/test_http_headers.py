"""Headers of answers: date, Retry-After, and remaining API credits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.support.fake_clock import START
from zbtui.zoho.http import HttpResponse


def answer_with(**headers: str) -> HttpResponse:
    return HttpResponse(200, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon, 23 Nov 2026 11:20:00 GMT", START),
        ("Mon, 23 Nov 2026 12:20:00 +0100", START),
        ("", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 11:20:00", None),
        ("Mon, 99 Nov 2026 11:20:00 GMT", None),
        ("Mon, 23 Nov 9999 23:59:59 -2359", None),
        ("Mon, 23 Nov 1969 11:20:00 GMT", None),
        ("Mon, 23 Nov 2026 11:20:00 +99999999999", None),
    ],
)
def test_the_date_of_an_answer_is_read_or_left(text: str, expected: datetime | None) -> None:
    assert answer_with(date=text).date == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("999999999999999999999", 86400),
        (format_datetime(START + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(START - timedelta(minutes=5), usegmt=True), 0),
        (format_datetime(START + timedelta(days=900), usegmt=True), 86400),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),
        ("later", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(text: str, seconds: int | None) -> None:
    expected = None if seconds is None else START + timedelta(seconds=seconds)
    assert answer_with(retry_after=text).retry_at(START) == expected


def test_a_date_in_retry_after_counts_by_the_clock_of_who_wrote_it() -> None:
    theirs = datetime(2031, 1, 1, tzinfo=UTC)
    answer = answer_with(
        date=format_datetime(theirs, usegmt=True),
        retry_after=format_datetime(theirs + timedelta(minutes=2), usegmt=True),
    )
    assert answer.retry_at(START) == START + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1840", 1840),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("many", None),
        ("\u0663", None),
        ("9" * 99, None),
    ],
)
def test_the_credits_that_remain_are_a_number_or_not_known(text: str, expected: int | None) -> None:
    assert answer_with(x_api_credits_remaining=text).credits_remaining == expected
