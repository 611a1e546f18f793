"""The doctor's finding on the difference between this machine's clock and Zoho's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from zbtui.doctor.diagnosis import HostCheck, clock_finding, clock_offset, host_finding
from zbtui.doctor.finding import FindingLevel
from zbtui.model.problem import Problem

SPANS = st.timedeltas(timedelta(0), timedelta(seconds=60))
OFFSETS = st.timedeltas(timedelta(days=-400), timedelta(days=400))


def findings_for_offset(offset: timedelta) -> HostCheck:
    """The check of a host whose clock is ahead by `offset`."""
    return HostCheck("https://accounts.zoho.eu", START, START, START + offset)


@given(OFFSETS, SPANS, SPANS)
def test_a_slow_answer_makes_no_clock_wrong(offset: timedelta, there: timedelta, back: timedelta) -> None:
    sent, received = START, START + there + back
    header = (START + there + offset).replace(microsecond=0)
    found = clock_offset(header, sent, received)
    assert abs(found) <= abs(offset)
    assert abs(offset - found) <= there + back + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("offset", "level", "message"),
    [
        (timedelta(0), FindingLevel.OK, "It agrees with Zoho's."),
        (timedelta(seconds=30), FindingLevel.OK, "It agrees with Zoho's."),
        (
            timedelta(seconds=-31),
            FindingLevel.OK,
            "It agrees with Zoho's.",
        ),  # less than the resolution of the header
        (timedelta(seconds=31), FindingLevel.WARNING, "It is 30s behind Zoho's."),
        (timedelta(minutes=5), FindingLevel.WARNING, "It is 5m behind Zoho's."),
        (timedelta(hours=-1, seconds=-1), FindingLevel.WARNING, "It is 1h ahead of Zoho's."),
        (timedelta(days=400), FindingLevel.WARNING, "It is 400d behind Zoho's."),
    ],
)
def test_over_thirty_seconds_the_clock_is_off(offset: timedelta, level: FindingLevel, message: str) -> None:
    found = clock_finding([findings_for_offset(offset)])
    assert (found.level, found.message) == (level, message)
    assert (found.hint is None) == (level is FindingLevel.OK)


def test_a_cached_answer_makes_no_clock_wrong() -> None:
    assert (
        clock_finding([findings_for_offset(timedelta(hours=-2)), findings_for_offset(timedelta(0))]).level
        is FindingLevel.OK
    )


@pytest.mark.parametrize("answer", [None, Problem("network", "It broke.", "Mend it.")])
def test_a_clock_without_an_answer_is_not_checked(answer: datetime | Problem | None) -> None:
    found = clock_finding([HostCheck("https://accounts.zoho.eu", START, START, answer)])
    assert (found.level, found.code) == (FindingLevel.REMARK, "NOT_CHECKED")


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        (None, "accounts.zoho.eu answers."),
        ("proxy.corp:3128", "accounts.zoho.eu answers, through the proxy proxy.corp:3128."),
    ],
)
def test_a_proxy_in_between_is_reported(proxy: str | None, says: str) -> None:
    check = HostCheck("https://accounts.zoho.eu", START, START, START, proxy)
    assert host_finding(check).message == says
