"""The palette: everything that a key does, and a way to each org by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from zbtui.core.keys import SCOPES
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.widgets.told import badge

if TYPE_CHECKING:
    from collections.abc import Iterable

_DISCOVERED: Final = 20
"""Orgs that are listed before a name is typed."""
_GO_TO: Final = "go to"
"""What each org's entry begins with."""


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
        screen, typed = self.screen, query.casefold().strip()
        if not isinstance(screen, FleetScreen) or not typed:
            return
        wanted = typed.removeprefix(_GO_TO).strip()
        found = set()
        for name in screen.roster.everyone if wanted else ():
            place = self._found(screen, name).casefold().find(wanted)
            if place >= 0:
                found.add(name)
                yield self._hit(screen, name, 1.0 if place == 0 else 0.7)
        # Before a name is typed: those that would be discovered.
        if len(typed) > 1 and _GO_TO.startswith(typed):
            for name in screen.roster.order[:_DISCOVERED]:
                if name not in found:
                    yield self._hit(screen, name, 0.5)

    def _hit(self, screen: FleetScreen, name: str, score: float) -> Hit:
        text = self._text(screen, name)
        return Hit(score, Content(text), partial(screen.go_to, name), text=text)

    def _text(self, screen: FleetScreen, name: str) -> str:
        return f"Go to {screen.roster.called(name)} · {badge(screen.roster.verdict(name))}"

    def _found(self, screen: FleetScreen, name: str) -> str:
        """What an org is found by: what may be shown of it."""
        shown = screen.roster.snapshot(name)
        return " ".join((shown.org.name, shown.company_name or "", *shown.org.tags))
