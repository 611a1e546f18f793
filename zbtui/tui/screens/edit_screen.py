"""An org's name, data center and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from zbtui.core.org import CUSTOM, Org, Policy
from zbtui.core.timefmt import spell_duration
from zbtui.core.trouble import Trouble
from zbtui.tui.screens.desk_screen import DeskScreen
from zbtui.tui.widgets.form import Field, data_center_field, text_field

if TYPE_CHECKING:
    from zbtui.onboard import Desk

_SPANS: Final = {
    "every": "Look every",
    "near_every": "Near a run",
    "overdue_after": "Overdue after",
    "long_run_after": "Long run after",
    "max_age": "Oldest good",
}


class EditScreen(DeskScreen[None]):
    """Changes take effect at once; with another data center, Zoho is asked first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="edit.back", tooltip="Back; nothing is changed"),
    ]

    def __init__(self, desk: Desk, org: Org, policy: Policy) -> None:
        """Args:
        policy: that orgs without one of their own are watched by.
        """
        super().__init__(desk)
        self._org = org
        self._policy = policy

    def compose(self) -> ComposeResult:
        org, own = self._org, dict(self._org.own_policy)
        with VerticalScroll(classes="box") as box:
            box.border_title = Content(f"Edit {org.name}")
            box.border_subtitle = Content("esc back")
            yield text_field("name", "Name", org.name)
            if org.data_center == CUSTOM:
                yield text_field("accounts_url", "Accounts URL", org.accounts_url or "")
                yield text_field("api_url", "API URL", org.api_url or "")
            else:
                yield data_center_field(org.data_center)
            for key, words in _SPANS.items():
                span = getattr(self._policy, key)
                for_all = f"{spell_duration(span)}, as for all" if span else "as the plan says"
                value = spell_duration(own[key]) if key in own else ""
                yield text_field(key, words, value, for_all)
            yield Static(id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Save", id="save", variant="primary", compact=True)
                yield Button("Cancel", id="back", compact=True)

    def on_mount(self) -> None:
        self.query(Input).first().focus()
        self.query_one("#wrong").display = False

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        if not self.query_one("#save", Button).disabled:  # else it is being saved
            self.dismiss(None)

    @on(Button.Pressed, "#save")
    @on(Input.Submitted)
    def _save(self) -> None:
        save = self.query_one("#save", Button)
        if not save.disabled:
            save.disabled = True
            self.tell(None)
            self.work(self._change())

    async def _change(self) -> None:
        kept = {key: text for key, text in self.desk.table_of(self._org).items() if key not in _SPANS}
        typed = {one.key: one.value for one in self.query(Field)}
        table = kept | {key: text for key, text in typed.items() if text or key not in _SPANS}
        org = self.desk.check(table, besides=self._org.name)
        await self.desk.edit(self._org.name, org, self._org)
        self.end(None)

    def failed(self, trouble: Trouble) -> None:
        self.query_one("#save", Button).disabled = False
        self.tell(trouble)
