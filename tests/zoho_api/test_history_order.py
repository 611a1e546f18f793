"""The order of history rows: by time; rows without a time keep the server's order."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import HOUR, NOW, entries, history_row, reproducible
from zbtui.zoho_api.history import HistoryEntry, parse_entry, sort_newest_first


def at(*hours: float | None) -> list[HistoryEntry]:
    """Rows logged so many hours ago, None: without a time; `id` is the row's place in the answer."""
    return [
        parse_entry(history_row("initiated", None if ago is None else NOW - ago * HOUR, id=str(place)))
        for place, ago in enumerate(hours)
    ]


def places(rows: list[HistoryEntry]) -> str:
    return "".join(one.id or "?" for one in sort_newest_first(rows))


@pytest.mark.parametrize(
    ("hours", "order"),
    [
        ((1, 2, 3), "012"),
        ((3, 1, 2), "120"),
        ((2, 2, 2), "012"),
        ((None, None, None), "012"),
        ((1, None, 3), "012"),
        ((None, 1, 3), "012"),
        ((1, 3, None), "012"),
        ((3, None, 1), "201"),
        ((None, 3, 1), "201"),
        ((5, None, None, 1, None, 7), "340125"),
        ((), ""),
    ],
)
def test_the_newest_row_is_first_and_one_without_a_time_stays_behind_the_row_before_it(
    hours: tuple[float | None, ...], order: str
) -> None:
    assert places(at(*hours)) == order


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=13))])
def test_the_offset_of_a_row_does_not_move_it(zone: timezone) -> None:
    rows = [parse_entry(history_row("initiated", NOW - ago * HOUR, id=str(ago))) for ago in (1, 2)]
    here = parse_entry(history_row("initiated", (NOW - 1.5 * HOUR).astimezone(zone), id="0"))
    assert places([*rows, here]) == "102"


def test_a_row_that_two_pages_have_is_one_row() -> None:
    first, second = at(1, 2, 3), at(1, 2, 3, 4)[2:]
    assert places([*first, *second]) == "0123"


def test_rows_that_share_an_id_are_different_ones_unless_they_are_equal_in_every_key() -> None:
    same = history_row("initiated", NOW, id="5100000000412007")
    rows = [parse_entry(same | change) for change in ({}, {"state": "completed"}, {"count": 1}, {})]
    assert len(sort_newest_first(rows)) == 3


@reproducible
@given(st.lists(entries, max_size=20))
def test_no_row_is_lost_and_none_doubled(rows: list[HistoryEntry]) -> None:
    found = sort_newest_first(rows)
    assert set(found) == set(rows)
    assert len(found) == len(set(rows))
    times = [one.logged_at for one in found if one.logged_at]
    assert times == sorted(times, reverse=True)
    assert sort_newest_first(found) == found
