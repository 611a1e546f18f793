"""Fixtures for the tests of the screen."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_system_clipboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests from changing the clipboard of the machine's user."""

    async def refuse(text: str) -> bool:
        return False

    monkeypatch.setattr("zbtui.tui.clipboard.copy_to_system_clipboard", refuse)
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
