"""The form that adds an org or signs an org in again, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, Input, OptionList, Select, Static

from zbtui.health.snapshot import Snapshot
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, SignInProgress
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.clipboard import copy
from zbtui.tui.forms.fields import FormBox
from zbtui.tui.forms.form_screen import FormScreen
from zbtui.tui.forms.sign_in_pages import ClientPage, ConfirmPage, MethodPage, OrgPage, SignInPage, WaitPage
from zbtui.zoho_api.errors import SIGN_IN_SCOPES
from zbtui.zoho_api.sign_in_errors import NO_CLIENT_SECRET_PROBLEM

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService
    from zbtui.onboarding.sign_in_flow import SignInFlow

_PAGES: Final = ("org", "way", "client", "wait", "found")
_NEXT_LABELS: Final = {
    "org": "Next",
    "way": "Next",
    "client": "Sign in",
    "wait": "Try again",
    "found": "Yes, watch it",
}


class SignInScreen(FormScreen[Snapshot | None]):
    """Guides the user through the sign-in, page by page; esc goes back one page.

    Only confirming the last page stores anything.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("sign-in")

    def __init__(self, org_service: OrgService, existing: Org | None = None) -> None:
        """`existing` is the org that signs in again, or None for a new org."""
        super().__init__(org_service)
        self._existing_org = existing
        self._pages = _PAGES[1:] if existing else _PAGES
        self._method: SignInMethod | None = None
        self._client_page_filled_for: tuple[str | None, ...] = ()
        """The sign-in method, data center and accounts URL for which the client page was filled in."""
        self._flow: SignInFlow | None = None
        self._progress: SignInProgress | None = None

    def compose(self) -> ComposeResult:
        with FormBox() as box:
            existing = self._existing_org
            box.border_title = Content(f"Sign in again: {existing.name}" if existing else "Add an org")
            if self.org_service.form_notice:
                yield Static(self.org_service.form_notice, id="banner", markup=False)
            with ContentSwitcher(initial=self._pages[0]):
                yield OrgPage(self.org_service.form_examples(None, None))
                has_own_client = existing is not None and existing.grant == "client-credentials"
                yield MethodPage("client-credentials" if has_own_client else SIGN_IN_METHODS[0])
                yield ClientPage()
                yield WaitPage()
                yield ConfirmPage()
            yield Static(id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Next", id="next", variant="primary", compact=True)
                yield Button("Cancel", id="back", compact=True)

    def on_mount(self) -> None:
        self._show_page(self._pages[0])

    # Pages

    @property
    def current_page(self) -> str:
        return self.query_one(ContentSwitcher).current or self._pages[0]

    def _show_page(self, page: str) -> None:
        self.query_one(ContentSwitcher).current = page
        box = self.query_one(FormBox)
        self.query_one("#back", Button).label = "Cancel" if page == self._pages[0] else "Back"
        if page == "found":
            self.query_one("#back", Button).label = "No"
        forward = self.query_one("#next", Button)
        forward.label = _NEXT_LABELS[page]
        forward.display = page != "wait"
        self.show_problem(None)
        box.scroll_home(animate=False)
        self.call_after_refresh(self._focus_page, page)

    def _focus_page(self, page: str) -> None:
        """Focus the first widget of `page` and show the page number; called after the page's layout."""
        if page != self.current_page:
            return
        self.set_focus(self._first_widget(page))
        box = self.query_one(FormBox)
        number, key = self._pages.index(page) + 1, key_of(self, "sign-in.back")
        box.border_subtitle = Content(f"{number} of {len(self._pages)} · {key} back")

    def _first_widget(self, page: str) -> Widget:
        if page in ("wait", "found"):
            return self.query_one("#back" if page == "wait" else "#next")
        editors = self.query_one(f"#{page}", SignInPage).editors
        # Inputs first: a choice already has its default.
        return next((editor for editor in editors if isinstance(editor, Input)), editors[0])

    # Navigation

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go to the next field on enter, and from the last field to the next page."""
        message.stop()
        editors = self.query_one(f"#{self.current_page}", SignInPage).editors
        if message.input not in editors:
            return  # enter was pressed twice, and the page has changed
        if after := editors[editors.index(message.input) + 1 :]:
            after[0].focus()
        else:
            self.action_next()

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        if self.current_page == "way" and message.option_list.id == "ways":
            self.action_next()

    def on_select_changed(self, message: Select.Changed) -> None:
        message.stop()
        self.query_one(OrgPage).update_custom_fields()
        self.query_one(ClientPage).update_client_fields()
        if message.select.has_focus:  # chosen by the user, not set by the program
            self._focus_next_field(message.select)

    def _focus_next_field(self, editor: Widget) -> None:
        """Focus the field after `editor`, or the Next button if `editor` is the last one."""
        editors = self.query_one(f"#{self.current_page}", SignInPage).editors
        after = editors[editors.index(editor) + 1 :] if editor in editors else []
        self.set_focus(after[0] if after else self.query_one("#next"))

    @on(Button.Pressed, "#next")
    def action_next(self) -> None:
        match self.current_page:
            case "org":
                self._check_org()
            case "way":
                self._choose_method()
            case "client" | "wait":
                self._begin_sign_in()
            case "found":
                self.run_in_service(self._save_org())

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        page = self.current_page
        if page == self._pages[0]:
            self.dismiss(None)
        elif page in ("wait", "found"):
            self._cancel_flow()
            self._show_page("client")
        else:
            self._show_page(self._pages[self._pages.index(page) - 1])

    def _check_org(self) -> None:
        try:
            self._org_from_first_page()
        except ProblemError as error:
            self.show_problem(error.problem)
            return
        self._show_page("way")

    def _choose_method(self) -> None:
        self._method = method = self.query_one(MethodPage).method
        try:
            org = self._existing_org or self._org_from_first_page()
        except ProblemError as error:
            self.show_problem(error.problem)
            return
        inputs = (method, org.data_center, org.accounts_url)
        if inputs != self._client_page_filled_for:  # else keep what was typed
            self._client_page_filled_for = inputs
            service, existing = self.org_service, self._existing_org
            examples = service.form_examples(method, existing.name if existing else None)
            clients, page = service.reusable_clients(org), self.query_one(ClientPage)
            page.fill_in(method, org.data_center, clients, existing, examples, service.now())
        self._show_page("client")

    def _org_from_first_page(self) -> Org:
        """Return the new org with the values of the first page. Raises ProblemError if one is invalid."""
        return self.org_service.parse_org({**self.query_one(OrgPage).values, "client_id": "1000"})

    # Signing in

    def _begin_sign_in(self) -> None:
        page, method = self.query_one(ClientPage), self._method
        assert method is not None
        try:
            if self._flow is None:
                org = self._draft(page, method)
                self._flow = self.org_service.begin_sign_in(org, method, existing=self._existing_org)
        except ProblemError as error:
            self.show_problem(error.problem)
            return
        self._progress = None
        self.query_one(WaitPage).clear()
        self._show_page("wait")
        self.run_in_service(self._sign_in(self._flow, page))

    def _draft(self, page: ClientPage, method: SignInMethod) -> Org:
        """Return the org made from all typed values except the secrets."""
        values = {"client_id": page.client_id}
        if method == "client-credentials":
            values |= {"grant": "client-credentials", "soid": page.soid}
        if self._existing_org is None:
            return self.org_service.parse_org({**self.query_one(OrgPage).values, **values})
        before = self.org_service.table_of(self._existing_org)
        unchanged = {key: text for key, text in before.items() if key not in ("grant", "soid")}
        return self.org_service.parse_org(unchanged | values, edited_name=self._existing_org.name)

    async def _sign_in(self, flow: SignInFlow, page: ClientPage) -> None:
        preview = await flow.sign_in(
            page.client_secret, page.code_or_token, self._show_progress, client_from=page.client_from
        )
        if self._is_current(flow, "wait"):
            self.query_one(ConfirmPage).show(preview)
            self._show_page("found")

    async def _save_org(self) -> None:
        flow = self._flow
        if flow is None or self._result:
            return
        snapshot = await flow.commit()
        if self.is_mounted:
            self._flow = None
            self.finish(snapshot)

    def show_failure(self, problem: Problem) -> None:
        """Show the problem because of which the sign-in or the saving has failed.

        If the user is signed in and only the first poll failed, the sign-in is kept and only the poll
        repeated.
        """
        flow = self._flow
        if self.current_page == "wait" and flow:
            if flow.is_signed_in and problem.kind != "auth":
                self.query_one(WaitPage).show_poll_failed()
                retry = self.query_one("#next", Button)
                retry.display = True
                self.set_focus(retry)
            else:
                self._cancel_flow()
                if problem.code == NO_CLIENT_SECRET_PROBLEM.code:
                    self.query_one(ClientPage).reset_client_choice()
                self._show_page("client")
        self.show_problem(problem)

    def _is_current(self, flow: SignInFlow, page: str) -> bool:
        return self.is_mounted and self._flow is flow and self.current_page == page

    def _cancel_flow(self) -> None:
        flow, self._flow = self._flow, None
        if flow is not None:
            self.org_service.start_task(flow.cancel())

    def on_unmount(self) -> None:
        self._cancel_flow()

    # Progress

    def _show_progress(self, progress: SignInProgress) -> None:
        if not self.is_mounted:
            return
        before = self._progress
        self._progress = progress
        self.query_one(WaitPage).show(progress, self.org_service.now())
        if isinstance(progress, ConsentPage) and before is None:
            self.action_open()

    def tick(self) -> None:
        super().tick()
        if self.current_page == "wait":
            self.query_one(WaitPage).tick(self.org_service.now())
        elif self.current_page == "client":
            self.query_one(ClientPage).tick(self.org_service.now())

    def action_open(self) -> None:
        """Open Zoho's sign-in page in this machine's browser."""
        if isinstance(page := self._progress, DeviceCode):
            self.run_in_service(self._open_url(page.verification_url_with_code or page.verification_url))
        elif isinstance(page, ConsentPage):
            self.run_in_service(self._open_url(page.url))

    async def _open_url(self, url: str) -> None:
        opened = await self.org_service.open_in_browser(url)
        if self.is_mounted:
            self.query_one(WaitPage).show_browser_opened(opened)

    def action_copy(self) -> None:
        """Copy Zoho's sign-in address if one is shown, else the OAuth scopes; never a secret."""
        page, text, subject = self._progress, SIGN_IN_SCOPES, "the scopes"
        if self.current_page == "wait" and isinstance(page, DeviceCode | ConsentPage):
            subject = "the address"
            text = page.url if isinstance(page, ConsentPage) else page.verification_url
        copy(self, text, subject)
