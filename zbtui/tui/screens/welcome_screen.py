"""What is shown when no org is under watch yet."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

_TEXT = """\
zbtui watches the Zoho CRM data backups of your orgs.
No org is under watch yet.

See it first       Press d for a demo with invented orgs: no account,
                   no network, nothing written.

Watch a real org   Press a. It takes two minutes and an administrator of
                   the org; each step is told as you go. The secrets go
                   into this machine's keyring, and nowhere else.

From a script      zbtui add --help

An org that is added elsewhere appears here by itself."""


class WelcomeScreen(Screen[None]):
    """The way in: the demo, or the first org."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "app.add", "Add an org", id="welcome.add", tooltip="Put an org under watch"),
        Binding("d", "app.demo", "Demo", id="welcome.demo", tooltip="Invented orgs: no account needed"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(_TEXT, markup=False)
        yield Footer(show_command_palette=False)
