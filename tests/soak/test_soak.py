"""Days of a fleet in seconds: each visible change is recorded once, and nothing grows for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.soak.soak_run import KEEP, changes_not_recorded, phases_missed, run_fleet_for

DAYS = 1.0
ORGS = 10


async def test_each_change_is_noted_once_and_no_phase_is_missed(tmp_path: Path) -> None:
    log, world = await run_fleet_for(tmp_path, ORGS, DAYS)
    assert log.poll_count > ORGS * 10
    assert phases_missed(log, world.start) == []
    assert list(changes_not_recorded(log, world, DAYS)) == []
    assert any(event.kind == "status" for event in log.events)
    assert timedelta(days=DAYS) < KEEP.keep
    first, second, third = log.costs
    assert second.handles == third.handles
    assert second.threads == third.threads
    assert second.tasks == third.tasks == first.tasks
