"""Copying to the system's clipboard by a program that gets the text on stdin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zbtui.store.clipboard import clipboard_command, copy_to_system_clipboard

WAYLAND, X11 = {"WAYLAND_DISPLAY": "wayland-0"}, {"DISPLAY": ":0"}
ALL = ("wl-copy", "xclip", "xsel", "pbcopy", "clip")
XCLIP = ["/bin/xclip", "-selection", "clipboard"]


@pytest.mark.parametrize(
    ("platform", "environ", "installed", "command"),
    [
        ("linux", WAYLAND, ALL, ["/bin/wl-copy"]),
        ("linux", WAYLAND | X11, ("xclip",), XCLIP),
        ("linux", X11, ALL, XCLIP),
        ("linux", X11, ("xsel",), ["/bin/xsel", "--clipboard", "--input"]),
        ("linux", X11, (), None),
        ("linux", {}, ALL, None),
        ("linux", X11 | {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, ALL, None),
        ("darwin", {}, ALL, ["/bin/pbcopy"]),
        ("darwin", {"SSH_TTY": "/dev/pts/1"}, ALL, None),
        ("win32", {}, ALL, ["/bin/clip"]),
    ],
)
def test_the_program_is_that_of_the_desktop_where_the_person_sits(
    platform: str, environ: dict[str, str], installed: tuple[str, ...], command: list[str] | None
) -> None:
    def which(name: str) -> str | None:
        return f"/bin/{name}" if name in installed else None

    assert clipboard_command(platform, environ, which) == command


@pytest.mark.parametrize(("script", "taken"), [("cat >{}", True), ("exit 1", False), ("", False)])
async def test_a_text_is_taken_whole_or_not_at_all(
    script: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("the programs of X11")
    if script:
        program = tmp_path / "xclip"
        program.write_text(f"#!/bin/sh\n{script.format(tmp_path / 'taken')}\n")
        program.chmod(0o755)
    for name in ("WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin" if script else str(tmp_path))
    assert await copy_to_system_clipboard("acme: ✔ 高橋") is taken
    assert not taken or (tmp_path / "taken").read_text("utf-8") == "acme: ✔ 高橋"
