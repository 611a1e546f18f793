"""The form that confirms the removal of an org."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.forms.fields import FormBox
from zbtui.tui.forms.form_screen import FormScreen

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService


class RemoveScreen(FormScreen[None]):
    """Asks whether to take an org off watch; the org's backups at Zoho are not affected."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("remove")

    def __init__(self, org_service: OrgService, org: Org) -> None:
        super().__init__(org_service)
        self._org = org

    def compose(self) -> ComposeResult:
        with FormBox() as box:
            box.border_title = Content("Take off watch")
            box.border_subtitle = Content(f"{key_of(self, 'remove.back')} back")
            yield Static(Content(f"Take {self._org.name} off watch? {self._consequences}"), classes="lead")
            yield Static(id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Take off", id="remove", variant="error", compact=True)
                revoke = Button("Take off and revoke token", id="revoke", variant="error", compact=True)
                revoke.display = self._org.grant == "refresh-token"
                yield revoke
                yield Button("Keep", id="back", compact=True)

    @property
    def _consequences(self) -> str:
        deleted = "Its credentials are deleted from the keyring. At Zoho its backups go on"
        if self._org.grant != "refresh-token":
            return f"{deleted}, and the client can still sign in."
        return f"{deleted}; its refresh token stays valid there until it is revoked."

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#back", Button))
        self.query_one("#wrong").display = False

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        if not self.query_one("#buttons").disabled:  # disabled while removing
            self.dismiss(None)

    @on(Button.Pressed, "#remove, #revoke")
    def _pressed_remove(self, message: Button.Pressed) -> None:
        if self.is_just_opened:
            self.set_focus(self.query_one("#back", Button))
            return
        self.query_one("#buttons").disabled = True
        self.run_in_service(self._remove(revoking=message.button.id == "revoke"))

    async def _remove(self, *, revoking: bool) -> None:
        await self.org_service.remove(self._org.name, revoke=revoking)
        self.finish(None)

    def show_failure(self, problem: Problem) -> None:
        self.query_one("#buttons").disabled = False
        self.show_problem(problem)
