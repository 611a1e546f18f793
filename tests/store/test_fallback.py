"""While the journal's file cannot be used, fallbacks keep alerts and token requests, and merge back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    TOKEN_FINGERPRINT,
    claim_delivery,
    claim_one,
    decide_alarm,
    message_of,
    org_names,
    polled_snapshot,
    raw_database,
    record_poll,
    sample_org,
    save_in_new_process,
)
from tests.support.fake_clock import START, FakeClock
from zbtui.health.alert_policy import Alert, AlertState, OrgAlertState
from zbtui.model.verdict import Level
from zbtui.store.database import REOPEN_AFTER_SECONDS
from zbtui.store.fallback import fallback_files
from zbtui.store.journal import Journal, open_journal
from zbtui.store.token_budget import Lockout

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
WINDOW = timedelta(minutes=11)
LIMIT = 9
LOCKED = Lockout(START + 20 * MINUTE, 2)
TABLES = ("notified", "outage", "watched", "alert", "delivery", "delivered", "lockout", "token_request")


@contextmanager
def no_folder(path: Path) -> Iterator[None]:
    """Replace the journal's folder by a file."""
    away = path.parent.with_suffix(".away")
    if path.parent.exists():
        path.parent.rename(away)
    path.parent.write_bytes(b"")
    yield
    path.parent.unlink()
    if away.exists():
        away.rename(path.parent)


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """The journal's tables of alerts and tokens can be neither read nor written."""
    with raw_database(path) as other:
        for table in TABLES:
            other.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        yield
        for table in TABLES:
            other.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")


@contextmanager
def full(path: Path) -> Iterator[None]:
    """The same tables can be read but not written, as on a full disk."""
    acts = [(table, act) for table in TABLES for act in ("INSERT", "UPDATE", "DELETE")]
    with raw_database(path) as other:
        for table, act in acts:
            what = f"BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            other.execute(f"CREATE TRIGGER no_{act}_{table} {what}")
        yield
        for table, act in acts:
            other.execute(f"DROP TRIGGER no_{act}_{table}")


Hinder = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(params=[no_folder, unreadable, full], ids=lambda hinder: hinder.__name__)
def hinder(request: pytest.FixtureRequest) -> Hinder:
    found: Hinder = request.param
    return found


class Place:
    """A journal's path, and the folders of its fallbacks."""

    def __init__(self, path: Path, clock: FakeClock, *folders: Path) -> None:
        self.path, self._clock, self._folders = path, clock, folders
        self._opened: list[Journal] = []

    def open(self) -> Journal:
        """Open the journal as another process does."""
        self._opened.append(open_journal(self.path, self._clock, self._folders))
        return self._opened[-1]

    async def close(self) -> None:
        for journal in self._opened:
            await journal.close()

    async def comes_right(self, journal: Journal) -> None:
        await self._clock.advance(REOPEN_AFTER_SECONDS)
        await journal.outbox.alert_state()
        assert message_of(journal) == ""


@pytest.fixture(params=["in a folder", "in memory"])
async def place(
    request: pytest.FixtureRequest, journal_path: Path, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Place]:
    folders = [tmp_path / "runtime"] if request.param == "in a folder" else []
    place = Place(journal_path, clock, *folders)
    await save_in_new_process(journal_path)
    yield place
    await place.close()


@pytest.fixture
async def shared(journal_path: Path, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Place]:
    """A journal with a fallback that other processes find."""
    place = Place(journal_path, clock, tmp_path / "runtime")
    await save_in_new_process(journal_path)
    yield place
    await place.close()


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def put(file: Path, content: bytes) -> None:
    """Replace a database file, with its companion files."""
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    file.write_bytes(content)


async def use_up(journal: Journal) -> None:
    for second in range(LIMIT):
        assert await acquire(journal, second) is None


async def acquire(journal: Journal, second: int) -> object:
    return await journal.tokens.acquire(TOKEN_FINGERPRINT, START + second * SECOND, LIMIT, WINDOW)


# What a fallback keeps: alert state, token requests, lock-outs


