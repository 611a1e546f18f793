"""This machine's own clipboard, if it has one: a terminal does not tell whether it took a text."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

_SECONDS: Final = 3.0


async def copy_to_system_clipboard(text: str) -> bool:
    """Put a text on the clipboard; False: there is none, or it took nothing."""
    command = clipboard_command(sys.platform, os.environ, shutil.which)
    return command is not None and await asyncio.to_thread(_run, command, text)


def clipboard_command(
    platform: str, environ: Mapping[str, str], which: Callable[[str], str | None]
) -> list[str] | None:
    """The program that takes a text on stdin; None: there is none, or its clipboard is another person's.

    Over ssh the person sits at another machine, whose clipboard only the terminal reaches.
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
    # `clip` reads UTF-16 with a mark, and the others UTF-8.
    data = text.encode("utf-16" if sys.platform == "win32" else "utf-8")
    null = subprocess.DEVNULL
    detached = sys.platform != "win32"  # some go on in the background, and must not have our terminal
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=null,
            stderr=null,
            check=False,
            timeout=_SECONDS,
            start_new_session=detached,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
