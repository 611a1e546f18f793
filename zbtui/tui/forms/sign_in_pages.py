"""The pages of the sign-in form; each page shows and reads its own fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Select, Static
from textual.widgets.option_list import Option

from zbtui.model.org import CUSTOM_DATA_CENTER, SIGN_IN_METHODS, Org, SignInMethod
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, RequestingFromZoho, SignInProgress
from zbtui.model.time_format import countdown, datetime_texts
from zbtui.presentation.qr import qr_rows
from zbtui.presentation.sign_in_guide import DEFAULT_REDIRECT_PORT, SIGN_IN_GUIDES, sign_in_steps
from zbtui.tui.bindings import key_of
from zbtui.tui.forms.fields import Field, choice_field, data_center_field, secret_field, text_field
from zbtui.tui.widgets.labelled_rows import LabelledRows
from zbtui.zoho_api.errors import SIGN_IN_SCOPES, data_center_label
from zbtui.zoho_api.organization import Company, describe_company

if TYPE_CHECKING:
    from zbtui.onboarding.sign_in_flow import SignInPreview

_CODE_LIFETIME: Final = timedelta(minutes=10)
_TYPED_IN: Final = ""
"""The value of the field `client_of` if the user types in the OAuth client's id and secret."""


class SignInPage(Vertical):
    """The base class of the sign-in form's pages; finds fields by key."""

    def field(self, key: str) -> Field:
        return next(field for field in self.query(Field) if field.key == key)

    @property
    def editors(self) -> list[Widget]:
        """The editors (inputs and selects) of all visible fields, from top to bottom."""
        return [field.editor for field in self.query(Field) if field.display]

    def key_of(self, action: str) -> str:
        """Return the key that runs `action` on the sign-in screen."""
        return key_of(self.screen, f"sign-in.{action}")

    def show_fields(self, **shown: bool) -> None:
        for key, display in shown.items():
            self.field(key).display = display


class OrgPage(SignInPage):
    """Asks for the org's name and data center."""

    def __init__(self, examples: Mapping[str, str]) -> None:
        super().__init__(id="org")
        self._examples = examples

    def compose(self) -> ComposeResult:
        yield Static("What to call it, and what its address bar says:", classes="lead")
        yield text_field("name", "Name", self._examples.get("name", ""), "such as acme")
        data_center = self._examples.get("data_center", "us")
        yield data_center_field(data_center, ("custom  another host", CUSTOM_DATA_CENTER))
        yield text_field("accounts_url", "Accounts URL", "", "such as https://accounts.example.com")
        yield text_field("api_url", "API URL", "", "such as https://api.example.com")

    def on_mount(self) -> None:
        self.update_custom_fields()

    def update_custom_fields(self) -> None:
        custom = self.field("data_center").value == CUSTOM_DATA_CENTER
        self.show_fields(accounts_url=custom, api_url=custom)

    @property
    def values(self) -> dict[str, str]:
        """The typed values by their keys in the config's `[[org]]` table."""
        shown = {field.key: field.value for field in self.query(Field) if field.display}
        return {key: text for key, text in shown.items() if text or key == "name"}


