"""Faults of this machine: what the screen shows, that other orgs go on, and that all recovers by itself.

The real app on real stores and a real keyring (see `app_environment`). A whole process on a full disk,
during many resizes, and in a crash is in `test_whole_program`; a lost terminal, and each signal, in
`tests/test_end_to_end.py`.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import use_secret_service
from tests.faults.app_environment import LocalMachine, RunningApp, run_app
from tests.faults.secret_search import SecretSearch
from tests.store.test_journal_reopened import corrupt, remove_file
from tests.store.test_journal_reopened import locked as journal_locked
from tests.support.fake_clock import FakeClock
from tests.support.secret_service import (
    SecretService,
    daemon_frozen,
    daemon_restarted,
    keyring_locked,
    secret_service,
)
from tests.support.unprivileged import unprivileged
from zbtui.health.snapshot import Observation
from zbtui.model.secret import AccessToken
from zbtui.store import database as journal_room
from zbtui.store import keyring_credentials as keyring_room
from zbtui.zoho.client import fetch_details
from zbtui.zoho.http import HttpClient

WELL: Final = "● 3 ok"
DAYS: Final = timedelta(days=2, hours=12)


@pytest.fixture
def local_machine(
    empty_home: Path, secret_search: SecretSearch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalMachine]:
    """A machine with a keyring of its own, which the test may break."""
    monkeypatch.setattr(journal_room, "_BUSY_TIMEOUT", 0.3)
    with secret_service(bus_activation=False) as service:
        use_secret_service(service, monkeypatch)
        yield LocalMachine(empty_home, service, secret_search)
    gc.collect()  # here, not in the middle of another test


Break = Callable[[LocalMachine], AbstractContextManager[object]]


@contextmanager
def token_expires(machine: LocalMachine, fault: AbstractContextManager[object]) -> Iterator[None]:
    with fault:
        machine.expire_token("nordlys")
        yield


@contextmanager
def keyring_hangs(keyring: SecretService) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as sooner, daemon_frozen(keyring):
        sooner.setattr(keyring_room, "CALL_TIMEOUT_SECONDS", 0.3)
        yield


@contextmanager
def journal_corrupted(machine: LocalMachine) -> Iterator[None]:
    corrupt(machine.paths.journal)
    yield
    remove_file(machine.paths.journal, put_aside=True)


@contextmanager
def no_journal_at_all(machine: LocalMachine) -> Iterator[None]:
    machine.paths.journal.parent.mkdir(parents=True, exist_ok=True)
    machine.paths.journal.write_bytes(b"no database at all, and long enough not to be taken for one" * 20)
    yield
    machine.paths.journal.unlink()


@contextmanager
def state_read_only(machine: LocalMachine) -> Iterator[None]:
    state = machine.paths.state
    modes = {path: path.stat().st_mode for path in (state, *state.glob("*.*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    yield
    for path, mode in modes.items():
        path.chmod(mode)


@contextmanager
def config_says(machine: LocalMachine, text: str) -> Iterator[None]:
    before = machine.paths.config.read_text()
    machine.paths.config.write_text(text)
    yield
    machine.paths.config.write_text(before)


@contextmanager
def config_unreadable(machine: LocalMachine) -> Iterator[None]:
    path = machine.paths.config
    path.write_text(f"{path.read_text()}\n")
    path.chmod(0)
    yield
    path.chmod(0o600)


@contextmanager
def clock_is_set(machine: LocalMachine, by: timedelta) -> Iterator[None]:
    machine.clock_error = by
    machine.clock.jump_wall_clock(by)
    yield
    machine.clock_error = timedelta()
    machine.clock.jump_wall_clock(-by)


@dataclass(frozen=True)
class Fault:
    """What breaks, and the texts on the screen meanwhile."""

    breaks: Break
    says: tuple[str, ...]
    goes_on: str = "nordlys"
    """An org that is still polled meanwhile."""


JOURNAL_FAULTS = {
    "locked by another process": Fault(lambda at: journal_locked(at.paths.journal), ("locked", "not kept")),
    "no database": Fault(no_journal_at_all, ("file is not a database", "not kept")),
    "read-only": Fault(state_read_only, ("Permission denied", "not kept")),
}
RUNNING_FAULTS = {
    "journal locked by another process": JOURNAL_FAULTS["locked by another process"],
    "journal spoiled": Fault(journal_corrupted, ("The journal cannot be used", "malformed", "not kept")),
    "config no TOML": Fault(
        lambda at: config_says(at, "[[org]\nname = "), ("config.toml", "line 1"), goes_on="kestrel"
    ),
    "config with a mistake": Fault(
        lambda at: config_says(at, f"{at.paths.config.read_text()}\n[wach]\n"), ("wach",)
    ),
    "config unreadable": Fault(config_unreadable, ("cannot be read (Permission denied)",)),
    "keyring locked": Fault(
        lambda at: token_expires(at, keyring_locked(at.keyring)),
        ("LOCKED", "The keyring is locked"),
        "fjord",
    ),
    "keyring gone": Fault(
        lambda at: token_expires(at, daemon_restarted(at.keyring)), ("LOCKED", "does not run"), "fjord"
    ),
    "keyring hanging": Fault(
        lambda at: token_expires(at, keyring_hangs(at.keyring)),
        ("LOCKED", "did not answer within"),
        "fjord",
    ),
    "clock ahead": Fault(
        lambda at: clock_is_set(at, DAYS), ("This machine's clock is 2d ahead of Zoho's",)
    ),
    "clock behind": Fault(
        lambda at: clock_is_set(at, -DAYS), ("This machine's clock is 2d behind Zoho's",)
    ),
}


async def assert_is_well(home: RunningApp, *said: str) -> None:
    """Assert that all three orgs are polled and stored, and that the texts `said` left the screen."""
    await home.wait_until(lambda shown: WELL in shown and not any(text in shown for text in said))
    mended = home.machine.clock.now()
    await home.wait_until(lambda shown: all(at and at > mended for at in home.last_poll_times()))
    before = await home.events("kestrel")
    await home.assert_org_keeps_updating("kestrel")
    after = await home.events("kestrel")
    kinds = [(event.kind, event.after) for event in after[len(before) :]]
    assert ("status", "FAILED") in kinds, kinds
    assert home.journal.problem is None


@pytest.mark.parametrize("name", RUNNING_FAULTS)
async def test_a_fault_of_the_machine_is_shown_and_harms_no_other_org(
    local_machine: LocalMachine, name: str
) -> None:
    fault = RUNNING_FAULTS[name]
    await local_machine.add_orgs()
    with unprivileged():
        async with run_app(local_machine) as home:
            await home.wait_for_text(WELL)
            with fault.breaks(local_machine):
                await home.wait_for_text(*fault.says)
                await home.assert_org_keeps_updating(fault.goes_on)
                await home.wait_for_text(*fault.says)
            await assert_is_well(home, *fault.says)


@pytest.mark.parametrize("name", JOURNAL_FAULTS)
async def test_a_journal_that_is_broken_from_the_start_is_shown_and_kept_again_later(
    local_machine: LocalMachine, name: str
) -> None:
    fault = JOURNAL_FAULTS[name]
    await local_machine.add_orgs()
    with unprivileged(), ExitStack() as broken:
        broken.enter_context(fault.breaks(local_machine))
        async with run_app(local_machine) as home:
            await home.wait_for_text(WELL)
            await home.assert_org_keeps_updating("nordlys")
            await home.wait_for_text(*fault.says)
            assert home.journal.problem is not None
            broken.close()
            await assert_is_well(home, *fault.says)


# Sleep, and the zone


async def test_after_sleep_old_data_is_stale_and_all_orgs_are_polled_within_seconds(
    local_machine: LocalMachine,
) -> None:
    await local_machine.add_orgs()
    async with run_app(local_machine) as home:
        await home.wait_for_text(WELL)
        local_machine.simulator.forced_kinds["fjord"] = "FAILED"
        local_machine.clock.jump_wall_clock(timedelta(hours=8))
        await home.advance(0)
        assert "? 3 unknown" in home.screen_text
        assert "8h ago" in home.screen_text
        for _ in range(15):
            await home.advance()
            await home.wait_for_polls()
        assert all(text in home.screen_text for text in ("✖ FAILED", "✖ 1 critical", "● 2 ok"))
        assert "OFFLINE" not in home.screen_text
        local_machine.simulator.forced_kinds["fjord"] = "COMPLETED"
        await assert_is_well(home, "✖ FAILED")


CHANGES = {
    "to summer time": (datetime(2027, 3, 28, 0, 58, tzinfo=UTC), "01:58", "03:0"),
    "to winter time": (datetime(2027, 10, 31, 0, 58, tzinfo=UTC), "02:58", "02:0"),
}
"""By change of the clocks in Berlin: two minutes before it, and the time of day before and after."""


@pytest.mark.parametrize("change", CHANGES)
async def test_when_the_zone_changes_its_time_countdowns_and_polls_go_on(
    local_machine: LocalMachine, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    start, before, after = CHANGES[change]
    berlin = replace(local_machine, clock=FakeClock(start))
    await berlin.add_orgs()
    async with run_app(berlin) as home:
        await home.wait_for_text(WELL)
        left, began = countdown(home.screen_text), berlin.clock.now()
        await home.press("4")
        await home.wait_for_text(before)
        await home.press("1")
        await home.advance(180)
        assert berlin.clock.now() > start + timedelta(minutes=2), "not across the change"
        gone = berlin.clock.now() - began
        assert left - countdown(home.screen_text) == gone
        await home.assert_org_keeps_updating("fjord")
        assert "clock is" not in home.screen_text
        events = await home.events("fjord")
        assert [one.at for one in events] == sorted(one.at for one in events)
        await home.press("4")
        await home.wait_for_text(after)
        await home.press("1")
        await assert_is_well(home)


def countdown(shown: str) -> timedelta:
    """The time to the next run of all orgs, as the screen shows it."""
    found = re.search(r"next run: \S+ in (\d+)d (\d\d):(\d\d):(\d\d)", shown)
    assert found, shown
    days, hours, minutes, seconds = map(int, found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


# Actions during a fault


async def test_a_config_that_cannot_be_written_is_shown_to_who_changes_it_and_works_again_later(
    local_machine: LocalMachine,
) -> None:
    await local_machine.add_orgs()
    folder = local_machine.paths.config.parent
    with unprivileged():
        async with run_app(local_machine) as home:
            await home.wait_for_text(WELL)
            folder.chmod(0o500)
            await home.press("m")
            await home.wait_until(lambda _: "cannot be written (Permission denied)" in home.toast_text)
            await home.assert_org_keeps_updating("fjord")
            folder.chmod(0o700)
            await home.press("m")
            await home.wait_until(lambda shown: "mute = true" in local_machine.paths.config.read_text())
            await assert_is_well(home, "Permission denied")


async def test_a_config_that_is_away_for_a_while_changes_nothing(local_machine: LocalMachine) -> None:
    """Many editors remove the file before they write it."""
    await local_machine.add_orgs()
    async with run_app(local_machine) as home:
        await home.wait_for_text(WELL)
        away = local_machine.paths.config.rename(local_machine.paths.config.with_suffix(".away"))
        await home.assert_org_keeps_updating("fjord")
        await home.wait_for_text(WELL)
        away.rename(local_machine.paths.config)
        await assert_is_well(home)


async def test_a_bug_of_its_own_is_shown_by_its_name_alone_and_harms_nobody_else(
    local_machine: LocalMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exception and its traceback hold the token."""

    async def fetch(http: HttpClient, access: AccessToken, data_center: str, now: datetime) -> Observation:
        if broken and data_center == "uk":
            raise RuntimeError(f"Zoho-oauthtoken {access.token.reveal()}")
        return await fetch_details(http, access, data_center, now)

    broken = False
    monkeypatch.setattr("zbtui.watch.session.fetch_details", fetch)
    await local_machine.add_orgs()
    async with run_app(local_machine) as home:
        await home.wait_for_text(WELL)
        broken = True
        await home.wait_for_text("bug", "RuntimeError")
        await home.assert_org_keeps_updating("fjord")
        broken = False
        await assert_is_well(home, "RuntimeError")
    assert "RuntimeError" in local_machine.paths.log.read_text()