async def test_tokens_are_counted_over_both_places(hinder: Hinder, place: Place) -> None:
    journal = place.open()
    for second in (0, 1):
        assert await acquire(journal, second) is None
    with hinder(place.path):
        for second in range(2, 7):
            assert await acquire(journal, second) is None
        assert message_of(journal) != ""
    await place.comes_right(journal)
    later = place.open()
    assert [await acquire(later, second) for second in (7, 8, 9)] == [None, None, START + WINDOW]


async def test_a_lock_out_holds_in_both_places(hinder: Hinder, place: Place) -> None:
    journal = place.open()
    await journal.tokens.set_lockout(TOKEN_FINGERPRINT, LOCKED)
    longer = Lockout(START + 40 * MINUTE, 3)
    with hinder(place.path):
        await use_up(journal)
        assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == LOCKED
        await journal.tokens.set_lockout(TOKEN_FINGERPRINT, longer)
    await place.comes_right(journal)
    assert await place.open().tokens.find_lockout(TOKEN_FINGERPRINT) == longer


async def test_each_alert_is_notified_once_whatever_fails_meanwhile(hinder: Hinder, place: Place) -> None:
    journal = place.open()
    await journal.outbox.decide_and_store(decide_alarm("a"), [])
    with hinder(place.path):
        assert org_names(await journal.outbox.decide_and_store(decide_alarm("a", "b"), [])) == ["b"]
        assert await journal.outbox.decide_and_store(decide_alarm("a", "b"), []) == ()
        assert message_of(journal) != ""
    await place.comes_right(journal)
    assert await journal.outbox.decide_and_store(decide_alarm("a", "b"), []) == ()
    assert set((await place.open().outbox.alert_state()).orgs) == {"a", "b"}


async def test_an_outage_notified_meanwhile_is_known_from_then_on(hinder: Hinder, place: Place) -> None:
    journal, out = place.open(), AlertState(outage_since=START, outage_notified_at=START + MINUTE)
    with hinder(place.path):
        await journal.outbox.decide_and_store(lambda state: (out, ()), [])
    await place.comes_right(journal)
    assert await place.open().outbox.alert_state() == out


async def test_an_org_that_left_a_config_meanwhile_is_notified_once(hinder: Hinder, place: Place) -> None:
    journal, key = place.open(), ("a.toml", "acme")
    outbox = journal.outbox.of_config("a.toml")
    await outbox.decide_and_store(lambda state: (AlertState(watched={key: None}), ()), [])
    with hinder(place.path):
        assert (await outbox.alert_state()).watched == {key: None}
        gone = AlertState(watched={key: START})
        await outbox.decide_and_store(lambda state: (gone, ()), [])
    await place.comes_right(journal)
    assert (await place.open().outbox.of_config("a.toml").alert_state()).watched == {key: START}


async def test_what_others_notified_meanwhile_stays_notified(hinder: Hinder, place: Place) -> None:
    journal, other = place.open(), place.open()
    await journal.outbox.decide_and_store(decide_alarm("a"), [])
    with hinder(place.path):
        await journal.outbox.decide_and_store(decide_alarm("b"), [])
    later = OrgAlertState("stopped", Level.CRITICAL, START + MINUTE)

    def outage(state: AlertState) -> tuple[AlertState, tuple[Alert, ...]]:
        return replace(state, orgs={**state.orgs, "a": later, "c": later}, outage_since=START), ()

    await other.outbox.decide_and_store(outage, [])
    await place.comes_right(journal)
    state = await other.outbox.alert_state()
    assert set(state.orgs) == {"a", "b", "c"}
    assert (state.orgs["a"], state.outage_since) == (later, START)


async def test_of_two_lock_outs_the_longer_one_counts(hinder: Hinder, place: Place) -> None:
    journal, longer = place.open(), Lockout(START + 40 * MINUTE, 3)
    with hinder(place.path):
        await journal.tokens.set_lockout(TOKEN_FINGERPRINT, LOCKED)
    await place.open().tokens.set_lockout(TOKEN_FINGERPRINT, longer)
    await place.comes_right(journal)
    assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == longer


# Deliveries


