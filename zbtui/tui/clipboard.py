"""Copying, and what can be said of it: only this machine's own clipboard tells that it took a text."""

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
    """Copy a text, and tell so. `subject`: what it is, in words; `more`: a sentence to add."""
    screen.app.copy_to_clipboard(text)
    screen.run_worker(_tell(screen, text, subject, more), exit_on_error=False)


async def _tell(screen: Screen[Any], text: str, subject: str, more: str) -> None:
    is_copied = await copy_to_system_clipboard(text)
    told = copied_sentence(subject, is_copied=is_copied, environ=os.environ)
    screen.notify(f"{told} {more}".rstrip(), timeout=_TOAST_SECONDS)


def copied_sentence(subject: str, *, is_copied: bool, environ: Mapping[str, str]) -> str:
    """What is known of a copy: the terminal does not answer."""
    if is_copied:
        return f"Copied: {subject}."
    told = f"Sent to the terminal: {subject}."
    if environ.get("TMUX"):
        return told + _TMUX_TEXT
    return told + _SCREEN_TEXT if environ.get("STY") else told
