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

Watch a real org   1  In https://api-console.zoho.com (or .eu, .in …) add
                      a Self Client, and generate a code for the scopes
                      ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ
                   2  Exchange it for a refresh token (see the README).
                   3  zbtui add acme --data-center eu --client-id 1000.…
                      asks for the secrets, and keeps them in the keyring.

The org then appears here by itself."""


class WelcomeScreen(Screen[None]):
    """The way in: the demo, or the first org."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "app.demo", "Demo", id="welcome.demo", tooltip="Invented orgs: no account needed"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(_TEXT, markup=False)
        yield Footer(show_command_palette=False)
