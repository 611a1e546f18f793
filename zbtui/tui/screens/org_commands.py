"""The commands of the fleet screen that act on the selected org or on all orgs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemError
from zbtui.model.time_format import countdown
from zbtui.presentation.crm_page import crm_url
from zbtui.tui.clipboard import copy
from zbtui.tui.org_list import OrgList
from zbtui.tui.screens.detail_screen import SIGN_IN, DetailScreen
from zbtui.tui.views.verdict_text import org_summary
from zbtui.watch.fleet import Fleet
from zbtui.zoho_api.errors import BACKUP_MENU

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService

    _Base = Screen[Any]
else:
    _Base = object


class OrgCommands(_Base):
    """The fleet screen's actions on orgs. Toasts name the org, or its alias while names are hidden."""

    fleet: Fleet
    org_service: OrgService
    org_list: OrgList

    @property
    def selected_org(self) -> str | None:
        """The name of the org under the cursor, or None."""
        raise NotImplementedError

    def _hold_selected_org(self) -> Snapshot | None:
        """Return the selected org's snapshot; this also makes the orgs keep their order for a while."""
        self.org_list.restart_idle_timer()
        return self.org_list.all_orgs.get(self.selected_org or "")

    def _show_toast(self, text: str) -> None:
        self.notify(text)

    # Polling and muting

    def action_look(self) -> None:
        if org := self._hold_selected_org():
            self.poll(org.org.name)

    def poll(self, org_name: str) -> None:
        """Poll the org called `org_name` now, or show a toast that says why that is not possible."""
        org, name = self.org_list.all_orgs.get(org_name), self.org_list.display_name(org_name)
        if org is None:
            return
        if org.activity.paused:
            self._show_toast(f"{name} is paused: resume it first.")
            return
        until = self.fleet.poll_soon(org_name)
        if until is not None:
            reason = "that would bring on, or prolong, Zoho's lock-out"
            left = countdown(until - self.fleet.now())
            self._show_toast(f"{name} is asked again in {left}, not before: {reason}.")

    def action_look_all(self) -> None:
        orgs = list(self.org_list.all_orgs.values())
        locked = [org for org in orgs if not org.activity.paused and self.fleet.poll_soon(org.org.name)]
        if locked:
            names = ", ".join(self.org_list.display_name(org.org.name) for org in locked[:3])
            self._show_toast(f"Not before its time, or Zoho locks it: {names}")
        if paused := sum(org.activity.paused for org in orgs):
            self._show_toast(f"{paused} paused, and not looked at.")

    def action_pause(self) -> None:
        if org := self._hold_selected_org():
            self.fleet.pause(org.org.name, not org.activity.paused)

    def action_pause_all(self) -> None:
        orgs = self.fleet.snapshots
        pause = not all(org.activity.paused for org in orgs)
        for org in orgs:
            self.fleet.pause(org.org.name, pause)

    def action_mute(self) -> None:
        if org := self._hold_selected_org():
            self.run_worker(self._mute(org), exit_on_error=False)

    async def _mute(self, org: Snapshot) -> None:
        name, mute = org.org.name, not org.org.mute
        try:
            await self.org_service.edit(name, replace(org.org, mute=mute), org.org)
        except ProblemError as error:
            self._show_toast(self.org_list.problem_text(error.problem))
            return
        outcome = "is muted: nobody is alerted of it" if mute else "is no longer muted"
        self._show_toast(f"{self.org_list.display_name(name)} {outcome}.")

    # Screens

    def action_open(self) -> None:
        """Open the sign-in form if the selected org has to sign in again, else the detail screen."""
        org = self._hold_selected_org()
        if org and org.polls.problem and org.polls.problem.kind == "auth":
            self.action_sign_in()
        else:
            self.action_detail()

    def action_detail(self) -> None:
        if org := self._hold_selected_org():
            screen = DetailScreen(self.fleet, org.org.name, self.org_list, self.poll, self.open_crm)
            self.app.push_screen(screen, self._after_detail)

    def _after_detail(self, result: str | None) -> None:
        if result == SIGN_IN:
            self.action_sign_in()

    def action_sign_in(self) -> None:
        from zbtui.tui.forms.sign_in_screen import SignInScreen  # imported here to keep startup fast

        if org := self._hold_selected_org():
            self.app.push_screen(SignInScreen(self.org_service, org.org), self._after_sign_in)

    def _after_sign_in(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self.fleet.restart_with(snapshot)
            self.announce_org(snapshot)

    def announce_org(self, snapshot: Snapshot) -> None:
        """Show a toast for an org that was added or signed in again, and select the org."""
        raise NotImplementedError

    def action_edit(self) -> None:
        from zbtui.tui.forms.edit_screen import EditScreen

        if org := self._hold_selected_org():
            self.app.push_screen(EditScreen(self.org_service, org.org, self.fleet.policy))

    def action_remove(self) -> None:
        from zbtui.tui.forms.remove_screen import RemoveScreen

        if org := self._hold_selected_org():
            self.app.push_screen(RemoveScreen(self.org_service, org.org))

    # Clipboard and browser

    def action_copy(self) -> None:
        if org := self._hold_selected_org():
            shown, verdict = self.org_list.snapshot(org.org.name), self.org_list.verdict(org.org.name)
            subject = f"how {self.org_list.display_name(org.org.name)} stands"
            copy(self, org_summary(shown, verdict, self.fleet.now()), subject)

    def action_page(self) -> None:
        if org := self._hold_selected_org():
            self.open_crm(org.org.name)

    def open_crm(self, org_name: str) -> None:
        """Open the CRM of the org called `org_name` in the browser."""
        if org := self.org_list.all_orgs.get(org_name):
            self.run_worker(self._open_crm(org), exit_on_error=False)

    async def _open_crm(self, org: Snapshot) -> None:
        """Open the org's CRM in the browser; if there is no browser, copy the URL to the clipboard."""
        url = crm_url(org)
        if url is None:
            self._show_toast("This org's data center is one of your own: its page is not known.")
        elif await self.org_service.open_in_browser(url):
            self._show_toast(f"Opened in the browser; go on to {BACKUP_MENU}.")
        else:
            copy(self, url, "the address, as there is no browser here", f"There: {BACKUP_MENU}.")
