"""Each way that this machine fails the program: what the screen says, that the others go on, and that all
is well again by itself.

The real app on real stores and a real keyring (see `house`). What a whole process does on a full disk, in a
storm of sizes, and where it crashes, is in `test_process`; a terminal that goes away, and each signal, are
in `tests/test_end_to_end.py`.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import use_keyring_of
from tests.faults.canary import Canaries
from tests.faults.house import House, Machine, house
from tests.store.test_journal_reopened import locked as journal_locked
from tests.store.test_journal_reopened import spoil, take_away
from tests.support.clock import FakeClock
from tests.support.powerless import powerless
from tests.support.secret_service import SecretService, ended, frozen, locked, secret_service
from zbtui.core.secret import AccessToken
from zbtui.core.snapshot import Looked
from zbtui.store import credentials as keyring_room
from zbtui.store import database as journal_room
from zbtui.zoho.client import fetch_details
from zbtui.zoho.http import Http

WELL: Final = "● 3 ok"
DAYS: Final = timedelta(days=2, hours=12)


@pytest.fixture
def machine(empty_home: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """One whose keyring is its own, and may be broken."""
    monkeypatch.setattr(journal_room, "_PATIENCE", 0.3)
    with secret_service(activating=False) as service:
        use_keyring_of(service, monkeypatch)
        yield Machine(empty_home, service, canaries)
    gc.collect()  # here, and not in the middle of some other test


Break = Callable[[Machine], AbstractContextManager[object]]


@contextmanager
def token_ends(machine: Machine, fault: AbstractContextManager[object]) -> Iterator[None]:
    with fault:
        machine.end_token("nordlys")
        yield


@contextmanager
def hanging(keyring: SecretService) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as sooner, frozen(keyring):
        sooner.setattr(keyring_room, "LIMIT_SECONDS", 0.3)
        yield


@contextmanager
def journal_spoiled(machine: Machine) -> Iterator[None]:
    spoil(machine.paths.journal)
    yield
    take_away(machine.paths.journal, put_aside=True)


@contextmanager
def no_journal_at_all(machine: Machine) -> Iterator[None]:
    machine.paths.journal.parent.mkdir(parents=True, exist_ok=True)
    machine.paths.journal.write_bytes(b"no database at all, and long enough not to be taken for one" * 20)
    yield
    machine.paths.journal.unlink()


@contextmanager
def state_read_only(machine: Machine) -> Iterator[None]:
    state = machine.paths.state
    modes = {path: path.stat().st_mode for path in (state, *state.glob("*.*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    yield
    for path, mode in modes.items():
        path.chmod(mode)


@contextmanager
def config_says(machine: Machine, text: str) -> Iterator[None]:
    before = machine.paths.config.read_text()
    machine.paths.config.write_text(text)
    yield
    machine.paths.config.write_text(before)


@contextmanager
def config_unreadable(machine: Machine) -> Iterator[None]:
    path = machine.paths.config
    path.write_text(f"{path.read_text()}\n")
    path.chmod(0)
    yield
    path.chmod(0o600)


@contextmanager
def clock_is_set(machine: Machine, by: timedelta) -> Iterator[None]:
    machine.wrong_by = by
    machine.clock.jump(by)
    yield
    machine.wrong_by = timedelta()
    machine.clock.jump(-by)


@dataclass(frozen=True)
class Fault:
    """What breaks, and what the screen says then."""

    breaks: Break
    says: tuple[str, ...]
    goes_on: str = "nordlys"
    """An org that is watched on meanwhile."""


JOURNAL_FAULTS = {
    "locked by another process": Fault(lambda at: journal_locked(at.paths.journal), ("locked", "not kept")),
    "no database": Fault(no_journal_at_all, ("file is not a database", "not kept")),
    "read-only": Fault(state_read_only, ("Permission denied", "not kept")),
}
RUNNING_FAULTS = {
    "journal locked by another process": JOURNAL_FAULTS["locked by another process"],
    "journal spoiled": Fault(journal_spoiled, ("The journal cannot be used", "malformed", "not kept")),
    "config no TOML": Fault(
        lambda at: config_says(at, "[[org]\nname = "), ("config.toml", "line 1"), goes_on="kestrel"
    ),
    "config with a mistake": Fault(
        lambda at: config_says(at, f"{at.paths.config.read_text()}\n[wach]\n"), ("wach",)
    ),
    "config unreadable": Fault(config_unreadable, ("cannot be read (Permission denied)",)),
    "keyring locked": Fault(
        lambda at: token_ends(at, locked(at.keyring)), ("LOCKED", "The keyring is locked"), "fjord"
    ),
    "keyring gone": Fault(
        lambda at: token_ends(at, ended(at.keyring)), ("LOCKED", "does not run"), "fjord"
    ),
    "keyring hanging": Fault(
        lambda at: token_ends(at, hanging(at.keyring)), ("LOCKED", "did not answer within 3 s"), "fjord"
    ),
    "clock ahead": Fault(
        lambda at: clock_is_set(at, DAYS),
        ("This machine's clock is 2d ahead of Zoho's",),
    ),
    "clock behind": Fault(
        lambda at: clock_is_set(at, -DAYS),
        ("This machine's clock is 2d behind Zoho's",),
    ),
}


async def is_well(home: House, *said: str) -> None:
    """All three are seen and kept, and nothing is said any more of what was amiss."""
    await home.until(lambda shown: WELL in shown and not any(text in shown for text in said))
    mended = home.machine.clock.now()
    await home.until(lambda shown: all(at and at > mended for at in home.looked_at()))
    before = await home.events("kestrel")
    await home.others_go_on("kestrel")
    after = await home.events("kestrel")
    kinds = [(event.kind, event.after) for event in after[len(before) :]]
    assert ("status", "FAILED") in kinds, kinds
    assert home.journal.trouble is None


@pytest.mark.parametrize("name", RUNNING_FAULTS)
async def test_what_breaks_while_it_runs_is_told_and_harms_nobody_else(machine: Machine, name: str) -> None:
    fault = RUNNING_FAULTS[name]
    await machine.settle_in()
    with powerless():
        async with house(machine) as home:
            await home.shows(WELL)
            with fault.breaks(machine):
                await home.shows(*fault.says)
                await home.others_go_on(fault.goes_on)
                await home.shows(*fault.says)
            await is_well(home, *fault.says)


@pytest.mark.parametrize("name", JOURNAL_FAULTS)
async def test_a_journal_that_is_broken_from_the_start_is_told_and_kept_again_later(
    machine: Machine, name: str
) -> None:
    fault = JOURNAL_FAULTS[name]
    await machine.settle_in()
    with powerless(), ExitStack() as broken:
        broken.enter_context(fault.breaks(machine))
        async with house(machine) as home:
            await home.shows(WELL)
            await home.others_go_on("nordlys")
            await home.shows(*fault.says)
            assert home.journal.trouble is not None
            broken.close()
            await is_well(home, *fault.says)


# Sleep, and the zone


async def test_after_sleep_nothing_old_looks_fresh_and_all_is_seen_within_seconds(machine: Machine) -> None:
    await machine.settle_in()
    async with house(machine) as home:
        await home.shows(WELL)
        machine.simulator.forced["fjord"] = "FAILED"
        machine.clock.jump(timedelta(hours=8))
        await home.live(0)
        assert "? 3 unknown" in home.text
        assert "8h ago" in home.text
        for _ in range(15):
            await home.live()
            await home.answered()
        assert all(text in home.text for text in ("✖ FAILED", "✖ 1 critical", "● 2 ok"))
        assert "OFFLINE" not in home.text
        machine.simulator.forced["fjord"] = "SCHEDULED"
        await is_well(home, "✖ FAILED")


CHANGES = {
    "to summer time": (datetime(2027, 3, 28, 0, 58, tzinfo=UTC), "01:58", "03:0"),
    "to winter time": (datetime(2027, 10, 31, 0, 58, tzinfo=UTC), "02:58", "02:0"),
}
"""Two minutes before it in Berlin: the moment, and the time of day before and after."""


@pytest.mark.parametrize("change", CHANGES)
async def test_when_the_zone_changes_its_time_countdowns_and_looks_go_on(
    machine: Machine, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    start, before, after = CHANGES[change]
    berlin = replace_clock(machine, FakeClock(start))
    await berlin.settle_in()
    async with house(berlin) as home:
        await home.shows(WELL)
        left, began = countdown(home.text), berlin.clock.now()
        await home.press("4")
        await home.shows(before)
        await home.press("1")
        await home.live(180)
        assert berlin.clock.now() > start + timedelta(minutes=2), "not across the change"
        gone = berlin.clock.now() - began
        assert left - countdown(home.text) == gone
        await home.others_go_on("fjord")
        assert "clock is" not in home.text
        events = await home.events("fjord")
        assert [one.at for one in events] == sorted(one.at for one in events)
        await home.press("4")
        await home.shows(after)
        await home.press("1")
        await is_well(home)


def replace_clock(machine: Machine, clock: FakeClock) -> Machine:
    return Machine(machine.home, machine.keyring, machine.canaries, clock)


def countdown(shown: str) -> timedelta:
    """To the next run of all."""
    found = re.search(r"next run: \S+ in (\d+)d (\d\d):(\d\d):(\d\d)", shown)
    assert found, shown
    days, hours, minutes, seconds = map(int, found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


# What somebody does meanwhile


async def test_a_config_that_cannot_be_written_is_told_to_who_changes_it_and_works_again_later(
    machine: Machine,
) -> None:
    await machine.settle_in()
    folder = machine.paths.config.parent
    with powerless():
        async with house(machine) as home:
            await home.shows(WELL)
            folder.chmod(0o500)
            await home.press("m")
            await home.until(lambda _: "cannot be written (Permission denied)" in home.toasts)
            await home.others_go_on("fjord")
            folder.chmod(0o700)
            await home.press("m")
            await home.until(lambda shown: "mute = true" in machine.paths.config.read_text())
            await is_well(home, "Permission denied")


async def test_a_config_that_is_away_for_a_while_changes_nothing(machine: Machine) -> None:
    """As many editors take it away to write it."""
    await machine.settle_in()
    async with house(machine) as home:
        await home.shows(WELL)
        away = machine.paths.config.rename(machine.paths.config.with_suffix(".away"))
        await home.others_go_on("fjord")
        await home.shows(WELL)
        away.rename(machine.paths.config)
        await is_well(home)


async def test_a_bug_of_its_own_is_told_by_its_name_alone_and_harms_nobody_else(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error holds the token, and so do the frames that it went through."""

    async def fetch(http: Http, access: AccessToken, data_center: str, now: datetime) -> Looked:
        if broken and data_center == "uk":
            raise RuntimeError(f"Zoho-oauthtoken {access.token.reveal()}")
        return await fetch_details(http, access, data_center, now)

    broken = False
    monkeypatch.setattr("zbtui.watch.session.fetch_details", fetch)
    await machine.settle_in()
    async with house(machine) as home:
        await home.shows(WELL)
        broken = True
        await home.shows("bug", "RuntimeError")
        await home.others_go_on("fjord")
        broken = False
        await is_well(home, "RuntimeError")
    assert "RuntimeError" in machine.paths.log.read_text()
