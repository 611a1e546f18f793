"""Hidden names: apart from the forms, no screen, toast or clipboard identifies an org."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.command import CommandPalette
from textual.notifications import Notification

from tests.support.fake_clock import START
from tests.support.snapshots import SAMPLE_JOB, make_backup, make_company
from tests.tui.app_driver import AppDriver, FakeZoho, drive_app
from tests.tui.test_command_palette import hits_for
from zbtui.health.alert_policy import Alert
from zbtui.health.snapshot import HistoryAndLinks, Observation
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level
from zbtui.store.outbox import StoredAlert
from zbtui.tui.screens.detail_screen import DetailScreen
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.runs import build_history

DAY = timedelta(days=1)
HERON = Org("heron", "eu", "1000.HERONCLIENT", tags=("herontag",))
OSPREY = Org(
    *("osprey", "custom", "1000.OSPREYCLIENT"),
    accounts_url="https://accounts.osprey.example",
    api_url="https://api.osprey.example",
)
MERLIN = Org("merlin", "us", "1000.MERLINCLIENT")
PERSON = {"id": "PERSONID", "name": "Rosalind Quill", "zuid": "PERSONZUID"}
IDENTIFYING = (
    *("heron", "heronclient", "herontag", "osprey", "merlin"),
    *("rosalind", "quill", "personid", "personzuid", "jobid", "archive.zip", "buyer", "stopper"),
    *("wingspan", "/home/rosalind"),
)
"""Texts that identify an org, a company or a person, in lower case; each is shown with names shown."""
NEVER_SHOWN = ("companynumber", "companyland", "rowid")
VIEWS = "1234"
PAGES = "1234"


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep toasts from expiring, which they do by the machine's own clock."""
    monkeypatch.setattr(Notification, "has_expired", False)


def zoho_with_names() -> FakeZoho:
    """Three orgs: one healthy with a history, one stopped, one that cannot be polled."""

    def row(action: str | None, state: str | None, days: int, who: str) -> dict[str, object]:
        at = (START - days * DAY).isoformat()
        entry = {"id": f"ROWID{days}", "action": action, "state": state, "log_time": at, "count": 2}
        return entry | {"file_name": "archive.zip", "done_by": PERSON | {"name": who}}

    rows = [
        row(None, "completed", 1, "Rosalind Quill"),
        row("purchased", None, 2, "Buyer"),
        row("stopped", None, 3, "Stopper"),
    ]
    history_and_links = HistoryAndLinks(build_history(map(parse_entry, rows)), None, away("heron.example"))
    whose = make_company("Wingspan Ltd", org_number="COMPANYNUMBER", country="COMPANYLAND")
    job = SAMPLE_JOB | {"id": "JOBID", "requester": PERSON}
    zoho = FakeZoho()
    zoho.answers = {
        "heron": Observation(
            make_backup(**job), history_and_links=history_and_links, company=whose, company_requested=True
        ),
        "osprey": away("api.osprey.example"),
        "merlin": Observation(
            make_backup(**job | {"status": "STOPPED"}), history_and_links=history_and_links
        ),
    }
    return zoho


def away(host: str) -> Problem:
    return Problem(
        "network", f"{host} cannot be reached.", f"Ask Rosalind Quill about {host}.", f"NO_{host}"
    )


async def all_shown_text(driven: AppDriver) -> str:
    """All that the screens, the toasts and the clipboard show, in lower case."""
    shown: list[str] = []
    app = driven.app

    async def press(*keys: str) -> None:
        await driven.press(*keys)
        await driven.pilot.pause()
        shown.append(driven.screen_text)
        shown.extend(f"{one.title} {one.message}" for one in app._notifications)
        shown.append(app.clipboard)

    async def open_all_pages() -> None:
        await press("i")
        assert isinstance(app.screen, DetailScreen)
        for page in PAGES:
            await press(page, "y", "down", "y", "Y")
        await press("question_mark", "escape", "escape")

    alert = Alert(START, "alarm", "heron", None, "failed", Level.CRITICAL, "heron failed", "Ask Quill")
    app._alert_notifier._show_alerts([StoredAlert("1", 1, alert)])
    driven.app._config.problem = Problem("config", "/home/rosalind/config.toml: heron?", "Mend heron.")
    for org in (HERON, OSPREY, MERLIN):
        for view in VIEWS:
            await press(view)
            driven.screen.go_to_org(org.name)
            await driven.advance()
            await press("y", "r", "p", "r", "R", "p")
        await open_all_pages()
    for sort in "ssss":
        await press(sort)
    await press("2", "slash", *"heron")
    await press("enter", "slash")
    await press("escape")
    await press("ctrl+p")
    assert isinstance(app.screen, CommandPalette)
    await press(*"go to")
    await press("escape", "escape")
    return "\n".join(shown).lower()


async def test_no_identifying_text_is_shown_while_names_are_hidden() -> None:
    async with drive_app([HERON, OSPREY, MERLIN], zoho_with_names(), size=(300, 60)) as driven:
        shown = await all_shown_text(driven)
        assert [text for text in IDENTIFYING if text not in shown] == []
        await driven.press("y", "x")
        driven.app.copy_to_clipboard("")
        shown = await all_shown_text(driven)
        assert [text for text in (*IDENTIFYING, *NEVER_SHOWN) if text in shown] == []
        assert all(alias in shown for alias in ("org 1", "org 2", "org 3"))
        await driven.press("x")
        assert "heron" in driven.screen_text and "Rosalind" in driven.screen_text


async def test_a_toast_that_named_an_org_goes_when_names_are_hidden() -> None:
    async with drive_app(["dune", "mesa"]) as driven:
        driven.app.notify("dune: well again", timeout=60)
        await driven.press()
        assert [one.message for one in driven.app._notifications] == ["dune: well again"]
        await driven.press("x")
        assert list(driven.app._notifications) == []


async def test_problems_are_hidden_on_the_page_of_the_last_polls() -> None:
    async with drive_app([OSPREY], zoho_with_names()) as driven:
        await driven.press("i", "3")
        assert "api.osprey.example cannot be reached." in driven.screen_text
        await driven.press("escape", "x", "i", "3")
        assert "✖ hidden · 0.00 s" in driven.screen_text


async def test_hidden_names_are_not_found() -> None:
    async with drive_app([HERON]) as driven:
        assert await hits_for(driven, "herontag") == ["heron"]
        await driven.press("x")
        assert await hits_for(driven, "heron") == []
        assert await hits_for(driven, "go to") == ["org 1"]


async def test_an_alert_names_its_org_by_its_alias() -> None:
    zoho = zoho_with_names()
    async with drive_app([HERON], zoho) as driven:
        await driven.press("x")
        zoho.set_answer("heron", status="FAILED")
        driven.fleet.poll_soon("heron")
        for _ in range(9):
            await driven.advance()
        (toast,) = driven.app._notifications
        assert (toast.title, toast.message) == ("org 1: failed", "Names are hidden.")
