"""A journal that is broken, foreign or newer: it is told, and stops nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import (
    TOKEN,
    database,
    keep,
    kept,
    looked,
    message_of,
    note,
    org,
    refusing,
    snapshot,
)
from tests.support.build import snapshot_with
from tests.support.clock import START, FakeClock, settle
from zbtui.core.company import Company
from zbtui.store.budget import Lockout
from zbtui.store.database import RETRY_SECONDS
from zbtui.store.journal import Journal, open_journal
from zbtui.store.schema import APPLICATION, VERSION

ACME = org()
SEEN = snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)
WINDOW = timedelta(minutes=11)


async def works_without(journal: Journal) -> None:
    """One that has a fallback in memory, and stops nothing."""
    assert journal.trouble is not None
    assert journal.trouble.kind == "config"
    assert not journal.trouble.final
    told = journal.trouble
    assert journal.load([ACME]) == {}
    await journal.save(SEEN)
    assert journal.load([ACME]) == {"acme": snapshot_with(SEEN, restored=True)}
    events = await note(journal, looked(ACME))
    assert await journal.events.read(None, None) == list(events)
    await journal.tokens.set_lockout(TOKEN, LOCKED)
    assert await journal.tokens.lockout(TOKEN) == LOCKED
    await journal.rename("acme", "b")
    await journal.forget("acme")
    assert await journal.tokens.acquire(TOKEN, START, 1, WINDOW) is None
    assert await journal.tokens.acquire(TOKEN, START, 1, WINDOW) == START + WINDOW
    assert journal.trouble == told
    await journal.close()


@pytest.mark.parametrize(
    "content",
    [b"no database at all, and long enough that nobody takes it for one" * 20, b"SQLite format 3\0" * 99],
)
async def test_a_file_that_is_no_database_is_told_and_left_as_it_is(content: bytes, path: Path) -> None:
    put(path, content)
    journal = open_journal(path)
    assert str(path) in message_of(journal)
    await works_without(journal)
    assert content_of(path) == content


OTHERS = {
    "of a newer zbtui": (APPLICATION, VERSION + 1, "newer zbtui", "Start the newer zbtui."),
    "of a draft": (0, 3, "no journal of this zbtui: move it away", ""),
    "of another program": (0, 0, "no journal of this zbtui: move it away", ""),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_a_database_of_another_schema_is_told_and_left_as_it_is(kind: str, path: Path) -> None:
    application, version, message, hint = OTHERS[kind]
    put(path, b"")
    with database(path) as other:
        other.execute("CREATE TABLE something (x)")
        other.execute(f"PRAGMA application_id = {application}")
        other.execute(f"PRAGMA user_version = {version}")
    before = content_of(path)
    journal = open_journal(path)
    assert journal.trouble is not None
    assert message in journal.trouble.message
    assert hint in journal.trouble.hint
    await works_without(journal)
    assert content_of(path) == before


@pytest.mark.parametrize("place", ["a folder in its place", "a file in the place of its folder"])
async def test_a_journal_that_cannot_be_written_is_told(place: str, path: Path) -> None:
    if place == "a folder in its place":
        put(path / "something", b"")
    else:
        put(path.parent, b"")
    await works_without(open_journal(path))


async def test_a_journal_that_breaks_while_it_is_open_is_told_and_so_is_that_it_works_again(
    path: Path, clock: FakeClock
) -> None:
    journal = open_journal(path, clock)
    with database(path) as other:
        other.execute("ALTER TABLE snapshot RENAME TO gone")
        await journal.save(SEEN)
        assert "cannot be used" in message_of(journal)
        other.execute("ALTER TABLE gone RENAME TO snapshot")
    await clock.advance(RETRY_SECONDS)
    await journal.save(SEEN)
    assert message_of(journal) == ""
    assert set(journal.load([ACME])) == {"acme"}
    await journal.close()


async def test_an_error_with_which_sqlite_takes_all_back_by_itself_is_told_as_it_is(
    path: Path, clock: FakeClock
) -> None:
    """As when the disk is full, or cannot be read."""
    journal = open_journal(path, clock)
    with database(path) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON snapshot BEGIN SELECT RAISE(ROLLBACK, 'it is full'); END"
        )
        await journal.save(SEEN)
        assert "(it is full)" in message_of(journal)
        other.execute("DROP TRIGGER full")
    await clock.advance(RETRY_SECONDS)
    await journal.save(SEEN)
    assert message_of(journal) == ""
    await journal.close()
    assert set(await kept(path)) == {"acme"}


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


Change = Callable[[str], str]


def rewrite(path: Path, change: Change, table: str = "snapshot", column: str = "body") -> None:
    """Change what is kept of `acme` behind the journal's back."""
    with database(path) as other:
        (kept,) = other.execute(f"SELECT {column} FROM {table} WHERE org = 'acme'").fetchone()
        other.execute(f"UPDATE {table} SET {column} = ? WHERE org = 'acme'", [change(kept)])


