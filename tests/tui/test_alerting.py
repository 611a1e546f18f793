"""How one window tells an alert: toast, bell, title, and a notice on the desktop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.notifications import Notification

from tests.support.notebook import Notebook
from tests.tui.driving import Driven, Zoho, driving
from zbtui.config.settings import Settings
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level
from zbtui.tui.alerting import Alerting
from zbtui.tui.terminal import title_sequence

QUIET = AlertSettings(bell=False)
OFFLINE = Trouble("network", "The host cannot be reached.", "Check the network.")


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual takes them away after seconds of the machine's own clock."""
    monkeypatch.setattr(Notification, "has_expired", False)


def toasts(driven: Driven) -> list[tuple[str, str]]:
    """Title and text of what was told, oldest first."""
    return [(toast.title, toast.message) for toast in driven.app._notifications]


async def settled(driven: Driven, seconds: int = 2) -> None:
    for _ in range(seconds):
        await driven.advance()


def set_alerts(driven: Driven, settings: AlertSettings) -> None:
    driven.app._alerts.settings = settings


async def look(driven: Driven, name: str = "acme") -> None:
    """Have an org looked at anew, and what comes of it told."""
    await driven.advance(6)
    driven.fleet.look_soon(name)
    await settled(driven)


async def test_an_org_that_is_well_is_no_news() -> None:
    async with driving() as driven:
        await settled(driven)
        assert toasts(driven) == []


async def test_a_failure_is_told_once_and_so_is_its_end() -> None:
    async with driving() as driven:
        await settled(driven)
        driven.zoho.says("acme", status="FAILED")
        await look(driven)
        await settled(driven, 40)
        ((title, text),) = toasts(driven)
        assert title == "acme: failed"
        assert text.startswith("the last backup failed")
        driven.zoho.says("acme", status="SCHEDULED")
        await look(driven)
        assert [title for title, _ in toasts(driven)][-1] == "acme: well again"


async def test_what_was_told_before_a_window_opened_is_not_told_there_again() -> None:
    journal, zoho = Notebook(), Zoho()
    zoho.says("acme", status="FAILED")
    async with driving(zoho=zoho, journal=journal) as driven:
        await settled(driven)
        assert len(toasts(driven)) == 1
        async with driving(zoho=zoho, journal=journal) as later:
            await settled(later, 5)
            assert toasts(later) == []


async def test_what_another_process_found_is_news_in_this_window_too() -> None:
    journal, zoho = Notebook(), Zoho()
    async with driving(zoho=zoho, journal=journal) as driven:
        await settled(driven)
        async with driving(zoho=zoho, journal=journal) as other:
            await settled(other)
            zoho.says("acme", status="STOPPED")
            await look(other)
            assert len(toasts(other)) == 1
            await settled(driven, 35)
            assert [title for title, _ in toasts(driven)] == ["acme: stopped"]


async def test_many_changes_at_once_are_one_toast() -> None:
    zoho = Zoho()
    names = ["acme", "birch", "cedar", "delta", "elm"]
    for name in names:
        zoho.says(name, status="FAILED")
    async with driving(names, zoho) as driven:
        await settled(driven)
        ((title, text),) = toasts(driven)
        assert title == "5 changes"
        assert text.startswith("acme: failed, birch: failed, cedar") and text.endswith("…")


async def test_of_many_changes_the_worst_are_named() -> None:
    zoho = Zoho()
    for name in ("acme", "birch", "cedar", "delta"):
        zoho.says(name, rrule=None)
    zoho.says("elm", status="FAILED")
    async with driving(["acme", "birch", "cedar", "delta", "elm"], zoho) as driven:
        await settled(driven)
        ((_, text),) = toasts(driven)
        assert text.startswith("elm: failed, ")


@pytest.mark.parametrize(("mute", "title"), [(False, "(1) zbtui"), (True, "zbtui")])
async def test_the_title_counts_the_orgs_to_look_at_but_for_muted_ones(
    mute: bool, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoho, written = Zoho(), list[str]()
    zoho.says("acme", status="FAILED")
    monkeypatch.setattr(Alerting, "_write", lambda self, sequence: written.append(sequence))
    async with driving(zoho=zoho, mute=mute) as driven:
        await settled(driven)
        assert written[-1].endswith(title_sequence(title))


async def test_a_muted_org_is_not_told() -> None:
    zoho = Zoho()
    zoho.says("acme", status="FAILED")
    async with driving(zoho=zoho, mute=True) as driven:
        await settled(driven)
        assert toasts(driven) == []


@pytest.mark.parametrize(("bell", "rings"), [(True, 1), (False, 0)])
async def test_the_bell_rings_where_it_may(bell: bool, rings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[None] = []
    async with driving(settings=Settings(AlertSettings(bell=bell))) as driven:
        monkeypatch.setattr(driven.app, "bell", lambda: rung.append(None))
        await settled(driven)
        driven.zoho.says("acme", status="FAILED")
        await look(driven)
        assert len(rung) == rings
        driven.zoho.says("acme", status="SCHEDULED")
        await look(driven)
        assert len(rung) == rings  # a recovery wakes nobody


async def test_what_is_out_of_reach_is_told_after_as_many_looks_as_the_config_says() -> None:
    async with driving(settings=Settings(replace(QUIET, failed_looks=2))) as driven:
        await settled(driven)
        driven.zoho.answers["acme"] = OFFLINE
        await look(driven)
        assert toasts(driven) == []
        await settled(driven, 40)  # it is asked again by itself
        assert [title for title, _ in toasts(driven)] == ["acme: cannot look"]


async def test_alerts_below_the_least_level_are_not_told() -> None:
    zoho = Zoho()
    zoho.says("acme", rrule=None)
    settings = Settings(replace(QUIET, least=Level.CRITICAL))
    async with driving(zoho=zoho, settings=settings) as driven:
        await settled(driven)
        assert toasts(driven) == []


async def test_hostile_text_in_an_alert_is_inert() -> None:
    zoho = Zoho()
    zoho.says("acme", status="[@click=app.quit]x[/]")
    async with driving(zoho=zoho) as driven:
        await settled(driven)
        assert len(toasts(driven)) == 1
        assert driven.app.is_running


async def test_a_webhook_that_fails_is_told_above_all() -> None:
    async with driving(settings=Settings(replace(QUIET, on_change=("/nowhere/at-all",)))) as driven:
        driven.zoho.says("acme", status="FAILED")
        await look(driven)
        await settled(driven, 5)
        assert "/nowhere/at-all" in driven.screen_text


def test_a_day_is_the_usual_reminder() -> None:
    assert AlertSettings().remind_every == timedelta(days=1)
