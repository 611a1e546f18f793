"""When a session asks for history, links and company beside the details, and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.support.fake_clock import FakeClock
from tests.watch.zoho_environment import MINUTE, ZohoEnvironment
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import Snapshot
from zbtui.watch.session import Session
from zbtui.zoho_api.links import Links

HOUR = 60 * MINUTE
ALL = ["backup 200", "history 200", "urls 204", "org 200"]
"""The calls of a poll that asks for all, of an org whose last links have expired."""


@dataclass
class SessionDriver:
    """A session, and the snapshot that its observations lead to."""

    zoho: ZohoEnvironment
    session: Session
    known: Snapshot

    async def poll(self) -> Sequence[str]:
        """Poll once; return the calls, without those for tokens."""
        before = len(self.zoho.calls)
        observation = await self.session.poll(self.known)
        self.known = apply_observation(self.known, observation, self.zoho.clock.now())
        return [call for call in self.zoho.calls[before:] if not call.startswith("token")]


def session_driver(zoho: ZohoEnvironment, name: str = "nordlys") -> SessionDriver:
    return SessionDriver(zoho, zoho.session(name), Snapshot(zoho.org(name)))


async def test_the_first_poll_asks_for_everything(zoho: ZohoEnvironment) -> None:
    watch = session_driver(zoho)
    assert await watch.poll() == ALL
    assert watch.known.zoho.history is not None
    assert watch.known.last_completed is not None
    assert watch.known.zoho.links == Links()
    assert watch.known.company_name == "Nordlys Tools AB"


async def test_while_the_details_do_not_change_the_history_is_read_every_six_hours(
    clock: FakeClock, zoho: ZohoEnvironment
) -> None:
    watch = session_driver(zoho)
    await watch.poll()
    calls: list[str] = []
    for _ in range(24 * 12):
        clock.jump_wall_clock(5 * MINUTE)
        calls += await watch.poll()
    assert calls.count("backup 200") == 288
    assert calls.count("history 200") == calls.count("urls 204") == 4
    assert calls.count("org 200") == 1


async def test_when_the_details_change_the_history_is_read_once(zoho: ZohoEnvironment) -> None:
    watch = session_driver(zoho)
    await watch.poll()
    zoho.simulator.forced_kinds["nordlys"] = "INPROGRESS"
    assert await watch.poll() == ["backup 200", "history 200", "urls 204"]
    assert await watch.poll() == ["backup 200"]


async def test_a_history_that_cannot_be_read_leaves_the_poll_a_good_one(zoho: ZohoEnvironment) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "HISTORY_DOWN"
    watch = session_driver(zoho)
    await watch.poll()
    assert watch.known.zoho.backup is not None
    assert watch.known.polls.problem is None
    assert watch.known.zoho.history is None
    assert watch.known.polls.history_problem is not None
    assert watch.known.polls.history_problem.kind == "server"


async def test_a_history_that_fails_is_asked_for_less_often(
    clock: FakeClock, zoho: ZohoEnvironment
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "HISTORY_DOWN"
    watch = session_driver(zoho)
    tried = [timedelta()]
    await watch.poll()
    for minute in range(1, 20):
        clock.jump_wall_clock(MINUTE)
        if "history 500" in await watch.poll():
            tried.append(minute * MINUTE)
    assert tried == [timedelta(), MINUTE, 3 * MINUTE, 7 * MINUTE, 15 * MINUTE]


async def test_whose_org_it_is_is_asked_once_a_day(zoho: ZohoEnvironment) -> None:
    watch = session_driver(zoho)
    asked = [hour for hour in range(49) if "org 200" in await poll_after(watch, HOUR * bool(hour))]
    assert asked == [0, 24, 48]


async def poll_after(watch: SessionDriver, span: timedelta) -> Sequence[str]:
    watch.zoho.clock.jump_wall_clock(span)
    return await watch.poll()
