"""The agenda on the screen follows the clock, and never shows an org with another org's dates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.support.fake_clock import START, run_until_idle
from tests.support.snapshots import make_snapshot, make_unpolled_snapshot, snapshot_with, with_problem_of
from tests.tui.view_app import ViewApp, org_list_of
from zbtui.health.snapshot import Snapshot
from zbtui.tui.views.agenda_view import AgendaView

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=1"


def due(name: str, ahead: timedelta, rrule: str | None = WEEKLY) -> Snapshot:
    return make_snapshot(name, scheduled_date=(START + ahead).isoformat(), rrule=rrule)


async def wait_for_later_runs(app: ViewApp) -> None:
    """Wait until the view has computed the plans' later runs, which it does in slices."""
    assert isinstance(app.view, AgendaView)
    while app.view._is_computing:
        await run_until_idle()


def lines_with(app: ViewApp, text: str) -> list[str]:
    return [line for line in app.lines if text in line]


async def test_later_runs_come_by_themselves_and_are_shown_as_about() -> None:
    app = ViewApp(AgendaView(org_list_of(due("acme", HOUR))))
    async with app.run_test(size=(100, 40)):
        await wait_for_later_runs(app)
        first, *later = lines_with(app, "acme")
        assert "in 01:00:00" in first and "~" not in first
        assert len(later) == 4
        assert all("~" in line and "about, by its plan" in line for line in later)


async def test_a_run_that_comes_due_moves_to_the_top() -> None:
    app = ViewApp(AgendaView(org_list_of(due("acme", HOUR, None), due("beta", 2 * HOUR, None))))
    async with app.run_test(size=(100, 20)):
        app.tick(3599)
        assert not lines_with(app, "due by now")
        app.tick(3600)
        assert "due by now" in app.lines[0] and "acme" in app.lines[1]


async def test_a_jump_of_the_clock_in_either_direction_rebuilds_the_agenda() -> None:
    app = ViewApp(AgendaView(org_list_of(due("acme", 20 * HOUR, None))))
    async with app.run_test(size=(100, 20)):
        app.tick((30 * HOUR).total_seconds())
        assert "due by now" in app.lines[0]
        app.tick(0)
        assert not lines_with(app, "due by now")


async def test_at_midnight_tomorrow_becomes_today() -> None:
    app = ViewApp(AgendaView(org_list_of(due("acme", 40 * HOUR, None))))
    async with app.run_test(size=(100, 20)):
        assert not lines_with(app, "today")
        app.tick((37 * HOUR).total_seconds())
        assert "today" in app.lines[0]


async def test_the_same_moment_at_another_offset_is_another_weekday() -> None:
    """Monday 23:30 in New York is Tuesday in London, so that a plan for Mondays continues differently."""
    plan: dict[str, Any] = {"rrule": "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO"}
    here = make_snapshot("here", scheduled_date="2026-11-30T23:30:00-05:00", **plan)
    there = make_snapshot("there", scheduled_date="2026-12-01T04:30:00+00:00", **plan)
    app = ViewApp(AgendaView(org_list_of(here, there)))
    async with app.run_test(size=(120, 60)):
        await wait_for_later_runs(app)
        runs: dict[str, set[datetime]] = {"here": set(), "there": set()}
        for item in app.view._items:
            if item.org and not item.key.is_exact:  # type: ignore[attr-defined]
                runs[item.org].add(item.key.at)  # type: ignore[attr-defined]
        assert {at.weekday() for at in runs["here"]} == {at.weekday() for at in runs["there"]} == {0}
        assert runs["here"] and not runs["here"] & runs["there"]


async def test_an_org_that_cannot_be_polled_is_not_called_late() -> None:
    old = with_problem_of(due("acme", -HOUR, None), make_unpolled_snapshot("auth", final=True))
    app = ViewApp(AgendaView(org_list_of(old)))
    async with app.run_test(size=(100, 20)):
        (line,) = lines_with(app, "acme")
        assert "due 1h ago" in line and "late" not in line


async def test_runs_of_an_earlier_schedule_are_forgotten() -> None:
    view = AgendaView(org_list_of(due("acme", HOUR)))
    app = ViewApp(view)
    async with app.run_test(size=(100, 40)):
        for hours in range(1, 5):
            moved = due("acme", hours * HOUR)
            assert moved.zoho.backup
            view.org_list.update(snapshot_with(moved, observed_at=START), START)
            view.repaint(["acme"])
            await wait_for_later_runs(app)
            assert len(view._later) == 1
            assert lines_with(app, f"in 0{hours}:00:00")
