"""The form that edits an org: name, data center, intervals, tags, mark and alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from zbtui.model.org import ACCENTS, CUSTOM_DATA_CENTER, Org
from zbtui.model.problem import Problem
from zbtui.model.time_format import format_duration
from zbtui.model.watch_policy import WatchPolicy
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.forms.fields import Field, FormBox, choice_field, data_center_field, text_field
from zbtui.tui.forms.form_screen import FormScreen

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService

_DURATION_FIELDS: Final = {
    "every": "Look every",
    "near_every": "Near a run",
    "overdue_after": "Overdue after",
    "long_run_after": "Long run after",
    "max_age": "Oldest good",
}
_NO_ACCENT: Final = "none"
_NOT_MUTED, _MUTED = "heard", "muted"
_OMITTED_IF_EMPTY: Final = (*_DURATION_FIELDS, "tags", "accent", "mute")
"""Config keys that are left out of the config if their field is empty."""


def split_words(text: str) -> list[str]:
    """Split a text into words at spaces and commas."""
    return text.replace(",", " ").split()


_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    "tags": split_words,
    "accent": lambda text: None if text == _NO_ACCENT else text,
    "mute": lambda text: text == _MUTED,
}
"""Functions that parse a field's text, by key, for fields whose value is not the text itself."""


class EditScreen(FormScreen[None]):
    """The form that edits an org. Changes apply at once; a new data center is first checked with Zoho."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("edit")

    def __init__(self, org_service: OrgService, org: Org, policy: WatchPolicy) -> None:
        """`policy` holds the intervals that apply to an org without intervals of its own."""
        super().__init__(org_service)
        self._org = org
        self._policy = policy

    def compose(self) -> ComposeResult:
        org, overrides = self._org, dict(self._org.policy_overrides)
        with FormBox() as box:
            box.border_title = Content(f"Edit {org.name}")
            box.border_subtitle = Content(f"{key_of(self, 'edit.back')} back")
            yield text_field("name", "Name", org.name)
            if org.data_center == CUSTOM_DATA_CENTER:
                yield text_field("accounts_url", "Accounts URL", org.accounts_url or "")
                yield text_field("api_url", "API URL", org.api_url or "")
            else:
                yield data_center_field(org.data_center)
            for key, label in _DURATION_FIELDS.items():
                default = getattr(self._policy, key)
                placeholder = f"{format_duration(default)}, as for all" if default else "as the plan says"
                value = format_duration(overrides[key]) if key in overrides else ""
                yield text_field(key, label, value, placeholder)
            yield text_field("tags", "Tags", " ".join(org.tags), "words to find it by: prod nordics")
            accents = [(accent, accent) for accent in (_NO_ACCENT, *ACCENTS)]
            yield choice_field("accent", "Mark", accents, org.accent or _NO_ACCENT)
            alerts = [("as for all", _NOT_MUTED), ("muted: nobody is alerted", _MUTED)]
            yield choice_field("mute", "Alerts", alerts, _MUTED if org.mute else _NOT_MUTED)
            yield Static(id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Save", id="save", variant="primary", compact=True)
                yield Button("Cancel", id="back", compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query(Input).first())
        self.query_one("#wrong").display = False

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        if not self.query_one("#save", Button).disabled:  # disabled while saving
            self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Save when enter is pressed in an input.

        After a rename, or just after the form opened, enter shows a message instead, and only the Save
        button saves.
        """
        name = next(field.value for field in self.query(Field) if field.key == "name")
        is_renamed = name not in ("", self._org.name)
        if is_renamed or self.is_just_opened:
            message = f"This renames {self._org.name} to {name}." if is_renamed else "Nothing is saved yet."
            self.show_problem(Problem("config", message, "Press Save, or esc."))
            self.set_focus(self.query_one("#back"))
        else:
            self._start_saving()

    @on(Button.Pressed, "#save")
    def _start_saving(self) -> None:
        save = self.query_one("#save", Button)
        if not save.disabled:
            save.disabled = True
            self.show_problem(None)
            self.run_in_service(self._save_changes())

    async def _save_changes(self) -> None:
        before = self.org_service.table_of(self._org).items()
        typed = {field.key: _PARSERS.get(field.key, str)(field.value) for field in self.query(Field)}
        table = {key: value for key, value in before if key not in _OMITTED_IF_EMPTY}
        table |= {key: value for key, value in typed.items() if value or key not in _OMITTED_IF_EMPTY}
        org = self.org_service.parse_org(table, edited_name=self._org.name)
        await self.org_service.edit(self._org.name, org, self._org)
        self.finish(None)

    def show_failure(self, problem: Problem) -> None:
        self.query_one("#save", Button).disabled = False
        self.show_problem(problem)
