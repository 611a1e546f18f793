"""Small commands load no large libraries: import-linter cannot see imports within functions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "httpx", "keyring", "sqlite3", "dateutil", "tomlkit", "zbtui.demo")


def loaded_by(code: str) -> set[str]:
    report = "import sys; sys.stderr.write(' '.join(sys.modules))"
    # Without coverage, which loads libraries, too.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], env=env, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("command", ["--version", "paths", "list"])
def test_a_small_command_loads_no_large_library(command: str) -> None:
    code = "import contextlib, zbtui.cli\nwith contextlib.suppress(SystemExit):\n "
    assert loaded_by(f"{code} zbtui.cli.main(['{command}'])").isdisjoint(HEAVY)


def test_check_loads_no_screen() -> None:
    loaded = loaded_by("import zbtui.check, zbtui.watch.session")
    assert loaded.isdisjoint({"textual", "rich", "zbtui.demo"})


def test_the_screen_loads_neither_wire_nor_keyring() -> None:
    assert loaded_by("import zbtui.tui.app").isdisjoint({"httpx", "keyring", "zbtui.zoho", "zbtui.demo"})


def test_the_keyring_is_loaded_by_the_first_call_only() -> None:
    assert "keyring" not in loaded_by("import zbtui.store.keyring_credentials, zbtui.onboarding, zbtui.cli")