async def test_what_the_fallback_did_not_deliver_is_delivered_once(hinder: Hinder, place: Place) -> None:
    journal = place.open()
    with hinder(place.path):
        await journal.outbox.decide_and_store(decide_alarm("a", "b", "c"), ["command"])
        await journal.outbox.mark_delivered(await claim_one(journal.outbox))
        held = await claim_one(journal.outbox)
    await place.comes_right(journal)
    await journal.outbox.mark_delivered(held)
    assert (await claim_one(journal.outbox)).stored.alert.org == "c"
    assert await claim_delivery(place.open().outbox) is None
    assert (await claim_one(journal.outbox, after=2 * MINUTE)).stored.alert.org == "c"


async def test_what_both_places_number_the_same_is_delivered_from_both(place: Place) -> None:
    """After the clock was set back, journal and fallback continue from the same number."""
    journal, other = place.open(), place.open()
    await journal.outbox.decide_and_store(decide_alarm("old", at=START + DAY), [])
    with full(place.path):
        (meanwhile,) = await journal.outbox.decide_and_store(decide_alarm("old", "a"), ["command"])
    (elsewhere,) = await other.outbox.decide_and_store(decide_alarm("old", "b"), ["command"])
    assert meanwhile.number == elsewhere.number
    await place.comes_right(journal)
    assert {(await claim_one(journal.outbox)).stored.uuid for _ in range(2)} == {
        meanwhile.uuid,
        elsewhere.uuid,
    }


async def test_a_delivery_of_before_is_crossed_off_once_possible(hinder: Hinder, place: Place) -> None:
    journal = place.open()
    await journal.outbox.decide_and_store(decide_alarm("a", "b"), ["command"])
    held = await claim_one(journal.outbox)
    with hinder(place.path):
        await journal.outbox.decide_and_store(decide_alarm("a", "b", "c"), ["command"])
        await journal.outbox.mark_delivered(held)
    await place.comes_right(journal)
    found = [await claim_delivery(journal.outbox, after=2 * MINUTE) for _ in range(3)]
    assert [one and one.stored.alert.org for one in found] == ["b", "c", None]


async def test_alerts_stored_in_the_fallback_are_new_those_of_before_are_not(
    hinder: Hinder, place: Place
) -> None:
    journal = place.open()
    await journal.outbox.decide_and_store(decide_alarm("old"), [])
    heard = await journal.outbox.latest_number(START)
    with hinder(place.path):
        await journal.outbox.decide_and_store(decide_alarm("old", "a"), [])
        assert org_names(await journal.outbox.alerts_after(heard)) == ["a"]
    await place.comes_right(journal)
    await journal.outbox.decide_and_store(decide_alarm("old", "a", "b"), [])
    assert org_names(await journal.outbox.alerts_after(heard)) == ["a", "b"]


async def test_alerts_of_before_are_not_new_to_a_process_that_could_not_read_them(place: Place) -> None:
    await place.open().outbox.decide_and_store(decide_alarm("old"), [])
    with no_folder(place.path):
        journal = place.open()
        heard = await journal.outbox.latest_number(START + MINUTE)
        await journal.outbox.decide_and_store(decide_alarm("a", at=START + MINUTE), [])
        assert org_names(await journal.outbox.alerts_after(heard)) == ["a"]
    await place.comes_right(journal)
    assert org_names(await journal.outbox.alerts_after(heard)) == ["a"]
    assert org_names(await journal.outbox.alerts_after(0)) == ["old", "a"]


# Snapshots and events


async def test_while_it_can_be_read_all_that_was_seen_is_known(place: Place) -> None:
    journal, acme = place.open(), sample_org()
    events = await record_poll(journal, polled_snapshot(acme))
    with full(place.path):
        await journal.tokens.acquire(TOKEN_FINGERPRINT, START, 1, WINDOW)
        assert message_of(journal) != ""
        assert await journal.load_org(acme) is not None
        assert await record_poll(journal, polled_snapshot(acme, START + MINUTE)) == ()
        assert await journal.events.read(None, None) == list(events)


# Several processes


async def test_the_next_process_knows_too(shared: Place) -> None:
    with no_folder(shared.path):
        first = shared.open()
        await use_up(first)
        await first.outbox.decide_and_store(decide_alarm("a"), ["command"])
        await first.tokens.set_lockout(TOKEN_FINGERPRINT, LOCKED)
        await first.close()
        second = shared.open()
        assert message_of(second) != ""
        assert await acquire(second, LIMIT) is not None
        assert await second.tokens.find_lockout(TOKEN_FINGERPRINT) == LOCKED
        assert await second.outbox.decide_and_store(decide_alarm("a"), ["command"]) == ()
        assert (await claim_one(second.outbox)).stored.alert.org == "a"


