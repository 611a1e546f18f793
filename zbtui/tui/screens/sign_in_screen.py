"""The guided form: an org comes under watch, or signs in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, Input, OptionList, Select, Static

from zbtui.core.explain import SCOPES
from zbtui.core.explain_sign_in import NO_CLIENT_SECRET
from zbtui.core.org import WAYS, Org, Way
from zbtui.core.progress import BrowserPage, DeviceCode, Progress
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.screens.desk_screen import DeskScreen
from zbtui.tui.widgets.form import FormBox
from zbtui.tui.widgets.sign_in_pages import ClientPage, FoundPage, OrgPage, Page, WaitPage, WayPage

if TYPE_CHECKING:
    from zbtui.onboard import Desk
    from zbtui.onboard.attempt import Attempt

_PAGES: Final = ("org", "way", "client", "wait", "found")
_NEXT: Final = {
    "org": "Next",
    "way": "Next",
    "client": "Sign in",
    "wait": "Try again",
    "found": "Yes, watch it",
}


class SignInScreen(DeskScreen[Snapshot | None]):
    """Page after page; esc goes one back, and from the first one out. Nothing is kept before the end."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("sign-in")

    def __init__(self, desk: Desk, again: Org | None = None) -> None:
        """Args:
        again: the org that signs in again; None: a new one.
        """
        super().__init__(desk)
        self._again = again
        self._pages = _PAGES[1:] if again else _PAGES
        self._way: Way | None = None
        self._asked_for: tuple[str | None, ...] = ()
        """The way, and the data center, that the page of the client was last filled in for."""
        self._attempt: Attempt | None = None
        self._progress: Progress | None = None

    def compose(self) -> ComposeResult:
        with FormBox() as box:
            box.border_title = Content(
                f"Sign in again: {self._again.name}" if self._again else "Add an org"
            )
            if self.desk.notice:
                yield Static(self.desk.notice, id="notice", markup=False)
            with ContentSwitcher(initial=self._pages[0]):
                yield OrgPage(self.desk.examples(None, None))
                own = self._again is not None and self._again.grant == "client-credentials"
                yield WayPage("client-credentials" if own else WAYS[0])
                yield ClientPage()
                yield WaitPage()
                yield FoundPage()
            yield Static(id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Next", id="next", variant="primary", compact=True)
                yield Button("Cancel", id="back", compact=True)

    def on_mount(self) -> None:
        self._show(self._pages[0])

    # Pages

    @property
    def page(self) -> str:
        return self.query_one(ContentSwitcher).current or self._pages[0]

    def _show(self, page: str) -> None:
        self.query_one(ContentSwitcher).current = page
        box = self.query_one(FormBox)
        self.query_one("#back", Button).label = "Cancel" if page == self._pages[0] else "Back"
        if page == "found":
            self.query_one("#back", Button).label = "No"
        forward = self.query_one("#next", Button)
        forward.label = _NEXT[page]
        forward.display = page != "wait"
        self.tell(None)
        box.scroll_home(animate=False)
        self.call_after_refresh(self._enter, page)

    def _enter(self, page: str) -> None:
        """The page is laid out: put the cursor where it begins, and say which one it is."""
        if page != self.page:
            return
        self.set_focus(self._first(page))
        box = self.query_one(FormBox)
        place, key = self._pages.index(page) + 1, key_of(self, "sign-in.back")
        box.border_subtitle = Content(f"{place} of {len(self._pages)} · {key} back")

    def _first(self, page: str) -> Widget:
        if page in ("wait", "found"):
            return self.query_one("#back" if page == "wait" else "#next")
        editors = self.query_one(f"#{page}", Page).editors
        # What is to be typed first: a choice has been made already, if only by default.
        return next((one for one in editors if isinstance(one, Input)), editors[0])

    # Going on, and back

    @on(Button.Pressed, "#next")
    def _pressed_next(self) -> None:
        self.action_next()

    @on(Button.Pressed, "#back")
    def _pressed_back(self) -> None:
        self.action_back()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes to the next field, and from the last one on."""
        message.stop()
        editors = self.query_one(f"#{self.page}", Page).editors
        if message.input not in editors:
            return  # pressed twice, and the page has gone on
        if after := editors[editors.index(message.input) + 1 :]:
            after[0].focus()
        else:
            self.action_next()

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        if self.page == "way" and message.option_list.id == "ways":
            self.action_next()

    def on_select_changed(self, message: Select.Changed) -> None:
        message.stop()
        self.query_one(OrgPage).show_custom()
        self.query_one(ClientPage).show_own_client()
        if message.select.has_focus:  # chosen by a person, who goes on
            self._go_on(message.select)

    def _go_on(self, editor: Widget) -> None:
        """To the next field, or else to the button that goes on."""
        editors = self.query_one(f"#{self.page}", Page).editors
        after = editors[editors.index(editor) + 1 :] if editor in editors else []
        self.set_focus(after[0] if after else self.query_one("#next"))

    def action_next(self) -> None:
        match self.page:
            case "org":
                self._check_org()
            case "way":
                self._choose_way()
            case "client" | "wait":
                self._begin()
            case "found":
                self.work(self._keep())

    def action_back(self) -> None:
        page = self.page
        if page == self._pages[0]:
            self.dismiss(None)
        elif page in ("wait", "found"):
            self._drop()
            self._show("client")
        else:
            self._show(self._pages[self._pages.index(page) - 1])

    def _check_org(self) -> None:
        try:
            self._plain()
        except TroubleError as error:
            self.tell(error.trouble)
            return
        self._show("way")

    def _choose_way(self) -> None:
        self._way = way = self.query_one(WayPage).way
        try:
            org = self._again or self._plain()
        except TroubleError as error:
            self.tell(error.trouble)
            return
        asked_for = (way, org.data_center, org.accounts_url)
        if asked_for != self._asked_for:  # else what was typed stays
            self._asked_for = asked_for
            examples = self.desk.examples(way, self._again.name if self._again else None)
            clients = self.desk.clients(org)
            self.query_one(ClientPage).show(
                way, org.data_center, clients, self._again, examples, self.desk.now()
            )
        self._show("client")

    def _plain(self) -> Org:
        """The new org, as far as the first page tells."""
        return self.desk.check({**self.query_one(OrgPage).values, "client_id": "1000"})

    # Signing in

    def _begin(self) -> None:
        page, way = self.query_one(ClientPage), self._way
        assert way is not None
        try:
            if self._attempt is None:
                self._attempt = self.desk.begin(self._draft(page, way), way, again=self._again)
        except TroubleError as error:
            self.tell(error.trouble)
            return
        self._progress = None
        self.query_one(WaitPage).clear()
        self._show("wait")
        self.work(self._sign_in(self._attempt, page))

    def _draft(self, page: ClientPage, way: Way) -> Org:
        """The org as it is to be watched, from all that was typed but the secrets."""
        own = {"client_id": page.client_id}
        if way == "client-credentials":
            own |= {"grant": "client-credentials", "soid": page.soid}
        if self._again is None:
            return self.desk.check({**self.query_one(OrgPage).values, **own})
        before = self.desk.table_of(self._again)
        kept = {key: text for key, text in before.items() if key not in ("grant", "soid")}
        return self.desk.check(kept | own, besides=self._again.name)

    async def _sign_in(self, attempt: Attempt, page: ClientPage) -> None:
        found = await attempt.sign_in(
            page.client_secret, page.answer, self._show_progress, client_of=page.client_of
        )
        if self._is_at(attempt, "wait"):
            self.query_one(FoundPage).show(found)
            self._show("found")

    async def _keep(self) -> None:
        attempt = self._attempt
        if attempt is None or self._result:
            return
        known = await attempt.keep()
        if self.is_mounted:
            self._attempt = None
            self.end(known)

    def failed(self, trouble: Trouble) -> None:
        """What Zoho gave already, and may still be of use, is not asked for again."""
        attempt = self._attempt
        if self.page == "wait" and attempt:
            if attempt.is_signed_in and trouble.kind != "auth":
                self.query_one(WaitPage).show_stalled()
                again = self.query_one("#next", Button)
                again.display = True
                self.set_focus(again)
            else:
                self._drop()
                if trouble.code == NO_CLIENT_SECRET.code:
                    self.query_one(ClientPage).ask_for_client()
                self._show("client")
        self.tell(trouble)

    def _is_at(self, attempt: Attempt, page: str) -> bool:
        return self.is_mounted and self._attempt is attempt and self.page == page

    def _drop(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self.desk.start(attempt.abandon())

    def on_unmount(self) -> None:
        self._drop()

    # Progress

    def _show_progress(self, progress: Progress) -> None:
        if not self.is_mounted:
            return
        news = self._progress
        self._progress = progress
        self.query_one(WaitPage).show(progress, self.desk.now())
        if isinstance(progress, BrowserPage) and news is None:
            self.action_open()

    def tick(self) -> None:
        super().tick()
        if self.page == "wait":
            self.query_one(WaitPage).tick(self.desk.now())
        elif self.page == "client":
            self.query_one(ClientPage).tick(self.desk.now())

    def action_open(self) -> None:
        """The page that is to be opened, in this machine's browser."""
        if isinstance(page := self._progress, DeviceCode):
            self.work(self._open(page.complete_url or page.url))
        elif isinstance(page, BrowserPage):
            self.work(self._open(page.url))

    async def _open(self, url: str) -> None:
        opened = await self.desk.open_page(url)
        if self.is_mounted:
            self.query_one(WaitPage).note_opened(opened)

    def action_copy(self) -> None:
        """The address while it is shown, else the scopes; never a secret."""
        page, text, what = self._progress, SCOPES, "The scopes are"
        if self.page == "wait" and isinstance(page, DeviceCode | BrowserPage):
            text, what = page.url, "The address is"
        self.app.copy_to_clipboard(text)
        self.notify(f"{what} on the clipboard.", timeout=3)