def with_(**changed: object) -> Change:
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
    "a date that is none": with_(observed_at="yesterday"),
    "a date that is a number": with_(running_since=5),
    "a date without its offset": with_(observed_at="2026-11-23T11:20:00"),
    "a backup that is no object": with_(backup=5),
    "a backup with a date that is none": with_(backup={"id": "1", "scheduled_date": "soon"}),
    "a clock that is no number": with_(clock_offset=float("nan")),
    "a clock that is text": with_(clock_offset="5"),
    "a clock beyond time": with_(clock_offset=1e300),
    "a company that is a number": with_(company=5),
    "a company whose name is a number": with_(company={"company_name": 5}),
    "links that are no list": with_(links=5),
    "links that are two numbers": with_(links=[1, 2]),
    "links that are no numbers": with_(links=["1", "2", None]),
    "links that are fewer than none": with_(links=[-1, 0, None]),
    "links with a date that is none": with_(links=[1, 0, "soon"]),
    "failures that are no number": with_(history_failures=None),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_row_that_is_not_understood_counts_as_none_and_is_written_anew(
    garbage: str, path: Path
) -> None:
    await keep(path, SEEN, snapshot(org("b")))
    rewrite(path, GARBAGE[garbage])
    assert set(await kept(path, "acme", "b")) == {"b"}
    await keep(path, snapshot(ACME, START + timedelta(minutes=5)))
    assert set(await kept(path, "acme", "b")) == {"acme", "b"}


BAD_HISTORIES: dict[str, Change] = {
    **NO_JSON,
    "an object": lambda _: '{"a": 1}',
    "a row that is no object": lambda _: "[5]",
    "a row with a date that is none": lambda _: '[{"log_time": "soon"}]',
}


@pytest.mark.parametrize("garbage", BAD_HISTORIES)
async def test_a_history_that_is_not_understood_is_asked_for_anew_and_the_rest_stays(
    garbage: str, path: Path
) -> None:
    await keep(path, SEEN)
    rewrite(path, BAD_HISTORIES[garbage], "history")
    without = snapshot_with(SEEN, history=None, history_read_at=None, history_tried_at=None)
    assert await kept(path) == {"acme": snapshot_with(without, restored=True)}
    later = snapshot(ACME, START + timedelta(hours=3))
    await keep(path, later)
    assert await kept(path) == {"acme": snapshot_with(later, restored=True)}


async def test_a_history_of_an_unknown_moment_is_asked_for_anew(path: Path) -> None:
    await keep(path, SEEN)
    rewrite(path, lambda _: "once", "history", "at")
    assert (await kept(path))["acme"].zoho.history is None
    await keep(path, SEEN)
    assert (await kept(path))["acme"].zoho.history == SEEN.zoho.history


BAD_STANDINGS: dict[str, tuple[str, Change]] = {
    **{name: ("body", change) for name, change in NO_JSON.items()},
    "a list": ("body", lambda _: "[]"),
    "an empty object": ("body", lambda _: "{}"),
    "one word more": ("body", with_(colour="red")),
    "a number": ("body", with_(status=5)),
    "a moment that is none": ("attempted_at", lambda _: "once"),
    "another one that is none": ("failing_since", lambda _: "once"),
}


@pytest.mark.parametrize("garbage", BAD_STANDINGS)
async def test_a_standing_that_is_not_understood_counts_as_none_and_is_written_anew(
    garbage: str, path: Path
) -> None:
    column, change = BAD_STANDINGS[garbage]
    journal = open_journal(path)
    await note(journal, looked(ACME))
    rewrite(path, change, "standing", column)
    failing = refusing(looked(ACME), START + timedelta(minutes=5))
    assert {event.kind for event in await note(journal, failing)} == {"verdict", "trouble"}
    again = refusing(failing, START + timedelta(minutes=10))
    assert await note(journal, again) == ()
    assert journal.trouble is None
    await journal.close()


BAD_EVENTS = {"at": "once", "kind": "weather"}


@pytest.mark.parametrize("column", BAD_EVENTS)
async def test_an_event_that_is_not_understood_is_left_out(column: str, path: Path) -> None:
    journal = open_journal(path)
    first = await note(journal, looked(ACME))
    second = await note(journal, looked(ACME, START + timedelta(minutes=5), "FAILED"))
    with database(path) as other:
        other.execute(f"UPDATE event SET {column} = ? WHERE id <= ?", [BAD_EVENTS[column], len(first)])
    assert await journal.events.read(None, None) == list(second)
    await journal.close()


async def test_text_that_is_kept_is_cleaned_again_when_it_is_read(path: Path) -> None:
    await keep(path, SEEN)
    rewrite(path, with_(company={"company_name": "Evil\x1b[2J\nLtd"}))
    assert (await kept(path))["acme"].zoho.company == Company("Evil[2J Ltd", None, None, None, None)
    journal = open_journal(path)
    await note(journal, looked(ACME))
    with database(path) as other:
        other.execute("UPDATE event SET org = ?, headline = ?", ["Evil\x1b[2J", "two\nlines"])
    ((name, line),) = {(one.org, one.headline) for one in await journal.events.read(None, None)}
    assert (name, line) == ("Evil[2J", "two lines")
    await journal.close()


async def test_what_waits_to_be_written_is_written_before_it_closes(path: Path) -> None:
    journal = open_journal(path)
    with database(path) as other:
        other.execute("BEGIN IMMEDIATE")  # the first save waits for this one, the second for the first
        saves = [asyncio.create_task(journal.save(snapshot(org(name)))) for name in ("a", "b")]
        await settle()
        closing_it = asyncio.create_task(journal.close())
        await settle()
        other.execute("COMMIT")
        await asyncio.gather(*saves, closing_it)
    assert set(await kept(path, "a", "b")) == {"a", "b"}


async def test_after_it_is_closed_nothing_is_kept_and_nothing_breaks(path: Path) -> None:
    journal = open_journal(path)
    await journal.close()
    await journal.save(SEEN)
    await journal.close()
    assert await kept(path) == {}
