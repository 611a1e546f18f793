"""The line on top counts the levels and names the next run, in the fullest form that fits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot
from tests.tui.view_app import ViewApp, org_list_of
from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import countdown
from zbtui.model.verdict import Level
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.table_view import TableView
from zbtui.tui.widgets.fleet_bar import FleetBar, bar_content

COUNTS = Counter({Level.OK: 7, Level.CRITICAL: 2, Level.UNKNOWN: 1})
SOON = make_snapshot(
    "kestrel", scheduled_date=(START + timedelta(hours=3, minutes=12, seconds=44)).isoformat()
)


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (100, "demo  ✖ 2 critical  ? 1 unknown  ● 7 ok  next run: kestrel in 03:12:44"),
        (60, "demo  ✖ 2  ? 1  ● 7  next run: kestrel in 03:12:44"),
        (50, "demo  ✖ 2  ? 1  ● 7  next: kestrel in 03:12:44"),
        (48, "demo  ✖ 2  ? 1  ● 7  next run: in 03:12:44"),
        (40, "demo  ✖ 2  ? 1  ● 7  "),
    ],
)
def test_it_is_as_full_as_the_width_allows(width: int, text: str) -> None:
    assert bar_content(COUNTS, SOON, START, width, "demo").plain == text


@given(
    st.integers(36, 200),
    st.text("abcdefgh-", min_size=1, max_size=30),
    st.text("字a", min_size=1, max_size=30),
    st.integers(1, 8 * 86400),
    st.integers(1, 8 * 86400),
)
def test_the_line_keeps_its_form_for_any_next_run(
    width: int, first: str, second: str, soon: int, later: int
) -> None:
    """The counts keep their place when the next run changes, or its countdown gets shorter."""
    forms = []
    for name, seconds in ((first, soon), (second, later)):
        run = make_snapshot(name, scheduled_date=(START + timedelta(seconds=seconds)).isoformat())
        line = bar_content(COUNTS, run, START, width, "demo: all invented")
        assert line.cell_length <= width
        counts, said, _ = re.split("(next run: |next: |$)", line.plain, maxsplit=1)
        forms.append((counts, said, line.plain.endswith(f"in {countdown(timedelta(seconds=seconds))}")))
    assert forms[0] == forms[1]


def test_a_name_that_there_is_no_room_for_is_cut() -> None:
    long = make_snapshot("kestrel-and-wren", scheduled_date=(START + timedelta(days=3)).isoformat())
    line = bar_content(COUNTS, long, START, 60, "demo").plain
    assert line == "demo  ✖ 2  ? 1  ● 7  next run: kestrel-and-w… in 3d 00:00:00"


def test_that_all_is_invented_is_said_at_every_width() -> None:
    for width in range(20, 200):
        assert bar_content(COUNTS, SOON, START, width, "demo: all invented").plain.startswith("demo")


def test_without_a_run_ahead_it_only_counts() -> None:
    assert bar_content(Counter({Level.WARNING: 1}), None, START, 80, None).plain == "▲ 1 warning  "


class Counting(dict[str, Snapshot]):
    """Snapshots by name that count how often all are searched."""

    searches = 0

    def values(self) -> Any:
        self.searches += 1
        return super().values()


def due(name: str, hours: float) -> Snapshot:
    """An org whose next run is `hours` ahead; negative: ago."""
    return make_snapshot(name, scheduled_date=(START + timedelta(hours=hours)).isoformat())


@asynccontextmanager
async def bar_beside(org_list: OrgList) -> AsyncIterator[FleetBar]:
    app, bar = ViewApp(TableView(org_list)), FleetBar(None)
    bar.styles.width = 80
    async with app.run_test() as pilot:
        await app.mount(bar)
        await pilot.pause()
        yield bar


async def test_a_run_that_is_past_is_never_the_next_one() -> None:
    org_list = org_list_of(due("acme", 1), due("beta", -1))
    async with bar_beside(org_list) as bar:

        def shown() -> str:
            bar.update_from(org_list)
            return str(bar.content)

        assert "next run: acme in 01:00:00" in shown()
        org_list.update(due("beta", -2), START)
        bar.update_org(org_list.all_orgs["beta"], START)
        assert "next run: acme in 01:00:00" in shown()
        org_list.tick(START + timedelta(hours=1), [])
        assert "next" not in shown()


async def test_a_poll_of_an_org_whose_run_is_past_searches_no_other_org() -> None:
    """There are such polls all the time with thousands of orgs."""
    org_list = org_list_of(due("acme", 1), due("beta", -1))
    async with bar_beside(org_list) as bar:
        bar.update_from(org_list)
        org_list.all_orgs = orgs = Counting(org_list.all_orgs)
        bar.update_org(due("beta", -2), START)
        bar.update_from(org_list)
        assert orgs.searches == 0
