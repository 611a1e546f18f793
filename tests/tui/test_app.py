"""The app, driven by keys and mouse."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from datetime import timedelta

import pytest
from rich.console import Console
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import Resize
from textual.geometry import Size

from tests.support.fake_clock import START, FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import SAMPLE_JOB, good_observation, make_snapshot, snapshot_with
from tests.tui.app_driver import FakeZoho, drive_app, make_alert_dispatcher, make_org_service
from tests.tui.demo_driver import drive_demo
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, Problem, ProblemError
from zbtui.model.secret import Secret
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.key_actions import KEY_SCOPES
from zbtui.tui.app import DEMO_REQUESTED, ZbtuiApp
from zbtui.tui.screens.detail_screen import DetailScreen
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.screens.help_screen import HelpScreen
from zbtui.tui.screens.welcome_screen import WelcomeScreen
from zbtui.tui.views.org_list_view import OrgListView
from zbtui.watch.fleet import Fleet

NAMES = [f"org-{number}" for number in range(6)]


async def test_a_panel_shows_what_zoho_says_and_its_countdown_ticks() -> None:
    async with drive_app() as driven:
        assert "● SCHEDULED" in driven.screen_text
        assert "in 5d 21:42:43" in driven.screen_text
        await driven.advance()
        assert "in 5d 21:42:42" in driven.screen_text


async def test_a_changed_status_changes_glyph_word_and_colour() -> None:
    async with drive_app() as driven:
        before = driven.app.export_screenshot()
        driven.zoho.set_answer("acme", status="FAILED")
        await driven.advance(400)
        assert "✖ FAILED" in driven.screen_text
        assert "✖ 1 critical" in driven.screen_text
        assert driven.app.export_screenshot() != before


async def test_the_worst_comes_first() -> None:
    zoho = FakeZoho()
    zoho.set_answer("org-4", status="FAILED")
    zoho.answers["org-2"] = Problem("network", "No line.", "Wait.")
    zoho.answers["org-5"] = good_observation(None)
    async with drive_app(NAMES, zoho) as driven:
        assert driven.order == ["org-4", "org-2", "org-5", "org-0", "org-1", "org-3"]


async def test_reordering_waits_while_somebody_moves() -> None:
    async with drive_app(NAMES) as driven:
        await driven.press("right", "j")
        driven.zoho.set_answer("org-5", status="FAILED")
        await driven.advance(6)
        await driven.press("R")
        await driven.advance(1)
        assert driven.order == NAMES
        await driven.advance(12)
        assert driven.order[0] == "org-5"


async def test_a_screen_that_missed_the_last_resize_gets_the_terminals_size_a_second_later() -> None:
    async with drive_app(size=(100, 30)) as driven:
        late = Size(200, 60)
        driven.app.screen.post_message(Resize(late, late))
        await driven.pilot.pause()
        assert driven.app.screen.outer_size == late
        await driven.advance()
        assert driven.app.screen.outer_size == driven.app.size == (100, 30)


async def test_a_tick_during_the_exit_does_nothing() -> None:
    async with drive_app() as driven:
        pass
    driven.app.tick()


MOVES = [
    (["right"], "org-1"),
    (["l", "h"], "org-0"),
    (["down"], "org-2"),
    (["j", "k"], "org-0"),
    (["end"], "org-5"),
    (["G", "g"], "org-0"),
    (["pagedown"], "org-4"),
    (["pagedown", "pageup"], "org-0"),
    (["left"], "org-0"),
    (["up"], "org-0"),
    (["down", "down", "down"], "org-4"),
]
"""Keys, and the org to which they move from the first panel."""


async def test_arrows_and_letters_move_among_the_panels() -> None:
    async with drive_app(NAMES) as driven:
        for keys, target in MOVES:
            await driven.press("home", *keys)
            assert driven.view.selected_org == target, keys


async def test_down_into_a_row_that_is_not_full_ends_on_its_last_panel() -> None:
    async with drive_app(NAMES[:3]) as driven:
        await driven.press("right", "down")
        assert driven.view.selected_org == "org-2"


async def test_the_panel_moved_to_is_scrolled_into_sight() -> None:
    async with drive_app([f"org-{number}" for number in range(40)]) as driven:
        await driven.press("end")
        assert "org-39" in driven.screen_text


async def test_a_click_moves_and_a_double_click_opens() -> None:
    async with drive_app(NAMES) as driven:
        await driven.pilot.click(driven.view, offset=(50, 10))
        assert driven.view.selected_org == "org-3"
        await driven.pilot.click(driven.view, offset=(50, 10), times=2)
        await driven.pilot.pause()
        assert "requester.zuid" in driven.screen_text


@pytest.mark.parametrize("before", [[], ["enter"]], ids=["among all orgs", "in the detail"])
async def test_r_polls_one_org_and_never_twice_within_five_seconds(before: list[str]) -> None:
    async with drive_app(NAMES) as driven:
        await driven.press(*before)
        driven.zoho.polled_orgs.clear()
        await driven.press("r", "r", "r")
        await driven.advance(3)
        assert driven.zoho.polled_orgs == []
        await driven.advance(2)
        assert driven.zoho.polled_orgs == ["org-0"]


async def test_capital_r_polls_every_org() -> None:
    async with drive_app(NAMES) as driven:
        driven.zoho.polled_orgs.clear()
        await driven.press("R")
        await driven.advance(5)
        assert sorted(driven.zoho.polled_orgs) == NAMES


async def test_a_lock_out_is_not_broken_by_r() -> None:
    zoho = FakeZoho()
    until = START + timedelta(minutes=10)
    zoho.answers["acme"] = Problem("throttled", "Locked.", "Wait.", LOCKOUT, retry_at=until)
    async with drive_app(zoho=zoho) as driven:
        driven.zoho.polled_orgs.clear()
        await driven.press("r")
        await driven.advance(60)
        assert driven.zoho.polled_orgs == []
        assert "asks in 00:08:5" in driven.screen_text


async def test_a_refused_poll_in_the_detail_says_why_and_o_opens_the_orgs_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str | None] = []
    monkeypatch.setattr(FleetScreen, "open_crm", lambda screen, name: opened.append(name))
    async with drive_app(show_toasts=True) as driven:
        await driven.press("p", "enter", "r", "o")
        assert isinstance(driven.app.screen, DetailScreen)
        assert [one.message for one in driven.app._notifications] == ["acme is paused: resume it first."]
        assert opened == ["acme"]


async def test_p_pauses_and_resumes() -> None:
    async with drive_app() as driven:
        await driven.press("p")
        assert "PAUSED" in driven.screen_text
        driven.zoho.polled_orgs.clear()
        await driven.advance(1000)
        assert driven.zoho.polled_orgs == []
        assert "◌ WAITING" in driven.screen_text
        await driven.press("p")
        await driven.advance()
        assert driven.zoho.polled_orgs == ["acme"]
        assert "● SCHEDULED" in driven.screen_text


async def test_enter_shows_all_six_keys_of_the_answer_as_they_came() -> None:
    async with drive_app(size=(120, 40)) as driven:
        driven.zoho.set_answer("acme")
        await driven.press("enter")
        text = driven.screen_text
        for key, value in SAMPLE_JOB.items():
            if key != "requester":
                assert key in text
                assert value in text
        for key, value in SAMPLE_JOB["requester"].items():
            assert f"requester.{key}" in text
            assert value in text
        await driven.press("escape")
        assert "requester.zuid" not in driven.screen_text


async def test_the_detail_says_what_to_do_in_full() -> None:
    zoho = FakeZoho()
    zoho.answers["acme"] = Problem("permission", "No right.", "Ask for it.", "NO_PERMISSION", 403, True)
    async with drive_app(zoho=zoho) as driven:
        await driven.press("enter")
        assert "Ask for it." in driven.screen_text
        assert "NO_PERMISSION · HTTP 403" in driven.screen_text


@pytest.mark.parametrize(
    "owner", [ZbtuiApp, FleetScreen, OrgListView, DetailScreen, HelpScreen, WelcomeScreen]
)
def test_every_binding_has_an_id_and_a_tooltip(owner: type[DOMNode]) -> None:
    bindings = [binding for binding in owner.__dict__["BINDINGS"] if isinstance(binding, Binding)]
    assert len(bindings) == len(owner.__dict__["BINDINGS"])
    assert all(binding.id and binding.tooltip for binding in bindings)


async def test_the_palette_offers_the_commands() -> None:
    async with drive_app() as driven:
        titles = [command.title for command in driven.app.get_system_commands(driven.app.screen)]
        assert {"Theme", "Quit"} <= set(titles)
        for each in KEY_SCOPES["fleet"]:
            assert any(each.tooltip in title for title in titles)
        driven.app.screen.action_pause_all()  # type: ignore[attr-defined]
        await driven.advance()
        assert "PAUSED" in driven.screen_text


async def test_q_quits() -> None:
    async with drive_app() as driven:
        await driven.press("q")
        assert driven.app.return_code == 0


async def test_without_an_org_the_welcome_shows_how_to_add_one() -> None:
    async with drive_app([]) as driven:
        assert isinstance(driven.app.screen, WelcomeScreen)
        assert "zbtui add" in driven.screen_text
        await driven.press("d")
        assert driven.app.return_value == DEMO_REQUESTED


async def test_an_org_added_elsewhere_appears_and_one_removed_goes() -> None:
    configs: list[Config] = []
    async with drive_app([], reload=lambda: configs.pop() if configs else None) as driven:
        acme, beta = (Org(name, "eu", "1000.ABC") for name in ("acme", "beta"))
        configs.append(Config(WatchPolicy(), (acme, beta)))
        await driven.advance()
        await driven.advance()
        assert driven.order == ["acme", "beta"]
        assert driven.screen_text.count("● SCHEDULED") == 2
        configs.append(Config(WatchPolicy(), (beta,)))
        await driven.advance()
        assert driven.order == ["beta"]


async def test_with_the_last_org_gone_the_welcome_comes_back_and_goes_with_the_next_one() -> None:
    configs: list[Config] = []
    async with drive_app(reload=lambda: configs.pop() if configs else None) as driven:
        configs.append(Config())
        await driven.advance()
        assert "No org is under watch yet" in driven.screen_text
        configs.append(Config(WatchPolicy(), (Org("beta", "eu", "1000.ABC"),)))
        await driven.advance()
        await driven.advance()
        assert "● SCHEDULED" in driven.screen_text


async def test_left_alone_the_screen_shows_the_worst_again() -> None:
    names = [f"org-{number}" for number in range(40)]
    async with drive_app(names, policy=WatchPolicy(every=timedelta(hours=1))) as driven:
        await driven.press("end")
        assert "org-39" in driven.screen_text
        await driven.advance(61)
        assert driven.view.selected_org == "org-0"
        assert "org-0 " in driven.screen_text


async def test_the_screen_follows_the_panel_under_the_cursor_when_the_order_changes() -> None:
    zoho = FakeZoho()
    zoho.set_answer("org-0", status="FAILED")
    names = [f"org-{number}" for number in range(40)]
    async with drive_app(names, zoho) as driven:
        await driven.press("right", "left")
        driven.zoho.set_answer("org-0")
        await driven.press("r")
        await driven.advance(6)
        await driven.advance(12)
        assert driven.view.selected_org == "org-0"
        assert "org-0 " in driven.screen_text


async def test_a_config_that_cannot_be_read_is_shown_and_the_watch_goes_on() -> None:
    problems = [ProblemError(Problem("config", "config.toml, line 3: odd.", "Mend it."))]

    def reload() -> Config | None:
        if problems:
            raise problems.pop()
        return None

    async with drive_app(reload=reload) as driven:
        await driven.advance()
        assert "config.toml, line 3: odd." in driven.screen_text
        assert "● SCHEDULED" in driven.screen_text


async def test_a_changed_pace_counts_at_once() -> None:
    configs: list[Config] = []
    async with drive_app(reload=lambda: configs.pop() if configs else None) as driven:
        driven.zoho.set_answer("acme", scheduled_date=(START - timedelta(hours=2)).isoformat())
        await driven.press("r")
        await driven.advance(6)
        assert "◆ OVERDUE" not in driven.screen_text
        policy = WatchPolicy(overdue_after=timedelta(hours=1))
        configs.append(Config(policy, (Org("acme", "eu", "1000.ABC"),)))
        await driven.advance()
        assert "◆ OVERDUE" in driven.screen_text


async def test_a_stored_snapshot_is_shown_as_stale_before_the_first_poll() -> None:
    known = snapshot_with(make_snapshot(at=START - timedelta(minutes=2)), restored=True)
    zoho = FakeZoho()
    zoho.hanging_orgs.add("acme")
    async with drive_app(zoho=zoho, journal=MemoryJournal([known])) as driven:
        assert "SCHEDULED (stale)" in driven.screen_text
        assert "Patricia Boyle" in driven.screen_text


async def test_one_org_that_hangs_delays_no_other() -> None:
    zoho = FakeZoho()
    zoho.hanging_orgs.add("org-0")
    async with drive_app(NAMES, zoho, size=(160, 50)) as driven:
        assert driven.screen_text.count("● SCHEDULED") == 5
        assert driven.screen_text.count("◌ WAITING") == 1


async def test_a_clock_that_is_off_and_a_dead_line_are_shown_once_above_all() -> None:
    async with drive_app(NAMES[:2]) as driven:
        for name in NAMES[:2]:
            driven.zoho.answers[name] = good_observation(
                None, server_time=driven.clock.now() + timedelta(minutes=9)
            )
        await driven.press("R")
        await driven.advance(6)
        await driven.advance()
        assert "This machine's clock is 8m behind Zoho's" in driven.screen_text
        for name in NAMES[:2]:
            driven.zoho.answers[name] = Problem("network", "No line.", "Wait.")
        await driven.press("R")
        await driven.advance(6)
        await driven.advance()
        assert "No org can be reached" in driven.screen_text


@pytest.mark.parametrize(
    "text", ["[/b]", "[@click=app.quit]x[/]", "\x1b]52;c;AAAA\x07", "\u202eevil", "漢字"]
)
async def test_hostile_text_is_inert_everywhere(text: str) -> None:
    zoho = FakeZoho()
    zoho.set_answer("acme", status=text, requester={"id": text, "name": text, "zuid": text})
    async with drive_app(zoho=zoho) as driven:
        for key in ("enter", "escape"):
            await driven.press(key)
            assert "\x1b" not in driven.screen_text
            assert "\u202e" not in driven.screen_text
            assert driven.app.is_running


@pytest.mark.parametrize("size", [(36, 12), (60, 20), (80, 24), (160, 50), (200, 60), (300, 80)])
async def test_panels_fill_the_width_without_being_cut(size: tuple[int, int]) -> None:
    async with drive_app(NAMES, size=size) as driven:
        lines = driven.screen_text.splitlines()
        tops = [line for line in lines if "╭" in line or "┏" in line]
        for line in tops:
            assert line.count("╭") + line.count("┏") == line.count("╮") + line.count("┓")


async def test_a_crash_shows_where_and_no_local_variable() -> None:
    class Broken(ZbtuiApp):
        def tick(self) -> None:
            token = Secret("1000.canary")
            plain = "1000.canary"
            raise RuntimeError(f"{plain}{token}")

    clock, journal = FakeClock(), MemoryJournal()
    fleet = Fleet(Config(), lambda org: None, journal, clock)  # type: ignore[arg-type, return-value]
    org_service = make_org_service(Config(), journal, clock)
    app = Broken(ConfigWatcher(Config()), fleet, org_service, make_alert_dispatcher(org_service))
    output = io.StringIO()
    app.error_console = Console(file=output, width=200)
    with pytest.raises(RuntimeError):
        async with app.run_test() as pilot:
            app.call_later(app.tick)
            await pilot.pause()
            await asyncio.sleep(0)
    assert app.return_code == 1
    assert "in tick" in output.getvalue()
    assert "canary" not in output.getvalue()


async def test_a_paused_org_is_not_asked_when_all_are() -> None:
    async with drive_app(NAMES[:2]) as driven:
        await driven.press("p")
        driven.zoho.polled_orgs.clear()
        await driven.press("R")
        await driven.advance(6)
        assert driven.zoho.polled_orgs == ["org-1"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such call")
@pytest.mark.parametrize("view", ["1", "2", "3", "4"])
async def test_times_follow_the_systems_time_zone(monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    """A laptop may get another zone on a journey."""
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "UTC")
            time.tzset()
            async with drive_demo() as driven:
                await driven.press(view)
                before = driven.screen_text
                patch.setenv("TZ", "Asia/Kolkata")
                driven.app.tick()
                await driven.wait_until_idle()
                assert (driven.screen_text != before) is (view != "2")  # view 2 shows only spans of time
    finally:
        time.tzset()
