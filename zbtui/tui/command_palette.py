"""The command palette: offers every action that has a key, and `Go to` for each org by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from zbtui.presentation.key_actions import KEY_SCOPES
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.views.verdict_text import badge

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_DISCOVERED: Final = 20
"""The number of orgs that the palette lists before the user types anything."""
_GO_TO_PREFIX: Final = "go to"
"""The text with which each org's entry in the palette begins, in lower case."""


def fleet_commands(screen: FleetScreen) -> Iterable[SystemCommand]:
    """Yield a command for each action of the fleet screen, including those that the key bar leaves out."""
    for entry in KEY_SCOPES["fleet"]:
        run = partial(screen.call_later, screen.run_action, entry.action)
        yield SystemCommand(f"{entry.label}: {entry.tooltip}", "", run)


class OrgProvider(Provider):
    """Offers entries such as `Go to acme`; finds orgs by name, company or tag.

    Names are shown as plain text, not as markup.
    """

    async def discover(self) -> Hits:
        screen = self.screen
        if isinstance(screen, FleetScreen):
            for name in screen.org_list.order[:_MAX_DISCOVERED]:
                text = self._label_of(screen, name)
                yield DiscoveryHit(Content(text), partial(screen.go_to_org, name), text=text)

    async def search(self, query: str) -> Hits:
        screen, typed = self.screen, query.casefold().strip()
        if not isinstance(screen, FleetScreen) or not typed:
            return
        wanted = typed.removeprefix(_GO_TO_PREFIX).strip()
        found = set()
        for name in screen.org_list.all_orgs if wanted else ():
            position = self._search_text_of(screen, name).casefold().find(wanted)
            if position >= 0:
                found.add(name)
                yield self._hit(screen, name, 1.0 if position == 0 else 0.7)
        # Only (part of) "go to" is typed yet: list the same orgs as `discover`.
        if len(typed) > 1 and _GO_TO_PREFIX.startswith(typed):
            for name in screen.org_list.order[:_MAX_DISCOVERED]:
                if name not in found:
                    yield self._hit(screen, name, 0.5)

    def _hit(self, screen: FleetScreen, name: str, score: float) -> Hit:
        text = self._label_of(screen, name)
        return Hit(score, Content(text), partial(screen.go_to_org, name), text=text)

    def _label_of(self, screen: FleetScreen, name: str) -> str:
        return f"Go to {screen.org_list.display_name(name)} · {badge(screen.org_list.verdict(name))}"

    def _search_text_of(self, screen: FleetScreen, name: str) -> str:
        """Return the org's displayed name, company and tags as one text; hidden names are left out."""
        shown = screen.org_list.snapshot(name)
        return " ".join((shown.org.name, shown.company_name or "", *shown.org.tags))
