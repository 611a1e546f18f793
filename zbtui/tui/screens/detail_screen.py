"""The detail screen: all that is known of one org, on four pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Literal, get_args

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.clipboard import copy
from zbtui.tui.org_list import OrgList
from zbtui.tui.screens.detail_pages import answer_json, history_rows, json_rows, next_date_rows, poll_rows
from zbtui.tui.screens.detail_rows import Rows, detail_rows
from zbtui.tui.widgets.row_list import RowList
from zbtui.watch.fleet import Fleet

SIGN_IN: Final = "sign-in"
DetailPage = Literal["now", "history", "looks", "json"]
PAGES: Final[tuple[DetailPage, ...]] = get_args(DetailPage)
_TITLES: Final = {"now": "Now", "history": "History", "looks": "Looks", "json": "JSON"}
_TAB_GAP: Final = "   "


class DetailScreen(ModalScreen[str | None]):
    """Shows one org on four pages: its state now, history, latest polls, and Zoho's answer as JSON.

    The screen returns `SIGN_IN` if the user chooses to sign in again, else None.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("detail")

    def __init__(
        self,
        fleet: Fleet,
        org_name: str,
        org_list: OrgList,
        poll: Callable[[str], None],
        open_crm: Callable[[str], None],
    ) -> None:
        """`poll(name)` polls the org called `name` now; `open_crm(name)` opens its CRM in the browser."""
        super().__init__()
        self._fleet = fleet
        self._org_name = org_name
        self._org_list = org_list
        self._poll_org = poll
        self._open_crm = open_crm
        self._page: DetailPage = "now"

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(id="pages", markup=False)
            yield RowList()

    def on_mount(self) -> None:
        self.query_one(RowList).focus()
        self.tick()

    def tick(self) -> None:
        """Show the org's current data, or close if the org was removed. Called once a second."""
        snapshot = self._snapshot()
        if snapshot is None:
            self.dismiss(None)
            return
        box = self.query_one(".box")
        box.border_title = Content(snapshot.org.name)
        back, poll, sign_in = (key_of(self, f"detail.{action}") for action in ("back", "look", "sign-in"))
        copy, page = key_of(self, "detail.copy"), key_of(self, "detail.page")
        box.border_subtitle = Content(
            f"{back} back · {poll} look · {sign_in} sign in · {copy} copy · {page} Zoho's page"
        )
        self.query_one("#pages", Static).update(self._tab_bar())
        self.query_one(RowList).set_rows(self._rows(snapshot))

    def _snapshot(self) -> Snapshot | None:
        """Return the org's snapshot, or None if the org was removed. Hidden names are replaced."""
        matches = [snapshot for snapshot in self._fleet.snapshots if snapshot.org.name == self._org_name]
        return self._org_list.redact(matches[0]) if matches else None

    def _tab_bar(self) -> Content:
        parts: list[tuple[str, str] | str] = []
        for page in PAGES:
            key = key_of(self, f"detail.{page}")
            style = "bold reverse" if page == self._page else "$text-muted"
            parts += [(f" {key} {_TITLES[page]} ", style), _TAB_GAP]
        return Content.assemble(*parts[:-1])

    def _rows(self, snapshot: Snapshot) -> Rows:
        now = self._fleet.now()
        match self._page:
            case "now":
                verdict = judge(snapshot, self._fleet.policy, now)
                return detail_rows(snapshot, verdict, now, next_date_rows(snapshot, now))
            case "history":
                return history_rows(snapshot, now)
            case "looks":
                polls = self._fleet.poll_records(self._org_name)
                return poll_rows(polls, now, names_hidden=self._org_list.names_hidden)
            case "json":
                return json_rows(snapshot)

    # Keys and mouse

    def action_page(self, page: DetailPage) -> None:
        self._page = page
        self.tick()
        rows = self.query_one(RowList)
        rows.highlighted = 0
        rows.scroll_home(animate=False)

    def action_turn(self, step: int) -> None:
        self.action_page(PAGES[(PAGES.index(self._page) + step) % len(PAGES)])

    def on_click(self, event: events.Click) -> None:
        if event.widget is not self.query_one("#pages"):
            return
        begin = 0
        for page in PAGES:
            end = begin + len(f" {key_of(self, f'detail.{page}')} {_TITLES[page]} ")
            if begin <= event.x < end:
                self.action_page(page)
            begin = end + len(_TAB_GAP)

    def on_option_list_option_selected(self) -> None:
        self.dismiss(None)  # enter opens this screen, and also closes it

    def action_look(self) -> None:
        self._poll_org(self._org_name)

    def action_browse(self) -> None:
        self._open_crm(self._org_name)

    def action_copy(self) -> None:
        """Copy the text of the row under the cursor to the clipboard."""
        row = self.query_one(RowList).selected_row
        if row and row[1].strip():
            copy(self, row[1], row[0] or "the line")

    def action_copy_json(self) -> None:
        if snapshot := self._snapshot():
            copy(self, answer_json(snapshot), "Zoho's answer as JSON")
