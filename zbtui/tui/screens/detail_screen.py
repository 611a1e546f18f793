"""One org, in full."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from zbtui.core.judge import judge
from zbtui.tui.ticking import Ticking
from zbtui.tui.widgets.detail import detail_rows
from zbtui.tui.widgets.labelled_rows import LabelledRows
from zbtui.watch.fleet import Fleet

SIGN_IN: Final = "sign-in"


class DetailScreen(Ticking, ModalScreen[str | None]):
    """Zoho's answer as it came, the verdict with its cure, and when it is looked at next.

    Ends with what is to be done next: `SIGN_IN`, or nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Back", id="detail.back", tooltip="Back to all orgs"),
        Binding("r", "look", "Look now", id="detail.look", tooltip="Ask Zoho about this org now"),
        Binding("s", "dismiss('sign-in')", "Sign in again", id="detail.sign-in", tooltip="Sign in again"),
    ]

    def __init__(self, fleet: Fleet, org_name: str) -> None:
        super().__init__()
        self._fleet = fleet
        self._org_name = org_name

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title = Content(self._org_name)
            box.border_subtitle = Content("esc back · r look now · s sign in again")
            yield LabelledRows()

    def on_mount(self) -> None:
        self.tick()

    def tick(self) -> None:
        """A second went by; called while this screen is on top."""
        found = [one for one in self._fleet.snapshots if one.org.name == self._org_name]
        if not found:
            self.dismiss(None)
            return
        now = self._fleet.now()
        rows = detail_rows(found[0], judge(found[0], self._fleet.policy, now), now)
        self.query_one(LabelledRows).show(rows)

    def action_look(self) -> None:
        self._fleet.look_soon(self._org_name)
