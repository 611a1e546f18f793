"""The palette: everything that a key does, and a way to each org by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from zbtui.core.keys import SCOPES
from zbtui.tui.screens.fleet_screen import FleetScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

_DISCOVERED: Final = 20
"""Orgs that are listed before anything is typed."""


def commands_of(screen: FleetScreen) -> Iterable[SystemCommand]:
    """What can be done on the fleet's screen, whether or not it has a key in the footer."""
    for each in SCOPES["fleet"]:
        run = partial(screen.call_later, screen.run_action, each.action)
        yield SystemCommand(f"{each.label}: {each.tooltip}", "", run)


class OrgProvider(Provider):
    """`Go to acme`: by name, company or tag. The names are texts, not markup."""

    async def discover(self) -> Hits:
        screen = self.screen
        if isinstance(screen, FleetScreen):
            for name in screen.roster.order[:_DISCOVERED]:
                text = self._text(screen, name)
                yield DiscoveryHit(Content(text), partial(screen.go_to, name), text=text)

    async def search(self, query: str) -> Hits:
        screen, wanted = self.screen, query.casefold().removeprefix("go to ").strip()
        if not isinstance(screen, FleetScreen) or not wanted:
            return
        for name in screen.roster.everyone:
            text = self._text(screen, name)
            place = self._found(screen, name).casefold().find(wanted)
            if place >= 0:
                yield Hit(1.0 if place == 0 else 0.7, Content(text), partial(screen.go_to, name), text=text)

    def _text(self, screen: FleetScreen, name: str) -> str:
        verdict = screen.roster.verdict(name)
        return f"Go to {screen.called(name)} · {verdict.glyph} {verdict.word}"

    def _found(self, screen: FleetScreen, name: str) -> str:
        """What an org is found by: what may be shown of it."""
        shown = screen.roster.snapshot(name)
        return " ".join((shown.org.name, shown.company_name or "", *shown.org.tags))
