"""Copies text to the clipboard and shows a toast with the result.

This machine's clipboard confirms a copy; the terminal, which gets the text too, does not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from textual.screen import Screen

from zbtui.store.clipboard import copy_to_system_clipboard

_TOAST_SECONDS: Final = 4.0
_TMUX_TEXT: Final = " tmux takes it on with: set -s set-clipboard on"
_SCREEN_TEXT: Final = " GNU screen does not take it on."


def copy(screen: Screen[Any], text: str, subject: str, more: str = "") -> None:
    """Copy `text` to the clipboard and show a toast.

    `subject` describes the text in the toast; `more` is a sentence that is added to the toast.
    """
    screen.app.copy_to_clipboard(text)
    screen.run_worker(_copy_and_notify(screen, text, subject, more), exit_on_error=False)


async def _copy_and_notify(screen: Screen[Any], text: str, subject: str, more: str) -> None:
    is_copied = await copy_to_system_clipboard(text)
    sentence = copied_sentence(subject, is_copied=is_copied, environ=os.environ)
    screen.notify(f"{sentence} {more}".rstrip(), timeout=_TOAST_SECONDS)


def copied_sentence(subject: str, *, is_copied: bool, environ: Mapping[str, str]) -> str:
    """Return the toast's sentence about copying the text that `subject` describes.

    `is_copied` is true if the system clipboard has confirmed the copy. `environ` holds the environment
    variables, which show whether tmux or GNU screen is in use.
    """
    if is_copied:
        return f"Copied: {subject}."
    sentence = f"Sent to the terminal: {subject}."
    if environ.get("TMUX"):
        return sentence + _TMUX_TEXT
    return sentence + _SCREEN_TEXT if environ.get("STY") else sentence
