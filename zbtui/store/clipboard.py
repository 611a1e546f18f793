"""Copies text to the clipboard with the system's clipboard program.

Unlike a terminal that is asked to copy, such a program reports whether it succeeded.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

_TIMEOUT_SECONDS: Final = 3.0


async def copy_to_system_clipboard(text: str) -> bool:
    """Copy `text` to the clipboard; return False if no clipboard program exists or the program failed."""
    command = clipboard_command(sys.platform, os.environ, shutil.which)
    return command is not None and await asyncio.to_thread(_run, command, text)


def clipboard_command(
    platform: str, environ: Mapping[str, str], which: Callable[[str], str | None]
) -> list[str] | None:
    """Return the command that copies its stdin to the clipboard, or None if this machine has none.

    In a session over ssh, the result is also None: the user sits at another machine, whose clipboard only
    the terminal can reach. `which` finds a program's path, as `shutil.which` does.
    """
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    if platform == "darwin":
        candidates = [["pbcopy"]]
    elif platform == "win32":
        candidates = [["clip"]]
    else:
        candidates = [["wl-copy"]] if environ.get("WAYLAND_DISPLAY") else []
        if environ.get("DISPLAY"):
            candidates += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    for name, *options in candidates:
        if path := which(name):
            return [path, *options]
    return None


def _run(command: list[str], text: str) -> bool:
    # `clip` reads UTF-16 with a byte order mark; the others read UTF-8.
    data = text.encode("utf-16" if sys.platform == "win32" else "utf-8")
    null = subprocess.DEVNULL
    # Some clipboard programs stay in the background, where they must not hold zbtui's terminal.
    detached = sys.platform != "win32"
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=null,
            stderr=null,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            start_new_session=detached,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