class MethodPage(SignInPage):
    """Asks for the sign-in method: how the user gives zbtui access at Zoho."""

    def __init__(self, first: SignInMethod) -> None:
        """`first` is the sign-in method that is highlighted when the page opens."""
        super().__init__(id="way")
        self._first: SignInMethod = first

    def compose(self) -> ComposeResult:
        yield Static("How to sign in:", classes="lead")
        options = []
        for method in SIGN_IN_METHODS:
            guide = SIGN_IN_GUIDES[method]
            requirement = (f"  {guide.requirement}", "$text-muted")
            options.append(Option(Content.assemble((guide.title, "bold"), "\n", requirement), id=method))
        yield OptionList(*options, id="ways", compact=True, markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = SIGN_IN_METHODS.index(self._first)

    @property
    def editors(self) -> list[Widget]:
        return [self.query_one(OptionList)]

    @property
    def method(self) -> SignInMethod:
        return SIGN_IN_METHODS[self.query_one(OptionList).highlighted or 0]


class ClientPage(SignInPage):
    """Shows the steps in Zoho's API console, and asks for the OAuth client's data from there."""

    def __init__(self) -> None:
        super().__init__(id="client")
        self._method: SignInMethod = SIGN_IN_METHODS[0]
        self._clients: dict[str, Org] = {}
        self._opened_at: datetime | None = None

    def compose(self) -> ComposeResult:
        yield LabelledRows()
        yield Static(id="scopes", markup=False)
        yield choice_field("client_of", "Client", [("typed in here", _TYPED_IN)], _TYPED_IN)
        yield text_field("client_id", "Client id", "", "such as 1000.ABCDEF")
        yield secret_field("client_secret", "Client secret")
        yield text_field("soid", "Org number", "", "such as 20098765432")
        yield secret_field("answer", "Code")
        yield Static(id="minutes", markup=False)

    def fill_in(
        self,
        method: SignInMethod,
        data_center: str,
        clients: Iterable[Org],
        existing: Org | None,
        examples: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Fill in the page for the sign-in method and the data center that the user has chosen.

        Args:
            clients: The orgs under watch whose OAuth client can be used for this sign-in, too.
            existing: The org that signs in again, or None for a new org.
            examples: The initial texts of fields, by field key.
            now: The time at which the page opens.
        """
        guide = SIGN_IN_GUIDES[method]
        self._method, self._opened_at = method, now
        self._clients = {org.name: org for org in clients}
        steps = sign_in_steps(
            method, data_center, f"http://localhost:{DEFAULT_REDIRECT_PORT}/", "shown below"
        )
        self.query_one(LabelledRows).set_rows([(f"{n}", step) for n, step in enumerate(steps, start=1)])
        scopes = self.query_one("#scopes", Static)
        hint = (f"  {self.key_of('copy')} copies", "$text-muted")
        scopes.update(Content.assemble((SIGN_IN_SCOPES, "bold"), hint))
        scopes.display = method == "code"
        options = [(Content("typed in here"), _TYPED_IN)]
        for name, org in self._clients.items():
            options.append((Content(f"that of {name} ({org.client_id})"), name))
        choice = self.field("client_of").query_one(Select)
        choice.set_options(options)
        choice.value = (
            existing.name if existing and existing.name in self._clients and not examples else _TYPED_IN
        )
        self.field("answer").query_one(Static).update(Content((guide.pasted_value or "").capitalize()))
        initial_values = {"client_id": existing.client_id if existing else "", **examples}
        for key in ("client_id", "client_secret", "soid", "answer"):
            self.field(key).value = initial_values.get(key, "")
        self.show_fields(
            client_of=bool(self._clients),
            soid=method == "client-credentials",
            answer=bool(guide.pasted_value),
        )
        self.update_client_fields()
        self.tick(now)

    def reset_client_choice(self) -> None:
        """Set the field `client_of` back, so that the user types in the OAuth client's id and secret."""
        self.field("client_of").value = _TYPED_IN
        self.update_client_fields()

    def update_client_fields(self) -> None:
        is_typed = self.field("client_of").value == _TYPED_IN
        self.show_fields(client_id=is_typed, client_secret=is_typed)

    def tick(self, now: datetime) -> None:
        """Show how much longer a code is valid that was generated at Zoho when this page opened."""
        minutes = self.query_one("#minutes", Static)
        minutes.display = self._method == "code"
        if self._opened_at is None or self._method != "code":
            return
        ends = self._opened_at + _CODE_LIFETIME
        text = f"A 10-minute code made when this page opened is good for {_time_left(ends, now)}."
        if ends <= now:
            text = "A code made when this page opened is too old by now: generate a new one."
        minutes.update(Content(text))

    @property
    def client_from(self) -> str | None:
        return self.field("client_of").value or None

    @property
    def client_id(self) -> str:
        org = self._clients.get(self.client_from or "")
        return org.client_id if org else self.field("client_id").value

    @property
    def soid(self) -> str:
        return f"ZohoCRM.{self.field('soid').value.removeprefix('ZohoCRM.')}"

    @property
    def client_secret(self) -> str | None:
        """The typed client secret, which callers must not store; None if an org's client is reused."""
        return None if self.client_from else self.field("client_secret").value

    @property
    def code_or_token(self) -> str | None:
        """The typed code or refresh token, which callers must not store; None if neither is needed."""
        return self.field("answer").value if SIGN_IN_GUIDES[self._method].pasted_value else None


class WaitPage(SignInPage):
    """Shows the progress of the sign-in, and what the user has to do meanwhile."""

    def __init__(self) -> None:
        super().__init__(id="wait")
        self._progress: SignInProgress | None = None

    def compose(self) -> ComposeResult:
        for name in ("asking", "code", "qr", "left", "opened"):
            yield Static(id=name, markup=False)

    def clear(self) -> None:
        """Remove all that the previous sign-in attempt has shown on this page."""
        self._progress = None
        for static in self.query(Static):
            static.update("")
        self.query_one("#code").display = self.query_one("#qr").display = False

    def show_poll_failed(self) -> None:
        """Show that the sign-in worked, but the first poll of the org failed."""
        self.clear()
        self.query_one("#asking", Static).update(
            "Zoho signed you in; looking at the org failed. Try again, or go back, which gives it up."
        )

    def show(self, progress: SignInProgress, now: datetime) -> None:
        is_same_code = isinstance(progress, DeviceCode) and isinstance(self._progress, DeviceCode)
        self._progress = progress
        asking, code, qr = (self.query_one(selector, Static) for selector in ("#asking", "#code", "#qr"))
        if not is_same_code:
            self.query_one("#opened", Static).update("")
            code.display = qr.display = isinstance(progress, DeviceCode)
        match progress:
            case RequestingFromZoho(what):
                asking.update(Content(f"Asking Zoho {what} …"))
            case DeviceCode() if not is_same_code:
                address = (progress.verification_url, "bold")
                asking.update(Content.assemble("In any browser, open ", address, " and enter"))
                code.update(Content(f"  {' '.join(progress.user_code)}  "))
                url_with_code = progress.verification_url_with_code
                lines = qr_rows(url_with_code) if url_with_code else []
                qr.update(Content("\n".join(lines)))
                # The QR code is shown only if it and the 13 other rows fit; the address alone is enough.
                qr.display = bool(lines) and self.app.size.height >= len(lines) + 13
            case ConsentPage(url, redirect_uri):
                lead = "Accept in the browser. It comes to "
                redirect = (redirect_uri, "bold")
                asking.update(Content.assemble(lead, redirect, f" by itself.\n\n{url}"))
            case _:
                pass
        self.tick(now)

    def show_browser_opened(self, opened: bool) -> None:
        no_browser = "This machine has no browser to open it in: copy the address."
        text = "Opened in this machine's browser." if opened else no_browser
        self.query_one("#opened", Static).update(Content(text))

    def tick(self, now: datetime) -> None:
        left = self.query_one("#left", Static)
        keys = f"{self.key_of('open')} opens it here · {self.key_of('copy')} copies the address"
        match self._progress:
            case DeviceCode(expires_at=ends, next_poll=poll):
                text = f"Good for {_time_left(ends, now)} · Zoho is asked again in {_time_left(poll, now)}"
                left.update(Content(f"{text}\n{keys}"))
            case ConsentPage(expires_at=ends):
                left.update(Content(f"Waits for {_time_left(ends, now)}\n{keys}"))
            case _:
                left.update("")


def _time_left(end: datetime, now: datetime) -> str:
    """Return the time until `end`, such as `04:31` (minutes and seconds); never negative."""
    return countdown(max(end - now, timedelta())).removeprefix("00:")


class ConfirmPage(SignInPage):
    """Asks whether the sign-in has reached the right org."""

    def __init__(self) -> None:
        super().__init__(id="found")

    def compose(self) -> ComposeResult:
        yield Static("Is it this one?", classes="lead")
        yield LabelledRows()

    def show(self, preview: SignInPreview) -> None:
        company, org = preview.company, preview.org
        rows = [("Company", describe_company(company))]
        if isinstance(company, Company):
            rows.append(("Org number", company.org_number or "not told"))
            if company.org_type and company.org_type.lower() != "production":
                rows.append(("Kind", f"{company.org_type}: not a production org"))
        rows.append(("Data center", data_center_label(org.data_center)))
        backup = preview.observation.backup if preview.observation else None
        rows.append(("Backup", (backup.status or "no status") if backup else "none is set up"))
        if backup and backup.next_run:
            rows.append(("Next run", datetime_texts(backup.next_run, None)[0]))
        if backup and backup.requester:
            rows.append(("Set up by", backup.requester.name or "unnamed"))
        self.query_one(LabelledRows).set_rows(rows)
