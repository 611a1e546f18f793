"""Alerts in the app: toast, bell, window title, and a notification on the desktop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.notifications import Notification

from tests.support.memory_journal import MemoryJournal
from tests.tui.app_driver import AppDriver, FakeZoho, drive_app
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Settings
from zbtui.health.alert_policy import AlertState
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level
from zbtui.tui.alert_notifier import AlertNotifier
from zbtui.tui.terminal_sequences import title_sequence

QUIET = AlertSettings(bell=False)
OFFLINE = Problem("network", "The host cannot be reached.", "Check the network.")


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep toasts from expiring, which they do by the machine's own clock."""
    monkeypatch.setattr(Notification, "has_expired", False)


def toasts(driven: AppDriver) -> list[tuple[str, str]]:
    """Title and message of each toast, oldest first."""
    return [(toast.title, toast.message) for toast in driven.app._notifications]


async def advance_and_settle(driven: AppDriver, seconds: int = 2) -> None:
    for _ in range(seconds):
        await driven.advance()


def set_alerts(driven: AppDriver, settings: AlertSettings) -> None:
    driven.app._alert_dispatcher.settings = settings


async def poll(driven: AppDriver, name: str = "acme") -> None:
    """Poll an org again, and show the new alerts."""
    await driven.advance(6)
    driven.fleet.poll_soon(name)
    await advance_and_settle(driven)


async def test_an_org_that_is_well_is_no_news() -> None:
    async with drive_app() as driven:
        await advance_and_settle(driven)
        assert toasts(driven) == []


async def test_a_failure_is_notified_once_and_so_is_its_end() -> None:
    async with drive_app() as driven:
        await advance_and_settle(driven)
        driven.zoho.set_answer("acme", status="FAILED")
        await poll(driven)
        await advance_and_settle(driven, 40)
        ((title, text),) = toasts(driven)
        assert title == "acme: failed"
        assert text.startswith("the last backup failed")
        driven.zoho.set_answer("acme", status="SCHEDULED")
        await poll(driven)
        assert [title for title, _ in toasts(driven)][-1] == "acme: well again"


async def test_what_was_notified_before_a_window_opened_is_not_notified_there_again() -> None:
    journal, zoho = MemoryJournal(), FakeZoho()
    zoho.set_answer("acme", status="FAILED")
    async with drive_app(zoho=zoho, journal=journal) as driven:
        await advance_and_settle(driven)
        assert len(toasts(driven)) == 1
        async with drive_app(zoho=zoho, journal=journal) as later:
            await advance_and_settle(later, 5)
            assert toasts(later) == []


async def test_alerts_of_another_process_are_shown_in_this_window_too() -> None:
    journal, zoho = MemoryJournal(), FakeZoho()
    async with drive_app(zoho=zoho, journal=journal) as driven:
        await advance_and_settle(driven)
        async with drive_app(zoho=zoho, journal=journal) as other:
            await advance_and_settle(other)
            zoho.set_answer("acme", status="STOPPED")
            await poll(other)
            assert len(toasts(other)) == 1
            await advance_and_settle(driven, 35)
            assert [title for title, _ in toasts(driven)] == ["acme: stopped"]


async def test_many_changes_at_once_are_one_toast() -> None:
    zoho = FakeZoho()
    names = ["acme", "birch", "cedar", "delta", "elm"]
    for name in names:
        zoho.set_answer(name, status="FAILED")
    async with drive_app(names, zoho) as driven:
        await advance_and_settle(driven)
        ((title, text),) = toasts(driven)
        assert title == "5 changes"
        assert text.startswith("acme: failed, birch: failed, cedar") and text.endswith("…")


async def test_of_many_changes_the_worst_are_named() -> None:
    zoho = FakeZoho()
    for name in ("acme", "birch", "cedar", "delta"):
        zoho.set_answer(name, rrule=None)
    zoho.set_answer("elm", status="FAILED")
    async with drive_app(["acme", "birch", "cedar", "delta", "elm"], zoho) as driven:
        await advance_and_settle(driven)
        ((_, text),) = toasts(driven)
        assert text.startswith("elm: failed, ")


