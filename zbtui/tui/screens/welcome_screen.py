"""The screen that is shown while no org is under watch."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.widgets.key_bar import KeyBar

_TEXT = """\
zbtui watches the Zoho CRM data backups of your orgs.
No org is under watch yet.

See it first       Press {demo} for a demo with invented orgs: no account,
                   no network, nothing written.

Watch a real org   Press {add}. It takes two minutes and an administrator of
                   the org; each step is told as you go. The secrets go
                   into this machine's keyring, and nowhere else.

From a script      zbtui add --help

An org that is added elsewhere appears here by itself."""


class WelcomeScreen(Screen[None]):
    """Offers to show the demo or to add the first org."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("welcome")

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="way-in", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, self._show_text)
        self._show_text(self)

    def _show_text(self, screen: Screen[None]) -> None:
        add, demo = key_of(self, "welcome.add"), key_of(self, "welcome.demo")
        self.query_one("#way-in", Static).update(_TEXT.format(add=add, demo=demo))
