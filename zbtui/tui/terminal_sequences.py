"""What a terminal is told beside the screen: its title, and notices for the desktop. Pure texts.

All texts are clean (`core.text`): none can end its sequence early.
"""

from __future__ import annotations

from typing import Final

from zbtui.health.alert_settings import DesktopNotification

SAVE_TITLE: Final = "\x1b[22;0t"
"""Have the terminal remember the title that it had."""
RESTORE_TITLE: Final = "\x1b[23;0t"
_BELL, _ESC = "\x07", "\x1b"


def title_sequence(title: str) -> str:
    """Sets the title of the window (OSC 2)."""
    return f"\x1b]2;{title}{_BELL}"


def notification_sequence(desktop: DesktopNotification, title: str, text: str, *, tmux: bool) -> str:
    """A notice on the desktop: OSC 9 (iTerm2, kitty …) or OSC 777 (urxvt, foot …).

    Args:
        tmux: wrapped, so that tmux hands it on (with its `allow-passthrough` on).
    """
    if desktop == "osc9":
        sequence = f"\x1b]9;{title}: {text}{_BELL}"
    else:  # a semicolon parts its fields
        sequence = f"\x1b]777;notify;{title.replace(';', ',')};{text.replace(';', ',')}{_BELL}"
    return f"\x1bPtmux;{sequence.replace(_ESC, _ESC * 2)}\x1b\\" if tmux else sequence