async def test_what_is_left_in_the_fallback_is_taken_over_by_the_next_that_writes(shared: Place) -> None:
    with no_folder(shared.path):
        first = shared.open()
        await use_up(first)
        await first.outbox.decide_and_store(decide_alarm("a"), ["command"])
        await first.close()
    second = shared.open()
    assert await acquire(second, LIMIT) is not None
    assert message_of(second) == ""
    assert await second.outbox.decide_and_store(decide_alarm("a"), ["command"]) == ()
    third = shared.open()
    await third.outbox.mark_delivered(await claim_one(third.outbox))
    assert await claim_delivery(shared.open().outbox, after=DAY) is None


async def test_using_the_fallback_as_it_is_moved_back_is_fine(shared: Place, clock: FakeClock) -> None:
    with no_folder(shared.path):
        one = shared.open()
        await one.outbox.decide_and_store(decide_alarm("a"), [])
        await clock.advance(REOPEN_AFTER_SECONDS - 1)
        other = shared.open()
        assert await other.outbox.decide_and_store(decide_alarm("a", "b"), []) != ()
    await clock.advance(1)
    assert set((await one.outbox.alert_state()).orgs) == {"a", "b"}
    assert message_of(one) == ""
    assert message_of(other) != ""
    assert await other.outbox.decide_and_store(decide_alarm("a", "b"), []) == ()
    assert org_names(await other.outbox.decide_and_store(decide_alarm("a", "b", "c"), [])) == ["c"]
    await shared.comes_right(other)
    assert set((await one.outbox.alert_state()).orgs) == {"a", "b", "c"}


async def test_dying_before_the_fallback_is_emptied_repeats_nothing(shared: Place, tmp_path: Path) -> None:
    (file,) = fallback_files([tmp_path / "runtime"], shared.path)
    with no_folder(shared.path):
        first = shared.open()
        await use_up(first)
        await first.outbox.decide_and_store(decide_alarm("a"), ["command"])
        await first.close()
    left, made = content_of(file), list[str]()
    for _ in range(2):
        later = shared.open()
        assert await acquire(later, LIMIT) == START + WINDOW
        if found := await claim_delivery(later.outbox, after=DAY):
            await later.outbox.mark_delivered(found)
            made.append(found.stored.alert.org)
        await later.close()
        with raw_database(file) as emptied:
            assert not emptied.execute("SELECT * FROM sqlite_master WHERE name = 'alert'").fetchall()
        put(file, left)
    assert made == ["a"]


# The folder of a fallback


async def test_the_folder_and_the_file_are_this_users_alone(shared: Place, tmp_path: Path) -> None:
    with no_folder(shared.path):
        await use_up(shared.open())
    folder = tmp_path / "runtime"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.glob("*.db")] == [
        file.name for file in fallback_files([folder], shared.path)
    ]


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
async def test_a_folder_that_others_may_use_is_not_used(kind: str, shared: Place, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "runtime", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o755)
    elif kind == "a link":
        folder.symlink_to(elsewhere)
    else:
        folder.write_bytes(b"")
    with no_folder(shared.path):
        journal = shared.open()
        await use_up(journal)
        assert await acquire(journal, LIMIT) is not None
    assert list(elsewhere.iterdir()) == []
    assert folder.is_file() or list(folder.iterdir()) == []


async def test_a_fallback_that_cannot_be_used_either_leaves_memory(shared: Place, tmp_path: Path) -> None:
    (file,) = fallback_files([tmp_path / "runtime"], shared.path)
    file.parent.mkdir(mode=0o700)
    file.write_bytes(b"no database at all, and long enough that nobody takes it for one" * 20)
    with no_folder(shared.path):
        journal = shared.open()
        await use_up(journal)
        assert await acquire(journal, LIMIT) is not None
    await shared.comes_right(journal)
    assert await acquire(shared.open(), LIMIT) is not None
