"""The help screen: keys, filter fields, and a legend of the signs on the screen."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from zbtui.presentation.filter import FILTER_HELP
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.widgets.labelled_rows import LabelledRows

_LEGEND: Final = [
    ("● SCHEDULED", "a run is ahead, and the last one ended well"),
    ("✔ COMPLETED", "the last run ended well, and a run is ahead"),
    ("▶ INPROGRESS", "a backup is running; ▷ for longer than usual; ✖ after one that failed"),
    ("✖ FAILED", "the last backup failed"),
    ("≠ WRONG ORG", "the same sign-in answers for another org than before"),
    ("■ STOPPED", "the schedule was stopped: no backup will run"),
    ("◈ MISSED", "a run that was announced did not begin; Zoho announces another by now"),
    ("◆ OVERDUE", "the run did not start, and is hours late"),
    ("◇ TOO OLD", "the last good backup is older than the plan, or `max_age`, allows"),
    ("○ NO BACKUP", "nothing is set up"),
    ("△ …", "the last run ended with a word that zbtui does not know, as it came"),
    ("≡ TWIN", "the same org is under watch by another name"),
    ("◐ …", "a single backup: nothing will run by itself"),
    ("▲ …", "a status that zbtui does not know, as it came"),
    ("◔ …", "the download links expire within 48 hours, and no newer backup comes first"),
    ("? SIGN IN", "cannot tell: the sign-in is dead; open the org to sign in again, in place"),
    ("? NO ACCESS", "cannot tell: the user or the edition may not"),
    ("? THROTTLED", "cannot tell: Zoho wants fewer calls"),
    ("? OFFLINE", "cannot tell: no connection"),
    ("? ZOHO ERROR", "cannot tell: Zoho is out of order"),
    ("? BAD ANSWER", "cannot tell: the answer is not Zoho's, or not as documented"),
    ("? LOCKED", "cannot tell: the keyring is locked or missing"),
    ("? NO HISTORY", "whether the last backup worked is not known"),
    ("◌ WAITING", "not looked at yet, or not lately"),
    ("", ""),
    ("Order", "worst first; rests for 10 s after a move, and after a minute shows the worst again"),
    ("(stale)", "the last look failed, or there was none yet: this is what was seen before"),
    ("● ▲ ? ✖", "in the bar: how many are ok, warning, unknown, critical, of all orgs"),
    ("‖", "paused: not looked at until it is resumed"),
    ("~12:00", "in the agenda: about then, by the plan; Zoho names the next run alone"),
    ("≡", "in the agenda: runs of several orgs begin within this hour"),
    ("··1·2·", "in the agenda: the day's hours, and how many runs begin in each"),
    ("▲ ▼", "in the table: sorted by this column, upwards or downwards"),
    ("+3", "in the table: so many columns come in a wider window"),
    ("▌", "a mark that somebody gave the org"),
]
_BLANK_ROW: Final = ("", "")


class HelpScreen(ModalScreen[None]):
    """Shows the keys of the screen that opened the help, the filter fields and the legend."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("help")

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        """`keys` are pairs: the keys of one action, and the description of that action."""
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title = Content("Help")
            box.border_subtitle = Content(f"{key_of(self, 'help.back')} back")
            filter_words = [("Filter", "what Find takes; it works while it is typed"), *FILTER_HELP]
            yield LabelledRows([*self._keys, _BLANK_ROW, *filter_words, _BLANK_ROW, *_LEGEND])
