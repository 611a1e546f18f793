"""Formatting times and spans, and parsing durations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import ZONES, reproducible, zones
from zbtui.model.time_format import (
    ago,
    countdown,
    datetime_texts,
    day_month_text,
    format_duration,
    month_bounds,
    parse_duration,
    rough_span,
    utc_offset_text,
)

UTC, INDIA, PACIFIC = ZONES
NEXT_RUN = datetime(2022, 7, 26, 9, 58, 45, tzinfo=INDIA)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("007m", timedelta(minutes=7)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "m",
        "5 m",
        " 5m",
        "5m\n",
        "5M",
        "5w",
        "-5m",
        "+5m",
        "1.5h",
        "5min",
        "1h 30m",
        "1e3s",
        "five",
    ],
)
def test_a_duration_of_another_form_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="30s, 5m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0m0s", "3651d", "3650d1s", "999999999d"])
def test_a_duration_is_longer_than_nothing_and_at_most_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="ten years"):
        parse_duration(text)


@reproducible
@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,12}[smhd]([0-9]{1,3}[smhd])?", fullmatch=True))
def test_a_duration_is_read_or_refused_with_a_value_error(text: str) -> None:
    try:
        assert timedelta() < parse_duration(text) <= timedelta(days=3650)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=1), "1s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(minutes=60), "1h"),
        (timedelta(hours=36), "1d12h"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (timedelta(days=3650), "3650d"),
    ],
)
def test_a_duration_is_spelt_from_its_largest_unit_down(span: timedelta, text: str) -> None:
    assert format_duration(span) == text


@reproducible
@given(st.integers(1, 3650 * 86400))
def test_a_duration_is_read_as_it_was_spelt(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@reproducible
@given(st.from_regex(r"([0-9]{1,3}[smhd]){1,4}", fullmatch=True))
def test_a_parsed_duration_is_formatted_as_the_same_span(text: str) -> None:
    try:
        span = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(span)) == span
    assert format_duration(parse_duration(format_duration(span))) == format_duration(span)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=6, hours=3, minutes=12, seconds=44), "6d 03:12:44"),
        (timedelta(days=1), "1d 00:00:00"),
        (timedelta(days=1) - timedelta(seconds=1), "23:59:59"),
        (timedelta(hours=3, minutes=12, seconds=44), "03:12:44"),
        (timedelta(hours=1), "01:00:00"),
        (timedelta(minutes=1), "00:01:00"),
        (timedelta(seconds=5.9), "00:00:05"),
        (timedelta(), "00:00:00"),
        (-timedelta(minutes=12, seconds=3), "00:12:03"),
        (-timedelta(days=400, seconds=1), "400d 00:00:01"),
    ],
)
def test_a_countdown_shows_days_only_from_one_day_on(span: timedelta, text: str) -> None:
    assert countdown(span) == text


@pytest.mark.parametrize(
    ("span", "text", "age"),
    [
        (timedelta(), "now", "just now"),
        (timedelta(seconds=4.9), "now", "just now"),
        (timedelta(seconds=5), "5s", "5s ago"),
        (timedelta(seconds=29), "25s", "25s ago"),
        (timedelta(seconds=59), "55s", "55s ago"),
        (timedelta(seconds=60), "1m", "1m ago"),
        (timedelta(minutes=59, seconds=59), "59m", "59m ago"),
        (timedelta(hours=1), "1h", "1h ago"),
        (timedelta(hours=47, minutes=59), "47h", "47h ago"),
        (timedelta(days=2), "2d", "2d ago"),
        (timedelta(days=400), "400d", "400d ago"),
    ],
)
def test_an_age_is_shown_roughly(span: timedelta, text: str, age: str) -> None:
    assert rough_span(span) == text
    assert ago(span) == age


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (timedelta(), "+00:00"),
        (timedelta(hours=5, minutes=30), "+05:30"),
        (-timedelta(hours=3, minutes=30), "-03:30"),
        (timedelta(hours=14), "+14:00"),
        (timedelta(hours=1, seconds=30), "+01:00"),
    ],
)
def test_an_offset_is_hours_and_minutes(offset: timedelta, text: str) -> None:
    assert utc_offset_text(datetime(2026, 3, 3, tzinfo=timezone(offset))) == text


def test_a_day_is_in_english() -> None:
    moment = datetime(2022, 7, 2, tzinfo=UTC)
    assert day_month_text(moment) == "2 Jul"
    assert day_month_text(moment, year=True) == "2 Jul 2022"


@pytest.mark.parametrize(
    ("zone", "texts"),
    [
        (INDIA, ("Tue 26 Jul 2022 09:58 (+05:30)", "Tue 26 Jul 09:58 (+05:30)", "Tue 26 Jul 09:58")),
        (
            UTC,
            (
                "Tue 26 Jul 2022 04:28 (there 09:58 +05:30)",
                "Tue 26 Jul 04:28 (there 09:58 +05:30)",
                "Tue 26 Jul 04:28 (09:58 +05:30)",
                "Tue 26 Jul 04:28",
            ),
        ),
        (
            PACIFIC,
            (
                "Mon 25 Jul 2022 20:28 (there Tue 09:58 +05:30)",
                "Mon 25 Jul 20:28 (there Tue 09:58 +05:30)",
                "Mon 25 Jul 20:28 (Tue 09:58 +05:30)",
                "Mon 25 Jul 20:28",
            ),
        ),
    ],
    ids=["at home", "same day", "another day"],
)
def test_a_moment_is_shown_in_the_viewers_zone_with_the_orgs_beside_it(
    zone: tzinfo, texts: tuple[str, ...]
) -> None:
    assert datetime_texts(NEXT_RUN, zone) == texts


def test_without_a_zone_the_machines_own_is_the_viewers() -> None:
    here = NEXT_RUN.astimezone()
    assert all(
        f"{here.day} Jul" in text and f"{here:%H:%M}" in text for text in datetime_texts(NEXT_RUN, None)
    )


@reproducible
@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31)), zones, zones)
def test_each_format_of_a_moment_is_shorter_than_the_one_before(
    naive: datetime, theirs: tzinfo, here: tzinfo
) -> None:
    lengths = [len(text) for text in datetime_texts(naive.replace(tzinfo=theirs), here)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] <= 16


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(
    ("day_in", "next_month"),
    [("2026-02-28", "2026-03-01"), ("2028-02-29", "2028-03-01"), ("2026-12-31", "2027-01-01")],
)
def test_a_month_begins_and_ends_at_the_moments_own_offset(
    day_in: str, next_month: str, zone: tzinfo
) -> None:
    moment = datetime.fromisoformat(f"{day_in}T23:59:59").replace(tzinfo=zone)
    begin, end = month_bounds(moment)
    assert begin == moment.replace(day=1, hour=0, minute=0, second=0)
    assert end == datetime.fromisoformat(next_month).replace(tzinfo=zone)
    assert (begin.tzinfo, end.tzinfo) == (zone, zone)
