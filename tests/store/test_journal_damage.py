"""A journal that is damaged, of another program or of a newer zbtui is reported, and stops nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    TOKEN_FINGERPRINT,
    failed_poll_snapshot,
    full_snapshot,
    load_in_new_process,
    message_of,
    polled_snapshot,
    raw_database,
    record_poll,
    sample_org,
    save_in_new_process,
)
from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.snapshots import snapshot_with
from zbtui.store.database import REOPEN_AFTER_SECONDS
from zbtui.store.journal import Journal, open_journal
from zbtui.store.schema import APPLICATION_ID, SCHEMA_VERSION
from zbtui.store.token_budget import Lockout
from zbtui.zoho_api.organization import Company

ACME = sample_org()
SEEN = full_snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)
WINDOW = timedelta(minutes=11)


async def assert_works_without_file(journal: Journal) -> None:
    """Check that the journal reports a problem, and works with a fallback in memory."""
    assert journal.problem is not None
    assert journal.problem.kind == "config"
    assert not journal.problem.final
    problem = journal.problem
    assert journal.load_all([ACME]) == {}
    await journal.save(SEEN)
    assert journal.load_all([ACME]) == {"acme": snapshot_with(SEEN, restored=True)}
    events = await record_poll(journal, polled_snapshot(ACME))
    assert await journal.events.read(None, None) == list(events)
    await journal.tokens.set_lockout(TOKEN_FINGERPRINT, LOCKED)
    assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == LOCKED
    await journal.rename_org(sample_org(), sample_org("b"))
    await journal.forget_org(sample_org())
    assert await journal.tokens.acquire(TOKEN_FINGERPRINT, START, 1, WINDOW) is None
    assert await journal.tokens.acquire(TOKEN_FINGERPRINT, START, 1, WINDOW) == START + WINDOW
    assert journal.problem == problem
    await journal.close()


@pytest.mark.parametrize(
    "content",
    [b"no database at all, and long enough that nobody takes it for one" * 20, b"SQLite format 3\0" * 99],
)
async def test_a_file_that_is_no_database_is_shown_and_kept(content: bytes, journal_path: Path) -> None:
    put(journal_path, content)
    journal = open_journal(journal_path)
    assert str(journal_path) in message_of(journal)
    await assert_works_without_file(journal)
    assert content_of(journal_path) == content


OTHERS = {
    "of a newer zbtui": (APPLICATION_ID, SCHEMA_VERSION + 1, "newer zbtui", "Start the newer zbtui."),
    "of a draft": (0, 3, "no journal of this zbtui: move it away", ""),
    "of another program": (0, 0, "no journal of this zbtui: move it away", ""),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_a_database_of_another_schema_is_shown_and_kept(kind: str, journal_path: Path) -> None:
    application, version, message, hint = OTHERS[kind]
    put(journal_path, b"")
    with raw_database(journal_path) as other:
        other.execute("CREATE TABLE something (x)")
        other.execute(f"PRAGMA application_id = {application}")
        other.execute(f"PRAGMA user_version = {version}")
    before = content_of(journal_path)
    journal = open_journal(journal_path)
    assert journal.problem is not None
    assert message in journal.problem.message
    assert hint in journal.problem.hint
    await assert_works_without_file(journal)
    assert content_of(journal_path) == before


@pytest.mark.parametrize("place", ["a folder in its place", "a file in the place of its folder"])
async def test_a_journal_that_cannot_be_written_is_shown(place: str, journal_path: Path) -> None:
    if place == "a folder in its place":
        put(journal_path / "something", b"")
    else:
        put(journal_path.parent, b"")
    await assert_works_without_file(open_journal(journal_path))


async def test_a_journal_that_breaks_while_it_is_open_is_shown_and_so_is_that_it_works_again(
    journal_path: Path, clock: FakeClock, journal: Journal
) -> None:
    with raw_database(journal_path) as other:
        other.execute("ALTER TABLE snapshot RENAME TO gone")
        await journal.save(SEEN)
        assert "cannot be used" in message_of(journal)
        other.execute("ALTER TABLE gone RENAME TO snapshot")
    await clock.advance(REOPEN_AFTER_SECONDS)
    await journal.save(SEEN)
    assert message_of(journal) == ""
    assert set(journal.load_all([ACME])) == {"acme"}


async def test_an_error_that_makes_sqlite_roll_back_is_shown(
    journal_path: Path, clock: FakeClock, journal: Journal
) -> None:
    """SQLite rolls back when the disk is full or cannot be read."""
    with raw_database(journal_path) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON snapshot BEGIN SELECT RAISE(ROLLBACK, 'it is full'); END"
        )
        await journal.save(SEEN)
        assert "(it is full)" in message_of(journal)
        other.execute("DROP TRIGGER full")
    await clock.advance(REOPEN_AFTER_SECONDS)
    await journal.save(SEEN)
    assert message_of(journal) == ""
    assert set(await load_in_new_process(journal_path)) == {"acme"}


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


Change = Callable[[str], str]


def rewrite(path: Path, change: Change, table: str = "snapshot", column: str = "body") -> None:
    """Change the stored value of `acme` without the journal."""
    with raw_database(path) as other:
        (kept,) = other.execute(f"SELECT {column} FROM {table} WHERE org = 'acme'").fetchone()
        other.execute(f"UPDATE {table} SET {column} = ? WHERE org = 'acme'", [change(kept)])


def with_keys(**changed: object) -> Change:
    return lambda body: json.dumps(json.loads(body) | changed)


NO_JSON: dict[str, Change] = {
    "nothing": lambda _: "",
    "half of it": lambda body: body[: len(body) // 2],
    "null": lambda _: "null",
    "deep": lambda _: "[" * 100_000,
}
GARBAGE: dict[str, Change] = {
    **NO_JSON,
    "a list": lambda _: "[]",
    "an empty object": lambda _: "{}",
    "a date that is none": with_keys(observed_at="yesterday"),
    "a date that is a number": with_keys(running_since=5),
    "a date without its offset": with_keys(observed_at="2026-11-23T11:20:00"),
    "a backup that is no object": with_keys(backup=5),
    "due dates that are no list": with_keys(due_dates=5),
    "a due date that is none": with_keys(due_dates=[["soon", "2026-11-23T11:20:00+00:00", False]]),
    "a clock that is no number": with_keys(clock_offset=float("nan")),
    "a clock that is text": with_keys(clock_offset="5"),
    "a clock beyond time": with_keys(clock_offset=1e300),
    "a company that is a number": with_keys(company=5),
    "links that are no list": with_keys(links=5),
    "links that are two numbers": with_keys(links=[1, 2]),
    "links that are no numbers": with_keys(links=["1", "2", None]),
    "links that are fewer than none": with_keys(links=[-1, 0, None]),
    "links with a date that is none": with_keys(links=[1, 0, "soon"]),
    "failures that are no number": with_keys(history_failures=None),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_row_that_is_not_understood_is_written_again(garbage: str, journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN, full_snapshot(sample_org("b")))
    rewrite(journal_path, GARBAGE[garbage])
    assert set(await load_in_new_process(journal_path, "acme", "b")) == {"b"}
    await save_in_new_process(journal_path, full_snapshot(ACME, START + timedelta(minutes=5)))
    assert set(await load_in_new_process(journal_path, "acme", "b")) == {"acme", "b"}


BAD_HISTORIES: dict[str, Change] = {
    **NO_JSON,
    "an object": lambda _: '{"a": 1}',
    "a row that is no object": lambda _: "[5]",
}


@pytest.mark.parametrize("garbage", BAD_HISTORIES)
async def test_a_history_not_understood_is_asked_for_again_alone(garbage: str, journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN)
    rewrite(journal_path, BAD_HISTORIES[garbage], "history")
    without = snapshot_with(SEEN, history=None, history_read_at=None, history_tried_at=None)
    assert await load_in_new_process(journal_path) == {"acme": snapshot_with(without, restored=True)}
    later = full_snapshot(ACME, START + timedelta(hours=3))
    await save_in_new_process(journal_path, later)
    assert await load_in_new_process(journal_path) == {"acme": snapshot_with(later, restored=True)}


async def test_a_history_of_an_unknown_moment_is_asked_for_again(journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN)
    rewrite(journal_path, lambda _: "once", "history", "at")
    assert (await load_in_new_process(journal_path))["acme"].zoho.history is None
    await save_in_new_process(journal_path, SEEN)
    assert (await load_in_new_process(journal_path))["acme"].zoho.history == SEEN.zoho.history


BAD_ORG_STATES: dict[str, tuple[str, Change]] = {
    **{name: ("body", change) for name, change in NO_JSON.items()},
    "a list": ("body", lambda _: "[]"),
    "an empty object": ("body", lambda _: "{}"),
    "one word more": ("body", with_keys(colour="red")),
    "a number": ("body", with_keys(status=5)),
    "a moment that is none": ("attempted_at", lambda _: "once"),
    "another one that is none": ("failing_since", lambda _: "once"),
}


@pytest.mark.parametrize("garbage", BAD_ORG_STATES)
async def test_an_org_state_that_cannot_be_decoded_is_written_again(
    garbage: str, journal_path: Path
) -> None:
    column, change = BAD_ORG_STATES[garbage]
    journal = open_journal(journal_path)
    await record_poll(journal, polled_snapshot(ACME))
    rewrite(journal_path, change, "poll_record", column)
    failing = failed_poll_snapshot(polled_snapshot(ACME), START + timedelta(minutes=5))
    assert {event.kind for event in await record_poll(journal, failing)} == {"verdict", "trouble"}
    again = failed_poll_snapshot(failing, START + timedelta(minutes=10))
    assert await record_poll(journal, again) == ()
    assert journal.problem is None
    await journal.close()


BAD_EVENTS = {"at": "once", "kind": "weather"}


@pytest.mark.parametrize("column", BAD_EVENTS)
async def test_an_event_that_is_not_understood_is_left_out(
    column: str, journal_path: Path, journal: Journal
) -> None:
    first = await record_poll(journal, polled_snapshot(ACME))
    second = await record_poll(journal, polled_snapshot(ACME, START + timedelta(minutes=5), "FAILED"))
    with raw_database(journal_path) as other:
        other.execute(f"UPDATE event SET {column} = ? WHERE id <= ?", [BAD_EVENTS[column], len(first)])
    assert await journal.events.read(None, None) == list(second)


async def test_text_that_is_kept_is_cleaned_again_when_it_is_read(journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN)
    rewrite(journal_path, with_keys(company={"company_name": "Evil\x1b[2J\nLtd"}))
    assert (await load_in_new_process(journal_path))["acme"].zoho.company == Company(
        "Evil[2J Ltd", None, None, None, None
    )
    journal = open_journal(journal_path)
    await record_poll(journal, polled_snapshot(ACME))
    with raw_database(journal_path) as other:
        other.execute("UPDATE event SET org = ?, headline = ?", ["Evil\x1b[2J", "two\nlines"])
    ((name, line),) = {(one.org, one.headline) for one in await journal.events.read(None, None)}
    assert (name, line) == ("Evil[2J", "two lines")
    await journal.close()


async def test_what_waits_to_be_written_is_written_before_it_closes(journal_path: Path) -> None:
    journal = open_journal(journal_path)
    with raw_database(journal_path) as other:
        other.execute("BEGIN IMMEDIATE")  # the first save waits for this one, the second for the first
        saves = [asyncio.create_task(journal.save(full_snapshot(sample_org(name)))) for name in ("a", "b")]
        await run_until_idle()
        closing_it = asyncio.create_task(journal.close())
        await run_until_idle()
        other.execute("COMMIT")
        await asyncio.gather(*saves, closing_it)
    assert set(await load_in_new_process(journal_path, "a", "b")) == {"a", "b"}


async def test_after_it_is_closed_nothing_is_kept_and_nothing_breaks(journal_path: Path) -> None:
    journal = open_journal(journal_path)
    await journal.close()
    await journal.save(SEEN)
    await journal.close()
    assert await load_in_new_process(journal_path) == {}
