"""Escape sequences for the window title and for desktop notifications. Pure.

Text from outside has been cleaned of control characters (`model.text`), so it cannot end an escape sequence
early.
"""

from __future__ import annotations

from typing import Final

from zbtui.health.alert_settings import DesktopNotification

SAVE_TITLE: Final = "\x1b[22;0t"
"""The escape sequence that makes the terminal save its current window title."""
RESTORE_TITLE: Final = "\x1b[23;0t"
_BELL, _ESC = "\x07", "\x1b"


def title_sequence(title: str) -> str:
    """Return the escape sequence that sets the window title (OSC 2)."""
    return f"\x1b]2;{title}{_BELL}"


def notification_sequence(desktop: DesktopNotification, title: str, text: str, *, tmux: bool) -> str:
    """Return the escape sequence that shows a desktop notification.

    The sequence is OSC 9 (iTerm2, kitty …) or OSC 777 (urxvt, foot …). If `tmux` is true, the sequence is
    wrapped so that tmux passes it on to the terminal, for which tmux needs `allow-passthrough on`.
    """
    if desktop == "osc9":
        sequence = f"\x1b]9;{title}: {text}{_BELL}"
    else:  # semicolons separate the fields
        sequence = f"\x1b]777;notify;{title.replace(';', ',')};{text.replace(';', ',')}{_BELL}"
    return f"\x1bPtmux;{sequence.replace(_ESC, _ESC * 2)}\x1b\\" if tmux else sequence