@pytest.mark.parametrize(("mute", "title"), [(False, "(1) zbtui"), (True, "zbtui")])
async def test_the_title_counts_the_orgs_with_alerts_but_not_the_muted_ones(
    mute: bool, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoho, written = FakeZoho(), list[str]()
    zoho.set_answer("acme", status="FAILED")
    monkeypatch.setattr(AlertNotifier, "_write", lambda self, sequence: written.append(sequence))
    async with drive_app(zoho=zoho, mute=mute) as driven:
        await advance_and_settle(driven)
        assert written[-1].endswith(title_sequence(title))


async def test_it_is_notified_that_all_orgs_are_gone_since_the_last_start() -> None:
    journal = MemoryJournal()
    watched = AlertState(watched={("a.toml", "acme"): None})
    await journal.outbox.of_config("a.toml").decide_and_store(lambda state: (watched, ()), [])
    async with drive_app([], journal=journal) as driven:
        config = driven.app._alert_dispatcher._config
        assert isinstance(config, MemoryConfigStore)
        config.name = "a.toml"
        await advance_and_settle(driven, 40)
        assert [title for title, _ in toasts(driven)] == ["acme: no longer watched"]


async def test_a_muted_org_is_not_notified() -> None:
    zoho = FakeZoho()
    zoho.set_answer("acme", status="FAILED")
    async with drive_app(zoho=zoho, mute=True) as driven:
        await advance_and_settle(driven)
        assert toasts(driven) == []


@pytest.mark.parametrize(("bell", "rings"), [(True, 1), (False, 0)])
async def test_the_bell_rings_where_it_may(bell: bool, rings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[None] = []
    async with drive_app(settings=Settings(AlertSettings(bell=bell))) as driven:
        monkeypatch.setattr(driven.app, "bell", lambda: rung.append(None))
        await advance_and_settle(driven)
        driven.zoho.set_answer("acme", status="FAILED")
        await poll(driven)
        assert len(rung) == rings
        driven.zoho.set_answer("acme", status="SCHEDULED")
        await poll(driven)
        assert len(rung) == rings  # a recovery rings no bell


async def test_an_unreachable_org_is_notified_after_the_configured_number_of_failed_polls() -> None:
    async with drive_app(settings=Settings(replace(QUIET, failed_looks=2))) as driven:
        await advance_and_settle(driven)
        driven.zoho.answers["acme"] = OFFLINE
        await poll(driven)
        assert toasts(driven) == []
        await advance_and_settle(driven, 40)  # the fleet polls again by itself
        assert [title for title, _ in toasts(driven)] == ["acme: cannot tell"]


async def test_alerts_below_the_least_level_are_not_notified() -> None:
    zoho = FakeZoho()
    zoho.set_answer("acme", rrule=None)
    settings = Settings(replace(QUIET, least=Level.CRITICAL))
    async with drive_app(zoho=zoho, settings=settings) as driven:
        await advance_and_settle(driven)
        assert toasts(driven) == []


async def test_hostile_text_in_an_alert_is_inert() -> None:
    zoho = FakeZoho()
    zoho.set_answer("acme", status="[@click=app.quit]x[/]")
    async with drive_app(zoho=zoho) as driven:
        await advance_and_settle(driven)
        assert len(toasts(driven)) == 1
        assert driven.app.is_running


async def test_a_webhook_that_fails_is_notified_above_all() -> None:
    async with drive_app(settings=Settings(replace(QUIET, on_change=("/nowhere/at-all",)))) as driven:
        driven.zoho.set_answer("acme", status="FAILED")
        await poll(driven)
        await advance_and_settle(driven, 5)
        assert "/nowhere/at-all" in driven.screen_text


def test_a_day_is_the_usual_reminder() -> None:
    assert AlertSettings().remind_every == timedelta(days=1)
