"""The message after a copy claims no more than is known of the clipboard."""

from __future__ import annotations

import pytest

from tests.tui.app_driver import drive_app
from zbtui.tui.clipboard import copied_sentence


@pytest.mark.parametrize(
    ("is_copied", "environ", "message"),
    [
        (True, {}, "Copied: the line."),
        (True, {"TMUX": "/tmp/tmux-1000/default,1,0"}, "Copied: the line."),
        (False, {}, "Sent to the terminal: the line."),
        (
            False,
            {"TMUX": "/tmp/tmux-1000/default,1,0"},
            "Sent to the terminal: the line. tmux takes it on with: set -s set-clipboard on",
        ),
        (False, {"STY": "1.pts"}, "Sent to the terminal: the line. GNU screen does not take it on."),
    ],
)
def test_copied_is_said_only_where_the_clipboard_took_it(
    is_copied: bool, environ: dict[str, str], message: str
) -> None:
    assert copied_sentence("the line", is_copied=is_copied, environ=environ) == message


@pytest.mark.parametrize(
    ("keys", "subject"),
    [("y", "how acme stands"), ("iy", "Verdict"), ("iY", "Zoho's answer as JSON")],
)
@pytest.mark.parametrize("taken", [True, False])
async def test_each_copy_says_where_it_went(
    keys: str, subject: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    async def take(text: str) -> bool:
        given.append(text)
        return taken

    monkeypatch.setattr("zbtui.tui.clipboard.copy_to_system_clipboard", take)
    async with drive_app(show_toasts=True) as driven:
        await driven.press(*keys)
        await driven.press()
        await driven.press()
        shown = driven.screen_text
        assert ("Copied: " in shown) is taken
        assert ("Sent to the terminal: " in shown) is not taken
        assert subject in shown
        assert given == [driven.app.clipboard]
