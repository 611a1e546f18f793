"""Copies text with the system's clipboard program; a terminal does not report whether it copied a text."""

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
    """Put a text on the clipboard; False: no clipboard program exists, or it failed."""
    command = clipboard_command(sys.platform, os.environ, shutil.which)
    return command is not None and await asyncio.to_thread(_run, command, text)


def clipboard_command(
    platform: str, environ: Mapping[str, str], which: Callable[[str], str | None]
) -> list[str] | None:
    """The command that copies its stdin to the clipboard; None: no such program, or a session over ssh.

    Over ssh the user sits at another machine, whose clipboard only the terminal can reach.
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
    detached = sys.platform != "win32"  # some stay in the background: they must not keep our terminal
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
